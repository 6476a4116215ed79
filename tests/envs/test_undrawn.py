"""A frame skip draws CarRacing only where it is looked at, and shows the same."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from gamesim.envs.wrappers import PixelEnv


class Drawn(gym.Env):
    """Draws itself at each step, as Gymnasium's CarRacing does: the number of steps so far."""

    action_space = spaces.Discrete(2)
    observation_space = spaces.Box(0, 255, (64, 64, 3), np.uint8)

    def __init__(self, ends: int):
        self.ends, self.drawn, self.count = ends, 0, 0

    def _render(self, mode):
        assert mode == "state_pixels"
        self.drawn += 1
        return np.full((64, 64, 3), self.count, np.uint8)

    def reset(self, *, seed=None, options=None):
        self.count = 0
        self.state = self._render("state_pixels")
        return self.state, {}

    def step(self, action):
        self.count += 1
        self.state = self._render("state_pixels")
        return self.state, 1.0, self.count == self.ends, False, {}


class Other(Drawn):
    """The same of somebody else."""


@pytest.fixture(autouse=True)
def gymnasiums(monkeypatch):
    monkeypatch.setattr(Drawn, "__module__", "gymnasium.envs.box2d.car_racing")


@pytest.mark.parametrize(("kind", "drawn"), [(Drawn, 4), (Other, 10)])
def test_what_is_passed_over_is_not_drawn_and_the_last_picture_is_todays(kind, drawn):
    game = kind(ends=9)
    env = PixelEnv(game, size=64, frame_skip=4)
    env.reset()
    shown = [env.step(0) for _ in range(3)]
    assert [int(frame[0, 0, 0]) for frame, *_ in shown] == [4, 8, 9], "it ended after one step of four"
    assert [reward for _, reward, *_ in shown] == [4, 4, 1] and shown[-1][2]
    assert game.drawn == drawn


def test_without_a_skip_each_step_is_drawn():
    game = Drawn(ends=9)
    env = PixelEnv(game, size=64)
    env.reset()
    assert [int(env.step(0)[0][0, 0, 0]) for _ in range(3)] == [1, 2, 3] and game.drawn == 4


@pytest.mark.extra("Box2D")
def test_carracing_looks_the_same_when_only_what_is_near_is_drawn():
    plain = gym.make("CarRacing-v3", domain_randomize=True)
    fast = PixelEnv(gym.make("CarRacing-v3", domain_randomize=True), size=96)
    asked = []
    draws = fast.env.unwrapped._draw_colored_polygon
    fast.env.unwrapped._draw_colored_polygon = lambda *given, **named: asked.append(draws(*given, **named))
    chance = np.random.default_rng(0)
    for seed in range(3):
        shown = [plain.reset(seed=seed)[0], fast.reset(seed=seed)[0]]
        for _ in range(30):
            np.testing.assert_array_equal(*shown)
            action = int(chance.integers(fast.action_space.n))
            shown = [plain.step(fast.choices[action])[0], fast.step(action)[0]]
    assert 0 < len(asked) < 93 * 200, "of about 700 patches a picture"
