"""Whether a preset can learn a game: what the preset needs, and what the recordings show."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from gamesim.config.base import Needs
from gamesim.data.episode import Episode

CELL = 12  # pixels: the side of the cells to look for
MOST_TILES = 160  # a game with more different pictures of a cell is not made of cells
FRAMES = 200  # of a recording that are looked at
MOVING = 0.3  # if the view moves, its shifts explain at least this share of all changes


@dataclass(frozen=True)
class View:
    """What recordings show: the side in pixels of the cells that frames are made of, None if there are none,
    and whether the view moves with the player.
    """

    cell: int | None
    scrolls: bool


def look(frames: np.ndarray) -> View:
    """Look at some frames of play, uint8 (T, H, W, 3), one after another."""
    height, width = frames.shape[1:3]
    if height % CELL or width % CELL:
        return View(None, _scrolls(frames, 1))
    tiles = frames.reshape(len(frames), height // CELL, CELL, width // CELL, CELL, 3)
    tiles = tiles.transpose(0, 1, 3, 2, 4, 5).reshape(-1, CELL * CELL * 3)
    made_of_cells = len(set(map(bytes, tiles))) <= MOST_TILES
    return View(CELL if made_of_cells else None, _scrolls(frames, CELL))


def _scrolls(frames: np.ndarray, by: int) -> bool:
    """Whether much of the change from frame to frame is a shift of the whole picture by `by` pixels.

    Large changes count more: a player who stands still while ghosts walk about tells nothing about the view.
    """
    shifted = changed = 0.0
    for was, now in pairwise(frames.astype(np.int16)):
        still = float(np.abs(was - now).mean())
        pairs = ((was[by:], now[:-by]), (was[:-by], now[by:]))
        pairs += ((was[:, by:], now[:, :-by]), (was[:, :-by], now[:, by:]))
        changed += still
        shifted += still * (min(np.abs(old - new).mean() for old, new in pairs) < 0.7 * still)
    return changed > 0 and shifted >= MOVING * changed


def misfit(needs: Needs, view: View) -> str:
    """Why a preset cannot learn such a game, in one line; "" if it may well learn it."""
    if needs.cell is not None and view.cell != needs.cell:
        return f"It cannot learn this game: the pictures are not made of cells of {needs.cell} pixels"
    if needs.scrolls and not view.scrolls:
        if needs.tried:
            return "It has only learned games whose view scrolls with the player. This one does not"
        return "It cannot learn this game: the view does not scroll with the player"
    return ""


def view_of(paths: Sequence[Path]) -> View:
    """What some recordings show, judged by the first `FRAMES` of the one in which most pixels change.

    Raises:
        UserError: one of them cannot be read.
    """
    return look(max((Episode.load(path).frames[:FRAMES] for path in paths), key=_changes))


def _changes(frames: np.ndarray) -> int:
    return sum(int(np.count_nonzero(was != now)) for was, now in pairwise(frames))
