"""What recordings tell of their game: how large its frames are, its actions, which are opposites."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import gymnasium as gym

from gamesim.data.episode import read_meta
from gamesim.data.index import Entry, scan
from gamesim.envs.meanings import action_meanings, opposites
from gamesim.envs.recipe import Recipe, make
from gamesim.errors import UserError


@dataclass(frozen=True)
class Game:
    """A game that was recorded.

    Attributes:
        height: Of its frames, pixels.
        width: Of its frames, pixels.
        num_actions: How many actions it has, or as many as were seen in use.
        known: Whether it is certain that there are no more.
        opposites: Pairs of actions that go opposite ways, where the game says what its actions mean.
    """

    height: int
    width: int
    num_actions: int
    known: bool
    opposites: tuple[tuple[int, int], ...]


def recorded_game(folder: str | Path) -> Game:
    """The game that most recordings of a folder are of.

    Recordings say what actions there are. Older ones only name their game: if it is installed, it is asked,
    else the highest action that was played has to do.

    Args:
        folder: Of recordings; subfolders count.

    Raises:
        UserError: No such folder, or no readable recording in it.
    """
    folder = Path(folder)
    damaged: dict[str, str] = {}  # whoever loads the frames will warn of them
    entries = scan(folder, damaged)
    if not entries:
        raise UserError(next(iter(damaged.values()), f"{folder}: there are no recordings in it"))
    game, _ = Counter(map(_game, entries)).most_common(1)[0]
    height, width, env_id = game
    meanings, used = (), 0
    for entry in entries:
        if _game(entry) != game:
            continue
        try:
            episode = read_meta(folder / entry.file)
        except UserError:
            continue
        used = max(used, int(episode.actions.max()) + 1)
        meanings = episode.action_meanings or _installed(env_id)
        if meanings:
            break
    if not used:
        raise UserError(f"{folder}: none of its {len(entries)} episodes can be read")
    return Game(height, width, len(meanings) or used, bool(meanings), opposites(meanings))


def _game(entry: Entry) -> tuple[int, int, str]:
    return entry.height, entry.width, entry.env_id


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
