"""The x-ray view: panels of what a world remembers and draws with, painted again only after changes."""

import time
from collections.abc import Iterator

import pygame

from gamesim.app.game import hud
from gamesim.app.game.session import Session
from gamesim.app.game.world import World
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.scroller import Scroller
from gamesim.app.ui.widgets import paragraph
from gamesim.app.xray import layout
from gamesim.app.xray.chart import StripChart
from gamesim.app.xray.draw import bar_at, draw_panel
from gamesim.app.xray.panels import Panel, panels_of

NOTHING = "X-ray shows what a network is thinking."
CHART = 120  # height of the strip chart in a 1280x800 window


class Painting:
    """One picture, painted part by part, so that no frame of the window waits for all of it.

    Attributes:
        area: of the x-ray on the window.
        view: the part of it for the panels.
        image: the panels, as high as they need.
        panels: with their places in the image; complete when `done`.
        chart: the strip chart, below the view; None if there is no room for it.
    """

    def __init__(self, area: pygame.Rect, world: World, chart: StripChart, scale: Scale, way: str) -> None:
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
        self._parts = self._paint(world, chart, scale)

    def work(self, seconds: float | None = None) -> None:
        """Go on painting for about `seconds`, but at least one part; None: to the end."""
        end = None if seconds is None else time.perf_counter() + seconds
        for _ in self._parts:
            if end is not None and time.perf_counter() >= end:
                return
        self.done = True

    def _paint(self, world: World, chart: StripChart, scale: Scale) -> Iterator[None]:
        shown, frame = world.internals, world.frame
        yield
        found = panels_of(shown, frame, world.changes)
        yield
        if self.chart is not None:
            self.chart.fill(COLOURS["back"])
            chart.draw(self.chart, self.chart.get_rect(), world, scale)
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


PATIENCE = 0.003  # seconds of painting in one frame of the window


class XRay:
    """Looks into one world of a session while it is open; closed, it costs nothing.

    Attributes:
        problem: why a bar could not be dragged, to tell the player once; None if all is well.
        area: where it is drawn.
        painting: the picture on screen.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.open = False
        self.problem: str | None = None
        self.chart = StripChart()
        self.scroller = Scroller()
        self.area = pygame.Rect(0, 0, 0, 0)
        self.painting: Painting | None = None
        self._next: Painting | None = None  # being painted
        self._due: tuple = ()  # what the newest painting shows
        self._hand: tuple[int, float] | None = None  # index and value of the bar that the mouse holds
        self._put: tuple = (None, None)  # the frame after the last change, and the bar that caused it

    @property
    def world(self) -> World:
        """The world to look into: the first with internals, or else the one in front."""
        return self.session.inspected or self.session.world

    @property
    def panels(self) -> list[tuple[Panel, layout.Tile]]:
        """The panels on screen, with their places on the window."""
        if not self.open or self.painting is None:
            return []
        by = self.painting.view.left, self.painting.view.top - self.scroller.at
        return [(panel, tile.moved(by)) for panel, tile in self.painting.panels]

    @property
    def busy(self) -> bool:
        """Whether a newer picture is on its way."""
        return self.open and self._next is not None

    def toggle(self) -> None:
        self.open = not self.open
        self._hand, self.painting, self._next = None, None, None

    def layout(self, size: tuple[int, int], boards: int) -> hud.Layout:
        """The layout of the play screen, with room for the x-ray while it is open."""
        self.area = pygame.Rect(0, 0, 0, 0)
        if not self.open:
            return hud.layout(size, boards)
        found, self.area = layout.beside(size, boards)
        return found

    def follow(self) -> None:
        """Take in the last step, and apply the bar that the mouse holds."""
        self.chart.follow(self.world)
        frame, hand = self._put
        if not self._has_bars:
            self._hand = None
        if self._hand is None or (frame is self.world.frame and hand == self._hand):
            return
        index, height = self._hand
        z = self.world.internals["z"].copy()
        z[index] = height
        self.problem = self.world.change("z", z)
        self._hand = None if self.problem else self._hand
        self._put = (self.world.frame, self._hand)

    @property
    def _has_bars(self) -> bool:
        """Whether z can be changed now: after Tab, a picture of the dream stays until the next is painted."""
        return "z" in self.world.changes

    # the mouse -------------------------------------------------------------------------------------------

    def handle(self, event: pygame.event.Event) -> bool:
        """Drag bars and scroll panels; returns whether the event was for the x-ray."""
        if not self.open or self.painting is None:
            return False
        view = self.painting.view
        if self._hand is None and self.scroller.handle(event):
            return True
        if event.type == pygame.MOUSEWHEEL:
            over = bool(self.scroller.most) and view.collidepoint(pygame.mouse.get_pos())
            self.scroller.wheel(event.y if over else 0)
            return over
        if event.type == pygame.MOUSEBUTTONDOWN and event.button == 1 and view.collidepoint(event.pos):
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
        for panel, tile in self.panels if self._has_bars else ():
            if panel.draggable and (index is not None or tile.image.collidepoint(place)):
                self._hand = bar_at(panel, tile.image, place, index)

    # drawing ---------------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface, scale: Scale) -> None:
        """Draw the x-ray; if nothing has changed since the last time, only copy it."""
        area = self.area
        if not self.open or area.width < 40 or area.height < 40:
            return
        key = (id(self.world.frame), self.world.steps, area.size, scale, len(self.chart.points))
        if self.painting is None or self.painting.area != area:
            self.painting = Painting(area, self.world, self.chart, scale, self.session.to_dream)
            self.painting.work()
            self._next, self._due = None, key
        elif self._next is not None:
            self._next.work(PATIENCE)
        elif key != self._due:  # this frame has a step to make, so painting begins with the next
            self._next, self._due = Painting(area, self.world, self.chart, scale, self.session.to_dream), key
        if self._next is not None and self._next.done:
            self.painting, self._next = self._next, None
        self.scroller.fit(self.painting.view, self.painting.image.get_height(), scale)
        self.painting.draw(surface, self.scroller.at)
        self.scroller.draw(surface)
