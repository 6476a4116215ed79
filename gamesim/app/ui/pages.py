"""Pages to read: headings, paragraphs, tables and pictures one below the other; long pages scroll."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pygame

from gamesim.app.controls import DOWN, UP, Command, shown
from gamesim.app.navigation import Navigator
from gamesim.app.theme import COLOURS, Scale, font
from gamesim.app.ui.keyed import KeyScreen
from gamesim.app.ui.parts import draw_around
from gamesim.app.ui.scroller import Scroller
from gamesim.app.ui.widgets import clipped, paragraph, text, wrap

WIDEST = 860
"""Pixels of a line in a 1280x800 window: longer ones are hard to read."""


@dataclass(frozen=True)
class Words:
    """A paragraph, with a heading if it has one; the name of a command in brackets stands for its key."""

    words: str
    heading: str = ""

    @property
    def said(self) -> str:
        words = self.words
        for command in Command:
            words = words.replace(f"[{command.name}]", shown(command))
        return words

    def draw(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> int:
        """Draw from the top of `area`; returns the y below."""
        y, size = area.top, scale.px(18)
        if self.heading:
            for line in wrap(self.heading, scale.px(20), area.width, True):
                y = text(surface, line, (area.left, y), scale.px(20), bold=True).bottom + scale.px(4)
        place = (area.left, y)
        return paragraph(surface, self.said, place, size, area.width, row=round(size * 1.4)) + scale.px(14)


@dataclass(frozen=True)
class Table:
    """Rows of the same length, the first row and the first column in bold; `source` stands below them."""

    rows: Sequence[Sequence[str]]
    source: str

    def draw(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> int:
        """Draw from the top of `area`; returns the y below."""
        y, row = area.top, scale.px(32)
        count = len(self.rows[0])
        most = max(font(scale.px(17), True).size(cells[0])[0] for cells in self.rows) + scale.px(16)
        first = min(area.width // 2, most)
        step = (area.width - first) // max(1, count - 1)
        for i, cells in enumerate(self.rows):
            for j, words in enumerate(cells):
                x = area.left + (0 if j == 0 else first + (j - 1) * step)
                bold, room = i == 0 or j == 0, max(1, (first if j == 0 else step) - scale.px(8))
                size = scale.px(17)
                while size > 8 and font(size, bold).size(words)[0] > room:
                    size -= 1
                colour = COLOURS["text" if bold else "quiet"]
                text(surface, words, (x, y + row // 2), size, colour, bold=bold, anchor="midleft", width=room)
            y += row
            pygame.draw.line(surface, COLOURS["raised"], (area.left, y), (area.right - 1, y))
        place, size = (area.left, y + scale.px(6)), scale.px(15)
        return paragraph(surface, self.source, place, size, area.width, row=scale.px(20)) + scale.px(16)


@dataclass(frozen=True)
class Picture:
    """Something that draws itself from the top of a given area, and says how far down it went."""

    draw: Callable[[pygame.Surface, pygame.Rect, Scale], int]


Block = Words | Table | Picture


class Page(KeyScreen):
    """Blocks below a title; arrows, wheel, Page keys and the bar scroll."""

    line = ""
    plain = (pygame.K_PAGEUP, pygame.K_PAGEDOWN)

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.scroller = Scroller()

    def blocks(self) -> Sequence[Block]:
        """The blocks of the page, from top to bottom."""
        return ()

    def go(self, move: int) -> None:
        if move in (UP, DOWN):
            self.scroller.lines(-1 if move == UP else 1)

    def key(self, key: int) -> None:
        if key in (pygame.K_PAGEUP, pygame.K_PAGEDOWN):
            self.scroller.lines(-6 if key == pygame.K_PAGEUP else 6)
        else:
            super().key(key)

    def mouse(self, event: pygame.event.Event) -> None:
        if not self.scroller.handle(event) and event.type == pygame.MOUSEWHEEL:
            self.scroller.wheel(event.y)

    def hints(self) -> list[tuple[str, str]]:
        scroll = [(shown(UP), ""), (shown(DOWN), "scroll")] if self.scroller.most else []
        return [*scroll, (shown(Command.BACK), "back")]

    def draw(self, surface: pygame.Surface) -> None:
        view, scale = draw_around(surface, self.caption, self.line, self.hints())
        if view.width < 20 or view.height < 20:
            return
        begin = view.top - self.scroller.at
        area = view.move(0, -self.scroller.at)
        area.width = min(view.width - scale.px(20), scale.px(WIDEST))
        with clipped(surface, view):
            for block in self.blocks():
                area.top = block.draw(surface, area, scale)
        self.scroller.step = scale.px(48)
        self.scroller.fit(view, area.top - begin, scale)
        self.scroller.draw(surface)
