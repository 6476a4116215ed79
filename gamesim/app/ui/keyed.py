"""What screens share: keys that repeat while they are held, things to choose from, and buttons."""

from collections.abc import Sequence

import pygame

from gamesim.app.controls import STAY, Command, Hint, key_name, meaning, shown
from gamesim.app.navigation import Navigator, Screen
from gamesim.app.ui.parts import Action, attempt
from gamesim.app.ui.scroller import Scroller

WAIT, AGAIN = 0.35, 0.07  # seconds until a held direction repeats, and between two repeats


class Repeat:
    """A key that is held down acts again and again."""

    def __init__(self) -> None:
        self._held: Command | int = STAY
        self._left = 0.0

    def press(self, does: Command | int) -> None:
        self._held, self._left = does, WAIT

    def release(self, key: int) -> None:
        if meaning(key) == self._held:
            self.clear()

    def clear(self) -> None:
        self._held = STAY

    def due(self, seconds: float) -> Command | int:
        """What the held key does again now, STAY for nothing."""
        if self._held == STAY:
            return STAY
        self._left -= seconds
        if self._left > 0:
            return STAY
        self._left = max(self._left + AGAIN, 0.0)
        return self._held


class KeyScreen(Screen):
    """A screen on which a held direction repeats; subclasses say what a key, a direction and the mouse do.

    Attributes:
        plain: keys that keep their own meaning here, even if the player bound a command to them.
    """

    plain: Sequence[int] = ()

    @property
    def own_keys(self) -> Sequence[int]:
        return self.plain

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self._repeat = Repeat()

    def handle(self, event: pygame.event.Event) -> None:
        if event.type == pygame.KEYDOWN:
            self.key(event.key)
        elif event.type == pygame.KEYUP:
            self._repeat.release(event.key)
        elif event.type == pygame.WINDOWFOCUSLOST:
            self._repeat.clear()
        elif event.type == pygame.WINDOWFOCUSGAINED:
            self.look_again()
        else:
            self.mouse(event)

    def update(self, seconds: float) -> None:
        move = self._repeat.due(seconds)
        if move and isinstance(move, int):
            self.go(move)

    def key(self, key: int) -> None:
        """A key that is no command was pressed; Space chooses, as Enter does."""
        if key == pygame.K_SPACE:
            self.command(Command.RESET)
            return
        move = meaning(key)
        if isinstance(move, int):
            self._repeat.press(move)
            self.go(move)

    def go(self, move: int) -> None:
        """A direction was pressed, or is still held."""

    def mouse(self, event: pygame.event.Event) -> None:
        """Handle any other event: the mouse, dropped files."""

    def look_again(self) -> None:
        """The window is in front again: files may have changed in another window, or in a terminal."""


class ChoiceScreen(KeyScreen):
    """A screen that scrolls, on which keys or the mouse choose one thing; Enter or a click presses it.

    Attributes:
        chosen: index of the chosen thing.
        view: where the things were drawn last.
        reveal: whether to scroll to the chosen one when they are drawn next.
    """

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.chosen = 0
        self.scroller = Scroller()
        self.view = pygame.Rect(0, 0, 0, 0)
        self.reveal = False

    def at(self, place: tuple[int, int]) -> int | None:
        """Index of what can be chosen at a place."""

    def press(self) -> None:
        """Do what the chosen thing is for."""

    def command(self, command: Command) -> None:
        if command is Command.RESET:
            self.press()
        else:
            super().command(command)

    def mouse(self, event: pygame.event.Event) -> None:
        if self.scroller.handle(event):
            return
        if event.type == pygame.MOUSEMOTION:
            self.choose(self.at(event.pos))
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self.click(event.pos)
        elif event.type == pygame.MOUSEWHEEL:
            self.wheel(event.y)

    def click(self, place: tuple[int, int]) -> None:
        """The mouse was clicked."""
        index = self.at(place)
        if index is not None:
            self.choose(index)
            self.press()

    def wheel(self, clicks: int) -> None:
        self.scroller.wheel(clicks)

    def choose(self, index: int | None) -> None:
        if index is not None and index != self.chosen:
            self.chosen = index
            self.kit.sound.play("move")


class ButtonScreen(KeyScreen):
    """A screen with buttons: Enter presses the focused one, and a key whose name is on a button presses that.

    Attributes:
        buttons: as they were drawn last.
        focus: index of the button that Enter presses.
        keys: keys that press the button with their name on it, as the keys of commands do.
    """

    keys: Sequence[int] = ()

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.buttons: list[Action] = []
        self.focus = 0

    @property
    def own_keys(self) -> Sequence[int]:
        return [*self.plain, *(key for key in self.keys if self.labelled(key_name(key)))]

    def command(self, command: Command) -> None:
        action = self.labelled(shown(command))
        if command is Command.RESET and self.focus < len(self.buttons):
            self.press(self.buttons[self.focus])
        elif action is not None:
            self.press(action)
        else:
            super().command(command)

    def key(self, key: int) -> None:
        if key in self.keys:
            self.press(self.labelled(key_name(key)))
        else:
            super().key(key)

    def works(self) -> Sequence[Hint]:
        hints = self.hints()
        named = {cap for cap, _ in hints}  # a key that a button names, too, is listed once
        offered = [each for each in self.buttons if each.cap and each.cap not in named and not each.why_not]
        return [*hints, *((action.cap, action.label) for action in offered)]

    def labelled(self, cap: str) -> Action | None:
        """The button with the name of a key on it."""
        return next((action for action in self.buttons if cap and action.cap == cap), None)

    def mouse(self, event: pygame.event.Event) -> None:
        if event.type == pygame.MOUSEMOTION:
            self.point(event.pos)
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            if button := self.point(event.pos):
                self.press(button)
            else:
                self.click(event.pos)

    def click(self, place: tuple[int, int]) -> None:
        """The mouse was clicked beside the buttons."""

    def press(self, action: Action | None) -> None:
        """Do what a button says, or say why that is impossible."""
        if action is None:
            return
        if action.why_not:
            self.window.say(f"{action.label}: {action.why_not}")
            return
        self.kit.sound.play("select")
        attempt(self.window, action.do)

    def point(self, place: tuple[int, int]) -> Action | None:
        """Put the focus on the button at a place, if there is one there, and return it."""
        for i, action in enumerate(self.buttons):
            if action.rect.collidepoint(place):
                self.focus = i
                return action
        return None
