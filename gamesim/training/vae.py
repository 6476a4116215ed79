"""Training of V (Ha & Schmidhuber 2018, Sec. 2.1): the evidence lower bound of single frames, in nats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gamesim.config.schema import WorldModelConfig
from gamesim.data.dataset import Dataset
from gamesim.models.frames import to_uint8
from gamesim.models.world_models.engine import WorldModelEngine
from gamesim.models.world_models.vision import (
    floored,
    kl,
    reconstruction,
    reparameterised,
    see,
    show,
)
from gamesim.training.adam import Adam
from gamesim.training.devices import autocast, distributed
from gamesim.training.graphs import Graphed
from gamesim.training.sheet import contact_sheet

SHEET_ROWS, SHEET_FRAMES = 4, 12
VALIDATION_FRAMES = 1024


def seen(side: int) -> Callable[[Tensor], Tensor]:
    """What is kept of a dataset for V: frames uint8 (B, H, W, 3) -> as it sees them, (B, side, side, 3)."""
    return lambda frames: show(see(frames, side), side)


class VisionTask:
    """What the training loop needs to train V; implements `Task`.

    Attributes:
        model: The whole engine, of which V is trained.
    """

    score_key = "loss"

    def __init__(
        self, config: WorldModelConfig, model: WorldModelEngine, train: Dataset, held_out: Dataset
    ) -> None:
        """Take an engine on its device, and data sets that keep frames as V sees them, see `seen`."""
        self.settings, self.train, self.held_out = config.vision, train, held_out
        self.z_size = config.model.numbers
        self.processes = distributed()
        self.generator = torch.Generator().manual_seed(config.seed + self.processes.rank)
        self.done = 0
        self.model: nn.Module = model
        self.vision = model.vision
        self.processes.same(self.vision)
        self.optimizer = Adam(self.vision.parameters())
        alone = self.processes.count == 1
        self.compiled = Graphed(self._learn, train.device, enabled=self.settings.graphs and alone)

    @property
    def frames_per_step(self) -> int:
        return self.settings.batch_size

    def step(self) -> Mapping[str, Tensor]:
        settings, progress = self.settings, self.done / self.settings.steps
        self.optimizer.set_rate(settings.learning_rate * settings.decay.at(progress))
        frames = self.train.sample_frames(settings.batch_size, self.generator)
        noise = torch.randn(len(frames), self.z_size, generator=self.generator).to(frames.device)
        weight = torch.full((), settings.kl_weight.at(progress), device=frames.device)
        self.done += 1
        return self.compiled(frames, noise, weight)

    def _learn(self, frames: Tensor, noise: Tensor, weight: Tensor) -> dict[str, Tensor]:
        """The step on the device, see graphs.py."""
        settings = self.settings
        terms = self._bound(see(frames, self.vision.side), noise)
        loss = terms["reconstruction"] + weight * floored(terms["kl"], self.z_size, settings.kl_tolerance)
        self.optimizer.zero_grad(set_to_none=True)
        loss.mean().backward()
        self.processes.average(self.vision.parameters())
        nn.utils.clip_grad_norm_(self.vision.parameters(), settings.gradient_clip)
        self.optimizer.step()
        return {name: nats.detach().mean() for name, nats in terms.items()}

    def _bound(self, pixels: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """Both terms in nats, each (B,), for pixels (B, 3, S, S) and the noise (B, Z) of the draw."""
        with autocast(pixels.device, self.settings.precision):
            mean, log_variance = (part.float() for part in self.vision.encode(pixels))
            logits = self.vision.logits(reparameterised(mean, log_variance, noise)).float()
        return {
            "reconstruction": reconstruction(logits, pixels, self.settings),
            "kl": kl(mean, log_variance),
        }

    # -- what the loop asks for ----------------------------------------------------------------------

    def extras(self) -> dict[str, dict[str, Tensor]]:
        return {}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """On held-out frames: both terms, and their sum as the run ends with it."""
        generator = torch.Generator().manual_seed(0)
        count = min(VALIDATION_FRAMES, self.held_out.num_frames)
        pixels = see(self.held_out.sample_frames(count, generator), self.vision.side)
        noise = torch.randn(len(pixels), self.z_size, generator=generator).to(pixels.device)
        parts = zip(
            pixels.split(self.settings.batch_size), noise.split(self.settings.batch_size), strict=True
        )
        bounds = [self._bound(*part) for part in parts]
        nats = {name: torch.cat([bound[name] for bound in bounds]) for name in bounds[0]}
        paid = floored(nats["kl"], self.z_size, self.settings.kl_tolerance)
        loss = nats["reconstruction"] + self.settings.kl_weight.end * paid
        return {"loss": float(loss.mean()), **{name: float(each.mean()) for name, each in nats.items()}}

    @torch.no_grad()
    def sheet(self) -> np.ndarray:
        """Held-out frames: real above, what V makes of them (from the mean) below."""
        generator = torch.Generator().manual_seed(1)
        frames = self.held_out.sample_frames(SHEET_ROWS * SHEET_FRAMES, generator)
        drawn = to_uint8(self.vision.decode(self.vision.encode(see(frames, self.vision.side))[0]))
        real, seen = (part.unflatten(0, (SHEET_ROWS, SHEET_FRAMES)).cpu().numpy() for part in (frames, drawn))
        return contact_sheet(real, seen, scale=2, names=("real", "drawn"), steps=False)

    def state_dict(self) -> dict[str, Any]:
        return {
            "done": self.done,
            "vision": self.vision.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.done = state["done"]
        self.vision.load_state_dict(state["vision"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.compiled.reset()
        self.generator.set_state(state["generator"])
