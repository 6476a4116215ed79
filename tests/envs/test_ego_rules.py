"""The rules of the egocentric game, as laws over many games and as scenes set up by hand."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamesim.envs.layouts import FLAG, FLOOR, FOOD, GHOST, WALL, grid_of
from gamesim.envs.rules import REVERSE, EgoGame
from gamesim.errors import UserError

STAY, LEFT, RIGHT, UP, DOWN = range(5)
seeds = st.integers(0, 2**63 - 1)
kinds = st.sampled_from(["random", "maze"])


def scene(text: str, max_steps: int | None = None) -> EgoGame:
    """A 6x6 game from text: # wall, . floor, f food, F flag, P Pac-Man, G ghost; missing rows are walls."""
    rows = [row.ljust(6, "#") for row in text.split()]
    rows += ["######"] * (6 - len(rows))
    game, grid = EgoGame("random", 6, "".join(rows).count("G"), 0.0, max_steps), grid_of(6)
    game.reset(seed=0)
    game.ghosts, game.directions = [], [LEFT] * game.num_ghosts
    free = bytearray(len(game.free))
    for y, row in enumerate(rows):
        for x, character in enumerate(row):
            index = grid.index(x, y)
            game.cells[index] = {"#": WALL, "f": FOOD, "F": FLAG}.get(character, FLOOR)
            free[index] = character != "#"
            if character == "P":
                game.pacman = index
            if character == "G":
                game.ghosts.append(index)
    game.free = bytes(free)
    return game


def where(game: EgoGame) -> tuple[int, int]:
    return grid_of(game.size).xy(game.pacman)


class TestScenes:
    def test_he_moves_one_cell_and_faces_where_he_goes(self):
        game = scene("#.# .P. #.#")
        for action, cell in ((LEFT, (0, 1)), (RIGHT, (1, 1)), (UP, (1, 0)), (DOWN, (1, 1)), (STAY, (1, 1))):
            assert game.step(action) == 0.0
            assert where(game) == cell
            assert game.facing == (action or DOWN)

    def test_a_wall_and_the_edge_stop_him_but_he_looks_there(self):
        game = scene("P#")
        for action in (RIGHT, LEFT, UP, DOWN):
            assert game.step(action) == 0.0
            assert (where(game), game.facing, game.events) == ((0, 0), action, ("blocked",))

    def test_food_is_eaten_once(self):
        game = scene("Pf.")
        assert [game.step(RIGHT), game.step(LEFT), game.step(RIGHT)] == [0.5, 0.0, 0.0]
        assert game.score == 0.5

    def test_the_flag_wins_before_any_ghost_moves(self):
        game = scene("PFG")
        assert game.step(RIGHT) == 1.0
        assert (game.terminated, game.truncated, game.events) == (True, False, ("flag",))

    def test_stepping_onto_a_ghost_is_the_end(self):
        game = scene("P.G ..#")
        game.directions = [RIGHT]
        game.ghosts = [game.pacman + 1]
        assert game.step(RIGHT) == -1.0
        assert (game.terminated, game.events) == (True, ("eaten",))

    def test_swapping_places_is_a_collision(self):
        game = scene("PG")
        assert game.step(RIGHT) == -1.0
        assert game.terminated

    def test_a_ghost_in_a_dead_end_comes_back_and_eats_who_waits(self):
        game = scene("P.G")
        assert [game.step(STAY), game.step(STAY)] == [0.0, -1.0]
        assert game.terminated

    def test_food_counts_even_where_he_is_eaten(self):
        game = scene("Pf.G")
        assert game.step(STAY) == 0.0  # the ghost comes to the free cell
        assert game.step(RIGHT) == pytest.approx(0.5 - 1.0)
        assert game.events == ("food", "eaten")

    def test_a_ghost_leaves_food_and_flag_alone(self):
        game = scene("fGF##P")
        for _ in range(20):
            game.step(STAY)
        assert {FOOD, FLAG} <= set(game.cells)
        assert not game.terminated

    def test_the_last_step_truncates_and_costs_one(self):
        game = scene("P.", max_steps=3)
        assert [game.step(RIGHT), game.step(LEFT), game.step(RIGHT)] == [0.0, 0.0, -1.0]
        assert (game.terminated, game.truncated, game.events) == (False, True, ("timeout",))

    def test_the_flag_in_the_last_step_still_wins(self):
        game = scene("PF", max_steps=1)
        assert game.step(RIGHT) == 1.0
        assert (game.terminated, game.truncated) == (True, False)

    def test_without_a_limit_it_never_ends_by_itself(self):
        game = scene("P.")
        for _ in range(1000):
            game.step(STAY)
        assert not (game.terminated or game.truncated)

    def test_a_ghost_goes_on_straight_more_often_than_not_and_looks_around(self):
        straight = turned = 0
        for seed in range(400):
            game = scene("##.# .G.. ##.# ####")
            game.rng.seed(seed)
            game.ghosts, game.directions = [grid_of(6).index(2, 1)], [RIGHT]
            game.pacman = grid_of(6).index(0, 1)
            game.step(STAY)
            straight += game.directions == [RIGHT]
            turned += game.directions in ([UP], [DOWN])
        assert straight + turned == 400
        assert straight / 400 == pytest.approx(0.75 + 0.25 / 3, abs=0.06)

    @pytest.mark.parametrize("action", [-1, 5])
    def test_an_action_that_is_none_is_named(self, action):
        with pytest.raises(UserError, match=str(action)):
            scene("P").step(action)


@given(seeds, seeds, kinds)
def test_in_any_game_moves_are_legal_food_goes_and_rewards_add_up(seed, keys, kind):
    game, grid = EgoGame(kind, 14, 3, 0.2, 60), grid_of(14)
    game.reset(seed=seed)
    rng = Random(keys)
    total, eaten = 0.0, 0
    while not (game.terminated or game.truncated):
        ghosts, ways, before, food = (
            list(game.ghosts),
            list(game.directions),
            game.pacman,
            game.cells.count(FOOD),
        )
        action = rng.randrange(5)
        reward = game.step(action)
        total += reward
        # Pac-Man: the cell that he asked for if it is free, else his own.
        asked = before + grid.delta[action]
        assert game.pacman == (asked if game.free[asked] else before)
        onto_ghost = game.pacman in ghosts
        assert game.cells[game.pacman] != FOOD or onto_ghost, "he died before he could bite"
        gone = food - game.cells.count(FOOD)
        eaten += gone
        assert gone == ("food" in game.events)
        # Ghosts: one cell, never into a wall, back only where there is no other way.
        frozen = onto_ghost or "flag" in game.events
        for old, new, way, turned in zip(ghosts, game.ghosts, ways, game.directions, strict=True):
            assert game.free[new]
            if frozen:
                assert new == old
                continue
            assert new == old + grid.delta[turned]
            if turned == REVERSE[way]:
                assert not any(game.free[old + grid.delta[d]] for d in (1, 2, 3, 4) if d != turned)
        assert game.terminated == ("flag" in game.events or game.pacman in game.ghosts)
    ending = {"flag": 1.0, "eaten": -1.0, "timeout": -1.0}[game.events[-1]]
    assert total == pytest.approx(0.5 * eaten + ending)
    assert game.score == pytest.approx(total)


@given(seeds)
def test_he_can_always_move_somewhere(seed):
    game = EgoGame("random", 14, 0, 0.2, None)
    game.reset(seed=seed)
    for action in (1, 2, 3, 4) * 5:
        before = game.pacman
        moved = False
        for way in (action, *(d for d in (1, 2, 3, 4) if d != action)):
            game.terminated = False
            game.step(way)
            moved = moved or game.pacman != before
            if moved:
                break
        assert moved


def test_a_snapshot_tells_the_state_and_stays_as_it_was():
    game = scene("PfG F##")
    shot = game.snapshot()
    assert shot.pacman == (0, 0)
    assert [(g.x, g.y, g.mode, g.colour) for g in shot.ghosts] == [(2, 0, "wander", 0)]
    assert shot.cells.shape == (6, 6)
    assert shot.cells[0, :3].tolist() == [FLOOR, FOOD, FLOOR]
    assert GHOST not in shot.cells
    game.step(RIGHT)
    assert shot.cells[0, 1] == FOOD
    after = game.snapshot()
    assert after.events[0] == "food"
    assert after.facing == RIGHT
    assert after.lives == 0, "the ghost had nowhere to go but here"
