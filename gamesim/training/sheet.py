"""Contact sheets: the real game above, the dream below, under the same keys; the steps are numbered."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COLUMNS = 12
"""At most so many steps are shown, from the first to the last: frames that can be made out."""
GAP, BETWEEN, APART = 4, 10, 28
"""Pixels between two steps, between a real row and its dream, and between two pairs of rows."""
PAPER, INK = 24, 190
"""Grey levels of the ground and of the words, 0..255."""
_LETTERS = {  # 5x7 pixels, a number for each column, its lowest bit on top
    "a": "2054545478", "c": "3844444420", "d": "384444487f", "e": "3854545418", "f": "087e090102",
    "i": "00447d4000", "l": "00417f4000", "m": "7c04180478", "n": "7c08040478", "o": "3844444438",
    "p": "7c14141408", "r": "7c08040408", "s": "4854545420", "t": "043f444020", "v": "1c2040201c",
    "w": "3c4030403c", "0": "3e5149453e", "1": "00427f4000", "2": "4261514946", "3": "2141454b31",
    "4": "1814127f10", "5": "2745454539", "6": "3c4a494930", "7": "0171090503", "8": "3649494936",
    "9": "064949291e",
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """Where the frames of a sheet lie, in pixels before it is enlarged.

    Attributes:
        times: indices of the steps that are shown.
        height, width: of a frame.
        letter: pixels of the sheet for one of a letter.
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
    letter = max(1, round(height / 42))
    longest = max(len(word) for word in (*names, "step"))
    return Layout(shown, height, width, letter, 6 * letter * longest + 2 * GAP, 7 * letter + 2 * GAP)


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
    rows, times, height, width, channels = real.shape
    plan = layout(times, height, width, names)
    bottom, right = plan.place(rows, len(plan.times), dreamt=False)
    sheet = np.full((bottom - APART + 2 * GAP, right + GAP, channels), PAPER, np.uint8)
    if steps:
        write(sheet, "step", (GAP, GAP), plan.letter)
    for column, time in enumerate(plan.times):
        if steps:
            write(sheet, str(time + 1), (GAP, plan.place(0, column, dreamt=False)[1]), plan.letter)
        for row in range(rows):
            for below, frames in enumerate((real, dreamt)):
                top, left = plan.place(row, column, dreamt=bool(below))
                sheet[top : top + height, left : left + width] = frames[row, time]
    for row in range(rows):
        for below, name in enumerate(names):
            top = plan.place(row, 0, dreamt=bool(below))[0] + max(0, height - 7 * plan.letter) // 2
            write(sheet, name, (top, GAP), plan.letter)
    return enlarge(sheet, scale)


def write(sheet: NDArray[np.uint8], words: str, place: tuple[int, int], letter: int) -> None:
    """Write small letters and digits into a sheet, from (top, left) on; what does not fit is cut."""
    columns = [int(_LETTERS[c][i : i + 2], 16) for c in words for i in range(0, 10, 2)]
    bits = np.array([[column >> y & 1 for column in columns] for y in range(7)], bool)
    spaced = np.zeros((7, 6 * len(words)), bool)
    spaced.reshape(7, -1, 6)[:, :, :5] = bits.reshape(7, -1, 5)
    ink = spaced.repeat(letter, 0).repeat(letter, 1)
    part = sheet[place[0] : place[0] + ink.shape[0], place[1] : place[1] + ink.shape[1]]
    part[ink[: part.shape[0], : part.shape[1]]] = INK


def enlarge(image: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Nearest-neighbour enlargement of uint8 (..., H, W, C) by a whole number."""
    return image.repeat(scale, axis=-3).repeat(scale, axis=-2)
