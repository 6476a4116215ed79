"""Keys that a screen names are that screen's, whatever the player gave them to elsewhere."""

import pygame
import pytest

from app.driver import Driver
from app.fakes import save
from app.training import old_run, press_button
from gamesim.app.controls import KEYMAP, Command, meaning
from gamesim.app.navigation import visit
from gamesim.app.screens import about
from gamesim.app.screens.menu import Menu
from gamesim.app.screens.settings import Keyed, SettingsScreen
from gamesim.app.ui.ask import Ask

pytestmark = pytest.mark.usefixtures("elsewhere")
GIVEN = [Command.MUTE, Command.SCREENSHOT, Command.RECORD, Command.HOME]


def choose(page: SettingsScreen, does: Command) -> None:
    page.chosen = next(i for i, row in enumerate(page.rows) if row.keys == Keyed(KEYMAP, does))


@pytest.mark.parametrize("does", GIVEN)
def test_ins_and_del_still_change_keys_once_they_are_keys_themselves(app: Driver, does: Command):
    visit(app.window, "Settings")
    page = app.window.screen
    assert isinstance(page, SettingsScreen)
    for key in (pygame.K_INSERT, pygame.K_DELETE):
        choose(page, does)
        app.press(pygame.K_RETURN, key)
        assert meaning(key) is does
        choose(page, Command.PAUSE)
        app.press(pygame.K_INSERT, pygame.K_F7)
        assert meaning(pygame.K_F7) is Command.PAUSE
        app.press(pygame.K_DELETE)
        assert meaning(pygame.K_F7) is None and meaning(pygame.K_p) is Command.PAUSE


@pytest.mark.parametrize("does", GIVEN)
def test_a_list_and_the_menu_delete_by_the_key_that_they_name(app: Driver, does: Command):
    save(app.recordings / "maze", "one", game="PacmanMaze")
    old_run(app)
    KEYMAP.give(does, pygame.K_DELETE)
    menu = app.window.screen
    assert isinstance(menu, Menu)
    menu.refresh()
    menu.chosen = len(menu.cards) - 1
    app.frames(1)
    app.press(pygame.K_DELETE)
    assert isinstance(app.window.screen, Ask)
    press_button(app, "Keep")
    visit(app.window, "Recordings")
    app.until(lambda: app.window.screen.count)  # type: ignore[attr-defined]
    app.frames(1)
    app.press(pygame.K_DELETE)
    assert isinstance(app.window.screen, Ask)


@pytest.mark.parametrize("does", GIVEN)
def test_home_and_end_go_through_a_replay_once_they_are_keys_themselves(app: Driver, does: Command):
    save(app.recordings / "maze", "one", game="PacmanMaze")
    KEYMAP.give(does, pygame.K_END)
    visit(app.window, "Recordings")
    app.until(lambda: app.window.screen.count)  # type: ignore[attr-defined]
    app.press(pygame.K_RETURN)
    page = app.window.screen
    app.until(lambda: page.episode)  # type: ignore[attr-defined]
    app.press(pygame.K_END)
    assert page.at == page.last > 0  # type: ignore[attr-defined]


def test_the_pages_about_models_name_the_keys_that_the_player_chose():
    KEYMAP.give(Command.SWITCH, pygame.K_q)
    KEYMAP.give(Command.COOLER, pygame.K_F7)
    said = " ".join(words.said for words in (about.DREAMT, *about.COMMON, *about.WORLD_MODEL))
    assert "Press Q to play" in said and "press F7 and =" in said and "In x-ray (X)" in said
    assert "[" not in said
