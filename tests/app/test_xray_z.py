"""The x-ray's strip chart, and bars that are dragged to change what is dreamt."""

from __future__ import annotations

import pygame
import pytest

from app.looking import SETTLE, env, mouse, panel, xray


def test_the_chart_keeps_reward_and_end_and_forgets_what_is_rewound(dreaming):
    app = dreaming
    app.frames(120)
    chart, world = xray(app).chart, app.session.world
    assert [point.step for point in chart.points] == list(range(1, world.steps + 1))
    assert chart.points[-1].reward == 0.5 and chart.points[-1].end == pytest.approx(0.1)
    app.down(pygame.K_BACKSPACE)
    app.frames(30)
    app.up(pygame.K_BACKSPACE)
    app.frames(1, 0.0)
    assert [point.step for point in chart.points] == list(range(1, world.steps + 1))


def test_the_chart_is_as_long_as_its_seconds(dreaming):
    app = dreaming
    app.frames(900)
    chart, world = xray(app).chart, app.session.world
    assert len(chart.points) == chart.length(world) < world.steps
    app.press(pygame.K_RETURN)
    assert len(chart.points) <= 1


def test_dragging_a_bar_changes_what_is_dreamt_next(dreaming):
    app = dreaming
    app.press(pygame.K_p, pygame.K_x)
    _, tile = panel(app, "z")
    place = (tile.image.left + 3, tile.image.top)
    mouse(pygame.MOUSEBUTTONDOWN, place)
    app.frames(1)
    assert env(app).z[0] == pytest.approx(3.0, abs=0.05)
    assert app.session.world.frame.max() == 248 == app.session.world.clip[-1].max()
    mouse(pygame.MOUSEMOTION, (place[0] + 200, tile.image.bottom - 1))  # the bar that was taken stays in hand
    app.frames(1)
    assert env(app).z[0] == pytest.approx(-3.0, abs=0.05)
    assert (env(app).z[1:] == 0).all()
    mouse(pygame.MOUSEBUTTONUP, place)
    mouse(pygame.MOUSEMOTION, place)
    app.frames(1)
    app.frames(SETTLE, 0.0)
    assert env(app).z[0] == pytest.approx(-3.0, abs=0.05)
    assert panel(app, "z")[0].values[0] == pytest.approx(-3.0, abs=0.05)


def test_a_held_bar_is_held_through_the_steps(dreaming):
    app = dreaming
    app.press(pygame.K_x)
    _, tile = panel(app, "z")
    mouse(pygame.MOUSEBUTTONDOWN, (tile.image.left + 3, tile.image.top))
    app.frames(1)
    env(app).z[0] = 0.0  # as if the world had drawn another one
    app.session.tick()
    app.frames(1)
    assert env(app).z[0] == pytest.approx(3.0, abs=0.05)


def test_nothing_is_changed_by_hand_while_it_is_recorded(dreaming):
    app = dreaming
    app.press(pygame.K_x, pygame.K_COMMA)
    app.frames(20)
    _, tile = panel(app, "z")
    mouse(pygame.MOUSEBUTTONDOWN, (tile.image.left + 3, tile.image.top))
    app.frames(2)
    assert (env(app).z == 0).all() and "while you record" in app.said
    app.press(pygame.K_COMMA)


def test_bars_of_what_cannot_be_changed_are_not_dragged(dreaming):
    app = dreaming
    app.press(pygame.K_p, pygame.K_x)
    shown = panel(app, "mixture")[1].image.center
    mouse(pygame.MOUSEBUTTONDOWN, shown)
    app.frames(2)
    assert (env(app).z == 0).all()
    assert "This model's mixture cannot be changed" in (app.session.world.change("mixture", None) or "")


def test_a_bar_is_let_go_when_tab_leaves_the_dream(dreaming):
    app = dreaming
    app.press(pygame.K_TAB)
    app.until(lambda: type(app.window.screen).__name__ == "Play")  # both sides are open now
    app.press(pygame.K_TAB, pygame.K_x)
    app.frames(1)
    _, tile = panel(app, "z")
    bar = (tile.image.left + 3, tile.image.top)
    mouse(pygame.MOUSEBUTTONDOWN, bar)
    app.frames(1)
    app.down(pygame.K_TAB)
    mouse(pygame.MOUSEMOTION, bar)
    mouse(pygame.MOUSEBUTTONUP, bar)  # within the same frame
    app.frames(2)
    assert type(app.window.screen).__name__ == "Play" and "stopped" not in app.said
    assert app.session.world.temperature is None
    mouse(pygame.MOUSEBUTTONDOWN, bar)
    app.frames(2)
    assert type(app.window.screen).__name__ == "Play"
