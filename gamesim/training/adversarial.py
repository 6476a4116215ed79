"""GameGAN's adversarial terms (Kim et al. 2020, Sec. 3.4): hinge losses of the three discriminators.

A clip is judged frame by frame, pair by pair under its action, and in windows of time. The
action-conditioned discriminator also learns to reject a real pair under a wrong action, and to tell which
action (and which z) led from one frame to the next; the generator is rewarded for pairs that give it away.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gamesim.models.gamegan.engine import Judges
from gamesim.schema import GameGANLosses


@dataclass
class Clip:
    """Consecutive frames to judge: (B, T, 3, H, W), the actions (B, T - 1) between them, z if known."""

    frames: Tensor
    actions: Tensor
    z: Tensor | None = None

    @property
    def pairs(self) -> tuple[Tensor, Tensor, Tensor]:
        """(before, action, after), the time axis folded into the batch."""
        before, after = self.frames[:, :-1].flatten(0, 1), self.frames[:, 1:].flatten(0, 1)
        return before, self.actions.flatten(), after


def real_hinge(logits: list[Tensor]) -> Tensor:
    """mean(max(0, 1 - D(real))), averaged over the logits' terms."""
    return torch.stack([F.relu(1 - term).mean() for term in logits]).mean()


def fake_hinge(logits: list[Tensor]) -> Tensor:
    """mean(max(0, 1 + D(fake))), averaged over the logits' terms."""
    return torch.stack([F.relu(1 + term).mean() for term in logits]).mean()


def wanted(logits: list[Tensor]) -> Tensor:
    """-mean(D(fake)): what the generator minimises."""
    return -torch.stack([term.mean() for term in logits]).mean()


def wrong_actions(actions: Tensor, num_actions: int) -> Tensor:
    """For each action another one, uniformly."""
    return (actions + torch.randint_like(actions, 1, num_actions)) % num_actions


def discriminator_loss(
    judges: Judges, real: Clip, fake: Clip, losses: GameGANLosses, num_actions: int
) -> Tensor:
    """What the discriminators minimise; `fake` carries no gradient."""
    real_frames = real.frames.flatten(0, 1)
    penalised = losses.gradient_penalty > 0 or losses.temporal_gradient_penalty > 0
    clip = real.frames.detach().requires_grad_(penalised)
    before, action, after = Clip(clip, real.actions).pairs

    frame_logits = judges.single(clip.flatten(0, 1))[0]
    pair_logits = judges.action(before, action, after)[0]
    time_logits = judges.temporal(clip)[0]
    single = real_hinge(frame_logits) + fake_hinge(judges.single(fake.frames.flatten(0, 1))[0])
    wrong = judges.action(before.detach(), wrong_actions(action, num_actions), after.detach())[0]
    pair = real_hinge(pair_logits) + (fake_hinge(wrong) + fake_hinge(judges.action(*fake.pairs)[0])) / 2
    time = real_hinge(time_logits) + fake_hinge(judges.temporal(fake.frames)[0])
    total = losses.adversarial * (single + pair + time)
    if losses.action_recovery:
        total = total + losses.action_recovery * F.cross_entropy(judges.recover(before, after)[0], action)
    if losses.z_recovery_discriminator and fake.z is not None:
        _, guess = judges.recover(fake.pairs[0], fake.pairs[2])
        if guess is not None:
            total = total + losses.z_recovery_discriminator * F.mse_loss(guess, fake.z.flatten(0, 1))
    if penalised:
        count = len(real_frames)
        still = frame_logits + pair_logits
        total = total + losses.gradient_penalty * gradient_penalty(still, clip) / count
        total = total + losses.temporal_gradient_penalty * gradient_penalty(time_logits, clip) / len(clip)
    return total


def gradient_penalty(logits: list[Tensor], frames: Tensor) -> Tensor:
    """The squared norm of the logits' gradient at real frames, summed (R1: Mescheder et al. 2018)."""
    total = torch.stack([term.sum() for term in logits]).sum()
    (gradient,) = torch.autograd.grad(total, frames, create_graph=True)
    return gradient.square().sum()


def generator_loss(
    judges: Judges, real: Clip, fake: Clip, losses: GameGANLosses, *, paired: bool
) -> dict[str, Tensor]:
    """The generator's adversarial terms, weighted, by name.

    Args:
        judges: the discriminators.
        real: real clips.
        fake: dreamt clips of the same shape.
        losses: the weights.
        paired: whether `fake` tries to be `real`, step by step, so that features can be matched.
    """
    before, action, after = fake.pairs
    frame_logits, frame_features = judges.single(fake.frames.flatten(0, 1))
    pair_logits, _ = judges.action(before, action, after)
    time_logits, time_features = judges.temporal(fake.frames)
    total = wanted(frame_logits) + wanted(pair_logits) + wanted(time_logits)
    terms = {"adversarial": losses.adversarial * total}
    if losses.action_recovery or (losses.z_recovery and fake.z is not None):
        guess, z = judges.recover(before, after)
        terms["action_recovery"] = losses.action_recovery * F.cross_entropy(guess, action)
        if z is not None and fake.z is not None:
            terms["z_recovery"] = losses.z_recovery * F.mse_loss(z, fake.z.flatten(0, 1))
    if losses.feature_matching and paired:
        with torch.no_grad():
            target = judges.single(real.frames.flatten(0, 1))[1] + judges.temporal(real.frames)[1]
        pairs = zip(frame_features + time_features, target, strict=True)
        terms["features"] = losses.feature_matching * torch.stack([F.l1_loss(a, b) for a, b in pairs]).mean()
    return terms
