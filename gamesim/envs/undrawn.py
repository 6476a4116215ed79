"""Steps of a game without a picture, where a frame skip passes over them.

Gymnasium's CarRacing draws itself at each step, whether or not somebody looks: that is nine tenths of its
time. Any other game is left alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium as gym
import numpy as np

_MODULE = "gymnasium.envs.box2d.car_racing"


@contextmanager
def undrawn(env: gym.Env) -> Iterator[None]:
    """What is observed in here may be an earlier picture."""
    game: Any = env.unwrapped
    if not _drawn_at_each_step(game):
        yield
        return
    game._render = lambda mode: game.state
    try:
        yield
    finally:
        del game._render


def looked_at(env: gym.Env, observation: np.ndarray) -> np.ndarray:
    """What the game shows now, after a step in `undrawn` that gave this `observation`."""
    game: Any = env.unwrapped
    return game._render("state_pixels") if _drawn_at_each_step(game) else observation


def _drawn_at_each_step(game: gym.Env) -> bool:
    return type(game).__module__ == _MODULE and hasattr(game, "_render")
