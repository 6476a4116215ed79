"""Boards, drawn from a seeded random generator.

A set of cells is one Python integer ("bitboard"): bit ``i`` is cell ``i`` of the padded board, row by
row. Growing a region by one step in all four directions is then four shifts and one mask, which makes a
whole board cost some tens of microseconds. The padding (``MARGIN`` cells of OUTSIDE around the board) lets
an egocentric view be cut out without looking at edges, and stops shifts from wrapping around rows.
"""

from dataclasses import dataclass
from functools import lru_cache
from random import Random

# Cell classes (uint8), as in ``info["cells"]`` and ``Snapshot.cells``.
FLOOR, WALL, FOOD, FLAG, PACMAN, GHOST, OUTSIDE, POWER, FRIGHTENED, DOOR, EYES, FRUIT = range(12)

MARGIN = 3
"""Cells of OUTSIDE on every side of the board: half of the 7x7 view."""

NEAR, FAR = 5, 28
"""The flag lies more than NEAR and at most FAR steps from the start; ghosts start beyond NEAR."""


class Grid:
    """Geometry of a square board of ``size`` cells inside its padding; all indices are flat.

    Attributes:
        size: Cells on a side of the board.
        stride: Cells on a side with the padding.
        inside: Flat indices of the cells of the board, row by row.
        mask: The same as a bitboard.
        delta: Change of the flat index for each action (0 stay, 1 left, 2 right, 3 up, 4 down).
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.stride = stride = size + 2 * MARGIN
        self.inside = [(y + MARGIN) * stride + x + MARGIN for y in range(size) for x in range(size)]
        self.mask = sum(1 << i for i in self.inside)
        self.delta = (0, -1, 1, -stride, stride)

    def index(self, x: int, y: int) -> int:
        """Flat index of the cell (x, y)."""
        return (y + MARGIN) * self.stride + x + MARGIN

    def xy(self, index: int) -> tuple[int, int]:
        """(x, y) of a flat index."""
        y, x = divmod(index, self.stride)
        return x - MARGIN, y - MARGIN


@lru_cache(maxsize=16)
def grid_of(size: int) -> Grid:
    """The shared geometry of boards of this size."""
    return Grid(size)


@dataclass
class Board:
    """Where everything is when an episode begins (flat padded indices).

    Attributes:
        cells: Static class of each padded cell.
        free: 1 where one can walk, else 0.
        start: Pac-Man's cell.
        ghosts: One cell for each ghost.
    """

    cells: bytearray
    free: bytes
    start: int
    ghosts: list[int]


def sprinkle(rng: Random, probability: float, bits: int) -> int:
    """A random set of ``bits`` cells, each in it with the given probability (rounded to 1/256)."""
    level = round(probability * 256)
    if level <= 0:
        return 0
    if level >= 256:
        return (1 << bits) - 1
    chosen = 0
    for k in range(8):  # each random bit halves the probability, or halves what is missing to one
        chosen = chosen | rng.getrandbits(bits) if level >> k & 1 else chosen & rng.getrandbits(bits)
    return chosen


def pick(rng: Random, grid: Grid, cells: int) -> int:
    """A uniformly random cell of a set that is not empty."""
    while True:
        index = grid.inside[int(rng.random() * len(grid.inside))]
        if cells >> index & 1:
            return index


def reach(grid: Grid, floor: int, start: int) -> list[int]:
    """Flood fill: element ``k`` is the set of cells that lie at most ``k`` steps from ``start``."""
    stride, reached, rings = grid.stride, 1 << start, [1 << start]
    while True:
        grown = (reached | reached << 1 | reached >> 1 | reached << stride | reached >> stride) & floor
        if grown == reached:
            return rings
        rings.append(grown)
        reached = grown


def random_floor(rng: Random, grid: Grid) -> tuple[int, list[int]]:
    """Open floor with scattered walls: (start, rings of the region that is reached from it).

    Walls cover an eighth to a third of the cells; what cannot be reached is walled up by the caller. A
    board whose region is less than half of the grid, or whose start has but one exit, is thrown away.
    """
    while True:
        walls = sprinkle(rng, 0.14 + 0.18 * rng.random(), grid.stride * grid.stride)
        floor = grid.mask & ~walls
        start = pick(rng, grid, floor)
        rings = reach(grid, floor, start)
        if rings[-1].bit_count() * 2 >= len(grid.inside) and rings[1].bit_count() >= 3:
            return start, rings


def maze_floor(rng: Random, grid: Grid) -> tuple[int, list[int]]:
    """A maze by the recursive backtracker (randomised depth-first search), then braided.

    The rooms of the maze are every second cell, with a random offset. Braiding opens a second door in
    four dead ends out of five, so that there are loops to flee around.
    """
    size, delta, offset = grid.size, grid.delta, int(rng.random() * 2)
    y0 = int(rng.random() * 2)
    rooms = {grid.index(x, y) for y in range(y0, size, 2) for x in range(offset, size, 2)}
    here = pick(rng, grid, sum(1 << room for room in rooms))
    floor, path, unseen = 1 << here, [here], rooms - {here}
    while path:
        here = path[-1]
        ways = [d for d in delta[1:] if here + 2 * d in unseen]
        if not ways:
            path.pop()
            continue
        step = ways[int(rng.random() * len(ways))]
        path.append(here + 2 * step)
        unseen.discard(here + 2 * step)
        floor |= 1 << here + step | 1 << here + 2 * step
    for room in sorted(rooms):
        shut = [d for d in delta[1:] if not floor >> room + d & 1]
        if len(shut) == 3 and rng.random() < 0.8:
            doors = [d for d in shut if room + 2 * d in rooms]
            floor |= 1 << room + doors[int(rng.random() * len(doors))]
    start = pick(rng, grid, floor)
    return start, reach(grid, floor, start)


FLOORS = {"random": random_floor, "maze": maze_floor}
_TEXT_TO_CELLS = bytes.maketrans(b"01", bytes((WALL, FLOOR)))
_TEXT_TO_FREE = bytes.maketrans(b"01", bytes((0, 1)))


@lru_cache(maxsize=16)
def _outside(size: int) -> bytes:
    return bytes([OUTSIDE]) * (size + 2 * MARGIN) ** 2


def make_board(rng: Random, size: int, kind: str, num_ghosts: int, food_density: float) -> Board:
    """Draw a board on which everything can be reached.

    Args:
        rng: Source of every choice.
        size: Cells on a side.
        kind: ``"random"`` or ``"maze"``.
        num_ghosts: Ghosts to place, each more than ``NEAR`` steps from Pac-Man where the board allows.
        food_density: Probability of food on each walkable cell.
    """
    grid = grid_of(size)
    start, rings = FLOORS[kind](rng, grid)
    region = rings[-1]
    # On a tiny board the last ring is the far side, so there is always a place for the flag.
    away = region & ~rings[min(NEAR, len(rings) - 2)]
    flag = pick(rng, grid, away & rings[min(FAR, len(rings) - 1)])
    food = region & sprinkle(rng, food_density, grid.stride * grid.stride) & ~(1 << start | 1 << flag)

    text = f"{region:0{grid.stride * grid.stride}b}"[::-1].encode()
    cells, walls = bytearray(_outside(size)), text.translate(_TEXT_TO_CELLS)
    for row in range(grid.index(0, 0), grid.index(0, size), grid.stride):
        cells[row : row + size] = walls[row : row + size]
    while food:
        lowest = food & -food
        cells[lowest.bit_length() - 1] = FOOD
        food ^= lowest
    cells[flag] = FLAG

    ghosts, homes = [], away & ~(1 << flag)
    for _ in range(num_ghosts):
        home = pick(rng, grid, homes or away)
        homes &= ~(1 << home)
        ghosts.append(home)
    return Board(cells, text.translate(_TEXT_TO_FREE), start, ghosts)
