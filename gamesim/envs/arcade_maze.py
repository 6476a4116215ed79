"""The arcade's maze: its tables of ways, made once from a text."""

from gamesim.envs.layouts import DOOR, FLOOR, FOOD, OUTSIDE, POWER, grid_of
from gamesim.envs.rules import DELTAS, REVERSE
from gamesim.envs.sprites import WALLED

SIZE = 21
_HALF = """
###########
#..........
#o##.###.##
#..........
#.##.#.####
#....#...##
####.###.##
####.#,,,,,
####.#,###=
TTTT..,#___
####.#,####
####.#,,,,,
####.#.####
#........##
#.##.###.##
#o.#......,
##.#.#.####
#....#...##
#.######.##
#..........
###########
"""
"""Its left half and its middle column: ``.`` food, ``o`` power, ``,`` free, ``T`` tunnel."""
_ORDER = (3, 1, 4, 2)  # up, left, down, right: the arcade's order among equally good ways


class Maze:
    """The maze; cells are flat padded indices, tables are indexed by them.

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

    def __init__(self) -> None:
        self.grid = grid = grid_of(SIZE)
        rows = [half + half[-2::-1] for half in _HALF.split()]
        text = {grid.index(x, y): c for y, row in enumerate(rows) for x, c in enumerate(row)}
        around = {i: [self.beside(i, d) for d in range(5)] for i in text}
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
        self.cells, self.ways = bytes(cells), ways
        self.onward = [
            [tuple(d for d in _ORDER if row[d] and d != REVERSE[came]) for came in range(5)] for row in ways
        ]
        self.xy = [grid.xy(i) for i in range(grid.stride**2)]
        self.door, self.nest, self.treat = (grid.index(10, y) for y in (7, 9, 11))
        self.home = _directions(around, street | house, self.nest, grid.stride**2)
        self.leave = _directions(around, house | {self.door}, self.door, grid.stride**2)
        self.tunnel = {i for i, c in text.items() if c == "T"}
        self.start = grid.index(10, 15)
        self.posts = (self.door, self.nest, grid.index(9, 9), grid.index(11, 9))

    def beside(self, index: int, direction: int) -> int:
        """The next cell in a direction, on the other side of the board at its edge."""
        (x, y), (dx, dy) = self.grid.xy(index), DELTAS[direction]
        return self.grid.index((x + dx) % SIZE, (y + dy) % SIZE)


def _directions(around: dict[int, list[int]], allowed: set[int], goal: int, area: int) -> tuple[int, ...]:
    """For each allowed cell the direction of a shortest way to the goal (0 elsewhere and at the goal)."""
    towards, edge = {goal: 0}, [goal]
    for cell in edge:  # which grows meanwhile
        for direction in (1, 2, 3, 4):
            beside = around[cell][direction]
            if beside in allowed and beside not in towards:
                towards[beside] = REVERSE[direction]
                edge.append(beside)
    return tuple(towards.get(i, 0) for i in range(area))


MAZE = Maze()
