"""A deep Q-network: an agent that learns what each action will earn; needs the extra ``agents``.

Mnih et al. 2013, "Playing Atari with Deep Reinforcement Learning" (arXiv 1312.5602), Algorithm 1, as
Stable-Baselines3 has it. A network reads the last four frames (Sec. 4.1: the paper's phi) and gives a number
for each action, Q(s, a). Steps that were played go to a replay memory; for a few that are drawn from it at
random, the network is moved towards r + gamma max_a' Q(s', a') (Eq. 3). It plays the best action, and with a
probability epsilon any.

Stable-Baselines3 adds what Mnih et al. 2015 (Nature 518) added: max_a' Q(s', a') comes from a copy of the
network that is renewed now and then, and large errors count by their size, not by its square. The frames are
our own: four pixels on a side become one. Rewards stay as they are: they lie in -1 .. 1 without clipping.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from stable_baselines3 import DQN
from stable_baselines3.common.type_aliases import TrainFreq
from stable_baselines3.common.vec_env import VecFrameStack, VecMonitor
from stable_baselines3.dqn.policies import CnnPolicy, QNetwork

from gamesim import storage
from gamesim.agents.policy import check_view
from gamesim.agents.ppo import CELL, WIDTH, Games, Glance, shrink
from gamesim.envs.layouts import OUTSIDE
from gamesim.envs.pacman import FRAME, MEANINGS
from gamesim.envs.sprites import decode
from gamesim.errors import UserError
from gamesim.shipped import MODELS, folder
from gamesim.text import one_line
from gamesim.threads import one_thread

FRAMES = 4
"""The last frames that the network reads, as in the paper."""
EPSILON = 0.05
"""Share of actions by chance when a trained agent plays, as in the paper's Sec. 5.1."""
SETTINGS: dict[str, Any] = {
    "learning_rate": lambda left: 1e-3 * max(left, 0.05),
    "buffer_size": 100_000,
    "learning_starts": 5_000,
    "batch_size": 128,
    "gamma": 0.95,  # a game has 40 steps
    "train_freq": 1,
    "gradient_steps": 2,  # with 64 games at once each step is learned from four times; in the paper, eight
    "target_update_interval": 4_000,
    "exploration_fraction": 0.3,
    "exploration_final_eps": EPSILON,
    "optimize_memory_usage": True,
    "replay_buffer_kwargs": {"handle_timeout_termination": False},  # running out of time is an end here
    "stats_window_size": 500,
}


def cells(frames: np.ndarray) -> np.ndarray:
    """Frames uint8 (N, 84, 84, 3) -> 1 where a cell is of a class, 0 elsewhere, uint8 (N, 7, 7, 7)."""
    classes = decode(frames)[0]
    return (classes[:, None] == np.arange(OUTSIDE + 1, dtype=np.uint8)[:, None, None]).astype(np.uint8)


@dataclass(frozen=True)
class Sight:
    """What an agent sees.

    Attributes:
        see: frames uint8 (N, H, W, 3) -> uint8 (N, C, H', W').
        high: the largest number in that.
        cell: a cell's side in that.
    """

    see: Callable[[np.ndarray], np.ndarray]
    high: int
    cell: int


SIGHTS = {"frames": Sight(shrink, 255, CELL), "grid": Sight(cells, 1, 1)}
"""Pixels, or the kinds of the cells that they show."""


def network(sight: str) -> QNetwork:
    """Frames as this sight has them, `FRAMES` of them one after the other -> Q, (N, 5), untrained."""
    seen = SIGHTS[sight]
    channels, height, width = seen.see(np.zeros((1, *FRAME), np.uint8)).shape[1:]
    space = gym.spaces.Box(0, seen.high, (FRAMES * channels, height, width), np.uint8)
    return QNetwork(space, gym.spaces.Discrete(len(MEANINGS)), Glance(space, seen.cell), WIDTH, net_arch=[])


class DQNPolicy:
    """A trained network as an `agents.policy.Policy`: the best action, or with a small chance any.

    Args:
        network: of `network`.
        sight: what it sees, a name of `SIGHTS`.
        seed: of its chance.
        epsilon: share of actions by chance, 0 to 1.

    Attributes:
        memory: the last frames as the network reads them, the newest last: uint8 (N, FRAMES * C, H', W').
    """

    player = "dqn"

    def __init__(self, network: QNetwork, sight: str, seed: int = 0, epsilon: float = EPSILON) -> None:
        self.network, self.sight, self.epsilon = network, sight, epsilon
        self._random = np.random.default_rng(seed)
        self.memory = np.zeros((0, 0, 0, 0), np.uint8)

    def act(self, frames: np.ndarray, info: dict[str, Any]) -> np.ndarray:
        best = self.values(frames).argmax(1)
        anything = self._random.integers(len(MEANINGS), size=len(frames))
        return np.where(self._random.random(len(frames)) < self.epsilon, anything, best)

    @one_thread()
    @torch.inference_mode()
    def values(self, frames: np.ndarray) -> np.ndarray:
        """The next frames, uint8 (N, 84, 84, 3) -> Q of each action, float32 (N, 5)."""
        seen = SIGHTS[self.sight].see(frames)
        past = self.memory
        if len(past) != len(seen):
            past = np.repeat(np.zeros_like(seen), FRAMES, 1)
        self.memory = np.concatenate([past[:, seen.shape[1] :], seen], 1)
        return self.network(torch.from_numpy(self.memory)).numpy()

    def reset(self, mask: np.ndarray) -> None:
        if len(mask) == len(self.memory):
            self.memory[mask] = 0


def save(network: QNetwork, sight: str, path: str | Path, steps: int = 0) -> None:
    """Writes the network's weights, float32, what it sees, and how many steps its training has played."""
    facts = {"sight": sight, "steps": str(steps)}
    storage.write_file(Path(path), safetensors.torch.save(network.state_dict(), facts))


def load(path: str | Path) -> tuple[QNetwork, str]:
    """Reads a network of `save`, and what it sees.

    Raises:
        UserError: there is none, or it is damaged.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            sight = (file.metadata() or {}).get("sight", "")
            loaded = network(sight)
            loaded.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise UserError(f"{path}: not the weights of a DQN ({one_line(error)})") from None
    return loaded.eval(), sight


def shipped(sight: str = "frames") -> Path:
    """The file of the network that comes with gamesim for this sight."""
    return folder(MODELS) / "labs" / "dqn" / f"{sight}.safetensors"


def player(seed: int, env: gym.vector.VectorEnv, settings: dict[str, Any]) -> DQNPolicy:
    """The network that comes with gamesim, for ``record --policy dqn``.

    Raises:
        UserError: The game does not look like our 7x7 view.
    """
    check_view(env, "the DQN")
    return DQNPolicy(*load(shipped()), seed)


class Training:
    """A training that is done a little at a time.

    Args:
        env: a batch of games, uint8 (N, H, W, 3) frames; see `agents.ppo.Games`.
        sight: a name of `SIGHTS`.
        steps: of play, over all lanes, by which epsilon and the learning rate have come down.
        seed: of the agent and of the games.
        settings: in place of those of `SETTINGS`.
    """

    def __init__(self, env: gym.vector.VectorEnv, sight: str, steps: int, seed: int, **settings: Any) -> None:
        self.sight, seen = sight, SIGHTS[sight]
        self.games = VecFrameStack(VecMonitor(Games(env, see=seen.see, high=seen.high)), FRAMES, "first")
        policy = {
            "features_extractor_class": Glance,
            "features_extractor_kwargs": {"cell": seen.cell},
            "net_arch": [],
        }
        how = {**SETTINGS, **settings, "policy_kwargs": policy}
        self.agent = DQN(CnnPolicy, self.games, seed=seed, device="cpu", **how)
        _, self._callback = self.agent._setup_learn(steps, None)
        self._begun = 0  # steps that had been played when the replay memory was empty

    def go_on(self, path: str | Path) -> None:
        """Goes on from a network that `save` wrote, with the epsilon and the rate of its step.

        The replay memory and Adam's moments are not in that file. So at first the network only plays, for
        ``learning_starts`` steps, as at the beginning.

        Raises:
            UserError: there is none, it is damaged, or it sees something else.
        """
        found, sight = load(path)
        if sight != self.sight:
            raise UserError(f"{path}: this network sees {sight}, not {self.sight}")
        with safetensors.safe_open(path, "pt") as file:
            self._begun = int((file.metadata() or {}).get("steps", 0))
        for network in (self.agent.q_net, self.agent.q_net_target):
            network.load_state_dict(found.state_dict())
        self.agent.num_timesteps = self._begun

    def save(self, path: str | Path) -> None:
        """Writes the network as it is now, for `load` and `go_on`."""
        save(self.agent.q_net, self.sight, path, self.agent.num_timesteps)

    def step(self) -> None:
        """One step in each lane, and what is learned after it."""
        agent, memory = self.agent, self.agent.replay_buffer
        assert memory is not None and isinstance(agent.train_freq, TrainFreq)
        agent.collect_rollouts(
            self.games, self._callback, agent.train_freq, memory, learning_starts=agent.learning_starts
        )
        if agent.num_timesteps > self._begun + agent.learning_starts:
            agent.train(agent.gradient_steps, agent.batch_size)

    def policy(self, seed: int = 0, epsilon: float = EPSILON) -> DQNPolicy:
        """What has been learned so far, as a player; it goes on learning with this training."""
        return DQNPolicy(self.agent.q_net, self.sight, seed, epsilon)

    def earned(self) -> float:
        """Mean return of the last games that were over, at most 500 of them; 0 before the first."""
        games = self.agent.ep_info_buffer
        return float(np.mean([game["r"] for game in games])) if games else 0.0

    def loss(self) -> float | None:
        """Of the last step; None before the first that learned."""
        told = self.agent.logger.name_to_value
        return float(told["train/loss"]) if "train/loss" in told else None

    def remembered(self) -> int:
        """Steps in the replay memory."""
        memory = self.agent.replay_buffer
        return 0 if memory is None else memory.size() * memory.n_envs
