"""Somebody else's game in the app's process, which has one window, one queue of events, and one pygame.

A game may open a window of its own, draw in it, name it, read its events, and quit pygame when it closes: all
of Gymnasium's own do the last. While its code runs in a `House` its window is a surface that nobody sees, and
nothing of the rest reaches the app's.
"""

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import gymnasium as gym
import pygame

_SIZE = (640, 480)


class _Here(threading.local):
    houses: tuple["House", ...] = ()


_here = _Here()
"""The houses in which this thread is; the last one is that of the game whose code runs."""


class House:
    """Where the code of one game runs: ``with house: ...``.

    Attributes:
        screen: what the game has for its window; None if it has opened none.
    """

    def __init__(self) -> None:
        self.screen: pygame.Surface | None = None

    def __enter__(self) -> None:
        _here.houses += (self,)

    def __exit__(self, *error: object) -> None:
        _here.houses = _here.houses[:-1]

    def open(self, size: tuple[int, int] = (0, 0), *_: Any, **__: Any) -> pygame.Surface:
        """What ``pygame.display.set_mode`` does in here."""
        self.screen = pygame.Surface(size if all(size) else _SIZE)
        return self.screen


class Housed(gym.Wrapper[Any, Any, Any, Any]):
    """Any game in the window.

    Args:
        make: opens it.
    """

    def __init__(self, make: Callable[[], gym.Env]) -> None:
        self.house = House()
        with self.house:
            super().__init__(make())

    @property
    def spec(self) -> Any:
        """The game's own spec, so that recordings do not name this wrapper."""
        return self.env.spec

    def reset(self, **how: Any) -> Any:
        with self.house:
            return super().reset(**how)

    def step(self, action: Any) -> Any:
        with self.house:
            return super().step(action)

    def render(self) -> Any:
        with self.house:
            return super().render()

    def close(self) -> None:
        """Close the game, and keep the window."""
        with self.house:
            super().close()


def _inside(module: Any, name: str, does: Callable[..., Any]) -> None:
    """What a function of pygame does for the code of games; for all others it does what it did."""
    try:
        own = getattr(module, name)
    except (AttributeError, NotImplementedError):  # another pygame has no such function, or module
        return

    @wraps(own)
    def either(*args: Any, **how: Any) -> Any:
        if _here.houses:
            return does(_here.houses[-1], *args, **how)
        # Only a call without stars ends at an error that pygame left behind, see `gamepad.events`.
        return own(*args, **how) if args or how else own()

    setattr(module, name, either)


_inside(pygame.display, "set_mode", House.open)
_inside(pygame.display, "get_surface", lambda house: house.screen)
_inside(pygame.event, "get", lambda *_, **__: [])
_inside(pygame.event, "peek", lambda *_, **__: False)
for _name in ("poll", "wait"):
    _inside(pygame.event, _name, lambda *_, **__: pygame.event.Event(pygame.NOEVENT))
for _module, _names in (
    (pygame, "quit"),
    (pygame.display, "quit flip update set_caption set_icon toggle_fullscreen iconify"),
    (pygame.event, "pump clear post set_allowed set_blocked set_grab set_keyboard_grab"),
    (pygame.font, "quit"),
    (pygame.joystick, "quit"),
    (pygame.key, "set_repeat start_text_input stop_text_input"),
    (pygame.mixer, "quit stop pause fadeout"),
    (pygame.mouse, "set_visible set_cursor set_pos"),
):
    for _name in _names.split():
        _inside(_module, _name, lambda *_, **__: None)
