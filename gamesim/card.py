"""What the card of a checkpoint (its README.md) says, for everybody who asks it."""

import re
from pathlib import Path
from typing import Any

from gamesim import text
from gamesim.envs.meanings import action_meanings, read, written
from gamesim.envs.recipe import Recipe, known
from gamesim.errors import UserError
from gamesim.shipped import locate

FIGURES = "## Figures"
"""The heading below which a card tells what was measured."""
_ROW = re.compile(r"^\| ([^|]+?) \| (.*?) \|$", re.MULTILINE)
_LONGEST = 65536  # characters that are read


def facts(card: str) -> dict[str, str]:
    """The rows of a card's table, in order: how the model was trained, and of which ``game``."""
    rows = _ROW.findall(card[:_LONGEST].partition(FIGURES)[0])
    return {name.replace("\\|", "|"): value.replace("\\|", "|") for name, value in rows}


def facts_in(folder: Path) -> dict[str, str]:
    """The same of the card in the folder of a checkpoint; none where there is no card that can be read."""
    try:
        return facts(text.decode((folder / "README.md").read_bytes(), "replace"))
    except (OSError, ValueError):  # ValueError: no folder can have such a name
        return {}


def recipe_of(card: str, source: str) -> Recipe:
    """How the real game that an engine learned is made, by its card.

    Raises:
        UserError: The card names none, or one that is not there.
    """
    told = facts(card)
    named = told.get("game")
    if not named:
        raise UserError(f"{source}: its card does not say which game it learned")
    found = known(Recipe.read(named, told.get("recorded with", "")))
    if found is None:
        raise UserError(f"{source}: it learned '{named}', which is not installed here")
    return found


def check_keys(folder: str | Path, env: Any) -> None:
    """Complain about a game of as many keys as a model has learned, where other words are said of them.

    A row of another number of words is not looked at: somebody has edited the card.

    Raises:
        UserError: The keys of both.
    """
    learned = read(facts_in(locate(folder)).get("actions", ""))
    words = read(text.printable(written(action_meanings(env), ())))  # as a card would say them
    if len(learned) == len(words) and any(learned) and any(words) and learned != words:
        said, found = (text.one_line(", ".join(each), 60) for each in (learned, words))
        raise UserError(f"{folder} learned the keys {said}; those of this game are {found}")
