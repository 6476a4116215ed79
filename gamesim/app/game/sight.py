"""Reads a frame of cells: which sprite is in each cell, so that the frame can be painted large.

The same rule reads real and dreamt frames. A cell that resembles no sprite is shown as its own pixels.
"""

from dataclasses import dataclass, replace
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
from gamesim.envs.sprites import (
    CAUGHT,
    COLOURED,
    FACING,
    FLASHING,
    NUM_SPRITES,
    SPRITE_CLASS,
    THEMES,
    WALLED,
    tiles,
)

LIKE = 30.0
"""A cell counts as a sprite if their mean absolute difference, 0 to 255, is no larger than this."""
STRANGE = 0.8
"""A frame is not of this game if more than this share of its cells resembles no sprite."""
SIZES = {7: 12, 21: 4}
"""Pixels of a cell, by the number of cells in a row."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What is in each cell of a frame.

    Attributes:
        codes: the nearest sprites, int (rows, columns).
        strange: cells that resemble no sprite, bool (rows, columns).
        theme: of most of the cells with ground, walls or food.
        frame: uint8 (H, W, 3), what was read.
    """

    codes: np.ndarray
    strange: Mask
    theme: str
    frame: np.ndarray

    def patch(self, row: int, column: int) -> np.ndarray:
        """The pixels of a cell."""
        size = SIZES[len(self.codes)]
        return self.frame[row * size : (row + 1) * size, column * size : (column + 1) * size]

    @property
    def player(self) -> Place | None:
        """Where Pac-Man is, best in the middle of a view; None if he is nowhere."""
        found = np.argwhere(SPRITE_CLASS[self.codes] == PACMAN).tolist()
        middle = [CENTRE, CENTRE]
        if len(self.codes) == 7 and middle in found:
            return CENTRE, CENTRE
        return (found[0][1], found[0][0]) if found else None

    @property
    def facing(self) -> int:
        """The direction in which Pac-Man faces, 1..4; 0 if there is no Pac-Man."""
        if self.player is None:
            return 0
        x, y = self.player
        code = int(self.codes[y, x])
        return code - FACING if FACING < code <= FACING + 4 else 2

    def ghosts(self, origin: Place) -> list[Ghost]:
        """All ghosts, on a board where the frame begins at `origin`."""
        kinds = np.where(self.codes == CAUGHT, GHOST, SPRITE_CLASS[self.codes])
        found = []
        for row, column in np.argwhere(np.isin(kinds, (GHOST, FRIGHTENED, EYES))).tolist():
            code = int(self.codes[row, column])
            mode = {FRIGHTENED: "frightened", EYES: "eaten"}.get(int(kinds[row, column]), "wander")
            colour = code - COLOURED if COLOURED <= code < COLOURED + 4 else 0
            found.append(Ghost(origin[0] + column, origin[1] + row, 2, colour, mode))
        return found


@dataclass(frozen=True)
class Sight:
    """Two snapshots to paint, and the cells to show as their own pixels.

    Attributes:
        before, now: around the running tick, on a board that covers both frames.
        view: (rows, columns) of it to show; None: all.
        patches: pixels uint8 (h, w, 3) by (x, y) on the board.
        theme: the look of the game.
    """

    before: Snapshot
    now: Snapshot
    view: tuple[int, int] | None
    patches: dict[Place, np.ndarray]
    theme: str


@lru_cache(maxsize=8)
def sight(now: Reading, was: Reading | None = None, action: int = 0) -> Sight:
    """What to paint between two frames that an action, 0..4, led from and to; without the first, nothing
    moves.
    """
    rows, columns = now.codes.shape
    view = None if rows > 7 else (rows, columns)
    dx, dy = 0, 0
    if was is None or was.codes.shape != now.codes.shape:
        was = now
    elif view is not None and moved(was.frame, now.frame, action):
        dx, dy = DELTAS[action]
    old, new = (max(0, -dx), max(0, -dy)), (max(0, dx), max(0, dy))
    codes = np.full((rows + abs(dy), columns + abs(dx)), FLOOR)
    patches: dict[Place, np.ndarray] = {}
    for (x, y), reading in ((old, was), (new, now)):
        codes[y : y + rows, x : x + columns] = reading.codes
        for row, column in np.ndindex(rows, columns):
            patches.pop((x + column, y + row), None)
            if reading.strange[row, column]:
                patches[x + column, y + row] = reading.patch(row, column)
    cells = SPRITE_CLASS[codes].copy()
    cells[np.isin(cells, (PACMAN, GHOST, FRIGHTENED, EYES))] = FLOOR
    x, y = now.player or (columns // 2, rows // 2)
    start = end = x + new[0], y + new[1]
    if was.player and now.player:
        start = was.player[0] + old[0], was.player[1] + old[1]
        start = end if view is None and not _near(start, end) else start
    before = was.ghosts(old)
    both = [(ghost, _came_from(ghost, before)) for ghost in now.ghosts(new)]
    befores, afters = tuple(came for _, came in both), tuple(_looking(*each) for each in both)
    events = ("eaten",) if (now.codes == CAUGHT).any() else ()
    before_it, now_it = (
        Snapshot(cells, at, now.facing, ghosts, 0.0, 1, 1, 0, events)
        for at, ghosts in ((start, befores), (end, afters))
    )
    return Sight(before_it, now_it, view, patches, now.theme)


def _near(start: Place, end: Place) -> bool:
    """Whether two places are at most one step apart."""
    return abs(start[0] - end[0]) + abs(start[1] - end[1]) <= 1


def _came_from(ghost: Ghost, before: list[Ghost]) -> Ghost:
    """The ghost a tick ago: one at most a step away, best of the same colour; else the ghost itself."""
    near = [was for was in before if _near((was.x, was.y), (ghost.x, ghost.y))]
    near = [was for was in near if was.colour == ghost.colour] or near
    return min(near, key=lambda was: abs(was.x - ghost.x) + abs(was.y - ghost.y), default=ghost)


def _looking(ghost: Ghost, was: Ghost) -> Ghost:
    """The ghost, with its eyes in the direction in which it goes."""
    step = (ghost.x - was.x, ghost.y - was.y)
    return replace(ghost, direction=DELTAS.index(step)) if step in DELTAS[1:] else ghost


@lru_cache(maxsize=8)
def _known(size: int, theme: str) -> tuple[np.ndarray, np.ndarray]:
    """Codes, int (n), and pixels, int16 (n, size^2 * 3), of the sprites in frames with cells of `size`."""
    common = [FLOOR, WALL, FOOD, FLAG, GHOST, OUTSIDE, *range(FACING + 1, FACING + 5)]
    arcade = [POWER, FRIGHTENED, DOOR, EYES, *range(COLOURED, COLOURED + 4), FLASHING, *range(WALLED, CAUGHT)]
    codes = np.array([*common, *(arcade if size == 4 else []), *range(CAUGHT, NUM_SPRITES)])
    return codes, tiles(size, theme)[codes].reshape(len(codes), -1).astype(np.int16)


def read(frame: np.ndarray, rows: int) -> Reading | None:
    """The sprites of a frame of `rows` x `rows` cells; None if it is no picture of this game."""
    side = rows * SIZES.get(rows, 0)
    return _read(frame.tobytes(), rows) if frame.shape == (side, side, 3) else None


@lru_cache(maxsize=32)
def _read(raw: bytes, rows: int) -> Reading | None:
    size = SIZES[rows]
    frame = np.frombuffer(raw, np.uint8).reshape(rows * size, rows * size, 3)
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
