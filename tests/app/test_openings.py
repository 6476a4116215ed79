"""Where a dream begins."""

import random
from itertools import islice, pairwise

import pytest

from app.driver import dream
from app.fakes import FakeDream
from gamesim.app.game.world import openings


class Opened(FakeDream):
    """A dream with five openings."""

    openings = 5


@pytest.mark.parametrize("count", [1, 2, 5, 32])
@pytest.mark.parametrize("seed", range(5))
def test_all_come_before_any_comes_again_and_none_comes_twice_running(count, seed):
    random.seed(seed)
    drawn = [*islice(openings(f"dream {seed}", count), 6 * count)]
    for begin in range(0, len(drawn), count):
        assert sorted(drawn[begin : begin + count]) == list(range(count))
    assert count == 1 or all(a != b for a, b in pairwise(drawn))


def test_a_dream_begins_at_each_of_its_openings_in_turn_also_when_it_is_opened_again():
    openings.cache_clear()
    begun = []
    for _ in range(5):
        made = dream()
        made.env = Opened()
        made.reset()
        begun.append(made.env.given["start"])
    assert sorted(begun) == list(range(5))


def test_a_dream_that_goes_on_from_a_game_or_has_no_openings_is_left_alone():
    made = dream()
    made.reset()
    assert made.env.given == {}
    made.env = Opened()
    made.reset({"frames": made.frame[None]})
    assert "start" not in made.env.given
