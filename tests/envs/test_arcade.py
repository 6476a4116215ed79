"""The arcade: personalities, fright, house, tunnels, lives and levels."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamesim.envs.arcade import (
    BONUS_LIFE,
    CORNERS,
    FRUIT_AFTER,
    FRUIT_POINTS,
    FRUIT_STEPS,
    IDLE,
    RELEASE,
    TEMPO,
    WAVES,
    ArcadeGame,
    fright_steps,
    ghost_speed,
)
from gamesim.envs.arcade_maze import MAZE
from gamesim.envs.layouts import DOOR, FLOOR, FOOD, FRUIT, POWER
from gamesim.envs.sprites import COLOURED, FLASHING, SPRITE_CLASS

STAY, LEFT, RIGHT, UP, DOWN = range(5)
BLINKY, PINKY, INKY, CLYDE = range(4)
at = MAZE.grid.index


def new(ghosts: int = 4, seed: int = 0) -> ArcadeGame:
    game = ArcadeGame(ghosts, 1.0, None)
    game.reset(seed=seed)
    return game


def put(game: ArcadeGame, i: int, x: int, y: int, mode: str, direction: int = LEFT) -> None:
    """Place a ghost, ready to move in the next step."""
    game.ghosts[i], game.modes[i], game.directions[i], game.clocks[i] = at(x, y), mode, direction, 0


def place(game: ArcadeGame, x: int, y: int, facing: int) -> None:
    game.pacman, game.facing = at(x, y), facing


class TestPacman:
    def test_he_keeps_going_on_stay_and_on_a_blocked_turn(self):
        game = new(ghosts=0)
        x, y = MAZE.grid.xy(game.pacman)
        for step, action in enumerate((STAY, UP, STAY), start=1):
            game.step(action)
            assert MAZE.grid.xy(game.pacman) == (x - step, y)
            assert game.facing == LEFT

    def test_he_stops_at_a_wall_and_turns_where_he_can(self):
        game = new(ghosts=0)
        place(game, 1, 1, LEFT)
        game.cells[at(1, 1)] = FLOOR
        game.step(STAY)
        assert (game.pacman, game.events) == (at(1, 1), ("blocked",))
        game.step(DOWN)
        assert (game.pacman, game.facing) == (at(1, 2), DOWN)

    def test_a_tunnel_leads_to_the_other_side_and_back(self):
        game = new(ghosts=0)
        place(game, 0, 9, LEFT)
        game.step(STAY)
        assert game.pacman == at(20, 9)
        game.step(RIGHT)
        assert game.pacman == at(0, 9)

    def test_he_cannot_enter_the_house(self):
        game = new(ghosts=0)
        place(game, 10, 7, LEFT)
        game.step(DOWN)
        assert game.pacman == at(9, 7)

    def test_food_and_power_score(self):
        game = new(ghosts=0)
        assert (game.step(LEFT), game.score, game.events) == (0.5, 10, ("food",))
        place(game, 1, 1, LEFT)
        assert (game.step(DOWN), game.score, game.events) == (0.5, 60, ("power",))
        assert game.cells[at(1, 2)] == FLOOR


class TestAim:
    def test_each_scatters_to_its_own_corner(self):
        game = new()
        game.modes = ["scatter"] * 4
        assert [game.target(i) for i in range(4)] == list(CORNERS)
        assert len(set(CORNERS)) == 4

    def test_blinky_aims_at_pacman_and_pinky_four_ahead(self):
        game = new()
        game.modes = ["chase"] * 4
        place(game, 10, 15, UP)
        assert game.target(BLINKY) == (10, 15)
        assert game.target(PINKY) == (10, 11)

    def test_inky_mirrors_blinky_about_two_ahead(self):
        game = new()
        game.modes = ["chase"] * 4
        place(game, 10, 15, RIGHT)
        game.ghosts[BLINKY] = at(8, 13)
        assert game.target(INKY) == (16, 17)

    def test_clyde_hunts_from_afar_and_shies_when_near(self):
        game = new()
        game.modes = ["chase"] * 4
        place(game, 10, 15, RIGHT)
        game.ghosts[CLYDE] = at(10, 3)
        assert game.target(CLYDE) == (10, 15)
        game.ghosts[CLYDE] = at(6, 13)
        assert game.target(CLYDE) == CORNERS[CLYDE]

    def test_a_hunter_takes_the_way_that_brings_it_nearest(self):
        game = new(ghosts=1)
        place(game, 1, 19, LEFT)
        put(game, BLINKY, 4, 3, "chase", RIGHT)
        assert game.choose(BLINKY) == DOWN
        place(game, 4, 1, LEFT)
        assert game.choose(BLINKY) == UP

    def test_left_alone_in_a_scatter_phase_it_circles_near_its_corner(self):
        game = new(ghosts=1)
        for _ in range(WAVES[0] - 1):
            place(game, 1, 19, LEFT)
            game.step(STAY)
        x, y = MAZE.grid.xy(game.ghosts[BLINKY])
        assert x > 12
        assert y < 8


class TestSchedule:
    def test_phases_alternate_and_everyone_turns_around(self):
        game = new(ghosts=1)
        for wave, steps in enumerate(WAVES):
            assert game.phase == game.modes[0] == ("scatter", "chase")[wave % 2]
            for _ in range(steps):
                game.keep_time()
            assert game.turning == [True]
            game.turning = [False]
        for _ in range(1000):
            game.keep_time()
        assert game.phase == game.modes[0] == "chase"
        assert game.turning == [False]

    def test_turning_around_is_a_reversal(self):
        game = new(ghosts=1)
        put(game, BLINKY, 4, 3, "scatter", RIGHT)
        game.turning = [True]
        assert game.choose(BLINKY) == LEFT

    def test_pinky_leaves_at_once_the_others_when_food_is_eaten(self):
        game = new()
        game.keep_time()
        assert game.leaving == [True, True, False, False]
        game.eaten_food = RELEASE[INKY]
        game.keep_time()
        assert game.leaving == [True, True, True, False]
        game.eaten_food = RELEASE[CLYDE]
        game.keep_time()
        assert all(game.leaving)

    def test_who_does_not_eat_meets_them_all_the_same(self):
        game = new()
        game.cells[at(1, 19)] = FLOOR
        for left_house in (2, 3, 4):
            assert sum(game.leaving) == left_house
            for _ in range(IDLE):
                place(game, 1, 19, LEFT)
                game.wave_steps = 0  # the others stay at their corners
                game.step(STAY)
        assert all(game.leaving)

    def test_a_ghost_leaves_through_the_door_then_never_goes_back(self):
        game = new()
        inside = {i for i, way in enumerate(MAZE.leave) if way}
        out = False
        for _ in range(60):
            place(game, 1, 19, LEFT)
            game.step(STAY)
            out = out or game.modes[PINKY] != "house"
            assert (game.ghosts[PINKY] in inside) == (not out) or game.ghosts[PINKY] == MAZE.door
        assert out

    def test_levels_get_faster_and_shorter_of_fright(self):
        speeds, frights = [ghost_speed(n) for n in range(1, 20)], [fright_steps(n) for n in range(1, 20)]
        assert speeds == sorted(speeds)
        assert speeds[0] < speeds[4] < TEMPO
        assert frights == sorted(frights, reverse=True)
        assert frights[-1] > 0

    def test_speed_is_the_share_of_steps_in_which_a_ghost_moves(self):
        game = new(ghosts=1)
        moves = 0
        for _ in range(TEMPO):
            place(game, 1, 19, LEFT)
            before = game.ghosts[0]
            game.step(STAY)
            moves += game.ghosts[0] != before
        assert moves == ghost_speed(1)

    def test_ghosts_are_slow_in_tunnels_and_blinky_fast_at_the_end(self):
        game = new()
        put(game, BLINKY, 2, 9, "chase")
        assert game.speed(BLINKY) == TEMPO // 2
        put(game, BLINKY, 4, 3, "chase")
        assert game.speed(BLINKY) == ghost_speed(1)
        game.food_left = 10
        assert game.speed(BLINKY) == ghost_speed(1) + 1


class TestFright:
    def frightened(self) -> ArcadeGame:
        game = new()
        place(game, 1, 1, LEFT)
        for i in range(3):
            put(game, i, 16, 5 - 2 * (i % 2), "chase")
        game.step(DOWN)
        return game

    def test_power_frightens_those_outside_and_turns_them_around(self):
        game = new()
        place(game, 1, 1, LEFT)
        put(game, BLINKY, 10, 3, "chase", LEFT)
        game.clocks[BLINKY] = TEMPO // 2
        game.step(DOWN)
        assert game.modes == ["frightened", "house", "house", "house"]
        assert game.ghosts[BLINKY] == at(11, 3)
        assert game.directions[BLINKY] == RIGHT

    def test_they_look_and_move_differently(self):
        game = self.frightened()
        assert game.speed(BLINKY) == TEMPO // 2
        looks = game.ghost_sprites
        assert looks[BLINKY] not in range(COLOURED, COLOURED + 4)
        assert looks[CLYDE] == COLOURED + CLYDE
        game.fright = 5
        assert game.ghost_sprites[BLINKY] == FLASHING
        assert SPRITE_CLASS[FLASHING] == SPRITE_CLASS[looks[BLINKY]]

    def test_they_wander_at_random(self):
        ways = set()
        for seed in range(30):
            game = new(ghosts=1, seed=seed)
            put(game, BLINKY, 4, 3, "frightened", RIGHT)
            ways.add(game.choose(BLINKY))
        assert ways == {UP, DOWN, RIGHT}

    def test_it_ends_and_the_schedule_stood_still(self):
        game = self.frightened()
        before = game.wave_steps
        for _ in range(fright_steps(1) - 2):
            game.keep_time()
        assert game.modes[BLINKY] == "frightened"
        game.keep_time()
        assert game.modes[:3] == [game.phase] * 3
        assert game.wave_steps == before

    def test_each_ghost_eaten_is_worth_twice_the_one_before(self):
        game = self.frightened()
        score = game.score
        for i, points in enumerate((200, 400, 800)):
            place(game, 9, 7, LEFT)
            put(game, i, 8, 7, "frightened", RIGHT)
            assert game.step(STAY) == 1.0
            assert game.score - score == points
            assert "ghost" in game.events
            assert game.modes[i] == "eaten"
            score = game.score
        assert game.lives == 3

    def test_eyes_go_home_are_harmless_and_come_back_dangerous(self):
        game = self.frightened()
        put(game, BLINKY, 1, 19, "eaten")
        place(game, 2, 19, LEFT)
        game.step(STAY)
        assert game.lives == 3
        steps = 0
        while game.modes[BLINKY] == "eaten":
            place(game, 1, 1, LEFT)
            game.pending = ""
            before = game.ghosts[BLINKY]
            game.step(STAY)
            assert game.ghosts[BLINKY] in [MAZE.beside(before, d) for d in (1, 2, 3, 4)]
            steps += 1
        assert game.ghosts[BLINKY] == MAZE.nest
        assert steps < 60
        game.fright = 30
        while game.modes[BLINKY] == "house":
            place(game, 1, 1, LEFT)
            game.step(STAY)
        assert game.modes[BLINKY] == game.phase, "not frightened by a pellet from before"


class TestLivesAndLevels:
    def test_a_hunter_costs_a_life_and_swapping_places_does_too(self):
        for ghost_first in (True, False):
            game = new(ghosts=1)
            place(game, 9, 3, RIGHT)
            put(game, BLINKY, 10 if ghost_first else 11, 3, "chase", LEFT)
            game.clocks[BLINKY] = TEMPO
            reward = game.step(STAY)
            assert game.lives == 2
            assert reward < 0
            assert "eaten" in game.events
            assert not game.terminated

    def test_the_step_after_sets_up_the_same_level(self):
        game = new()
        game.step(LEFT)
        left = game.food_left
        put(game, BLINKY, *MAZE.grid.xy(MAZE.ways[game.pacman][LEFT]), "chase")
        game.step(LEFT)
        shown = game.pacman
        assert shown == game.ghosts[BLINKY], "the collision is seen for one frame"
        assert game.step(RIGHT) == 0.0
        assert game.pacman == MAZE.start
        assert game.ghosts == list(MAZE.posts)
        assert game.food_left == left
        assert game.level == 1

    def test_the_last_life_ends_the_game(self):
        game = new(ghosts=1)
        game.lives = 1
        place(game, 9, 3, RIGHT)
        put(game, BLINKY, 10, 3, "chase")
        assert game.step(STAY) == -1.0
        assert game.terminated
        assert game.events == ("eaten", "over")
        assert game.snapshot().lives == 0

    def test_the_last_food_clears_the_level(self):
        game = new()
        for i, cell in enumerate(game.cells):
            if cell in (FOOD, POWER) and i != at(9, 15):
                game.cells[i] = FLOOR
        game.food_left = 1
        assert game.step(LEFT) == 1.5
        assert game.events == ("food", "level")
        game.step(STAY)
        assert (game.level, game.lives, game.food_left) == (2, 3, new().food_left)

    def test_a_bonus_life_once(self):
        game = new(ghosts=0)
        game.score = BONUS_LIFE - 10
        game.step(LEFT)
        assert (game.lives, game.events) == (4, ("food", "life"))
        game.step(LEFT)
        assert game.lives == 4

    def test_an_eaten_ghost_says_where_and_how_much(self):
        game = new(ghosts=1)
        place(game, 1, 1, LEFT)
        put(game, BLINKY, 1, 2, "frightened", UP)
        game.fright = 20
        game.step(DOWN)
        assert "ghost" in game.events and game.snapshot().gains == ((1, 2, 200),)
        game.step(STAY)
        assert game.snapshot().gains == ()

    def test_a_limit_truncates_without_a_penalty(self):
        game = ArcadeGame(0, 1.0, 2)
        game.reset(seed=1)
        assert [game.step(LEFT), game.step(LEFT)] == [0.5, 0.5]
        assert (game.truncated, game.terminated) == (True, False)


def eat_until_fruit(game: ArcadeGame, which: int = 0) -> None:
    """Eat the one food that is missing to the fruit; Pac-Man then stands in a corner, far from it."""
    laid = [i for i, cell in enumerate(game.cells) if cell == FOOD and i != at(1, 1)]
    for cell in laid[: FRUIT_AFTER[which] - 1 - (game.food_laid - game.food_left)]:
        game.cells[cell] = FLOOR
        game.food_left -= 1
    place(game, 2, 1, LEFT)
    game.cells[at(1, 1)] = FOOD
    game.step(LEFT)


class TestFruit:
    def test_it_comes_up_below_the_house_after_so_much_food(self):
        game = new(ghosts=0)
        assert not (game.snapshot().cells == FRUIT).any()
        eat_until_fruit(game)
        assert game.snapshot().cells[11, 10] == FRUIT and (game.snapshot().cells == FRUIT).sum() == 1

    @pytest.mark.parametrize("level", [1, 2, 8, 30])
    def test_it_is_worth_more_in_every_level(self, level):
        game = new(ghosts=0)
        game.level = level
        eat_until_fruit(game)
        place(game, 9, 11, RIGHT)
        before, points = game.score, FRUIT_POINTS[min(level, 8) - 1]
        assert game.step(STAY) == 1.0
        assert game.score - before == points and points >= 100
        assert game.events == ("fruit",) and game.gains == ((10, 11, points),)
        assert game.cells[at(10, 11)] == FLOOR

    def test_it_goes_by_itself_and_comes_a_second_time(self):
        game = new(ghosts=0)
        eat_until_fruit(game)
        for _ in range(FRUIT_STEPS):
            assert game.snapshot().cells[11, 10] == FRUIT
            place(game, 1, 1, LEFT)
            game.step(STAY)
        assert game.snapshot().cells[11, 10] == FLOOR
        eat_until_fruit(game, which=1)
        assert game.snapshot().cells[11, 10] == FRUIT

    def test_it_goes_with_a_life_and_is_no_food(self):
        game = new()
        eat_until_fruit(game)
        left = game.food_left
        put(game, BLINKY, 1, 1, "chase")
        game.step(STAY)
        assert "eaten" in game.events
        game.step(STAY)
        assert game.snapshot().cells[11, 10] == FLOOR and game.food_left == left

    def test_the_seed_and_the_actions_decide_it(self):
        def play(game: ArcadeGame) -> list[bytes]:
            rng, seen = Random(5), []
            while game.food_laid - game.food_left < FRUIT_AFTER[0] and game.steps < 3000:
                game.lives, game.terminated = 3, False
                game.step(rng.randrange(1, 5))
                seen.append(game.snapshot().cells.tobytes())
            return seen

        first = play(new(seed=7))
        assert first == play(new(seed=7)) and bytes([FRUIT]) in first[-1]


@settings(max_examples=25)
@given(st.integers(0, 2**63 - 1))
def test_in_any_game_ghosts_make_legal_moves_of_one_cell(seed):
    game, rng, board = new(seed=seed), Random(seed), MAZE
    total = points = 0
    while not game.terminated and game.steps < 600:
        before, modes, pending = list(game.ghosts), list(game.modes), game.pending
        score, food = game.score, game.food_left
        total += game.step(rng.randrange(5))
        points += game.score - score
        if pending:
            continue
        for i, (old, cell) in enumerate(zip(before, game.ghosts, strict=True)):
            if old == cell:
                continue
            beyond_door = modes[i] in ("house", "eaten") or game.modes[i] in ("house", "eaten")
            near = [board.beside(old, d) for d in (1, 2, 3, 4)] if beyond_door else board.ways[old][1:]
            assert cell in near
            assert SPRITE_CLASS[game.cells[cell]] in (FLOOR, FOOD, POWER, DOOR, FRUIT)
        assert food - game.food_left == len({"food", "power"} & set(game.events))
        assert game.cells.count(FOOD) + game.cells.count(POWER) == game.food_left
    assert points == game.score
    assert total > -4


def test_a_share_of_the_food_and_fewer_ghosts():
    game = ArcadeGame(1, 0.5, None)
    game.reset(seed=3)
    assert 60 < game.food_left < 110
    assert len(game.snapshot().ghosts) == 1


@pytest.mark.parametrize("ghosts", [0, 1, 2, 3, 4])
def test_any_number_of_ghosts_plays(ghosts):
    game, rng = new(ghosts), Random(0)
    for _ in range(300):
        if game.terminated:
            game.reset()
        game.step(rng.randrange(5))
