"""The games that a player added to the menu, in a small JSON file of the user's."""

import contextlib
import json
from dataclasses import replace
from pathlib import Path

from gamesim import storage
from gamesim.app.library.catalog import Title, foreign
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError


class Added:
    """Games by their recipes; a file that cannot be read is forgotten."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipes: list[Recipe] = []
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
            found = json.loads(path.read_bytes())
            self.recipes = [Recipe.read(str(game), str(words)) for game, words in found.items()]

    @property
    def titles(self) -> list[Title]:
        """Cards for the menu; one whose module is gone says so when it is opened."""
        return [replace(foreign(recipe), blurb="A game that you added") for recipe in self.recipes]

    def has(self, env_id: str) -> bool:
        return any(recipe.env_id == env_id for recipe in self.recipes)

    def add(self, recipe: Recipe) -> None:
        self.remove(recipe.env_id)
        self.recipes.append(recipe)
        self._save()

    def remove(self, env_id: str) -> None:
        self.recipes = [recipe for recipe in self.recipes if recipe.env_id != env_id]
        self._save()

    def _save(self) -> None:
        with contextlib.suppress(OSError, UserError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            words = {recipe.env_id: recipe.words for recipe in self.recipes}
            storage.write_file(self.path, json.dumps(words).encode(), sync=False)
