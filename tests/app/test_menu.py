"""The menu: everything keeps its place, one's own models can be deleted, and Esc asks before it quits."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pygame
import pytest
from safetensors.numpy import save_file

from app import fakes
from app.conftest import SHIPPED
from app.driver import Driver, click
from app.training import old_run, press_button
from gamesim.app.library import catalog
from gamesim.app.library.catalog import MAZE
from gamesim.app.screens.deck import Card
from gamesim.app.screens.menu import Menu
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui import widgets
from gamesim.app.ui.ask import Ask
from gamesim.app.window import Quit
from gamesim.envs.recipe import Recipe


def menu(app: Driver) -> Menu:
    assert isinstance(app.window.screen, Menu)
    return app.window.screen


def places(app: Driver) -> dict[str, tuple[int, ...]]:
    """Where each card of a game or a model lies."""
    app.frames(1)
    return {card.key: tuple(card.rect) for card in menu(app).cards if card.kind == "play"}


@pytest.mark.parametrize("name", ["Maze", "Garden", "Tilemap Pac-Man"])
def test_playing_moves_no_card(app: Driver, name: str):
    before = places(app)
    app.play(name)
    app.press(pygame.K_ESCAPE)
    assert places(app) == before


def test_one_card_continues_with_what_was_played_last(app: Driver):
    assert "Continue" not in [card.name for card in menu(app).cards]
    for name in ("Maze", "Tilemap Pac-Man"):
        app.play(name)
        app.press(pygame.K_ESCAPE)
        app.frames(1)
        (last,) = [card for card in menu(app).cards if card.kind == "continue"]
        assert last.title.name == name and last.blurb == name
    app.play("Continue")
    assert app.session.world.title.name == "Tilemap Pac-Man"


def test_coming_home_opens_a_shipped_model_whatever_was_played(app: Driver):
    old_run(app)
    menu(app).refresh()
    app.play("Old")
    app.press(pygame.K_ESCAPE)
    app.play("Coming home")
    assert app.session.world.title.checkpoint == app.checkpoints / "tilemap-pacman"


def test_coming_home_is_offered_in_the_maze_where_one_is_shipped():
    home = catalog.home(catalog.dreams(SHIPPED))
    assert home is not None and (home.game_id, home.system) == (MAZE, "tilemap")


def test_own_models_have_a_row_of_their_own_and_can_be_deleted_from_it(app: Driver):
    folder = old_run(app)
    menu(app).refresh()
    app.frames(1)
    assert [(row.heading, len(row.cards)) for row in menu(app).rows][-1] == ("Your models", 1)
    app.press(pygame.K_DELETE)  # a card that is not one's own is chosen
    assert "Only your own" in app.said
    for way in ("key", "mouse"):
        for _ in range(4):
            app.press(pygame.K_DOWN)
            app.frames(1)
        if way == "key":
            app.press(pygame.K_DELETE)
        else:
            click(app, menu(app).bin.center)
        assert isinstance(app.window.screen, Ask) and folder.is_dir()
        press_button(app, "Keep" if way == "key" else "Delete")
    assert not folder.exists()
    assert "Your models" not in [row.heading for row in menu(app).rows]


def test_esc_at_the_menu_asks_once_and_esc_again_stays(app: Driver):
    app.press(pygame.K_ESCAPE)
    assert isinstance(app.window.screen, Quit) and app.window.running
    app.press(pygame.K_ESCAPE)
    assert menu(app) and app.window.running
    app.press(pygame.K_ESCAPE, pygame.K_RETURN)
    assert not app.window.running


def test_the_window_s_close_button_quits_at_once(app: Driver):
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    app.frames(1)
    assert not app.window.running


def test_the_game_that_no_model_can_learn_says_so_on_its_card(app: Driver):
    words = {card.name: card.blurb for card in menu(app).cards}
    assert "No dream" in words["Arcade"]
    assert "No dream" not in words["Garden"]  # one can be trained


def picture_of(app: Driver, card: Card) -> np.ndarray:
    """What is drawn of a card's picture."""
    assert card.picture is not None
    ground = pygame.Surface((120, 80))
    ground.fill(COLOURS["floor"])
    card.picture.draw(ground, ground.get_rect(), app.window.kit.painter)
    return pygame.surfarray.array3d(ground)


def test_the_card_of_a_game_of_others_is_never_black(app: Driver, checkpoints: Path):
    """A dream of it has real frames of it; where there is none its first letter is drawn."""
    app.window.kit.workshop.added.add(Recipe("CartPole-v1"))
    menu(app).refresh()
    card = next(card for card in menu(app).cards if card.name == "CartPole-v1")
    assert len(np.unique(picture_of(app, card).reshape(-1, 3), axis=0)) > 1
    folder = checkpoints / "tilemap-cartpole"
    folder.mkdir()
    (folder / "config.yaml").write_text("system: tilemap\n", encoding="utf-8")
    fakes.card(folder, "CartPole-v1")
    green = np.full((1, 1, 40, 40, 3), (10, 200, 30), np.uint8)
    save_file({"frames": green}, folder / "starts.safetensors")
    menu(app).refresh()
    card = next(card for card in menu(app).cards if card.name == "CartPole-v1")
    assert (picture_of(app, card) == (10, 200, 30)).all(2).mean() > 0.5


def test_a_seventh_game_is_not_left_alone_below_the_others(app: Driver):
    app.resize(1280, 800)
    games = next(row for row in menu(app).rows if row.heading == "Real games")
    games.cards = [replace(card) for card in [*games.cards, *games.cards][:7]]
    app.frames(2)
    assert len({card.rect.top for card in games.cards}) == 1
    dreams = next(row for row in menu(app).rows if row.heading.startswith("Dreams"))
    assert dreams.cards[0].rect.bottom <= menu(app).view.bottom


@pytest.mark.parametrize("size", [(1280, 800), (1000, 800), (800, 600), (600, 500), (480, 360), (2560, 1440)])
@pytest.mark.parametrize("count", [6, 7, 8, 9])
def test_no_card_stands_alone_below_the_others(app: Driver, size, count: int):
    dreams = next(row for row in menu(app).rows if row.heading.startswith("Dreams"))
    dreams.cards = [replace(dreams.cards[0]) for _ in range(count)]
    app.resize(*size)
    app.frames(2)
    for row in menu(app).rows[1:]:
        tops = [card.rect.top for card in row.cards]
        assert len(tops) == 1 or tops.count(tops[-1]) > 1


@pytest.mark.parametrize("size", [(1280, 800), (800, 600)])
@pytest.mark.parametrize("zoom", [1.0, 1.5])
def test_what_is_below_the_edge_is_reached_by_keys_wheel_and_bar(app: Driver, size, zoom):
    old_run(app)
    menu(app).refresh()
    app.resize(*size)
    Scale.zoom = zoom
    app.frames(2)
    page = menu(app)
    last = page.cards[-1]
    if last.rect.bottom > page.view.bottom:
        assert page.scroller.most > 0 and page.scroller.gutter.height
        foot = page.scroller.gutter
        click(app, (foot.centerx, foot.bottom - 1))
        app.frames(2)
        assert page.scroller.at == page.scroller.most
    page.scroller.at = 0
    app.frames(1)
    for _ in range(40):
        if not (page.current and page.current.own):
            app.press(pygame.K_DOWN)
            app.frames(1)
    assert page.current and page.current.own
    assert page.view.contains(page.current.rect) or page.current.rect.height > page.view.height - 60


def test_the_chosen_card_stays_in_view_when_the_window_gets_smaller(app: Driver):
    """Enter played a card that nobody saw."""
    app.resize(1280, 800)
    app.frames(2)
    menu = app.window.screen
    assert isinstance(menu, Menu)
    menu.chosen = len(menu.cards) - 1
    app.frames(1)
    app.resize(320, 240)
    app.frames(3)
    card = menu.current
    assert card and card.rect.colliderect(menu.view)


def test_a_narrow_menu_cuts_nothing_off_its_line(app: Driver, monkeypatch: pytest.MonkeyPatch):
    drawn: list[str] = []
    real = widgets.render
    monkeypatch.setattr(widgets, "render", lambda words, *rest: drawn.append(words) or real(words, *rest))
    app.resize(240, 320)
    app.frames(2)
    assert "Play a game. Then play what a network learned of it." in drawn


def test_a_bar_that_was_let_go_on_another_screen_is_let_go(app: Driver):
    app.resize(400, 300)
    app.frames(2)
    page = menu(app)
    bar = page.scroller.gutter

    def moved(y: int, *, held: bool) -> int:
        pygame.event.post(pygame.event.Event(pygame.MOUSEMOTION, pos=(bar.centerx, y), buttons=(held, 0, 0)))
        app.frames(1)
        return page.scroller.at

    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=bar.midtop, button=1))
    assert moved(bar.centery, held=True) > 0
    app.press(pygame.K_F1)
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONUP, pos=bar.center, button=1))
    app.press(pygame.K_F1)
    assert app.help is None
    before = page.scroller.at
    assert moved(bar.bottom - 1, held=False) == before
