"""Boards of cells whose views are real frames, for tests that change single cells of what a dream shows."""

import numpy as np

from gamesim.envs.layouts import FLOOR, FOOD, GHOST, WALL
from gamesim.envs.rules import DELTAS
from gamesim.envs.sprites import FACING, painter


class Board:
    """A board of 30x30 cells with walls in a pattern, and views of 7x7 of it around a player."""

    def __init__(self) -> None:
        y, x = np.indices((30, 30))
        self.cells = np.where((x * 7 + y * 5) % 4 == 0, WALL, np.where((x + 2 * y) % 3 == 0, FOOD, FLOOR))
        self.cells[15] = FLOOR  # the way that is walked
        self.x = 15

    def go(self, action: int) -> int:
        self.x += DELTAS[action][0]
        return action

    def frame(self, **changes: int) -> np.ndarray:
        """What is in view; "r2c5" = GHOST puts one into row 2, column 5 of it."""
        view = self.cells[12:19, self.x - 3 : self.x + 4].copy()
        view[3, 3] = FACING + 2
        for place, what in changes.items():
            view[int(place[1]), int(place[3])] = what
        return painter(12).draw(view[None])[0]


__all__ = ["FLOOR", "FOOD", "GHOST", "WALL", "Board"]
