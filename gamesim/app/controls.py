"""Keys to commands and moves: one table, which also feeds the help and the hints."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

import pygame

from gamesim.errors import UserError

if TYPE_CHECKING:
    from gamesim.app.action_keys import ActionKeys

STAY, LEFT, RIGHT, UP, DOWN = range(5)


class Command(Enum):
    """What a key can ask for besides a move."""

    RESET = auto()
    PAUSE = auto()
    STEP = auto()
    SWITCH = auto()
    BESIDE = auto()
    AGAIN = auto()
    LOOK = auto()
    RESKIN = auto()
    ATTACK = auto()
    DOUBT = auto()
    COOLER = auto()
    WARMER = auto()
    NEUTRAL = auto()
    DRIVER = auto()
    ENDLESS = auto()
    HOME = auto()
    XRAY = auto()
    LAYERS = auto()
    RECORD = auto()
    REWIND = auto()
    GIF = auto()
    SCREENSHOT = auto()
    MUTE = auto()
    FULLSCREEN = auto()
    SETTINGS = auto()
    ABOUT = auto()
    STORY = auto()
    HELP = auto()
    BACK = auto()


@dataclass(frozen=True)
class Binding:
    """One line of the key table: a command or a move 1..4, its usual keys, its name on screen, its heading
    there.
    """

    does: Command | int
    keys: tuple[int, ...]
    text: str
    group: str


BINDINGS = (
    Binding(LEFT, (pygame.K_LEFT, pygame.K_a), "left", "Play"),
    Binding(RIGHT, (pygame.K_RIGHT, pygame.K_d), "right", "Play"),
    Binding(UP, (pygame.K_UP, pygame.K_w), "up", "Play"),
    Binding(DOWN, (pygame.K_DOWN, pygame.K_s), "down", "Play"),
    Binding(Command.RESET, (pygame.K_RETURN, pygame.K_r, pygame.K_KP_ENTER), "new game", "Play"),
    Binding(Command.PAUSE, (pygame.K_p, pygame.K_PERIOD), "pause", "Play"),
    Binding(Command.STEP, (pygame.K_e,), "one step while paused", "Play"),
    Binding(
        Command.REWIND,
        (pygame.K_BACKSPACE,),
        "hold to rewind the dream; release to play on from there",
        "Play",
    ),
    Binding(Command.HOME, (pygame.K_h,), "coming home: what does the dream forget?", "Play"),
    Binding(Command.LOOK, (pygame.K_l,), "drawn large, or the network's own pixels", "Play"),
    Binding(Command.RESKIN, (pygame.K_k,), "repaint the game: night or garden", "Play"),
    Binding(Command.SWITCH, (pygame.K_TAB,), "real game or its dream", "Dream"),
    Binding(Command.BESIDE, (pygame.K_v,), "real game and dream side by side", "Dream"),
    Binding(Command.AGAIN, (pygame.K_c,), "side by side: start the dream again from here", "Dream"),
    Binding(Command.DRIVER, (pygame.K_m,), "let the AI drive, or drive yourself", "Dream"),
    Binding(Command.ATTACK, (pygame.K_j,), "attack what the AI sees: stronger, random, off", "Dream"),
    Binding(Command.ENDLESS, (pygame.K_o,), "dream on after an end, or stop there", "Dream"),
    Binding(Command.ABOUT, (pygame.K_i,), "what am I looking at?", "Dream"),
    Binding(Command.XRAY, (pygame.K_x,), "x-ray: see what the network is thinking", "Dream"),
    Binding(Command.DOUBT, (pygame.K_u,), "how sure is the model?", "Dream"),
    Binding(Command.LAYERS, (pygame.K_b,), "let another network draw the background", "Dream"),
    Binding(
        Command.COOLER, (pygame.K_MINUS, pygame.K_KP_MINUS), "colder: only likely things happen", "Dream"
    ),
    Binding(
        Command.WARMER,
        (pygame.K_EQUALS, pygame.K_PLUS, pygame.K_KP_PLUS),
        "warmer: unlikely things happen too",
        "Dream",
    ),
    Binding(Command.NEUTRAL, (pygame.K_0, pygame.K_KP0), "temperature back to 1.0", "Dream"),
    Binding(Command.STORY, (pygame.K_t,), "why temperature matters", "Dream"),
    Binding(Command.RECORD, (pygame.K_COMMA,), "record what you play", "Save"),
    Binding(Command.GIF, (pygame.K_g,), "save a film of the last 10 s", "Save"),
    Binding(Command.SCREENSHOT, (pygame.K_F12, pygame.K_PRINTSCREEN), "save a picture of the window", "Save"),
    Binding(Command.MUTE, (pygame.K_n,), "sound on or off", "Window"),
    Binding(Command.FULLSCREEN, (pygame.K_F11,), "fullscreen", "Window"),
    Binding(Command.SETTINGS, (pygame.K_F2,), "settings and keys", "Window"),
    Binding(Command.HELP, (pygame.K_F1,), "this help", "Window"),
    Binding(Command.BACK, (pygame.K_ESCAPE,), "back", "Window"),
)

EVERYWHERE = (
    Command.SCREENSHOT, Command.MUTE, Command.FULLSCREEN, Command.SETTINGS, Command.HELP, Command.BACK,
)  # fmt: skip
"""Commands that work on every screen."""

Hint = tuple[Command | int | str, str]
"""(key, words): an action of the key table or a key's name, and what it does; "": as the next hint says."""

NAMES = {
    pygame.K_LEFT: "←", pygame.K_RIGHT: "→", pygame.K_UP: "↑", pygame.K_DOWN: "↓", pygame.K_RETURN: "Enter",
    pygame.K_ESCAPE: "Esc", pygame.K_PRINTSCREEN: "Print", pygame.K_KP_ENTER: "Num Enter",
    pygame.K_DELETE: "Del", pygame.K_INSERT: "Ins", pygame.K_PAGEUP: "PgUp", pygame.K_PAGEDOWN: "PgDn",
    pygame.K_KP_PLUS: "Num +", pygame.K_KP_MINUS: "Num -", pygame.K_KP0: "Num 0",
}  # fmt: skip
ALWAYS = {
    pygame.K_LEFT: LEFT, pygame.K_RIGHT: RIGHT, pygame.K_UP: UP, pygame.K_DOWN: DOWN,
    pygame.K_RETURN: Command.RESET, pygame.K_F1: Command.HELP,
}  # fmt: skip
"""Keys that keep this meaning unless the player gives them another, so that nobody is ever locked out."""

VIRTUAL = 1 << 31  # above every key of SDL
MOST = 8  # keys of one action, also in the settings file
_DEFAULTS = {binding.does: binding.keys for binding in BINDINGS}


def key_name(key: int) -> str:
    """The name of a pygame key, as on its cap."""
    name = NAMES.get(key) or pygame.key.name(key)
    name = f"Num {name[1:-1]}" if name.startswith("[") and len(name) > 2 else name
    short = len(name) == 1 or name[1:].isdigit()
    return (name.upper() if short else name.capitalize()) if name.islower() else name or f"Key {key}"


def check_known(key: int) -> None:
    """Refuse a key without a code, since nothing tells it from other such keys.

    Raises:
        UserError: it has no code.
    """
    if key == pygame.K_UNKNOWN:
        raise UserError("This key has no code here: choose another key.")


def action_name(does: Command | int) -> str:
    """The name of an action in the settings file: PAUSE, or LEFT for a move."""
    return does.name if isinstance(does, Command) else ("STAY", "LEFT", "RIGHT", "UP", "DOWN")[does]


class Keymap:
    """What each key does: the table above, with the player's changes. Each key does one thing.

    Esc always goes back. Every action also has a virtual key, with which a gamepad causes it.
    """

    def __init__(self) -> None:
        self._own: dict[Command | int, tuple[int, ...]] = {}
        self._build()

    def load(self, changes: Mapping[str, Sequence[int]]) -> None:
        """Take over the player's keys by the names of actions; unknown names are ignored."""
        by_name = {action_name(binding.does): binding.does for binding in BINDINGS}
        self._own = {by_name[name]: tuple(keys) for name, keys in changes.items() if name in by_name}
        self._build()

    def changes(self) -> dict[str, list[int]]:
        """The actions whose keys the player changed, in the form that `load` takes."""
        return {action_name(does): list(keys) for does, keys in self._own.items()}

    def meaning(self, key: int) -> Command | int | None:
        """What a pygame key asks for: a Command, a move (1..4), or None."""
        return self._by_key.get(key, ALWAYS.get(key))

    def word(self, does: Command | int) -> str:
        return next(binding.text for binding in BINDINGS if binding.does == does)

    def keys(self, does: Command | int) -> list[int]:
        """The keys of an action, the one to show first; empty if other actions took them all."""
        return self._by_action[does]

    def caps(self, does: Command | int) -> list[str]:
        """The names of its keys, at most two; keys of the number pad only if it has no others."""
        names = [key_name(key) for key in self.keys(does)]
        return ([name for name in names if not name.startswith("Num ")] or names)[:2]

    def changed(self, does: Command | int) -> bool:
        """Whether the keys are the player's own."""
        return self.keys(does) != list(_DEFAULTS[does])

    def give(self, does: Command | int, key: int, *, add: bool = False) -> Command | int | None:
        """Make `key` the key of an action, or one more; returns the action that it was taken from.

        Raises:
            UserError: the key is Esc, which always goes back, or SDL does not know it.
        """
        if key == pygame.K_ESCAPE:
            raise UserError("Esc always goes back: it cannot do anything else.")
        check_known(key)
        loser = self._by_key.get(key)
        loser = None if loser == does else loser
        if loser is not None:
            self._own[loser] = tuple(k for k in self.keys(loser) if k != key)
        kept = [k for k in self.keys(does) if k != key and (add or k == pygame.K_ESCAPE)]
        self._own[does] = (key, *kept[: MOST - 1])
        self._build()
        return loser

    def restore(self, does: Command | int | None = None) -> None:
        """Give an action its keys of the table, and take them from other actions; None: do so for all."""
        if does is None:
            self._own.clear()
        else:
            self._own.pop(does, None)
            for other, keys in self._own.items():
                self._own[other] = tuple(key for key in keys if key not in _DEFAULTS[does])
        self._build()

    def _build(self) -> None:
        taken: set[int] = set()
        own: dict[Command | int, list[int]] = {}
        for does, keys in self._own.items():  # two windows may give a key twice: the first action has it
            free = [key for key in dict.fromkeys(keys) if key not in taken]
            free = [key for key in free if key != pygame.K_ESCAPE or does is Command.BACK]
            if free or not keys:  # an action that loses all of its keys so has its usual ones
                own[does] = free
            taken.update(free)
        self._by_action = {
            does: own.get(does, [key for key in keys if key not in taken]) for does, keys in _DEFAULTS.items()
        }
        self._by_key: dict[int, Command | int] = {pygame.K_ESCAPE: Command.BACK}
        for does, keys in self._by_action.items():
            self._by_key |= dict.fromkeys(keys, does) | {self.virtual(does): does}

    @staticmethod
    def virtual(does: Command | int) -> int:
        """A key that no keyboard has, and that always means this action."""
        return VIRTUAL + list(_DEFAULTS).index(does)


KEYMAP = Keymap()
"""The keys as they are now; the settings change it."""

meaning = KEYMAP.meaning


def shown(does: Command | int) -> str:
    """The name of the first key of an action, "–" if it has none."""
    return next(iter(KEYMAP.caps(does)), "–")


def key_called(name: str) -> int | None:
    """A key with this name, as the foot of a page has it: the virtual one of an action, if there is one."""
    does = (binding.does for binding in BINDINGS if KEYMAP.keys(binding.does) and shown(binding.does) == name)
    plain = (key for key in (pygame.K_DELETE, pygame.K_HOME, pygame.K_END) if key_name(key) == name)
    return next((KEYMAP.virtual(action) for action in does), next(plain, None))


class Steering:
    """Held and tapped direction keys, turned into one action a tick.

    A tap shorter than a tick still moves once; a held key moves every tick. The key pressed last wins; when
    it is released, the one that was held before counts again. Several keys may hold one direction (an arrow
    and a letter, a key and a gamepad), which lasts until all of them are released. With `latched` (the arcade
    game) a direction stays until another one is pressed.
    """

    def __init__(self, latched: bool = False) -> None:
        self.latched = latched
        self._held: dict[int, int] = {}  # direction by key, the one pressed last at the end
        self._taps: deque[int] = deque(maxlen=2)
        self._last = STAY
        self.keys: ActionKeys | None = None
        """The keys of a game that is not ours; its buttons then take the place of directions."""

    @property
    def waiting(self) -> bool:
        """Whether a press still waits for its tick."""
        return bool(self._taps)

    @property
    def held(self) -> int:
        """The direction that is held down now, STAY for none."""
        return next(reversed(self._held.values()), STAY)

    def press(self, move: int, key: int | None = None) -> None:
        """Hold `move` with `key` from now on; without a key, the direction counts as one."""
        key = move if key is None else key
        self._held.pop(key, None)
        self._held[key] = move
        self._taps.append(move)
        self._last = move

    def release(self, key: int) -> None:
        """Release `key`, or a direction that was pressed without one."""
        self._held.pop(key, None)
        self._last = self.held or self._last

    def clear(self) -> None:
        """Forget everything: the window lost the keyboard, or another game begins."""
        self._held.clear()
        self._taps.clear()
        self._last = STAY

    @property
    def stands(self) -> bool:
        """Whether a game without an idle action waits for a key."""
        return self.keys is not None and self.keys.idle is None and not (self._taps or self._held)

    def action(self) -> int:
        """The action of this tick, 0..4 in our games; consumes one waiting tap."""
        if self.keys is not None:
            tapped = [self._taps.popleft()] if self._taps else []
            found = self.keys.action([*(held for held in self._held.values() if held not in tapped), *tapped])
            return 0 if found is None else found
        if self._taps:
            return self._taps.popleft()
        return self._last if self.latched else self.held
