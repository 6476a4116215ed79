"""Training of GameGAN (Kim et al. 2020, Sec. 3.4 and the released settings in DESIGN.md).

One step: unroll the generator over a sequence (real frames are fed during a warm-up that shrinks over the
run, then its own), train the discriminators on what came out, then the generator. With the map engine most
lanes are *told*: they see real frames all along, some cells of them wrong, and are trained by the likelihood
of the next one; the other lanes dream, and the discriminators, if there are any, judge them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.data.dataset import Dataset, Segments
from gamesim.models import State
from gamesim.models.gamegan.engine import Engine, Judges
from gamesim.models.gamegan.model import GameGAN, to_float, to_uint8
from gamesim.schema import GameGANConfig
from gamesim.sheet import contact_sheet
from gamesim.training.adversarial import Clip, build_discriminators, discriminator_loss, generator_loss
from gamesim.training.devices import distributed

SHEET_ROWS, SHEET_REAL = 4, 4
VALIDATION_LANES = 32
SHOWN_FRAMES = 4096
PASSING = 0.05
"""Share of the time below which what a cell shows is passing by, and none of the static layer's business."""


@dataclass
class Rollout:
    """T generated steps of B lanes; `told` of them, the first, were told the real frames."""

    frames: Tensor  # (B, T, 3, H, W)
    drawn: Tensor  # (B, T, L, ...), see `Output.drawn`
    weight: Tensor  # (B, T, h, w), see `Output.weight`
    rewards: Tensor  # (B, T)
    end_logits: Tensor  # (B, T)
    penalty: Tensor  # (B, T)
    z: Tensor  # (B, T, ...)
    states: list[State]  # T + 1 of them, the initial one first
    told: int


def unroll(
    engine: Engine,
    frames: Tensor,
    actions: Tensor,
    warm_up: int,
    told: int,
    fed: Tensor | None = None,
) -> Rollout:
    """Generates the T frames after frames[:, 0], feeding real ones for the first `warm_up` steps.

    Args:
        engine: the generator.
        frames: (B, T + 1, 3, H, W) in [0, 1].
        actions: int64 (B, T).
        warm_up: steps that see the real frame, at least 1.
        told: how many lanes are told the next frame, and see the real one at every step.
        fed: what these see instead, (told, T + 1, 3, H, W).
    """
    state = engine.initial(frames[:, 0])
    outputs, states, noises = [], [state], []
    fed = frames[:told] if fed is None else fed
    for step in range(actions.shape[1]):
        others = frames[:, step] if step < warm_up else state["frame"]
        state = {**state, "frame": torch.cat([fed[:, step], others[told:]])}
        z = torch.randn(len(frames), *engine.noise_shape, device=frames.device)
        state, output = engine.advance(state, actions[:, step], z, frames[:told, step + 1])
        outputs.append(output)
        states.append(state)
        noises.append(z)
    names = ("frame", "drawn", "weight", "reward", "end_logit", "memory_penalty")
    stacked = [torch.stack([getattr(output, name) for output in outputs], 1).float() for name in names]
    return Rollout(*stacked, z=torch.stack(noises, 1), states=states, told=told)


def spoilt(frames: Tensor, patch: int, share: float) -> Tensor:
    """Frames (B, T, 3, H, W) in which this share of the cells is that of another lane, at the same place."""
    side = frames.shape[-1] // patch
    wrong = torch.rand(*frames.shape[:2], 1, side, side, device=frames.device) < share
    wrong = wrong.repeat_interleave(patch, -1).repeat_interleave(patch, -2)
    return torch.where(wrong, frames.roll(1, 0), frames)


def _mean(distances: Tensor, mask: Tensor) -> Tensor:
    """Of distances (B, T, h, w), over the places where the mask, alike, is 1; 0 where there are none."""
    return (distances * mask).sum() / mask.expand_as(distances).sum().clamp_min(1)


def robust(distances: Tensor) -> Tensor:
    """Negative log likelihoods, of which those beyond -log `PASSING` hardly count, and are never infinite.

    By likelihoods alone a layer that is asked for a ghost now and then says "perhaps" everywhere. By these it
    does best to say never of whatever is seldomer than `PASSING`.
    """
    return -(torch.exp(-distances) + PASSING).log()


class GameGANTask:
    """What the training loop needs to train a GameGAN; implements `Task`."""

    score_key = "distance"

    def __init__(
        self, config: GameGANConfig, train: Dataset, held_out: Dataset, device: torch.device
    ) -> None:
        self.config, self.settings = config, config.training
        self.train, self.held_out, self.device = train, held_out, device
        self.processes = distributed()
        self.generator = torch.Generator().manual_seed(config.seed + self.processes.rank)
        self.done = 0

        self.trained = GameGAN(config.model).to(device)
        self.judges = build_discriminators(config.model).to(device)
        self._look_around()
        self.processes.same(self.trained)
        self.processes.same(self.judges)
        self.model: nn.Module = copy.deepcopy(self.trained).eval() if self.settings.average else self.trained
        rates = self.settings.learning_rate, self.settings.discriminator_learning_rate
        self.optimizer = torch.optim.Adam(self.trained.parameters(), rates[0], self.settings.betas)
        self.judge_optimizer = torch.optim.Adam(self.judges.parameters(), rates[1], (0.0, 0.9))

    def _look_around(self) -> None:
        """Shows the engine a fair draw of the data."""
        lanes = max(1, SHOWN_FRAMES // (self.train.segment + 1))
        drawn = self.train.sample(lanes, torch.Generator().manual_seed(self.config.seed)).frames
        self.trained.engine.prepare(to_float(drawn.flatten(0, 1)))

    # -- one step ------------------------------------------------------------------------------------

    @property
    def frames_per_step(self) -> int:
        return self.config.data.batch_size * self._length()

    def _length(self) -> int:
        """Steps of a sequence that the next step of the run unrolls."""
        wanted = round(self.settings.unroll.at(self.done / self.settings.steps))
        return min(max(wanted, 1), self.train.segment)

    def step(self) -> dict[str, Tensor]:
        progress = self.done / self.settings.steps
        lanes = self.config.data.batch_size
        dreaming = self.settings.dreaming.at(progress)
        told = round((1 - dreaming) * lanes)
        segments = self._draw(told or lanes)
        frames = to_float(segments.frames)
        adversarial = self.settings.adversarial and progress >= self.settings.adversarial_from
        warm_up = max(1, round(self.settings.warm_up.at(progress)))

        self._set_rates(self.settings.decay.at(progress))
        with self._precision():
            patch, noise = self.config.model.patch, self.settings.noise
            fed = spoilt(frames[:told], patch, noise) if noise else None
            rollout = unroll(self.trained.engine, frames, segments.actions, warm_up, told, fed)
        terms = self._supervised(rollout, frames, segments, warm_up)
        if adversarial and told < lanes:
            terms |= self._adversarial(rollout, frames, segments.actions, warm_up)
        loss = torch.stack([term for name, term in terms.items() if name != "discriminators"]).sum()
        self._update(self.optimizer, self.trained, loss)
        self._average()
        self.done += 1
        return {name: term.detach() for name, term in terms.items()}

    def _draw(self, sequences: int) -> Segments:
        """A batch of as many steps as are unrolled now; further lanes repeat the first ones."""
        drawn = self.train.sample(
            sequences, self.generator, steps=self._length(), endings=self.config.data.endings
        )
        lanes = torch.arange(self.config.data.batch_size, device=self.device) % sequences
        parts = (drawn.frames, drawn.actions, drawn.rewards, drawn.terminated, drawn.truncated, drawn.played)
        return Segments(*(part[lanes] for part in parts))

    def _supervised(
        self, rollout: Rollout, frames: Tensor, segments: Segments, warm_up: int
    ) -> dict[str, Tensor]:
        """Reconstruction, outcome, cycle and memory terms, over the lanes that can know the future."""
        losses, progress = self.settings.losses, self.done / self.settings.steps
        remembered = self.settings.remembered.at(progress)
        lanes = rollout.told or len(frames)
        # A time limit is not in the pixels: its reward is no example of anything.
        shown = (~segments.truncated[:lanes]).float()
        ends = segments.terminated[:lanes].float()
        reward = ((rollout.rewards[:lanes] - segments.rewards[:lanes]).square() * shown).mean()
        end = F.binary_cross_entropy_with_logits(rollout.end_logits[:lanes], ends, shown)
        distances = self._distances(rollout, frames[:, 1:])
        terms = {
            "reconstruction": losses.reconstruction * (rollout.weight * distances[:, :, 0])[:lanes].mean(),
            "outcome": losses.outcome * (reward + end),
        }
        if remembered and 0 < rollout.told < len(frames):
            shown = self._remembered(rollout, len(frames), warm_up)
            terms["remembered"] = remembered * _mean(distances[rollout.told :, :, 0], shown)
        if self.config.model.memory:
            terms |= self._by_themselves(rollout, distances[:lanes], lanes)
        if losses.cycle:
            terms["cycle"] = losses.cycle * self._cycle(rollout)
        if losses.memory:
            terms["memory"] = losses.memory * self.settings.covering.at(progress) * rollout.penalty.mean()
        return terms

    def _by_themselves(self, rollout: Rollout, distances: Tensor, lanes: int) -> dict[str, Tensor]:
        """What either layer says when it is asked alone: else one that is better first would learn alone."""
        terms, progress = {}, self.done / self.settings.steps
        if static := self.settings.static.at(progress):
            terms["static"] = static * _mean(robust(distances[:, :, 1]), self._seen(rollout, lanes))
        if dynamic := self.settings.dynamic.at(progress):
            terms["dynamic"] = dynamic * (rollout.weight[:lanes] * distances[:, :, 2]).mean()
        return terms

    def _distances(self, rollout: Rollout, real: Tensor) -> Tensor:
        """How far the frames and their layers by themselves lie from the real ones: (B, T, L, h, w)."""
        found = self.trained.engine.distances(rollout.drawn.flatten(0, 1), real.flatten(0, 1))
        return found.unflatten(0, real.shape[:2])

    def _seen(self, rollout: Rollout, lanes: int) -> Tensor:
        """The places of each frame that were in view before, which the memory can know: (B, T, h, w)."""
        states = [{key: part[:lanes] for key, part in state.items()} for state in rollout.states]
        overlap = self.trained.engine.overlap
        seen = [
            torch.stack([overlap(now, then)[:, 0] for then in states[:step]]).amax(0)
            for step, now in enumerate(states[1:], 1)
        ]
        return torch.stack(seen, 1)

    def _remembered(self, rollout: Rollout, lanes: int, warm_up: int) -> Tensor:
        """The places of dreaming lanes that a real frame showed, (B, T, h, w): those are no surprise.

        A dream that met a wall of its own went another way than the real game: it is compared for as long as
        it is where its twin, the told lane of the same sequence, is.
        """
        first, overlap = rollout.told, self.trained.engine.overlap
        dreams = [{key: part[first:] for key, part in state.items()} for state in rollout.states]
        twins = [{key: part[: lanes - first] for key, part in state.items()} for state in rollout.states]
        masks, together = [], torch.ones(lanes - first, 1, 1, 1, device=rollout.frames.device)
        for dream, twin in zip(dreams[1:], twins[1:], strict=True):
            together = together * overlap(dream, twin).amin((1, 2, 3), keepdim=True)
            known = torch.stack([overlap(dream, shown) for shown in dreams[:warm_up]]).amax(0)
            masks.append((together * known)[:, 0])
        return torch.stack(masks, 1)

    def _cycle(self, rollout: Rollout) -> Tensor:
        """L1 between what the memory showed at each step and what the last memory still shows of it."""
        engine, last = self.trained.engine, rollout.states[-1]
        steps = [
            F.l1_loss(engine.recall(last, then), engine.recall(then, then)) for then in rollout.states[1:-1]
        ]
        return torch.stack(steps).mean()

    def _adversarial(
        self, rollout: Rollout, frames: Tensor, actions: Tensor, warm_up: int
    ) -> dict[str, Tensor]:
        """Updates the discriminators; returns the generator's terms (and theirs, for the log)."""
        lanes, steps = slice(rollout.told, None), rollout.frames.shape[1]
        length = min(self.settings.clip, steps)
        first = int(torch.randint(steps - length + 1, (1,), generator=self.generator))
        window, between = slice(first, first + length), slice(first + 1, first + length)
        real = Clip(frames[lanes, 1:][:, window], actions[lanes, between])
        flat = rollout.z.ndim == 3  # the paper recovers z, a vector; a map of z is not
        fake = Clip(rollout.frames[lanes, window], real.actions, rollout.z[lanes, between] if flat else None)
        held = Clip(fake.frames.detach(), fake.actions, fake.z)
        with self._precision():
            judged = discriminator_loss(
                self._judges, real, held, self.settings.losses, self.config.model.num_actions
            )
        self._update(self.judge_optimizer, self.judges, judged)
        self.judges.requires_grad_(False)
        with self._precision():
            paired = rollout.told == 0
            terms = generator_loss(self._judges, real, fake, self.settings.losses, paired=paired)
        self.judges.requires_grad_(True)
        progress = self.done / self.settings.steps
        share = self.settings.adversarial_share.at(progress) * self.settings.settling.at(progress)
        terms["adversarial"] = terms["adversarial"] * share
        return {**terms, "discriminators": judged}

    @property
    def _judges(self) -> Judges:
        return self.judges  # pyright: ignore[reportReturnType]

    def _update(self, optimizer: torch.optim.Optimizer, module: nn.Module, loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.processes.average(module.parameters())
        nn.utils.clip_grad_norm_(module.parameters(), self.settings.gradient_clip)
        optimizer.step()

    def _average(self) -> None:
        """Moves the shipped weights towards the trained ones."""
        if self.model is self.trained:
            return
        decay = min(self.settings.average, (1 + self.done) / (10 + self.done))
        with torch.no_grad():
            for kept, new in zip(self.model.parameters(), self.trained.parameters(), strict=True):
                kept.lerp_(new, 1 - decay)

    def _set_rates(self, share: float) -> None:
        settings = self.settings
        warmed = min(1.0, (self.done + 1) / 50)
        self.optimizer.param_groups[0]["lr"] = settings.learning_rate * share * warmed
        self.judge_optimizer.param_groups[0]["lr"] = settings.discriminator_learning_rate * share

    def _precision(self) -> torch.autocast:
        wanted = self.settings.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=wanted)

    # -- what the loop asks for ----------------------------------------------------------------------

    def init(self, weights: dict[str, Tensor], extras: dict[str, dict[str, Tensor]]) -> None:
        """Begins from an engine's weights, and from its discriminators where they are known."""
        self.trained.load_state_dict(weights)
        self.model.load_state_dict(weights)
        if "discriminators" in extras:
            self.judges.load_state_dict(extras["discriminators"])

    def extras(self) -> dict[str, dict[str, Tensor]]:
        return {"discriminators": self.judges.state_dict()}

    def validate(self) -> dict[str, float]:
        """On held-out episodes: how far what comes lies from what the engine says of it."""
        segments = self.held_out.sample(VALIDATION_LANES, torch.Generator().manual_seed(0))
        frames = to_float(segments.frames)
        with self._playing() as engine, torch.no_grad():
            torch.manual_seed(0)
            told = len(frames) if self.settings.dreaming.at(1) < 1 else 0
            rollout = unroll(engine, frames, segments.actions, 1, told)
            drawn, real = rollout.drawn[:, :, :1].flatten(0, 1), frames[:, 1:].flatten(0, 1)
            return {"distance": float(engine.distances(drawn, real).mean())}

    def sheet(self) -> np.ndarray:
        """Held-out episodes: real above, dreamt below; after a few real frames the dream draws its own z."""
        segments = self.held_out.sample(SHEET_ROWS, torch.Generator().manual_seed(1))
        with self._playing() as engine, torch.no_grad():
            torch.manual_seed(1)
            rollout = unroll(engine, to_float(segments.frames), segments.actions, SHEET_REAL, 0)
        return contact_sheet(segments.frames[:, 1:].cpu().numpy(), to_uint8(rollout.frames).cpu().numpy())

    @contextmanager
    def _playing(self) -> Iterator[Engine]:
        """The shipped generator, as it is played."""
        self.model.eval()
        with self._precision():
            yield self.model.engine  # pyright: ignore[reportReturnType]
        if self.model is self.trained:
            self.model.train()

    def state_dict(self) -> dict[str, Any]:
        return {
            "done": self.done,
            "trained": self.trained.state_dict(),
            "average": {} if self.model is self.trained else self.model.state_dict(),
            "judges": self.judges.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "judge_optimizer": self.judge_optimizer.state_dict(),
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.done = state["done"]
        self.trained.load_state_dict(state["trained"])
        if self.model is not self.trained:
            self.model.load_state_dict(state["average"])
        self.judges.load_state_dict(state["judges"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.judge_optimizer.load_state_dict(state["judge_optimizer"])
        self.generator.set_state(state["generator"])
