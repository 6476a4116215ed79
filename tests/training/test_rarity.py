"""Cells count by how rare they are, told apart by nothing but their colour."""

import pytest
import torch

from gamesim.training.rarity import COMMON, Rarity

PATCH = 4


def picture(shares: dict[float, int], cells: int = 1000) -> torch.Tensor:
    """One row of grey cells: so many of each brightness, the rest black."""
    values = torch.cat([torch.full((count,), value) for value, count in shares.items()])
    row = torch.cat([values, torch.zeros(cells - len(values))])
    return row.repeat_interleave(PATCH).expand(1, 3, PATCH, -1)


def test_weights_grow_with_the_root_of_rarity_up_to_a_ceiling():
    frames = picture({1.0: 300, 0.5: 10, 0.2: 1})
    weights = Rarity(frames, PATCH, ceiling=5.0)(frames)[0, 0, 0, ::PATCH]
    assert weights[0] == 1 and weights[-1] == 1, "common kinds weigh one"
    assert weights[300] == pytest.approx((COMMON / 0.01) ** 0.5)
    assert weights[310] == 5.0


def test_what_was_never_counted_weighs_most():
    rarity = Rarity(picture({1.0: 300}), PATCH, ceiling=5.0)
    assert (rarity(picture({0.5: 1000})) == 5.0).all()


def test_a_weight_belongs_to_the_pixels_of_its_cell():
    frames = torch.zeros(2, 3, 3, 8, 8)  # (B, T, 3, H, W)
    frames[1, 2, :, 4:, :4] = 1
    weights = Rarity(frames.flatten(0, 1), PATCH, ceiling=9.0)(frames)
    assert weights.shape == (2, 3, 1, 8, 8)
    assert (weights[1, 2, 0, 4:, :4] > 1).all() and (weights > 1).sum() == 16
