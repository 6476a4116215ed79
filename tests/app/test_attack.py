"""J attacks what the AI sees while it drives the real game, step by step, and then lets go of it."""

import gymnasium as gym
import numpy as np
import pygame
import pytest

from app.driver import Driver
from gamesim import checkpoint
from gamesim.agents.controller import ControllerPolicy
from gamesim.app.controls import Command
from gamesim.app.game import hud, pilot
from gamesim.app.game.pilot import STAGES, MisledPilot, Pilot
from gamesim.app.game.world import World
from gamesim.app.library.catalog import title_of
from gamesim.labs import fgsm


@pytest.fixture
def real() -> World:
    """A running game with the shipped C aboard."""
    made = World(title_of("gamesim/Pacman-v0"), gym.make("gamesim/Pacman-v0", max_steps=None))
    made.reset()
    made.board(Pilot(ControllerPolicy(checkpoint.load_model("world-model-places")[0])))
    return made


def frames(seed: int, steps: int = 25) -> list[np.ndarray]:
    env = gym.make("gamesim/Pacman-v0", num_ghosts=0, max_steps=None)
    first, _ = env.reset(seed=seed)
    return [first, *(env.step(1 + step // 3 % 4)[0] for step in range(steps))]


def actions(pilot: Pilot, shown: list[np.ndarray]) -> list[int]:
    first, *later = shown
    return [pilot.begin(first), *(pilot.follow(1 + step // 3 % 4, frame) for step, frame in enumerate(later))]


def test_the_words_are_the_lab_s():
    assert (pilot.FGSM, pilot.RANDOM) == (fgsm.FGSM, fgsm.RANDOM)


def test_who_sees_nothing_changed_drives_as_before(real: World):
    assert real.pilot is not None
    shown = frames(3)
    assert actions(MisledPilot(real.pilot, 0), shown) == actions(real.pilot, shown)


def test_the_attack_turns_more_actions_than_random_signs_of_its_size(real: World):
    assert real.pilot is not None
    turned = dict.fromkeys((pilot.FGSM, pilot.RANDOM), 0)
    for seed in range(3):
        shown = frames(seed)
        clear = actions(real.pilot, shown)
        for by in turned:
            misled = actions(MisledPilot(real.pilot, STAGES.index((by, 16))), shown)
            turned[by] += sum(one != other for one, other in zip(clear, misled, strict=True))
    assert turned[pilot.FGSM] > turned[pilot.RANDOM]


def test_each_press_is_a_stage_and_the_last_one_lets_go(real: World):
    clear = real.pilot
    for by, epsilon in STAGES[1:]:
        assert f"{by}, {epsilon} of 255" in pilot.attack(real)
        assert real.pilot is not None and real.pilot.changed == f"{by}, {epsilon} of 255"
        real.step(real.advice or 0)
    assert pilot.attack(real) == pilot.OVER and real.pilot is clear


def test_without_an_ai_at_the_wheel_there_is_nothing_to_attack(app: Driver):
    app.play("Pac-Man, endless")
    app.press(pygame.K_j)
    assert app.said == pilot.NOBODY
    assert Command.ATTACK not in [command for command, _ in hud.hints(app.session)]
