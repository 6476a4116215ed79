"""Keys to commands and moves: one table, from which the help screen and the hints are made too."""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

import pygame

STAY, LEFT, RIGHT, UP, DOWN = range(5)


class Command(Enum):
    """What a key asks for, other than a move."""

    RESET = auto()
    PAUSE = auto()
    STEP = auto()
    SWITCH = auto()
    BESIDE = auto()
    COOLER = auto()
    WARMER = auto()
    NEUTRAL = auto()
    DRIVER = auto()
    HOME = auto()
    RECORD = auto()
    REWIND = auto()
    GIF = auto()
    MUTE = auto()
    FULLSCREEN = auto()
    HELP = auto()
    BACK = auto()


@dataclass(frozen=True)
class Binding:
    """One line of the key table: pygame keys, what they do, and how both are shown."""

    does: Command | int
    keys: tuple[int, ...]
    shown: str
    text: str
    group: str


BINDINGS = (
    Binding(LEFT, (pygame.K_LEFT, pygame.K_a), "←  ↑  ↓  →", "move, and so do W A S D", "Play"),
    Binding(RIGHT, (pygame.K_RIGHT, pygame.K_d), "", "", "Play"),
    Binding(UP, (pygame.K_UP, pygame.K_w), "", "", "Play"),
    Binding(DOWN, (pygame.K_DOWN, pygame.K_s), "", "", "Play"),
    Binding(Command.RESET, (pygame.K_RETURN, pygame.K_KP_ENTER, pygame.K_r), "Enter  R", "new game", "Play"),
    Binding(Command.PAUSE, (pygame.K_p, pygame.K_PERIOD), "P  .", "pause", "Play"),
    Binding(Command.STEP, (pygame.K_e,), "E", "one step while paused", "Play"),
    Binding(Command.REWIND, (pygame.K_BACKSPACE,), "Backspace", "hold: rewind a dream, let go: branch", "Play"),
    Binding(Command.HOME, (pygame.K_h,), "H", "coming home: what is forgotten?", "Play"),
    Binding(Command.SWITCH, (pygame.K_TAB,), "Tab", "real game or its dream", "Dream"),
    Binding(Command.BESIDE, (pygame.K_v,), "V", "both, side by side, same keys", "Dream"),
    Binding(Command.DRIVER, (pygame.K_m,), "M", "controller drives; hold a key to override", "Dream"),
    Binding(Command.COOLER, (pygame.K_MINUS, pygame.K_KP_MINUS), "-", "lower temperature: surer", "Dream"),
    Binding(
        Command.WARMER,
        (pygame.K_EQUALS, pygame.K_PLUS, pygame.K_KP_PLUS),
        "=",
        "higher temperature: wilder",
        "Dream",
    ),
    Binding(Command.NEUTRAL, (pygame.K_0, pygame.K_KP0), "0", "temperature back to 1.0", "Dream"),
    Binding(Command.RECORD, (pygame.K_COMMA,), ",", "record what is played", "Keep"),
    Binding(Command.GIF, (pygame.K_g,), "G", "save the last 10 s as a GIF", "Keep"),
    Binding(Command.MUTE, (pygame.K_n,), "N", "sound on or off", "Window"),
    Binding(Command.FULLSCREEN, (pygame.K_F11,), "F11", "fullscreen", "Window"),
    Binding(Command.HELP, (pygame.K_F1,), "F1", "this help", "Window"),
    Binding(Command.BACK, (pygame.K_ESCAPE,), "Esc", "back", "Window"),
)

_BY_KEY = {key: binding.does for binding in BINDINGS for key in binding.keys}


def meaning(key: int) -> Command | int | None:
    """What a pygame key asks for: a Command, a move (1..4), or None."""
    return _BY_KEY.get(key)


def shown(command: Command) -> str:
    """How the table shows the key of a command; its first name where it has two."""
    return next(binding.shown for binding in BINDINGS if binding.does == command).split("  ")[0]


class Steering:
    """Held and tapped direction keys, turned into one action a tick.

    A tap shorter than a tick still moves once; a held key moves every tick; the key pressed last wins.
    With `latched` (the arcade game) a direction stays until another one is pressed.
    """

    def __init__(self, latched: bool = False) -> None:
        self.latched = latched
        self._held: list[int] = []
        self._taps: deque[int] = deque(maxlen=2)
        self._last = STAY

    @property
    def waiting(self) -> bool:
        """Whether a press has not had its tick yet."""
        return bool(self._taps)

    @property
    def held(self) -> int:
        """The direction held down now, 0 for none."""
        return self._held[-1] if self._held else STAY

    def press(self, move: int) -> None:
        if move in self._held:
            self._held.remove(move)
        self._held.append(move)
        self._taps.append(move)
        self._last = move

    def release(self, move: int) -> None:
        if move in self._held:
            self._held.remove(move)

    def clear(self) -> None:
        """Forget everything: the window lost the keyboard, or another game begins."""
        self._held.clear()
        self._taps.clear()
        self._last = STAY

    def action(self) -> int:
        """The action of this tick, 0..4; consumes one waiting tap."""
        if self.latched:
            self._taps.clear()
            return self._last
        if self._taps:
            return self._taps.popleft()
        return self.held
