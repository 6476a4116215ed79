"""The last seconds of play as a film: one engine, or the real game beside its dream."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pygame
from numpy.typing import NDArray

from gamesim.app.game.look import Look
from gamesim.app.game.pictures import spread
from gamesim.app.game.play import Engine
from gamesim.app.settings import unused
from gamesim.app.theme import COLOURS
from gamesim.app.ui.widgets import text
from gamesim.errors import UserError
from gamesim.text import reason

SIDE, GAP, HEAD = 336, 16, 40


@dataclass(frozen=True)
class Clip:
    """Frames of one or two engines, side by side; iterating makes the pages, uint8 (H, W, 3), one by one.

    Attributes:
        empty: a page without its frames, uint8 (H, W, 3).
        enlarged: makes uint8 (SIDE, SIDE, 3) of a frame.
        strips: the frames of each engine, uint8 (h, w, 3) each; those of one moment have the same index.
    """

    empty: NDArray[np.uint8]
    enlarged: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
    strips: list[list[NDArray[np.uint8]]]

    def __len__(self) -> int:
        return len(self.strips[0])

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        for moment in zip(*self.strips, strict=True):
            page = self.empty.copy()
            for i, frame in enumerate(moment):
                left = _left(i)
                page[HEAD : HEAD + SIDE, left : left + SIDE] = self.enlarged(frame)
            yield page


def compose(engines: list[Engine], look: Look) -> Clip:
    """The last frames of one or two engines in the look of the window; they end at the same moment."""
    length = min(len(engine.clip) for engine in engines)
    page = pygame.Surface((_left(len(engines)), SIDE + HEAD + GAP), depth=32)
    page.fill(COLOURS["back"])
    for i, engine in enumerate(engines):
        words, colour = ("dream", "dream") if engine.temperature is not None else ("real game", "real")
        text(page, words, (_left(i), HEAD // 2), 18, COLOURS[colour], bold=True, anchor="midleft")
    empty = pygame.surfarray.array3d(page).swapaxes(0, 1)
    film = look.film() if look.paints(engines) else None
    draw = partial(spread, height=SIDE, width=SIDE) if film is None else partial(film.picture, side=SIDE)
    return Clip(empty, draw, [list(engine.clip)[-length:] for engine in engines])


def save(clip: Clip, folder: Path, rate: float, kind: str = "gif") -> Path:
    """Write a clip as a film whose name says the time; returns its path.

    Args:
        clip: what `compose` returned.
        folder: where to write it; made if it is missing.
        rate: pages a second.
        kind: "gif", or "mp4" if its extra is installed.

    Raises:
        UserError: it cannot be written; nothing is left behind.
    """
    from gamesim.export import video

    path = unused(folder / time.strftime(f"gamesim-%Y%m%d-%H%M%S.{kind}"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {reason(error)}") from error
    video.check(path, len(clip), clip.empty.shape[:2])
    video.write(clip, path, rate=rate)
    return path


def _left(column: int) -> int:
    return GAP + column * (SIDE + GAP)
