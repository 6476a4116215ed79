"""Closing the app, as the window manager does it: the process ends at once, whatever it was doing."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.desktop import DREAMS, App

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not os.environ.get("DISPLAY"), reason="no display: use tests/e2e/run.sh"),
    pytest.mark.skipif(not shutil.which("xdotool"), reason="xdotool is not installed"),
    pytest.mark.skipif(not DREAMS.is_dir(), reason="no dream is shipped yet"),
]
TO_LEAVE = 1.0  # seconds, where nothing else runs
DREAM, WATCHED = "checkpoints/tilemap-pacman", "checkpoints/world-model-places"


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[list[App]]:
    opened: list[App] = []
    yield opened
    for app in opened:
        app.end()


@pytest.mark.parametrize(
    ("words", "screen", "keys"),
    [
        ((), "gamesim", ()),
        (("play", DREAM), "Play", ("comma", "x", "Right")),
        (("play", DREAM), "Play", ("v", "Right")),
        (("watch", WATCHED), "Play", ()),
        (("play", WATCHED), "Loading", ()),
    ],
)
def test_closing_takes_less_than_a_second(
    apps: list[App], tmp_path: Path, words: tuple[str, ...], screen: str, keys: tuple[str, ...]
) -> None:
    app = App(tmp_path, *words)
    apps.append(app)
    app.on(screen)
    app.keys(*keys)
    time.sleep(0 if screen == "Loading" else 3)  # the menu's dreams wake up
    start = time.perf_counter()
    app.process.send_signal(signal.SIGTERM)
    code = app.process.wait(timeout=60)
    seconds = time.perf_counter() - start
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert code == 0 and seconds < TO_LEAVE * busy, f"exit {code} after {seconds:.2f} s"
