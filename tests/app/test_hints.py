"""The keys on the play screen: those that do something here, the important first; a click presses them."""

from itertools import product
from pathlib import Path

import pygame
import pytest

from app.driver import Driver, click, dream
from app.training import old_run
from gamesim.app.controls import Command
from gamesim.app.game import hud
from gamesim.app.game.session import Session
from gamesim.app.navigation import PLACES, visit
from gamesim.app.screens.about import About
from gamesim.app.screens.help import Help
from gamesim.app.screens.menu import Menu
from gamesim.app.screens.new_run import NewRun
from gamesim.app.screens.run import RunPage, SheetPage
from gamesim.app.theme import Scale, font
from gamesim.app.ui import widgets
from gamesim.app.ui.listing import Listing
from gamesim.app.ui.pages import Page, Words
from gamesim.app.ui.parts import FOOT
from gamesim.app.window import Quit


def named(app: Driver) -> list[Command]:
    return [command for command, _ in app.window.screen.panel.hints()]  # type: ignore[attr-defined]


def drawn(app: Driver) -> list[Command]:
    app.frames(1, 0.0)
    return [command for _, command in app.window.screen.panel.keys]  # type: ignore[attr-defined]


def place(app: Driver, wanted: Command) -> tuple[int, int]:
    app.frames(1, 0.0)
    keys = app.window.screen.panel.keys  # type: ignore[attr-defined]
    return next(rect.center for rect, command in keys if command is wanted)


def test_a_game_without_a_dream_names_no_key_of_dreams(app: Driver):
    app.play("Arcade")
    absent = {Command.SWITCH, Command.BESIDE, Command.XRAY, Command.DRIVER, Command.WARMER, Command.LAYERS}
    assert not absent & set(named(app))
    assert {Command.RESET, Command.HELP, Command.RECORD} <= set(named(app))


@pytest.mark.parametrize(("game", "there"), [("Arcade", False), ("Pac-Man, endless", True)])
def test_nobody_is_sent_to_a_dream_that_is_not_there(app: Driver, game: str, there: bool):
    app.play(game)
    for key in (pygame.K_b, pygame.K_u, pygame.K_MINUS):
        app.silence()
        app.press(key)
        assert "nly" in app.said and ("Tab switches to the dream" in app.said) is there
    app.press(pygame.K_x)
    app.frames(2)
    painting = app.window.screen.xray.painting  # type: ignore[attr-defined]
    assert ("Tab switches to the dream" in painting.nothing) is there
    app.press(pygame.K_i)
    page = app.window.screen
    assert isinstance(page, About)
    assert (
        any("Press Tab to play" in block.said for block in page.blocks() if isinstance(block, Words)) is there
    )


def test_a_game_that_has_a_dream_names_the_way_to_it_before_anything_else(app: Driver):
    app.play("Pac-Man, endless")
    assert named(app)[:4] == [Command.RESET, Command.HELP, Command.SWITCH, Command.BESIDE]
    assert Command.XRAY not in named(app)


def test_who_drives_comes_first_while_the_ai_drives():
    made = Session(dream(checkpoint="world-model"))
    assert made.toggle_driver()
    order = [command for command, _ in hud.hints(made)]
    assert order.index(Command.DRIVER) < order.index(Command.SWITCH)


@pytest.mark.parametrize("side", [84, 64])
def test_what_needs_frames_of_84_pixels_is_named_for_those_alone(side: int):
    needing = {Command.HOME, Command.RESKIN}
    named = needing & {command for command, _ in hud.hints(Session(dream(side=side)))}
    assert named == (needing if side == 84 else set())


@pytest.mark.parametrize("beside", [False, True])
def test_the_most_important_keys_have_a_place_in_every_window(app: Driver, beside: bool):
    app.play("Tilemap Pac-Man")
    app.press(*([pygame.K_v] if beside else []))
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    for size, zoom in product([(1280, 800), (800, 600)], [1.0, 1.5]):
        app.resize(*size)
        Scale.zoom = zoom
        app.silence()
        shown = drawn(app)
        assert len(shown) >= 4 and shown == named(app)[: len(shown)], (size, zoom)


def test_no_key_loses_its_words_beside_the_x_ray_of_a_small_window(app: Driver, monkeypatch):
    said: list[tuple[str, pygame.Rect]] = []

    def text(surface, words, place, size, *colour, **how):
        said.append((words, widgets.text(surface, words, place, size, *colour, **how)))
        return said[-1][1]

    app.play("Pac-Man, endless")
    app.press(pygame.K_x)
    app.resize(640, 480)
    app.silence()
    monkeypatch.setattr(hud, "text", text)
    drawn(app)
    drawn_at = dict(said)
    hints = [words for _, words in app.window.screen.panel.hints() if words in drawn_at]  # type: ignore[attr-defined]
    assert "new game" in hints
    for words in hints:
        sizes = [font(size).size(words)[0] for size in range(Scale.of((640, 480)).px(15), 5, -1)]
        assert drawn_at[words].width in sizes, words


def test_a_click_on_a_key_presses_it(app: Driver):
    app.play("Tilemap Pac-Man")
    spot = place(app, Command.PAUSE)
    for kind in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP):
        pygame.event.post(pygame.event.Event(kind, pos=spot, button=1))
    app.frames(2, 0.0)
    assert app.session.paused


def test_a_key_is_held_as_long_as_the_mouse_holds_it(app: Driver):
    app.play("Tilemap Pac-Man")
    app.frames(10, 0.1)
    steps = app.session.world.steps
    spot = place(app, Command.REWIND)
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=spot, button=1))
    app.frames(6, 0.1)
    assert app.session.rewinding and app.session.world.steps < steps
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONUP, pos=spot, button=1))
    app.frames(2, 0.0)
    assert not app.session.rewinding


def test_the_help_opens_by_a_click(app: Driver):
    app.play("Arcade")
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=place(app, Command.HELP), button=1))
    app.frames(2, 0.0)
    assert app.help is not None


@pytest.mark.parametrize("size", [(1280, 800), (480, 360)])
def test_the_mouse_alone_leads_back_from_everywhere(app: Driver, size: tuple[int, int]):
    app.resize(*size)
    app.frames(2)

    def click_foot(name: str) -> None:
        click(app, next(rect.center for rect, cap in FOOT if cap == name))
        app.frames(2)

    for name in PLACES:
        visit(app.window, name)
        app.frames(2)
        click_foot("Esc")
        assert isinstance(app.window.screen, Menu), name
    first = FOOT[0][0].center
    click_foot("F1")
    assert isinstance(app.window.screen, Help) and not FOOT, "what is below the help cannot be pressed"
    click(app, first)
    app.frames(2)
    assert isinstance(app.window.screen, Menu)
    app.play("Maze")
    click(app, place(app, Command.BACK))
    app.frames(2)
    assert isinstance(app.window.screen, Menu)
    click_foot("Esc")
    assert isinstance(app.window.screen, Quit) and not FOOT, "what is below the question cannot be pressed"
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(5, 5), button=pygame.BUTTON_X1))
    app.frames(2)
    assert isinstance(app.window.screen, Menu)


@pytest.mark.parametrize("page", ["Models", "Recordings", "Train"])
def test_a_list_names_no_key_that_does_nothing(tmp_path: Path, page: str):
    """Without a model the page Models named five keys for rows and buttons, and there were neither."""
    (tmp_path / "none").mkdir()
    app = Driver(tmp_path / "none", tmp_path)
    visit(app.window, page)
    app.until(lambda: not app.window.kit.workshop.shelf.scanning)
    app.frames(2)
    found = app.window.screen
    assert isinstance(found, Listing)
    named = {words for _, words in found.works() if words}
    assert not named & {"row", "button", "a page", "first, last row"}
    assert ({"choose", "new training", "let a bot record"} & named) == {
        button.label.lower() for button in found.buttons
    }
    app.window.close()


def test_a_page_that_does_not_scroll_and_a_lone_sheet_name_no_arrows(app: Driver):
    folder = old_run(app)
    app.window.go(RunPage(app.window, folder))
    app.frames(2)
    assert "more curves" not in [words for _, words in app.window.screen.works()]
    sheets = app.window.screen.run.log.sheets  # type: ignore[attr-defined]
    assert len(sheets) == 1
    app.window.go(SheetPage(app.window, sheets))
    app.frames(1)
    assert [words for _, words in app.window.screen.hints()] == ["back"]
    app.window.go(SheetPage(app.window, sheets * 2))
    assert "earlier, later" in [words for _, words in app.window.screen.hints()]
    page = Page(app.window)
    app.window.go(page)
    app.frames(2)
    assert [words for _, words in page.hints()] == ["back"]


def test_without_recordings_there_is_nothing_to_turn_to(app: Driver):
    page = NewRun(app.window)
    app.window.go(page)
    app.until(lambda: not app.window.kit.workshop.shelf.scanning)
    app.frames(1)
    assert page.rows[0].turn is None and page.rows[0].press is not None


@pytest.mark.parametrize(
    ("key", "command", "before", "after"),
    [
        (pygame.K_l, Command.LOOK, "pixels", "drawn large"),
        (pygame.K_p, Command.PAUSE, "pause", "resume"),
        (pygame.K_COMMA, Command.RECORD, "record", "stop recording"),
    ],
)
def test_a_key_says_what_it_does_next(app: Driver, key: int, command: Command, before: str, after: str):
    """L said "pixels" while pixels were shown, and the comma "record" while it recorded."""

    def said() -> str:
        app.frames(1, 0.0)
        return dict(app.window.screen.panel.hints())[command]  # type: ignore[attr-defined]

    app.play("Tilemap Pac-Man")
    for words in (before, after, before):
        assert said() == words
        app.press(key)
