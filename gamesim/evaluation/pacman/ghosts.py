"""Do ghosts stay ghosts? Followed from view to view of 7x7 cells; counted by `rules_kept.judge`.

In the real game a ghost moves exactly one cell in every step: straight on three times in four where it can,
else into another direction, back at dead ends only. Two may share a cell. Whoever is next to Pac-Man may
come onto him; the cell still counts as his, and the episode ends.

Only what the view can tell is counted: a ghost whose possible next (or last) cells are all in view, and that
is not beside Pac-Man, who might hide it. All are shares in [0, 1]; the real game scores 1 unless said
otherwise.

- `ghosts_kept`: such ghosts of a frame with a ghost within two cells in the next frame. 0 when ghosts are
  forgotten; chance: about four times the share of cells with ghosts, some 0.1.
- `ghosts_explained`: such ghosts of a frame with a ghost within two cells in the frame before: the others
  came from nowhere.
- `ghosts_conserved`: both together: the number of ghosts in view is conserved.
- `ghosts_legal`: of the explained ones, those with a ghost at most one cell away in the frame before, that
  do not stand on what the dream's own board first showed as wall or outside. Chance: 5 of the 13 cells
  within two steps, times the share of floor, about 0.3.
- `ghosts_off_walls`: ghosts on cells already seen that are walkable.
- `ghost_speed`: cells a step of ghosts that can be followed without doubt (one ghost in reach, before and
  after) while the episode goes on: 0 to 1, real: 1.
- `ghost_straight`, `ghost_reverse`: of the moves of such ghosts whose last move is known as well, those
  straight on and those back. The only right values are the real game's, given beside them as `real_...`.
- `caught_ends`: ghosts beside Pac-Man's new cell that are gone in the next frame, so that they must have
  come onto him, while P(end) > 0.5.

Source: the rules in `gamesim.envs.rules`; after the consistency checks of dynamic objects that the GameGAN
paper makes by eye (Kim et al. 2020, Sec. 4.2).
"""

import numpy as np
from numpy.typing import NDArray

from gamesim.envs.layouts import GHOST
from gamesim.evaluation.pacman.board import DELTAS, OFF_CENTRE, OPPOSITE, WALKABLE
from gamesim.evaluation.pacman.tally import Bools, Tally

UNKNOWN = -1


class Ghosts:
    """Follows the ghosts of B lanes; `headings` int8 (B, 7, 7) is how each in view came to its cell.

    All comparisons are made on a canvas of 9x9 cells, the view with a rim of one: the frame before lies on
    it as far from the middle as the view has scrolled.
    """

    def __init__(self, lanes: int) -> None:
        self.headings = np.full((lanes, 7, 7), UNKNOWN, np.int8)

    def follow(
        self,
        tally: Tally | None,
        before: NDArray[np.uint8],
        now: NDArray[np.uint8],
        scroll: NDArray[np.int64],
        known: NDArray[np.int8],
        end: NDArray[np.float32],
        judged: Bools,
    ) -> None:
        """Judges the step between two frames (`tally` None: only follows it).

        Args:
            tally: counts.
            before: the cells uint8 (B, 7, 7) of the frame before.
            now: those of the frame after.
            scroll: int64 (B,), what the view did.
            known: int8 (B, 7, 7), ground of `now`'s cells on the dream's board at first sight, -1 unseen.
            end: float32 (B,), predicted probability that the episode ended.
            judged: bool (B,), lanes that count.
        """
        old, new = _placed(before == GHOST, scroll), _placed(now == GHOST)
        around = np.broadcast_to(OFF_CENTRE, now.shape)
        inside, within = ~_reach(~_placed(around, scroll)), ~_reach(~_placed(around))
        new_man = _placed(~around)
        headings = _linked(old & within, old, new & inside, new)
        if tally is not None:
            lanes = judged[:, None, None]
            stays, came = old & within & lanes, new & inside & lanes
            far_old, far_new = _reach(_reach(old)), _reach(_reach(new))
            for name in ("ghosts_kept", "ghosts_conserved"):
                tally.add(name, far_new, stays)
            for name in ("ghosts_explained", "ghosts_conserved"):
                tally.add(name, far_old, came)
            seen = _placed(known >= 0)
            walkable = _placed(known == WALKABLE)
            tally.add("ghosts_legal", _reach(old) & (walkable | ~seen), came & far_old)
            tally.add("ghosts_off_walls", walkable, new & seen & lanes)
            gone = old & _reach(new_man) & ~_reach(new) & lanes
            tally.add("caught_ends", np.asarray(end > 0.5)[:, None, None], gone)
            going = lanes & np.asarray(end <= 0.5)[:, None, None]  # nothing moves when the game is over
            self._turns(tally, headings, _placed(self.headings, scroll, UNKNOWN), going)
        self.headings = headings[:, 1:-1, 1:-1]

    def _turns(self, tally: Tally, now: NDArray[np.int8], before: NDArray[np.int8], lanes: Bools) -> None:
        tally.add("ghost_speed", now > 0, (now >= 0) & lanes)
        for way in range(1, 5):
            came = _moved(before, way, UNKNOWN)
            moved = (now == way) & (came > 0) & lanes
            tally.add("ghost_straight", came == way, moved)
            tally.add("ghost_reverse", came == OPPOSITE[way], moved)


def _linked(stays: Bools, old: Bools, came: Bools, new: Bools) -> NDArray[np.int8]:
    """How each ghost of `came` came to its cell from one of `stays`: int8 (B, 9, 9), -1 where in doubt."""
    origins = np.stack([_moved(old, way) for way in range(5)])
    heirs = np.stack([_moved(new, OPPOSITE[way]) for way in range(5)]).sum(0)
    only = came & (origins.sum(0) == 1)
    headings = np.full(new.shape, UNKNOWN, np.int8)
    for way in range(5):
        headings[only & _moved(stays & (heirs == 1), way)] = way
    return headings


def _placed(cells: np.ndarray, scroll: NDArray[np.int64] | None = None, empty: int = 0) -> np.ndarray:
    """A view (B, 7, 7) on the canvas (B, 9, 9); one from before the view scrolled lies that much off."""
    canvas = np.full((len(cells), 9, 9), empty, cells.dtype)
    canvas[:, 1:-1, 1:-1] = cells
    if scroll is None:
        return canvas
    placed = canvas.copy()
    for way in range(1, 5):  # who goes left sees the board go right
        placed[scroll == way] = _moved(canvas[scroll == way], OPPOSITE[way], empty)
    return placed


def _moved(canvas: np.ndarray, way: int, empty: int = 0) -> np.ndarray:
    """The canvas (B, 9, 9) with everything one cell further in a direction (0: as it is)."""
    dx, dy = DELTAS[way]
    moved = np.full_like(canvas, empty)
    moved[:, max(dy, 0) : 9 + min(dy, 0), max(dx, 0) : 9 + min(dx, 0)] = canvas[
        :, max(-dy, 0) : 9 + min(-dy, 0), max(-dx, 0) : 9 + min(-dx, 0)
    ]
    return moved


def _reach(mask: Bools) -> Bools:
    """The cells within one step of those of a mask."""
    return np.logical_or.reduce([_moved(mask, way) for way in range(5)])
