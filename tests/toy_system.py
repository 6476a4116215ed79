"""A kind of model from outside the package, whole: its config, its engine, its training and its entry.

It learns nothing but the mean colour of each pixel, and dreams that picture for ever. A package that names
`STILL` as an entry point of the group "gamesim.systems" has added it to every command.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from gamesim.checkpoint import Checkpoint
from gamesim.config.base import Config, GameShape, LoopConfig
from gamesim.data.dataset import Dataset
from gamesim.models import Prediction, State, Streams
from gamesim.models.frames import to_float, to_uint8
from gamesim.systems import Stage, System
from gamesim.training.devices import distributed
from gamesim.training.sheet import contact_sheet
from gamesim.training.tasks import Training, Weights, whole


class StillConfig(Config):
    """Its settings: the section "training" has what the loop needs and nothing else."""

    system: Literal["still"] = "still"
    model: GameShape = GameShape()
    training: LoopConfig = LoopConfig()

    @property
    def trained_by(self) -> str:
        return "the squared error"


class Still(nn.Module):
    """One picture; implements `gamesim.models.WorldModel`."""

    noise_shape = (1,)

    def __init__(self, config: GameShape) -> None:
        super().__init__()
        self.num_actions, side = config.num_actions, config.frame_size
        self.frame_shape = (side, side, 3)
        self.picture = nn.Parameter(torch.full((3, side, side), 0.5))

    def start(self, frames: Tensor, actions: Tensor) -> State:
        return {"frame": frames[:, -1]}

    def observe(self, state: State, action: Tensor, frame: Tensor) -> State:
        return {"frame": frame}

    def imagine(
        self, state: State, action: Tensor, *, temperature: float, generator: Streams
    ) -> tuple[State, Prediction]:
        frame = to_uint8(self.picture.detach()).expand_as(state["frame"])
        nothing = torch.zeros(len(action))
        return {"frame": frame}, Prediction(frame, nothing, nothing)

    def act(self, state: State) -> Tensor | None:
        return None

    def internals(self, state: State) -> dict[str, Tensor]:
        return {}


class StillTask:
    """Its training; implements `gamesim.training.task.Task`."""

    score_key = "error"

    def __init__(self, config: StillConfig, train: Dataset, held_out: Dataset, device: torch.device) -> None:
        self.config, self.train, self.held_out = config, train, held_out
        self.model = Still(config.model).to(device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.1)
        self.generator = torch.Generator().manual_seed(config.seed + distributed().rank)
        self.frames_per_step = config.data.batch_size

    def step(self) -> dict[str, Tensor]:
        loss = self._error(self.train.sample_frames(self.frames_per_step, self.generator))
        self.optimizer.zero_grad()
        loss.backward()
        distributed().average(self.model.parameters())
        self.optimizer.step()
        return {"error": loss.detach()}

    def _error(self, frames: Tensor) -> Tensor:
        return (self.model.picture - to_float(frames)).square().mean()

    def init(self, weights: Weights, extras: dict[str, Weights]) -> None:
        self.model.load_state_dict(weights)

    def extras(self) -> dict[str, Weights]:
        return {}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        frames = self.held_out.sample_frames(16, torch.Generator().manual_seed(0))
        return {"error": float(self._error(frames))}

    def sheet(self) -> np.ndarray:
        real = self.held_out.sample(1, torch.Generator().manual_seed(0)).frames[:, 1:].cpu().numpy()
        return contact_sheet(real, np.broadcast_to(to_uint8(self.model.picture.detach()).cpu(), real.shape))

    def state_dict(self) -> dict[str, Any]:
        parts = {name: getattr(self, name).state_dict() for name in ("model", "optimizer")}
        return parts | {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])


def make(
    config: StillConfig, data: str, device: torch.device, weights: Weights, begin: Checkpoint | None = None
) -> Training:
    """Its only training."""
    return whole(StillTask, config, data, device, begin)


STILL = System(
    name="still",
    title="Still",
    config="toy_system:StillConfig",
    model="toy_system:Still",
    stages=(Stage("training", "toy_system:make"),),
    about="It knows one picture.",
)
