"""CycleGAN: a translator between two kinds of pictures, learned without a single pair of them.

Zhu, Park, Isola, Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks"
(2017, arXiv 1703.10593): Sec. 3 (the objective), Sec. 4 and 7.1 (training). The generators are U-Nets with
instance normalisation, as in the lecture, where the paper has residual networks.

Here the two kinds are the looks of the game: night and garden. One generator paints night as garden, the
other garden as night.
"""

import random
import time
from collections import deque
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate, l1_loss

from gamesim.envs.sprites import tiles
from gamesim.labs import Given, weights
from gamesim.labs.adam import Adam
from gamesim.labs.controls import Choice, Control, Slider, Switch, moved
from gamesim.labs.layer_swap import LayerSwap, cells_kept
from gamesim.labs.panels import Curves, Lines, Panel, Picture, Traces
from gamesim.labs.pictures import rows
from gamesim.labs.themes import GAMES, KINDS, Score, score, stream, total, twins
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
        judges = self.judge_night, self.judge_garden
        for judge in judges:
            judge.requires_grad_(False)
        # Instance norm looks at each picture alone, so what one generator paints can share a batch.
        fake_y, same_y = self.garden(torch.cat([x, y])).chunk(2)
        fake_x, same_x = self.night(torch.cat([y, x])).chunk(2)
        fooled = least_squares(self.judge_garden(fake_y), 1) + least_squares(self.judge_night(fake_x), 1)
        cycle = l1_loss(self.night(fake_y), x) + l1_loss(self.garden(fake_x), y)
        identity = l1_loss(same_x, x) + l1_loss(same_y, y)
        self.paint.forget()
        (fooled + self.cycle * cycle + self.identity * identity).backward()
        self.paint.step(rate(int(self.taken), self.steps))
        for judge in judges:
            judge.requires_grad_(True)
        losses = {"fooled": fooled.item(), "cycle": cycle.item(), "identity": identity.item()}
        return losses, fake_x.detach(), fake_y.detach()

    def _step_judges(self, night: tuple[Tensor, Tensor], garden: tuple[Tensor, Tensor]) -> float:
        """Each tells (real, fake) of its look apart; half of the objective, Sec. 7.1."""
        loss = torch.zeros(())
        for judge, (real, fake) in ((self.judge_night, night), (self.judge_garden, garden)):
            told, doubted = judge(torch.cat([real, fake])).chunk(2)
            loss = loss + (least_squares(told, 1) + least_squares(doubted, 0)) / 2
        self.judge.forget()
        loss.backward()
        self.judge.step(rate(int(self.taken), self.steps))
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


# --- the lab

KEPT = 200
"""Frames of the running game that the figures speak of: the last ones."""

_WEIGHTS = ("trained", "untrained")
_CONTROLS: tuple[Control, ...] = (
    Choice(
        "weights",
        "Start with networks that are",
        _WEIGHTS,
        "trained",
        "Untrained ones begin to train at once.",
    ),
    Switch("train", "Train", help="Go on training the four networks, one step for each step of the game."),
    Slider(
        "cycle", "Weight of the cycle loss", 0, 20, CYCLE, 1, "At 0 a picture need not keep what was there."
    ),
    Slider(
        "identity", "Weight of the identity loss", 0, 10, IDENTITY, 0.5, "It makes the networks keep colours."
    ),
    Switch("pool", "Pool of 50 pictures", True, "Off: the discriminators see only the newest pictures."),
    Switch("swap", "Beside the layer swap", help="A dream re-skinned both by this and by GameGAN's swap."),
)


class CycleGANLab:
    """The bot plays a game, shown re-skinned both ways beside how it really looks in the other theme."""

    steps = KEPT

    def __init__(self, given: Given) -> None:
        self._seed, self._place = given.seed, given.checkpoint or weights.folder("cyclegan")
        self.controls = _CONTROLS
        self._games = twins(1, given.seed)
        self._streams = stream("night", 1, given.seed), stream("garden", 1, given.seed)
        self._model, self._training = CycleGAN(given.seed), False
        weights.load(self._model, self._place)
        self._beside: Beside | None = None
        self._forget()

    def set(self, name: str, value: float | bool | str) -> None:
        self.controls = moved(self.controls, **{name: value})
        match name:
            case "train":
                self._training = bool(value)
            case "weights":
                self._replace(shipped=value == "trained")
            case "swap":
                self._beside = Beside(self._seed) if value else None
                self._play()
            case "pool":
                for pool in self._model.pools:
                    pool.size = POOL if value else 0
            case _:
                setattr(self._model, name, float(value))

    def point(self, panel: str, x: float, y: float) -> None:
        """There is nothing to click into."""

    def _replace(self, *, shipped: bool) -> None:
        old = self._model
        self._model = CycleGAN(self._seed, cycle=old.cycle, identity=old.identity)
        for pool, before in zip(self._model.pools, old.pools, strict=True):
            pool.size = before.size
        if shipped:
            weights.load(self._model, self._place)
        self._training = not shipped
        self.controls = moved(self.controls, train=self._training)
        self._forget()

    def _forget(self) -> None:
        """Nothing that was measured holds for other networks."""
        self._losses, self._right = Traces(), Traces()
        self._scores = {theme: deque[Score](maxlen=KEPT) for theme in GAMES}
        self._took = deque[float](maxlen=KEPT)
        self._play()

    @one_thread()
    def step(self) -> None:
        if self._training:
            x, y = (tensor(next(pictures)) for pictures in self._streams)
            taken, losses = int(self._model.taken) + 1, self._model.step(x, y)
            self._losses.add(taken, losses)
            self._right.add(taken, {_way(theme): self._scores[theme][-1].right for theme in GAMES})
        self._play()

    def _play(self) -> None:
        """One step of the game, and what the generators make of it."""
        both, self._strips = next(self._games), {}
        for theme, other in _WAYS.items():
            began = time.process_time()
            painted = self._model.translated(both[theme], theme)
            self._took.append(1000 * (time.process_time() - began))
            back = self._model.translated(painted, other)
            self._scores[theme].append(score(both[theme], theme, painted, other, both[other]))
            self._strips[theme] = _row(both[theme][0], painted[0], back[0], both[other][0])
        if self._beside is not None:
            self._beside.step(self._model)

    def view(self) -> list[Panel]:
        shown: list[Panel] = []
        for theme in _WAYS:
            now, note = self._scores[theme][-1], "real, painted, painted back, true"
            cells = f"{int(np.trace(now.confusion))} of {now.confusion.sum()} cells right"
            shown.append(Picture(_way(theme), self._strips[theme], f"{note}; {cells}"))
        if self._beside is not None:
            shown.append(self._beside.view())
        shown.append(Lines("Cells that kept their kind", self._rows()))
        for theme, other in _WAYS.items():
            title = f"What became of what, {_way(theme).lower()}"
            note = "rows: what it was; columns: what it became"
            shown.append(Picture(title, confusion(total(self._scores[theme]), theme, other), note))
        if losses := self._losses.lines():
            shown.append(Curves("Losses", "step", losses))
            shown.append(Curves("Cells right", "step", self._right.lines(), (0.0, 1.0)))
        return shown

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("step of training", f"{int(self._model.taken):,}")]
        for theme in _WAYS:
            found = total(self._scores[theme])
            rows.append((_way(theme), f"{found.right:.1%} of all, {found.by_kind:.1%} as a mean over kinds"))
            rows.append(("", "; ".join(found.permuted()) or "nothing is swapped"))
        return [*rows, ("one frame, on one core", f"{np.median(self._took):.1f} ms")]

    def figures(self) -> dict[str, float]:
        found = {"steps": float(self._model.taken), "milliseconds": float(np.median(self._took))}
        for theme, other in _WAYS.items():
            judged = total(self._scores[theme])
            name = f"{theme}_to_{other}"
            found[f"{name}_right"], found[f"{name}_by_kind"] = judged.right, judged.by_kind
            found[f"{name}_error"], found[f"{name}_permuted"] = judged.error, float(len(judged.permuted()))
        return found | (self._beside.figures() if self._beside is not None else {})


class Beside:
    """A dream of the night as a garden: repainted by a generator, and by the layer swap."""

    def __init__(self, seed: int) -> None:
        self._swap = LayerSwap(seed)
        self._kept = {"cyclegan": deque[float](maxlen=KEPT), "swap": deque[float](maxlen=KEPT)}

    def step(self, model: CycleGAN) -> None:
        swap = self._swap
        swap.step()
        painted = model.translated(swap.night[None], "night")[0]
        for name, picture in (("cyclegan", painted), ("swap", swap.swapped)):
            self._kept[name].append(cells_kept(swap.night, picture))
        self._strip = _row(swap.night, painted, swap.swapped)

    def view(self) -> Panel:
        ours, theirs = (f"{np.mean(kept):.1%}" for kept in self._kept.values())
        note = f"the dream, by CycleGAN ({ours} of cells right), by the layer swap ({theirs})"
        return Picture("A dream, re-skinned in two ways", self._strip, note)

    def figures(self) -> dict[str, float]:
        return {f"dream_{name}_right": float(np.mean(kept)) for name, kept in self._kept.items()}


_WAYS = {"night": "garden", "garden": "night"}


def _way(theme: str) -> str:
    return f"{theme.capitalize()} to {_WAYS[theme]}"


def _row(*pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures side by side, with a gap between them."""
    return rows(torch.from_numpy(np.stack(pictures)))


def confusion(judged: Score, theme: str, into: str) -> NDArray[np.uint8]:
    """A score as a picture: tiles of one look down the side, of the other along the top, shares within."""
    size, kinds = 12, list(KINDS)
    picture = np.zeros(((len(kinds) + 1) * (size + 1), (len(kinds) + 1) * (size + 1), 3), np.uint8)
    for i, kind in enumerate(kinds):
        at = slice((i + 1) * (size + 1), (i + 1) * (size + 1) + size)
        picture[at, :size], picture[:size, at] = tiles(size, theme)[kind], tiles(size, into)[kind]
        for j, share in enumerate(judged.shares[i]):
            across = slice((j + 1) * (size + 1), (j + 1) * (size + 1) + size)
            picture[at, across] = round(24 + 231 * float(share))
    return picture
