"""The app in a window of a real X server, worked with real keys, waited for by its title bar."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio

from gamesim.data.episode import Episode

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / ".ci" / "out"
README = ("menu", "beside")
"""Screenshots that README_PICTURES=assets/readme copies there."""
PLACES = ("Recordings", "Models", "Train", "Labs", "Add a game", "Settings")
"""The buttons at the top of the menu: importing the app here would start SDL without a window."""
DREAMS = Path(os.environ.get("E2E_CHECKPOINTS", ROOT / "checkpoints"))
PATIENCE = float(os.environ.get("E2E_PATIENCE", "120"))  # seconds; alone, everything takes one or two


class App:
    """`python main.py` in a window, in an empty folder that has the shipped dreams.

    Args:
        folder: where it runs, and where all that it keeps goes.
        words: of its command line.
    """

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        if DREAMS.is_dir() and not (folder / "checkpoints").exists():
            (folder / "checkpoints").symlink_to(DREAMS)
        env = {
            **os.environ,
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHONPATH": str(ROOT),
            "PYTHONFAULTHANDLER": "1",
        }
        env.pop("SDL_VIDEODRIVER", None)  # the other tests set it to dummy
        self.errors = (folder / "stderr.txt").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "main.py"), *words],
            cwd=folder,
            env=env,
            stderr=self.errors,
        )
        self.until(lambda: self.title, "a window")

    @property
    def window(self) -> str:
        """The X window, looked up each time: going fullscreen may make another one."""
        return self._tool("search", "--onlyvisible", "--class", "^gamesim$").partition("\n")[0]

    @property
    def title(self) -> str:
        """What stands in the title bar: the name of the screen."""
        window = self.window
        return self._tool("getwindowname", window).strip() if window else ""

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait, as long as the app runs and patience lasts."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, f"it ended: {self.last_words()}"
            if time.monotonic() > deadline:
                self.process.send_signal(signal.SIGABRT)  # it says where it hangs
                self.process.wait()
                raise AssertionError(f"no {what}: {self.last_words()}")
            time.sleep(0.1)

    def on(self, screen: str) -> "App":
        """Wait for a screen."""
        self.until(lambda: self.title in (screen, f"{screen} - gamesim"), screen)
        return self

    def last_words(self) -> str:
        """What it wrote to stderr."""
        return (self.folder / "stderr.txt").read_text(encoding="utf-8")

    def keys(self, *names: str, pause: float = 0.25) -> None:
        """Press and let go real keys, one after another."""
        for name in names:
            self._tool("windowfocus", self.window)
            self._tool("key", name)
            time.sleep(pause)

    def hold(self, name: str, seconds: float) -> None:
        self._tool("keydown", name)
        time.sleep(seconds)
        self._tool("keyup", name)

    def play(self, *keys: str) -> None:
        """From the menu to a card, by the keys that lead there from the first of the games."""
        first = (*["Up"] * 4, "Down", "Down", *["Left"] * 5)
        self.on("gamesim").keys(*first, *keys, "Return")
        self.on("Play")

    def visit(self, place: str) -> None:
        """From the menu to one of the places at its top."""
        steps = PLACES.index(place)
        self.on("gamesim").keys(*["Up"] * 4, *["Left"] * len(PLACES), *["Right"] * steps, "Return")
        self.on(place)

    def leave(self) -> int:
        """Go back until the app has ended; its exit code."""
        for _ in range(9):
            if self.process.poll() is not None:
                break
            self.keys("Escape", pause=0.5)
            if self.title.startswith("Quit"):
                self.keys("Return", pause=0.5)
        return self.process.wait(timeout=20)

    def resize(self, width: int, height: int) -> None:
        self._tool("windowsize", self.window, str(width), str(height))
        time.sleep(0.8)

    def shoot(self, name: str) -> Path:
        """Keep a screenshot; it must show something."""
        OUT.mkdir(parents=True, exist_ok=True)
        path = OUT / f"{name}.png"

        def shown() -> bool:
            window = self.window  # of none, import asks for a click
            done = window and subprocess.run(["import", "-window", window, path], timeout=60, check=False)
            return bool(done) and done.returncode == 0 and iio.imread(path).std() > 5

        self.until(shown, f"picture of {name}")
        if name in README and os.environ.get("README_PICTURES"):
            shutil.copy(path, ROOT / os.environ["README_PICTURES"] / f"{name}.png")
        return path

    def episodes(self) -> list[Episode]:
        """What has been recorded."""
        folder = self.folder / "data" / "gamesim" / "recordings"
        return [Episode.load(path) for path in sorted(folder.rglob("*.npz"))]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.errors.close()

    @staticmethod
    def _tool(*words: str) -> str:
        done = subprocess.run(["xdotool", *words], capture_output=True, text=True, timeout=60, check=False)
        return done.stdout
