"""The last seconds of play as a film: one engine, or the real game beside its dream."""

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


def save(pages: list[np.ndarray], folder: Path, rate: float, kind: str = "gif") -> Path:
    """Write the pages as a film named after the present time.

    Args:
        pages: uint8 (H, W, 3) each.
        folder: made where it is missing.
        rate: pages a second.
        kind: "gif", or "mp4" where its extra is installed.

    Raises:
        UserError: it cannot be written.
    """
    from gamesim.export import write_film

    path = folder / time.strftime(f"gamesim-%Y%m%d-%H%M%S.{kind}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror or error}") from error
    write_film(np.stack(pages), path, rate=rate)
    return path
