"""F1 lists the keys that do something on the screen below, and no others."""

import pygame
import pytest

from app.driver import Driver
from app.fakes import save
from gamesim.app.controls import BINDINGS, Command
from gamesim.app.navigation import PLACES, visit
from gamesim.app.screens import help as help_page
from gamesim.app.screens.replay import Replay
from gamesim.app.theme import Scale
from gamesim.app.ui.parts import fitting_hints

WORDS = {binding.does: binding.text for binding in BINDINGS}
WINDOW = {"settings and keys", "fullscreen", "sound on or off", "save a picture of the window"}


def helped(app: Driver) -> dict[str, tuple[str, ...]]:
    """The lines of the help: the keys of each by its words."""
    app.frames(2, 0.0)
    app.press(pygame.K_F1)
    assert app.help is not None
    lines = {line.words: line.caps for line in app.help.lines if line.caps}
    app.press(pygame.K_F1)
    return lines


def words(*commands: Command) -> set[str]:
    return {WORDS[command] for command in commands}


OF_PLAY = words(Command.PAUSE, Command.RECORD, Command.XRAY, Command.SWITCH, Command.HOME, Command.COOLER)


def test_the_menu_names_no_key_of_a_game(app: Driver):
    lines = helped(app)
    assert {"play", "quit"} <= set(lines) and set(lines) >= WINDOW
    assert not OF_PLAY & set(lines) and "move" not in lines


def test_a_game_without_a_dream_names_no_key_of_dreams(app: Driver):
    lines = helped(app.play("Arcade"))
    assert "move" in lines and words(Command.PAUSE, Command.RECORD, Command.GIF, Command.LOOK) <= set(lines)
    dreams = words(
        Command.XRAY, Command.COOLER, Command.REWIND, Command.SWITCH, Command.BESIDE, Command.AGAIN
    )
    assert not dreams & set(lines)


def test_a_dream_names_its_own_keys_and_side_by_side_those_of_both(app: Driver):
    app.play("Tilemap Pac-Man")
    alone = set(helped(app))
    assert words(Command.XRAY, Command.COOLER, Command.NEUTRAL, Command.REWIND, Command.HOME) <= alone
    assert WORDS[Command.AGAIN] not in alone
    app.press(pygame.K_v)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    both = set(helped(app))
    assert WORDS[Command.AGAIN] in both and WORDS[Command.HOME] not in both


def test_the_keys_that_the_panel_names_stand_in_the_help_in_more_words(app: Driver):
    app.play("Tilemap Pac-Man")
    named = {WORDS[command] for command, _ in app.window.screen.panel.hints()}  # type: ignore[attr-defined]
    assert named <= set(helped(app))


@pytest.mark.parametrize("width", [100, 400, 800, 1280])
def test_the_way_out_is_the_last_key_that_a_foot_leaves_out(app: Driver, width: int):
    hints = [("Space", "pause"), ("↑", ""), ("↓", "control"), ("Enter", "press"), ("Esc", "back")]
    shown = fitting_hints(hints, width, Scale(1.5))
    assert shown == ([*hints[: len(shown) - 1], hints[-1]] if shown else [])
    assert bool(shown) == (width >= 400) and (shown == hints) == (width >= 800)
    assert ("↑", "") not in shown or ("↓", "control") in shown


@pytest.mark.parametrize("place", PLACES)
def test_a_page_names_the_keys_of_its_foot_and_none_of_a_game(app: Driver, place: str):
    visit(app.window, place)
    app.frames(2, 0.0)
    foot = {told[:1].lower() + told[1:] for _, told in app.window.screen.hints() if told}
    lines = set(helped(app))
    assert foot <= lines and not (OF_PLAY & lines) and "move" not in lines


def test_a_list_names_the_keys_on_its_buttons(app: Driver):
    save(app.recordings / "pac-man", "one", steps=3)
    visit(app.window, "Recordings")
    app.until(lambda: app.window.screen.count)  # type: ignore[attr-defined]
    lines = helped(app)
    assert lines["delete"] == ("Del",) and lines["select all"] == ("Ctrl", "A")
    assert any(told.startswith("player") for told in lines)


@pytest.mark.parametrize("size", [(1280, 800), (800, 600), (420, 700)])
def test_words_are_set_in_one_size_and_none_are_left_out(app: Driver, size, monkeypatch: pytest.MonkeyPatch):
    said: list[tuple[str, int]] = []

    def text(surface, words, place, size, *_, bold=False, **__):
        if not bold:
            said.append((words, size))
        return surface.get_rect()

    app.play("Tilemap Pac-Man")
    app.resize(*size)
    app.press(pygame.K_F1)
    assert app.help is not None
    monkeypatch.setattr(help_page, "text", text)
    monkeypatch.setattr(app.help, "_draw_head", lambda *_: None)
    app.frames(1, 0.0)
    wanted = " ".join(line.words for line in app.help.lines if line.caps)
    assert " ".join(words for words, _ in said) == wanted and len({size for _, size in said}) == 1


def test_the_settings_do_not_name_the_key_that_opens_them(app: Driver):
    app.press(pygame.K_F2)
    assert app.window.screen.caption == "Settings" and "settings and keys" not in helped(app)


def test_the_keys_of_a_replay_are_listed_once(app: Driver):
    """P was "play, pause", and "pause" below that."""
    save(app.recordings / "any", "one")
    app.window.kit.workshop.shelf.scan()
    page = Replay(app.window, app.window.kit.workshop.shelf.recordings[0])
    app.window.go(page)
    app.until(lambda: page.episode is not None)
    app.frames(2)
    caps = [cap for cap, _ in page.works()]
    assert len(caps) == len(set(caps)) and "P" in caps and "Del" in caps
