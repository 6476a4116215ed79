"""GameGAN's discriminators: Kim et al. 2020 (arXiv 2005.12126), Sec. 3.4 ("Adversarial Losses").

Single frame, action-conditioned and temporal, all under spectral normalisation (Miyato et al. 2018,
arXiv 1802.05957). They exist in training only. Layer sizes and window
lengths are our choice, and so is that a window which is longer than the clip is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gamesim.models.layers import activation, scales, widths, window

if TYPE_CHECKING:
    from gamesim.schema import GameGANModelConfig

WINDOWS = (3, 7, 15)
"""Frames that one logit of the short, middle and long temporal discriminator sees."""


class Trunk(nn.Module):
    """Convolutions from `frames` stacked frames to a 7x7 map (84x84) or 8x8 map (64x64), then to 4x4."""

    def __init__(self, frames: int, frame_size: int, channels: int, *, whole: bool) -> None:
        super().__init__()
        _, factors = scales(frame_size)
        self.layers = nn.ModuleList()
        inputs = 3 * frames
        for width, factor in zip(widths(channels), reversed(factors), strict=True):
            kernel, padding = window(factor)
            self.layers.append(spectral_norm(nn.Conv2d(inputs, width, kernel, factor, padding)))
            inputs = width
        if whole:
            self.layers.append(spectral_norm(nn.Conv2d(inputs, inputs, 3, 2, padding=1)))
        self.activation = activation()

    def forward(self, frames: Tensor) -> list[Tensor]:
        """(N, 3 * frames, S, S) in [0, 1] -> every layer's activations, coarsest last."""
        maps = 2 * frames - 1
        features = []
        for layer in self.layers:
            maps = self.activation(layer(maps))
            features.append(maps)
        return features


class SingleFrame(nn.Module):
    """Is this frame real, as a whole and patch by patch?"""

    def __init__(self, frame_size: int, channels: int) -> None:
        super().__init__()
        coarse = widths(channels)[-1]
        self.trunk = Trunk(1, frame_size, channels, whole=True)
        self.patch = spectral_norm(nn.Conv2d(coarse, 1, 1))
        self.whole = spectral_norm(nn.Linear(coarse * 16, 1))

    def forward(self, frames: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        features = self.trunk(frames)
        return [self.whole(features[-1].flatten(1)), self.patch(features[-2]).flatten(1)], features


class ActionConditioned(nn.Module):
    """Does the second frame follow the first under this action; and which action and z were they?"""

    def __init__(self, frame_size: int, channels: int, num_actions: int, z_size: int) -> None:
        super().__init__()
        coarse = widths(channels)[-1]
        self.trunk = Trunk(2, frame_size, channels, whole=True)
        self.pair = nn.Sequential(nn.Flatten(), spectral_norm(nn.Linear(coarse * 16, coarse)), activation())
        self.action = spectral_norm(nn.Embedding(num_actions, coarse))
        self.joint = nn.Sequential(spectral_norm(nn.Linear(2 * coarse, coarse)), activation())
        self.judge = spectral_norm(nn.Linear(coarse, 1))
        # These two estimate quantities of any size, so they are not held to a Lipschitz constant.
        self.which_action = nn.Linear(coarse, num_actions)
        self.which_z = nn.Linear(coarse, z_size)

    def forward(self, before: Tensor, action: Tensor, after: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        features = self.trunk(torch.cat([before, after], dim=1))
        pair = self.pair(features[-1])
        joint = self.joint(torch.cat([pair, self.action(action)], dim=1))
        return [self.judge(joint)], [*features, pair]

    def recover(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        pair = self.pair(self.trunk(torch.cat([before, after], dim=1))[-1])
        return self.which_action(pair), self.which_z(pair)


class Temporal(nn.Module):
    """Is this clip real? 3-D convolutions halve space and time; each level judges its own window."""

    def __init__(self, frame_size: int, channels: int) -> None:
        super().__init__()
        coarse = widths(channels)[-1]
        # Each frame is first made small by itself (3-D convolutions of length 1).
        self.trunk = Trunk(1, frame_size, channels, whole=False)
        self.levels = nn.ModuleList(
            spectral_norm(nn.Conv3d(coarse, coarse, 3, 2, (0, 1, 1))) for _ in WINDOWS
        )
        self.judges = nn.ModuleList(spectral_norm(nn.Conv3d(coarse, 1, 1)) for _ in WINDOWS)
        self.activation = activation()

    def forward(self, frames: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        batch, time = frames.shape[:2]
        if time < WINDOWS[0]:
            raise ValueError(f"a clip of {time} frames is shorter than the shortest window, {WINDOWS[0]}")
        features = self.trunk(frames.flatten(0, 1))
        maps = features[-1].unflatten(0, (batch, time)).transpose(1, 2)  # (B, C, T, h, h)
        logits = []
        for length, level, judge in zip(WINDOWS, self.levels, self.judges, strict=True):
            if time < length:
                break
            maps = self.activation(level(maps))
            logits.append(judge(maps).flatten(1))
            features.append(maps)
        return logits, features


class Discriminators(nn.Module):
    """The three discriminators of one GameGAN.

    Logits are raw and large for what looks real; a list of them is one term of the loss each, (N, any).
    Features are activations for the feature-matching loss. Frames are in [0, 1].
    """

    def __init__(self, config: GameGANModelConfig) -> None:
        super().__init__()
        size, channels = config.frame_size, config.discriminator_channels
        self.single_frame = SingleFrame(size, channels)
        self.action_conditioned = ActionConditioned(size, channels, config.num_actions, config.z_size)
        self.clip = Temporal(size, channels)

    def single(self, frames: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Frames (N, 3, S, S) -> ([whole (N, 1), patches (N, 49 or 64)], features)."""
        return self.single_frame(frames)

    def action(self, before: Tensor, action: Tensor, after: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Frames (N, 3, S, S), int64 (N,), frames (N, 3, S, S) -> ([logit (N, 1)], features)."""
        return self.action_conditioned(before, action, after)

    def recover(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """Frames (N, 3, S, S) twice -> (action logits (N, A), z (N, z_size))."""
        return self.action_conditioned.recover(before, after)

    def temporal(self, frames: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """A clip (B, T, 3, S, S) -> ([logits of every window that fits, (B, any)], features).

        Raises:
            ValueError: when not even the shortest window fits.
        """
        return self.clip(frames)
