"""The running average of the weights over a training, which is what is shipped."""

import torch
from torch import Tensor, nn


def decay_at(done: int, longest: float) -> float:
    """How much of the average stays in a step: at first it forgets quickly, later as `longest` says.

    Args:
        done: steps before this one.
        longest: the decay in the long run.
    """
    return min(longest, (1 + done) / (10 + done))


@torch.no_grad()
def follow(average: nn.Module, trained: nn.Module, share: Tensor) -> None:
    """Moves the averaged weights towards the trained ones, by a share (0-d) of the way."""
    for kept, new in zip(average.parameters(), trained.parameters(), strict=True):
        kept.lerp_(new, share)
