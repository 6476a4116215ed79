"""A batch of games that begin anew after their ends, whichever of Gymnasium's three ways they take.

See https://farama.org/Vector-Autoreset-Mode: a game begins anew in the step after its end, whose action is
ignored (NEXT_STEP), in the very step that ends it (SAME_STEP), or when it is told to (DISABLED).
"""

import warnings
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode

from gamesim.data.finite import check_frame
from gamesim.envs.spec import name_of
from gamesim.errors import UserError


@dataclass
class Step:
    """One step of N games.

    Attributes:
        last: uint8 (N, H, W, 3), what the step led to: where a game ended, its last frame.
        shown: uint8 (N, H, W, 3), what is on screen now: where a new game began, its first frame.
        rewards: (N,), as the games gave them.
        terminated: bool (N,).
        truncated: bool (N,).
        ignored: bool (N,), where nothing was played: the step only began a new game.
        begun: bool (N,), where ``shown`` is the first frame of a game.
        info: The batch's, with what new games say of themselves.
    """

    last: np.ndarray
    shown: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    ignored: np.ndarray
    begun: np.ndarray
    info: dict[str, Any]


class Batch:
    """A vector environment of uint8 (N, H, W, 3) frames, one new array a step.

    Raises:
        UserError: Its ``metadata["autoreset_mode"]`` is none of Gymnasium's.
    """

    def __init__(self, env: gym.vector.VectorEnv) -> None:
        self.env, self.name = env, name_of(env)
        self._told = "autoreset_mode" in env.metadata
        self._mode = _mode(env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP), self.name)
        self._over = np.zeros(env.num_envs, bool)
        self._steps = 0
        if not self._told:
            warnings.warn(
                f"{self.name}: its metadata names no autoreset_mode, so NEXT_STEP is assumed, the usual one",
                stacklevel=3,
            )

    def reset(self, seed: int | None, options: dict[str, Any] | None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin a game in every lane: frames uint8 (N, H, W, 3), and the info."""
        frames, info = self.env.reset(seed=seed, options=options)
        return check_frame(self.name, 0, frames), info

    def step(self, actions: np.ndarray) -> Step:
        """Play one step in every lane.

        Raises:
            UserError: The environment does not do what its autoreset mode says, or a frame is not finite.
        """
        frames, rewards, terminated, truncated, info = self.env.step(actions)
        self._steps += 1
        last = check_frame(self.name, self._steps, frames)
        before, self._over = self._over, np.logical_or(terminated, truncated)
        if not self._told and "final_obs" in info:
            self._mode = AutoresetMode.SAME_STEP
        nobody = np.zeros(len(last), bool)
        if self._mode is AutoresetMode.NEXT_STEP:
            self._over &= ~before
            return Step(last, last, rewards, terminated, truncated, before, before, info)
        shown = last
        if self._mode is AutoresetMode.SAME_STEP:
            last = self._final(last, info)
        elif self._over.any():
            shown, first = self._reset_over(last)
            info = info | first
        return Step(last, shown, rewards, terminated, truncated, nobody, self._over, info)

    def _final(self, shown: np.ndarray, info: dict[str, Any]) -> np.ndarray:
        """The frames (N, H, W, 3) with the last ones of those games that are over already."""
        if not self._over.any():
            return shown
        last = shown.copy()
        for lane in np.flatnonzero(self._over).tolist():
            try:
                there = np.broadcast_to(info.get("_final_obs", True), len(last))[lane]
                frame = np.asarray(info["final_obs"][lane] if there else None)
            except (KeyError, IndexError, TypeError, ValueError):
                frame = np.asarray(None)
            if frame.shape != last.shape[1:]:
                raise UserError(
                    f"{self.name}: it begins anew in the step that ends a game (SAME_STEP), but its last "
                    'frame is not in info["final_obs"]'
                )
            last[lane] = check_frame(self.name, self._steps, frame)
        return last

    def _reset_over(self, last: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        """New games where they are over, and the frames (N, H, W, 3) with their first ones."""
        frames, info = self.env.reset(options={"reset_mask": self._over.copy()})
        shown = check_frame(self.name, self._steps, frames)
        if not np.array_equal(shown[~self._over], last[~self._over]):
            raise UserError(
                f'{self.name}: reset(options={{"reset_mask": ...}}) changed games that are not over'
            )
        return shown, info


def _mode(told: Any, name: str) -> AutoresetMode:
    try:
        return AutoresetMode.__members__.get(str(told)) or AutoresetMode(told)
    except ValueError:
        modes = ", ".join(AutoresetMode.__members__)
        raise UserError(f"{name}: its autoreset_mode is {told!r}, which is none of {modes}") from None
