"""A real World Models engine, untrained, at the wheel: of its own dream, and of the real game."""

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch

from gamesim import models
from gamesim.app.controls import LEFT, RIGHT
from gamesim.app.game.pilot import pilot_of
from gamesim.app.game.session import Session
from gamesim.app.game.world import World
from gamesim.app.library.catalog import PACMAN, Title, games
from gamesim.checkpoint import Starts
from gamesim.config import load
from gamesim.dream import DreamEnv
from worlds import Ideal


@pytest.fixture
def starts() -> Starts:
    env = gym.make(PACMAN)
    frames = [env.reset(seed=seed)[0] for seed in range(3)]
    return Starts(torch.from_numpy(np.stack(frames)[:, None]), torch.zeros(3, 0, dtype=torch.int64))


@pytest.fixture
def dreamt(starts: Starts) -> World:
    """A world whose controller has its likings, and whose dream seldom ends."""
    torch.manual_seed(0)
    model = models.build(load("world-model-tiny")).eval().requires_grad_(False)
    model.controller.from_flat(torch.randn(len(model.controller.flat())))
    model.memory.outcomes[-1].bias[-1] = -9
    return World(Title("V, M and C", "", "", {}, PACMAN, Path("nowhere")), DreamEnv((model, starts)))


def test_in_its_dream_it_does_what_it_wants(dreamt: World):
    session = Session(dreamt)
    assert session.toggle_driver()
    for _ in range(6):
        wanted = dreamt.env.unwrapped.act()  # type: ignore[attr-defined]
        session.tick()
        assert dreamt.trail[-1][1] == wanted
    weights = dreamt.internals["mixture"]
    assert weights.ndim == 1 and weights.sum() == pytest.approx(1.0, abs=1e-4)


def test_in_the_real_game_it_sees_each_frame_and_what_the_person_did(dreamt: World):
    session = Session(dreamt)
    title = next(game for game in games() if game.game_id == PACMAN)
    session.other = World(title, gym.make(PACMAN, max_steps=None, num_ghosts=0))
    session.toggle_driver()
    session.switch()
    real, model = session.world, dreamt.env.unwrapped.batch.model  # type: ignore[attr-defined]
    assert real.pilot is not None
    frames, actions = [real.frame], []
    for step in range(6):
        if step == 2:
            session.steering.press(LEFT)
        elif step == 4:
            session.steering.release(LEFT)
        session.tick()
        frames.append(real.frame)
        actions.append(real.trail[-1][1])
        state = model.start(torch.from_numpy(np.stack(frames))[None], torch.tensor([actions]))
        assert real.advice == int(model.act(state)[0])
    assert actions[2:4] == [LEFT, LEFT]


def test_an_engine_without_a_controller_gives_no_pilot(starts: Starts):
    env = DreamEnv((Ideal(), starts))
    env.reset(seed=0)
    assert pilot_of(env) is None
    assert pilot_of(gym.make(PACMAN)) is None


def test_a_pilot_that_begins_again_remembers_nothing(dreamt: World, starts: Starts):
    dreamt.reset()
    frames = starts.frames[:, 0].numpy()
    pilot, other = pilot_of(dreamt.env), pilot_of(dreamt.env)
    assert pilot is not None and other is not None
    pilot.begin(frames[0])
    pilot.follow(RIGHT, frames[1])
    assert pilot.begin(frames[2]) == other.begin(frames[2])
    assert pilot.follow(LEFT, frames[1]) == other.follow(LEFT, frames[1])
