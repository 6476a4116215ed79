"""Tilemap's rendering engine: layers that mix, turns that know of each other, and z that chooses."""

from __future__ import annotations

import pytest
import torch
from hand_set import SURE, engine, random
from torch.distributions import Gumbel, Normal

from gamesim.models.tilemap.renderer import TURNS, Renderer, gumbel

KINDS, READ, STATE = 16, 5, 12


def renderer(**changes: object) -> Renderer:
    """Of a new engine, whose turns are not silent."""
    model = engine(**changes).renderer.eval()
    with torch.no_grad():
        model.blocks[0].second.weight.normal_(std=0.3, generator=torch.Generator().manual_seed(1))
    return model.requires_grad_(False)


def inputs(batch: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    return random(batch, READ, 7, 7), random(batch, STATE, 7, 7, seed=1)


def said(model: Renderer, read: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What the layers say before anything was drawn."""
    drawing = model.forced(read, state, torch.full((len(read), 3, 84, 84), 0.5))
    return drawing.log_probs, drawing.share


# ---------------------------------------------------------------------------------- layers


def test_static_is_drawn_from_memory_and_dynamic_from_the_state():
    model, (read, state) = renderer(), inputs()
    mixed = said(model, read, state)[0][:, 0]
    model.mask.weight.zero_()
    model.mask.bias.fill_(SURE)
    assert torch.allclose(said(model, read, state)[0][:, 0], said(model, read, -state)[0][:, 0], atol=1e-6)
    model.mask.bias.fill_(-SURE)
    assert torch.allclose(said(model, read, state)[0][:, 0], said(model, -read, state)[0][:, 0], atol=1e-6)
    assert not torch.allclose(said(model, read, state)[0][:, 0], mixed, atol=1e-3)


def test_the_frame_is_the_mixture_of_what_the_layers_would_draw():
    drawn, share = said(renderer(), *inputs(2))
    mixed, static, dynamic = drawn.exp().unbind(1)
    assert torch.allclose(drawn.exp().sum(2), torch.ones(2, 3, 7, 7), atol=1e-5)
    assert torch.allclose(mixed, share[:, None] * dynamic + (1 - share[:, None]) * static, atol=1e-6)


def test_without_a_memory_module_the_picture_is_the_dynamic_layer():
    model, (read, state) = renderer(memory=False), inputs()
    z = torch.randn(1, KINDS, 7, 7)
    one, other = model(read, state, z), model(-read, state, z)
    assert torch.equal(one.log_probs, other.log_probs) and one.log_probs.shape == (1, 1, KINDS, 7, 7)
    assert not one.share.any()


# ---------------------------------------------------------------------------------- turns


def test_a_cell_and_its_neighbours_have_five_different_turns():
    turn = renderer().turn
    assert sorted(turn.unique().tolist()) == list(range(TURNS))
    for y in range(1, 6):
        for x in range(1, 6):
            around = [turn[y, x], turn[y, x - 1], turn[y, x + 1], turn[y - 1, x], turn[y + 1, x]]
            assert len({int(each) for each in around}) == TURNS


def test_a_turn_knows_those_before_it_and_none_after():
    model, (read, state) = renderer(), inputs()
    frame = model(read, state, torch.randn(1, KINDS, 7, 7)).frame
    before = model.layers(read, state, frame)[0][0, 0]
    for turn in range(TURNS):
        cell = (model.turn == turn).nonzero()[4]
        y, x = (12 * cell).tolist()
        changed = frame.clone()
        changed[..., y : y + 12, x : x + 12] = 0.3
        after = model.layers(read, state, changed)[0][0, 0]
        moved = (before != after).any(0)
        assert not moved[model.turn <= turn].any()
        assert bool(moved[model.turn > turn].any()) is (turn < TURNS - 1)


def test_what_a_drawing_says_of_itself_is_what_is_said_of_its_frame():
    model, (read, state) = renderer(), inputs(2)
    drawing = model(read, state, torch.randn(2, KINDS, 7, 7))
    drawn, share = model.layers(read, state, drawing.frame)
    # The tiles of a frame are read from its pixels, which float arithmetic rounds.
    assert torch.allclose(drawing.log_probs, drawn, atol=1e-4)
    assert torch.allclose(drawing.share, share, atol=1e-4)
    assert torch.equal(drawing.weight, torch.ones(2, 7, 7))


def test_in_training_hidden_cells_are_asked_for_and_shown_ones_are_not():
    model, (read, state) = renderer().train(), inputs(400)
    forced = model.forced(read, state, random(400, 3, 84, 84))
    assert torch.allclose(forced.weight.mean((1, 2)), torch.ones(400), atol=1e-5)
    hidden = (forced.weight > 0).float()
    counts = hidden.mean((1, 2)) * TURNS
    assert {round(float(count)) for count in counts} == {1, 2, 3, 4, 5}
    for number in range(1, TURNS + 1):
        assert ((counts.round() == number).float().mean() - 1 / TURNS).abs() < 0.1
    for turn in range(TURNS):  # a turn is shown or hidden as a whole, each as often as any other
        cells = hidden[:, model.turn == turn]
        assert torch.equal(cells, cells[:, :1].expand_as(cells))
        assert abs(float(cells.mean()) - 0.6) < 0.1


def test_in_training_what_is_said_of_hidden_cells_hangs_on_shown_ones_alone():
    model, (read, state) = renderer().train(), inputs()
    real = random(1, 3, 84, 84)
    for seed in range(8):
        torch.manual_seed(seed)
        forced = model.forced(read, state, real)
        hidden = (forced.weight > 0)[:, None].float().repeat_interleave(12, 2).repeat_interleave(12, 3)
        torch.manual_seed(seed)
        other = model.forced(read, state, torch.where(hidden > 0, 0.3, real))
        assert torch.equal(forced.log_probs, other.log_probs)


# ---------------------------------------------------------------------------------- z


def test_z_becomes_gumbel_noise():
    z = torch.linspace(-5, 5, 101).double()
    assert torch.allclose(Gumbel(0.0, 1.0).cdf(gumbel(z).double()), Normal(0.0, 1.0).cdf(z), atol=1e-5)
    assert gumbel(torch.tensor([-40.0, 12.0])).isfinite().all()


def test_tiles_are_drawn_by_their_probability_and_the_likeliest_one_without_noise():
    model = renderer()
    shares = torch.tensor([0.6, 0.3, 0.1] + [1e-12] * (KINDS - 3))
    kinds = shares.log().view(1, KINDS, 1, 1).expand(1, KINDS, 100, 100)
    z = torch.randn(kinds.shape, generator=torch.Generator().manual_seed(0))
    found = model.pick(kinds, gumbel(z)).mean((0, 2, 3))
    assert (found - shares).abs().max() < 0.02
    assert model.pick(kinds, gumbel(0 * z))[:, 0].all()


def test_what_is_nearly_sure_is_not_left_to_chance():
    model, noise = renderer(), gumbel(torch.randn(1, KINDS, 100, 100))

    def drawn(sure: float) -> float:
        kinds = torch.tensor([sure] + [(1 - sure) / (KINDS - 1)] * (KINDS - 1)).log().view(1, KINDS, 1, 1)
        return float(model.pick(kinds.expand_as(noise), noise)[:, 0].mean())

    assert drawn(0.995) == 1
    assert drawn(0.98) == pytest.approx(0.98, abs=0.004)
    model.train()
    assert drawn(0.96) == 1 and drawn(0.9) < 0.95


def test_two_cells_that_exclude_each_other_are_never_both_drawn():
    """A ghost that went one way did not go another: hand-set, a tile forbids itself to later neighbours."""
    model = renderer()
    with torch.no_grad():
        block = model.blocks[0]
        for part in (model.dynamic, model.glimpse, model.kinds, block.first, block.second):
            part.weight.zero_()
            part.bias.zero_()
        model.mask.weight.zero_()
        model.mask.bias.fill_(-SURE)  # the dynamic layer draws all
        model.tiles.logits[2:] = -SURE
        model.glimpse.weight[0, 1] = 20  # for a ghost
        block.first.weight[0, 0] = 1
        block.second.weight[1, 0, 1, 1] = 1
        model.kinds.weight[1, 1] = -1
        model.kinds.bias[2:] = -SURE
    read, state = torch.zeros(64, READ, 7, 7), torch.zeros(64, STATE, 7, 7)
    z = torch.randn(64, KINDS, 7, 7, generator=torch.Generator().manual_seed(0))
    picture = model(read, state, z).frame
    real = model.tiles.divergence(picture)
    ghosts = real[:, 1] < real[:, 0]
    assert 0.05 < ghosts.float().mean() < 0.5
    assert not (ghosts[:, :, 1:] & ghosts[:, :, :-1]).any() and not (ghosts[:, 1:] & ghosts[:, :-1]).any()


@pytest.mark.parametrize("training", [True, False])
def test_gradients_pass_as_if_tiles_were_shown_by_their_probability(training):
    model = renderer().train(training)
    logits = random(1, KINDS, 7, 7).requires_grad_()
    weight = random(1, 3, 84, 84, seed=2)
    drawn = (model.tiles(model.pick(logits, torch.zeros(1))) * weight).sum()
    if not training:
        assert not drawn.requires_grad
        return
    drawn.backward()
    shares = logits.detach().clone().requires_grad_()
    (model.tiles(shares.softmax(1)) * weight).sum().backward()
    assert logits.grad is not None and shares.grad is not None
    assert torch.allclose(logits.grad, shares.grad, atol=1e-5) and logits.grad.abs().max() > 0


def test_what_a_tile_looks_like_is_learned_from_real_frames_alone():
    model = engine().renderer.train()
    drawing = model(*inputs(), torch.randn(1, KINDS, 7, 7))
    drawing.frame.sum().backward()
    assert model.tiles.logits.grad is None
