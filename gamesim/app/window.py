"""The window: the display, the loop at 60 frames a second and the stack of screens."""

import os
import sys
import time
from collections.abc import Callable

import pygame
from pygame._sdl2 import video

from gamesim.app import controls, theme
from gamesim.app.controls import VIRTUAL, Command, meaning
from gamesim.app.gamepad import events
from gamesim.app.kit import Kit
from gamesim.app.library import jobs
from gamesim.app.library.catalog import Title
from gamesim.app.library.jobs import EVALUATION, RECORDING, TRAINING
from gamesim.app.navigation import Navigator, Pace, Screen, visit
from gamesim.app.screens.help import Help
from gamesim.app.screens.loading import Loading
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.ask import Ask, Prompt
from gamesim.app.ui.parts import FOOT, Action
from gamesim.envs.recipe import DISPLAYS
from gamesim.errors import UserError
from gamesim.signals import handled
from gamesim.text import shown

FPS = 60
KEPT = (Command.FULLSCREEN, Command.SCREENSHOT)
NOTHING_TYPED = range(pygame.K_F1, pygame.K_F12 + 1)
"""The commands that a question with a line of text leaves to the window, on keys that type nothing."""
DROPPED = "Nothing can be dropped here. Drop a folder of recordings on New training, under Train."
FOUND = {TRAINING: "Train", EVALUATION: "Models", RECORDING: "Recordings"}
"""The screen on which the player finds a job again that went on without the window."""


class Window(Navigator):
    """The display, the loop, and the stack of screens; without a `kit`, with the user's own files.

    Attributes:
        held: keys that are down now, a gamepad's virtual ones included.

    Raises:
        UserError: there is no display to open a window on.
    """

    def __init__(self, kit: Kit | None = None) -> None:
        check_display()
        self.kit = kit or Kit()
        try:
            pygame.display.init()
            check_driver()
            pygame.font.init()
            self.surface = pygame.display.set_mode(self._usual_size(), pygame.RESIZABLE)
        except pygame.error as error:
            raise UserError(f"cannot open a window: {error}") from error
        pygame.display.set_caption("Starting - gamesim")
        pygame.display.set_icon(self.kit.painter.sprites.get("pacman4", 64))
        self.clock = pygame.time.Clock()
        self.running = True
        self.held: set[int] = set()
        self.screens: list[Screen] = []
        self._frames = 0
        self._pace = Pace()
        self._shoot = False
        if self.kit.settings.fullscreen:
            self.toggle_fullscreen()

    @property
    def screen(self) -> Screen:
        return self.screens[-1]

    # going from screen to screen -------------------------------------------------------------------------

    def go(self, screen: Screen) -> None:
        self._unhand()  # the screen below will not hear of keys that are released now
        self.screens.append(screen)

    def back(self) -> None:
        if len(self.screens) > 1:
            self.screens.pop().close()
        elif self.kit.workshop.jobs.running:
            self.leave()
        else:
            self.go(Quit(self))

    def leave(self) -> None:
        if self.screens and isinstance(self.screen, Leaving):
            self.screen.let_run()
        elif self.kit.workshop.jobs.running and self.screens:
            self._close_help()
            self.go(Leaving(self))
        else:
            self.end()

    def end(self) -> None:
        self.running = False

    def load(self, title: Title, then: Callable) -> None:
        self.go(Loading(self, title, then))

    def holds(self, command: Command) -> bool:
        return any(meaning(key) is command for key in self.held)

    def say(self, words: str, bad: bool = False) -> None:
        self.kit.toasts.say(words, bad)

    # the loop --------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Loop until the player leaves the app; returns the exit code."""
        with handled(lambda *_: self.end()):  # a signal asks no questions, and further ones do nothing
            last = time.perf_counter()
            try:
                while self.running:
                    now = time.perf_counter()
                    seconds = min(0.25, now - last)
                    busy = self.advance(seconds) or bool(self.held)
                    if self.running and self._pace.due(seconds, self.screen.pace, busy):
                        self.show()
                    last = now
                    self.clock.tick(FPS)
            finally:
                self.close()
        return 0

    def frame(self, seconds: float) -> None:
        """Make one round of the loop, and draw at once."""
        self.advance(seconds)
        if self.running and self.screens:
            self.show()

    def advance(self, seconds: float) -> bool:
        """Handle events and let time pass; returns whether there were events."""
        happened = events()
        for event in happened:
            for meant in self.kit.pads.translate(event) or [event]:
                self._dispatch(meant)
                if not self.running:
                    return True
        for words, bad in self.kit.workshop.news():
            self.say(words, bad)
        self.kit.toasts.update(seconds)
        self.screen.update(seconds)
        return bool(happened)

    def show(self) -> None:
        """Draw the window, and bring it to the screen."""
        self.draw()
        self._name_window()
        pygame.display.flip()
        self._frames += 1
        if self._frames == 2:  # the menu is on screen, so slower things can start
            for problem in (self.kit.sound.open(), self.kit.scores.problem, self.kit.settings.problem):
                if problem:
                    self.say(problem, bad=True)
            self.kit.pads.start()

    def draw(self) -> None:
        """Draw the screen on top, then messages."""
        self.surface = pygame.display.get_surface() or self.surface
        size = self.surface.get_size()
        self.surface.fill(COLOURS["back"])
        FOOT.clear()
        self.screen.draw(self.surface)
        if self._shoot:
            self._shoot = False
            self.kit.save_picture(self.surface)
        self.kit.toasts.draw(self.surface, self.screen.toast_area(size), Scale.of(size))

    def _name_window(self) -> None:
        """Name the screen on top in the title bar."""
        name = self.screen.caption
        words = shown(f"{name} - gamesim" if name else "gamesim")
        if pygame.display.get_caption()[0] != words:
            pygame.display.set_caption(words)

    def close(self) -> None:
        """Close every screen, from the top down, and the display; recordings are saved."""
        while self.screens:
            self.screens.pop().close()
        self.running = False
        self._keep_size()
        self.kit.close()
        theme.forget()
        pygame.display.quit()
        pygame.font.quit()

    def _dispatch(self, event: pygame.event.Event) -> None:
        if event.type == pygame.QUIT:
            self.leave()
            return
        if (key := self._clicked(event)) is not None:
            for kind in (pygame.KEYDOWN, pygame.KEYUP):
                self._dispatch(pygame.event.Event(kind, key=key))
            return
        if event.type == pygame.DROPFILE and not self.screen.takes_files:
            self.say(DROPPED, bad=True)
            return
        if event.type == pygame.WINDOWFOCUSLOST:
            self._unhand()
        elif event.type == pygame.KEYDOWN:
            self.held.add(event.key)
        elif event.type == pygame.KEYUP:
            self.held.discard(event.key)
        pressed = event.type == pygame.KEYDOWN
        asked = meaning(event.key) if pressed else None
        own = pressed and event.key < VIRTUAL and (self.screen.typing or event.key in self.screen.own_keys)
        if own and not (isinstance(self.screen, Prompt) and event.key in NOTHING_TYPED and asked in KEPT):
            asked = None
        if isinstance(asked, Command):
            self._command(asked)
        else:
            self.screen.handle(event)

    def _clicked(self, event: pygame.event.Event) -> int | None:
        """The key that a click presses: one at the foot of the screen; a mouse's own key for back is Esc."""
        if event.type != pygame.MOUSEBUTTONDOWN:
            return None
        if event.button == pygame.BUTTON_X1:
            return pygame.K_ESCAPE
        at_foot = event.button == 1
        caps = [cap for place, cap in FOOT if at_foot and place.collidepoint(event.pos)]
        return controls.key_called(caps[0]) if caps else None

    def _command(self, command: Command) -> None:
        if command is Command.FULLSCREEN:
            self.toggle_fullscreen()
        elif command is Command.SCREENSHOT:
            self._shoot = True
        elif command is Command.MUTE:
            self.kit.toggle_sound()
        elif command is Command.HELP:
            if not self._close_help():
                self.go(Help(self))
        elif command is Command.SETTINGS and self.screen.caption not in ("Settings", Help.caption):
            visit(self, "Settings")
        else:
            self.screen.command(command)

    def _close_help(self) -> bool:
        """Close the help; returns whether it was open."""
        open_now = isinstance(self.screen, Help)
        if open_now:
            self.back()
        return open_now

    def _unhand(self) -> None:
        """Release all held keys: the screen on top will not hear of keys that are released elsewhere."""
        for event in self.kit.pads.release():
            self._dispatch(event)
        self.held.clear()
        if self.screens:
            self.screen.handle(pygame.event.Event(pygame.WINDOWFOCUSLOST))

    # the display -----------------------------------------------------------------------------------------

    def toggle_fullscreen(self) -> None:
        full = not self.surface.get_flags() & pygame.FULLSCREEN
        self._sdl = video.Window.from_display_module()  # kept: pygame's events point to it, and do not own it
        try:
            if full:
                self._keep_size()
                self._sdl.set_fullscreen(True)
            else:  # where it was, and as large: with `set_mode` it would stay as large as the screen
                self._sdl.set_windowed()
        except RuntimeError as error:  # pygame's own
            full = False
            self.say(f"Fullscreen does not work here: {error}", bad=True)
        self.surface = pygame.display.get_surface() or self.surface
        if full != self.kit.settings.fullscreen:
            self.kit.settings.fullscreen = full
            self.kit.keep_settings()

    def _usual_size(self) -> tuple[int, int]:
        """The size that the window had last, as far as it fits on this screen."""
        width, height = self.kit.settings.size
        if pygame.display.get_driver() == "dummy":  # the size of its screen means nothing
            return width, height
        most = pygame.display.get_desktop_sizes()[0]
        return max(320, min(width, most[0])), max(240, min(height, most[1]))

    def _keep_size(self) -> None:
        """Remember the size of the window, unless it fills the screen."""
        surface = pygame.display.get_surface()
        windowed = surface and not surface.get_flags() & pygame.FULLSCREEN
        if surface and windowed and self.kit.settings.size != surface.get_size():
            self.kit.settings.size = surface.get_size()
            self.kit.settings.save()


class Quit(Ask):
    """The question after Esc at the menu: Enter quits, another Esc stays."""

    def __init__(self, window: Navigator) -> None:
        answers = (Action("Stay"), Action("Quit", window.leave))
        more = f"{controls.shown(Command.RESET)} quits, {controls.shown(Command.BACK)} stays."
        super().__init__(window, "Quit gamesim?", more, answers)


class Leaving(Ask):
    """The question whether trainings, evaluations and recordings go on without the window."""

    def __init__(self, window: Navigator) -> None:
        at_work = window.kit.workshop.jobs.running
        names = " and ".join(sorted({job.name[:1].lower() + job.name[1:] for job in at_work}))
        kept = sorted({FOUND[job.name] for job in at_work})
        it, what, saves = ("It", "it", "it saves") if len(at_work) == 1 else ("They", "them", "they save")
        more = (
            f"{it} can go on in the background. You will find {what} again under {' and '.join(kept)}. "
            f"If you stop {what}, {saves} everything so far first."
        )
        answers = (
            Action("Stay"), Action("Stop and save", self._stop),
            Action("Run in the background", self.let_run),
        )  # fmt: skip
        is_are = "is" if len(at_work) == 1 else "are"
        super().__init__(window, f"Quit while {names} {is_are} running?", more, answers)

    def let_run(self) -> None:
        """Leave; whoever closes the window a second time means this, too."""
        for job in self.kit.workshop.jobs.running:
            jobs.send(job.pid, jobs.GO_ON)  # nobody would be there to wake a paused job
        self.window.end()

    def _stop(self) -> None:
        self.kit.workshop.stop_all()  # they save by themselves: the window need not wait
        self.window.end()


def check_display() -> None:
    """Fail early and clearly if there can be no window.

    Raises:
        UserError: on Linux and the like, no display server is named in the environment.
    """
    if sys.platform in ("win32", "darwin") or os.environ.get("SDL_VIDEODRIVER"):
        return
    if not any(os.environ.get(name) for name in DISPLAYS):
        raise UserError("no display: the app needs a desktop (neither DISPLAY nor WAYLAND_DISPLAY is set)")


def check_driver() -> None:
    """Fail clearly if no display server lets SDL in, so that nobody would see the app.

    Raises:
        UserError: SDL draws off the screen, although SDL_VIDEODRIVER does not ask for that.
    """
    if pygame.display.get_driver() == "offscreen" and not os.environ.get("SDL_VIDEODRIVER"):
        pygame.display.quit()
        named = [f"{name}={os.environ[name]}" for name in DISPLAYS if os.environ.get(name)]
        raise UserError(f"no display: cannot reach the one that is set ({', '.join(named)})")
