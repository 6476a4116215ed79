"""GameGAN's rendering engines: Kim et al. 2020 (arXiv 2005.12126), Sec. 3.3.

`DisentanglingRenderer` draws K layers, one of each vector that it is given (with a memory module K = 2: the
memory read draws what is static, the hidden state what is dynamic), and composes them by masks.
`SimpleRenderer` is that of GameGAN-M: transposed convolutions from the hidden state alone.

Our choice of sizes: the coarsest map has 7x7 locations for 84x84 frames (8x8 for 64x64), and three transposed
convolutions lead from it to the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.models.layers import SLOPE, Spade, activation, scales, widths, window


@dataclass
class Rendering:
    """What a rendering engine draws of K vectors.

    Attributes:
        frame: (B, 3, S, S) in [0, 1].
        layers: X^k (B, K, 3, S, S) in [0, 1].
        masks: the fine masks (B, K, 1, S, S); they sum to 1 over K.
    """

    frame: Tensor
    layers: Tensor
    masks: Tensor


def compose(layers: Tensor, scores: Tensor) -> Rendering:
    """x = sum over k of X^k * softmax over k of eta^k.

    Args:
        layers: X^k (B, K, 3, S, S).
        scores: eta^k (B, K, 1, S, S).
    """
    masks = scores.float().softmax(dim=1)
    return Rendering((layers * masks).sum(dim=1), layers, masks)


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
        fine, middle, coarse = widths(channels)
        self.kind = nn.Linear(vector, coarse)
        steps = zip([coarse, coarse, middle], [coarse, middle, fine], factors, strict=True)
        self.modulate = nn.ModuleList(Spade(width, channels) for width in (coarse, coarse, middle))
        self.grow = nn.ModuleList(
            nn.ConvTranspose2d(inputs, outputs, window(factor)[0], factor, window(factor)[1])
            for inputs, outputs, factor in steps
        )
        self.paint = nn.Sequential(activation(), nn.Conv2d(fine, 3 + 1, 3, padding=1))

    def rough(self, vector: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The rough sketch: O (B, 1, h, h) in [0, 1], A (B, channels, h, h) and v (B, 4 * channels, 1, 1)."""
        sketch = self.sketch(vector)
        # The paper allows a sigmoid or a softmax over space; many things can be in many places at once.
        return sketch[:, :1].sigmoid(), sketch[:, 1:], self.kind(vector)[..., None, None]

    def forward(self, vector: Tensor) -> tuple[Tensor, Tensor]:
        """(B, vector) -> (X (B, 3, S, S) in [0, 1], score of the fine mask eta (B, 1, S, S))."""
        objects, attributes, kind = self.rough(vector)
        maps = objects * kind
        for modulate, grow in zip(self.modulate, self.grow, strict=True):
            maps = grow(F.leaky_relu(modulate(maps, attributes), SLOPE))
        painted = self.paint(maps)
        return painted[:, :3].float().sigmoid(), painted[:, 3:]


class DisentanglingRenderer(nn.Module):
    """One component for each vector (B, size) of `vectors`, in the order given."""

    def __init__(self, vectors: Sequence[int], frame_size: int, channels: int) -> None:
        super().__init__()
        self.components = nn.ModuleList(Component(size, frame_size, channels) for size in vectors)

    def forward(self, *vectors: Tensor) -> Rendering:
        drawn = [draw(vector) for draw, vector in zip(self.components, vectors, strict=True)]
        layers, scores = zip(*drawn, strict=True)
        return compose(torch.stack(layers, dim=1), torch.stack(scores, dim=1))


class SimpleRenderer(nn.Module):
    """Transposed convolutions from one vector: a rendering with a single layer and a mask of ones."""

    def __init__(self, vector: int, frame_size: int, channels: int) -> None:
        super().__init__()
        side, factors = scales(frame_size)
        fine, middle, coarse = widths(channels)
        layers: list[nn.Module] = [
            nn.Linear(vector, channels * side * side),
            nn.Unflatten(1, (channels, side, side)),
            activation(),
            nn.Conv2d(channels, coarse, 3, padding=1),
        ]
        inputs = coarse
        for outputs, factor in zip([coarse, middle, fine], factors, strict=True):
            kernel, padding = window(factor)
            layers += [nn.GroupNorm(1, inputs), activation()]
            layers += [nn.ConvTranspose2d(inputs, outputs, kernel, factor, padding)]
            inputs = outputs
        self.layers = nn.Sequential(*layers, activation(), nn.Conv2d(fine, 3, 3, padding=1))

    def forward(self, vector: Tensor) -> Rendering:
        frame = self.layers(vector).float().sigmoid()
        return Rendering(frame, frame.unsqueeze(1), torch.ones_like(frame[:, None, :1]))
