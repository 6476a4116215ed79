"""The garden, painted large: its smoothed tiles take the place of the arcade's sprites and walls."""

from functools import lru_cache

import numpy as np
import pygame

from gamesim.app.game.board import BoardPainter, Canvas, Sprites
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
