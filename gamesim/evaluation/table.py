"""The figures of an engine as text: what is asked for stands beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gamesim.evaluation.aims import AIMS, FLOORS, flat, missed, short_of

TITLES = {
    "rules": "rules kept over 30 dreamt steps (floor)",
    "horizons": "rules kept after 1 to 100 dreamt steps (aim)",
    "home": "coming home, by steps walked away (aim)",
    "fidelity": "compared with the real game, same keys (decibels; share; games)",
    "diversity": "new cells, compared with the real game's (aim)",
    "controller": "score of the AI driver (controller C)",
    "speed": "time for one step (floor)",
}


def table(figures: Mapping[str, Any]) -> str:
    """The figures as lines of text; MISSED marks a floor, * an aim that is not reached."""
    lines = [f"{figures['game']}, {figures['episodes']} episodes, seed {figures['seed']}"]
    for part, title in TITLES.items():
        if part not in figures:
            continue
        if figures[part] is None:
            lines.append(f"{part}: not measured (this game's frames do not show 7x7 cells)")
            continue
        lines.append(title)
        lines += [_row(part, name, value, figures) for name, value in figures[part].items()]
    lines += [f"note: {note}" for note in figures.get("notes", ())]
    short = short_of(figures)
    if short:
        measured = [name for name, value in flat(figures).items() if name in AIMS and value is not None]
        lines.append(f"* misses {len(short)} of {len(measured)} aims")
    return "\n".join(lines)


def _row(part: str, name: str, value: Any, figures: Mapping[str, Any]) -> str:
    short = short_of(figures)
    if isinstance(value, list):
        keys = [f"{part}.{name}@{step}" for step in figures[part]["steps"]]
        shown = "".join(
            f"{_number(name, each)}{'*' if key in short else ' '}"
            for each, key in zip(value, keys, strict=True)
        )
        wanted = ", ".join(dict.fromkeys(asked(*AIMS[key]) for key in keys if key in AIMS))
        return f"  {name:22}{shown} {wanted}".rstrip()
    key = f"{part}.{name}"
    bound = FLOORS.get(name) if part in ("rules", "speed") else AIMS.get(key)
    late = part in ("rules", "speed") and name in missed(figures)
    mark = "MISSED" if late else "*" if key in short else ""
    return f"  {name:22}{_number(name, value)}  {asked(*bound) if bound else '':14} {mark}".rstrip()


def asked(low: float, high: float) -> str:
    """A bound in words."""
    if low <= 0:
        return f"at most {high:g}"
    return f"{low:g} to {high:g}" if high != 1.0 else f"at least {low:g}"


def _number(name: str, value: float | None) -> str:
    if value is None:
        return f"{'-':>9}"
    if name in ("steps", "episodes"):
        return f"{value:9.0f}"
    return f"{value:9.2f}" if name.endswith("_ms") or name.startswith("psnr") else f"{value:9.4f}"
