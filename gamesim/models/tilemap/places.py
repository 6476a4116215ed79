"""V and M over places: our variant of World Models for games that are drawn cell by cell.

V is the VAE of Ha & Schmidhuber 2018 (arXiv 1803.10122, Sec. 2.1) for each patch of the frame by itself, so
that z is a map: a few numbers for each place. M keeps the paper's LSTM, which reads all of z (Sec. 2.2), but
does not have to hold the whole next frame in h: the mixtures of a place are computed from z at this place and
at its neighbours, modulated by h (feature-wise modulation: Perez et al., AAAI 2018, arXiv 1709.07871). Reward
and end are predicted from h and from both z's, the one before and the one after: a ghost that caught the
player is in only one of them. As in Bishop's own mixture density network (1994, Eq. 23), the numbers of a
place share a mixture, so that a sample is one thing or another, and not something in between.

C stays linear, as in the paper. From this z a linear map can read what lies beside the player; from the
paper's it cannot (docs/ablations.md has the figures).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.config.world_models import WorldModelModelConfig
from gamesim.models.world_models.memory import MDN, Memory, chosen, drawn, log_normal


class PlaceVision(nn.Module):
    """A VAE whose z (B, Z) holds `z_size` numbers for each place, row by row."""

    def __init__(self, config: WorldModelModelConfig) -> None:
        super().__init__()
        self.side, self.patch = config.frame_size, config.patch
        self.grid = (config.places, config.places, config.z_size)
        pixels, c, z = 3 * config.patch**2, config.channels, config.z_size
        self.encoder = nn.Sequential(nn.Linear(pixels, c), nn.ReLU(), nn.Linear(c, c), nn.ReLU())
        self.mean = nn.Linear(c, z)
        self.log_variance = nn.Linear(c, z)
        self.decoder = nn.Sequential(
            *(nn.Linear(z, c), nn.ReLU()), *(nn.Linear(c, c), nn.ReLU()), nn.Linear(c, pixels)
        )

    def encode(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels (B, 3, S, S) in [0, 1] -> mean and log-variance of q(z | pixels), each (B, Z)."""
        patches = F.pixel_unshuffle(pixels, self.patch).movedim(1, -1)
        seen = self.encoder(patches)
        return self.mean(seen).flatten(1), self.log_variance(seen).flatten(1)

    def logits(self, z: Tensor) -> Tensor:
        """z (B, Z) -> the pixels (B, 3, S, S) before the sigmoid."""
        patches = self.decoder(z.unflatten(1, self.grid))
        return F.pixel_shuffle(patches.movedim(-1, 1), self.patch)

    def decode(self, z: Tensor) -> Tensor:
        """z (B, Z) -> pixels (B, 3, S, S) in [0, 1]."""
        return self.logits(z).sigmoid()


class PlaceMemory(Memory):
    """The LSTM of `Memory` with a head that makes each place's mixture of what is around it."""

    def __init__(self, config: WorldModelModelConfig) -> None:
        super().__init__(config)
        self.places, self.of_place = config.places**2, config.z_size

    def _told_by(self, config: WorldModelModelConfig) -> int:
        return config.hidden + config.numbers

    def _head(self, config: WorldModelModelConfig) -> nn.Module:
        return _PlaceHead(config)

    def nll(self, mdn: MDN, z: Tensor) -> Tensor:
        """-log p(z) in nats, (...,): of each place's numbers together, summed over the places."""
        together = log_normal(mdn, z).unflatten(-2, (self.places, self.of_place)).sum(-2)
        weight = mdn.log_pi[..., :: self.of_place, :]
        return -(weight + together).logsumexp(-1).sum(-1)

    def sample(self, mdn: MDN, temperature: float, noise: Tensor) -> Tensor:
        """Draws z (..., Z): one choice for all numbers of a place, by the noise of its first."""
        choice, spread = noise.unbind(-2)
        which = chosen(mdn.log_pi[..., :: self.of_place, :], temperature, choice[..., :: self.of_place])
        return drawn(mdn, which.repeat_interleave(self.of_place, -1), temperature, spread)

    def foretell(self, hidden: Tensor, z: Tensor) -> MDN:
        weight, mean, log_std = self.mixture(hidden, z)
        log_pi = weight.log_softmax(-2).repeat_interleave(self.of_place, -1)
        return MDN(log_pi.mT, mean.mT, log_std.mT, torch.cat([hidden, z], -1))


class _PlaceHead(nn.Module):
    """Mixtures for every place of z.

    No Gaussian may be wider than V's prior. One that no example needs would otherwise grow without end, and a
    sample from it would lead where M has never been.
    """

    def __init__(self, config: WorldModelModelConfig) -> None:
        super().__init__()
        self.grid = (config.places, config.places, config.z_size)
        self.mixtures, width = config.mixtures, config.width
        self.around = nn.Conv2d(config.z_size, width, 3, padding=1)
        self.where = nn.Parameter(torch.zeros(config.places, config.places, width))
        self.bidding = nn.Linear(config.hidden, 2 * width)
        self.mixing = nn.Linear(width, width)
        self.told = nn.Linear(width, config.mixtures * (1 + 2 * config.z_size))

    def forward(self, hidden: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """hidden (..., H), z (..., Z) -> weights (..., K, places), means and log-deviations (..., K, Z)."""
        lead = z.shape[:-1]
        maps = z.reshape(-1, *self.grid).movedim(-1, 1)
        around = self.around(maps).movedim(1, -1) + self.where
        factor, shift = self.bidding(hidden).reshape(-1, 1, 1, 2 * around.shape[-1]).chunk(2, -1)
        seen = F.relu(around * (1 + factor) + shift)
        told = self.told(F.relu(self.mixing(seen))).float()
        told = told.flatten(1, 2).unflatten(-1, (self.mixtures, -1)).transpose(1, 2)  # (B, K, places, 1 + 2z)
        weight, mean, log_std = told.split([1, self.grid[-1], self.grid[-1]], -1)
        flat = [part.flatten(2).reshape(*lead, self.mixtures, -1) for part in (weight, mean, log_std)]
        return flat[0], flat[1], -F.softplus(-flat[2])
