"""The screen while a title opens on a thread of its own, so that the window stays alive."""

import math
import time
from collections.abc import Callable

import gymnasium as gym
import pygame

from gamesim.app.controls import Command, shown
from gamesim.app.game.opening import abandon
from gamesim.app.library.catalog import Title
from gamesim.app.navigation import MOVING, Navigator, Screen
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.parts import FOOT
from gamesim.app.ui.widgets import text
from gamesim.text import complaint

QUICK = 0.2  # seconds: what opens faster shows no message


class Loading(Screen):
    """Shows that a title is being opened, and calls `then` with its environment; Esc gives up waiting."""

    caption = "Loading"

    def __init__(self, window: Navigator, title: Title, then: Callable[[gym.Env], None]) -> None:
        super().__init__(window)
        self.title, self.then = title, then
        self.seconds = 0.0
        self._env = window.kit.ahead.opening(title, window.kit.device)
        self._taken = False
        self._asked = time.monotonic()

    @property
    def pace(self) -> int:
        return MOVING

    def update(self, seconds: float) -> None:
        self.seconds += seconds
        if not self._env.done():
            return
        self._taken = True
        self.window.back()
        try:
            env = self._env.result()
        except Exception as error:  # a foreign game may raise anything
            self.window.say(f"Cannot open this: {complaint(error)}", bad=True)
            return
        try:
            self.then(env)
        except Exception as error:  # it may fail at its first frame
            self.window.say(f"Cannot play this: {complaint(error)}", bad=True)
            env.close()

    def draw(self, surface: pygame.Surface) -> None:
        if self.seconds < QUICK:
            return
        scale = Scale.of(surface.get_size())
        x, y = surface.get_rect().center
        size = scale.px(64)
        bite = (1 - math.cos(self.seconds * 12)) / 2
        sprites = self.kit.painter.sprites
        for i in range(4):
            offset = scale.px(46) * (i + 1) - round(self.seconds * scale.px(92)) % scale.px(46)
            surface.blit(sprites.get("food", size), (x - size // 2 + offset, y - scale.px(80)))
        surface.fill(COLOURS["back"], (x - size // 2, y - scale.px(80), size // 2, size))
        surface.blit(sprites.get(f"pacman{round(7 * bite)}", size), (x - size // 2, y - scale.px(80)))
        words = "Waking the dream…" if self.title.learned else "Opening…"
        waited = int(time.monotonic() - self._asked)  # not `seconds`: the window may have stood still
        words += f" {waited} s" if waited else ""
        lines = (
            (self.title.name, 14, scale.px(26), "text"),
            (words, 54, scale.px(18), "quiet"),
            (f"{shown(Command.BACK)}: back", 90, scale.px(15), "quiet"),
        )
        width = max(1, surface.get_width() - 2 * scale.px(24))
        for line, down, height, colour in lines:
            place, bold = (x, y + scale.px(down)), colour == "text"
            last = text(
                surface, line, place, height, COLOURS[colour], bold=bold, anchor="midtop", width=width
            )
            FOOT[:] = [(last, shown(Command.BACK))]

    def close(self) -> None:
        if not self._taken:
            abandon(self._env)
