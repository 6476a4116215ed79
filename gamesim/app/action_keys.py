"""Which keys press the actions of a game that is not ours: by its words for them, else by numbers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from gamesim.app.controls import DOWN, KEYMAP, LEFT, RIGHT, UP, Command, caps, key_name, meaning
from gamesim.envs.meanings import OTHERS, buttons, likely_keys

_WAYS = {"a": LEFT, "d": RIGHT, "w": UP, "s": DOWN}
"""Letters that stand for the four directions, whatever keys the player has for these."""


class ActionKeys:
    """The buttons of a game, each with its keys; several that are held together may be one action.

    Attributes:
        idle: the action while nothing is held; None for a game that has none: it waits for the player.
        words: of each action, its number where it has none.
    """

    def __init__(self, meanings: Sequence[str]) -> None:
        pressed = buttons(meanings)
        self.words = [word or str(action) for action, word in enumerate(meanings)]
        self._names = list(dict.fromkeys(chain.from_iterable(map(sorted, pressed))))
        self._actions = {each: action for action, each in reversed(list(enumerate(pressed)))}
        self.idle = self._actions.get(frozenset())
        free = "".join(char for char in OTHERS if not isinstance(meaning(ord(char)), Command))
        self._likely = likely_keys(self._names, free)
        if not any(meanings):  # as in our games, as far as nobody says otherwise
            self._arrows = dict(zip((LEFT, RIGHT, UP, DOWN), self._names, strict=False))
        else:
            self._arrows = {_WAYS[key]: name for name, key in self._likely.items() if key in _WAYS}

    def button(self, key: int) -> int | None:
        """The button, from 1, that a pygame key presses; None for any other key."""
        asked = meaning(key)
        if isinstance(asked, Command):
            return None
        name = self._arrows.get(asked) if asked is not None else None
        if name is None:
            name = next((name for name, char in self._likely.items() if ord(char) == key), None)
        return None if name is None else self._names.index(name) + 1

    def action(self, held: Sequence[int]) -> int | None:
        """The action of the buttons that are held, the one pressed last at the end."""
        names = [self._names[button - 1] for button in held]
        for first in range(len(names)):
            if (found := self._actions.get(frozenset(names[first:]))) is not None:
                return found
        return self.idle

    @property
    def legend(self) -> list[tuple[str, str]]:
        """(key, word) of each button, as it is shown; "–" for one that no key is left for."""
        ways = {name: way for way, name in self._arrows.items()}
        return [(self._cap(name, ways), name.replace("_", " ").capitalize()) for name in self._names]

    def _cap(self, name: str, ways: dict[str, int]) -> str:
        if name in ways and KEYMAP.keys(ways[name]):
            return caps(ways[name])[0]
        char = self._likely.get(name)
        return key_name(ord(char)) if char and not isinstance(meaning(ord(char)), Command) else "–"
