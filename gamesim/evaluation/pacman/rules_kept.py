"""Does a dream keep the rules of its game? Measured on boards that were never in any recording.

Every episode starts with at most 8 real frames of a fresh board (seeds from `cells.FIRST_SEED` on, which no
recording holds) and goes on for 30 (the figures of `summary`) or 100 dreamt steps (those of `by_horizon`),
without the game's step limit. Dreamt frames are decoded to 7x7 cells by the nearest tile of the real game's
atlas (`gamesim.envs.sprites.decode`); nothing else of the real game is used to judge them. A wanderer plays
(`cells.Wanderer`): mostly free moves with momentum, some turns back and some moves at random, so that walls
are run into and places are visited again. It sees dreamt frames only.

Ends that the dream predicts do not stop an episode: all steps count, unless `stop_at_end` says otherwise
(then steps after the first end_probability > 0.5 of a lane are not judged, as a player would not see them).

**By horizon.** A figure at horizon 1, 5, 10, 20, 40 or 100 pools the steps since the horizon before: 1; 2
to 5; 6 to 10; ... 41 to 100. Only `kept` and `kept_returned` look at the horizon's own step alone.

**What each figure means.** All are shares in [0, 1] (1 is best) unless said otherwise; the real game behind
the dream's interface scores 1. A figure that had nothing to count is NaN. Ghosts: see `ghosts`.

*Moves.* A step is *free* if the cell that its action points to is neither wall nor outside in the dream's
own frame before the step, and *blocked* if it is one of them. What the view did is the one of five scrolls
(none, left, right, up, down) after which the still cells (not ghosts, not Pac-Man) of the two frames agree
best.

- `moves_free`: free moves after which the expected scroll, by one cell in the action's direction, agrees
  better than each of the four others. Chance (a random scroll): 0.2. A frozen frame: 0.
- `moves_blocked`: the same for blocked moves, where no scroll is expected. Chance 0.2; a frozen frame: 1.
- `moves_obeyed`: both together, pooled over all moves.
- `stays_obeyed`: the same for the action that stays.
- `free_share`, `real_free_share`: share of the moves that are free, in the dream and in the real game (until
  it ends) under the same wanderer. A dream that walls its player in obeys every move; this figure exposes it.

*Memory.* Where each cell lies on the dream's own board is known by adding up the scrolls that the view
made. The first decoded value of a cell, in a real or a dreamt frame, is the truth about it: wall, outside,
or walkable (floor, food, flag, and whatever Pac-Man or a ghost stands on). Pac-Man's own cell does not
count.

- `kept_10`, `kept_25`: of the cells in view at dreamt step 10 (25) that some frame before had shown as wall
  or walkable, the share that still is what it was. Chance: the agreement of random boards, about 0.6.
- `kept_10_returned`, `kept_25_returned`: of those, only the cells that had left the view and came back.
- `kept_10_real`, `kept_25_real`: of those, only the cells whose truth comes from a real frame.
- `outside_kept`: cells first seen as outside that still are, over all dreamt steps.

*Pac-Man.* `pacman_centre`: dreamt frames whose centre cell shows him. `pacman_once`: dreamt frames that
show him there and nowhere else.

*Food.* Food is eaten when the view scrolls, in a dreamt step, onto a cell that showed food. Each later
dreamt frame in which a cell is in view, with no ghost on it, counts once.

- `food_eaten_gone`: eaten cells that show no food.
- `food_kept`: cells first seen with food and never stepped on that still show it.
- `floor_bare`: walkable cells first seen without food that show none.

*Census.* `ratio_floor`, `ratio_wall`, `ratio_food`, `ratio_ghost`, `ratio_flag`, `ratio_outside`: how
common a cell class is at dreamt step 15 (by horizon: in its steps), Pac-Man's cell left out, divided by the
same in real episodes at the same steps under the same wanderer. Range 0 and up; 1 is best. Taken over the
lanes that have not ended by then by their own account (end_probability > 0.5 in the dream), on both sides;
over all lanes of a dream that has ended in more than nine of ten. NaN if neither shows the class, infinite
if only the dream does.

*Sharpness.* `undecodable`: share of dreamt cells further than `UNDECODABLE` from every tile (0 is best).

*Rewards and ends.*

- `reward_on_food`: steps onto food with a predicted reward above 0.25 (food gives 0.5).
- `reward_elsewhere_zero`: steps that reach neither food nor flag nor ghost and do not end, with |reward| <
  0.25.
- `flag_ends`: steps onto a flag with end_probability > 0.5; `ghost_ends`: steps onto a ghost.
- `false_ends`: share of steps with end_probability > 0.5 though they reach no flag and no ghost was within
  two cells (0 is best).
- `going_on`, `real_going_on`: share of lanes that have not ended by the last step, in the dream and in the
  real game.

Source: the rules in `gamesim.envs.rules`; the paper shows such things by eye (Kim et al. 2020, Sec. 4.2).
Floors and aims: `gamesim.evaluation.metrics`.
"""

import numpy as np
from numpy.typing import NDArray

from gamesim.envs.layouts import FLAG, FLOOR, FOOD, GHOST, OUTSIDE, PACMAN, WALL
from gamesim.evaluation.pacman.board import (
    BEYOND,
    CENTRE,
    OFF_CENTRE,
    SOLID,
    WALKABLE,
    Board,
    ground,
    target_cells,
    uncovered,
)
from gamesim.evaluation.pacman.cells import Played
from gamesim.evaluation.pacman.ghosts import Ghosts
from gamesim.evaluation.pacman.tally import Bools, Tally

UNDECODABLE = 11.5
"""Mean absolute difference a pixel value (0..255) above which a cell shows no tile for sure.

Half of the smallest distance between tiles of two classes (floor and food, 23.1): below it no other class can
be as near.
"""

WARM_UP = 8
STEPS = 30
"""Dreamt steps of the figures of `summary`."""
KEPT_AT = (10, 25)
CENSUS_AT = 15
CENSUS = {"floor": FLOOR, "wall": WALL, "food": FOOD, "ghost": GHOST, "flag": FLAG, "outside": OUTSIDE}

HORIZONS = (1, 5, 10, 20, 40, 100)
"""Dreamt steps at which figures are taken by horizon."""
POOLED = (  # over steps
    "moves_free", "moves_blocked", "stays_obeyed", "free_share", "pacman_centre", "pacman_once",
    "outside_kept", "food_eaten_gone", "food_kept", "floor_bare", "ghosts_conserved", "ghosts_kept",
    "ghosts_explained", "ghosts_legal", "ghosts_off_walls", "ghost_speed", "ghost_straight", "ghost_reverse",
    "flag_ends", "ghost_ends", "caught_ends", "false_ends", "reward_on_food", "reward_elsewhere_zero",
    "undecodable",
)  # fmt: skip
COMPARED = ("free_share", "ghost_speed", "ghost_straight", "ghost_reverse")
"""Figures that the real game's own are given beside."""


def summary(dreamt: Played, tally: Tally, real: Played, real_tally: Tally, steps: int) -> dict[str, float]:
    """The figures over the first `steps` dreamt steps; the tallies are what `judge` made of the episodes."""
    figures = {name: tally.share(name, 1, steps) for name in ("moves_obeyed", *POOLED)}
    for step in KEPT_AT:
        for kind in ("", "_returned", "_real"):
            figures[f"kept_{step}{kind}"] = tally.share(f"kept{kind}", step, step)
    at = min(CENSUS_AT, steps)
    figures["going_on"] = float(dreamt.going(steps).mean())
    figures |= {f"ratio_{name}": ratio for name, ratio in census(dreamt, real, at, at).items()}
    figures["real_going_on"] = float(real.going(steps).mean())
    figures["real_free_share"] = real_tally.share("free_share", 1, steps)
    return figures


def by_horizon(dreamt: Played, tally: Tally, real: Played, real_tally: Tally) -> dict[str, list]:
    """The figures at each of the `HORIZONS` that the dream reaches, by name, under ``steps`` which."""
    ends = [step for step in HORIZONS if step <= dreamt.steps]
    spans = list(zip([1, *(step + 1 for step in ends)], ends, strict=False))
    figures: dict[str, list] = {"steps": ends}
    for name in POOLED:
        figures[name] = [tally.share(name, *span) for span in spans]
        if name in COMPARED:
            figures[f"real_{name}"] = [real_tally.share(name, *span) for span in spans]
    for name in ("kept", "kept_returned"):
        figures[name] = [tally.share(name, step, step) for step in ends]
    figures["going_on"] = [float(dreamt.going(step).mean()) for step in ends]
    figures["real_going_on"] = [float(real.going(step).mean()) for step in ends]
    ratios = [census(dreamt, real, *span) for span in spans]
    return figures | {f"ratio_{name}": [ratio[name] for ratio in ratios] for name in CENSUS}


def judge(played: Played, *, stop_at_end: bool = False) -> Tally:
    """Counts moves, memory, Pac-Man, food, ghosts, sharpness, rewards and ends of decoded episodes."""
    tally = Tally(played.steps)
    for batch in played.batches():
        _judge_batch(tally, batch, stop_at_end)
    return tally


def _judge_batch(tally: Tally, played: Played, stop_at_end: bool) -> None:
    lanes, frames = played.cells.shape[:2]
    board, ghosts, everyone = Board(lanes, frames), Ghosts(lanes), np.ones(lanes, bool)
    board.see(played.cells[:, 0], 0)
    for time in range(1, frames):
        before, now, action = played.cells[:, time - 1], played.cells[:, time], played.actions[:, time - 1]
        expected, scroll, clear = board.follow(played.cells, played.actions, time)
        known = board.look(time)
        step = time - played.warm_up  # 0-based dreamt step; negative during the warm-up
        end = played.ends[:, max(step, 0)]
        judged = played.going(step) if stop_at_end and step > 0 else everyone
        ghosts.follow(tally if step >= 0 else None, before, now, scroll, known.ground, end, judged)
        if step >= 0:
            tally.step = step + 1
            judge_move(tally, action, expected, clear, judged)
            judge_frame(tally, now, played.distance[:, time], judged)
            judge_memory(tally, board, now, time, played.warm_up, judged)
            judge_signals(tally, before, scroll, played.rewards[:, step], end, judged)
        board.see(now, time)


def census(dreamt: Played, real: Played, first: int, last: int) -> dict[str, float]:
    """How common each cell class is in dreamt steps `first` to `last`, as a ratio to the real game's."""
    steps = range(min(first, dreamt.steps), min(last, dreamt.steps) + 1)
    # A dream goes on after its end, so that one that ends at once can be judged; the real game does not.
    ours, theirs = _shown(dreamt, steps, fewest=0.1), _shown(real, steps, fewest=0.0)
    return {name: ratio(_share(ours, code), _share(theirs, code)) for name, code in CENSUS.items()}


def _shown(played: Played, steps: range, fewest: float) -> NDArray[np.uint8]:
    """Cells but Pac-Man's, (N, 48), of the lanes that go on at each step; of all, where too few do."""
    views = []
    for step in steps:
        going = played.going(step)
        lanes = going if going.mean() >= fewest else np.ones_like(going)
        views.append(played.cells[lanes, played.warm_up + step - 1][:, OFF_CENTRE])
    return np.concatenate(views)


def _share(cells: NDArray[np.uint8], code: int) -> float:
    return float((cells == code).mean()) if cells.size else float("nan")


def ratio(ours: float, theirs: float) -> float:
    """ours / theirs; infinite for what the real game never shows, NaN if neither does."""
    if theirs:
        return ours / theirs
    return float("inf") if ours else float("nan")


# --- one step of every lane


def judge_move(
    tally: Tally, action: NDArray[np.int64], expected: NDArray[np.int64], clear: Bools, judged: Bools
) -> None:
    """Whether the view did what the rules make of the action."""
    pressed = judged & (action > 0)
    tally.add("moves_free", clear, pressed & (expected > 0))
    tally.add("moves_blocked", clear, pressed & (expected == 0))
    tally.add("moves_obeyed", clear, pressed)
    tally.add("stays_obeyed", clear, judged & (action == 0))
    tally.add("free_share", expected > 0, pressed)


def judge_frame(tally: Tally, view: NDArray[np.uint8], distance: NDArray[np.float32], judged: Bools) -> None:
    """Pac-Man and sharpness."""
    centre = view[:, CENTRE, CENTRE] == PACMAN
    tally.add("pacman_centre", centre, judged)
    tally.add("pacman_once", centre & ((view == PACMAN).sum((1, 2)) == 1), judged)
    tally.add("undecodable", distance > UNDECODABLE, judged[:, None, None])


def judge_memory(
    tally: Tally, board: Board, view: NDArray[np.uint8], time: int, warm_up: int, judged: Bools
) -> None:
    """Walls, floor and food against what was seen of them first; and what is seen for the first time."""
    known, seen, judged = board.look(time), ground(view), judged[:, None, None]
    same = seen == known.ground
    counted = judged & OFF_CENTRE & np.isin(known.ground, (WALKABLE, SOLID))
    tally.add("kept", same, counted)
    tally.add("kept_returned", same, counted & known.returned)
    tally.add("kept_real", same, counted & (known.first_seen < warm_up))
    tally.add("outside_kept", seen == BEYOND, judged & OFF_CENTRE & (known.ground == BEYOND))
    bare = judged & uncovered(view) & (known.ground == WALKABLE)
    tally.add("food_eaten_gone", view != FOOD, bare & (known.food == 1) & (known.visited_at >= warm_up))
    tally.add("food_kept", view == FOOD, bare & (known.food == 1) & (known.visited_at < 0))
    tally.add("floor_bare", view != FOOD, bare & (known.food == 0))
    for name, code in CENSUS.items():
        tally.add(f"new_{name}", view == code, judged & OFF_CENTRE & (known.ground < 0))


def judge_signals(
    tally: Tally,
    before: NDArray[np.uint8],
    scroll: NDArray[np.int64],
    reward: NDArray[np.float32],
    end: NDArray[np.float32],
    judged: Bools,
) -> None:
    """Predicted rewards and ends against what the step reached."""
    reached, moved, ended = target_cells(before, scroll), scroll > 0, end > 0.5
    on_food, on_flag = moved & (reached == FOOD), moved & (reached == FLAG)
    on_ghost = moved & (reached == GHOST)
    tally.add("reward_on_food", reward > 0.25, judged & on_food & ~ended)
    tally.add(
        "reward_elsewhere_zero", np.abs(reward) < 0.25, judged & ~(on_food | on_flag | on_ghost | ended)
    )
    tally.add("flag_ends", ended, judged & on_flag)
    tally.add("ghost_ends", ended, judged & on_ghost)
    y, x = np.mgrid[-CENTRE : CENTRE + 1, -CENTRE : CENTRE + 1]
    ghost_near = ((before == GHOST) & (np.abs(x) + np.abs(y) <= 2)).any((1, 2))
    tally.add("false_ends", ended, judged & ~on_flag & ~ghost_near)
