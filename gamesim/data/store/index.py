"""A folder of episodes: what is in it, without opening every file.

``index.jsonl`` holds one line per episode. It only saves time: a line is valid as long as its file still
has the size and the date in the line; whatever is missing or damaged is read again from the episodes. The
whole file may be deleted at any time.
"""

import contextlib
import json
import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from gamesim import storage
from gamesim.data.episode import MAX_STEPS, PLAYERS, Episode
from gamesim.data.store.journal import rescue
from gamesim.data.store.walk import EPISODE, INDEX, JOURNAL, Found, walk
from gamesim.errors import UserError
from gamesim.registry import bare
from gamesim.text import complaint, reason

UNKNOWN = "unknown"
"""The game of episodes that do not say which it is."""


@dataclass(frozen=True)
class Entry:
    """One episode of a folder.

    Attributes:
        file: Path below the folder, with "/" between its parts.
        size: Of the file, bytes.
        modified: Of the file, nanoseconds since 1970.
        length: Steps (one fewer than frames).
        height: Of a frame, pixels.
        width: Of a frame, pixels.
        total_reward: Sum of its rewards.
        terminated: As in :class:`Episode`.
        truncated: As in :class:`Episode`.
        seed: As in :class:`Episode`.
        players: Who played, the most steps first, names out of :data:`PLAYERS`.
        env_id: Such as ``gamesim/Pacman-v0``; empty where the spec names none.
        peak: The largest reward of a step, up or down; that of a time limit does not count.
    """

    file: str
    size: int
    modified: int
    length: int
    height: int
    width: int
    total_reward: float
    terminated: bool
    truncated: bool
    seed: int | None
    players: tuple[str, ...]
    env_id: str
    peak: float

    @property
    def name(self) -> str:
        return Path(self.file).stem

    @property
    def game(self) -> str:
        """Its id, however it was imported, or :data:`UNKNOWN`."""
        return bare(self.env_id) or UNKNOWN

    def is_of(self, game: str | None) -> bool:
        """Whether it is of this game; None: of any."""
        return game is None or self.game == bare(game)


@lru_cache(maxsize=64)  # thousands of episodes have the same one
def env_id(spec: str) -> str:
    """The id inside an environment's spec JSON, or ""."""
    try:
        found = json.loads(spec)["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


def entry_of(folder: Path, path: Path, episode: Episode) -> Entry:
    """The line of an episode that lies at ``path``."""
    status = path.stat()
    steps = np.bincount(episode.players, minlength=len(PLAYERS))
    return Entry(
        file=path.relative_to(folder).as_posix(),
        size=status.st_size,
        modified=status.st_mtime_ns,
        length=len(episode),
        height=episode.frames.shape[1],
        width=episode.frames.shape[2],
        total_reward=episode.total_reward,
        terminated=episode.terminated,
        truncated=episode.truncated,
        seed=episode.seed,
        players=tuple(PLAYERS[who] for who in np.argsort(-steps, kind="stable") if steps[who]),
        env_id=env_id(episode.env_spec),
        peak=float(np.abs(episode.rewards[: len(episode) - episode.truncated]).max(initial=0)),
    )


def append(folder: Path, entries: Iterable[Entry]) -> None:
    """Add lines to the index. Whatever hinders that is no harm: the next :func:`scan` mends it."""
    lines = _lines(entries)
    if lines:
        with contextlib.suppress(OSError), open(folder / INDEX, "a", encoding="utf-8") as file:
            file.write(lines)


def scan(folder: str | Path, damaged: dict[str, str] | None = None) -> list[Entry]:
    """All episodes below a folder, by name, what a killed recorder left behind included.

    Nothing is passed over in silence: a game that is being recorded, and files that are no recordings, are
    named in a warning.

    Args:
        folder: Of recordings; see `walk` for what lies below it.
        damaged: Takes path -> what is wrong with it (a damaged file, one of another version, a folder that
            cannot be read, a link that leads nowhere); without it, a warning names each.

    Raises:
        UserError: There is no such folder, or it cannot be read.
    """
    folder = Path(folder)
    try:
        if not folder.is_dir():
            raise UserError(f"{folder}: there is no such folder of recordings")
        found = walk(folder)
    except OSError as error:
        raise UserError(f"{error.filename or folder}: cannot be read ({reason(error)})") from error
    wrong = {name: f"{folder / name}: {why}" for name, why in found.passed.items()}
    wrong |= _recover(folder, found)
    entries = _entries(folder, found, wrong)
    if found.others:
        warnings.warn(f"{folder}: {found.other_files()}", stacklevel=2)
    if damaged is None:
        for why in wrong.values():
            warnings.warn(f"skipped: {why}", stacklevel=2)
    else:
        damaged |= wrong
    return entries


def _recover(folder: Path, found: Found) -> dict[str, str]:
    """Add the episodes that killed recorders left behind; path -> why one of them cannot be."""
    lost: dict[str, str] = {}
    for name in found.journals:
        episode = name.removesuffix(JOURNAL) + EPISODE
        try:
            if not rescue(folder / name):
                warnings.warn(f"{folder / name}: this game is still being recorded", stacklevel=3)
                continue
            found.episodes[episode] = (folder / episode).stat()
        except FileNotFoundError:  # it had no whole step
            continue
        except (UserError, OSError) as error:
            lost[name] = complaint(error)
    return lost


def _entries(folder: Path, found: Found, wrong: dict[str, str]) -> list[Entry]:
    """The lines of all episodes, out of the index where that fits; what cannot be read goes to ``wrong``."""
    known = _read_index(folder)
    entries: list[Entry] = []
    stale = False
    for relative, status in sorted(found.episodes.items()):
        entry = known.pop(relative, None)
        if entry is None or (entry.size, entry.modified) != (status.st_size, status.st_mtime_ns):
            stale = True
            try:
                entry = entry_of(folder, folder / relative, Episode.load(folder / relative, pixels=False))
            except (UserError, OSError) as error:
                wrong[relative] = complaint(error)
                continue
        entries.append(entry)
    if stale or known:
        write(folder, entries)
    return entries


def write(folder: Path, entries: Iterable[Entry]) -> None:
    """Replace the index; a read-only folder does without."""
    with contextlib.suppress(UserError):
        # It can be made again.
        storage.write_file(folder / INDEX, _lines(entries).encode(), sync=False, sync_name=False)


def _lines(entries: Iterable[Entry]) -> str:
    # Not dataclasses.asdict, which copies every value in depth: a tenth of all the work of recording.
    return "".join(json.dumps(vars(entry)) + "\n" for entry in entries)


def _read_index(folder: Path) -> dict[str, Entry]:
    try:
        lines = (folder / INDEX).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {entry.file: entry for entry in map(_parse, lines) if entry is not None}


def _parse(line: str) -> Entry | None:
    """An entry, or None for a line that is not one."""
    try:
        values: Any = json.loads(line)
        if values.keys() != _KINDS.keys():
            return None
        values["players"] = tuple(values["players"])
        if not all(isinstance(values[name], kind) for name, kind in _KINDS.items()):
            return None
        if not all(who in PLAYERS for who in values["players"]):
            return None
        if not (math.isfinite(values["total_reward"]) and math.isfinite(values["peak"])):
            return None
        if not (0 < values["length"] <= MAX_STEPS and values["height"] > 0 and values["width"] > 0):
            return None
        return Entry(**values)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


_KINDS: dict[str, Any] = {field.name: field.type for field in fields(Entry)} | {"players": tuple}
