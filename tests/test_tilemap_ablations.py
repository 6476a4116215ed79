"""benchmarks/tilemap_ablations.py: one part off at a time, nothing done twice, and marks for what differs."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from gamesim import config
from gamesim.config.tilemap import TilemapConfig

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "tilemap_ablations.py"


@pytest.fixture(scope="module")
def ablations() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tilemap_ablations", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def test_every_row_changes_its_own_settings_and_no_other(ablations):
    whole = config.load("tilemap")
    changed = {
        "whole": (),
        "free-running": ("training.free_running", "training.losses.remembered"),
        "corrupt": ("training.corrupt",),
        "covering": ("training.losses.covering",),
        "static": ("training.losses.static",),
        "dynamic": ("training.losses.dynamic",),
        "robust": ("training.losses.robust",),
    }
    assert set(ablations.ROWS) == set(changed)
    for row, words in ablations.ROWS.items():
        without = config.load("tilemap", words)
        assert isinstance(without, TilemapConfig)
        assert config.difference(whole, without, ignore=changed[row]) is None
        assert (config.difference(whole, without) is None) is (row == "whole")


def measured(kept: float, new_ghosts: float = 1.0) -> dict:
    horizons = {"steps": [1, 10, 40], "kept": [1.0, kept, kept]}
    return {"horizons": horizons, "diversity": {"ratio_ghost": new_ghosts}, "aims_missed": {"x": 1}}


def lay_out(out: Path, runs: dict[str, list[dict]]) -> Path:
    for row, seeds in runs.items():
        for seed, figures in enumerate(seeds):
            (out / row / str(seed)).mkdir(parents=True)
            (out / row / str(seed) / "figures.json").write_text(json.dumps(figures))
    return out


def test_a_mark_is_set_where_rows_differ_by_more_than_their_seeds_do(ablations, tmp_path):
    runs = {
        "whole": [measured(0.98, 1.30), measured(0.96, 1.35)],
        "static": [measured(0.93, 0.99), measured(0.92, 1.01)],
        "dynamic": [measured(0.95, 1.32), measured(0.92, 1.10)],
        "covering": [measured(0.50)],
    }
    lines = ablations.table(ablations.read(lay_out(tmp_path, runs))).splitlines()
    titles = [title.strip() for title in lines[0].strip("|").split("|")]
    rows = {}
    for line in lines[2:]:
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        rows[name] = [name, *cells]
    kept, ghosts, gone = (titles.index(t) for t in ("kept, 10 steps", "new ghosts", "eaten food gone"))
    assert rows["nothing"][kept] == "98.0%, 96.0%"
    assert rows["static"][kept] == "93.0%, 92.0% -"
    assert rows["static"][ghosts] == "0.99, 1.01 +", "nearer to 1"
    assert rows["dynamic"][kept] == "95.0%, 92.0%", "worse, but its seeds differ by more"
    assert rows["dynamic"][ghosts] == "1.32, 1.10"
    assert rows["covering"][kept] == "50.0%", "one seed is chance"
    assert rows["static"][gone] == "none, none"


def test_what_is_done_is_not_done_again_and_what_was_stopped_goes_on(ablations, tmp_path, monkeypatch):
    trained = []

    def train(chosen, data, out, *, device, resume, minutes):
        trained.append((out.parent.parent.name, chosen.seed, resume))
        out.mkdir(parents=True, exist_ok=True)
        (out / "config.yaml").write_text(chosen.dump())
        pixel = chosen.training.losses.covering.end
        lines = [{"losses": {"covering": 0.25 * pixel * 84 * 84}}, {"validation": {"nll": 0.5}}]
        (out / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        outcome = "stopped" if len(trained) == 2 else "done"
        return SimpleNamespace(outcome=outcome, checkpoint=out / "last")

    monkeypatch.setattr(ablations.stages, "train", train)
    monkeypatch.setattr(ablations, "evaluate", lambda *_, **__: measured(0.9))
    words = ["--data", "d", "--out", str(tmp_path), "--rows", "whole,static", "--seeds", "1"]
    monkeypatch.setattr("sys.argv", ["tilemap_ablations", *words])
    assert ablations.main() == 0
    assert trained == [("whole", 0, False), ("static", 0, False)]
    assert "static" not in (tmp_path / "table.md").read_text(), "it was stopped"
    assert ablations.main() == 0
    assert trained[2:] == [("static", 0, True)]
    assert "| static | 25% | 0.500 |" in (tmp_path / "table.md").read_text()
    assert ablations.main() == 0 and len(trained) == 3


def test_a_part_that_is_not_there_is_one_line(ablations, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["x", "--data", "d", "--out", str(tmp_path), "--rows", "statik"])
    assert ablations.main() == 2
    assert capsys.readouterr().err.startswith("tilemap_ablations: --rows: statik: there are whole, ")
