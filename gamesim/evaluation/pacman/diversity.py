"""Diversity: what comes into view anew is made up, each time differently, and like the real game.

*New cells* are those of a view that no frame before has shown (`board.Board`), Pac-Man's left out: on every
step into the open a row of up to seven. Counted over the first 40 dreamt steps of the episodes of
`rules_kept`, and in the same way over the real episodes until they end.

- `ratio_floor`, `_wall`, `_food`, `_ghost`, `_flag`, `_outside`: how common the class is among new cells,
  divided by the same in the real game. 0 and up; 1 is best.
- `variation`: total variation distance between the two distributions over these classes, half the sum of the
  absolute differences: 0 (best) to 1. The real game against itself: under 0.02 with 200 episodes.

*Futures.* From the warm-up of an episode, `BRANCHES` dreams walk the same 1 to 3 steps, straight on where the
last real view shows it free, each with a chance of its own.

- `variety`: of the new cells that are outside of the board in neither, the share that differs between two of
  the branches, divided by that of cells drawn at random from the real game's distribution (which is
  `1 - sum(share^2)`, about 0.5). 0: z says nothing, the dream is one board. Around 1: as varied as the real
  game's boards; above it: more than they are.
- `same_z_same_future`: share of the episodes in which the same seed gives the same frames bit for bit: 1.

Source: ours; z as the source of variety is Kim et al. 2020, Sec. 3.1, and Ha & Schmidhuber 2018, Sec. 2.2.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gamesim.envs import sprites
from gamesim.envs.layouts import DOOR, OUTSIDE, WALL
from gamesim.evaluation.pacman.board import CENTRE, DELTAS, Board
from gamesim.evaluation.pacman.cells import Dream, Dreamer, Played
from gamesim.evaluation.pacman.rules_kept import CENSUS, ratio
from gamesim.evaluation.pacman.tally import Bools, Tally

BRANCHES = 4
REACH = 3
"""Cells that a view shows on each side of Pac-Man."""
COUNTED = 40
"""Dreamt steps whose new cells are counted."""
EPISODES = 128
"""Most episodes from which futures are branched."""


def diversity(
    dreamer: Dreamer, real: Played, tally: Tally, real_tally: Tally, episodes: int
) -> dict[str, float]:
    """The figures above; the tallies are what `rules_kept.judge` made of dreamt and real episodes."""
    figures = new_cells(tally, real_tally)
    batch = real.lanes(slice(0, min(episodes, EPISODES)))
    actions = straight_on(batch.cells[:, batch.warm_up - 1])

    def future(number: int) -> NDArray[np.uint8]:
        dream = Dream(dreamer, batch, number)
        return np.stack([dream.step(pressed)[0] for pressed in actions.T], axis=1)

    futures = [future(number) for number in range(BRANCHES)]
    figures["same_z_same_future"] = float((futures[0] == future(0)).all((1, 2, 3, 4)).mean())
    last = [sprites.decode(frames[:, -1], real.theme)[0] for frames in futures]
    unlike = _unlike(last, never_seen(batch, actions))
    shares = np.array([real_tally.share(f"new_{name}", 1, COUNTED) for name in CENSUS if name != "outside"])
    figures["variety"] = unlike / float(1 - np.square(shares / shares.sum()).sum())
    return figures


def new_cells(tally: Tally, real_tally: Tally) -> dict[str, float]:
    """`ratio_...` and `variation` of the new cells that two tallies counted."""
    shares = {
        name: [each.share(f"new_{name}", 1, COUNTED) for each in (tally, real_tally)] for name in CENSUS
    }
    ratios = {f"ratio_{name}": ratio(*pair) for name, pair in shares.items()}
    return ratios | {"variation": sum(abs(ours - theirs) for ours, theirs in shares.values()) / 2}


def straight_on(cells: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The longest free way straight on in each view (B, 7, 7): actions int64 (B, REACH), then 0 for stay."""
    solid = np.isin(cells, (WALL, OUTSIDE, DOOR))
    runs = []
    for dx, dy in DELTAS[1:]:
        ahead = [~solid[:, CENTRE + n * dy, CENTRE + n * dx] for n in range(1, REACH + 1)]
        runs.append(np.logical_and.accumulate(ahead, axis=0).sum(0))
    way, length = np.argmax(runs, axis=0) + 1, np.max(runs, axis=0)
    return np.where(np.arange(REACH) < length[:, None], way[:, None], 0)


def never_seen(real: Played, actions: NDArray[np.int64]) -> Bools:
    """Which cells (B, 7, 7) of the view after all of `actions` no frame of the warm-up showed."""
    board = Board(len(real.seeds), real.warm_up + actions.shape[1])
    board.see(real.cells[:, 0], 0)
    for time in range(1, real.warm_up):
        board.follow(real.cells, real.actions, time)
        board.see(real.cells[:, time], time)
    board.position = board.position + DELTAS[actions].sum(1)
    return board.look(real.warm_up).ground < 0


def _unlike(views: list[NDArray[np.uint8]], new: Bools) -> float:
    """Share of the new cells inside of the board that differ between two of the views, NaN without any."""
    differ = total = 0
    for one, other in combinations(views, 2):
        inside = new & (one != OUTSIDE) & (other != OUTSIDE)
        differ, total = differ + int(((one != other) & inside).sum()), total + int(inside.sum())
    return differ / total if total else float("nan")
