"""GameGAN's adversarial terms: Kim et al. 2020 (arXiv 2005.12126), Sec. 3.4, at the released scales.

Hinge losses of the three discriminators. The action-conditioned one also learns to reject a real pair under a
wrong action, and to tell which action and which z led from one frame to the next; the generator is rewarded
for pairs that give both away.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gamesim.config.gamegan import GameGANLosses
from gamesim.models.gamegan.discriminators import Discriminators, windows_with
from gamesim.models.gamegan.generator import Rollout
from gamesim.training.descent import masked_mean

REAL_LOGITS = 3
"""Single frame, pair and action head: each gets a third of the gradient penalty (the released setting)."""


def wrong_actions(actions: Tensor, num_actions: int) -> Tensor:
    """For each action another one, uniformly."""
    return (actions + torch.randint_like(actions, 1, num_actions)) % num_actions


Verdicts = dict[str, list[Tensor]]
"""Logits (B, T, any) by discriminator, one for each term of its loss."""


@dataclass
class Judged:
    """What the discriminators say of B real sequences and of the T steps that were drawn after them.

    Attributes:
        real, fake: verdicts on either.
        blend: verdicts on frames of which `share` (B, 1, 1) is real; empty if none were shown.
        played: (B, T), 1 where the step was played, 0 beyond the end of an episode.
        dreamt: for each temporal level the windows (B, windows, 1) in which a dreamt frame is.
        wrong: logits of real pairs under a wrong action.
        real_actions, fake_actions: logits (B, T, A) of the action of each pair.
        z: the z that each drawn pair seems to have (B, T, z_size).
        features: the mean distance between the features of real and of drawn frames.
    """

    real: Verdicts
    fake: Verdicts
    blend: Verdicts
    share: Tensor
    wrong: Tensor
    played: Tensor
    dreamt: list[Tensor]
    real_actions: Tensor
    fake_actions: Tensor
    z: Tensor
    features: Tensor


def judge(
    judges: Discriminators,
    rollout: Rollout,
    drawn: Tensor,
    frames: Tensor,
    actions: Tensor,
    played: Tensor,
    counts: Tensor | None = None,
    *,
    blends: bool = False,
) -> Judged:
    """Shows the discriminators each frame once, and pairs and clips as they were on screen.

    Args:
        judges: the discriminators.
        rollout: of the generator.
        drawn: its frames (B, T, 3, S, S), as a leaf for the generator's gradient.
        frames: the real ones (B, T + 1, 3, S, S).
        actions: int64 (B, T).
        played: (B, T), 1 where a step was played.
        counts: how much each place counts in the features' distance (B, T, side, side); None: all equally.
        blends: whether frames that are part real and part drawn are shown as well.
    """
    real_features = judges.encode(frames.flatten(0, 1))
    fake_features = judges.encode(drawn.flatten(0, 1))
    real = real_features[-1].unflatten(0, frames.shape[:2])
    fake = fake_features[-1].unflatten(0, actions.shape)
    pair, clip = _as_shown(judges, rollout.told, real, fake)
    real_pair = judges.pair.encode(real[:, :-1].flatten(0, 1), real[:, 1:].flatten(0, 1))
    flat, other = actions.flatten(), wrong_actions(actions.flatten(), judges.num_actions)
    share = torch.rand(len(frames), 1, 1, device=frames.device)

    def steps(logits: Tensor) -> Tensor:
        return logits.unflatten(0, actions.shape)

    def verdicts(maps: Tensor, pair: Tensor, clip: Tensor) -> Verdicts:
        return {
            "single": [steps(x) for x in judges.single(maps.flatten(0, 1))],
            "pair": [steps(judges.pair(pair, flat))],
            "temporal": judges.temporal(clip),
        }

    def blended() -> Verdicts:
        mixed = torch.lerp(drawn.detach().float(), frames[:, 1:].float(), share[..., None, None])
        maps = judges.encode(mixed.flatten(0, 1))[-1].unflatten(0, actions.shape)
        return verdicts(maps, *_as_shown(judges, rollout.told, real, maps))

    return Judged(
        real=verdicts(real[:, 1:], real_pair, real),
        fake=verdicts(fake, pair, clip),
        blend=blended() if blends else {},
        share=share,
        wrong=steps(judges.pair(real_pair, other)),
        played=played,
        dreamt=windows_with(_dreamt(rollout.told)),
        real_actions=steps(judges.pair.which_action(real_pair)),
        fake_actions=steps(judges.pair.which_action(pair)),
        z=steps(judges.pair.which_z(pair)),
        features=_features(real_features, fake_features, frames, played, counts),
    )


def _as_shown(judges: Discriminators, told: Tensor, real: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
    """Pairs (B * T, 2 C) and a clip (B, T + 1, C, h, h) of what was drawn, with what was on screen before.

    Args:
        judges: the discriminators.
        told: bool (B, T + 1), which frames on screen were real.
        real: maps of the real frames (B, T + 1, C, h, h).
        drawn: maps of what each step drew (B, T, C, h, h).
    """
    begin, known = real[:, :1], told[..., None, None, None]
    # A dreamt frame was fed back detached.
    before = torch.cat([begin, torch.where(known[:, 1:-1], real[:, 1:-1], drawn[:, :-1].detach())], 1)
    clip = torch.where(_dreamt(told)[..., None, None, None], torch.cat([begin, drawn], 1), real)
    return judges.pair.encode(before.flatten(0, 1), drawn.flatten(0, 1)), clip


def _dreamt(told: Tensor) -> Tensor:
    """Which frames of a clip are drawn: those that were not shown real, and the last; bool (B, T + 1)."""
    return torch.cat([~told[:, :-1], torch.ones_like(told[:, :1])], 1)


def _features(
    real: list[Tensor], fake: list[Tensor], frames: Tensor, played: Tensor, counts: Tensor | None
) -> Tensor:
    """L1 between the features of each real frame and of the one drawn for it, a mean over the layers."""
    terms = []
    for here, there in zip(real, fake, strict=True):
        wanted = here.detach().unflatten(0, frames.shape[:2])[:, 1:]
        distance = (there.unflatten(0, wanted.shape[:2]) - wanted).abs()
        if counts is not None:
            distance = distance * F.interpolate(counts, size=distance.shape[-2:])[:, :, None]
        terms.append(masked_mean(distance, played))
    return torch.stack(terms).mean()


def _each(judged: Judged, which: Verdicts) -> list[tuple[Tensor, Tensor, float]]:
    """Every logit with its mask and weight: whole, patches and pairs are summed, temporal levels a mean."""
    levels = len(judged.dreamt)
    still = [(logit, judged.played, 1.0) for logit in which["single"] + which["pair"]]
    return still + [
        (logit, windows, 1 / levels) for logit, windows in zip(which["temporal"], judged.dreamt, strict=True)
    ]


def discriminator_loss(
    judged: Judged, actions: Tensor, z: Tensor, losses: GameGANLosses, blended: Tensor | float = 0.0
) -> Tensor:
    """What the discriminators minimise, without the gradient penalty.

    Args:
        judged: what they say.
        actions: int64 (B, T).
        z: (B, T, z_size).
        losses: weights of the terms.
        blended: weight of blends now; it may change over a run.
    """
    real = [w * masked_mean(F.relu(1 - x), m) for x, m, w in _each(judged, judged.real)]
    fake = [w * masked_mean(F.relu(1 + x), m) for x, m, w in _each(judged, judged.fake)]
    wrong = masked_mean(F.relu(1 + judged.wrong), judged.played)
    total = torch.stack([*real, *fake, wrong]).sum()
    if judged.blend:
        total = total + blended * blended_loss(judged)
    total = total + losses.action_recovery * _unlike(judged.real_actions, actions, judged.played)
    return total + losses.z_recovery_discriminator * masked_mean((judged.z - z).square(), judged.played)


def blended_loss(judged: Judged) -> Tensor:
    """Mixup for discriminators, after Zhang et al. 2018 (arXiv 1710.09412, Sec. 3.5); ours, not GameGAN's.

    A frame of which a share is real is to be judged on the line from -1 to 1. Otherwise a wall that is half
    drawn looks less real than no wall at all, although a whole wall looks more real, and no gradient leads
    there.
    """
    wanted = 2 * judged.share - 1
    terms = [w * masked_mean((x - wanted).square(), m) for x, m, w in _each(judged, judged.blend)]
    return torch.stack(terms).sum()


def generator_loss(judged: Judged, actions: Tensor, z: Tensor, losses: GameGANLosses) -> dict[str, Tensor]:
    """The generator's adversarial terms, weighted, by name."""
    wanted = torch.stack([-w * masked_mean(x, m) for x, m, w in _each(judged, judged.fake)]).sum()
    return {
        "adversarial": wanted,
        "action_recovery": losses.action_recovery * _unlike(judged.fake_actions, actions, judged.played),
        "z_recovery": losses.z_recovery * masked_mean((judged.z - z).square(), judged.played),
        "features": losses.feature_matching * judged.features,
    }


def _unlike(logits: Tensor, actions: Tensor, played: Tensor) -> Tensor:
    """Cross entropy of action logits (B, T, A)."""
    unlike = F.cross_entropy(logits.flatten(0, 1).float(), actions.flatten(), reduction="none")
    return masked_mean(unlike.view_as(actions), played)


def gradient_penalty(
    judges: Discriminators, frames: Tensor, actions: Tensor, losses: GameGANLosses
) -> Tensor:
    """R1 (Mescheder et al. 2018, arXiv 1801.04406) on real frames in [-1, 1].

    The squared norm of each logit's gradient: of the single frame, the pair and the action head, a third
    each, a mean over frames and pairs; of the clip, a mean over clips.
    """
    pixels = (2 * frames - 1).detach().requires_grad_(True)
    maps = judges.encode(((pixels + 1) / 2).flatten(0, 1))[-1].unflatten(0, frames.shape[:2])
    # Every other pair, so that no frame is in two of them.
    before, after = maps[:, :-1:2].flatten(0, 1), maps[:, 1::2].flatten(0, 1)
    pair = judges.pair.encode(before, after)
    whole, patches = judges.single(after)
    heads = [
        whole + patches.mean(1, keepdim=True),
        judges.pair(pair, actions[:, ::2].flatten()),
        judges.pair.which_action(pair),
    ]
    still = torch.stack([_slope(head, pixels) for head in heads]).sum() / (REAL_LOGITS * len(pair))
    moving = torch.stack([logit.flatten(1).mean(1) for logit in judges.temporal(maps)]).mean(0)
    temporal = _slope(moving, pixels) / len(frames)
    return losses.gradient_penalty * still + losses.temporal_gradient_penalty * temporal


def _slope(logits: Tensor, pixels: Tensor) -> Tensor:
    """The squared norm of the gradient of the summed logits."""
    (gradient,) = torch.autograd.grad(logits.sum(), pixels, create_graph=True)
    return gradient.square().sum()
