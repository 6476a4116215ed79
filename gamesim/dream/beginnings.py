"""What a dream needs before it can begin: an engine on its device, and real frames to begin from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gamesim import checkpoint as checkpoints
from gamesim.checkpoint import Starts
from gamesim.envs.arguments import are_indices, array_of
from gamesim.errors import UserError
from gamesim.models import WorldModel
from gamesim.text import one_line
from gamesim.threads import one_thread

Source = str | Path | tuple[WorldModel, Starts]
"""The folder of a checkpoint, or an engine in eval mode and real beginnings for it."""


@one_thread()
def wake(source: Source, device: torch.device) -> tuple[WorldModel, Starts]:
    """The engine and its beginnings.

    Raises:
        UserError: A checkpoint is damaged or no folder, a tuple holds something else, or the beginnings do
            not fit the engine.
    """
    if isinstance(source, tuple):
        if len(source) != 2 or not hasattr(source[0], "imagine") or not isinstance(source[1], Starts):
            raise UserError(f"checkpoint must be an engine and its Starts, not {one_line(repr(source), 80)}")
        name, (model, starts) = "the model", source
    else:
        model, loaded = checkpoints.load_model(source, device)
        name, starts = source, loaded.starts
    if tuple(starts.frames.shape[2:]) != tuple(model.frame_shape):
        raise UserError(f"{name}: its first frames are not of the model's size {model.frame_shape}")
    if not are_indices(starts.actions.cpu().numpy(), model.num_actions):
        raise UserError(f"{name}: its first frames come with actions that the model does not know")
    return model, starts


@dataclass(frozen=True)
class Beginnings:
    """Real frames and actions for lanes to begin with: those of a checkpoint, or those that are handed in.

    Attributes:
        starts: The checkpoint's, S of them.
        frame_shape: (H, W, 3), the engine's.
        num_actions: The engine's.
    """

    starts: Starts
    frame_shape: tuple[int, int, int]
    num_actions: int

    def of(
        self, lanes: NDArray[np.int64], streams: Sequence[torch.Generator], options: Mapping[str, Any]
    ) -> tuple[Tensor, Tensor]:
        """What these lanes begin with, as the options of `DreamVectorEnv.reset` have it.

        Args:
            lanes: Indices (n,) of lanes.
            streams: Of chance, one for each of all N lanes; drawn from where the options choose nothing.
            options: ``frames`` and ``actions``, or ``start``, or neither.

        Returns:
            Frames uint8 (n, F, H, W, 3) and the actions int64 (n, F - 1) between them.

        Raises:
            UserError: The options do not fit the engine.
        """
        if "frames" in options:
            frames, actions = self._given(options["frames"], options.get("actions"), len(streams))
            return torch.from_numpy(frames[lanes]), torch.from_numpy(actions[lanes])
        if options.get("start") is None:
            index = [int(torch.randint(self._count, (), generator=streams[lane])) for lane in lanes]
        else:
            index = self._numbered(options["start"], len(streams))[lanes]
        index = torch.as_tensor(index, dtype=torch.int64)
        return self.starts.frames[index], self.starts.actions[index]

    @property
    def _count(self) -> int:
        return len(self.starts.frames)

    def _numbered(self, start: Any, everyone: int) -> NDArray[np.int64]:
        """Checks the numbers of starts, one or one a lane, and gives each lane its own, (N,)."""
        numbers = array_of("start", start)
        if numbers.shape not in ((), (everyone,)) or not are_indices(numbers, self._count):
            raise UserError(f"start must be a whole number from 0 to {self._count - 1}, not {start!r}")
        return np.broadcast_to(numbers, (everyone,))

    def _given(self, frames: Any, actions: Any, everyone: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Checks frames and actions that were handed in, for one lane or all, and gives each lane its own."""
        frames = array_of("frames", frames)
        frames = frames[None].repeat(everyone, 0) if frames.ndim == 4 else frames
        if frames.dtype != np.uint8 or frames.ndim != 5 or frames.shape[2:] != self.frame_shape:
            raise UserError(f"frames must be uint8 (F, {', '.join(map(str, self.frame_shape))})")
        if len(frames) != everyone or frames.shape[1] == 0:
            raise UserError(f"frames must be one or more for each of {everyone} lanes")
        between = frames.shape[1] - 1
        actions = np.zeros(0, np.int64) if actions is None else array_of("actions", actions)
        actions = actions[None].repeat(everyone, 0) if actions.ndim == 1 else actions
        if actions.shape != (everyone, between) or not are_indices(actions, self.num_actions):
            raise UserError(f"actions must be the {between} between the frames, 0 to {self.num_actions - 1}")
        return frames, actions.astype(np.int64)
