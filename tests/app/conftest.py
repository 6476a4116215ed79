"""A window without a screen, and a dream that needs no network, found in a folder of checkpoints."""

from collections.abc import Iterator
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from safetensors.numpy import save_file

from app.driver import Driver
from app.fakes import FakeDream
from gamesim.app import catalog, theme
from gamesim.app.controls import KEYMAP


@pytest.fixture
def dream_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """gamesim/Dream-v0 is the fake dream in this test, and torch is not loaded for it."""
    monkeypatch.setattr(catalog, "_use_few_threads", lambda: None)
    fake = gym.envs.registration.EnvSpec(id="gamesim/Dream-v0", entry_point=FakeDream)
    monkeypatch.setitem(gym.registry, "gamesim/Dream-v0", fake)


@pytest.fixture
def checkpoints(tmp_path: Path, dream_id: None) -> Path:
    """A folder with one dream, of Pac-Man, as far as the menu looks into it."""
    folder = tmp_path / "checkpoints" / "gamegan-pacman"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("name: fake\n", encoding="utf-8")
    save_file({"frames": np.full((2, 8, 84, 84, 3), 90, np.uint8)}, folder / "starts.safetensors")
    return folder.parent


@pytest.fixture(autouse=True)
def usual_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is read from, or kept for, the person who runs the tests; keys and colours are as at first."""
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    yield
    KEYMAP.load({})
    theme.use("standard")
    theme.Scale.zoom = 1.0


@pytest.fixture
def app(checkpoints: Path, tmp_path: Path) -> Iterator[Driver]:
    driver = Driver(checkpoints, tmp_path)
    yield driver
    driver.window.close()
