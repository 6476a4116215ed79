"""Training of GameGAN (Kim et al. 2020, Sec. 3.4 and the released settings in DESIGN.md).

One step: unroll the generator over a sequence (real frames are fed during a warm-up that shrinks over the
run, then its own), train the discriminators on what came out, then the generator.
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
from gamesim.models.frames import to_float, to_uint8
from gamesim.models.gamegan.discriminators import Discriminators
from gamesim.models.gamegan.engine import Engine
from gamesim.models.gamegan.model import GameGAN
from gamesim.schema import GameGANConfig
from gamesim.sheet import contact_sheet
from gamesim.training.adversarial import Clip, discriminator_loss, generator_loss
from gamesim.training.devices import distributed

SHEET_ROWS, SHEET_REAL = 4, 4
VALIDATION_LANES = 32


@dataclass
class Rollout:
    """T generated steps of B lanes."""

    frames: Tensor  # (B, T, 3, H, W)
    rewards: Tensor  # (B, T)
    end_logits: Tensor  # (B, T)
    penalty: Tensor  # (B, T)
    z: Tensor  # (B, T, Z)
    states: list[State]  # T + 1 of them, the initial one first


def unroll(engine: Engine, frames: Tensor, actions: Tensor, warm_up: int) -> Rollout:
    """Generates the T frames after frames[:, 0], feeding real ones for the first `warm_up` steps.

    Args:
        engine: the generator.
        frames: (B, T + 1, 3, H, W) in [0, 1].
        actions: int64 (B, T).
        warm_up: steps that see the real frame, at least 1.
    """
    state = engine.initial(frames[:, 0])
    outputs, states, noises = [], [state], []
    for step in range(actions.shape[1]):
        if step < warm_up:
            state = {**state, "frame": frames[:, step]}
        z = torch.randn(len(frames), *engine.noise_shape, device=frames.device)
        state, output = engine.advance(state, actions[:, step], z)
        outputs.append(output)
        states.append(state)
        noises.append(z)
    names = ("frame", "reward", "end_logit", "memory_penalty")
    stacked = [torch.stack([getattr(output, name) for output in outputs], 1).float() for name in names]
    return Rollout(*stacked, z=torch.stack(noises, 1), states=states)


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
        self.judges = Discriminators(config.model).to(device)
        self.processes.same(self.trained)
        self.processes.same(self.judges)
        self.model: nn.Module = copy.deepcopy(self.trained).eval() if self.settings.average else self.trained
        rates = self.settings.learning_rate, self.settings.discriminator_learning_rate
        self.optimizer = torch.optim.Adam(self.trained.parameters(), rates[0], self.settings.betas)
        self.judge_optimizer = torch.optim.Adam(self.judges.parameters(), rates[1], (0.0, 0.9))

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
        segments = self.train.sample(
            self.config.data.batch_size,
            self.generator,
            steps=self._length(),
            endings=self.config.data.endings,
        )
        frames = to_float(segments.frames)
        warm_up = max(1, round(self.settings.warm_up.at(progress)))

        self._set_rates(self.settings.decay.at(progress))
        with self._precision():
            rollout = unroll(self.trained.engine, frames, segments.actions, warm_up)
        terms = self._supervised(rollout, frames, segments)
        if self.settings.adversarial:
            terms |= self._adversarial(rollout, frames, segments.actions)
        loss = torch.stack([term for name, term in terms.items() if name != "discriminators"]).sum()
        self._update(self.optimizer, self.trained, loss)
        self._average()
        self.done += 1
        return {name: term.detach() for name, term in terms.items()}

    def _supervised(self, rollout: Rollout, frames: Tensor, segments: Segments) -> dict[str, Tensor]:
        """Reconstruction, outcome, cycle and memory terms."""
        losses = self.settings.losses
        # A time limit is not in the pixels: its reward is no example of anything.
        shown = (~segments.truncated).float()
        ends = segments.terminated.float()
        reward = ((rollout.rewards - segments.rewards).square() * shown).mean()
        end = F.binary_cross_entropy_with_logits(rollout.end_logits, ends, shown)
        terms = {
            "reconstruction": losses.reconstruction * F.mse_loss(rollout.frames, frames[:, 1:]),
            "outcome": losses.outcome * (reward + end),
        }
        if losses.cycle:
            terms["cycle"] = losses.cycle * self._cycle(rollout)
        if losses.memory:
            terms["memory"] = losses.memory * rollout.penalty.mean()
        return terms

    def _cycle(self, rollout: Rollout) -> Tensor:
        """L1 between what the memory showed at each step and what the last memory still shows of it."""
        engine, last = self.trained.engine, rollout.states[-1]
        steps = [
            F.l1_loss(engine.recall(last, then), engine.recall(then, then)) for then in rollout.states[1:-1]
        ]
        return torch.stack(steps).mean()

    def _adversarial(self, rollout: Rollout, frames: Tensor, actions: Tensor) -> dict[str, Tensor]:
        """Updates the discriminators; returns the generator's terms (and theirs, for the log)."""
        losses = self.settings.losses
        real = Clip(frames[:, 1:], actions[:, 1:])
        fake = Clip(rollout.frames, real.actions, rollout.z[:, 1:])
        held = Clip(fake.frames.detach(), fake.actions, fake.z)
        with self._precision():
            judged = discriminator_loss(self.judges, real, held, losses, self.config.model.num_actions)
        self._update(self.judge_optimizer, self.judges, judged)
        self.judges.requires_grad_(False)
        with self._precision():
            terms = generator_loss(self.judges, real, fake, losses, paired=True)
        self.judges.requires_grad_(True)
        return {**terms, "discriminators": judged}

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
        """On held-out episodes: the squared error of what is dreamt after one real frame."""
        segments = self.held_out.sample(VALIDATION_LANES, torch.Generator().manual_seed(0))
        frames = to_float(segments.frames)
        with self._playing() as engine, torch.no_grad():
            torch.manual_seed(0)
            rollout = unroll(engine, frames, segments.actions, 1)
            return {"distance": float(F.mse_loss(rollout.frames, frames[:, 1:]))}

    def sheet(self) -> np.ndarray:
        """Held-out episodes: real above, dreamt below; after a few real frames the dream draws its own z."""
        segments = self.held_out.sample(SHEET_ROWS, torch.Generator().manual_seed(1))
        with self._playing() as engine, torch.no_grad():
            torch.manual_seed(1)
            rollout = unroll(engine, to_float(segments.frames), segments.actions, SHEET_REAL)
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
