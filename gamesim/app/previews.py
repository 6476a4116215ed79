"""Small moving pictures of what can be played, for the menu's cards."""

from __future__ import annotations

import random
from typing import Protocol

import numpy as np
import pygame

from gamesim.app.board import BoardPainter
from gamesim.app.catalog import Title
from gamesim.app.play import Engine
from gamesim.app.theme import COLOURS
from gamesim.errors import UserError

RATE = 5.0  # steps a second: calmer than the game itself


class Preview(Protocol):
    def update(self, seconds: float) -> None: ...

    def draw(self, surface: pygame.Surface, rect: pygame.Rect, painter: BoardPainter) -> None: ...


class GamePreview:
    """A real game that plays by itself: it walks on where it can and turns at random."""

    def __init__(self, title: Title) -> None:
        self.engine = Engine(title, title.make())
        self.engine.reset()
        self.clock = self.since = random.random()
        self.action = 2

    def update(self, seconds: float) -> None:
        self.clock += seconds
        self.since += seconds
        if self.since < 1 / RATE:
            return
        self.since = 0.0
        before, now = self.engine.before, self.engine.now
        blocked = before and now and before.pacman == now.pacman
        if blocked or random.random() < 0.15:
            self.action = random.randint(1, 4)
        self.engine.step(self.action)
        if self.engine.over:
            self.engine.reset()

    def draw(self, surface: pygame.Surface, rect: pygame.Rect, painter: BoardPainter) -> None:
        engine = self.engine
        if engine.before and engine.now:
            part = min(1.0, self.since * RATE)
            view = engine.view
            if view:  # a wide picture shows more of the board to both sides
                extra = max(0, (rect.width * view[0] // rect.height - view[1]) // 2)
                view = (view[0], view[1] + 2 * extra)
            painter.draw(surface, rect, engine.before, engine.now, part, self.clock, view)


class DreamPreview:
    """The real first frames from which a dream starts, read without loading its weights or torch."""

    def __init__(self, title: Title) -> None:
        self.since = 0.0
        self.index = 0
        self.frames = _starts(title)

    def update(self, seconds: float) -> None:
        self.since += seconds
        if self.since >= 1 / RATE:
            self.since = 0.0
            self.index += 1

    def draw(self, surface: pygame.Surface, rect: pygame.Rect, painter: BoardPainter) -> None:
        if self.frames is None:
            middle = (rect.centerx, rect.centery)
            radius = max(2, rect.width // 5)
            pygame.draw.circle(surface, COLOURS["dream"], middle, radius)
            pygame.draw.circle(
                surface, COLOURS["floor"], (middle[0] + radius // 2, middle[1] - radius // 4), radius
            )
            return
        side = min(rect.size)
        image = scaled(self.frames[self.index % len(self.frames)], (side, side))
        surface.blit(image, image.get_rect(center=rect.center))


def scaled(frame: np.ndarray, size: tuple[int, int]) -> pygame.Surface:
    """A frame, uint8 (H, W, 3), as a surface of `size`, nearest neighbour."""
    height, width = frame.shape[:2]
    image = pygame.image.frombuffer(np.ascontiguousarray(frame).tobytes(), (width, height), "RGB")
    return pygame.transform.scale(image, size)


def preview(title: Title) -> Preview | None:
    """The moving picture of a title; None if it cannot be opened."""
    if title.learned:
        return DreamPreview(title)
    try:
        return GamePreview(title)
    except UserError:
        return None


def _starts(title: Title) -> np.ndarray | None:
    """All start frames one after another, uint8 (N * F, H, W, 3)."""
    from safetensors.numpy import load_file

    try:
        frames = load_file(str((title.checkpoint or "") / "starts.safetensors"))["frames"]  # type: ignore[operator]
        return frames.reshape(-1, *frames.shape[-3:]) if frames.dtype == np.uint8 and frames.size else None
    except Exception:  # a damaged file is reported when the dream is chosen; here a picture is missing
        return None
