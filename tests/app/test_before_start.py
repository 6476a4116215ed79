"""Before a training starts: how long it would take here, and what speaks against it."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import gymnasium as gym
import numpy as np
import pygame
import pytest

import gamesim  # noqa: F401
from app import fakes
from app.conftest import SHIPPED
from app.driver import Driver
from app.fakes import save
from app.test_runs import a_run, line
from app.training import new_training, press_button
from gamesim.app.library import fitness, presets
from gamesim.app.library.catalog import ARCADE, GARDEN, MAZE, PACMAN
from gamesim.app.library.fitness import Needs, View, look, misfit, view_of
from gamesim.app.library.jobs import Jobs
from gamesim.app.library.plan import warnings
from gamesim.app.library.presets import Estimate
from gamesim.app.library.runs import Run
from gamesim.app.screens.new_run import NewRun
from gamesim.app.screens.run import RunPage
from gamesim.app.theme import Scale
from gamesim.app.ui.ask import Ask

pytestmark = pytest.mark.usefixtures("elsewhere")
CARDS = sorted(SHIPPED.iterdir())


@pytest.fixture(autouse=True)
def a_core_like_that_of_the_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets, "speed", lambda: presets.REFERENCE)
    monkeypatch.setattr(presets, "gpu", lambda: "")


def walk(game_id: str, steps: int = 60) -> np.ndarray:
    """Frames of some one who walks about, uint8 (T, 84, 84, 3)."""
    env, random, action = gym.make(game_id), np.random.default_rng(0), 1
    frames = [env.reset(seed=1)[0]]
    for _ in range(steps):
        action = int(random.integers(1, 5)) if random.random() < 0.4 else action
        frame, _, terminated, truncated, _ = env.step(action)
        frames.append(frame)
        if terminated or truncated:
            break
    return np.stack(frames)


@pytest.mark.parametrize(("game_id", "fits"), [(ARCADE, False), (PACMAN, True), (GARDEN, True), (MAZE, True)])
def test_whether_a_game_can_be_learned_is_seen_in_its_frames(game_id: str, fits: bool):
    view = look(walk(game_id))
    assert view == (View(12, scrolls=True) if fits else View(None, scrolls=False))
    assert bool(misfit(presets.preset("tilemap").needs, view)) is not fits
    assert bool(misfit(presets.preset("gamegan-small").needs, view)) is not fits


def test_who_stands_about_while_ghosts_walk_has_a_view_that_scrolls_all_the_same(tmp_path: Path):
    """A person rests in corners, and one recording may be all rest."""
    played = walk(MAZE)
    ghost = np.repeat(played[-1:], 60, 0)
    for t, frame in enumerate(ghost):  # something goes up and down in the corner
        frame[12 * (t % 2) : 12 * (t % 2) + 12, 72:] = (255, 0, 0)
    assert look(np.concatenate([ghost, played, ghost])).scrolls and not look(ghost).scrolls
    for name, frames in {"rest": ghost, "play": played}.items():
        replace(fakes.episode(len(frames) - 1), frames=frames).save(tmp_path / f"{name}.npz")
    assert view_of(sorted(tmp_path.glob("*.npz"))).scrolls


def test_a_later_stage_is_not_offered_for_a_new_training():
    """The app begins each of them with nothing."""
    offered = [each.name for each in presets.all_presets()]
    assert "gamegan" in offered and "gamegan-recall" not in offered and "gamegan-finish" not in offered


def test_a_preset_that_takes_nothing_for_granted_fits_every_game():
    assert misfit(presets.preset("world-model").needs, View(None, scrolls=False)) == ""
    assert "cells of 12" in misfit(Needs(cell=12), View(None, scrolls=True))


@pytest.mark.parametrize(
    ("preset", "low", "high"),
    [
        ("tilemap", 10, 16),
        ("gamegan-small-more", 20, 40),
        ("gamegan-small", 100, 130),
        ("world-model-places", 20, 40),
    ],
)
def test_minutes_on_a_cpu_core_are_those_that_were_measured(preset: str, low: float, high: float):
    takes = presets.estimate(presets.preset(preset), None, "cpu", [], CARDS)
    assert takes.seconds is not None and low < takes.seconds / 60 < high and not takes.measured


def test_half_the_steps_take_half_the_time_and_a_slower_core_takes_longer(monkeypatch: pytest.MonkeyPatch):
    chosen = presets.preset("tilemap")
    whole, half = (presets.estimate(chosen, steps, "cpu", [], CARDS).seconds for steps in (1000, 500))
    assert whole and half and half - presets.BEGINNING == pytest.approx((whole - presets.BEGINNING) / 2)
    monkeypatch.setattr(presets, "speed", lambda: presets.REFERENCE / 4)
    slow = presets.estimate(chosen, 1000, "cpu", [], CARDS).seconds
    assert slow and slow > 3 * whole


def test_a_run_of_the_same_preset_on_this_machine_tells_best(tmp_path: Path):
    folder = a_run(tmp_path / "run", line(10, losses={"a": 1.0}))  # 2 seconds a step
    (folder / "config.yaml").write_text("name: tilemap\nsystem: tilemap\ntraining: {steps: 400}\n")
    takes = presets.estimate(presets.preset("tilemap"), 100, "cpu", [Run(folder, Jobs())], CARDS)
    assert takes == Estimate(presets.BEGINNING + 200, "cpu", measured=True)
    assert takes.words == "Takes about 4 min on this CPU, as the last time"


@pytest.mark.parametrize(
    ("seconds", "device", "words"),
    [
        (180.0, "cpu", "Takes about 3 min on this CPU"),
        (50 * 86400.0, "cpu", "Takes weeks on this CPU"),
        (None, "cuda", "No estimate for this GPU yet"),
    ],
)
def test_an_estimate_is_a_plain_sentence(seconds: float | None, device: str, words: str):
    assert Estimate(seconds, device).words.startswith(words)


SHORT = Estimate(600.0, "cpu")


@pytest.mark.parametrize(
    ("preset", "recorded", "view", "takes", "device", "warned"),
    [
        ("tilemap", (2000, 60_000), View(12, True), SHORT, "auto", ()),
        ("tilemap", (2, 49), View(12, True), SHORT, "auto", ("Few recordings: 2 games, 49 steps",)),
        ("tilemap", (1, 1), None, SHORT, "auto", ("Few recordings: 1 game, 1 step.",)),
        ("tilemap", (2000, 60_000), View(None, False), SHORT, "auto", ("cannot learn this game",)),
        ("gamegan", (2000, 60_000), View(12, True), Estimate(4e6, "cpu"), "auto", ("wants a GPU",)),
        ("world-model", (2000, 60_000), None, Estimate(None, "cpu"), "auto", ("wants a GPU",)),
        ("gamegan", (2000, 60_000), View(12, True), Estimate(None, "cuda"), "cuda", ("No NVIDIA GPU",)),
        ("gamegan-tiny", (2000, 60_000), View(12, True), SHORT, "auto", ("for tests",)),
    ],
)
def test_what_speaks_against_a_training_is_said(
    preset: str,
    recorded: tuple[int, int],
    view: View | None,
    takes: Estimate,
    device: str,
    warned: Sequence[str],
):
    found = warnings(presets.preset(preset), *recorded, view, takes, device)
    assert len(found) == len(warned) and all(part in words for part, words in zip(warned, found, strict=True))


def test_a_hopeless_start_asks_first_and_back_starts_nothing(trainer: Driver):
    page = new_training(trainer, "stub")
    assert any("Few recordings" in words for words in page.plan.warnings)
    trainer.press(pygame.K_UP, pygame.K_RETURN)
    assert isinstance(trainer.window.screen, Ask) and "Few recordings" in trainer.window.screen.more
    trainer.press(pygame.K_RETURN)  # what is chosen at first goes back
    assert isinstance(trainer.window.screen, NewRun) and not trainer.window.kit.workshop.jobs.all
    trainer.press(pygame.K_RETURN)
    press_button(trainer, "Start anyway")
    assert isinstance(trainer.window.screen, RunPage)


def test_recordings_of_a_game_that_does_not_scroll_are_looked_at(trainer: Driver):
    save(trainer.recordings / "flat", "one", steps=30)  # grey frames that only grow brighter
    trainer.window.kit.workshop.shelf.refresh()
    page = new_training(trainer)

    def warned() -> bool:
        trainer.frames(1)
        return any("cannot learn" in words for words in page.plan.warnings)

    trainer.until(warned)


def test_what_recordings_show_is_kept_for_these_and_no_others(
    trainer: Driver, monkeypatch: pytest.MonkeyPatch
):
    """They are looked at one after another, while the player goes on to others."""
    free, seen, look = threading.Event(), [], fitness.look

    def later(frames: np.ndarray) -> View:
        free.wait()
        seen.append(look(frames))
        return seen[-1]

    monkeypatch.setattr(fitness, "look", later)
    frames = walk(PACMAN)
    (trainer.recordings / "scrolls").mkdir()
    replace(fakes.episode(len(frames) - 1), frames=frames).save(trainer.recordings / "scrolls" / "one.npz")
    for name in ("flat", "flat too"):
        save(trainer.recordings / name, "one", steps=30)  # grey frames that only grow brighter
    trainer.window.kit.workshop.shelf.refresh()
    plan = new_training(trainer).plan
    trainer.until(lambda: {"scrolls", "flat", "flat too"} <= {place.name for place in plan.known})

    def choose(name: str) -> bool:
        while plan.data is None or plan.data.name != name:
            plan.turn_data(1)
        return any("cannot learn" in words for words in plan.warnings)

    for name in ("flat", "flat too", "scrolls"):
        choose(name)
    free.set()
    trainer.until(lambda: len(seen) >= 3)
    trainer.until(lambda: choose("flat") and choose("flat too"))
    assert not choose("scrolls")


@pytest.mark.parametrize("zoom", [1.0, 1.5])
@pytest.mark.parametrize("size", [(1280, 800), (800, 600), (640, 480)])
def test_every_line_and_every_warning_can_be_reached(trainer: Driver, size: tuple[int, int], zoom: float):
    page = new_training(trainer, "stub")
    trainer.resize(*size)
    Scale.zoom = zoom
    trainer.frames(2)
    for index, line_ in enumerate(page.rows):
        while page.chosen != index:
            trainer.press(pygame.K_DOWN)
        trainer.frames(2)
        assert page.view.contains(page.rows[index].rect), line_.label
        assert page.rows[index].rect.height >= Scale.of(size).px(50)


def test_of_several_games_in_one_folder_one_is_chosen(trainer: Driver):
    save(trainer.recordings / "pac-man", "other", steps=50, game="PacmanMaze")
    save(trainer.recordings / "pac-man", "third", steps=9)
    page = new_training(trainer, "stub")
    trainer.until(lambda: len(page.plan.games) > 1)
    assert [each.label for each in page.rows][:3] == ["Recordings", "Game", "Preset"]
    assert page.plan.counts == (2, 39)
    trainer.press(pygame.K_DOWN, pygame.K_RIGHT)
    assert page.plan.counts == (1, 50) and page.rows[1].value == "Maze"
    trainer.press(pygame.K_UP, pygame.K_UP, pygame.K_RETURN)
    press_button(trainer, "Start anyway")
    (job,) = trainer.window.kit.workshop.jobs.all.values()
    assert job.words[job.words.index("--game") + 1] == "gamesim/PacmanMaze-v0"


def test_of_one_game_there_is_nothing_to_choose(trainer: Driver):
    page = new_training(trainer, "stub")
    assert "Game" not in [each.label for each in page.rows]
