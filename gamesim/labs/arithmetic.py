"""Arithmetic with z: what stands for "a ghost is here", and what comes of adding it.

After Radford et al. 2016 (arXiv 1511.06434, Sec. 6.3.2), who did it with the z of a GAN: the mean z of
pictures with a thing, less the mean z of pictures without it, is added to the z of another one. Here the
pictures with and without differ in nothing else, since the game's own tile is painted into them; so what the
vector lacks is not the fault of too few examples. Whether it worked is not a matter of taste either: what the
decoder draws is read back into cells.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gamesim.envs.layouts import FLOOR, FOOD, GHOST, WALL
from gamesim.envs.sprites import decode, tiles
from gamesim.labs.subject import Subject

THINGS = {"a ghost": GHOST, "food": FOOD, "a wall": WALL}
TILE = 12
"""Pixels along the side of a cell."""
Cell = tuple[int, int]
"""Row and column of a cell in the view of 7x7."""
CENTRE: Cell = (3, 3)
"""The cell of Pac-Man himself."""


@dataclass(frozen=True)
class Score:
    """What came of adding a vector to the z of some frames, shares from 0 to 1.

    Attributes:
        shown: of the frames, those that show the thing in its cell.
        kept: of their other cells, those that are drawn as they were drawn before.
    """

    shown: float
    kept: float


def painted(frames: Tensor, cell: Cell, kind: int) -> Tensor:
    """Frames uint8 (B, 84, 84, 3) with a tile of this kind in a cell, and all else as it was."""
    row, column = (TILE * i for i in cell)
    new = frames.clone()
    new[:, row : row + TILE, column : column + TILE] = torch.from_numpy(tiles(TILE)[kind].copy())
    return new


def vector(subject: Subject, frames: Tensor, cell: Cell, kind: int) -> Tensor:
    """The mean z of frames with the thing in a cell, less that of the same frames with floor there: (Z,)."""
    there, absent = (subject.encode(painted(frames, cell, what))[0] for what in (kind, FLOOR))
    return (there - absent).mean(0)


def scores(subject: Subject, frames: Tensor, cell: Cell, kind: int, added: Tensor) -> list[Score]:
    """Adds vectors (K, Z) to the z of frames with floor in a cell, and reads what is drawn then."""
    z = subject.encode(painted(frames, cell, FLOOR))[0]
    before = _cells(subject.draw(z))
    after = _cells(subject.draw((z + added[:, None]).flatten(0, 1)))
    others = np.ones((7, 7), bool)
    others[cell] = False
    return [
        Score(_share(cells[:, *cell] == kind), _share((cells == before)[:, others]))
        for cells in np.split(after, len(added))
    ]


def drawn(subject: Subject, frames: Tensor, cell: Cell, kind: int) -> float:
    """The share of frames of which V draws the thing where it really is: no arithmetic can do better."""
    z = subject.encode(painted(frames, cell, kind))[0]
    return _share(_cells(subject.draw(z))[:, *cell] == kind)


def by_chance(like: Tensor, seed: int) -> Tensor:
    """A vector as long as another one, in any direction: what has to be beaten."""
    free = torch.randn(like.shape, generator=torch.Generator().manual_seed(seed))
    return free * (like.norm() / free.norm())


def right(subject: Subject, frames: Tensor) -> np.ndarray:
    """Of each of 49 cells, whether V draws it as it is: bool (B, 7, 7)."""
    return _cells(subject.draw(subject.encode(frames)[0])) == _cells(frames)


def _cells(frames: Tensor) -> np.ndarray:
    return decode(frames.numpy())[0]


def _share(hits: np.ndarray) -> float:
    return float(hits.mean())
