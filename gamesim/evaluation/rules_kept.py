"""Does a dream keep the rules of its game? Measured on boards that were never in any recording.

Every episode starts with at most 8 real frames of a fresh board (seeds from `play.FIRST_SEED` on, which
no recording holds) and goes on for 30 dreamt steps. Dreamt frames are decoded to 7x7 cells by the nearest
tile of the real game's atlas (`gamesim.envs.sprites.decode`); nothing else of the real game is used to
judge them. A wanderer plays (`play.Wanderer`): mostly free moves with momentum, some turns back and some
moves at random, so that walls are run into and places are come back to. It sees dreamt frames only.

Ends that the dream predicts do not stop an episode: all 30 steps count, unless `stop_at_end` says otherwise
(then steps after the first end_probability > 0.5 of a lane are not judged, as a player would not see them).

**What each figure means.** All are shares in [0, 1] (1 is best) unless said otherwise; the real game behind
the dream's interface scores 1. A figure that had nothing to count is NaN.

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
  it ends) under the same wanderer. A dream that walls its player in obeys every move: here it shows.

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
common a cell class is at dreamt step 15, Pac-Man's cell left out, divided by the same in real episodes at
the same step under the same wanderer. Range 0 and up; 1 is best. Taken over the lanes that have not ended
by then by their own account (end_probability > 0.5 in the dream), on both sides; over all lanes of a dream
that has ended in nine of ten. NaN if neither shows the class, infinite if only the dream does.

*Sharpness.* `undecodable`: share of dreamt cells further than `UNDECODABLE` from every tile (0 is best).

*Rewards and ends.*

- `reward_on_food`: steps onto food with a predicted reward above 0.25 (food gives 0.5).
- `reward_elsewhere_zero`: steps that reach neither food nor flag nor ghost and do not end, with |reward| <
  0.25.
- `flag_ends`: steps onto a flag with end_probability > 0.5.
- `false_ends`: share of steps with end_probability > 0.5 though they reach no flag and no ghost was within
  two cells (0 is best).
- `going_on`, `real_going_on`: share of lanes that have not ended by the last step, in the dream and in the
  real game.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gamesim.envs.rules import DOOR, FLAG, FLOOR, FOOD, GHOST, OUTSIDE, PACMAN, WALL
from gamesim.evaluation.play import CENTRE, DELTAS, Played, dream_episodes, real_episodes
from gamesim.models import WorldModel

UNDECODABLE = 11.5
"""Mean absolute difference a pixel value (0..255) above which a cell shows no tile for sure.

Half of the smallest distance between tiles of two classes (floor and food, 23.1): below it no other class can
be as near.
"""

WARM_UP = 8
KEPT_AT = (10, 25)
CENSUS_AT = 15
CENSUS = {"floor": FLOOR, "wall": WALL, "food": FOOD, "ghost": GHOST, "flag": FLAG, "outside": OUTSIDE}
WALKABLE, SOLID, BEYOND = 0, 1, 2

Bools = NDArray[np.bool_]


def rules_kept(
    model: WorldModel,
    env_id: str = "gamesim/Pacman-v0",
    episodes: int = 200,
    steps: int = 30,
    seed: int = 0,
    device: str = "cpu",
    *,
    temperature: float = 1.0,
    warm_up: int = WARM_UP,
    stop_at_end: bool = False,
    on_step: Callable[[int], object] | None = None,
) -> dict[str, float]:
    """Plays a learned engine on fresh boards and judges what it dreamt.

    Args:
        model: the engine; it is on `device` and in eval mode.
        env_id: the real game that it learned; one with the 7x7 egocentric view.
        episodes: how many boards.
        steps: dreamt steps an episode.
        seed: which boards, walks and dreams; the same seed gives the same figures on CPU.
        device: where the model lives.
        temperature: of the dream.
        warm_up: real frames shown before the dream begins, 1 to 8 in the figures that we publish.
        stop_at_end: whether steps after a predicted end are left out.
        on_step: called after each dreamt step with the number of frames that it made.

    Returns:
        The figures that the module's docstring defines, by name.
    """
    real = real_episodes(env_id, episodes, warm_up, steps, seed)
    settings = {"device": device, "temperature": temperature, "on_step": on_step}
    dreamt = dream_episodes(model, real, episodes, warm_up, steps, seed, **settings)
    return judge(dreamt, stop_at_end=stop_at_end) | census(dreamt, real)


class Tally:
    """Shares by name: how often something was so, of how often it could have been."""

    def __init__(self) -> None:
        self.hits: dict[str, int] = {}
        self.total: dict[str, int] = {}

    def add(self, name: str, so: Bools, counted: Bools) -> None:
        """Counts where bool `counted` is set, and of these where `so` is set too; shapes broadcast."""
        counted, so = np.broadcast_arrays(counted, so)
        self.hits[name] = self.hits.get(name, 0) + int((so & counted).sum())
        self.total[name] = self.total.get(name, 0) + int(counted.sum())

    def shares(self) -> dict[str, float]:
        return {name: self.hits[name] / n if n else float("nan") for name, n in self.total.items()}


def judge(played: Played, *, stop_at_end: bool = False) -> dict[str, float]:
    """Moves, memory, Pac-Man, food, sharpness, rewards and ends of decoded episodes."""
    tally = Tally()
    board = Board(len(played.cells), played.cells.shape[1])
    board.see(played.cells[:, 0], 0)
    for time in range(1, played.cells.shape[1]):
        before, now, action = played.cells[:, time - 1], played.cells[:, time], played.actions[:, time - 1]
        expected = expected_scroll(before, action)
        scroll, clear = measured_scroll(before, now, expected)
        step = time - played.warm_up  # 0-based dreamt step; negative during the warm-up
        board.move(scroll, before, time)
        if step >= 0:
            judged = played.going(step) if stop_at_end else np.ones(len(now), bool)
            judge_move(tally, action, expected, clear, judged)
            judge_frame(tally, now, played.distance[:, time], judged)
            judge_memory(tally, board, now, time, step + 1, played.warm_up, judged)
            judge_signals(tally, before, scroll, played.rewards[:, step], played.ends[:, step], judged)
        board.see(now, time)
    return tally.shares() | {"going_on": float(played.going(played.rewards.shape[1]).mean())}


def census(dreamt: Played, real: Played, step: int = CENSUS_AT) -> dict[str, float]:
    """How common each cell class is at dreamt step `step`, as a ratio to the real game's."""
    step = min(step, dreamt.rewards.shape[1])

    def shares(played: Played) -> dict[str, float]:
        going = played.going(step)
        lanes = going if going.mean() > 0.1 else np.ones_like(going)
        views = played.cells[lanes, played.warm_up + step - 1].reshape(-1, 49)
        views = np.delete(views, 24, axis=1)  # Pac-Man's own cell
        return {
            name: float((views == code).mean()) if views.size else float("nan")
            for name, code in CENSUS.items()
        }

    ours, theirs = shares(dreamt), shares(real)
    ratios = {f"ratio_{name}": ratio(ours[name], theirs[name]) for name in CENSUS}
    steps = real.rewards.shape[1]
    return ratios | {"real_going_on": float(real.going(steps).mean()), "real_free_share": free_share(real)}


def free_share(played: Played) -> float:
    """Share of the moves after the warm-up, until each lane's end, that are free."""
    tally = Tally()
    for step in range(played.rewards.shape[1]):
        time = played.warm_up + step - 1
        action, before = played.actions[:, time], played.cells[:, time]
        tally.add("free", expected_scroll(before, action) > 0, played.going(step) & (action > 0))
    return tally.shares()["free"]


def ratio(ours: float, theirs: float) -> float:
    """ours / theirs; infinite for what the real game never shows, NaN if neither does."""
    if theirs:
        return ours / theirs
    return float("inf") if ours else float("nan")


# --- what the view did


def target_cells(views: NDArray[np.uint8], directions: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The cell classes (B,) that `directions` (B,) point to from the centre of `views` (B, 7, 7)."""
    dx, dy = DELTAS[directions].T
    return views[np.arange(len(views)), CENTRE + dy, CENTRE + dx]


def expected_scroll(before: NDArray[np.uint8], action: NDArray[np.int64]) -> NDArray[np.int64]:
    """What the rules make of `action` (B,): itself, or 0 where a wall or the edge is in the way."""
    return np.where(np.isin(target_cells(before, action), (WALL, OUTSIDE, DOOR)), 0, action)


def measured_scroll(
    before: NDArray[np.uint8], now: NDArray[np.uint8], expected: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Bools]:
    """What the view did.

    Returns:
        The scroll (B,) that explains `now` best, ties going to the expected one; and bool (B,), whether the
        expected one explains it better than each of the four others.
    """
    agreement = np.stack([scroll_agreement(before, now, direction) for direction in range(5)], axis=1)
    of_expected = np.take_along_axis(agreement, expected[:, None], 1)
    best = agreement.max(1, keepdims=True)
    scroll = np.where((of_expected == best)[:, 0], expected, agreement.argmax(1))
    return scroll, (agreement < of_expected).sum(1) == 4


def scroll_agreement(
    before: NDArray[np.uint8], now: NDArray[np.uint8], direction: int
) -> NDArray[np.float64]:
    """Share (B,) of the still cells in both views that agree if Pac-Man moved in `direction`."""
    dx, dy = DELTAS[direction]
    old = before[:, max(dy, 0) : 7 + min(dy, 0), max(dx, 0) : 7 + min(dx, 0)]
    new = now[:, max(-dy, 0) : 7 + min(-dy, 0), max(-dx, 0) : 7 + min(-dx, 0)]
    still = ~np.isin(old, (GHOST, PACMAN)) & ~np.isin(new, (GHOST, PACMAN))
    return ((old == new) & still).sum((1, 2)) / np.maximum(still.sum((1, 2)), 1)


# --- the dream's own board


@dataclass
class Look:
    """What is known, before this frame, of the cells in view: all (B, 7, 7)."""

    ground: NDArray[np.int8]
    """-1 never seen, else WALKABLE, SOLID or BEYOND."""
    food: NDArray[np.int8]
    """-1 unknown, 0 none at first sight, 1 food at first sight."""
    visited_at: NDArray[np.int32]
    """Frame at which Pac-Man first came onto it, -1 for never."""
    first_seen: NDArray[np.int32]
    returned: Bools
    """Left the view at least once since it was first seen."""


class Board:
    """An allocentric map of each lane, by dead reckoning from the scrolls of its view."""

    def __init__(self, lanes: int, frames: int) -> None:
        size = 2 * frames + 7
        self.ground = np.full((lanes, size, size), -1, np.int8)
        self.food = np.full((lanes, size, size), -1, np.int8)
        self.visited_at = np.full((lanes, size, size), -1, np.int32)
        self.returned = np.zeros((lanes, size, size), bool)
        self.first_seen = np.full((lanes, size, size), -1, np.int32)
        self.last_seen = np.full((lanes, size, size), -1, np.int32)
        self.position = np.full((lanes, 2), size // 2)  # x, y

    def window(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Index of the cells in view, broadcast to (B, 7, 7)."""
        offsets = np.arange(7) - CENTRE
        x, y = self.position.T
        lanes = np.arange(len(self.position))
        return lanes[:, None, None], (y[:, None] + offsets)[:, :, None], (x[:, None] + offsets)[:, None, :]

    def move(self, scroll: NDArray[np.int64], before: NDArray[np.uint8], time: int) -> None:
        """Follows the view into the frame of `time`, and notes that the cell it came onto was stepped on."""
        self.position = self.position + DELTAS[scroll]
        x, y = self.position.T
        lanes = np.arange(len(scroll))
        stepped = scroll > 0
        first = stepped & (self.visited_at[lanes, y, x] < 0)
        self.visited_at[lanes[first], y[first], x[first]] = time
        shown_food = stepped & (target_cells(before, scroll) == FOOD)
        self.food[lanes[shown_food], y[shown_food], x[shown_food]] = 1

    def look(self, time: int) -> Look:
        """What was known before the frame of `time` of the cells that it shows."""
        at = self.window()
        seen = self.last_seen[at] >= 0
        away = seen & (self.last_seen[at] < time - 1)
        return Look(
            self.ground[at],
            self.food[at],
            self.visited_at[at],
            self.first_seen[at],
            self.returned[at] | away,
        )

    def see(self, view: NDArray[np.uint8], time: int) -> None:
        """Adds the frame of `time` (B, 7, 7): what was unknown becomes what it shows."""
        at, known = self.window(), self.look(time)
        self.returned[at] = known.returned
        self.ground[at] = np.where(known.ground < 0, ground(view), known.ground)
        self.first_seen[at] = np.where(known.first_seen < 0, time, known.first_seen)
        self.last_seen[at] = time
        learnt = (known.food < 0) & uncovered(view) & (known.visited_at < 0)
        self.food[at] = np.where(learnt, view == FOOD, known.food)


def ground(view: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Cell classes to WALKABLE, SOLID or BEYOND."""
    return np.select([np.isin(view, (WALL, DOOR)), view == OUTSIDE], [SOLID, BEYOND], WALKABLE).astype(
        np.int8
    )


def uncovered(view: NDArray[np.uint8]) -> Bools:
    """Where the ground is to be seen: no ghost, not Pac-Man, and not the centre, where he should be."""
    mask = ~np.isin(view, (GHOST, PACMAN))
    mask[:, CENTRE, CENTRE] = False
    return mask


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
    tally: Tally, board: Board, view: NDArray[np.uint8], time: int, step: int, warm_up: int, judged: Bools
) -> None:
    """Walls, floor and food against what was seen of them first; `step` counts dreamt steps from 1."""
    known, seen, judged = board.look(time), ground(view), judged[:, None, None]
    off_centre = np.ones((7, 7), bool)
    off_centre[CENTRE, CENTRE] = False
    if step in KEPT_AT:
        same = seen == known.ground
        counted = judged & off_centre & np.isin(known.ground, (WALKABLE, SOLID))
        tally.add(f"kept_{step}", same, counted)
        tally.add(f"kept_{step}_returned", same, counted & known.returned)
        tally.add(f"kept_{step}_real", same, counted & (known.first_seen < warm_up))
    tally.add("outside_kept", seen == BEYOND, judged & off_centre & (known.ground == BEYOND))
    bare = judged & uncovered(view) & (known.ground == WALKABLE)
    tally.add("food_eaten_gone", view != FOOD, bare & (known.food == 1) & (known.visited_at >= warm_up))
    tally.add("food_kept", view == FOOD, bare & (known.food == 1) & (known.visited_at < 0))
    tally.add("floor_bare", view != FOOD, bare & (known.food == 0))


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
    y, x = np.mgrid[-CENTRE : CENTRE + 1, -CENTRE : CENTRE + 1]
    ghost_near = ((before == GHOST) & (np.abs(x) + np.abs(y) <= 2)).any((1, 2))
    tally.add("false_ends", ended, judged & ~on_flag & ~ghost_near)
