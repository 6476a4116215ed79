"""The boards of the play screen: the real game drawn large and smooth, a dream as it was dreamt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from gamesim.app.compare import KINDS, draw_marks
from gamesim.app.controls import Command, shown
from gamesim.app.play import Engine
from gamesim.app.previews import scaled
from gamesim.app.session import Session
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.widgets import box, pill, text
from gamesim.app.xray.swap import Swap

if TYPE_CHECKING:
    from gamesim.app.window import Window


class Stage:
    """Draws the engines of a session; it keeps nothing but the clock of what moves by itself."""

    def __init__(self, window: Window, session: Session, swap: Swap) -> None:
        self.window, self.session, self.swap = window, session, swap
        self.clock = 0.0

    def draw(
        self, surface: pygame.Surface, rect: pygame.Rect, engine: Engine, scale: Scale, named: bool
    ) -> None:
        """One engine in `rect`, with its frame, its name where two are shown, and how it ended."""
        session, dream = self.session, engine.temperature is not None
        if engine.painted and engine.before is not None and engine.now is not None:
            self.window.painter.draw(
                surface, rect, engine.before, engine.now, session.part, self.clock, engine.view,
                session.death(engine),
            )  # fmt: skip
        else:
            surface.blit(scaled(self.swap.frame(engine), rect.size), rect)
            if self.swap.name and rect.width > 200:
                place = (rect.left + scale.px(8), rect.top + scale.px(8))
                pill(
                    surface, f"Swapped in: {self.swap.name}", place, scale, COLOURS["panel"], COLOURS["dream"]
                )
        if dream and session.compared:
            self._mark(surface, rect, scale)
        if rect.width > 100:
            edge = rect.inflate(scale.px(6), scale.px(6))
            colour = COLOURS["dream" if dream else "line"]
            pygame.draw.rect(surface, colour, edge, scale.px(2), border_radius=scale.px(3))
        if named:
            words, colour = ("Dream", "dream") if dream else ("Real game", "real")
            place = (rect.left, rect.top - scale.px(8))
            text(surface, words, place, scale.px(18), COLOURS[colour], bold=True, anchor="bottomleft")
        stands = session.part >= 1.0 or engine.waited > 0
        if engine.over and stands and (session.death(engine) or 1.0) >= 1.0:
            self._draw_end(surface, rect, engine, scale)
        elif session.ready:
            level = f"Level {engine.now.level}" if engine.now else ""
            draw_banner(surface, rect, level, "Ready!", scale, 96 if level else 72)

    def _mark(self, surface: pygame.Surface, rect: pygame.Rect, scale: Scale) -> None:
        """What the dream invents and forgets, with a legend above the board."""
        found = self.session.divergence
        right = rect.right
        for kind, meaning in reversed(KINDS):
            mask = getattr(found, kind)
            if mask is None:
                return
            draw_marks(surface, rect, mask, scale.px(3), kind)
            place = (right, rect.top - scale.px(9))
            words = f"{kind}: {meaning}"
            told = text(surface, words, place, scale.px(14), COLOURS[kind], anchor="bottomright")
            right = told.left - scale.px(16)

    def _draw_end(self, surface: pygame.Surface, rect: pygame.Rect, engine: Engine, scale: Scale) -> None:
        points = engine.title.latched and engine.now is not None
        score = f"{engine.score:,.0f} points" if points else f"Return {engine.total:+.1f}"
        leads = engine is self.session.engine
        words = f"{score}, {engine.steps} steps"
        banner = draw_banner(surface, rect, words, engine.over or "", scale, 132 if leads else 96)
        if leads:
            place = (banner.centerx, banner.bottom - scale.px(26))
            again = f"{shown(Command.RESET)} to play again"
            text(surface, again, place, scale.px(16), COLOURS["real"], bold=True, anchor="center")
            left = pygame.Rect(banner.left + scale.px(14), banner.bottom - scale.px(8), 0, scale.px(3))
            left.width = round((banner.width - scale.px(28)) * (1 - self.session.rest))
            surface.fill(COLOURS["line"], left)


def draw_banner(
    surface: pygame.Surface, rect: pygame.Rect, small: str, large: str, scale: Scale, height: int
) -> pygame.Rect:
    """A large and a small line on a box in the middle of `rect`; returns where it went.

    Args:
        surface: the window.
        rect: the board.
        small, large: the lines.
        scale: of the window.
        height: of the box, at a window of 1280x800.
    """
    banner = pygame.Rect(0, 0, min(rect.width, scale.px(380)), min(rect.height, scale.px(height)))
    banner.center = rect.center
    box(surface, banner, COLOURS["panel"], scale.px(14), COLOURS["line"])
    room = max(1, banner.width - scale.px(24))
    x, y = banner.centerx, banner.top + scale.px(18)
    text(surface, large, (x, y), scale.head, bold=True, anchor="midtop", width=room)
    place = (x, y + scale.px(42))
    text(surface, small, place, scale.body, COLOURS["quiet"], anchor="midtop", width=room)
    return banner
