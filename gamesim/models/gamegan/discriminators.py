"""GameGAN's discriminators: Kim et al. 2020 (arXiv 2005.12126), Sec. 3.4 ("Adversarial Losses").

Single frame, action-conditioned and temporal, all under spectral normalisation (Miyato et al. 2018,
arXiv 1802.05957). One frame encoder serves all three: a frame is encoded once, and the three heads judge its
map of features. They exist in training only. We chose the layer sizes and the window lengths, and leave out
windows that are longer than the clip.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gamesim.config.gamegan import GameGANModelConfig
from gamesim.models.frames import centred
from gamesim.models.layers import SLOPE, shrinking, widths

GAIN = 2.0
WINDOWS = (3, 7, 15)
"""Frames that one logit of the short, middle and long temporal discriminator sees."""


class Lifted(nn.LeakyReLU):
    """A leaky ReLU times `GAIN`.

    A layer of spectral norm 1 and a leaky ReLU let less than half of a signal through. After seven of them
    a thousandth of the frame's signal would be left, and learning would be as slow.
    """

    def forward(self, input: Tensor) -> Tensor:
        return GAIN * super().forward(input)


class FrameFeatures(nn.Module):
    """The shared frame encoder: strided convolutions down to a map of 7x7 (84x84 frames) or 8x8 (64x64)."""

    def __init__(self, frame_size: int, channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(map(spectral_norm, shrinking(frame_size, channels)))
        self.activation = Lifted(SLOPE)

    def forward(self, frames: Tensor) -> list[Tensor]:
        """(N, 3, S, S) in [0, 1] -> every layer's activations; the last is the map that the heads judge."""
        maps = centred(frames)
        features = []
        for layer in self.layers:
            maps = self.activation(layer(maps))
            features.append(maps)
        return features


class SingleFrame(nn.Module):
    """Is this frame real, as a whole and patch by patch?"""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.around = spectral_norm(nn.Conv2d(width, width, 3, padding=1))
        self.patch = spectral_norm(nn.Conv2d(width, 1, 1))
        self.down = spectral_norm(nn.Conv2d(width, width, 3, 2, padding=1))
        self.whole = spectral_norm(nn.Linear(width * 16, 1))
        self.activation = Lifted(SLOPE)

    def forward(self, maps: Tensor) -> list[Tensor]:
        """Maps (N, C, h, h) -> logits [whole (N, 1), patches (N, h * h)]."""
        around = self.activation(self.around(maps))
        down = self.activation(self.down(around))
        return [self.whole(down.flatten(1)), self.patch(around).flatten(1)]


class ActionConditioned(nn.Module):
    """Does the second frame follow the first under this action? And which action and z led to it?"""

    def __init__(self, width: int, num_actions: int, z_size: int) -> None:
        super().__init__()
        self.pair = nn.Sequential(
            *(spectral_norm(nn.Conv2d(2 * width, 2 * width, 3, padding=1)), Lifted(SLOPE)),
            *(spectral_norm(nn.Conv2d(2 * width, width, 3, 2, padding=1)), Lifted(SLOPE), nn.Flatten()),
            *(spectral_norm(nn.Linear(16 * width, 2 * width)), Lifted(SLOPE)),
        )
        self.action = spectral_norm(nn.Embedding(num_actions, width))
        self.joint = nn.Sequential(spectral_norm(nn.Linear(3 * width, width)), Lifted(SLOPE))
        self.judge = spectral_norm(nn.Linear(width, 1))
        # These two estimate quantities of any size, so they are not held to a Lipschitz constant.
        self.which_action = nn.Linear(2 * width, num_actions)
        self.which_z = nn.Linear(2 * width, z_size)

    def encode(self, before: Tensor, after: Tensor) -> Tensor:
        """Two maps (N, C, h, h) -> the pair as a vector (N, 2 C)."""
        return self.pair(torch.cat([before, after], dim=1))

    def forward(self, pair: Tensor, action: Tensor) -> Tensor:
        """The pair (N, 2 C) and the action int64 (N,) -> logits (N, 1)."""
        return self.judge(self.joint(torch.cat([pair, self.action(action)], dim=1)))


class Temporal(nn.Module):
    """Is this clip real? 3-D convolutions halve space and time; each level judges its own window."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(spectral_norm(nn.Conv3d(width, width, 3, 2, (0, 1, 1))) for _ in WINDOWS)
        self.judges = nn.ModuleList(spectral_norm(nn.Conv3d(width, 1, 1)) for _ in WINDOWS)
        self.activation = Lifted(SLOPE)

    def forward(self, maps: Tensor) -> list[Tensor]:
        """Maps of a clip (B, T, C, h, h) -> logits of the windows of each level that fits, (B, windows, any).

        Raises:
            ValueError: when not even the shortest window fits.
        """
        time = maps.shape[1]
        if time < WINDOWS[0]:
            raise ValueError(f"a clip of {time} frames is shorter than the shortest window, {WINDOWS[0]}")
        maps = maps.transpose(1, 2)
        logits = []
        for length, level, judge in zip(WINDOWS, self.levels, self.judges, strict=True):
            if time < length:
                break
            maps = self.activation(level(maps))
            logits.append(judge(maps)[:, 0].flatten(2))
        return logits


def windows_with(marked: Tensor) -> list[Tensor]:
    """Which windows of each temporal level hold a marked frame: bool (B, T) -> floats (B, windows, 1)."""
    shares, found = marked.float()[:, None], []
    for length in WINDOWS:
        if marked.shape[1] < length:
            break
        shares = F.max_pool1d(shares, 3, 2)
        found.append(shares[:, 0, :, None])
    return found


class Discriminators(nn.Module):
    """The three discriminators of one GameGAN, on one frame encoder. Logits are large for what looks real."""

    def __init__(self, config: GameGANModelConfig) -> None:
        super().__init__()
        self.num_actions = config.num_actions
        channels = config.discriminator_channels
        width = widths(channels)[-1]
        self.encode = FrameFeatures(config.frame_size, channels)
        self.single = SingleFrame(width)
        self.pair = ActionConditioned(width, config.num_actions, config.z_size)
        self.temporal = Temporal(width)
        for part in (self.encode, self.single, self.pair):
            part.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
