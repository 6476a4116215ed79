"""The figures on engines whose worth is known: the ideal, the frozen, the noisy and the rule-breakers."""

import math

import numpy as np
import pytest
import torch

from gamesim.envs.sprites import SPRITE_CLASS, painter, tiles
from gamesim.errors import UserError
from gamesim.evaluation.pacman.cells import Dreamer, dream_episodes, real_episodes, replay
from gamesim.evaluation.pacman.rules_kept import (
    CENSUS,
    HORIZONS,
    POOLED,
    UNDECODABLE,
    by_horizon,
    judge,
    summary,
)
from gamesim.evaluation.pacman.tally import Tally
from worlds import Frozen, Ideal, Noise, RealGame

PERFECT = (
    "moves_free", "moves_blocked", "moves_obeyed", "stays_obeyed", "pacman_centre", "pacman_once", "kept_10",
    "kept_25", "kept_10_returned", "kept_25_returned", "kept_10_real", "kept_25_real", "outside_kept",
    "food_eaten_gone", "food_kept", "floor_bare", "reward_on_food", "reward_elsewhere_zero", "flag_ends",
    "ghost_ends", "caught_ends", "ghosts_conserved", "ghosts_kept", "ghosts_explained", "ghosts_legal",
    "ghosts_off_walls",
)  # fmt: skip
GHOSTS_APART = [name for name in PERFECT if "ghost" not in name]


def rules_kept(model, env_id="gamesim/Pacman-v0", *, episodes, steps=30, seed=0, stop_at_end=False):
    """The figures on fresh boards."""
    real = real_episodes(env_id, episodes, 8, steps, seed)
    dreamt = dream_episodes(Dreamer(model, seed), real, episodes, steps)
    return summary(dreamt, judge(dreamt, stop_at_end=stop_at_end), real, judge(real, stop_at_end=True), steps)


@pytest.fixture(scope="module")
def ideal(scores):
    return scores(Ideal(ghosts=False))


@pytest.mark.parametrize("env_id", ["gamesim/Pacman-v0", "gamesim/PacmanMaze-v0"])
def test_the_real_game_behind_the_interface_scores_perfectly(env_id):
    scores = rules_kept(RealGame(env_id, boards=64), env_id, episodes=28, stop_at_end=True)
    assert {
        name: scores[name] for name in PERFECT if scores[name] != 1.0 and not math.isnan(scores[name])
    } == {}
    assert scores["undecodable"] == 0
    assert scores["false_ends"] == 0
    assert scores["free_share"] == pytest.approx(scores["real_free_share"], abs=0.1)
    assert scores["going_on"] == pytest.approx(scores["real_going_on"], abs=0.25)
    for name in ("floor", "wall", "food", "outside"):
        assert scores[f"ratio_{name}"] == pytest.approx(1, abs=0.5)


def test_an_engine_that_plays_by_the_rules_on_a_board_of_its_own_keeps_them_all(ideal):
    assert {name: ideal[name] for name in GHOSTS_APART if ideal[name] < 0.995} == {}
    assert ideal["ghosts_kept"] == 0  # those that it was shown
    assert ideal["ratio_ghost"] == 0  # a dream without ghosts is not this game


def test_a_frozen_frame_obeys_walls_only(scores):
    found = scores(Frozen())
    assert found["moves_free"] == 0
    assert found["moves_blocked"] == 1
    assert found["stays_obeyed"] == 1
    assert 0 < found["moves_obeyed"] < 0.6
    assert found["pacman_centre"] == 1
    assert found["kept_25"] == 1  # it forgets nothing, as it goes nowhere


def test_noise_shows_nothing(scores):
    found = scores(Noise())
    assert found["undecodable"] == 1
    assert found["pacman_centre"] < 0.1
    assert found["moves_obeyed"] < 0.3
    assert found["kept_10"] < 0.75


def test_a_dream_that_walls_its_player_in_is_caught(scores):
    class WalledIn(Frozen):
        def start(self, frames, actions):
            cells = np.full((len(frames), 7, 7), 1)
            cells[:, 3, 3] = 12
            return {"frame": torch.from_numpy(painter(12).draw(cells))}

    found = scores(WalledIn())
    assert found["free_share"] < 0.05 < 0.7 < found["real_free_share"]
    assert found["ratio_wall"] > 2
    assert found["ratio_floor"] == 0
    assert found["kept_10"] < 0.6


def test_one_who_walks_through_walls_is_caught_at_the_walls_and_nowhere_else(scores):
    found = scores(Ideal(through_walls=1.0, ghosts=False))
    assert found["moves_blocked"] < 0.05
    assert found["moves_free"] > 0.99
    half = scores(Ideal(through_walls=0.5, ghosts=False))
    assert half["moves_blocked"] == pytest.approx(0.5, abs=0.12)


def test_forgotten_walls_show_in_memory_more_with_every_step(ideal, scores):
    found = scores(Ideal(forget=0.01, ghosts=False))
    # A cell in view changes with probability 1% a step; cells in view for long have changed more often.
    assert 0.80 < found["kept_25"] < found["kept_10"] < 0.98
    assert found["kept_25_returned"] < found["kept_25"] + 0.02
    assert found["moves_obeyed"] > 0.98


def test_food_that_comes_back_and_food_that_vanishes_are_told_apart(ideal, scores):
    sticky = scores(Ideal(sticky_food=1.0, ghosts=False))
    moving = scores(Ideal(moving_food=0.1, ghosts=False))
    assert sticky["food_eaten_gone"] < 0.05
    assert sticky["food_kept"] > 0.99
    assert moving["food_eaten_gone"] > 0.99
    assert moving["food_kept"] < 0.75
    assert moving["ratio_food"] < 0.7 * ideal["ratio_food"]


def test_ends_are_ignored_unless_asked_for(scores):
    engine = Ideal(end_after=12, ghosts=False)
    assert not math.isnan(scores(engine)["kept_25"])
    stopped = scores(engine, stop_at_end=True)
    assert math.isnan(stopped["kept_25"])
    assert stopped["kept_10"] > 0.99
    assert stopped["going_on"] == 0
    assert stopped["false_ends"] > 0


def test_the_same_seed_gives_the_same_figures_and_another_seed_other_boards():
    engine = Ideal(forget=0.02)
    once, again, other = (rules_kept(engine, episodes=6, steps=10, seed=seed) for seed in (3, 3, 4))
    assert str(once) == str(again) != str(other)


def test_by_horizon_a_figure_tells_when_a_rule_is_broken(real, real_tally):
    class Sickening(Ideal):
        """Keeps the rules for ten steps and then walks through walls."""

        def imagine(self, state, action, **chance):
            self.through_walls = float(state["position"][0, 3] >= 10)
            return super().imagine(state, action, **chance)

    dreamt = dream_episodes(Dreamer(Sickening(ghosts=False)), real, 30, 20)
    found = by_horizon(dreamt, judge(dreamt), real, real_tally)
    assert found["steps"] == [1, 5, 10, 20] == list(HORIZONS[:4])
    assert [share for share in found["moves_blocked"] if share < 0.99] == found["moves_blocked"][3:]
    assert found["moves_blocked"][3] < 0.1
    assert all(len(found[name]) == 4 for name in ("kept", "kept_returned", "going_on", "ratio_wall", *POOLED))
    assert found["going_on"] == [1, 1, 1, 1]
    assert found["real_going_on"] == sorted(found["real_going_on"], reverse=True)


def test_the_real_game_is_conserved_by_its_own_count_at_every_horizon(real, real_tally):
    found = by_horizon(real, real_tally, real, real_tally)
    for name in ("ghosts_conserved", "ghosts_legal", "moves_free", "moves_blocked", "kept", "caught_ends"):
        assert set(found[name]) <= {1.0} | {each for each in found[name] if math.isnan(each)}, name
    assert all(ratio == 1 for name in ("wall", "food", "ghost") for ratio in found[f"ratio_{name}"])
    assert min(found["ghost_speed"]) == 1
    assert 0.5 < found["ghost_straight"][-1] < 0.8


def test_the_dream_goes_on_from_real_frames_of_boards_that_recordings_never_use():
    real = real_episodes("gamesim/Pacman-v0", 6, 5, 10, seed=1)
    dreamt = dream_episodes(Dreamer(Frozen(), 1), real, 6, 10)
    assert (dreamt.cells[:, :5] == real.cells[:6, :5]).all()
    assert (dreamt.actions[:, :4] == real.actions[:6, :4]).all()
    assert (dreamt.cells[:, 5:] == real.cells[:6, 4:5]).all()  # what it froze is the last real frame
    assert dreamt.cells.shape == (6, 15, 7, 7)
    assert (real.seeds >= 1_000_000_000).all()
    assert len(set(real.seeds)) == len(real.seeds)


def test_real_episodes_can_be_seen_once_more(real):
    frames = np.stack(list(replay("gamesim/Pacman-v0", real)), axis=1)
    assert (frames[:, :8] == real.frames).all()


def test_the_wanderer_runs_into_walls_and_stays_now_and_then(real):
    assert 0.01 < (real.actions == 0).mean() < 0.06
    assert all(0.1 < (real.actions == action).mean() < 0.4 for action in (1, 2, 3, 4))


def test_no_two_cell_classes_are_nearer_than_twice_the_undecodable_distance():
    used = [0, 1, 2, 3, 5, 6, 11, 12, 13, 14]
    atlas = tiles(12)[used].astype(float).reshape(len(used), -1)
    apart = np.abs(atlas[:, None] - atlas[None]).mean(-1)
    differ = SPRITE_CLASS[used][:, None] != SPRITE_CLASS[used]
    assert apart[differ].min() >= 2 * UNDECODABLE


def test_a_tally_pools_steps_and_a_share_of_nothing_is_not_a_number():
    tally = Tally(3)
    tally.add("none", np.array([True]), np.array([False]))
    for tally.step, so in enumerate(([True, False], [True, True], [False, False]), start=1):
        tally.add("half", np.array(so), np.array([True, True]))
    assert math.isnan(tally.share("none", 1, 3))
    assert math.isnan(tally.share("never heard of", 1, 3))
    assert [tally.share("half", 1, last) for last in (1, 2, 3)] == [0.5, 0.75, 0.5]
    assert tally.share("half", 2, 2) == 1
    assert tally.count("half", 1, 2) == 4
    assert set(CENSUS) == {"floor", "wall", "food", "ghost", "flag", "outside"}


def test_games_without_the_egocentric_view_are_refused():
    with pytest.raises(UserError, match="7x7"):
        real_episodes("gamesim/PacmanArcade-v0", 2, 2, 2)
    with pytest.raises(UserError, match="Nonsense"):
        real_episodes("gamesim/Nonsense-v0", 2, 2, 2)
