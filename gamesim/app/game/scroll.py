"""How a view of 7x7 cells scrolled: found by looking at two frames, in the real game as in a dream."""

import numpy as np

from gamesim.envs.layouts import DOOR, OUTSIDE, WALL
from gamesim.envs.rules import DELTAS
from gamesim.envs.sprites import THEMES, decode

Place = tuple[int, int]
"""(x, y) in cells."""


def moved(was: np.ndarray, now: np.ndarray, action: int, grid: tuple[int, int]) -> bool:
    """Whether the picture scrolled by one cell as `action` would have it, or stood still.

    Args:
        was: the frame before, uint8 (H, W, 3).
        now: the frame after.
        action: 0..4.
        grid: (rows, columns) of cells in a frame.
    """
    if not 1 <= action < len(DELTAS):
        return False
    (dx, dy), (rows, columns) = DELTAS[action], grid
    height, width = was.shape[0] // rows, was.shape[1] // columns
    scroll = _gap(was, now, dx * width, dy * height)
    still = _gap(was, now, 0, 0)
    if scroll != still:
        return scroll < still
    ahead = classes(was)[0][rows // 2 + dy, columns // 2 + dx]  # a long corridor looks the same all along
    return ahead not in (WALL, OUTSIDE, DOOR)


def classes(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cell classes uint8 (7, 7) in the theme whose tiles are nearest, and how far from them, 0..255."""
    return min((decode(frame, theme) for theme in THEMES), key=lambda found: found[1].mean())


def _gap(was: np.ndarray, now: np.ndarray, right: int, down: int) -> float:
    """Mean absolute difference of the part that both show, if the view moved by so many pixels."""
    height, width = was.shape[:2]
    old = was[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]
    new = now[max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)]
    return float(np.abs(old.astype(np.int16) - new).mean())
