"""Start here: the line on the screen follows what a newcomer does, by fake keys through the real app."""

from dataclasses import replace

import pygame
import pytest

from app.driver import Driver
from gamesim.app.controls import DOWN, LEFT, RIGHT, UP
from gamesim.app.game import homecoming, stage
from gamesim.app.game.tour import STEPS, Tour
from gamesim.app.library import catalog
from gamesim.app.library.catalog import PACMAN
from gamesim.app.screens.menu import Menu
from gamesim.app.screens.play import Play
from gamesim.app.theme import Scale


def play(app: Driver) -> Play:
    assert isinstance(app.window.screen, Play)
    return app.window.screen


def tour(app: Driver) -> Tour:
    found = play(app).tour
    assert found
    return found


def walk(app: Driver, *keys: int) -> None:
    for key in keys:
        app.press(key)
        app.frames(12)


@pytest.fixture
def begun(app: Driver, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """The tour, begun from its card, without ghosts; every step of the dream goes where it is asked to."""
    tame = {"max_steps": None, "num_ghosts": 0}
    games = [replace(game, kwargs=tame) if game.game_id == PACMAN else game for game in catalog.games()]
    monkeypatch.setattr(catalog, "games", lambda: games)
    monkeypatch.setattr(homecoming, "moved", lambda was, now, action: action in (LEFT, RIGHT, UP, DOWN))
    app.frames(1, 0.0)
    assert isinstance(app.window.screen, Menu)
    app.window.screen.refresh()
    card = app.window.screen.current
    assert card and card.name == "Start here" and card.title.name == "Pac-Man, endless"
    app.press(pygame.K_RETURN)
    app.until(lambda: isinstance(app.window.screen, Play))
    return app


def into_the_dream(app: Driver) -> None:
    app.press(pygame.K_TAB)
    app.until(lambda: isinstance(app.window.screen, Play) and app.session.world.temperature is not None)
    app.frames(2)


def test_it_leads_from_the_game_into_the_dream_out_and_home(begun: Driver):
    app = begun
    assert tour(app).step == "play" and "arrow keys" in tour(app).words
    walk(app, *[pygame.K_LEFT, pygame.K_RIGHT] * 4)
    assert tour(app).step == "switch" and "Tab" in tour(app).words
    into_the_dream(app)
    assert tour(app).step == "dream"
    walk(app, *[pygame.K_LEFT, pygame.K_RIGHT] * 5)
    assert tour(app).step == "home" and "Press H" in tour(app).words
    app.press(pygame.K_h)
    app.frames(2)
    assert tour(app).step == "out" and "8 cells" in tour(app).words
    assert not app.said  # one line says it, not two
    walk(app, *[pygame.K_LEFT] * 8)
    assert tour(app).step == "back" and "arrow" in tour(app).words
    walk(app, *[pygame.K_RIGHT] * 8)
    app.frames(2)
    assert tour(app).step == "done" and "Esc menu" in tour(app).words
    assert not app.said
    few = set(play(app).panel.few or ())
    app.press(pygame.K_h)  # the pictures of home have been looked at: the tour is over
    app.frames(2)
    assert play(app).tour is None
    assert few < {command for _, command in play(app).panel.keys}  # and all keys are shown


def test_who_goes_back_to_the_game_or_gives_up_is_led_on_from_there(begun: Driver):
    app = begun
    into_the_dream(app)  # before it was asked for
    assert tour(app).step == "dream"
    app.press(pygame.K_TAB)
    app.frames(2)
    assert tour(app).step == "switch"
    app.press(pygame.K_TAB)
    app.frames(2)
    walk(app, *[pygame.K_LEFT, pygame.K_RIGHT] * 5)
    app.press(pygame.K_h)
    app.frames(2)
    app.press(pygame.K_h)
    app.frames(2)
    assert tour(app).step == "home"


def test_a_game_that_is_over_asks_for_a_new_one_first(begun: Driver):
    begun.session.world.over = "Out of time"
    begun.frames(1)
    assert "Press Enter for a new one" in tour(begun).words
    begun.press(pygame.K_RETURN)
    begun.frames(2)
    assert "arrow keys" in tour(begun).words


def test_who_reached_the_flag_is_sent_into_the_dream_all_the_same(begun: Driver):
    walk(begun, *[pygame.K_LEFT, pygame.K_RIGHT] * 4)
    begun.session.world.over = "You reached the flag"
    begun.frames(1)
    assert tour(begun).step == "switch" and "Press Tab" in tour(begun).words


def test_nothing_that_is_told_lies_under_the_line(begun: Driver, monkeypatch: pytest.MonkeyPatch):
    """Remarks, banners and the arrow home keep below it."""
    app = begun
    into_the_dream(app)
    walk(app, *[pygame.K_LEFT, pygame.K_RIGHT] * 5)
    board = play(app).layout.boards[0]
    below = board.top + tour(app).height(board, Scale.of(app.window.surface.get_size()))
    assert below > board.top
    boxes, pills, arrows = [], [], []
    monkeypatch.setattr(stage, "draw_banner", lambda surface, free, *_: boxes.append(free) or free)
    monkeypatch.setattr(stage, "pill", lambda surface, words, place, *_: pills.append(place))
    monkeypatch.setattr(pygame.draw, "polygon", lambda surface, colour, points, *_: arrows.extend(points))
    app.press(pygame.K_h)
    home = play(app).panel.home
    assert home
    home.path = [(0, 0), (0, 9), (0, 9)]  # home is far up
    app.session.world.ends.append(app.session.world.steps)  # an end was ignored
    app.frames(1, 0.0)
    assert pills and arrows
    app.session.world.over = "The dream ends here"
    app.frames(60, 0.2)
    assert boxes
    assert min([*(box.top for box in boxes), *(y for _, y in pills), *(y for _, y in arrows)]) >= below


def test_esc_leaves_the_tour(begun: Driver):
    begun.press(pygame.K_ESCAPE)
    assert isinstance(begun.window.screen, Menu)


def test_without_models_there_is_no_tour(app: Driver):
    for folder in app.checkpoints.iterdir():
        (folder / "config.yaml").unlink()
    menu = Menu(app.window)
    assert "Start here" not in [card.name for card in menu.cards]
    menu.close()


def test_in_the_end_nothing_covers_the_pictures_of_home(begun: Driver):
    app = begun
    into_the_dream(app)
    app.press(pygame.K_h)
    walk(app, *[pygame.K_LEFT] * 8, *[pygame.K_RIGHT] * 8)
    app.frames(1, 0.0)
    with_tour = pygame.surfarray.array3d(app.window.surface)
    tour(app).draw(app.window.surface, pygame.Rect(0, 0, 500, 500), Scale.of((1280, 800)))
    assert (with_tour == pygame.surfarray.array3d(app.window.surface)).all()


@pytest.mark.parametrize("side", [170, 200, 380, 760])
@pytest.mark.parametrize("percent", [1.0, 1.5])
def test_the_line_leaves_most_of_a_small_board_free(side: int, percent: float):
    line = Tour()
    for step in STEPS:
        line.step = step
        assert line.height(pygame.Rect(0, 0, side, side), Scale(percent)) < side / 2


@pytest.mark.parametrize("size", [(1280, 800), (800, 600), (300, 700), (40, 30)])
def test_the_line_is_seen_at_any_size_of_the_window(begun: Driver, size: tuple[int, int]):
    begun.resize(*size)
    begun.frames(2)
    with_line = pygame.surfarray.array3d(begun.window.surface)
    begun.window.screen.tour = None  # type: ignore[attr-defined]
    begun.frames(1, 0.0)
    assert min(size) < 100 or (with_line != pygame.surfarray.array3d(begun.window.surface)).any()
