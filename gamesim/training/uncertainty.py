"""How well each place of a frame can be predicted: Kendall & Gal 2017 (arXiv 1703.04977), Eq. 5.

What comes into view may be one of many things. The mean of them all has the least squared error, so a wall
that may be there or not is never drawn, however real the discriminators would find it. Here a small network
learns, from what the generator knows, how large the squared error of each place will be. Where it will be
large, nearness to the real frame counts little (the paper's attenuation) and the discriminators decide. The
network sees states, key presses, which frames were real, and errors, nothing else. It exists in training
only, and is ours, not GameGAN's.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.config.gamegan import GameGANModelConfig
from gamesim.models.layers import initialise, mlp, scales

QUARTER = 10.0
"""Squared error of a place, in the released unit, at which nearness to the real frame counts a quarter."""


class Uncertainty(nn.Module):
    """Predicts the squared error of each place, one for each location of the renderer's coarsest map.

    A GRU of its own follows the sequence and is told which frames were real. Without that it would predict
    the same error for a place that was shown and for one that was dreamt, and what can be remembered would
    count as little as what cannot.
    """

    def __init__(self, config: GameGANModelConfig) -> None:
        super().__init__()
        self.side, _ = scales(config.frame_size)
        self.num_actions = config.num_actions
        known = config.hidden + (config.memory_width if config.memory else 0)
        self.history = nn.GRU(known + 1 + self.num_actions, config.hidden)
        self.layers = mlp([config.hidden, config.hidden, self.side**2])
        initialise(self)

    def forward(self, known: Tensor, told: Tensor, actions: Tensor) -> Tensor:
        """The logarithm of the errors, float32 (B, T, side, side).

        Args:
            known: what each frame was drawn from, h and the memory read (B, T, any).
            told: bool (B, T), whether the frame on screen before it was real.
            actions: int64 (B, T).
        """
        played = F.one_hot(actions, self.num_actions)
        steps = torch.cat([known, told[..., None], played], -1).float().transpose(0, 1)
        history, _ = self.history(steps)
        return self.layers(history.transpose(0, 1)).unflatten(-1, (self.side, self.side))


def errors_by_place(drawn: Tensor, real: Tensor, side: int) -> Tensor:
    """The squared errors of frames in [-1, 1], summed over each of side x side places.

    Args:
        drawn, real: (B, T, 3, S, S) in [0, 1].
        side: S divided by the pixels along a place.

    Returns:
        float32 (B, T, side, side); a frame's sum is the released code's distance.
    """
    squares = 4 * (drawn - real).float().square().sum(2)
    pixels = squares.shape[-1] // side
    return F.avg_pool2d(squares, pixels, divisor_override=1)


def agreement(errors: Tensor, told: Tensor, scale: float) -> Tensor:
    """How much each step is an example of its game, by how far the frame before it was one of that game.

    If a dream made up an edge where the real board goes on, the real frames would teach it that edges can be
    walked over. Once a dream has gone another way, the real game no longer shows what should come next.

    Args:
        errors: of the drawn frames (B, T, side, side), as `errors_by_place` gives them.
        told: bool (B, T), which of the frames that were on screen before the steps are real.
        scale: error of a place, in the mean, at which a step counts e times less.

    Returns:
        (B, T, 1, 1), 1 after a real frame.
    """
    before = F.pad(errors.mean((2, 3))[:, :-1], (1, 0))
    return torch.exp(-before * ~told / scale)[..., None, None]


def surprise(log_error: Tensor, errors: Tensor) -> Tensor:
    """How badly errors were predicted: the negative log likelihood of a Gaussian, as in Eq. 5."""
    return log_error + errors * (-log_error).exp()


def attenuation(log_error: Tensor) -> Tensor:
    """How much nearness to the real frame counts where the error will be this large, in (0, 1)."""
    return (QUARTER / (QUARTER + log_error.exp())).square()
