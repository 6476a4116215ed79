"""A real window, real key events: what a player does from the menu to the last key."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from e2e.desktop import DREAMS, ROOT, App
from gamesim.data.episode import Episode
from gamesim.envs.sprites import THEMES

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not os.environ.get("DISPLAY"), reason="no display: use tests/e2e/run.sh"),
    pytest.mark.skipif(not shutil.which("xdotool"), reason="xdotool is not installed"),
]
with_dreams = pytest.mark.skipif(not DREAMS.is_dir(), reason="no dream is shipped yet")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    app = App(tmp_path).on("gamesim")
    yield app
    app.end()


def record(app: App, episodes: int) -> None:
    """From the play screen: record so many short games."""
    app.keys("comma")
    for _ in range(episodes):
        for key in ("Right", "Down", "Left", "d", "s", "Up", "w", "a", "Right", "Right"):
            app.keys(key, pause=0.2)
        app.keys("r")
    app.keys("comma")
    app.until(lambda: len(app.episodes()) >= episodes, "recording")


def test_play_record_train_dream_side_by_side_gif_quit(app: App, tmp_path: Path) -> None:
    """The whole loop, without a terminal."""
    app.shoot("menu")
    app.play("Right")  # Pac-Man
    record(app, 4)
    app.shoot("play")
    app.keys("Escape")

    app.visit("Train")
    app.keys("Return")
    app.on("New training").keys("Down", "Left", "Left")  # the preset for tests, which is done in seconds
    app.keys("Down", "Left", "Left", "Left")  # the fewest steps
    app.shoot("new-training")
    app.keys("Up", "Up", "Up", "Return")  # round the end of the form: Start
    app.keys("Left", "Return")  # it asks, as the recordings are few and the preset is for tests: start anyway
    app.on("gamegan-tiny-pac-man-endless")  # the page of the run, which has its name
    runs = tmp_path / "data" / "gamesim" / "runs"
    app.until(lambda: list(runs.glob("*/last/manifest.json")), "trained engine")
    time.sleep(2.0)
    app.shoot("training")
    app.keys("Return")  # Play it
    app.on("Play").keys("equal", "equal", "minus", "Right", "Down")
    app.shoot("own-dream")
    app.keys("v")
    app.on("Play").keys("Right", "Down", "Left", "Up")
    app.shoot("beside-own")
    app.keys("g")
    app.until(lambda: list((tmp_path / "data" / "gamesim" / "pictures").glob("*.gif")), "GIF")
    app.keys("F12")
    app.until(lambda: list((tmp_path / "data" / "gamesim" / "pictures").glob("*.png")), "picture")
    assert app.leave() == 0
    pressed = {int(action) for episode in episodes(tmp_path) for action in episode.actions}
    assert {1, 2, 3, 4} <= pressed
    (clip,) = (tmp_path / "data" / "gamesim" / "pictures").glob("*.gif")
    height, width = iio.imread(clip, index=0).shape[:2]
    assert width > 1.5 * height  # two boards


def test_every_screen_at_every_size(app: App) -> None:
    """Settings, help and lists in windows from large to small; the pictures are looked at by people."""
    for place in ("Recordings", "Models", "Labs", "Settings"):
        app.visit(place)
        for width, height in ((1280, 800), (800, 600), (400, 300)):
            app.resize(width, height)
            app.shoot(f"{place.lower()}-{width}x{height}")
        app.keys("F1")
        app.on("Help").shoot(f"help-{place.lower()}-400x300")
        app.keys("Escape")
        app.on(place).keys("Escape")
        app.resize(1280, 800)
    assert app.leave() == 0


def test_what_is_chosen_in_the_settings_is_there_in_the_next_run(app: App, tmp_path: Path) -> None:
    app.visit("Settings")
    app.keys("Right")  # the safe palette
    app.shoot("settings-safe-colours")
    assert app.leave() == 0
    again = App(tmp_path).on("gamesim")
    again.play()
    again.hold("Left", 1.0)
    again.shoot("arcade-safe-colours")
    assert again.leave() == 0
    assert '"okabe-ito"' in (tmp_path / "data" / "gamesim" / "settings.json").read_text(encoding="utf-8")


def test_the_arcade_is_played_with_held_keys_and_the_window_comes_back_from_fullscreen(
    app: App, tmp_path: Path
) -> None:
    app.play()
    app.resize(1000, 700)
    app.hold("Left", 1.5)
    app.hold("Up", 1.0)
    app.shoot("arcade")
    app.keys("p", "e", "e", "p", "n")
    app.keys("F11", "F11", pause=1.0)
    assert app.leave() == 0
    kept = json.loads((tmp_path / "data" / "gamesim" / "settings.json").read_bytes())
    assert kept["size"] == [1000, 700] and not kept["fullscreen"]


def test_a_killed_app_has_kept_what_was_played(app: App, tmp_path: Path) -> None:
    from gamesim.data.store.journal import recover

    app.play("Right", "Right")  # the endless maze: no ghost ends it early
    app.keys("comma", "Left", "Right", "Up", "Down")
    time.sleep(3.0)
    app.end()
    (played,) = (path for path in (tmp_path / "data" / "gamesim" / "recordings").iterdir() if path.is_dir())
    recover(played)
    assert sum(len(episode) for episode in episodes(tmp_path)) >= 8


@with_dreams
def test_dream_temperature_x_ray_tab_side_by_side(app: App, tmp_path: Path) -> None:
    app.play(*["Right"] * 2)  # the endless maze: no ghost ends its dream
    app.keys("Right", "Down", "Tab")
    time.sleep(1.0)
    app.on("Play")  # torch is loaded now
    app.keys("comma", "equal", "equal", "minus", "Left", "Right", "Up", "Down")
    app.shoot("dream")
    app.keys("comma")
    app.until(lambda: episodes(tmp_path), "recorded dream")
    app.keys("x", "Right", "Down", "Left", "Up")
    app.shoot("x-ray")
    app.keys("x", "Tab", "v", "Right", "Down", "Left")
    time.sleep(4.0)  # the message of the recording is gone by then
    app.shoot("beside")
    app.resize(800, 600)
    app.shoot("beside-800x600")
    assert app.leave() == 0
    dreamt = episodes(tmp_path)
    assert dreamt and all("Dream-v0" in episode.env_spec for episode in dreamt)


@with_dreams
def test_the_night_s_pac_man_walks_in_the_garden(tmp_path: Path) -> None:
    """The paper's swap: one engine's dynamic layer over the static one of an engine of another look."""
    app = App(tmp_path, "play", "checkpoints/tilemap-pacman").on("Play")
    lawn = np.array(THEMES["garden"]["black"])
    try:
        app.keys("x", "b", "b", pause=1.0)  # another board's memory, then the next engine's layer
        app.on("Play")

        def green() -> bool:
            app.keys("Right", "Up", "Left", "Down")
            picture = iio.imread(app.shoot("swap"))[..., :3].astype(int)
            return (np.abs(picture - lawn).max(-1) < 10).mean() > 0.03

        app.until(green, "garden under Pac-Man")
        assert app.leave() == 0
    finally:
        app.end()


def test_without_a_display_it_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "SDL_VIDEODRIVER")}
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py")],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1 and "no display" in done.stderr


def episodes(folder: Path) -> list[Episode]:
    recordings = folder / "data" / "gamesim" / "recordings"
    return [Episode.load(path) for path in sorted(recordings.rglob("*.npz"))]
