"""CycleGAN: a translator between two kinds of pictures, learned without a single pair of them.

Zhu, Park, Isola, Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks"
(2017, arXiv 1703.10593): Sec. 3 (the objective), Sec. 4 and 7.1 (training). The generators are U-Nets with
instance normalisation, as in the lecture, where the paper has residual networks.

Here the two kinds are the looks of the game: night and garden. One generator paints night as garden, the
other garden as night.
"""

import random
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate, l1_loss

from gamesim.labs import weights
from gamesim.labs.adam import Adam
from gamesim.threads import one_thread

CYCLE, IDENTITY = 10.0, 5.0
"""Weights of the losses: lambda of Eq. 3, and half of it for the identity loss of Sec. 5.2."""
POOL = 50
"""Generated pictures that a discriminator may be shown again, Sec. 4."""
RATE, BETAS = 2e-4, (0.5, 0.999)
"""Of Adam, Sec. 4 and 7.1; the second half of the training lets the rate fall to 0."""
STEPS = 10_000
"""Of a whole training, one picture of each look a step."""
WIDTHS = (16, 32, 64)
"""Channels of a generator at a half, a quarter and a twelfth of the picture's size."""
PATCH_WIDTHS = (24, 48, 96)
"""Channels of a discriminator's layers."""


# --- networks


def _normal(channels: int) -> nn.Module:
    return nn.InstanceNorm2d(channels, affine=True)


class Down(nn.Sequential):
    """Halves (or divides by ``stride``) height and width."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        kernel = stride + 2
        super().__init__(
            nn.Conv2d(channels, out, kernel, stride, padding=1), _normal(out), nn.LeakyReLU(0.2, inplace=True)
        )


class Up(nn.Module):
    """Enlarges what comes from below to the size of what was kept, and joins both (the arms of the U)."""

    def __init__(self, channels: int, kept: int, out: int) -> None:
        super().__init__()
        self.join = nn.Sequential(
            nn.Conv2d(channels + kept, out, 3, padding=1), _normal(out), nn.ReLU(inplace=True)
        )

    def forward(self, below: Tensor, kept: Tensor) -> Tensor:
        return self.join(torch.cat([interpolate(below, size=kept.shape[-2:]), kept], 1))


class Generator(nn.Module):
    """A U-Net, float32 (B, 3, 84, 84) -> the same shape, both in [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c = WIDTHS
        self.down = nn.ModuleList([Down(3, a, 2), Down(a, b, 2), Down(b, c, 3)])
        self.middle = nn.Sequential(nn.Conv2d(c, c, 3, padding=1), _normal(c), nn.ReLU(inplace=True))
        self.up = nn.ModuleList([Up(c, b, b), Up(b, a, a), Up(a, 3, a)])
        self.paint = nn.Conv2d(a, 3, 1)
        self.apply(_start)

    def forward(self, picture: Tensor) -> Tensor:
        kept = [picture]
        for down in self.down:
            kept.append(down(kept[-1]))
        x = self.middle(kept.pop())
        for up in self.up:
            x = up(x, kept.pop())
        return self.paint(x).tanh()


class Discriminator(nn.Sequential):
    """PatchGAN, Sec. 4: a verdict on each patch of 34x34 pixels; (B, 3, 84, 84) -> (B, 1, 19, 19)."""

    def __init__(self) -> None:
        a, b, c = PATCH_WIDTHS
        super().__init__(
            *(nn.Conv2d(3, a, 4, 2, padding=1), nn.LeakyReLU(0.2, inplace=True)),
            *(nn.Conv2d(a, b, 4, 2, padding=1), _normal(b), nn.LeakyReLU(0.2, inplace=True)),
            *(nn.Conv2d(b, c, 4, 1, padding=1), _normal(c), nn.LeakyReLU(0.2, inplace=True)),
            nn.Conv2d(c, 1, 4, 1, padding=1),
        )
        self.apply(_start)


def _start(module: nn.Module) -> None:
    """Weights from N(0, 0.02), Sec. 7.1."""
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        assert module.bias is not None
        nn.init.zeros_(module.bias)


# --- training


class Pool:
    """The last pictures that a generator made, Sec. 4 (after Shrivastava et al.).

    A discriminator that sees only the newest ones forgets what it knew, and both run in circles.
    """

    def __init__(self, size: int = POOL, seed: int = 0) -> None:
        self.size, self.chance = size, random.Random(seed)
        self.pictures: list[Tensor] = []

    def __call__(self, new: Tensor) -> Tensor:
        """Each new picture (B, ...) or, half of the time once this is full, an older one that it replaces."""
        del self.pictures[self.size :]
        shown = []
        for picture in new.detach():
            if len(self.pictures) < self.size:
                self.pictures.append(picture)
            elif self.size and self.chance.random() < 0.5:
                place = self.chance.randrange(self.size)
                picture, self.pictures[place] = self.pictures[place], picture
            shown.append(picture)
        return torch.stack(shown)


class CycleGAN(nn.Module):
    """Two generators, two discriminators, and a step of their training.

    Attributes:
        garden: G of the paper, paints a night as a garden.
        night: F of the paper, paints a garden as a night.
        judge_garden, judge_night: their discriminators, D_Y and D_X.
        taken: int64 (), steps of training so far.
        steps: of the whole training, at whose end the rate is 0; None: it goes on at an even rate.
        cycle, identity: weights of these losses.
        pools: of gardens and of nights that were painted.
    """

    taken: Tensor

    def __init__(
        self, seed: int = 0, *, steps: int | None = None, cycle: float = CYCLE, identity: float = IDENTITY
    ) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            self.garden, self.night = Generator(), Generator()
            self.judge_garden, self.judge_night = Discriminator(), Discriminator()
        self.register_buffer("taken", torch.zeros((), dtype=torch.int64))
        self.steps, self.cycle, self.identity = steps, cycle, identity
        self.pools = Pool(seed=seed), Pool(seed=seed + 1)
        painters = [*self.garden.parameters(), *self.night.parameters()]
        judges = [*self.judge_garden.parameters(), *self.judge_night.parameters()]
        self.paint = Adam(painters, BETAS)
        self.judge = Adam(judges, BETAS)

    def step(self, x: Tensor, y: Tensor) -> dict[str, float]:
        """One step of all four on nights x and gardens y, float32 (B, 3, H, W) in [-1, 1]; gives losses."""
        losses, fake_x, fake_y = self.step_painters(x, y)
        losses["judges"] = self._step_judges((x, self.pools[1](fake_x)), (y, self.pools[0](fake_y)))
        self.taken += 1
        return losses

    @one_thread()
    @torch.inference_mode()
    def translated(self, pictures: NDArray[np.uint8], theme: str) -> NDArray[np.uint8]:
        """Frames uint8 (B, 84, 84, 3) of the look ``theme``, painted in the other."""
        return frames({"night": self.garden, "garden": self.night}[theme](tensor(pictures)))

    def step_painters(self, x: Tensor, y: Tensor) -> tuple[dict[str, float], Tensor, Tensor]:
        """Eq. 3 with the least squares of Sec. 4, and the identity loss of Sec. 5.2."""
        # Instance norm looks at each picture alone, so what one generator paints can share a batch.
        fake_y, same_y = self.garden(torch.cat([x, y])).chunk(2)
        fake_x, same_x = self.night(torch.cat([y, x])).chunk(2)
        fooled = least_squares(self.judge_garden(fake_y), 1) + least_squares(self.judge_night(fake_x), 1)
        cycle = l1_loss(self.night(fake_y), x) + l1_loss(self.garden(fake_x), y)
        identity = l1_loss(same_x, x) + l1_loss(same_y, y)
        loss = fooled + self.cycle * cycle + self.identity * identity
        self.paint.descend(loss, rate(int(self.taken), self.steps))
        losses = {"fooled": fooled.item(), "cycle": cycle.item(), "identity": identity.item()}
        return losses, fake_x.detach(), fake_y.detach()

    def _step_judges(self, night: tuple[Tensor, Tensor], garden: tuple[Tensor, Tensor]) -> float:
        """Each tells (real, fake) of its look apart; half of the objective, Sec. 7.1."""
        loss = torch.zeros(())
        for judge, (real, fake) in ((self.judge_night, night), (self.judge_garden, garden)):
            told, doubted = judge(torch.cat([real, fake])).chunk(2)
            loss = loss + (least_squares(told, 1) + least_squares(doubted, 0)) / 2
        self.judge.descend(loss, rate(int(self.taken), self.steps))
        return loss.item()


def trained(place: Path | None = None) -> CycleGAN:
    """The networks whose weights lie in a folder (None: those that come with the lab).

    Raises:
        UserError: there are none, or they are damaged.
    """
    model = CycleGAN()
    weights.load(model, place or weights.folder("cyclegan"))
    return model


def least_squares(verdict: Tensor, wanted: float) -> Tensor:
    """The adversarial loss of Sec. 4 (LSGAN): a mean over all patches, in the place of the logarithm."""
    return (verdict - wanted).square().mean()


def rate(step: int, steps: int | None = None) -> float:
    """Adam's rate at a step of so many: constant, from the middle on a straight line to 0 (Sec. 7.1)."""
    return RATE if steps is None else RATE * min(1.0, max(0.0, 2 * (1 - step / steps)))


def tensor(frames: NDArray[np.uint8]) -> Tensor:
    """Frames uint8 (B, H, W, 3) as float32 (B, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float().div_(127.5).sub_(1).contiguous()


def frames(pictures: Tensor) -> NDArray[np.uint8]:
    """The inverse of `tensor`."""
    return pictures.add(1).mul(127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().numpy()
