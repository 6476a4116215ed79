"""What the arcade shows beside its moves: points, a fruit, a cleared level, and "Ready!" without a box."""

import numpy as np
import pygame
import pytest

from app.driver import FRAME, Driver, world
from gamesim.app.game import hud, stage
from gamesim.app.game.session import PAUSES, READY, Session
from gamesim.app.library.catalog import ARCADE
from gamesim.app.theme import Scale
from gamesim.envs.arcade_maze import MAZE
from gamesim.envs.layouts import FLOOR, FOOD, POWER
from gamesim.envs.sprites import TREAT

at = MAZE.grid.index
BOARD = pygame.Rect(0, 0, 840, 840)  # 40 pixels a cell


def arcade() -> Session:
    session = Session(world(ARCADE))
    session.waiting = False
    return session


def run(session: Session, seconds: float) -> None:
    for _ in range(round(seconds / FRAME)):
        session.update(FRAME)


def picture(app: Driver, session: Session, clock: float = 0.0) -> np.ndarray:
    """The board as it is painted now, (840, 840, 3) by x and y."""
    surface, made = pygame.Surface(BOARD.size), session.world
    dying = session.death(made)
    app.window.kit.painter.draw(surface, BOARD, made.before, made.now, session.part, clock, None, dying)
    return pygame.surfarray.array3d(surface).astype(int)


def has(pixels: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((np.abs(pixels - np.array(colour)).sum(-1) < 40).any())


def eat_a_ghost(session: Session) -> None:
    game = session.world.env.unwrapped.game
    game.pacman, game.facing, game.fright = at(3, 1), 2, 20
    game.ghosts[0], game.modes[0], game.directions[0], game.clocks[0] = at(4, 1), "frightened", 1, 0
    session.tick()
    assert "ghost" in session.world.events


def clear_the_level(session: Session) -> None:
    game = session.world.env.unwrapped.game
    for cell, kind in enumerate(game.cells):
        if kind in (FOOD, POWER):
            game.cells[cell] = FLOOR
    game.cells[at(9, 15)], game.food_left = FOOD, 1
    session.tick()
    assert "level" in session.world.events


def test_points_stand_where_a_ghost_was_eaten_and_the_game_holds_its_breath(app: Driver):
    session = arcade()
    eat_a_ghost(session)
    run(session, 1 / session.world.rate + 0.05)
    steps = session.world.steps
    pixels, (x, y) = picture(app, session), session.world.now.pacman
    cell = pixels[40 * x : 40 * x + 40, 40 * y : 40 * y + 40]
    assert has(cell, (0, 224, 240)) and not has(cell, (255, 222, 0))  # digits, and no Pac-Man
    run(session, PAUSES["ghost"] - 0.1)
    assert session.world.steps == steps
    run(session, 0.5)
    assert session.world.steps > steps


def test_a_fruit_is_on_the_board(app: Driver):
    session = arcade()
    before = picture(app, session)[400:440, 440:480]
    session.world.env.unwrapped.game.cells[at(10, 11)] = TREAT
    session.world.look()
    assert has(picture(app, session)[400:440, 440:480], (0, 206, 88))
    assert not has(before, (0, 206, 88))


def test_a_cleared_level_flashes_without_ghosts_and_the_next_says_ready(app: Driver):
    session = arcade()
    clear_the_level(session)
    run(session, 1 / session.world.rate + 0.05)
    white = (255, 255, 255)
    lit = [has(picture(app, session, clock)[0:840, 0:40], white) for clock in np.arange(0, 1, 0.1)]
    assert True in lit and False in lit
    assert not has(picture(app, session), (236, 28, 36))  # no red ghost
    run(session, PAUSES["level"] + 0.1)
    assert session.world.now.level == 2 and session.ready
    steps = session.world.steps
    run(session, READY - 0.3)
    assert session.world.steps == steps
    run(session, 1.0)
    assert session.world.steps > steps


def test_ready_leaves_the_house_and_the_player_to_be_seen(app: Driver, monkeypatch):
    monkeypatch.setattr(stage, "draw_banner", lambda *_: pytest.fail("a box over the board"))
    app.play("Arcade", waits=True)
    board = app.window.screen.layout.boards[0]  # type: ignore[attr-defined]
    cell = board.width // 21
    house = pygame.Rect(board.left + 7 * cell, board.top + 7 * cell, 7 * cell, 4 * cell)
    player = pygame.Rect(board.left + 10 * cell, board.top + 15 * cell, cell, cell)
    app.session.paused = True  # what moves by itself stands still
    pictures = []
    for waits in (True, False):
        app.session.waiting = waits
        app.window.draw()
        pixels = pygame.surfarray.array3d(app.window.surface)
        pictures.append([pixels[r.left : r.right, r.top : r.bottom].copy() for r in (house, player)])
    for with_words, without in zip(*pictures, strict=True):
        assert (with_words == without).all()


@pytest.mark.parametrize("size", [(640, 480), (800, 600), (1024, 768), (1280, 800), (480, 640)])
@pytest.mark.parametrize("zoom", [1.0, 1.5, 2.0])
def test_lives_and_level_have_room_in_a_small_window_with_large_words(app: Driver, size, zoom, monkeypatch):
    drawn, draw = [], hud.draw_value
    monkeypatch.setattr(hud, "draw_value", lambda *a: (drawn.append(a[1].label), draw(*a)))
    app.play("Arcade")
    Scale.zoom = zoom
    app.resize(*size)
    app.silence()
    drawn.clear()
    app.frames(2)
    assert {"Score", "Lives", "Level"} <= set(drawn)
    assert app.window.screen.panel.keys, "and so have the most important keys"  # type: ignore[attr-defined]
