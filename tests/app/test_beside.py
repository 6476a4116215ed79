"""The real game beside its dream: cells that differ are marked, and the first difference is kept in sight."""

from collections.abc import Callable

import numpy as np
import pygame
import pytest

from app.driver import Driver, dream, world
from app.worlds_of_cells import FLOOR, FOOD, GHOST, WALL, Board
from gamesim.app.controls import LEFT, RIGHT, STAY
from gamesim.app.game import hud
from gamesim.app.game.cells import TOLERANCE, differing
from gamesim.app.game.divergence import Divergence
from gamesim.app.game.session import Session
from gamesim.app.game.world import World
from gamesim.app.library.catalog import ARCADE, PACMAN
from gamesim.app.screens.play import Play
from gamesim.envs.sprites import tiles
from gamesim.text import counted


def frame(value: int = 0, side: int = 84) -> np.ndarray:
    return np.full((side, side, 3), value, np.uint8)


def cell(picture: np.ndarray, row: int, column: int, value: int) -> np.ndarray:
    """The same with one of 7x7 cells in another colour."""
    changed = picture.copy()
    changed[12 * row : 12 * row + 12, 12 * column : 12 * column + 12] = value
    return changed


def test_only_the_cells_that_changed_differ():
    mask = differing(frame(), cell(cell(frame(), 2, 5, 90), 6, 0, 90), (7, 7))
    assert mask is not None
    assert np.argwhere(mask).tolist() == [[2, 5], [6, 0]]


@pytest.mark.parametrize(("off", "differs"), [(TOLERANCE, False), (TOLERANCE + 1, True)])
def test_a_little_noise_is_no_difference(off, differs):
    mask = differing(frame(100), frame(100 + int(off)), (7, 7))
    assert mask is not None and mask.all() == differs and mask.any() == differs


def test_the_most_alike_things_of_the_game_differ():
    atlas = tiles(12)
    mask = differing(atlas[FLOOR], atlas[FOOD], (1, 1))
    assert mask is not None and mask.all()


def test_what_is_only_blurred_does_not_differ():
    for seed in range(5):
        sharp = world(PACMAN, seed, num_ghosts=3).frame
        blurred = sharp.astype(float)
        for axis in (0, 1):
            blurred = (np.roll(blurred, 1, axis) + 2 * blurred + np.roll(blurred, -1, axis)) / 4
        assert np.abs(blurred - sharp).max() > 60
        mask = differing(sharp, blurred.astype(np.uint8), (7, 7))
        assert mask is not None and not mask.any()


def test_any_grid_fits_any_frame():
    changed = frame(side=64)
    changed[60:, 60:] = 255
    mask = differing(frame(side=64), changed, (7, 7))
    assert mask is not None and np.argwhere(mask).tolist() == [[6, 6]]


def test_frames_of_different_sizes_cannot_be_compared():
    assert differing(frame(), frame(side=64), (7, 7)) is None


def begun(board: Board, scrolls: bool = True) -> Divergence:
    """A comparison that begins where the board's player stands."""
    return Divergence((7, 7), [(board.frame(), STAY)], scrolls)


def places(mask: np.ndarray | None) -> list[list[int]]:
    assert mask is not None
    return np.argwhere(mask).tolist()


def test_what_comes_into_view_for_the_first_time_is_invented_not_forgotten():
    board = Board()
    found = begun(board)
    action = board.go(RIGHT)
    new = FLOOR if board.cells[12, board.x + 3] != FLOOR else WALL
    found.look(board.frame(), board.frame(r0c6=new), action)
    assert places(found.invented) == [[0, 6]] and not places(found.forgotten) and found.first is None


def test_what_was_seen_and_is_wrong_now_is_forgotten_and_the_first_time_is_pinned():
    board = Board()
    found = begun(board)
    for action in (RIGHT, RIGHT, LEFT):
        board.go(action)
        found.look(board.frame(), board.frame(), action)
    assert found.first is None and not places(found.invented) and not places(found.forgotten)
    board.go(LEFT)
    wrong = WALL if board.cells[14, board.x - 2] != WALL else FLOOR
    found.look(board.frame(), board.frame(r2c1=wrong), LEFT)
    assert places(found.forgotten) == [[2, 1]] and not places(found.invented)
    assert found.first is not None and found.first.step == 4
    np.testing.assert_array_equal(found.first.dream, board.frame(r2c1=wrong))
    found.look(board.frame(), board.frame(r0c0=GHOST, r6c5=wrong), STAY)
    assert found.first.step == 4


def test_what_the_dream_saw_before_both_began_is_no_invention():
    board = Board()
    trail = [(board.frame(), STAY)]
    for action in (RIGHT, RIGHT, RIGHT, RIGHT):
        board.go(action)
        trail.append((board.frame(), action))
    found = Divergence((7, 7), trail, True)
    board.go(LEFT)
    wrong = WALL if board.cells[13, board.x - 3] != WALL else FLOOR
    found.look(board.frame(), board.frame(r1c0=wrong), LEFT)
    assert places(found.forgotten) == [[1, 0]] and not places(found.invented)


def test_ghosts_go_where_chance_sends_them_and_are_never_forgotten():
    board = Board()
    found = begun(board)
    found.look(board.frame(r3c5=GHOST), board.frame(r3c1=GHOST), STAY)
    assert places(found.invented) == [[3, 1], [3, 5]] and not places(found.forgotten)


def test_where_an_invented_wall_holds_the_dream_up_places_are_still_compared():
    board = Board()
    found = begun(board)
    held = board.frame()
    board.go(RIGHT)
    found.look(board.frame(), held, RIGHT)
    assert found.apart
    assert not places(found.forgotten) and not places(found.invented)  # it shows what is there


def test_going_back_knows_what_was_known_then():
    board = Board()
    found = begun(board)
    marks = []
    for action in (RIGHT, LEFT, RIGHT, LEFT, STAY):
        marks.append((places(found.forgotten), found.first) if found.forgotten is not None else None)
        board.go(action) if action else None
        found.look(board.frame(), board.frame(r5c2=GHOST if action == STAY else WALL), action)
    for expected in reversed(marks):
        found.back()
        now = (places(found.forgotten), found.first) if found.forgotten is not None else None
        assert now == expected


def test_a_board_that_does_not_scroll_has_been_seen_as_a_whole():
    board = Board()
    found = begun(board, scrolls=False)
    found.look(board.frame(), board.frame(r1c1=GHOST), STAY)
    assert places(found.forgotten) == [[1, 1]]


def test_a_session_compares_each_step_from_the_moment_when_both_began():
    made = Session(world())
    made.other = dream()
    for _ in range(3):
        made.tick()
    made.toggle_beside()
    made.waiting = False
    assert made.divergence is not None and made.divergence.shape == (7, 7)
    assert made.divergence.forgotten is None
    for _ in range(30):
        made.tick()
    real, dreamt = made.playing
    first = made.divergence.first
    assert first is not None and 1 <= first.step <= 30
    differs = made.divergence.forgotten | made.divergence.invented
    np.testing.assert_array_equal(differs, differing(real.frame, dreamt.frame, (7, 7)))


def test_a_new_game_forgets_the_first_difference():
    made = Session(world())
    made.other = dream()
    made.toggle_beside()
    made.waiting = False
    for _ in range(30):
        made.tick()
    before = made.divergence
    made.restart()
    assert made.divergence is not before and made.divergence is not None and made.divergence.first is None
    made.toggle_beside()
    made.waiting = False
    assert made.divergence is None and not made.beside


@pytest.mark.parametrize("first", [world, dream])
def test_one_alone_is_the_one_that_was_played_before_and_goes_on(first: Callable[[], World]):
    made = Session(first())
    alone = made.world
    made.other = dream() if first is world else world()
    made.toggle_beside()
    made.waiting = False
    assert made.world.temperature is None
    for _ in range(3):
        made.tick()
    made.toggle_beside()
    assert made.world is alone and made.playing == [alone] and not made.waiting
    made.tick()
    assert alone.steps == 4


def test_the_game_is_not_recorded_on_when_its_dream_is_alone_again(app: Driver):
    app.play("Tilemap Pac-Man").press(pygame.K_v)
    app.until(lambda: isinstance(app.window.screen, Play) and app.session.beside)
    app.press(pygame.K_COMMA)
    app.session.tick()
    real = app.session.world
    assert real.recording
    app.press(pygame.K_v)
    assert app.session.world is app.session.dream and not real.recording and "Saved 1 game" in app.said


def ended(**kwargs) -> Session:
    """A game beside a dream that ends after two steps, four ticks later."""
    made = Session(world())
    made.other = dream(length=2, **kwargs)
    made.toggle_beside()
    made.waiting = False
    for _ in range(4):
        made.update(1 / made.world.rate)
    return made


def test_both_end_together_so_that_nothing_stands_still_beside_something_that_runs():
    made = ended()
    assert [side.steps for side in made.playing] == [2, 2] and made.finished and made.compared


def test_one_key_dreams_again_from_the_game_as_it_is_now():
    made = ended()
    real, dreamt = made.playing
    assert made.go_on() and not made.finished
    assert dreamt.over is None and dreamt.steps == 0 and real.steps == 2
    np.testing.assert_array_equal(dreamt.frame, real.frame)
    assert made.divergence is not None and made.divergence.moment.step == 0
    made.tick()
    assert [side.steps for side in made.playing] == [3, 1]


def test_a_dream_may_go_on_alone_when_the_game_is_over_and_is_compared_no_more():
    made = Session(world(max_steps=2))
    made.other = dream()
    made.toggle_beside()
    made.waiting = False
    for _ in range(4):
        made.update(1 / made.world.rate)
    assert made.finished and made.go_on() and not made.finished and not made.compared
    for _ in range(3):
        made.tick()
    assert [side.steps for side in made.playing] == [2, 5]
    made.restart()
    assert made.together


def test_where_both_are_over_nothing_can_go_on():
    made = Session(world(max_steps=2))
    made.other = dream(length=2)
    made.toggle_beside()
    made.waiting = False
    made.tick()
    made.tick()
    assert not made.go_on()


def test_the_arcade_is_compared_by_its_own_cells():
    assert world(ARCADE).grid == (21, 21)


def open_both(app: Driver) -> None:
    app.play("Pac-Man, endless")
    app.press(pygame.K_v)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    app.session.waiting = False
    assert app.session.beside


def reds(surface: pygame.Surface, rect: pygame.Rect) -> int:
    """Pixels of a board in the colour of the marks."""
    inside = pygame.surfarray.array3d(surface.subsurface(rect))
    return int((inside == np.array((255, 96, 96))).all(-1).sum())


def test_v_marks_what_differs_and_pins_when_it_first_did(app: Driver):
    open_both(app)
    plan = app.window.screen.layout  # type: ignore[attr-defined]
    assert reds(app.window.surface, plan.boards[1]) == 0
    app.down(pygame.K_RIGHT)
    found = app.session.divergence
    assert found is not None
    for _ in range(40):  # no further, as a ghost may end the game
        app.frames(1, 0.1)
        if found.forgotten is not None and found.forgotten.any():
            break
    assert found.first is not None and found.forgotten is not None
    plan = app.window.screen.layout  # type: ignore[attr-defined]
    assert reds(app.window.surface, plan.boards[1]) > 100
    assert reds(app.window.surface, plan.boards[0]) < 50
    labels = {fact.label: fact.value for fact in app.window.screen.panel.facts(False)}  # type: ignore[attr-defined]
    assert labels["Forgotten"] == counted(int(found.forgotten.sum()), "cell")
    app.press(pygame.K_v)
    assert app.session.divergence is None


def test_both_pictures_of_the_first_difference_have_a_place(app: Driver):
    open_both(app)
    app.down(pygame.K_RIGHT)
    app.frames(33, 0.1)
    found = app.session.divergence
    assert found is not None and found.first is not None
    for size in ((1280, 800), (800, 600), (1900, 700)):
        app.resize(*size)
        app.frames(1, 0.0)
        panel = app.window.screen.layout.panel  # type: ignore[attr-defined]
        assert reds(app.window.surface, panel) > 100, size
    for size in ((160, 120), (3, 200), (1, 1)):  # where they have no place nothing breaks
        app.resize(*size)
        app.frames(1, 0.0)


def test_the_controllers_facts_do_not_hide_the_differences(app: Driver):
    open_both(app)
    app.frames(10, 0.1)
    facts = app.window.screen.panel.facts(False)  # type: ignore[attr-defined]
    assert [fact.label for fact in facts[:2]] == ["Invented", "Forgotten"]
    assert isinstance(facts[0], hud.Fact)
