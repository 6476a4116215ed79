"""One look for games and dreams: both large, in the same sprites, or both as the network's pixels.

In the garden, smoothed tiles take the place of the arcade's sprites and walls.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property, lru_cache

import numpy as np
import pygame

from gamesim.app.game.board import BoardPainter, Canvas, Sprites
from gamesim.app.game.previews import draw_frame, scaled
from gamesim.app.game.sight import SIZES, Reading, read, sight
from gamesim.app.game.world import World
from gamesim.envs.layouts import FLAG, FLOOR, FOOD, FRIGHTENED, GHOST, OUTSIDE, PACMAN, POWER, WALL
from gamesim.envs.sprites import GARDEN, tiles

THEME = "garden"
CODES = {
    "pacman": PACMAN, "ghost": GHOST, "scared": FRIGHTENED, "flash": FRIGHTENED, "flag": FLAG, "food": FOOD,
    "power": POWER,
}  # fmt: skip
"""Tiles by the first word of a sprite's name."""


def thing(name: str, size: int) -> pygame.Surface:
    """The garden's picture for the name of a sprite, without lawn behind it."""
    word = name.rstrip("0123456789ab") if not name.startswith("dying") else "pacman"
    image = pygame.Surface((size, size), pygame.SRCALPHA)
    if word in CODES:  # the ghosts' eyes are in their tile
        part = 1 - int(name[5:]) / 8 if name.startswith("dying") else 1.0
        side = max(1, round(size * part))
        tile = pygame.transform.smoothscale(cut(CODES[word]), (side, side))
        image.blit(tile, tile.get_rect(center=(size // 2, size // 2)))
    return image


@lru_cache(maxsize=32)
def smooth(code: int) -> pygame.Surface:
    """A tile, eight times as large, with smoothed edges (Scale2x)."""
    image = pygame.surfarray.make_surface(tiles(12, THEME)[code].swapaxes(0, 1)).convert(32)
    for _ in range(3):
        image = pygame.transform.scale2x(image)
    return image


@lru_cache(maxsize=32)
def cut(code: int) -> pygame.Surface:
    """The smoothed tile without its lawn."""
    image = smooth(code).convert_alpha()
    pixels, alpha = pygame.surfarray.pixels3d(image), pygame.surfarray.pixels_alpha(image)
    lawn = np.zeros(alpha.shape, bool)
    for colour in (GARDEN["black"], GARDEN["blade"]):
        lawn |= (pixels == np.array(colour)).all(-1)
    alpha[lawn] = 0
    del pixels, alpha
    return image


class GardenPainter(BoardPainter):
    """Draws snapshots as a garden; the rest is the arcade's painter."""

    def __init__(self) -> None:
        super().__init__()
        self.sprites = Sprites(thing)
        self._tile = lru_cache(maxsize=64)(
            lambda code, cell: pygame.transform.smoothscale(smooth(code), (cell, cell)).convert()
        )

    def _ground(self, kind: int, mask: int, cell: int) -> pygame.Surface:
        """The tile for a cell: lawn, a brick wall or the pond."""
        return self._tile(kind if kind in (WALL, OUTSIDE) else FLOOR, cell)

    def _draw_thing(self, canvas: Canvas, kind: int, place: tuple[int, int]) -> None:
        if kind == FOOD:
            canvas.middle(self.sprites.get("food", canvas.cell), place)
        else:
            super()._draw_thing(canvas, kind, place)


Offset = tuple[int, int]


class Look:
    """How boards are drawn, with the `painter` of the palette in use: large, or in the pixels that the
    network sees.
    """

    def __init__(self, painter: Callable[[], BoardPainter]) -> None:
        self._night = painter
        self.pixels = False

    @cached_property
    def _garden(self) -> GardenPainter:
        return GardenPainter()

    def paints(self, worlds: list[World]) -> bool:
        """Whether these worlds are drawn large: all of them, or none."""
        return not self.pixels and self.knows(worlds)

    @staticmethod
    def knows(worlds: list[World]) -> bool:
        """Whether these worlds can be drawn large: other people's games have nothing but pixels."""
        return all(world.shot.snapshots or read(world.frame, world.grid[0]) for world in worlds)

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
        painter = self._garden if seen.theme == THEME else self._night()
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


def _read(frame: np.ndarray, rows: int | None) -> Reading | None:
    """Read a frame of `rows` rows; None: of as many as suit it best."""
    found = [reading for n in ([rows] if rows else SIZES) if (reading := read(frame, n)) is not None]
    return min(found, key=lambda reading: reading.strange.mean(), default=None)
