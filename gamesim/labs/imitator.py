"""Behaviour cloning: a small network that learns what the bot presses, from pixels alone.

Pomerleau 1991 ("Efficient training of artificial neural networks for autonomous navigation", Neural
Computation 3(1)): supervised learning of a player's actions, and nothing else. It sees one frame and has no
memory. Its games begin where the bot's do, and each frame that it learns from is seen once.
"""

from collections.abc import Callable, Iterator

import gymnasium as gym
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.agents.explorer import ExplorerPolicy, Taste
from gamesim.labs import weights
from gamesim.labs.adam import Adam
from gamesim.models.frames import to_float

GAME = "gamesim/Pacman-v0"
NUM_ACTIONS = 5
STEPS, RATE = 800, 2e-3
"""Steps of Adam, each on a batch of frames that is seen once, and its learning rate, which falls to 0."""
HARDENED = 8 / 255
"""The epsilon of adversarial training."""

SINGLE_MINDED = Taste(setting_out=0.0, pause=0.0, wild=0.0, bold=0.0)
"""The bot without its whims: what it does for variety's sake cannot be told from a frame."""

Objective = Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]
"""Of a loss (frames (B, 3, H, W) -> (B,)) and the frames: what is minimised, (B,)."""


class Imitator(nn.Module):
    """Frames of 7x7 cells -> one number an action: 117,845 weights."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(3, 16, 4, 4), nn.ReLU()),  # 21x21
            *(nn.Conv2d(16, 32, 3, 3), nn.ReLU()),  # 7x7: a cell each
            *(nn.Conv2d(32, 32, 3), nn.ReLU(), nn.Flatten()),  # 5x5
            *(nn.Linear(32 * 5 * 5, 128), nn.ReLU(), nn.Linear(128, NUM_ACTIONS)),
        )
        self.taken: Tensor
        """Steps of training."""
        self.register_buffer("taken", torch.zeros((), dtype=torch.int64))

    def forward(self, frames: Tensor) -> Tensor:
        """Frames (B, 3, 84, 84) in [0, 1] -> logits of the actions (B, 5)."""
        return self.layers(2 * frames - 1)


def load(name: str) -> Imitator:
    """A shipped imitator, "plain" or "hardened", in eval mode and without gradients for its weights."""
    network = Imitator()
    weights.load(network, weights.folder("fgsm") / name)
    return network.eval().requires_grad_(False)


def examples(games: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """What the bot sees and presses, step by step in many games at once, without end.

    Yields:
        Frames (N, 3, H, W) in [0, 1] and the bot's actions int64 (N,).
    """
    env = gym.make_vec(GAME, games)
    bot = ExplorerPolicy(seed, taste=SINGLE_MINDED)
    frames, _ = env.reset(seed=seed)
    bot.reset(np.ones(games, bool))
    while True:
        actions = bot.act(frames, {})
        yield to_float(torch.from_numpy(frames)), torch.from_numpy(actions)
        frames, _, terminated, truncated, _ = env.step(actions)
        over = terminated | truncated
        if over.any():
            frames, _ = env.reset(options={"reset_mask": over})
            bot.reset(over)


def training(
    network: Imitator, objective: Objective, seed: int, games: int = 256
) -> Iterator[dict[str, float]]:
    """Trains an imitator from where it is, and gives the loss after each step.

    Args:
        network: what is trained.
        objective: what is minimised; the loss itself, or what makes the network hard to attack.
        seed: of the boards and of the bot.
        games: frames in a batch, each of another game.
    """
    adam = Adam(network.parameters())
    for frames, actions in examples(games, seed):
        missed = objective(_cross_entropy(network, actions), frames).mean()
        adam.descend(missed, RATE * max(0.0, 1 - int(network.taken) / STEPS))
        network.taken += 1
        yield {"loss": missed.item()}


def _cross_entropy(network: Imitator, actions: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda frames: F.cross_entropy(network(frames), actions, reduction="none")
