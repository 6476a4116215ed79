"""What GameGAN draws anew and what it recalls. Ours, not the paper's.

A step writes to its slot before it reads it (Kim et al. 2020, arXiv 2005.12126, Eq. 8 and 9), and what it
writes depends on h alone. So where a slot is known, what it held is lost before it is drawn, and it is just
what comes back into view. Here the static layer is drawn twice, from what was read (as in the paper) and from
what the slot held before, and a small network chooses between them place by place. It learns the choice from
the errors that either would make.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.config.gamegan import GameGANModelConfig
from gamesim.models.gamegan.rendering_engine import SHARPNESS
from gamesim.models.layers import mlp, scales

RECALLS = -5.0
"""Logit of the trust in what is recalled, at the start of training."""


class Recall(nn.Module):
    """How much each place trusts what the slot held: one for each location of the renderer's coarsest map."""

    def __init__(self, config: GameGANModelConfig) -> None:
        super().__init__()
        self.side, _ = scales(config.frame_size)
        self.score = mlp([config.hidden + config.memory_width, config.hidden, self.side**2])

    @torch.no_grad()
    def initialise(self) -> None:
        """At first nothing is recalled, so that an engine that was trained without can go on with it."""
        self.score.get_parameter("2.weight").zero_()
        self.score.get_parameter("2.bias").fill_(RECALLS * SHARPNESS)

    def forward(self, h: Tensor, held: Tensor) -> Tensor:
        """The trust, float32 (B, 1, side, side) in [0, 1].

        Args:
            h: h_t (B, hidden).
            held: what attention finds before the step writes, (B, memory_width).
        """
        # What a slot holds is many times as large as h.
        known = torch.cat([F.layer_norm(part, part.shape[1:]) for part in (h, held)], 1)
        return (self.score(known).float() / SHARPNESS).sigmoid().view(-1, 1, self.side, self.side)
