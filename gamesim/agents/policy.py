"""Who chooses actions: what a policy is, the one that knows nothing, and policies by their names.

A policy of one's own is one call of `register`, or, so that ``record`` and the app always know it, an entry
point of the group ``gamesim.policies`` that names an `Entry` (docs/adding.md).
"""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import gymnasium as gym
import numpy as np

from gamesim import storage
from gamesim.agents.explorer import ExplorerPolicy
from gamesim.data.episode import PLAYERS
from gamesim.envs.pacman import FRAME, MEANINGS
from gamesim.envs.recipe import Recipe, find
from gamesim.errors import UserError
from gamesim.registry import Registry, blamed, loaded
from gamesim.shipped import locate
from gamesim.text import counted


class Policy(Protocol):
    """Chooses actions for a batch of games from what a person would see."""

    player: str
    """Who that is, a name of :data:`PLAYERS`."""

    def act(self, frames: np.ndarray, info: dict[str, Any]) -> np.ndarray:
        """Frames uint8 (N, H, W, 3) and the environment's infos (no cells) -> actions int64 (N,)."""
        ...

    def reset(self, mask: np.ndarray) -> None:
        """Forget the lanes of ``mask``, bool (N,): new games begin there with the next frames."""
        ...


class RandomPolicy:
    """Every action equally likely, and held for as many steps as chance says.

    Args:
        seed: Of its chance.
        num_actions: Of the game.
        hold: The fewest and the most steps that an action is held, each number equally likely.
    """

    player = "random"

    def __init__(self, seed: int = 0, num_actions: int = 5, hold: tuple[int, int] = (1, 1)) -> None:
        self._random = np.random.default_rng(seed)
        self._num_actions, self._hold = num_actions, hold
        self._actions = self._left = np.zeros(0, np.int64)

    def act(self, frames: np.ndarray, info: dict[str, Any]) -> np.ndarray:
        drawn = self._random.integers(self._num_actions, size=len(frames))
        if self._hold == (1, 1):
            return drawn
        if len(self._left) != len(frames):
            self._actions, self._left = drawn, np.zeros(len(frames), np.int64)
        steps = self._random.integers(self._hold[0], self._hold[1] + 1, size=len(frames))
        anew = self._left == 0
        self._actions = np.where(anew, drawn, self._actions)
        self._left = np.where(anew, steps, self._left) - 1
        return self._actions.copy()

    def reset(self, mask: np.ndarray) -> None:
        if len(mask) == len(self._left):
            self._left = np.where(mask, 0, self._left)


MakePlayer = Callable[[int, gym.vector.VectorEnv, dict[str, Any]], Policy]
"""Makes a player with a seed for a batch of games, which was made with some settings."""


def explorer(seed: int, env: gym.vector.VectorEnv, settings: dict[str, Any]) -> Policy:
    """The bot."""
    if "checkpoint" in settings:  # a dream, which may be of any game
        check_view(env, "the bot")
    grid = settings.get("grid_size", 7) if settings.get("view") == "full" else 7
    return ExplorerPolicy(seed, grid, theme=settings.get("theme", "night"))


def random(
    seed: int, env: gym.vector.VectorEnv, settings: dict[str, Any], hold: tuple[int, int] = (1, 1)
) -> Policy:
    """Random keys."""
    return RandomPolicy(seed, num_actions(env), hold)


@dataclass(frozen=True)
class Entry:
    """A player that can be named; what makes it is imported when it plays.

    Attributes:
        name: by which ``record --policy`` knows it.
        title: for messages.
        make: "module:name" of a `MakePlayer`.
        cells: whether it knows our Pac-Man games alone.
        settings: of a game that it cannot do without: name -> value; a game that has no such setting suits.
        needs: an optional package that it cannot do without, and the extra that brings it.
        holds: whether `make` takes ``hold``, the fewest and the most steps for which it holds a key.
    """

    name: str
    title: str
    make: str
    cells: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, str] | None = None
    holds: bool = False

    @property
    def label(self) -> str:
        """The title as a button or a sentence begins with it."""
        return self.title[:1].upper() + self.title[1:]

    def misfit(self, recipe: Recipe) -> str:
        """Why it cannot play a game, in one line; "" if it can."""
        if self.cells and not recipe.of_cells:
            return f"{self.title} plays only our Pac-Man games, unchanged, not {recipe.env_id}"
        given = {**find(recipe.env_id).kwargs, **recipe.kwargs}
        for setting, value in self.settings.items():
            if given.get(setting, value) != value:
                return f"{self.title} plays only games with {setting}={value}, not {given[setting]}"
        return ""

    def missing(self) -> str:
        """The extra that is not installed; "" if nothing is missing."""
        return self.needs[1] if self.needs and importlib.util.find_spec(self.needs[0]) is None else ""


_policies: Registry[Entry] = Registry(Entry, "gamesim.policies", "players")
register, remove, policies = _policies.register, _policies.remove, _policies.all

register(Entry("explorer", "the bot", "gamesim.agents.policy:explorer"))
register(Entry("random", "random keys", "gamesim.agents.policy:random", cells=False, holds=True))
register(
    Entry(
        "dqn",
        "the DQN",
        "gamesim.agents.dqn:player",
        settings={"view": "ego", "theme": "night"},
        needs=("stable_baselines3", "agents"),
    )
)
register(Entry("gcn", "the GCN", "gamesim.agents.gcn:player", settings={"view": "ego"}))


def known_policy(
    name: str, recipe: Recipe, hold: tuple[int, int] = (1, 1), epsilon: float = 0.0
) -> MakePlayer:
    """What makes the player of this name, or the one that is the controller of the model of this name.

    Args:
        name: Of `policies`, or the folder of a model.
        recipe: Of the game.
        hold: The fewest and the most steps for which a random key is held.
        epsilon: With a model, the share of its keys that random ones replace, 0 to 1.

    Raises:
        UserError: There is none, it does not know the game, it needs an extra that is not installed, or what
            is said of it does nothing.
    """
    if not 0 <= epsilon <= 1:
        raise UserError(f"epsilon must be a share from 0 to 1, not {epsilon:g}")
    if name not in policies():
        return _controller(name, hold, epsilon)
    entry = policies()[name]
    if epsilon:
        raise UserError(f"epsilon works with a model only, not with the policy {name}")
    if why := entry.misfit(recipe):
        raise UserError(why if recipe.of_cells else f"{why}; use --policy random")
    if not 1 <= hold[0] <= hold[1]:
        raise UserError(f"hold must be a range of whole numbers from 1 on, not {hold[0]} to {hold[1]}")
    if hold != (1, 1) and not entry.holds:
        raise UserError(f"only the policy random holds its keys, not {name}")
    if extra := entry.missing():
        raise UserError(f"--policy {name} needs the extra {extra}: pip install 'gamesim[{extra}]'")
    make = partial(loaded(entry.make), hold=hold) if entry.holds else loaded(entry.make)
    return make if entry.make.startswith("gamesim.") else partial(_Guest, entry.make, make)


def _controller(folder: str, hold: tuple[int, int], epsilon: float) -> MakePlayer:
    if not storage.exists(locate(folder)):
        raise UserError(f"policy must be one of {', '.join(policies())}, or a model, not {folder!r}")
    if hold != (1, 1) and not epsilon:
        raise UserError("with a model only random keys are held, and there are none without epsilon")
    return partial(loaded("gamesim.agents.controller:player"), source=folder, epsilon=epsilon, hold=hold)


class _Guest:
    """A player of another package: what it does wrong becomes one line that names it.

    Args:
        name: "module:name" of what makes it.
        make: That.
        seed: Of its chance.
        env: The batch of games that it plays.
        settings: Of the game.
    """

    def __init__(
        self, name: str, make: MakePlayer, seed: int, env: gym.vector.VectorEnv, settings: dict[str, Any]
    ) -> None:
        self._name, self._count = name, num_actions(env)
        with blamed(name):
            self._player = make(seed, env, settings)
            self.player = self._player.player
            if self.player not in PLAYERS:
                raise ValueError(f"its player must be one of {', '.join(PLAYERS)}, not {self.player!r}")

    def act(self, frames: np.ndarray, info: dict[str, Any]) -> np.ndarray:
        with blamed(self._name):
            actions = np.asarray(self._player.act(frames, info))
            whole = actions.dtype.kind in "iu" and actions.shape == (len(frames),)
            if not whole or actions.min() < 0 or actions.max() >= self._count:
                raise ValueError(f"act must give {len(frames)} whole numbers from 0 to {self._count - 1}")
            return actions.astype(np.int64)

    def reset(self, mask: np.ndarray) -> None:
        with blamed(self._name):
            self._player.reset(mask)


def check_view(env: gym.vector.VectorEnv, who: str) -> None:
    """Complain about a game, such as a dream, that does not look and play like our 7x7 view.

    Raises:
        UserError: It names who cannot play it.
    """
    shape = env.single_observation_space.shape
    if shape != FRAME or num_actions(env) != len(MEANINGS):
        size = "x".join(map(str, shape or ()))
        raise UserError(
            f"{who} sees frames of 84x84x3 and presses {len(MEANINGS)} keys; "
            f"this game has {size} and {counted(num_actions(env), 'key')}"
        )


def num_actions(env: gym.vector.VectorEnv) -> int:
    assert isinstance(env.single_action_space, gym.spaces.Discrete)
    return int(env.single_action_space.n)
