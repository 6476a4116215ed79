"""Differences between two pictures, drawn: marks around cells, and pairs of small pictures."""

from __future__ import annotations

import numpy as np
import pygame

from gamesim.app.cells import Divergence, Mask
from gamesim.app.previews import scaled
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.widgets import text


def draw_marks(surface: pygame.Surface, rect: pygame.Rect, mask: Mask, width: int) -> None:
    """A line around every group of marked cells of a picture that fills `rect`."""
    rows, columns = mask.shape
    edges_y = [rect.top + rect.height * i // rows for i in range(rows + 1)]
    edges_x = [rect.left + rect.width * i // columns for i in range(columns + 1)]
    around = np.pad(mask, 1)
    colour = COLOURS["bad"]
    for y, x in np.argwhere(mask).tolist():
        left, right, top, bottom = edges_x[x], edges_x[x + 1], edges_y[y], edges_y[y + 1]
        if not around[y, x + 1]:
            surface.fill(colour, (left, top, right - left, width))
        if not around[y + 2, x + 1]:
            surface.fill(colour, (left, bottom - width, right - left, width))
        if not around[y + 1, x]:
            surface.fill(colour, (left, top, width, bottom - top))
        if not around[y + 1, x + 2]:
            surface.fill(colour, (right - width, top, width, bottom - top))


def draw_pair(
    surface: pygame.Surface,
    rect: pygame.Rect,
    pictures: tuple[np.ndarray, np.ndarray],
    names: tuple[str, str],
    mask: Mask,
    scale: Scale,
) -> pygame.Rect:
    """Two frames beside each other with their names below, as large as `rect` allows; returns the area."""
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
    """When the dream first differed from the game, and both pictures of that moment; returns the y below."""
    first = found.first
    words = "No difference yet" if first is None else f"First difference: step {first.step}"
    if found.now is None:
        words = "Nothing to compare yet"
    colour = COLOURS["quiet" if first is None else "bad"]
    line = text(surface, words, rect.topleft, scale.px(16), colour, bold=True, width=rect.width)
    top = line.bottom + scale.px(6)
    room = pygame.Rect(rect.left, top, rect.width, rect.bottom - top)
    if first is None or room.height < scale.px(50):
        return top
    return draw_pair(surface, room, (first.real, first.dream), ("real", "dream"), first.mask, scale).bottom
