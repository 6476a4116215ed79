"""The contact sheet: real above, dreamt below, named, with the steps above."""

import numpy as np
import pytest

from gamesim.training.sheet import BETWEEN, COLUMNS, GAP, PAPER, contact_sheet, layout


@pytest.mark.parametrize("times", [4, 30])
def test_every_frame_lies_where_the_layout_says(times: int):
    rng = np.random.default_rng(0)
    real, dreamt = rng.integers(0, 256, (2, 3, times, 8, 6, 3), dtype=np.uint8)
    sheet, plan = contact_sheet(real, dreamt), layout(times, 8, 6, ("real", "dream"))
    for row in range(3):
        for column, time in enumerate(plan.times):
            for below, frames in enumerate((real, dreamt)):
                top, left = plan.place(row, column, dreamt=bool(below))
                assert (sheet[top : top + 8, left : left + 6] == frames[row, time]).all()
    assert sheet.dtype == np.uint8


def test_of_many_steps_some_are_shown_from_the_first_to_the_last():
    times = layout(30, 84, 84, ("real", "dream")).times
    assert len(times) == COLUMNS and (times[0], times[-1]) == (0, 29) and list(times) == sorted(set(times))


def test_real_and_dream_are_set_apart_and_named_and_the_steps_are_numbered():
    frames = np.zeros((1, 5, 84, 84, 3), np.uint8)
    sheet, plan = contact_sheet(frames, frames), layout(5, 84, 84, ("real", "dream"))
    top, left = plan.place(0, 0, dreamt=False)
    gap = sheet[top + 84 : top + 84 + BETWEEN, left:]
    assert BETWEEN > GAP and (gap == PAPER).all()
    names = sheet[top : top + 84, : plan.side], sheet[top + 84 + BETWEEN :, : plan.side]
    assert all((part != PAPER).any() for part in names) and not np.array_equal(names[0], names[1][:84])
    numbers = [sheet[: plan.head, plan.place(0, i, dreamt=False)[1] :][:, :84] for i in range(5)]
    assert all((number != PAPER).any() for number in numbers)
    assert len({number.tobytes() for number in numbers}) == 5
    plain = contact_sheet(frames, frames, steps=False)
    assert (plain[: plan.head] == PAPER).all()


def test_scale_enlarges_without_blur():
    real = np.zeros((1, 1, 2, 2, 3), np.uint8)
    small, large = contact_sheet(real, real + 200), contact_sheet(real, real + 200, scale=3)
    assert (large[1::3, 1::3] == small).all()
    assert set(np.unique(large)) == set(np.unique(small))


def test_rows_of_other_shapes_are_refused():
    real = np.zeros((1, 2, 4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="one shape"):
        contact_sheet(real, real[:, :1])
