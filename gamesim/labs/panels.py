"""What a lab shows: pictures, curves, bars and lines of text. All can be pickled: a lab may run elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Picture:
    """An image, enlarged by whole factors and never smoothed.

    Attributes:
        title: above it; also the name by which clicks are told.
        pixels: uint8 (H, W, 3).
        note: a short line below it, such as a figure of this picture.
        clicks: whether it can be clicked into.
    """

    title: str
    pixels: np.ndarray
    note: str = ""
    clicks: bool = False


@dataclass(frozen=True)
class Curves:
    """Lines over one axis.

    Attributes:
        title: above it.
        across: what the x axis is, such as "step" or "epsilon, of 255".
        lines: name -> points (x, y).
        limits: of the y axis; None: what the points need.
    """

    title: str
    across: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    limits: tuple[float, float] | None = None


@dataclass(frozen=True)
class Bars:
    """A bar for each name.

    Attributes:
        title: above it.
        names: below the bars; may be empty where there are many.
        series: what each row of bars is called -> its values, as many as there are bars.
        limits: of the values; None: what they need, with 0.
    """

    title: str
    names: Sequence[str]
    series: Mapping[str, Sequence[float]]
    limits: tuple[float, float] | None = None


@dataclass(frozen=True)
class Lines:
    """Rows of text, such as a formula with its numbers or a figure with its name.

    Attributes:
        title: above it.
        rows: (what, value); value may be "".
    """

    title: str
    rows: Sequence[tuple[str, str]] = field(default_factory=tuple)


Panel = Picture | Curves | Bars | Lines


class Traces:
    """Lines of `Curves` that grow: by name, a point for each step at which a value was told."""

    def __init__(self) -> None:
        self._points: dict[str, list[tuple[float, float]]] = {}

    def add(self, step: float, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._points.setdefault(name, []).append((step, value))

    def lines(self, *names: str) -> dict[str, Sequence[tuple[float, float]]]:
        """All of them, or those of these names that there are."""
        return {name: self._points[name] for name in names or self._points if name in self._points}


def check(panel: Panel) -> None:
    """Makes sure that a panel can be drawn.

    Raises:
        ValueError: it cannot.
    """
    match panel:
        case Picture(pixels=pixels):
            fine = pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.size > 0
            why = f"pixels are {pixels.dtype} {pixels.shape}, not uint8 (H, W, 3)"
        case Curves(lines=lines):
            fine = all(len(point) == 2 for points in lines.values() for point in points)
            why = "a point of a curve is not (x, y)"
        case Bars(names=names, series=series):
            counts = {len(values) for values in series.values()}
            fine = len(counts) <= 1 and (len(names) == 0 or counts <= {len(names)})
            why = "there are not as many values in each series as there are names"
        case Lines(rows=rows):
            fine = all(isinstance(word, str) for row in rows for word in row) and {*map(len, rows)} <= {2}
            why = "a row is not (what, value), both words"
    limits = getattr(panel, "limits", None)
    if limits is not None and not limits[0] < limits[1]:
        fine, why = False, f"limits {limits} are not a lower and a higher number"
    if not fine:
        raise ValueError(f"panel '{panel.title}': {why}")
