"""Keys become commands and moves."""

import pygame
import pytest

from gamesim.app.controls import BINDINGS, DOWN, LEFT, RIGHT, STAY, Command, Steering, meaning


def test_no_key_means_two_things():
    keys = [key for binding in BINDINGS for key in binding.keys]
    assert len(keys) == len(set(keys))


def test_every_command_has_a_key_and_a_line_of_help():
    described = {binding.does for binding in BINDINGS if binding.keys and binding.text}
    assert set(Command) <= described


@pytest.mark.parametrize(
    ("key", "does"),
    [
        (pygame.K_a, LEFT),
        (pygame.K_RIGHT, RIGHT),
        (pygame.K_PERIOD, Command.PAUSE),
        (pygame.K_COMMA, Command.RECORD),
        (pygame.K_TAB, Command.SWITCH),
        (pygame.K_MINUS, Command.COOLER),
        (pygame.K_EQUALS, Command.WARMER),
        (pygame.K_0, Command.NEUTRAL),
        (pygame.K_q, None),
    ],
)
def test_keys_of_the_design(key, does):
    assert meaning(key) == does


def test_a_tap_between_two_ticks_is_one_move():
    keys = Steering()
    keys.press(LEFT)
    keys.release(LEFT)
    assert [keys.action(), keys.action()] == [LEFT, STAY]


def test_a_held_key_moves_every_tick_and_stops_when_let_go():
    keys = Steering()
    keys.press(RIGHT)
    assert [keys.action() for _ in range(3)] == [RIGHT] * 3
    keys.release(RIGHT)
    assert keys.action() == STAY


def test_the_key_pressed_last_wins_and_the_older_one_comes_back():
    keys = Steering()
    keys.press(RIGHT)
    keys.action()
    keys.press(DOWN)
    assert keys.action() == DOWN
    keys.release(DOWN)
    assert keys.action() == RIGHT


def test_hammering_a_key_does_not_pile_up_moves():
    keys = Steering()
    for _ in range(10):
        keys.press(LEFT)
        keys.release(LEFT)
    assert [keys.action() for _ in range(4)] == [LEFT, LEFT, STAY, STAY]


def test_a_latched_direction_stays_until_another_is_pressed():
    keys = Steering(latched=True)
    keys.press(LEFT)
    keys.release(LEFT)
    assert [keys.action() for _ in range(3)] == [LEFT] * 3
    keys.press(DOWN)
    assert keys.action() == DOWN


def test_losing_the_keyboard_forgets_held_keys():
    keys = Steering()
    keys.press(LEFT)
    keys.clear()
    assert keys.action() == STAY
