"""The contact sheet: real above, dreamt below."""

import numpy as np
import pytest

from gamesim.sheet import GAP, contact_sheet


def test_every_frame_lies_where_the_sheet_says():
    rng = np.random.default_rng(0)
    real, dreamt = rng.integers(0, 256, (2, 3, 4, 8, 6, 3), dtype=np.uint8)
    sheet = contact_sheet(real, dreamt)
    for row in range(3):
        for time in range(4):
            top, left = 4 * GAP + row * (2 * 8 + GAP + 4 * GAP), GAP + time * (6 + GAP)
            assert (sheet[top : top + 8, left : left + 6] == real[row, time]).all()
            assert (sheet[top + 8 + GAP : top + 16 + GAP, left : left + 6] == dreamt[row, time]).all()
    assert sheet.dtype == np.uint8


def test_scale_enlarges_without_blur():
    real = np.zeros((1, 1, 2, 2, 3), np.uint8)
    small, large = contact_sheet(real, real + 200), contact_sheet(real, real + 200, scale=3)
    assert (large[1::3, 1::3] == small).all()
    assert set(np.unique(large)) == set(np.unique(small))


def test_rows_of_other_shapes_are_refused():
    real = np.zeros((1, 2, 4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="one shape"):
        contact_sheet(real, real[:, :1])
