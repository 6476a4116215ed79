"""The keys that the player may choose: those of the key table, and those of a game that is not ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gamesim.app.action_keys import ActionKeys
from gamesim.app.controls import BINDINGS, DOWN, KEYMAP, LEFT, RIGHT, UP, Command, caps

MOVES: dict[Command | int, str] = {LEFT: "move left", RIGHT: "move right", UP: "move up", DOWN: "move down"}


class Keyed(Protocol):
    """Something that keys are given to."""

    @property
    def name(self) -> str:
        """What the keys do, in a few words."""
        ...

    @property
    def caps(self) -> list[str]:
        """The names of its keys, at most two."""
        ...

    @property
    def changed(self) -> bool:
        """Whether the keys are the player's own."""
        ...

    def give(self, key: int, *, add: bool = False) -> Keyed | None:
        """Make `key` its key, or one more; returns what the key was taken from.

        Raises:
            UserError: the key cannot be given to it.
        """
        ...

    def restore(self) -> None:
        """Back to the usual keys."""
        ...


@dataclass(frozen=True)
class TableKeys:
    """A command or a move of the key table."""

    does: Command | int

    @property
    def name(self) -> str:
        if self.does in MOVES:
            return MOVES[self.does]
        return next(binding.text for binding in BINDINGS if binding.does == self.does).split(";")[0]

    @property
    def caps(self) -> list[str]:
        return caps(self.does)

    @property
    def changed(self) -> bool:
        return KEYMAP.changed(self.does)

    def give(self, key: int, *, add: bool = False) -> TableKeys | None:
        loser = KEYMAP.give(self.does, key, add=add)
        return None if loser is None else TableKeys(loser)

    def restore(self) -> None:
        KEYMAP.restore(self.does)


@dataclass(frozen=True)
class ButtonKeys:
    """A button of a game that is not ours."""

    keys: ActionKeys
    button: str

    @property
    def name(self) -> str:
        return self.keys.word(self.button)

    @property
    def caps(self) -> list[str]:
        return self.keys.caps(self.button)

    @property
    def changed(self) -> bool:
        return self.keys.changed(self.button)

    def give(self, key: int, *, add: bool = False) -> ButtonKeys | None:
        loser = self.keys.give(self.button, key, add=add)
        return None if loser is None else ButtonKeys(self.keys, loser)

    def restore(self) -> None:
        self.keys.restore(self.button)
