"""The board that a dream has shown so far: where each cell of a view lies, and what it was at first sight."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gamesim.envs.layouts import FOOD
from gamesim.evaluation.pacman.scroll import (
    CENTRE,
    DELTAS,
    expected_scroll,
    ground,
    measured_scroll,
    target_cells,
    uncovered,
)
from gamesim.evaluation.pacman.tally import Bools


@dataclass
class Look:
    """What is known, before this frame, of the cells in view: all (B, 7, 7)."""

    ground: NDArray[np.int8]
    """-1 never seen, else WALKABLE, SOLID or BEYOND of `scroll`."""
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
