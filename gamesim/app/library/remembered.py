"""What the app remembers about games in small JSON files: when each was played, and which were added.

If such a file cannot be read or written, the app goes on without it.
"""

import contextlib
import json
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gamesim import storage
from gamesim.app.library.catalog import Title, foreign
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError

MOST = 64  # names to keep
BROKEN = (OSError, ValueError, TypeError, AttributeError, RecursionError, OverflowError)
"""What a file may raise that is missing, or that gamesim did not write."""


class Recent:
    """When each thing was used last, by its name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._times: dict[str, float] = {}
        self._read()

    def _read(self) -> None:
        """Take over what the file knows: another window may have written it."""
        with contextlib.suppress(*BROKEN):
            found = {str(name): float(when) for name, when in json.loads(self.path.read_bytes()).items()}
            for name, when in found.items():
                if math.isfinite(when):
                    self._times[name] = max(when, self.when(name))

    def use(self, name: str) -> None:
        """Note that a thing is used now."""
        self._read()
        self._times[name] = max(time.time(), max(self._times.values(), default=0.0) + 1e-3)
        newest = sorted(self._times, key=lambda name: -self._times[name])[:MOST]
        self._times = {name: self._times[name] for name in newest}
        _write(self.path, self._times)

    def when(self, name: str) -> float:
        """When a thing was used last, in seconds since 1970; 0 if it never was."""
        return self._times.get(name, 0.0)


class Added:
    """The games that a player added to the menu, by their recipes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipes: list[Recipe] = []
        self._read()

    def _read(self) -> None:
        """Read the file again: another window may have written it."""
        with contextlib.suppress(*BROKEN):
            found = json.loads(self.path.read_bytes())
            self.recipes = [Recipe.read(str(game), str(words)) for game, words in found.items()]

    @property
    def titles(self) -> list[Title]:
        """Cards for the menu; a game whose module is gone says so when it is opened."""
        return [replace(foreign(recipe), blurb="A game that you added") for recipe in self.recipes]

    def has(self, env_id: str) -> bool:
        return any(recipe.env_id == env_id for recipe in self.recipes)

    def add(self, recipe: Recipe) -> None:
        self.remove(recipe.env_id)  # this also reads the file again
        self.recipes.append(recipe)
        self._save()

    def remove(self, env_id: str) -> None:
        self._read()
        self.recipes = [recipe for recipe in self.recipes if recipe.env_id != env_id]
        self._save()

    def _save(self) -> None:
        _write(self.path, {recipe.env_id: recipe.words for recipe in self.recipes})


def _write(path: Path, content: Mapping[str, object]) -> None:
    with contextlib.suppress(OSError, UserError):
        path.parent.mkdir(parents=True, exist_ok=True)
        storage.write_file(path, json.dumps(content).encode(), sync=False)
