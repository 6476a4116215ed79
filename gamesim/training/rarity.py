"""How much each cell of a frame counts: what is seldom seen would else be learned last, or never.

A flag is one cell in a thousand. Averaged over all cells, an engine that never draws one loses nothing.
As in class-balanced losses (Cui et al. 2019), cells are weighted by how rare they are; their classes are
not known here, so that cells of the same mean colour are counted as one kind.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

COMMON = 0.05
"""Kinds with at least this share of all cells weigh 1; below it, weights grow with the root of rarity."""
LEVELS = 16
"""Of each colour channel: cells whose mean colours fall into the same level are of one kind."""


class Rarity:
    """Weights of the cells of a frame, from how often their kind occurs in some frames of the data."""

    def __init__(self, frames: Tensor, patch: int, ceiling: float) -> None:
        """Count the kinds.

        Args:
            frames: float (N, 3, H, W) in [0, 1], a fair draw from the data.
            patch: pixels along the side of a cell.
            ceiling: the weight of the rarest kinds, and of those that never occurred; >= 1.
        """
        self.patch = patch
        counts = torch.bincount(self._kinds(frames).flatten(), minlength=LEVELS**3).float()
        shares = counts / counts.sum()
        self.weights = (COMMON / shares).sqrt().clamp(1, ceiling)

    def __call__(self, frames: Tensor) -> Tensor:
        """float (..., 3, H, W) in [0, 1] -> the weight of each pixel, (..., 1, H, W) in [1, ceiling]."""
        cells = self.weights[self._kinds(frames.flatten(0, -4))]
        pixels = cells.repeat_interleave(self.patch, -2).repeat_interleave(self.patch, -1)
        return pixels.view(*frames.shape[:-3], 1, *frames.shape[-2:])

    def _kinds(self, frames: Tensor) -> Tensor:
        """(N, 3, H, W) -> int64 (N, H / patch, W / patch)."""
        levels = (F.avg_pool2d(frames, self.patch) * (LEVELS - 1)).round().long()
        return (levels[:, 0] * LEVELS + levels[:, 1]) * LEVELS + levels[:, 2]
