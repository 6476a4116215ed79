"""The clock starts with the first move: in every game and dream, at the start and after an end."""

import pygame
import pytest

from app.driver import FRAME, Driver, dream
from app.fakes import FakeDream
from gamesim.app.controls import LEFT, RIGHT
from gamesim.app.game.session import BEAT, REST, SEEN, Session
from gamesim.app.gamepad import Pad
from gamesim.app.library.catalog import games

NAMES = [title.name for title in games()]


class Driven(FakeDream):
    """A dream whose controller drives."""

    def __init__(self, checkpoint: str = "", **kwargs) -> None:
        super().__init__("world-model", **kwargs)


def run(session: Session, seconds: float) -> None:
    for _ in range(round(seconds / FRAME)):
        session.update(FRAME)


def driven(length: int = 1000) -> Session:
    made = dream()
    made.env = Driven(length=length)
    session = Session(made)
    session.watching = True
    return session


def over(length: int = 3) -> Session:
    """A dream that has ended and is told about."""
    session = Session(dream(length=length))
    for _ in range(length):
        session.tick()
    run(session, BEAT + session.world.reel.seconds + SEEN + 0.6)
    assert session.tells_end(session.world)
    return session


@pytest.mark.parametrize("name", [*NAMES, "Tilemap Pac-Man"])
def test_nothing_moves_and_no_step_counts_until_the_first_move(app: Driver, name):
    app.play(name, waits=True)
    frame, before = app.session.world.frame.copy(), app.session.world.now
    app.passes(10.0)
    assert app.session.ready and app.session.world.steps == 0
    assert (app.session.world.frame == frame).all() and app.session.world.now is before
    app.press(pygame.K_p, pygame.K_p, pygame.K_x, pygame.K_x, pygame.K_n)
    app.frames(60)
    assert app.session.world.steps == 0
    app.press(pygame.K_LEFT)
    app.frames(2)
    assert app.session.world.steps == 1 and not app.session.ready
    app.frames(60)
    assert app.session.world.steps > 3 or app.session.world.over


def test_a_gamepads_move_starts_it_too(app: Driver):
    app.frames(3)
    app.window.kit.pads.opener = lambda index: (7, Pad("Pad", object(), True))
    pygame.event.post(pygame.event.Event(pygame.JOYDEVICEADDED, device_index=0))
    app.frames(1)
    app.play("Maze", waits=True)
    app.frames(60)
    assert app.session.ready
    button = pygame.CONTROLLER_BUTTON_DPAD_LEFT
    pygame.event.post(pygame.event.Event(pygame.CONTROLLERBUTTONDOWN, instance_id=7, button=button))
    app.frames(30)
    assert app.session.world.steps > 1


def test_a_new_game_waits_as_the_first_did(app: Driver):
    app.play("Maze")
    app.frames(60)
    app.press(pygame.K_RETURN)
    app.passes(2.0)
    assert app.session.ready and app.session.world.steps == 0


def test_the_other_side_waits_when_it_comes_to_the_front(app: Driver):
    app.play("Pac-Man, endless")
    app.frames(30)
    real = app.session.world
    for key in (pygame.K_TAB, pygame.K_TAB, pygame.K_v):
        app.press(key)
        app.until(lambda: type(app.window.screen).__name__ == "Play")
        steps = [made.steps for made in app.session.playing]
        app.frames(60)
        assert app.session.ready and [made.steps for made in app.session.playing] == steps
    assert app.session.beside and app.session.world is real
    app.press(pygame.K_LEFT)
    app.frames(30)
    assert all(made.steps > was for made, was in zip(app.session.playing, steps, strict=True))


def test_a_controller_that_drives_starts_by_itself():
    session = driven()
    run(session, 1.0)
    assert session.world.steps > 3


def test_one_step_by_hand_is_a_start():
    session = Session(dream())
    session.step_once()
    session.paused = False
    run(session, 1.0)
    assert session.world.steps > 3


def test_after_an_end_nothing_begins_by_itself():
    session = over()
    run(session, 3 * REST)
    assert session.world.over and session.world.steps == 3
    session.restart()
    run(session, REST)
    assert session.ready and session.world.steps == 0


def test_after_an_end_a_direction_brings_the_next_game_and_another_one_starts_it(app: Driver):
    app.play("Pac-Man")
    app.press(pygame.K_LEFT)
    while not app.session.world.over:
        app.session.tick()
    app.passes(8.0)
    app.press(pygame.K_RIGHT)
    app.frames(60)
    assert app.session.ready and app.session.world.over is None and app.session.world.steps == 0
    app.press(pygame.K_RIGHT)
    app.frames(2)
    assert app.session.world.steps == 1


def test_who_still_hammers_the_keys_at_the_end_sees_it():
    session = Session(dream(length=3))
    for _ in range(3):
        session.tick()
    session.press(LEFT)
    run(session, 0.2)
    session.press(RIGHT)
    assert session.world.over
    run(session, 1.0)
    assert session.replaying
    session.press(RIGHT)
    assert session.world.over and not session.replaying
    session.press(RIGHT)
    assert session.world.over


def test_where_a_controller_drives_the_next_one_begins_by_itself():
    session = driven(length=3)
    run(session, 1.5)
    assert session.world.over
    begun = 0
    for _ in range(round(3 * REST / FRAME)):
        session.update(FRAME)
        begun += session.world.over is None and session.world.steps == 1
    assert begun
