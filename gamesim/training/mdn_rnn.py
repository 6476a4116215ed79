"""Training of M (Ha & Schmidhuber 2018, Sec. 2.2): the likelihood of the next z, in nats a step.

V's mean and log-variance of every frame are kept, and z is sampled from them anew in every batch, so that M
cannot learn the noise of one sample by heart. Beside z, M learns the reward and the end.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.config.world_models import WorldModelConfig
from gamesim.data.dataset import Dataset, Segments
from gamesim.models.world_models.engine import WorldModelEngine
from gamesim.models.world_models.memory import Memory
from gamesim.models.world_models.vision import reparameterised, see
from gamesim.training.descent import Descent, masked_mean
from gamesim.training.devices import autocast
from gamesim.training.sheet import contact_sheet

VALIDATION_LANES = 256


def latents(model: WorldModelEngine) -> Callable[[Tensor], Tensor]:
    """What is kept of a dataset for M: frames uint8 (T, H, W, 3) -> mean and log-variance, (T, 2 Z)."""

    @torch.no_grad()
    def encode(frames: Tensor) -> Tensor:
        return torch.cat(model.vision.encode(see(frames, model.vision.side)), -1)

    return encode


class Windows(NamedTuple):
    """T steps of B episodes for M to learn from, with all chance drawn.

    Attributes:
        z: (B, T + 1, Z), what is to be predicted.
        read: (B, T, Z), what M reads of it, see `MemoryTask.disturb`.
        actions: int64 (B, T).
        rewards: (B, T).
        terminated: bool (B, T).
        played: bool (B, T), False beyond an episode's end.
        shown: bool (B, T), of the steps that were played those whose reward is in the pixels.
    """

    z: Tensor
    read: Tensor
    actions: Tensor
    rewards: Tensor
    terminated: Tensor
    played: Tensor
    shown: Tensor


class MemoryTask(Descent[Memory]):
    """What the training loop needs to train M; implements `Task`.

    Attributes:
        model: The whole engine, of which M is trained.
    """

    score_key, saved_as = "loss", "memory"

    def __init__(
        self,
        config: WorldModelConfig,
        model: WorldModelEngine,
        train: Dataset,
        held_out: Dataset,
        shown: Segments,
    ) -> None:
        """Take an engine on its device, data sets that keep `latents`, and held-out frames for the sheet."""
        self.config, self.settings = config, config.memory
        self.train, self.held_out, self.shown = train, held_out, shown
        self.model: nn.Module = model
        super().__init__(model.memory, self.settings, train.device, seed=config.seed)

    @property
    def frames_per_step(self) -> int:
        return self.config.data.batch_size * self.train.segment

    def draw(self) -> Windows:
        return self._drawn(self.train, self.config.data.batch_size, self.generator)

    def loss(self, *drawn: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        terms, settings = self._terms(Windows(*drawn)), self.settings
        loss = terms["z"] + settings.reward_weight * terms["reward"] + settings.end_weight * terms["end"]
        return loss, terms

    def _drawn(self, data: Dataset, lanes: int, generator: torch.Generator) -> Windows:
        segments = data.sample_episodes(lanes, generator)
        played = segments.played
        mean, log_variance = segments.frames.chunk(2, -1)
        noise = torch.randn(mean.shape, generator=generator).to(mean.device)
        z = reparameterised(mean, log_variance, noise)
        return Windows(
            z,
            self.disturb(z[:, :-1], generator),
            segments.actions,
            segments.rewards,
            segments.terminated,
            played,
            played & ~segments.truncated,  # a time limit is not in the pixels: no example of anything
        )

    def _terms(self, windows: Windows) -> dict[str, Tensor]:
        """Nats a step of the next z, its reward and its end, over the steps that were played."""
        first = torch.zeros_like(windows.rewards)
        first[:, 0] = 1
        with autocast(first.device, self.settings.precision):
            told, _ = self.trained(windows.read, windows.actions, first=first)
            reward, end_logit = self.trained.outcome(told.hidden, windows.z[:, 1:])
        missed = (reward - windows.rewards).square() / (2 * self.settings.reward_sigma**2)
        ended = windows.terminated.float()
        factor = torch.full((), self.settings.end_factor, device=ended.device)
        end = F.binary_cross_entropy_with_logits(end_logit, ended, reduction="none", pos_weight=factor)
        return {
            "z": masked_mean(self.trained.nll(told, windows.z[:, 1:]), windows.played),
            "reward": masked_mean(missed, windows.shown),
            "end": masked_mean(end, windows.played),
        }

    def disturb(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """z (B, T, Z) with noise at some of its places, as a dream's own z has now and then.

        M still has to predict what is really there. Otherwise one bad sample would lead where M has never
        been, and the dream would stay there. The remedy is GameNGen's (Valevski et al. 2024, arXiv
        2408.14837, Sec. 3.2.1).
        """
        if not self.settings.noise:
            return z
        places = z.unflatten(-1, (-1, self.config.model.z_size))
        hit = torch.rand(places.shape[:-1], generator=generator) < self.settings.noise
        noise = torch.randn(places.shape, generator=generator)
        return torch.where(hit[..., None].to(z.device), noise.to(z.device), places).flatten(-2)

    # -- what the loop asks for ----------------------------------------------------------------------

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The terms on held-out episodes, and their sum."""
        generator = torch.Generator().manual_seed(0)
        loss, terms = self.loss(*self._drawn(self.held_out, VALIDATION_LANES, generator))
        return {"loss": float(loss), **{name: float(nats) for name, nats in terms.items()}}

    @torch.no_grad()
    def sheet(self) -> np.ndarray:
        """Held-out episodes: real above, dreamt from the first frame below, under the same keys."""
        frames, actions = self.shown.frames, self.shown.actions
        engine: WorldModelEngine = self.model  # pyright: ignore[reportAssignmentType]
        state = engine.start(frames[:, :1], actions[:, :0])
        generator, dreamt = torch.Generator().manual_seed(1), []
        for action in actions.unbind(1):
            state, told = engine.imagine(state, action, temperature=1.0, generator=generator)
            dreamt.append(told.frame)
        return contact_sheet(frames[:, 1:].cpu().numpy(), torch.stack(dreamt, 1).cpu().numpy())
