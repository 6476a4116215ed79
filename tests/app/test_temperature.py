"""The temperature: its ladder, the keys that repeat, the slider, the wheel, and what it says of itself."""

from itertools import pairwise

import pygame
import pytest

from app.driver import Driver
from gamesim.app.game import hud, temperature


def test_the_ladder_is_fine_where_it_matters_and_coarse_beyond():
    value, path = 0.1, [0.1]
    while value < temperature.RUNGS[-1]:
        value = temperature.turned(value, 1)
        path.append(value)
    steps = [round(b - a, 3) for a, b in pairwise(path)]
    middle = [step for a, step in zip(path, steps, strict=False) if 0.5 <= a < 1.5]
    outside = [step for a, step in zip(path, steps, strict=False) if not 0.5 <= a < 1.5]
    assert set(middle) == {0.05} and min(outside) >= 0.15
    assert len(path) < 32  # held, a key is from end to end in two seconds


@pytest.mark.parametrize(("value", "up", "down"), [(1.02, 1.05, 1.0), (0.1, 0.25, 0.1), (3.0, 3.0, 2.75)])
def test_a_value_between_two_rungs_goes_to_the_next(value, up, down):
    assert temperature.turned(value, 1) == up and temperature.turned(value, -1) == down


def test_the_slider_and_the_ladder_agree():
    for rung in temperature.RUNGS:
        assert temperature.at(temperature.share(rung)) == rung


def test_cold_neutral_and_hot_say_different_things():
    assert len({temperature.meaning(value) for value in (0.1, 0.7, 1.0, 1.3, 3.0)}) == 5


def test_a_held_key_goes_on_and_stops_when_it_is_let_go(app: Driver):
    app.play("Tilemap Pac-Man")
    app.down(pygame.K_EQUALS)
    app.frames(1, 0.0)
    assert app.session.temperature == 1.05
    app.frames(60)
    held = app.session.temperature
    assert held is not None and held > 1.4
    app.up(pygame.K_EQUALS)
    app.frames(60)
    assert app.session.temperature == held


def bar(app: Driver) -> pygame.Rect:
    app.frames(1, 0.0)
    return app.window.screen.panel.bars["Temperature"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [(1280, 800), (800, 600)])
def test_the_bar_is_a_slider(app: Driver, size):
    app.play("Tilemap Pac-Man")
    app.resize(*size)
    place = bar(app)
    for kind, x in ((pygame.MOUSEBUTTONDOWN, place.left), (pygame.MOUSEMOTION, place.right + 50)):
        pygame.event.post(pygame.event.Event(kind, pos=(x, place.centery), button=1))
        app.frames(1, 0.0)
        assert app.session.temperature == (0.1 if x == place.left else 3.0)
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONUP, pos=place.center, button=1))
    pygame.event.post(pygame.event.Event(pygame.MOUSEMOTION, pos=place.center, button=1))
    app.frames(1, 0.0)
    assert app.session.temperature == 3.0


def test_the_wheel_turns_it(app: Driver):
    app.play("Tilemap Pac-Man")
    pygame.event.post(pygame.event.Event(pygame.MOUSEWHEEL, x=0, y=-2))
    app.frames(1, 0.0)
    assert app.session.temperature == 0.9


def test_the_panel_says_what_this_temperature_does(app: Driver):
    app.play("Tilemap Pac-Man")
    (fact,) = (fact for fact in hud.facts(app.session.world, 0) if fact.label == "Temperature")
    assert fact.note == temperature.meaning(1.0) and fact.slider
