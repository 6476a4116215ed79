"""Watching a controller drive: in its dream, in the real game, and under a person's hand."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pygame
import pytest

from app.driver import Driver, dream, world
from app.fakes import card
from gamesim.app.action_keys import ActionKeys
from gamesim.app.controls import LEFT, RIGHT, STAY, Command
from gamesim.app.game import hud, sides
from gamesim.app.game.pilot import Pilot
from gamesim.app.game.session import Session
from gamesim.app.game.temperature import RUNGS
from gamesim.app.game.world import World
from gamesim.app.library.catalog import PACMAN
from gamesim.data.episode import PLAYERS, Episode


class Alternating:
    """A controller policy for one lane that goes left and right, and keeps all that it was told."""

    player = "controller"

    def __init__(self) -> None:
        self.actions = np.zeros(1, np.int64)
        self.seen: list[tuple[int, np.ndarray]] = []
        self.resets = 0

    def reset(self, mask: np.ndarray) -> None:
        assert mask.all()
        self.resets += 1
        self.actions = np.zeros(1, np.int64)

    def took(self, actions: np.ndarray) -> None:
        self.actions = actions

    def act(self, frames: np.ndarray, info: dict) -> np.ndarray:
        self.seen.append((int(self.actions[0]), frames[0].copy()))
        self.actions = np.array([LEFT if len(self.seen) % 2 else RIGHT])
        return self.actions


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> Alternating:
    """The one that drives real games in this test."""
    made = Alternating()
    pilots = {True: Pilot(made), False: None}
    monkeypatch.setattr(sides, "pilot_of", lambda env: pilots[env.unwrapped.act() is not None])
    return made


@pytest.fixture
def app(checkpoints: Path, tmp_path: Path, policy: Alternating) -> Iterator[Driver]:
    folder = checkpoints / "world-model-pacman"
    folder.mkdir()
    (folder / "config.yaml").write_text("system: world-model\n", encoding="utf-8")
    card(folder, PACMAN)
    driver = Driver(checkpoints, tmp_path)
    yield driver
    driver.window.close()


def watched() -> Session:
    made = Session(dream(checkpoint="world-model"))
    assert made.toggle_driver()
    return made


def acted(made: World) -> list[int]:
    return made.env.unwrapped.actions  # type: ignore[attr-defined]


def facts(app: Driver) -> dict[str, hud.Fact]:
    return {fact.label: fact for fact in app.window.screen.panel.facts(True)}  # type: ignore[attr-defined]


# the session ------------------------------------------------------------------------------------------------


def test_the_controller_drives_until_a_direction_is_held_and_again_when_it_is_let_go():
    made = watched()
    for _ in range(3):
        made.tick()
    made.steering.press(LEFT)
    assert made.driver == "human"
    for _ in range(3):
        made.tick()
    made.steering.release(LEFT)
    assert made.driver == "controller"
    made.tick()
    assert acted(made.world) == [1, 2, 3, LEFT, LEFT, LEFT, 3]
    assert made.world.steps == 7  # nothing began anew


def test_a_tap_overrides_the_controller_for_one_step():
    made = watched()
    made.steering.press(LEFT)
    made.steering.release(LEFT)
    made.tick()
    made.tick()
    assert acted(made.world) == [LEFT, 2]


def test_locked_to_the_person_nobody_moves_unless_a_key_is_pressed():
    made = watched()
    made.tick()
    assert made.toggle_driver() and made.driver == "human"
    made.tick()
    assert acted(made.world) == [1, STAY]
    assert made.toggle_driver() and made.driver == "controller"


def test_an_engine_without_a_controller_cannot_be_watched():
    made = Session(dream())
    assert not made.toggle_driver()
    assert made.driver == "human" and not made.watching


def test_the_real_game_goes_on_under_the_controller_of_its_dream(policy: Alternating):
    made = Session(world())
    for _ in range(3):
        made.tick()
    real = made.world
    made.other = dream(checkpoint="world-model")
    made.switch()
    made.toggle_driver()
    made.switch()
    assert made.world is real and real.steps == 3
    assert policy.resets == 1 and len(policy.seen) == 4  # what was played before it came is shown to it
    for _ in range(4):
        made.tick()
    assert [action for _, action in real.trail][-4:] == [RIGHT, LEFT, RIGHT, LEFT]


def test_the_controller_is_told_what_the_person_did(policy: Alternating):
    made = Session(dream(checkpoint="world-model"))
    made.other = world()
    made.toggle_driver()
    made.switch()
    real = made.world
    made.steering.press(RIGHT)
    made.tick()
    made.tick()
    made.steering.release(RIGHT)
    made.tick()
    told = [action for action, _ in policy.seen]
    assert told[:3] == [STAY, RIGHT, RIGHT]
    np.testing.assert_array_equal(policy.seen[-1][1], real.frame)


def test_a_new_episode_is_new_for_the_controller(policy: Alternating):
    made = Session(dream(checkpoint="world-model"))
    made.other = world()
    made.switch()
    resets = policy.resets
    made.restart()
    assert policy.resets == resets + 1


def test_after_rewinding_the_controller_advises_from_there():
    made = watched()
    for _ in range(5):
        made.tick()
    made.world.rewind()
    made.world.rewind()
    assert made.world.advice == 4
    made.tick()
    assert acted(made.world) == [1, 2, 3, 4]


def test_side_by_side_the_dream_is_driven_on_when_the_game_is_over(policy: Alternating):
    made = Session(world(max_steps=3))
    made.other = dream(checkpoint="world-model")
    made.toggle_beside()
    made.waiting = False
    made.together = False
    made.toggle_driver()
    for _ in range(6):
        made.tick()
    real, dreamt = made.playing
    assert real.over and dreamt.steps == 6
    assert acted(dreamt)[:3] == [action for _, action in real.trail][-3:]
    assert acted(dreamt)[3:] == [4, 1, 2]


# in the app -------------------------------------------------------------------------------------------------


def test_m_lets_the_controller_drive_and_takes_it_back(app: Driver):
    app.play("World Model Pac-Man")
    app.press(pygame.K_m)
    assert "AI drives" in app.said and app.session.driver == "controller"
    app.frames(10, 0.1)
    steps = app.session.world.steps
    assert steps > 4 and 0 not in acted(app.session.world)
    app.press(pygame.K_m)
    assert app.session.driver == "human" and "You drive" in app.said
    app.frames(10, 0.1)
    assert acted(app.session.world)[-3:] == [0, 0, 0] and app.session.world.steps > steps


def test_holding_an_arrow_overrides_and_letting_go_gives_it_back(app: Driver):
    app.play("World Model Pac-Man")
    app.press(pygame.K_m)
    app.frames(5, 0.1)
    app.down(pygame.K_LEFT)
    app.frames(1, 0.0)
    assert facts(app)["Driver"].value == "you, while you hold a key"
    app.frames(10, 0.1)
    assert acted(app.session.world)[-3:] == [LEFT] * 3
    app.up(pygame.K_LEFT)
    app.frames(10, 0.1)
    assert facts(app)["Driver"].value == "AI"
    assert len(set(acted(app.session.world)[-4:])) == 4


def test_what_the_controller_does_and_thinks_is_on_screen(app: Driver):
    app.play("World Model Pac-Man")
    app.press(pygame.K_m)
    app.frames(5, 0.1)
    lines = facts(app)
    advice = app.session.world.advice
    assert advice and lines["AI presses"].value == hud.MOVES[advice]
    assert lines["Driver"].value == "AI"
    assert len(lines["Possible futures"].bars) == 5 and sum(lines["Possible futures"].bars) == pytest.approx(
        1.0
    )
    assert {"Score", "Chance of an ending", "Temperature"} <= set(lines)


def test_what_the_ai_presses_is_on_screen_before_the_keys_of_the_game(app: Driver):
    """A small window had room for two of the keys, and none for what the AI does."""
    app.play("World Model Pac-Man")
    app.press(pygame.K_m)
    app.frames(5, 0.1)
    app.session.world.keys = ActionKeys(["NOOP", "LEFT", "RIGHT", "UP", "DOWN"])
    labels = list(facts(app))
    assert labels.index("AI presses") < labels.index("Left")
    app.press(pygame.K_m)
    labels = list(facts(app))
    assert labels.index("AI would press") > labels.index("Left"), "who plays needs the keys"


def test_an_engine_without_a_controller_says_so(app: Driver):
    app.play("Tilemap Pac-Man")
    app.press(pygame.K_m)
    assert "No AI driver here" in app.said and not app.session.watching
    assert not {"Possible futures", "Driver"} & set(facts(app))


def test_m_in_the_real_game_calls_a_controller_from_a_dream_of_it(app: Driver, policy: Alternating):
    app.play("Pac-Man, endless")
    real = app.session.world
    app.press(pygame.K_m)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    assert app.session.world is real and app.session.driver == "controller"
    app.frames(10, 0.1)
    assert policy.resets == 1 and {action for _, action in real.trail} <= {STAY, LEFT, RIGHT}


@pytest.mark.parametrize("before", [[pygame.K_TAB, pygame.K_TAB], [pygame.K_v]])
def test_m_calls_one_also_where_another_dream_is_open_already(app: Driver, before: list[int]):
    app.play("Pac-Man, endless")
    real = app.session.world
    for key in before:
        app.press(key)
        app.until(lambda: type(app.window.screen).__name__ == "Play")
    opened = app.session.other
    assert opened is not None and not opened.title.has_controller
    assert Command.DRIVER in [does for does, _ in app.window.screen.works()]
    app.press(pygame.K_m)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    assert app.session.driver == "controller" and "No AI driver" not in app.said
    assert app.session.world is real and app.session.other is opened
    app.frames(10, 0.1)
    assert real.steps > 4 and {action for _, action in real.trail} <= {STAY, LEFT, RIGHT}


def test_where_no_dream_has_a_controller_m_says_so(app: Driver):
    app.play("Maze")
    app.press(pygame.K_m)
    assert "No AI driver here" in app.said


def test_tab_lets_the_same_controller_drive_the_real_game(app: Driver, policy: Alternating):
    app.play("World Model Pac-Man")
    app.press(pygame.K_m, pygame.K_TAB)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    real = app.session.world
    assert real.temperature is None and app.session.driver == "controller"
    app.frames(10, 0.1)
    assert {action for _, action in real.trail} <= {STAY, LEFT, RIGHT} and real.steps > 4
    assert facts(app)["Driver"].value == "AI"


def test_the_temperature_turns_while_it_drives(app: Driver):
    app.play("World Model Pac-Man")
    app.press(pygame.K_m)
    app.press(pygame.K_EQUALS)
    assert app.session.world.temperature == pytest.approx(1.05)
    app.session.world.temperature = RUNGS[-1] - 0.3
    app.press(pygame.K_EQUALS, pygame.K_EQUALS, pygame.K_EQUALS)
    assert app.session.world.temperature == RUNGS[-1]
    app.session.world.temperature = RUNGS[0] + 0.2
    app.press(pygame.K_MINUS, pygame.K_MINUS, pygame.K_MINUS)
    assert app.session.world.temperature == RUNGS[0]
    app.press(pygame.K_0)
    assert app.session.world.temperature == 1.0
    assert app.session.driver == "controller"


def test_a_recording_keeps_who_drove_each_step(app: Driver):
    app.play("World Model Pac-Man")
    app.press(pygame.K_COMMA, pygame.K_m)
    app.frames(6, 0.1)
    app.down(pygame.K_LEFT)
    app.frames(6, 0.1)
    app.up(pygame.K_LEFT)
    app.press(pygame.K_COMMA, pygame.K_ESCAPE)
    (path,) = app.recordings.glob("world-model-pac-man-*/*.npz")
    players = [PLAYERS[who] for who in Episode.load(path).players]
    assert set(players) == {"controller", "human"} and players[0] == "controller"
