"""One look for games and dreams: both large, in the same sprites, or both as the network's pixels."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pygame

from gamesim.app.game.board import BoardPainter
from gamesim.app.game.garden import THEME, GardenPainter
from gamesim.app.game.play import Engine
from gamesim.app.game.previews import draw_frame, scaled
from gamesim.app.game.sight import SIZES, Reading, read, sight

Offset = tuple[int, int]


class Look:
    """How boards are drawn.

    Args:
        painter: returns the painter of the palette in use.

    Attributes:
        pixels: whether everything is shown in the pixels that the network sees and draws.
    """

    def __init__(self, painter: Callable[[], BoardPainter]) -> None:
        self._night = painter
        self.pixels = False
        self._garden: GardenPainter | None = None

    def paints(self, engines: list[Engine]) -> bool:
        """Whether these engines are drawn large: all of them, or none."""
        return not self.pixels and self.knows(engines)

    @staticmethod
    def knows(engines: list[Engine]) -> bool:
        """Whether these engines can be drawn large: other people's games have nothing but pixels."""
        return all(engine.shot.snapshots or read(engine.frame, engine.grid[0]) for engine in engines)

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
        """Draw a frame, large or as its pixels.

        Args:
            surface: the window.
            rect: where.
            frame: uint8 (H, W, 3).
            rows: how many rows and columns of cells it has; None: as many as suit it best.
            was: the frame before; None: nothing moves.
            action: 0..4, what led from `was` to `frame`.
            part: how much of the way between them has passed, 0..1.
            clock, dying: as in `BoardPainter.draw`.

        Returns:
            How far, in pixels, the view still has to scroll.
        """
        now = None if self.pixels else _read(frame, rows)
        if now is None:
            if rows is None:
                draw_frame(surface, rect, frame)
            else:
                surface.blit(scaled(frame, rect.size), rect)
            return 0, 0
        seen = sight(now, None if was is None else read(was, len(now.codes)), action)
        painter = self._painter(seen.theme)
        painter.draw(surface, rect, seen.before, seen.now, part, clock, seen.view, dying, seen.patches)
        if seen.view is None:
            return 0, 0
        cell, rest = rect.width // seen.view[1], 1.0 - min(1.0, max(0.0, part))
        (x, y), (from_x, from_y) = seen.now.pacman, seen.before.pacman
        return round((x - from_x) * rest * cell), round((y - from_y) * rest * cell)

    def film(self) -> Look:
        """The same look with its own painters, for the thread that writes films."""
        return Look(cache(BoardPainter))

    def picture(self, frame: np.ndarray, side: int) -> np.ndarray:
        """A frame drawn alone, uint8 (side, side, 3)."""
        image = pygame.Surface((side, side), depth=32)
        self.frame(image, image.get_rect(), frame)
        return pygame.surfarray.array3d(image).swapaxes(0, 1)

    def _painter(self, theme: str):
        if theme != THEME:
            return self._night()
        self._garden = self._garden or GardenPainter()
        return self._garden


def _read(frame: np.ndarray, rows: int | None) -> Reading | None:
    """Read a frame of `rows` rows; None: of as many as suit it best."""
    found = [reading for n in ([rows] if rows else SIZES) if (reading := read(frame, n)) is not None]
    return min(found, key=lambda reading: reading.strange.mean(), default=None)
