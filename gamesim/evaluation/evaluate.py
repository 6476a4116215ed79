"""What a learned engine is worth: one evaluator for every engine.

=================== ==================================================================================
`rules_kept`        does it keep the rules, now and after a hundred steps (with `ghosts`)
`coming_home`       is it the same place when one comes back
`fidelity`          does it match the real game where nothing is left to chance
`diversity`         do the things that it makes up vary, as in the real game
`controller`        what its own controller earns, in dreams and in the real game
`speed`             how fast it answers a key, and how much memory it needs
`transfer`          what an agent that was trained inside it earns in the real game (a command of its own)
=================== ==================================================================================

Each of these modules, the first four in `pacman`, defines its figures in its docstring.
`metrics` lists them all, with their floors and aims.
"""

import math
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gamesim.card import recipe_of
from gamesim.checkpoint import load_model
from gamesim.devices import pick
from gamesim.dream import HOTTEST
from gamesim.envs.arguments import MOST_STEPS, check_number, whole_number
from gamesim.errors import UserError
from gamesim.evaluation.controller import MOST_SEEDS
from gamesim.evaluation.metrics import COUNT, MS, aims, flat, floors, missed, named, parts, short_of
from gamesim.evaluation.subject import ROUGHLY, Subject
from gamesim.registry import blamed
from gamesim.registry import loaded as function


def evaluate(
    checkpoint: str | Path,
    episodes: int = 200,
    seed: int = 0,
    progress: bool = False,
    *,
    vision: str | Path | None = None,
    device: str = "cpu",
    temperature: float = 1.0,
) -> dict[str, Any]:
    """Measures an engine.

    Args:
        checkpoint: its folder.
        episodes: boards, each dreamt on for 100 steps after 8 real frames.
        seed: of boards, walks and dreams.
        progress: whether a bar and the table are shown on stderr.
        vision: a World Models checkpoint whose V measures the distances of coming home; None takes the
            engine's own V, where it has one.
        temperature: of the dreams that are judged; floors and aims are for 1.
        device: where the engine computes: auto, cpu, cuda, cuda:1 or mps; its speed is measured on one CPU
            thread, and on a GPU, in any case.

    Returns:
        Plain figures for JSON and the card: game, episodes, seed, then those of each part of `metrics` that
        suits the engine (``rules`` is None for a game without the 7x7 view, whose dreams cannot be decoded),
        ``aims_missed`` and ``notes``. What had nothing to count is None.

    Raises:
        UserError: A number is out of range, a checkpoint is damaged, its card names no known game, or there
            is no such device.
    """
    episodes = whole_number("episodes", episodes, 1, MOST_STEPS)
    seed = whole_number("seed", seed, 0, MOST_SEEDS)
    check_number("temperature", temperature, 0, HOTTEST, float)
    place = pick(device)
    model, loaded = load_model(checkpoint, place)
    notes = [] if temperature == 1 else [f"measured in dreams at temperature {temperature}, not 1"]
    try:
        game = recipe_of(loaded.card, str(checkpoint)).env_id
    except UserError as error:  # how fast it is can be told of any
        game = None
        notes.append(f"only its speed was measured: {error} (--game names it)")
    what = {"game": game, "episodes": episodes, "vision": vision, "loaded": loaded, "notes": notes}
    subject = Subject(model, seed, place, temperature, **what)
    if vision is not None and not subject.of_cells:
        raise UserError(f"vision: no distances are measured of {checkpoint}: its frames show no 7x7 cells")
    figures: dict[str, Any] = {"game": game, "episodes": episodes, "seed": seed, "rules": None}
    whole = round(episodes * ROUGHLY)
    with tqdm(
        total=whole, unit="frame", desc="dreaming", disable=not progress or not subject.of_cells
    ) as bar:
        subject.on_step = bar.update
        figures |= measure(subject)
        bar.total = bar.n
    figures |= {"aims_missed": short_of(figures), "notes": notes}
    if progress:
        print(table(figures), file=sys.stderr)
    return figures


def measure(subject: Subject) -> dict[str, Any]:
    """The figures of each part that suits, by its name."""
    found: dict[str, Any] = {}
    if of_cells := subject.of_cells:
        _ = subject.encoder  # a checkpoint without a V is refused before anything is dreamt
    for part in parts().values():
        try:
            with blamed(part.compute):
                figures = None if part.cells and not of_cells else function(part.compute)(subject)
                found |= {} if figures is None else {part.name: plain(figures)}
        except UserError as error:
            if part.compute.startswith("gamesim."):
                raise
            subject.notes.append(f"{part.name} was not measured: {error}")  # and all others are not lost
            warnings.warn(subject.notes[-1], stacklevel=2)
    return found


def plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with None for NaN and infinity, which JSON lacks; lists are rounded to four digits."""

    def each(value: Any) -> Any:
        if isinstance(value, list):
            return [None if item is None else round(item, 4) for item in map(each, value)]
        return value if math.isfinite(value) else None

    return {name: each(value) for name, value in figures.items()}


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
