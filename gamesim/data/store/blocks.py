"""Frames as a few different blocks and where they lie: exact, and far faster than deflating pixels.

The frames of a tile game are made of a handful of pictures, over and over. Such frames are stored as
those pictures and an index; any others (a dream's) do not gain by it and stay as they are.
"""

import numpy as np

SIZES = (12, 8)
"""Sides of a block in pixels, the first that divides a frame is taken."""
MAX_BLOCKS = 1 << 16
_WORTHWHILE = 4  # times fewer blocks than places, at least

WEIGHTS = np.random.default_rng(0).integers(2**32, size=(max(SIZES), max(SIZES) * 3 // 4), dtype=np.uint32)


def pack(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Find the different blocks.

    Args:
        frames: uint8 (N, H, W, 3), contiguous.

    Returns:
        blocks uint8 (K, S, S, 3) and index uint16 (N, H/S, W/S), from which :func:`unpack` gives the same
        frames; None where that would not be worthwhile.
    """
    count, height, width, _ = frames.shape
    size = next((size for size in SIZES if height % size == 0 and width % size == 0), None)
    if size is None:
        return None
    down, across = height // size, width // size
    # A weighted sum of its words stands for a block; should two blocks share one, unpacking will tell.
    words, per_row = frames.reshape(-1).view(np.uint32), size * 3 // 4
    weights = np.tile(WEIGHTS[:size, :per_row], (1, across))
    sums = np.einsum("brw,rw->bw", words.reshape(count * down, size, across * per_row), weights)
    sums = sums.reshape(count, down, across, per_row).sum(3, dtype=np.uint32)
    _, first, places = np.unique(sums, return_index=True, return_inverse=True)
    if len(first) * _WORTHWHILE > places.size or len(first) > MAX_BLOCKS:
        return None
    t, y, x = np.unravel_index(first, sums.shape)
    blocks = np.ascontiguousarray(frames.reshape(count, down, size, across, size, 3)[t, y, :, x])
    index = places.reshape(sums.shape).astype(np.uint16)
    return (
        (blocks, index) if np.array_equal(unpack(blocks, index).reshape(-1).view(np.uint32), words) else None
    )


def unpack(blocks: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Frames uint8 (N, H, W, 3) of what :func:`pack` gave.

    Raises:
        IndexError: The index names a block that is not there.
    """
    size = blocks.shape[1]
    count, down, across = index.shape
    if index.max(initial=0) >= len(blocks):
        raise IndexError("its index names a block that is not there")
    rows = np.ascontiguousarray(blocks).reshape(-1).view(f"V{3 * size}")  # one opaque item: one quick copy
    frames = np.empty((count, down * size, across * size, 3), np.uint8)
    where = index.astype(np.intp)[:, :, None, :] * size + np.arange(size)[:, None]
    np.take(rows, where, out=frames.reshape(-1).view(rows.dtype).reshape(where.shape), mode="clip")
    return frames
