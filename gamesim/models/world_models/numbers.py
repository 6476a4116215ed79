"""Actions that are numbers: how M reads them, and how C's outputs become one of those that there are.

Ha & Schmidhuber 2018 (arXiv 1803.10122): CarRacing's three continuous actions (appendix A.2), and TakeCover's
single one, which is cut into as many equal parts as there are actions (appendix A.3).
"""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn


class Numbers(nn.Module):
    """A grid of actions int64, each of A numbers from -1 to 1; the last number varies fastest.

    Args:
        levels: How many values each number may take, at least 2.
    """

    counts: Tensor
    strides: Tensor

    def __init__(self, levels: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("counts", torch.tensor(levels), persistent=False)
        strides = [prod(levels[place + 1 :]) for place in range(len(levels))]
        self.register_buffer("strides", torch.tensor(strides), persistent=False)

    def forward(self, action: Tensor) -> Tensor:
        """Actions int64 (...) -> their numbers (..., A)."""
        place = action[..., None] // self.strides % self.counts
        return 2 * place / (self.counts - 1) - 1

    def nearest(self, outputs: Tensor) -> Tensor:
        """Any numbers (..., A) -> actions int64 (...): each is cut into equal parts, one for each value."""
        share = (outputs.clamp(-1, 1) + 1) / 2
        place = (share * self.counts).long().minimum(self.counts - 1)
        return (place * self.strides).sum(-1)
