"""Engines and trainings in the app, with a stub for the command line; one real training at the end."""

import json
import sys
import time
from itertools import pairwise
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pygame
import pytest

from app.driver import Driver
from app.test_recordings import click, save, typed
from gamesim import storage
from gamesim.app import jobs, plans
from gamesim.app.catalog import spoken
from gamesim.app.charts import Chart, Charts, number, plot_area, smoothed
from gamesim.app.runlog import Curve
from gamesim.app.screens import visit
from gamesim.app.screens.ask import Ask, Prompt
from gamesim.app.screens.engines import Engines
from gamesim.app.screens.leaving import Leaving
from gamesim.app.screens.menu import Menu
from gamesim.app.screens.new_run import NewRun
from gamesim.app.screens.run import RunPage, SheetPage
from gamesim.app.screens.train import Train
from gamesim.app.theme import Scale

STUB = [sys.executable, str(Path(__file__).with_name("stub_trainer.py"))]
SIZES = [(800, 600), (300, 700), (160, 120), (1, 1)]
CARD = (
    "# x\n\n| | |\n|---|---|\n| preset | gamegan-lite |\n| minutes | 38.0 |\n| device | cpu (1 threads) |\n\n"
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the runs of the person who runs it, and none trains a network unless it says so."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(jobs, "COMMAND", STUB)
    monkeypatch.setattr(jobs, "NICENESS", 0)  # the machine of the tests is busy


@pytest.fixture
def trainer(app: Driver):
    """The app with a few recordings; whatever is left running is ended."""
    save(app.recordings / "pac-man", "one", steps=30)
    yield app
    for job in app.window.workshop.jobs.running:
        job.kill()
        job.wait(10)


def engine_folder(app: Driver, figures: dict | None = None) -> Path:
    folder = app.window.checkpoints / "gamegan-pacman"
    (folder / "README.md").write_text(CARD + "## Figures\n\n| figure | value |\n")
    (folder / "manifest.json").write_text("{}")
    (folder / "metrics.json").write_text(json.dumps(figures or {}))
    return folder


def old_run(app: Driver, name: str = "old", **last) -> Path:
    """A finished run, its engine and a sheet, as the command line leaves them in ./runs."""
    folder = Path("runs") / name
    (folder / "samples").mkdir(parents=True)
    (folder / "config.yaml").write_text("name: mine\nsystem: gamegan\ntraining: {steps: 400}\n")
    record = {"step": 40, "seconds": 9.0, "frames_per_second": 50.0, "eta_seconds": 0.0}
    losses = {"losses": {"reconstruction": 0.5}, "validation": {"kl": 2.0}}
    lines = [{**record, **losses}, {"step": 40, "seconds": 9.0, **(last or {"status": "done"})}]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    imageio.imwrite(folder / "samples" / "00000040.png", np.full((200, 300, 3), 80, np.uint8))
    storage.write_folder(folder / "last", {"config.yaml": b"name: mine\n"}, kind="x", version=1)
    return folder.absolute()


def open_train(app: Driver) -> Train:
    visit(app.window, "Train")
    app.frames(1)
    assert isinstance(app.window.screen, Train)
    return app.window.screen


def press_button(app: Driver, label: str) -> None:
    """Click a button of the screen on top."""
    app.frames(1, 0.0)
    buttons = getattr(app.window.screen, "buttons", None) or app.window.screen.actions  # type: ignore[attr-defined]
    click(app, next(button.rect.center for button in buttons if button.label == label))


def new_training(app: Driver, preset: str = "") -> NewRun:
    """To the form, with recordings chosen; `preset` need not exist for the stub."""
    open_train(app)
    app.press(pygame.K_RETURN)
    page = app.window.screen
    assert isinstance(page, NewRun)
    app.until(lambda: page.data)
    if preset:
        page.presets = [plans.Preset(preset, preset, "", {"training": 1000})]
        page._choose_preset(0)
    return page


def start(app: Driver, preset: str = "stub") -> RunPage:
    page = new_training(app, preset)
    app.press(pygame.K_UP, pygame.K_RETURN)  # from the first line up to the last: Start
    assert isinstance(app.window.screen, RunPage), app.said
    assert page.folder.is_relative_to(app.window.workshop.run_roots[-1])
    return app.window.screen


# engines -------------------------------------------------------------------------------------------------


def test_engines_are_cards_with_figures_and_how_they_were_trained(app: Driver):
    engine_folder(app, {"rules": {"kept_25": 0.5, "moves_obeyed": 0.999}, "speed": {"median_ms": 4.7}})
    visit(app.window, "Engines")
    app.frames(2)
    page = app.window.screen
    assert isinstance(page, Engines) and page.current
    card = page.cards[page.current.checkpoint]
    assert card.summary == "gamegan-lite · 38 min · cpu"
    shown = {figure.label: (figure.value, figure.good) for figure in card.figures}
    assert shown["Board kept for 25 steps"] == ("50.0 %", False)
    assert shown["A step takes"] == ("4.7 ms", True)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[[[", b'{"rules": {"kept_25": "x", "kept_10": NaN}}']
)
def test_damaged_cards_and_figures_are_engines_without_figures(app: Driver, content: bytes):
    folder = engine_folder(app)
    (folder / "metrics.json").write_bytes(content)
    (folder / "README.md").write_bytes(content)
    (folder / "starts.safetensors").write_bytes(content)
    visit(app.window, "Engines")
    app.frames(20)
    assert isinstance(app.window.screen, Engines) and app.window.screen.count == 1


def test_an_engine_is_played_from_its_card_and_is_then_the_last_used_at_home(app: Driver):
    engine_folder(app)
    visit(app.window, "Engines")
    app.frames(1)
    app.press(pygame.K_RETURN)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    app.press(pygame.K_ESCAPE, pygame.K_ESCAPE)
    menu = Menu(app.window)
    assert menu.cards[menu.chosen].title.checkpoint == app.window.checkpoints / "gamegan-pacman"
    menu.close()


def test_what_an_engine_cannot_do_is_said(app: Driver):
    engine_folder(app)
    visit(app.window, "Engines")
    press_button(app, "Watch")
    assert "no controller" in app.said
    press_button(app, "Train further")
    assert "run folder is not here" in app.said


def test_an_engine_is_measured_in_a_process_of_its_own(trainer: Driver):
    engine_folder(trainer)
    visit(trainer.window, "Engines")
    press_button(trainer, "Evaluate")
    page = trainer.window.screen
    assert isinstance(page, Engines) and page.current and page.job(page.current)
    folder = page.current.checkpoint
    trainer.until(lambda: (trainer.frames(1, 0.6), page.job(page.current) is None)[1], 60)
    trainer.until(lambda: (trainer.frames(1, 1.1), page.cards[folder].fresh)[1])
    assert page.cards[folder].figures[0].value == "97.0 %"
    trainer.until(lambda: "evaluation is done" in trainer.said)


# trainings -----------------------------------------------------------------------------------------------


def test_a_training_is_started_followed_held_and_stopped(trainer: Driver):
    page = start(trainer)

    def run_is(state: str) -> bool:
        trainer.frames(1, 0.5)
        return page.run.state == state

    trainer.until(lambda: run_is("training") and page.run.log.step > 5, 60)
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
    press_button(trainer, "Stop and keep")
    trainer.until(lambda: run_is("stopped"), 60)
    trainer.until(lambda: "training is done" in trainer.said)


def test_a_training_that_fails_says_why_on_screen(trainer: Driver):
    page = start(trainer, "broken")
    trainer.until(lambda: (trainer.frames(1, 0.6), page.run.state == "failed")[1], 60)
    assert page.run.why == "broken: there is something wrong with it"
    trainer.until(lambda: "something wrong" in trainer.said)
    trainer.frames(2)


@pytest.mark.parametrize("answer", ["Stay", "Stop and keep", "Go on in the background"])
def test_closing_the_app_asks_what_becomes_of_a_running_training(trainer: Driver, answer: str):
    page = start(trainer)
    trainer.until(lambda: (trainer.frames(1, 0.5), page.run.log.step > 2)[1], 60)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    trainer.frames(1)
    assert trainer.window.running and isinstance(trainer.window.screen, Leaving)
    press_button(trainer, answer)
    assert trainer.window.running == (answer == "Stay")
    (job,) = trainer.window.workshop.jobs.all.values()
    if answer == "Stop and keep":
        job.wait(20)
        assert job.code == 0 and '"stopped"' in (page.run.folder / "metrics.jsonl").read_text()
    else:
        assert job.running


def test_asked_twice_the_app_leaves(trainer: Driver):
    start(trainer)
    for _ in range(2):
        pygame.event.post(pygame.event.Event(pygame.QUIT))
        trainer.frames(1)
    assert not trainer.window.running


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


def test_a_run_is_trained_further_with_its_own_config_and_more_steps(trainer: Driver):
    folder = old_run(trainer, status="stopped")
    open_train(trainer)
    trainer.press(pygame.K_DOWN, pygame.K_RETURN)
    press_button(trainer, "Train further")
    page = trainer.window.screen
    assert isinstance(page, NewRun) and page.plan.config == str(folder / "config.yaml")
    assert min(page._step_options()) > 40
    trainer.until(lambda: page.data)
    trainer.press(pygame.K_UP, pygame.K_RETURN)
    assert isinstance(trainer.window.screen, RunPage)
    (job,) = trainer.window.workshop.jobs.all.values()
    assert job.running and trainer.window.screen.run.folder == folder


def test_the_form_is_filled_in_with_keys_and_the_mouse(trainer: Driver):
    page = new_training(trainer)
    assert page.plan.name in ("gamegan-lite", "world-model") and page.data
    names = [each.name for each in page.presets]
    assert set(names) >= {"gamegan", "gamegan-lite", "gamegan-tiny"}
    trainer.press(pygame.K_DOWN, *[pygame.K_RIGHT] * names.index("gamegan"))
    assert page.plan.name == "gamegan" and page.plan.about
    trainer.press(pygame.K_DOWN, pygame.K_LEFT)
    assert page._step_options()[page.steps] < page.plan.steps["training"]
    trainer.frames(1)
    device = page.lines[3].rect
    click(trainer, (device.right - 5, device.centery))
    assert plans.DEVICES[page.device] == "cpu"
    click(trainer, page.lines[4].rect.center)
    assert isinstance(trainer.window.screen, Prompt)
    trainer.press(*[pygame.K_BACKSPACE] * 60)
    typed(trainer, "mine")
    trainer.press(pygame.K_RETURN)
    assert page.name == "mine"


def test_recordings_may_lie_anywhere(trainer: Driver, tmp_path: Path):
    save(tmp_path / "far away", "two", steps=9)
    page = new_training(trainer)
    pygame.event.post(pygame.event.Event(pygame.DROPFILE, file=str(tmp_path / "nowhere")))
    trainer.frames(1)
    assert "no such folder" in trainer.said
    trainer.press(pygame.K_RETURN, pygame.K_HOME, *[pygame.K_DELETE] * 200)
    typed(trainer, str(tmp_path / "far away"))
    trainer.press(pygame.K_RETURN)
    assert page.data == tmp_path / "far away"
    trainer.until(lambda: page.known[tmp_path / "far away"] == (1, 9))


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
    for place in ("Engines", "Train"):
        visit(app.window, place)
        app.frames(2)
        app.press(*keys, pygame.K_ESCAPE)
    open_train(app)
    app.window.screen.open()  # type: ignore[attr-defined]
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


# charts --------------------------------------------------------------------------------------------------


def test_a_chart_draws_its_curve_from_the_lower_left_to_the_upper_right(app: Driver):
    surface = pygame.Surface((400, 300))
    curve = Curve(list(range(1, 101)), [float(i) for i in range(1, 101)])
    Charts().draw(surface, surface.get_rect(), [Chart("x", curve, (0, 255, 0))], Scale(1.0))
    inside = plot_area((400, 260), Scale(1.0))
    green = pygame.surfarray.array3d(surface.subsurface(inside))[..., 1] > 200
    columns = [np.flatnonzero(column).mean() for column in green if column.any()]
    assert columns[0] > 0.8 * inside.height and columns[-1] < 0.1 * inside.height
    assert all(below >= above - 1 for below, above in pairwise(columns))


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0], [0.0, -1.0], [1e-9, 1e9], [5.0] * 200])
def test_any_curve_can_be_drawn(app: Driver, values: list[float]):
    surface = pygame.Surface((300, 200))
    curve = Curve(list(range(len(values))), values)
    Charts().draw(surface, surface.get_rect(), [Chart("x", curve, (0, 255, 0))] * 20, Scale(1.0), (150, 80))


def test_numbers_are_short_and_means_are_means():
    assert [number(x) for x in (0, 0.01234, 1.6234, 35.71, 1234.4, 12_345)] == [
        "0", "0.0123", "1.62", "35.7", "1234", "12.3k",
    ]  # fmt: skip
    assert smoothed(np.full(100, 3.0)) == pytest.approx(3.0)
    assert spoken("world-model-maze") == "World Model Maze"


@pytest.mark.slow
def test_a_real_training_ends_in_an_engine_that_is_one_key_from_being_played(
    trainer: Driver, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(jobs, "COMMAND", [sys.executable, "-m", "gamesim"])
    for i in range(12):
        save(trainer.recordings / "pac-man", f"more-{i}", steps=30)
    trainer.window.workshop.shelf.refresh()
    page = new_training(trainer)
    names = [each.name for each in page.presets]
    trainer.press(pygame.K_DOWN, *[pygame.K_RIGHT] * names.index("gamegan-tiny"), pygame.K_UP)
    trainer.press(pygame.K_UP, pygame.K_RETURN)
    page = trainer.window.screen
    assert isinstance(page, RunPage)
    deadline = time.monotonic() + 300
    while page.run.state != "done" and time.monotonic() < deadline:
        trainer.frames(1, 0.5)
        time.sleep(0.2)
        assert page.run.state != "failed", page.run.why
    trainer.frames(2, 0.5)
    assert page.run.log.sheets and page.run.log.losses and page.run.log.validation
    assert page.buttons[page.focus].label == "Play it"
    trainer.press(pygame.K_RETURN)
    trainer.until(lambda: type(trainer.window.screen).__name__ == "Play")
