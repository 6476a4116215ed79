"""What the tests of the app drive: a window with posted keys, real games, and a dream without a network."""

import time
from collections.abc import Callable
from pathlib import Path

import gymnasium as gym
import pygame

import gamesim  # noqa: F401
from app.fakes import FakeDream
from gamesim.app.game.session import Session
from gamesim.app.game.world import World
from gamesim.app.kit import Kit
from gamesim.app.library.catalog import MAZE, PACMAN, Title, games
from gamesim.app.screens.help import Help
from gamesim.app.screens.menu import Menu
from gamesim.app.settings import Scores
from gamesim.app.window import Window

FRAME = 1 / 60


class Driver:
    """A window on a dummy display, driven by posted key events and by time that the test hands out."""

    def __init__(self, checkpoints: Path, tmp_path: Path) -> None:
        self.checkpoints, self.recordings = checkpoints, tmp_path / "recordings"
        self.window = Window(Kit(checkpoints, self.recordings, Scores(tmp_path / "scores.json")))
        self.window.go(Menu(self.window))

    def frames(self, count: int, seconds: float = FRAME, drawn: int = 2) -> None:
        """Rounds of the loop: events, time, a picture; of many that take time only the last are `drawn`."""
        for left in range(count, 0, -1):
            if seconds and left > drawn:
                self.window.advance(seconds)
            else:
                self.window.frame(seconds)

    def press(self, *keys: int) -> None:
        """Tap keys one after another, a frame each."""
        for key in keys:
            self.down(key)
            self.up(key)
            self.frames(1, 0.0)

    def down(self, key: int) -> None:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))

    def up(self, key: int) -> None:
        pygame.event.post(pygame.event.Event(pygame.KEYUP, key=key))

    def until(self, condition: Callable[[], object], seconds: float = 200.0) -> None:
        """Go on, without time passing in the game, until something loaded or saved elsewhere is there."""
        deadline, pause = time.monotonic() + seconds, 0.002
        while not condition():
            state = (type(self.window.screen).__name__, self.window.running, self.said)
            assert time.monotonic() < deadline, f"it did not happen in time: {state}"
            self.frames(1, 0.0)
            time.sleep(pause)
            pause = min(1.3 * pause, 0.03)  # the longer it takes the less often it is looked at

    def play(self, name: str, waits: bool = False) -> "Driver":
        """Open a title from the menu, by its name, with the keys that this takes.

        Args:
            waits: leave it at "Ready!"; else its clock runs, as it does after a first move.
        """
        menu = self.window.screen
        assert isinstance(menu, Menu)
        self.frames(1, 0.0)
        wanted = next(i for i, card in enumerate(menu.cards) if card.name == name)
        menu.chosen = wanted
        self.press(pygame.K_RETURN)
        self.until(lambda: type(self.window.screen).__name__ == "Play")
        self.session.waiting = waits
        return self

    def passes(self, seconds: float) -> None:
        """Let time pass in the game; only the last moment of it is drawn."""
        for _ in range(round(seconds / FRAME)):
            self.window.screen.update(FRAME)
        self.frames(1, 0.0)

    def silence(self) -> None:
        """Time passes until every message is gone."""
        self.window.kit.toasts.update(1000.0)

    def resize(self, width: int, height: int) -> None:
        self.window.surface = pygame.display.set_mode((width, height), pygame.RESIZABLE)

    @property
    def session(self) -> Session:
        return self.window.screen.session  # type: ignore[attr-defined]

    @property
    def help(self) -> Help | None:
        """The page of all keys, while it lies over another screen."""
        return self.window.screen if isinstance(self.window.screen, Help) else None

    @property
    def said(self) -> str:
        return " ".join(self.window.kit.toasts.words)


def world(game_id: str = PACMAN, seed: int = 3, **kwargs) -> World:
    """A real game without ghosts (nothing happens by chance) and without a limit."""
    title = next(game for game in games() if game.game_id == game_id)
    settings = {"max_steps": None, "num_ghosts": 0, **kwargs} if game_id in (PACMAN, MAZE) else kwargs
    made = World(title, gym.make(game_id, **settings))
    made.frame, made.info = made.env.reset(seed=seed)
    made.reset()
    return made


def dream(**kwargs) -> World:
    title = Title("Fake", "", "gamesim/Dream-v0", {}, PACMAN, Path("nowhere"))
    return World(title, FakeDream(**kwargs))


def typed(app: Driver, words: str) -> None:
    pygame.event.post(pygame.event.Event(pygame.TEXTINPUT, text=words))
    app.frames(1)


def click(app: Driver, place: tuple[int, int]) -> None:
    for kind in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP):
        pygame.event.post(pygame.event.Event(kind, pos=place, button=1))
    app.frames(1)
