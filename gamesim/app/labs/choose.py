"""The list of all labs, and what each is about."""

from functools import partial

import pygame

from gamesim import labs
from gamesim.app.labs.page import LabPage
from gamesim.app.navigation import Navigator
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.listing import Listing, draw_words
from gamesim.app.ui.parts import Action
from gamesim.app.ui.widgets import paragraph, text, wrap
from gamesim.labs import Entry


class Labs(Listing[Entry]):
    """Choose one to play with."""

    caption = "Labs"
    row = 76

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.rows = list(labs.entries().values())
        self.missing = {entry.name: entry.missing() for entry in self.rows}

    def line(self) -> str:
        return "More methods of machine learning to play with"

    def nothing(self) -> str:
        return "No labs yet"

    def actions(self) -> list[Action]:
        entry = self.current
        if entry is None:
            return []
        extra = self.missing[entry.name]
        why_not = f"it needs the extra {extra}" if extra else ""
        return [Action("Open", partial(self.open, entry), why_not=why_not)]

    def open(self, entry: Entry) -> None:
        self.window.go(LabPage(self.window, entry))

    def draw_row(self, surface: pygame.Surface, rect: pygame.Rect, row: Entry, scale: Scale) -> None:
        extra = self.missing[row.name]
        words = f"needs the extra {extra}" if extra else ""
        inner = rect.inflate(-scale.px(8), 0)
        draw_words(surface, inner, row.title, row.authors, words, COLOURS["bad"], scale)

    def draw_detail(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> int:
        entry = self.current
        if entry is None:
            return area.top
        y = area.top
        for line in wrap(entry.title, scale.px(22), area.width, True):
            y = text(surface, line, (area.left, y), scale.px(22), bold=True).bottom
        place = (area.left, y + scale.px(6))
        y = paragraph(surface, entry.paper, place, scale.px(15), area.width, COLOURS["real"])
        y = paragraph(surface, entry.about, (area.left, y + scale.px(8)), scale.px(17), area.width)
        if extra := self.missing[entry.name]:
            how = f"Install it with: pip install 'gamesim[{extra}]'"
            y = paragraph(
                surface, how, (area.left, y + scale.px(8)), scale.px(15), area.width, COLOURS["bad"]
            )
        return y
