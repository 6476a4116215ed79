"""Frames to learn from: those of games that the bot plays meanwhile, or of a folder of recordings."""

import json
from pathlib import Path

import gymnasium as gym
import torch
from torch import Tensor

from gamesim.agents.explorer import ExplorerPolicy
from gamesim.data.dataset import Dataset

GAME = "gamesim/Pacman-v0"
DECODED = (GAME, "gamesim/PacmanMaze-v0")
"""Games of which a frame decodes to cells."""
LANES, REMEMBERED = 32, 32
"""Games at once, and the steps of them that are remembered, so that a batch is not of one moment."""
EPISODES = 128
"""Of a folder, at most."""


class Played:
    """Games of the bot, a step further with each draw: no frame is learned for long."""

    decodes = True
    """Whether the frames decode to cells."""

    def __init__(self, seed: int) -> None:
        self.env, self.bot = gym.make_vec(GAME, LANES), ExplorerPolicy(seed)
        self.now, _ = self.env.reset(seed=seed)
        self.seen: list[Tensor] = []

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Frames uint8 (count, H, W, 3), by chance."""
        self.seen = [*self.seen, torch.from_numpy(self.now)][-REMEMBERED:]
        self.now = self.env.step(self.bot.act(self.now, {}))[0]
        chosen = torch.randint(len(self.seen) * LANES, (count,), generator=generator)
        return torch.stack([self.seen[i // LANES][i % LANES] for i in chosen.tolist()])


class Recorded:
    """Frames of recordings.

    Raises:
        UserError: no such folder, or no recordings in it.
    """

    def __init__(self, folder: Path) -> None:
        self.data = Dataset(folder, segment=1, short=True, split="all", limit=EPISODES)
        spec = json.loads(self.data.env_spec or "{}")
        look = {"view": "ego", "theme": "night"}
        as_usual = look == {**look, **{k: v for k, v in spec.get("kwargs", {}).items() if k in look}}
        self.decodes = spec.get("id") in DECODED and as_usual

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        return self.data.sample_frames(count, generator)


Frames = Played | Recorded


def of_games(count: int, seed: int) -> Tensor:
    """A frame of each of some games, after six steps of the bot: uint8 (count, 84, 84, 3)."""
    env, bot = gym.make_vec(GAME, count), ExplorerPolicy(seed)
    frames, _ = env.reset(seed=seed)
    for _ in range(6):
        frames = env.step(bot.act(frames, {}))[0]
    return torch.from_numpy(frames)
