"""One look for games and dreams: both drawn large by the same sprites, or both as the network's pixels."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pygame

from gamesim.app.game.board import BoardPainter
from gamesim.app.game.garden import THEME, GardenPainter
from gamesim.app.game.play import Engine
from gamesim.app.game.previews import draw_frame, scaled
from gamesim.app.game.sight import SIZES, Reader, Reading, Sight, sight

Offset = tuple[int, int]


class Look:
    """How boards are drawn; `painter` gives the painter of the palette in use.

    Attributes:
        pixels: whether everything is shown as what the network sees and draws.
    """

    def __init__(self, painter: Callable[[], BoardPainter]) -> None:
        self._night = painter
        self.pixels = False
        self._reader = Reader()
        self._garden: GardenPainter | None = None
        self._sights: dict[tuple[int, int], tuple[tuple[Reading, Reading | None], Sight]] = {}

    def paints(self, engines: list[Engine]) -> bool:
        """Whether these are drawn large: all of them, or none."""
        return not self.pixels and all(
            self._smooth(engine) or self._reader.read(engine.frame, engine.grid[0]) for engine in engines
        )

    @staticmethod
    def _smooth(engine: Engine) -> bool:
        return engine.painted and engine.before is not None

    def draw(
        self,
        surface: pygame.Surface,
        rect: pygame.Rect,
        engine: Engine,
        frame: np.ndarray,
        part: float,
        clock: float,
        dying: float | None = None,
        alone: bool = False,
        seen: Callable[[np.ndarray], np.ndarray] = lambda frame: frame,
    ) -> Offset:
        """One engine.

        Args:
            surface: the window.
            rect: where.
            engine: whose `frame`, or what is seen in its place, is drawn.
            frame: uint8 (H, W, 3).
            part: how much of the running tick has passed, 0..1.
            clock: seconds, for what moves by itself.
            dying: None, or how much of Pac-Man has gone.
            alone: whether what is drawn is read from the frame alone, as where two are compared.
            seen: what is shown of a frame, uint8 (H, W, 3) each.

        Returns:
            How far, in pixels, the frame's cells still are from their places: it scrolls.
        """
        if engine.before is not None and engine.now is not None and engine.painted and not alone:
            painter = self._night()
            painter.draw(surface, rect, engine.before, engine.now, part, clock, engine.view, dying)
            return 0, 0
        was, action = engine.trail[-2][0] if len(engine.trail) > 1 else None, 0
        if was is not None:
            was, action = seen(was), engine.trail[-1][1]
        return self.frame(surface, rect, seen(frame), engine.grid[0], was, action, part, clock, dying)

    def frame(
        self,
        surface: pygame.Surface,
        rect: pygame.Rect,
        frame: np.ndarray,
        rows: int | None = None,
        was: np.ndarray | None = None,
        action: int = 0,
        part: float = 1.0,
        clock: float = 0.0,
        dying: float | None = None,
    ) -> Offset:
        """A frame of `rows` x `rows` cells (None: as many as fit), to which `action` led from `was`."""
        now = None if self.pixels else self._read(frame, rows)
        if now is None:
            if rows is None:
                draw_frame(surface, rect, frame)
            else:
                surface.blit(scaled(frame, rect.size), rect)
            return 0, 0
        before = None if was is None or was.shape != frame.shape else self._read(was, len(now.codes))
        seen = self._seen(now, before, action)
        painter = self._painter(seen.theme)
        painter.draw(surface, rect, seen.before, seen.now, part, clock, seen.view, dying, seen.patches)
        if seen.view is None:
            return 0, 0
        cell, rest = rect.width // seen.view[1], 1.0 - min(1.0, max(0.0, part))
        (x, y), (from_x, from_y) = seen.now.pacman, seen.before.pacman
        return round((x - from_x) * rest * cell), round((y - from_y) * rest * cell)

    def film(self) -> Look:
        """The same look with painters of its own: films are written on another thread."""
        return Look(cache(BoardPainter))

    def picture(self, frame: np.ndarray, side: int) -> np.ndarray:
        """A frame as a picture of its own, uint8 (side, side, 3)."""
        image = pygame.Surface((side, side), depth=32)
        self.frame(image, image.get_rect(), frame)
        return pygame.surfarray.array3d(image).swapaxes(0, 1)

    def _read(self, frame: np.ndarray, rows: int | None) -> Reading | None:
        if rows is not None:
            return self._reader.read(frame, rows)
        found = [reading for rows in SIZES if (reading := self._reader.read(frame, rows)) is not None]
        return min(found, key=lambda reading: reading.strange.mean(), default=None)

    def _seen(self, now: Reading, was: Reading | None, action: int) -> Sight:
        key = (id(now), id(was))
        if key not in self._sights:
            if len(self._sights) >= 8:
                self._sights.clear()
            self._sights[key] = ((now, was), sight(now, was, action))
        return self._sights[key][1]

    def _painter(self, theme: str):
        if theme != THEME:
            return self._night()
        self._garden = self._garden or GardenPainter()
        return self._garden
