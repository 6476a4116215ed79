"""A real window, real keys: a controller drives, is overridden, drives the real game; a branch; a walk."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch

import gamesim  # noqa: F401
from e2e.desktop import App
from gamesim import checkpoint, models
from gamesim.config import load
from gamesim.data.episode import PLAYERS

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not os.environ.get("DISPLAY"), reason="no display: use tests/e2e/run.sh"),
    pytest.mark.skipif(not shutil.which("xdotool"), reason="xdotool is not installed"),
]


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    """The folder of an untrained World Models engine that likes to go left and right, and seldom ends."""
    torch.manual_seed(1)
    config = load("world-model-tiny")
    model = models.build(config).eval().requires_grad_(False)
    model.controller.from_flat(torch.randn(len(model.controller.flat())))
    model.memory.outcomes[-1].bias[-1] = -9
    frames = np.stack([gym.make("gamesim/Pacman-v0").reset(seed=seed)[0] for seed in range(4)])
    starts = checkpoint.Starts(torch.from_numpy(frames[:, None]), torch.zeros(4, 0, dtype=torch.int64))
    folder = tmp_path / "world-model-pacman"
    card = {"game": "gamesim/Pacman-v0"}
    checkpoint.save(folder, weights=model.state_dict(), config=config, starts=starts, card=card)
    return folder


@pytest.fixture
def app(tmp_path: Path, driver: Path) -> Iterator[App]:
    app = App(tmp_path, "watch", str(driver)).on("Play")
    yield app
    app.end()


def test_watch_override_branch_real_game_home_quit(app: App) -> None:
    app.keys("comma", pause=2.0)
    app.shoot("watch")
    app.hold("Left", 3.0)
    app.shoot("watch-override")
    app.keys("equal", "equal", "minus", "comma")
    app.until(app.episodes, "recorded dream")
    app.hold("BackSpace", 2.0)
    app.hold("Up", 3.0)
    app.shoot("branch")
    app.resize(800, 600)
    app.shoot("branch-800x600")
    app.keys("Tab", pause=1.0)
    app.on("Play")  # the real game, driven by the dream's controller
    app.shoot("watch-real-800x600")
    app.resize(1280, 800)
    app.keys("m", "Return", "h", "Left", "Up", "Right", "Down")
    app.shoot("home")
    assert app.leave() == 0
    (played,) = app.episodes()
    assert {PLAYERS[who] for who in played.players} == {"human", "controller"}
