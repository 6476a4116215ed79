"""Whether a preset can learn a game: what the preset needs, and what the recordings show."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gamesim.config.base import Needs
from gamesim.data.episode import Episode

MOST_TILES = 160  # pictures of a cell in a game that is made of cells
FRAMES = 200
MOVING = 0.3  # share of the changes that are the view's, in a game whose view moves with the player


@dataclass(frozen=True)
class View:
    """What recordings show.

    Attributes:
        cell: side of the cells that the frames are made of, in pixels; None: of none.
        scrolls: whether the view moves with the player.
    """

    cell: int | None
    scrolls: bool


def look(frames: np.ndarray, cell: int = 12) -> View:
    """Look at some frames of play.

    Args:
        frames: uint8 (T, H, W, 3), one after another.
        cell: side of a cell that is looked for, pixels.
    """
    height, width = frames.shape[1:3]
    if height % cell or width % cell:
        return View(None, _scrolls(frames, 1))
    tiles = frames.reshape(len(frames), height // cell, cell, width // cell, cell, 3)
    tiles = tiles.transpose(0, 1, 3, 2, 4, 5).reshape(-1, cell * cell * 3)
    made_of_cells = len(np.unique(tiles, axis=0)) <= MOST_TILES
    return View(cell if made_of_cells else None, _scrolls(frames, cell))


def _scrolls(frames: np.ndarray, by: int) -> bool:
    """Whether many changes from frame to frame are a shift of the whole picture by `by` pixels."""
    shifted = changed = 0
    for was, now in zip(frames[:-1].astype(np.int16), frames[1:].astype(np.int16), strict=True):
        still = np.abs(was - now).mean()
        if still == 0:
            continue
        pairs = ((was[by:], now[:-by]), (was[:-by], now[by:]))
        pairs += ((was[:, by:], now[:, :-by]), (was[:, :-by], now[:, by:]))
        changed += 1
        shifted += bool(min(np.abs(old - new).mean() for old, new in pairs) < 0.7 * still)
    return changed > 0 and shifted >= MOVING * changed


def misfit(needs: Needs, view: View) -> str:
    """Why a preset cannot learn such a game, in one line; "" where nothing speaks against it."""
    if needs.cell is not None and view.cell != needs.cell:
        return f"It cannot learn this game: the pictures are not made of cells of {needs.cell} pixels"
    if needs.scrolls and not view.scrolls:
        if needs.tried:
            return "It has only learned games whose view scrolls with the player. This one does not"
        return "It cannot learn this game: the view does not scroll with the player"
    return ""


def view_of(paths: Sequence[Path]) -> View:
    """What some recordings show, by the first `FRAMES` of the longest of them.

    Raises:
        UserError: one of them cannot be read.
    """
    return look(max((Episode.load(path).frames for path in paths), key=len)[:FRAMES])
