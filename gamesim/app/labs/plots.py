"""Curves with a legend, and bars, in the style of a training's charts."""

from collections.abc import Iterable, Sequence

import numpy as np
import pygame

from gamesim.app.library.charts import SMOOTH_FROM, Axis, axis, draw_grid, draw_points, ends, number, spread
from gamesim.app.theme import COLOURS, Colour, Scale, font
from gamesim.app.ui.widgets import shorten, text
from gamesim.labs.panels import Bars, Curves

INKS = ("curve", "real", "dream", "ghost3", "good", "ghost1", "quiet")
"""Colours of the lines, or of the rows of bars, in the order of the panel."""
NUMBERED, ROOMY = 12, 38  # so many bars have their values above them, if each has so many pixels
NAMED = 9  # bars four times as wide, in a window of 1280x800, always have their names below them


def ink(index: int) -> Colour:
    return COLOURS[INKS[index % len(INKS)]]


def draw_curves(
    surface: pygame.Surface, area: pygame.Rect, panel: Curves, scale: Scale, pointer: tuple[int, int]
) -> None:
    """Draw the lines of a panel, below a legend with their newest values or those at the mouse.

    `area` is the inside of the panel below its title, `pointer` the mouse, (x, y) in pixels.
    """
    lines = {name: _finite(points) for name, points in panel.lines.items()}
    drawn = [points for points in lines.values() if len(points)]
    if not drawn:
        text(surface, "Nothing yet", area.center, scale.px(14), COLOURS["quiet"], anchor="center")
        return
    every = np.concatenate(drawn)
    across = axis(every[:, 0])
    up = Axis(*panel.limits) if panel.limits else axis(every[:, 1], may_be_log=True)
    below = legend_height(lines, area.width, scale)
    plot = _plot(area, below, up, scale)
    if plot.width < 8 or plot.height < 8:
        return
    at = None
    if plot.inflate(0, scale.px(8)).collidepoint(pointer):
        at = across.low + (pointer[0] - plot.left) / max(1, plot.width - 1) * (across.high - across.low)
        pygame.draw.line(surface, COLOURS["line"], (pointer[0], plot.top), (pointer[0], plot.bottom - 1))
    draw_legend(surface, area, {name: _value(points, at) for name, points in lines.items()}, scale)
    draw_grid(surface, plot, ends(*up.ends), scale)
    _draw_across(surface, plot, across, panel.across + (", log" if up.log else ""), at, scale)
    for index, points in enumerate(lines.values()):
        if len(points):
            draw_points(surface, plot, points, across, up, ink(index), scale, 2 * SMOOTH_FROM)


def draw_bars(
    surface: pygame.Surface, area: pygame.Rect, panel: Bars, scale: Scale, pointer: tuple[int, int]
) -> None:
    """Draw the bars of a panel, in groups if there are several rows; arguments are as in `draw_curves`."""
    rows = [np.nan_to_num(np.asarray(values, float)) for values in panel.series.values()]
    count = len(rows[0]) if rows else 0
    if not count:
        text(surface, "Nothing yet", area.center, scale.px(14), COLOURS["quiet"], anchor="center")
        return
    several = len(rows) > 1
    every = np.concatenate([*rows, [0.0]])
    up = Axis(*panel.limits) if panel.limits else spread(float(every.min()), float(every.max()))
    legend = dict.fromkeys(panel.series, "") if several else {}
    numbered = not several and count <= NUMBERED and area.width > count * scale.px(ROOMY)
    above = scale.px(10) if numbered else legend_height(legend, area.width, scale)
    plot = _plot(area, above, up, scale)
    step = plot.width / count
    if plot.width < 8 or plot.height < 8:
        return
    pointed = int((pointer[0] - plot.left) / step) if plot.collidepoint(pointer) else None
    if pointed is not None and several:
        legend = {name: number(row[pointed]) for name, row in zip(panel.series, rows, strict=True)}
    draw_legend(surface, area, legend, scale)
    draw_grid(surface, plot, ends(*up.ends), scale)
    for index, row in enumerate(rows):
        bars = _bars(plot, row, up, step, index, len(rows))
        for bar in bars:
            surface.fill(ink(index), bar)
        for i in range(count) if numbered else [pointed] if pointed is not None and not several else []:
            place = (bars[i].centerx, bars[i].top - scale.px(2))
            text(surface, number(row[i], 2), place, scale.px(12), COLOURS["text"], anchor="midbottom")
    zero = _height(plot, up, np.zeros(1))[0]
    pygame.draw.line(surface, COLOURS["quiet"], (plot.left, zero), (plot.right - 1, zero))
    _draw_names(surface, plot, panel.names, step, pointed, scale)


def _bars(
    plot: pygame.Rect, row: np.ndarray, up: Axis, step: float, index: int, rows: int
) -> list[pygame.Rect]:
    """The bars of row `index`; all `rows` share each place, which is `step` pixels wide."""
    wide = max(1, round(step * 0.76 / rows))
    zero = _height(plot, up, np.zeros(1))[0]
    tops = _height(plot, up, row)
    lefts = plot.left + np.round(step * (np.arange(len(row)) + 0.12) + wide * index).astype(int)
    return [
        pygame.Rect(x, min(top, zero), wide, max(1, abs(top - zero)))
        for x, top in zip(lefts.tolist(), tops, strict=True)
    ]


def _height(plot: pygame.Rect, up: Axis, values: np.ndarray) -> list[int]:
    """The y pixels of values in a plot."""
    return (plot.bottom - 1 - np.round(up.share(values) * (plot.height - 1))).astype(int).tolist()


def legend_height(names: Iterable[str], width: int, scale: Scale) -> int:
    return len(_legend_rows(names, width, scale)) * scale.px(19)


def draw_legend(surface: pygame.Surface, area: pygame.Rect, values: dict[str, str], scale: Scale) -> None:
    """Draw each name in the colour of its line, with a value, from the top of `area`."""
    inks = {name: ink(index) for index, name in enumerate(values)}
    for i, row in enumerate(_legend_rows(values, area.width, scale)):
        x, y = area.left, area.top + i * scale.px(19) + scale.px(9)
        for name, room in row:
            pygame.draw.circle(surface, inks[name], (x + scale.px(4), y), scale.px(4))
            left = x + scale.px(12)
            label = text(
                surface, name, (left, y), scale.px(13), inks[name], anchor="midleft",
                width=max(1, room - scale.px(12)),
            )  # fmt: skip
            spot = (label.right + scale.px(5), y)
            left_over = max(1, x + room - spot[0])
            text(surface, values[name], spot, scale.px(13), bold=True, anchor="midleft", width=left_over)
            x += room + scale.px(12)


def _legend_rows(names: Iterable[str], width: int, scale: Scale) -> list[list[tuple[str, int]]]:
    """Names in rows, each with the pixels that it and a value need."""
    rows: list[list[tuple[str, int]]] = []
    left = 0
    for name in names:
        value = font(scale.px(13), True).size("-0.00000")[0]
        need = min(width, font(scale.px(13)).size(name)[0] + scale.px(17) + value)
        if not rows or need > left:
            rows.append([])
            left = width
        rows[-1].append((name, need))
        left -= need + scale.px(12)
    return rows


def _plot(area: pygame.Rect, above: int, up: Axis, scale: Scale) -> pygame.Rect:
    """The place of the curves in `area`, between the legend, the numbers of the axis and the words below."""
    labels = max(font(scale.px(12)).size(label)[0] for label in ends(*up.ends))
    left, top, foot = labels + scale.px(8), above + scale.px(8), scale.px(20)
    return pygame.Rect(area.left + left, area.top + top, area.width - left, area.height - top - foot)


def _draw_across(
    surface: pygame.Surface, plot: pygame.Rect, across: Axis, words: str, at: float | None, scale: Scale
) -> None:
    """Draw both ends of the x axis below a plot, and between them its name, with the value at the mouse."""
    size, y = scale.px(12), plot.bottom + scale.px(4)
    low = text(surface, number(across.low), (plot.left, y), size, COLOURS["quiet"])
    high = text(surface, number(across.high), (plot.right, y), size, COLOURS["quiet"], anchor="topright")
    room = max(1, high.left - low.right - scale.px(12))
    said = words if at is None else f"{words}: {number(at)}"
    middle = ((low.right + high.left) // 2, y)
    text(surface, said, middle, size, COLOURS["quiet" if at is None else "text"], anchor="midtop", width=room)


def _draw_names(
    surface: pygame.Surface,
    plot: pygame.Rect,
    names: Sequence[str],
    step: float,
    pointed: int | None,
    scale: Scale,
) -> None:
    """Draw the names below the bars; if they do not fit, only that of the bar at the mouse."""
    size, y = scale.px(12), plot.bottom + scale.px(4)
    widest = max((font(size).size(name)[0] for name in names), default=0)
    fits = widest <= step - 2 or step > scale.px(NAMED * 4)
    if fits and names:
        for i, name in enumerate(names):
            middle = (round(plot.left + (i + 0.5) * step), y)
            colour = COLOURS["text" if i == pointed else "quiet"]
            text(surface, shorten(name, size, max(1, int(step) - 2)), middle, size, colour, anchor="midtop")
    elif pointed is not None:
        said = names[pointed] if names else str(pointed + 1)
        x = min(max(plot.left, round(plot.left + (pointed + 0.5) * step)), plot.right)
        text(surface, said, (x, y), size, COLOURS["text"], anchor="midtop", width=plot.width)
    else:
        said = f"{names[0]} … {names[-1]}" if names else ""
        text(surface, said, (plot.centerx, y), size, COLOURS["quiet"], anchor="midtop", width=plot.width)


def _finite(points: Sequence[tuple[float, float]]) -> np.ndarray:
    """The finite points, float (n, 2), from left to right."""
    found = np.asarray(points, float).reshape(-1, 2)
    found = found[np.isfinite(found).all(1)]
    return found[np.argsort(found[:, 0], kind="stable")]


def _value(points: np.ndarray, at: float | None) -> str:
    """The value at a place of the x axis, None: the newest; "" if there is none."""
    if not len(points):
        return ""
    return number(points[-1 if at is None else np.abs(points[:, 0] - at).argmin(), 1])
