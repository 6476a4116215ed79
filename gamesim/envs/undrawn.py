"""Steps of a game without a picture, where a frame skip passes over them.

Gymnasium's CarRacing draws itself at each step, whether or not somebody looks: that is nine tenths of its
time. Any other game is left alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import gymnasium as gym
import numpy as np

_MODULE = "gymnasium.envs.box2d.car_racing"
_DRAW = "_render"


@contextmanager
def undrawn(env: gym.Env) -> Iterator[None]:
    """What is observed in here may be an earlier picture."""
    game = env.unwrapped
    if not _drawn_at_each_step(game):
        yield
        return
    setattr(game, _DRAW, lambda mode: game.state)
    try:
        yield
    finally:
        delattr(game, _DRAW)


def looked_at(env: gym.Env, observation: np.ndarray) -> np.ndarray:
    """What the game shows now, after a step in `undrawn` that gave this `observation`."""
    game = env.unwrapped
    return getattr(game, _DRAW)("state_pixels") if _drawn_at_each_step(game) else observation


def _drawn_at_each_step(game: gym.Env) -> bool:
    return type(game).__module__ == _MODULE and hasattr(game, _DRAW)
