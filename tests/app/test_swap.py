"""The swap: another board's memory, another engine's static layer, and back."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pygame
import pytest

from app.driver import Driver
from app.fakes import Layered, card
from app.looking import env
from gamesim.app.game.swap import BOARD
from gamesim.app.library.catalog import PACMAN
from gamesim.envs.walks import STEPS, same_walk


def test_b_goes_from_another_board_to_other_engines_and_back(layered):
    app = layered
    swap = app.window.screen.swap
    app.press(pygame.K_b)
    assert swap.name == BOARD and env(app).shade in (120, 121)
    assert "another board" in app.said
    app.press(pygame.K_b)
    app.until(lambda: type(app.window.screen).__name__ == "Play" and swap.guest is not None)
    assert env(app).shade == 60  # its own memory came back
    assert swap.name == "Other Pac-Man"
    guest = swap.guest.env.unwrapped
    app.press(pygame.K_b)
    assert swap.name is None and swap.guest is None and guest.closed
    assert app.session.world.frame is swap.frame(app.session.world)


def test_the_other_static_layer_is_under_the_own_dynamic_one(layered):
    app = layered
    swap, world = app.window.screen.swap, app.session.world
    app.press(pygame.K_b, pygame.K_b)
    app.until(lambda: type(app.window.screen).__name__ == "Play" and swap.guest is not None)
    app.down(pygame.K_LEFT)
    app.frames(60)
    app.up(pygame.K_LEFT)
    shown = swap.frame(world)
    assert (shown[36:48, 36:48] == 255).all() and (shown[:36] == 200).all()
    assert (world.clip[-1] == shown).all()
    app.press(pygame.K_p)
    app.frames(5, 0.0)
    assert swap.guest.env.unwrapped.actions == env(app).actions[-swap.guest.steps :]


@pytest.fixture
def bare(layered: Driver, checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """There is a world without layers, too, between the two that have some."""
    (checkpoints / "odd-pacman").mkdir()
    (checkpoints / "odd-pacman" / "config.yaml").write_text("name: fake\n", encoding="utf-8")
    card(checkpoints / "odd-pacman", PACMAN)
    says = Layered.internals
    odd = lambda dream: {} if dream.name == "odd-pacman" else says(dream)  # noqa: E731
    monkeypatch.setattr(Layered, "internals", odd)
    return layered


def test_an_engine_without_layers_is_skipped_and_nothing_is_said_of_it(bare: Driver):
    swap = bare.window.screen.swap  # type: ignore[attr-defined]
    bare.press(pygame.K_b, pygame.K_b)
    bare.until(lambda: type(bare.window.screen).__name__ == "Play" and swap.name != BOARD)
    assert "Odd" not in bare.said and "Background now drawn by Other Pac-Man" in bare.said
    assert swap.name == "Other Pac-Man"
    bare.press(pygame.K_b)
    assert swap.name is None
    bare.silence()
    bare.press(pygame.K_b, pygame.K_b)
    bare.until(lambda: type(bare.window.screen).__name__ == "Play" and swap.guest is not None)
    assert swap.name == "Other Pac-Man"


def test_where_no_other_engine_has_layers_the_own_ones_come_next(bare: Driver, checkpoints: Path):
    shutil.rmtree(checkpoints / "other-pacman")
    swap = bare.window.screen.swap  # type: ignore[attr-defined]
    bare.press(pygame.K_b, pygame.K_b)
    bare.until(lambda: type(bare.window.screen).__name__ == "Play" and swap.name is None)
    assert "Background back to normal" in bare.said
    bare.press(pygame.K_b)
    assert swap.name == BOARD


def test_a_dream_that_is_over_keeps_its_background(layered):
    app = layered
    app.session.world.over = "The dream ends here"
    app.press(pygame.K_b)
    assert app.window.screen.swap.name is None and "This dream is over" in app.said


def test_a_new_episode_ends_a_swap_of_memories(layered):
    app = layered
    app.frames(30)
    app.press(pygame.K_b)
    app.frames(30)
    app.press(pygame.K_RETURN)
    app.frames(2)
    assert app.window.screen.swap.name is None


def test_a_new_episode_ends_it_though_no_step_was_made(layered):
    layered.press(pygame.K_b)
    assert layered.window.screen.swap.name == BOARD
    layered.press(pygame.K_RETURN)
    layered.frames(2)
    assert layered.window.screen.swap.name is None


def test_going_back_to_before_the_swap_ends_it(layered):
    app = layered
    app.frames(60)
    app.press(pygame.K_b)
    swap, world = app.window.screen.swap, app.session.world
    swapped = world.steps
    app.frames(30)
    assert world.steps > swapped > 1 and swap.name == BOARD
    while world.steps > swapped:
        world.rewind()
    app.frames(1, 0.0)
    assert swap.name == BOARD and env(app).shade != Layered.shade
    world.rewind()
    app.frames(1, 0.0)
    assert swap.name is None and env(app).shade == Layered.shade


def test_the_real_game_is_not_said_to_have_the_background_of_the_dream(layered):
    app = layered
    app.press(pygame.K_b, pygame.K_TAB)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    app.frames(1, 0.0)
    assert app.session.world.temperature is None
    assert app.window.screen.swap.name is None
    assert "Background" not in {fact.label for fact in app.window.screen.panel.facts(True)}


def test_the_real_game_has_nothing_to_swap(app):
    app.play("Pac-Man").press(pygame.K_b)
    assert "Only dreams have a background" in app.said


def test_two_looks_of_one_game_begin_with_the_same_walk():
    walk = same_walk("gamesim/Pacman-v0", "gamesim/PacmanGarden-v0")
    assert walk is not None
    night, garden, actions = walk
    assert night.shape == garden.shape == (STEPS + 1, 84, 84, 3) and actions.shape == (STEPS,)
    assert (night != garden).any(-1).mean() > 0.8
    assert same_walk("gamesim/Pacman-v0", "gamesim/PacmanMaze-v0") is None
    assert same_walk("gamesim/Pacman-v0", "gamesim/Pacman-v0") is None


def test_looking_and_swapping_back_leave_the_shipped_dream_as_it_was(shipped):
    app = shipped
    app.press(pygame.K_p)
    app.session.world.env.reset(seed=4)  # a dream that lasts
    app.session.step_once()  # the first frame is real; from here on it is one that was drawn
    moment = env(app).state
    plain = [app.session.world.env.step(key)[0] for key in (1, 3, 2)]
    env(app).state = moment
    app.press(pygame.K_x, pygame.K_b)
    assert not np.array_equal(env(app).state.memory["memory"], moment.memory["memory"])
    app.window.screen.swap.leave()  # the next choice, a world of another look, begins on its board
    frame = env(app).state.memory["frame"]
    assert abs(frame - moment.memory["frame"]).max() < 1e-4
    assert np.array_equal(env(app).state.memory["memory"], moment.memory["memory"])
    env(app).state = moment
    again = [app.session.world.env.step(key)[0] for key in (1, 3, 2)]
    np.testing.assert_array_equal(plain, again)


def test_before_its_first_step_a_dream_beside_a_new_game_has_no_layers_to_swap(shipped):
    """B took Pac-Man out of the picture: he was only in the real frame, and no layer had him yet."""
    app = shipped
    app.press(pygame.K_TAB)
    app.until(lambda: type(app.window.screen).__name__ == "Play" and app.session.other is not None)
    app.press(pygame.K_RETURN, pygame.K_v)
    dream, swap = app.session.dream, app.window.screen.swap
    assert dream is not None and dream.bare
    real = dream.frame
    app.press(pygame.K_b)
    assert "Move first" in app.said and swap.name is None and dream.frame is real
    app.session.tick()
    app.press(pygame.K_b)
    assert swap.name == BOARD
    red, green, blue = dream.frame[36:48, 36:48].reshape(-1, 3).T.astype(int)
    assert ((red > 200) & (green > 180) & (blue < 80)).sum() > 20, "he is there"
    swap.leave()
    while dream.rewind():
        pass
    assert dream.bare, "and again after going back"
