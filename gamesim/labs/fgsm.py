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

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from gamesim.agents.rollout import mean_and_error
from gamesim.labs.panels import Panel, Picture
from gamesim.models.frames import to_uint8

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


NOTHING, FGSM, RANDOM = "nothing", "FGSM", "random signs"
"""By what a frame is changed."""
OF = 255
"""Epsilon is told in steps of a pixel's byte: 8 of 255."""


class Attack:
    """Frames, and what may be made of them; each is worked out when it is asked for.

    Args:
        loss: what is to grow.
        frame: (B, ...) in [0, 1], such as (B, 3, H, W).
        generator: of the random signs.
        low, high: see `fgsm`.
    """

    def __init__(
        self, loss: Loss, frame: Tensor, generator: torch.Generator, low: float = 0.0, high: float = 1.0
    ) -> None:
        self.loss, self.frame, self._generator, self._ends = loss, frame, generator, (low, high)

    @cached_property
    def signs(self) -> Tensor:
        """sign(grad_x J), -1, 0 or 1."""
        return gradient(self.loss, self.frame).sign()

    @cached_property
    def noise(self) -> Tensor:
        """Random signs, -1 or 1."""
        return random_signs(self.frame, self._generator)

    def seen(self, by: str, epsilon: float) -> Tensor:
        """The frames changed by FGSM, by random signs, or by nothing; ``epsilon`` of 255."""
        if by == NOTHING:
            return self.frame
        return moved(self.frame, self.signs if by == FGSM else self.noise, epsilon / OF, *self._ends)


def shown(title: str, frame: Tensor, note: str = "") -> Picture:
    """A frame (3, H, W) in [0, 1]."""
    return Picture(title, to_uint8(frame).numpy(), note)


def sign_map(signs: Tensor) -> Picture:
    """Signs (3, H, W), by colour: bright where it is to grow, dark where to shrink, grey where it stays."""
    title, note = "Signs of the gradient", f"{(signs == 0).float().mean().item():.0%} have no sign"
    return shown(title, (signs + 1) / 2, note)


def pictures(what: str, seen: Mapping[str, Tensor], signs: Tensor, notes: Mapping[str, str]) -> list[Panel]:
    """A frame (3, H, W) as it is, attacked, and changed by random signs, with a note to each."""
    return [
        shown(what, seen[NOTHING], notes[NOTHING]),
        sign_map(signs),
        shown(f"Attacked {what.lower()}", seen[FGSM], notes[FGSM]),
        shown("Random signs", seen[RANDOM], notes[RANDOM]),
    ]


def called(by: str) -> str:
    """The name of frames that were changed by this."""
    return "clean" if by == NOTHING else by


class Measured:
    """What was measured of frames that were changed in some ways by some epsilons, of 255."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str, int], list[float]] = {}

    def add(self, what: str, by: str, epsilon: int, values: Iterable[float]) -> None:
        self._values.setdefault((what, by, epsilon), []).extend(map(float, values))

    def curves(self, what: str) -> dict[str, list[tuple[float, float]]]:
        """Means by epsilon, for FGSM and for random signs, both from the clean frame on."""
        lines: dict[str, list[tuple[float, float]]] = {}
        for kind in (FGSM, RANDOM):
            means = {
                epsilon: float(np.mean(values))
                for (name, by, epsilon), values in self._values.items()
                if name == what and by in (kind, NOTHING)
            }
            lines |= {kind: sorted(means.items())} if len(means) > 1 else {}
        return lines

    def figures(self, who: str) -> dict[str, float]:
        """Means and standard errors, such as "imitator: return, FGSM 8"."""
        told = {}
        for (what, by, epsilon), values in self._values.items():
            name = f"{who}: {what}, {called(by)}" + (f" {epsilon}" if epsilon else "")
            told[name], told[f"{name}, standard error"] = mean_and_error(values)
        return told


class Scene:
    """One thing under attack: what is watched, and what is measured beside it."""

    def anew(self) -> None:
        """A new board."""

    def step(self, by: str, epsilon: float) -> None:
        """What is watched goes on, changed by ``by`` and ``epsilon`` of 255."""

    def measures(self) -> Iterator[None]:
        """Measures, and yields after each bit of work."""
        yield from ()

    def point(self, panel: str, x: float, y: float) -> None:
        """As in `Lab`."""

    def view(self, by: str, epsilon: float) -> Sequence[Panel]:
        """As in `Lab`."""
        return ()

    def figures(self) -> dict[str, float]:
        """As in `Lab`."""
        return {}
