"""A real game and its dream under the same keys: what the dream invents, and what it forgets.

A cell that differs is *forgotten* if the two once agreed on this place of the board, or if the dream began
from real frames that showed it. It is *invented* if the dream could not know it: it comes into view for the
first time, or one of the two has something there that moves by chance.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from gamesim.app.game.cells import Mask, Place, classes, differing, moved
from gamesim.app.game.history import LENGTH
from gamesim.envs.layouts import FLOOR, FOOD, GHOST, PACMAN
from gamesim.envs.rules import CENTRE, DELTAS

Trail = Iterable[tuple[np.ndarray, int]]
"""Frames, each with the action that led to it."""


@dataclass(frozen=True)
class Comparison:
    """What is known after one step of both.

    Attributes:
        step: number of steps since both began.
        real, dream: the frames on screen, uint8 (H, W, 3).
        real_at, dream_at: (x, y) of both views on the board, in cells; both begin at (0, 0).
        board: how the real game showed each place last, uint8 (h, w, 3).
        agreed: places that the dream once showed as the real game did.
        walked: places that the dream's player was on, so that their food is eaten.
        invented, forgotten: bool (rows, columns); None before the first step, and if frames cannot be
            compared.
        first: the first moment at which something was forgotten.
    """

    step: int
    real: np.ndarray
    dream: np.ndarray
    real_at: Place
    dream_at: Place
    board: dict[Place, np.ndarray]
    agreed: frozenset[Place]
    walked: frozenset[Place]
    invented: Mask | None = None
    forgotten: Mask | None = None
    first: Comparison | None = None


class Divergence:
    """Follows a real game and its dream that began at the same moment under the same keys.

    Args:
        shape: (rows, columns) of cells in a frame.
        trail: the real frames that the dream went on from; the last one is on screen now.
        scrolls: whether a frame shows 7x7 cells around the player; only then are places followed.
    """

    def __init__(self, shape: tuple[int, int], trail: Trail, scrolls: bool) -> None:
        self.shape, self.scrolls = shape, scrolls
        frames = list(trail)
        path = [(0, 0)]
        for (was, _), (frame, action) in pairwise(frames):
            path.append(self._gone(path[-1], was, frame, action))
        board: dict[Place, np.ndarray] = {}
        for (frame, _), (x, y) in zip(frames, path, strict=False):
            board |= self._cells(frame, (x - path[-1][0], y - path[-1][1]))
        last = frames[-1][0]
        begin = Comparison(0, last, last, (0, 0), (0, 0), board, frozenset(board), frozenset())
        self._moments: deque[Comparison] = deque([begin], maxlen=LENGTH + 1)

    @property
    def moment(self) -> Comparison:
        return self._moments[-1]

    @property
    def invented(self) -> Mask | None:
        return self.moment.invented

    @property
    def forgotten(self) -> Mask | None:
        return self.moment.forgotten

    @property
    def first(self) -> Comparison | None:
        """When the dream first forgot something."""
        return self.moment.first

    @property
    def apart(self) -> bool:
        """Whether one of the two was held up by something that the other does not have."""
        return self.moment.real_at != self.moment.dream_at

    def look(self, real: np.ndarray, dream: np.ndarray, action: int) -> None:
        """Take in one more step of both, by the same action."""
        was = self.moment
        real_at = self._gone(was.real_at, was.real, real, action)
        dream_at = self._gone(was.dream_at, was.dream, dream, action)
        shown = self._cells(real, real_at)
        new = replace(
            was, step=was.step + 1, real=real, dream=dream, real_at=real_at, dream_at=dream_at,
            board=was.board | shown, walked=was.walked | {(dream_at[0] + CENTRE, dream_at[1] + CENTRE)},
        )  # fmt: skip
        self._moments.append(self._compared(new, was))

    def back(self) -> None:
        """Forget the last step: both have gone back by it."""
        if len(self._moments) > 1:
            self._moments.pop()

    def _compared(self, new: Comparison, was: Comparison) -> Comparison:
        """`new` with what is invented and forgotten in it."""
        if differing(new.real, new.dream, self.shape) is None:
            return replace(new, invented=None, forgotten=None)
        known = self._in_view(new.dream_at, was.agreed.__contains__)  # to the dream
        expected = new.dream.copy()
        for (y, x), place in self._places(new.dream_at):
            if place in new.board:
                expected[self._slices(new.dream, y, x)] = new.board[place]
        differs = differing(expected, new.dream, self.shape)
        assert differs is not None
        if self.scrolls:
            differs &= ~self._player(expected, new.dream)
        by_chance = self._moving(expected, new, was)
        unseen = self._in_view(new.dream_at, lambda place: place not in new.board)
        forgotten = differs & known & ~by_chance
        invented = (differs & ~forgotten) | unseen
        same = {place for (y, x), place in self._places(new.dream_at) if not (differs | unseen)[y, x]}
        new = replace(new, invented=invented, forgotten=forgotten, agreed=was.agreed | same)
        return replace(new, first=new) if was.first is None and forgotten.any() else new

    @staticmethod
    def _player(expected: np.ndarray, dream: np.ndarray) -> Mask:
        """Cells that differ only because one of the two players stands there and the other does not."""
        (there, _), (dreamt, _) = classes(expected), classes(dream)
        player = (there == PACMAN) & (dreamt == FLOOR)
        player[CENTRE, CENTRE] = dreamt[CENTRE, CENTRE] == PACMAN
        return player

    def _moving(self, expected: np.ndarray, new: Comparison, was: Comparison) -> Mask:
        """Cells with something that moves by chance, or whose food only the dream's player has eaten."""
        if not self.scrolls:  # nothing is read here: what just changed in the real game may be chance
            changed = differing(was.real, new.real, self.shape)
            return np.zeros(self.shape, bool) if changed is None else changed
        (there, _), (dreamt, _) = classes(expected), classes(new.dream)
        moving = np.isin(there, (GHOST, PACMAN)) | np.isin(dreamt, (GHOST, PACMAN))
        moving |= (there == FOOD) & self._in_view(new.dream_at, new.walked.__contains__)
        moving[CENTRE, CENTRE] = True
        return moving

    def _in_view(self, at: Place, holds: Callable[[Place], bool]) -> Mask:
        """For each cell in view, whether its place on the board `holds`, bool (rows, columns)."""
        return np.array([holds(place) for _, place in self._places(at)], bool).reshape(self.shape)

    def _gone(self, at: Place, was: np.ndarray, now: np.ndarray, action: int) -> Place:
        if not self.scrolls or not moved(was, now, action):
            return at
        dx, dy = DELTAS[action]
        return at[0] + dx, at[1] + dy

    def _places(self, at: Place) -> list[tuple[tuple[int, int], Place]]:
        """(row, column) of each cell in view, and its place on the board."""
        rows, columns = self.shape
        x, y = at
        return [((row, column), (x + column, y + row)) for row in range(rows) for column in range(columns)]

    def _slices(self, frame: np.ndarray, row: int, column: int) -> tuple[slice, slice]:
        (height, width), (rows, columns) = frame.shape[:2], self.shape
        down = slice(row * height // rows, (row + 1) * height // rows)
        return down, slice(column * width // columns, (column + 1) * width // columns)

    def _cells(self, frame: np.ndarray, at: Place) -> dict[Place, np.ndarray]:
        return {place: frame[self._slices(frame, row, column)] for (row, column), place in self._places(at)}
