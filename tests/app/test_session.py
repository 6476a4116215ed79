"""A session of play: its clock, its two worlds, and what time does to them. No window is needed."""

import numpy as np
import pytest

from app.driver import FRAME, dream, world
from gamesim.app.controls import DOWN, LEFT, RIGHT, UP
from gamesim.app.game.session import PAUSES, READY, Session
from gamesim.app.game.temperature import RUNGS
from gamesim.app.game.world import CARRIED, World
from gamesim.app.library.catalog import ARCADE, MAZE


def free_ways(made) -> list[int]:
    """Moves that lead somewhere from where Pac-Man stands."""
    now = made.now
    (x, y), cells = now.pacman, np.pad(now.cells, 1, constant_values=1)
    around = {LEFT: (x - 1, y), RIGHT: (x + 1, y), UP: (x, y - 1), DOWN: (x, y + 1)}
    return [move for move, (nx, ny) in around.items() if cells[ny + 1, nx + 1] != 1]


def running(made: World) -> Session:
    """A session whose clock runs, as after a first move."""
    session = Session(made)
    session.waiting = False
    return session


def run(session: Session, seconds: float) -> None:
    for _ in range(round(seconds / FRAME)):
        session.update(FRAME)


def test_a_short_tap_moves_exactly_one_cell():
    session = running(world())
    start, move = session.world.now.pacman, free_ways(session.world)[0]
    session.steering.press(move)
    session.update(FRAME)
    session.steering.release(move)
    run(session, 1.0)
    x, y = session.world.now.pacman
    assert abs(x - start[0]) + abs(y - start[1]) == 1


def test_a_held_key_moves_once_a_tick():
    session = running(world(MAZE))
    session.steering.press(free_ways(session.world)[0])
    run(session, 1.0)
    assert session.world.steps == pytest.approx(session.world.title.rate, abs=2)


def test_a_press_after_a_rest_is_answered_within_half_a_tick():
    session = running(world())
    run(session, 0.95 / session.world.rate)
    before = session.world.steps
    session.steering.press(free_ways(session.world)[0])
    session.update(FRAME)
    assert session.world.steps == before + 1


def test_pause_stops_the_clock_and_step_makes_one_step():
    session = running(world())
    session.paused = True
    run(session, 1.0)
    assert session.world.steps == 0
    session.step_once()
    assert session.world.steps == 1 and session.paused


def test_a_long_absence_is_not_caught_up():
    session = running(world())
    session.update(1000.0)
    assert session.world.steps <= 2


def test_motion_is_drawn_between_cells():
    session = running(world())
    run(session, 1.2 / session.world.rate)
    assert 0.0 < session.part < 1.0


def test_the_dream_starts_from_the_last_frames_of_the_game():
    session = running(world())
    session.other = dream()
    run(session, 3.0)
    seen = [frame for frame, _ in session.world.trail]
    assert session.switch()
    given = session.world.env.given
    assert len(seen) == CARRIED
    np.testing.assert_array_equal(given["frames"], np.stack(seen))
    assert given["actions"].shape == (CARRIED - 1,)
    np.testing.assert_array_equal(session.world.frame, seen[-1])


def test_carried_actions_are_those_between_the_carried_frames():
    session = running(world())
    session.other = dream()
    moves = [LEFT, RIGHT, UP, DOWN, LEFT]
    for move in moves:
        session.steering.press(move)
        session.steering.release(move)
        session.tick()
    session.switch()
    assert session.world.env.given["actions"].tolist() == moves
    assert len(session.world.env.given["frames"]) == len(moves) + 1


def test_tab_and_back_leaves_the_real_game_as_it_was():
    session = running(world())
    session.other = dream()
    run(session, 1.0)
    real = session.world
    before, frame, steps = real.env.unwrapped.snapshot(), real.frame.copy(), real.steps
    session.switch()
    session.steering.press(RIGHT)
    run(session, 2.0)
    assert session.world.steps > 5
    session.switch()
    after = session.world.env.unwrapped.snapshot()
    assert session.world is real and real.steps == steps
    assert (after.pacman, after.steps, after.score) == (before.pacman, before.steps, before.score)
    np.testing.assert_array_equal(after.cells, before.cells)
    np.testing.assert_array_equal(real.frame, frame)


def test_a_dream_of_another_size_begins_by_itself_and_says_so():
    session = running(world())
    session.other = dream(side=64)
    assert session.switch() is False
    assert session.world.frame.shape == (64, 64, 3)


def test_side_by_side_both_get_the_same_keys_from_the_same_moment():
    session = running(world())
    session.other = dream()
    run(session, 0.5)
    session.toggle_beside()
    real, dreamt = session.playing
    assert real.temperature is None and dreamt.temperature is not None
    np.testing.assert_array_equal(real.frame, dreamt.frame)
    steps = real.steps
    session.steering.press(DOWN)
    run(session, 1.0)
    assert real.steps - steps == dreamt.steps
    assert dreamt.env.actions == [DOWN] * dreamt.steps


def test_side_by_side_can_begin_from_the_dream():
    session = running(dream())
    session.other = world()
    session.toggle_beside()
    assert session.world.temperature is None and session.beside


@pytest.mark.parametrize(("turns", "end"), [([1] * 50, RUNGS[-1]), ([-1] * 50, RUNGS[0])])
def test_temperature_stays_in_its_range(turns, end):
    session = running(dream())
    for turn in turns:
        session.turn_temperature(turn)
    assert session.world.env.temperature == pytest.approx(end)
    assert session.turn_temperature(None) == 1.0


def test_a_real_game_has_no_temperature():
    assert Session(world()).turn_temperature(1) is None


def test_a_dreams_score_is_the_sum_of_the_points_as_they_are_shown(monkeypatch):
    """It errs by a little in every step, which would add up; a real game counts every bit."""
    rewards = [-0.02, -0.03, 0.96, 0.04, -0.04]
    for made, total in ((dream(), 1.0), (world(), sum(rewards))):
        given, step = iter(rewards), made.env.step

        def paid(action, given=given, step=step):
            frame, _, *rest = step(action)
            return frame, next(given), *rest

        monkeypatch.setattr(made.env, "step", paid)
        made.reset()
        for _ in rewards:
            made.step(0)
        assert made.total == pytest.approx(total)


def test_rewinding_a_dream_restores_its_states_one_by_one():
    session = running(dream())
    frames = [session.world.frame.copy()]
    for _ in range(6):
        session.tick()
        frames.append(session.world.frame.copy())
    session.rewinding = True
    run(session, 10 / session.world.rate)
    assert session.world.steps == 0 and session.world.total == 0.0
    np.testing.assert_array_equal(session.world.frame, frames[0])
    session.rewinding = False
    run(session, 1.0)
    assert session.world.steps > 0


def test_a_dream_that_ended_can_be_rewound_and_played_on():
    session = running(dream(length=3))
    for _ in range(3):
        session.tick()
    assert session.world.over
    assert session.world.rewind()
    assert session.world.over is None and session.world.steps == 2


def test_reset_begins_a_new_episode_for_both():
    session = running(world())
    session.other = dream()
    session.toggle_beside()
    session.waiting = False
    run(session, 1.0)
    session.restart()
    assert [made.steps for made in session.playing] == [0, 0]
    np.testing.assert_array_equal(session.world.frame, session.other.frame)


def test_an_arcade_life_costs_a_pause_and_the_game_goes_on():
    session = running(world(ARCADE))
    for _ in range(2000):
        session.steering.press(LEFT if session.world.steps % 20 < 10 else RIGHT)
        session.tick()
        if "eaten" in session.world.events:
            break
    lives, steps = session.world.now.lives, session.world.steps
    assert lives == 2
    run(session, 0.5 * PAUSES["eaten"])
    assert session.world.steps == steps
    assert 0.0 < session.death(session.world) < 1.0
    run(session, 0.8 * PAUSES["eaten"])
    assert session.ready and session.death(session.world) is None
    run(session, READY + 1.0)
    assert session.world.steps > steps + 1 and session.world.now.lives == lives


def test_the_end_probability_is_shown_where_an_engine_says_it():
    session = running(dream(length=1))
    session.tick()
    assert session.world.end_probability == pytest.approx(0.9)
    assert world().end_probability is None


def test_clips_of_both_sides_stay_in_step_when_the_dream_ends_first():
    session = running(world())
    session.other = dream(length=3)
    run(session, 1.0)
    session.toggle_beside()
    session.together = False
    session.waiting = False
    run(session, 1.0)
    real, dreamt = session.playing
    assert dreamt.over and dreamt.steps == 3 and real.over is None
    assert len(real.clip) == len(dreamt.clip) > 4
