"""GameGAN's rendering engines: Kim et al. 2020 (arXiv 2005.12126), Sec. 3.3, Eq. 10-14.

`DisentanglingRenderer` draws K layers, one of each vector that it is given (with a memory module K = 2: the
memory read draws what is static, the hidden state what is dynamic), and composes them by masks.
`SimpleRenderer` is that of GameGAN-M: transposed convolutions from the hidden state alone.

Our choice of sizes: the coarsest map has 7x7 locations for 84x84 frames (8x8 for 64x64), and three transposed
convolutions lead from it to the frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.models.layers import SLOPE, Spade, activation, scales, widths, window

SHARPNESS = 0.1
"""Temperature of the fine masks' softmax (the released setting)."""


@dataclass
class Rendering:
    """What a rendering engine draws of K vectors.

    Attributes:
        frame: (B, 3, S, S) in [0, 1].
        layers: X^k, K of (B, 3, S, S) in [0, 1].
        masks: the fine masks (B, K, S, S); they sum to 1 over K.
        trust: in what is recalled, for each place (B, 1, h, h) in [0, 1]; above a half it is drawn. None
            in an engine that cannot recall.
        other: the frame with each place drawn the other way, anew or recalled, (B, 3, S, S).
    """

    frame: Tensor
    layers: list[Tensor]
    masks: Tensor
    trust: Tensor | None = None
    other: Tensor | None = None


Drawn = tuple[Tensor, Tensor]
"""A layer X^k (B, 3, S, S) and its score eta^k (B, 1, S, S)."""


def compose(drawn: Sequence[Drawn]) -> Rendering:
    """Eq. 13 and 14: x = sum over k of X^k * softmax over k of (eta^k / 0.1)."""
    layers = [layer for layer, _ in drawn]
    masks = (torch.cat([score for _, score in drawn], 1) / SHARPNESS).softmax(dim=1)
    frame = layers[0] * masks[:, :1]
    for k, layer in enumerate(layers[1:], 1):
        frame = torch.addcmul(frame, layer, masks[:, k : k + 1].to(layer.dtype))
    return Rendering(frame, layers, masks)


def choose(where: Tensor, one: Drawn, other: Drawn) -> Drawn:
    """What was drawn: `one` where bool (B, 1, S, S) says so, `other` elsewhere."""
    return torch.where(where, one[0], other[0]), torch.where(where, one[1], other[1])


def grow(inputs: int, outputs: int, factor: int) -> nn.ConvTranspose2d:
    """A transposed convolution that makes a map `factor` times as large."""
    kernel, padding = window(factor)
    return nn.ConvTranspose2d(inputs, outputs, kernel, factor, padding)


class Component(nn.Module):
    """One vector's layer: where its things are (O), what each place is like (A), what kind they are (v)."""

    def __init__(self, vector: int, frame_size: int, channels: int) -> None:
        super().__init__()
        side, factors = scales(frame_size)
        self.sketch = nn.Sequential(
            nn.Linear(vector, channels * side * side),
            nn.Unflatten(1, (channels, side, side)),
            activation(),
            nn.Conv2d(channels, channels, 3, padding=1),
            activation(),
            nn.Conv2d(channels, 1 + channels, 3, padding=1),
        )
        through = [*reversed(widths(channels))]
        self.kind = nn.Linear(vector, through[0])
        self.modulate = nn.ModuleList(Spade(width, channels) for width in through)
        self.grow = nn.ModuleList(
            grow(*sizes, factor) for sizes, factor in zip(pairwise(through), factors[:-1], strict=True)
        )
        self.colours = grow(through[-1], 3, factors[-1])  # X
        self.score = grow(through[-1], 1, factors[-1])  # eta

    def rough(self, vector: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The rough sketch: O (B, 1, h, h) in [0, 1], A (B, channels, h, h) and v (B, 4 * channels, 1, 1)."""
        sketch = self.sketch(vector)
        # The paper allows a sigmoid or a softmax over space; many things can be in many places at once.
        return sketch[:, :1].sigmoid(), sketch[:, 1:], self.kind(vector)[..., None, None]

    def forward(self, vector: Tensor) -> Drawn:
        """(B, vector) -> (X (B, 3, S, S) in [0, 1], score of the fine mask eta (B, 1, S, S))."""
        objects, attributes, kind = self.rough(vector)
        maps = F.leaky_relu(self.modulate[0](objects * kind, attributes), SLOPE)
        for modulate, grow in zip(self.modulate[1:], self.grow, strict=True):
            maps = F.leaky_relu(modulate(grow(maps), attributes), SLOPE)
        # Both in one pass: a convolution to so few channels takes as long as one to some more.
        last, weight = self.colours, torch.cat([self.colours.weight, self.score.weight], 1)
        bias = torch.cat([cast(Tensor, self.colours.bias), cast(Tensor, self.score.bias)])
        drawn = F.conv_transpose2d(maps, weight, bias, last.stride, cast(tuple[int, ...], last.padding))
        return drawn[:, :3].sigmoid(), drawn[:, 3:]


class DisentanglingRenderer(nn.Module):
    """One component for each vector (B, size) of `vectors`, in the order given."""

    def __init__(self, vectors: Sequence[int], frame_size: int, channels: int) -> None:
        super().__init__()
        self.components = nn.ModuleList(Component(size, frame_size, channels) for size in vectors)

    def forward(self, *vectors: Tensor, recalled: tuple[Tensor, Tensor] | None = None) -> Rendering:
        """Eq. 10-14.

        Args:
            vectors: (B, size) each.
            recalled: what else the first layer may be drawn from (B, size), and each place's trust in it
                (B, 1, h, h).
        """
        if recalled is None:
            return compose([draw(vector) for draw, vector in zip(self.components, vectors, strict=True)])
        held, trust = recalled
        first, *others = self.components
        # Both in one pass: a step of a dream takes a ninth less time.
        layers, scores = first(torch.cat([vectors[0], held]))
        anew, earlier = zip(layers.chunk(2), scores.chunk(2), strict=True)
        rest = [draw(vector) for draw, vector in zip(others, vectors[1:], strict=True)]
        here = F.interpolate(trust, size=anew[0].shape[-2:]) > 0.5
        other = compose([choose(here, anew, earlier), *rest])
        return replace(compose([choose(here, earlier, anew), *rest]), trust=trust, other=other.frame)


class SimpleRenderer(nn.Module):
    """Transposed convolutions from one vector: a rendering with a single layer and a mask of ones."""

    def __init__(self, vector: int, frame_size: int, channels: int) -> None:
        super().__init__()
        side, factors = scales(frame_size)
        through = [*reversed(widths(channels)), 3]
        layers: list[nn.Module] = [
            nn.Linear(vector, channels * side * side),
            nn.Unflatten(1, (channels, side, side)),
            activation(),
            nn.Conv2d(channels, through[0], 3, padding=1),
        ]
        for (inputs, outputs), factor in zip(pairwise(through), factors, strict=True):
            layers += [nn.GroupNorm(1, inputs), activation(), grow(inputs, outputs, factor)]
        self.layers = nn.Sequential(*layers)

    def forward(self, vector: Tensor) -> Rendering:
        frame = self.layers(vector).sigmoid()
        return Rendering(frame, [frame], torch.ones_like(frame[:, :1]))
