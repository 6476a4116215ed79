"""What recordings tell of their games: which there are, their frames, actions, opposites and rewards."""

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import gymnasium as gym

from gamesim.data.episode import Episode
from gamesim.data.store.index import Entry, scan
from gamesim.envs.meanings import action_meanings, opposites
from gamesim.envs.recipe import Recipe, make
from gamesim.errors import UserError
from gamesim.registry import bare
from gamesim.text import counted


@dataclass(frozen=True)
class Game:
    """A game that was recorded.

    Attributes:
        height: Of its frames, pixels.
        width: Of its frames, pixels.
        num_actions: How many actions it has, or as many as were seen in use.
        known: Whether it is certain that there are no more.
        opposites: Pairs of actions that go opposite ways, where the game says what its actions mean.
        peak: The largest reward of a step, up or down, that was met.
        env_spec: Spec JSON of the environment, "" where none is named.
    """

    height: int
    width: int
    num_actions: int
    known: bool
    opposites: tuple[tuple[int, int], ...]
    peak: float = field(default=0.0, compare=False)
    env_spec: str = field(default="", compare=False)

    @property
    def levels(self) -> tuple[int, ...]:
        """How many values each number of an action may take; () where actions are keys."""
        recipe = Recipe.of(self.env_spec)
        return () if recipe is None else recipe.levels


def games(folder: str | Path) -> dict[str, int]:
    """The games of a folder of recordings: id -> episodes, the most first.

    Those that do not say which game they are of are called :data:`gamesim.data.store.index.UNKNOWN`.

    Raises:
        UserError: No such folder, or no readable recording in it.
    """
    return dict(Counter(entry.game for entry in _entries(Path(folder))).most_common())


def choose(folder: str | Path, game: str | None) -> str:
    """The game that recordings are taken of: the one that is named, or the only one.

    Raises:
        UserError: There are several and none is named, or it is not there; the message says which are.
    """
    found = games(folder)
    named = ", ".join(f"{name} ({counted(count, 'game')})" for name, count in found.items())
    if game is None and len(found) > 1:
        raise UserError(f"{folder} contains several games: {named}. Choose one with --game ID")
    if game is not None and bare(game) not in found:
        raise UserError(f"{folder} contains no recordings of {game}, only of {named}")
    return next(iter(found)) if game is None else bare(game)


def recorded_game(folder: str | Path, game: str | None = None) -> Game:
    """The game that most recordings of a folder are of, or the one that is named.

    Recordings say what actions there are. Older ones only name their game: if it is installed, it is asked,
    else the highest action that was played has to do.

    Args:
        folder: Of recordings; subfolders count.
        game: An id of :func:`games`.

    Raises:
        UserError: No such folder, or no readable recording in it.
    """
    folder = Path(folder)
    found = [entry for entry in _entries(folder) if entry.is_of(game)]
    if not found:
        raise UserError(f"{folder}: it contains no recordings of {game}")
    kind, _ = Counter(map(_kind, found)).most_common(1)[0]
    height, width, env_id = kind
    entries = [entry for entry in found if _kind(entry) == kind]
    meanings, used, spec = (), 0, ""
    for entry in entries:
        try:
            episode = Episode.load(folder / entry.file, pixels=False)
        except UserError:
            continue
        spec = spec or episode.env_spec
        used = max(used, int(episode.actions.max()) + 1)
        if meanings := episode.action_meanings or _installed(env_id):
            break
    if not used:
        raise UserError(f"{folder}: none of its {len(entries)} episodes can be read")
    peak = max(entry.peak for entry in entries)
    return Game(height, width, len(meanings) or used, bool(meanings), opposites(meanings), peak, spec)


def _entries(folder: Path) -> list[Entry]:
    damaged: dict[str, str] = {}  # whoever loads the frames will warn of them
    entries = scan(folder, damaged)
    if not entries:
        raise UserError(next(iter(damaged.values()), f"{folder}: it contains no recordings"))
    return entries


def _kind(entry: Entry) -> tuple[int, int, str]:
    return entry.height, entry.width, entry.game


@lru_cache(maxsize=64)
def _installed(env_id: str) -> tuple[str, ...]:
    """What the actions of a game mean; () where no such game is installed or it cannot be made."""
    if env_id not in gym.registry:
        return ()
    try:
        env = make(Recipe(env_id))
    except Exception:  # code of somebody else's, which may miss anything
        return ()
    try:
        return action_meanings(env)
    finally:
        env.close()
