"""The garden, painted large: its tiles, smoothed, in the place of the arcade's sprites and walls."""

from functools import lru_cache

import numpy as np
import pygame

from gamesim.app.game.board import BoardPainter, Sprites
from gamesim.envs.layouts import FLAG, FLOOR, FOOD, FRIGHTENED, GHOST, OUTSIDE, PACMAN, POWER, WALL
from gamesim.envs.sprites import GARDEN, tiles

THEME = "garden"
CODES = {
    "pacman": PACMAN, "ghost": GHOST, "scared": FRIGHTENED, "flash": FRIGHTENED, "flag": FLAG, "food": FOOD,
    "power": POWER,
}  # fmt: skip
"""Tiles by the first word of a sprite's name."""


class Tiles(Sprites):
    """The garden's things by the names of the sprites; they have no lawn of their own behind them."""

    def __init__(self) -> None:
        self._scaled = {}

    def _picture(self, name: str, size: int) -> pygame.Surface:
        word = name.rstrip("0123456789ab") if not name.startswith("dying") else "pacman"
        image = pygame.Surface((size, size), pygame.SRCALPHA)
        if word in CODES:  # the ghosts' eyes are in their tile
            part = 1 - int(name[5:]) / 8 if name.startswith("dying") else 1.0
            side = max(1, round(size * part))
            thing = pygame.transform.smoothscale(cut(CODES[word]), (side, side))
            image.blit(thing, thing.get_rect(center=(size // 2, size // 2)))
        return image


@lru_cache(maxsize=32)
def smooth(code: int) -> pygame.Surface:
    """A tile eight times as large, its edges smoothed (Scale2x)."""
    image = pygame.surfarray.make_surface(tiles(12, THEME)[code].swapaxes(0, 1)).convert(32)
    for _ in range(3):
        image = pygame.transform.scale2x(image)
    return image


@lru_cache(maxsize=32)
def cut(code: int) -> pygame.Surface:
    """The same without the lawn."""
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
        self.sprites = Tiles()

    def _ground(self, kind: int, mask: int, cell: int) -> pygame.Surface:
        """Lawn, walls of bricks and the pond."""
        kind = kind if kind in (WALL, OUTSIDE) else FLOOR
        return self._tile(
            ("art", kind, cell), lambda: pygame.transform.smoothscale(smooth(kind), (cell, cell)).convert()
        )

    def _draw_thing(
        self, surface: pygame.Surface, kind: int, place: tuple[int, int], cell: int, clock: float
    ) -> None:
        if kind == FOOD:
            surface.blit(self.sprites.get("food", cell), place)
        else:
            super()._draw_thing(surface, kind, place, cell, clock)
