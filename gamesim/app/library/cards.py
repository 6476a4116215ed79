"""What the app knows about a learned engine without loading it: its card and its figures."""

import contextlib
import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gamesim import card, text
from gamesim.evaluation.metrics import MS, SHARE, Metric, named

_TRAINED_BY = re.compile(r"^It was trained by (.+)\.$", re.MULTILINE)
_LONGEST = 65536  # characters of a card or of figures that are read
LEARNED_FROM = "learned from"
"""Label of the fact that says what an engine was trained on."""


@dataclass(frozen=True)
class Figure:
    """A measured number: its label, its value as shown, whether that is enough to ship (None: no bound)."""

    label: str
    value: str
    good: bool | None


@dataclass(frozen=True)
class EngineCard:
    """How an engine was trained, and how good it is.

    Attributes:
        facts: label -> value, in the order of its README.md.
        figures: what was measured and has a title, or whatever the last validation said.
        fresh: whether this app measured the figures, not the maker of the engine.
        trained_by: its training signals, in words; empty if its card does not say.
    """

    facts: dict[str, str] = field(default_factory=dict)
    figures: tuple[Figure, ...] = ()
    fresh: bool = False
    trained_by: str = ""

    @property
    def learned_from(self) -> str:
        """What it was trained on; empty if its card does not say."""
        return self.facts.get(LEARNED_FROM, "")

    @property
    def measured(self) -> bool:
        """Whether it was evaluated; figures from its training do not count."""
        return any(figure.label == metric.title for figure in self.figures for metric in _titled().values())

    @property
    def remembered(self) -> Figure | None:
        """The figure for how much of the board it remembers; None if nobody measured that."""
        return next((each for each in self.figures if each.label == named()["rules.kept_25"].title), None)

    @property
    def summary(self) -> str:
        """How it was trained, in a few words."""
        words = [self.facts.get("preset", "").split(" for ")[0]]
        with contextlib.suppress(KeyError, ValueError):
            words.append(spell(60 * float(self.facts["minutes"])))
        words.append(self.facts.get("device", "").partition(" (")[0])
        return " · ".join(word for word in words if word)


def read(folder: Path, measured: Path) -> EngineCard:
    """Read the card of the checkpoint in `folder`, as far as it can be read.

    The app's own figures, in the file `measured`, count if they are newer than the engine.
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
    numbers = _numbers(measured if fresh else folder / "metrics.json")
    known = [_figure(name, numbers, metric) for name, metric in _titled().items() if name in numbers]
    rest = [
        _figure(name, numbers, Metric(name, name.rpartition(".")[2].replace("_", " ").capitalize(), "number"))
        for name in numbers
        if name.startswith(("validation.", "score.")) and not name.endswith("_error") and not known
    ]
    return EngineCard(facts, tuple(known + rest), fresh, trained_by)


def spell(seconds: float) -> str:
    """A length of time in words, as everywhere in the app: "40 s", "12 min", "3 h 20 min", "5 days"."""
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


def _titled() -> dict[str, Metric]:
    """The metrics that people are shown, by ``part.name``."""
    return {name: metric for name, metric in named().items() if metric.title}


def _figure(name: str, numbers: Mapping[str, float], metric: Metric) -> Figure:
    """A number, with its error if `numbers` has one under the same name with _error."""
    value, good = numbers[name], None
    if metric.floor:
        low, high = metric.floor
        good = low <= value <= high
    shown = {MS: f"{value:.1f} ms", SHARE: f"{100 * value:.1f} %"}.get(metric.unit, f"{value:.4g}")
    if (error := numbers.get(f"{name}_error")) is not None:
        shown = f"{value:.2f} ± {error:.2f}"
    return Figure(metric.title, shown, good)


def _numbers(path: Path) -> dict[str, float]:
    """The finite numbers of a JSON file, by their dotted names; {} if it cannot be read."""
    try:
        with path.open("rb") as file:
            tree = text.from_json(file.read(_LONGEST))
        found = dict(text.flat(tree)) if isinstance(tree, dict) else {}
    except (OSError, ValueError, RecursionError):
        return {}
    kinds = {name: item for name, item in found.items() if type(item) in (int, float)}
    return {name: float(item) for name, item in kinds.items() if abs(item) <= sys.float_info.max}
