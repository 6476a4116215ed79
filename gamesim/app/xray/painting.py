"""One picture of the x-ray, painted part by part, so that no frame of the window waits for all of it."""

import time
from collections.abc import Iterator

import pygame

from gamesim.app.game.play import Engine
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.widgets import paragraph
from gamesim.app.xray import layout
from gamesim.app.xray.chart import StripChart
from gamesim.app.xray.draw import draw_panel
from gamesim.app.xray.panels import Panel, panels_of

NOTHING = "X-ray shows what a network is thinking."
CHART = 120  # height of the strip chart in a 1280x800 window


class Painting:
    """A painting that is under way, or done.

    Attributes:
        area: of the x-ray on the window.
        view: the part of it for the panels.
        image: the panels, as high as they need.
        panels: with their places in the image; complete when `done`.
        nothing: words for an engine without panels.
        chart: the strip chart, below the view; None if there is no room for it.
        done: whether nothing is left to paint.
    """

    def __init__(self, area: pygame.Rect, engine: Engine, chart: StripChart, scale: Scale, way: str) -> None:
        self.area, self.view = area, area.copy()
        self.nothing = NOTHING + way
        self.image = pygame.Surface((0, 0))
        self.panels: list[tuple[Panel, layout.Tile]] = []
        self.chart: pygame.Surface | None = None
        self.done = False
        high = scale.px(CHART)
        if area.height >= 2.2 * high:
            self.chart = pygame.Surface((area.width, high))
            self.view.height -= high + scale.px(12)
        self._parts = self._paint(engine, chart, scale)

    def work(self, seconds: float | None = None) -> None:
        """Go on painting for about `seconds`, but at least one part; None: to the end."""
        end = None if seconds is None else time.perf_counter() + seconds
        for _ in self._parts:
            if end is not None and time.perf_counter() >= end:
                return
        self.done = True

    def _paint(self, engine: Engine, chart: StripChart, scale: Scale) -> Iterator[None]:
        shown, frame = engine.internals, engine.frame
        yield
        found = panels_of(shown, frame, engine.changes)
        yield
        if self.chart is not None:
            self.chart.fill(COLOURS["back"])
            chart.draw(self.chart, self.chart.get_rect(), engine, scale)
            yield
        needs = tuple(layout.Need(panel.wide, panel.title, panel.legend) for panel in found)
        places = layout.placed(self.view.size, needs, scale)
        self.image = pygame.Surface((self.view.width, max(self.view.height, layout.bottom(places))))
        self.image.fill(COLOURS["back"])
        if not found:
            paragraph(self.image, self.nothing, (0, 0), scale.px(17), self.view.width)
        for panel, tile in zip(found, places, strict=False):
            draw_panel(self.image, panel, tile, scale)
            self.panels.append((panel, tile))
            yield

    def draw(self, surface: pygame.Surface, scrolled: int) -> None:
        """Copy it to its place on the window; `scrolled` pixels of the panels are above the view."""
        surface.blit(self.image, self.view, pygame.Rect((0, scrolled), self.view.size))
        if self.chart is not None:
            surface.blit(self.chart, (self.area.left, self.area.bottom - self.chart.get_height()))
