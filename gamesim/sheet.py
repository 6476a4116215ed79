"""Contact sheets: the real game above, the dream below, under the same keys."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GAP = 2
"""Pixels between frames; pairs of rows are set apart by four times as much."""
PAPER = 24
"""Grey level of the sheet's ground, 0..255."""


def contact_sheet(real: NDArray[np.uint8], dreamt: NDArray[np.uint8], *, scale: int = 1) -> NDArray[np.uint8]:
    """Lays out episodes as pairs of rows, time running to the right.

    Args:
        real: uint8 (R, T, H, W, 3).
        dreamt: uint8 (R, T, H, W, 3), the same steps dreamt.
        scale: whole enlargement, nearest neighbour.

    Returns:
        uint8 (H', W', 3) with H' = R * (2H + GAP) * scale and the gaps around them.

    Raises:
        ValueError: the shapes differ or are not those above.
    """
    if real.ndim != 5 or real.shape != dreamt.shape:
        raise ValueError(
            f"two uint8 (R, T, H, W, 3) of one shape are needed, not {real.shape} and {dreamt.shape}"
        )
    rows, times, height, width, channels = real.shape
    pair = 2 * height + GAP
    sheet = np.full(
        (rows * (pair + 4 * GAP) + 4 * GAP, times * (width + GAP) + GAP, channels), PAPER, np.uint8
    )
    for row in range(rows):
        for time in range(times):
            top, left = 4 * GAP + row * (pair + 4 * GAP), GAP + time * (width + GAP)
            sheet[top : top + height, left : left + width] = real[row, time]
            sheet[top + height + GAP : top + pair, left : left + width] = dreamt[row, time]
    return enlarge(sheet, scale)


def enlarge(image: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Nearest-neighbour enlargement of uint8 (..., H, W, C) by a whole number."""
    return image.repeat(scale, axis=-3).repeat(scale, axis=-2)
