"""The arcade's maze: everything can be reached, and back."""

from gamesim.envs.arcade import ArcadeGame
from gamesim.envs.arcade_maze import MAZE
from gamesim.envs.layouts import DOOR, FOOD, POWER
from gamesim.envs.rules import REVERSE


def test_all_food_can_be_reached_and_there_are_no_dead_ends():
    board = MAZE
    seen, edge = {board.start}, [board.start]
    while edge:
        for cell in board.ways[edge.pop()][1:]:
            if cell and cell not in seen:
                seen.add(cell)
                edge.append(cell)
    assert {i for i, c in enumerate(board.cells) if c in (FOOD, POWER)} <= seen
    assert all(sum(bool(way) for way in board.ways[i][1:]) >= 2 for i in seen)


def test_it_is_symmetrical_with_four_power_pellets_and_one_door():
    game = ArcadeGame(4, 1.0, None)
    game.reset(seed=0)
    cells = game.snapshot().cells
    assert (cells == cells[:, ::-1]).all()
    assert (cells == POWER).sum() == 4
    assert (cells == DOOR).sum() == 1


def test_ways_lead_both_ways():
    ways = MAZE.ways
    for cell, row in enumerate(ways):
        for direction in (1, 2, 3, 4):
            if row[direction] and any(ways[cell]):
                assert ways[row[direction]][REVERSE[direction]] == cell
