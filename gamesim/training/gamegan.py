"""Training of GameGAN: Kim et al. 2020 (arXiv 2005.12126), Sec. 3.4, with the released scales.

One step: the generator plays a batch of sequences, real frames on screen for a warm-up and its own after it;
the discriminators learn to tell drawn frames from real ones; the generator learns to fool them, to be near
the real frames (reconstruction), to find a place again as it left it (cycle) and to let the memory draw what
it can (memory). The warm-up shrinks over the run: first the engine learns to draw and to scroll, then to
continue from its own frames.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils import parametrize

from gamesim.config.gamegan import GameGANConfig
from gamesim.data.dataset import Dataset, Segments
from gamesim.models.frames import to_float, to_uint8
from gamesim.models.gamegan.discriminators import Discriminators
from gamesim.models.gamegan.generator import Generator, Rollout
from gamesim.training.adam import Adam
from gamesim.training.adversarial import discriminator_loss, generator_loss, gradient_penalty, judge
from gamesim.training.descent import AveragedDescent, masked_mean
from gamesim.training.devices import autocast
from gamesim.training.muon import Muon
from gamesim.training.sheet import contact_sheet
from gamesim.training.uncertainty import Uncertainty, agreement, attenuation, errors_by_place, surprise

SCHEDULED = ("adversarial", "reconstruction", "outcome", "cycle", "memory", "attenuated", "blended")
"""Losses whose weights may change over the run."""
SHEET_ROWS, SHEET_REAL = 6, 4
VALIDATION_LANES, VALIDATION_REAL = 64, 4
REVISITED = 4
"""Steps of a sequence, drawn anew each time, that the cycle loss looks up: a fair sample of all of them."""
PENALTY_EVERY = 16
"""Steps from one gradient penalty to the next; each counts so many times (lazy: Karras et al. 2020)."""


def released(drawn: Tensor, real: Tensor) -> Tensor:
    """The released code's distance: squared errors summed over a frame's numbers in [-1, 1].

    Args:
        drawn, real: (..., 3, H, W) in [0, 1].

    Returns:
        float32 (...,): on the mean over [0, 1] frames of 84x84x3 it is 84,672 times as large.
    """
    return 4 * (drawn - real).square().sum((-3, -2, -1), dtype=torch.float32)


def expected_errors(rollout: Rollout, real: Tensor, side: int) -> Tensor:
    """The errors of each place, (B, T, side, side); where a step may recall, the mean by its trust.

    Args:
        rollout: of the generator.
        real: the frames (B, T, 3, S, S) in [0, 1].
        side: places along a side.
    """
    errors = errors_by_place(rollout.frames, real, side)
    if rollout.other is None or rollout.trust is None:
        return errors
    drawn = torch.where(rollout.trust > 0.5, rollout.trust, 1 - rollout.trust)
    return errors_by_place(rollout.other, real, side).lerp(errors, drawn)


def supervised_loss(
    rollout: Rollout,
    frames: Tensor,
    segments: Segments,
    revisited: Tensor,
    counts: Tensor,
    weights: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """The terms that need no discriminator, weighted, by name.

    Args:
        rollout: of the generator.
        frames: the real ones (B, T + 1, 3, S, S) in [0, 1].
        segments: what happened in them.
        revisited: int64 (R,), the steps of `rollout.revisited`.
        counts: how much each place counts in the reconstruction (B, T, side, side).
        weights: of each term now.
    """
    played = segments.played.float()
    # What comes is told by the frame that came: a dreamt one brings its own. And a time limit is not in the
    # pixels: its reward is no example of anything.
    known = played * rollout.told[:, 1:] * ~segments.truncated
    ends = segments.terminated.float()
    unlike = F.binary_cross_entropy_with_logits(rollout.end_logit, ends, reduction="none")
    outcome = masked_mean((rollout.reward - segments.rewards).square() + unlike, known)
    errors = expected_errors(rollout, frames[:, 1:], counts.shape[-1])
    terms = {
        "reconstruction": weights["reconstruction"] * masked_mean((counts * errors).sum((2, 3)), played),
        "outcome": weights["outcome"] * outcome,
    }
    if rollout.revisited is not None:
        mask, static = rollout.masks[:, revisited, :1].detach(), rollout.static[:, revisited].detach()
        forgotten = released(mask * rollout.revisited, mask * static)
        dynamic = rollout.masks[:, :, 1].sum((2, 3), dtype=torch.float32)
        terms["cycle"] = weights["cycle"] * masked_mean(forgotten, played[:, revisited])
        terms["memory"] = weights["memory"] * masked_mean(dynamic, played)
    return terms


class GameGANTask(AveragedDescent[Generator]):
    """What the training loop needs to train a GameGAN; implements `Task`."""

    score_key = None
    """No validation figure shows which weights dream best; the squared error prefers the blurriest."""

    def __init__(
        self, config: GameGANConfig, train: Dataset, held_out: Dataset, device: torch.device
    ) -> None:
        self.config, self.settings = config, config.training
        self.train, self.held_out = train, held_out
        super().__init__(Generator(config.model).to(device), self.settings, device, seed=config.seed)
        if self.settings.part != "all":
            self.trained.requires_grad_(False).get_submodule(self.settings.part).requires_grad_(True)
        if self.settings.muon:
            self.optimizer = Muon(self.trained.parameters(), self.settings.betas, self.settings.muon)
        self.judges = Discriminators(config.model).to(device)
        self.processes.same(self.judges)
        self.judge_optimizer = Adam(self.judges.parameters(), self.settings.betas)
        self.uncertainty = Uncertainty(config.model).to(device)
        self.processes.same(self.uncertainty)
        self.uncertainty_optimizer = Adam(self.uncertainty.parameters(), self.settings.betas)

    # -- one step ------------------------------------------------------------------------------------

    @property
    def frames_per_step(self) -> int:
        return self.config.data.batch_size * self.config.data.segment

    def step(self) -> Mapping[str, Tensor]:
        settings, progress = self.settings, self.progress
        data = self.config.data
        batch = self.train.sample(data.batch_size, self.generator, endings=data.endings, padded=True)
        warm_up, all_real = self._warm_ups(progress)
        revisited = torch.randperm(data.segment, generator=self.generator)[:REVISITED].to(self.device)
        weights = [getattr(settings.losses, name).at(progress) for name in SCHEDULED]
        adversarial, highest = weights[0], settings.losses.adversarial.highest
        # Before there are discriminators chance is only in the way: an engine learns to be deaf to z.
        chance = adversarial / highest if highest else 1.0
        share = settings.decay.at(progress)
        self.optimizer.set_rate(settings.learning_rate * share)
        self.judge_optimizer.set_rate(settings.discriminator_learning_rate * share)
        # It follows what the generator draws now, however gently that still learns.
        self.uncertainty_optimizer.set_rate(settings.learning_rate)
        terms = self.compiled(
            *vars(batch).values(),
            warm_up,
            revisited,
            torch.tensor([*weights, chance, self.decay]).to(self.device),
            all_real=all_real,
            judged=adversarial > 0,
            penalised=adversarial > 0 and self.done % PENALTY_EVERY == 0,
            blends=adversarial > 0 and settings.losses.blended.at(progress) > 0,
        )
        self.done += 1
        return terms

    def _warm_ups(self, progress: float) -> tuple[Tensor, int]:
        """How many real frames each lane is shown, int64 (B,), and how many all lanes are.

        Half of the schedule's length to all of it; `always_told` of the lanes are shown real ones all along.
        """
        lanes, steps = self.config.data.batch_size, self.config.data.segment
        longest = self.settings.warm_up.at(progress)
        if longest >= steps:
            return torch.full((lanes,), steps + 1, device=self.device), steps + 1
        chance = torch.rand(lanes, generator=self.generator)
        lengths = (longest * (0.5 + chance / 2)).round().clamp_min(1).long()
        lengths[: round(self.settings.always_told * lanes)] = steps + 1
        # To know more would spare a CPU some frames, and cost a GPU a recording of its own.
        return lengths.to(self.device), 1 if self.compiled.recorded else int(lengths.min())

    def learn(self, *drawn: Tensor, **how: Any) -> dict[str, Tensor]:
        """One update of everything, in tensors alone: a GPU records it as a graph."""
        *segments, warm_up, revisited, weights = drawn
        batch, all_real = Segments(*segments), how["all_real"]
        *scheduled, chance, decay = weights.unbind()
        weight: dict[str, Tensor] = dict(zip(SCHEDULED, scheduled, strict=True))
        frames, actions = to_float(batch.frames, getattr(torch, self.settings.precision)), batch.actions
        z = chance * torch.randn(*actions.shape, *self.trained.noise_shape, device=self.device)
        with autocast(self.device, self.settings.precision):
            rollout = self.trained.rollout(
                frames, actions, z, warm_up, all_real=all_real, revisited=revisited
            )
        counts = self._counts(rollout, frames, batch, weight["attenuated"])
        terms = supervised_loss(rollout, frames, batch, revisited, counts, weight)
        loss = torch.stack(list(terms.values())).sum()
        parts, gradients = [loss], [torch.ones_like(loss)]
        if how["judged"]:
            gradient, verdicts = self._judge(rollout, frames, batch, counts, weight["blended"], how)
            parts, gradients = [*parts, rollout.frames], [*gradients, weight["adversarial"] * gradient]
            terms |= verdicts
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(parts, gradients)
        self.update(self.optimizer, self.trained)
        self.follow(1 - decay)
        return {name: term.detach() for name, term in terms.items()}

    def _counts(self, rollout: Rollout, frames: Tensor, batch: Segments, share: Tensor) -> Tensor:
        """How much each place counts, (B, T, side, side); updates what predicts their errors."""
        side, losses, told = self.uncertainty.side, self.settings.losses, rollout.told[:, :-1]
        counts = torch.ones(*batch.actions.shape, side, side, device=self.device)
        errors = errors_by_place(rollout.frames.detach(), frames[:, 1:], side)
        if losses.attenuated.highest:
            log_error = self.uncertainty(rollout.known, told, batch.actions)
            self.uncertainty_optimizer.zero_grad(set_to_none=True)
            masked_mean(surprise(log_error, errors), batch.played).backward()
            self.update(self.uncertainty_optimizer, self.uncertainty)
            counts = counts.lerp(attenuation(log_error.detach()), share)
        return counts * agreement(errors, told, losses.diverged) if losses.diverged else counts

    def _judge(
        self,
        rollout: Rollout,
        frames: Tensor,
        batch: Segments,
        counts: Tensor,
        blended: Tensor,
        how: Mapping[str, Any],
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Updates the discriminators; returns the gradient for the frames that were drawn, and the terms.

        Both sides' losses come from one pass through the discriminators, as they are before the update.
        `how` says whether they are shown blends, which weigh `blended`, and whether they are penalised.
        """
        losses, drawn = self.settings.losses, rollout.frames.detach().requires_grad_(True)
        with parametrize.cached():
            with autocast(self.device, self.settings.precision):
                shown = rollout, drawn, frames, batch.actions, batch.played, counts
                seen = judge(self.judges, *shown, blends=how["blends"])
                terms = generator_loss(seen, batch.actions, rollout.z, losses)
                verdict = discriminator_loss(seen, batch.actions, rollout.z, losses, blended)
            fooled = torch.stack(list(terms.values())).sum()
            (gradient,) = torch.autograd.grad(fooled, drawn, retain_graph=True)
            self.judge_optimizer.zero_grad(set_to_none=True)
            verdict.backward(inputs=list(self.judges.parameters()), retain_graph=how["penalised"])
            if how["penalised"]:
                penalty = gradient_penalty(self.judges, frames.float(), batch.actions, losses)
                (PENALTY_EVERY * penalty).backward()
        self.update(self.judge_optimizer, self.judges)
        return gradient, {**terms, "discriminators": verdict}

    def init(self, weights: dict[str, Tensor], extras: dict[str, dict[str, Tensor]]) -> None:
        """Begins from an engine's weights, and from what trained it where that is known."""
        super().init(weights, extras)
        for name, part in (("discriminators", self.judges), ("uncertainty", self.uncertainty)):
            if name in extras:
                part.load_state_dict(extras[name])

    # -- what the loop asks for ----------------------------------------------------------------------

    def extras(self) -> dict[str, dict[str, Tensor]]:
        found = {"discriminators": self.judges.state_dict()}
        if self.settings.losses.attenuated.highest:
            found["uncertainty"] = self.uncertainty.state_dict()
        return found

    def validate(self) -> dict[str, float]:
        """On held-out episodes: the mean squared error of frames in [0, 1], shown real frames or dreaming."""
        batch = self.held_out.sample(VALIDATION_LANES, torch.Generator().manual_seed(0), padded=True)
        frames, found = to_float(batch.frames), {}
        for name, real in (("told", frames.shape[1]), ("dreamt", VALIDATION_REAL)):
            rollout = self._play(batch, real)
            errors = (rollout.frames - frames[:, 1:]).square().mean((2, 3, 4))
            found[name] = float(masked_mean(errors, batch.played))
        return found

    def sheet(self) -> np.ndarray:
        """Held-out episodes: real above, dreamt below; after a few real frames the dream draws its own z."""
        batch = self.held_out.sample(SHEET_ROWS, torch.Generator().manual_seed(1), padded=True)
        drawn = to_uint8(self._play(batch, SHEET_REAL).frames)
        return contact_sheet(batch.frames[:, 1:].cpu().numpy(), drawn.cpu().numpy())

    @torch.no_grad()
    def _play(self, batch: Segments, real: int) -> Rollout:
        """What the shipped weights make of a batch, after `real` real frames."""
        lanes = len(batch.actions)
        chance = torch.Generator().manual_seed(0)
        z = torch.randn(*batch.actions.shape, *self.trained.noise_shape, generator=chance).to(self.device)
        warm_up = torch.full((lanes,), real, device=self.device)
        with autocast(self.device, self.settings.precision):
            return self.average.rollout(to_float(batch.frames), batch.actions, z, warm_up)

    def state_dict(self) -> dict[str, Any]:
        helpers = {name: part.state_dict() for name, part in self._helpers().items()}
        return {**super().state_dict(), **helpers}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        for name, part in self._helpers().items():
            if name in state:  # runs of an earlier release had no uncertainty
                part.load_state_dict(state[name])

    def _helpers(self) -> dict[str, Any]:
        """What training alone needs, by its name in a saved state."""
        names = ("judges", "judge_optimizer", "uncertainty", "uncertainty_optimizer")
        return {name: getattr(self, name) for name in names}
