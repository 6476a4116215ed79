"""One dream, as an environment."""

from typing import Any

import gymnasium as gym
import numpy as np
import torch

from gamesim.dream.batch import DreamState, DreamVectorEnv
from gamesim.dream.beginnings import Source


class DreamEnv(gym.Env[np.ndarray, int]):
    """One dream: a lane of `DreamVectorEnv`, with the same arguments but ``num_envs``.

    Observation: uint8 (H, W, 3). Info: floats ``end_probability``, ``reward`` and ``temperature``.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 8}

    def __init__(
        self,
        checkpoint: Source,
        temperature: float = 1.0,
        device: str | torch.device = "cpu",
        max_steps: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.batch = DreamVectorEnv(checkpoint, 1, temperature, device, max_steps, render_mode)
        self.render_mode, self.max_steps = render_mode, self.batch.max_steps
        self.observation_space = self.batch.single_observation_space
        self.action_space = self.batch.single_action_space

    @property
    def temperature(self) -> float:
        """How wild the dream is, 0 to 10; may be set while it runs."""
        return self.batch.temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        self.batch.temperature = value

    @property
    def state(self) -> DreamState:
        """This moment of the dream; set it to rewind or to branch."""
        return self.batch.state

    @state.setter
    def state(self, moment: DreamState) -> None:
        self.batch.state = moment

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin a new dream; options as in `DreamVectorEnv.reset`."""
        super().reset(seed=seed)
        frames, infos = self.batch.reset(seed=seed, options=options)
        return frames[0], _first(infos)

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Dream one step."""
        if self.batch.ended.any():
            raise gym.error.ResetNeeded("the dream is over: call reset() before step()")
        frames, rewards, terminated, truncated, infos = self.batch.step(np.array([action]))
        return frames[0], float(rewards[0]), bool(terminated[0]), bool(truncated[0]), _first(infos)

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The frame, uint8 (H, W, 3), when ``render_mode`` is "rgb_array"."""
        frames = self.batch.render()
        return None if frames is None else frames[0]

    def act(self) -> int | None:
        """What the engine's own controller does next; None when it has no controller."""
        actions = self.batch.act()
        return None if actions is None else int(actions[0])

    def internals(self) -> dict[str, np.ndarray]:
        """The engine's insides by name: pictures uint8 (H, W, 3), everything else float32."""
        return {name: values[0] for name, values in self.batch.internals().items()}

    @property
    def changes(self) -> frozenset[str]:
        """What of a moment this engine lets one change: "z", "memory"."""
        return self.batch.changes

    def with_z(self, z: np.ndarray) -> np.ndarray:
        """Go on from another z float32 (Z,); returns the frame uint8 (H, W, 3) that it stands for."""
        return self.batch.with_z(z[None])[0]

    def with_memory(self, moment: DreamState) -> np.ndarray:
        """Go on with the memory of another moment of this engine; returns the frame, drawn again."""
        return self.batch.with_memory(moment)[0]

    @property
    def openings(self) -> int:
        """How many beginnings the checkpoint has: ``options["start"]`` of `reset` is below it."""
        return self.batch.openings

    def go_on(self) -> None:
        """Take back the end: the dream goes on with the next step as if nothing had happened."""
        self.batch.go_on()

    def alternatives(self, count: int) -> np.ndarray | None:
        """What chance could as well have drawn in the last step, uint8 (count, H, W, 3), or None."""
        drawn = self.batch.alternatives(count)
        return None if drawn is None else drawn[0]

    def elsewhere(self, start: int) -> DreamState:
        """The moment after another of the checkpoint's beginnings; the dream here goes on."""
        return self.batch.elsewhere(start)


def _first(infos: dict[str, Any]) -> dict[str, Any]:
    return {name: float(values[0]) for name, values in infos.items() if not name.startswith("_")}
