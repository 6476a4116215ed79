"""What holds for the lecture's GAN, whatever it has learned."""

import copy
import math
import os

import numpy as np
import pytest
import torch
from torch import nn

from gamesim import shipped
from gamesim.errors import UserError
from gamesim.labs import Given, gan
from gamesim.labs.controls import values as by_name
from gamesim.labs.gan import (
    GAN,
    Discriminator,
    Generator,
    Rules,
    best_discriminator,
    count,
    gradient_penalty,
    r1,
    rules_after,
    value,
)
from gamesim.labs.gan_page import GANLab
from gamesim.labs.modes import SIDE, checkerboard, covered, evenness, shares, sprites


def tensors(pictures):
    return torch.from_numpy(pictures)[:, None]


def test_the_networks_have_as_many_parameters_as_the_lecture_says():
    assert count(Discriminator()) == 720_833
    assert count(Generator()) == 844_161
    assert sum(each.numel() for each in Generator().parameters()) == 837_377


def test_transposed_convolutions_have_as_many_parameters():
    assert count(Generator(transposed=True)) == 844_161


@pytest.mark.parametrize("built", [{}, {"batch_norm": False}, {"transposed": True}])
def test_a_generator_paints_what_a_discriminator_judges(built):
    pictures = Generator(**built)(torch.randn(3, 100))
    assert pictures.shape == (3, 1, SIDE, SIDE) and pictures.abs().max() <= 1
    assert Discriminator()(pictures).shape == (3, 1)


def test_a_discriminator_that_can_only_guess_is_worth_minus_log_4():
    guess = torch.zeros(5, 1)
    assert value(guess, guess).item() == pytest.approx(-math.log(4))


def test_the_best_discriminator_is_the_share_of_the_real_density():
    """Goodfellow et al., Proposition 1: for given densities nothing has a higher value than p / (p + q)."""
    p, q = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.4, 0.4, 0.1, 0.1])
    logits = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([logits], max_iter=100)

    def loss():
        optimiser.zero_grad()
        won = torch.tensor(p) @ nn.functional.logsigmoid(logits)
        lost = -won - torch.tensor(q) @ nn.functional.logsigmoid(-logits)
        lost.backward()
        return lost.item()

    optimiser.step(loss)
    assert logits.sigmoid().detach().numpy() == pytest.approx(best_discriminator(p, q), abs=1e-4)


def test_the_best_discriminator_s_value_is_the_jensen_shannon_divergence():
    """Goodfellow et al., Theorem 1: C(G) = -log 4 + 2 JSD(p || q)."""
    p, q = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.4, 0.4, 0.1, 0.1])
    best = best_discriminator(p, q)
    won = p @ np.log(best) + q @ np.log(1 - best)
    mean = (p + q) / 2
    divergence = (p @ np.log(p / mean) + q @ np.log(q / mean)) / 2
    assert won == pytest.approx(-math.log(4) + 2 * divergence)
    assert best_discriminator(p, p) == pytest.approx(np.full(4, 0.5))


def linear_discriminator():
    """Its gradient is its weights, 2, 1, 2 and 0, wherever one looks: of length 3."""
    linear = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    layer = linear[1]
    assert isinstance(layer, nn.Linear)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[2.0, 1.0, 2.0, 0.0]]))
    return linear, layer.weight


def test_the_gradient_penalty_of_a_linear_discriminator_is_told_by_hand():
    linear, weight = linear_discriminator()
    real, fake = torch.randn(6, 1, 2, 2), torch.randn(6, 1, 2, 2)
    penalty = gradient_penalty(linear, real, fake, torch.rand(6, 1, 1, 1))
    assert penalty.item() == pytest.approx((3 - 1) ** 2, rel=1e-5)
    penalty.backward()
    assert weight.grad is not None
    assert weight.grad[0].numpy() == pytest.approx(2 * (3 - 1) * np.array([2, 1, 2, 0]) / 3, rel=1e-5)


def test_r1_of_a_linear_discriminator_is_told_by_hand():
    linear, weight = linear_discriminator()
    real = torch.randn(6, 1, 2, 2, requires_grad=True)
    penalty = r1(linear(real), real)
    assert penalty.item() == pytest.approx(3**2, rel=1e-5)
    penalty.backward()
    assert weight.grad is not None
    assert weight.grad[0].numpy() == pytest.approx(2 * np.array([2, 1, 2, 0]), rel=1e-5)


def changed(module, before):
    return any(
        not torch.equal(parameter, old) for parameter, old in zip(module.parameters(), before, strict=True)
    )


@pytest.mark.parametrize(("judge", "paint"), [(True, True), (True, False), (False, True)])
def test_only_whose_step_it_is_learns(judge, paint):
    model, real = GAN(0), tensors(sprites().draw(2, np.random.default_rng(0)))
    g = [each.detach().clone() for each in model.generator.parameters()]
    d = [each.detach().clone() for each in model.discriminator.parameters()]
    told = model.step(real, judge=judge, paint=paint)
    assert changed(model.generator, g) == paint and changed(model.discriminator, d) == judge
    assert ("D(real)" in told) == judge and ("loss of G" in told) == paint
    assert int(model.taken) == 1


def seen_by_discriminator(noise, real):
    """What D sees in one step: real and painted ones in its own step, painted ones in G's."""
    model = GAN(0)
    model.rules = Rules(noise=noise)
    seen = []
    model.discriminator.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    model.step(real)
    own, of_g = seen
    return own[: len(real)], own[len(real) :], of_g


def test_noise_is_on_each_picture_that_the_discriminator_sees():
    """Real and painted ones alike: D could go by noise that is on one kind alone."""
    real = tensors(sprites().draw(8, np.random.default_rng(0)))
    own, clean, _ = seen_by_discriminator(0.0, real)
    assert torch.equal(own, real)
    for noisy, without in zip(seen_by_discriminator(0.3, real), (real, clean, clean), strict=True):
        assert (noisy - without).std().item() == pytest.approx(0.3, rel=0.03)
        assert (noisy - without).mean().item() == pytest.approx(0, abs=0.03)


def test_the_average_follows_the_generator_by_a_hundredth_each_step():
    model, real = GAN(0), tensors(sprites().draw(2, np.random.default_rng(0)))
    before = [each.clone() for each in model.average.parameters()]
    model.step(real)
    after = zip(model.average.parameters(), before, model.generator.parameters(), strict=True)
    for average, old, new in after:
        assert torch.allclose(average, 0.99 * old + 0.01 * new, atol=1e-6)


def test_the_noise_of_a_training_from_scratch_falls_and_then_stays():
    noise = [rules_after(taken).noise for taken in (0, 1_000, 2_000, 1_000_000, 2_000_000)]
    assert noise[0] > noise[1] > noise[2] > noise[3] == noise[4] > 0


def test_a_real_picture_is_found_to_be_what_it_is_however_bright():
    pictures = sprites()
    drawn = [pictures.all[pictures.kind == kind][7] for kind in range(len(pictures.kinds))]
    dark = np.stack([0.5 * (picture + 1) - 1 for picture in drawn])
    assert pictures.found(dark).tolist() == [*range(12)]
    noise = np.random.default_rng(0).uniform(-1, 1, (4, SIDE, SIDE)).astype(np.float32)
    assert pictures.found(noise).tolist() == [-1] * 4


def test_modes_are_covered_that_have_a_share():
    assert covered(shares([0, 0, 1, -1], 3)).sum() == 2
    assert covered(shares([0] * 400 + [1] * 2, 3)).sum() == 1
    assert covered(shares([], 3)).sum() == 0


def test_kinds_are_even_if_each_is_as_frequent_as_any_other():
    assert evenness(shares([0, 1, 2, 3, -1, -1], 4)) == pytest.approx(1)
    assert evenness(shares([0, 1, 0, 1], 4)) == pytest.approx(0.5)
    assert all(evenness(shares(found, 4)) == 0 for found in ([2, 2, -1], [-1], []))


def test_a_checkerboard_is_seen_in_what_is_painted_with_one():
    pictures = sprites().draw(100, np.random.default_rng(0))
    board = np.indices((SIDE, SIDE)).sum(0) % 2 * 0.2
    assert checkerboard(pictures) < 0.01 < checkerboard(pictures + board.astype(np.float32))


def test_transposed_convolutions_paint_checkerboards_before_they_learn_not_to():
    """Odena et al. 2016: where they overlap unevenly; seen without any training."""

    def seen(transposed):
        torch.manual_seed(0)
        generator = Generator(transposed=transposed)
        with torch.no_grad():
            return checkerboard(generator(torch.randn(32, 100))[:, 0].numpy())

    assert seen(True) > 3 * seen(False)


@pytest.fixture(scope="module")
def opened():
    return GANLab(Given())


@pytest.fixture
def lab(opened, monkeypatch):
    """As it is when it has just been opened, with steps on few pictures."""
    monkeypatch.setattr(gan, "BATCH", 2)
    return copy.deepcopy(opened)


def test_the_lab_opens_with_pictures_that_are_like_real_ones_of_nearly_all_kinds(opened):
    found = opened.figures()
    assert found["similar"] > 0.5 and found["modes"] >= 10 and found["evenness"] > 0.85


def values(lab):
    return by_name(lab.controls)


def test_other_networks_begin_anew_and_the_trained_ones_come_back(lab):
    trained = lab.figures()["steps"]
    lab.set("norm", False)
    assert lab.figures()["steps"] == 0 and values(lab)["weights"] == "untrained"
    lab.set("weights", "trained")
    assert lab.figures()["steps"] == trained and values(lab)["norm"] is True


def test_the_cures_are_taken_away_and_given_back_by_a_button_each(lab):
    opened = values(lab)
    lab.set("collapse", True)
    assert values(lab) | {"noise": 0, "r1": 0, "judge_rate": "a quarter"} == values(lab) != opened
    lab.set("cure", True)
    assert values(lab) == opened


def test_a_control_changes_how_it_is_trained_on(lab):
    def worth(*controls):
        torch.manual_seed(0)  # dropout's
        trained = copy.deepcopy(lab)
        for name, new in controls:
            trained.set(name, new)
        trained.step()
        trained.step()
        return trained.figures()["value"]

    untouched = worth()
    assert worth() == untouched
    changes = {"noise": 0.5, "r1": 2.0, "judge_rate": "a quarter", "rate": "ten times", "collapse": True}
    for control in changes.items():
        assert worth(control) != untouched, control


def test_either_the_generator_or_its_average_is_shown(lab):
    def shown(lab):
        return lab.view()[0].pixels

    for _ in range(3):
        lab.step()
    average = shown(lab)
    lab.set("average", False)
    assert not np.array_equal(shown(lab), average)


def test_a_control_that_keeps_its_value_begins_nothing(lab):
    lab.step()
    steps = lab.figures()["steps"]
    for name in ("weights", "norm", "growth", "data"):
        lab.set(name, values(lab)[name])
    assert lab.figures()["steps"] == steps


def test_weights_that_are_not_there_are_one_line(tmp_path):
    with pytest.raises(UserError, match=r"model\.safetensors: missing"):
        GANLab(Given(checkpoint=tmp_path))


def test_a_pipe_in_the_place_of_weights_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(UserError, match=r"model\.safetensors: not a file"):
        GANLab(Given(checkpoint=tmp_path))


@pytest.mark.parametrize("other", ["tilemap-pacman", "labs/cyclegan"])
def test_a_model_of_another_kind_is_said_to_be_one(other):
    with pytest.raises(UserError, match=r"model\.safetensors: holds other networks than this lab's"):
        GANLab(Given(checkpoint=shipped.folder(shipped.MODELS) / other))
