"""Draws differences between two pictures: marks around cells, and pairs of small pictures."""

import numpy as np
import pygame

from gamesim.app.game.cells import Mask, Place
from gamesim.app.game.divergence import Divergence
from gamesim.app.game.pictures import edges
from gamesim.app.game.previews import scaled
from gamesim.app.theme import COLOURS, Colour, Scale
from gamesim.app.ui.widgets import headline, text

KINDS = (("invented", "not seen before"), ("forgotten", "seen before, now wrong"))
"""What a cell that differs can be (its colour in the palette has the same name), and what that means."""


def draw_marks(
    surface: pygame.Surface, rect: pygame.Rect, mask: Mask, width: int, kind: str = "forgotten"
) -> None:
    """Draw a line around each group of marked cells of a picture in `rect`; a dashed one if invented."""
    for x, y, dx, dy in edges(mask):
        bar = cell_of(rect, mask.shape, (x, y))
        right, bottom = bar.bottomright
        bar.size = (width, bar.height) if dx else (bar.width, width)
        if dx > 0:
            bar.right = right
        if dy > 0:
            bar.bottom = bottom
        _line(surface, COLOURS[kind], bar, kind == "invented")


def cell_of(rect: pygame.Rect, shape: tuple[int, ...], place: Place) -> pygame.Rect:
    """The place of a cell in a picture of `shape` (rows, columns) that fills `rect`."""
    (rows, columns), (x, y) = shape, place
    left, top = rect.width * x // columns, rect.height * y // rows
    size = (rect.width * (x + 1) // columns - left, rect.height * (y + 1) // rows - top)
    return pygame.Rect((rect.left + left, rect.top + top), size)


def _line(surface: pygame.Surface, colour: Colour, bar: pygame.Rect, dashed: bool) -> None:
    """Draw one side of a mark: whole, or as four dashes."""
    if not dashed:
        surface.fill(colour, bar)
        return
    for i in range(4):
        dash = bar.copy()
        if bar.width > bar.height:
            dash.width = max(1, bar.width // 8)
            dash.left += (2 * i + 1) * bar.width // 8 - dash.width // 2
        else:
            dash.height = max(1, bar.height // 8)
            dash.top += (2 * i + 1) * bar.height // 8 - dash.height // 2
        surface.fill(colour, dash)


def draw_pair(
    surface: pygame.Surface,
    rect: pygame.Rect,
    pictures: tuple[np.ndarray, np.ndarray],
    names: tuple[str, str],
    mask: Mask,
    scale: Scale,
) -> pygame.Rect:
    """Draw two frames side by side, with their names below, as large as `rect` allows; returns the area."""
    gap, foot = scale.px(10), scale.px(20)
    side = max(1, min((rect.width - gap) // 2, rect.height - foot))
    for i, (frame, name) in enumerate(zip(pictures, names, strict=True)):
        place = pygame.Rect(rect.left + i * (side + gap), rect.top, side, side)
        surface.blit(scaled(frame, place.size), place)
        draw_marks(surface, place, mask, max(1, side // 84))
        middle = (place.centerx, place.bottom + scale.px(3))
        text(surface, name, middle, scale.px(14), COLOURS["quiet"], anchor="midtop", width=side)
    return pygame.Rect(rect.left, rect.top, 2 * side + gap, side + foot)


def draw_divergence(surface: pygame.Surface, rect: pygame.Rect, found: Divergence, scale: Scale) -> int:
    """Draw when the dream first forgot something, and both pictures of that moment; returns the y below."""
    first = found.first
    words = "Nothing forgotten yet" if first is None else f"First forgotten: step {first.step}"
    if found.forgotten is None:
        words = "Nothing to compare yet"
    elif first is None and found.apart:
        words = "They walked apart: something invented was in the way"
    colour = COLOURS["quiet" if first is None else "forgotten"]
    top = headline(surface, words, rect.topleft, scale.px(16), max(1, rect.width), colour) + scale.px(6)
    room = pygame.Rect(rect.left, top, rect.width, rect.bottom - top)
    if first is None or first.forgotten is None or room.height < scale.px(50):
        return top
    pictures, names = (first.real, first.dream), ("real", "dream")
    return draw_pair(surface, room, pictures, names, first.forgotten, scale).bottom
