"""One dream, as an environment."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from gamesim.dream.batch import DreamState, DreamVectorEnv
from gamesim.dream.beginnings import Source
from gamesim.envs.arguments import check_action, check_seed
from gamesim.errors import UserError
from gamesim.models import State, take
from gamesim.threads import one_thread

CHANGES = ("z", "memory")
"""What an engine may let one change: by ``with_z(state, z)`` or ``with_memory(state, other)``, which return
the changed state and its frame uint8 (B, H, W, 3)."""


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
        seed = check_seed(seed)
        super().reset(seed=seed)
        frames, infos = self.batch.reset(seed=seed, options=options)
        return frames[0], _first(infos)

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Dream one step."""
        if self.batch.ended.any():
            raise gym.error.ResetNeeded("the dream is over: call reset() before step()")
        number = check_action(action, self.batch.model.num_actions)
        frames, rewards, terminated, truncated, infos = self.batch.step(np.array([number]))
        return frames[0], float(rewards[0]), bool(terminated[0]), bool(truncated[0]), _first(infos)

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The frame, uint8 (H, W, 3), when ``render_mode`` is "rgb_array"."""
        frames = self.batch.render()
        return None if frames is None else frames[0]

    @one_thread()
    @torch.inference_mode()
    def act(self) -> int | None:
        """What the engine's own controller does next; None when it has no controller."""
        actions = self.batch.model.act(self.state.memory)
        return None if actions is None else int(actions[0])

    @one_thread()
    @torch.inference_mode()
    def internals(self) -> dict[str, np.ndarray]:
        """The engine's insides by name: pictures uint8 (H, W, 3), everything else float32."""
        shown = {name: values[0] for name, values in self.batch.model.internals(self.state.memory).items()}
        return {
            name: (values if values.dtype == torch.uint8 else values.float()).cpu().numpy()
            for name, values in shown.items()
        }

    @property
    def changes(self) -> frozenset[str]:
        """What of a moment one can change: "z", "memory"; found by the engine's methods ``with_...``."""
        return frozenset(name for name in CHANGES if hasattr(self.batch.model, f"with_{name}"))

    @one_thread()
    @torch.inference_mode()
    def with_z(self, z: np.ndarray) -> np.ndarray:
        """Go on from another z float32 (Z,); returns the frame uint8 (H, W, 3) that it stands for.

        Raises:
            UserError: The engine does not let its z be changed, or it is of another size.
        """
        change, memory = self._hook("z"), self.state.memory
        if z.shape != tuple(memory["z"].shape[1:]):
            raise UserError(f"z must be {tuple(memory['z'].shape[1:])}, not {z.shape}")
        return self._changed(
            *change(memory, torch.as_tensor(z[None], dtype=torch.float32).to(self.batch.device))
        )

    @one_thread()
    @torch.inference_mode()
    def with_memory(self, moment: DreamState) -> np.ndarray:
        """Go on with the memory of another moment of this engine: another board under the same agent.

        Returns:
            The frame uint8 (H, W, 3), drawn again.

        Raises:
            UserError: The engine has no memory that could be changed.
        """
        return self._changed(*self._hook("memory")(self.state.memory, moment.memory))

    def _hook(self, name: str) -> Callable[[State, Any], tuple[State, Tensor]]:
        if name not in self.changes:
            raise UserError(f"this model's {name} cannot be changed")
        return getattr(self.batch.model, f"with_{name}")

    def _changed(self, memory: State, frames: Tensor) -> np.ndarray:
        """Go on from this memory, which shows `frames` uint8 (1, H, W, 3)."""
        shown = frames.cpu().numpy()
        self.state = replace(self.state, memory=memory, frames=shown, came=None)
        return shown[0].copy()

    @property
    def openings(self) -> int:
        """How many beginnings the checkpoint has: ``options["start"]`` of `reset` is below it."""
        return len(self.batch.starts.frames)

    def go_on(self) -> None:
        """Take back the end: the dream goes on with the next step as if nothing had happened."""
        self.batch.ended = np.zeros(1, bool)

    @torch.inference_mode()
    def alternatives(self, count: int) -> np.ndarray | None:
        """Other frames that chance could have drawn in the last step, uint8 (count, H, W, 3).

        It is the same step from the same moment with other noise; the dream and its own chance stay as they
        are. None where there was no step just now, or the dream was changed by hand after it.
        """
        if self.batch.came is None:
            return None
        memory, actions = self.batch.came
        _, drawn = self.batch.model.imagine(
            take(memory, np.zeros(count, np.int64)),
            actions.repeat_interleave(count),
            temperature=self.temperature,
            generator=torch.Generator().manual_seed(int(self.state.steps[0])),
        )
        return drawn.frame.cpu().numpy()

    def elsewhere(self, start: int) -> DreamState:
        """The moment after another of the checkpoint's beginnings; the dream here goes on.

        After the last one the first follows: any `start` from 0 on is one of them.
        """
        other = DreamVectorEnv((self.batch.model, self.batch.starts), device=self.batch.device)
        other.reset(seed=0, options={"start": start % self.openings})
        return other.state


def _first(infos: dict[str, Any]) -> dict[str, Any]:
    return {name: float(values[0]) for name, values in infos.items() if not name.startswith("_")}
