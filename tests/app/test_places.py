"""What is saved has one place, which is said; messages about it cover nothing that can be clicked."""

import time
from pathlib import Path

import pygame
import pytest

from app.driver import Driver
from app.fakes import save
from app.training import old_run
from gamesim.app.kit import Kit
from gamesim.app.navigation import visit
from gamesim.app.screens.menu import Menu
from gamesim.app.screens.new_run import NewRun
from gamesim.app.screens.recordings import Recordings
from gamesim.app.screens.replay import Replay
from gamesim.app.screens.run import RunPage
from gamesim.app.settings import Scores
from gamesim.app.theme import Scale
from gamesim.app.ui.form import Form
from gamesim.app.ui.widgets import at_home, font, wrap
from gamesim.app.window import Window

FAR = "Saved /home/somebody/Pictures/and/some/more/folders/that/go/on/and/on/gamesim-20261126-114509.gif"


@pytest.mark.parametrize("folder", ["one", "two"])
def test_recordings_and_pictures_go_to_one_place_wherever_the_app_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
):
    (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / folder)
    window = Window(Kit(scores=Scores(tmp_path / "data" / "scores.json")))
    assert window.kit.recordings == tmp_path / "data" / "recordings"
    assert window.kit.pictures == tmp_path / "data" / "pictures"
    window.go(Menu(window))
    visit(window, "Recordings")
    while window.kit.workshop.shelf.scanning:
        time.sleep(0.01)
    assert isinstance(window.screen, Recordings) and at_home(window.kit.recordings) in window.screen.line()
    window.close()


def test_what_the_command_line_recorded_in_this_folder_is_found_too(tmp_path: Path):
    save(Path("recordings") / "explorer", "one")
    window = Window(Kit(scores=Scores(tmp_path / "data" / "scores.json")))
    window.kit.workshop.shelf.scan()
    assert [each.name for each in window.kit.workshop.shelf.recordings] == ["one"]
    window.close()


@pytest.mark.parametrize("width", [120, 300, 560])
def test_a_path_breaks_between_folders_and_shows_the_name_of_the_file(width: int):
    pygame.font.init()
    lines = wrap(FAR, 16, width)
    assert "".join(lines).replace(" ", "").endswith("gamesim-20261126-114509.gif") or width < 240
    assert all(font(16).size(line)[0] <= width for line in lines) and "on/and/on/" in "".join(lines)


def test_a_path_below_the_user_s_folder_is_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert at_home(tmp_path / "a" / "b.gif") == "~/a/b.gif" and at_home(Path("/x/b")) == str(Path("/x/b"))


def clickable(app: Driver) -> list[pygame.Rect]:
    """What can be clicked on the screen on top."""
    screen = app.window.screen
    found = [button.rect for button in getattr(screen, "buttons", [])]
    found += [row.rect for row in screen.rows] if isinstance(screen, Form) else []
    found += [place.rect for place in getattr(screen, "places", [])]
    found += (
        [card.rect.clip(screen.view) for card in getattr(screen, "cards", [])]
        if isinstance(screen, Menu)
        else []
    )
    return [*found, screen.bar] if isinstance(screen, Replay) else found


@pytest.mark.parametrize("place", ["menu", "Recordings", "Replay", "Models", "Train", "New", "Run"])
def test_a_message_covers_nothing_that_can_be_clicked(app: Driver, place: str):
    path = save(app.recordings / "pac-man", "one")
    old_run(app)
    window = app.window
    if place in ("Recordings", "Models", "Train"):
        visit(window, place)
    elif place == "Replay":
        visit(window, "Recordings")
        app.until(lambda: window.kit.workshop.shelf.recordings)
        window.go(Replay(window, window.kit.workshop.shelf.recordings[0]))
        app.until(lambda: window.screen.episode is not None)  # type: ignore[attr-defined]
    elif place == "New":
        window.go(NewRun(window))
    elif place == "Run":
        window.go(RunPage(window, Path("runs/old")))
    app.until(lambda: clickable(app))
    for size, zoom in (((1280, 800), 1.0), ((800, 600), 1.0), ((800, 600), 1.5)):
        app.resize(*size)
        Scale.zoom = zoom
        app.frames(2)
        app.silence()
        window.say(f"Saved {path.name}")
        ((_, box, _),) = window.kit.toasts.places(window.screen.toast_area(size), Scale.of(size))
        assert box.collidelist(clickable(app)) == -1, (size, zoom)
