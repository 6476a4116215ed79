"""Every script in benchmarks/ starts: what it imports of gamesim is there. A probe measures what it says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from gamesim.envs.layouts import FLOOR, FOOD, GHOST, WALL
from gamesim.envs.sprites import tiles
from gamesim.errors import UserError

SCRIPTS = sorted((Path(__file__).parents[1] / "benchmarks").glob("*.py"))


def loaded(script: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmark_{script.stem}", script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.extra
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_finds_what_it_imports(script, monkeypatch):
    try:
        module = loaded(script, monkeypatch)
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] == "gamesim":
            raise
        pytest.skip(f"needs {missing.name}")
    assert callable(module.main)


def test_a_probe_finds_what_is_told_linearly_and_nothing_else(monkeypatch):
    fireballs = loaded(SCRIPTS[0].with_name("fireballs.py"), monkeypatch)
    chance = torch.Generator().manual_seed(0)
    game = torch.arange(20).repeat_interleave(60)
    there = (torch.rand(1200, fireballs.COLUMNS, generator=chance) < 0.2).float()
    noise = torch.randn(1200, 30, generator=chance)
    told = torch.cat([noise, there @ torch.randn(fireballs.COLUMNS, 12, generator=chance)], 1)
    assert (
        fireballs.probe(told, there, game)["auc"] > 0.99 and fireballs.probe(told, there, game)["r2"] > 0.95
    )
    assert abs(fireballs.probe(noise, there, game)["auc"] - 0.5) < 0.07
    wide = torch.cat([told, torch.randn(1200, 1500, generator=chance)], 1)  # more numbers than frames
    assert fireballs.probe(wide, there, game)["auc"] > 0.9


class Grey:
    """A V that draws every frame grey, and of whose two numbers the second follows the frame's red."""

    side = 64

    def encode(self, pixels):
        mean = torch.stack([torch.ones(len(pixels)), pixels[:, 0, 0, 0]], 1)
        return mean, torch.zeros_like(mean)

    def decode(self, z):
        return torch.full((len(z), 3, 64, 64), 0.5)


def test_what_v_loses_is_the_squared_error_of_a_frame(monkeypatch):
    script = loaded(SCRIPTS[0].with_name("vision_error.py"), monkeypatch)
    frames = torch.zeros(300, 64, 64, 3, dtype=torch.uint8)
    frames[::2] = 255
    frames[10, :32] = 127
    errors, nats, means = script.through(Grey(), frames)
    assert errors[:3].tolist() == [3072] * 3, "0.25 for each of 64x64x3 numbers"
    assert 1536 < float(errors[10]) < 1540
    assert nats.tolist()[1::2] == [0.5] * 150, "half the squared length of the mean"
    assert (means.std(0) > 0.2).tolist() == [False, True]


def test_the_frames_that_v_misses_most_are_not_neighbours(monkeypatch):
    script = loaded(SCRIPTS[0].with_name("vision_error.py"), monkeypatch)
    errors = torch.tensor([0.0] * 20 + [9.0, 10.0, 8.0] + [0.0] * 20 + [5.0])
    assert script.worst(errors, 2) == [21, 43]


def test_a_cell_shows_as_much_of_a_ghost_as_is_drawn_there(monkeypatch):
    script = loaded(SCRIPTS[0].with_name("ghosts_known.py"), monkeypatch)
    floor, ghost = tiles(12, "night")[[FLOOR, GHOST]].astype(np.float32)
    frame = np.tile(floor, (7, 7, 1))
    frame[12:24, :12], frame[:12, 24:36] = ghost, (floor + ghost) / 2
    shown = script.ghostly(frame.round().astype(np.uint8)[None])[0]
    assert shown[1, 0] == pytest.approx(1) and shown[0, 2] == pytest.approx(0.5, abs=0.01)
    assert abs(shown).sum() == pytest.approx(1.5, abs=0.01)


def test_where_a_ghost_went_is_found_though_the_view_scrolled_if_it_had_a_choice(monkeypatch):
    script = loaded(SCRIPTS[0].with_name("ghosts_known.py"), monkeypatch)
    before, after = np.full((7, 7), WALL, np.uint8), np.full((7, 7), WALL, np.uint8)
    before[2, 2] = GHOST
    after[2, 1], after[1, 1], after[3, 1], after[2, 0] = WALL, FLOOR, GHOST, FOOD
    assert script.next_cells(before, after, 2) == [((3, 1), [(1, 1)])], "the player went right"
    after[1, 1] = WALL
    assert script.next_cells(before, after, 2) == [], "it had no choice"
    assert script.next_cells(before, after, 1) == [], "beside Pac-Man"


def test_a_fireball_is_in_the_column_of_its_middle_and_near_if_it_is_wide(monkeypatch):
    fireballs = loaded(SCRIPTS[0].with_name("fireballs.py"), monkeypatch)
    far, near = fireballs.columns([(0.0, 5.0), (319.9, 40.0), (330.0, 3.0)])
    assert far.tolist() == [1, 0, 0, 0, 0, 0, 0, 1] and near.tolist() == [0, 0, 0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        ("nowhere", "no such folder"),
        ("tilemap-pacman", "is no GameGAN with a memory"),
        ("world-model-takecover", "is no GameGAN"),
    ],
)
def test_only_a_gamegan_has_a_memory_to_look_into(engine, reason, monkeypatch):
    memory_kept = loaded(SCRIPTS[0].with_name("memory_kept.py"), monkeypatch)
    monkeypatch.setattr("sys.argv", ["memory_kept.py", engine])
    with pytest.raises(UserError, match=f"{engine}.*{reason}"):
        memory_kept.main()


@pytest.mark.parametrize(
    ("engine", "reason"), [("nowhere", "no such folder"), ("tilemap-pacman", "is no GameGAN")]
)
def test_only_a_gamegan_is_asked_for_its_ghosts(engine, reason, monkeypatch):
    ghosts_known = loaded(SCRIPTS[0].with_name("ghosts_known.py"), monkeypatch)
    monkeypatch.setattr("sys.argv", ["ghosts_known.py", "gamegan-pacman", engine])
    with pytest.raises(UserError, match=f"{engine}.*{reason}"):
        ghosts_known.main()
