"""What is asked of an engine: floors that one must reach to be shipped, and aims beyond them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FLOORS: dict[str, tuple[float, float]] = {
    "moves_free": (0.97, 1.0),
    "moves_blocked": (0.97, 1.0),
    "moves_obeyed": (0.97, 1.0),
    "kept_10": (0.95, 1.0),
    "kept_25": (0.90, 1.0),
    "pacman_centre": (0.99, 1.0),
    "food_eaten_gone": (0.95, 1.0),
    **{f"ratio_{name}": (0.5, 2.0) for name in ("floor", "wall", "food", "ghost", "flag")},
    "median_ms": (0.0, 16.0),
    "p99_ms": (0.0, 33.0),
}
"""Least and greatest value of a figure of ``rules`` or ``speed`` of an engine that is good enough to ship."""

_SOON = (1, 5, 10, 20, 40)
AIMS: dict[str, tuple[float, float]] = {
    **{f"horizons.{name}@{step}": (0.995, 1.0) for name in ("moves_free", "moves_blocked") for step in _SOON},
    "horizons.kept@10": (0.99, 1.0),
    "horizons.kept@40": (0.98, 1.0),
    **{f"horizons.food_eaten_gone@{step}": (0.99, 1.0) for step in _SOON},
    **{f"horizons.food_kept@{step}": (0.97, 1.0) for step in _SOON},
    **{f"horizons.ghosts_conserved@{step}": (0.90, 1.0) for step in _SOON},
    **{f"horizons.ghosts_legal@{step}": (0.98, 1.0) for step in _SOON},
    **{f"horizons.undecodable@{step}": (0.0, 0.01) for step in _SOON},
    **{f"home.cells_{length}": (0.98, 1.0) for length in (5, 10, 20)},
    **{f"diversity.ratio_{name}": (0.9, 1.1) for name in ("floor", "wall", "food", "ghost")},
}
"""Least and greatest value that we want of an engine: ``part.figure`` or ``part.figure@horizon``."""


def flat(figures: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures of `evaluate` under the names of `AIMS`: ``part.figure`` and ``part.figure@horizon``."""
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
    """Names of the figures that are outside of `FLOORS`; those that could not be counted are not."""
    both = {**(figures.get("rules") or {}), **(figures.get("speed") or {})}
    return list(_outside(both, FLOORS))


def short_of(figures: Mapping[str, Any]) -> dict[str, float]:
    """The aims that are missed, and by how much: negative is too little, positive too much."""
    return {name: round(by, 4) for name, by in _outside(flat(figures), AIMS).items()}


def _outside(
    found: Mapping[str, float | None], bounds: Mapping[str, tuple[float, float]]
) -> dict[str, float]:
    misses = {}
    for name, value in found.items():
        low, high = bounds.get(name, (float("-inf"), float("inf")))
        if value is not None and not low <= value <= high:
            misses[name] = value - (low if value < low else high)
    return misses
