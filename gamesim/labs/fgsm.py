"""The fast gradient sign method: a change too small to be seen, chosen to mislead a network.

Goodfellow, Shlens & Szegedy 2015, "Explaining and Harnessing Adversarial Examples" (arXiv 1412.6572):

* Sec. 3: a linear model's answer w x moves by w eta. Of all changes eta with ||eta||_inf <= epsilon, the one
  that moves it most is epsilon sign(w), by epsilon ||w||_1: the more pixels, the further.
* Sec. 4: any network is taken for linear around x: eta = epsilon sign(grad_x J(theta, x, y)).
* Sec. 6: adversarial training: J' = alpha J(theta, x, y) + (1 - alpha) J(theta, x + eta, y), alpha = 0.5.

The control, always beside it: random signs of the same size. They lie just as far from the frame, so what
they do not do is done by the direction and not by the size.

Attacks on players follow Huang et al. 2017, "Adversarial Attacks on Neural Network Policies" (arXiv
1702.02284): nobody knows the right action, so y is the one that the player itself takes on the clean frame.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Loss = Callable[[Tensor], Tensor]
"""J of frames (B, ...): (B,), each of its own frame alone."""


def gradient(loss: Loss, frame: Tensor) -> Tensor:
    """grad_x J, of the shape of ``frame``; no gradient is left on any weight."""
    with torch.enable_grad():
        x = frame.detach().clone().requires_grad_()
        return torch.autograd.grad(loss(x).sum(), x)[0]


def fgsm(loss: Loss, frame: Tensor, epsilon: float, low: float = 0.0, high: float = 1.0) -> Tensor:
    """The attacked frame: clip(x + epsilon sign(grad_x J(theta, x, y))), Sec. 4.

    Args:
        loss: what is to grow, J.
        frame: x (B, ...), between ``low`` and ``high``.
        epsilon: the greatest change of a pixel, in the frame's units.
        low, high: a pixel's least and greatest value; infinite: nothing is clipped.
    """
    return moved(frame, gradient(loss, frame).sign(), epsilon, low, high)


def random_signs(frame: Tensor, generator: torch.Generator) -> Tensor:
    """The control: +1 or -1 for each number of ``frame``, equally likely, whatever the network."""
    return torch.randint(2, frame.shape, generator=generator, dtype=frame.dtype) * 2 - 1


def moved(frame: Tensor, signs: Tensor, epsilon: float, low: float = 0.0, high: float = 1.0) -> Tensor:
    """clip(x + epsilon signs): a step of this size along these signs."""
    return (frame + epsilon * signs).clamp(low, high)


def adversarial(loss: Loss, frame: Tensor, epsilon: float, alpha: float = 0.5) -> Tensor:
    """J' of Sec. 6, (B,): the loss of the frame and of the attacked frame; eta is held fixed, as there."""
    return alpha * loss(frame) + (1 - alpha) * loss(fgsm(loss, frame, epsilon))
