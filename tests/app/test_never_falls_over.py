"""Whatever happens, on every screen: no exception, leaving waits for no one, recordings are kept."""

import gc
import os
import subprocess
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pygame
import pytest

from app.driver import Driver
from app.fakes import save
from app.mischief import Mischief
from app.training import assert_kept_or_running, old_run, press_button, start
from gamesim.app.labs.page import LabPage
from gamesim.app.navigation import PLACES, visit
from gamesim.app.screens.menu import Menu
from gamesim.data.episode import Episode
from toy_lab import TOY

SMALL = (320, 240)  # what is drawn faster is teased more often
EVENTS = int(os.environ.get("MISCHIEF_EVENTS", "100000"))  # of the slow test, on all screens together


def play(name: str, *keys: int) -> Callable[[Driver], None]:
    def open_it(app: Driver) -> None:
        app.play(name)
        app.press(*keys)

    return open_it


def place(name: str) -> Callable[[Driver], None]:
    return lambda app: visit(app.window, name)


def replay(app: Driver) -> None:
    path = save(app.recordings / "pac-man", "one", steps=30)
    app.window.kit.workshop.shelf.refresh()
    app.until(lambda: any(each.path == path for each in app.window.kit.workshop.shelf.recordings))
    visit(app.window, "Recordings")
    app.frames(1)
    app.press(pygame.K_RETURN)


def new_training(app: Driver) -> None:
    visit(app.window, "Train")
    app.frames(1)
    app.press(pygame.K_HOME, pygame.K_RETURN)


def training(app: Driver) -> None:
    """The page of a run of the command line, in ./runs."""
    if not Path("runs/old").exists():
        old_run(app)
    visit(app.window, "Train")
    app.frames(1)
    app.press(pygame.K_HOME, pygame.K_DOWN, pygame.K_RETURN)


def lab(app: Driver) -> None:
    page = LabPage(app.window, TOY)
    app.window.go(page)
    app.until(lambda: page.view)


SCREENS: dict[str, Callable[[Driver], None]] = {
    "menu": lambda app: None,
    "arcade": play("Arcade"),
    "recording": play("Pac-Man", pygame.K_COMMA),
    "dream": play("Tilemap Pac-Man"),
    "x-ray": play("Tilemap Pac-Man", pygame.K_x),
    "beside": play("Pac-Man, endless", pygame.K_v),
    "coming home": play("Coming home"),
    "help": lambda app: app.press(pygame.K_F1),
    **{name: place(name) for name in PLACES},
    "replay": replay,
    "new training": new_training,
    "training": training,
    "lab": lab,
}


class House:
    """Opens windows on one screen, one after another, and looks after what they leave behind."""

    def __init__(self, checkpoints: Path, folder: Path, screen: str, seed: int) -> None:
        self.checkpoints, self.folder, self.open_it = checkpoints, folder, SCREENS[screen]
        self.mischief = Mischief(seed)
        self.left = 0
        self.app = self.enter()

    def enter(self) -> Driver:
        (self.folder / "settings.json").unlink(missing_ok=True)  # keys may have been given away
        app = Driver(self.checkpoints, self.folder)
        app.resize(*SMALL)
        app.frames(3)
        self.mischief.plug_into(app)
        self.open_it(app)
        return app

    def tease(self, events: int) -> None:
        for _ in range(events):
            self.mischief.act(self.app)
            if not self.app.window.running:
                self.leave()
                self.app = self.enter()

    def leave(self) -> None:
        """Close the window as the loop does when it ends."""
        running = [e.recorder for screen in self.app.window.screens for e in worlds(screen) if e.recorder]
        unsaved = sum(recorder.steps for recorder in running if recorder.recording)
        before = self.kept()
        close(self.app)
        assert self.kept() >= before + unsaved, "a running recording is kept"
        self.left += 1

    def kept(self) -> int:
        """Recorded steps on disk."""
        return sum(len(Episode.load(path)) for path in (self.folder / "recordings").rglob("*.npz"))


def close(app: Driver) -> None:
    """Close the window, which waits for what saves a recording and for no other thread."""
    waited: list[str] = []
    join = threading.Thread.join

    def watched(thread: threading.Thread, timeout: float | None = None) -> None:
        waited.append(thread.name)
        join(thread, timeout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "join", watched)
        app.window.close()
    assert {name.partition("_")[0] for name in waited} <= {"recorder"}


def worlds(screen: object) -> list:
    session = getattr(screen, "session", None)
    return [world for world in (session.world, session.other) if world] if session else []


@pytest.fixture
def no_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing is really trained or measured here: to start a process is one more thing that can fail."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    return


@pytest.mark.filterwarnings("ignore::UserWarning")  # a recorder that is interrupted says so
@pytest.mark.parametrize("screen", SCREENS)
def test_fifty_random_events(checkpoints: Path, tmp_path: Path, no_processes: None, screen: str):
    house = House(checkpoints, tmp_path, screen, seed=len(screen))
    house.tease(50)
    house.leave()


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("screen", SCREENS)
def test_a_hundred_thousand_random_events(checkpoints: Path, tmp_path: Path, no_processes: None, screen: str):
    house = House(checkpoints, tmp_path, screen, seed=1)
    house.tease(EVENTS // len(SCREENS) + 1)
    house.leave()


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("moment", [0, 2])
def test_quitting_at_any_moment(
    checkpoints: Path, tmp_path: Path, no_processes: None, screen: str, moment: int
):
    house = House(checkpoints, tmp_path, screen, seed=0)
    house.app.frames(moment)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    house.app.frames(1)
    house.leave()


@pytest.mark.parametrize("answer", ["Stop and save", "Run in the background"])
def test_quitting_does_not_wait_for_a_training(trainer: Driver, answer: str):
    """It saves, which takes a while, or goes on, in a process of its own."""
    page = start(trainer)
    trainer.until(lambda: (trainer.frames(1, 0.5), page.run.log.step > 2)[1])
    saving = page.run.folder / "saving"
    saving.touch()
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    trainer.frames(1)
    press_button(trainer, answer)
    assert not trainer.window.running
    close(trainer)
    assert trainer.window.kit.workshop.jobs.running
    saving.unlink()
    assert_kept_or_running(trainer, page, answer)


@pytest.fixture(scope="module")
def settled() -> Iterator[None]:
    """What is there already need not be looked through for what was left."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("screen", [name for name in SCREENS if name not in ("menu", "help")])
def test_a_screen_that_was_left_is_forgotten(
    checkpoints: Path, tmp_path: Path, no_processes: None, settled: None, screen: str
):
    """Neither it nor its worlds nor their threads stay: memory is as flat as the screens are few."""
    house = House(checkpoints, tmp_path, "menu", seed=0)
    app, window = house.app, house.app.window
    SCREENS[screen](app)
    app.frames(5)
    left = [weakref.ref(window.screen), *map(weakref.ref, worlds(window.screen))]
    while not isinstance(window.screen, Menu):
        window.back()
    app.until(lambda: gc.collect() >= 0 and not any(ref() for ref in left))  # what is under way ends first
    threads = {thread.name.partition("_")[0] for thread in threading.enumerate()}
    assert "recorder" not in threads
    house.leave()
