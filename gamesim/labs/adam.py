"""Adam (Kingma & Ba 2015, arXiv 1412.6980, algorithm 1), for labs that have to open at once.

torch's own optimizers load torch's compiler when the first of them is made: about 7 s of a core (torch 2.13),
where a lab has a few seconds to open in all.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


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

    def descend(self, loss: Tensor, rate: float, clip: float | None = None) -> None:
        """One step against the gradient of a loss, a scalar: moves each parameter by about `rate`.

        No other parameter of the loss gets a gradient. That of these is at most `clip` long.
        """
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward(inputs=self.parameters)
        if clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, clip)
        self._move(rate)

    @torch.no_grad()
    def _move(self, rate: float) -> None:
        self.taken += 1
        unbiased, unbiased_square = (1 - beta**self.taken for beta in self.betas)
        for parameter, mean, square in zip(self.parameters, self.means, self.squares, strict=True):
            if parameter.grad is None:
                continue
            mean.lerp_(parameter.grad, 1 - self.betas[0])
            square.lerp_(parameter.grad.square(), 1 - self.betas[1])
            spread = (square / unbiased_square).sqrt_().add_(1e-8)
            parameter.addcdiv_(mean, spread, value=-rate / unbiased)
