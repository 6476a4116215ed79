"""Scrolling for what is higher than its place: where one is, the bar that says so, and the mouse on it."""

from __future__ import annotations

import pygame

from gamesim.app.theme import Scale
from gamesim.app.ui.widgets import scrollbar

WHEEL = 40  # pixels for one click of the wheel


class Scroller:
    """One place that scrolls.

    Attributes:
        at: pixels of the content above what is seen, 0..most.
        most: pixels of the content that are not seen.
        gutter: place of the bar; empty while everything is seen.
    """

    def __init__(self) -> None:
        self.at = self.most = 0
        self.gutter = pygame.Rect(0, 0, 0, 0)
        self._dragging = False

    @staticmethod
    def width(scale: Scale) -> int:
        """Pixels to keep free at the right for the bar."""
        return scale.px(14)

    def fit(self, view: pygame.Rect, content: int, scale: Scale) -> None:
        """Say what is seen and how many pixels high the content is."""
        self.most = max(0, content - view.height)
        self.at = min(self.most, max(0, self.at))
        bar = max(4, scale.px(7)) if self.most else 0
        self.gutter = pygame.Rect(view.right - bar, view.top, bar, view.height)

    def reveal(self, top: int, bottom: int) -> None:
        """Scroll just so far that the content from `top` to `bottom` is seen, its top first."""
        self.at = min(top, max(self.at, bottom - self.gutter.height))
        self.at = min(self.most, max(0, self.at))

    def wheel(self, clicks: int) -> None:
        self.at = min(self.most, max(0, self.at - WHEEL * clicks))

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
        self.at = round(min(1.0, max(0.0, share)) * self.most)
        return True

    def draw(self, surface: pygame.Surface) -> None:
        scrollbar(surface, self.gutter, self.at, self.most)
