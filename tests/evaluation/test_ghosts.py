"""Following ghosts from view to view, on views that are drawn by hand."""

import math

import numpy as np
import pytest

from gamesim.envs.layouts import FLOOR, GHOST, PACMAN
from gamesim.evaluation.pacman.board import SOLID, WALKABLE
from gamesim.evaluation.pacman.ghosts import Ghosts
from gamesim.evaluation.pacman.tally import Tally


def view(*ghosts):
    """An open view with ghosts at (x, y)."""
    cells = np.full((1, 7, 7), FLOOR, np.uint8)
    cells[0, 3, 3] = PACMAN
    for x, y in ghosts:
        cells[0, y, x] = GHOST
    return cells


def follow(views, scrolls=None, end=0.0, known=WALKABLE):
    """The shares over all steps of a lane that showed these views."""
    tally, ghosts = Tally(1), Ghosts(1)
    for before, now, scroll in zip(views, views[1:], scrolls or [0] * len(views), strict=False):
        ground = np.full((1, 7, 7), known, np.int8)
        ends = np.array([end], np.float32)
        ghosts.follow(tally, before, now, np.array([scroll]), ground, ends, np.array([True]))
    return lambda name: tally.share(name, 1, 1)


def test_a_ghost_that_walks_is_conserved_and_legal_and_its_turns_are_known():
    share = follow([view((1, 1)), view((2, 1)), view((3, 1)), view((4, 1)), view((4, 2)), view((4, 1))])
    assert share("ghosts_kept") == share("ghosts_explained") == share("ghosts_legal") == 1
    assert share("ghost_speed") == 1
    assert share("ghost_straight") == 2 / 4  # right, right, right, down, up
    assert share("ghost_reverse") == 1 / 4


def test_a_ghost_stands_still_on_the_board_while_the_view_scrolls():
    share = follow([view((2, 1)), view((1, 1))], scrolls=[2])  # he went right, so the board went left
    assert share("ghosts_conserved") == share("ghosts_legal") == 1
    assert share("ghost_speed") == 0


def test_a_ghost_that_vanishes_and_one_that_appears_are_not_conserved():
    lost, made_up = follow([view((1, 1)), view()]), follow([view(), view((1, 1))])
    assert lost("ghosts_kept") == lost("ghosts_conserved") == 0
    assert math.isnan(lost("ghosts_explained"))
    assert made_up("ghosts_explained") == made_up("ghosts_conserved") == 0
    assert math.isnan(made_up("ghosts_legal"))


def test_a_leap_is_conserved_but_not_legal_and_a_long_one_is_neither():
    leap, far = follow([view((1, 1)), view((1, 3))]), follow([view((1, 1)), view((1, 5))])
    assert (leap("ghosts_conserved"), leap("ghosts_legal")) == (1, 0)
    assert far("ghosts_conserved") == 0


def test_a_ghost_in_a_wall_is_not_legal():
    share = follow([view((1, 1)), view((2, 1))], known=SOLID)
    assert share("ghosts_conserved") == 1
    assert share("ghosts_legal") == share("ghosts_off_walls") == 0


@pytest.mark.parametrize(("x", "y"), [(0, 2), (6, 4), (2, 0), (4, 6)])
def test_a_ghost_at_the_edge_may_leave_and_come(x, y):
    for views in ([view((x, y)), view()], [view(), view((x, y))]):
        assert math.isnan(follow(views)("ghosts_conserved"))


def test_a_ghost_that_is_gone_from_beside_pacman_has_caught_him():
    caught, missed = (follow([view((4, 3)), view()], end=end) for end in (0.9, 0.1))
    assert (caught("caught_ends"), missed("caught_ends")) == (1, 0)
    assert math.isnan(caught("ghosts_conserved"))  # he hides it
    assert math.isnan(follow([view((4, 3)), view((5, 3))])("caught_ends"))


def test_two_ghosts_on_one_cell_are_one_and_part_again():
    share = follow([view((1, 1), (2, 1)), view((2, 1)), view((1, 1), (2, 2))])
    assert share("ghosts_conserved") == share("ghosts_legal") == 1
    assert math.isnan(share("ghost_speed"))  # who is who is in doubt
