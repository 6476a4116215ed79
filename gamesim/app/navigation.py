"""Screens, which fill the window: the way from one to another, and how often each is drawn."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import pygame

from gamesim.app.controls import Command, Hint, shown
from gamesim.app.theme import Scale

if TYPE_CHECKING:
    import gymnasium as gym

    from gamesim.app.action_keys import ActionKeys
    from gamesim.app.kit import Kit
    from gamesim.app.library.catalog import Title


STILL, MOVING, SMOOTH = 12, 30, 60
"""Times a second: a still page (a caret blinks), one with moving pictures, a game."""
LINGER = 0.5  # seconds of smooth drawing after a key or a move of the mouse


class Pace:
    """Decides in each round of the loop whether to draw."""

    def __init__(self) -> None:
        self._since = self._busy = 0.0

    def due(self, seconds: float, pace: int, busy: bool) -> bool:
        """Whether to draw now, `seconds` after the last round, a screen that is drawn `pace` times a second.

        `busy` says whether there was an event, or a key is held.
        """
        self._since += seconds
        self._busy = LINGER if busy else max(0.0, self._busy - seconds)
        if not self._busy and pace < SMOOTH and self._since < 1 / pace:
            return False
        self._since = 0.0
        return True


class Navigator(Protocol):
    """The window, as screens see it: the way to other screens, and messages."""

    kit: Kit

    @property
    def screen(self) -> Screen:
        """The screen on top."""
        ...

    def go(self, screen: Screen) -> None:
        """Put a screen on top; the one below lets go of its keys."""

    def back(self) -> None:
        """Leave the screen on top; the last one asks first, since leaving it ends the app."""

    def load(self, title: Title, then: Callable[[gym.Env], None]) -> None:
        """Open `title` in the background behind a loading screen, then call `then(env)` on this thread."""

    def leave(self) -> None:
        """End the app; if jobs are still running, ask about them first."""

    def end(self) -> None:
        """End the app without questions; jobs go on."""

    def say(self, words: str, bad: bool = False) -> None:
        """Show a message."""

    def holds(self, command: Command) -> bool:
        """Whether any key that asks for `command` is down."""
        ...

    def toggle_fullscreen(self) -> None:
        """Change between the whole screen and the window as it was."""


class Screen:
    """The base of all screens: each handles events, lets time pass and draws itself."""

    caption = ""
    """Its name, at its top and in the title bar; "" for the menu, which has the app's name."""
    typing = False
    """Whether keys are text now: then `handle` gets all of them, and none is a command."""
    takes_files = False
    """Whether `handle` does something with files and folders that are dropped on the window."""

    def __init__(self, window: Navigator) -> None:
        self.window, self.kit = window, window.kit

    @property
    def own_keys(self) -> Sequence[int]:
        """Keys that mean something else here than in the key table; `handle` gets them."""
        return ()

    @property
    def game_keys(self) -> ActionKeys | None:
        """The keys of the game that is played here, if it is not ours; else None."""
        return None

    @property
    def pace(self) -> int:
        """How many times a second to draw it while nobody presses anything: more often if something moves."""
        return STILL

    def command(self, command: Command) -> None:
        """Do what a key of the table asks for, other than a move."""
        if command is Command.BACK:
            self.window.back()

    def hints(self) -> list[tuple[str, str]]:
        """(name of a key, a word or two) for the foot: keys that do something here."""
        return [(shown(Command.BACK), "back")]

    def works(self) -> Sequence[Hint]:
        """All keys that do something here now, for the help, even if the foot has no room for them."""
        return self.hints()

    def handle(self, event: pygame.event.Event) -> None:
        """Handle any other event: moves, mouse, key releases, focus."""

    def update(self, seconds: float) -> None:
        """Let time pass."""

    def draw(self, surface: pygame.Surface) -> None:
        """Draw everything; the surface already has the background."""

    def toast_area(self, size: tuple[int, int]) -> pygame.Rect:
        """Where messages are stacked: beside the title, clear of buttons, bars and rows."""
        scale = Scale.of(size)
        left = round(0.4 * size[0]) if size[0] >= 640 else scale.px(8)
        return pygame.Rect(left, scale.px(8), max(0, size[0] - left - scale.px(16)), scale.px(70))

    def close(self) -> None:
        """Release what the screen holds: the player has left it for good."""


def bottom_area(size: tuple[int, int]) -> pygame.Rect:
    """Where messages go on a screen without a title: at the bottom."""
    scale = Scale.of(size)
    width = min(size[0] - 2 * scale.px(24), scale.px(640))
    return pygame.Rect((size[0] - width) // 2, 0, max(0, width), max(0, size[1] - scale.px(64)))


PLACES = {
    "Recordings": ("gamesim.app.screens.recordings", "Recordings"),
    "Models": ("gamesim.app.screens.engines", "Engines"),
    "Train": ("gamesim.app.screens.run", "Train"),
    "Labs": ("gamesim.app.labs.page", "Labs"),
    "Add a game": ("gamesim.app.screens.add_game", "AddGame"),
    "Settings": ("gamesim.app.screens.settings", "SettingsScreen"),
}
"""Screens by name, as (module, class); each is imported when the player first visits it."""


def visit(window: Navigator, name: str) -> None:
    """Put a screen of `PLACES` on top, by its name."""
    module, kind = PLACES[name]
    window.go(getattr(importlib.import_module(module), kind)(window))
