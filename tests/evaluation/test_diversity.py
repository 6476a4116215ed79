"""New cells and futures, on engines whose boards are one, many, or nothing like the game's."""

import numpy as np
import pytest

from gamesim.envs.layouts import WALL
from gamesim.evaluation.pacman.cells import Dreamer, dream_episodes
from gamesim.evaluation.pacman.diversity import diversity, never_seen, straight_on
from gamesim.evaluation.pacman.rules_kept import judge
from worlds import Ideal, Noise, RealGame


@pytest.fixture
def varied(real, real_tally):
    def varied(model, steps=16):
        tally = judge(dream_episodes(Dreamer(model), real, 30, steps))
        return diversity(Dreamer(model), real, tally, real_tally, 30)

    return varied


def test_the_real_game_has_its_own_statistics_and_one_future(varied):
    found = varied(RealGame("gamesim/Pacman-v0", boards=64))
    assert found["variation"] < 0.08
    assert all(found[f"ratio_{name}"] == pytest.approx(1, abs=0.3) for name in ("floor", "wall", "food"))
    assert found["same_z_same_future"] == 1
    assert found["variety"] == 0  # its board is there before anybody has seen it


def test_boards_that_are_drawn_by_chance_are_varied_and_those_that_are_not_are_one(varied):
    fresh, fixed = varied(Ideal(ghosts=False, fresh=True)), varied(Ideal(ghosts=False))
    assert fresh["variety"] == pytest.approx(1, abs=0.2)
    assert fixed["variety"] == 0
    assert fresh["same_z_same_future"] == fixed["same_z_same_future"] == 1
    assert fresh["ratio_ghost"] == 0


def test_a_dream_of_walls_alone_is_caught(varied):
    class Walls(Ideal):
        def draw(self, seed):
            return np.full_like(super().draw(seed), WALL)

    found = varied(Walls(ghosts=False))
    assert found["variety"] == 0
    assert found["ratio_wall"] > 1.5
    assert found["ratio_food"] < 0.1
    assert found["variation"] > 0.35


def test_chance_that_is_not_in_the_seed_is_caught(varied):
    class Moody(Noise):
        random = np.random.default_rng(0)

        def imagine(self, state, action, *, temperature, generator):
            generator.manual_seed(int(self.random.integers(2**32)))
            return super().imagine(state, action, temperature=temperature, generator=generator)

    assert varied(Moody(), steps=2)["same_z_same_future"] == 0


def test_futures_walk_where_it_is_free_into_what_nobody_has_seen(real):
    actions = straight_on(real.cells[:, 7])
    assert ((actions > 0).sum(1) >= 1).mean() > 0.9
    assert all(len(set(walk[walk > 0])) <= 1 for walk in actions)
    new = never_seen(real, actions)
    assert not new[:, 3, 3].any()
    assert new.sum((1, 2)).max() <= 21
    assert new.any((1, 2)).mean() > 0.4
