"""The internals of a world as panels: by name if the name is known, else by the shape of the numbers."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gamesim.app.game.pictures import GREY, HEAT, SIGNED, Picture, coloured, composed, folded, over, veiled

Form = Literal["picture", "bars"]

UNSEEN = 0.15
"""Brightness of the parts of the dynamic layer that the mask leaves out."""
WIDEST, WIDEST_DRAGGED = 64, 256
"""More numbers than this become a map instead of bars; the second value is for bars to drag."""


@dataclass(frozen=True)
class Key:
    """How to show the internals of one name: words above the panel, and one line for somebody who meets the
    idea for the first time; `scale` has the lowest and the highest value, None: from the numbers.
    """

    title: str
    legend: str
    scale: tuple[float, float] | None = None


_THINGS = "Where the {} layer puts things. All bright: everywhere."
KEYS = {
    "static": Key("Static layer", "Drawn from the memory: what stays, such as walls and floor."),
    "dynamic": Key("Dynamic layer", "Drawn from the state: what moves and what is new. Dim: not shown."),
    "mask": Key("Fine mask", "White: the frame shows the dynamic layer. Black: the static one.", (0, 1)),
    "board": Key("Memory board", "Every memory slot, drawn. Frame: where it is read now."),
    "attention": Key("Place read", "Where on its board the memory is read. Your keys move it."),
    "memory": Key("Memory", "How much each slot holds. Dark: nothing written yet."),
    "writes": Key("Memory writes", "How much is written into each slot in one step."),
    "recalled": Key("Recalled", "Bright: drawn from what the slot held before. Dark: drawn anew.", (0, 1)),
    "reconstruction": Key("Frame and reconstruction", "Left: the frame. Right: what the decoder makes of z."),
    "z": Key("z", "Random numbers drawn for this step. Temperature scales them.", (-3, 3)),
    "mixture": Key("Possible futures", "Mixture weights: how likely each was. They add up to 1.", (0, 1)),
    "static objects": Key("Static objects", _THINGS.format("static"), (0, 1)),
    "dynamic objects": Key("Dynamic objects", _THINGS.format("dynamic"), (0, 1)),
    "hidden": Key("Hidden state", "What the network carries from step to step."),
    "h": Key("Hidden state", "What the network carries from step to step.", (-1, 1)),
}
"""The names that our engines use, in the order of their panels."""

DRAGGED = "The frame as {count} numbers. Drag a bar to change what is dreamt next."


@dataclass(frozen=True)
class Panel:
    """One panel of internals, ready to be drawn.

    Attributes:
        title, legend: words above and below it.
        values: a picture uint8 (H, W, 3), or bars (n,).
        low, high: the ends of its scale; None for a picture without a scale.
        marks: weights (h, w), whose outline is drawn over it.
        wide: whether it needs two columns.
        draggable: whether the player can drag its bars.
    """

    name: str
    title: str
    legend: str
    form: Form
    values: np.ndarray
    low: float | None = None
    high: float | None = None
    marks: np.ndarray | None = None
    wide: bool = False
    draggable: bool = False

    @property
    def scale(self) -> str:
        """The ends of the scale in words."""
        if self.low is None or self.high is None:
            return ""
        return f"{number(self.low)} to {number(self.high)}"


def number(value: float) -> str:
    """A number, short: 0, 1, -3, 0.52, 0.003."""
    if value == 0 or (abs(value) >= 1 and value == round(value)):
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) >= 0.01 else f"{value:.1g}"


def panels_of(shown: dict[str, np.ndarray], frame: Picture, changes: frozenset[str]) -> list[Panel]:
    """The panels of a world's internals.

    Args:
        shown: the internals by name: pictures uint8 (H, W, 3), floats (n,), (h, w) or (k, h, w).
        frame: uint8 (H, W, 3), on screen now.
        changes: names that may be changed by hand.
    """
    order = [name for name in KEYS if name in shown] + [name for name in shown if name not in KEYS]
    if "board" in shown:  # its panel shows the attention as an outline
        order = [name for name in order if name != "attention"]
    return [panel for name in order if (panel := _panel(name, shown, frame, changes)) is not None]


def _panel(name: str, shown: dict[str, np.ndarray], frame: Picture, changes: frozenset[str]) -> Panel | None:
    values, key = shown[name], KEYS.get(name, Key(name.capitalize(), ""))
    if values.size == 0:
        return None
    if values.dtype == np.uint8 and values.ndim == 3:
        return _picture(name, key, values, shown, frame)
    dragged = name in changes
    if values.ndim == 1 and len(values) <= (WIDEST_DRAGGED if dragged else WIDEST):
        low, high = _scale(key, values)
        legend = DRAGGED.format(count=len(values)) if dragged else key.legend
        return Panel(name, key.title, legend, "bars", values, low, high, None, len(values) > 12, dragged)
    if values.ndim == 1:
        values = folded(values)
    if values.ndim == 3:
        return _maps(name, key, values)
    return _heat(name, key, values, shown) if values.ndim == 2 else None


def _picture(name: str, key: Key, picture: Picture, shown: dict[str, np.ndarray], frame: Picture) -> Panel:
    if name == "reconstruction" and picture.shape == frame.shape:
        both = np.concatenate([frame, np.zeros((len(frame), len(frame) // 28, 3), np.uint8), picture], 1)
        return Panel(name, key.title, key.legend, "picture", both, wide=True)
    if name == "board":
        known = shown.get("memory")
        board = picture if known is None else veiled(picture, known > 0)
        return Panel(name, key.title, key.legend, "picture", board, marks=shown.get("attention"))
    if name == "dynamic" and "mask" in shown:  # elsewhere it was not trained to draw anything
        picture = composed(picture, np.maximum(shown["mask"], UNSEEN), np.zeros_like(picture))
    return Panel(name, key.title, key.legend, "picture", picture)


def _heat(name: str, key: Key, values: np.ndarray, shown: dict[str, np.ndarray]) -> Panel:
    """Values (h, w) as a heat map; those of memory slots lie over the remembered board, if there is one."""
    low, high = _scale(key, values)
    board, slots = shown.get("board"), shown.get("attention")
    on_board = slots is not None and values.shape == slots.shape
    if on_board and board is not None:
        picture = over(board, values, high)
    else:
        ramp = SIGNED if low < 0 else GREY if name == "mask" else HEAT
        picture = coloured(values, low, high, ramp)
    marks = slots if on_board and name != "attention" else None
    return Panel(name, key.title, key.legend, "picture", picture, low, high, marks=marks)


def _maps(name: str, key: Key, values: np.ndarray) -> Panel:
    """Several maps (k, h, w) in a square, with a gap between them."""
    count, height, width = values.shape
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    low, high = _scale(key, values)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1, 3), 34, np.uint8)
    for index, part in enumerate(values):
        y, x = index // columns * (height + 1), index % columns * (width + 1)
        sheet[y : y + height, x : x + width] = coloured(part, low, high, SIGNED if low < 0 else HEAT)
    return Panel(name, f"{key.title}: {count} maps", key.legend, "picture", sheet, low, high)


def _scale(key: Key, values: np.ndarray) -> tuple[float, float]:
    """The ends of a scale: the key's, or symmetric around 0, or from 0 to the highest value."""
    if key.scale is not None:
        return key.scale
    most = float(np.abs(values).max()) or 1.0
    return (-most, most) if float(values.min()) < 0 else (0.0, most)
