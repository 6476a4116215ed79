"""Compares two frames of cells: how the view scrolled, and where they show different things."""

import numpy as np
from numpy.typing import NDArray

from gamesim.envs.layouts import DOOR, OUTSIDE, WALL
from gamesim.envs.rules import CENTRE, DELTAS
from gamesim.envs.sprites import THEMES, decode

TOLERANCE = 50.0
"""Two cells show different things if the colours of some ninth of them differ by more than this, of 0..255.

Ninths are averaged before they are compared, so that blur alone does not count. Measured on cells whose
nearest tile says what they show: among cells that show the same as the real game, 0.3% are above it in the
shipped Tilemap's dreams and 6% in World Models' (of 64x64 pixels); among the others 0% and 1% are below.
"""

Mask = NDArray[np.bool_]
Place = tuple[int, int]
"""(x, y) in cells."""


def moved(was: np.ndarray, now: np.ndarray, action: int) -> bool:
    """Whether a view of 7x7 cells scrolled by one cell in the direction of an action, 0..4, or else stood
    still.

    Both frames, before and after, are uint8 (H, W, 3).
    """
    if not 1 <= action < len(DELTAS):
        return False
    (dx, dy), cell = DELTAS[action], len(was) // 7
    scroll, still = _gap(was, now, dx * cell, dy * cell), _gap(was, now, 0, 0)
    if scroll != still:
        return scroll < still
    ahead = classes(was)[0][CENTRE + dy, CENTRE + dx]  # a long corridor looks the same all along
    return ahead not in (WALL, OUTSIDE, DOOR)


def classes(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cell classes uint8 (7, 7) in the theme whose tiles are nearest, and the distance to these, 0..255."""
    return min((decode(frame, theme) for theme in THEMES), key=lambda found: found[1].mean())


def _gap(was: np.ndarray, now: np.ndarray, right: int, down: int) -> float:
    """Mean absolute difference in the part that both frames show, if the view moved by so many pixels."""
    height, width = was.shape[:2]
    old = was[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]
    new = now[max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)]
    return float(np.abs(old.astype(np.int16) - new).mean())


def differing(a: np.ndarray, b: np.ndarray, shape: tuple[int, int]) -> Mask | None:
    """Cells in which two frames, uint8 (H, W, 3), show different things, bool (rows, columns) of this shape.

    None if the frames differ in size, or cells are smaller than 3x3 pixels.
    """
    rows, columns = shape
    if a.shape != b.shape or a.shape[0] < 3 * rows or a.shape[1] < 3 * columns:
        return None
    gap = a.astype(np.int64) - b
    down = np.arange(3 * rows + 1) * a.shape[0] // (3 * rows)
    across = np.arange(3 * columns + 1) * a.shape[1] // (3 * columns)
    sums = np.add.reduceat(np.add.reduceat(gap, down[:-1], axis=0), across[:-1], axis=1)
    ninths = np.abs(sums).mean(-1) / np.outer(np.diff(down), np.diff(across))
    return ninths.reshape(rows, 3, columns, 3).max((1, 3)) > TOLERANCE
