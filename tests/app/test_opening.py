"""The dream of a game is opened before anybody asks for it; whoever waits sees for how long."""

import gymnasium as gym
import pygame
import pytest

from app.driver import Driver
from app.fakes import FakeDream
from gamesim.app.screens import loading


@pytest.fixture
def opened(monkeypatch) -> list[FakeDream]:
    """All dreams that are opened from here on."""
    dreams, make = [], gym.make

    def noting(env_id, **how):
        env = make(env_id, **how)
        if env_id == "gamesim/Dream-v0":
            dreams.append(env.unwrapped)
        return env

    monkeypatch.setattr(gym, "make", noting)
    return dreams


@pytest.fixture
def closed(monkeypatch) -> list[FakeDream]:
    """All dreams that are closed from here on."""
    dreams: list[FakeDream] = []
    monkeypatch.setattr(FakeDream, "close", lambda self: dreams.append(self))
    return dreams


def test_a_games_dream_is_open_before_anybody_asks(app: Driver, opened):
    app.play("Pac-Man, endless")
    app.until(lambda: opened)
    count = len(opened)
    app.press(pygame.K_TAB)
    app.until(lambda: app.session.world.temperature is not None)
    assert len(opened) == count, "the one that was opened before is the one that is played"
    assert app.session.world.env.unwrapped is opened[-1]


def test_what_nobody_asked_for_is_closed_with_the_game(app: Driver, opened, closed):
    app.play("Pac-Man, endless")
    app.until(lambda: opened)
    dream = opened[-1]
    app.press(pygame.K_ESCAPE)
    app.until(lambda: dream in closed)


def test_a_dream_that_cannot_be_opened_is_told_to_whoever_asks(app: Driver, monkeypatch):
    make, asked = gym.make, []

    def broken(env_id, **how):
        if env_id == "gamesim/Dream-v0":
            asked.append(env_id)
            raise ValueError("no such weights")
        return make(env_id, **how)

    monkeypatch.setattr(gym, "make", broken)
    app.play("Pac-Man, endless")
    app.until(lambda: asked)
    app.frames(5)
    assert "no such weights" not in app.said
    app.press(pygame.K_TAB)
    app.until(lambda: "no such weights" in app.said)


def test_whoever_waits_sees_for_how_long(app: Driver, monkeypatch):
    import threading

    go, lines, now = threading.Event(), [], [100.0]
    monkeypatch.setattr(gym, "make", lambda *_, **__: go.wait() and FakeDream())
    monkeypatch.setattr(loading, "text", lambda surface, words, *_, **__: lines.append(words))
    monkeypatch.setattr(loading.time, "monotonic", lambda: now[0])
    app.press(pygame.K_RETURN)
    app.frames(20)
    assert not any(line.endswith(" s") for line in lines)
    now[0] += 12.7
    app.frames(1)
    assert any(line.endswith("… 12 s") for line in lines)
    go.set()
