"""Every board can be solved, never traps Pac-Man, and is not the one before."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamesim.envs.layouts import (
    FLAG,
    FOOD,
    NEAR,
    OUTSIDE,
    WALL,
    Board,
    grid_of,
    make_board,
    pick,
    reach,
    sprinkle,
)

seeds = st.integers(0, 2**63 - 1)
kinds = st.sampled_from(["random", "maze"])


def distances(board: Board, size: int) -> dict[int, int]:
    """Steps from Pac-Man to every cell that he can reach, by a plain search that shares no code with ours."""
    grid, seen, edge = grid_of(size), {board.start: 0}, [board.start]
    while edge:
        here = edge.pop(0)
        for delta in grid.delta[1:]:
            if board.cells[here + delta] not in (WALL, OUTSIDE) and here + delta not in seen:
                seen[here + delta] = seen[here] + 1
                edge.append(here + delta)
    return seen


@given(seeds, kinds, st.integers(6, 24), st.integers(0, 8), st.floats(0, 1))
def test_everything_that_is_not_a_wall_can_be_reached(seed, kind, size, ghosts, density):
    board = make_board(Random(seed), size, kind, ghosts, density)
    reached = distances(board, size)
    for index in grid_of(size).inside:
        assert (board.cells[index] != WALL) == (index in reached) == bool(board.free[index])


@given(seeds, kinds)
def test_one_flag_at_a_fair_distance_within_the_step_limit(seed, kind):
    board = make_board(Random(seed), 14, kind, 3, 0.2)
    flags = [i for i, cell in enumerate(board.cells) if cell == FLAG]
    assert len(flags) == 1
    assert NEAR < distances(board, 14)[flags[0]] <= 28


@given(seeds, kinds)
def test_ghosts_start_apart_and_out_of_reach(seed, kind):
    board = make_board(Random(seed), 14, kind, 3, 0.2)
    reached = distances(board, 14)
    assert len(set(board.ghosts)) == 3
    assert all(reached[ghost] > NEAR for ghost in board.ghosts)


@given(seeds)
def test_a_random_board_leaves_room_and_two_ways_out(seed):
    board = make_board(Random(seed), 14, "random", 3, 0.2)
    assert sum(board.free) * 2 >= 14 * 14
    assert sum(board.free[board.start + delta] for delta in grid_of(14).delta[1:]) >= 2


@given(seeds)
def test_a_maze_has_corridors_one_cell_wide_and_few_dead_ends(seed):
    grid, board = grid_of(14), make_board(Random(seed), 14, "maze", 0, 0.2)
    right, down = grid.delta[2], grid.delta[4]
    for i in grid.inside:
        assert not all(board.free[j] for j in (i, i + right, i + down, i + right + down)), "a square of floor"
    exits = [sum(board.free[i + d] for d in grid.delta[1:]) for i in grid.inside if board.free[i]]
    assert min(exits) >= 1


def test_braiding_leaves_one_dead_end_a_maze_or_two():
    grid, dead, loops = grid_of(14), 0, 0
    for seed in range(200):
        board = make_board(Random(seed), 14, "maze", 0, 0.0)
        exits = [sum(board.free[i + d] for d in grid.delta[1:]) for i in grid.inside if board.free[i]]
        dead += exits.count(1)
        loops += sum(exits) // 2 - len(exits) + 1  # edges - cells + 1: how many independent loops
    assert dead / 200 < 2.5
    assert loops / 200 > 3


@pytest.mark.parametrize("kind", ["random", "maze"])
def test_boards_vary(kind):
    boards = {bytes(make_board(Random(seed), 14, kind, 3, 0.2).cells) for seed in range(500)}
    assert len(boards) == 500


def test_food_is_as_common_as_asked_for():
    rng = Random(1)
    for density in (0.0, 0.1, 0.5, 1.0):
        boards = [make_board(rng, 14, "random", 0, density) for _ in range(100)]
        floor = sum(sum(board.free) - 2 for board in boards)  # neither the start nor the flag has any
        food = sum(board.cells.count(FOOD) for board in boards)
        assert food / floor == pytest.approx(density, abs=0.02)


@given(seeds, st.floats(0, 1))
def test_sprinkle_keeps_to_its_bits(seed, probability):
    assert 0 <= sprinkle(Random(seed), probability, 100) < 1 << 100


def test_pick_is_uniform():
    rng, grid = Random(0), grid_of(6)
    counts = dict.fromkeys(grid.inside, 0)
    for _ in range(36_000):
        counts[pick(rng, grid, grid.mask)] += 1
    assert min(counts.values()) > 850
    assert max(counts.values()) < 1150


def test_reach_counts_steps_and_never_wraps_around_an_edge():
    grid = grid_of(6)
    rings = reach(grid, grid.mask, grid.index(5, 0))
    for steps, ring in enumerate(rings):
        inside = {i for i in grid.inside if ring >> i & 1}
        assert inside == {i for i in grid.inside if abs(grid.xy(i)[0] - 5) + grid.xy(i)[1] <= steps}
