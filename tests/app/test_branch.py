"""Rewinding a dream and playing on differently: the branch that was left stays in sight."""

import numpy as np
import pygame
import pytest

from app.driver import Driver, dream, world
from gamesim.app.controls import DOWN, LEFT, RIGHT, UP
from gamesim.app.game.filmstrip import Filmstrip
from gamesim.app.game.session import Session
from gamesim.app.game.world import World
from gamesim.app.theme import Scale
from gamesim.data.episode import Episode


def played(steps: int):
    made = dream()
    made.reset()
    for _ in range(steps):
        made.step(1)
    return made


def test_going_back_shows_every_earlier_moment():
    made = played(0)
    frames = [made.frame]
    for _ in range(6):
        made.step(2)
        frames.append(made.frame)
    for step in range(5, -1, -1):
        assert made.rewind() and made.steps == step
        np.testing.assert_array_equal(made.frame, frames[step])
    assert not made.rewind()


def test_what_was_gone_back_over_becomes_the_branch_with_the_first_new_step():
    made = played(10)
    for _ in range(4):
        made.rewind()
    assert [step for step, _ in made.history.undone] == [10, 9, 8, 7] and not made.history.left
    made.step(2)
    assert made.history.fork == 6
    assert [step for step, _ in made.history.left] == [7, 8, 9, 10] and not made.history.undone
    made.step(2)
    assert made.env.unwrapped.actions == [1] * 6 + [2, 2]  # type: ignore[attr-defined]


def test_the_trail_from_which_others_go_on_is_rewound_too():
    made = played(12)
    before = [frame for frame, _ in played(8).trail]
    for _ in range(4):
        made.rewind()
    assert len(made.trail) == len(before)
    for (frame, _), expected in zip(made.trail, before, strict=True):
        np.testing.assert_array_equal(frame, expected)


def test_a_new_episode_has_no_branch():
    made = played(5)
    made.rewind()
    made.step(2)
    assert made.history.branched
    made.reset()
    assert not made.history.branched and not made.rewind()


def test_holding_backspace_goes_back_and_shows_the_film_without_moving_anything(app: Driver):
    app.play("Tilemap Pac-Man")
    app.frames(20, 0.1)
    screen = app.window.screen
    plan = screen.layout  # type: ignore[attr-defined]
    assert not screen.filmed  # type: ignore[attr-defined]
    steps = app.session.world.steps
    app.down(pygame.K_BACKSPACE)
    app.frames(5, 0.1)
    app.up(pygame.K_BACKSPACE)
    app.frames(1, 0.0)
    back = app.session.world.steps
    assert back <= steps - 5
    assert screen.filmed and screen.layout == plan  # type: ignore[attr-defined]
    app.down(pygame.K_RIGHT)
    app.frames(10, 0.1)
    app.up(pygame.K_RIGHT)
    history = app.session.world.history
    assert history.fork == back and app.session.world.steps > back
    assert screen.filmed and screen.layout == plan  # type: ignore[attr-defined]
    app.frames(50, 0.1)
    assert not screen.filmed and screen.layout == plan  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [(1280, 800), (800, 600)])
def test_the_film_shows_the_present_the_past_and_the_branch(app: Driver, size):
    made = played(20)
    for _ in range(6):
        made.rewind()
    surface = pygame.Surface(size)
    strip = pygame.Rect(10, 10, size[0] - 20, Filmstrip.place((0, 9999), Scale.of(size)).height)
    Filmstrip().draw(surface, strip, made, Scale.of(size))
    lower = slice(strip.top + strip.height * 3 // 4, strip.bottom)
    alone = pygame.surfarray.array3d(surface).max(-1) > 60
    assert alone[strip.left : strip.right, strip.top : strip.centery].any()
    for _ in range(6):
        made.step(2)
    surface.fill((0, 0, 0))
    Filmstrip().draw(surface, strip, made, Scale.of(size))
    both = pygame.surfarray.array3d(surface).max(-1) > 60
    assert both[:, lower].any() and not alone[:, lower].any()
    assert surface.get_at((5, 5))[:3] == (0, 0, 0)  # nothing beside the strip


def test_each_recording_says_how_many_games_it_has_saved_itself(app: Driver):
    """The second of two said "2 games"."""
    app.play("Pac-Man, endless")
    for _ in range(2):
        app.press(pygame.K_COMMA)
        app.frames(5, 0.1)
        app.silence()
        app.press(pygame.K_COMMA)
        assert "Saved 1 game to" in app.said


def test_a_recording_after_rewinding_begins_where_it_was_rewound_to(app: Driver):
    app.play("Tilemap Pac-Man")
    app.frames(15, 0.1)
    app.down(pygame.K_BACKSPACE)
    app.frames(3, 0.1)
    app.up(pygame.K_BACKSPACE)
    app.frames(1, 0.0)
    frame = app.session.world.frame.copy()
    app.press(pygame.K_COMMA)
    app.frames(5, 0.1)
    app.press(pygame.K_COMMA, pygame.K_ESCAPE)
    (path,) = app.recordings.glob("tilemap-pac-man-*/*.npz")
    np.testing.assert_array_equal(Episode.load(path).frames[0], frame)


def side_by_side(**kwargs) -> Session:
    made = Session(world())
    made.other = dream(**kwargs)
    for _ in range(3):
        made.tick()
    made.toggle_beside()
    made.waiting = False
    return made


def backwards(made: Session, ticks: int) -> None:
    """Hold Backspace for so many ticks."""
    made.rewinding = True
    for _ in range(ticks):
        made.update(0.5 / made.world.rate)
    made.rewinding = False


def walk(made: Session, moves: tuple[int, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Both frames after each move."""
    seen = []
    for move in moves:
        made.steering.press(move)
        made.tick()
        made.steering.release(move)
        seen.append((made.world.frame, made.playing[1].frame))
    return seen


MOVES = (RIGHT, DOWN, LEFT, DOWN, RIGHT, UP, LEFT, LEFT)


def test_side_by_side_both_go_back_together_and_play_on():
    made = side_by_side()
    seen = walk(made, MOVES)
    backwards(made, 5)
    assert [side.steps for side in made.playing] == [6, 3]  # the game was three steps ahead
    for side, frame in zip(made.playing, seen[2], strict=True):
        np.testing.assert_array_equal(side.frame, frame)
    for again, first in zip(walk(made, MOVES[3:]), seen[3:], strict=True):
        np.testing.assert_array_equal(again, first)
    assert made.playing[1].history.fork == 3


def test_side_by_side_neither_goes_back_to_before_they_met():
    made = side_by_side()
    walk(made, MOVES)
    backwards(made, 30)
    assert [side.steps for side in made.playing] == [3, 0]
    assert made.divergence is not None and made.divergence.forgotten is None and made.divergence.first is None


def test_side_by_side_the_one_that_was_over_waits_until_the_other_is_back():
    made = side_by_side(length=4)
    made.together = False
    seen = walk(made, MOVES)
    assert made.playing[1].over and made.playing[1].waited == 4
    backwards(made, 4)
    assert made.playing[1].over and made.world.steps == 7
    backwards(made, 1)
    assert made.playing[1].over is None and [side.steps for side in made.playing] == [6, 3]
    np.testing.assert_array_equal(made.playing[1].frame, seen[2][1])


def test_differences_go_back_too():
    made = side_by_side()
    found, marks = made.divergence, []
    assert found is not None
    made.tick()  # standing still, they are alike at first
    marks.append(found.forgotten)
    for move in MOVES:
        walk(made, (move,))
        marks.append(found.forgotten)
    assert found.first is not None and found.first.step == 2
    for step in range(len(marks) - 1, 0, -1):
        backwards(made, 1)
        np.testing.assert_array_equal(found.forgotten, marks[step - 1])
        assert (found.first is None) == (step < 2)


def test_backspace_side_by_side_shows_the_dreams_film(app: Driver):
    app.play("Pac-Man, endless")
    app.press(pygame.K_v)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    app.session.waiting = False
    app.frames(20, 0.1)
    was = [side.steps for side in app.session.playing]
    screen = app.window.screen
    plan = screen.layout  # type: ignore[attr-defined]
    app.down(pygame.K_BACKSPACE)
    app.frames(5, 0.1)
    app.up(pygame.K_BACKSPACE)
    app.frames(1, 0.0)
    now = [side.steps for side in app.session.playing]
    assert now[0] < was[0] and was[0] - now[0] == was[1] - now[1]
    assert screen.filmed and screen.layout == plan  # type: ignore[attr-defined]


def test_only_a_dream_can_be_rewound_and_not_while_it_is_recorded(app: Driver):
    app.play("Maze")
    app.press(pygame.K_BACKSPACE)
    assert "Only dreams" in app.said
    app.press(pygame.K_ESCAPE)
    app.play("Tilemap Pac-Man")
    app.press(pygame.K_COMMA)
    app.down(pygame.K_BACKSPACE)
    app.frames(1, 0.0)
    assert "You cannot rewind while you record" in app.said and not app.session.rewinding


def test_a_game_that_cannot_go_back_is_named_beside_its_dream(app: Driver, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(World, "can_rewind", property(lambda self: self.temperature is not None))
    app.play("Pac-Man, endless").press(pygame.K_v)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    app.press(pygame.K_BACKSPACE)
    assert "Pac-Man, endless cannot go back." in app.said and "Only dreams" not in app.said
