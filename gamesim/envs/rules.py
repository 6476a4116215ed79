"""The rules of the egocentric game: one implementation, for single and for batched play.

A step, in this order:

1. Pac-Man moves one cell by the action (0 stay, 1 left, 2 right, 3 up, 4 down); into a wall or the edge he
   stays where he is. He faces the last direction that was pressed, blocked or not.
2. If a ghost is there, he is eaten: -1, terminated, and nothing else happens. (So one who swaps places
   with a ghost is eaten: he lands on it before it moves.)
3. Food there is eaten: +0.5. The flag there ends the episode: +1, terminated.
4. Each ghost moves one cell: straight on mostly, else into a random other direction, back only at a dead
   end. If one lands on Pac-Man he is eaten: -1, terminated. Ghosts may share a cell.
5. If the step limit is reached and the episode goes on: -1, truncated.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from random import Random

import numpy as np

from gamesim.envs.layouts import FLAG, FLOOR, FOOD, GHOST, MARGIN, grid_of, make_board
from gamesim.envs.sprites import SPRITE_CLASS
from gamesim.errors import UserError

FOOD_REWARD, FLAG_REWARD, LOSS = 0.5, 1.0, -1.0
KEEP_GOING = 0.75
"""Chance that a ghost whose way is free goes straight on without looking around."""
DELTAS = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
"""(dx, dy) of each action: stay, left, right, up, down."""
REVERSE = (0, 2, 1, 4, 3)
"""The action that undoes each."""
CENTRE = MARGIN
"""Row and column of Pac-Man in a 7x7 view."""


@dataclass(frozen=True)
class Ghost:
    """One ghost of a snapshot.

    Attributes:
        x: Column of its cell.
        y: Row of its cell.
        direction: 1 left, 2 right, 3 up, 4 down.
        colour: 0 to 3.
        mode: "wander" (egocentric games), or "scatter", "chase", "frightened", "eaten", "house" (arcade).
    """

    x: int
    y: int
    direction: int
    colour: int
    mode: str


@dataclass(frozen=True)
class Snapshot:
    """Everything that a window needs to draw the game at its own resolution.

    Attributes:
        cells: uint8 (rows, cols), static classes only (no Pac-Man, no ghosts).
        pacman: (x, y).
        facing: 1 left, 2 right, 3 up, 4 down.
        ghosts: The ghosts.
        score: Sum of rewards (egocentric games) or points (arcade).
        lives: Lives left, the running one included.
        level: From 1.
        steps: Steps since the reset.
        events: What the last step brought: "food", "flag", "eaten", "timeout", "blocked" and, in the
            arcade, "power", "ghost", "fruit", "life", "level", "over".
        fright: Steps for which the ghosts stay frightened (arcade).
        gains: (x, y, points) of the ghosts and the fruit that the last step ate (arcade).
    """

    cells: np.ndarray
    pacman: tuple[int, int]
    facing: int
    ghosts: tuple[Ghost, ...]
    score: float
    lives: int
    level: int
    steps: int
    events: tuple[str, ...]
    fright: int = 0
    gains: tuple[tuple[int, int, int], ...] = ()


class Game(ABC):
    """What all our games have in common; plain integers and lists, so that a game pickles and copies.

    Args:
        size: Cells on a side of the board.
        num_ghosts: Ghosts on the board.
        food_density: Probability of food on each cell that can have some, 0 to 1.
        max_steps: Steps until the episode is truncated; None for endless play.
    """

    cells: bytearray  # class or sprite of each padded cell
    pacman: int  # his cell; cells are flat padded indices
    ghosts: list[int]  # their cells
    directions: list[int]  # where each ghost goes, as an action
    facing: int
    score: float
    lives = level = 1
    fright = 0
    gains: tuple[tuple[int, int, int], ...] = ()

    def __init__(self, size: int, num_ghosts: int, food_density: float, max_steps: int | None) -> None:
        self.size, self.num_ghosts = size, num_ghosts
        self.food_density, self.max_steps = food_density, max_steps
        self.rng = Random()
        self.terminated = self.truncated = True

    def reset(self, seed: int | None = None) -> None:
        """Begin an episode; it depends on ``self.seed`` and on the actions, and on nothing else.

        Args:
            seed: The episode's seed; None draws one (63 bits) from this game's own stream.
        """
        self.seed = self.rng.getrandbits(63) if seed is None else int(seed)
        self.rng.seed(self.seed)
        self.steps = 0
        self.terminated = self.truncated = False
        self.events: tuple[str, ...] = ()
        self._begin()

    def step(self, action: int) -> float:
        """Play one step and return its reward; ``terminated`` and ``truncated`` say whether it ended.

        Raises:
            UserError: The action is not 0 to 4.
        """
        if not 0 <= action <= 4:
            raise UserError(f"action must be 0 to 4, not {action}")
        self.steps += 1
        self.events = ()
        reward = self._play(action)
        if self.max_steps and self.steps >= self.max_steps and not self.terminated:
            self.truncated = True
            self.events += ("timeout",)
            reward += self._out_of_time()
        return reward

    @property
    def ghost_sprites(self) -> list[int]:
        """How each ghost looks."""
        return [GHOST] * self.num_ghosts

    def snapshot(self) -> Snapshot:
        """A copy of the visible state."""
        grid = grid_of(self.size)
        padded = np.frombuffer(bytes(self.cells), np.uint8).reshape(grid.stride, grid.stride)
        ghosts = enumerate(zip(self.ghosts, self.directions, strict=True))
        return Snapshot(
            cells=SPRITE_CLASS[padded[MARGIN:-MARGIN, MARGIN:-MARGIN]],
            pacman=grid.xy(self.pacman),
            facing=self.facing,
            ghosts=tuple(Ghost(*grid.xy(cell), way, *self._colour_and_mode(i)) for i, (cell, way) in ghosts),
            score=self.score,
            lives=self.lives,
            level=self.level,
            steps=self.steps,
            events=self.events,
            fright=self.fright,
            gains=self.gains,
        )

    @abstractmethod
    def _begin(self) -> None:
        """Set up the first board of an episode."""

    @abstractmethod
    def _play(self, action: int) -> float:
        """Play one step; its reward."""

    @abstractmethod
    def _colour_and_mode(self, i: int) -> tuple[int, str]:
        """Colour and mode of ghost ``i``, as a `Ghost` has them."""

    def _out_of_time(self) -> float:
        """What it is worth to reach the step limit."""
        return 0.0


class EgoGame(Game):
    """One game on a random board or in a maze.

    Args:
        kind: ``"random"`` or ``"maze"``.
        size, num_ghosts, food_density, max_steps: See `Game`.
    """

    def __init__(
        self, kind: str, size: int, num_ghosts: int, food_density: float, max_steps: int | None
    ) -> None:
        super().__init__(size, num_ghosts, food_density, max_steps)
        self.kind = kind
        self.delta = grid_of(size).delta

    def _begin(self) -> None:
        rng = self.rng
        board = make_board(rng, self.size, self.kind, self.num_ghosts, self.food_density)
        self.cells, self.free, self.pacman = board.cells, board.free, board.start
        self.ghosts, free = board.ghosts, board.free
        self.directions = []
        for home in board.ghosts:
            ways = [d for d in (1, 2, 3, 4) if free[home + self.delta[d]]]
            self.directions.append(ways[int(rng.random() * len(ways))])
        self.facing, self.score, self.lives = 2, 0.0, 1

    def _play(self, action: int) -> float:
        reward = self._move_pacman(action)
        if not self.terminated and self.ghosts:
            reward += self._move_ghosts()
        self.score += reward
        return reward

    def _out_of_time(self) -> float:
        self.score += LOSS
        return LOSS

    def _move_pacman(self, action: int) -> float:
        here = self.pacman
        if action:
            self.facing = action
            there = here + self.delta[action]
            if self.free[there]:
                self.pacman = here = there
            else:
                self.events = ("blocked",)
        if here in self.ghosts:
            return self._eaten()
        cell = self.cells[here]
        if cell == FOOD:
            self.cells[here] = FLOOR
            self.events = ("food",)
            return FOOD_REWARD
        if cell == FLAG:
            self.cells[here] = FLOOR
            self.events = ("flag",)
            self.terminated = True
            return FLAG_REWARD
        return 0.0

    def _move_ghosts(self) -> float:
        free, delta, ghosts, directions = self.free, self.delta, self.ghosts, self.directions
        random = self.rng.random
        for i, here in enumerate(ghosts):
            way = directions[i]
            if not free[here + delta[way]] or random() >= KEEP_GOING:
                back = REVERSE[way]
                ways = [d for d in (1, 2, 3, 4) if d != back and free[here + delta[d]]]
                directions[i] = way = ways[int(random() * len(ways))] if ways else back
            ghosts[i] = here + delta[way]
        return self._eaten() if self.pacman in ghosts else 0.0

    def _eaten(self) -> float:
        self.terminated, self.lives = True, 0
        self.events += ("eaten",)
        return LOSS

    def _colour_and_mode(self, i: int) -> tuple[int, str]:
        return 0, "wander"
