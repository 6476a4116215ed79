"""Training of Tilemap: by the likelihood of real frames alone, unrolled through time.

It is *teacher-forced* (Williams & Zipser 1989): at every step it sees the real frame, some of its cells
corrupt, and says how likely the real next one is. So it never sees a frame of its own before it is done. The
terms of the loss are, in nats a cell:

- frame: the nll of the next frame under the mixture of the static and the dynamic layer;
- static: the nll of the static layer by itself, in places that were in view before, and
- dynamic: the nll of the dynamic layer by itself; otherwise only the better one would learn;
- covering: the area that the dynamic layer draws (GameGAN's memory regulariser, Kim et al. 2020, Sec. 3.4);
- outcome: reward and end.

docs/ablations.md says how much each contributes. The shipped weights are a running average.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gamesim.config.tilemap import TilemapConfig
from gamesim.data.dataset import Dataset, Segments
from gamesim.models import State
from gamesim.models.frames import to_float
from gamesim.models.tilemap.engine import Output, TilemapEngine
from gamesim.models.tilemap.model import Tilemap
from gamesim.training.descent import AveragedDescent, masked_mean
from gamesim.training.devices import autocast
from gamesim.training.sheet import contact_sheet

SHEET_ROWS, SHEET_REAL = 4, 4
VALIDATION_LANES = 32
RATE_WARM_UP = 50
"""Steps in which the learning rate rises."""


@dataclass
class Rollout(Output):
    """What was said in T steps of B lanes: all of an `Output`, as (B, T, ...).

    Attributes:
        states: T + 1 of them, the initial one first.
    """

    states: list[State]


def unroll(
    engine: TilemapEngine, frames: Tensor, actions: Tensor, fed: Tensor | None = None, blends: bool = False
) -> Rollout:
    """The T steps after frames[:, 0], teacher-forced.

    Args:
        engine: what makes them.
        frames: (B, T + 1, 3, H, W) in [0, 1].
        actions: int64 (B, T).
        fed: what it sees instead of these frames, of the same shape.
        blends: as for `TilemapEngine.advance`.
    """
    fed = frames if fed is None else fed
    state = engine.initial(frames[:, 0])
    outputs, states, z = [], [state], state["z"]
    for step in range(actions.shape[1]):
        state = {**state, "frame": fed[:, step]}
        state, output = engine.advance(state, actions[:, step], z, frames[:, step + 1], blends)
        outputs.append(output)
        states.append(state)
    parts = zip(*(vars(output).values() for output in outputs), strict=True)
    return Rollout(*(torch.stack(part, 1).float() for part in parts), states=states)


def corrupted(frames: Tensor, patch: int, share: float) -> Tensor:
    """Frames (B, T, 3, H, W) in which this share of the cells is that of another lane, at the same place."""
    side = frames.shape[-1] // patch
    wrong = torch.rand(*frames.shape[:2], 1, side, side, device=frames.device) < share
    wrong = wrong.repeat_interleave(patch, -1).repeat_interleave(patch, -2)
    return torch.where(wrong, frames.roll(1, 0), frames)


def robust(nll: Tensor, chance: float) -> Tensor:
    """Negative log likelihoods, of which those beyond -log `chance` hardly count, and are never infinite.

    With plain likelihoods, a layer that sees a ghost now and then answers "perhaps" everywhere. With these it
    does best to answer "never" to whatever is rarer than `chance`; at 0 they are plain.
    """
    return -(torch.exp(-nll) + chance).log() if chance else nll


def seen_before(engine: TilemapEngine, states: list[State]) -> Tensor:
    """The cells of the T views after the first that an earlier view had, (B, T, h, w): 1 where one had."""
    seen = [
        torch.stack([engine.overlap(now, then)[:, 0] for then in states[:step]]).amax(0)
        for step, now in enumerate(states[1:], 1)
    ]
    return torch.stack(seen, 1)


class TilemapTask(AveragedDescent[Tilemap]):
    """What the training loop needs to train Tilemap; implements `Task`."""

    score_key = "nll"

    def __init__(
        self, config: TilemapConfig, train: Dataset, held_out: Dataset, device: torch.device
    ) -> None:
        self.config, self.settings = config, config.training
        self.train, self.held_out = train, held_out
        networks = Tilemap(config.model).to(device)
        networks.engine.prepare(self._palette_frames())
        super().__init__(networks, self.settings, device, seed=config.seed)

    def _palette_frames(self) -> Tensor:
        lanes = max(1, self.settings.palette_frames // (self.train.segment + 1))
        drawn = self.train.sample(lanes, torch.Generator().manual_seed(self.config.seed)).frames
        return drawn.flatten(0, 1)

    # -- one step ------------------------------------------------------------------------------------

    @property
    def frames_per_step(self) -> int:
        return self.config.data.batch_size * self._length()

    def _length(self) -> int:
        """Steps of a sequence that the next step of the run unrolls."""
        return min(max(round(self.settings.unroll.at(self.progress)), 1), self.train.segment)

    def step(self) -> Mapping[str, Tensor]:
        settings, data = self.settings, self.config.data
        how = {"steps": self._length(), "endings": data.endings}
        segments = self.train.sample(data.batch_size, self.generator, **how)
        rising = min(1.0, (self.done + 1) / RATE_WARM_UP)
        self.optimizer.set_rate(settings.learning_rate * settings.decay.at(self.progress) * rising)
        shares = self.shares()
        numbers = torch.tensor([1 - self.decay, *shares.values()]).to(self.device)
        how = {"names": tuple(shares), "blends": self.progress < settings.blends}
        self.done += 1
        return self.compiled(numbers, *vars(segments).values(), **how)

    def learn(self, *drawn: Tensor, **how: Any) -> dict[str, Tensor]:
        """The step on the device, see graphs.py; first how far the average moves, and the weights."""
        numbers, *tensors = drawn
        segments, (moved, *weights) = Segments(*tensors), numbers.unbind()
        frames = to_float(segments.frames)
        with autocast(self.device, self.settings.precision):
            patch, share = self.config.model.patch, self.settings.corrupt
            fed = corrupted(frames, patch, share) if share else None
            rollout = unroll(self.trained.engine, frames, segments.actions, fed, how["blends"])
        terms = self.losses(rollout, segments, frames[:, 1:], dict(zip(how["names"], weights, strict=True)))
        self.descend(torch.stack(list(terms.values())).sum())
        self.follow(moved)
        return {name: term.detach() for name, term in terms.items()}

    def shares(self) -> dict[str, float]:
        """Of the losses that change over a run: those that count now."""
        weights, layers = self.settings.losses, ("static", "dynamic") if self.config.model.memory else ()
        found = {name: getattr(weights, name).at(self.progress) for name in ("covering", *layers)}
        return {name: weight for name, weight in found.items() if weight}

    def losses(
        self, rollout: Rollout, segments: Segments, real: Tensor, shares: Mapping[str, float | Tensor]
    ) -> dict[str, Tensor]:
        """What is lost, weighted, by name.

        Args:
            rollout: what the engine said.
            segments: what happened.
            real: the frames (B, T, 3, H, W) that came.
            shares: `TilemapTask.shares`, or the same as tensors.
        """
        weights, engine = self.settings.losses, self.trained.engine
        nll = engine.nll(rollout.log_probs.flatten(0, 1), real.flatten(0, 1)).unflatten(0, real.shape[:2])
        terms = {
            "frame": weights.frame * (rollout.weight * nll[:, :, 0]).mean(),
            "outcome": weights.outcome * self._outcome(rollout, segments),
        }
        if "static" in shares:
            mask = seen_before(engine, rollout.states)
            terms["static"] = shares["static"] * masked_mean(robust(nll[:, :, 1], weights.robust), mask)
        if "dynamic" in shares:
            terms["dynamic"] = shares["dynamic"] * (rollout.weight * nll[:, :, 2]).mean()
        if "covering" in shares:
            terms["covering"] = shares["covering"] * rollout.covered.mean()
        return terms

    def _outcome(self, rollout: Rollout, segments: Segments) -> Tensor:
        """Squared error of the reward and cross entropy of the end.

        A time limit is not in the pixels: its reward is no example of anything.
        """
        shown = (~segments.truncated).float()
        reward = ((rollout.reward - segments.rewards).square() * shown).mean()
        ends = segments.terminated.float()
        return reward + F.binary_cross_entropy_with_logits(rollout.end_logit, ends, shown)

    # -- what the loop asks for ----------------------------------------------------------------------

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """On held-out episodes: the nll of the next frame, nats a cell."""
        segments = self.held_out.sample(VALIDATION_LANES, torch.Generator().manual_seed(0))
        frames, engine = to_float(segments.frames), self.average.engine
        with autocast(self.device, self.settings.precision):
            rollout = unroll(engine, frames, segments.actions)
            log_probs, real = rollout.log_probs[:, :, :1].flatten(0, 1), frames[:, 1:].flatten(0, 1)
            return {"nll": float(engine.nll(log_probs, real).mean())}

    @torch.no_grad()
    def sheet(self) -> np.ndarray:
        """Held-out episodes: real above, dreamt below after a few real frames."""
        segments = self.held_out.sample(SHEET_ROWS, torch.Generator().manual_seed(1))
        frames, actions = segments.frames, segments.actions
        real = min(SHEET_REAL, actions.shape[1])
        how, shown = {"temperature": 1.0, "generator": torch.Generator().manual_seed(1)}, frames[:, 1:real]
        with autocast(self.device, self.settings.precision):
            state, dreamt = self.average.start(frames[:, :real], actions[:, : real - 1]), [*shown.unbind(1)]
            for step in range(real - 1, actions.shape[1]):
                state, told = self.average.imagine(state, actions[:, step], **how)
                dreamt.append(told.frame)
        return contact_sheet(frames[:, 1:].cpu().numpy(), torch.stack(dreamt, 1).cpu().numpy())
