"""Draws one panel of the x-ray: title, scale, picture or bars, legend."""

from itertools import pairwise

import numpy as np
import pygame

from gamesim.app.game.pictures import outline
from gamesim.app.game.previews import scaled
from gamesim.app.theme import COLOURS, Scale, font
from gamesim.app.ui.widgets import paragraph, text
from gamesim.app.xray import layout
from gamesim.app.xray.layout import Tile
from gamesim.app.xray.panels import Panel


def draw_panel(surface: pygame.Surface, panel: Panel, tile: Tile, scale: Scale) -> None:
    small, width = layout.small(scale), max(1, tile.rect.width)
    size = layout.title_size(scale)
    title = text(surface, panel.title, tile.rect.topleft, size, bold=True, width=width, shrinks=True)
    if font(small).size(panel.scale)[0] <= tile.rect.right - title.right - scale.px(6):
        place = (tile.rect.right, tile.image.top - scale.px(4))
        text(surface, panel.scale, place, small, COLOURS["quiet"], anchor="bottomright")
    if panel.form == "bars":
        _bars(surface, panel, tile.image, scale)
    else:
        _picture(surface, panel, tile.image)
    paragraph(surface, panel.legend, tile.legend.topleft, small, width, row=layout.line(scale))


def _picture(surface: pygame.Surface, panel: Panel, rect: pygame.Rect) -> None:
    """Draw the picture, enlarged by a whole number if possible, at the left of `rect`, with its marks."""
    height, width = panel.values.shape[:2]
    fit = min(rect.width / width, rect.height / height)
    times = max(1, int(fit)) if fit >= 1 else fit
    times = times if fit < 1 or times > 0.9 * fit else fit  # better uneven pixels than a small picture
    size = (max(1, round(width * times)), max(1, round(height * times)))
    surface.blit(scaled(panel.values, size), rect.topleft)
    if panel.low is not None:  # a map whose numbers are all low is as dark as the window
        pygame.draw.rect(surface, COLOURS["line"], (rect.topleft, size), 1)
    if panel.marks is not None:
        rows, columns = panel.marks.shape
        step = (size[0] / columns, size[1] / rows)
        for (x, y), (to_x, to_y) in outline(panel.marks):
            start = (rect.left + min(size[0] - 1, x * step[0]), rect.top + min(size[1] - 1, y * step[1]))
            end = (rect.left + min(size[0] - 1, to_x * step[0]), rect.top + min(size[1] - 1, to_y * step[1]))
            pygame.draw.line(surface, COLOURS["real"], start, end, 2)


def _bars(surface: pygame.Surface, panel: Panel, rect: pygame.Rect, scale: Scale) -> None:
    """Draw bars from zero, with their numbers if there is room: above zero, as a yellow bar hides them."""
    surface.fill(COLOURS["panel"], rect)
    low, high = panel.low or 0.0, panel.high or 1.0
    ends = draw_bars(surface, rect, panel.values, low, high)
    for value, (left, right) in zip(panel.values, ends, strict=True):
        if right - left > scale.px(34):
            above = _height(rect, max(0.0, float(value)), low, high) - 2
            place = ((left + right) // 2, min(max(above, rect.top + scale.px(16)), rect.bottom))
            text(surface, f"{value:.2f}", place, max(11, scale.px(13)), anchor="midbottom")
    zero = _height(rect, 0.0, low, high)
    pygame.draw.line(surface, COLOURS["quiet"], (rect.left, zero), (rect.right - 1, zero))


def draw_bars(
    surface: pygame.Surface, rect: pygame.Rect, values: np.ndarray, low: float, high: float
) -> list[tuple[int, int]]:
    """Draw numbers (n,) as bars from zero between `low` and `high`; returns their left and right ends."""
    zero, count = _height(rect, 0.0, low, high), len(values)
    edges = [rect.left + i * rect.width // count for i in range(count + 1)]
    ends = [*pairwise(edges)]
    for value, (left, right) in zip(values.tolist(), ends, strict=True):
        y = _height(rect, value, low, high)
        colour = COLOURS["dream"] if value >= 0 else COLOURS["real"]
        surface.fill(colour, (left, min(y, zero), max(1, right - left - 1), max(1, abs(y - zero))))
    return ends


def bar_at(
    panel: Panel, rect: pygame.Rect, place: tuple[int, int], index: int | None = None
) -> tuple[int, float]:
    """The index of the bar under the mouse, unless `index` is given, and the value at the mouse's height."""
    low, high = panel.low or 0.0, panel.high or 1.0
    count = len(panel.values)
    if index is None:
        index = int(np.clip((place[0] - rect.left) * count // max(1, rect.width), 0, count - 1))
    share = np.clip((rect.bottom - 1 - place[1]) / max(1, rect.height - 1), 0, 1)
    return index, float(low + share * (high - low))


def _height(rect: pygame.Rect, value: float, low: float, high: float) -> int:
    """The pixel row of a value."""
    share = min(1.0, max(0.0, (value - low) / max(high - low, 1e-9)))
    return rect.bottom - 1 - round(share * (rect.height - 1))
