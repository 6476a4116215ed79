"""A gamepad is a second keyboard that may come and go."""

import ctypes
import math
from pathlib import Path

import pygame
import pytest
from pygame._sdl2 import sdl2

from app.driver import Driver
from gamesim.app import theme
from gamesim.app.controls import DOWN, KEYMAP, LEFT, RIGHT, STAY, UP, Command, meaning
from gamesim.app.gamepad import BUTTONS, FULL, Pad, Pads, direction
from gamesim.app.screens.menu import Menu
from gamesim.app.ui.widgets import ARROWS

A, B = pygame.CONTROLLER_BUTTON_A, pygame.CONTROLLER_BUTTON_B
DPAD = {
    LEFT: pygame.CONTROLLER_BUTTON_DPAD_LEFT,
    RIGHT: pygame.CONTROLLER_BUTTON_DPAD_RIGHT,
    UP: pygame.CONTROLLER_BUTTON_DPAD_UP,
    DOWN: pygame.CONTROLLER_BUTTON_DPAD_DOWN,
}


class Table:
    """Pads on a table: device 0 is one that SDL knows (instance 7), device 1 a plain joystick (8)."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.pads = Pads(
            self.said.append, lambda index: (7 + index, Pad(f"pad {index}", object(), index == 0))
        )

    def does(self, kind: int, **values: object) -> list[tuple[bool, Command | int | None]]:
        """What an event asks for: (pressed, action)."""
        events = self.pads.translate(pygame.event.Event(kind, **values))
        assert events is not None
        return [(event.type == pygame.KEYDOWN, meaning(event.key)) for event in events]

    def plug(self, index: int) -> None:
        assert self.does(pygame.JOYDEVICEADDED, device_index=index) == []

    def button(self, button: int, down: bool = True) -> list[tuple[bool, Command | int | None]]:
        kind = pygame.CONTROLLERBUTTONDOWN if down else pygame.CONTROLLERBUTTONUP
        return self.does(kind, instance_id=7, button=button)

    def axis(self, axis: int, value: float) -> list[tuple[bool, Command | int | None]]:
        return self.does(pygame.CONTROLLERAXISMOTION, instance_id=7, axis=axis, value=round(value * FULL))


@pytest.fixture
def table() -> Table:
    made = Table()
    made.plug(0)
    return made


def test_other_events_are_not_its_business(table: Table):
    assert table.pads.translate(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_a)) is None
    assert table.pads.translate(pygame.event.Event(pygame.QUIT)) is None


def test_buttons_confirm_go_back_pause_and_turn_the_temperature(table: Table):
    wanted = {
        A: Command.RESET,
        B: Command.BACK,
        pygame.CONTROLLER_BUTTON_START: Command.PAUSE,
        pygame.CONTROLLER_BUTTON_LEFTSHOULDER: Command.COOLER,
        pygame.CONTROLLER_BUTTON_RIGHTSHOULDER: Command.WARMER,
        **{button: move for move, button in DPAD.items()},
    }
    for button, does in wanted.items():
        assert BUTTONS[button] == does
        assert table.button(button) == [(True, does)]
        assert table.button(button, down=False) == [(False, does)]


def test_the_stick_moves_beyond_its_dead_zone_only(table: Table):
    assert table.axis(0, 0.3) == []
    assert table.axis(0, 0.9) == [(True, RIGHT)]
    assert table.axis(0, 0.95) == []  # still held
    assert table.axis(1, 0.99) == []  # a diagonal keeps what it was
    assert table.axis(0, 0.5) == [(False, RIGHT), (True, DOWN)]
    assert table.axis(0, 0.0) == []
    assert table.axis(1, 0.0) == [(False, DOWN)]


@pytest.mark.parametrize("dead_zone", [0.05, 0.35, 0.9])
def test_every_angle_has_the_direction_that_it_looks_like(dead_zone):
    for degrees in range(360):
        x, y = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        near = direction(0.7 * dead_zone * x, 0.7 * dead_zone * y, dead_zone)
        far = direction(x, y, min(dead_zone, 0.7))
        assert near == STAY
        dx, dy = {LEFT: (-1, 0), RIGHT: (1, 0), UP: (0, -1), DOWN: (0, 1)}[far]
        assert dx * x + dy * y >= math.cos(math.radians(45.01))


def test_a_trembling_thumb_is_one_press(table: Table):
    presses = [does for i in range(40) for down, does in table.axis(0, 0.35 + 0.02 * (-1) ** i) if down]
    assert presses == [RIGHT]


def test_a_trigger_is_a_button_that_is_pulled(table: Table):
    trigger = pygame.CONTROLLER_AXIS_TRIGGERLEFT
    assert table.axis(trigger, 0.5) == []
    assert table.axis(trigger, 0.9) == [(True, Command.REWIND)]
    assert table.axis(trigger, 0.5) == []
    assert table.axis(trigger, 0.1) == [(False, Command.REWIND)]


def test_the_right_stick_is_four_buttons(table: Table):
    x, y = pygame.CONTROLLER_AXIS_RIGHTX, pygame.CONTROLLER_AXIS_RIGHTY
    wanted = [(y, -1.0, Command.XRAY), (x, -1.0, Command.LAYERS), (y, 1.0, Command.HOME)]
    for axis, value, does in [*wanted, (x, 1.0, Command.DRIVER)]:
        assert table.axis(axis, 0.2 * value) == []
        assert table.axis(axis, value) == [(True, does)]
        assert table.axis(axis, 0.95 * value) == []
        assert table.axis(axis, 0.0) == [(False, does)]


def test_both_sticks_at_once(table: Table):
    assert table.axis(pygame.CONTROLLER_AXIS_LEFTX, -1.0) == [(True, LEFT)]
    assert table.axis(pygame.CONTROLLER_AXIS_RIGHTX, 1.0) == [(True, Command.DRIVER)]
    assert table.axis(pygame.CONTROLLER_AXIS_LEFTX, 0.0) == [(False, LEFT)]


def test_a_joystick_that_sdl_does_not_know_works_by_axes_hat_and_order(table: Table):
    table.plug(1)
    assert table.does(pygame.JOYAXISMOTION, instance_id=8, axis=1, value=-1.0) == [(True, UP)]
    assert table.does(pygame.JOYHATMOTION, instance_id=8, hat=0, value=(-1, 0)) == [(True, LEFT)]
    assert table.does(pygame.JOYHATMOTION, instance_id=8, hat=0, value=(0, 0)) == [(False, LEFT)]
    assert table.does(pygame.JOYBUTTONDOWN, instance_id=8, button=0) == [(True, Command.RESET)]
    assert table.does(pygame.JOYBUTTONDOWN, instance_id=8, button=99) == []


def test_a_known_pad_is_not_heard_twice(table: Table):
    assert table.does(pygame.JOYBUTTONDOWN, instance_id=7, button=0) == []
    assert table.does(pygame.CONTROLLERBUTTONDOWN, instance_id=99, button=0) == []


def test_pulling_it_out_lets_go_of_everything_and_is_said(table: Table):
    table.button(DPAD[LEFT])
    table.axis(1, 1.0)
    released = table.does(pygame.JOYDEVICEREMOVED, instance_id=7)
    assert sorted(released) == [(False, LEFT), (False, DOWN)]
    assert "unplugged" in table.said[-1] and "keys" in table.said[-1] and table.pads.connected == []
    assert table.does(pygame.JOYDEVICEREMOVED, instance_id=7) == []
    assert table.button(A) == []


@pytest.mark.parametrize("error", [pygame.error, sdl2.error])
def test_a_pad_that_is_gone_before_it_is_opened_is_nothing(error: type[Exception]):
    def gone(index: int) -> tuple[int, Pad]:
        raise error("Could not open controller 3.")

    pads = Pads(lambda words: None, gone)
    assert pads.translate(pygame.event.Event(pygame.JOYDEVICEADDED, device_index=3)) == []
    assert pads.connected == []


def test_pads_do_what_they_say_whatever_the_keys_are(table: Table):
    KEYMAP.give(Command.PAUSE, pygame.K_q)
    KEYMAP.give(Command.STEP, pygame.K_q)  # pause has no key now
    assert table.button(pygame.CONTROLLER_BUTTON_START) == [(True, Command.PAUSE)]
    KEYMAP.load({})


# in the app ------------------------------------------------------------------------------------------------


@pytest.fixture
def pad(app: Driver) -> Driver:
    """The app with a pad plugged in."""
    app.frames(3)
    app.window.kit.pads.opener = lambda index: (7 + index, Pad("Pad", object(), True))
    pygame.event.post(pygame.event.Event(pygame.JOYDEVICEADDED, device_index=0))
    app.frames(1)
    assert "Gamepad connected: Pad" in app.said
    return app


def push(app: Driver, *buttons: int) -> None:
    for button in buttons:
        for kind in (pygame.CONTROLLERBUTTONDOWN, pygame.CONTROLLERBUTTONUP):
            pygame.event.post(pygame.event.Event(kind, instance_id=7, button=button))
        app.frames(1, 0.0)


def test_menu_play_pause_and_back_without_a_key(pad: Driver):
    push(pad, DPAD[RIGHT], A)
    pad.until(lambda: type(pad.window.screen).__name__ == "Play")
    push(pad, pygame.CONTROLLER_BUTTON_START)
    assert pad.session.paused
    push(pad, pygame.CONTROLLER_BUTTON_START, pygame.CONTROLLER_BUTTON_BACK)
    assert pad.help is not None
    push(pad, B, B)
    assert pad.help is None and isinstance(pad.window.screen, Menu)


def test_held_directions_are_let_go_when_it_is_pulled_out(pad: Driver):
    pad.play("Pac-Man, endless")
    pygame.event.post(pygame.event.Event(pygame.CONTROLLERBUTTONDOWN, instance_id=7, button=DPAD[LEFT]))
    pad.frames(1, 0.0)
    assert pad.session.steering.held == LEFT
    pygame.event.post(pygame.event.Event(pygame.JOYDEVICEREMOVED, instance_id=7))
    pad.frames(1, 0.0)
    assert pad.session.steering.held == STAY and "unplugged" in pad.said
    pad.down(pygame.K_RIGHT)
    pad.frames(1, 0.0)
    assert pad.session.steering.held == RIGHT


def test_the_help_shows_its_buttons_while_it_is_there(pad: Driver):
    push(pad, pygame.CONTROLLER_BUTTON_BACK)
    assert pad.help is not None and "Gamepad" in [line.words for line in pad.help.lines]


def test_the_help_names_parts_of_a_pad_in_letters_that_the_typeface_has(pad: Driver):
    pad.play("Tilemap Pac-Man")
    push(pad, pygame.CONTROLLER_BUTTON_BACK)
    assert pad.help is not None
    caps = {cap for line in pad.help.lines for cap in line.caps} - set(ARROWS)
    assert "Right stick" in caps
    typeface = str(theme.assets() / "fonts" / "Quicksand-Bold.ttf")
    assert all(theme.has(typeface, letter) for cap in caps for letter in cap)


def test_a_device_that_sdl_itself_makes_up_comes_and_goes(app: Driver, monkeypatch):
    """The whole way, from SDL's own virtual joystick to a move; skipped where pygame's SDL has none."""
    monkeypatch.setenv("SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", "1")  # a dummy window never has the focus
    app.frames(3)
    sdl = _sdl()
    index = sdl.SDL_JoystickAttachVirtual(1, 6, 15, 1)
    if index < 0:
        pytest.skip("no virtual joysticks here")
    app.until(lambda: "Gamepad connected" in app.said)
    app.play("Maze")
    sdl.SDL_JoystickFromInstanceID.restype = ctypes.c_void_p
    instance = pygame.joystick.Joystick(pygame.joystick.get_count() - 1).get_instance_id()
    device = ctypes.c_void_p(sdl.SDL_JoystickFromInstanceID(instance))
    sdl.SDL_JoystickSetVirtualAxis(device, 0, ctypes.c_int16(-32768))
    app.until(lambda: app.session.steering.held == LEFT)
    assert sdl.SDL_JoystickDetachVirtual(index) == 0
    app.until(lambda: "Gamepad unplugged" in app.said)
    assert app.session.steering.held == STAY


def test_a_pad_that_is_in_and_out_between_two_looks_ends_nothing(app: Driver, monkeypatch):
    """A loose cable, while a model is loaded: pygame then raises a SystemError of its events."""
    monkeypatch.setenv("SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", "1")
    app.frames(3)
    sdl = _sdl()
    for _ in range(3):
        index = sdl.SDL_JoystickAttachVirtual(1, 6, 15, 1)
        if index < 0:
            pytest.skip("no virtual joysticks here")
        app.down(pygame.K_RIGHT)
        pygame.event.pump()
        assert sdl.SDL_JoystickDetachVirtual(index) == 0
        app.up(pygame.K_RIGHT)
    chosen = app.window.screen.chosen  # type: ignore[attr-defined]
    app.frames(2)
    assert app.window.screen.chosen != chosen and not app.window.held  # type: ignore[attr-defined]
    assert app.window.kit.pads.connected == []


def _sdl() -> ctypes.CDLL:
    """The library that pygame has loaded."""
    library = next(
        (line.split()[-1] for line in _maps() if "libSDL2-2" in line or "libSDL2-2.0" in line), None
    )
    sdl = ctypes.CDLL(library) if library else None
    if sdl is None or not hasattr(sdl, "SDL_JoystickAttachVirtual"):
        pytest.skip("no virtual joysticks here")
    return sdl


def _maps() -> list[str]:
    path = Path("/proc/self/maps")
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
