"""Screens with a list on the left, and the facts and buttons of the chosen row on the right."""

import math
from collections.abc import Sequence
from typing import Generic, TypeVar

import pygame

from gamesim.app.controls import DOWN, LEFT, RIGHT, UP, Command, Hint, shown
from gamesim.app.navigation import Navigator
from gamesim.app.theme import COLOURS, Colour, Scale
from gamesim.app.ui.keyed import ButtonScreen
from gamesim.app.ui.parts import Action, actions_height, draw_around, draw_button_foot
from gamesim.app.ui.scroller import Scroller
from gamesim.app.ui.widgets import box, clipped, paragraph, text

NARROW = 560  # pixels, in a window of 1280x800: on a narrower screen the panel lies below the rest
PAD = 18  # pixels between the edge of the panel and what is in it


class PanelScreen(ButtonScreen):
    """Left and right choose a button of the panel; facts that do not fit into it scroll (`detail`).

    `refresh` is called again after `every` seconds. `clock` tells for how many it has been on top.
    """

    every = math.inf

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.detail = Scroller()
        self._panel = pygame.Rect(0, 0, 0, 0)
        self.clock = self._since = 0.0

    def refresh(self) -> None:
        """Read again what may have changed."""

    def update(self, seconds: float) -> None:
        super().update(seconds)
        self.clock += seconds
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
        label = self.buttons[self.focus].label.lower() if self.focus < len(self.buttons) else "choose"
        return [*choose, *([(shown(Command.RESET), label)] if self.buttons else [])]

    def _renew(self) -> None:
        """Make the buttons again: between two frames a key may have chosen another row."""
        fresh = self.actions()
        for old, new in zip(self.buttons, fresh, strict=False):
            new.rect = old.rect
        was = [button.label for button in self.buttons[self.focus : self.focus + 1]]
        self.buttons, self.focus = fresh, min(self.focus, max(0, len(fresh) - 1))
        if fresh and fresh[self.focus].danger and fresh[self.focus].label not in was:
            self.focus = 0  # nobody chose it: another button was there

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
            need = actions_height(panel.width - 2 * scale.px(PAD), self.buttons, scale) + 2 * scale.px(PAD)
            most = min(round(main.height * 0.45), main.height - scale.px(8) - need)
            main.height = max(scale.px(84), most)
            panel.top, panel.height = main.bottom + scale.px(8), panel.bottom - main.bottom - scale.px(8)
        self.draw_main(surface, main, scale)
        if panel.height > 20:
            self._draw_panel(surface, panel, scale)

    def _draw_panel(self, surface: pygame.Surface, panel: pygame.Rect, scale: Scale) -> None:
        pad, self._panel = scale.px(PAD), panel
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


PAGE = 8  # rows that Page up and Page down jump


Row = TypeVar("Row")


class Listing(PanelScreen, Generic[Row]):
    """A list of any length: only the visible rows are drawn.

    Up and down (or a click) choose a row, left and right choose a button, Enter presses it; a click on the
    chosen row presses the first button.

    Attributes:
        row: height of a row in pixels, in a window of 1280x800; `height` is that of the rows as drawn last.
        view: where the rows were drawn last.
    """

    row = 72
    plain = (pygame.K_PAGEUP, pygame.K_PAGEDOWN, pygame.K_HOME, pygame.K_END)

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.rows: Sequence[Row] = ()
        self.chosen = 0
        self.scroller = Scroller()
        self.view = pygame.Rect(0, 0, 0, 0)
        self.height = 1
        self._reveal = False

    # what a list says ------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def current(self) -> Row | None:
        """The chosen row; None in an empty list."""
        return self.rows[self.chosen] if self.chosen < self.count else None

    def mark(self, row: Row) -> object:
        """What identifies a row when the list is rebuilt."""
        return row

    def show(self, rows: Sequence[Row]) -> None:
        """List other rows; the chosen one stays chosen if it is still among them."""
        was = [self.mark(row) for row in self.rows[self.chosen : self.chosen + 1]]
        marks = [self.mark(row) for row in rows]
        self.rows = rows
        if was and was[0] in marks and self.chosen != marks.index(was[0]):
            # A row in view stays in view: else Enter and Delete would mean one that nobody sees.
            self._reveal |= -self.height < self.chosen * self.height - self.scroller.at < self.view.height
            self.chosen = marks.index(was[0])

    def nothing(self) -> str:
        """The text in place of an empty list."""
        return ""

    def draw_row(self, surface: pygame.Surface, rect: pygame.Rect, row: Row, scale: Scale) -> None:
        """Draw a row inside `rect`; its background is already drawn."""

    # keys and mouse --------------------------------------------------------------------------------------

    def mouse(self, event: pygame.event.Event) -> None:
        if not self.scroller.handle(event):
            super().mouse(event)

    def wheel(self, clicks: int) -> None:
        self.scroller.wheel(clicks)

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
        else:
            super().go(move)

    def choose(self, index: int) -> None:
        index = min(self.count - 1, max(0, index))
        if index != self.chosen and index >= 0:
            self.chosen = index
            self._reveal = True
            self.detail.at = 0
            self.kit.sound.play("move")

    def click(self, place: tuple[int, int]) -> None:
        self._renew()  # another row may have been chosen since the buttons were drawn
        if self.view.collidepoint(place):
            index = self.index_at(place)
            if index == self.chosen and self.buttons:
                self.press(self.buttons[0])
            elif index < self.count:
                self.chosen = index
                self.detail.at = 0
                self.kit.sound.play("move")

    def index_at(self, place: tuple[int, int]) -> int:
        return (place[1] - self.view.top + self.scroller.at) // self.height

    # time and drawing ------------------------------------------------------------------------------------

    def update(self, seconds: float) -> None:
        super().update(seconds)
        self.chosen = max(0, min(self.chosen, self.count - 1))

    def draw_main(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> None:
        self.view, self.height = area, scale.px(self.row)
        self.scroller.step = self.height
        self.scroller.fit(area, self.count * self.height, scale)
        if not self.count:
            paragraph(surface, self.nothing(), (area.left, area.top + scale.px(8)), scale.px(18), area.width)
            return
        self.scroller.follow(self.chosen * self.height, (self.chosen + 1) * self.height, self._reveal)
        self._reveal = False
        first = self.scroller.at // self.height
        with clipped(surface, area):
            for index in range(first, min(self.count, first + area.height // self.height + 2)):
                top = area.top + index * self.height - self.scroller.at
                rect = pygame.Rect(area.left, top, area.width, self.height - scale.px(8))
                rect.width -= Scroller.width(scale) if self.scroller.most else 0
                chosen = index == self.chosen
                edge = COLOURS["real"] if chosen else None
                box(surface, rect, COLOURS["raised" if chosen else "panel"], scale.px(10), edge, scale.px(2))
                self.draw_row(surface, rect.inflate(-scale.px(16), -scale.px(12)), self.rows[index], scale)
        self.scroller.draw(surface)

    def hints(self) -> list[tuple[str, str]]:
        rows = [(shown(UP), ""), (shown(DOWN), "row")] if self.count > 1 else []
        ways = [(shown(Command.HELP), "help"), (shown(Command.BACK), "back")]
        return [*rows, *self.button_hints(), *ways]

    def works(self) -> Sequence[Hint]:
        more = [("PgUp", ""), ("PgDn", "a page"), ("Home", ""), ("End", "first, last row")]
        return [*super().works(), *(more if self.count > 1 else [])]


def draw_words(
    surface: pygame.Surface, area: pygame.Rect, name: str, below: str, mark: str, colour: Colour, scale: Scale
) -> None:
    """The words of a row: its name, a coloured mark to the right of it, and a quiet line below."""
    size, half = scale.px(16), max(1, area.width // 2)
    place = (area.right, area.top + scale.px(4))
    drawn = text(surface, mark, place, size, colour, bold=True, anchor="topright", width=half)
    room, place = max(1, drawn.left - area.left - scale.px(10)), (area.left, area.top + scale.px(3))
    text(surface, name, place, scale.px(18), bold=True, width=room, shrinks=True)
    place = (area.left, area.top + scale.px(29))
    text(surface, below, place, scale.px(15), COLOURS["quiet"], width=max(1, area.width))
