"""What the tests of the x-ray share: its panels, found by name, and the mouse."""

from typing import Any

import pygame

from app.driver import Driver
from gamesim.app.xray import layout
from gamesim.app.xray.panels import Panel
from gamesim.app.xray.view import XRay

SETTLE = 40  # frames of the window in which everything has been painted


def xray(app: Driver) -> XRay:
    return app.window.screen.xray  # type: ignore[attr-defined]


def env(app: Driver) -> Any:
    return app.session.world.env.unwrapped


def panel(app: Driver, name: str) -> tuple[Panel, layout.Tile]:
    x = xray(app)
    shown = [p.name for p, _ in x.panels]
    assert name in shown, (x.open, shown, x.area, type(x.world.env.unwrapped), app.said)
    return next((p, tile) for p, tile in x.panels if p.name == name)


def mouse(kind: int, place: tuple[int, int]) -> None:
    button: dict[str, Any] = (
        {"buttons": (1, 0, 0), "rel": (0, 0)} if kind == pygame.MOUSEMOTION else {"button": 1}
    )
    pygame.event.post(pygame.event.Event(kind, pos=place, **button))
