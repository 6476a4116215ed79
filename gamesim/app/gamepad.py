"""Gamepads as a second keyboard: whatever a pad does becomes the press of an action's virtual key.

So every screen that understands keys understands pads, and unplugging a pad releases the keys that it held.
Pads that SDL knows have the buttons of an Xbox pad; of any other joystick, the first two axes, the hats and
the usual order of buttons count.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import pygame
from pygame._sdl2 import controller, sdl2

from gamesim.app.controls import DOWN, KEYMAP, LEFT, RIGHT, STAY, UP, Command

BUTTONS: dict[int, Command | int] = {
    pygame.CONTROLLER_BUTTON_A: Command.RESET,
    pygame.CONTROLLER_BUTTON_B: Command.BACK,
    pygame.CONTROLLER_BUTTON_X: Command.SWITCH,
    pygame.CONTROLLER_BUTTON_Y: Command.BESIDE,
    pygame.CONTROLLER_BUTTON_BACK: Command.HELP,
    pygame.CONTROLLER_BUTTON_START: Command.PAUSE,
    pygame.CONTROLLER_BUTTON_LEFTSTICK: Command.RECORD,
    pygame.CONTROLLER_BUTTON_RIGHTSTICK: Command.GIF,
    pygame.CONTROLLER_BUTTON_LEFTSHOULDER: Command.COOLER,
    pygame.CONTROLLER_BUTTON_RIGHTSHOULDER: Command.WARMER,
    pygame.CONTROLLER_BUTTON_DPAD_UP: UP,
    pygame.CONTROLLER_BUTTON_DPAD_DOWN: DOWN,
    pygame.CONTROLLER_BUTTON_DPAD_LEFT: LEFT,
    pygame.CONTROLLER_BUTTON_DPAD_RIGHT: RIGHT,
}
TRIGGERS = {
    pygame.CONTROLLER_AXIS_TRIGGERLEFT: Command.REWIND,
    pygame.CONTROLLER_AXIS_TRIGGERRIGHT: Command.STEP,
}
STICKS = {
    pygame.CONTROLLER_AXIS_LEFTX: ("stick", 0),
    pygame.CONTROLLER_AXIS_LEFTY: ("stick", 1),
    pygame.CONTROLLER_AXIS_RIGHTX: ("right stick", 0),
    pygame.CONTROLLER_AXIS_RIGHTY: ("right stick", 1),
}
"""Axis -> its stick, and 0 for x or 1 for y."""
RIGHT_STICK: dict[int, Command | int] = {
    STAY: STAY, UP: Command.XRAY, LEFT: Command.LAYERS, DOWN: Command.HOME, RIGHT: Command.DRIVER,
}  # fmt: skip
PLAIN_BUTTONS = (
    Command.RESET, Command.BACK, Command.SWITCH, Command.BESIDE, Command.COOLER, Command.WARMER,
    Command.HELP, Command.PAUSE, Command.RECORD, Command.GIF, Command.XRAY, Command.LAYERS, Command.HOME,
    Command.DRIVER,
)  # fmt: skip
HELP: tuple[tuple[str, str, Command | int], ...] = (
    ("Stick  D-pad", "move", LEFT), ("A", "new game", Command.RESET), ("B", "back", Command.BACK),
    ("Start", "pause", Command.PAUSE), ("X", "real game or its dream", Command.SWITCH),
    ("Y", "both, side by side", Command.BESIDE), ("LB  RB", "temperature down, up", Command.COOLER),
    ("LT", "hold to rewind a dream", Command.REWIND), ("RT", "one step while paused", Command.STEP),
    ("L3", "record", Command.RECORD), ("R3", "save a film", Command.GIF), ("Back", "this help", Command.HELP),
    ("Right stick  ↑", "x-ray", Command.XRAY), ("Right stick  ←", "other background", Command.LAYERS),
    ("Right stick  →", "let the AI drive", Command.DRIVER), ("Right stick  ↓", "coming home", Command.HOME),
)  # fmt: skip
"""(parts of a pad, what they do during play, the action that they cause)."""

FAILS = (pygame.error, sdl2.error)
"""What pygame raises of a joystick, and of one that SDL knows: neither is a kind of the other."""
FULL = 32767  # the largest value of a controller's axis


_CONTROLLER_EVENTS = (
    pygame.CONTROLLERBUTTONDOWN, pygame.CONTROLLERBUTTONUP, pygame.CONTROLLERAXISMOTION,
)  # fmt: skip
_JOYSTICK_EVENTS = (
    pygame.JOYBUTTONDOWN, pygame.JOYBUTTONUP, pygame.JOYAXISMOTION, pygame.JOYHATMOTION,
)  # fmt: skip


@dataclass
class Pad:
    """One pad, whose `device` is the pygame object that keeps it open.

    Attributes:
        known: whether SDL knows it as a controller.
        sticks: (x, y) of each stick, -1..1.
        held: the action that each part of it holds down.
    """

    name: str
    device: object
    known: bool
    sticks: dict[str, list[float]] = field(
        default_factory=lambda: {"stick": [0.0, 0.0], "right stick": [0.0, 0.0]}
    )
    held: dict[Hashable, Command | int] = field(default_factory=dict)


def open_device(index: int) -> tuple[int, Pad]:
    """Open a device by its place in the system's list; returns its instance id and the pad.

    Raises:
        pygame.error, sdl2.error: it is gone, or may not be opened.
    """
    if controller.is_controller(index):
        pad = controller.Controller(index)
        stick = pad.as_joystick()
        return stick.get_instance_id(), Pad(pad.name or stick.get_name(), pad, True)
    stick = pygame.joystick.Joystick(index)
    return stick.get_instance_id(), Pad(stick.get_name(), stick, False)


class Pads:
    """All connected pads, and what their events mean.

    A stick counts once it has moved by `dead_zone`, 0..1. Devices are opened by `opener`, as `open_device`
    does.
    """

    def __init__(
        self, say: Callable[[str], None], opener: Callable[[int], tuple[int, Pad]] = open_device
    ) -> None:
        self.dead_zone = 0.35
        self._say, self.opener = say, opener
        self._pads: dict[int, Pad] = {}

    @property
    def connected(self) -> list[str]:
        """The names of the connected pads."""
        return [pad.name for pad in self._pads.values()]

    def start(self) -> None:
        """Look for pads from now on; pads that are already connected come as events, too."""
        try:
            pygame.joystick.init()
            controller.init()
        except FAILS as error:
            self._say(f"Gamepads do not work here: {error}")

    def close(self) -> None:
        self._pads.clear()
        if controller.get_init():
            controller.quit()
        if pygame.joystick.get_init():
            pygame.joystick.quit()

    def translate(self, event: pygame.event.Event) -> list[pygame.event.Event] | None:
        """Key events for what a pad did; None if the event has nothing to do with pads."""
        if event.type == pygame.JOYDEVICEADDED:
            return self._added(event.device_index)
        if event.type == pygame.JOYDEVICEREMOVED:
            return self._removed(event.instance_id)
        if event.type not in (*_CONTROLLER_EVENTS, *_JOYSTICK_EVENTS):
            return None
        pad = self._pads.get(event.instance_id)
        if pad is None or pad.known != (event.type in _CONTROLLER_EVENTS):
            return []
        if event.type in (pygame.CONTROLLERAXISMOTION, pygame.JOYAXISMOTION):
            read = self._axis(pad, event)
        else:
            read = self._hat(event) if event.type == pygame.JOYHATMOTION else self._button(pad, event)
        return [made for part, does in read for made in self._hold(pad, part, does)]

    def release(self) -> list[pygame.event.Event]:
        """Release everything that is held: the window lost the player's attention."""
        return [made for pad in self._pads.values() for made in self._let_go(pad)]

    def _added(self, index: int) -> list[pygame.event.Event]:
        try:
            instance, pad = self.opener(index)
        except (*FAILS, ValueError, IndexError):  # gone before it could be opened
            return []
        if instance not in self._pads:
            self._pads[instance] = pad
            self._say(f"Gamepad connected: {pad.name}")
        return []

    def _removed(self, instance: int) -> list[pygame.event.Event]:
        pad = self._pads.pop(instance, None)
        if pad is None:
            return []
        self._say(f"Gamepad unplugged: {pad.name}. The keys still work.")
        return self._let_go(pad)

    def _hold(self, pad: Pad, part: Hashable, does: Command | int) -> list[pygame.event.Event]:
        """Let one part of a pad hold `does` from now on, STAY for nothing, instead of what it held.

        What another part still holds (a stick and the D-pad to the same side) is not released.
        """
        before = pad.held.pop(part, STAY)
        if does != STAY:
            pad.held[part] = does
        if before == does:
            return []
        free = before != STAY and not self._holds(before)
        made = [_key(pygame.KEYUP, before)] if free else []
        return made if does == STAY else [*made, _key(pygame.KEYDOWN, does)]

    def _let_go(self, pad: Pad) -> list[pygame.event.Event]:
        """Release all that one pad holds."""
        held = dict.fromkeys(pad.held.values())
        pad.held.clear()
        return [_key(pygame.KEYUP, does) for does in held if not self._holds(does)]

    def _holds(self, does: Command | int) -> bool:
        return any(does in pad.held.values() for pad in self._pads.values())

    def _button(self, pad: Pad, event: pygame.event.Event) -> list[tuple[Hashable, Command | int]]:
        down = event.type in (pygame.CONTROLLERBUTTONDOWN, pygame.JOYBUTTONDOWN)
        if pad.known:
            does = BUTTONS.get(event.button, STAY)
        else:
            does = PLAIN_BUTTONS[event.button] if 0 <= event.button < len(PLAIN_BUTTONS) else STAY
        return [(("button", event.button), does if down else STAY)]

    def _axis(self, pad: Pad, event: pygame.event.Event) -> list[tuple[Hashable, Command | int]]:
        value = event.value / FULL if pad.known else event.value
        stick, along = STICKS.get(event.axis, ("", 0))
        if stick == "stick" or (stick and pad.known):  # nobody knows what other axes of a plain joystick mean
            pad.sticks[stick][along] = min(1.0, max(-1.0, value))
            return [(stick, self._pointed(pad, stick))]
        if pad.known and event.axis in TRIGGERS:
            part = ("trigger", event.axis)
            pulled = value > (0.4 if part in pad.held else 0.6)
            return [(part, TRIGGERS[event.axis] if pulled else STAY)]
        return []

    def _pointed(self, pad: Pad, stick: str) -> Command | int:
        """What a stick asks for: the left one for moves, the right one for commands."""
        means = RIGHT_STICK if stick == "right stick" else {way: way for way in range(5)}
        held = pad.held.get(stick, STAY)
        now = next(way for way, does in means.items() if does == held)
        x, y = pad.sticks[stick]
        return means[direction(x, y, self.dead_zone, now)]

    def _hat(self, event: pygame.event.Event) -> list[tuple[Hashable, Command | int]]:
        x, y = event.value
        across = LEFT if x < 0 else RIGHT if x > 0 else STAY
        along = UP if y > 0 else DOWN if y < 0 else STAY
        return [("hat x", across), ("hat y", along)]


def events() -> list[pygame.event.Event]:
    """What has happened since the last call, in keys, mouse and window, too.

    Where a pad was pulled out before pygame looked at what it did, pygame raises a SystemError of that event,
    and `pygame.event.get` would lose all others that came with it.
    """
    found: list[pygame.event.Event] = []
    while True:
        try:
            event = pygame.event.poll()
        except SystemError:
            continue
        if event.type == pygame.NOEVENT:
            return found
        found.append(event)


def direction(x: float, y: float, dead_zone: float, now: int = STAY) -> int:
    """The move that a stick at (x, y), -1..1 each, points to; 0 within the dead zone.

    It is easier to keep the direction `now` than to reach another, so that a trembling thumb does not turn
    one press into many.
    """
    far = dead_zone * (0.8 if now else 1.0)
    if max(abs(x), abs(y)) < far:
        return STAY
    favour = 1.25 if now in (LEFT, RIGHT) else 0.8 if now in (UP, DOWN) else 1.0
    if abs(x) * favour >= abs(y):
        return LEFT if x < 0 else RIGHT
    return UP if y < 0 else DOWN


def _key(kind: int, does: Command | int) -> pygame.event.Event:
    return pygame.event.Event(kind, key=KEYMAP.virtual(does), mod=0, unicode="", scancode=0)
