"""The paper's own check, on small digits: softmax regression, attacked at epsilon 0.25.

Goodfellow et al. 2015 (arXiv 1412.6572), Sec. 4: with epsilon = 0.25 a shallow softmax classifier gets 99.9%
of the MNIST test set wrong, with a confidence of 79.3% on average. Ours are the 1,797 digits of 8x8 pixels
that come with scikit-learn (extra ``labs``), 500 of them for the test. Nothing is clipped, as the paper does
not speak of it.
"""

import importlib.util
import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from gamesim.errors import UserError
from gamesim.labs.fgsm import FGSM, NOTHING, OF, RANDOM, Attack, Loss, Scene, called, pictures
from gamesim.labs.panels import Bars, Curves, Lines, Panel

EPSILON = 0.25
"""The paper's, on pixels in [0, 1]."""
EPSILONS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
TESTED = 500
DESCENT, RATE, DECAY = 2000, 0.5, 3e-4
"""Steps of gradient descent on all training digits at once, its rate, and what squared weights cost."""
AT_ONCE = 25
INFINITE = (-math.inf, math.inf)


class Digits(NamedTuple):
    """Images (N, 64) in [0, 1] and labels int64 (N,), for training and for the test."""

    images: Tensor
    labels: Tensor
    test_images: Tensor
    test_labels: Tensor


class Result(NamedTuple):
    """The share of test images that a classifier gets wrong, and how sure it is of those, 0 to 1."""

    error: float
    confidence: float


def digits(seed: int = 0) -> Digits:
    """Scikit-learn's digits, in a random order.

    Raises:
        UserError: the extra ``labs`` is not installed.
    """
    if importlib.util.find_spec("sklearn") is None:
        raise UserError("the digits need the extra labs: pip install 'gamesim[labs]'")
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    order = torch.randperm(len(classes), generator=torch.Generator().manual_seed(seed))
    images, labels = torch.tensor(pixels, dtype=torch.float32)[order] / 16, torch.tensor(classes)[order]
    return Digits(images[TESTED:], labels[TESTED:], images[:TESTED], labels[:TESTED])


class SoftmaxRegression:
    """p(y | x) = softmax(W x + b)."""

    def __init__(self) -> None:
        self.weight, self.bias = torch.zeros(10, 64), torch.zeros(10)

    def __call__(self, images: Tensor) -> Tensor:
        """Images (B, 64) -> logits (B, 10)."""
        return images @ self.weight.T + self.bias

    def descend(self, images: Tensor, labels: Tensor) -> None:
        """One step of gradient descent on the mean cross-entropy and `DECAY` times the squared weights."""
        missed = (self(images).softmax(1) - F.one_hot(labels, 10)) / len(labels)
        self.weight = self.weight - RATE * (missed.T @ images + 2 * DECAY * self.weight)
        self.bias = self.bias - RATE * missed.sum(0)

    def loss(self, labels: Tensor) -> Loss:
        """J: -log p(label)."""
        return lambda images: F.cross_entropy(self(images), labels, reduction="none")

    def result(self, images: Tensor, labels: Tensor) -> Result:
        """How it fares on images that were changed or not."""
        sure, said = self(images).softmax(1).max(1)
        wrong = said != labels
        return Result(wrong.float().mean().item(), sure[wrong].mean().item() if wrong.any() else 0.0)


class DigitsScene(Scene):
    """Digits under attack. The epsilon is the paper's, and not the slider's."""

    def __init__(self, seed: int) -> None:
        self._data, self._model = digits(seed), SoftmaxRegression()
        self._generator = torch.Generator().manual_seed(seed)
        self._trained = self._shown = self._held = 0
        self._results: dict[tuple[str, float], Result] = {}

    def anew(self) -> None:
        """Another digit."""
        self._shown, self._held = (self._shown + 1) % TESTED, 0

    def step(self, by: str, epsilon: float) -> None:
        """The next digit, after a while."""
        self._held += 1
        if self._held == 20:
            self.anew()

    def measures(self) -> Iterator[None]:
        """Trains the classifier, attacks all test digits, and yields now and then."""
        while self._trained < DESCENT:
            for _ in range(AT_ONCE):
                self._model.descend(self._data.images, self._data.labels)
            self._trained += AT_ONCE
            yield
        images, labels = self._data.test_images, self._data.test_labels
        attack = Attack(self._model.loss(labels), images, self._generator, *INFINITE)
        for by in (FGSM, RANDOM):
            for epsilon in EPSILONS:
                self._results[by, epsilon] = self._model.result(attack.seen(by, epsilon * OF), labels)
        yield

    def view(self, by: str, epsilon: float) -> list[Panel]:
        """A digit and what is made of it, what the classifier says, and what was measured."""
        image, label = (part[self._shown, None] for part in self._data[2:])
        chance = torch.Generator().manual_seed(self._shown)
        attack = Attack(self._model.loss(label), image, chance, *INFINITE)
        seen = {kind: attack.seen(kind, EPSILON * OF) for kind in (NOTHING, FGSM, RANDOM)}
        shares = {kind: self._model(each).softmax(1)[0] for kind, each in seen.items()}
        notes = {kind: f"read as {int(p.argmax())}, {p.max().item():.0%} sure" for kind, p in shares.items()}
        squares = {kind: _square(each) for kind, each in seen.items()}
        bars = {called(kind): [round(p, 4) for p in share.tolist()] for kind, share in shares.items()}
        return [
            *pictures("Digit", squares, _square(attack.signs), notes),
            Bars("What it reads", [str(digit) for digit in range(10)], bars, (0, 1)),
            self._curves(),
            Lines("Softmax regression", self._told(int(label))),
        ]

    def _curves(self) -> Curves:
        lines = {
            by: [(epsilon, result.error) for (kind, epsilon), result in self._results.items() if kind == by]
            for by in (FGSM, RANDOM)
        }
        return Curves("Share that is misread", "epsilon, of 1", lines, (0, 1))

    def _told(self, label: int) -> list[tuple[str, str]]:
        rows = [("this digit is a", str(label)), ("epsilon, as in the paper", f"{EPSILON:g} of 1")]
        if not self._results:
            return [*rows, ("training", f"step {self._trained:,} of {DESCENT:,}")]
        clean, attacked, noisy = (
            self._results[key] for key in ((FGSM, 0.0), (FGSM, EPSILON), (RANDOM, EPSILON))
        )
        return [
            *rows,
            ("misread, clean", f"{clean.error:.1%}"),
            ("misread, FGSM", f"{attacked.error:.1%}, {attacked.confidence:.1%} sure"),
            ("misread, random signs", f"{noisy.error:.1%}"),
            ("the paper, on MNIST", "99.9%, 79.3% sure"),
        ]

    def figures(self) -> dict[str, float]:
        """Errors and confidences by epsilon."""
        told = {}
        for (by, epsilon), result in self._results.items():
            told[f"digits: error, {by} {epsilon:g}"] = result.error
            told[f"digits: confidence, {by} {epsilon:g}"] = result.confidence
        return told


def _square(image: Tensor) -> Tensor:
    """(1, 64) -> (3, 8, 8), grey."""
    return image.view(1, 8, 8).expand(3, 8, 8)
