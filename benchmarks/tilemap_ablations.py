"""What the parts of Tilemap's training are worth: one of them off at a time, the same steps, several seeds.

    python benchmarks/tilemap_ablations.py --data DIR --out DIR [--steps 1000] [--seeds 2] [--minutes N]
        [--episodes 200] [--rows static,dynamic] [key=value ...]

Every run is the preset's but for its row's settings, and is evaluated as by `main.py evaluate`. The same
command goes on where Ctrl-C or --minutes stopped it; runs that were evaluated are not touched again. The
table is printed, and kept as table.md: a value for each seed, and a mark, "-" where the engine is worse
without the part, "+" where it is better. A mark means that all seeds lie on one side of the whole
training's, and further away from them than either lie from each other. Of cells that differ by chance alone
one in 22 gets a "-" all the same with two seeds, one in 260 with three (normal figures): look for several
marks, and at their size.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from gamesim import storage
from gamesim.config import load
from gamesim.config.tilemap import TilemapConfig
from gamesim.errors import UserError
from gamesim.evaluation.evaluate import evaluate
from gamesim.evaluation.metrics import flat
from gamesim.text import one_line
from gamesim.training import stages
from gamesim.training.folder import began

OFF = "{start: 0, end: 0}"
ROWS: dict[str, tuple[str, ...]] = {
    "whole": (),
    "free-running": (f"training.free_running={OFF}", f"training.losses.remembered={OFF}"),
    "corrupt": ("training.corrupt=0",),
    "covering": ("training.losses.covering={start: 7.5e-5, end: 7.5e-5}",),
    "static": (f"training.losses.static={OFF}",),
    "dynamic": (f"training.losses.dynamic={OFF}",),
    "robust": ("training.losses.robust=0",),
}
"""The settings that take each part away; covering keeps GameGAN's penalty, and loses its schedule."""

WHOLE = "whole"


@dataclass(frozen=True)
class Column:
    """A figure of `evaluate`: its title, its name in `flat`, and how far a value is from a perfect one."""

    title: str
    name: str
    off: Callable[[float], float]
    form: str = "{:.1%}"


def _missing(share: float) -> float:
    return 1 - share


def _from_one(ratio: float) -> float:
    return abs(math.log(max(ratio, 1e-9)))


COLUMNS = (
    Column("drawn by the dynamic layer", "covered", abs, "{:.0%}"),
    Column("nll", "nll", abs, "{:.3f}"),
    Column("free moves", "rules.moves_free", _missing),
    Column("blocked moves", "rules.moves_blocked", _missing),
    Column("kept, 10 steps", "horizons.kept@10", _missing),
    Column("kept, 40 steps", "horizons.kept@40", _missing),
    Column("home from 20", "home.cells_20", _missing),
    Column("eaten food gone", "rules.food_eaten_gone", _missing),
    Column("other food stays", "rules.food_kept", _missing),
    Column("ghosts conserved", "rules.ghosts_conserved", _missing),
    Column("ghosts move as they may", "rules.ghosts_legal", _missing),
    Column("a catch ends it", "rules.caught_ends", _missing),
    Column("new ghosts", "diversity.ratio_ghost", _from_one, "{:.2f}"),
    Column("ghosts after 15 steps", "rules.ratio_ghost", _from_one, "{:.2f}"),
    Column("aims missed", "aims_missed", abs, "{:.0f}"),
)

Figures = dict[str, float | None]
"""Of one run, by the names of `COLUMNS`."""


def figures_of(measured: Mapping[str, Any]) -> Figures:
    """The figures of `COLUMNS` in what `evaluate` returned."""
    own = {name: measured.get(name) for name in ("nll", "covered")}
    found = {**flat(measured), **own, "aims_missed": float(len(measured["aims_missed"]))}
    return {column.name: found.get(column.name) for column in COLUMNS}


def run(row: str, seed: int, words: argparse.Namespace, end: float) -> bool:
    """Trains and evaluates one run, as far as it is not yet; False where it was stopped before its end."""
    folder = Path(words.out) / row / str(seed)
    if (folder / "figures.json").is_file():
        return True
    if (left := end - time.monotonic()) <= 0:
        return False
    changes = [f"seed={seed}", f"training.steps={words.steps}", *words.settings, *ROWS[row]]
    chosen = cast(TilemapConfig, load(words.preset, changes))
    print(f"{row}, seed {seed}: {folder}", file=sys.stderr, flush=True)
    minutes = left / 60 if math.isfinite(left) else None
    how = {"device": words.device, "resume": began(folder / "run"), "minutes": minutes}
    ended = stages.train(chosen, words.data, folder / "run", **how)
    if ended is None or ended.outcome != "done" or time.monotonic() >= end:
        return False
    measured = evaluate(ended.checkpoint, words.episodes, device=words.device)
    measured |= learned(folder / "run", chosen)
    storage.write_file(folder / "figures.json", json.dumps(measured, indent=1).encode())
    return True


def learned(run: Path, chosen: TilemapConfig) -> Figures:
    """What a training says of itself: its nll, and how much of a frame its dynamic layer draws."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    validation = [line["validation"] for line in lines if "validation" in line]
    losses = [line["losses"] for line in lines if "losses" in line]
    pixel, side = chosen.training.losses.covering.end, chosen.model.frame_size
    drawn = losses[-1].get("covering") if losses else None
    return {
        "nll": validation[-1]["nll"] if validation else None,
        "covered": drawn / (pixel * side**2) if drawn and pixel else None,
    }


def read(out: Path) -> dict[str, list[Figures]]:
    """What was measured so far: the figures of each row, by seed."""
    found: dict[str, list[Figures]] = {}
    for row in ROWS:
        files = sorted((out / row).glob("*/figures.json"), key=lambda file: int(file.parent.name))
        if files:
            found[row] = [figures_of(json.loads(file.read_text(encoding="utf-8"))) for file in files]
    return found


def table(found: Mapping[str, list[Figures]]) -> str:
    """Markdown: a row for each part that was off, a value for each seed."""
    titles = ["off", *(column.title for column in COLUMNS)]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for row, runs in found.items():
        cells = [_cell(column, runs, found.get(WHOLE, [])) for column in COLUMNS]
        lines.append(f"| {'nothing' if row == WHOLE else row} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(column: Column, runs: list[Figures], whole: list[Figures]) -> str:
    values = [figures[column.name] for figures in runs]
    shown = ", ".join("none" if value is None else column.form.format(value) for value in values)
    here, there = _offs(column, runs), _offs(column, whole)
    if runs is whole or len(here) < 2 or len(there) < 2:
        return shown
    spread = max(max(each) - min(each) for each in (here, there))
    worse, better = min(here) - max(there), min(there) - max(here)
    return shown + (" -" if worse > spread else " +" if better > spread else "")


def _offs(column: Column, runs: list[Figures]) -> list[float]:
    values = [figures[column.name] for figures in runs]
    return [column.off(value) for value in values if value is not None]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--preset", default="tilemap")
    parser.add_argument("--steps", type=int, default=1000, help="training steps of every run")
    parser.add_argument("--seeds", type=int, default=2, help="runs of each row")
    parser.add_argument("--minutes", type=float, help="stop after so many minutes; the next call goes on")
    parser.add_argument("--episodes", type=int, default=200, help="boards of an evaluation")
    parser.add_argument("--rows", default=",".join(ROWS), help=f"some of {', '.join(ROWS)}")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("settings", nargs="*", metavar="key=value", help="settings of every run")
    words = parser.parse_intermixed_args()
    end = math.inf if words.minutes is None else time.monotonic() + 60 * words.minutes
    out = Path(words.out)
    try:
        rows = words.rows.split(",")
        if unknown := set(rows) - ROWS.keys():
            raise UserError(f"--rows: {', '.join(sorted(unknown))}: there are {', '.join(ROWS)}")
        # Seed by seed, so that what is there when time is up is a whole table.
        whole = all(run(row, seed, words, end) for seed in range(words.seeds) for row in rows)
        out.mkdir(parents=True, exist_ok=True)
        storage.write_file(out / "table.md", table(read(out)).encode())
    except UserError as error:
        print(f"tilemap_ablations: {one_line(error)}", file=sys.stderr)
        return 2
    print(table(read(out)), end="")
    print("done" if whole else "stopped: the same command goes on", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
