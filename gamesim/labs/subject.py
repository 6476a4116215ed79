"""A V to look into, and frames to look at it with."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gamesim import card, checkpoint
from gamesim.checkpoint import Starts
from gamesim.config import world_model
from gamesim.config.world_models import VisionTraining
from gamesim.labs.frames import DECODED, of_games
from gamesim.models.tilemap.places import PlaceVision
from gamesim.models.world_models.engine import WorldModelEngine
from gamesim.models.world_models.vision import Vision, reconstruction, see, show

COUNT = 256
"""Frames to look at a V with."""
DREAMS, EVERY, HELD = 64, 8, 4
"""Dreams of which frames are taken, one in so many steps, and the steps for which an action is held."""


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
