"""The last seconds of play as a GIF: one engine, or the real game beside its dream."""

import time
from pathlib import Path

import numpy as np
import pygame

from gamesim.app.play import Engine
from gamesim.app.previews import scaled
from gamesim.app.theme import COLOURS
from gamesim.app.widgets import text
from gamesim.errors import UserError

SIDE, GAP, HEAD = 336, 16, 40


def compose(engines: list[Engine]) -> list[np.ndarray]:
    """The kept frames of one or two engines, labelled, uint8 (H, W, 3) each; they end at the same moment."""
    length = min(len(engine.clip) for engine in engines)
    strips = [list(engine.clip)[-length:] for engine in engines]
    width = len(engines) * SIDE + (len(engines) + 1) * GAP
    pages = []
    for moment in zip(*strips, strict=True):
        page = pygame.Surface((width, SIDE + HEAD + GAP), depth=32)
        page.fill(COLOURS["back"])
        for i, (engine, frame) in enumerate(zip(engines, moment, strict=True)):
            x = GAP + i * (SIDE + GAP)
            words, colour = ("dream", "dream") if engine.temperature is not None else ("real game", "real")
            text(page, words, (x, HEAD // 2), 18, COLOURS[colour], bold=True, anchor="midleft")
            page.blit(scaled(frame, (SIDE, SIDE)), (x, HEAD))
        pages.append(pygame.surfarray.array3d(page).swapaxes(0, 1))
    return pages


def save(pages: list[np.ndarray], folder: Path, rate: float) -> Path:
    """Write the pages as a GIF named after the present time.

    Raises:
        UserError: it cannot be written.
    """
    import imageio.v3 as iio

    path = folder / time.strftime("gamesim-%Y%m%d-%H%M%S.gif")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        iio.imwrite(path, np.stack(pages), extension=".gif", duration=1000 / rate, loop=0)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path
