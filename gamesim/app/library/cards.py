"""What is known about a learned engine without loading it: its card and its figures."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gamesim import card, text
from gamesim.evaluation.aims import FLOORS

_TRAINED_BY = re.compile(r"^It was trained by (.+)\.$", re.MULTILINE)
_LONGEST = 65536  # characters of a card or of figures that are read
LEARNED_FROM = "learned from"
"""The fact that says what an engine was given."""
FIGURES = {
    "rules.kept_25": "Board remembered for 25 steps",
    "rules.kept_10": "Board remembered for 10 steps",
    "rules.kept_25_returned": "Remembered, coming home",
    "rules.moves_obeyed": "Keys obeyed",
    "rules.moves_blocked": "Walls stop Pac-Man",
    "rules.food_eaten_gone": "Eaten food is gone",
    "rules.reward_on_food": "Reward for food",
    "rules.flag_ends": "The flag ends the game",
    "speed.median_ms": "One step takes",
    "speed.p99_ms": "Slowest 1 % of steps",
    "controller.dream": "AI driver, in the dream",
    "controller.real": "AI driver, in the real game",
    "controller.random": "Random keys, in the real game",
    "controller.explorer": "The bot, in the real game",
    "controller.episodes": "Games played for these scores",
}
"""Figures of `main.py evaluate` that are shown, the most telling first, in plain words; a figure that has
one of the same name with _error beside it is shown with that."""


@dataclass(frozen=True)
class Figure:
    """A measured number: in words, as shown, and whether it is good enough to ship (None: nobody says)."""

    label: str
    value: str
    good: bool | None


@dataclass(frozen=True)
class EngineCard:
    """How an engine was trained (plain facts, in order) and what it is worth.

    Attributes:
        facts: label -> value, as its README.md has them.
        figures: what was measured, in the order of `FIGURES`, then whatever the last validation said.
        fresh: whether the figures were measured by this app, not by who made the engine.
        trained_by: its training signals, in words; empty where its card does not say.
    """

    facts: dict[str, str] = field(default_factory=dict)
    figures: tuple[Figure, ...] = ()
    fresh: bool = False
    trained_by: str = ""

    @property
    def learned_from(self) -> str:
        """What it was learned from, and given besides; empty where its card does not say."""
        return self.facts.get(LEARNED_FROM, "")

    @property
    def measured(self) -> bool:
        """Whether it was evaluated: what its training says of itself does not count."""
        return any(figure.label in FIGURES.values() for figure in self.figures)

    @property
    def remembered(self) -> Figure | None:
        """How much of the board is remembered; None where that was not measured."""
        return next((each for each in self.figures if each.label == FIGURES["rules.kept_25"]), None)

    @property
    def summary(self) -> str:
        """How it was trained, in a few words."""
        words = [self.facts.get("preset", "").split(" for ")[0]]
        with contextlib.suppress(KeyError, ValueError):
            words.append(spell(60 * float(self.facts["minutes"])))
        words.append(self.facts.get("device", "").partition(" (")[0])
        return " · ".join(word for word in words if word)


def read(folder: Path, measured: Path) -> EngineCard:
    """Read a card.

    Args:
        folder: of the checkpoint.
        measured: figures that this app had measured; they count if they are newer than the engine.

    Returns:
        The card, as far as it can be read.
    """
    facts: dict[str, str] = {}
    trained_by = ""
    with contextlib.suppress(OSError):
        said = text.decode((folder / "README.md").read_bytes(), "replace")[:_LONGEST]
        facts = card.facts(said)
        by = _TRAINED_BY.search(said.partition(card.FIGURES)[0])
        trained_by = by.group(1) if by else ""
    fresh = False
    with contextlib.suppress(OSError):
        fresh = measured.stat().st_mtime > (folder / "manifest.json").stat().st_mtime
    numbers = _flat(_json(measured if fresh else folder / "metrics.json"))
    known = [_figure(name, numbers) for name in FIGURES if name in numbers]
    rest = [
        _figure(name, numbers)
        for name in numbers
        if name.startswith(("validation.", "score.")) and not name.endswith("_error") and not known
    ]
    return EngineCard(facts, tuple(known + rest), fresh, trained_by)


def spell(seconds: float) -> str:
    """A length of time in words, the one style of the app: "40 s", "12 min", "3 h 20 min", "5 days"."""
    if not math.isfinite(seconds):
        return "–"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days = round(hours / 24)
    return f"{days} days" if days < 21 else f"{round(days / 7)} weeks"


def _figure(name: str, numbers: Mapping[str, float]) -> Figure:
    short, value = name.rpartition(".")[2], numbers[name]
    good = None
    if short in FLOORS:
        low, high = FLOORS[short]
        good = low <= value <= high
    shown = f"{value:.1f} ms" if short.endswith("_ms") else f"{value:.4g}"
    if (error := numbers.get(f"{name}_error")) is not None:
        shown = f"{value:.2f} ± {error:.2f}"
    if name.startswith("rules."):
        shown = f"{100 * value:.1f} %"
    return Figure(FIGURES.get(name, short.replace("_", " ").capitalize()), shown, good)


def _json(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            return text.from_json(file.read(_LONGEST))
    except (OSError, ValueError):
        return {}


def _flat(tree: Any, prefix: str = "") -> dict[str, float]:
    """Dotted names -> finite numbers."""
    found: dict[str, float] = {}
    for name, item in tree.items() if isinstance(tree, dict) else ():
        if isinstance(item, dict) and prefix.count(".") < 4:
            found |= _flat(item, f"{prefix}{name}.")
        elif isinstance(item, (int, float)) and not isinstance(item, bool) and math.isfinite(item):
            found[f"{prefix}{name}"] = float(item)
    return found
