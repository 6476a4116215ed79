"""Messages: they make room for themselves, and never hide a key, a figure or the board."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import pygame
import pytest

from app.driver import Driver
from gamesim.app.controls import Command
from gamesim.app.game import hud
from gamesim.app.theme import COLOURS, Scale

WORDS = "This dream was trained on a different game, so it starts on a board of its own"
SCENES = {
    "real": ("Pac-Man", ()),
    "arcade": ("Arcade", ()),
    "dream": ("Tilemap Pac-Man", ()),
    "x-ray": ("Tilemap Pac-Man", (pygame.K_x,)),
    "beside": ("Pac-Man, endless", (pygame.K_v,)),
}


def places(app: Driver) -> list[pygame.Rect]:
    """Where the messages go now."""
    size = app.window.surface.get_size()
    area = app.window.screen.toast_area(size)
    return [rect for _, rect, _ in app.window.kit.toasts.places(area, Scale.of(size))]


def in_windows(app: Driver, scene: str, *zooms: float) -> Iterator[str]:
    """A scene in large and small windows, with text of these sizes, and how each is called."""
    name, keys = SCENES[scene]
    app.play(name)
    app.press(*keys)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    for size, zoom in product([(1280, 800), (800, 600)], zooms):
        app.resize(*size)
        Scale.zoom = zoom
        app.silence()
        yield f"{size}, text of {zoom:.0%}"


@pytest.mark.parametrize("scene", SCENES)
def test_nothing_is_drawn_where_a_message_goes(app: Driver, scene: str):
    for case in in_windows(app, scene, 1.0, 1.5, 2.0):
        app.window.say(WORDS)
        app.window.surface.fill(COLOURS["back"])
        app.window.screen.draw(app.window.surface)
        (place,) = places(app)
        assert app.window.surface.get_rect().contains(place), case
        pixels = pygame.surfarray.array3d(app.window.surface.subsurface(place))
        assert (pixels == np.array(COLOURS["back"])).all(), case


@pytest.mark.parametrize("scene", SCENES)
def test_no_key_of_the_help_is_hidden_by_messages(app: Driver, scene: str):
    for case in in_windows(app, scene, 1.0, 1.5, 2.0):
        app.press(pygame.K_F1)
        assert app.help is not None
        for words in ("Sound off", "Recording to somewhere in the folder of the app", WORDS):
            app.window.say(words)
        app.window.draw()
        size = app.window.surface.get_size()
        found = app.window.kit.toasts.places(app.window.screen.toast_area(size), Scale.of(size))
        assert found, case
        for _, place, _ in found:
            assert app.window.surface.get_rect().contains(place), case
            assert not place.colliderect(app.help.view), case
        app.press(pygame.K_F1)


@pytest.mark.parametrize("scene", SCENES)
def test_figures_stay_where_they_are_while_messages_come(app: Driver, scene: str):
    for case in in_windows(app, scene, 1.0, 1.5):
        app.frames(1, 0.0)
        free, figures = app.window.screen.panel.free, app.window.screen.layout.panel  # type: ignore[attr-defined]
        figures = pygame.Rect(figures.left, figures.top, figures.width, free.top - figures.top)
        before = pygame.surfarray.array3d(app.window.surface.subsurface(figures))
        for words in ("Recording to ~/recordings/maze", "Coming home works with one board. Press V first."):
            app.window.say(words)
        app.frames(1, 0.0)
        after = pygame.surfarray.array3d(app.window.surface.subsurface(figures))
        assert (before == after).all() and free.top > figures.top + 20, case


def test_keys_come_back_when_the_message_has_gone(app: Driver):
    app.play("Tilemap Pac-Man")
    app.press(pygame.K_x)
    app.frames(2, 0.0)
    before = app.window.screen.panel.free.bottom  # type: ignore[attr-defined]
    app.window.say(WORDS)
    app.frames(2, 0.0)
    assert app.window.screen.panel.free.bottom != before  # type: ignore[attr-defined]
    app.frames(60, 0.1)
    assert not app.said
    assert app.window.screen.panel.free.bottom == before  # type: ignore[attr-defined]


def test_the_keys_that_are_named_are_those_that_do_something_here(app: Driver):
    def named() -> set[Command]:
        return {command for command, _ in hud.hints(app.session)}

    app.play("Arcade")
    assert not named() & {Command.HOME, Command.XRAY, Command.REWIND, Command.WARMER}
    app.press(pygame.K_ESCAPE)
    app.play("Tilemap Pac-Man")
    assert {Command.HOME, Command.XRAY, Command.REWIND, Command.WARMER, Command.LAYERS} <= named()
    app.press(pygame.K_v)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    assert app.session.beside
    assert Command.HOME not in named()
