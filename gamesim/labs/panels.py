"""What a lab shows: pictures, curves, bars and lines of text. All can be pickled: a lab may run elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
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
    lines: dict[str, Sequence[tuple[float, float]]]
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
    series: dict[str, Sequence[float]]
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
