"""What may come, in GameGAN, drawn by chance. Ours, not the paper's.

In the paper z enters the dynamics engine (Kim et al. 2020, arXiv 2005.12126, Eq. 1), and only discriminators
tell it what to do with it. In our trainings it did next to nothing: what comes into view was drawn as what is
likeliest there, bare floor, and ghosts, which may go several ways, went none.

Here a conditional VAE (Sohn et al. 2015, "Learning Structured Output Representation using Deep Conditional
Generative Models") learns what h_t turns into once the frame has been seen that it should have drawn. In a
dream nobody has seen that frame: a normal z of its own makes of h_t an *outlook*, one of the states that may
be the next. A second network chooses place by place between the frame as h_t would draw it and the outlook's.
It learns to take the outlook's where that is nearer to the truth when z was inferred from the truth: where
h_t cannot know what comes. Memory and recurrence stay as they are. They see the frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.models.gamegan.recall import Recall
from gamesim.models.layers import mlp

if TYPE_CHECKING:
    from gamesim.config.gamegan import GameGANModelConfig

NARROWEST = -8.0
"""Least logarithm of a variance of z."""


def normed(h: Tensor) -> Tensor:
    """h (B, hidden) with mean 0 and variance 1 in each lane."""
    return F.layer_norm(h, h.shape[1:])


class Chance(nn.Module):
    """An encoder, which training alone needs, a decoder of outlooks, and where they are drawn.

    z has `z_size` numbers.
    """

    def __init__(self, config: GameGANModelConfig) -> None:
        super().__init__()
        hidden, z_size = config.hidden, config.z_size
        self.encode = mlp([2 * hidden, 2 * hidden, 2 * z_size])
        self.change = mlp([hidden + z_size, 2 * hidden, hidden])
        self.where = Recall(config)

    @torch.no_grad()
    def initialise(self) -> None:
        """At first an outlook is h, so that an engine that was trained without chance can go on with it."""
        for layers in (self.encode, self.change):
            layers.get_parameter("2.weight").zero_()
            layers.get_parameter("2.bias").zero_()
        self.where.initialise()

    def infer(self, h: Tensor, later: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance (B, z_size) of the z that leads from h to `later`, (B, hidden) each."""
        mean, log_variance = self.encode(torch.cat([normed(h), normed(later)], 1)).float().chunk(2, dim=1)
        return mean, log_variance.clamp_min(NARROWEST)

    def forward(self, h: Tensor, z: Tensor) -> Tensor:
        """The outlook (B, hidden) of h (B, hidden) with z (B, z_size)."""
        return h + self.change(torch.cat([normed(h), z], 1)).float()
