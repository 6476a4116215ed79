"""Whatever a user may be called or call a file is drawn, and a signal that comes loses nothing."""

import os
import signal
import threading
import time
from pathlib import Path

import pygame
import pytest

from app.driver import Driver
from gamesim.app import theme
from gamesim.app.library import catalog
from gamesim.data.store.index import scan
from gamesim.envs.recipe import Recipe
from gamesim.shipped import MODELS, folder

NAMES = ("naïve", "👻 take", "odd\udce9byte", "a\0b", "عربي")


@pytest.mark.parametrize("name", NAMES)
def test_any_name_can_be_drawn_and_measured(app: Driver, name: str):
    width, _ = theme.font(20).size(name)
    assert theme.render(name, 20, (255, 255, 255)).get_width() == width > 0
    app.window.say(f"{name}: cannot be read", bad=True)
    app.window.screen.caption = name
    app.frames(3)


def test_models_with_names_in_other_letters_record_into_folders_of_their_own():
    named = ("日本", "中国", "🎮", "👻", "Pac-Man")
    assert len({catalog.Title(name, "", catalog.DREAM).slug for name in named}) == len(named)


def test_models_of_several_folders_that_are_called_alike_record_into_folders_of_their_own(tmp_path: Path):
    """The app's own name for a run is that of a shipped model; "pac-man" is that of a game."""
    runs = [tmp_path / place / name for place in "ab" for name in ("tilemap-pac-man", "pac-man", "x" * 90)]
    for run in runs:
        for part in ("last", "best"):
            (run / part).mkdir(parents=True)
            (run / part / "config.yaml").write_text("system: tilemap\n")
    here = folder(MODELS) / "tilemap-pacman"
    slugs = {catalog.dream(each).slug for each in (here, *(run / "last" for run in runs))}
    assert len(slugs | {game.slug for game in catalog.OURS}) == 1 + len(runs) + len(catalog.OURS)
    assert "tilemap-pac-man" in slugs and slugs >= {catalog.dream(run / "best").slug for run in runs}


def test_games_of_several_packages_that_are_called_alike_record_into_folders_of_their_own():
    first, second = (catalog.foreign(Recipe(each)) for each in ("ALE/Maze-v1", "mine:labyrinths/Maze-v1"))
    assert (first.slug, second.slug) == ("ale-maze-v1", "mine-labyrinths-maze-v1")
    assert (catalog.DOOM.slug, catalog.OURS[1].slug) == ("take-cover", "pac-man-endless")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_closes_the_window_and_what_is_recorded_is_saved(app: Driver, number: int):
    app.play("Maze")
    app.press(pygame.K_COMMA)
    for _ in range(3):
        app.press(pygame.K_RIGHT)
        app.frames(20)

    def end() -> None:
        while app.window.running:  # a terminal that is closed says it more than once
            os.kill(os.getpid(), number)
            time.sleep(0.01)

    before = signal.getsignal(number)
    signal.signal(number, lambda *_: None)  # one that comes late is not pytest's
    try:
        thread = threading.Timer(0.2, end)
        thread.start()
        assert app.window.run() == 0
        thread.join()
    finally:
        signal.signal(number, before)
    assert len(scan(app.recordings)) == 1
