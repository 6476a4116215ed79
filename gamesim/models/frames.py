"""Frames as games show them and as networks see them."""

from __future__ import annotations

import torch
from torch import Tensor


def to_float(frames: Tensor) -> Tensor:
    """uint8 (..., H, W, 3) -> float32 (..., 3, H, W) in [0, 1]."""
    return frames.movedim(-1, -3).float() / 255


def to_uint8(frames: Tensor) -> Tensor:
    """float (..., 3, H, W) in [0, 1] -> uint8 (..., H, W, 3)."""
    return (frames.float().clamp(0, 1) * 255).round().to(torch.uint8).movedim(-3, -1).contiguous()
