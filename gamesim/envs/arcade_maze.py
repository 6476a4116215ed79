"""The arcade's maze: its tables of ways, made once from the text in ``tiles``."""

from dataclasses import dataclass
from functools import lru_cache

from gamesim.envs.layouts import DOOR, FLOOR, FOOD, OUTSIDE, POWER, Grid, grid_of
from gamesim.envs.rules import REVERSE
from gamesim.envs.sprites import WALLED
from gamesim.envs.tiles import ARCADE_HALF

SIZE = 21
_ORDER = (3, 1, 4, 2)  # up, left, down, right: the arcade's order among equally good ways


@dataclass(frozen=True)
class Maze:
    """The arcade's maze; cells are flat padded indices, tables are indexed by them.

    Attributes:
        grid: Its geometry.
        cells: Class or wall sprite of each padded cell, with all the food.
        ways: Cell reached by each action (0 to 4), or 0 where the way is blocked; tunnels wrap around.
        onward: Directions that a ghost may leave each cell by, by the direction in which it came (0 to 4):
            all but back, in the arcade's order of preference.
        xy: (x, y) of each cell.
        home: Direction of the shortest way into the house, for eyes.
        leave: Direction of the way out of the house, for cells of the house.
        tunnel: Cells where ghosts are slow.
        start: Pac-Man's cell.
        posts: The ghosts' cells.
        door: The cell in front of the house.
        nest: The middle of the house.
        treat: The cell below the house, where fruit comes up.
    """

    grid: Grid
    cells: bytes
    ways: tuple[tuple[int, ...], ...]
    onward: tuple[tuple[tuple[int, ...], ...], ...]
    xy: tuple[tuple[int, int], ...]
    home: tuple[int, ...]
    leave: tuple[int, ...]
    tunnel: frozenset[int]
    start: int
    posts: tuple[int, ...]
    door: int
    nest: int
    treat: int


@lru_cache(maxsize=1)
def maze() -> Maze:
    """The maze of ``tiles.ARCADE_HALF`` with its mirror image."""
    rows = [half + half[-2::-1] for half in ARCADE_HALF.split()]
    grid = grid_of(SIZE)
    text = {grid.index(x, y): rows[y][x] for y in range(SIZE) for x in range(SIZE)}
    around = {i: [beside(grid, i, d) for d in range(5)] for i in text}
    street = {i for i, c in text.items() if c in ".o ,T"}
    house = {i for i, c in text.items() if c in "=_"}
    cells = bytearray([OUTSIDE] * grid.stride**2)
    ways = [(0,) * 5] * grid.stride**2
    for i, c in text.items():
        cells[i] = {"o": POWER, ".": FOOD, "=": DOOR}.get(c, FLOOR)
        if c == "#":
            edges = sum(1 << d - 1 for d in (1, 2, 3, 4) if text.get(i + grid.delta[d], "#") != "#")
            cells[i] = WALLED + edges
        ways[i] = tuple(j if {i, j} <= street else 0 for j in around[i])
    door, nest = grid.index(10, 7), grid.index(10, 9)
    return Maze(
        grid=grid,
        cells=bytes(cells),
        ways=tuple(ways),
        onward=tuple(
            tuple(tuple(d for d in _ORDER if row[d] and d != REVERSE[came]) for came in range(5))
            for row in ways
        ),
        xy=tuple(grid.xy(i) for i in range(grid.stride**2)),
        home=_directions(around, street | house, nest, grid.stride**2),
        leave=_directions(around, house | {door}, door, grid.stride**2),
        tunnel=frozenset(i for i, c in text.items() if c == "T"),
        start=grid.index(10, 15),
        posts=(door, nest, grid.index(9, 9), grid.index(11, 9)),
        door=door,
        nest=nest,
        treat=grid.index(10, 11),
    )


def beside(grid: Grid, index: int, direction: int) -> int:
    """The next cell in a direction, on the other side of the board at its edge."""
    x, y = grid.xy(index)
    x, y = x + (0, -1, 1, 0, 0)[direction], y + (0, 0, 0, -1, 1)[direction]
    return grid.index(x % SIZE, y % SIZE)


def _directions(around: dict[int, list[int]], allowed: set[int], goal: int, area: int) -> tuple[int, ...]:
    """For each allowed cell the direction of a shortest way to the goal (0 elsewhere and at the goal)."""
    towards, edge = {goal: 0}, [goal]
    while edge:
        ahead = []
        for cell in edge:
            for direction in (1, 2, 3, 4):
                beside = around[cell][direction]
                if beside in allowed and beside not in towards:
                    towards[beside] = REVERSE[direction]
                    ahead.append(beside)
        edge = ahead
    return tuple(towards.get(i, 0) for i in range(area))
