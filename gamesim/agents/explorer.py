"""The explorer: a policy whose games show walls, ghosts, food and the way back.

It sees what a person sees. From a few pixels of each cell it tells walls, ghosts and food by their
colours; what lies outside the picture it knows only from where it has been.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from gamesim.envs.rules import DELTAS, REVERSE
from gamesim.envs.sprites import THEMES

_STEP = np.array(DELTAS)[:, ::-1]  # (y, x) of each action
_REVERSE = np.array(REVERSE)
_MAP = 64  # cells on a side of the map of visited cells; positions wrap round
_PATH = 256  # moves that are remembered for the way back
_WALL, _FOOD, _DANGER, _FLAG = 1, 2, 4, 8


_KINDS: dict[str, int] = {
    **dict.fromkeys(("wall", "outside", "hatch"), _WALL),
    **dict.fromkeys(("food", "heart"), _FOOD),
    **dict.fromkeys(("green", "pole"), _FLAG),
}
_GHOSTS: dict[str, int] = dict.fromkeys(("red", "pink", "cyan", "orange"), _DANGER)


@cache
def _tables(theme: str) -> tuple[np.ndarray, np.ndarray]:
    """Of a look: what each colour of 4+4+4 bits is, and whether it is a ghost's; uint8 (4096,) each."""
    palette = THEMES[theme]
    names = list(palette)
    colours = np.array([palette[name] for name in names])
    bins = np.stack(np.unravel_index(np.arange(4096), (16, 16, 16)), 1) * 16 + 8
    nearest = np.abs(bins[:, None] - colours).sum(2).argmin(1)
    nearest[(colours >> 4) @ (256, 16, 1)] = np.arange(len(names))
    found = [np.array([kinds.get(name, 0) for name in names], np.uint8) for kinds in (_KINDS, _GHOSTS)]
    return found[0][nearest], found[1][nearest]


@dataclass(frozen=True)
class Taste:
    """What an action is worth: its probability grows with e to the power of the sum."""

    stay: float = -1.6
    blocked: float = -1.5
    onwards: float = 0.9
    back: float = -1.1
    unseen: float = 1.6
    food: float = 0.6
    flag: float = 2.0
    ghost: float = -5.0
    homewards: float = 5.0
    setting_out: float = 0.06  # probability in each step to begin to walk back
    pause: float = 0.02  # probability in each step to begin to stand still
    resume: float = 0.2  # and then, in each step, to walk on
    wild: float = 0.1  # share of the episodes that are played by a monkey
    bold: float = 0.15  # share of the episodes in which ghosts do not matter


class ExplorerPolicy:
    """Mostly legal moves with momentum, drawn to cells where it has not been, shy of ghosts.

    Now and then it walks the way back that it came, so that memory has something to remember; now
    and then it bumps into a wall or stands still for a while; some games it plays nearly at random, and
    some without a thought for ghosts, so that games also end.
    """

    player = "explorer"

    def __init__(
        self, seed: int = 0, grid: int = 7, taste: Taste | None = None, theme: str = "night"
    ) -> None:
        """Make one.

        Args:
            seed: Of its choices.
            grid: Cells on a side of the picture: 7 shows Pac-Man at its centre, anything else a whole
                board.
            taste: What it likes.
            theme: The look of the game, by which it knows what is what.
        """
        self._random = np.random.default_rng(seed)
        self._grid = grid
        self._taste = taste or Taste()
        self._kinds, self._ghosts = _tables(theme)
        self._lanes = 0

    def reset(self, mask: np.ndarray) -> None:
        if self._lanes != len(mask):
            self._allocate(len(mask))
        self._place[mask] = _MAP // 2
        self._visits[mask] = 0
        self._depth[mask] = 0
        self._homing[mask] = False
        self._last[mask] = 0
        wild, bold = self._random.random((2, mask.sum()))
        self._heat[mask] = np.where(wild < self._taste.wild, 0.15, 1.0)
        self._fear[mask] = bold >= self._taste.bold
        self._standing[mask] = False

    def _allocate(self, lanes: int) -> None:
        self._lanes = lanes
        self._place = np.zeros((lanes, 2), np.int64)
        self._visits = np.zeros((lanes, _MAP, _MAP), np.uint8)
        self._path = np.zeros((lanes, _PATH), np.int64)
        self._depth = np.zeros(lanes, np.int64)
        self._homing = np.zeros(lanes, bool)
        self._last = np.zeros(lanes, np.int64)
        self._heat = np.ones(lanes)
        self._fear = np.ones(lanes, bool)
        self._standing = np.zeros(lanes, bool)

    def act(self, frames: np.ndarray, info: dict[str, Any]) -> np.ndarray:
        if self._lanes != len(frames):
            self.reset(np.ones(len(frames), bool))
        taste, lanes = self._taste, np.arange(len(frames))
        kinds, here = self._look(frames)
        there = here[:, None] + _STEP
        kind = kinds[lanes[:, None], there[..., 0], there[..., 1]]
        free = (kind & _WALL) == 0
        free[:, 0] = True

        ahead = (self._place[:, None] + _STEP) % _MAP
        seen = self._visits[lanes[:, None], ahead[..., 0], ahead[..., 1]]
        worth = taste.unseen / (1.0 + seen) + taste.food * ((kind & _FOOD) > 0)
        worth += taste.flag * ((kind & _FLAG) > 0)
        worth[lanes, self._last] += taste.onwards
        worth[lanes, _REVERSE[self._last]] += taste.back
        way = _REVERSE[self._path[lanes, (self._depth - 1) % _PATH]]
        worth[lanes, way] += taste.homewards * self._homing
        worth[:, 0] = taste.stay
        worth += np.where(free, 0.0, taste.blocked - worth)
        # A blocked move stays where it is, and so is as safe as that.
        danger = (kind & _DANGER) > 0
        worth += taste.ghost * self._fear[:, None] * np.where(free, danger, danger[:, :1])

        worth *= self._heat[:, None]
        actions = (worth + self._random.gumbel(size=worth.shape)).argmax(1)
        flip = self._random.random(len(actions)) < np.where(self._standing, taste.resume, taste.pause)
        self._standing ^= flip
        actions[self._standing & ~(danger[:, 0] & self._fear)] = 0
        self._remember(actions, free[lanes, actions] & (actions > 0), way)
        return actions

    def _remember(self, actions: np.ndarray, moved: np.ndarray, way: np.ndarray) -> None:
        lanes = np.arange(len(actions))
        y, x = self._place.T
        self._visits[lanes, y, x] = np.minimum(self._visits[lanes, y, x], 254) + 1
        self._place = (self._place + _STEP[actions] * moved[:, None]) % _MAP
        returned = moved & (self._depth > 0) & (actions == way)
        out = moved & ~returned
        self._path[lanes[out], self._depth[out] % _PATH] = actions[out]
        self._depth += out.astype(np.int64) - returned
        self._last = np.where(actions > 0, actions, self._last)
        setting_out = (self._depth >= 4) & (self._random.random(len(actions)) < self._taste.setting_out)
        self._homing = (self._homing | setting_out) & (self._depth > 0)

    def _look(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is in each cell, uint8 (N, grid+4, grid+4) with a rim of 2, and the own cell, int (N, 2)."""
        kinds = np.full((len(frames), self._grid + 4, self._grid + 4), _WALL, np.uint8)
        middle, low = self._colours(frames, 0.46), self._colours(frames, 0.7)
        ghost = self._ghosts[low]
        kinds[:, 2:-2, 2:-2] = self._kinds[middle]
        for y, x in _STEP.tolist():  # where a ghost is now, or may be after this step
            kinds[:, 2 + y : 2 + y + self._grid, 2 + x : 2 + x + self._grid] |= ghost
        here = np.full((len(frames), 2), 3) if self._grid == 7 else self._find(frames)
        return kinds, here + 2

    def _colours(self, frames: np.ndarray, height: float) -> np.ndarray:
        """The colour of one pixel of each cell in 4+4+4 bits, intp (N, grid, grid)."""
        cells, (tall, wide) = np.arange(self._grid), frames.shape[1:3]
        rows = ((cells + height) * tall / self._grid).astype(int)
        columns = ((cells + 0.46) * wide / self._grid).astype(int)
        red, green, blue = np.moveaxis(frames[:, rows[:, None], columns] >> 4, 3, 0).astype(np.intp)
        return red << 8 | green << 4 | blue

    def _find(self, frames: np.ndarray) -> np.ndarray:
        """The cell with the most of Pac-Man's yellow, int (N, 2)."""
        some = frames[:, ::2, ::2]
        yellow = (some[..., 0] > 200) & (some[..., 1] > 190) & (some[..., 2] < 60)
        y = yellow.sum(2).argmax(1) * 2 * self._grid // frames.shape[1]
        x = yellow.sum(1).argmax(1) * 2 * self._grid // frames.shape[2]
        self._place = np.stack([y, x], 1) % _MAP
        return np.stack([y, x], 1)
