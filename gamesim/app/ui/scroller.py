"""Scrolling for what is higher than its place: where one is, the bar that says so, and the mouse on it."""

import pygame

from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.widgets import box


class Scroller:
    """One place that scrolls.

    Attributes:
        at: pixels of the content above what is seen, 0..most.
        most: pixels of the content that are not seen.
        step: pixels of a line: for one click of the wheel, or one press of an arrow.
        gutter: place of the bar; empty while everything is seen.
    """

    def __init__(self) -> None:
        self.at = self.most = 0
        self.step = 40
        self.gutter = pygame.Rect(0, 0, 0, 0)
        self._dragging = False

    @staticmethod
    def width(scale: Scale) -> int:
        """Pixels to keep free at the right for the bar."""
        return scale.px(14)

    def fit(self, view: pygame.Rect, content: int, scale: Scale) -> None:
        """Say what is seen and how many pixels high the content is."""
        self.most = max(0, content - view.height)
        self.to(self.at)
        bar = max(4, scale.px(7)) if self.most else 0
        self.gutter = pygame.Rect(view.right - bar, view.top, bar, view.height)

    def to(self, at: int) -> None:
        """Scroll there, as far as that goes."""
        self.at = min(self.most, max(0, at))

    def lines(self, count: int) -> None:
        """Scroll so many lines down."""
        self.to(self.at + count * self.step)

    def wheel(self, clicks: int) -> None:
        self.lines(-clicks)

    def reveal(self, top: int, bottom: int) -> None:
        """Scroll just so far that the content from `top` to `bottom` is seen, its top first."""
        self.to(min(top, max(self.at, bottom - self.gutter.height)))

    def handle(self, event: pygame.event.Event) -> bool:
        """Drag the bar; returns whether the event was for it."""
        if event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self._dragging = self.gutter.inflate(8, 0).collidepoint(event.pos) and bool(self.most)
        elif event.type == pygame.MOUSEBUTTONUP:
            was, self._dragging = self._dragging, False
            return was
        if not self._dragging or event.type not in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEMOTION):
            return False
        share = (event.pos[1] - self.gutter.top) / max(1, self.gutter.height - 1)
        self.to(round(share * self.most))
        return True

    def draw(self, surface: pygame.Surface) -> None:
        """The bar; nothing if all is seen."""
        scrollbar(surface, self.gutter, self.at, self.most)


def scrollbar(surface: pygame.Surface, gutter: pygame.Rect, at: int, most: int) -> None:
    """A bar in `gutter`, which is as high as what is seen; `at` and `most` as in `Scroller`, in any unit."""
    if most <= 0 or gutter.height < 8:
        return
    box(surface, gutter, COLOURS["raised"], gutter.width // 2)
    thumb = gutter.copy()
    thumb.height = max(6, round(gutter.height**2 / (gutter.height + most)))
    thumb.top += round((gutter.height - thumb.height) * min(1.0, at / most))
    box(surface, thumb, COLOURS["quiet"], gutter.width // 2)
