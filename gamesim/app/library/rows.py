"""Rows of the list of recordings: a bot's games in one folder share a row, which the player can open."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gamesim.app.library.shelf import Recording
from gamesim.text import counted

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
    """The rows for some recordings, in the same order.

    Args:
        recordings: to show, newest first.
        opened: keys of the sets that show their recordings one by one, below their own row.
    """
    sets: dict[Key, list[Recording]] = {}
    for each in recordings:
        alone = (each.path, "", "")
        key = (each.path.parent, each.who, each.game) if category(each) == "bot" else alone
        sets.setdefault(key, []).append(each)
    found: list[RecordingRow] = []
    for key, members in sets.items():
        found.append(RecordingRow(tuple(members), key if len(members) > 1 else None))
        if len(members) > 1 and key in opened:
            found += [RecordingRow((each,), key, member=True) for each in members]
    return found
