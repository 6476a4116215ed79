"""Draws the page of a lab: head, panels and column, the same for the window and the command line."""

from collections.abc import Sequence

import pygame

from gamesim.app.labs.column import Column
from gamesim.app.labs.layout import lay_out
from gamesim.app.labs.panels import alike, draw_panel, image_place
from gamesim.app.theme import COLOURS, Scale, font
from gamesim.app.ui.parts import draw_head, head_room, margin_of
from gamesim.app.ui.scroller import Scroller
from gamesim.app.ui.widgets import clipped, paragraph, wrap
from gamesim.labs import Entry
from gamesim.labs.panels import Panel, Picture

COLUMN = 330  # width of the column, in a window of 1280x800
WIDE = 1.2  # from this ratio of width to height, the column lies beside the panels and not below them
ABOUT = 2  # lines on what a lab is about
KEPT = 48  # drawn panels to keep


class Poster:
    """What a page shows: set its attributes and `draw` it.

    Attributes:
        panels: what the lab shows now.
        notice: a line in place of the panels, about an error if it is `bad`; "" if they should be drawn.
        view, places: where all panels, and each of them, were drawn last.
    """

    def __init__(self, entry: Entry, column: Column) -> None:
        self.entry, self.column = entry, column
        self.panels: Sequence[Panel] = ()
        self.notice = ""
        self.bad = False
        self.scroller = Scroller()
        self.view = pygame.Rect(0, 0, 0, 0)
        self.places: list[pygame.Rect] = []
        self._scale = Scale(1.0)
        self._laid: tuple = ((), (0, 0), None, [], 0)  # panels, room, scale -> places, height
        self._drawn: dict[tuple, tuple[Panel, pygame.Surface]] = {}  # without the mouse on them

    @property
    def hidden(self) -> int:
        """Height in pixels of the panels or controls that did not fit."""
        return max(self.scroller.most, self.column.scroller.most)

    def clicked(self, place: tuple[int, int]) -> tuple[str, float, float] | None:
        """The title of the picture at a place, and the place in it as shares of width and height, 0..1."""
        for panel, rect in zip(self.panels, self.places, strict=False):
            if isinstance(panel, Picture) and panel.clicks and self.view.collidepoint(place):
                image = image_place(panel, rect, self._scale)
                if image.collidepoint(place):
                    x, y = place[0] - image.left, place[1] - image.top
                    return panel.title, (x + 0.5) / image.width, (y + 0.5) / image.height
        return None

    def draw(self, surface: pygame.Surface, foot: int, pointer: tuple[int, int] = (-1, -1)) -> None:
        """Draw everything, `foot` pixels above the bottom; `pointer` is the mouse, (x, y) in pixels."""
        size = surface.get_size()
        scale = self._scale = Scale.of(size)
        margin = margin_of(size, scale)
        top = self._draw_head(surface, margin, scale)
        main = pygame.Rect(margin, top, size[0] - 2 * margin, size[1] - top - foot)
        if main.width < 40 or main.height < 20:
            return
        column = main.copy()
        if main.width >= WIDE * main.height:
            column.width = min(scale.px(COLUMN), round(main.width * 0.42))
            column.right = main.right
            main.width = column.left - scale.px(16) - main.left
        else:
            main.height = main.height // 2
            column.top, column.height = main.bottom + scale.px(8), column.bottom - main.bottom - scale.px(8)
        self._draw_panels(surface, main, scale, pointer)
        self.column.draw(surface, column, scale)

    def _draw_head(self, surface: pygame.Surface, margin: int, scale: Scale) -> int:
        # Beside the title stands the paper if it fits, or else its authors, or nothing.
        room, measure = head_room(surface, self.entry.title, scale), font(scale.px(17)).size
        known = (self.entry.paper, self.entry.authors)
        line = next((words for words in known if measure(words)[0] <= room), "")
        y = draw_head(surface, self.entry.title, line, scale) - scale.px(8)
        width = max(1, surface.get_width() - 2 * margin)
        y = paragraph(surface, self.entry.about, (margin, y), scale.px(17), width, most=ABOUT)
        return y + scale.px(10)

    def _draw_panels(
        self, surface: pygame.Surface, view: pygame.Rect, scale: Scale, pointer: tuple[int, int]
    ) -> None:
        self.view = view
        with clipped(surface, view):
            if self.notice:
                self._draw_notice(surface, view, scale)
            elif self.panels:
                self._lay_out(view, scale)
                for panel, place in zip(self.panels, self.places, strict=True):
                    if place.colliderect(view):
                        if place.collidepoint(pointer) and view.collidepoint(pointer):
                            draw_panel(surface, place, panel, scale, pointer)
                        else:
                            surface.blit(self._picture(panel, place.size, scale), place)
                self.scroller.draw(surface)

    def _lay_out(self, view: pygame.Rect, scale: Scale) -> None:
        """Find a place for each panel, unless the last places are still right."""
        panels, *how = self._laid[:3]
        if panels is not self.panels or how != [view.size, scale]:
            places, height = lay_out(self.panels, view.size, scale)
            if height > view.height:
                room = (view.width - Scroller.width(scale), view.height)
                places, height = lay_out(self.panels, room, scale)
            self._laid = self.panels, view.size, scale, places, height
        *_, places, height = self._laid
        self.scroller.fit(view, height, scale)
        self.places = [place.move(view.left, view.top - self.scroller.at) for place in places]

    def _picture(self, panel: Panel, size: tuple[int, int], scale: Scale) -> pygame.Surface:
        """A drawn panel, from last time if it still looks the same."""
        key = panel.title, size, scale
        known = self._drawn.get(key)
        if known is None or not alike(known[0], panel):
            if len(self._drawn) > KEPT:
                self._drawn.clear()
            surface = pygame.Surface(size)
            surface.fill(COLOURS["back"])
            draw_panel(surface, surface.get_rect(), panel, scale, (-1, -1))
            self._drawn[key] = known = panel, surface
        return known[1]

    def _draw_notice(self, surface: pygame.Surface, view: pygame.Rect, scale: Scale) -> None:
        size = scale.px(18)
        width = max(1, min(view.width - scale.px(20), scale.px(640)))
        y = view.centery - len(wrap(self.notice, size, width)) * round(size * 1.35) // 2
        colour = COLOURS["bad" if self.bad else "quiet"]
        paragraph(surface, self.notice, (view.centerx, y), size, width, colour, anchor="midtop")
