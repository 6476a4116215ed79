"""What the tests of engines and trainings share: folders that are left behind, ways through screens."""

import json
import sys
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pygame

from app.driver import Driver, click
from gamesim import storage
from gamesim.app.library import presets
from gamesim.app.navigation import visit
from gamesim.app.screens.new_run import NewRun
from gamesim.app.screens.run import RunPage, Train
from gamesim.app.ui.ask import Ask

STUB = [sys.executable, str(Path(__file__).with_name("stub_trainer.py"))]
CARD = """\
# x

| | |
|---|---|
| game | gamesim/Pacman-v0 |
| preset | tilemap |
| learned from | frames, given the size of a cell |
| minutes | 38.0 |
| device | cpu (1 threads) |

"""


def engine_folder(app: Driver, figures: dict | None = None) -> Path:
    folder = app.checkpoints / "tilemap-pacman"
    (folder / "README.md").write_text(CARD + "## Figures\n\n| figure | value |\n")
    (folder / "manifest.json").write_text("{}")
    (folder / "metrics.json").write_text(json.dumps(figures or {}))
    return folder


def old_run(app: Driver, name: str = "old", **last) -> Path:
    """A finished run, its engine and a sheet, as the command line leaves them in ./runs."""
    folder = Path("runs") / name
    (folder / "samples").mkdir(parents=True)
    (folder / "config.yaml").write_text("name: mine\nsystem: tilemap\ntraining: {steps: 400}\n")
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
    buttons = app.window.screen.buttons  # type: ignore[attr-defined]
    click(app, next(button.rect.center for button in buttons if button.label == label))


def new_training(app: Driver, preset: str = "") -> NewRun:
    """To the form, with recordings chosen; `preset` need not exist for the stub."""
    open_train(app)
    app.press(pygame.K_RETURN)
    page = app.window.screen
    assert isinstance(page, NewRun)
    app.until(lambda: page.plan.data)
    if preset:
        page.plan.presets = [presets.Preset(preset, preset, "", {"training": 1000})]
        page.plan.turn_preset(0)
    return page


def start(app: Driver, preset: str = "stub") -> RunPage:
    page = new_training(app, preset)
    app.press(pygame.K_UP, pygame.K_RETURN)  # from the first line up to the last: Start
    if isinstance(app.window.screen, Ask):  # with so few recordings
        press_button(app, "Start anyway")
    assert isinstance(app.window.screen, RunPage), app.said
    assert page.plan.folder.is_relative_to(app.window.kit.workshop.run_roots[-1])
    return app.window.screen


def assert_kept_or_running(app: Driver, page: RunPage, answer: str) -> None:
    """What became of the one training, as it was answered when the app was closed."""
    (job,) = app.window.kit.workshop.jobs.all.values()
    if answer == "Stop and save":
        job.process.wait(200)
        assert job.code == 0 and '"stopped"' in (page.run.folder / "metrics.jsonl").read_text()
    else:
        assert job.running
