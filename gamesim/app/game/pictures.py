"""Arrays as pictures: heat maps, heat over a picture, and outlines of the slots that a memory reads."""

import numpy as np
from numpy.typing import NDArray

from gamesim.envs.rules import DELTAS

Picture = NDArray[np.uint8]
"""(H, W, 3)."""

SMALL = 84
"""Height in pixels of a picture that is only the background for something else."""


def _ramp(*colours: tuple[int, int, int]) -> Picture:
    """256 colours that run through the given ones, (256, 3)."""
    places = np.linspace(0, 255, len(colours))
    channels = [np.interp(np.arange(256), places, channel) for channel in zip(*colours, strict=True)]
    return np.stack(channels, 1).round().astype(np.uint8)


GREY = _ramp((0, 0, 0), (255, 255, 255))
HEAT = _ramp((10, 10, 24), (84, 30, 120), (196, 56, 92), (250, 156, 52), (255, 244, 184))
"""From nothing to much; its lightness rises evenly, so that it can be read without colour, too."""
SIGNED = _ramp((120, 196, 255), (24, 56, 120), (10, 10, 24), (128, 56, 12), (255, 190, 96))
"""From below zero (blue) through zero (dark) to above (orange)."""


def coloured(values: np.ndarray, low: float, high: float, ramp: Picture) -> Picture:
    """Numbers (h, w) as colours, uint8 (h, w, 3); `low` and `high` are the ends of the ramp."""
    share = (np.nan_to_num(values) - low) / max(high - low, 1e-9)
    return ramp[(share.clip(0, 1) * 255).astype(np.uint8)]


def folded(values: np.ndarray) -> np.ndarray:
    """Many numbers (n,) as a near square (h, w), filled up with zeros."""
    width = int(np.ceil(np.sqrt(len(values))))
    rows = -(-len(values) // width)
    return np.pad(values, (0, rows * width - len(values))).reshape(rows, width)


def spread(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Enlarge values (h, w, ...) to (height, width, ...), each pixel with the nearest value."""
    rows = np.arange(height) * values.shape[0] // height
    columns = np.arange(width) * values.shape[1] // width
    return values[rows[:, None], columns]


def veiled(picture: Picture, known: np.ndarray) -> Picture:
    """`picture` with the slots darkened that are not `known`, bool (h, w)."""
    rows, columns = known.shape
    veiled = picture.copy()
    slots = veiled.reshape(rows, len(picture) // rows, columns, -1, 3).swapaxes(1, 2)
    slots[~known] //= 8
    return veiled


def over(picture: Picture, values: np.ndarray, high: float) -> Picture:
    """Heat (h, w) from 0 to `high` over `picture`, which is reduced, dimmed and grey."""
    less = max(1, len(picture) // SMALL)
    dim = picture[::less, ::less].astype(np.uint16).sum(-1, dtype=np.uint16) // 7
    height, width = dim.shape
    heat = spread(coloured(values, 0, high, HEAT), height, width)
    share = (values / max(high, 1e-9)).clip(0, 1) ** 0.5 * 256
    share = spread(share.astype(np.uint16), height, width)[..., None]
    return (((256 - share) * dim[..., None] + share * heat) >> 8).astype(np.uint8)


def composed(dynamic: Picture, mask: np.ndarray, static: Picture) -> Picture:
    """Compose two layers; `mask` (h, w) is the share of the dynamic one (Kim et al. 2020, Eq. 14)."""
    share = spread(mask, *dynamic.shape[:2])[..., None].clip(0, 1)
    return (share * dynamic + (1 - share) * static).round().astype(np.uint8)


def edges(inside: np.ndarray) -> list[tuple[int, int, int, int]]:
    """The edges of the cells that are `inside`, bool (h, w): (x, y) of the cell, (dx, dy) to the outside."""
    around = np.pad(inside, 1)
    return [
        (x, y, dx, dy)
        for y, x in np.argwhere(inside).tolist()
        for dx, dy in DELTAS[1:]
        if not around[y + 1 + dy, x + 1 + dx]
    ]


def outline(weights: np.ndarray) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The edges around the slots whose weight is at least half the highest, from corner to corner.

    Args:
        weights: (h, w), not negative.

    Returns:
        ((x, y), (x, y)) in slots, each edge once.
    """
    inside = weights >= 0.5 * max(float(weights.max()), 1e-9)
    starts = [(x + (dx > 0), y + (dy > 0), dx, dy) for x, y, dx, dy in edges(inside)]
    return [((x, y), (x + abs(dy), y + abs(dx))) for x, y, dx, dy in starts]
