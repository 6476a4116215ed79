"""Layers that more than one network uses.

`Spade` implements spatially adaptive normalisation (Park et al., CVPR 2019, arXiv 1903.07291, Eq. 1), as
GameGAN's rendering engine needs it (Kim et al. 2020, arXiv 2005.12126, Sec. 3.3).
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.errors import UserError
from gamesim.models.frames import centred

SLOPE = 0.2
"""Of every leaky ReLU."""

_SCALES = {84: (7, (2, 2, 3)), 64: (8, (2, 2, 2))}


def scales(frame_size: int) -> tuple[int, tuple[int, ...]]:
    """How a frame is built up from its coarsest map: (side of the coarsest map, factor of each layer).

    Raises:
        UserError: for a size that no network here was laid out for.
    """
    if frame_size not in _SCALES:
        raise UserError(f"model.frame_size is {frame_size}, but only {sorted(_SCALES)} are supported")
    return _SCALES[frame_size]


def widths(channels: int) -> tuple[int, int, int]:
    """Channels after each of the three layers between a frame and its coarsest map."""
    return channels, 2 * channels, 4 * channels


def window(factor: int) -> tuple[int, int]:
    """(kernel, padding) with which a convolution shrinks, or a transposed one grows, a map by `factor`.

    Halves overlap; thirds, which stand between pixels and the finest map, need not, and are twice as fast so.
    """
    return (4, 1) if factor == 2 else (factor, 0)


def shrinking(frame_size: int, channels: int) -> Iterator[nn.Conv2d]:
    """The three strided convolutions that lead from a frame to its coarsest map."""
    _, factors = scales(frame_size)
    for (inputs, outputs), factor in zip(pairwise((3, *widths(channels))), reversed(factors), strict=True):
        kernel, padding = window(factor)
        yield nn.Conv2d(inputs, outputs, kernel, factor, padding)


def activation() -> nn.Module:
    return nn.LeakyReLU(SLOPE)


def mlp(sizes: Sequence[int]) -> nn.Sequential:
    """Linear layers of these sizes with leaky ReLUs between them (none after the last)."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1])


def initialise(network: nn.Module) -> None:
    """Xavier weights and no biases, for every linear and convolutional layer inside."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class FrameEncoder(nn.Module):
    """Strided convolutions and one linear layer: frames (B, 3, S, S) in [0, 1] -> (B, outputs)."""

    def __init__(self, frame_size: int, channels: int, outputs: int) -> None:
        super().__init__()
        side, _ = scales(frame_size)
        layers: list[nn.Module] = []
        for convolution in shrinking(frame_size, channels):
            layers += [convolution, activation()]
        # The 1x1 bottleneck keeps the linear layer from holding most of the engine's weights.
        layers += [nn.Conv2d(widths(channels)[-1], channels, 1), activation()]
        layers += [nn.Flatten(), nn.Linear(channels * side * side, outputs)]
        self.layers = nn.Sequential(*layers)

    def forward(self, frame: Tensor) -> Tensor:
        return self.layers(centred(frame))


class Spade(nn.Module):
    """Normalises a map, then scales and shifts every location by what another map says there.

    SPADE normalises over the batch, which would mix lanes, and an instance norm would keep no more than the
    sign of GameGAN's type vector (a vector placed by a map has its magnitude in each channel's own scale);
    so each lane is normalised over all its channels and locations at once.
    """

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.shared = nn.Sequential(nn.Conv2d(condition, condition, 3, padding=1), activation())
        self.affine = nn.Conv2d(condition, 2 * channels, 3, padding=1)

    def forward(self, maps: Tensor, condition: Tensor) -> Tensor:
        """Maps (B, channels, h, w) under a condition (B, condition, any, any) -> (B, channels, h, w).

        The convolutions run where the condition is coarse, and their output is then repeated: the same except
        at the seams, in a fraction of the time.
        """
        scale, shift = self.affine(self.shared(condition)).chunk(2, dim=1)
        size = maps.shape[-2:]
        scale, shift = F.interpolate(1 + scale, size=size), F.interpolate(shift, size=size)
        return torch.addcmul(shift, _normalised(maps), scale)


def _normalised(maps: Tensor) -> Tensor:
    """Each lane of maps (B, C, h, w) with mean 0 and variance 1, as `F.group_norm(maps, 1)`.

    In the order in which channels_last lies, which CUDA's group norm copies, and in the maps' own type, which
    CUDA's autocast widens.
    """
    lanes = maps.permute(0, 2, 3, 1)
    with torch.autocast(maps.device.type, enabled=False):
        return F.layer_norm(lanes, lanes.shape[1:]).permute(0, 3, 1, 2)
