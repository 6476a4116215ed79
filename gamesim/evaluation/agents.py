"""A recurrent agent that learns by pixels in any game, real or dreamt; needs the extra ``agents``.

Proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347) with an LSTM, as sb3-contrib has it:
what an agent in a 7x7 view cannot see it must remember. The network and the settings are the same for every
row of `transfer`; they were chosen for a CPU, and never by a dream's score.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from sb3_contrib import RecurrentPPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor, nn
from tqdm import tqdm

WIDTH = 128
SETTINGS: dict[str, Any] = {
    "n_steps": 80,
    "batch_size": 320,
    "n_epochs": 4,
    "learning_rate": 5e-4,
    "gamma": 0.95,
    "gae_lambda": 0.9,
    "ent_coef": 0.02,
}


class Glance(BaseFeaturesExtractor):
    """A small CNN for pictures that are made of cells: 12x12 pixels at a time, then 3x3 of those."""

    def __init__(self, space: gym.spaces.Box) -> None:
        super().__init__(space, WIDTH)
        channels, height, width = space.shape
        self.layers = nn.Sequential(
            *(nn.Conv2d(channels, 32, 12, 12), nn.ReLU()),
            *(nn.Conv2d(32, 32, 3), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(32 * (height // 12 - 2) * (width // 12 - 2), WIDTH), nn.ReLU()),
        )

    def forward(self, frames: Tensor) -> Tensor:
        """Frames float (B, 3, H, W) in [0, 1] -> (B, WIDTH)."""
        return self.layers(frames)


class Games(VecEnv):
    """A batch of Gymnasium's for Stable-Baselines3: a lane that is over shows its next game at once.

    Args:
        env: frames uint8 (N, H, W, 3); its ``reset`` takes ``reset_mask``.
        cut_off: reward for running out of time, on top of what the environment gives.
    """

    def __init__(self, env: gym.vector.VectorEnv, cut_off: float = 0.0) -> None:
        self.env, self.cut_off = env, cut_off
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)
        self._actions = np.zeros(env.num_envs, np.int64)

    def reset(self) -> np.ndarray:
        frames, _ = self.env.reset(seed=self._seeds[0])
        self._reset_seeds()
        return frames

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        frames, rewards, terminated, truncated, _ = self.env.step(self._actions)
        rewards, over = rewards + self.cut_off * truncated, terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if over.any():
            for lane in np.flatnonzero(over).tolist():
                # Out of time is an end like any other here: the game takes its -1 for it.
                infos[lane] = {"terminal_observation": frames[lane], "TimeLimit.truncated": False}
            frames, _ = self.env.reset(options={"reset_mask": over})
        return frames, rewards.astype(np.float32), over, infos

    def close(self) -> None:
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self.env, attr_name, None)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        setattr(self.env, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        return [getattr(self.env, method_name)(*args, **kwargs)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs


class AgentPolicy:
    """A trained agent as a `rollout.Policy`; it draws its actions from its own policy."""

    player = "agent"

    def __init__(self, agent: RecurrentPPO) -> None:
        self._agent, self._memory, self._begins = agent, None, np.zeros(0, bool)

    def act(self, frames: np.ndarray, info: dict[str, Any]) -> np.ndarray:
        pictures = frames.transpose(0, 3, 1, 2)
        actions, self._memory = self._agent.predict(pictures, self._memory, self._begins)
        self._begins = np.zeros(len(frames), bool)
        return actions.astype(np.int64)

    def reset(self, mask: np.ndarray) -> None:
        self._begins = mask.copy()


class _Bar(BaseCallback):
    """Steps on a progress bar."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.bar = tqdm(total=steps, unit="step", desc="training an agent", leave=False)

    def _on_step(self) -> bool:
        self.bar.update(self.training_env.num_envs)
        return True

    def _on_training_end(self) -> None:
        self.bar.close()


def train(
    env: gym.vector.VectorEnv, steps: int, seed: int, device: str = "cpu", cut_off: float = 0.0
) -> AgentPolicy:
    """Trains an agent in a batch of games and closes them.

    Args:
        env: where; see `Games`.
        steps: of play, over all lanes; rounded up to whole rollouts.
        seed: of the agent and of the games.
        device: where the agent computes.
        cut_off: see `Games`.
    """
    games = Games(env, cut_off)
    network: dict[str, Any] = {
        "features_extractor_class": Glance,
        "lstm_hidden_size": WIDTH,
        "shared_lstm": True,
        "enable_critic_lstm": False,
        "net_arch": [],
    }
    agent = RecurrentPPO(
        "CnnLstmPolicy", games, policy_kwargs=network, seed=seed, device=torch.device(device), **SETTINGS
    )
    agent.learn(steps, callback=_Bar(steps))
    games.close()
    return AgentPolicy(agent)
