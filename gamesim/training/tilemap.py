"""Training of Tilemap: by the likelihood of real frames alone, unrolled through time.

Most lanes of a batch are *teacher-forced* (Williams & Zipser 1989): at every step they see the real frame,
some of its cells corrupt, and say how likely the real next one is. The others are twins of the first lanes
and run *freely* after a few real frames: they go on from frames of their own, and must remember what the real
frames have shown them. The terms of the loss are, in nats a cell:

- frame: the nll of the next frame under the mixture of the static and the dynamic layer;
- static, dynamic: the nll of each layer by itself; otherwise only the better one would learn;
- remembered: the nll of the frames of free-running lanes, where they can know what is there;
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
from gamesim.models.frames import to_float, to_uint8
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
    """What was generated in T steps of B lanes: all of an `Output`, as (B, T, ...).

    Attributes:
        states: T + 1 of them, the initial one first.
        forced: how many lanes, the first, were teacher-forced.
    """

    states: list[State]
    forced: int


def unroll(
    engine: TilemapEngine,
    frames: Tensor,
    actions: Tensor,
    warm_up: int,
    forced: int,
    fed: Tensor | None = None,
) -> Rollout:
    """The T steps after frames[:, 0].

    Args:
        engine: what makes them.
        frames: (B, T + 1, 3, H, W) in [0, 1].
        actions: int64 (B, T).
        warm_up: steps, at least 1, that see the real frame in lanes that run freely afterwards.
        forced: how many lanes, the first, are teacher-forced.
        fed: what these see instead of the real frames, (forced, T + 1, 3, H, W).
    """
    state = engine.initial(frames[:, 0])
    outputs, states = [], [state]
    fed = frames[:forced] if fed is None else fed
    for step in range(actions.shape[1]):
        others = frames[:, step] if step < warm_up else state["frame"]
        state = {**state, "frame": torch.cat([fed[:, step], others[forced:]])}
        z = torch.randn(len(frames), *engine.noise_shape, device=frames.device)
        state, output = engine.advance(state, actions[:, step], z, frames[:forced, step + 1])
        outputs.append(output)
        states.append(state)
    parts = zip(*(vars(output).values() for output in outputs), strict=True)
    return Rollout(*(torch.stack(part, 1).float() for part in parts), states=states, forced=forced)


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


def known(engine: TilemapEngine, free: list[State], twins: list[State], warm_up: int) -> Tensor:
    """The cells that lanes which run freely were shown by a real frame, (B, T, h, w).

    A lane that met a wall of its own invention went another way than the real game: it is compared only as
    long as it is where its twin, the teacher-forced lane of the same sequence, is.

    Args:
        engine: whose states they are.
        free: T + 1 states of B lanes.
        twins: those of their twins.
        warm_up: steps that saw the real frame.
    """
    masks, together = [], torch.ones(len(free[0]["frame"]), 1, 1, 1, device=free[0]["frame"].device)
    for now, twin in zip(free[1:], twins[1:], strict=True):
        together = together * engine.overlap(now, twin).amin((1, 2, 3), keepdim=True)
        shown = torch.stack([engine.overlap(now, then) for then in free[:warm_up]]).amax(0)
        masks.append((together * shown)[:, 0])
    return torch.stack(masks, 1)


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
        settings, lanes = self.settings, self.config.data.batch_size
        forced = max(1, round((1 - settings.free_running.at(self.progress)) * lanes))
        warm_up = max(1, round(settings.warm_up.at(self.progress)))
        segments, shares = self._draw(forced), self.shares()
        rising = min(1.0, (self.done + 1) / RATE_WARM_UP)
        self.optimizer.set_rate(settings.learning_rate * settings.decay.at(self.progress) * rising)
        numbers = torch.tensor([1 - self.decay, *shares.values()]).to(self.device)
        self.done += 1
        how = {"forced": forced, "warm_up": warm_up, "names": tuple(shares)}
        return self.compiled(numbers, *vars(segments).values(), **how)

    def learn(self, *drawn: Tensor, **how: Any) -> dict[str, Tensor]:
        """The step on the device, see graphs.py; first how far the average moves, and the weights."""
        numbers, *tensors = drawn
        forced, warm_up, names = how["forced"], how["warm_up"], how["names"]
        segments, (moved, *weights) = Segments(*tensors), numbers.unbind()
        frames = to_float(segments.frames)
        with autocast(self.device, self.settings.precision):
            patch, share = self.config.model.patch, self.settings.corrupt
            fed = corrupted(frames[:forced], patch, share) if share else None
            rollout = unroll(self.trained.engine, frames, segments.actions, warm_up, forced, fed)
        terms = self.losses(rollout, segments, frames[:, 1:], warm_up, dict(zip(names, weights, strict=True)))
        self.descend(torch.stack(list(terms.values())).sum())
        self.follow(moved)
        return {name: term.detach() for name, term in terms.items()}

    def _draw(self, sequences: int) -> Segments:
        """A batch of as many steps as are unrolled now; further lanes are twins of the first ones."""
        data, steps = self.config.data, self._length()
        drawn = self.train.sample(sequences, self.generator, steps=steps, endings=data.endings)
        lanes = torch.arange(data.batch_size, device=self.device) % sequences
        return Segments(*(part[lanes] for part in vars(drawn).values()))

    def shares(self) -> dict[str, float]:
        """Of the losses that change over a run: those that count now."""
        weights, memory = self.settings.losses, ("static", "dynamic") if self.config.model.memory else ()
        names = ("covering", "remembered", *memory)
        found = {name: getattr(weights, name).at(self.progress) for name in names}
        return {name: weight for name, weight in found.items() if weight}

    def losses(
        self,
        rollout: Rollout,
        segments: Segments,
        real: Tensor,
        warm_up: int,
        shares: Mapping[str, float | Tensor],
    ) -> dict[str, Tensor]:
        """What is lost, weighted, by name.

        Args:
            rollout: what the engine said.
            segments: what happened.
            real: the frames (B, T, 3, H, W) that came.
            warm_up: as in `unroll`.
            shares: `TilemapTask.shares`, or the same as tensors.
        """
        weights, engine = self.settings.losses, self.trained.engine
        forced, lanes = rollout.forced, len(real)
        nll = engine.nll(rollout.log_probs.flatten(0, 1), real.flatten(0, 1)).unflatten(0, real.shape[:2])
        hidden = rollout.weight[:forced]
        terms = {
            "frame": weights.frame * (hidden * nll[:forced, :, 0]).mean(),
            "outcome": weights.outcome * self._outcome(rollout, segments),
        }
        if "remembered" in shares and forced < lanes:
            twins = torch.arange(forced, lanes, device=real.device) % forced
            free = _lanes(rollout.states, slice(forced, None))
            mask = known(engine, free, _lanes(rollout.states, twins), warm_up)
            terms["remembered"] = shares["remembered"] * masked_mean(nll[forced:, :, 0], mask)
        if "static" in shares:
            mask = seen_before(engine, _lanes(rollout.states, slice(forced)))
            terms["static"] = shares["static"] * masked_mean(robust(nll[:forced, :, 1], weights.robust), mask)
        if "dynamic" in shares:
            terms["dynamic"] = shares["dynamic"] * (hidden * nll[:forced, :, 2]).mean()
        if "covering" in shares:
            terms["covering"] = shares["covering"] * rollout.covered.mean()
        return terms

    def _outcome(self, rollout: Rollout, segments: Segments) -> Tensor:
        """Squared error of the reward and cross entropy of the end, in lanes that are teacher-forced.

        A time limit is not in the pixels: its reward is no example of anything.
        """
        forced = rollout.forced
        shown = (~segments.truncated[:forced]).float()
        reward = ((rollout.reward[:forced] - segments.rewards[:forced]).square() * shown).mean()
        ends = segments.terminated[:forced].float()
        return reward + F.binary_cross_entropy_with_logits(rollout.end_logit[:forced], ends, shown)

    # -- what the loop asks for ----------------------------------------------------------------------

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """On held-out episodes: the nll of the next frame, nats a cell, teacher-forced."""
        segments = self.held_out.sample(VALIDATION_LANES, torch.Generator().manual_seed(0))
        frames, engine = to_float(segments.frames), self.average.engine
        with autocast(self.device, self.settings.precision):
            torch.manual_seed(0)
            rollout = unroll(engine, frames, segments.actions, 1, len(frames))
            log_probs, real = rollout.log_probs[:, :, :1].flatten(0, 1), frames[:, 1:].flatten(0, 1)
            return {"nll": float(engine.nll(log_probs, real).mean())}

    @torch.no_grad()
    def sheet(self) -> np.ndarray:
        """Held-out episodes: real above, dreamt below; after a few real frames the dream draws its own z."""
        segments = self.held_out.sample(SHEET_ROWS, torch.Generator().manual_seed(1))
        with autocast(self.device, self.settings.precision):
            torch.manual_seed(1)
            rollout = unroll(self.average.engine, to_float(segments.frames), segments.actions, SHEET_REAL, 0)
        return contact_sheet(segments.frames[:, 1:].cpu().numpy(), to_uint8(rollout.frame).cpu().numpy())


def _lanes(states: list[State], lanes: slice | Tensor) -> list[State]:
    return [{name: part[lanes] for name, part in state.items()} for state in states]
