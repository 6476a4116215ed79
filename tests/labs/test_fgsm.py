"""What holds of the fast gradient sign method, whatever it attacks; and of what the lab attacks with it."""

import functools
import importlib.util
import itertools

import gymnasium as gym
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gamesim import checkpoint, shipped
from gamesim.agents.controller import ControllerPolicy
from gamesim.envs import sprites
from gamesim.envs.layouts import FLOOR, WALL
from gamesim.errors import UserError
from gamesim.evaluation.pacman.cells import FIRST_SEED
from gamesim.labs import Given, false_memory, imitator, softmax_digits
from gamesim.labs.attacked_play import Games, against
from gamesim.labs.controls import values
from gamesim.labs.fgsm import (
    FGSM,
    NOTHING,
    RANDOM,
    Attack,
    adversarial,
    fgsm,
    gradient,
    moved,
    random_signs,
)
from gamesim.labs.fgsm_page import FGSMLab
from gamesim.labs.panels import Curves, Lines, Picture
from gamesim.labs.players import Controlled, Imitating, q_learned
from gamesim.models.frames import to_float

INFINITE = {"low": -torch.inf, "high": torch.inf}


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 32), nn.Tanh(), nn.Linear(32, 5))


def frames(count=6, seed=0):
    return torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed))


def cross_entropy(model, labels):
    return lambda x: F.cross_entropy(model(x), labels, reduction="none")


LABELS = torch.tensor([0, 1, 2, 3, 4, 0])


@pytest.mark.parametrize("epsilon", [1 / 255, 8 / 255, 0.25])
def test_each_pixel_moves_by_epsilon_or_to_its_bound(epsilon):
    x = frames()
    change = (fgsm(cross_entropy(network(), LABELS), x, epsilon) - x).abs()
    room = (x >= epsilon) & (x <= 1 - epsilon)
    torch.testing.assert_close(change[room], torch.full_like(change[room], epsilon), rtol=0, atol=1e-6)
    assert change.max() <= epsilon + 1e-6 and room.any()


def test_no_pixel_leaves_its_bounds():
    x = frames().round()  # black and white alone: every other step is clipped
    attacked = fgsm(cross_entropy(network(), LABELS), x, 0.1)
    assert attacked.min() >= 0 and attacked.max() <= 1
    assert not torch.equal(attacked, x)


def test_an_epsilon_of_0_changes_nothing():
    x = frames()
    assert torch.equal(fgsm(cross_entropy(network(), LABELS), x, 0.0), x)
    assert torch.equal(moved(x, random_signs(x, torch.Generator()), 0.0), x)


def test_a_linear_loss_grows_by_epsilon_times_the_sum_of_its_weights_and_no_change_of_that_size_does_more():
    w, x, epsilon = torch.randn(48, generator=torch.Generator().manual_seed(1)), frames(), 0.07

    def loss(p):
        return p.flatten(1) @ w

    grown = loss(fgsm(loss, x, epsilon, **INFINITE)) - loss(x)
    torch.testing.assert_close(grown, (epsilon * w.abs().sum()).expand(6))
    stream = torch.Generator().manual_seed(2)
    for _ in range(100):
        assert (loss(moved(x, random_signs(x, stream), epsilon, **INFINITE)) - loss(x) < grown).all()


def test_each_frame_is_attacked_by_its_own_gradient():
    x, model = frames(), network()
    together = fgsm(cross_entropy(model, LABELS), x, 0.1)
    for lane in range(len(x)):
        alone = fgsm(cross_entropy(model, LABELS[lane : lane + 1]), x[lane : lane + 1], 0.1)
        assert torch.equal(alone[0], together[lane])


def test_no_gradient_is_left_on_the_weights_nor_on_the_frame():
    model, x = network(), frames()
    fgsm(cross_entropy(model, LABELS), x, 0.1)
    assert all(weight.grad is None for weight in model.parameters())
    assert x.grad is None and not x.requires_grad


def test_it_attacks_weights_that_ask_for_no_gradient_and_where_gradients_are_off():
    model, x = network().requires_grad_(False), frames()
    with torch.no_grad():
        assert gradient(cross_entropy(model, LABELS), x).abs().sum() > 0


def test_random_signs_are_plus_and_minus_one_equally_often_and_follow_their_seed():
    x = torch.zeros(10, 3, 32, 32)
    signs = random_signs(x, torch.Generator().manual_seed(3))
    assert set(signs.unique().tolist()) == {-1.0, 1.0}
    assert abs(signs.mean().item()) < 4 / signs.numel() ** 0.5
    assert torch.equal(signs, random_signs(x, torch.Generator().manual_seed(3)))


@pytest.mark.extra("captum")
@pytest.mark.filterwarnings("ignore:Input Tensor 0 did not already require gradients")
def test_it_is_captums():
    from captum.robust import FGSM

    model, x = network(), frames()
    theirs = FGSM(model, nn.CrossEntropyLoss(reduction="none"), 0, 1).perturb(x, 0.05, LABELS)
    torch.testing.assert_close(fgsm(cross_entropy(model, LABELS), x, 0.05), theirs)


def test_adversarial_training_weighs_the_frame_and_its_attack():
    model, x = network(), frames()
    loss = cross_entropy(model, LABELS)
    attacked = loss(fgsm(loss, x, 0.1))
    torch.testing.assert_close(adversarial(loss, x, 0.1), 0.5 * loss(x) + 0.5 * attacked)
    torch.testing.assert_close(adversarial(loss, x, 0.1, alpha=1.0), loss(x))
    torch.testing.assert_close(adversarial(loss, x, 0.1, alpha=0.0), attacked)


def test_the_gradient_of_adversarial_training_takes_the_attack_as_given():
    model, x = network(), frames()
    loss = cross_entropy(model, LABELS)
    adversarial(loss, x, 0.1).sum().backward()
    asked = [weight.grad.clone() for weight in model.parameters()]
    model.zero_grad()
    (0.5 * loss(x) + 0.5 * loss(fgsm(loss, x, 0.1).detach())).sum().backward()
    for mine, weight in zip(asked, model.parameters(), strict=True):
        torch.testing.assert_close(mine, weight.grad)


def panel(lab, title):
    return next(panel for panel in lab.view() if panel.title == title)


# --- players


@functools.cache
def lessons(count):
    """The seventh step of games: at the first the bot may go anywhere."""
    return next(itertools.islice(imitator.examples(count, FIRST_SEED + 1), 6, None))


def accuracy(player, frames, actions, epsilon=0.0):
    seen = fgsm(against(player, actions), frames, epsilon / 255)
    return (player.logits(seen).argmax(1) == actions).float().mean().item()


def test_the_imitator_acts_as_the_bot_does_far_more_often_than_by_chance():
    assert accuracy(Imitating(imitator.load("plain")), *lessons(256)) > 0.5


def test_the_attack_misleads_the_imitator_and_random_signs_of_the_same_size_do_not():
    player, (frames, actions) = Imitating(imitator.load("plain")), lessons(256)
    clean, attacked = accuracy(player, frames, actions), accuracy(player, frames, actions, 8)
    noisy = moved(frames, random_signs(frames, torch.Generator().manual_seed(0)), 8 / 255)
    random = (player.logits(noisy).argmax(1) == actions).float().mean().item()
    assert attacked < clean / 2 and random > clean - 0.1


def test_adversarial_training_hardens_the_imitator():
    frames, actions = lessons(256)
    plain, hardened = (
        accuracy(Imitating(imitator.load(name)), frames, actions, 8) for name in ("plain", "hardened")
    )
    assert hardened > plain + 0.15


def test_training_lowers_the_loss():
    torch.manual_seed(0)
    network = imitator.Imitator()
    training = imitator.training(network, lambda loss, x: loss(x), 0, games=16)
    losses = [missed["loss"] for missed in itertools.islice(training, 40)]
    assert int(network.taken) == 40
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.05


def test_c_as_it_is_attacked_acts_as_c_drives():
    engine, _ = checkpoint.load_model("world-model-places")
    player, policy = Controlled(engine), ControllerPolicy(engine)
    env = gym.make_vec(imitator.GAME, num_envs=8, vectorization_mode="vector_entry_point")
    frames, _ = env.reset(seed=5)
    policy.reset(np.ones(8, bool))
    for _ in range(6):
        x = to_float(torch.from_numpy(frames))
        actions = player.logits(x).argmax(1)
        assert actions.tolist() == policy.act(frames, {}).tolist()
        player.saw(x, actions)
        frames, *_ = env.step(actions.numpy())


@pytest.mark.extra("stable_baselines3")
def test_dqn_as_it_is_attacked_acts_as_it_plays():
    from gamesim.agents import dqn

    player, policy = q_learned(), dqn.DQNPolicy(*dqn.load(dqn.shipped()), epsilon=0)
    env = gym.make_vec(imitator.GAME, num_envs=16, vectorization_mode="vector_entry_point")
    frames, _ = env.reset(seed=5)
    same = 0
    for _ in range(6):
        x = to_float(torch.from_numpy(frames))
        actions = player.logits(x).argmax(1)
        same += (actions.numpy() == policy.act(frames, {})).sum()
        player.saw(x, actions)
        frames, *_ = env.step(actions.numpy())
    assert same >= 0.98 * 6 * 16, "brightness is not rounded here: a tie may be broken otherwise"


def test_a_player_that_sees_the_frames_as_they_are_keeps_its_actions():
    games = Games(Imitating(imitator.load("plain")), 4, 3)
    for _ in range(5):
        own = games.own
        assert torch.equal(games.step(NOTHING, 16), own)


def test_frames_are_attacked_by_no_more_than_asked_for_and_bytes_hold_them_exactly():
    games = Games(Imitating(imitator.load("plain")), 4, 3)
    for by in (FGSM, RANDOM):
        seen = games.attack.seen(by, 8)
        bytes_ = seen * 255
        torch.testing.assert_close(bytes_, bytes_.round(), atol=1e-4, rtol=0)
        assert (seen - games.attack.frame).abs().max() <= 8 / 255 + 1e-6


# --- what dreams remember


def test_an_attacked_place_is_what_it_should_be_and_not_on_the_walk():
    story = false_memory.stories(6, 0)
    for kind in (FLOOR, WALL):
        places = story.places(kind, np.random.default_rng(0))
        cells, _ = sprites.decode(story.frames[:, -1])
        assert (cells[np.arange(len(places)), places[:, 0], places[:, 1]] == kind).all()
    assert (story.walk[:, : false_memory.AWAY] == false_memory.OPPOSITE[story.walk[:, :3:-1]]).all()


def test_a_real_walk_away_and_back_finds_the_walls_where_they_were():
    story = false_memory.stories(6, 0)

    class Still:
        noise_shape = (1,)

        def observe(self, state, action, frame):
            return state

    places = story.places(WALL, np.random.default_rng(0))
    frames = to_float(torch.from_numpy(story.frames[:, -1]))
    dream = false_memory.Dream(Still(), {}, torch.zeros(6), frames, torch.zeros(8, 1))
    assert dream.at_home(story.walk, places).all()


def misled(victim, wish, epsilon=16):
    """The loss after FGSM, after random signs and before, of some frames; and the attack."""
    story = false_memory.stories(3, 0)
    state = victim.model.start(
        torch.from_numpy(story.frames[:, :-1]), torch.from_numpy(story.actions[:, :-1])
    )
    kind, wanted = false_memory.WISHES[wish]
    tile = to_float(torch.from_numpy(sprites.tiles(12)[wanted].copy()))
    places = story.places(kind, np.random.default_rng(0))
    loss = victim.loss(state, torch.from_numpy(story.actions[:, -1]), places, tile)
    frame = to_float(torch.from_numpy(story.frames[:, -1]))
    attack = Attack(loss, frame, torch.Generator().manual_seed(0))
    return [loss(attack.seen(by, epsilon)).mean().item() for by in (FGSM, RANDOM, NOTHING)], attack


@pytest.mark.parametrize("wish", false_memory.WISHES)
def test_tilemap_is_attacked_in_the_one_cell_that_matters(wish):
    victim = false_memory.MisledTilemap(checkpoint.load_model("tilemap-pacman")[0])
    (attacked, random, clean), attack = misled(victim, wish)
    touched = attack.signs.abs().amax(1).view(-1, 7, 12, 7, 12).amax((2, 4)).sum((1, 2))
    assert touched.tolist() == [1, 1, 1]
    assert attacked > clean and attacked > random


def wall_of(palette):
    picture = to_float(torch.from_numpy(sprites.tiles(12)[WALL].copy()))
    return int(palette.divergence(picture[None]).argmin())


@pytest.mark.parametrize("wish", false_memory.WISHES)
def test_gamegan_comes_to_see_what_is_wanted_by_fgsm_and_not_by_random_signs(wish):
    victim = false_memory.MisledGenerator(checkpoint.load_model("gamegan-pacman")[0])
    (attacked, random, clean), _ = misled(victim, wish)
    assert attacked > clean + 10 and attacked > random + 10


def test_no_change_below_the_certified_epsilon_makes_tilemap_read_a_wall_or_miss_one():
    victim = false_memory.MisledTilemap(checkpoint.load_model("tilemap-pacman")[0])
    _, attack = misled(victim, false_memory.MAKE)
    frame, palette = attack.frame[:1], victim.model.engine.renderer.tiles
    bound, wall = victim.certified(frame), wall_of(palette)
    assert bound > 16
    walls, stream = palette.which(frame).argmax(1) == wall, torch.Generator().manual_seed(1)
    assert walls.any() and not walls.all()
    for tile in range(palette.count):
        towards = palette.logits[tile].view(1, 3, 12, 12).repeat(1, 1, 7, 7)
        away = palette.forward(palette.which(frame))  # from what is there
        for direction in ((towards.sigmoid() - away).sign(), random_signs(frame, stream)):
            seen = moved(frame, direction, 0.99 * bound / 255)
            assert torch.equal(palette.which(seen).argmax(1) == wall, walls)


def test_at_the_certified_epsilon_the_wall_overtakes_the_tile_that_is_there():
    victim = false_memory.MisledTilemap(checkpoint.load_model("tilemap-pacman")[0])
    palette = victim.model.engine.renderer.tiles
    grey = torch.full((1, 3, 84, 84), 0.5)  # far from black and white: nothing is clipped
    bound, wall = victim.certified(grey), wall_of(palette)
    there = int(palette.which(grey)[0, :, 0, 0].argmax())

    def lead(x):
        apart = palette.divergence(x)
        return (apart[:, wall] - apart[:, there]).sum((1, 2))

    signs = -gradient(lead, grey).sign()
    assert lead(moved(grey, signs, 0.999 * bound / 255)) > 0 > lead(moved(grey, signs, 1.001 * bound / 255))


def test_a_click_on_a_wall_asks_for_it_to_go_and_one_on_the_floor_for_a_wall():
    lab = FGSMLab(Given(seed=1))
    lab.set("victim", "Tilemap's memory")
    notes = {}
    for y in range(7):
        for x in range(7):
            lab.point("Frame", (x + 0.5) / 7, (y + 0.5) / 7)
            frame = panel(lab, "Frame")
            notes.setdefault(frame.note, frame)
    assert notes.keys() == {"wanted: a wall here", "wanted: no wall here"}


# --- the paper's check


@pytest.mark.extra("sklearn")
@pytest.mark.slow
def test_digits_as_in_the_paper():
    scene = softmax_digits.DigitsScene(0)
    for _ in scene.measures():
        pass
    told = scene.figures()
    assert told["digits: error, FGSM 0"] < 0.08
    assert told["digits: error, FGSM 0.25"] > 0.97 and 0.7 < told["digits: confidence, FGSM 0.25"] < 0.9
    assert told["digits: error, random signs 0.25"] < 0.2


def test_without_scikit_learn_the_digits_say_which_extra_they_need_and_all_else_works(monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sklearn" else there(name))
    lab = FGSMLab(Given())
    lab.set("victim", "digits")
    lab.step()
    (said,) = lab.view()
    assert isinstance(said, Lines) and "pip install 'gamesim[labs]'" in said.rows[0][0]
    lab.set("victim", "imitator")
    assert isinstance(panel(lab, "Attacked frame"), Picture)


# --- the lab


def test_an_epsilon_of_0_leaves_the_lab_s_frames_alone_and_16_does_not():
    lab = FGSMLab(Given(seed=2))
    lab.set("epsilon", 0)
    for title in ("Attacked frame", "Random signs"):
        assert (panel(lab, title).pixels == panel(lab, "Frame").pixels).all()
    lab.set("epsilon", 16)
    for title in ("Attacked frame", "Random signs"):
        change = panel(lab, title).pixels.astype(int) - panel(lab, "Frame").pixels
        assert abs(change).max() == 16


def test_the_page_shows_what_is_set():
    lab = FGSMLab(Given())
    given = {"victim": "digits", "epsilon": 3.0, "by": RANDOM}
    for name, value in given.items():
        lab.set(name, value)
    assert values(lab.controls) == {**given, "board": False}


def test_the_game_goes_on_and_a_new_board_is_another():
    lab = FGSMLab(Given(seed=2))
    before = panel(lab, "Frame").pixels
    for _ in range(3):
        lab.step()
    assert ("step", "3 of 40") in panel(lab, "The game").rows
    lab.set("board", True)
    assert ("step", "0 of 40") in panel(lab, "The game").rows
    assert (panel(lab, "Frame").pixels != before).any()


def test_what_was_measured_has_its_standard_error_beside_it_and_is_drawn(monkeypatch):
    monkeypatch.setattr("gamesim.labs.attacked_play.LESSONS", 2)
    lab = FGSMLab(Given(seed=2))
    for _ in range(3):
        lab.step()
    told = lab.figures()
    assert {
        "imitator: accuracy, clean",
        "imitator: accuracy, FGSM 8",
        "imitator: accuracy, random signs 8",
    } <= {*told}
    assert all(f"{name}, standard error" in told for name in told if not name.endswith("error"))
    drawn = panel(lab, "Acts as the bot does")
    assert isinstance(drawn, Curves) and {*drawn.lines} == {FGSM, RANDOM}
    clean = (0, told["imitator: accuracy, clean"])
    assert drawn.lines[FGSM][0] == drawn.lines[RANDOM][0] == clean


@pytest.mark.parametrize("model", ["tilemap-pacman", "world-model-takecover"])
def test_a_model_without_a_controller_for_this_game_is_one_line(model):
    with pytest.raises(UserError, match=model):
        FGSMLab(Given(checkpoint=shipped.locate(model)))
