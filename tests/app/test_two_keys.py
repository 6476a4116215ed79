"""Two keys for one thing: letting go of one of them does not end what the other still asks for."""

from itertools import product

import pygame
import pytest

from app.driver import Driver
from gamesim.app.controls import DOWN, KEYMAP, LEFT, RIGHT, STAY, UP, Command, Steering
from gamesim.app.gamepad import Pad

PAIRS = [
    (pygame.K_LEFT, pygame.K_a, LEFT),
    (pygame.K_RIGHT, pygame.K_d, RIGHT),
    (pygame.K_UP, pygame.K_w, UP),
    (pygame.K_DOWN, pygame.K_s, DOWN),
]


def steered(app: Driver) -> int:
    app.frames(1, 0.0)
    return app.session.steering.held


@pytest.mark.parametrize("name", ["Maze", "Arcade", "Tilemap Pac-Man"])
def test_an_arrow_and_a_letter(app: Driver, name):
    app.play(name)
    for (*keys, move), first in product(PAIRS, (0, 1)):
        app.down(keys[0])
        app.down(keys[1])
        assert steered(app) == move, (keys, first)
        app.up(keys[first])
        assert steered(app) == move, (keys, first)
        app.up(keys[1 - first])
        assert steered(app) == STAY, (keys, first)


def test_opposite_keys(app: Driver):
    app.play("Maze")
    app.down(pygame.K_LEFT)
    app.down(pygame.K_d)
    assert steered(app) == RIGHT
    app.up(pygame.K_d)
    assert steered(app) == LEFT
    app.down(pygame.K_RIGHT)
    app.up(pygame.K_LEFT)
    assert steered(app) == RIGHT


def test_a_key_that_means_something_else_when_it_is_let_go(app: Driver):
    app.play("Maze")
    app.down(pygame.K_q)
    KEYMAP.give(LEFT, pygame.K_q, add=True)
    app.down(pygame.K_q)
    assert steered(app) == LEFT
    KEYMAP.give(Command.PAUSE, pygame.K_q)
    app.up(pygame.K_q)
    assert steered(app) == STAY


def test_in_the_arcade_the_key_still_held_has_the_last_word():
    keys = Steering(latched=True)
    keys.press(RIGHT, pygame.K_RIGHT)
    keys.action()
    keys.press(UP, pygame.K_w)
    keys.release(pygame.K_w)
    assert [keys.action() for _ in range(3)] == [UP, RIGHT, RIGHT]
    keys.release(pygame.K_RIGHT)
    assert keys.action() == RIGHT


def test_rewinding_by_two_keys(app: Driver):
    KEYMAP.give(Command.REWIND, pygame.K_z, add=True)
    app.play("Tilemap Pac-Man")
    app.press(pygame.K_RIGHT)
    app.frames(60)
    app.down(pygame.K_BACKSPACE)
    app.down(pygame.K_z)
    app.frames(1, 0.0)
    app.up(pygame.K_z)
    app.frames(1, 0.0)
    assert app.session.rewinding
    app.up(pygame.K_BACKSPACE)
    app.frames(1, 0.0)
    assert not app.session.rewinding


class TestPads:
    @pytest.fixture
    def pads(self, app: Driver) -> Driver:
        """Two pads that SDL knows, 7 and 8."""
        app.frames(3)
        app.window.kit.pads.opener = lambda index: (7 + index, Pad(f"Pad {index}", object(), True))
        for index in range(2):
            pygame.event.post(pygame.event.Event(pygame.JOYDEVICEADDED, device_index=index))
        app.frames(1)
        return app.play("Maze")

    @staticmethod
    def button(pad: int, down: bool) -> None:
        kind = pygame.CONTROLLERBUTTONDOWN if down else pygame.CONTROLLERBUTTONUP
        button = pygame.CONTROLLER_BUTTON_DPAD_LEFT
        pygame.event.post(pygame.event.Event(kind, instance_id=pad, button=button))

    @staticmethod
    def stick(pad: int, value: float) -> None:
        axis, value = pygame.CONTROLLER_AXIS_LEFTX, round(32767 * value)
        pygame.event.post(
            pygame.event.Event(pygame.CONTROLLERAXISMOTION, instance_id=pad, axis=axis, value=value)
        )

    def test_a_stick_and_the_d_pad(self, pads: Driver):
        self.button(7, True)
        self.stick(7, -1.0)
        assert steered(pads) == LEFT
        self.stick(7, 0.0)
        assert steered(pads) == LEFT
        self.button(7, False)
        assert steered(pads) == STAY

    def test_a_pad_and_a_key(self, pads: Driver):
        self.button(7, True)
        pads.down(pygame.K_LEFT)
        pads.frames(1, 0.0)
        self.button(7, False)
        assert steered(pads) == LEFT
        pads.up(pygame.K_LEFT)
        assert steered(pads) == STAY

    def test_two_pads_one_of_which_is_pulled_out(self, pads: Driver):
        self.button(7, True)
        self.button(8, True)
        pads.frames(1, 0.0)
        pygame.event.post(pygame.event.Event(pygame.JOYDEVICEREMOVED, instance_id=7))
        assert steered(pads) == LEFT
        self.button(8, False)
        assert steered(pads) == STAY
