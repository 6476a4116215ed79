"""Frames as grids of cells, one a `patch` x `patch` square of pixels (space to depth), and back.

Tilemap works on cells, as a vision transformer does on patches (Dosovitskiy et al. 2021). Maps are
(B, C, h, w), channels last in memory, which is what convolutions and per-cell products want on a CPU.
"""

import torch.nn.functional as F
from torch import Tensor, nn


class PerCell(nn.Linear):
    """The same linear map for every cell: a 1x1 convolution, as the matrix product that it is."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, inputs, h, w) -> (B, outputs, h, w)."""
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Residual(nn.Module):
    """x + conv(conv(x)): two 3x3 convolutions at full width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(F.silu(x))))


def grid(cells: Tensor, size: int) -> Tensor:
    """(B, size * size, C) -> (B, C, size, size)."""
    return cells.view(-1, size, size, cells.shape[-1]).permute(0, 3, 1, 2)


def to_cells(frames: Tensor, patch: int) -> Tensor:
    """(B, C, H, W) -> (B, C * patch^2, H / patch, W / patch)."""
    batch, channels, height, width = frames.shape
    shape = (batch, channels, height // patch, patch, width // patch, patch)
    cells = frames.reshape(shape).permute(0, 2, 4, 1, 3, 5)
    return cells.reshape(batch, height // patch, width // patch, -1).permute(0, 3, 1, 2)


def to_pixels(cells: Tensor, patch: int) -> Tensor:
    """(B, C * patch^2, h, w) -> (B, C, h * patch, w * patch)."""
    batch, _, height, width = cells.shape
    parts = cells.permute(0, 2, 3, 1).reshape(batch, height, width, -1, patch, patch)
    return parts.permute(0, 3, 1, 4, 2, 5).reshape(batch, -1, height * patch, width * patch)
