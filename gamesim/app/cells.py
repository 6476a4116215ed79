"""Two frames compared cell by cell: where they differ, and when they first did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 12.0
"""Mean absolute difference of a pixel value, 0..255, above which two cells show different things.

The most alike tiles of the game are floor and food, 23.1 apart. Of cells of the shipped dreams that show what
the real game shows, 0.4% are above it (ghosts and Pac-Man looking elsewhere); of the others none is below.
"""

Mask = NDArray[np.bool_]


def differing(
    a: np.ndarray, b: np.ndarray, shape: tuple[int, int], tolerance: float = TOLERANCE
) -> Mask | None:
    """Cells in which two frames show different things.

    Args:
        a: uint8 (H, W, 3).
        b: the same.
        shape: (rows, columns) of cells that a frame is made of.
        tolerance: see `TOLERANCE`.

    Returns:
        bool (rows, columns); None if the frames are of different sizes or smaller than that.
    """
    if a.shape != b.shape or a.shape[0] < shape[0] or a.shape[1] < shape[1]:
        return None
    gap = np.abs(a.astype(np.int16) - b).sum(-1, dtype=np.int64)
    edges = [np.arange(count + 1) * size // count for count, size in zip(shape, a.shape, strict=False)]
    sums = np.add.reduceat(np.add.reduceat(gap, edges[0][:-1], axis=0), edges[1][:-1], axis=1)
    return sums > tolerance * a.shape[2] * np.outer(np.diff(edges[0]), np.diff(edges[1]))


@dataclass(frozen=True)
class Pair:
    """The real frame and the dreamt one after the same step, and the cells in which they differ."""

    step: int
    real: np.ndarray
    dream: np.ndarray
    mask: Mask


class Divergence:
    """Follows a real game and its dream that began at the same moment under the same keys.

    Attributes:
        shape: (rows, columns) of cells.
        now: bool (rows, columns), what differs now; None before the first step and where nothing can be
            compared.
        first: when anything differed for the first time; None until then.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.now: Mask | None = None
        self.first: Pair | None = None
        self._steps = 0

    def look(self, real: np.ndarray, dream: np.ndarray) -> None:
        """Both have made one step more."""
        self._steps += 1
        self.now = differing(real, dream, self.shape)
        if self.first is None and self.now is not None and self.now.any():
            self.first = Pair(self._steps, real.copy(), dream.copy(), self.now)
