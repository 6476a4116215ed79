"""The recordings of a player: finds them in the background, deletes, renames and describes them.

In the list of recordings a bot's games in one folder share a row, which the player can open.
"""

import json
import os
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from gamesim.app.library.catalog import DREAM, dream, game_name, run_of, spoken
from gamesim.data.episode import Episode
from gamesim.data.store.index import Entry, env_id, scan
from gamesim.envs.pacman import MEANINGS
from gamesim.envs.recipe import PACMANS
from gamesim.errors import UserError
from gamesim.registry import bare
from gamesim.text import complaint, counted, reason

WHO = {
    "human": "you",
    "random": "random keys",
    "explorer": "the bot",
    "controller": "the AI",
    "agent": "an agent",
    "dqn": "the DQN",
    "gcn": "the GCN",
}
THUMBNAILS = 10  # frames of a moving thumbnail
_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-[0-9a-f]{6}")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@dataclass(frozen=True)
class Recording:
    """One episode on disk: its entry in the index of a folder, and for a recorded dream the name of its
    `model`.
    """

    root: Path
    entry: Entry
    model: str = ""

    @property
    def path(self) -> Path:
        return self.root / self.entry.file

    @property
    def name(self) -> str:
        """The name that somebody gave it, or when it was recorded."""
        stamp = _STAMP.fullmatch(self.entry.name)
        if stamp is None:
            return self.entry.name
        _, month, day, hour, minute, second = stamp.groups()
        return f"{int(day)} {_MONTHS[(int(month) - 1) % 12]}, {hour}:{minute}:{second}"

    @property
    def collection(self) -> Path:
        """The folder directly below the root that holds it, or else the root."""
        first, _, rest = self.entry.file.partition("/")
        return self.root / first if rest else self.root

    def within(self, folder: Path) -> bool:
        """Whether it lies in a folder, or in one of its subfolders."""
        return str(self.path).startswith(os.path.join(folder, ""))

    @property
    def game(self) -> str:
        """The name of its game, or the id of a game that is not ours."""
        if self.entry.env_id == DREAM:
            return f"{self.model} (dream)" if self.model else "Dream"
        return game_name(self.entry.game)

    @property
    def who(self) -> str:
        return ", ".join(WHO.get(player, player) for player in self.entry.players) or "nobody"

    @property
    def ending(self) -> str:
        if self.entry.terminated:
            return "game over"
        return "time limit" if self.entry.truncated else "recording stopped"


class Shelf:
    """All recordings below some folders, newest first, and why files cannot be read that are damaged.

    `scanning` tells whether a search of the folders is under way.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = list(roots)
        self.recordings: list[Recording] = []
        self.damaged: dict[Path, str] = {}
        self.scanning = False
        self._again = False
        self._counted: tuple[list[Recording], dict[Path, tuple[int, int]]] | None = None

    def refresh(self) -> None:
        """Search the folders again, in the background."""
        if self.scanning:
            self._again = True
            return
        self.scanning = True
        threading.Thread(target=self.scan, name="shelf", daemon=True).start()

    def scan(self) -> None:
        """Search the folders now, and once more if somebody asks for it meanwhile."""
        self._again = True
        try:
            while self._again:
                self._again = False
                self.recordings, self.damaged = look(self.roots)
        finally:
            self.scanning = False

    @property
    def collections(self) -> dict[Path, tuple[int, int]]:
        """Folders of recordings -> (episodes, steps), the folder with the newest recording first."""
        if self._counted is None or self._counted[0] is not self.recordings:
            found: dict[Path, tuple[int, int]] = {}
            for each in self.recordings:
                episodes, steps = found.get(each.collection, (0, 0))
                found[each.collection] = (episodes + 1, steps + each.entry.length)
            self._counted = (self.recordings, found)
        return self._counted[1]

    def delete(self, recordings: Sequence[Recording]) -> None:
        """Remove the files, as many as possible.

        Raises:
            UserError: one of them could not be removed; the others were.
        """
        gone, problem = set(), None
        for recording in recordings:
            try:
                recording.path.unlink(missing_ok=True)  # somebody else may have deleted it meanwhile
                gone.add(recording.path)
            except OSError as error:
                problem = f"{recording.path}: cannot be deleted: {reason(error)}"
        self.recordings = [other for other in self.recordings if other.path not in gone]
        if problem is not None:
            raise UserError(problem)

    def rename(self, recording: Recording, name: str) -> Recording:
        """Give the file another name; returns the renamed recording. A colon becomes a full stop.

        Raises:
            UserError: no file can have this name, it is taken, or the file cannot be renamed.
        """
        name = check_name(name.strip().removesuffix(".npz").replace(":", "."), "recording")
        there = recording.path.with_name(f"{name}.npz")
        if there.exists():
            raise UserError(f"There is already a recording named {name}")
        try:
            recording.path.rename(there)
        except OSError as error:
            raise UserError(f"{recording.path}: cannot be renamed: {reason(error)}") from error
        file = there.relative_to(recording.root).as_posix()
        renamed = replace(recording, entry=replace(recording.entry, file=file))
        self.recordings = [renamed if each.path == recording.path else each for each in self.recordings]
        self.refresh()
        return renamed


def check_name(name: str, what: str) -> str:
    """`name` without the spaces around it, if every system allows it for files and folders.

    Raises:
        UserError: a system does not; the message says that it cannot be the name of a `what`.
    """
    name = name.strip()
    odd = name.startswith(".") or re.search(r'[\\/:*?"<>|\x00-\x1f]', name)
    # A system's limit is in bytes, not in letters.
    if not name or odd or len(name) > 100 or len(os.fsencode(name)) > 200:
        raise UserError(f"'{name[:40]}' cannot be the name of a {what}")
    return name


def look(roots: Sequence[Path]) -> tuple[list[Recording], dict[Path, str]]:
    """The recordings below some folders, newest first, and what cannot be read; skips missing folders."""
    found: dict[Path, Recording] = {}
    damaged: dict[Path, str] = {}
    for root in roots:
        if not os.path.lexists(root):
            continue
        try:
            bad: dict[str, str] = {}
            for entry in scan(root, bad):
                model = model_of(root / entry.file, entry.modified) if entry.env_id == DREAM else ""
                recording = Recording(root, entry, model)
                found[recording.path.absolute()] = recording
            damaged |= {root / file: why for file, why in bad.items()}
        except (UserError, OSError) as error:
            damaged[root] = complaint(error)
    return sorted(found.values(), key=lambda each: -each.entry.modified), damaged


@lru_cache(maxsize=4096)
def model_of(path: Path, modified: int) -> str:
    """The name of the model that dreamt a recording, "" if its file does not say.

    The cache does not answer for an older file, since it also asks when it was `modified`.
    """
    try:
        folder = _played_in(Episode.load(path, pixels=False))
    except UserError:
        return ""
    return spoken(run_of(folder).name) if folder else ""


def _played_in(episode: Episode) -> Path | None:
    """The checkpoint that dreamt an episode; None if the recording does not say."""
    try:
        found = json.loads(episode.env_spec)["kwargs"]["checkpoint"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return Path(found) if isinstance(found, str) else None


def origin(episode: Episode) -> tuple[str, tuple[str, ...]]:
    """The id of the real game that was played or dreamt, "" if nobody knows it, and a word for each of its
    actions, () if nobody knows those.
    """
    game, words = bare(env_id(episode.env_spec)), episode.action_meanings
    if game == DREAM:
        folder = _played_in(episode)
        game, known = (title.game_id, title.actions) if folder and (title := dream(folder)) else ("", ())
        words = known or words
    return game, words if any(words) or not game.startswith(PACMANS) else tuple(MEANINGS)


def thumbnails(path: Path) -> np.ndarray:
    """A few frames of a recording from its beginning to its end, uint8 (N, H, W, 3), N <= THUMBNAILS.

    Raises:
        UserError: it cannot be read.
    """
    frames = Episode.load(path).frames
    chosen = np.linspace(0, len(frames) - 1, min(THUMBNAILS, len(frames))).round().astype(int)
    return frames[chosen].copy()


def ago(seconds: float) -> str:
    """A moment in plain words: "just now", "5 minutes ago", "3 days ago", else the day."""
    passed = time.time() - seconds
    if passed >= 31 * 86400:
        day = time.localtime(seconds)
        return f"{day.tm_mday:02} {_MONTHS[day.tm_mon - 1]}"
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if passed >= size:
            return f"{counted(int(passed // size), unit)} ago"
    return "just now"


PLAYERS = {
    "you": ("human",),
    "bot": ("explorer", "random", "agent", "dqn", "gcn"),
    "AI": ("controller",),
}
"""Who played, in the words of the filter -> the players of an episode that this means."""
Key = tuple[Path, str, str]


@dataclass(frozen=True)
class RecordingRow:
    """One row.

    Attributes:
        recordings: one, or all of a set, newest first.
        key: of the set that the row is, or belongs to; None for a recording outside any set.
        member: whether it is a single recording of an open set.
    """

    recordings: tuple[Recording, ...]
    key: Key | None = None
    member: bool = False

    @property
    def whole(self) -> bool:
        """Whether it stands for a set."""
        return self.key is not None and not self.member

    @property
    def mark(self) -> Key | Path:
        """What identifies it when the list is rebuilt."""
        return self.key if self.key and self.whole else self.first.path

    @property
    def first(self) -> Recording:
        return self.recordings[0]

    @property
    def name(self) -> str:
        games = counted(len(self.recordings), "game")
        return f"{games} by {self.first.who}" if self.whole else self.first.name

    @cached_property
    def steps(self) -> int:
        return sum(each.entry.length for each in self.recordings)

    @cached_property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(each.entry.size for each in self.recordings)

    @cached_property
    def reward(self) -> float:
        """The mean total reward of its recordings."""
        return sum(each.entry.total_reward for each in self.recordings) / len(self.recordings)


def category(recording: Recording) -> str:
    """Who played most of it: "you", "bot" or "AI"."""
    player = next(iter(recording.entry.players), "human")
    return next(name for name, players in PLAYERS.items() if player in players)


def rows_of(recordings: Sequence[Recording], opened: set[Key]) -> list[RecordingRow]:
    """The rows for some recordings, newest first; an `opened` set shows its recordings one by one below its
    row.
    """
    sets: dict[Key, list[Recording]] = {}
    for each in recordings:
        key = (each.path.parent, each.who, each.game) if category(each) == "bot" else (each.path, "", "")
        sets.setdefault(key, []).append(each)
    found: list[RecordingRow] = []
    for key, members in sets.items():
        found.append(RecordingRow(tuple(members), key if len(members) > 1 else None))
        if len(members) > 1 and key in opened:
            found += [RecordingRow((each,), key, member=True) for each in members]
    return found
