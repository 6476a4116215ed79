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

import importlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor

from gamesim.errors import UserError
from gamesim.labs import Given, controls
from gamesim.labs.controls import Button, Choice, Control, Slider
from gamesim.labs.panels import Lines, Panel, Picture
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
        frame: (B, 3, H, W) in [0, 1].
        generator: of the random signs.
    """

    def __init__(self, loss: Loss, frame: Tensor, generator: torch.Generator) -> None:
        self.loss, self.frame, self._generator = loss, frame, generator

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
        return moved(self.frame, self.signs if by == FGSM else self.noise, epsilon / OF)


def shown(title: str, frame: Tensor, note: str = "") -> Picture:
    """A frame (3, H, W) in [0, 1]."""
    return Picture(title, to_uint8(frame).numpy(), note)


def sign_map(signs: Tensor) -> Picture:
    """Signs (3, H, W), by colour: bright where it is to grow, dark where to shrink, grey where it stays."""
    title, note = "Signs of the gradient", f"{(signs == 0).float().mean().item():.0%} have no sign"
    return shown(title, (signs + 1) / 2, note)


class Scene(Protocol):
    """One thing under attack: what is watched, and what is measured beside it."""

    def anew(self) -> None:
        """A new board."""
        ...

    def step(self, by: str, epsilon: float) -> None:
        """What is watched goes on, changed by ``by`` and ``epsilon`` of 255."""
        ...

    def measures(self) -> Iterator[None]:
        """Measures, and yields after each bit of work."""
        ...

    def point(self, panel: str, x: float, y: float) -> None:
        """As in `Lab`."""
        ...

    def view(self, by: str, epsilon: float) -> Sequence[Panel]:
        """As in `Lab`."""
        ...

    def figures(self) -> dict[str, float]:
        """As in `Lab`."""
        ...


SCENES = {
    "imitator": "attacked_play:imitating",
    "hardened imitator": "attacked_play:hardened",
    "DQN": "attacked_play:q_learning",
    "controller C": "attacked_play:controlling",
    "GameGAN's memory": "false_memory:of_gamegan",
    "Tilemap's memory": "false_memory:of_tilemap",
    "digits": "softmax_digits:of_digits",
}
"""What can be attacked -> "module:name" of a function (name, given) -> `Scene`."""


class Refused:
    """In the place of a scene for which something is missing: it says what."""

    def __init__(self, why: str) -> None:
        self._why = why

    def anew(self) -> None:
        pass

    def step(self, by: str, epsilon: float) -> None:
        pass

    def measures(self) -> Iterator[None]:
        yield from ()

    def point(self, panel: str, x: float, y: float) -> None:
        pass

    def view(self, by: str, epsilon: float) -> list[Panel]:
        return [Lines("Not here", ((self._why, ""),))]

    def figures(self) -> dict[str, float]:
        return {}


class Lab:
    """Attacks on players, on what dreams remember, and on digits; implements `gamesim.labs.Lab`.

    Each is opened when it is first chosen. What is chosen is measured first, and then all others.

    Raises:
        UserError: the given checkpoint has no controller for Pac-Man.
    """

    steps = 3850
    """All that is measured."""

    def __init__(self, given: Given) -> None:
        self._given, self._scenes = given, dict[str, Scene]()
        self._measuring: dict[str, Iterator[None]] = {}
        self._victim = "controller C" if given.checkpoint else "imitator"
        self._by, self._epsilon = FGSM, 8.0
        self._scenes[self._victim] = self._opened(self._victim)
        self.controls: Sequence[Control] = (
            Choice("victim", "Attack", tuple(SCENES), self._victim),
            Slider("epsilon", "Epsilon, of 255", 0, 16, self._epsilon, 1, "the greatest change of any pixel"),
            Choice("by", "Frames are changed by", (FGSM, RANDOM, NOTHING), FGSM, "in the game that goes on"),
            Button("board", "New board"),
        )

    def set(self, name: str, value: float | bool | str) -> None:
        if name == "board":
            return self._scene(self._victim).anew()
        self.controls = controls.moved(self.controls, **{name: value})
        match name:
            case "victim":
                self._victim = str(value)
            case "epsilon":
                self._epsilon = float(value)
            case "by":
                self._by = str(value)

    def point(self, panel: str, x: float, y: float) -> None:
        self._scene(self._victim).point(panel, x, y)

    def step(self) -> None:
        self._scene(self._victim).step(self._by, self._epsilon)
        for name in (self._victim, *SCENES):
            if name not in self._measuring:
                self._measuring[name] = self._scene(name).measures()
            if next(self._measuring[name], _DONE) is not _DONE:
                return

    def view(self) -> Sequence[Panel]:
        return self._scene(self._victim).view(self._by, self._epsilon)

    def figures(self) -> dict[str, float]:
        return {name: value for scene in self._scenes.values() for name, value in scene.figures().items()}

    def _scene(self, name: str) -> Scene:
        if name not in self._scenes:
            try:
                self._scenes[name] = self._opened(name)
            except UserError as error:
                self._scenes[name] = Refused(str(error))
        return self._scenes[name]

    def _opened(self, name: str) -> Scene:
        module, make = SCENES[name].split(":")
        return getattr(importlib.import_module(f"gamesim.labs.{module}"), make)(name, self._given)


_DONE: Any = object()
