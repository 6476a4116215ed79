"""Many dreams at once, as a vector environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray
from torch import Tensor

from gamesim.devices import pick
from gamesim.dream.beginnings import Beginnings, Source, wake
from gamesim.envs.arguments import (
    check_common,
    check_number,
    check_options,
    lane_actions,
    lane_mask,
    lane_seeds,
    note_options,
)
from gamesim.errors import UserError
from gamesim.models import State, put, take
from gamesim.text import one_line
from gamesim.threads import one_thread

HOTTEST = 10.0
"""Highest temperature; at 0 the likeliest future is dreamt, at 1 each as often as the engine learned."""


@dataclass(frozen=True)
class DreamState:
    """A moment of a dream to which one can return: all that decides its future, except the actions."""

    memory: State  # of the engine, all lanes
    streams: tuple[Tensor, ...]  # of chance, one a lane
    frames: NDArray[np.uint8]  # (B, H, W, 3), on screen
    steps: NDArray[np.int64]  # (B,), since each lane's reset
    ended: NDArray[np.bool_]  # (B,), lanes that begin anew with the next step
    came: tuple[State, Tensor] | None = None  # the memory and the actions of the step that led here


class DreamVectorEnv(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """Many dreams at once, NEXT_STEP autoreset: after an end, a step ignores its action and begins anew.

    Observation: uint8 (N, H, W, 3), a new array each time. Infos, each with its mask ``_name``: float32 (N,)
    ``end_probability``, ``reward`` and ``temperature``.

    Args:
        checkpoint: the folder of a checkpoint, or an engine and real beginnings for it.
        num_envs: lanes.
        temperature: 0 to 10; may be set while the dream runs.
        device: where the engine computes: auto, cpu, cuda, cuda:1 or mps.
        max_steps: dreamt steps until truncation; None or 0 for endless dreams.
        render_mode: None or "rgb_array".

    Raises:
        UserError: the checkpoint is damaged, there is no such device, or an argument is out of range.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 8, "autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(
        self,
        checkpoint: Source,
        num_envs: int = 1,
        temperature: float = 1.0,
        device: str | torch.device = "cpu",
        max_steps: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        check_common(render_mode, max_steps, num_envs)
        self.temperature = temperature
        self.device = pick(device)
        self.model, self.starts = wake(checkpoint, self.device)
        self._beginnings = Beginnings(self.starts, self.model.frame_shape, self.model.num_actions)
        self.num_envs, self.max_steps, self.render_mode = num_envs, max_steps or None, render_mode
        self.single_observation_space = gym.spaces.Box(0, 255, self.model.frame_shape, np.uint8)
        self.single_action_space = gym.spaces.Discrete(self.model.num_actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._streams = [torch.Generator() for _ in range(num_envs)]
        self._seeded = np.zeros(num_envs, bool)
        self._memory: State | None = None
        self.came: tuple[State, Tensor] | None = None
        """The memory and the actions of the last step, where all lanes took it and nothing was changed."""
        self._frames = np.zeros((num_envs, *self.model.frame_shape), np.uint8)
        self._steps = np.zeros(num_envs, np.int64)
        self.ended = np.zeros(num_envs, bool)
        """bool (N,): lanes whose dream is over; they begin anew with the next step."""

    @property
    def temperature(self) -> float:
        """How wild the dream is, 0 to 10."""
        return self._temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        check_number("temperature", value, 0, HOTTEST, float)
        self._temperature = float(value)

    @property
    def state(self) -> DreamState:
        """This moment; set it to come back to it, as often as you like.

        Nothing is copied but the streams: engines make a new state at every step.
        """
        if self._memory is None:
            raise gym.error.ResetNeeded("call reset() before you ask for the state of a dream")
        streams = tuple(stream.get_state() for stream in self._streams)
        return DreamState(
            self._memory, streams, self._frames, self._steps.copy(), self.ended.copy(), self.came
        )  # fmt: skip

    @state.setter
    def state(self, moment: DreamState) -> None:
        if not isinstance(moment, DreamState):
            raise UserError(f"state must be one that a dream had, not {one_line(repr(moment), 80)}")
        if len(moment.streams) != self.num_envs:
            raise UserError(f"the state of {len(moment.streams)} dreams does not fit {self.num_envs}")
        for stream, kept in zip(self._streams, moment.streams, strict=True):
            stream.set_state(kept)
        self._seeded[:] = True
        self._memory, self._frames, self.came = moment.memory, moment.frames, moment.came
        self._steps, self.ended = moment.steps.copy(), moment.ended.copy()

    def reset(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, *, seed: int | Sequence[int | None] | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin new dreams in all lanes, or in those of ``options["reset_mask"]`` (bool (N,)).

        Args:
            seed: lane ``i`` gets ``seed + i``; or one seed for each lane.
            options: ``start``, which of the checkpoint's beginnings (one index, or one a lane); or ``frames``
                uint8 (F, H, W, 3) or (N, F, H, W, 3) and ``actions`` integer (F - 1,) or (N, F - 1) to dream
                on from. Without either, each lane's stream chooses one of the checkpoint's beginnings.

        Raises:
            UserError: The options do not fit the engine.
        """
        check_options(options)
        given = ("frames", "actions") if options and "frames" in options else ("start",)
        note_options(options, ("reset_mask", *given))
        seeds, mask = lane_seeds(seed, self.num_envs), lane_mask(options, self.num_envs)
        if self._memory is None and not mask.all():
            raise gym.error.ResetNeeded("the first reset() must reset all lanes")
        self._seed(seeds, mask)
        self._begin(np.flatnonzero(mask), options or {})
        return self._frames.copy(), self._infos(np.zeros(self.num_envs), np.zeros(self.num_envs))

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Dream one step in every lane; a lane that ended in the step before begins anew."""
        if self._memory is None:
            raise gym.error.ResetNeeded("call reset() before step()")
        actions = lane_actions(actions, self.num_envs, self.model.num_actions)
        anew, on = np.flatnonzero(self.ended), np.flatnonzero(~self.ended)
        rewards, ends = np.zeros(self.num_envs), np.zeros(self.num_envs)
        if len(on):
            self._frames = self._frames.copy()  # a kept state may hold the old one
            rewards[on], ends[on] = self._imagine(on, actions[on])
        self._steps[on] += 1
        terminated, truncated = ends > 0.5, np.zeros(self.num_envs, bool)
        if self.max_steps:
            truncated[on] = ~terminated[on] & (self._steps[on] >= self.max_steps)
        self.ended = terminated | truncated
        self._begin(anew, {})
        return self._frames.copy(), rewards, terminated, truncated, self._infos(rewards, ends)

    def render(self) -> tuple[np.ndarray, ...] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One frame a lane when ``render_mode`` is "rgb_array"."""
        return tuple(self._frames.copy()) if self.render_mode == "rgb_array" else None

    @one_thread()
    @torch.inference_mode()
    def _imagine(self, lanes: NDArray[np.int64], actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Dreams one step in these lanes; their rewards and end probabilities."""
        assert self._memory is not None
        all_of_them = len(lanes) == self.num_envs
        memory = self._memory if all_of_them else take(self._memory, lanes)
        pressed = torch.as_tensor(actions, dtype=torch.int64, device=self.device)
        self.came = (memory, pressed) if all_of_them else None
        memory, prediction = self.model.imagine(
            memory,
            pressed,
            temperature=self.temperature,
            generator=[self._streams[lane] for lane in lanes],
        )
        self._memory = memory if all_of_them else put(self._memory, lanes, memory)
        self._frames[lanes] = prediction.frame.cpu().numpy()
        return prediction.reward.float().cpu().numpy(), prediction.end_probability.float().cpu().numpy()

    @one_thread()
    @torch.inference_mode()
    def _begin(self, lanes: NDArray[np.int64], options: Mapping[str, Any]) -> None:
        """Starts these lanes from the real frames that the options of `reset` ask for."""
        if not len(lanes):
            return
        self.came = None
        frames, actions = self._beginnings.of(lanes, self._streams, options)
        memory = self.model.start(frames.to(self.device), actions.to(self.device))
        everyone = self._memory is None or len(lanes) == self.num_envs
        self._memory = memory if everyone else put(self._memory or {}, lanes, memory)
        self._frames = self._frames.copy()
        self._frames[lanes] = frames[:, -1].cpu().numpy()
        self._steps[lanes], self.ended[lanes] = 0, False

    def _seed(self, seeds: Sequence[int | None], mask: NDArray[np.bool_]) -> None:
        """Seeds these lanes' streams; those that never were get a seed from the environment's own chance."""
        for lane in np.flatnonzero(mask).tolist():
            lane_seed = seeds[lane]
            if lane_seed is None and not self._seeded[lane]:
                lane_seed = int(self.np_random.integers(2**62))
            if lane_seed is not None:
                self._streams[lane].manual_seed(lane_seed % 2**63)
                self._seeded[lane] = True

    def _infos(self, rewards: np.ndarray, ends: np.ndarray) -> dict[str, Any]:
        temperature = np.full(self.num_envs, self.temperature)
        columns = {"end_probability": ends, "reward": rewards, "temperature": temperature}
        infos: dict[str, Any] = {name: values.astype(np.float32) for name, values in columns.items()}
        return infos | {f"_{name}": np.ones(self.num_envs, bool) for name in columns}
