"""The x-ray view: panels of what an engine remembers and draws with, drawn anew only when it has changed."""

from __future__ import annotations

import pygame

from gamesim.app import hud
from gamesim.app.play import Engine
from gamesim.app.session import Session
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.widgets import paragraph, text, wrap
from gamesim.app.xray import layout
from gamesim.app.xray.change import change, changes
from gamesim.app.xray.chart import Chart
from gamesim.app.xray.draw import bar_at, draw_panel
from gamesim.app.xray.panels import Panel, panels_of

NOTHING = "The real game keeps no picture of itself: there is nothing to look into. Tab goes to its dream."
CHART = 120  # height of the strip chart in a 1280x800 window


class XRay:
    """Looks into one engine of a session while it is open; closed, it costs nothing.

    Attributes:
        open: whether it is on screen.
        panels: what was drawn last, with their places.
        problem: why a bar could not be dragged, to be said once; None if all is well.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.open = False
        self.panels: list[tuple[Panel, layout.Tile]] = []
        self.problem: str | None = None
        self.chart = Chart()
        self._area = pygame.Rect(0, 0, 0, 0)
        self._image: pygame.Surface | None = None
        self._drawn: tuple = ()
        self._hand: tuple[int, float] | None = None  # the bar that is held, and its height
        self._put: tuple = (None, None)  # the frame that came of it, and the bar as it was then

    @property
    def engine(self) -> Engine:
        """The engine that is looked into: the first that lets itself be."""
        playing = self.session.playing
        return next((engine for engine in playing if hasattr(engine.env.unwrapped, "internals")), playing[0])

    def toggle(self) -> None:
        self.open = not self.open
        self._hand, self._image = None, None

    def layout(self, size: tuple[int, int], boards: int, film: int) -> hud.Layout:
        """The play screen's layout, which makes room for the x-ray while it is open."""
        self._area = pygame.Rect(0, 0, 0, 0)
        if not self.open:
            return hud.layout(size, boards, film)
        found, self._area = layout.beside(size, boards, film)
        return found

    def follow(self) -> None:
        """Take in the steps that were made, and hold the bar that is being dragged."""
        self.chart.follow(self.engine)
        frame, hand = self._put
        if self._hand is None or (frame is self.engine.frame and hand == self._hand):
            return
        index, height = self._hand
        z = self.engine.internals["z"].copy()
        z[index] = height
        self.problem = change(self.engine, "z", z)
        self._hand = None if self.problem else self._hand
        self._put = (self.engine.frame, self._hand)

    # the mouse -------------------------------------------------------------------------------------------

    def handle(self, event: pygame.event.Event) -> bool:
        """Bars that may be changed are dragged; returns whether the event was for the x-ray."""
        if not self.open:
            return False
        if event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self._grab(event.pos)
        elif event.type == pygame.MOUSEMOTION and self._hand is not None:
            self._grab(event.pos, self._hand[0])
        elif event.type in (pygame.MOUSEBUTTONUP, pygame.WINDOWFOCUSLOST) and self._hand is not None:
            self.follow()
            self._hand = None
            return event.type == pygame.MOUSEBUTTONUP
        else:
            return False
        return self._hand is not None

    def _grab(self, place: tuple[int, int], index: int | None = None) -> None:
        for panel, tile in self.panels:
            if panel.draggable and (index is not None or tile.image.collidepoint(place)):
                self._hand = bar_at(panel, tile.image, place, index)

    # drawing ---------------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface, scale: Scale) -> None:
        """Draw the x-ray; what has not changed since the last time is only copied."""
        area = self._area
        if not self.open or area.width < 40 or area.height < 40:
            self.panels = []
            return
        engine = self.engine
        key = (id(engine.frame), engine.steps, area.size, scale, len(self.chart.points))
        if self._image is None or key != self._drawn:
            self._image, self._drawn = self._paint(area, engine, scale), key
        surface.blit(self._image, area)

    def _paint(self, area: pygame.Rect, engine: Engine, scale: Scale) -> pygame.Surface:
        image = pygame.Surface(area.size)
        image.fill(COLOURS["back"])
        found = panels_of(engine.internals, engine.frame, changes(engine))
        room = image.get_rect()
        strip = pygame.Rect(0, room.bottom - scale.px(CHART), room.width, scale.px(CHART))
        if room.height >= 2.2 * strip.height:
            self.chart.draw(image, strip, engine, scale)
            room.height -= strip.height + scale.px(12)
        if not found:
            paragraph(image, NOTHING, room.topleft, scale.px(17), room.width)
        places = self._place(room, found, scale)
        for panel, tile in zip(found, places, strict=False):
            draw_panel(image, panel, tile, scale)
        if missing := len(found) - len(places):
            self._note(image, room, found[-missing:], scale)
        self.panels = [
            (panel, layout.Tile(*(part.move(area.topleft) for part in (t.rect, t.image, t.legend))))
            for panel, t in zip(found, places, strict=False)
        ]
        return image

    def _place(self, room: pygame.Rect, found: list[Panel], scale: Scale) -> list[layout.Tile]:
        """Places for the panels; where not all fit, a line is kept free for the note that says so."""
        wide = [panel.wide for panel in found]
        places = layout.tiles(room, wide, scale)
        if len(places) < len(found):
            less = pygame.Rect(room.left, room.top, room.width, room.height - scale.px(22))
            places = layout.tiles(less, wide, scale)
        return places

    def _note(self, image: pygame.Surface, room: pygame.Rect, missing: list[Panel], scale: Scale) -> None:
        names = ", ".join(panel.title for panel in missing)
        words = f"A larger window also shows: {names}."
        size = max(11, scale.px(13))
        line = wrap(words, size, max(1, room.width))[:1] or [""]
        place = (room.left, room.bottom)
        text(image, line[0], place, size, COLOURS["dream"], anchor="bottomleft", width=max(1, room.width))
