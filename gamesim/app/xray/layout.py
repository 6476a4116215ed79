"""Where the x-ray's panels go: as large as possible, or in rows that scroll if there is little room."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import pygame

from gamesim.app.game import hud
from gamesim.app.theme import Scale, font
from gamesim.app.ui.scroller import Scroller
from gamesim.app.ui.widgets import wrap

SMALLEST, MOST = 84, 112  # pixels: least side of a panel, and most if they scroll, in a 1280x800 window


@dataclass(frozen=True)
class Need:
    """What a panel needs: two columns or one, and room for its whole title and legend."""

    wide: bool
    title: str
    legend: str


@dataclass(frozen=True)
class Tile:
    """A panel's place: `image` for its picture or bars, with a line above for the title, `legend` below."""

    rect: pygame.Rect
    image: pygame.Rect
    legend: pygame.Rect

    def moved(self, by: tuple[int, int]) -> Tile:
        return Tile(self.rect.move(by), self.image.move(by), self.legend.move(by))


def beside(size: tuple[int, int], boards: int) -> tuple[hud.Layout, pygame.Rect]:
    """The layout of the play screen, and the area of the x-ray: at its right, or below in a high window."""
    width, height = size
    gap = Scale.of(size).px(20)
    if width >= 0.9 * height:
        left = round(width * (0.36 if boards == 1 else 0.5))
        area = pygame.Rect(left + gap // 2, gap, width - left - gap // 2 - gap, height - 2 * gap)
        return hud.layout((left, height), boards), area
    top = round(height * 0.5)
    return hud.layout((width, top), boards), pygame.Rect(gap, top, width - 2 * gap, height - top - gap)


def title_size(scale: Scale) -> int:
    return scale.px(16)


def small(scale: Scale) -> int:
    """The size of letters in legends and at the ends of a scale."""
    return max(11, scale.px(13))


def line(scale: Scale) -> int:
    """Pixels from one line of a legend to the next."""
    return max(14, scale.px(17))


@lru_cache(maxsize=8)
def placed(size: tuple[int, int], needs: tuple[Need, ...], scale: Scale) -> list[Tile]:
    """Places for all panels, with room for all their words; [] if they cannot be as large as `SMALLEST`.

    `size` is that of the room; panels may go beyond its bottom, and then scroll.
    """
    if not needs:
        return []
    width, height = size
    found = [_fit(width, height, needs, columns, scale) for columns in range(1, 9)]
    best = max(found, key=_side)
    if _side(best) >= scale.px(SMALLEST):
        return best
    width -= Scroller.width(scale)
    found = [_fit(width, None, needs, columns, scale) for columns in range(1, 9)]
    large = [tiles for tiles in found if _side(tiles) >= scale.px(SMALLEST)]
    return min(large, key=bottom, default=[])


def bottom(tiles: list[Tile]) -> int:
    return max((tile.rect.bottom for tile in tiles), default=0)


def _side(tiles: list[Tile]) -> int:
    return min((tile.image.height for tile in tiles), default=0)


def _fit(width: int, height: int | None, needs: tuple[Need, ...], columns: int, scale: Scale) -> list[Tile]:
    """All panels in so many columns; [] if these are too many, or too narrow for the titles.

    The height of the room, in pixels as its width, has no limit if it is None.
    """
    gap, title = scale.px(14), scale.px(24)
    column = (width - (columns - 1) * gap) // columns
    rows: list[list[tuple[Need, int, int]]] = [[]]  # need, first column, number of columns
    used = 0
    for need in needs:
        span = min(2 if need.wide else 1, columns)
        if used + span > columns:
            rows.append([])
            used = 0
        rows[-1].append((need, used, span))
        used += span

    def wide(span: int) -> int:
        return span * column + (span - 1) * gap

    if column <= 0 or (
        columns > 1 and any(_title(need, scale) > wide(span) for row in rows for need, _, span in row)
    ):
        return []
    legends = [max(len(wrap(need.legend, small(scale), wide(span))) for need, _, span in row) for row in rows]
    words = [title + scale.px(4) + lines * line(scale) for lines in legends]
    side = min(column, scale.px(MOST))
    if height is not None:
        side = min(column, (height - sum(words) - (len(rows) - 1) * gap) // len(rows))
    found, top = [], 0
    for row, high, lines in zip(rows, words, legends, strict=True) if side > 0 else ():
        for _, first, span in row:
            rect = pygame.Rect(first * (column + gap), top, wide(span), high + side)
            image = pygame.Rect(rect.left, top + title, rect.width if span > 1 else side, side)
            legend = pygame.Rect(rect.left, image.bottom + scale.px(4), rect.width, lines * line(scale))
            found.append(Tile(rect, image, legend))
        top += high + side + gap
    return found


def _title(need: Need, scale: Scale) -> int:
    return font(title_size(scale), True).size(need.title)[0]
