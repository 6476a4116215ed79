"""The games as Gymnasium environments: one at a time, and many in a batch.

Both classes hold games of ``rules`` and draw them with ``sprites``; lane ``i`` of a batch that was reset
with seed ``s`` is the single environment that was reset with ``s + i``, byte for byte.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from gamesim.envs.arcade import ArcadeGame
from gamesim.envs.arcade_maze import SIZE as ARCADE_SIZE
from gamesim.envs.arguments import (
    check_action,
    check_common,
    check_number,
    check_seed,
    lane_actions,
    lane_mask,
    lane_seeds,
    note_options,
)
from gamesim.envs.layouts import MARGIN, grid_of
from gamesim.envs.meanings import keys_for
from gamesim.envs.rules import EgoGame, Game, Snapshot
from gamesim.envs.sprites import CAUGHT, FACING, SPRITE_CLASS, check_theme, painter
from gamesim.errors import UserError

FRAME = (84, 84, 3)
MEANINGS = ["NOOP", "LEFT", "RIGHT", "UP", "DOWN"]
"""Of the actions, in the words of the Arcade Learning Environment."""


class View:
    """What is seen of games as 84x84 pixels: the 7x7 cells around Pac-Man, or ("full") the whole board."""

    def __init__(self, kind: str, grid_size: int, theme: str = "night") -> None:
        grid = grid_of(grid_size)
        self.area, self.follows = grid.stride**2, kind == "ego"
        reach = np.arange(-MARGIN, MARGIN + 1)
        around = reach[:, None] * grid.stride + reach
        self.cells = around if self.follows else np.reshape(grid.inside, (grid_size, grid_size))
        self.painter = painter(84 // len(self.cells), theme)

    def draw(self, games: Sequence[Game]) -> tuple[np.ndarray, np.ndarray]:
        """Frames uint8 (N, 84, 84, 3) and classes of the visible cells uint8 (N, rows, cols), both new."""
        here = np.array([lane * self.area + game.pacman * self.follows for lane, game in enumerate(games)])
        sprites = _slab(games, self.area).take(here[:, None, None] + self.cells)
        return self.painter.draw(sprites), SPRITE_CLASS.take(sprites)


def _slab(games: Sequence[Game], area: int) -> np.ndarray:
    """All padded boards end to end, with the ghosts and Pac-Man on them: uint8 (N * area,).

    He covers a ghost on his cell, but not the one that has just caught him.
    """
    slab = bytearray().join([game.cells for game in games])
    base = 0
    for game in games:
        if game.ghosts:
            for ghost, look in zip(game.ghosts, game.ghost_sprites, strict=True):
                slab[base + ghost] = look
        slab[base + game.pacman] = CAUGHT if "eaten" in game.events else FACING + game.facing
        base += area
    return np.frombuffer(slab, dtype=np.uint8)


@dataclass(frozen=True)
class Rulebook:
    """What the keyword arguments of an id mean: makes its games and its view.

    Attributes:
        board: ``"random"``, ``"maze"`` or ``"arcade"``.
        max_steps: Steps until truncation; None or 0 for endless play.
        num_ghosts: Ghosts on the board, 0 to 8 (arcade: 0 to 4).
        grid_size: Cells on a side, 6 to 40 (arcade: 21).
        food_density: Probability of food on each walkable cell, 0 to 1 (arcade: of its own food).
        view: ``"ego"`` (7x7 cells around Pac-Man) or ``"full"`` (the whole board).
        theme: The look, ``"night"`` or ``"garden"``; the game itself is the same.

    Raises:
        UserError: A value is out of range.
    """

    board: str = "random"
    max_steps: int | None = 40
    num_ghosts: int = 3
    grid_size: int = 14
    food_density: float = 0.2
    view: str = "ego"
    theme: str = "night"

    def __post_init__(self) -> None:
        if self.board not in ("random", "maze", "arcade"):
            raise UserError(f"board must be random, maze or arcade, not {self.board!r}")
        if self.view not in ("ego", "full"):
            raise UserError(f"view must be ego or full, not {self.view!r}")
        check_theme(self.theme)
        smallest, largest = (ARCADE_SIZE, ARCADE_SIZE) if self.arcade else (6, 40)
        check_number("num_ghosts", self.num_ghosts, 0, 4 if self.arcade else 8)
        check_number("grid_size", self.grid_size, smallest, largest)
        check_number("food_density", self.food_density, 0, 1, float)
        if self.view == "full" and self.grid_size not in (7, 14, 21):
            raise UserError(f"grid_size must be 7, 14 or 21 for the full view, not {self.grid_size}")

    @property
    def arcade(self) -> bool:
        return self.board == "arcade"

    @property
    def facts(self) -> tuple[str, ...]:
        """What an info tells beside the cells: integer attributes of a game."""
        return ("seed", "score", "lives", "level") if self.arcade else ("seed",)

    def painted(self) -> View:
        """What draws its games."""
        return View(self.view, self.grid_size, self.theme)

    def game(self) -> Game:
        """A new game, not yet reset."""
        food, limit = float(self.food_density), int(self.max_steps or 0) or None
        side, ghosts = int(self.grid_size), int(self.num_ghosts)  # NumPy's integers would overflow in a seed
        if self.arcade:
            return ArcadeGame(ghosts, food, limit)
        return EgoGame(self.board, side, ghosts, food, limit)


class PacmanEnv(gym.Env[np.ndarray, np.int64]):
    """One game.

    Observation: uint8 (84, 84, 3). Action: 0 stay, 1 left, 2 right, 3 up, 4 down. ``info["cells"]``: the
    visible cells, uint8 (7, 7) or the whole board, classes of ``rules`` (for evaluation; no model may read
    them). ``info["seed"]``: the episode's seed; ``reset(seed=...)`` with it and the same actions give the
    episode again. In the arcade ``info`` has ``score``, ``lives`` and ``level`` too.
    Keyword arguments: see ``Rulebook``.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 8}

    def __init__(self, render_mode: str | None = None, **rules: Any) -> None:
        rulebook = Rulebook(**rules)
        check_common(render_mode, rulebook.max_steps)
        self.game, self.view, self.facts = rulebook.game(), rulebook.painted(), rulebook.facts
        self.render_mode, self.theme = render_mode, rulebook.theme
        self.observation_space = gym.spaces.Box(0, 255, FRAME, np.uint8)
        self.action_space = gym.spaces.Discrete(len(MEANINGS))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin a new episode; without a seed, the next one of this environment's stream."""
        note_options(options)
        seed = check_seed(seed)
        super().reset(seed=seed)
        self.game.reset(seed)
        return self._observe()

    def step(self, action: np.int64 | int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Play one step; the order of events is in ``rules``."""
        game = self.game
        if game.terminated or game.truncated:
            raise gym.error.ResetNeeded("the episode is over: call reset() before step()")
        reward = game.step(check_action(action, len(MEANINGS)))
        frame, info = self._observe()
        return frame, reward, game.terminated, game.truncated, info

    def _observe(self) -> tuple[np.ndarray, dict[str, Any]]:
        frames, cells = self.view.draw([self.game])
        return frames[0], {"cells": cells[0], **{fact: getattr(self.game, fact) for fact in self.facts}}

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The frame, uint8 (84, 84, 3), when ``render_mode`` is "rgb_array"."""
        return self.view.draw([self.game])[0][0] if self.render_mode == "rgb_array" else None

    def get_action_meanings(self) -> list[str]:
        """A word for each action."""
        return list(MEANINGS)

    def get_keys_to_action(self) -> dict[tuple[str, ...], int]:
        """Keys for the actions, as ``gymnasium.utils.play`` has them."""
        return keys_for(MEANINGS)

    def snapshot(self) -> Snapshot:
        """The state, for a window that draws the game itself."""
        return self.game.snapshot()

    @property
    def state(self) -> Game:
        """All of the game, its chances included; when it is set, the game goes on from there."""
        return copy.deepcopy(self.game)

    @state.setter
    def state(self, moment: Game) -> None:
        self.game = copy.deepcopy(moment)


class PacmanVectorEnv(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """Many games at once, NEXT_STEP autoreset: the step after an ending ignores its action and resets.

    Observation: uint8 (N, 84, 84, 3), a new array each time. Infos: those of ``PacmanEnv``, each with a
    leading lane axis and a mask (``cells`` and ``_cells``, ...). Keyword arguments: see ``Rulebook``.
    """

    metadata = {
        "render_modes": ["rgb_array"],
        "render_fps": 8,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(self, num_envs: int = 1, render_mode: str | None = None, **rules: Any) -> None:
        rulebook = Rulebook(**rules)
        check_common(render_mode, rulebook.max_steps, num_envs)
        self.num_envs, self.render_mode, self.theme = num_envs, render_mode, rulebook.theme
        self.view, self.facts = rulebook.painted(), rulebook.facts
        self.games = [rulebook.game() for _ in range(num_envs)]
        self.single_observation_space = gym.spaces.Box(0, 255, FRAME, np.uint8)
        self.single_action_space = gym.spaces.Discrete(len(MEANINGS))
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin new episodes in all lanes, or in those of ``options["reset_mask"]`` (bool (N,))."""
        note_options(options, ["reset_mask"])
        seeds, mask = lane_seeds(seed, self.num_envs), lane_mask(options, self.num_envs)
        for game, lane_seed, chosen in zip(self.games, seeds, mask.tolist(), strict=True):
            if chosen:
                game.reset(lane_seed)
        return self._observe()

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Play one step in every lane; a lane that ended in the step before begins its next episode."""
        rewards = []
        actions = lane_actions(actions, self.num_envs, len(MEANINGS))
        for game, action in zip(self.games, actions.tolist(), strict=True):
            if game.terminated or game.truncated:
                game.reset()
                rewards.append(0.0)
            else:
                rewards.append(game.step(action))
        frames, infos = self._observe()
        terminated = np.array([game.terminated for game in self.games])
        truncated = np.array([game.truncated for game in self.games])
        return frames, np.array(rewards), terminated, truncated, infos

    def _observe(self) -> tuple[np.ndarray, dict[str, Any]]:
        frames, cells = self.view.draw(self.games)
        infos: dict[str, Any] = {"cells": cells, "_cells": np.ones(self.num_envs, dtype=bool)}
        for fact in self.facts:
            infos[fact] = np.array([getattr(game, fact) for game in self.games], dtype=np.int64)
            infos["_" + fact] = np.ones(self.num_envs, dtype=bool)
        return frames, infos

    def render(self) -> tuple[np.ndarray, ...] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One frame a lane when ``render_mode`` is "rgb_array"."""
        return tuple(self.view.draw(self.games)[0]) if self.render_mode == "rgb_array" else None

    def get_action_meanings(self) -> list[str]:
        """A word for each action."""
        return list(MEANINGS)
