"""Pictures made of frames, and a map of two numbers."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

GAP = 3
"""Pixels between two frames."""
GROUND = 24
"""Grey level of the ground, 0 to 255."""
SIDE = 168
"""Pixels along the side of a map."""


def rows(*lines: Tensor | np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
    """Frames, each line uint8 (N, H, W, 3), one line below the other: uint8 (H', W', 3)."""
    (height, width), count, down = lines[0][0].shape[:2], len(lines[0]), len(lines)
    size = down * (height + GAP) - GAP, count * (width + GAP) - GAP, 3
    sheet = np.full(size, GROUND, np.uint8)
    for j, line in enumerate(lines):
        for i, frame in enumerate(line):
            top, left = j * (height + GAP), i * (width + GAP)
            sheet[top : top + height, left : left + width] = frame
    return sheet


def marked(
    frame: np.ndarray, cell: tuple[int, int], side: int, colour: tuple[int, int, int] = (255, 255, 255)
) -> np.ndarray:
    """A frame uint8 (H, W, 3) with a line around a cell (row, column) of so many pixels on a side."""
    found, (top, left) = frame.copy(), (side * i for i in cell)
    square = found[top : top + side, left : left + side]
    square[[0, -1]] = square[:, [0, -1]] = colour
    return found


def chart(dots: Tensor, here: Sequence[float], reach: float) -> np.ndarray:
    """A map of two numbers, both from -reach to reach: uint8 (SIDE, SIDE, 3).

    Args:
        dots: where frames lie, (N, 2).
        here: where the cross is.
        reach: the number at the edges.
    """
    picture = Image.new("RGB", (SIDE, SIDE), (GROUND,) * 3)
    pen = ImageDraw.Draw(picture)

    def place(a: float, b: float) -> tuple[int, int]:
        return round((a / reach + 1) / 2 * (SIDE - 1)), round((1 - b / reach) / 2 * (SIDE - 1))

    for sigma in (1, 2, 3):
        pen.ellipse([*place(-sigma, sigma), *place(sigma, -sigma)], outline=(70, 74, 84))
    for dot in dots.tolist():
        x, y = place(*dot)
        pen.rectangle([x, y, x + 1, y + 1], fill=(104, 132, 255))
    x, y = place(*here)
    pen.line([x - 5, y, x + 5, y], fill=(255, 222, 0))
    pen.line([x, y - 5, x, y + 5], fill=(255, 222, 0))
    return np.array(picture)


def at(x: float, y: float, reach: float) -> tuple[float, float]:
    """The two numbers at a share of the map's width and height."""
    return reach * (2 * x - 1), reach * (1 - 2 * y)
