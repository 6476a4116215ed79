"""A V to look into, and frames to look at it with: of games that the bot plays, or of recordings."""

import json
from dataclasses import dataclass
from pathlib import Path

import gymnasium as gym
import torch
from torch import Tensor

from gamesim import card, checkpoint
from gamesim.agents.explorer import ExplorerPolicy
from gamesim.checkpoint import Starts
from gamesim.config import world_model
from gamesim.config.world_models import VisionTraining
from gamesim.data.dataset import Dataset
from gamesim.models.tilemap.places import PlaceVision
from gamesim.models.world_models.engine import WorldModelEngine
from gamesim.models.world_models.vision import Vision, reconstruction, see, show

GAME = "gamesim/Pacman-v0"
DECODED = (GAME, "gamesim/PacmanMaze-v0")
"""Games of which a frame decodes to cells."""
LANES, REMEMBERED = 32, 32
"""Games at once, and the steps of them that are remembered, so that a batch is not of one moment."""
EPISODES = 128
"""Of a folder, at most."""
COUNT = 256
"""Frames to look at a V with."""
DREAMS, EVERY, HELD = 64, 8, 4
"""Dreams of which frames are taken, one in so many steps, and the steps for which an action is held."""


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


@dataclass(frozen=True)
class Subject:
    """A V with the frames.

    Attributes:
        vision: the VAE, which may be learning meanwhile.
        frames: uint8 (N, H, W, 3).
        pixels: how a pixel is distributed, as it is or was trained.
        decodes: whether frames are real ones that decode to cells.
        dreamt: whether they are dreamt, as the game is not at hand.
    """

    vision: Vision | PlaceVision
    frames: Tensor
    pixels: VisionTraining
    decodes: bool
    dreamt: bool = False

    @torch.no_grad()
    def encode(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Frames uint8 (B, H, W, 3) -> mean and log-variance of z, each (B, Z)."""
        return self.vision.encode(see(frames, self.vision.side))

    @torch.no_grad()
    def draw(self, z: Tensor) -> Tensor:
        """z (B, Z) -> frames uint8 (B, H, W, 3)."""
        return show(self.vision.decode(z), self.frames.shape[1])

    @torch.no_grad()
    def likelihood(self, frame: Tensor, z: Tensor) -> Tensor:
        """log p(frame | z) in nats, without the part that no weight changes: (H, W, 3), (K, Z) -> (K,)."""
        target = see(frame[None], self.vision.side).expand(len(z), -1, -1, -1)
        return -reconstruction(self.vision.logits(z), target, self.pixels)


def of_checkpoint(model: str | Path, seed: int) -> Subject:
    """The V of a World Model on disk.

    Raises:
        UserError: there is none, or it is damaged.
    """
    engine, found = checkpoint.load_model(model)
    pixels = world_model(found.config, found.folder, "V to look into").vision
    vision = engine.vision
    if card.facts(found.card).get("game") in DECODED:
        return Subject(vision, of_games(COUNT, seed), pixels, decodes=True)
    return Subject(vision, dreamt(engine, found.starts, seed), pixels, decodes=False, dreamt=True)


@torch.no_grad()
def dreamt(engine: WorldModelEngine, starts: Starts, seed: int) -> Tensor:
    """Frames of dreams in which actions are held for a while: uint8 (COUNT, H, W, 3)."""
    generator = torch.Generator().manual_seed(seed)
    which = torch.arange(DREAMS) % len(starts.frames)
    state = engine.start(starts.frames[which], starts.actions[which])
    drawn, action = [], which
    for step in range(COUNT // DREAMS * EVERY):
        if step % HELD == 0:
            action = torch.randint(engine.num_actions, (DREAMS,), generator=generator)
        noise = torch.randn(DREAMS, *engine.noise_shape, generator=generator)
        state, _, _ = engine.dream(state, action, 1.0, noise)
        if step % EVERY == EVERY - 1:
            drawn.append(engine.with_z(state, state["z"])[1])
    return torch.cat(drawn)
