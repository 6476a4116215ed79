"""The controller of a learned engine at the wheel of any game, real or dreamt.

It looks through the engine's eyes: each frame on screen goes through V and M (`WorldModel.start` and
`observe`), and C acts on what they hold (Ha & Schmidhuber 2018, arXiv 1803.10122, Sec. 2.4).
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gamesim import checkpoint
from gamesim.devices import pick
from gamesim.errors import UserError
from gamesim.models import State, WorldModel, put, take
from gamesim.threads import one_thread


class ControllerPolicy:
    """A `agents.policy.Policy`: drives a batch of games by the frames that they show, without chance.

    Args:
        source: the folder of a checkpoint, or an engine in eval mode.
        device: where the engine of a checkpoint computes, or where the engine that is given is.

    Attributes:
        state: what it makes of all that it has seen, of every lane; None before the first frames.

    Raises:
        UserError: the checkpoint is damaged. `act` raises it when the engine has no controller or the game
            shows frames of another size.
    """

    player = "controller"

    def __init__(self, source: str | Path | WorldModel, device: str | torch.device = "cpu") -> None:
        named = isinstance(source, (str, Path))
        self._name = str(source) if named else "this model"
        self.model: WorldModel = checkpoint.load_model(source, device)[0] if named else source
        self.device = pick(device)
        self.state: State | None = None
        self._actions = np.zeros(0, np.int64)
        self._begins = np.zeros(0, bool)

    @one_thread()
    @torch.inference_mode()
    def act(self, frames: np.ndarray, info: dict[str, Any]) -> np.ndarray:
        """Frames uint8 (N, H, W, 3), what followed the actions of the last call -> actions int64 (N,)."""
        if frames.shape[1:] != tuple(self.model.frame_shape):
            raise UserError(f"{self._name} sees frames of {self.model.frame_shape}, not {frames.shape[1:]}")
        shown = torch.from_numpy(frames).to(self.device)
        if self.state is None or len(self._begins) != len(frames):
            self.state = self._start(shown)
        else:
            self.state = self._observe(self.state, shown)
        actions = self.model.act(self.state)
        if actions is None:
            raise UserError(f"{self._name} has no controller")
        self._actions, self._begins = actions.cpu().numpy(), np.zeros(len(frames), bool)
        return self._actions.copy()

    def reset(self, mask: np.ndarray) -> None:
        """Forget the lanes of ``mask``, bool (N,): new games begin there with the next frames."""
        if len(mask) != len(self._begins):
            self.state, self._begins = None, np.zeros(len(mask), bool)
        self._begins = self._begins | mask

    def took(self, actions: np.ndarray) -> None:
        """Somebody else was at the wheel: these actions, int64 (N,), were taken in place of its own."""
        self._actions = np.asarray(actions, np.int64).copy()

    def _start(self, frames: Tensor) -> State:
        return self.model.start(
            frames[:, None], torch.zeros(len(frames), 0, dtype=torch.int64).to(frames.device)
        )

    def _observe(self, state: State, frames: Tensor) -> State:
        """The state after these frames; lanes that begin know nothing but theirs."""
        begins, goes_on = np.flatnonzero(self._begins), np.flatnonzero(~self._begins)
        actions = torch.from_numpy(self._actions).to(frames.device)
        if len(goes_on):
            followed = self.model.observe(take(state, goes_on), actions[goes_on], frames[goes_on])
            state = put(state, goes_on, followed)
        return put(state, begins, self._start(frames[begins])) if len(begins) else state
