"""The one place that makes a game from what a person typed, for every command and every screen.

A game is named by its Gymnasium id, or by ``module:Id`` where a module of one's own registers it. Our games
are made as they are; any other goes through `PixelEnv`. Whatever cannot be played is a `UserError`.
"""

import contextlib
import copy
import difflib
import importlib
import json
import os
import re
import shlex
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec, load_env_creator
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from gamesim.envs.choices import MOST_ACTIONS
from gamesim.envs.guarded import Guarded
from gamesim.envs.spec import spec_json as to_json
from gamesim.envs.wrappers import SIZES, PixelEnv
from gamesim.errors import PASSING, UserError
from gamesim.registry import bare, blamed
from gamesim.text import counted, one_line

OURS = "gamesim/"
PACMANS = "gamesim/Pacman"
"""What the ids of our games of cells begin with."""
DREAMS = "gamesim/Dream"
MOST_SINGLE = 16
"""Most games at once where a game has no batch of its own: each may be a process with its own memory."""
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
"""Variables that name a display, on Linux."""
TIME_LIMIT = 1000
"""Steps after which a recorded game without a limit of its own is cut off."""


class UnknownGame(UserError):
    """Nobody registered a game of that name; `hint` says which games there are."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message + hint)
        self.hint = hint


@dataclass(frozen=True)
class Family:
    """Games that a package of somebody else's registers when it is imported.

    Attributes:
        begins: what their ids begin with.
        module: the one to import.
        extra: ours, which installs the package.
    """

    begins: str
    module: str
    extra: str


FAMILIES = (
    Family("Vizdoom", "vizdoom.gymnasium_wrapper", "doom"),
    Family("gamesim/TakeCover", "vizdoom", "doom"),
    Family("ALE/", "ale_py", "atari"),
)
EXTRAS = {
    "doom": "uv sync --extra doom, or pip install --no-deps 'vizdoom>=1.3' (it must not replace pygame)",
    "atari": "pip install 'gamesim[atari]'",
    "box2d": "pip install 'gamesim[box2d]'",
}
"""How each extra that brings games is installed."""
_SHOWN: dict[str, Any] = {"size": None, "stretch": False, "frame_skip": 1, "time_limit": None, "levels": ()}
"""How a game may be shown, and how it is shown usually."""


@dataclass(frozen=True)
class Recipe:
    """How a game is made.

    Attributes:
        env_id: its id, or ``module:Id``.
        kwargs: arguments of the game.
        size: height and width of its frames; None: its own if that is one of `SIZES`, else 84.
        stretch: whether its picture fills the frame; False keeps its shape between black bars.
        frame_skip: its steps for each of ours.
        time_limit: steps after which it is cut off; None leaves that to the game.
        levels: how many values each of its actions' numbers may take; () for their ends, one at a time.
    """

    env_id: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    size: int | None = None
    stretch: bool = False
    frame_skip: int = 1
    time_limit: int | None = None
    levels: tuple[int, ...] = ()

    @property
    def ours(self) -> bool:
        """Whether it is one of our games as it is."""
        return self.env_id.startswith(OURS) and not self.changed

    @property
    def of_cells(self) -> bool:
        """Whether the bot can play it: a board of cells as it is, or a dream, which may be of one."""
        return self.env_id.startswith((PACMANS, DREAMS)) and not self.changed

    @property
    def changed(self) -> dict[str, Any]:
        """What of the last attributes is not as usual."""
        return {name: getattr(self, name) for name in _SHOWN if getattr(self, name) != _SHOWN[name]}

    @property
    def words(self) -> str:
        """All but the id, as it is typed: ``--size 64 --stretch continuous=false``."""
        typed = []
        for name, value in self.changed.items():
            said = ",".join(map(str, value)) if name == "levels" else str(value)
            typed += [f"--{name.replace('_', '-')}", *([] if value is True else [said])]
        return shlex.join([*typed, *(f"{name}={json.dumps(value)}" for name, value in self.kwargs.items())])

    @staticmethod
    def read(env_id: str, words: str) -> "Recipe":
        """The recipe of an id and the `words` of one; what makes no sense is left out."""
        flags: dict[str, Any] = {}
        kwargs: dict[str, Any] = {}
        try:
            rest = shlex.split(words)
            while rest:
                word = rest.pop(0)
                if word == "--stretch":
                    flags["stretch"] = True
                elif word in ("--size", "--frame-skip", "--time-limit"):
                    flags[word[2:].replace("-", "_")] = int(rest.pop(0))
                elif word == "--levels":
                    flags["levels"] = tuple(map(int, rest.pop(0).split(",")))
                elif "=" in word:
                    name, _, value = word.partition("=")
                    kwargs[name] = json.loads(value)
        except (ValueError, IndexError, RecursionError):
            pass
        return Recipe(env_id, kwargs, **flags)

    @staticmethod
    def of(spec: str) -> "Recipe | None":
        """The recipe of a game that was recorded, by its spec's JSON; None where that names no game.

        It is data: nothing is imported or made by it.
        """
        try:
            tree = json.loads(spec)
            env_id, kwargs, wrappers = tree["id"], tree.get("kwargs"), tree.get("additional_wrappers")
            shown = next((w["kwargs"] for w in wrappers or () if w["name"] == PixelEnv.__name__), {})
            shown = {name: shown[name] for name in _SHOWN if name in shown}
            shown["levels"] = tuple(map(int, shown.get("levels", ())))
            registered = gym.registry.get(bare(env_id))
            usual = json.loads(to_json(registered))["kwargs"] if registered else {}  # tuples are lists
            own = {
                name: value
                for name, value in (kwargs or {}).items()
                if name != "render_mode" and (name not in usual or usual[name] != value)
            }
            return Recipe(env_id, own, **shown) if isinstance(env_id, str) else None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None


def find(env_id: str) -> EnvSpec:
    """The registered spec of an id; the module of ``module:Id``, or the package that has it, is imported.

    Raises:
        UserError: There is no such game, or its package is not installed.
    """
    module, _, name = env_id.rpartition(":")
    family = next((each for each in FAMILIES if name.startswith(each.begins)), None)
    if module:
        _import(module, env_id)
    elif name not in gym.registry and family is not None:
        try:
            importlib.import_module(family.module)
        except ImportError:
            raise UserError(f"{name} needs the extra '{family.extra}': {EXTRAS[family.extra]}") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about ids that have a newer version
            return gym.spec(name)
    except Exception:
        raise _unknown(module, name) from None


def _unknown(module: str, name: str) -> UnknownGame:
    """What to say of a game that nobody registered: which name is close, or which games there are."""
    what = f"unknown game '{one_line(name, 80)}'" + (f" in the module {module}" if module else "")
    close = difflib.get_close_matches(name, list(gym.registry), n=1, cutoff=0.7)
    old = getattr(getattr(sys.modules.get("gym"), "envs", None), "registry", {})
    if module and name in getattr(old, "env_specs", old):
        return UnknownGame(what, ": it belongs to gym, which Gymnasium has replaced; see docs/adding.md")
    if close:
        return UnknownGame(what, f", did you mean '{close[0]}'?")
    ours = sorted(each for each in gym.registry if each.startswith(PACMANS))
    if not module:
        return UnknownGame(what, f". Games: {', '.join(ours)}, or any Gymnasium id")
    theirs = sorted(each for each, spec in gym.registry.items() if _package(spec) == module.partition(".")[0])
    more = f" and {len(theirs) - 5} more" if len(theirs) > 6 else ""
    shown = ", ".join(theirs[:5] if more else theirs) or "none"
    return UnknownGame(what, f". Games of {module}: {shown}{more}")


def _package(spec: EnvSpec) -> str:
    """Name of the package whose class or function makes a game."""
    entry = spec.entry_point
    return re.split("[.:]", entry if isinstance(entry, str) else getattr(entry, "__module__", None) or "")[0]


def _import(module: str, env_id: str) -> None:
    """Import a user's module, also from the current folder."""
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)
    try:
        importlib.import_module(module)
    except PASSING:
        raise
    except BaseException as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name in (module, module.partition(".")[0])
        why = f"{module} cannot be imported: {one_line(error)}"
        raise UserError(f"{env_id}: {f'there is no module {module}' if missing else why}") from error


def known(recipe: Recipe) -> Recipe | None:
    """The same if its game is registered here, else None.

    For what recordings and cards name: they are data, and no module is imported because they say so.
    """
    name = recipe.env_id.rpartition(":")[2]
    if any(name.startswith(family.begins) for family in FAMILIES):
        with contextlib.suppress(UserError):
            find(name)
    return replace(recipe, env_id=name) if name in gym.registry else None


def make(recipe: Recipe) -> gym.Env:
    """Open a game: frames uint8 (H, W, 3) and Discrete actions from 0.

    Raises:
        UserError: It cannot be made or played; the line says why.
    """
    env = _open(find(recipe.env_id), recipe)
    if recipe.ours:
        return env
    with blamed(recipe.env_id, "its spaces"):  # it may have none
        space = env.observation_space
        own = next((side for side in SIZES if space.shape == (side, side, 3)), SIZES[-1])
        shown: dict[str, Any] = {"size": own} | recipe.changed
        return PixelEnv(env, **shown)


def metadata(spec: EnvSpec) -> Mapping[str, Any]:
    """What a game that is not made yet says of itself; its module is imported, and may raise anything."""
    entry = spec.entry_point
    creator = load_env_creator(entry) if isinstance(entry, str) else entry
    return getattr(creator, "metadata", None) or {}


def _open(spec: EnvSpec, recipe: Recipe) -> gym.Env:
    """What is registered, with its arguments, able to draw itself where it can."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    if sys.platform == "linux" and not any(map(os.environ.get, DISPLAYS)):
        os.environ.setdefault("MUJOCO_GL", "egl")  # it would draw in a window, and fail
    kwargs = dict(recipe.kwargs)
    with _making(recipe.env_id, spec):
        modes = metadata(spec).get("render_modes")
        if "render_mode" not in {*kwargs, *spec.kwargs} and (modes is None or "rgb_array" in modes):
            kwargs["render_mode"] = "rgb_array"
        try:
            env = gym.make(spec, disable_env_checker=True, **kwargs)
        except TypeError as error:
            if "'render_mode'" not in str(error):
                raise
            del kwargs["render_mode"]
            env = gym.make(spec, disable_env_checker=True, **kwargs)
    made = env.unwrapped.spec
    if made is not None:
        made.id = recipe.env_id  # what recordings will say of it
    return env


@contextlib.contextmanager
def _making(name: str, spec: EnvSpec) -> Iterator[None]:
    """Whatever is wrong with a game that is made in here becomes one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Gymnasium's, about metadata
            yield
    except (UserError, *PASSING):
        raise
    except (ImportError, gym.error.DependencyNotInstalled) as error:
        raise UserError(_missing(name, spec, error)) from error
    except BaseException as error:
        raise UserError(_why(name, error)) from error


def _missing(name: str, spec: EnvSpec, error: Exception) -> str:
    """A line about a package that a game needs: our extra that has it, or what the game says."""
    extra = "box2d" if "box2d" in str(spec.entry_point) else None
    extra = next((each.extra for each in FAMILIES if name.startswith(each.begins)), extra)
    if extra is not None:
        return f"{name} needs the extra '{extra}': {EXTRAS[extra]}"
    return f"{name} needs a package that is not installed: {one_line(error)}"


def _why(name: str, error: BaseException) -> str:
    said = one_line(error).partition(" was raised from the environment creator")[0]
    absent = re.search(r"missing \d+ required [\w-]+ arguments?: (.*)", said)
    if absent:
        return f"{name} needs arguments: {absent[1]} (key=value)"
    wrong = re.search(r"unexpected keyword argument ('\w+')", said)
    return f"{name} takes no argument {wrong[1]}" if wrong else f"{name} cannot be made: {said}"


def make_batch(recipe: Recipe, lanes: int) -> VectorEnv:
    """Open a game many times: its own batch where it has one that fits, else one by one.

    Args:
        recipe: The game.
        lanes: How many; of a game without a batch, `MOST_SINGLE` at most.

    Raises:
        UserError: As for `make`.
    """
    spec = find(recipe.env_id)
    name = recipe.env_id
    if spec.vector_entry_point is not None and not recipe.changed:
        with _making(name, spec):
            batch = gym.make_vec(spec, lanes, vectorization_mode="vector_entry_point", **recipe.kwargs)
            fits = _fits(batch)
        batch = batch if name.startswith(OURS) else Guarded(batch, name)
        if fits:
            return batch
        batch.close()
        if spec.entry_point is None:
            sides = " or ".join(f"{side}x{side}x3" for side in SIZES)
            raise UserError(
                f"{name} is registered only as a batch: such a game must show uint8 {sides} "
                f"and have 2 to {MOST_ACTIONS} actions from 0"
            )
    made = make_several(recipe, min(lanes, MOST_SINGLE))
    with blamed(name, "its spaces"):  # they may differ from one to the next
        return SyncVectorEnv([partial(made.pop, 0)] * len(made), autoreset_mode=AutoresetMode.NEXT_STEP)


def make_several(recipe: Recipe, most: int) -> list[gym.Env]:
    """Open a game up to so many times: some can be opened only once in a process, as emulators can.

    Raises:
        UserError: As for `make`, of the first.
    """
    made = [make(recipe)]
    try:
        while len(made) < most:
            made.append(make(recipe))
    except UserError as error:
        warnings.warn(f"only {counted(len(made), 'game')} at once: {error}", stacklevel=2)
    return made


def _fits(batch: VectorEnv) -> bool:
    space, actions = batch.single_observation_space, batch.single_action_space
    frames = isinstance(space, spaces.Box) and space.dtype == np.uint8
    sized = frames and space.shape in [(side, side, 3) for side in SIZES]
    playable = isinstance(actions, spaces.Discrete) and actions.start == 0 and 2 <= actions.n <= MOST_ACTIONS
    return frames and sized and playable


def limited(recipe: Recipe) -> Recipe:
    """The same, cut off after `TIME_LIMIT` steps where it is not ours and nobody says when it ends."""
    spec = find(recipe.env_id)
    endless = spec.max_episode_steps is None and recipe.time_limit is None
    alone = spec.vector_entry_point is None and not recipe.env_id.startswith(OURS)
    return replace(recipe, time_limit=TIME_LIMIT) if endless and alone else recipe


def spec_json(env: gym.Env | VectorEnv, recipe: Recipe) -> str:
    """What recordings say of the game that they are of: the JSON of its spec."""
    single = getattr(env, "envs", [env])[0]
    spec = single.spec if isinstance(single, gym.Env) else None
    if spec is None:
        spec = copy.deepcopy(find(recipe.env_id))
        spec.id = recipe.env_id
        spec.kwargs.update(recipe.kwargs)
    return to_json(spec)
