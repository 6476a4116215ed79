"""Curves of a training, in a small chart for each figure, drawn again only when they have grown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pygame

from gamesim.app.library.runlog import Curve
from gamesim.app.theme import COLOURS, Colour, Scale, font
from gamesim.app.ui.scroller import scrollbar
from gamesim.app.ui.widgets import box, text
from gamesim.text import counted

WIDE, HIGH = 190, 96  # least size of a chart at 1280x800
SMOOTH_FROM = 40  # points from which on a smoothed curve is drawn over the raw one
DECADES = 30.0  # a figure that spans more than this factor is drawn on a logarithmic scale


@dataclass(frozen=True)
class Axis:
    """The values at the two ends of an axis; `log` says whether it is logarithmic."""

    low: float
    high: float
    log: bool = False

    @property
    def ends(self) -> tuple[float, float]:
        return self.low, self.high

    def share(self, values: np.ndarray) -> np.ndarray:
        """The places of values, 0 at `low` and 1 at `high`; values beyond the ends are at the ends."""
        low, high = np.log(self.ends) if self.log else self.ends
        values = np.log(np.maximum(values, self.low)) if self.log else values
        return np.clip((values - low) / (high - low), 0, 1)


def axis(values: np.ndarray, may_be_log: bool = False) -> Axis:
    """From the least to the greatest of some values; logarithmic, where it may be, if they are far apart."""
    low, high = float(values.min()), float(values.max())
    if may_be_log and low > 0 and high / low > DECADES:
        return Axis(low, high, True)
    return spread(low, high)


def spread(low: float, high: float) -> Axis:
    """An axis whose ends differ, even if the values do not."""
    if high > low:
        return Axis(low, high)
    reach = abs(low) / 2 or 0.5
    return Axis(low - reach, high + reach)


@dataclass(frozen=True)
class Chart:
    """One figure: its name, its curve and the colour of it."""

    name: str
    curve: Curve
    colour: Colour


class Charts:
    """A grid of charts that fills an area. If they do not fit, it scrolls by whole rows, of which some are
    `hidden`.
    """

    def __init__(self) -> None:
        self.scroll = self.hidden = 0
        self._drawn: dict[tuple, pygame.Surface] = {}

    def draw(
        self,
        surface: pygame.Surface,
        area: pygame.Rect,
        charts: Sequence[Chart],
        scale: Scale,
        pointer: tuple[int, int] = (-1, -1),
    ) -> None:
        """Draw the charts, and the value at the mouse, which is at `pointer`, (x, y) in pixels."""
        gap = scale.px(10)
        columns = max(1, min(3, len(charts), (area.width + gap) // (scale.px(WIDE) + gap)))
        rows = -(-len(charts) // columns)
        fits = max(1, min(rows, (area.height + gap) // (scale.px(HIGH) + gap)))
        self.hidden = rows - fits
        self.scroll = min(max(0, self.scroll), self.hidden)
        bar = scale.px(12) if rows > fits else 0
        width = (area.width - bar - (columns - 1) * gap) // columns
        height = min(scale.px(260), (area.height - (fits - 1) * gap) // fits)
        if width < 24 or height < 24:
            return
        for i, chart in enumerate(charts[self.scroll * columns : (self.scroll + fits) * columns]):
            x = area.left + i % columns * (width + gap)
            rect = pygame.Rect(x, area.top + i // columns * (height + gap), width, height)
            surface.blit(self._picture(chart, rect.size, scale), rect)
            if rect.collidepoint(pointer):
                self._draw_pointer(surface, rect, chart, pointer[0], scale)
        gutter = pygame.Rect(area.right - scale.px(6), area.top, max(3, scale.px(5)), area.height)
        scrollbar(surface, gutter, self.scroll * height, self.hidden * height)

    def _picture(self, chart: Chart, size: tuple[int, int], scale: Scale) -> pygame.Surface:
        curve = chart.curve
        ends = (curve.steps[-1], curve.values[-1]) if curve.steps else None
        key = (chart.name, chart.colour, size, scale.factor, len(curve.steps), ends)
        if key not in self._drawn:
            if len(self._drawn) > 48:
                self._drawn.clear()
            self._drawn[key] = draw_chart(chart, size, scale)
        return self._drawn[key]

    def _draw_pointer(
        self, surface: pygame.Surface, rect: pygame.Rect, chart: Chart, x: int, scale: Scale
    ) -> None:
        """Draw a line at the step next to the mouse, and the value there, which hides the curve behind it."""
        plot, curve = plot_area(rect.size, scale).move(rect.topleft), chart.curve
        if not curve.steps or plot.width < 2:
            return
        share = min(1.0, max(0.0, (x - plot.left) / plot.width))
        last = max(curve.steps[-1], 1)
        index = int(np.abs(np.asarray(curve.steps) - share * last).argmin())
        x = plot.left + round(curve.steps[index] / last * (plot.width - 1))
        pygame.draw.line(surface, COLOURS["quiet"], (x, plot.top), (x, plot.bottom - 1))
        words = f"{number(curve.values[index])} at {curve.steps[index]:,.0f}"
        anchor = "topright" if share > 0.5 else "topleft"
        place = (x + (-4 if share > 0.5 else 4), plot.top)
        size = scale.px(13)
        behind = pygame.Rect((0, 0), font(size, True).size(words))
        setattr(behind, anchor, place)
        surface.fill(COLOURS["panel"], behind)
        text(surface, words, place, size, COLOURS["text"], bold=True, anchor=anchor)


def plot_area(size: tuple[int, int], scale: Scale) -> pygame.Rect:
    """Where the curve lies inside a chart of `size`."""
    top, pad = scale.px(38), scale.px(12)
    left = scale.px(52)
    return pygame.Rect(left, top, max(1, size[0] - left - pad), max(1, size[1] - top - scale.px(22)))


def draw_chart(chart: Chart, size: tuple[int, int], scale: Scale) -> pygame.Surface:
    """One chart as a picture: name, newest value, least and greatest value, and the curve."""
    surface = pygame.Surface(size, pygame.SRCALPHA)
    whole, plot, curve = surface.get_rect(), plot_area(size, scale), chart.curve
    box(surface, whole, COLOURS["panel"], scale.px(10))
    pad, small = scale.px(10), scale.px(12)
    if not curve.values:
        text(surface, chart.name, (pad, scale.px(7)), scale.px(14), COLOURS["quiet"], width=size[0] - 2 * pad)
        return surface
    place = (size[0] - pad, scale.px(6))
    value, size15 = number(curve.values[-1]), scale.px(15)
    newest = text(surface, value, place, size15, chart.colour, bold=True, anchor="topright")
    text(surface, chart.name, (pad, scale.px(7)), scale.px(14), width=max(1, newest.left - 2 * pad))
    values = np.asarray(curve.values)
    up, across = axis(values, may_be_log=True), Axis(0, max(curve.steps[-1], 1))
    draw_grid(surface, plot, ends(values.min(), values.max()), scale)
    last = counted(round(curve.steps[-1]), "step") + (", log" if up.log else "")
    text(surface, last, (plot.right, size[1] - scale.px(4)), small, COLOURS["quiet"], anchor="bottomright")
    draw_points(surface, plot, np.stack([curve.steps, values], 1), across, up, chart.colour, scale)
    return surface


def draw_grid(surface: pygame.Surface, plot: pygame.Rect, labels: tuple[str, str], scale: Scale) -> None:
    """Draw lines at the lower and at the upper end of a plot, with their labels at the left."""
    for label, y in zip(labels, (plot.bottom - 1, plot.top), strict=True):
        pygame.draw.line(surface, COLOURS["raised"], (plot.left, y), (plot.right - 1, y))
        text(surface, label, (plot.left - scale.px(5), y), scale.px(12), COLOURS["quiet"], anchor="midright")


def draw_points(
    surface: pygame.Surface,
    plot: pygame.Rect,
    points: np.ndarray,
    across: Axis,
    up: Axis,
    colour: Colour,
    scale: Scale,
    smooth_from: int = SMOOTH_FROM,
) -> None:
    """Draw a line through (n, 2); one of many points is faint, with its running mean over it."""
    share = up.share(points[:, 1])

    def draw(heights: np.ndarray, tone: Colour, width: int) -> None:
        x = plot.left + across.share(points[:, 0]) * (plot.width - 1)
        draw_line(surface, np.stack([x, plot.bottom - 1 - heights * (plot.height - 1)], 1), tone, width)

    smooth = len(points) >= smooth_from
    if smooth:
        draw(share, blend(colour, COLOURS["panel"], 0.35), 1)
    draw(smoothed(share) if smooth else share, colour, max(2, scale.px(2)))


def draw_line(surface: pygame.Surface, points: np.ndarray, colour: Colour, width: int) -> None:
    """A smooth line through points (n, 2) in pixels; a dot if there is only one."""
    if len(points) == 1:
        pygame.draw.circle(surface, colour, points[0].tolist(), width + 1)
        return
    if width > 1:
        pygame.draw.lines(surface, colour, False, points.tolist(), width)
    pygame.draw.aalines(surface, colour, False, points.tolist())


def smoothed(values: np.ndarray) -> np.ndarray:
    """A running mean over a fiftieth of the points to each side, fewer at the ends."""
    window = np.ones(2 * max(1, len(values) // 50) + 1)
    return np.convolve(values, window, "same") / np.convolve(np.ones_like(values), window, "same")


def blend(colour: Colour, ground: Colour, share: float) -> Colour:
    """A mix of two colours: `share` (0..1) of the first, the rest of the second."""
    red, green, blue = (round(a * share + b * (1 - share)) for a, b in zip(colour, ground, strict=True))
    return red, green, blue


def number(value: float, digits: int = 3) -> str:
    """A figure, short: 0.0123, 1.62, 35.7, 1234, 12.3k."""
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e4 or size < 1e-3:
        exponent, after = math.floor(math.log10(size)), max(1, digits - 2)
        thousands = 1e4 <= size < 1e6
        return f"{value / 1000:.{after}f}k" if thousands else f"{value / 10**exponent:.{after}f}e{exponent}"
    return f"{value:.{digits}g}" if size < 100 else f"{value:.{max(0, digits - 3)}f}"


def ends(low: float, high: float) -> tuple[str, str]:
    """Labels for the two ends of an axis, with as few digits as tell them apart, from 2 up to 5."""
    said = ((number(low, digits), number(high, digits)) for digits in range(2, 5))
    return next((pair for pair in said if pair[0] != pair[1]), (number(low, 5), number(high, 5)))
