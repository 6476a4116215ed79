"""K repaints the real game and a dream, live; it needs the picture alone."""

import numpy as np
import pygame

from app.driver import Driver
from gamesim.app.game.sight import read
from gamesim.errors import UserError
from gamesim.labs import cyclegan


def on(app: Driver):
    app.press(pygame.K_k)
    reskin = app.window.screen.reskin
    app.until(lambda: reskin.paints(app.session.world))
    return reskin


def theme(frame) -> str:
    found = read(frame, 7)
    assert found is not None
    return found.theme


def test_the_real_game_is_shown_as_a_garden_and_stays_what_it_is(app: Driver):
    app.play("Pac-Man, endless")
    world, reskin = app.session.world, on(app)
    seen = reskin.seen(world, world.frame)
    assert (theme(world.frame), theme(seen)) == ("night", "garden")
    before = world.frame
    app.down(pygame.K_LEFT)
    app.frames(60)
    app.up(pygame.K_LEFT)
    assert not np.array_equal(world.frame, before) and theme(world.frame) == "night"
    assert theme(reskin.seen(world, world.frame)) == "garden"
    app.press(pygame.K_k)
    assert reskin.seen(world, world.frame) is world.frame and "own look" in app.said


def test_a_garden_is_shown_as_a_night(app: Driver):
    app.play("Garden")
    world, reskin = app.session.world, on(app)
    assert (theme(world.frame), theme(reskin.seen(world, world.frame))) == ("garden", "night")


def test_a_frame_is_painted_once(app: Driver):
    app.play("Pac-Man, endless")
    world, reskin = app.session.world, on(app)
    first = reskin.seen(world, world.frame)
    assert reskin.seen(world, world.frame) is first


def test_a_game_with_another_view_has_no_other_look(app: Driver):
    app.play("Arcade")
    app.press(pygame.K_k)
    assert not app.window.screen.reskin.on and "7 by 7 cells" in app.said


def test_weights_that_are_damaged_are_one_line(app: Driver, monkeypatch):
    def damaged(place=None):
        raise UserError("model.safetensors: damaged")

    monkeypatch.setattr(cyclegan, "trained", damaged)
    app.play("Pac-Man, endless")
    app.press(pygame.K_k)
    app.until(lambda: "damaged" in app.said)
    assert not app.window.screen.reskin.on
