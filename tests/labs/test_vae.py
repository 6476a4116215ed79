"""The VAE's training, and the lab around it."""

import copy
import functools

import numpy as np
import pytest
import torch

from gamesim.errors import UserError
from gamesim.labs import Given, subject, vae, vae_panels
from gamesim.labs.panels import Bars, Curves, Picture
from gamesim.labs.subject import Played
from gamesim.labs.vae import SMALL, STEPS, SmallVAE, Training, VAELab, loss, rate, terms
from gamesim.models.world_models.vision import see

LOSS = "Loss, in nats a frame"


@pytest.fixture(scope="module")
def pixels():
    return see(Played(0).draw(4, torch.Generator().manual_seed(0)))


def panel(lab, title):
    return next(panel for panel in lab.view() if panel.title == title)


def gradients(vision):
    return [parameter.grad.clone() for parameter in vision.parameters()]


# the method ----------------------------------------------------------------------------------------------


def test_with_beta_0_no_kl_is_paid_and_none_has_a_gradient(pixels):
    vision, noise = SmallVAE(0), torch.randn(4, 64)
    missed, divergence = terms(vision, pixels, noise)
    assert loss(missed, divergence, 0).item() == missed.mean().item()
    assert torch.allclose(loss(missed, divergence, 2), missed.mean() + 2 * divergence.mean())
    loss(missed, divergence, 0).backward()
    without = gradients(vision)
    vision.zero_grad()
    terms(vision, pixels, noise)[0].mean().backward()
    assert all(torch.equal(a, b) for a, b in zip(without, gradients(vision), strict=True))


def test_gradients_reach_the_encoder_through_the_draw(pixels):
    vision = SmallVAE(0)
    terms(vision, pixels, torch.randn(4, 64))[0].mean().backward()
    for layer in (vision.encoder[0], vision.mean, vision.log_variance):
        assert layer.weight.grad.abs().sum() > 0


def test_training_makes_the_loss_of_other_frames_smaller(pixels, monkeypatch):
    monkeypatch.setattr(vae, "BATCH", 8)
    training = Training(SmallVAE(0), Played(1), 0)

    def missed():
        with torch.no_grad():
            return float(terms(training.model, pixels, torch.zeros(4, 64))[0].mean())

    before = missed()
    for _ in range(12):
        training.step()
    assert missed() < 0.8 * before


def test_training_is_of_its_seed(monkeypatch):
    monkeypatch.setattr(vae, "BATCH", 8)

    def losses(seed):
        training = Training(SmallVAE(0), Played(0), seed)
        return [training.step() for _ in range(2)]

    assert losses(0) == losses(0) != losses(1)


def test_the_rate_falls_from_the_middle_on_and_then_stays():
    rates = [rate(taken) for taken in (0, STEPS // 2, STEPS, 3 * STEPS)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4])
    assert rate(STEPS * 3 // 4) == pytest.approx(5e-4)


# the lab -------------------------------------------------------------------------------------------------


@functools.cache
def opened():
    lab = VAELab(Given())
    lab.view()
    return lab


@pytest.fixture
def lab(monkeypatch):
    """Its page has been seen. It looks at few frames: most of its panels are made of all of them."""
    for module in (vae, subject):
        monkeypatch.setattr(module, "COUNT", 64)
    for name in ("PAIRS", "SCORED"):
        monkeypatch.setattr(vae_panels, name, 4)
    monkeypatch.setattr(vae, "BATCH", 8)
    return copy.deepcopy(opened())


@pytest.fixture(scope="module")
def figures():
    return VAELab(Given()).figures()


@pytest.mark.slow
def test_it_opens_with_a_vae_that_is_trained(figures):
    assert figures["small.cells_right"] > 0.9
    assert figures["small.steps"] == STEPS


def test_it_learns_and_shows_the_loss(lab):
    for _ in range(10):
        assert lab.step()
    curves = panel(lab, LOSS)
    assert isinstance(curves, Curves)
    assert [step for step, _ in curves.lines["KL"]] == [*range(STEPS + 1, STEPS + 11)]


def test_train_from_nothing_forgets_what_was_learned(lab):
    lab.step()
    lab.set("untrained", True)
    assert lab.training.model.taken == 0
    note = panel(lab, vae_panels.FRAMES).note
    share = int(note.split("; ")[1].split("%")[0])
    assert share < 60


def anew(lab, before):
    """Titles of panels that are not those of before, but for the loss, which is always anew."""
    pairs = zip(before, lab.view(), strict=True)
    return [new.title for old, new in pairs if old is not new and new.title != LOSS]


def test_what_has_not_changed_is_not_made_anew(lab):
    before = lab.view()
    assert anew(lab, before) == []
    lab.set("alpha", 2.0)
    assert anew(lab, before) == [vae_panels.ADDED]


def test_after_as_many_steps_as_there_are_panels_all_are_of_the_new_weights(lab):
    before = lab.view()
    for _ in range(len(before)):
        lab.step()
    assert anew(lab, before) == [panel.title for panel in before if panel.title != LOSS]


def test_a_click_on_a_frame_chooses_it_and_moves_its_slider(lab):
    lab.point(vae_panels.FRAMES, 0.99, 0.2)
    slider = next(control for control in lab.controls if control.name == "frame")
    assert slider.value == vae_panels.SHOWN
    cell = panel(lab, vae_panels.CELL)
    assert np.abs(cell.pixels.astype(int) - lab.frames[7].numpy()).mean() < 5


def test_a_click_in_the_map_moves_two_numbers_there(lab):
    before = panel(lab, "A frame, and its z moved").pixels
    lab.point(vae_panels.MAP, 0.9, 0.1)
    after = panel(lab, "A frame, and its z moved").pixels
    turned = [control.name for control in lab.controls if control.name[0] == "z" and control.value != 0]
    assert turned == ["z1", "z2"]
    assert (before[:, :171] == after[:, :171]).all() and (before != after).any()


def test_a_click_on_a_cell_calculates_there_but_not_on_pac_man(lab):
    lab.point(vae_panels.CELL, 0.01, 0.99)
    assert lab.cell == (6, 0)
    lab.point(vae_panels.CELL, 0.5, 0.5)
    assert lab.cell == (6, 0)


def test_a_walk_begins_at_one_frame_and_ends_at_the_other(lab):
    lab.set("frame", 3)
    lab.set("other", 5)
    walk = panel(lab, "A walk from one frame to the other").pixels
    drawn = panel(lab, vae_panels.FRAMES).pixels[87:]
    assert (walk[:, :84] == drawn[:, 174:258]).all()
    assert (walk[:, -84:] == drawn[:, 348:432]).all()


@pytest.mark.parametrize("model", ["world-model-takecover", "world-model-carracing"])
def test_a_model_of_another_game_is_looked_into_but_not_calculated_with(lab, model):
    lab.set("model", model)
    assert lab.step() is False
    titles = {panel.title for panel in lab.view()}
    assert vae_panels.FRAMES in titles and vae_panels.CELL not in titles
    lab.set("model", SMALL)
    assert lab.step() is True


def test_the_sorted_kl_is_the_kl_of_the_frames(lab):
    bars = panel(lab, "KL of each number of z, sorted")
    assert isinstance(bars, Bars)
    values = bars.series["nats"]
    assert values == sorted(values, reverse=True) and len(values) == 64 and min(values) >= 0


def test_the_prior_is_drawn_four_by_four(lab):
    picture = panel(lab, "Drawn from the prior")
    assert isinstance(picture, Picture)
    assert picture.pixels.shape == (4 * 84 + 9, 4 * 84 + 9, 3)


@pytest.mark.slow
def test_the_bounds_of_a_frame_are_in_order(figures):
    for model in ("small", "world-model-places"):
        assert figures[f"{model}.elbo"] < figures[f"{model}.of_8"] < figures[f"{model}.of_64"]
        assert abs(figures[f"{model}.kl"] - figures[f"{model}.kl_drawn"]) < 3 * figures[f"{model}.kl_error"]
        assert figures[f"{model}.kl_lecture"] < figures[f"{model}.kl"]


def test_a_given_model_comes_first(tmp_path):
    assert VAELab(Given(checkpoint="world-model-places")).values["model"] == "world-model-places"
    with pytest.raises(UserError, match="tilemap-pacman: is not a World Model, so it has no V to look into"):
        VAELab(Given(checkpoint="tilemap-pacman"))


def test_a_folder_without_recordings_is_one_line(tmp_path):
    with pytest.raises(UserError, match="no recordings"):
        VAELab(Given(data=tmp_path))
