"""A list on the left, what is known about the chosen row and what can be done with it on the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

import pygame

from gamesim.app.controls import DOWN, LEFT, RIGHT, UP, Command, shown
from gamesim.app.parts import (
    Action,
    draw_button_foot,
    draw_foot,
    draw_head,
    foot_height,
    margin_of,
)  # fmt: skip
from gamesim.app.screens.keyed import ButtonScreen
from gamesim.app.scroller import Scroller
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.widgets import box, paragraph, scrollbar

if TYPE_CHECKING:
    from gamesim.app.window import Window

PAGE = 8  # rows that Page up and Page down go


Row = TypeVar("Row")


class Listing(ButtonScreen, Generic[Row]):
    """Only rows that are seen are drawn, so that there may be any number of them.

    Up and down (or a click) choose a row, left and right a button, Enter does it; a second click on the
    chosen row does what the first button says.

    Attributes:
        row: height of a row at a window of 1280x800.
        chosen: index of the chosen row.
    """

    row = 72

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.chosen = self.scroll = 0
        self._view = pygame.Rect(0, 0, 0, 0)
        self._height = 1  # of a row, as drawn last
        self._reveal = self._dragging = False
        self.detail = Scroller()
        self._panel = pygame.Rect(0, 0, 0, 0)

    # what a list says ------------------------------------------------------------------------------------

    @property
    def rows(self) -> Sequence[Row]:
        """What is listed, from top to bottom."""
        raise NotImplementedError

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    @property
    def current(self) -> Row | None:
        """The chosen row; None in an empty list."""
        return self.rows[self.chosen] if self.chosen < self.count else None

    def line(self) -> str:
        """A line about the whole, beside the title."""
        return ""

    def nothing(self) -> str:
        """What stands in the place of an empty list."""
        return ""

    def draw_row(self, surface: pygame.Surface, rect: pygame.Rect, index: int, scale: Scale) -> None:
        """Draw a row inside `rect`; its ground is drawn already."""

    def draw_detail(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> int:
        """Draw all that is known about the chosen row, from the top of `area`; returns the y below it.

        What is lower than `area` is scrolled to.
        """
        return area.top

    def top_height(self, scale: Scale) -> int:
        """Pixels above the rows for `draw_top`."""
        return 0

    def draw_top(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> None:
        """Draw what stands above the rows, such as filters."""

    def actions(self) -> list[Action]:
        """What can be done now."""
        return []

    # keys and mouse --------------------------------------------------------------------------------------

    def mouse(self, event: pygame.event.Event) -> None:
        if self.detail.handle(event):
            return
        if event.type == pygame.MOUSEWHEEL and self._panel.collidepoint(pygame.mouse.get_pos()):
            self.detail.wheel(event.y)
        elif event.type == pygame.MOUSEWHEEL:
            self.scroll -= event.y * self._height
        elif event.type == pygame.MOUSEMOTION:
            if self._dragging:
                self._drag(event.pos)
            self.point(event.pos)
        elif event.type == pygame.MOUSEBUTTONUP:
            self._dragging = False
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self._click(event.pos)

    def key(self, key: int) -> None:
        jumps = {
            pygame.K_PAGEUP: -PAGE,
            pygame.K_PAGEDOWN: PAGE,
            pygame.K_HOME: -self.count,
            pygame.K_END: self.count,
        }
        if key in jumps:
            self.choose(self.chosen + jumps[key])
        else:
            super().key(key)

    def go(self, move: int) -> None:
        """Up and down through the rows, left and right through the buttons."""
        if move in (UP, DOWN):
            self.choose(self.chosen + (1 if move == DOWN else -1))
        elif move in (LEFT, RIGHT) and self.buttons:
            self.focus = (self.focus + (1 if move == RIGHT else -1)) % len(self.buttons)
            self.window.sound.play("move")

    def choose(self, index: int) -> None:
        index = min(self.count - 1, max(0, index))
        if index != self.chosen and index >= 0:
            self.chosen = index
            self._reveal = True
            self.detail.at = 0
            self.window.sound.play("move")

    def _click(self, place: tuple[int, int]) -> None:
        button = self.point(place)
        if button is not None:
            self.press(button)
        elif self._gutter().collidepoint(place):
            self._dragging = True
            self._drag(place)
        elif self._view.collidepoint(place):
            index = (place[1] - self._view.top + self.scroll) // self._height
            if index == self.chosen and self.buttons:
                self.press(self.buttons[0])
            elif index < self.count:
                self.chosen = index
                self.detail.at = 0
                self.window.sound.play("move")

    def _drag(self, place: tuple[int, int]) -> None:
        share = (place[1] - self._view.top) / max(1, self._view.height)
        self.scroll = round(min(1.0, max(0.0, share)) * self._most())

    # time and drawing ------------------------------------------------------------------------------------

    def update(self, seconds: float) -> None:
        super().update(seconds)
        self.chosen = max(0, min(self.chosen, self.count - 1))

    def draw(self, surface: pygame.Surface) -> None:
        size = surface.get_size()
        scale = Scale.of(size)
        margin = margin_of(size, scale)
        top = draw_head(surface, self.caption, self.line(), scale)
        body = pygame.Rect(margin, top, size[0] - 2 * margin, size[1] - top - foot_height(scale))
        draw_foot(surface, self.hints(), scale)
        if body.width < 40 or body.height < 20:
            return
        beside = body.width >= scale.px(560)
        panel = body.copy()
        if beside:
            panel.width = min(scale.px(430), round(body.width * 0.44))
            panel.right = body.right
            body.width = panel.left - scale.px(22) - body.left
        else:
            body.height = max(self._height, round(body.height * 0.45))
            panel.top, panel.height = body.bottom + scale.px(8), panel.bottom - body.bottom - scale.px(8)
        above = self.top_height(scale)
        if above and body.height > 3 * above:
            self.draw_top(surface, pygame.Rect(body.left, body.top, body.width, above), scale)
            body.top, body.height = body.top + above, body.height - above
        self.buttons = self.actions()
        self.focus = min(self.focus, max(0, len(self.buttons) - 1))
        self._draw_list(surface, body, scale)
        if panel.height > 20:
            self._draw_panel(surface, panel, scale)

    def hints(self) -> list[tuple[str, str]]:
        """Keys for the line at the bottom."""
        choose = self.buttons[self.focus].label.lower() if self.focus < len(self.buttons) else "choose"
        return [
            (shown(UP), ""), (shown(DOWN), "row"), (shown(LEFT), ""), (shown(RIGHT), "button"),
            (shown(Command.RESET), choose), (shown(Command.HELP), "help"), (shown(Command.BACK), "back"),
        ]  # fmt: skip

    def _draw_list(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> None:
        self._view, self._height = area, scale.px(self.row)
        if not self.count:
            paragraph(surface, self.nothing(), (area.left, area.top + scale.px(8)), scale.px(18), area.width)
            return
        if self._reveal:
            self._reveal = False
            top = self.chosen * self._height
            self.scroll = min(top, max(self.scroll, top + self._height - area.height))
        self.scroll = min(max(0, self.scroll), self._most())
        clip = surface.get_clip()
        surface.set_clip(area.clip(clip))
        gap = scale.px(8)
        first = self.scroll // self._height
        for index in range(first, min(self.count, first + area.height // self._height + 2)):
            rect = pygame.Rect(area.left, area.top + index * self._height - self.scroll, area.width, 0)
            rect.height = self._height - gap
            rect.width -= scale.px(14) if self._most() else 0
            chosen = index == self.chosen
            edge = COLOURS["real"] if chosen else None
            box(surface, rect, COLOURS["raised" if chosen else "panel"], scale.px(10), edge, scale.px(2))
            self.draw_row(surface, rect.inflate(-scale.px(16), -scale.px(12)), index, scale)
        surface.set_clip(clip)
        scrollbar(surface, self._gutter(), self.scroll, self._most())

    def _most(self) -> int:
        return max(0, self.count * self._height - self._view.height)

    def _gutter(self) -> pygame.Rect:
        return pygame.Rect(self._view.right - 8, self._view.top, 8 if self._most() else 0, self._view.height)

    def _draw_panel(self, surface: pygame.Surface, panel: pygame.Rect, scale: Scale) -> None:
        pad, self._panel = scale.px(18), panel
        box(surface, panel, COLOURS["panel"], scale.px(14))
        inner = panel.inflate(-2 * pad, -2 * pad)
        if inner.width < 20 or inner.height < 20:
            return
        clip = surface.get_clip()
        surface.set_clip(inner.clip(clip))
        bottom = draw_button_foot(surface, inner, self.buttons, self.focus, scale)
        view = pygame.Rect(inner.left, inner.top, inner.width, max(0, bottom - inner.top))
        if self.count and view.height > 0:
            surface.set_clip(view.clip(clip))
            bar = Scroller.width(scale) if self.detail.most else 0
            area = view.move(0, -self.detail.at)
            area.width -= bar
            self.detail.fit(view, self.draw_detail(surface, area, scale) - area.top, scale)
            self.detail.draw(surface)
        surface.set_clip(clip)
