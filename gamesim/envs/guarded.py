"""Somebody else's batch of games, as far as one trusts it."""

import contextlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper

from gamesim.envs.pictures import kind
from gamesim.envs.wrappers import RESET, STEP, over, parts
from gamesim.errors import FOREIGN
from gamesim.registry import blamed


class Guarded(VectorWrapper):
    """A batch of somebody else's, whose errors are one line.

    Of its infos there is only what a new game in the step of an end needs: a name of somebody else's game,
    such as ``seed``, must not be taken for one of ours.
    """

    def __init__(self, env: VectorEnv, name: str) -> None:
        super().__init__(env)
        self.name = name

    def reset(self, **how: Any) -> Any:
        with blamed(self.name, "reset"):
            return self._shown(*parts(self.env.reset(**how), RESET))

    def step(self, actions: np.ndarray) -> Any:
        with blamed(self.name, "step"):
            frames, rewards, *ends, info = parts(self.env.step(actions), STEP)
            return self._shown(frames, np.asarray(rewards, float), *map(over, ends), info)

    def close(self, **kwargs: Any) -> None:
        with contextlib.suppress(*FOREIGN), blamed(self.name, "close"):
            super().close(**kwargs)

    def _shown(self, frames: Any, *rest: Any) -> tuple[Any, ...]:
        """What a reset or a step gave: frames as the space says, one of everything for each lane."""
        space, (*lanes, info) = self.observation_space, rest
        if not isinstance(frames, np.ndarray) or (frames.shape, frames.dtype) != (space.shape, space.dtype):
            raise TypeError(f"it showed {kind(frames)}, and its space says {space.dtype} {space.shape}")
        if not isinstance(info, Mapping):
            raise TypeError(f"its info is no dict but {kind(info)}")
        kept = {name: info[name] for name in ("final_obs", "_final_obs") if name in info}
        return frames, *(np.reshape(each, self.num_envs) for each in lanes), kept
