"""Discriminators of our map variant: the paper's three (Kim et al. 2020, Sec. 3.4), on cells.

Frames become maps of cells (space to depth, one cell per `patch` x `patch` pixels), which 3x3
convolutions under spectral normalisation judge cell by cell and as a whole. The paper's convolve pixels
and, for the temporal one, also time; ours stack the few frames of a window as channels. z is not recovered
here, since the generator draws tiles by it (see `gamesim/models/tilemap/renderer.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gamesim.models.tilemap.cells import PerCell, to_cells

if TYPE_CHECKING:
    from gamesim.schema import GameGANModelConfig

WINDOW = 4
"""Frames that one logit of the temporal discriminator sees."""


class Judge(nn.Module):
    """A stack of frames -> a logit for every cell and one for the whole, modulated by an action if any."""

    def __init__(self, frames: int, patch: int, channels: int, num_actions: int = 0) -> None:
        super().__init__()
        self.patch = patch
        self.embed = spectral_norm(PerCell(3 * frames * patch**2, channels))
        self.first = spectral_norm(nn.Conv2d(channels, channels, 3, padding=1))
        self.second = spectral_norm(nn.Conv2d(channels, channels, 3, padding=1))
        self.cell = spectral_norm(PerCell(channels, 1))
        self.whole = spectral_norm(nn.Linear(channels, 1))
        self.action = spectral_norm(nn.Embedding(num_actions, channels)) if num_actions else None
        self.which_action = nn.Linear(channels, num_actions) if num_actions else None

    def trunk(self, frames: Tensor) -> list[Tensor]:
        """(N, 3 * frames, H, W) in [0, 1] -> two maps of features."""
        cells = self.embed(to_cells(2 * frames - 1, self.patch))
        first = F.leaky_relu(self.first(F.leaky_relu(cells, 0.2)), 0.2)
        return [first, F.leaky_relu(self.second(first), 0.2)]

    def forward(self, frames: Tensor, action: Tensor | None = None) -> tuple[list[Tensor], list[Tensor]]:
        """Logits [(N, cells), (N, 1)] and the features."""
        features = self.trunk(frames)
        last = features[-1]
        cells, whole = self.cell(last).flatten(1), self.whole(last.sum((2, 3)) / last.shape[-1])
        if self.action is not None and action is not None:
            # A projection discriminator (Miyato & Koyama 2018): the condition enters as an inner product.
            matched = (self.action(action)[..., None, None] * last).sum(1)
            cells, whole = cells + matched.flatten(1), whole + matched.mean((1, 2))[:, None]
        return [cells, whole], features


class PatchDiscriminators(nn.Module):
    """The three judges; the same methods as `discriminators.Discriminators`."""

    def __init__(self, config: GameGANModelConfig) -> None:
        super().__init__()
        channels, patch = config.discriminator_channels, config.patch
        self.frame = Judge(1, patch, channels)
        self.pair = Judge(2, patch, channels, config.num_actions)
        self.clip = Judge(WINDOW, patch, channels)
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def single(self, frames: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Frames (N, 3, S, S) -> (logits [(N, cells), (N, 1)], features)."""
        return self.frame(frames)

    def action(self, before: Tensor, action: Tensor, after: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Frames (N, 3, S, S), int64 (N,), frames (N, 3, S, S) -> (logits [(N, cells), (N, 1)], features)."""
        return self.pair(torch.cat([before, after], 1), action)

    def recover(self, before: Tensor, after: Tensor) -> tuple[Tensor, None]:
        """Frames (N, 3, S, S) twice -> (action logits (N, A), no z)."""
        assert self.pair.which_action is not None
        features = self.pair.trunk(torch.cat([before, after], 1))[-1]
        return self.pair.which_action(features.mean((2, 3))), None

    def temporal(self, frames: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """A clip (B, T, 3, S, S) -> (logits of its windows, features).

        Raises:
            ValueError: the clip is shorter than a window.
        """
        if frames.shape[1] < WINDOW:
            raise ValueError(f"a clip of {frames.shape[1]} frames is shorter than the window, {WINDOW}")
        windows = frames.unfold(1, WINDOW, 1).movedim(-1, 2)  # (B, windows, WINDOW, 3, S, S)
        return self.clip(windows.flatten(2, 3).flatten(0, 1))
