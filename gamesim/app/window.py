"""The window: the display, the loop at 60 frames a second and the stack of screens."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ.setdefault("SDL_VIDEO_X11_WMCLASS", "gamesim")
import pygame

from gamesim.app import theme
from gamesim.app.board import BoardPainter
from gamesim.app.catalog import Title, checkpoints_folder
from gamesim.app.controls import Command, meaning
from gamesim.app.screens import Screen
from gamesim.app.screens.help import Help
from gamesim.app.screens.loading import Loading
from gamesim.app.sound import Sound
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.userdata import Scores
from gamesim.app.widgets import Toasts
from gamesim.errors import UserError

SIZE = (1280, 800)
FPS = 60


class Window:
    """Everything that outlives one screen.

    Args:
        checkpoints: folder of the dreams; None: the shipped ones.
        recordings: folder where recordings and clips go.
        scores: the high scores; None: the user's file.

    Raises:
        UserError: there is no display to open a window on.
    """

    def __init__(
        self,
        checkpoints: Path | None = None,
        recordings: Path = Path("recordings"),
        scores: Scores | None = None,
    ) -> None:
        check_display()
        try:
            pygame.display.init()
            pygame.font.init()
            self.surface = pygame.display.set_mode(SIZE, pygame.RESIZABLE)
        except pygame.error as error:
            raise UserError(f"no window can be opened: {error}") from error
        pygame.display.set_caption("gamesim")
        self.checkpoints = checkpoints or checkpoints_folder()
        self.recordings = recordings
        self.scores = scores or Scores()
        self.sound = Sound()
        self.toasts = Toasts()
        self.painter = BoardPainter()
        pygame.display.set_icon(self.painter.sprites.get("pacman4", 64))
        self.clock = pygame.time.Clock()
        self.running = True
        self.help: Help | None = None
        self._stack: list[Screen] = []
        self._frames = 0
        self._windowed = SIZE

    @property
    def screen(self) -> Screen:
        return self._stack[-1]

    @property
    def empty(self) -> bool:
        """Whether the last screen has been left."""
        return not self._stack

    @property
    def fps(self) -> float:
        return self.clock.get_fps()

    # going from screen to screen -------------------------------------------------------------------------

    def go(self, screen: Screen) -> None:
        """Put a screen on top."""
        self._stack.append(screen)

    def back(self) -> None:
        """Leave the screen on top; leaving the last one ends the app."""
        screen = self._stack.pop()
        screen.close()
        if not self._stack:
            self.running = False

    def load(self, title: Title, then: Callable) -> None:
        """Open `title` in the background behind a loading screen, then call `then(env)` on this thread."""
        self.go(Loading(self, title, then))

    def say(self, words: str, bad: bool = False) -> None:
        """Show a message."""
        self.toasts.say(words, bad)

    # the loop --------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Loop until the app is left; returns the exit code."""
        self._listen_to_signals()
        last = time.perf_counter()
        try:
            while self.running:
                now = time.perf_counter()
                self.frame(min(0.25, now - last))
                last = now
                self.clock.tick(FPS)
        except KeyboardInterrupt:
            pass
        finally:
            self.close()
        return 0

    def frame(self, seconds: float) -> None:
        """One round of the loop: events, time, drawing."""
        for event in pygame.event.get():
            self._dispatch(event)
            if not self.running:
                return
        self.toasts.update(seconds)
        if self.help is None:
            self.screen.update(seconds)
        if not self.running or not self._stack:
            return
        self.draw()
        pygame.display.flip()
        self._frames += 1
        if self._frames == 2:  # the menu is on screen: what takes longer comes now
            self._say_problem(self.sound.open())
            self._say_problem(self.scores.problem)

    def draw(self) -> None:
        """Draw the screen on top, help and messages."""
        self.surface = pygame.display.get_surface() or self.surface
        size = self.surface.get_size()
        self.surface.fill(COLOURS["back"])
        self.screen.draw(self.surface)
        if self.help is not None:
            self.help.draw(self.surface)
        self.toasts.draw(self.surface, self.screen.toast_area(size), Scale.of(size))

    def close(self) -> None:
        """Close every screen, from the top down, and the display. Nothing that is recorded is lost."""
        while self._stack:
            self._stack.pop().close()
        self.running = False
        self.sound.close()
        theme.forget()
        pygame.display.quit()
        pygame.font.quit()

    def _dispatch(self, event: pygame.event.Event) -> None:
        if event.type == pygame.QUIT:
            self.running = False
        elif event.type == pygame.KEYDOWN and isinstance(asked := meaning(event.key), Command):
            self._command(asked)
        elif event.type == pygame.MOUSEBUTTONDOWN and self.help is not None:
            self.help = None
        else:
            self.screen.handle(event)

    def _command(self, command: Command) -> None:
        if command is Command.FULLSCREEN:
            self.toggle_fullscreen()
        elif command is Command.MUTE:
            self.say("Sound off" if self.sound.toggle() else "Sound on")
        elif command is Command.HELP:
            self.help = Help() if self.help is None else None
        elif self.help is not None:
            if command is Command.BACK:
                self.help = None
        else:
            self.screen.command(command)

    def toggle_fullscreen(self) -> None:
        """Between the whole screen and the window as it was."""
        try:
            if self.surface.get_flags() & pygame.FULLSCREEN:
                self.surface = pygame.display.set_mode(self._windowed, pygame.RESIZABLE)
            else:
                self._windowed = self.surface.get_size()
                self.surface = pygame.display.set_mode((0, 0), pygame.FULLSCREEN)
        except pygame.error as error:
            self.surface = pygame.display.set_mode(SIZE, pygame.RESIZABLE)
            self.say(f"No fullscreen here: {error}", bad=True)

    def _say_problem(self, words: str | None) -> None:
        if words:
            self.say(words, bad=True)

    def _listen_to_signals(self) -> None:
        """SIGTERM closes the window as its close button does."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: setattr(self, "running", False))


def check_display() -> None:
    """Fail early and clearly where a window cannot exist.

    Raises:
        UserError: on Linux and the like, no display server is named in the environment.
    """
    if sys.platform in ("win32", "darwin") or os.environ.get("SDL_VIDEODRIVER"):
        return
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise UserError("no display: the app needs a desktop (neither DISPLAY nor WAYLAND_DISPLAY is set)")
