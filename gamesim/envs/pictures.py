"""Pictures of other people's games: where an observation holds one, and how it becomes a frame."""

from functools import lru_cache
from typing import Any

import numpy as np
from gymnasium import spaces

LEAST = 8
"""Pixels of the smaller side of what can be shown."""


def _is_image(space: spaces.Space, unusual: bool, least: int) -> bool:
    """Whether a space is one of images uint8, grey or RGB; or, `unusual`, RGBA or numbers between bounds."""
    if not isinstance(space, spaces.Box):
        return False
    rgba = unusual and len(space.shape) == 3 and space.shape[2] == 4
    if not is_shape((*space.shape[:2], 3) if rgba else space.shape, least):
        return False
    bounds = [space.low.min(), space.high.max()]
    return _is_usual(space) or (unusual and bool(np.isfinite(bounds).all()) and bounds[0] < bounds[1])


def _is_usual(space: spaces.Box) -> bool:
    """Whether its numbers are brightness; those of uint8 that end earlier may say what lies on a board."""
    return space.dtype == np.uint8 and space.high.max() == 255


def is_shape(shape: tuple[int, ...], least: int = LEAST) -> bool:
    """Whether it is (H, W), (H, W, 1), (H, W, 3), (1, H, W) or (3, H, W), at `least` so many pixels."""
    if len(shape) == 2:
        return min(shape) >= least
    if len(shape) != 3:
        return False
    sides = shape[:2] if shape[-1] in (1, 3) else shape[1:] if shape[0] in (1, 3) else (0,)
    return min(sides) >= least


def find_image(space: spaces.Space, *, unusual: bool = False, least: int = LEAST) -> tuple[Any, ...] | None:
    """The keys that lead to the largest image of an observation space: () for an image, None if none.

    Args:
        space: of the game.
        unusual: whether RGBA, and all numbers between two bounds, are images as well: a game that can draw
            itself knows better which of its numbers are a picture.
        least: how many pixels its smaller side has at least.
    """
    found: list[tuple[int, tuple[Any, ...]]] = []

    def look(part: spaces.Space, path: tuple[Any, ...]) -> None:
        if isinstance(part, spaces.Dict):
            for key, child in part.spaces.items():
                look(child, (*path, key))
        elif isinstance(part, spaces.Tuple):
            for index, child in enumerate(part.spaces):
                look(child, (*path, index))
        elif _is_image(part, unusual, least):
            found.append((int(np.prod(part.shape or ())), path))

    look(space, ())
    return max(found, key=lambda image: image[0])[1] if found else None


def follow(tree: Any, path: tuple[Any, ...]) -> Any:
    """What these keys lead to, in an observation or in its space."""
    for key in path:
        tree = tree[key]
    return tree


def shown_as(image: np.ndarray, space: spaces.Box) -> bool:
    """Whether an image is of its space's shape and kind of numbers, which may have another precision."""
    return image.shape == space.shape and image.dtype.kind == space.dtype.kind


def to_uint8(image: np.ndarray, space: spaces.Box) -> np.ndarray:
    """An image of numbers from the bounds of `space`, or of brightness already, as uint8 of its shape."""
    if image.dtype == np.uint8 and _is_usual(space):
        return image
    low, high = float(space.low.min()), float(space.high.max())
    share = (np.nan_to_num(image, nan=low).astype(np.float64) - low) / (high - low)
    return np.rint(255 * share.clip(0, 1)).astype(np.uint8)


def without_alpha(image: np.ndarray) -> np.ndarray:
    """RGBA (H, W, 4) as RGB; any other image as it is."""
    return image[..., :3] if image.ndim == 3 and image.shape[2] == 4 else image


def to_rgb(image: np.ndarray) -> np.ndarray:
    """An image uint8 of a shape that ``find_image`` finds as uint8 (H, W, 3)."""
    image = without_alpha(image)
    if image.ndim == 2:
        image = image[:, :, None]
    elif image.shape[-1] not in (1, 3):
        image = image.transpose(1, 2, 0)
    return np.broadcast_to(image, (*image.shape[:2], 3))


@lru_cache(maxsize=32)
def _covered(old: int, new: int) -> tuple[np.ndarray, np.ndarray]:
    """The old pixels that each new one covers along one axis, and how much of it each fills.

    Returns:
        int64 and float32 (new, K); the shares of a row add up to 1.
    """
    size = old / new
    begin = np.arange(new)[:, None] * size
    index = begin.astype(np.int64) + np.arange(int(np.ceil(size)) + 1)
    share = np.minimum(begin + size, index + 1) - np.maximum(begin, index)
    return index.clip(0, old - 1), (share.clip(0) / size).astype(np.float32)


def _shrunk(rows: np.ndarray, new: int) -> np.ndarray:
    """Rows (old, N) as float32 (new, N)."""
    # Not as a product of matrices: BLAS would use all cores, which wait for each other where they are busy.
    index, share = _covered(len(rows), new)
    return (rows[index] * share[..., None]).sum(1)


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize by area: each new pixel is the mean of what it covers.

    Args:
        image: uint8 (H, W, 3).
        size: New height and width.

    Returns:
        uint8 (height, width, 3), a new array.
    """
    height, width = image.shape[:2]
    if (height, width) == size:
        return np.array(image)
    rows = _shrunk(image.reshape(height, -1), size[0])
    columns = rows.reshape(size[0], width, 3).transpose(1, 0, 2).reshape(width, -1)
    both = _shrunk(columns, size[1]).reshape(size[1], size[0], 3).transpose(1, 0, 2)
    return np.ascontiguousarray(np.rint(both).clip(0, 255).astype(np.uint8))


def fit(image: np.ndarray, side: int, *, stretch: bool) -> np.ndarray:
    """An image uint8 (H, W, 3) as uint8 (side, side, 3): stretched, or as it is between black bars."""
    height, width = image.shape[:2]
    if stretch or height == width:
        return resize(image, (side, side))
    scale = side / max(height, width)
    inner = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (side - inner[0]) // 2, (side - inner[1]) // 2
    frame = np.zeros((side, side, 3), np.uint8)
    frame[top : top + inner[0], left : left + inner[1]] = resize(image, inner)
    return frame


def kind(image: Any) -> str:
    """What somebody's picture is, for a message: ``float32 (64, 64, 3)``, or the name of its class."""
    return f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
