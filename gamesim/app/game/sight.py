"""A frame of cells as a person sees the game: which sprite stands in each cell, so that it is painted large.

A real frame and a dreamt one are read and painted by the same rule. A cell that is like no sprite is shown as
the pixels that it is.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gamesim.app.game.cells import Mask, Place, moved
from gamesim.envs.layouts import (
    DOOR,
    EYES,
    FLAG,
    FLOOR,
    FOOD,
    FRIGHTENED,
    GHOST,
    OUTSIDE,
    PACMAN,
    POWER,
    WALL,
)
from gamesim.envs.rules import CENTRE, DELTAS, Ghost, Snapshot
from gamesim.envs.sprites import COLOURED, FACING, FLASHING, NUM_SPRITES, SPRITE_CLASS, THEMES, WALLED, tiles

LIKE = 30.0
"""Mean absolute difference to a sprite, 0 to 255, up to which a cell is taken for it."""
STRANGE = 0.8
"""Share of cells that are like no sprite from which on a frame is no picture of this game."""
SIZES = {7: 12, 21: 4}
"""Pixels of a cell, by the number of cells in a row."""
OWN = WALLED + 16
"""Sprites from here on are each of a class of their own, and stand in the class table."""


@dataclass(frozen=True)
class Reading:
    """What stands in each cell of a frame.

    Attributes:
        codes: sprites, int (rows, columns).
        strange: cells that are like none, bool (rows, columns).
        theme: of most of the cells.
        frame: uint8 (H, W, 3), what was read.
    """

    codes: np.ndarray
    strange: Mask
    theme: str
    frame: np.ndarray

    @property
    def size(self) -> int:
        return len(self.frame) // len(self.codes)

    def patch(self, row: int, column: int) -> np.ndarray:
        """The pixels of a cell."""
        size = self.size
        return self.frame[row * size : (row + 1) * size, column * size : (column + 1) * size]


@dataclass(frozen=True)
class Sight:
    """Two snapshots to be painted, and what is painted as it is.

    Attributes:
        before, now: around the running tick, on a board that shows what both show.
        view: (rows, columns) that are seen of it; None: all.
        patches: pixels by (x, y) on the board.
        theme: the look of the game.
    """

    before: Snapshot
    now: Snapshot
    view: tuple[int, int] | None
    patches: dict[Place, np.ndarray]
    theme: str


class Reader:
    """Reads frames; those that were read last are not read again."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int], tuple[np.ndarray, Reading | None]] = {}

    def read(self, frame: np.ndarray, rows: int) -> Reading | None:
        """The sprites of a frame of `rows` x `rows` cells; None if it is no picture of this game."""
        key = (frame.__array_interface__["data"][0], rows)
        if key not in self._kept:
            if len(self._kept) >= 32:
                self._kept.clear()
            self._kept[key] = (frame, _read(frame, rows))  # holding the frame keeps its place its own
        return self._kept[key][1]


def sight(now: Reading, was: Reading | None = None, action: int = 0) -> Sight:
    """What to paint between two frames.

    Args:
        now: the frame on screen.
        was: the one before; None: nothing moves.
        action: 0..4, what led from one to the other.
    """
    was = now if was is None or was.codes.shape != now.codes.shape else was
    rows, columns = now.codes.shape
    view = None if rows > 7 else (rows, columns)
    dx, dy = (0, 0)
    if view is not None and was is not now and moved(was.frame, now.frame, action, (rows, columns)):
        dx, dy = DELTAS[action]
    old, new = (max(0, -dx), max(0, -dy)), (max(0, dx), max(0, dy))
    codes = np.full((rows + abs(dy), columns + abs(dx)), FLOOR)
    patches: dict[Place, np.ndarray] = {}
    for (x, y), reading in ((old, was), (new, now)):
        codes[y : y + rows, x : x + columns] = reading.codes
        for row, column in np.argwhere(np.ones_like(reading.codes)).tolist():
            patches.pop((x + column, y + row), None)
            if reading.strange[row, column]:
                patches[x + column, y + row] = reading.patch(row, column)
    cells = SPRITE_CLASS[codes].copy()
    cells[np.isin(cells, (PACMAN, GHOST, FRIGHTENED, EYES))] = FLOOR
    start, end = _player(was, old), _player(now, new)
    before, after = _ghosts(was, old), _ghosts(now, new)
    befores = tuple(_came_from(ghost, before) for ghost in after)
    afters = tuple(_looking(ghost, came) for ghost, came in zip(after, befores, strict=True))
    if start is None or end is None or (view is None and _far(start, end)):
        start = end
    place = end or (new[0] + columns // 2, new[1] + rows // 2)
    begin = start or place
    facing = _facing(now)
    events = ("eaten",) if _caught(now) else ()
    before_it, now_it = (
        Snapshot(cells, at, facing, ghosts, 0.0, 1, 1, 0, events)
        for at, ghosts in ((begin, befores), (place, afters))
    )
    return Sight(before_it, now_it, view, patches, now.theme)


def _caught(reading: Reading) -> bool:
    """Whether a ghost is drawn over Pac-Man."""
    return bool(((reading.codes >= OWN) & (SPRITE_CLASS[reading.codes] == PACMAN)).any())


def _far(start: Place, end: Place) -> bool:
    return abs(start[0] - end[0]) + abs(start[1] - end[1]) > 1


def _player(reading: Reading, origin: Place) -> Place | None:
    """Where Pac-Man is: in the middle of a view, or wherever he is found; None: nowhere."""
    found = np.argwhere(SPRITE_CLASS[reading.codes] == PACMAN).tolist()
    if not found:
        return None
    middle = [CENTRE, CENTRE]
    row, column = middle if len(reading.codes) == 7 and middle in found else found[0]
    return origin[0] + column, origin[1] + row


def _facing(reading: Reading) -> int:
    """Where Pac-Man looks, 1..4; 0 where there is none."""
    place = _player(reading, (0, 0))
    if place is None:
        return 0
    code = int(reading.codes[place[1], place[0]])
    return code - FACING if FACING < code <= FACING + 4 else 2


def _ghosts(reading: Reading, origin: Place) -> list[Ghost]:
    found = []
    catcher = (reading.codes >= OWN) & (SPRITE_CLASS[reading.codes] == PACMAN)
    moving = np.isin(SPRITE_CLASS[reading.codes], (GHOST, FRIGHTENED, EYES)) | catcher
    for row, column in np.argwhere(moving).tolist():
        code = int(reading.codes[row, column])
        kind = int(SPRITE_CLASS[code])
        mode = {FRIGHTENED: "frightened", EYES: "eaten"}.get(kind, "wander")
        colour = code - COLOURED if COLOURED <= code < COLOURED + 4 else 0
        found.append(Ghost(origin[0] + column, origin[1] + row, 2, colour, mode))
    return found


def _came_from(ghost: Ghost, before: list[Ghost]) -> Ghost:
    """Where a ghost was a tick ago: in the nearest of the cells next to it that had one."""
    near = [was for was in before if not _far((was.x, was.y), (ghost.x, ghost.y))]
    same = [was for was in near if was.colour == ghost.colour]
    near = same or near
    return min(near, key=lambda was: abs(was.x - ghost.x) + abs(was.y - ghost.y), default=ghost)


def _looking(ghost: Ghost, was: Ghost) -> Ghost:
    """The ghost, its eyes the way it goes."""
    step = (ghost.x - was.x, ghost.y - was.y)
    way = DELTAS.index(step) if step in DELTAS[1:] else ghost.direction
    return Ghost(ghost.x, ghost.y, way, ghost.colour, ghost.mode)


@lru_cache(maxsize=8)
def _known(size: int, theme: str) -> tuple[np.ndarray, np.ndarray]:
    """The sprites that frames with cells of so many pixels are made of: codes, and pixels (n, size^2 * 3)."""
    common = [FLOOR, WALL, FOOD, FLAG, GHOST, OUTSIDE, *range(FACING + 1, FACING + 5)]
    arcade = [POWER, FRIGHTENED, DOOR, EYES, *range(COLOURED, COLOURED + 4), FLASHING, *range(WALLED, OWN)]
    codes = np.array([*common, *(arcade if size == 4 else []), *range(OWN, NUM_SPRITES)])
    return codes, tiles(size, theme)[codes].reshape(len(codes), -1).astype(np.int16)


def _read(frame: np.ndarray, rows: int) -> Reading | None:
    size = SIZES.get(rows, 0)
    if frame.shape != (rows * size, rows * size, 3):
        return None
    cells = frame.reshape(rows, size, rows, size, 3).swapaxes(1, 2).reshape(rows * rows, -1).astype(np.int16)
    best = np.full(rows * rows, np.inf)
    codes, themes = np.zeros(rows * rows, np.int64), np.zeros(rows * rows, np.int64)
    for index, theme in enumerate(THEMES):
        known, pixels = _known(size, theme)
        gaps = np.stack([np.abs(cells - sprite).mean(1) for sprite in pixels], 1)
        nearest, gap = known[gaps.argmin(1)], gaps.min(1)
        better = gap < best
        codes[better], themes[better], best[better] = nearest[better], index, gap[better]
    strange = best > LIKE
    if strange.mean() > STRANGE:
        return None
    ground = ~strange & np.isin(SPRITE_CLASS[codes], (FLOOR, WALL, OUTSIDE, FOOD))
    theme = int(np.bincount(themes[ground], minlength=len(THEMES)).argmax())
    shape = (rows, rows)
    return Reading(codes.reshape(shape), strange.reshape(shape), list(THEMES)[theme], frame)
