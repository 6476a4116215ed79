"""Small pictures of a dozen known kinds, and which of the kinds a heap of other pictures shows.

A generator that has collapsed paints few of the kinds, however well. Here that can be counted: each picture
is of the kind of the most similar real one, if it is similar enough to any.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from gamesim.envs.layouts import DOOR, EYES, FLAG, FOOD, FRIGHTENED, FRUIT, GHOST, POWER, WALL
from gamesim.envs.sprites import CAUGHT, FACING, SPRITE_CLASS, TREAT, tiles

SIDE = 28
SIMILAR = 0.85
"""Correlation with a real picture from which on another one counts as one of its kind."""
LEAST = 0.01
"""Share of the pictures from which on a kind counts as covered."""
_SHIFT = 1
_DARKEST = 0.7

_SPRITES = {
    "wall": WALL, "food": FOOD, "power": POWER, "flag": FLAG, "Pac-Man": FACING + 2, "Pac-Man up": FACING + 3,
    "ghost": GHOST, "frightened": FRIGHTENED, "caught": CAUGHT, "eyes": EYES, "fruit": TREAT, "door": DOOR,
}  # fmt: skip
assert SPRITE_CLASS[TREAT] == FRUIT


@dataclass(frozen=True)
class Pictures:
    """Pictures to learn from.

    Attributes:
        kinds: what they show, in words.
        all: float32 (N, 28, 28), -1 (black) to 1, each as it may be drawn but for its brightness.
        kind: int64 (N,), of each, an index of ``kinds``.
    """

    kinds: tuple[str, ...]
    all: NDArray[np.float32]
    kind: NDArray[np.int64]

    def draw(self, count: int, chance: np.random.Generator) -> NDArray[np.float32]:
        """Some at random, each a little darker or not: float32 (count, 28, 28), -1 to 1."""
        light = chance.uniform(_DARKEST, 1, (count, 1, 1)).astype(np.float32)
        return (self.all[chance.integers(len(self.all), size=count)] + 1) * light - 1

    def found(self, pictures: NDArray[np.float32]) -> NDArray[np.int64]:
        """The kind of each picture float32 (N, 28, 28), int64 (N,); -1 where it is like nothing real."""
        likeness = _unit(pictures) @ _unit(self.all).T
        return np.where(likeness.max(1) >= SIMILAR, self.kind[likeness.argmax(1)], -1)


def sprites() -> Pictures:
    """Twelve of our sprites in grey, twice as large, in the middle or a pixel beside it."""
    kinds, pictures = [], []
    for index, sprite in enumerate(_SPRITES.values()):
        grey = tiles(12)[sprite] @ np.array([0.299, 0.587, 0.114])
        large = (grey / grey.max()).repeat(2, 0).repeat(2, 1)
        edge = (SIDE - len(large)) // 2
        for y in range(edge - _SHIFT, edge + _SHIFT + 1):
            for x in range(edge - _SHIFT, edge + _SHIFT + 1):
                picture = np.zeros((SIDE, SIDE), np.float32)
                picture[y : y + len(large), x : x + len(large)] = large
                pictures.append(2 * picture - 1)
                kinds.append(index)
    return Pictures(tuple(_SPRITES), np.stack(pictures), np.array(kinds))


def digits() -> Pictures:
    """The 1,797 digits of 8x8 pixels in scikit-learn (extra ``labs``), three times as large."""
    from sklearn.datasets import load_digits

    pixels, kind = load_digits(return_X_y=True)
    small = (np.asarray(pixels) / 8 - 1).astype(np.float32).reshape(-1, 8, 8)
    large = np.full((len(small), SIDE, SIDE), -1, np.float32)
    smooth = F.interpolate(torch.from_numpy(small)[:, None], scale_factor=3, mode="bilinear")[:, 0]
    large[:, 2:-2, 2:-2] = smooth.numpy()
    return Pictures(tuple("0123456789"), large, np.asarray(kind, np.int64))


def _unit(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """As vectors (N, 784) of mean 0 and length 1, so that brightness and contrast do not matter."""
    flat = pictures.reshape(len(pictures), -1)
    flat = flat - flat.mean(1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)


def shares(found: Sequence[int], kinds: int) -> NDArray[np.float64]:
    """Of pictures whose kinds (or -1) these are, the share of each kind, (K,)."""
    return np.bincount([kind for kind in found if kind >= 0], minlength=kinds) / max(1, len(found))


def covered(shares: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which kinds have a picture, and at least `LEAST` of all, (K,)."""
    return (shares > 0) & (shares >= LEAST)


def evenness(shares: NDArray[np.float64]) -> float:
    """Entropy of the kinds that were found as a share of the greatest: 1 if each is as frequent."""
    some = shares[shares > 0] / max(1e-9, shares.sum())
    return float(-(some * np.log(some)).sum() / np.log(len(shares))) + 0.0


def checkerboard(pictures: NDArray[np.float32]) -> float:
    """How much of a pattern of period two pictures float32 (N, 28, 28) have in common.

    The standard deviation of the means of the four phases (even and odd rows and columns), as a share of that
    of all pixels. Pictures whose edges lie anywhere have next to none.
    """
    phases = [pictures[:, y::2, x::2].mean() for y in (0, 1) for x in (0, 1)]
    return float(np.std(phases) / max(1e-6, pictures.std()))
