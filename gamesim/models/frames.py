"""Frames as games show them and as networks see them."""

import torch
from torch import Tensor


def to_float(frames: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """uint8 (..., H, W, 3) -> floats (..., 3, H, W) in [0, 1], which stay channels last in memory."""
    return frames.movedim(-1, -3).to(dtype).div_(255)


def centred(frames: Tensor) -> Tensor:
    """Floats in [0, 1] -> floats in [-1, 1]: 2 x - 1 in one pass."""
    return torch.rsub(frames, -1, alpha=-2)


def to_uint8(frames: Tensor) -> Tensor:
    """float (..., 3, H, W) in [0, 1] -> uint8 (..., H, W, 3)."""
    return (frames.float().clamp(0, 1) * 255).round().to(torch.uint8).movedim(-3, -1).contiguous()
