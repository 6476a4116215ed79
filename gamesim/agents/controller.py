"""The controller of a learned engine at the wheel of any game, real or dreamt.

It looks through the engine's eyes: each frame on screen goes through V and M (`WorldModel.start` and
`observe`), and C acts on what they hold (Ha & Schmidhuber 2018, arXiv 1803.10122, Sec. 2.4).
"""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from gamesim import checkpoint
from gamesim.agents.policy import RandomPolicy
from gamesim.card import check_keys
from gamesim.devices import pick
from gamesim.errors import UserError
from gamesim.models import State, WorldModel, opening, put, take
from gamesim.text import counted
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
            self.state = opening(self.model, shown)
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

    def _observe(self, state: State, frames: Tensor) -> State:
        """The state after these frames; lanes that begin know nothing but theirs."""
        begins, goes_on = np.flatnonzero(self._begins), np.flatnonzero(~self._begins)
        actions = torch.from_numpy(self._actions).to(frames.device)
        if len(goes_on):
            followed = self.model.observe(take(state, goes_on), actions[goes_on], frames[goes_on])
            state = put(state, goes_on, followed)
        return put(state, begins, opening(self.model, frames[begins])) if len(begins) else state


class EpsilonGreedyPolicy(ControllerPolicy):
    """A controller whose keys are replaced by random ones now and then, so that a recording shows both.

    An engine that learns from what its controller plays meets every key in every place, and finds the way
    back from where the controller never goes (Ha & Schmidhuber 2018, Sec. 5, "Iterative Training Procedure").

    Args:
        source: As of `ControllerPolicy`.
        seed: Of its chance.
        epsilon: The share of steps with random keys, 0 to 1.
        hold: The fewest and the most steps of a spell with or without them, and of each random key.
    """

    def __init__(
        self, source: str | Path | WorldModel, seed: int, epsilon: float, hold: tuple[int, int]
    ) -> None:
        super().__init__(source)
        self._epsilon = epsilon
        self._keys = RandomPolicy(seed, self.model.num_actions, hold)
        self._chance = RandomPolicy(seed + 1, _CHANCES, hold)

    def act(self, frames: np.ndarray, info: dict[str, Any]) -> np.ndarray:
        own, keys = super().act(frames, info), self._keys.act(frames, info)
        spell = self._chance.act(frames, info) < round(self._epsilon * _CHANCES)
        self.took(np.where(spell, keys, own))
        return self._actions.copy()

    def reset(self, mask: np.ndarray) -> None:
        for policy in (super(), self._keys, self._chance):
            policy.reset(mask)


_CHANCES = 1 << 20
"""Epsilon is as fine as one in so many."""


def player(
    seed: int,
    env: gym.vector.VectorEnv,
    settings: dict[str, Any],
    *,
    source: str,
    epsilon: float,
    hold: tuple[int, int],
) -> ControllerPolicy:
    """The controller of a checkpoint for a batch of games: a `agents.policy.MakePlayer` with a source.

    Raises:
        UserError: The checkpoint is damaged or has no controller, or the game has other frames or keys.
    """
    made = EpsilonGreedyPolicy(source, seed, epsilon, hold)
    black = torch.zeros(1, *made.model.frame_shape, dtype=torch.uint8)
    if made.model.act(opening(made.model, black)) is None:
        raise UserError(f"{source} has no controller")
    check_game(source, made.model, env)
    return made


def check_game(source: str | Path, model: WorldModel, env: gym.Env | gym.vector.VectorEnv) -> None:
    """Complain about a game, or a batch of them, with other frames or keys than a model has learned.

    Raises:
        UserError: What both have.
    """
    seen, pressed = env.observation_space, env.action_space
    if isinstance(env, gym.vector.VectorEnv):
        seen, pressed = env.single_observation_space, env.single_action_space
    assert isinstance(pressed, gym.spaces.Discrete)
    shown, keys = seen.shape, int(pressed.n)
    if shown != tuple(model.frame_shape) or keys != model.num_actions:
        ours = f"frames of {_size(model.frame_shape)} and {counted(model.num_actions, 'key')}"
        raise UserError(f"{source} learned {ours}; this game has {_size(shown)} and {counted(keys, 'key')}")
    check_keys(source, env)


def _size(shape: tuple[int, ...] | None) -> str:
    return "x".join(map(str, shape or ()))
