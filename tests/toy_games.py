"""Games that are not ours, registered with Gymnasium: a dot on a board that the keys move."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Dot(gym.Env[np.ndarray, np.int64]):
    """A white dot of 4x4 pixels; the first four actions move it, any others leave it where it is.

    An episode ends after `steps`, as a game's end.
    """

    metadata = {"render_modes": ["rgb_array"]}

    def __init__(self, size: int = 64, actions: int = 4, steps: int = 12, words=None, render_mode=None):
        self.observation_space = spaces.Box(0, 255, (size, size, 3), np.uint8)
        self.action_space = spaces.Discrete(actions)
        self.size, self.steps, self.render_mode = size, steps, render_mode
        if words is not None:
            self.get_action_meanings = lambda: words

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.at = self.np_random.integers(0, self.size // 4, 2)
        self.count = 0
        return self._frame(), {}

    def step(self, action: np.int64) -> Any:
        ways = [(0, -1), (0, 1), (-1, 0), (1, 0)]
        way = ways[action] if action < 4 else (0, 0)
        self.at = (self.at + way) % (self.size // 4)
        self.count += 1
        return self._frame(), 1.0, self.count == self.steps, False, {}

    def render(self) -> Any:
        return self._frame()

    def _frame(self) -> np.ndarray:
        frame = np.zeros((self.size, self.size, 3), np.uint8)
        y, x = 4 * self.at
        frame[y : y + 4, x : x + 4] = 255
        return frame


def register() -> None:
    """Make ``toys/Nine-v0`` and ``toys/Three-v0`` (64x64), and ``toys/Large-v0`` (96x96), known."""
    nine = ["LEFT", "RIGHT", "UP", "DOWN", "FIRE", "A", "B", "C", "D"]
    for name, kwargs in {
        "Nine": {"actions": 9, "words": nine},
        "Three": {"actions": 3},
        "Large": {"size": 96},
    }.items():
        if f"toys/{name}-v0" not in gym.registry:
            gym.register(f"toys/{name}-v0", entry_point="toy_games:Dot", kwargs=kwargs)


class Walk(gym.Env[np.ndarray, np.int64]):
    """Ends after `steps`; the first pixel of a frame shows (steps, game, step), the next the last action.

    Rewards are the step's number, or what `rewards` says of a step, from 1.
    """

    def __init__(
        self, steps: int = 12, rewards: dict[int, float] | None = None, size: int = 4, render_mode=None
    ):
        self.observation_space = spaces.Box(0, 255, (size, size, 3), np.uint8)
        self.action_space = spaces.Discrete(2)
        self.steps, self.rewards, self.size, self.render_mode = steps, rewards or {}, size, render_mode
        self.game = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.game, self.at = self.game + 1, 0
        return self._frame(0), {}

    def step(self, action: np.int64) -> Any:
        self.at += 1
        reward = self.rewards.get(self.at, float(self.at))
        return self._frame(int(action)), reward, self.at == self.steps, False, {}

    def _frame(self, action: int) -> np.ndarray:
        frame = np.zeros((self.size, self.size, 3), np.uint8)
        frame[0, 0] = (self.steps - 2) % 256, self.game % 256, self.at % 256
        frame[0, 1] = action
        return frame
