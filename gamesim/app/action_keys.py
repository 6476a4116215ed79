"""The keys for the actions of a game that is not ours: the player's, the game's own, or likely ones."""

import re
from collections.abc import Mapping, Sequence
from itertools import chain

from gamesim.app.controls import (
    DOWN,
    KEYMAP,
    LEFT,
    MOST,
    RIGHT,
    UP,
    VIRTUAL,
    Command,
    check_known,
    key_name,
    meaning,
)
from gamesim.envs.meanings import OTHERS, apart, buttons, likely_keys
from gamesim.errors import UserError

_WAYS = {ord("a"): LEFT, ord("d"): RIGHT, ord("w"): UP, ord("s"): DOWN}
"""Letters for the four directions, whatever keys the player has chosen for these."""

OURS = frozenset({Command.RESKIN, Command.ATTACK})
"""Commands that work only in our games; in others, their keys are free."""

GLUE = "\N{NO-BREAK SPACE}"

CHOSEN: dict[str, dict[str, list[int]]] = {}
"""Game -> button -> the player's own keys; the settings fill it."""


def taken(key: int) -> Command | None:
    """The command of a key, if it means that in every game; else None."""
    asked = meaning(key)
    return asked if isinstance(asked, Command) and asked not in OURS else None


class ActionKeys:
    """The buttons of a game, each with its keys; several buttons held together may be one action.

    Args:
        meanings: a word for each action, "" if it has none.
        game: the id under which `CHOSEN` has the player's own keys.
        said: the game's own keys for its actions, as ``gymnasium.utils.play`` takes them.

    Attributes:
        idle: the action while no button is held; None for a game without one, which then waits for the
            player.
        words: a word for each action for the screen, or its number.
        names: of the buttons.
    """

    def __init__(
        self, meanings: Sequence[str], game: str = "", said: Mapping[tuple[int, ...], int] | None = None
    ) -> None:
        pressed = buttons(meanings)
        self.game = game
        self.words = [self.word(word) or str(action) for action, word in enumerate(meanings)]
        self.names = list(dict.fromkeys(chain.from_iterable(map(sorted, pressed.values()))))
        self._actions = {each: action for action, each in reversed(pressed.items())}
        self.idle = self._actions.get(frozenset())
        self._likely = self._guess(
            {keys: pressed[action] for keys, action in (said or {}).items() if action in pressed}
        )
        if not any(meanings):  # nobody says what they mean: take the directions of our games
            self._arrows = dict(zip((LEFT, RIGHT, UP, DOWN), self.names, strict=False))
        else:
            self._arrows = {_WAYS[key]: name for name, key in self._likely.items() if key in _WAYS}
            first = [self._arrows[way] for way in (LEFT, RIGHT, UP, DOWN) if way in self._arrows]
            self.names = [*dict.fromkeys([*first, *self.names])]

    def _guess(self, said: Mapping[tuple[int, ...], frozenset[str]]) -> dict[str, int]:
        """A key for each button: the one that the game says, else a likely one, but none that is taken."""
        single = {min(names): keys[0] for keys, names in said.items() if len(keys) == len(names) == 1}
        found = {name: key for name, key in single.items() if not taken(key)}
        rest = [name for name in self.names if name not in found]
        free = "".join(char for char in OTHERS if not taken(ord(char)))
        likely = likely_keys(rest, "".join(char for char in free if ord(char) not in found.values()))
        return found | {name: ord(char) for name, char in likely.items() if ord(char) not in found.values()}

    def button(self, key: int) -> int | None:
        """The button, from 1, that a pygame key presses; None for any other key."""
        name = self._pressed(key)
        return None if name is None else self.names.index(name) + 1

    def _pressed(self, key: int) -> str | None:
        asked, own = meaning(key), self._own
        if taken(key):
            return None
        chosen = next((name for name in self.names if key in own.get(name, ())), None)
        usual = self._arrows.get(asked) if isinstance(asked, int) else None
        usual = usual or next((name for name, its in self._likely.items() if its == key), None)
        return chosen or (usual if usual not in own or key >= VIRTUAL else None)  # a gamepad has its own

    def action(self, held: Sequence[int]) -> int | None:
        """The action for the held buttons, in the order in which they were pressed; None: wait."""
        names = [self.names[button - 1] for button in held]
        for first in range(len(names)):
            if (found := self._actions.get(frozenset(names[first:]))) is not None:
                return found
        return self.idle

    @property
    def legend(self) -> list[tuple[str, str]]:
        """(key, word) of each button for the screen; "–" if a button has no key."""
        return [(next(iter(self.caps(name)), "–"), self.word(name)) for name in self.names]

    @staticmethod
    def word(name: str) -> str:
        """The name of a button, or of several together, for the screen: lines break before a + alone."""
        parts = [part.replace("_", " ").capitalize() for part in apart(name)]
        parts = [re.sub(r" (?=[\d.]+$)", GLUE, part) for part in parts]
        return "none" if name.upper() == "NOOP" else f" +{GLUE}".join(parts)

    # the player's own keys -------------------------------------------------------------------------------

    @property
    def _own(self) -> dict[str, list[int]]:
        """The player's own keys. A button whose keys all mean something else by now has its usual ones."""
        own: dict[str, list[int]] = {}
        for name, keys in CHOSEN.get(self.game, {}).items():  # two windows may give a key twice
            given = {key for others in own.values() for key in others}
            free = [key for key in keys if key not in given and not taken(key)]
            own |= {name: free} if free or not keys else {}
        return own

    def keys(self, name: str) -> list[int]:
        """The keys that press a button; the first is the one to show."""
        own = self._own.get(name)
        keys = self._usual(name) if own is None else own
        return [key for key in dict.fromkeys(keys) if self._pressed(key) == name]

    def _usual(self, name: str) -> list[int]:
        ways = [way for way, button in self._arrows.items() if button == name]
        return [*chain.from_iterable(map(KEYMAP.keys, ways)), *filter(None, [self._likely.get(name)])]

    def caps(self, name: str) -> list[str]:
        """The names of a button's keys, at most two."""
        return [key_name(key) for key in self.keys(name)][:2]

    def changed(self, name: str) -> bool:
        """Whether the keys are the player's own."""
        return name in CHOSEN.get(self.game, {})

    def give(self, name: str, key: int, *, add: bool = False) -> str | None:
        """Make `key` the key of a button, or one more; returns the button that it was taken from.

        Raises:
            UserError: the key has a meaning in every game, or SDL does not know it.
        """
        check_known(key)
        if asked := taken(key):
            does = KEYMAP.word(asked).split(";")[0]
            raise UserError(f"{key_name(key)} means “{does}” in every game: choose another key.")
        before, kept = self._pressed(key), self.keys(name) if add else []
        own = CHOSEN.setdefault(self.game, {})
        for keys in own.values():
            keys[:] = [each for each in keys if each != key]
        own[name] = [key, *(each for each in kept if each != key)][:MOST]
        return before if before != name else None

    def restore(self, name: str | None = None) -> None:
        """Give a button its usual keys, and take them from other buttons; None: do so for all buttons."""
        own = CHOSEN.get(self.game, {})
        if name is None:
            own.clear()
        else:
            own.pop(name, None)
            for keys in own.values():
                keys[:] = [key for key in keys if key not in self._usual(name)]
        if not own:
            CHOSEN.pop(self.game, None)
