"""Training of V (Ha & Schmidhuber 2018, Sec. 2.1): the evidence lower bound of single frames, in nats."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from gamesim.config.world_models import WorldModelConfig
from gamesim.data.dataset import Dataset
from gamesim.models.frames import to_uint8
from gamesim.models.tilemap.places import PlaceVision
from gamesim.models.world_models.engine import WorldModelEngine
from gamesim.models.world_models.vision import (
    Vision,
    floored,
    kl,
    reconstruction,
    reparameterised,
    see,
    show,
)
from gamesim.training.descent import Descent
from gamesim.training.devices import autocast
from gamesim.training.sheet import contact_sheet

SHEET_ROWS, SHEET_FRAMES = 4, 12
VALIDATION_FRAMES = 1024


def seen(side: int) -> Callable[[Tensor], Tensor]:
    """What is kept of a dataset for V: frames uint8 (B, H, W, 3) -> as it sees them, (B, side, side, 3)."""
    return lambda frames: show(see(frames, side), side)


class VisionTask(Descent[Vision | PlaceVision]):
    """What the training loop needs to train V; implements `Task`.

    Attributes:
        model: The whole engine, of which V is trained.
    """

    score_key, saved_as = "loss", "vision"

    def __init__(
        self, config: WorldModelConfig, model: WorldModelEngine, train: Dataset, held_out: Dataset
    ) -> None:
        """Take an engine on its device, and data sets that keep frames as V sees them, see `seen`."""
        self.settings, self.train, self.held_out = config.vision, train, held_out
        self.z_size = config.model.numbers
        self.model: nn.Module = model
        super().__init__(model.vision, self.settings, train.device, seed=config.seed)

    @property
    def frames_per_step(self) -> int:
        return self.settings.batch_size

    def draw(self) -> tuple[Tensor, ...]:
        frames = self.train.sample_frames(self.settings.batch_size, self.generator)
        noise = torch.randn(len(frames), self.z_size, generator=self.generator).to(frames.device)
        return frames, noise, torch.full((), self.settings.kl_weight.at(self.progress), device=frames.device)

    def loss(self, *drawn: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        frames, noise, weight = drawn
        terms = self._bound(see(frames, self.trained.side), noise)
        loss = terms["reconstruction"] + weight * self._paid(terms["kl"])
        return loss.mean(), {name: nats.mean() for name, nats in terms.items()}

    def _bound(self, pixels: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """Both terms in nats, each (B,), for pixels (B, 3, S, S) and the noise (B, Z) of the draw."""
        with autocast(pixels.device, self.settings.precision):
            mean, log_variance = (part.float() for part in self.trained.encode(pixels))
            logits = self.trained.logits(reparameterised(mean, log_variance, noise)).float()
        return {
            "reconstruction": reconstruction(logits, pixels, self.settings),
            "kl": kl(mean, log_variance),
        }

    def _paid(self, nats: Tensor) -> Tensor:
        return floored(nats, self.z_size, self.settings.kl_tolerance)

    # -- what the loop asks for ----------------------------------------------------------------------

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """On held-out frames: both terms, and their sum as the run ends with it."""
        generator = torch.Generator().manual_seed(0)
        count = min(VALIDATION_FRAMES, self.held_out.num_frames)
        pixels = see(self.held_out.sample_frames(count, generator), self.trained.side)
        noise = torch.randn(len(pixels), self.z_size, generator=generator).to(pixels.device)
        parts = zip(
            pixels.split(self.settings.batch_size), noise.split(self.settings.batch_size), strict=True
        )
        bounds = [self._bound(*part) for part in parts]
        nats = {name: torch.cat([bound[name] for bound in bounds]) for name in bounds[0]}
        loss = nats["reconstruction"] + self.settings.kl_weight.end * self._paid(nats["kl"])
        return {"loss": float(loss.mean()), **{name: float(each.mean()) for name, each in nats.items()}}

    @torch.no_grad()
    def sheet(self) -> np.ndarray:
        """Held-out frames: real above, what V makes of them (from the mean) below."""
        generator = torch.Generator().manual_seed(1)
        frames = self.held_out.sample_frames(SHEET_ROWS * SHEET_FRAMES, generator)
        drawn = to_uint8(self.trained.decode(self.trained.encode(see(frames, self.trained.side))[0]))
        real, seen = (part.unflatten(0, (SHEET_ROWS, SHEET_FRAMES)).cpu().numpy() for part in (frames, drawn))
        return contact_sheet(real, seen, scale=2, names=("real", "drawn"), steps=False)
