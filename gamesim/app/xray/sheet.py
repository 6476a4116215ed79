"""One picture of the x-ray, painted part by part: no frame of the window has to wait for all of it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pygame

from gamesim.app.game.change import changes
from gamesim.app.game.play import Engine
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.widgets import paragraph, shorten, text
from gamesim.app.xray import layout
from gamesim.app.xray.chart import Chart
from gamesim.app.xray.draw import draw_panel
from gamesim.app.xray.panels import Panel, panels_of

NOTHING = "X-ray shows what a network is thinking. Switch to the dream with Tab."
CHART = 120  # height of the strip chart in a 1280x800 window


class Sheet:
    """A painting that is under way, or done.

    Attributes:
        image: what has been painted.
        panels: with their places on the window; complete when it is done.
        done: whether nothing is left to paint.
    """

    def __init__(self, area: pygame.Rect, engine: Engine, chart: Chart, scale: Scale) -> None:
        self.image = pygame.Surface(area.size)
        self.panels: list[tuple[Panel, layout.Tile]] = []
        self.done = False
        self._parts = self._paint(area, engine, chart, scale)

    def work(self, seconds: float | None = None) -> None:
        """Paint on for about so long, at least one part; None: to the end."""
        end = None if seconds is None else time.perf_counter() + seconds
        for _ in self._parts:
            if end is not None and time.perf_counter() >= end:
                return
        self.done = True

    def _paint(self, area: pygame.Rect, engine: Engine, chart: Chart, scale: Scale) -> Iterator[None]:
        self.image.fill(COLOURS["back"])
        shown, frame = engine.internals, engine.frame
        yield
        found = panels_of(shown, frame, changes(engine))
        yield
        room = self.image.get_rect()
        strip = pygame.Rect(0, room.bottom - scale.px(CHART), room.width, scale.px(CHART))
        if room.height >= 2.2 * strip.height:
            chart.draw(self.image, strip, engine, scale)
            room.height -= strip.height + scale.px(12)
            yield
        if not found:
            paragraph(self.image, NOTHING, room.topleft, scale.px(17), room.width)
        places = layout.placed(room, tuple(panel.wide for panel in found), scale)
        for panel, tile in zip(found, places, strict=False):
            draw_panel(self.image, panel, tile, scale)
            self.panels.append((panel, tile.moved(area.topleft)))
            yield
        if missing := found[len(places) :]:
            self._note(room, missing, scale)

    def _note(self, room: pygame.Rect, missing: list[Panel], scale: Scale) -> None:
        """Says what there was no room for."""
        words = f"A larger window also shows: {', '.join(panel.title for panel in missing)}"
        size, width = max(11, scale.px(13)), max(1, room.width)
        words = shorten(words, size, width)
        text(self.image, words, room.bottomleft, size, COLOURS["dream"], anchor="bottomleft")
