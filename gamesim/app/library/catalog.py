"""What can be played: the real games, and the learned engines found on disk."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from hashlib import blake2s
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gymnasium as gym

from gamesim import shipped, text
from gamesim.app.library.housed import Housed
from gamesim.card import facts_in
from gamesim.envs import meanings, registered
from gamesim.envs import recipe as recipes
from gamesim.envs.recipe import PACMANS, Recipe, known, make
from gamesim.errors import UserError
from gamesim.systems import find, parts, systems

ARCADE, MAZE, PACMAN = "gamesim/PacmanArcade-v0", "gamesim/PacmanMaze-v0", "gamesim/Pacman-v0"
GARDEN = "gamesim/PacmanGarden-v0"
TAKE_COVER = "gamesim/TakeCover-v0"
DREAM = "gamesim/Dream-v0"
RATES = {ARCADE: 9.0, TAKE_COVER: 35.0, "CarRacing-v3": 12.5}
"""Steps a second, at the first level, of the games that differ from the usual 7: of those that are not ours
where they are not installed, as the shipped dreams of them were recorded."""
IN_RUNS = ("last", "best")  # folders inside a run's, beside those of its parts


@dataclass(frozen=True)
class Title:
    """Something that can be played.

    Attributes:
        name: as the menu shows it.
        blurb: one line about it.
        env_id: the Gymnasium id.
        kwargs: for gym.make.
        game_id: id of the real game, or of the one that a dream learned; "" if that is unknown.
        checkpoint: folder of a learned engine, None for a real game.
        system: the kind of engine, from its config; "" for a real game, or if that is unknown.
        recipe: how to make a game that is not ours, or the one that a dream learned; None for our own.
        actions: a word for each action, from the card of a dream; () if there is none.
    """

    name: str
    blurb: str
    env_id: str
    kwargs: dict[str, Any] = field(default_factory=dict)
    game_id: str = ""
    checkpoint: Path | None = None
    system: str = ""
    recipe: Recipe | None = None
    actions: tuple[str, ...] = ()

    @property
    def learned(self) -> bool:
        return self.checkpoint is not None

    @property
    def kind(self) -> int:
        """Rank of its system among all systems; an unknown system comes after them."""
        kinds = list(systems())
        return kinds.index(self.system) if self.system in kinds else len(kinds)

    @property
    def has_controller(self) -> bool:
        """Whether the engine can drive by itself, according to its config."""
        system = find(self.system)
        return system is not None and system.drives

    @property
    def slug(self) -> str:
        """The name of the folder for its recordings.

        A game that is not ours is named in full there. Models in several places may be called alike, and
        like a real game: a model that did not come with the app is named with a sign for its place.
        """
        name = text.file_name(self.name if self.env_id.startswith(recipes.OURS) else self.env_id, "game")
        if self.checkpoint is None or self.checkpoint.is_relative_to(shipped.folder(shipped.MODELS)):
            return name
        return f"{name}-{blake2s(bytes(run_of(self.checkpoint)), digest_size=2).hexdigest()}"

    @cached_property
    def rate(self) -> float:
        """Steps a second at the first level: a game that is not ours, and its dream, say so themselves."""
        foreign = None if self.game_id.startswith(recipes.OURS) else self.recipe
        asked = None if foreign is None else registered.rate(foreign)
        return asked or RATES.get(self.game_id, 7.0)

    @property
    def scrolls(self) -> bool:
        """Whether its view moves with the player; the arcade shows its whole board."""
        return self.game_id != ARCADE

    @property
    def how(self) -> Recipe:
        return self.recipe or Recipe(self.env_id, self.kwargs)

    @property
    def latched(self) -> bool:
        """Whether a direction stays pressed, as on an arcade cabinet."""
        return self.game_id == ARCADE

    def make(self, device: str = "cpu") -> gym.Env:
        """Open it; a dream computes on `device`.

        Raises:
            UserError: it cannot be opened; the message names it.
        """
        how: dict[str, Any] = self.kwargs | ({"device": device} if self.learned and device != "cpu" else {})
        try:
            if self.learned:
                return gym.make(self.env_id, render_mode="rgb_array", disable_env_checker=True, **how)
            return Housed(lambda: make(self.how))
        except UserError:
            raise
        except Exception as error:  # whatever a foreign environment raises has to become one line
            raise UserError(f"{self.checkpoint or self.env_id}: {text.one_line(error)}") from error


def games() -> list[Title]:
    """The real games, in the menu's order: the endless ones come before those of 40 steps."""
    return [*OURS, *([DOOM] if find_spec("vizdoom") else [])]


def dreams(folder: Path) -> list[Title]:
    """The learned engines in `folder`, by kind, then by name; their weights are not read."""
    try:
        found = sorted(path for path in folder.iterdir() if (path / "config.yaml").is_file())
    except OSError:
        return []
    titles = (dream(path) for path in found if not path.name.startswith("."))
    return sorted(titles, key=lambda title: title.kind)


def dream(folder: Path) -> Title:
    """One learned engine; the real game that it learned is the one on its card."""
    facts = facts_in(folder)
    game_id = facts.get("game", "")
    blurb = f"Learned from {game_name(game_id)}" if game_id else "Its card does not say which game it learned"
    kwargs = {"checkpoint": str(folder), "temperature": 1.0}
    theirs = game_id and not game_id.startswith(PACMANS)
    recipe = Recipe.read(game_id, facts.get("recorded with", "")) if theirs else None
    actions = meanings.read(facts["actions"]) if "actions" in facts else ()
    name = spoken(run_of(folder).name)
    return Title(name, blurb, DREAM, kwargs, game_id, folder, _system(folder), recipe, actions)


def run_of(folder: Path) -> Path:
    """The run folder that a checkpoint lies in, or the checkpoint's own folder if it is in none.

    A run may itself be called "last" or "memory", like a folder inside a run; it is still the run folder.
    """
    inside = folder.absolute()
    inside = inside.parent if inside.name in IN_RUNS else inside
    system = find(_system(folder))
    own = system.parts if system else () if inside.exists() else parts()  # a deleted folder has no config
    return inside.parent if inside.name in own else inside


def title_of(start: str | Recipe) -> Title:
    """What `main.py play START` means: a game, the id of one, or the folder of a checkpoint.

    Raises:
        UserError: it is none of these.
    """
    if isinstance(start, str) and (folder := shipped.locate(start)).is_dir():
        return dream(folder.absolute())
    recipe = start if isinstance(start, Recipe) else Recipe(start)
    for title in games():
        if recipe == title.how:
            return title
    recipes.find(recipe.env_id)
    return foreign(recipe)


def foreign(recipe: Recipe) -> Title:
    """The title of any game that a recipe makes."""
    name = re.split("[:/]", recipe.env_id)[-1]
    return Title(name, "", recipe.env_id, dict(recipe.kwargs), recipe.env_id, recipe=recipe)


def partner(title: Title, engines: Iterable[Title]) -> Title | None:
    """The real game of a dream, or the first of `engines` that dreams a real game; None if there is none."""
    if title.learned and title.recipe is not None:  # made as it was recorded, if it is installed
        found = known(title.recipe)
        return None if found is None else replace(foreign(found), game_id=title.game_id)
    others = games() if title.learned else engines
    return _likest(title, others)


def home(dreams: Iterable[Title]) -> Title | None:
    """The dream for coming home: the kind that forgets least, best without ghosts; a person plays it."""
    fit = [dream for dream in dreams if dream.learned and not dream.has_controller]
    return min(fit, key=lambda dream: (dream.kind, dream.game_id != MAZE), default=None)


def chauffeur(title: Title, engines: Iterable[Title]) -> Title | None:
    """The first of `engines` that dreams the same real game and has a controller; None if there is none."""
    return _likest(title, (dream for dream in engines if dream.has_controller))


def _likest(title: Title, others: Iterable[Title]) -> Title | None:
    """Of the titles of the same game the first that is played with the same actions, or else the first."""

    def alike(other: Title) -> tuple[bool, bool]:
        return other.how.levels == title.how.levels, other.how.kwargs == title.how.kwargs

    return max((other for other in others if other.game_id == title.game_id), key=alike, default=None)


def _system(folder: Path) -> str:
    try:
        config = text.decode((folder / "config.yaml").read_bytes()[:65536], "replace")
    except OSError:
        return ""
    named = re.search(r"^system:\s*(\S+)\s*$", config, re.MULTILINE)
    return named.group(1) if named else ""


@cache
def game_name(game_id: str) -> str:
    return next((game.name for game in (*OURS, DOOM) if game.game_id == game_id and not game.kwargs), game_id)


_ENDLESS = {"max_steps": None}
OURS = (
    Title("Arcade", "Four ghosts, levels, a high score", ARCADE, {}, ARCADE),
    Title("Pac-Man, endless", "Find the flag, mind the ghosts", PACMAN, _ENDLESS, PACMAN),
    Title("Maze, endless", "Find the flag. No ghosts", MAZE, _ENDLESS, MAZE),
    Title("Pac-Man", "40 steps, as in the paper", PACMAN, {}, PACMAN),
    Title("Maze", "40 steps, as in the paper. No ghosts", MAZE, {}, MAZE),
    Title("Garden", "40 steps, drawn in another style", GARDEN, {}, GARDEN),
)
_DODGE = "Doom: dodge the fireballs"
DOOM = Title("Take Cover", _DODGE, TAKE_COVER, game_id=TAKE_COVER, recipe=Recipe(TAKE_COVER))
"""The VizDoom game of both papers; the menu shows it only if its extra is installed."""


def spoken(name: str) -> str:
    """gamegan-pacman -> GameGAN Pac-Man, world-model-places -> World Model (places)."""
    kind = next((kind for kind in systems().values() if f"{name}-".startswith(f"{kind.name}-")), None)
    rest = (name if kind is None else name[len(kind.name) :]).replace("pac-man", "pacman")
    special = {"pacman": "Pac-Man", "takecover": "Take Cover", "carracing": "Car Racing"}
    special |= {"places": "(places)", "recall": "(recall)"}
    words = [special.get(word, word[:1].upper() + word[1:]) for word in re.split(r"[-_ ]+", rest) if word]
    return " ".join(words if kind is None else [kind.title, *words]) or name
