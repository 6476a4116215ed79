"""A window without a screen, and a dream that needs no network, found in a folder of checkpoints."""

import functools
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

import gymnasium as gym
import numpy as np
import pygame
import pytest
from safetensors.numpy import save_file

from app.driver import Driver
from app.fakes import Dreamer, FakeDream, Layered, card, save
from app.training import STUB
from gamesim import labs
from gamesim.app import kit, theme
from gamesim.app.controls import KEYMAP
from gamesim.app.game.board import BoardPainter
from gamesim.app.library import catalog, jobs
from gamesim.app.library.catalog import PACMAN
from gamesim.app.sound import Sound
from toy_lab import LACKING, TOY

SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"


# The menu of the tests is the same wherever they run; at once, as they are parametrised by its games.
catalog.find_spec = lambda package: None

once = functools.cache(BoardPainter)


@pytest.fixture(scope="module", autouse=True)
def loaded_once() -> Iterator[None]:
    """Fonts, sprites and the mixer serve all windows: anew for each they would be most of the work.

    A mixer that is closed waits until its device has played what it has.
    """
    theme.forget()  # a test elsewhere may have called pygame.quit(), which no font outlives
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(theme, "forget", lambda: None)
        patch.setattr(pygame.font, "quit", lambda: None)
        patch.setattr(Sound, "close", lambda self: None)
        patch.setattr(kit, "BoardPainter", once)
        yield
    theme.forget()
    pygame.mixer.quit()


@pytest.fixture
def dream_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """gamesim/Dream-v0 is the fake dream in this test, and torch is not loaded for it."""
    fake = gym.envs.registration.EnvSpec(id="gamesim/Dream-v0", entry_point=FakeDream)
    monkeypatch.setitem(gym.registry, "gamesim/Dream-v0", fake)


@pytest.fixture
def checkpoints(tmp_path: Path, dream_id: None) -> Path:
    """A folder with one dream, of Pac-Man, as far as the menu looks into it."""
    folder = tmp_path / "checkpoints" / "tilemap-pacman"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("name: fake\nsystem: tilemap\n", encoding="utf-8")
    card(folder, PACMAN)
    save_file({"frames": np.full((2, 8, 84, 84, 3), 90, np.uint8)}, folder / "starts.safetensors")
    return folder.parent


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The labs of the tests learn nothing, and open at once."""
    monkeypatch.setattr(labs, "entries", lambda: {entry.name: entry for entry in (TOY, LACKING)})


@pytest.fixture(autouse=True)
def usual_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is read from, or kept for, who runs the tests, here or at home; all is as at first."""
    desk = tmp_path / "desk"
    desk.mkdir()
    monkeypatch.chdir(desk)
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


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> Callable[[type], None]:
    """Makes gamesim/Dream-v0 another dream."""

    def use(kind: type) -> None:
        spec = gym.envs.registration.EnvSpec(id="gamesim/Dream-v0", entry_point=kind)
        monkeypatch.setitem(gym.registry, "gamesim/Dream-v0", spec)

    return use


@pytest.fixture
def dreaming(app: Driver, entry) -> Driver:
    entry(Dreamer)
    return app.play("Tilemap Pac-Man")


@pytest.fixture
def layered(app: Driver, entry, checkpoints: Path) -> Driver:
    other = checkpoints / "other-pacman"
    other.mkdir()
    (other / "config.yaml").write_text("name: fake\n", encoding="utf-8")
    card(other, PACMAN)
    entry(Layered)
    return app.play("Tilemap Pac-Man")


@pytest.fixture
def shipped(tmp_path: Path) -> Iterator[Driver]:
    """The world that comes with the app, being played."""
    importlib.import_module("gamesim.dream")  # loads torch, which may take longer than a driver waits
    driver = Driver(SHIPPED, tmp_path)
    yield driver.play("Tilemap Pac-Man")
    driver.window.close()


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the runs of the person who runs it, and none trains a network unless it says so."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(jobs, "COMMAND", STUB)
    monkeypatch.setattr(jobs, "NICENESS", 0)  # the machine of the tests is busy


@pytest.fixture
def trainer(app: Driver, elsewhere: None) -> Iterator[Driver]:
    """The app with a few recordings; whatever is left running is ended."""
    save(app.recordings / "pac-man", "one", steps=30)
    yield app
    for job in app.window.kit.workshop.jobs.running:
        job.process.kill()
        job.process.wait(200)
