"""Screens with things to browse on the left, and a panel of facts and buttons on the right."""

import math

import pygame

from gamesim.app.controls import LEFT, RIGHT, Command, shown
from gamesim.app.navigation import Navigator
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.keyed import ButtonScreen
from gamesim.app.ui.parts import Action, draw_around, draw_button_foot
from gamesim.app.ui.scroller import Scroller
from gamesim.app.ui.widgets import box, clipped

NARROW = 560  # pixels, in a window of 1280x800: on a narrower screen the panel lies below the rest


class PanelScreen(ButtonScreen):
    """Left and right choose a button of the panel; facts that do not fit into it scroll.

    Attributes:
        every: seconds between two calls of `refresh`.
        detail: scrolls the facts in the panel.
    """

    every = math.inf

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.detail = Scroller()
        self._panel = pygame.Rect(0, 0, 0, 0)
        self._since = 0.0

    def refresh(self) -> None:
        """Read again what may have changed."""

    def update(self, seconds: float) -> None:
        super().update(seconds)
        self._since += seconds
        if self._since >= self.every:
            self._since = 0.0
            self.refresh()

    def line(self) -> str:
        """The line beside the title."""
        return ""

    def actions(self) -> list[Action]:
        """The buttons of the panel, as they are now."""
        return []

    def draw_main(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> None:
        """Draw the left side."""

    def draw_detail(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> int:
        """Draw the facts from the top of `area`, even beyond its bottom; returns the y below them."""
        return area.top

    def button_hints(self) -> list[tuple[str, str]]:
        """The keys of the buttons, as far as they do something."""
        choose = [(shown(LEFT), ""), (shown(RIGHT), "button")] if len(self.buttons) > 1 else []
        return [*choose, *([(shown(Command.RESET), self.chosen_label)] if self.buttons else [])]

    @property
    def chosen_label(self) -> str:
        """What Enter does now, in a word or two."""
        return self.buttons[self.focus].label.lower() if self.focus < len(self.buttons) else "choose"

    def _renew(self) -> None:
        """Make the buttons again: between two frames a key may have chosen another row."""
        fresh = self.actions()
        for old, new in zip(self.buttons, fresh, strict=False):
            new.rect = old.rect
        self.buttons = fresh
        self.focus = min(self.focus, max(0, len(fresh) - 1))

    def command(self, command: Command) -> None:
        self._renew()
        super().command(command)

    def key(self, key: int) -> None:
        self._renew()
        super().key(key)

    def go(self, move: int) -> None:
        if move in (LEFT, RIGHT) and self.buttons:
            self.focus = (self.focus + (1 if move == RIGHT else -1)) % len(self.buttons)
            self.kit.sound.play("move")

    def mouse(self, event: pygame.event.Event) -> None:
        if event.type == pygame.MOUSEWHEEL:
            inside = self._panel.collidepoint(pygame.mouse.get_pos())
            (self.detail.wheel if inside else self.wheel)(event.y)
        elif not self.detail.handle(event):
            super().mouse(event)

    def wheel(self, clicks: int) -> None:
        """The wheel was turned outside the panel."""

    def draw(self, surface: pygame.Surface) -> None:
        self._renew()
        main, scale = draw_around(surface, self.caption, self.line(), self.hints())
        if main.width < 40 or main.height < 20:
            return
        panel = main.copy()
        if main.width >= scale.px(NARROW):
            panel.width = min(scale.px(430), round(main.width * 0.44))
            panel.right = main.right
            main.width = panel.left - scale.px(22) - main.left
        else:
            main.height = max(scale.px(84), round(main.height * 0.45))
            panel.top, panel.height = main.bottom + scale.px(8), panel.bottom - main.bottom - scale.px(8)
        self.draw_main(surface, main, scale)
        if panel.height > 20:
            self._draw_panel(surface, panel, scale)

    def _draw_panel(self, surface: pygame.Surface, panel: pygame.Rect, scale: Scale) -> None:
        pad, self._panel = scale.px(18), panel
        box(surface, panel, COLOURS["panel"], scale.px(14))
        inner = panel.inflate(-2 * pad, -2 * pad)
        if inner.width < 20 or inner.height < 20:
            return
        with clipped(surface, inner):
            bottom = draw_button_foot(surface, inner, self.buttons, self.focus, scale)
        view = pygame.Rect(inner.left, inner.top, inner.width, max(0, bottom - inner.top))
        if view.height == 0:
            return
        with clipped(surface, view):
            area = view.move(0, -self.detail.at)
            area.width -= Scroller.width(scale) if self.detail.most else 0
            self.detail.fit(view, self.draw_detail(surface, area, scale) - area.top, scale)
            self.detail.draw(surface)
