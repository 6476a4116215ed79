"""GAN: two networks play a game; one paints, the other tells painted pictures from real ones.

Goodfellow et al., "Generative Adversarial Nets" (2014, arXiv 1406.2661): Eq. 1 (the value of the game),
Sec. 3 (the loss of G that does not saturate), Sec. 4.1 (the best discriminator and -log 4). The networks are
the lecture's, layer by layer, for grey pictures of 28x28 pixels.

Against collapse: instance noise (Sønderby et al. 2016, arXiv 1610.04490; Arjovsky & Bottou 2017, arXiv
1701.04862, Sec. 3), the penalty R1 (Mescheder et al. 2018, arXiv 1801.04406, Eq. 9), a D that learns faster
than G (Heusel et al. 2017, arXiv 1706.08500); and the gradient penalty of Gulrajani et al. (2017, arXiv
1704.00028, Eq. 3). An average of G's weights paints what is shown (Yazıcı et al. 2019, arXiv 1806.04498).
"""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from gamesim.labs.adam import Adam

LATENT = 100
"""Numbers of z, the generator's input."""
BATCH = 8
RATE, BETAS = 4e-4, (0.5, 0.999)
"""Of G's Adam, and of both."""
DROPOUT = 0.4
REMEMBERED = 0.99
"""Share of the average of G's weights that stays at each step."""


# --- networks


class Discriminator(nn.Sequential):
    """720,833 parameters; float32 (B, 1, 28, 28) in [-1, 1] -> logits (B, 1): D is their sigmoid."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        for channels, out, stride in ((1, 64, 2), (64, 64, 2), (64, 128, 2), (128, 128, 1)):
            layers += [nn.Conv2d(channels, out, 5, stride, padding=2), nn.ReLU(), nn.Dropout(DROPOUT)]
        super().__init__(*layers, nn.Flatten(), nn.Linear(4 * 4 * 128, 1))


class Generator(nn.Sequential):
    """844,161 parameters as the lecture counts; float32 (B, 100) -> (B, 1, 28, 28) in [-1, 1].

    Args:
        batch_norm: between the layers.
        transposed: transposed convolutions of stride 2 in the place of upsampling and convolution: as many
            weights, and checkerboards, since 5 is no multiple of 2 (Odena et al. 2016).
    """

    def __init__(self, *, batch_norm: bool = True, transposed: bool = False) -> None:
        def norm(layer: nn.Module) -> list[nn.Module]:
            return [layer, nn.ReLU()] if batch_norm else [nn.ReLU()]

        def grow(channels: int, out: int) -> list[nn.Module]:
            if transposed:
                return [nn.ConvTranspose2d(channels, out, 5, 2, padding=2, output_padding=1)]
            return [nn.Upsample(scale_factor=2), nn.Conv2d(channels, out, 5, padding=2)]

        super().__init__(
            *(nn.Linear(LATENT, 7 * 7 * 64), *norm(nn.BatchNorm1d(7 * 7 * 64)), nn.Unflatten(1, (64, 7, 7))),
            *(*grow(64, 128), *norm(nn.BatchNorm2d(128))),
            *(*grow(128, 64), *norm(nn.BatchNorm2d(64))),
            *(nn.Conv2d(64, 64, 5, padding=2), *norm(nn.BatchNorm2d(64))),
            *(nn.Conv2d(64, 1, 5, padding=2), nn.Tanh()),
        )


def count(module: nn.Module) -> int:
    """Parameters as the lecture counts them: the moving means and variances of batch norm are some, too."""
    moving = [buffer for buffer in module.buffers() if buffer.is_floating_point()]
    return sum(each.numel() for each in (*module.parameters(), *moving))


# --- the game


def value(real: Tensor, fake: Tensor) -> Tensor:
    """V(D, G), Eq. 1, of logits on real and on painted pictures: D wants it high, G low."""
    return logsigmoid(real).mean() + logsigmoid(-fake).mean()


def best_discriminator(data: NDArray[np.float64], painted: NDArray[np.float64]) -> NDArray[np.float64]:
    """D*, Eq. 2, for the densities of real and of painted pictures at the same places."""
    return data / (data + painted)


def gradient_penalty(discriminator: nn.Module, real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """(||grad D|| - 1)^2 between real and painted pictures, Gulrajani et al. Eq. 3, mean over the batch.

    Args:
        share: (B, 1, 1, 1), 0 to 1, of the real picture in each mixture.
    """
    mixed = (share * real + (1 - share) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(mixed).sum(), mixed, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def r1(logits: Tensor, real: Tensor) -> Tensor:
    """||grad D||^2 at real pictures, Mescheder et al. Eq. 9 without gamma / 2: mean over the batch.

    Args:
        logits: (B, 1), of D on the real pictures.
        real: (B, 1, 28, 28), as D saw them; they require a gradient.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
    return gradient.flatten(1).square().sum(1).mean()


@dataclass
class Rules:
    """How the two are trained; all of it may change at any step.

    Attributes:
        pace: what both rates are multiplied with.
        judge_pace: the rate of D as a multiple of G's.
        noise: standard deviation of the noise on each picture that D sees, whose values are -1 to 1.
        r1: gamma, the weight of R1.
        penalty: weight of the gradient penalty.
    """

    pace: float = 1.0
    judge_pace: float = 2.0
    noise: float = 0.0
    r1: float = 0.0
    penalty: float = 0.0


class GAN(nn.Module):
    """Generator, discriminator, and a step of both.

    Args:
        seed: of the weights, of z and of the noise.
        built: how the generator is built, if not as the lecture has it.

    Attributes:
        average: a generator whose weights are the running average of the generator's.
        taken: int64 (), steps so far.
        rules: how it is trained.
    """

    taken: Tensor

    def __init__(self, seed: int = 0, **built: bool) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            self.generator, self.discriminator = Generator(**built), Discriminator()
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.register_buffer("taken", torch.zeros((), dtype=torch.int64))
        self.rules = Rules()
        self.chance = torch.Generator().manual_seed(seed)
        self.paint = Adam(self.generator.parameters(), BETAS)
        self.judge = Adam(self.discriminator.parameters(), BETAS)

    def latent(self, number: int) -> Tensor:
        """z from N(0, 1), float32 (number, 100)."""
        return torch.randn(number, LATENT, generator=self.chance)

    def seen(self, pictures: Tensor) -> Tensor:
        """Pictures as D sees them: with instance noise."""
        if not self.rules.noise:
            return pictures
        return pictures + self.rules.noise * torch.randn(pictures.shape, generator=self.chance)

    def step(self, real: Tensor, *, judge: bool = True, paint: bool = True) -> dict[str, float]:
        """A step of D on real pictures (B, 1, 28, 28) and as many painted ones, then one of G (Algorithm 1).

        Args:
            real: a batch.
            judge: whether D takes its step.
            paint: whether G takes its step; k steps of D alone and one of both make k + 1 of D for each of G.

        Returns:
            What was measured.
        """
        with torch.set_grad_enabled(paint):
            painted = self.generator(self.latent(len(real)))
        told = self._step_judge(real, painted.detach()) if judge else {}
        if paint:
            told |= self._step_painter(painted)
        self.taken += 1
        return told

    def _step_painter(self, painted: Tensor) -> dict[str, float]:
        verdict = self.discriminator(self.seen(painted)).float()
        # -log D(G(z)), Sec. 3: the gradient of log(1 - D(G(z))) is next to nothing where D is good.
        loss = -logsigmoid(verdict).mean()
        self.paint.descend(loss, self.rules.pace * RATE)
        self._remember()
        return {"loss of G": loss.item(), "D(painted)": verdict.sigmoid().mean().item()}

    def _step_judge(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        rules = self.rules
        real, fake = self.seen(real).requires_grad_(rules.r1 > 0), self.seen(fake)
        on_real, on_fake = self.discriminator(torch.cat([real, fake])).float().chunk(2)
        won = value(on_real, on_fake)
        loss = -won
        if rules.r1:
            loss = loss + rules.r1 / 2 * r1(on_real, real)
        if rules.penalty:
            share = torch.rand(len(real), 1, 1, 1, generator=self.chance)
            loss = loss + rules.penalty * gradient_penalty(self.discriminator, real, fake, share)
        self.judge.descend(loss, rules.pace * rules.judge_pace * RATE)
        return {"loss of D": -won.item(), "D(real)": on_real.sigmoid().mean().item()}

    @torch.no_grad()
    def _remember(self) -> None:
        now = self.generator.state_dict()
        for name, mean in self.average.state_dict().items():
            # Batch norm counts its batches in whole numbers.
            mean.lerp_(now[name], 1 - REMEMBERED) if mean.is_floating_point() else mean.copy_(now[name])


# --- the training from scratch

STEPS, SHIPPED_BATCH = 4_000, 16
"""Of ``python -m gamesim.labs.train gan``, and its pictures a step."""
NOISE, R1 = (0.3, 0.05), 5.0
"""Of that training: the noise at first and at last, and gamma."""


def rules_after(taken: int) -> Rules:
    """How networks from scratch are trained after so many steps: the noise falls evenly, then stays."""
    first, last = NOISE
    return Rules(noise=first + (last - first) * min(1.0, taken / STEPS), r1=R1)
