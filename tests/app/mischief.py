"""Random events: whatever a person, a cat on the keyboard, a window manager or a bad cable can do."""

import random
from typing import Any

import pygame

from app.driver import Driver
from gamesim.app.controls import BINDINGS
from gamesim.app.gamepad import Pad

RARE = {pygame.K_ESCAPE, pygame.K_g, pygame.K_F12, pygame.K_PRINTSCREEN}  # they end the fun, or write files
KEYS = [key for binding in BINDINGS for key in binding.keys if key not in RARE]
KEYS += [pygame.K_SPACE, pygame.K_DELETE, pygame.K_INSERT, pygame.K_PAGEUP, pygame.K_PAGEDOWN, pygame.K_HOME]
KEYS += [pygame.K_END, pygame.K_LSHIFT, pygame.K_F5, ord("ß"), ord("ж"), *range(pygame.K_a, pygame.K_z)]
SIZES = [(1, 1), (1, 300), (300, 1), (40, 30), (120, 90), (400, 300), (320, 480), (640, 480), (1280, 800)]
PAUSES = (0.0, 1 / 60, 1 / 60, 0.1, 0.25)


class Mischief:
    """Posts one random event after another to a window; the same seed does the same."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._held: list[int] = []

    def plug_into(self, app: Driver) -> None:
        """Pads that come and go are made of nothing; every second one is a plain joystick."""
        app.window.kit.pads.opener = lambda index: (index, Pad(f"pad {index}", object(), index % 2 == 0))

    def act(self, app: Driver) -> None:
        """One event, and often a frame."""
        (kind,) = self.chance.choices(list(self.KINDS), list(self.KINDS.values()))
        getattr(self, kind)(app)
        if self.chance.random() < 0.4:
            app.frames(1, self.chance.choice(PAUSES))

    KINDS = {
        "press": 40, "let_go": 25, "rare_key": 1, "mouse": 12, "resize": 1.5, "focus": 2, "pad_button": 6,
        "pad_axis": 6, "pad_hat": 2, "plug": 1, "unplug": 1, "text": 2, "unknown": 1, "quit": 0.1,
    }  # fmt: skip

    def press(self, app: Driver) -> None:
        key = self.chance.choice(KEYS)
        self._held.append(key)
        self._post(pygame.KEYDOWN, key=key, unicode=chr(key) if key < 0x1000 else "", mod=0, scancode=0)

    def let_go(self, app: Driver) -> None:
        key = self._held.pop() if self._held else self.chance.choice(KEYS)
        self._post(pygame.KEYUP, key=key, mod=0, scancode=0)

    def rare_key(self, app: Driver) -> None:
        key = self.chance.choice(sorted(RARE))
        self._post(pygame.KEYDOWN, key=key, unicode="", mod=0, scancode=0)

    def mouse(self, app: Driver) -> None:
        width, height = app.window.surface.get_size()
        place = (self.chance.randint(-5, width + 5), self.chance.randint(-5, height + 5))
        button = self.chance.randint(1, 7)
        what = self.chance.randint(0, 3)
        if what == 0:
            self._post(pygame.MOUSEWHEEL, x=0, y=self.chance.randint(-9, 9), flipped=False)
        elif what == 1:
            self._post(pygame.MOUSEBUTTONDOWN, pos=place, button=button, touch=False)
        elif what == 2:
            self._post(pygame.MOUSEBUTTONUP, pos=place, button=button, touch=False)
        else:
            self._post(pygame.MOUSEMOTION, pos=place, rel=(1, 1), buttons=(button % 2, 0, 0), touch=False)

    def resize(self, app: Driver) -> None:
        size = self.chance.choice(SIZES)
        app.resize(*size)
        self._post(pygame.VIDEORESIZE, size=size, w=size[0], h=size[1])

    def focus(self, app: Driver) -> None:
        names = "FOCUSLOST FOCUSGAINED MINIMIZED RESTORED MAXIMIZED HIDDEN SHOWN EXPOSED MOVED ENTER LEAVE"
        self._post(getattr(pygame, f"WINDOW{self.chance.choice(names.split())}"))

    def pad_button(self, app: Driver) -> None:
        kinds = (
            pygame.CONTROLLERBUTTONDOWN, pygame.CONTROLLERBUTTONUP, pygame.JOYBUTTONDOWN, pygame.JOYBUTTONUP,
        )  # fmt: skip
        kind = self.chance.choice(kinds)
        self._post(kind, instance_id=self.chance.randint(0, 3), button=self.chance.choice((0, *range(2, 18))))

    def pad_axis(self, app: Driver) -> None:
        axis, value = self.chance.randint(0, 6), self.chance.uniform(-1, 1)
        if self.chance.random() < 0.5:
            values: dict[str, Any] = {"axis": axis, "value": round(32767 * value)}
            self._post(pygame.CONTROLLERAXISMOTION, instance_id=self.chance.randint(0, 3), **values)
        else:
            self._post(pygame.JOYAXISMOTION, instance_id=self.chance.randint(0, 3), axis=axis, value=value)

    def pad_hat(self, app: Driver) -> None:
        value = (self.chance.randint(-1, 1), self.chance.randint(-1, 1))
        self._post(pygame.JOYHATMOTION, instance_id=self.chance.randint(0, 3), hat=0, value=value)

    def plug(self, app: Driver) -> None:
        self._post(pygame.JOYDEVICEADDED, device_index=self.chance.randint(0, 3))

    def unplug(self, app: Driver) -> None:
        self._post(pygame.JOYDEVICEREMOVED, instance_id=self.chance.randint(0, 3))

    def text(self, app: Driver) -> None:
        self._post(pygame.TEXTINPUT, text=self.chance.choice(("a", "/", "..", "ß", "\0", "漢字")))

    def unknown(self, app: Driver) -> None:
        self._post(self.chance.choice((pygame.USEREVENT, pygame.DROPFILE, pygame.CLIPBOARDUPDATE)), file="x")

    def quit(self, app: Driver) -> None:
        self._post(pygame.QUIT)

    @staticmethod
    def _post(kind: int, **values: Any) -> None:
        pygame.event.post(pygame.event.Event(kind, **values))
