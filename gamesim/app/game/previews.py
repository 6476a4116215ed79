"""Small moving pictures of games and dreams, for the menu's cards."""

import random
from pathlib import Path
from typing import Protocol

import gymnasium as gym
import numpy as np
import pygame

from gamesim.app.background import Worker
from gamesim.app.game.board import BoardPainter
from gamesim.app.game.world import World
from gamesim.app.library.catalog import Title
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.widgets import clipped, text
from gamesim.errors import UserError

RATE = 5.0  # steps a second: calmer than the game itself
DREAM_RATE = 4.0
THUMBNAIL_RATE = 4.0  # frames a second
STARTS = 3  # real beginnings to show of a dream that is not awake


class Preview(Protocol):
    def update(self, seconds: float) -> None: ...

    def draw(self, surface: pygame.Surface, rect: pygame.Rect, painter: BoardPainter) -> None: ...


class GamePreview:
    """A real game that plays by itself: the player walks on as long as he can and turns at random."""

    def __init__(self, title: Title) -> None:
        self.world = World(title, title.make())
        self.world.reset()
        self.clock = self.since = random.random()
        self.action = 2

    def update(self, seconds: float) -> None:
        self.clock += seconds
        self.since += seconds
        if self.since < 1 / RATE:
            return
        self.since = 0.0
        before, now = self.world.before, self.world.now
        blocked = before and now and before.pacman == now.pacman
        if blocked or random.random() < 0.15:
            self.action = random.randint(1, 4)
        self.world.step(self.action)
        if self.world.over:
            self.world.reset()

    def draw(self, surface: pygame.Surface, rect: pygame.Rect, painter: BoardPainter) -> None:
        world = self.world
        snapshots = world.shot.snapshots
        if snapshots is None:
            side = max(rect.size)  # the frame fills `rect`, and is cut at two sides
            image = scaled(world.frame, (side, side))
            with clipped(surface, rect):
                surface.blit(image, image.get_rect(center=rect.center))
        else:
            part = min(1.0, self.since * RATE)
            view = world.view
            if view:  # a wide picture shows more of the board on both sides
                extra = max(0, (rect.width * view[0] // rect.height - view[1]) // 2)
                view = (view[0], view[1] + 2 * extra)
            painter.draw(surface, rect, *snapshots, part, self.clock, view)


class DreamPreview:
    """A dream that plays by itself, a few steps a second, on the thread of a worker; without one it never
    wakes.

    Until it is awake, and if it cannot be woken, it shows the real frames that it would dream from: to read
    them takes neither its weights nor torch.
    """

    def __init__(self, title: Title, worker: Worker | None = None) -> None:
        self.title, self.worker = title, worker
        self.since = random.random() / DREAM_RATE
        self.index = 0
        self.frames = starts(title.checkpoint)
        self._env: gym.Env | None = None
        self._live: np.ndarray | None = None
        self._action = 2
        self._busy = self._over = False

    def update(self, seconds: float) -> None:
        self.since += seconds
        if self.since < 1 / DREAM_RATE:
            return
        self.since %= 1 / DREAM_RATE
        self.index += 1
        if self.worker and not self._busy:
            self._busy = True
            self.worker.do(self._step)

    def _step(self) -> None:
        """Make a step of the dream, on the worker's thread; a dream that fails is not asked again."""
        try:
            if self._env is None:
                self._env, self._over = self.title.make(), True
            if self._over:
                frame = self._env.reset()[0]
                self._over = False
            else:
                if random.random() < 0.2:
                    self._action = random.randint(1, 4)
                frame, _, terminated, truncated, _ = self._env.step(self._action)
                self._over = terminated or truncated
                if self._live is not None and np.array_equal(frame, self._live):
                    self._action = random.randint(1, 4)
            self._live = np.array(frame, np.uint8)
            self._busy = False
        except Exception:  # the player is told when he opens the dream; here its first frames suffice
            self._live = None

    def draw(self, surface: pygame.Surface, rect: pygame.Rect, painter: BoardPainter) -> None:
        frame = self._live
        if frame is None and self.frames is not None:
            frame = self.frames[self.index % len(self.frames)]
        if frame is not None:
            draw_frame(surface, rect, frame)
            return
        radius = max(2, rect.width // 5)
        pygame.draw.circle(surface, COLOURS["dream"], rect.center, radius)
        bite = (rect.centerx + radius // 2, rect.centery - radius // 4)
        pygame.draw.circle(surface, COLOURS["floor"], bite, radius)


def draw_frame(surface: pygame.Surface, rect: pygame.Rect, frame: np.ndarray) -> pygame.Rect:
    """Draw a frame, uint8 (H, W, 3), in the middle of `rect`, as large as it fits; returns its place.

    If it is enlarged much, each of its pixels covers a whole number of pixels on screen.
    """
    height, width = frame.shape[:2]
    fit = min(rect.width / width, rect.height / height)
    fit = int(fit) if fit >= 2 and fit - int(fit) < 0.35 * fit else fit
    size = (max(1, round(width * fit)), max(1, round(height * fit)))
    image = scaled(frame, size)
    return surface.blit(image, image.get_rect(center=rect.center))


def draw_thumbnail(
    surface: pygame.Surface, rect: pygame.Rect, frames: np.ndarray | None, seconds: float
) -> None:
    """Draw frames, uint8 (N, H, W, 3), one after another; None: there are none yet."""
    surface.fill(COLOURS["floor"], rect)
    if frames is not None:
        draw_frame(surface, rect, frames[int(seconds * THUMBNAIL_RATE) % len(frames)])


def draw_pictured(
    surface: pygame.Surface, rect: pygame.Rect, frames: np.ndarray | None, seconds: float, scale: Scale
) -> tuple[pygame.Rect, pygame.Rect]:
    """Draw a thumbnail at the left of a row; returns its place, and the area for words beside it."""
    picture = pygame.Rect(rect.left, rect.top, min(rect.height, rect.width // 3), rect.height)
    draw_thumbnail(surface, picture, frames, seconds)
    left = picture.right + scale.px(14)
    return picture, pygame.Rect(left, rect.top, rect.right - scale.px(4) - left, rect.height)


def scaled(frame: np.ndarray, size: tuple[int, int]) -> pygame.Surface:
    """A frame, uint8 (H, W, 3), as a surface of `size`, nearest neighbour."""
    height, width = frame.shape[:2]
    image = pygame.image.frombuffer(np.ascontiguousarray(frame).tobytes(), (width, height), "RGB")
    return pygame.transform.scale(image, size)


class InitialPreview:
    """The first letter of a game that has no picture."""

    def __init__(self, title: Title) -> None:
        self.letter = title.name[:1].upper()

    def update(self, seconds: float) -> None:
        """It stands still."""

    def draw(self, surface: pygame.Surface, rect: pygame.Rect, painter: BoardPainter) -> None:
        size = max(1, rect.height * 3 // 5)
        text(surface, self.letter, rect.center, size, COLOURS["line"], bold=True, anchor="center")


def preview(title: Title, worker: Worker | None = None, dream: Title | None = None) -> Preview | None:
    """The moving picture of a title; None if it cannot be opened. The worker takes the steps of a dream.

    For somebody else's game, a `dream` of it has real frames of the game.
    """
    if title.learned:
        return DreamPreview(title, worker)
    if title.recipe is not None:  # somebody else's game may take seconds to begin, or start a process
        return DreamPreview(dream) if dream else InitialPreview(title)
    try:
        return GamePreview(title)
    except UserError:
        return None


def starts(checkpoint: Path | None) -> np.ndarray | None:
    """A few of the frames that an engine dreams from, one after another, uint8 (N, H, W, 3)."""
    from safetensors import safe_open

    try:
        with safe_open(str((checkpoint or Path()) / "starts.safetensors"), framework="numpy") as file:
            kept = file.get_slice("frames")
            frames = kept[: min(STARTS, kept.get_shape()[0])]  # safetensors refuses a slice beyond the end
        return frames.reshape(-1, *frames.shape[-3:]) if frames.dtype == np.uint8 and frames.size else None
    except Exception:  # the player is told of a damaged file when he opens the dream
        return None
