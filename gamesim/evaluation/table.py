"""The figures of an engine as text: what is asked for stands beside what was measured."""

from collections.abc import Mapping
from typing import Any

from gamesim.evaluation.metrics import COUNT, MS, aims, flat, floors, missed, named, parts, short_of


def table(figures: Mapping[str, Any]) -> str:
    """The figures as lines of text; MISSED marks a floor, * an aim that is not reached."""
    lines = [f"{figures['game']}, {figures['episodes']} episodes, seed {figures['seed']}"]
    for part in parts().values():
        if part.name not in figures:
            continue
        if figures[part.name] is None:
            lines.append(f"{part.name}: not measured (this game's frames do not show 7x7 cells)")
            continue
        lines.append(part.title)
        lines += [_row(part.name, name, value, figures) for name, value in figures[part.name].items()]
    lines += [f"note: {note}" for note in figures.get("notes", ())]
    short = short_of(figures)
    if short:
        measured = [name for name, value in flat(figures).items() if name in aims() and value is not None]
        lines.append(f"* misses {len(short)} of {len(measured)} aims")
    return "\n".join(lines)


def _row(part: str, name: str, value: Any, figures: Mapping[str, Any]) -> str:
    short, wanted, key = short_of(figures), aims(), f"{part}.{name}"
    unit = named()[key].unit if key in named() else ""
    if isinstance(value, list):
        keys = [f"{key}@{step}" for step in figures[part]["steps"]]
        shown = "".join(
            f"{_number(name, unit, each)}{'*' if key in short else ' '}"
            for each, key in zip(value, keys, strict=True)
        )
        bounds = ", ".join(dict.fromkeys(asked(*wanted[key]) for key in keys if key in wanted))
        return f"  {name:22}{shown} {bounds}".rstrip()
    bound = floors().get(key) or wanted.get(key)
    mark = "MISSED" if key in missed(figures) else "*" if key in short else ""
    return f"  {name:22}{_number(name, unit, value)}  {asked(*bound) if bound else '':14} {mark}".rstrip()


def asked(low: float, high: float) -> str:
    """A bound in words."""
    if low <= 0:
        return f"at most {high:g}"
    return f"{low:g} to {high:g}" if high != 1.0 else f"at least {low:g}"


def _number(name: str, unit: str, value: float | None) -> str:
    if value is None:
        return f"{'-':>9}"
    if name == "steps" or unit == COUNT:
        return f"{value:9.0f}"
    return f"{value:9.2f}" if unit in (MS, "dB") else f"{value:9.4f}"
