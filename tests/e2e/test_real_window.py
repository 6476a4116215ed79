"""A real window, real key events: what a player does from the menu to the last key."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import imageio.v3 as iio
import pytest

from gamesim.data.episode import Episode

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / ".ci" / "out"
DREAMS = Path(os.environ.get("E2E_CHECKPOINTS", ROOT / "checkpoints"))

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not os.environ.get("DISPLAY"), reason="no display: use tests/e2e/run.sh"),
    pytest.mark.skipif(not shutil.which("xdotool"), reason="xdotool is not installed"),
]


class App:
    """`python main.py` in a window, in an empty folder that has the shipped dreams."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        if DREAMS.is_dir():
            (folder / "checkpoints").symlink_to(DREAMS)
        env = {
            **os.environ,
            "XDG_DATA_HOME": str(folder / "data"),
            "PYTHONPATH": str(ROOT),
            "PYTHONFAULTHANDLER": "1",
        }
        env.pop("SDL_VIDEODRIVER", None)  # the other tests set it to dummy
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "main.py"), *words],
            cwd=folder,
            env=env,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.window = self._find()
        self.seconds_to_window = time.perf_counter() - self.started

    def _find(self) -> str:
        for _ in range(400):
            found = self._tool("search", "--onlyvisible", "--class", "^gamesim$")
            if found:
                return found.split()[0]
            assert self.process.poll() is None, self.process.communicate()[1]
            time.sleep(0.05)
        self.process.send_signal(signal.SIGABRT)  # it says where it hangs
        raise AssertionError(f"no window: {self.process.communicate()[1]}")

    def _tool(self, *words: str) -> str:
        return subprocess.run(["xdotool", *words], capture_output=True, text=True, check=False).stdout

    def keys(self, *names: str, pause: float = 0.3) -> None:
        """Press and let go real keys, one after another."""
        for name in names:
            self._tool("windowfocus", self.window)
            self._tool("key", name)
            time.sleep(pause)

    def hold(self, name: str, seconds: float) -> None:
        self._tool("keydown", name)
        time.sleep(seconds)
        self._tool("keyup", name)

    def resize(self, width: int, height: int) -> None:
        self._tool("windowsize", self.window, str(width), str(height))
        time.sleep(0.8)

    def shoot(self, name: str) -> None:
        """Keep a screenshot; it must show something."""
        OUT.mkdir(parents=True, exist_ok=True)
        path = OUT / f"{name}.png"
        subprocess.run(["import", "-window", self.window, str(path)], check=True)
        assert iio.imread(path).std() > 5, f"{path} is blank"

    def leave(self) -> int:
        """The exit code, at most three seconds after the last key."""
        return self.process.wait(timeout=5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def app(folder: Path) -> Iterator[App]:
    app = App(folder)
    time.sleep(1.5)
    yield app
    app.process.kill()
    app.process.communicate()


def episodes(folder: Path) -> list[Episode]:
    return [Episode.load(path) for path in sorted((folder / "recordings").rglob("*.npz"))]


def test_menu_play_record_stop_quit(app: App, folder: Path) -> None:
    app.shoot("menu-1280x800")
    app.keys("F1")
    app.shoot("help-1280x800")
    app.keys("Escape", "Right", "Return", pause=1.0)  # to Pac-Man
    app.keys("comma")
    for key in ("Right", "Down", "Left", "d", "s", "Up"):
        app.keys(key)
    app.shoot("recording-1280x800")
    app.keys("comma", pause=1.0)
    app.resize(800, 600)
    app.shoot("play-800x600")
    app.keys("Escape", pause=0.8)
    app.shoot("menu-800x600")
    app.keys("Escape")
    assert app.leave() == 0
    kept = episodes(folder)
    assert kept
    pressed = {int(action) for episode in kept for action in episode.actions}
    assert {1, 2, 3, 4} & pressed and sum(len(episode) for episode in kept) > 5


def test_the_arcade_is_played_with_held_keys(app: App) -> None:
    app.keys("Return", pause=1.2)
    app.hold("Left", 1.5)
    app.hold("Up", 1.0)
    app.shoot("arcade-1280x800")
    app.keys("p", "e", "e", "p", "n", "F11", "F11", "Escape", "Escape")
    assert app.leave() == 0


def test_a_killed_app_has_kept_what_was_played(app: App, folder: Path) -> None:
    from gamesim.data.journal import recover

    app.keys("Right", "Right", "Right", "Return", pause=0.8)  # Pac-Man, endless
    app.keys("comma", "Left", "Right", "Up", "Down")
    time.sleep(1.0)
    app.process.kill()
    app.process.wait()
    (played,) = (folder / "recordings").iterdir()
    recover(played)
    assert sum(len(episode) for episode in episodes(folder)) >= 8


@pytest.mark.skipif(not DREAMS.is_dir(), reason="no dream is shipped yet")
def test_dream_temperature_tab_side_by_side_quit(app: App, folder: Path) -> None:
    app.keys("Right", "Right", "Right", "Return", pause=1.0)  # Pac-Man, endless
    app.keys("Right", "Down")
    app.keys("Tab", pause=0.1)
    time.sleep(15.0)  # torch is loaded now
    app.keys("comma", "equal", "equal", "minus", "Left", "Right")
    app.shoot("dream-1280x800")
    app.keys("comma", "Tab", "v", pause=1.0)
    app.keys("Right", "Down", "Left")
    app.shoot("beside-1280x800")
    app.resize(800, 600)
    app.shoot("beside-800x600")
    app.keys("g", pause=6.0)
    app.keys("Escape", "Escape")
    assert app.leave() == 0
    dreamt = episodes(folder)
    assert dreamt and all("Dream-v0" in episode.env_spec for episode in dreamt)
    (clip,) = (folder / "recordings").glob("*.gif")
    height, width = iio.imread(clip, index=0).shape[:2]
    assert width > 1.5 * height  # two boards


def test_without_a_display_it_is_one_line_and_exit_code_2(folder: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "SDL_VIDEODRIVER")}
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py")],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1 and "no display" in done.stderr
