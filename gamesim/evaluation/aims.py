"""What of `metrics` a model misses: floors that it must reach to be shipped, and aims beyond them."""

from collections.abc import Mapping
from typing import Any

from gamesim.evaluation.metrics import Bounds, aims, floors


def flat(figures: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures of `evaluate` under the names of `metrics`: ``part.name`` and ``part.name@horizon``."""
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
    """Names of the figures below or above their floor; those that could not be counted are not."""
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
