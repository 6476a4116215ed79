"""What Gymnasium's CarRacing need not draw: steps that a frame skip passes over, and what is out of sight.

It draws itself at each step, whether or not somebody looks, and turns each of its 700 patches of grass and
road before it asks whether that one is in sight: that is nine tenths of its time. Other games are left alone.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium as gym
import numpy as np

_MODULE = "gymnasium.envs.box2d.car_racing"
_CORNERS = np.array([(1, 0), (0, 0), (0, 1), (1, 1)])
_GRASS = np.array([(x, y) for x in range(-20, 20, 2) for y in range(-20, 20, 2)])[:, None] + _CORNERS
"""Patches of grass (400, 4, 2), in CarRacing's own order, in sides of a patch."""
_NEARLY = 3.0
"""Pixels out of sight at which a patch is still drawn: more than rounding can be wrong by."""


class Road:
    """Draws a CarRacing's grass and road as it does itself, but for the patches that are out of sight.

    The picture is the same to the bit.

    Args:
        game: The CarRacing. Its own `_draw_colored_polygon` draws what can be seen, in its own order.
    """

    def __init__(self, game: Any) -> None:
        self.game = game
        self.module: Any = sys.modules[_MODULE]
        self.road: Any = None
        self.patches = np.empty((0, 4, 2))

    def __call__(self, zoom: float, translation: tuple[float, float], angle: float) -> None:
        """Draw on the game's surface; the three are what its `_render_road` is given."""
        game, edge = self.game, self.module.PLAYFIELD
        if self.road is not game.road_poly:
            self.road = game.road_poly
            road = [[(point[0], point[1]) for point in patch] for patch, _ in self.road]
            self.patches = np.concatenate([_GRASS * self.module.GRASS_DIM, road])

        def draw(patch: Any, color: Any, clip: bool = True) -> None:
            game._draw_colored_polygon(game.surf, patch, color, zoom, translation, angle, clip=clip)

        draw([(edge, edge), (edge, -edge), (-edge, -edge), (-edge, edge)], game.bg_color, clip=False)
        for place in np.flatnonzero(self._seen(zoom, translation, angle)):
            is_road = place >= len(_GRASS)
            color = [int(part) for part in self.road[place - len(_GRASS)][1]] if is_road else game.grass_color
            draw(self.patches[place].tolist(), color)

    def _seen(self, zoom: float, translation: tuple[float, float], angle: float) -> np.ndarray:
        """Which patches are in the window, bool (P,), and some that are just outside."""
        cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
        shown = self.patches @ np.array([[cos, sin], [-sin, cos]]) + translation
        window = np.array((self.module.WINDOW_W, self.module.WINDOW_H))
        return ((shown.max(1) > -_NEARLY) & (shown.min(1) < window + _NEARLY)).all(-1)


def near(env: gym.Env) -> None:
    """Let a CarRacing draw what can be seen and nothing else."""
    game: Any = env.unwrapped
    if _drawn_at_each_step(game) and hasattr(game, "_render_road"):
        game._render_road = Road(game)


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
