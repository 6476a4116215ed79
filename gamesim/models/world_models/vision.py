"""V: a convolutional VAE that turns a frame into a short vector z, and a z into a frame.

Ha & Schmidhuber 2018 (arXiv 1803.10122), Sec. 2.1 and appendix A.1. Trained on the evidence lower bound of
Kingma & Welling (2014, arXiv 1312.6114, Eq. 3; the KL divergence in closed form: appendix B).

The paper's V sees 64x64 pixels. Frames of another size are resized with antialiasing on the way in, and back
on the way out.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.config.world_models import VisionTraining, WorldModelModelConfig
from gamesim.models.frames import to_float, to_uint8


class Vision(nn.Module):
    """The VAE. With 32 channels and z 32 it has the paper's 4,348,547 parameters, with z 64 its 4,446,915.

    A second of one CPU core (AVX2, float32, batches of 64) is about 165 frames of training with 32 channels
    and 400 with 16; channels-last memory makes no difference.
    """

    side = 64
    """Pixels along each side of what it sees."""

    def __init__(self, config: WorldModelModelConfig) -> None:
        super().__init__()
        c, z = config.channels, config.z_size
        self.encoder = nn.Sequential(
            *(nn.Conv2d(3, c, 4, 2), nn.ReLU()),  # 31x31
            *(nn.Conv2d(c, 2 * c, 4, 2), nn.ReLU()),  # 14x14
            *(nn.Conv2d(2 * c, 4 * c, 4, 2), nn.ReLU()),  # 6x6
            *(nn.Conv2d(4 * c, 8 * c, 4, 2), nn.ReLU()),  # 2x2
            nn.Flatten(),
        )
        self.mean = nn.Linear(32 * c, z)
        self.log_variance = nn.Linear(32 * c, z)
        self.decoder = nn.Sequential(
            nn.Linear(z, 32 * c),
            *(_Unfolding(32 * c, 4 * c, 5), nn.ReLU()),  # 5x5
            *(nn.ConvTranspose2d(4 * c, 2 * c, 5, 2), nn.ReLU()),  # 13x13
            *(nn.ConvTranspose2d(2 * c, c, 6, 2), nn.ReLU()),  # 30x30
            nn.ConvTranspose2d(c, 3, 6, 2),  # 64x64
        )

    def encode(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels (B, 3, 64, 64) in [0, 1] -> mean and log-variance of q(z | pixels), each (B, Z)."""
        seen = self.encoder(pixels)
        return self.mean(seen), self.log_variance(seen)

    def logits(self, z: Tensor) -> Tensor:
        """z (B, Z) -> the pixels (B, 3, 64, 64) before the sigmoid."""
        return self.decoder(z)

    def decode(self, z: Tensor) -> Tensor:
        """z (B, Z) -> pixels (B, 3, 64, 64) in [0, 1]."""
        return self.logits(z).sigmoid()


class _Unfolding(nn.ConvTranspose2d):
    """A transposed convolution of a 1x1 map: a matrix product, several times as fast if computed as one."""

    def forward(self, vector: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """(B, C) -> (B, channels, side, side)."""
        assert self.bias is not None
        grown = (vector @ self.weight.flatten(1)).unflatten(1, self.weight.shape[1:])
        return grown + self.bias[:, None, None]


def see(frames: Tensor, side: int = Vision.side) -> Tensor:
    """What a V of that side sees of frames uint8 (B, H, W, 3): float32 (B, 3, side, side) in [0, 1]."""
    return resized(to_float(frames), side)


def show(pixels: Tensor, side: int) -> Tensor:
    """What V draws, (B, 3, h, w) in [0, 1] -> frames for the screen uint8 (B, side, side, 3)."""
    return to_uint8(resized(pixels.float(), side))


def resized(pixels: Tensor, side: int) -> Tensor:
    """Pixels (B, 3, H, W) in [0, 1] -> (B, 3, side, side), differentiably; as they are where they fit."""
    if pixels.shape[-1] == side:
        return pixels
    return F.interpolate(pixels, size=(side, side), mode="bicubic", antialias=True).clamp(0, 1)


def reparameterised(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """z = mean + deviation * noise, all (..., Z): a draw through which gradients pass (noise ~ N(0, I))."""
    return mean + (0.5 * log_variance).exp() * noise


def reconstruction(logits: Tensor, target: Tensor, settings: VisionTraining) -> Tensor:
    """Nats by which a picture misses its target, summed over pixels and channels: (B,), 0 when it is exact.

    It is -log p(target | z) without the part that no weight changes. Bernoulli pixels: the divergence from
    the target's brightness, in which a small bright dot on black counts as much as it stands out. Gaussian
    pixels: the squared error over 2 sigma^2.

    Args:
        logits: (B, 3, S, S), of `Vision.logits`.
        target: (B, 3, S, S) in [0, 1].
        settings: `pixels` and `pixel_sigma`.
    """
    if settings.pixels == "gaussian":
        missed = (logits.sigmoid() - target).square() / (2 * settings.pixel_sigma**2)
    else:
        entropy = torch.special.entr(target) + torch.special.entr(1 - target)
        missed = F.binary_cross_entropy_with_logits(logits, target, reduction="none") - entropy
    return missed.flatten(1).sum(1)


def kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Nats from N(0, I) to q, KL(q || N(0, I)) = 1/2 sum(mean^2 + variance - 1 - log variance): (B,)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)


def floored(nats: Tensor, z_size: int, tolerance: float) -> Tensor:
    """The paper's KL floor: below `tolerance` nats for each number of z there is nothing to gain."""
    return nats.clamp(min=tolerance * z_size)
