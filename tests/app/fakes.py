"""Dreams without a network, with what the app looks for in one, and recordings that nobody played."""

import os
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from gamesim.data.episode import Episode


class FakeDream(gym.Env[np.ndarray, int]):
    """Shows the frame that it began with, one row of it brighter for each step; ends after `length` steps.

    One of a checkpoint that is called world-model has a controller, which goes round and round.

    Attributes:
        given: the options of the last reset.
        actions: all that it was asked since then.
    """

    metadata = {"render_modes": ["rgb_array"]}

    def __init__(
        self,
        checkpoint: str = "",
        temperature: float = 1.0,
        length: int = 1000,
        side: int = 84,
        render_mode: str | None = None,
        device: str = "cpu",
    ) -> None:
        self.temperature, self.length = temperature, length
        self.controller = "world-model" in checkpoint
        self.observation_space = gym.spaces.Box(0, 255, (side, side, 3), np.uint8)
        self.action_space = gym.spaces.Discrete(5)
        self.given: dict[str, Any] = {}
        self.actions: list[int] = []
        self.frame = np.zeros((side, side, 3), np.uint8)

    @property
    def state(self) -> tuple[np.ndarray, list[int]]:
        return self.frame.copy(), list(self.actions)

    @state.setter
    def state(self, moment: tuple[np.ndarray, list[int]]) -> None:
        self.frame, self.actions = moment[0].copy(), list(moment[1])

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.given, self.actions = options or {}, []
        blank = np.full((1, *self.frame.shape), 40, np.uint8)
        self.frame = np.array(self.given.get("frames", blank)[-1])
        return self.frame.copy(), {"end_probability": 0.0}

    def act(self) -> int | None:
        return len(self.actions) % 4 + 1 if self.controller else None

    def alternatives(self, count: int) -> np.ndarray | None:
        """Every second draw of a step has a bright cell in the corner."""
        if not self.actions:
            return None
        drawn = np.repeat(self.frame[None], count, 0)
        drawn[::2, :12, :12] = 255
        return drawn

    def internals(self) -> dict[str, np.ndarray]:
        shares = np.roll(np.array([0.5, 0.2, 0.15, 0.1, 0.05], np.float32), len(self.actions))
        return {"mixture": shares} if self.controller else {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.actions.append(int(action))
        self.frame = self.frame.copy()
        self.frame[len(self.actions) % len(self.frame)] = 200
        over = len(self.actions) >= self.length
        return self.frame.copy(), 0.5, over, False, {"end_probability": 0.9 if over else 0.1}


class Mortal(FakeDream):
    """A dream that ends at every third step, 79% sure of it, and whose end can be taken back."""

    reward = -1.0

    def __init__(self, checkpoint: str = "", **kwargs) -> None:
        super().__init__(checkpoint, **kwargs)
        self.taken_back = 0

    def go_on(self) -> None:
        self.taken_back += 1

    def step(self, action: int):
        frame, *_ = super().step(action)
        ends = len(self.actions) % 3 == 0
        return frame, self.reward if ends else 0.0, ends, False, {"end_probability": 0.79 if ends else 0.01}


class Dreamer(FakeDream):
    """A dream with a z that can be changed: its frame is as bright as the first number of z."""

    def __init__(
        self, checkpoint: str = "", temperature: float = 1.0, render_mode: str | None = None
    ) -> None:
        super().__init__(checkpoint, temperature)
        self.z = np.zeros(4, np.float32)
        self.asked = 0
        self.changes = frozenset({"z"})

    def internals(self) -> dict[str, np.ndarray]:
        self.asked += 1
        new = {
            "whatever": np.arange(6, dtype=np.float32).reshape(2, 3),
            "flow": np.ones((3, 7, 7), np.float32),
        }
        shares = np.array([0.6, 0.4], np.float32)
        return {"z": self.z.copy(), "mixture": shares, "reconstruction": self.frame.copy(), **new}

    def with_z(self, z: np.ndarray) -> np.ndarray:
        self.z = z.copy()
        self.frame = np.full_like(self.frame, round(128 + 40 * float(z[0])))
        return self.frame.copy()


class Layered(FakeDream):
    """A dream with layers and a memory: its static layer, and what it remembers, is one shade of grey."""

    shade = 60

    def __init__(
        self, checkpoint: str = "", temperature: float = 1.0, render_mode: str | None = None
    ) -> None:
        super().__init__(checkpoint, temperature)
        self.name = Path(checkpoint).name
        self.shade = 200 if self.name == "other-pacman" else 60
        self.closed = False
        self.changes = frozenset({"memory"})

    @property
    def state(self) -> Any:
        return self.frame.copy(), list(self.actions), self.shade

    @state.setter
    def state(self, moment: Any) -> None:
        self.frame, self.actions, self.shade = moment[0].copy(), list(moment[1]), moment[2]

    def internals(self) -> dict[str, np.ndarray]:
        mask = np.zeros((7, 7), np.float32)
        mask[3, 3] = 1
        dynamic = np.full_like(self.frame, 255)
        attention = np.zeros((21, 21), np.float32)
        attention[7:14, 7:14] = 1 / 49
        layers = {"static": np.full_like(self.frame, self.shade), "dynamic": dynamic, "mask": mask}
        return {**layers, "attention": attention, "memory": attention * 9}

    def elsewhere(self, start: int) -> Any:
        return self.frame, [], 120 + start % 2

    def with_memory(self, moment: Any) -> np.ndarray:
        self.shade = moment[2]
        return self.frame.copy()

    def close(self) -> None:
        self.closed = True


def card(folder: Path, game: str) -> None:
    """A checkpoint's card that says which game was learned."""
    (folder / "README.md").write_text(f"| fact | |\n|---|---|\n| game | {game} |\n", encoding="utf-8")


SPEC = '{"id": "gamesim/%s-v0"}'


def episode(steps: int = 12, game: str = "Pacman") -> Episode:
    """Frame t is of grey level t; every third step is worth 0.5; a person plays."""
    frames = np.broadcast_to(
        np.arange(steps + 1, dtype=np.uint8)[:, None, None, None], (steps + 1, 84, 84, 3)
    )
    rewards = np.where(np.arange(steps) % 3 == 0, 0.5, 0.0).astype(np.float32)
    actions = (np.arange(steps) % 5).astype(np.uint8)
    return Episode(frames.copy(), actions, rewards, True, False, np.zeros(steps, np.uint8), 1, SPEC % game)


def save(folder: Path, name: str, age: float = 0.0, **kwargs) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.npz"
    episode(**kwargs).save(path)
    os.utime(path, (time.time() - age, time.time() - age))
    return path
