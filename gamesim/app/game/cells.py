"""Two frames compared cell by cell: where they show different things."""

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 50.0
"""Difference of colour, 0..255, of some ninth of a cell above which two cells show different things.

Ninths are averaged before they are compared, so that what is only blurred does not count. Measured on cells
whose nearest tile says what they show: of those that show the same as in the real game, 0.3% are above it in
the shipped Tilemap's dreams and 6% in World Models' (of 64x64 pixels); of the others 0% and 1% are below.
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
        bool (rows, columns); None if the frames are of different sizes, or cells are less than 3x3 pixels.
    """
    rows, columns = shape
    if a.shape != b.shape or a.shape[0] < 3 * rows or a.shape[1] < 3 * columns:
        return None
    gap = a.astype(np.int64) - b
    down = np.arange(3 * rows + 1) * a.shape[0] // (3 * rows)
    across = np.arange(3 * columns + 1) * a.shape[1] // (3 * columns)
    sums = np.add.reduceat(np.add.reduceat(gap, down[:-1], axis=0), across[:-1], axis=1)
    ninths = np.abs(sums).mean(-1) / np.outer(np.diff(down), np.diff(across))
    return ninths.reshape(rows, 3, columns, 3).max((1, 3)) > tolerance
