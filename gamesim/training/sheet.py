"""Contact sheets: the real game above, the dream below, under the same keys; the steps are numbered."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

COLUMNS = 12
"""At most so many steps are shown, from the first to the last: frames that can be made out."""
GAP, BETWEEN, APART = 4, 10, 28
"""Pixels between two steps, between a real row and its dream, and between two pairs of rows."""
PAPER, INK = (24, 24, 24), (190, 190, 190)
"""Colours of the ground and of the words, 0..255."""


@dataclass(frozen=True)
class Layout:
    """Where the frames of a sheet lie, in pixels before it is enlarged.

    Attributes:
        times: indices of the steps that are shown.
        height, width: of a frame.
        letter: pixels that words are high.
        side: width of the names at the left; head: height of the numbers above.
    """

    times: tuple[int, ...]
    height: int
    width: int
    letter: int
    side: int
    head: int

    def place(self, row: int, column: int, dreamt: bool) -> tuple[int, int]:
        """(top, left) of a frame."""
        top = self.head + row * (2 * self.height + BETWEEN + APART) + dreamt * (self.height + BETWEEN)
        return top, self.side + column * (self.width + GAP)


def layout(times: int, height: int, width: int, names: tuple[str, str]) -> Layout:
    """Lay out a sheet of `times` steps of frames of this size."""
    count = min(times, COLUMNS)
    shown = tuple(np.linspace(0, times - 1, count).round().astype(int).tolist())
    letter = max(9, round(height / 5))
    longest = max(ImageFont.load_default(letter).getlength(word) for word in (*names, "step"))
    return Layout(shown, height, width, letter, round(longest) + 2 * GAP, letter + 2 * GAP)


def contact_sheet(
    real: NDArray[np.uint8],
    dreamt: NDArray[np.uint8],
    *,
    scale: int = 1,
    names: tuple[str, str] = ("real", "dream"),
    steps: bool = True,
) -> NDArray[np.uint8]:
    """Lays out episodes as pairs of rows, time running to the right.

    Args:
        real: uint8 (R, T, H, W, 3), the frames after steps 1..T.
        dreamt: uint8 (R, T, H, W, 3), the same steps dreamt.
        scale: whole enlargement, nearest neighbour.
        names: what stands at the left of a real row, and of the row below it.
        steps: whether columns are steps, whose numbers stand above them.

    Returns:
        uint8 (H', W', 3); `layout` says where the frames lie. Of more than `COLUMNS` steps some are shown.

    Raises:
        ValueError: the shapes differ or are not those above.
    """
    if real.ndim != 5 or real.shape != dreamt.shape:
        raise ValueError(
            f"two uint8 (R, T, H, W, 3) of one shape are needed, not {real.shape} and {dreamt.shape}"
        )
    rows, times, height, width, _ = real.shape
    plan = layout(times, height, width, names)
    bottom, right = plan.place(rows, len(plan.times), dreamt=False)
    sheet = Image.new("RGB", (right + GAP, bottom - APART + 2 * GAP), PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(plan.letter)
    if steps:
        pen.text((GAP, GAP), "step", INK, font)
        for column, time in enumerate(plan.times):
            pen.text((plan.place(0, column, dreamt=False)[1], GAP), str(time + 1), INK, font)
    for row in range(rows):
        for below, (name, frames) in enumerate(zip(names, (real, dreamt), strict=True)):
            middle = plan.place(row, 0, dreamt=bool(below))[0] + height // 2
            pen.text((GAP, middle), name, INK, font, anchor="lm")
            for column, time in enumerate(plan.times):
                top, left = plan.place(row, column, dreamt=bool(below))
                sheet.paste(Image.fromarray(frames[row, time]), (left, top))
    return enlarge(np.array(sheet), scale)


def enlarge(image: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Nearest-neighbour enlargement of uint8 (..., H, W, C) by a whole number."""
    return image.repeat(scale, axis=-3).repeat(scale, axis=-2)
