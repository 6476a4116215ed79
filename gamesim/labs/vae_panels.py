"""What is to be seen of a VAE: a panel a function, each of a `Subject` and what is chosen of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

import torch
from torch import Tensor

from gamesim.envs.layouts import FLOOR
from gamesim.labs import arithmetic, pictures
from gamesim.labs.arithmetic import THINGS, TILE, Cell, Score
from gamesim.labs.bounds import evidence_lower_bound, importance_weighted_bound, lecture_kl, log_ratio
from gamesim.labs.panels import Bars, Curves, Lines, Panel, Picture
from gamesim.labs.subject import Subject
from gamesim.models.world_models.vision import kl, reparameterised

SHOWN, WALK, PRIOR = 8, 8, 4
"""Frames to choose from, steps of a walk, and samples of the prior along each side."""
BARS = 8
"""Numbers of z of which a draw is shown."""
PAIRS, SCORED, EXAMPLES = 16, 16, 4
"""Frames that a vector is made of, others that it is added to, and those of them that are shown."""
DRAWS, MANY = 64, 2000
"""Draws of z for a bound, and for the KL divergence."""
MEASURED, USED = 8, 0.1
"""Frames whose bounds are figures, and nats from which on a number of z counts as used."""
ALPHAS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
FRAMES, MAP, CELL = "Frames, and what V draws of them", "Map of two numbers of z", "A cell for the arithmetic"
"""Titles of the pictures that can be clicked."""
ADDED = "Latent arithmetic"


@dataclass(frozen=True)
class Codes:
    """z of a subject's frames.

    Attributes:
        mean, log_variance: (N, Z).
        nats: KL of each number of z, the mean over the frames, (Z,).
        order: the numbers of z, those with the most KL first, int64 (Z,).
    """

    mean: Tensor
    log_variance: Tensor
    nats: Tensor
    order: Tensor

    @property
    def two(self) -> Tensor:
        """The first two numbers of each frame, (N, 2), for the map."""
        return self.mean[:, self.order[:2]]

    @property
    def reach(self) -> float:
        """The number at the edges of the map."""
        return max(3.5, float(self.two.abs().max()) + 0.5)


def codes(subject: Subject) -> Codes:
    """z of all frames of a subject."""
    mean, log_variance = subject.encode(subject.frames)
    nats = kl(mean[..., None], log_variance[..., None]).mean(0)
    return Codes(mean, log_variance, nats, nats.argsort(descending=True))


def noise(draws: int, numbers: int) -> Tensor:
    """The same eps each time, (draws, numbers), so that pictures do not flicker."""
    return torch.randn(draws, numbers, generator=torch.Generator().manual_seed(0))


# what V draws --------------------------------------------------------------------------------------------


def frames(subject: Subject, seen: Codes) -> Panel:
    note = f"{'Dreamt' if subject.dreamt else 'Real'} above, drawn from the mean of z below"
    if subject.decodes:
        right = arithmetic.right(subject, subject.frames[:SCORED]).mean()
        note += f"; {right:.0%} of the cells are drawn right"
    drawn = subject.draw(seen.mean[:SHOWN])
    return Picture(FRAMES, pictures.rows(subject.frames[:SHOWN], drawn), note, clicks=True)


def nats(seen: Codes) -> Panel:
    values = seen.nats[seen.order].tolist()
    return Bars("KL of each number of z, sorted", (), {"nats": values})


def prior(subject: Subject, seen: Codes) -> Panel:
    drawn = subject.draw(noise(PRIOR * PRIOR, seen.mean.shape[1]))
    lines = drawn.unflatten(0, (PRIOR, PRIOR)).unbind()
    return Picture("Drawn from the prior", pictures.rows(*lines), "z sampled from N(0, I), without a frame")


def moved(subject: Subject, seen: Codes, frame: int, shifts: Tensor) -> Panel:
    z = seen.mean[frame].repeat(2, 1)
    z[1, seen.order[: len(shifts)]] += shifts
    shown = torch.cat([subject.frames[frame, None], subject.draw(z)])
    return Picture("A frame, and its z moved", pictures.rows(shown), "As it is; drawn; drawn with z moved")


def walk(subject: Subject, seen: Codes, frame: int, other: int) -> Panel:
    share = torch.linspace(0, 1, WALK)[:, None]
    z = (1 - share) * seen.mean[frame] + share * seen.mean[other]
    shown = pictures.rows(subject.draw(z))
    return Picture("A walk from one frame to the other", shown, "z in equal steps along a straight line")


def chart(seen: Codes, frame: int, shifts: Tensor) -> Panel:
    here = (seen.two[frame] + shifts[:2]).tolist()
    shown = pictures.chart(seen.two, here, seen.reach)
    return Picture(MAP, shown, "Dots: frames. Rings: 1, 2, 3 sigma", clicks=True)


# a draw, and the bounds ----------------------------------------------------------------------------------


def draw_of_z(seen: Codes, frame: int) -> Panel:
    mean, sigma, eps, z = _draw(seen, frame)
    names = [f"z{i}" for i in seen.order[:BARS].tolist()]
    series = {"mean": mean, "sigma": sigma, "eps": eps, "z = mean + sigma eps": z}
    return Bars("Sampling z", names, {name: values[:BARS].tolist() for name, values in series.items()})


def _draw(seen: Codes, frame: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """mean, sigma, eps and z of a frame's draw, each (Z,), the numbers with the most KL first."""
    mean, log_variance = seen.mean[frame][seen.order], seen.log_variance[frame][seen.order]
    eps = noise(1, len(mean))[0]
    return mean, (0.5 * log_variance).exp(), eps, reparameterised(mean, log_variance, eps)


def bounds(subject: Subject, seen: Codes, frame: int) -> dict[str, float]:
    """The terms of a frame's bound, and the bounds, in nats: see `gamesim.labs.bounds`."""
    mean, log_variance = seen.mean[frame], seen.log_variance[frame]
    picture, eps = subject.frames[frame], noise(MANY, len(mean))
    z = reparameterised(mean, log_variance, eps)
    ratio = log_ratio(z, mean, log_variance)
    few = z[:DRAWS]
    known = subject.likelihood(picture, few)
    return {
        "missed": -float(known.mean()),
        "kl": float(kl(mean, log_variance)),
        "kl_drawn": float(ratio.mean()),
        "kl_error": float(ratio.std()) / sqrt(MANY),
        "kl_lecture": float(lecture_kl(mean, log_variance)),
        "elbo": float(evidence_lower_bound(known, mean, log_variance)),
        "of_8": float(importance_weighted_bound(known, few, mean, log_variance, 8)),
        "of_64": float(importance_weighted_bound(known, few, mean, log_variance, 64)),
    }


def in_numbers(subject: Subject, seen: Codes, frame: int) -> Panel:
    mean, sigma, eps, z = (float(part[0]) for part in _draw(seen, frame))
    of = bounds(subject, seen, frame)
    rows = (
        (f"z{int(seen.order[0])} = mean + sigma eps", f"{mean:.2f} + {sigma:.2f} x {eps:.2f} = {z:.2f}"),
        ("Reconstruction, -log p(x | z)", f"{of['missed']:.1f} nats"),
        ("KL, sum of (mean^2 + sigma^2 - 1 - log sigma^2) / 2", f"{of['kl']:.1f} nats"),
        (f"KL from {MANY} draws", f"{of['kl_drawn']:.1f} +- {of['kl_error']:.1f}"),
        ("With log sigma for log sigma^2 (the lecture's slide)", f"{of['kl_lecture']:.1f}: wrong"),
        ("Evidence lower bound", f"{of['elbo']:.1f}"),
        ("Importance-weighted bound of 8 draws", f"{of['of_8']:.1f}"),
        ("... of 64 draws", f"{of['of_64']:.1f}"),
    )
    return Lines("This frame in numbers", rows)


# arithmetic ----------------------------------------------------------------------------------------------


def cell(subject: Subject, frame: int, where: Cell) -> Panel:
    shown = pictures.marked(subject.frames[frame].numpy(), where, TILE)
    return Picture(CELL, shown, "Click to choose another", clicks=True)


def vector(subject: Subject, where: Cell, thing: str) -> Tensor:
    """What is added, (Z,)."""
    return arithmetic.vector(subject, subject.frames[-PAIRS:], where, THINGS[thing])


def scores(subject: Subject, where: Cell, thing: str, added: Tensor) -> list[Score]:
    """What comes of adding (K, Z), on frames that the vector is not made of."""
    return arithmetic.scores(subject, subject.frames[:SCORED], where, THINGS[thing], added)


def added(subject: Subject, where: Cell, thing: str, alpha: float) -> Panel:
    some = subject.frames[:EXAMPLES]
    bare, real = (subject.encode(arithmetic.painted(some, where, k))[0] for k in (FLOOR, THINGS[thing]))
    more = alpha * vector(subject, where, thing)
    (told,) = scores(subject, where, thing, more[None])
    note = f"Without; added; really there. Shown in {told.shown:.0%} of frames"
    shown = pictures.rows(*(subject.draw(z) for z in (bare, bare + more, real)))
    return Picture(ADDED, shown, f"{note}, {told.kept:.0%} of the other cells kept")


def by_alpha(subject: Subject, where: Cell, thing: str) -> Panel:
    more = torch.tensor(ALPHAS)[:, None] * vector(subject, where, thing)
    told = list(zip(ALPHAS, scores(subject, where, thing, more), strict=True))
    lines = {
        f"{thing} shown": [(alpha, each.shown) for alpha, each in told],
        "other cells kept": [(alpha, each.kept) for alpha, each in told],
    }
    return Curves("Added alpha times", "alpha", lines, (0.0, 1.0))


def summed(subject: Subject, where: Cell, thing: str) -> dict[str, float]:
    """What comes of adding the vector of a thing once: shown and kept, see `Score`.

    By chance: shown, where a vector of the same length in any direction is added. Real: of frames that really
    have the thing there, those in which V draws it.
    """
    more = vector(subject, where, thing)
    told, chance = scores(subject, where, thing, torch.stack([more, arithmetic.by_chance(more, 0)]))
    real = arithmetic.drawn(subject, subject.frames[:SCORED], where, THINGS[thing])
    return {"shown": told.shown, "kept": told.kept, "chance": chance.shown, "real": real}


def sums(subject: Subject, where: Cell) -> Panel:
    told = [summed(subject, where, thing) for thing in THINGS]
    series = {
        "shown where it was added": [each["shown"] for each in told],
        "drawn where it really is": [each["real"] for each in told],
        "other cells kept": [each["kept"] for each in told],
    }
    return Bars("Each thing added once", tuple(THINGS), series, (0.0, 1.0))


# figures -------------------------------------------------------------------------------------------------


def figures(subject: Subject, cells: Sequence[Cell]) -> dict[str, float]:
    """By name: means over frames, and of the arithmetic over cells; bounds and KL in nats a frame."""
    seen = codes(subject)
    told = [bounds(subject, seen, frame) for frame in range(MEASURED)]
    found = _means(told)
    found["numbers_used"] = float((seen.nats > USED).sum())
    if not subject.decodes:
        return found
    found["cells_right"] = float(arithmetic.right(subject, subject.frames).mean())
    for thing in THINGS:
        each = _means([summed(subject, where, thing) for where in cells])
        found |= {f"{thing.split()[-1]}.{name}": value for name, value in each.items()}
    return found


def _means(found: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: fmean(each[name] for each in found) for name in found[0]}
