"""Where the x-ray's panels go: as large as they all can be, the last ones left out where there is no room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import pygame

from gamesim.app.game import hud
from gamesim.app.theme import Scale

SMALLEST = 84  # pixels of a panel's side in a 1280x800 window


@dataclass(frozen=True)
class Tile:
    """A panel's place: `image` for its numbers, above it a line for the title, below it the legend."""

    rect: pygame.Rect
    image: pygame.Rect
    legend: pygame.Rect

    def moved(self, by: tuple[int, int]) -> Tile:
        return Tile(self.rect.move(by), self.image.move(by), self.legend.move(by))


def beside(size: tuple[int, int], boards: int) -> tuple[hud.Layout, pygame.Rect]:
    """The play screen at the left and the x-ray's area at the right; below it in an upright window."""
    width, height = size
    gap = Scale.of(size).px(20)
    if width >= 0.9 * height:
        left = round(width * (0.36 if boards == 1 else 0.5))
        area = pygame.Rect(left + gap // 2, gap, width - left - gap // 2 - gap, height - 2 * gap)
        return hud.layout((left, height), boards), area
    top = round(height * 0.5)
    return hud.layout((width, top), boards), pygame.Rect(gap, top, width - 2 * gap, height - top - gap)


def placed(room: pygame.Rect, wide: tuple[bool, ...], scale: Scale) -> list[Tile]:
    """Places for the panels; where not all fit, a line at the bottom is kept free for a note that says so."""
    found = _tiles(tuple(room), wide, scale)
    if len(found) < len(wide):
        found = _tiles((room.left, room.top, room.width, room.height - scale.px(22)), wide, scale)
    return found


@lru_cache(maxsize=8)
def _tiles(place: tuple[int, ...], wide: tuple[bool, ...], scale: Scale) -> list[Tile]:
    """Places for as many of the panels as there is room for, in order; legends are long where that is free.

    Args:
        place: of all of them, as a rectangle.
        wide: for each panel, whether it wants the place of two.
        scale: of the window.
    """
    area = pygame.Rect(place)
    for count in range(len(wide), 0, -1):
        short, long = (_best(area, wide[:count], scale, lines) for lines in (2, 4))
        if _side(short) >= scale.px(SMALLEST):
            return long if _side(long) >= 0.85 * _side(short) else short
    return []


def _best(area: pygame.Rect, wide: Sequence[bool], scale: Scale, lines: int) -> list[Tile]:
    """The number of columns that makes the panels largest."""
    return max((_fit(area, wide, columns, scale, lines) for columns in range(1, 9)), key=_side)


def _side(found: list[Tile]) -> int:
    return min((tile.image.height for tile in found), default=0)


def _fit(area: pygame.Rect, wide: Sequence[bool], columns: int, scale: Scale, lines: int) -> list[Tile]:
    """All panels in so many columns; [] if they are too low or too many for the area."""
    gap, title, legend = scale.px(14), scale.px(24), lines * scale.px(17) + scale.px(4)
    places, row, column = [], 0, 0
    for two in wide:
        span = min(2 if two else 1, columns)
        if column + span > columns:
            row, column = row + 1, 0
        places.append((row, column, span))
        column += span
    rows = row + 1
    width = (area.width - (columns - 1) * gap) // columns
    height = (area.height - (rows - 1) * gap) // rows
    side = min(width, height - title - legend)
    if side <= 0:
        return []
    step = side + title + legend + gap
    found = []
    for row, column, span in places:
        left, top = area.left + column * (width + gap), area.top + row * step
        rect = pygame.Rect(left, top, span * width + (span - 1) * gap, side + title + legend)
        image = pygame.Rect(left, top + title, rect.width if span > 1 else side, side)
        found.append(Tile(rect, image, pygame.Rect(left, image.bottom + scale.px(4), rect.width, legend)))
    return found
