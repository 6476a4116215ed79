"""What a view of 7x7 cells did from one frame to the next, and what the rules make of a key."""

import numpy as np
from numpy.typing import NDArray

from gamesim.envs import rules
from gamesim.envs.layouts import DOOR, GHOST, OUTSIDE, PACMAN, WALL
from gamesim.envs.rules import CENTRE
from gamesim.evaluation.pacman.tally import Bools

DELTAS, OPPOSITE = np.array(rules.DELTAS), np.array(rules.REVERSE)
"""As in `rules`, to be indexed by the actions of many games at once."""

WALKABLE, SOLID, BEYOND = 0, 1, 2
"""Kinds of ground: what can be walked on, walls, and what lies outside of the board."""


def ground(view: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Cell classes to WALKABLE, SOLID or BEYOND; under Pac-Man and ghosts it is walkable."""
    kinds = np.select([np.isin(view, (WALL, DOOR)), view == OUTSIDE], [SOLID, BEYOND], WALKABLE)
    return kinds.astype(np.int8)


def uncovered(view: NDArray[np.uint8]) -> Bools:
    """Where the ground is to be seen: no ghost, not Pac-Man, and not the centre, where he should be."""
    mask = ~np.isin(view, (GHOST, PACMAN))
    mask[:, CENTRE, CENTRE] = False
    return mask


def target_cells(views: NDArray[np.uint8], directions: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The cell classes (B,) that `directions` (B,) point to from the centre of `views` (B, 7, 7)."""
    dx, dy = DELTAS[directions].T
    return views[np.arange(len(views)), CENTRE + dy, CENTRE + dx]


def expected_scroll(before: NDArray[np.uint8], action: NDArray[np.int64]) -> NDArray[np.int64]:
    """What the rules make of `action` (B,): itself, or 0 where a wall or the edge is in the way."""
    return np.where(np.isin(target_cells(before, action), (WALL, OUTSIDE, DOOR)), 0, action)


def measured_scroll(
    before: NDArray[np.uint8], now: NDArray[np.uint8], expected: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Bools]:
    """What the view did.

    Returns:
        The scroll (B,) that explains `now` best, ties going to the expected one; and bool (B,), whether the
        expected one explains it better than each of the four others.
    """
    agreement = np.stack([scroll_agreement(before, now, direction) for direction in range(5)], axis=1)
    of_expected = np.take_along_axis(agreement, expected[:, None], 1)
    best = agreement.max(1, keepdims=True)
    scroll = np.where((of_expected == best)[:, 0], expected, agreement.argmax(1))
    return scroll, (agreement < of_expected).sum(1) == 4


def scroll_agreement(
    before: NDArray[np.uint8], now: NDArray[np.uint8], direction: int
) -> NDArray[np.float64]:
    """Share (B,) of the still cells in both views that agree if Pac-Man moved in `direction`."""
    dx, dy = DELTAS[direction]
    old = before[:, max(dy, 0) : 7 + min(dy, 0), max(dx, 0) : 7 + min(dx, 0)]
    new = now[:, max(-dy, 0) : 7 + min(-dy, 0), max(-dx, 0) : 7 + min(-dx, 0)]
    still = ~np.isin(old, (GHOST, PACMAN)) & ~np.isin(new, (GHOST, PACMAN))
    return ((old == new) & still).sum((1, 2)) / np.maximum(still.sum((1, 2)), 1)
