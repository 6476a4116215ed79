"""Games that are not ours, on the play screen: their keys, and that the window outlives them."""

import pygame
import pytest

import toy_games
from app.driver import Driver
from gamesim.app.action_keys import ActionKeys
from gamesim.app.game.play import Engine
from gamesim.app.library.catalog import Title, dream, foreign, partner, title_of
from gamesim.app.library.workshop import Workshop
from gamesim.app.screens.add_game import AddGame
from gamesim.app.screens.play import Play
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError

toy_games.register()
PONG = ["NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE"]


def held(keys: ActionKeys, *pressed: int) -> int | None:
    return keys.action([button for key in pressed if (button := keys.button(key)) is not None])


def test_words_are_pressed_by_the_keys_that_one_expects():
    keys = ActionKeys(PONG)
    assert held(keys) == keys.idle == 0
    assert held(keys, pygame.K_LEFT) == held(keys, pygame.K_a) == 3
    assert held(keys, pygame.K_SPACE) == 1
    assert held(keys, pygame.K_LEFT, pygame.K_SPACE) == 5, "together they are an action of their own"
    assert held(keys, pygame.K_LEFT, pygame.K_RIGHT) == 2, (
        "the one pressed last, where there is no such action"
    )
    assert sorted(keys.legend) == [("Space", "Fire"), ("←", "Left"), ("→", "Right")]


def test_actions_without_words_have_numbers_and_the_first_four_the_arrows_too():
    keys = ActionKeys([""] * 9)
    assert [held(keys, ord(str(number))) for number in range(1, 9)] == list(range(1, 9))
    assert [held(keys, key) for key in (pygame.K_LEFT, pygame.K_DOWN)] == [1, 4]
    assert held(keys) == held(keys, pygame.K_TAB) == 0


def test_no_action_of_a_small_game_is_without_a_key():
    for words in (PONG, [""] * 20, ["LEFT", "DOWN", "RIGHT", "UP"], ["NOOP", "AXIS 1 UP", "AXIS 1 DOWN"]):
        assert "–" not in [cap for cap, _ in ActionKeys(words).legend][:12]


def playing(app: Driver, recipe: Recipe) -> Driver:
    title = foreign(recipe)
    app.window.load(title, lambda env: app.window.go(Play(app.window, Engine(title, env))))
    app.until(lambda: isinstance(app.window.screen, Play))
    return app


def test_a_game_without_an_action_for_nothing_waits_for_the_player(app: Driver):
    session = playing(app, Recipe("CartPole-v1")).session
    app.frames(60)
    assert session.engine.steps == 0
    app.down(pygame.K_RIGHT)
    app.frames(30)
    assert 0 < session.engine.steps <= 6
    app.up(pygame.K_RIGHT)
    app.frames(2)
    steps = session.engine.steps
    app.frames(30)
    assert session.engine.steps == steps
    app.press(pygame.K_ESCAPE)
    app.frames(2)
    assert pygame.display.get_init(), "CartPole puts pygame out when it is closed"
    assert app.window.running


def test_whatever_is_pressed_is_an_action_that_the_game_has(app: Driver):
    session = playing(app, Recipe("toys/Three-v0")).session
    for key in (pygame.K_LEFT, pygame.K_DOWN, pygame.K_1, pygame.K_9, pygame.K_SPACE):
        app.press(key)
        app.frames(20)
    assert session.engine.steps > 0 and "failed" not in app.said and isinstance(app.window.screen, Play)


@pytest.mark.parametrize("where", ["step", "reset"])
def test_a_game_that_breaks_down_is_a_message(app: Driver, where: str):
    title = foreign(Recipe("toys/Broken-v0", {"where": where}))
    app.window.screen.open(title)  # type: ignore[attr-defined]
    app.until(lambda: type(app.window.screen).__name__ != "Loading")
    app.press(pygame.K_LEFT)
    app.frames(30)
    assert "oh no" in app.said and app.window.running


def test_what_cannot_be_opened_is_a_message(app: Driver):
    app.window.screen.open(foreign(Recipe("toys/Blind-v0")))  # type: ignore[attr-defined]
    app.until(lambda: "shows no picture" in app.said)


def test_the_partner_of_such_a_dream_is_its_game_as_it_was_recorded(app: Driver):
    folder = app.window.checkpoints / "mine"
    folder.mkdir()
    rows = {"game": "toys/Nine-v0", "recorded with": "--size 64 steps=9", "actions": "LEFT, RIGHT"}
    (folder / "README.md").write_text("".join(f"| {name} | {fact} |\n" for name, fact in rows.items()))
    title = dream(folder)
    assert title.actions == ("LEFT", "RIGHT")
    found = partner(title, [])
    assert isinstance(found, Title) and found.how == Recipe("toys/Nine-v0", {"steps": 9}, size=64)
    (folder / "README.md").write_text("| game | os:gone/Game-v0 |\n")
    assert partner(dream(folder), []) is None


def test_main_py_play_takes_any_id():
    assert title_of("CartPole-v1").how == Recipe("CartPole-v1")
    assert title_of("gamesim/PacmanArcade-v0").name == "Arcade"


@pytest.mark.usefixtures("elsewhere")
def test_a_game_is_added_to_the_menu_stays_there_and_is_removed_again(app: Driver):
    app.frames(1)
    app.window.screen.visit("Add a game")  # type: ignore[attr-defined]
    app.frames(2)
    page = app.window.screen
    assert isinstance(page, AddGame) and "CartPole-v1" in page.rows
    page.chosen = page.rows.index("CartPole-v1")
    app.frames(1)
    page.press(next(action for action in page.buttons if action.label == "Add to menu"))
    app.frames(1)
    assert Workshop((), app.recordings, app.window.workshop.data).added.has("CartPole-v1"), (
        "also the next time"
    )
    app.press(pygame.K_ESCAPE)
    app.frames(3)
    assert "CartPole-v1" in [card.title.name for card in app.window.screen.cards]  # type: ignore[attr-defined]
    page.press(next(action for action in page.actions() if action.label == "Remove"))
    assert not app.window.workshop.added.has("CartPole-v1")
    page._add("toys/Three-v0")
    assert page.current == "toys/Three-v0"
    with pytest.raises(UserError, match="unknown game"):
        page._add("toys/Nothing-v0")
