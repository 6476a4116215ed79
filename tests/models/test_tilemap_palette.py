"""The palette of tiles: what Tilemap draws with, and how far a real cell lies from it."""

from __future__ import annotations

import math

import pytest
import torch
from hand_set import engine, lived, random

from gamesim.models.frames import to_uint8
from gamesim.models.tilemap.cells import to_cells
from gamesim.models.tilemap.palette import CERTAIN, Palette

PATCH = 2


def cell(*levels: float) -> torch.Tensor:
    """A cell of 2x2 pixels, grey: (12,)."""
    return torch.tensor(levels).repeat(3)


CELLS = torch.stack([cell(0, 0, 0, 0), cell(1, 1, 1, 1), cell(0, 1, 0, 1)])


def frames(*numbers: int) -> torch.Tensor:
    """Frames of one cell each."""
    return CELLS[list(numbers)].view(-1, 3, PATCH, PATCH)


def palette(count: int = 5) -> Palette:
    tiles = Palette(count, PATCH)
    tiles.requires_grad_(False).prepare(to_uint8(frames(0, 0, 1, 0, 2, 0, 1)))
    return tiles


def test_every_kind_of_cell_becomes_a_tile_once_and_the_rest_stay_grey():
    pixels = palette().logits.sigmoid()
    assert pixels[3:].tolist() == [[0.5] * 12] * 2
    found = {tuple(tile.round().tolist()) for tile in pixels[:3]}
    assert found == {tuple(each.tolist()) for each in CELLS}
    assert (pixels[:3] - 0.5).abs().max() == pytest.approx(CERTAIN - 0.5, abs=1e-4)


def test_where_there_are_too_few_tiles_those_that_differ_most_are_taken():
    pixels = palette(2).logits.sigmoid().round()
    assert {tuple(tile.tolist()) for tile in pixels} == {(0.0,) * 12, (1.0,) * 12}


def test_a_palette_is_the_same_however_often_and_in_whatever_order_its_cells_come():
    once, often = Palette(5, PATCH), Palette(5, PATCH)
    once.requires_grad_(False).prepare(to_uint8(frames(2, 1, 0)))
    often.requires_grad_(False).prepare(to_uint8(frames(0, 0, 1, 2, 2, 2, 1, 0)))
    assert torch.equal(once.logits, often.logits)


def test_divergences_are_nats_counted_by_hand():
    tiles = palette()
    black = next(k for k, tile in enumerate(tiles.logits) if tile.max() < 0)
    divergence = tiles.divergence(frames(0, 2, 1))[:, :, 0, 0]
    assert divergence.shape == (3, 5)
    kept, lost = -math.log(CERTAIN), -math.log(1 - CERTAIN)
    expected = [12 * kept, 6 * kept + 6 * lost, 12 * lost]
    assert divergence[:, black].tolist() == pytest.approx(expected, rel=1e-3)
    assert divergence[:, 3].tolist() == pytest.approx([12 * math.log(2)] * 3)
    assert tiles.divergence(frames(1).mul(0.5))[0, 3].item() == pytest.approx(0, abs=1e-4), (
        "grey is like grey"
    )


def test_a_cell_is_read_as_the_tile_that_it_is():
    tiles = palette()
    shares = tiles.which(frames(0, 1, 2))[:, :, 0, 0]
    likeliest = tiles.logits.sigmoid()[shares.argmax(1)].round()
    assert torch.equal(likeliest, CELLS) and shares.amax(1).min() > 0.99
    between = tiles.which(frames(0) * 0.5 + frames(1) * 0.5)[0, :, 0, 0]
    by_hand = (-tiles.divergence(frames(0) * 0.5 + frames(1) * 0.5)[0, :, 0, 0]).softmax(0)
    assert torch.allclose(between, by_hand, atol=1e-5)


def test_the_nll_of_a_frame_is_that_of_a_mixture():
    model = engine()
    real = random(2, 3, 84, 84, seed=3)
    drawn = random(2, 3, 16, 7, 7).log_softmax(2)
    by_hand = -(drawn.exp() * (-model.renderer.tiles.divergence(real).double()[:, None]).exp()).sum(2).log()
    assert torch.allclose(model.nll(drawn, real).double(), by_hand, rtol=1e-4)


@pytest.mark.parametrize("training", [True, False])
def test_a_dream_is_made_of_tiles_and_of_nothing_between_them(training):
    model = engine().train(training)
    cells = to_cells(lived(model)["frame"], model.patch).permute(0, 2, 3, 1).reshape(-1, 432)
    gap = torch.cdist(cells, model.renderer.tiles.logits.detach().sigmoid()).amin(1)
    assert gap.max() < 1e-2
