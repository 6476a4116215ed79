"""What the app remembers between runs in small JSON files: high scores and settings."""

import contextlib
import copy
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

from gamesim import text
from gamesim.app.controls import MOST
from gamesim.errors import UserError
from gamesim.storage import write_file

UI_SCALES = (75, 90, 100, 110, 125, 150, 175, 200)  # percent
CLIPS = ("gif", "mp4")
PALETTES = ("standard", "okabe-ito")
BROKEN = (OSError, ValueError, TypeError, AttributeError, OverflowError)
"""What a file of scores may raise that cannot be read, or that gamesim did not write."""


def folder() -> Path:
    """The platform's folder for data of this app; not created here."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "gamesim"


def pictures_folder(otherwise: Path) -> Path:
    """Our folder among the user's pictures; `otherwise` if the user has no folder of pictures."""
    home = Path.home()
    place = home / "Pictures"
    with contextlib.suppress(OSError):
        config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "user-dirs.dirs"
        named = re.search(r'^XDG_PICTURES_DIR="([^"\n]+)"', config.read_text(encoding="utf-8"), re.MULTILINE)
        if named:
            place = Path(named[1].replace("$HOME", str(home)))
    return place / "gamesim" if place.is_dir() and place != home else otherwise


def unused(path: Path) -> Path:
    """`path`, with a number if a file already has that name."""
    names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
    return next(each for each in chain([path], names) if not os.path.lexists(each))


class Scores:
    """High scores by env id.

    Attributes:
        problem: one line for the player if the file could not be read or written, else None.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or folder() / "scores.json"
        self.problem: str | None = None
        self._best: dict[str, float] = {}
        try:
            self._read()
        except BROKEN:
            _set_aside(self.path)
            self.problem = f"The high scores in {self.path} cannot be read. Starting with none."

    def _read(self) -> None:
        """Take over higher scores from the file: another window may have written it."""
        content = _read(self.path)
        for key, value in [(str(key), float(value)) for key, value in content.get("best", {}).items()]:
            self._best[key] = max(value, self._best.get(key, value))

    def best(self, env_id: str) -> float:
        return self._best.get(env_id, 0.0)

    def add(self, env_id: str, score: float) -> bool:
        """Keep `score` if it is the highest; returns whether it is."""
        with contextlib.suppress(*BROKEN):
            self._read()
        if score <= self.best(env_id):
            return False
        self._best[env_id] = score
        try:
            _write(self.path, {"best": self._best})
        except (OSError, UserError) as error:
            self.problem = f"The high score was not saved: {text.reason(error)}."
        return True


@dataclass
class Settings:
    """What the player chose. If the file is broken, even in part, defaults take its place, with a `problem`.

    Attributes:
        path: the file; None: the user's.
        problem: one line for the player if the file could not be read or written, else None.
        palette: one of PALETTES.
        ui_scale: size of text and icons in percent, one of UI_SCALES.
        volume: 0..100.
        muted: whether there is no sound, whatever the volume.
        fullscreen: whether the window fills the screen.
        size: (width, height) of the window when it does not, in pixels.
        dead_zone: how far a gamepad's stick moves before it counts, percent, 5..90.
        clips: format in which the last seconds of play are saved, one of CLIPS.
        endless_dreams: whether dreams go on after an end.
        pixels: whether games and dreams are shown in the pixels that the network sees and draws.
        keys: pygame keys by the name of an action, for those that differ from the key table.
        game_keys: the same by the id of a game that is not ours, and the name of a button.
    """

    path: Path | None = None
    problem: str | None = field(default=None, init=False)
    palette: str = field(default="standard", init=False)
    ui_scale: int = field(default=100, init=False)
    volume: int = field(default=80, init=False)
    muted: bool = field(default=False, init=False)
    fullscreen: bool = field(default=False, init=False)
    size: tuple[int, int] = field(default=(1280, 800), init=False)
    dead_zone: int = field(default=35, init=False)
    clips: str = field(default="gif", init=False)
    endless_dreams: bool = field(default=False, init=False)
    pixels: bool = field(default=False, init=False)
    keys: dict[str, list[int]] = field(default_factory=dict, init=False)
    game_keys: dict[str, dict[str, list[int]]] = field(default_factory=dict, init=False)
    _filed: dict[str, Any] = field(default_factory=dict, init=False)  # as the file had it last

    def __post_init__(self) -> None:
        self.path = self.path or folder() / "settings.json"
        try:
            content = _read(self.path)
        except (OSError, ValueError) as error:
            aside = _set_aside(self.path)
            why = "cannot be read" if isinstance(error, OSError) else f"are damaged (saved as {aside.name})"
            self.problem = f"The settings in {self.path} {why}. Using the defaults."
            return
        wrong = [name for name, value in content.items() if not self._take(name, value)]
        if wrong:
            self.problem = f"These settings in {self.path} are not valid: {', '.join(wrong)[:60]}."
        self._filed = self._values()

    def _values(self) -> dict[str, Any]:
        return copy.deepcopy({name: getattr(self, name) for name in _FITS})

    def save(self) -> None:
        """Save everything, with what another window changed meanwhile; an error goes into `problem`."""
        assert self.path is not None
        values, there = self._values(), {}
        with contextlib.suppress(OSError, ValueError):
            there = _read(self.path)
        valid = {name: value for name, value in there.items() if name in _FITS and _FITS[name](value)}
        try:
            _write(self.path, _merged(self._filed, values, values | valid))
            self._filed, self.problem = values, None
        except (OSError, UserError) as error:
            self.problem = f"The settings were not saved: {text.reason(error)}."

    def reset(self) -> None:
        """Set everything but the window's size to its value at the first start."""
        fresh = Settings.__dataclass_fields__
        for name in set(_FITS) - {"size", "keys", "game_keys"}:
            setattr(self, name, fresh[name].default)
        self.keys, self.game_keys = {}, {}
        self._filed = {}  # so that `save` keeps nothing that another window chose

    def _take(self, name: str, value: Any) -> bool:
        """Set a value from the file; returns whether it is valid. A setting of another release is ignored."""
        if name not in _FITS:
            return True
        if not _FITS[name](value):
            return False
        setattr(self, name, tuple(value) if name == "size" else value)
        return True


def _merged(before: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """What two windows made of `before`, entry by entry, in tables of keys, too. If both changed it: mine."""
    merged: dict[str, Any] = {}
    for name in dict.fromkeys([*mine, *theirs]):
        was, ours, other = (table.get(name, _NONE) for table in (before, mine, theirs))
        if all(isinstance(value, Mapping) for value in (was, ours, other)):
            merged[name] = _merged(was, ours, other)
        else:
            chosen = other if ours == was else ours
            merged |= {} if chosen is _NONE else {name: chosen}
    return merged


_NONE: Any = object()
"""An entry that is not there."""


def _whole(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _key_table(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(keys, list) and len(keys) <= MOST and all(_whole(key, 1, 2**31 - 1) for key in keys)
        for keys in value.values()
    )


_FITS = {
    "palette": lambda v: v in PALETTES,
    "ui_scale": lambda v: type(v) is int and v in UI_SCALES,
    "volume": lambda v: _whole(v, 0, 100),
    "muted": lambda v: isinstance(v, bool),
    "fullscreen": lambda v: isinstance(v, bool),
    "size": lambda v: isinstance(v, list) and len(v) == 2 and all(_whole(side, 1, 16384) for side in v),
    "dead_zone": lambda v: _whole(v, 5, 90),
    "clips": lambda v: v in CLIPS,
    "endless_dreams": lambda v: isinstance(v, bool),
    "pixels": lambda v: isinstance(v, bool),
    "keys": _key_table,
    "game_keys": lambda v: isinstance(v, dict) and all(map(_key_table, v.values())),
}
"""Name of a setting -> whether a value from the file is valid."""


def _read(path: Path) -> dict[str, Any]:
    """The JSON object in a file; {} if there is no file.

    Raises:
        OSError, ValueError: it cannot be read, or has something else in it.
    """
    try:
        content = text.from_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")
    return content


def _set_aside(path: Path) -> Path:
    """Rename a broken file, so that it is kept; returns its new path."""
    aside = path.with_suffix(".broken.json")
    with contextlib.suppress(OSError):
        os.replace(path, aside)
    return aside


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, json.dumps(content, indent=1).encode())
