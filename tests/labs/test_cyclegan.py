"""What holds for CycleGAN and for the figures that judge it, whatever it has learned."""

from itertools import islice

import numpy as np
import pytest
import torch

from gamesim.envs.layouts import FLAG, GHOST, OUTSIDE, WALL
from gamesim.envs.sprites import decode, tiles
from gamesim.errors import UserError
from gamesim.labs import Given
from gamesim.labs.cyclegan import (
    RATE,
    CycleGAN,
    Discriminator,
    Generator,
    Pool,
    frames,
    least_squares,
    rate,
    tensor,
    trained,
)
from gamesim.labs.cyclegan_page import CycleGANLab, LayerSwap, cells_kept
from gamesim.labs.themes import GAMES, KINDS, score, stream, total, twins


def pairs(count):
    """True pairs of many games and moments, no two of which are nearly the same: theme -> frames."""
    moments = list(islice(twins(32), 0, 5 * -(-count // 32), 5))
    return {theme: np.concatenate([moment[theme] for moment in moments])[:count] for theme in GAMES}


def repainted(pictures, was, becomes, theme):
    """Frames in which the tiles of one kind are another's."""
    found = pictures.copy().reshape(-1, 7, 12, 7, 12, 3)
    kinds = decode(pictures, theme)[0]
    for lane, row, column in np.argwhere(kinds == was):
        found[lane, row, :, column] = tiles(12, theme)[becomes]
    return found.reshape(pictures.shape)


def with_tiles(pictures, theme, *kinds):
    """The same frames with tiles of some kinds along the top, so that each is there."""
    found = pictures.copy()
    for column, kind in enumerate(kinds):
        found[:, :12, 12 * column : 12 * column + 12] = tiles(12, theme)[kind]
    return found


# --- the method


def test_frames_come_back_from_tensors_as_they_were():
    some = pairs(4)["garden"]
    assert tensor(some).shape == (4, 3, 84, 84) and tensor(some).abs().max() <= 1
    assert np.array_equal(frames(tensor(some)), some)


def test_a_generator_keeps_the_size_and_a_verdict_is_on_patches():
    picture = torch.rand(2, 3, 84, 84) * 2 - 1
    painted = Generator()(picture)
    assert painted.shape == picture.shape and painted.abs().max() <= 1
    assert Discriminator()(picture).shape == (2, 1, 19, 19)


def test_a_verdict_sees_34_pixels_each_way():
    judge = Discriminator()
    for module in judge.modules():  # instance norm looks at the whole picture
        if isinstance(module, torch.nn.InstanceNorm2d):
            module.forward = lambda x: x
    picture = torch.zeros(1, 3, 84, 84, requires_grad=True)
    judge(picture)[0, 0, 9, 9].backward()
    assert picture.grad is not None
    seen = picture.grad.abs().sum((0, 1))
    assert int(seen.sum(0).ne(0).sum()) == int(seen.sum(1).ne(0).sum()) == 34


def test_least_squares_are_nothing_for_the_verdict_that_is_wanted():
    assert least_squares(torch.ones(3), 1).item() == 0
    assert least_squares(torch.tensor([0.0, 2.0]), 1).item() == 1


def test_the_rate_is_even_and_then_falls_to_nothing():
    assert rate(0, 100) == rate(50, 100) == RATE
    assert rate(75, 100) == pytest.approx(RATE / 2)
    assert rate(100, 100) == rate(1000, 100) == 0
    assert rate(100_000) == RATE, "trained networks learn on in the lab"


def test_a_pool_shows_old_pictures_half_of_the_time():
    pool, shown = Pool(10), []
    for i in range(1000):
        shown.append(int(pool(torch.full((1, 1), float(i)))))
    new = [value == i for i, value in enumerate(shown)]
    assert all(new[:10]) and 0.4 < np.mean(new[10:]) < 0.6
    assert len({*shown[10:]}) == len(shown) - 10, "an old one that is shown leaves its place to the new one"


def test_without_a_pool_only_the_newest_are_shown():
    pool = Pool(0)
    assert [int(pool(torch.full((1, 1), float(i)))) for i in range(20)] == [*range(20)]


def test_a_step_moves_all_four_networks():
    model = CycleGAN(0)
    before = {name: value.clone() for name, value in model.named_parameters()}
    losses = model.step(tensor(next(stream("night", 1, 0))), tensor(next(stream("garden", 1, 0))))
    assert {*losses} == {"fooled", "cycle", "identity", "judges"} and int(model.taken) == 1
    for part in ("garden", "night", "judge_garden", "judge_night"):
        moved = [not torch.equal(v, before[n]) for n, v in model.named_parameters() if n.startswith(part)]
        assert any(moved), part


def test_a_generator_that_changes_nothing_has_no_cycle_and_no_identity_loss():
    model = CycleGAN(0)
    model.garden.forward = model.night.forward = lambda picture: picture * (1 + 0 * model.taken)
    x, y = tensor(next(stream("night", 1, 0))), tensor(next(stream("garden", 1, 0)))
    losses = model.step_painters(x.requires_grad_(), y.requires_grad_())[0]
    assert losses["cycle"] == losses["identity"] == 0 < losses["fooled"]


# --- data and figures


def test_what_is_learned_from_is_no_pairs():
    nights, gardens = (list(islice(stream(theme, 4, 0), 3)) for theme in ("night", "garden"))
    assert nights[0].shape == (4, 84, 84, 3)
    for night, garden in zip(nights, gardens, strict=True):
        assert not np.array_equal(decode(night)[0], decode(garden, "garden")[0])


def test_the_same_seed_is_the_same_stream():
    first, again, other = (np.stack(list(islice(stream("night", 2, s), 3))) for s in (3, 3, 4))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_pairs_are_the_same_moments_of_the_same_games():
    true = pairs(70)
    assert len(true["night"]) == len(true["garden"]) == 70
    assert np.array_equal(decode(true["night"])[0], decode(true["garden"], "garden")[0])
    for both in islice(twins(1, 3), 100):  # also beyond the end of an episode
        assert np.array_equal(decode(both["night"])[0], decode(both["garden"], "garden")[0])


def test_the_true_other_look_has_all_cells_right():
    true = pairs(16)
    judged = score(true["night"], "night", true["garden"], "garden", true["garden"])
    assert judged.right == judged.by_kind == 1 and judged.error == 0 and judged.permuted() == []


def test_a_kind_that_became_another_is_named():
    true = pairs(16)
    wrong = repainted(true["garden"], WALL, OUTSIDE, "garden")
    judged = score(true["night"], "night", wrong, "garden", true["garden"])
    assert judged.permuted() == ["walls became the outside"] and judged.right < 1 and judged.error > 0


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [(FLAG, GHOST, "flags and ghosts are swapped"), (WALL, OUTSIDE, "walls and the outside are swapped")],
)
def test_two_kinds_that_changed_places_are_named(one, other, said):
    true = {theme: with_tiles(part, theme, one, other) for theme, part in pairs(8).items()}
    lone = repainted(true["garden"], one, other, "garden")
    both = repainted(true["garden"], other, one, "garden")
    first = (decode(true["garden"], "garden")[0] == one).repeat(12, 1).repeat(12, 2)[..., None]
    swapped = np.where(first, lone, both)
    judged = score(true["night"], "night", swapped, "garden", true["garden"])
    assert judged.permuted() == [said]


def test_scores_add_up():
    true = pairs(8)
    lanes = zip(*(np.split(part, 8) for part in true.values()), strict=True)
    parts = [score(night, "night", garden, "garden", garden) for night, garden in lanes]
    whole = score(true["night"], "night", true["garden"], "garden", true["garden"])
    assert np.array_equal(total(parts).confusion, whole.confusion)
    assert whole.confusion.shape == (len(KINDS), len(KINDS)) and whole.confusion.sum() == 8 * 49


# --- the lab


@pytest.mark.slow
@pytest.mark.parametrize(("theme", "other"), [("night", "garden"), ("garden", "night")])
def test_the_shipped_networks_keep_the_cells_both_ways(theme, other):
    true = pairs(128)
    painted = trained().translated(true[theme], theme)
    assert score(true[theme], theme, painted, other, true[other]).right > 0.95


def test_training_begins_anew_and_goes_back():
    lab = CycleGANLab(Given())
    trained = lab.figures()["steps"]
    lab.set("weights", "untrained")
    lab.step()
    assert lab.figures()["steps"] == 1 and lab.figures()["night_to_garden_right"] < 0.9
    lab.set("weights", "trained")
    assert lab.figures()["steps"] == trained


def test_weights_of_another_network_are_one_line(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(UserError, match=r"model\.safetensors: damaged"):
        CycleGANLab(Given(checkpoint=tmp_path))


# --- the layer swap


def test_a_swapped_dream_keeps_cells_in_either_look():
    true = pairs(1)
    night, garden = true["night"][0], true["garden"][0]
    mixed = night.copy()
    mixed[:, 42:] = garden[:, 42:]
    assert cells_kept(night, night) == cells_kept(night, garden) == 1
    assert cells_kept(night, mixed) > 0.8
    assert cells_kept(night, np.full_like(night, 255)) < 0.5


def test_the_layer_swap_begins_with_what_both_dreams_have_seen():
    swap = LayerSwap(0)
    assert swap.night.shape == swap.swapped.shape == (84, 84, 3)
    assert cells_kept(swap.night, swap.swapped) > 0.9 and not np.array_equal(swap.night, swap.swapped)


def test_the_lab_puts_both_ways_side_by_side():
    lab = CycleGANLab(Given())
    assert not any("dream" in panel.title for panel in lab.view())
    lab.set("swap", True)
    lab.step()
    assert any("dream" in panel.title for panel in lab.view())
    assert lab.figures()["dream_swap_right"] > 0.8
