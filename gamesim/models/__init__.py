"""What every learned engine must do (its contract), and how one is built from its config.

A model sees frames and actions only: never the rules, the grid or the engine's state.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from gamesim.config.base import Config
from gamesim.registry import blamed, loaded
from gamesim.systems import systems

Streams = torch.Generator | list[torch.Generator] | Tensor
"""One generator for the batch, or one for each lane; or the noise of the step itself, (B, *noise_shape)."""

State = dict[str, Tensor]
"""Everything a learned engine remembers, batch first: a lane can be reset, rewound or branched."""


@dataclass
class Prediction:
    """One dreamt step of a batch.

    Attributes:
        frame: uint8 (B, H, W, 3).
        reward: float32 (B,), in the real game's units.
        end_probability: float32 (B,), probability in [0, 1] that the episode ends with this step.
    """

    frame: Tensor
    reward: Tensor
    end_probability: Tensor


class WorldModel(Protocol):
    """What the dream, the evaluator and the app need from an engine."""

    num_actions: int
    frame_shape: tuple[int, int, int]
    noise_shape: tuple[int, ...]
    """Shape of the standard normal noise that one step of one lane takes."""

    def start(self, frames: Tensor, actions: Tensor) -> State:
        """Begins with (filters) real frames uint8 (B, F, H, W, 3), and actions int64 (B, F - 1) between."""
        ...

    def observe(self, state: State, action: Tensor, frame: Tensor) -> State:
        """Takes in (filters) one real frame uint8 (B, H, W, 3), which followed `action` int64 (B,)."""
        ...

    def imagine(
        self, state: State, action: Tensor, *, temperature: float, generator: Streams
    ) -> tuple[State, Prediction]:
        """Dreams one step."""
        ...

    def act(self, state: State) -> Tensor | None:
        """Actions int64 (B,) that the engine's own controller takes; None if it has no controller."""
        ...

    def internals(self, state: State) -> dict[str, Tensor]:
        """What the x-ray view draws, by the engine's own names: pictures uint8 (B, H, W, 3), floats (B, ...).

        An engine may also have ``with_z(state, z)`` and ``with_memory(state, other)``, see `gamesim.dream`.
        """
        ...


def opening(model: WorldModel, frames: Tensor) -> State:
    """The state in which nothing but these real frames uint8 (B, H, W, 3) is known."""
    return model.start(frames[:, None], torch.zeros(len(frames), 0, dtype=torch.int64).to(frames.device))


def take(state: State, lanes: np.ndarray) -> State:
    """The lanes of a state at these places, int64 (n,)."""
    index = torch.as_tensor(lanes)
    return {name: t.index_select(0, index.to(t.device)) for name, t in state.items()}


def put(state: State, lanes: np.ndarray, new: State) -> State:
    """`state` with the lanes at these places, int64 (n,), replaced by those of `new`, in new tensors."""
    index = torch.as_tensor(lanes)
    return {name: t.index_copy(0, index.to(t.device), new[name].to(t.dtype)) for name, t in state.items()}


def normal(shape: tuple[int, ...], generator: Streams, device: torch.device) -> Tensor:
    """Standard normal noise; a list of generators draws each lane from its own stream.

    Args:
        shape: (B, ...).
        generator: one CPU generator, or B of them, or the noise. It is drawn on the CPU so that a seed means
            the same dream on every device.
        device: where the noise is wanted.
    """
    if isinstance(generator, Tensor):
        noise = generator
    elif isinstance(generator, list):
        noise = torch.stack([torch.randn(shape[1:], generator=lane) for lane in generator])
    else:
        noise = torch.randn(shape, generator=generator)
    return noise.to(device)


def build(config: Config) -> torch.nn.Module:
    """Builds the untrained model that a config describes; it implements `WorldModel`."""
    model = systems()[config.system].model
    with blamed(model):
        return loaded(model)(config.model)
