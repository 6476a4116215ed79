"""One look for both sides: the same frame is drawn alike, whoever made it, and one key changes both."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pygame
import pytest

from app.driver import Driver, world
from app.fakes import FakeDream, Layered
from app.worlds_of_cells import GHOST, Board
from gamesim.app.game.doubt import Doubt
from gamesim.app.game.sight import read, sight
from gamesim.app.library.catalog import GARDEN, PACMAN
from gamesim.envs.layouts import FLOOR


def boards(app: Driver) -> list[np.ndarray]:
    app.frames(1, 0.0)
    plan = app.window.screen.layout  # type: ignore[attr-defined]
    inner = [board.inflate(-8, -8) for board in plan.boards]
    return [pygame.surfarray.array3d(app.window.surface.subsurface(board)) for board in inner]


def beside(app: Driver) -> None:
    app.play("Pac-Man, endless")
    app.press(pygame.K_v)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    assert app.session.beside
    app.session.paused = True


def test_side_by_side_the_same_frame_looks_the_same_and_one_key_changes_both(app: Driver):
    beside(app)
    real, dreamt = app.session.playing
    np.testing.assert_array_equal(real.frame, dreamt.frame)
    large = boards(app)
    app.press(pygame.K_l)
    pixels = boards(app)
    assert "Pixels" in app.said
    for first, second in (large, pixels):  # but for the banner of one of them
        edge = slice(None, len(first) // 8)
        np.testing.assert_array_equal(first[:, edge], second[:, edge])
    assert not np.array_equal(large[0], pixels[0])


def test_the_look_is_the_same_at_the_next_start_and_until_settings_are_reset(
    app: Driver, checkpoints, tmp_path
):
    app.play("Maze")
    app.press(pygame.K_l)
    app.window.close()
    again = Driver(checkpoints, tmp_path)
    assert again.window.kit.look.pixels and again.window.kit.settings.pixels
    again.window.kit.settings.reset()
    again.window.kit.keep_settings()
    assert not again.window.kit.look.pixels
    again.window.close()


@pytest.mark.parametrize("game_id", [PACMAN, GARDEN])
def test_a_real_frame_is_read_as_what_the_game_has(game_id):
    made = world(game_id)
    reading = read(made.frame, 7)
    assert reading is not None and not reading.strange.any()
    assert reading.theme == ("garden" if game_id == GARDEN else "night")
    seen = sight(reading)
    cells, where = made.info["cells"], np.ones((7, 7), bool)
    where[3, 3] = False
    np.testing.assert_array_equal(seen.now.cells[where], cells[where])


def test_what_is_like_nothing_stays_the_pixels_that_it_is():
    frame = Board().frame()
    frame[:12, 12:24] = np.random.default_rng(0).integers(0, 255, (12, 12, 3))
    reading = read(frame, 7)
    assert reading is not None and np.argwhere(reading.strange).tolist() == [[0, 1]]
    np.testing.assert_array_equal(sight(reading).patches[1, 0], frame[:12, 12:24])
    assert read(np.full((84, 84, 3), 128, np.uint8), 7) is None


def test_a_view_that_scrolls_moves_between_its_cells_and_ghosts_come_from_where_they_were():
    board = Board()
    was = read(board.frame(r0c4=GHOST), 7)
    board.go(2)
    now = read(board.frame(r0c3=GHOST, r6c6=FLOOR), 7)
    assert was is not None and now is not None
    seen = sight(now, was, 2)
    assert seen.now.pacman[0] - seen.before.pacman[0] == 1 and seen.now.cells.shape == (7, 8)
    assert (seen.before.ghosts[0].x, seen.now.ghosts[0].x) == (4, 4)


def test_how_sure_a_dream_is_shows_where_other_draws_of_the_step_differ(app: Driver):
    app.play("Tilemap Pac-Man")
    app.session.tick()
    app.press(pygame.K_u)
    app.frames(2, 0.0)
    doubt = app.window.screen.stage.doubt  # type: ignore[attr-defined]
    assert doubt.share is not None and doubt.share[0, 0] == 0.5 and doubt.share.sum() == 0.5
    facts = {fact.label: fact.value for fact in app.window.screen.panel.facts(True)}  # type: ignore[attr-defined]
    assert facts["Unsure about"] == "1 of 49 cells"
    app.press(pygame.K_u)
    app.frames(2, 0.0)
    assert doubt.share is None


def test_a_real_game_is_never_unsure_and_says_so(app: Driver):
    app.play("Maze")
    app.press(pygame.K_u)
    assert "Only dreams can be unsure" in app.said and not Doubt.asks(app.session.world)


@pytest.mark.parametrize("size", [(1280, 800), (800, 600), (320, 240)])
def test_the_pages_of_a_dream_open_scroll_and_close(app: Driver, size):
    app.play("Tilemap Pac-Man")
    app.resize(*size)
    for key, name in ((pygame.K_i, "About"), (pygame.K_t, "Story")):
        app.press(key)
        app.frames(2, 0.0)
        page = app.window.screen
        assert type(page).__name__ == name
        app.press(*[pygame.K_PAGEDOWN] * 9)
        assert page.scroller.at == page.scroller.most  # type: ignore[attr-defined]
        app.press(pygame.K_ESCAPE)
        assert type(app.window.screen).__name__ == "Play"


def test_the_story_of_temperature_has_the_papers_table_and_ours(app: Driver):
    from gamesim.app.screens.about import OURS, PAPER, TAKECOVER, Story

    words = " ".join(getattr(block, "source", "") for block in Story(app.window).blocks())
    assert "The paper's own figures" in words and "Our own figures" in words
    assert "193 ± 58" in PAPER[2] and "771 ± 15" in TAKECOVER[2] and "0.91 ± 0.06" in OURS[2]


def about(app: Driver, **title: object) -> dict[str, str]:
    """What the page about a dream says, by heading, once its title is changed."""
    app.play("Tilemap Pac-Man")
    made = app.session.world
    made.title = replace(made.title, **title)  # type: ignore[arg-type]
    app.press(pygame.K_i)
    blocks = app.window.screen.blocks()  # type: ignore[attr-defined]
    return {getattr(block, "heading", ""): getattr(block, "words", "") for block in blocks}


class Recalling(Layered):
    """A dream whose model can draw what a slot held before."""

    def internals(self) -> dict[str, np.ndarray]:
        return super().internals() | {"recalled": np.zeros((7, 7), np.float32)}


@pytest.mark.parametrize(
    ("entered", "memory", "recall"),
    [(Layered, True, False), (Recalling, False, True), (FakeDream, False, False)],
)
def test_a_memory_is_spoken_of_as_the_model_has_one(app: Driver, entry, entered, memory, recall):
    """One that recalls is not said to lose what it writes over."""
    entry(entered)
    page = about(app, system="gamegan")
    assert "How this model works" in page
    assert ("Memory" in page) == memory and ("Memory, with recall" in page) == recall
    words = " ".join(page.values())
    assert ("what the slot held before" in words) == recall
    assert ("forgets part of what it drew" in words) == memory


@pytest.mark.parametrize(
    ("learned", "told"), [("frames, given the size of a place", True), ("frames", False)]
)
def test_a_variant_is_known_by_its_card_not_by_the_name_of_a_folder(
    app: Driver, tmp_path: Path, learned: str, told: bool
):
    folder = tmp_path / "many places" / "mine"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(
        f"| fact | |\n|---|---|\n| learned from | {learned} |\n", encoding="utf-8"
    )
    assert ("World Model (places)" in about(app, system="world-model", checkpoint=folder)) == told
