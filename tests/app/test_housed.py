"""A game that takes the window for its own plays in one of its own, and the app's stays as it was."""

import subprocess
import sys

import gymnasium as gym
import numpy as np
import pygame
import pytest
from gymnasium import spaces

from app.driver import Driver
from app.test_foreign import playing
from gamesim.app.library.housed import Housed
from gamesim.app.screens.add_game import AddGame
from gamesim.envs.recipe import Recipe


class Windowed(gym.Env):
    """Draws in the window of its process, whatever it is asked for, reads its events, and quits pygame."""

    metadata = {"render_modes": ["rgb_array"]}
    observation_space, action_space = spaces.Box(-1, 1, (2,)), spaces.Discrete(2)

    def __init__(self, render_mode=None):
        self.render_mode = render_mode
        pygame.init()
        self.window = pygame.display.set_mode((100, 80))
        pygame.display.set_caption("My game")

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action):
        pygame.event.post(pygame.event.Event(pygame.QUIT))
        assert not pygame.event.get() and not pygame.event.peek()
        assert pygame.event.wait().type == pygame.NOEVENT
        return np.zeros(2, np.float32), 0.0, False, False, {}

    def render(self):
        assert pygame.display.get_surface() is self.window
        self.window.fill((200, 100, 50))
        pygame.display.flip()
        return np.transpose(pygame.surfarray.array3d(self.window), (1, 0, 2))

    def close(self):
        for module in (pygame.display, pygame.mixer, pygame.joystick, pygame.font, pygame):
            module.quit()


@pytest.fixture(autouse=True)
def windowed(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = gym.envs.registration.EnvSpec("toys/Windowed-v0", Windowed)  # pyright: ignore
    monkeypatch.setitem(gym.registry, spec.id, spec)


def test_a_game_with_a_window_of_its_own_leaves_the_apps_alone(app: Driver):
    """The app's window became as small as the game's, and the game showed the app in its frames."""
    size = app.window.surface.get_size()
    world = playing(app, Recipe("toys/Windowed-v0", stretch=True)).session.world
    app.down(pygame.K_LEFT)
    app.frames(60)
    assert world.steps > 2 and (world.frame == (200, 100, 50)).all()
    assert app.window.surface.get_size() == size == pygame.display.get_window_size()
    assert "My game" not in pygame.display.get_caption()
    app.press(pygame.K_ESCAPE)
    world.env.close()
    app.frames(2)
    assert app.window.running and pygame.display.get_init()


def test_a_game_that_ends_sound_and_pads_leaves_the_apps_alone(app: Driver):
    pygame.mixer.init()
    pygame.joystick.init()
    Housed(lambda: gym.make("toys/Windowed-v0")).close()
    for module in (pygame.mixer, pygame.joystick, pygame.font):
        assert module.get_init(), module.__name__


def test_the_app_starts_with_a_pygame_that_lacks_a_function():
    """pygame-ce has no ``set_keyboard_grab``."""
    lacking = "import pygame; del pygame.event.set_keyboard_grab; import gamesim.app.library.housed"
    subprocess.run([sys.executable, "-c", lacking], check=True)


def test_a_game_that_is_made_once_to_be_added_does_not_quit_the_app(app: Driver):
    page = AddGame(app.window)
    app.window.go(page)
    page.add("toys/Windowed-v0 --size 64")
    app.frames(2)
    assert app.window.running and pygame.display.get_init() and "is in the menu now" in app.said
