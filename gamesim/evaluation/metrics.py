"""The metrics, one entry each: what a figure is called, its unit, its floor and aim, who computes it.

The table, the plots, the cards and the app's page about a model read them here. They come in parts, because
one rollout gives many figures. A part of one's own is one call of `register`, or, so that `evaluate` always
measures it, an entry point of the group ``gamesim.metrics`` that names a `Part` (docs/adding.md).

Each module of `gamesim.evaluation` defines its figures in its docstring.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gamesim.registry import Registry

Bounds = tuple[float, float]
"""Least and greatest value, both allowed."""

SHARE, TIMES, MS, SCORE, COUNT = "share", "times", "ms", "score", "count"
"""Units: a share of 1; times what the real game has; milliseconds; a sum of rewards; how many."""


@dataclass(frozen=True)
class Metric:
    """A figure.

    Attributes:
        name: inside of its part; where it has a value for each horizon, too.
        title: in plain words, for people who look at a model; "" for figures that only the table shows.
        unit: one of those above, or another word.
        floor: what a model must reach to be shipped; None: nothing.
        aim: what we want of it, or of its value at some horizons; None: it has no right value but the real
            game's.
        panel: of the plots by horizon that shows it; "" for none.
    """

    name: str
    title: str = ""
    unit: str = SHARE
    floor: Bounds | None = None
    aim: Bounds | Mapping[int, Bounds] | None = None
    panel: str = ""


@dataclass(frozen=True)
class Part:
    """Figures that are computed together.

    Attributes:
        name: the key of `evaluate`'s result.
        title: of its lines in the table.
        compute: "module:name" of a function of a `gamesim.evaluation.subject.Subject`. It returns the figures
            by name, each a number or, with ``steps`` beside it, a list; None if it does not suit the model.
        metrics: those with a title, a unit, a bound or a panel; `compute` may return others.
        cells: whether it needs dreams that can be decoded to the 7x7 cells of our Pac-Man games.
    """

    name: str
    title: str
    compute: str
    metrics: tuple[Metric, ...] = ()
    cells: bool = False


_parts: Registry[Part] = Registry(Part, "gamesim.metrics", "metrics")
register, remove, parts = _parts.register, _parts.remove, _parts.all


def named() -> Mapping[str, Metric]:
    """All metrics as ``part.name``, in the order in which they are shown."""
    return {f"{part.name}.{metric.name}": metric for part in parts().values() for metric in part.metrics}


def floors() -> dict[str, Bounds]:
    """``part.name`` -> what is asked of a model that is shipped."""
    return {name: metric.floor for name, metric in named().items() if metric.floor}


def aims() -> dict[str, Bounds]:
    """``part.name``, or ``part.name@horizon`` -> what we want of a model."""
    found: dict[str, Bounds] = {}
    for name, metric in named().items():
        if isinstance(metric.aim, Mapping):
            found |= {f"{name}@{step}": bounds for step, bounds in metric.aim.items()}
        elif metric.aim:
            found[name] = metric.aim
    return found


def flat(figures: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures of `evaluate` under the names of metrics: ``part.name`` and ``part.name@horizon``."""
    found: dict[str, float | None] = {}
    for part, names in figures.items():
        for name, value in names.items() if isinstance(names, Mapping) else ():
            if isinstance(value, list):
                steps = names.get("steps", [])
                found |= {f"{part}.{name}@{step}": each for step, each in zip(steps, value, strict=False)}
            else:
                found[f"{part}.{name}"] = value
    return found


def missed(figures: Mapping[str, Any]) -> list[str]:
    """Names of the figures that are outside of their floor; figures with nothing to count are left out."""
    return list(_outside(flat(figures), floors()))


def short_of(figures: Mapping[str, Any]) -> dict[str, float]:
    """The aims that are missed, and by how much: negative is too little, positive too much."""
    return {name: round(by, 4) for name, by in _outside(flat(figures), aims()).items()}


def _outside(found: Mapping[str, float | None], bounds: Mapping[str, Bounds]) -> dict[str, float]:
    misses = {}
    for name, value in found.items():
        low, high = bounds.get(name, (float("-inf"), float("inf")))
        if value is not None and not low <= value <= high:
            misses[name] = value - (low if value < low else high)
    return misses


def _soon(low: float, high: float = 1.0) -> dict[int, Bounds]:
    return dict.fromkeys((1, 5, 10, 20, 40), (low, high))


_FLOOR = (0.97, 1.0)
_MOVES, _MEMORY, _FOOD, _GHOSTS = "Moves", "Memory", "Food", "Ghosts"
_MOTION, _ENDS = "How ghosts move (dotted: real)", "Ends (dotted: real)"

for _part in (
    Part(
        "rules",
        "rules kept over 30 dreamt steps (floor)",
        "gamesim.evaluation.subject:measure_rules",
        (
            Metric("kept_25", "Board remembered for 25 steps", floor=(0.90, 1.0)),
            Metric("kept_10", "Board remembered for 10 steps", floor=(0.95, 1.0)),
            Metric("kept_25_returned", "Remembered, coming home"),
            Metric("moves_obeyed", "Keys obeyed", floor=_FLOOR),
            Metric("moves_free", floor=_FLOOR),
            Metric("moves_blocked", "Walls and edges stop Pac-Man", floor=_FLOOR),
            Metric("food_eaten_gone", "Eaten food is gone", floor=(0.95, 1.0)),
            Metric("reward_on_food", "Reward for food"),
            Metric("flag_ends", "The flag ends the game"),
            Metric("pacman_centre", floor=(0.99, 1.0)),
            *(
                Metric(f"ratio_{name}", unit=TIMES, floor=(0.5, 2.0))
                for name in ("floor", "wall", "food", "ghost", "flag")
            ),
        ),
        cells=True,
    ),
    Part(
        "horizons",
        "rules kept after 1 to 100 dreamt steps (aim)",
        "gamesim.evaluation.subject:measure_horizons",
        (
            Metric("moves_free", aim=_soon(0.995), panel=_MOVES),
            Metric("moves_blocked", aim=_soon(0.995), panel=_MOVES),
            Metric("stays_obeyed", panel=_MOVES),
            Metric("pacman_once", panel=_MOVES),
            Metric("kept", aim={10: (0.99, 1.0), 40: (0.98, 1.0)}, panel=_MEMORY),
            Metric("kept_returned", panel=_MEMORY),
            Metric("outside_kept", panel=_MEMORY),
            Metric("food_eaten_gone", aim=_soon(0.99), panel=_FOOD),
            Metric("food_kept", aim=_soon(0.97), panel=_FOOD),
            Metric("floor_bare", panel=_FOOD),
            Metric("reward_on_food", panel=_FOOD),
            Metric("ghosts_conserved", aim=_soon(0.90), panel=_GHOSTS),
            Metric("ghosts_legal", aim=_soon(0.98), panel=_GHOSTS),
            Metric("ghosts_off_walls", panel=_GHOSTS),
            *(Metric(name, panel=_MOTION) for name in ("ghost_speed", "ghost_straight", "ghost_reverse")),
            *(Metric(name, panel=_ENDS) for name in ("going_on", "flag_ends", "ghost_ends", "false_ends")),
            Metric("undecodable", aim=_soon(0.0, 0.01)),
        ),
        cells=True,
    ),
    Part(
        "home",
        "coming home, by steps walked away (aim)",
        "gamesim.evaluation.subject:measure_home",
        tuple(Metric(f"cells_{steps}", aim=(0.98, 1.0)) for steps in (5, 10, 20)),
        cells=True,
    ),
    Part(
        "fidelity",
        "compared with the real game, same keys (decibels; share; games)",
        "gamesim.evaluation.subject:measure_fidelity",
        (Metric("psnr", unit="dB"), Metric("psnr_still", unit="dB"), Metric("episodes", unit=COUNT)),
        cells=True,
    ),
    Part(
        "diversity",
        "new cells, compared with the real game's (aim)",
        "gamesim.evaluation.subject:measure_diversity",
        tuple(
            Metric(f"ratio_{name}", unit=TIMES, aim=(0.9, 1.1)) for name in ("floor", "wall", "food", "ghost")
        ),
        cells=True,
    ),
    Part(
        "controller",
        "score of the AI driver (controller C)",
        "gamesim.evaluation.subject:measure_controller",
        (
            Metric("dream", "AI driver, in the dream", SCORE),
            Metric("real", "AI driver, in the real game", SCORE),
            Metric("random", "Random keys, in the real game", SCORE),
            Metric("explorer", "The bot, in the real game", SCORE),
            Metric("episodes", "Games played for these scores", COUNT),
        ),
    ),
    Part(
        "speed",
        "time for one step (floor)",
        "gamesim.evaluation.subject:measure_speed",
        (
            Metric("median_ms", "One step takes", MS, floor=(0.0, 16.0)),
            Metric("p99_ms", "Slowest 1 % of steps", MS, floor=(0.0, 33.0)),
            Metric("memory_mib", unit="MiB"),
        ),
    ),
):
    register(_part)
