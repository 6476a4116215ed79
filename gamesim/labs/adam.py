"""Adam (Kingma & Ba 2015, arXiv 1412.6980, algorithm 1), for labs that have to open at once.

torch's own optimizers load torch's compiler when the first of them is made: about 7 s of a core (torch 2.13),
where a lab has a few seconds to open in all.
"""

from collections.abc import Iterable

import torch
from torch import nn


class Adam:
    """Moments of the gradients of some parameters; the numbers are those of ``torch.optim.Adam``.

    Args:
        parameters: to train.
        betas: decay of the means of gradients, and of their squares.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], betas: tuple[float, float] = (0.9, 0.999)) -> None:
        self.parameters, self.betas, self.taken = list(parameters), betas, 0
        self.means = [torch.zeros_like(each) for each in self.parameters]
        self.squares = [torch.zeros_like(each) for each in self.parameters]

    def forget(self) -> None:
        """Clears the gradients, so that the next ones add up from zero."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Moves each parameter that has a gradient, by about `rate`."""
        self.taken += 1
        unbiased, unbiased_square = (1 - beta**self.taken for beta in self.betas)
        for parameter, mean, square in zip(self.parameters, self.means, self.squares, strict=True):
            if parameter.grad is None:
                continue
            mean.lerp_(parameter.grad, 1 - self.betas[0])
            square.lerp_(parameter.grad.square(), 1 - self.betas[1])
            spread = (square / unbiased_square).sqrt_().add_(1e-8)
            parameter.addcdiv_(mean, spread, value=-rate / unbiased)
