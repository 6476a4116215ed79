"""Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): momentum whose matrices are orthogonalised.

A gradient's few large directions take nearly all of Adam's step from the many small ones. Muon makes all
singular values of a matrix's step one, so that all directions are learned at once. Steps are scaled as by Liu
et al. 2025 (arXiv 2502.16982, Eq. 4), so that they are as large as Adam's usually are. torch's own Muon takes
no convolutions, and its rate is a number that a recorded step (graphs.py) would freeze.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from gamesim.training.adam import Adam

SMALLEST = 16
"""Fewest rows and columns of a matrix that Muon learns; embeddings and last layers stay with Adam."""
MOMENTUM = 0.95
SIZE = 0.2
"""Root mean square of a step's numbers at a rate of one; Adam's is usually about as large."""
COEFFICIENTS = 3.4445, -4.7750, 2.0315
"""Of the polynomial that drives singular values towards one."""
ITERATIONS = 5


class Muon(Adam):
    """Muon for a network's matrices and convolutions, Adam for all else.

    Args:
        parameters: on the device; the rate is `set_rate`'s.
        betas: Adam's.
        ratio: Muon's rate, as a multiple of Adam's.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], betas: tuple[float, float], ratio: float) -> None:
        trained = list(parameters)
        super().__init__(trained, betas)
        self.matrices = sorted((p for p in trained if is_matrix(p)), key=lambda p: _as_matrix(p).shape)
        self.ratio = ratio

    def step(self, closure: Any = None) -> Any:
        """Take a step, see torch."""
        self._step_matrices()
        return super().step(closure)

    @torch.no_grad()
    def _step_matrices(self) -> None:
        """Take Muon's part of the step, and leave no gradients of it for Adam."""
        rate = SIZE * self.ratio * self.param_groups[0]["lr"]
        learned = [p for p in self.matrices if p.grad is not None]
        for shape, alike in groupby(learned, key=lambda p: _as_matrix(p).shape):
            parameters = list(alike)
            steps = orthogonal(torch.stack([self._direction(p) for p in parameters]))
            for parameter, step in zip(parameters, steps * (rate * max(shape) ** 0.5), strict=True):
                parameter.sub_(step.view(parameter.shape))

    def _direction(self, parameter: nn.Parameter) -> Tensor:
        """The gradient with Nesterov's momentum, as a matrix."""
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None
        parameter.grad = None
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
            state["step"] = torch.zeros(())  # unused: torch's Adam wants one in every state that it loads
        state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        return _as_matrix(gradient.lerp(state["momentum"], MOMENTUM))


def is_matrix(parameter: Tensor) -> bool:
    """Whether Muon learns it: a matrix, or a convolution, that is not small."""
    return parameter.ndim >= 2 and min(parameter.shape[:2]) >= SMALLEST


def _as_matrix(weight: Tensor) -> Tensor:
    return weight.reshape(len(weight), -1)


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest matrices whose singular values are all about one (0.7 to 1.2), by Newton and Schulz.

    Args:
        matrices: (N, rows, columns).

    Returns:
        float32, the same shape.
    """
    a, b, c = COEFFICIENTS
    with torch.autocast(matrices.device.type, enabled=False):
        x = matrices.bfloat16()
        tall = x.shape[-2] > x.shape[-1]
        x = x.mT if tall else x
        x = x / x.norm(dim=(-2, -1), keepdim=True).clamp_min(1e-7)
        for _ in range(ITERATIONS):
            square = x @ x.mT
            x = a * x + (b * square + c * square @ square) @ x
        return (x.mT if tall else x).float()
