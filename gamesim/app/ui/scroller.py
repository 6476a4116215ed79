"""Scrolling for content that is higher than its place: the position, the bar, and the mouse on the bar."""

import pygame

from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.widgets import box


class Scroller:
    """One place that scrolls.

    Attributes:
        at: pixels of the content above the visible part, 0..most.
        most: pixels of the content that do not fit.
        step: pixels of a line: for one click of the wheel, or one press of an arrow.
        gutter: place of the bar; its width is 0 while everything fits.
    """

    def __init__(self) -> None:
        self.at = self.most = 0
        self.step = 40
        self.gutter = pygame.Rect(0, 0, 0, 0)
        self._dragging = self._resized = self._seen = False
        self._size = (0, 0)

    @staticmethod
    def width(scale: Scale) -> int:
        """Pixels to keep free at the right for the bar."""
        return scale.px(14)

    def fit(self, view: pygame.Rect, content: int, scale: Scale) -> None:
        """Set the visible area and the height of the content in pixels."""
        self._resized, self._size = view.size != self._size, view.size
        self.most = max(0, content - view.height)
        self.to(self.at)
        bar = max(4, scale.px(7)) if self.most else 0
        self.gutter = pygame.Rect(view.right - bar, view.top, bar, view.height)

    def to(self, at: int) -> None:
        """Scroll to `at`, or as near as possible."""
        self.at = min(self.most, max(0, at))

    def lines(self, count: int) -> None:
        self.to(self.at + count * self.step)

    def wheel(self, clicks: int) -> None:
        self.lines(-clicks)

    def reveal(self, top: int, bottom: int) -> None:
        """Scroll no further than needed to show the content from `top` to `bottom`, or at least its top."""
        self.to(min(top, max(self.at, bottom - self.gutter.height)))

    def follow(self, top: int, bottom: int, asked: bool) -> None:
        """Reveal what is chosen, from `top` to `bottom`, if that is `asked`, or if it was in view until now.

        Else Enter and Delete would mean something that a smaller window does not show. Call it after `fit`.
        """
        if asked or (self._resized and self._seen):
            self.reveal(top, bottom)
        self._seen = top < self.at + self.gutter.height and bottom > self.at

    def handle(self, event: pygame.event.Event) -> bool:
        """Drag the bar; returns whether the event was for it."""
        if event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self._dragging = self.gutter.inflate(8, 0).collidepoint(event.pos) and bool(self.most)
        elif event.type == pygame.MOUSEBUTTONUP:
            was, self._dragging = self._dragging, False
            return was
        elif event.type == pygame.MOUSEMOTION and not event.buttons[0]:  # it was let go on another screen
            self._dragging = False
        if not self._dragging or event.type not in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEMOTION):
            return False
        share = (event.pos[1] - self.gutter.top) / max(1, self.gutter.height - 1)
        self.to(round(share * self.most))
        return True

    def draw(self, surface: pygame.Surface) -> None:
        """Draw the bar, unless everything fits."""
        scrollbar(surface, self.gutter, self.at, self.most)


def scrollbar(surface: pygame.Surface, gutter: pygame.Rect, at: int, most: int) -> None:
    """Draw a bar in `gutter`, which is as high as the visible part; `at` and `most` are as in `Scroller`."""
    if most <= 0 or gutter.height < 8:
        return
    box(surface, gutter, COLOURS["raised"], gutter.width // 2)
    thumb = gutter.copy()
    thumb.height = max(6, round(gutter.height**2 / (gutter.height + most)))
    thumb.top += round((gutter.height - thumb.height) * min(1.0, at / most))
    box(surface, thumb, COLOURS["quiet"], gutter.width // 2)
