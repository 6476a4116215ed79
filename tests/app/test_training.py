"""Trainings in the app, with a stub for the command line (tests/e2e has a real one)."""

import json
import shutil
from pathlib import Path

import pygame
import pytest

from app.driver import Driver, click, typed
from app.fakes import save
from app.training import (
    assert_kept_or_running,
    engine_folder,
    new_training,
    old_run,
    open_train,
    press_button,
    start,
)
from gamesim.app.library import jobs
from gamesim.app.library.runs import Run
from gamesim.app.library.shelf import check_name
from gamesim.app.navigation import visit
from gamesim.app.screens.new_run import NewRun
from gamesim.app.screens.run import RunPage, SheetPage, Train
from gamesim.app.theme import Scale
from gamesim.app.ui.ask import Ask, Prompt
from gamesim.app.window import Leaving
from gamesim.errors import UserError

pytestmark = pytest.mark.usefixtures("elsewhere")
SIZES = [(800, 600), (300, 700), (160, 120), (1, 1)]


def test_a_training_is_started_followed_held_and_stopped(trainer: Driver):
    page = start(trainer)

    def run_is(state: str) -> bool:
        trainer.frames(1, 0.5)
        return page.run.state == state

    trainer.until(lambda: run_is("training") and page.run.log.step > 5)
    assert "reconstruction" in page.run.log.losses
    if jobs.CAN_PAUSE and Path("/proc").is_dir():
        trainer.press(pygame.K_p)
        trainer.until(lambda: run_is("paused"))
        trainer.press(pygame.K_p)
        trainer.until(lambda: run_is("training"))
    trainer.press(pygame.K_ESCAPE)  # leave, and come back: it goes on
    listing = trainer.window.screen
    assert isinstance(listing, Train)
    trainer.frames(2, 1.1)
    assert listing.runs[0].live
    trainer.press(pygame.K_HOME, pygame.K_DOWN, pygame.K_RETURN)
    page = trainer.window.screen
    assert isinstance(page, RunPage)
    press_button(trainer, "Stop and save")
    trainer.until(lambda: run_is("stopped"))
    trainer.until(lambda: "training was stopped" in trainer.said)


def test_a_training_that_fails_says_why_on_screen(trainer: Driver):
    page = start(trainer, "broken")
    trainer.until(lambda: (trainer.frames(1, 0.6), page.run.state == "failed")[1])
    assert page.run.why == "broken: there is something wrong with it"
    trainer.until(lambda: "something wrong" in trainer.said)
    trainer.frames(2)


@pytest.mark.parametrize("full", ["storage.write_file", "jobs.Job"])
def test_a_training_that_could_not_begin_leaves_its_name_free(
    trainer: Driver, monkeypatch: pytest.MonkeyPatch, full: str
):
    """The disk is full, or no process can be started: the second try is not told that the run exists."""

    def refuse(*_: object, **__: object) -> None:
        raise UserError("No space left on device")

    page = new_training(trainer, "stub")
    page.plan.call("mine")
    with monkeypatch.context() as patch:
        patch.setattr(f"gamesim.app.library.runs.{full}", refuse)
        with pytest.raises(UserError, match="No space"):
            page.plan.start()
    assert page.plan.folder.name == "mine" and not page.plan.folder.exists()
    page.plan.start()
    assert page.plan.folder.is_dir()


@pytest.mark.parametrize("name", ["漢" * 80, "", ".hidden", "a/b"])
def test_a_run_gets_no_name_that_no_folder_can_have(name: str):
    with pytest.raises(UserError, match="cannot be the name"):
        check_name(name, "folder")


@pytest.mark.parametrize("answer", ["Stay", "Stop and save", "Run in the background"])
def test_closing_the_app_asks_what_becomes_of_a_running_training(trainer: Driver, answer: str):
    page = start(trainer)
    trainer.until(lambda: (trainer.frames(1, 0.5), page.run.log.step > 2)[1])
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    trainer.frames(1)
    assert trainer.window.running and isinstance(trainer.window.screen, Leaving)
    press_button(trainer, answer)
    assert trainer.window.running == (answer == "Stay")
    assert_kept_or_running(trainer, page, answer)


@pytest.mark.parametrize("stops", [1, 2])
def test_a_training_that_another_window_stopped_is_not_said_to_be_done_or_to_have_failed(
    trainer: Driver, stops: int
):
    page = start(trainer)
    other = Run(page.run.folder, jobs.Jobs())
    trainer.until(lambda: other.follow() or other.state == "training", seconds=30)
    for _ in range(stops):  # the second stops it at once
        other.stop()
    trainer.until(lambda: "The training" in trainer.said, seconds=30)
    assert "The training was stopped" in trainer.said


def test_a_run_that_another_window_trains_already_is_not_trained_twice(trainer: Driver):
    """A second process began, took over the log of the first, and ended with "The training failed"."""
    there = Run(start(trainer).run.folder, jobs.Jobs())
    trainer.until(lambda: there.follow() or there.log.step > 2)
    form = NewRun(trainer.window, there)
    trainer.window.go(form)
    trainer.until(lambda: form.plan.data)
    with pytest.raises(UserError, match="is training already"):
        form.plan.start()


def test_asked_twice_the_app_leaves(trainer: Driver):
    page = start(trainer)
    if jobs.CAN_PAUSE and Path("/proc").is_dir():
        page.run.pause()
    for _ in range(2):
        pygame.event.post(pygame.event.Event(pygame.QUIT))
        trainer.frames(1)
    assert not trainer.window.running
    assert not jobs.paused(page.run.pid or 0), "nobody would be there to wake it"


def test_a_run_of_the_command_line_shows_up_with_its_curves_and_its_sheet(app: Driver):
    folder = old_run(app)
    page = open_train(app)
    assert [run.folder for run in page.runs] == [folder]
    app.press(pygame.K_DOWN, pygame.K_RETURN)
    run_page = app.window.screen
    assert isinstance(run_page, RunPage) and run_page.run.state == "done"
    app.frames(2)
    press_button(app, "Sample sheet")
    assert isinstance(app.window.screen, SheetPage)
    app.frames(1)
    app.press(pygame.K_LEFT, pygame.K_RIGHT, pygame.K_ESCAPE)
    press_button(app, "Play it")
    app.until(lambda: type(app.window.screen).__name__ == "Play")


@pytest.mark.parametrize("size", [(1280, 800), (800, 600)])
@pytest.mark.parametrize("zoom", [1.0, 1.5])
def test_all_that_is_known_of_a_run_can_be_scrolled_to(app: Driver, size: tuple[int, int], zoom: float):
    page = RunPage(app.window, old_run(app))
    app.window.go(page)
    app.resize(*size)
    Scale.zoom = zoom
    app.frames(2)
    assert bool(page.detail.most) == bool(page.detail.gutter.width)
    app.press(*[pygame.K_PAGEDOWN] * 20)
    assert page.detail.at == page.detail.most and (page.detail.most > 0 or zoom == 1.0)
    click(app, page.picture.center)  # the sheet is the last of it
    assert isinstance(app.window.screen, SheetPage)


def test_deleting_a_run_asks_first(app: Driver):
    folder = old_run(app)
    open_train(app)
    app.press(pygame.K_DOWN, pygame.K_DELETE)
    assert isinstance(app.window.screen, Ask)
    press_button(app, "Keep")
    assert folder.is_dir()
    app.press(pygame.K_DELETE)
    press_button(app, "Delete")
    assert not folder.exists() and isinstance(app.window.screen, Train) and not app.window.screen.runs


def test_the_page_of_a_run_that_another_window_deletes_closes(app: Driver):
    """It said "stopped" and kept its curves, and its one button was Delete."""
    folder = old_run(app)
    open_train(app)
    app.press(pygame.K_DOWN, pygame.K_RETURN)
    assert isinstance(app.window.screen, RunPage)
    shutil.rmtree(folder)
    app.frames(2, RunPage.every)
    assert isinstance(app.window.screen, Train) and f"{folder.name} was deleted" in app.said
    app.frames(2, 1.0)
    assert not app.window.screen.runs


def test_a_run_is_trained_further_with_its_own_config_and_more_steps(trainer: Driver):
    folder = old_run(trainer, status="stopped")
    save(trainer.recordings / "others", "one")
    open_train(trainer)
    trainer.press(pygame.K_DOWN, pygame.K_RETURN)
    press_button(trainer, "Train further")
    page = trainer.window.screen
    assert isinstance(page, NewRun) and page.plan.preset.config == str(folder / "config.yaml")
    assert page.plan.steps and page.plan.steps > 40
    trainer.until(lambda: page.plan.data)
    assert page.rows[0].turn, "nobody knows what it was trained on"
    trainer.press(pygame.K_UP, pygame.K_RETURN)
    press_button(trainer, "Start anyway")
    assert isinstance(trainer.window.screen, RunPage)
    (job,) = trainer.window.kit.workshop.jobs.all.values()
    assert job.running and trainer.window.screen.run.folder == folder
    again = NewRun(trainer.window, trainer.window.screen.run)
    trainer.window.go(again)
    trainer.frames(1)
    assert again.rows[0].turn is None, "it goes on with the recordings that it began with"


def test_the_form_is_filled_in_with_keys_and_the_mouse(trainer: Driver):
    page = new_training(trainer)
    assert page.plan.preset.name in ("tilemap", "world-model-places") and page.plan.data
    names = [each.name for each in page.plan.presets]
    assert set(names) >= {"gamegan", "tilemap", "gamegan-tiny"}
    trainer.press(pygame.K_DOWN, *[pygame.K_RIGHT] * names.index("gamegan"))
    assert page.plan.preset.name == "gamegan" and page.plan.preset.about
    trainer.press(pygame.K_DOWN, pygame.K_LEFT)
    assert page.plan.steps and page.plan.steps < page.plan.usual
    trainer.frames(1)
    device = page.rows[3].rect
    click(trainer, (device.right - 5, device.centery))
    assert page.plan.device == "cpu"
    click(trainer, page.rows[4].rect.center)
    assert isinstance(trainer.window.screen, Prompt)
    trainer.press(*[pygame.K_BACKSPACE] * 60)
    typed(trainer, "mine")
    trainer.press(pygame.K_RETURN)
    assert page.plan.name == "mine"


def test_recordings_may_lie_anywhere(trainer: Driver, tmp_path: Path):
    save(tmp_path / "far away", "two", steps=9)
    page = new_training(trainer)
    pygame.event.post(pygame.event.Event(pygame.DROPFILE, file=str(tmp_path / "nowhere")))
    trainer.frames(1)
    assert "no such folder" in trainer.said
    trainer.press(pygame.K_RETURN, pygame.K_HOME, *[pygame.K_DELETE] * len(str(page.plan.data)))
    typed(trainer, str(tmp_path / "far away"))
    trainer.press(pygame.K_RETURN)
    assert page.plan.data == tmp_path / "far away"
    trainer.until(lambda: page.plan.counts == (1, 9))


def test_recordings_in_subfolders_of_the_chosen_folder_count(trainer: Driver, tmp_path: Path):
    """The training learns from them all, but the form counted them for ever, and never asked which game."""
    save(tmp_path / "all" / "one", "a", steps=9)
    save(tmp_path / "all" / "two" / "deep", "b", steps=4)
    page = new_training(trainer)
    page.plan.take_folder(str(tmp_path / "all"))
    trainer.until(lambda: page.plan.counts == (2, 13))
    assert any("Few recordings: 2 games" in words for words in page.plan.warnings)


def test_a_folder_without_recordings_is_said_to_be_one_before_a_training_starts(
    trainer: Driver, tmp_path: Path
):
    """It said that it counts the games, for ever, and the training failed once PyTorch was loaded."""
    (tmp_path / "empty").mkdir()
    page = new_training(trainer, "stub")
    page.plan.take_folder(str(tmp_path / "empty"))
    trainer.until(lambda: "There are no recordings in" in page.rows[0].about)
    trainer.press(pygame.K_UP, pygame.K_RETURN)
    assert "There are no recordings in" in trainer.said and not trainer.window.kit.workshop.jobs.all
    (tmp_path / "empty" / "bad.npz").write_bytes(b"no recording")
    trainer.window.kit.workshop.shelf.refresh()
    trainer.until(lambda: "bad.npz" in page.rows[0].about)


def test_a_run_on_recordings_from_elsewhere_is_trained_further_with_their_number(
    trainer: Driver, tmp_path: Path
):
    save(tmp_path / "far away", "two", steps=9)
    folder = old_run(trainer)
    (folder / ".started.json").write_text(json.dumps({"data": str(tmp_path / "far away")}))
    open_train(trainer)
    run = trainer.window.kit.workshop.run(folder)
    run.follow()
    form = NewRun(trainer.window, run)
    trainer.window.go(form)
    trainer.until(lambda: form.plan.counts == (1, 9))


@pytest.mark.parametrize(
    ("words", "said"), [("~nobody-of-this-name/games", "no such folder"), ("", "No folder was named")]
)
def test_a_path_that_leads_nowhere_is_said_and_changes_nothing(trainer: Driver, words: str, said: str):
    page = new_training(trainer)
    before = page.plan.data
    trainer.press(pygame.K_RETURN, pygame.K_BACKSPACE)  # all of it is selected
    typed(trainer, words)
    trainer.press(pygame.K_RETURN)
    assert said in trainer.said and page.plan.data == before


def test_a_folder_may_be_dropped_where_its_path_is_asked_for(trainer: Driver, tmp_path: Path):
    folder = tmp_path / ("far " * 60 + "away")
    save(folder, "two", steps=9)
    page = new_training(trainer)
    trainer.press(pygame.K_RETURN)
    pygame.event.post(pygame.event.Event(pygame.DROPFILE, file=str(folder)))
    trainer.press(pygame.K_RETURN)
    assert page.plan.data == folder


def test_a_dropped_file_is_not_said_to_be_missing(trainer: Driver, tmp_path: Path):
    file = save(tmp_path / "far away", "two", steps=9)
    page = new_training(trainer)
    before = page.plan.data
    pygame.event.post(pygame.event.Event(pygame.DROPFILE, file=str(file)))
    trainer.frames(1)
    assert "this is a file" in trainer.said and page.plan.data == before


@pytest.mark.parametrize("page", ["menu", "Recordings", "Models", "Train", "Labs", "Settings", "a game"])
def test_where_nothing_can_be_dropped_the_window_says_where_it_can(app: Driver, tmp_path: Path, page: str):
    """A folder of recordings that was dropped on their own page vanished without a word."""
    if page == "a game":
        app.play("Pac-Man")
    elif page != "menu":
        visit(app.window, page)
    pygame.event.post(pygame.event.Event(pygame.DROPFILE, file=str(tmp_path)))
    app.frames(2)
    assert "Drop a folder of recordings on New training" in app.said


def test_without_recordings_a_start_says_what_is_missing(app: Driver):
    open_train(app)
    app.press(pygame.K_RETURN, pygame.K_UP, pygame.K_RETURN)
    assert "Choose recordings first" in app.said and isinstance(app.window.screen, NewRun)


@pytest.mark.parametrize("size", SIZES)
def test_any_size_of_the_window_is_survived_by_every_screen(app: Driver, size: tuple[int, int]):
    old_run(app)
    engine_folder(app, {"rules": {"kept_25": 0.5}})
    app.resize(*size)
    keys = [
        pygame.K_DOWN,
        pygame.K_RIGHT,
        pygame.K_TAB,
        pygame.K_p,
        pygame.K_F1,
        pygame.K_F1,
        pygame.K_PAGEDOWN,
    ]
    for place in ("Models", "Train"):
        visit(app.window, place)
        app.frames(2)
        app.press(*keys, pygame.K_ESCAPE)
    open_train(app)
    for screen in (
        RunPage(app.window, Path("runs/old")),
        NewRun(app.window),
        SheetPage(app.window, [Path("x")]),
    ):
        app.window.go(screen)
        app.frames(2)
        app.press(*keys)
        app.frames(2)
        app.press(pygame.K_ESCAPE)
