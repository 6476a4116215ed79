"""A recurrent agent that learns by pixels in any game, real or dreamt; needs the extra ``agents``.

Proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347) with an LSTM, as sb3-contrib has it:
what an agent in a 7x7 view cannot see it must remember. The network and the settings are the same for every
row of `transfer`; they were chosen for one core of a CPU, in the real game, and never by a dream's score.
"""

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from sb3_contrib import RecurrentPPO
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticCnnPolicy
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor, nn
from tqdm import tqdm

from gamesim.data.finite import check_rewards
from gamesim.envs.spec import name_of
from gamesim.errors import UserError

WIDTH = 128
SHRINK = 4
"""Pixels on a side that become one: a cell's 12x12 become 3x3, which tell all tiles apart, at a sixteenth."""
CELL = 12 // SHRINK
SETTINGS: dict[str, Any] = {
    "n_steps": 40,  # a whole game at the paper's limit
    "batch_size": 640,  # large, since a sequence's steps are one after the other whatever its batch
    "n_epochs": 4,
    "learning_rate": lambda left: 2e-3 * left,  # down to 0, to settle by the end of any budget
    "gamma": 0.95,
    "gae_lambda": 0.9,
    "ent_coef": 0.02,
}


def shrink(frames: np.ndarray) -> np.ndarray:
    """Frames uint8 (N, H, W, 3), sides multiples of SHRINK -> means, uint8 (N, 3, H / SHRINK, W / SHRINK)."""
    rows = np.add.reduce([frames[:, y::SHRINK] for y in range(SHRINK)], dtype=np.uint16)
    squares = np.add.reduce([rows[:, :, x::SHRINK] for x in range(SHRINK)])
    return (squares // SHRINK**2).astype(np.uint8).transpose(0, 3, 1, 2)


class Glance(BaseFeaturesExtractor):
    """A small CNN for pictures that are made of cells: a cell at a time, then 3x3 of those.

    Args:
        space: of the pictures.
        cell: a cell's side in these pictures.
    """

    def __init__(self, space: gym.spaces.Box, cell: int = CELL) -> None:
        super().__init__(space, WIDTH)
        channels, height, width = space.shape
        self.layers = nn.Sequential(
            *(nn.Conv2d(channels, 16, cell, cell), nn.ReLU()),
            *(nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(32 * (height // cell - 2) * (width // cell - 2), WIDTH), nn.ReLU()),
        )

    def forward(self, frames: Tensor) -> Tensor:
        """Frames float (B, 3, H, W) in [0, 1] -> (B, WIDTH)."""
        return self.layers(frames)


class Reader(RecurrentActorCriticCnnPolicy):
    """sb3-contrib's policy with a quicker LSTM, which also learns from what it foresees of the rewards.

    It has one LSTM, and a linear layer each for actions and value.
    """

    @staticmethod
    def _process_sequence(  # pyright: ignore[reportIncompatibleMethodOverride]
        features: Tensor, lstm_states: tuple[Tensor, Tensor], episode_starts: Tensor, lstm: nn.LSTM
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Whole sequences in one call, as buffers cut them where games begin; theirs is a call a step.

        Args:
            features: (B * T, WIDTH), a sequence after the other.
            lstm_states: before the first step, (1, B, WIDTH) each.
            episode_starts: 1 where a game begins, (B * T,); at a sequence's first step, if at all.
            lstm: what reads them.

        Returns:
            Outputs (B * T, WIDTH), and the states after the last step.
        """
        hidden, cell = lstm_states
        count = hidden.shape[1]
        goes_on = 1 - episode_starts.view(count, -1)[:, :1]
        inputs = features.view(count, -1, lstm.input_size).transpose(0, 1)
        outputs, states = lstm(inputs, (hidden * goes_on, cell * goes_on))
        return outputs.transpose(0, 1).flatten(0, 1), states

    def evaluate_actions(
        self, obs: Tensor, actions: Tensor, lstm_states: RNNStates, episode_starts: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Values, log-probabilities and entropies; theirs keeps the value's gradient from the LSTM."""
        features, (hidden, cell) = self.extract_features(obs), lstm_states.pi
        assert isinstance(features, Tensor)  # one extractor for both
        latent, _ = self._process_sequence(features, (hidden, cell), episode_starts, self.lstm_actor)
        choice = self._get_action_dist_from_latent(latent)
        entropy = choice.entropy()
        assert entropy is not None  # of a choice between actions it is known
        return self.value_net(latent), choice.log_prob(actions), entropy


class Games(VecEnv):
    """A batch of Gymnasium's for Stable-Baselines3, its frames as the agent sees them, uint8 (N, C, H', W').

    A lane that is over shows its next game at once.

    Args:
        env: frames uint8 (N, H, W, 3); its ``reset`` takes ``reset_mask``.
        cut_off: reward for running out of time, on top of what the environment gives.
        see: what an agent sees of frames; `shrink` makes them (N, 3, H / SHRINK, W / SHRINK).
        high: the largest number in that.

    Raises:
        UserError: The frames' sides are no multiples of SHRINK.
    """

    def __init__(
        self,
        env: gym.vector.VectorEnv,
        cut_off: float = 0.0,
        see: Callable[[np.ndarray], np.ndarray] = shrink,
        high: int = 255,
    ) -> None:
        self.env, self.cut_off, self._see = env, cut_off, see
        assert isinstance(env.single_observation_space, gym.spaces.Box)
        height, width, _ = env.single_observation_space.shape
        if height % SHRINK or width % SHRINK:
            raise UserError(f"agents see frames whose sides are multiples of {SHRINK}, not {height}x{width}")
        seen = see(np.zeros((1, *env.single_observation_space.shape), np.uint8))
        space = gym.spaces.Box(0, high, seen.shape[1:], np.uint8)
        super().__init__(env.num_envs, space, env.single_action_space)
        self._actions, self._steps = np.zeros((2, env.num_envs), np.int64)

    def reset(self) -> np.ndarray:
        frames, _ = self.env.reset(seed=self._seeds[0])
        self._steps[:] = 0
        self._reset_seeds()
        return self._see(frames)

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        frames, rewards, terminated, truncated, _ = self.env.step(self._actions)
        self._steps += 1
        checked = check_rewards(name_of(self.env), self._steps, rewards, self._steps > 0)
        rewards, over = checked + self.cut_off * truncated, terminated | truncated
        self._steps[over] = 0
        shown = self._see(frames)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if over.any():
            for lane in np.flatnonzero(over).tolist():
                # Out of time is an end like any other here: the game takes its -1 for it.
                infos[lane] = {"terminal_observation": shown[lane], "TimeLimit.truncated": False}
            shown = self._see(self.env.reset(options={"reset_mask": over})[0])
        return shown, rewards.astype(np.float32), over, infos

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
    """A trained agent as a `agents.policy.Policy`; it draws its actions from its own policy."""

    player = "agent"

    def __init__(self, agent: RecurrentPPO) -> None:
        self._agent, self._memory, self._begins = agent, None, np.zeros(0, bool)

    def act(self, frames: np.ndarray, info: dict[str, Any]) -> np.ndarray:
        actions, self._memory = self._agent.predict(shrink(frames), self._memory, self._begins)
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
        Reader, games, policy_kwargs=network, seed=seed, device=torch.device(device), **SETTINGS
    )
    agent.learn(steps, callback=_Bar(steps))
    games.close()
    return AgentPolicy(agent)
