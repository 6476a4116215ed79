"""The real game beside its dream: cells that differ are marked, and the first difference is kept in sight."""

import numpy as np
import pygame
import pytest

from app.driver import Driver, dream, engine
from gamesim.app import hud
from gamesim.app.catalog import ARCADE, PACMAN
from gamesim.app.cells import TOLERANCE, Divergence, differing
from gamesim.app.session import Session
from gamesim.envs.rules import FLOOR, FOOD
from gamesim.envs.sprites import tiles


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
        sharp = engine(PACMAN, seed, num_ghosts=3).frame
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


def test_the_first_difference_is_kept_with_its_step_and_pictures():
    found = Divergence((7, 7))
    found.look(frame(), frame())
    assert found.first is None and found.now is not None and not found.now.any()
    found.look(frame(), cell(frame(), 1, 1, 200))
    found.look(frame(), frame(255))
    assert found.first is not None and found.first.step == 2
    np.testing.assert_array_equal(found.first.dream, cell(frame(), 1, 1, 200))
    assert found.first.mask.sum() == 1 and found.now.all()


def test_a_session_compares_each_step_from_the_moment_when_both_began():
    made = Session(engine())
    made.other = dream()
    for _ in range(3):
        made.tick()
    made.toggle_beside()
    assert made.divergence is not None and made.divergence.shape == (7, 7)
    assert made.divergence.now is None
    for _ in range(30):
        made.tick()
    real, dreamt = made.playing
    first = made.divergence.first
    assert first is not None and 1 <= first.step <= 30
    expected = differing(real.frame, dreamt.frame, (7, 7))
    np.testing.assert_array_equal(made.divergence.now, expected)


def test_a_new_game_forgets_the_first_difference():
    made = Session(engine())
    made.other = dream()
    made.toggle_beside()
    for _ in range(30):
        made.tick()
    before = made.divergence
    made.restart()
    assert made.divergence is not before and made.divergence is not None and made.divergence.first is None
    made.toggle_beside()
    assert made.divergence is None and not made.beside


def test_when_one_side_is_over_there_is_nothing_more_to_compare():
    made = Session(engine())
    made.other = dream(length=2)
    made.toggle_beside()
    for _ in range(4):
        made.tick()
    before = made.divergence.now.copy()
    for _ in range(10):
        made.tick()
    np.testing.assert_array_equal(made.divergence.now, before)


def test_the_arcade_is_compared_by_its_own_cells():
    assert engine(ARCADE).grid == (21, 21)


def open_both(app: Driver) -> None:
    app.play("Pac-Man, endless")
    app.press(pygame.K_v)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    assert app.session.beside


def reds(surface: pygame.Surface, rect: pygame.Rect) -> int:
    """Pixels of a board in the colour of the marks."""
    inside = pygame.surfarray.array3d(surface.subsurface(rect))
    return int((inside == np.array((255, 96, 96))).all(-1).sum())


def test_v_marks_what_differs_and_pins_when_it_first_did(app: Driver):
    open_both(app)
    plan = app.window.screen._layout  # type: ignore[attr-defined]
    assert reds(app.window.surface, plan.boards[1]) == 0
    app.down(pygame.K_RIGHT)
    app.frames(40, 0.1)
    app.up(pygame.K_RIGHT)
    found = app.session.divergence
    assert found is not None and found.first is not None and found.now is not None and found.now.any()
    plan = app.window.screen._layout  # type: ignore[attr-defined]
    assert reds(app.window.surface, plan.boards[1]) > 100
    assert reds(app.window.surface, plan.boards[0]) < 50
    labels = {fact.label: fact.value for fact in app.window.screen.panel._facts(False)}  # type: ignore[attr-defined]
    assert labels["Cells that differ"] == f"{int(found.now.sum())} of 49"
    app.press(pygame.K_v)
    assert app.session.divergence is None


@pytest.mark.parametrize("size", [(1280, 800), (800, 600), (1900, 700), (160, 120), (3, 200), (1, 1)])
def test_both_pictures_of_the_first_difference_have_a_place(app: Driver, size):
    open_both(app)
    app.resize(*size)
    app.down(pygame.K_RIGHT)
    app.frames(33, 0.1)
    found = app.session.divergence
    assert found is not None and found.first is not None
    if min(size) < 600:
        return
    panel = app.window.screen._layout.panel  # type: ignore[attr-defined]
    assert reds(app.window.surface, panel) > 100


def test_the_controllers_facts_do_not_hide_the_differences(app: Driver):
    open_both(app)
    app.frames(10, 0.1)
    facts = app.window.screen.panel._facts(False)  # type: ignore[attr-defined]
    assert [fact.label for fact in facts[:2]] == ["Cells that differ", "Return"]
    assert isinstance(facts[0], hud.Fact)
