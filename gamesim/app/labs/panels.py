"""The panels of a lab: how much room each needs, and how it is drawn."""

import pickle

import numpy as np
import pygame

from gamesim.app.labs.plots import draw_bars, draw_curves, legend_height
from gamesim.app.theme import COLOURS, Scale, font
from gamesim.app.ui.widgets import box, paragraph, text, wrap
from gamesim.labs.panels import Bars, Curves, Lines, Panel, Picture

TITLE, NOTE = 24, 19  # heights of a title and of a line of a note, in a window of 1280x800
CHART = (230, 104)  # least size of a chart, without its title and legend
LINES = 250  # least width of rows of text
TITLED = 300  # a panel grows to at most this width for its title
NOTES = 2  # most lines of a note


def pad(scale: Scale) -> int:
    """Pixels between the edge of a panel and its content."""
    return scale.px(12)


def least(panel: Curves | Bars | Lines, scale: Scale) -> tuple[int, int]:
    """The least (width, height) in pixels at which a panel is easy to read."""
    around = 2 * pad(scale)
    match panel:
        case Lines(rows=rows):
            width = scale.px(LINES)
            height = sum(_row_height(row, width, scale) for row in rows)
            return width + around, scale.px(TITLE) + around + height
        case Curves(lines=lines):
            width = scale.px(CHART[0])
            legend = legend_height(lines, width, scale)
        case Bars(series=series):
            most = max((len(values) for values in series.values()), default=0)
            width = max(scale.px(CHART[0]), min(scale.px(320), most * len(series) * scale.px(5)))
            legend = legend_height(series, width, scale) if len(series) > 1 else 0
    width = max(width, min(scale.px(TITLED), _title_width(panel, scale)))
    return width + around, scale.px(TITLE) + scale.px(CHART[1]) + legend + around


def enlarged(panel: Picture, room: tuple[int, int]) -> tuple[int, int]:
    """The size of an image in `room`: a whole multiple of its own size, or smaller if it is too wide."""
    height, width = panel.pixels.shape[:2]
    factor = max(1, min(room[0] // max(1, width), room[1] // max(1, height)))
    fit = min(1.0, room[0] / max(1, width * factor))
    return max(1, round(width * factor * fit)), max(1, round(height * factor * fit))


def picture_size(panel: Picture, room: tuple[int, int], scale: Scale) -> tuple[int, int]:
    """The size of a panel: the panel may be as wide as `room`, its image alone as high."""
    around = 2 * pad(scale)
    width, height = enlarged(panel, (max(1, room[0] - around), room[1]))
    wide = min(room[0] - around, max(width, min(_title_width(panel, scale), scale.px(TITLED))))
    notes = len(note(panel, wide, scale)[0])
    below = notes * scale.px(NOTE) + scale.px(4) * bool(notes)
    return wide + around, scale.px(TITLE) + height + below + around


def image_place(panel: Picture, rect: pygame.Rect, scale: Scale) -> pygame.Rect:
    """The place of the image in its panel, where clicks count."""
    inner = rect.inflate(-2 * pad(scale), -2 * pad(scale))
    notes = len(note(panel, inner.width, scale)[0]) * scale.px(NOTE)
    inner.top, inner.height = inner.top + scale.px(TITLE), max(1, inner.height - scale.px(TITLE) - notes)
    place = pygame.Rect(0, 0, *enlarged(panel, inner.size))
    place.midtop = inner.midtop
    return place


def draw_panel(
    surface: pygame.Surface, rect: pygame.Rect, panel: Panel, scale: Scale, pointer: tuple[int, int]
) -> None:
    """Draw a panel with its background and title; `pointer` is the mouse, (x, y) in pixels."""
    box(surface, rect, COLOURS["panel"], scale.px(10))
    inner = rect.inflate(-2 * pad(scale), -2 * pad(scale))
    if inner.width < 8 or inner.height < 8:
        return
    text(surface, panel.title, inner.topleft, scale.px(15), bold=True, width=inner.width)
    inner.top, inner.height = inner.top + scale.px(TITLE), max(1, inner.height - scale.px(TITLE))
    match panel:
        case Picture():
            _draw_picture(surface, rect, panel, scale, pointer)
        case Curves():
            draw_curves(surface, inner, panel, scale, pointer)
        case Bars():
            draw_bars(surface, inner, panel, scale, pointer)
        case Lines():
            _draw_rows(surface, inner, panel, scale)


def _draw_picture(
    surface: pygame.Surface, rect: pygame.Rect, panel: Picture, scale: Scale, pointer: tuple[int, int]
) -> None:
    place = image_place(panel, rect, scale)
    surface.blit(image(panel.pixels, place.size), place)
    if panel.clicks:
        edge = COLOURS["real" if place.collidepoint(pointer) else "line"]
        pygame.draw.rect(surface, edge, place.inflate(4, 4), 2)
    width = rect.width - 2 * pad(scale)
    below, size = (rect.centerx, place.bottom + scale.px(4)), note(panel, width, scale)[1]
    row, width = scale.px(NOTE), max(1, width)
    paragraph(surface, panel.note, below, size, width, anchor="midtop", row=row, most=NOTES)


def image(pixels: np.ndarray, size: tuple[int, int]) -> pygame.Surface:
    """An array, uint8 (H, W, 3), as a picture of another size; smooth only if it shrinks."""
    height, width = pixels.shape[:2]
    made = pygame.image.frombytes(np.ascontiguousarray(pixels).tobytes(), (width, height), "RGB")
    resize = pygame.transform.scale if size[0] >= width else pygame.transform.smoothscale
    return resize(made, size)


def _title_width(panel: Panel, scale: Scale) -> int:
    return font(scale.px(15), True).size(panel.title)[0] + scale.px(4)


def note(panel: Picture, width: int, scale: Scale) -> tuple[list[str], int]:
    """The note in lines, and the size of their font, which is smaller if the note needs it."""
    size = scale.px(14)
    while len(wrap(panel.note, size, max(1, width))) > NOTES and size > scale.px(10):
        size -= 1
    return wrap(panel.note, size, max(1, width), most=NOTES), size


def _draw_rows(surface: pygame.Surface, area: pygame.Rect, panel: Lines, scale: Scale) -> None:
    size, y = scale.px(15), area.top
    for what, value in panel.rows:
        names, values, room = row_lines(what, value, area.width, scale)
        for i, line in enumerate(names):
            place = (area.left, y + scale.px(3) + i * scale.px(20))
            text(surface, line, place, size, COLOURS["quiet" if value else "text"], width=room)
        for i, line in enumerate(values):
            place = (area.right, y + scale.px(3) + i * scale.px(20))
            text(surface, line, place, size, bold=True, anchor="topright", width=area.width - room)
        y += max(1, len(names), len(values)) * scale.px(20) + scale.px(6)
        pygame.draw.line(surface, COLOURS["raised"], (area.left, y - 1), (area.right - 1, y - 1))
        if y > area.bottom:
            return


def row_lines(what: str, value: str, width: int, scale: Scale) -> tuple[list[str], list[str], int]:
    """The lines on the left of a row, those of its value on the right, and the pixels of the left part."""
    size, gap = scale.px(15), scale.px(12)
    taken = min(font(size, True).size(value)[0] + gap, round(width * 0.6)) if value else 0
    room = max(1, width - taken)
    values = wrap(value, size, max(1, taken - gap), True) if value else []
    return wrap(what, size, room), values, room


def _row_height(row: tuple[str, str], width: int, scale: Scale) -> int:
    names, values, _ = row_lines(*row, width, scale)
    return max(1, len(names), len(values)) * scale.px(20) + scale.px(6)


def alike(one: Panel, other: Panel) -> bool:
    """Whether two panels look the same."""
    return pickle.dumps(one) == pickle.dumps(other)  # == fails on panels with arrays
