"""What a view of 7x7 cells did from one frame to the next, and the board that a dream has so shown.

The scroll of a view is told by what the rules make of a key and by what is seen. Of the board it is known
where each cell of a view lies, and what it was at first sight.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gamesim.envs import rules
from gamesim.envs.layouts import DOOR, FOOD, GHOST, OUTSIDE, PACMAN, WALL
from gamesim.envs.rules import CENTRE
from gamesim.evaluation.pacman.tally import Bools

DELTAS, OPPOSITE = np.array(rules.DELTAS), np.array(rules.REVERSE)
"""As in `rules`, to be indexed by the actions of many games at once."""

WALKABLE, SOLID, BEYOND = 0, 1, 2
"""Kinds of ground: what can be walked on, walls, and what lies outside of the board."""

OFF_CENTRE = np.ones((7, 7), bool)
"""The cells of a view but Pac-Man's own."""
OFF_CENTRE[CENTRE, CENTRE] = False


def ground(view: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Cell classes to WALKABLE, SOLID or BEYOND; under Pac-Man and ghosts it is walkable."""
    kinds = np.select([np.isin(view, (WALL, DOOR)), view == OUTSIDE], [SOLID, BEYOND], WALKABLE)
    return kinds.astype(np.int8)


def uncovered(view: NDArray[np.uint8]) -> Bools:
    """Where the ground is to be seen: no ghost, not Pac-Man, and not the centre, where he should be."""
    return ~np.isin(view, (GHOST, PACMAN)) & OFF_CENTRE


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


@dataclass
class Look:
    """What is known, before this frame, of the cells in view: all (B, 7, 7)."""

    ground: NDArray[np.int8]
    """-1 never seen, else WALKABLE, SOLID or BEYOND."""
    food: NDArray[np.int8]
    """-1 unknown, 0 none at first sight, 1 food at first sight."""
    visited_at: NDArray[np.int16]
    """Frame at which Pac-Man first came onto it, -1 for never."""
    first_seen: NDArray[np.int16]
    """Frame that first showed it, -1 for none."""
    returned: Bools
    """Left the view at least once since it was first seen."""


class Board:
    """An allocentric map of each lane, by dead reckoning from the scrolls of its view."""

    def __init__(self, lanes: int, frames: int) -> None:
        size = 2 * frames + 7
        self.ground = np.full((lanes, size, size), -1, np.int8)
        self.food = np.full((lanes, size, size), -1, np.int8)
        self.visited_at = np.full((lanes, size, size), -1, np.int16)
        self.returned = np.zeros((lanes, size, size), bool)
        self.first_seen = np.full((lanes, size, size), -1, np.int16)
        self.last_seen = np.full((lanes, size, size), -1, np.int16)
        self.position = np.full((lanes, 2), size // 2)  # x, y

    def window(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Index of the cells in view, broadcast to (B, 7, 7)."""
        offsets = np.arange(7) - CENTRE
        x, y = self.position.T
        lanes = np.arange(len(self.position))
        return lanes[:, None, None], (y[:, None] + offsets)[:, :, None], (x[:, None] + offsets)[:, None, :]

    def follow(
        self, cells: NDArray[np.uint8], actions: NDArray[np.int64], time: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], Bools]:
        """Moves into the frame of `time` of episodes (B, frames, 7, 7), and notes where it was stepped.

        Returns:
            The scrolls (B,) that the rules make of the actions; those that the views did; and bool (B,),
            whether the expected one is clearly the best, see `measured_scroll`.
        """
        before, lanes = cells[:, time - 1], np.arange(len(cells))
        expected = expected_scroll(before, actions[:, time - 1])
        scroll, clear = measured_scroll(before, cells[:, time], expected)
        self.position = self.position + DELTAS[scroll]
        x, y = self.position.T
        stepped = scroll > 0
        first = stepped & (self.visited_at[lanes, y, x] < 0)
        self.visited_at[lanes[first], y[first], x[first]] = time
        shown_food = stepped & (target_cells(before, scroll) == FOOD)
        self.food[lanes[shown_food], y[shown_food], x[shown_food]] = 1
        return expected, scroll, clear

    def look(self, time: int) -> Look:
        """What was known before the frame of `time` of the cells that it shows."""
        at = self.window()
        seen = self.last_seen[at] >= 0
        away = seen & (self.last_seen[at] < time - 1)
        return Look(
            self.ground[at],
            self.food[at],
            self.visited_at[at],
            self.first_seen[at],
            self.returned[at] | away,
        )

    def see(self, view: NDArray[np.uint8], time: int) -> None:
        """Adds the frame of `time` (B, 7, 7): what was unknown becomes what it shows."""
        at, known = self.window(), self.look(time)
        self.returned[at] = known.returned
        self.ground[at] = np.where(known.ground < 0, ground(view), known.ground)
        self.first_seen[at] = np.where(known.first_seen < 0, time, known.first_seen)
        self.last_seen[at] = time
        learnt = (known.food < 0) & uncovered(view) & (known.visited_at < 0)
        self.food[at] = np.where(learnt, view == FOOD, known.food)
