"""A screen sees a navigator and a kit, so it can be made and used without a window."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pygame
import pytest

from gamesim.app.controls import Command
from gamesim.app.kit import Kit
from gamesim.app.navigation import PLACES, Navigator, Screen, visit
from gamesim.app.screens.menu import Menu
from gamesim.app.settings import Scores
from gamesim.app.ui.parts import attempt
from gamesim.app.window import Quit
from gamesim.errors import UserError


class StandIn(Navigator):
    """Remembers what screens ask of the window."""

    def __init__(self, kit: Kit) -> None:
        self.kit, self.said, self.left = kit, "", False
        self.screens = [Screen(self)]

    @property
    def screen(self) -> Screen:
        return self.screens[-1]

    def go(self, screen: Screen) -> None:
        self.screens.append(screen)

    def back(self) -> None:
        self.screens.pop()

    def load(self, title: Any, then: Callable) -> None:
        raise AssertionError("nothing is opened here")

    def leave(self) -> None:
        self.left = True

    def end(self) -> None:
        raise AssertionError("somebody should have been asked")

    def say(self, words: str, bad: bool = False) -> None:
        self.said = words

    def holds(self, command: Command) -> bool:
        return False

    def toggle_fullscreen(self) -> None:
        raise AssertionError("there is no window")


@pytest.fixture
def window(tmp_path: Path, checkpoints: Path) -> StandIn:
    pygame.display.quit()
    return StandIn(Kit(checkpoints, tmp_path / "recordings", Scores(tmp_path / "scores.json")))


def test_the_question_at_the_end_goes_back_before_it_does_what_was_chosen(window: StandIn):
    question = Quit(window)
    window.go(question)
    question.press(question.buttons[0])
    assert len(window.screens) == 1 and not window.left
    window.go(question)
    question.press(question.buttons[1])
    assert len(window.screens) == 1 and window.left


def test_esc_on_any_screen_goes_back(window: StandIn):
    window.go(Screen(window))
    window.screen.command(Command.BACK)
    assert len(window.screens) == 1


@pytest.mark.parametrize("name", PLACES)
def test_every_place_of_the_menu_is_drawn_without_a_window(window: StandIn, name: str):
    window.go(Menu(window))
    visit(window, name)
    window.screen.update(1 / 60)
    pygame.font.init()
    window.screen.draw(pygame.Surface((1280, 800)))
    assert window.screen.caption and not pygame.display.get_init()
    window.screen.close()


def test_what_the_player_can_mend_is_said(window: StandIn):
    def fails() -> None:
        raise UserError("the disk is full")

    attempt(window, fails)
    assert window.said == "the disk is full"
