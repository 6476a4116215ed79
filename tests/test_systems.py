"""A kind of model is one entry: whoever asks finds ours there, and one that another package brings."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gymnasium as gym
import pytest

from elsewhere import installed
from gamesim import checkpoint, config
from gamesim.agents.record import record
from gamesim.app.library import catalog, presets
from gamesim.app.library.jobs import Jobs
from gamesim.app.library.runs import Run, is_run
from gamesim.cli import main
from gamesim.errors import UserError
from gamesim.registry import loaded
from gamesim.systems import register, remove, systems
from toy_system import STILL, StillConfig

PRESET = """
# Learns one picture.
system: still
training: {steps: 40, log_every: 10, validate_every: 20}
"""


@pytest.fixture
def still(tmp_path) -> Iterator[Path]:
    """The toy is registered; a preset of it."""
    register(STILL)
    preset = tmp_path / "still.yaml"
    preset.write_text(PRESET)
    yield preset
    remove(STILL.name)


@pytest.fixture
def plays(tmp_path) -> Path:
    record("gamesim/Pacman-v0", "explorer", 3, tmp_path / "plays", seed=1, progress=False)
    return tmp_path / "plays"


@pytest.mark.parametrize("name", systems())
def test_what_an_entry_names_is_there(name):
    system = systems()[name]
    settings = loaded(system.config)(name="any")
    assert settings.system == name
    assert [section for section in system.sections if not hasattr(settings, section)] == []
    for part in (system.model, *system.extras.values(), *(stage.make for stage in system.stages)):
        assert callable(loaded(part))


def test_a_system_from_outside_is_trained_resumed_and_dreamt_like_ours(still, plays, tmp_path, capsys):
    run = tmp_path / "runs" / "mine"
    train = ("train", str(still), "--data", str(plays), "--out", str(run), "--device", "cpu")
    assert main([*train, "training.steps=20"]) == 0
    assert main([*train, "--resume"]) == 0
    found = checkpoint.load(run / "last")
    assert isinstance(found.config, StillConfig)
    assert "trained by the squared error" in found.card
    assert is_run(run)
    dream = gym.make("gamesim/Dream-v0", checkpoint=run / "last")
    dream.reset(seed=0)
    frame, *_ = dream.step(1)
    assert abs(frame.mean() - float(found.starts.frames.float().mean())) < 40  # how bright the game is
    title = catalog.dream(run / "last")
    assert (title.system, title.has_controller) == ("still", False)
    assert title.kind == list(systems()).index("still")
    seen = Run(run, Jobs())
    seen.follow()
    assert (seen.state, presets.of_run(seen).steps) == ("done", {"training": 40})


def test_an_unknown_system_is_told_which_there_are(still, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("system: stil\n")
    with pytest.raises(UserError, match="or 'still', did you mean 'still'"):
        config.load(wrong)


@pytest.mark.slow
def test_an_entry_point_of_another_package_is_enough(still, plays, tmp_path):
    packages = {"still": "toy_system:STILL", "broken": "no_such_module:X"}
    where = installed(tmp_path / "site", "gamesim.systems", packages)
    command = [sys.executable, "-m", "gamesim", "train", still, "--data", plays, "--out", tmp_path / "run"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, env=where)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("done: ")
    assert "no_such_module:X are left out" in done.stderr
