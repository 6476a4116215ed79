"""Coming home: walk away, come back, and be told what is not as it was."""

from collections import deque
from pathlib import Path

import numpy as np
import pygame
import pytest

import gamesim  # noqa: F401
from app import fakes
from app.driver import Driver, dream, world
from gamesim.app.controls import DOWN, LEFT, RIGHT, STAY, UP, Command
from gamesim.app.game.homecoming import WALK, Homecoming, judge, moved
from gamesim.app.game.world import World
from gamesim.app.library.catalog import ARCADE, MAZE, PACMAN
from gamesim.app.screens.menu import Menu
from gamesim.app.screens.play import Play

BACK = {LEFT: RIGHT, RIGHT: LEFT, UP: DOWN, DOWN: UP}
DELTAS = {LEFT: (-1, 0), RIGHT: (1, 0), UP: (0, -1), DOWN: (0, 1)}


def way_out(made: World) -> list[int]:
    """Moves to a cell WALK away, the shortest way."""
    assert made.now is not None
    cells, start = made.now.cells, made.now.pacman
    todo: deque[tuple[tuple[int, int], list[int]]] = deque([(start, [])])
    seen = {start}
    while todo:
        (x, y), way = todo.popleft()
        if abs(x - start[0]) + abs(y - start[1]) == WALK:
            return way
        for move, (dx, dy) in DELTAS.items():
            there = (x + dx, y + dy)
            inside = 0 <= there[0] < cells.shape[1] and 0 <= there[1] < cells.shape[0]
            if inside and there not in seen and cells[there[1], there[0]] not in (1, 3):  # wall, flag
                seen.add(there)
                todo.append((there, [*way, move]))
    raise AssertionError("no cell is far enough away")


def there_and_back(made: World) -> list[int]:
    out = way_out(made)
    return out + [BACK[move] for move in reversed(out)]


def walk(made: World, moves: list[int]) -> Homecoming:
    home = Homecoming(made)
    for move in moves:
        made.step(move)
        home.look()
    return home


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("game_id", [PACMAN, MAZE])
def test_the_real_game_forgets_nothing(game_id, seed):
    made = world(game_id, seed)
    home = walk(made, there_and_back(made))
    assert home.verdict is not None and home.verdict.share == 0.0
    assert home.verdict.counted.sum() >= 30


def test_the_garden_forgets_nothing_either():
    made = world(PACMAN, theme="garden")
    home = walk(made, there_and_back(made))
    assert home.verdict is not None and home.verdict.share == 0.0


@pytest.mark.parametrize("game_id", [PACMAN, MAZE])
def test_where_he_is_is_seen_from_how_the_picture_scrolls(game_id):
    for seed in range(4):
        made = world(game_id, seed)
        start = made.now.pacman
        home = Homecoming(made)
        chance = np.random.default_rng(seed)
        for _ in range(60):
            made.step(int(chance.integers(0, 5)))
            if made.over:
                break
            home.look()
            assert home.place == (made.now.pacman[0] - start[0], made.now.pacman[1] - start[1])


def test_before_he_was_far_enough_away_nothing_is_judged():
    made = world(PACMAN, 1)
    out = way_out(made)[: WALK - 2]
    home = walk(made, out + [BACK[move] for move in reversed(out)])
    assert home.place == (0, 0) and home.verdict is None and not home.returning


def test_cells_walked_over_and_ghosts_do_not_count():
    real = world(PACMAN, 2)
    picture = real.frame
    changed = picture.copy()
    changed[3 * 12 : 4 * 12, 4 * 12 : 5 * 12] = 255  # right of the middle, where he walked
    changed[0:12, 0:12] ^= 255
    found = judge(picture, changed, [(0, 0), (1, 0)])
    assert not found.counted[3, 3] and not found.counted[3, 4]
    assert found.forgotten[0, 0] and found.forgotten.sum() == 1
    assert found.share == pytest.approx(1 / found.counted.sum())


def test_a_dream_that_draws_something_else_is_told_how_much_it_forgot():
    made = world(PACMAN, 3)
    moves = there_and_back(made)
    home = walk(made, moves[:-1])
    made.step(moves[-1])
    frame, action = made.trail[-1]
    wrong = frame.copy()
    wrong[:24] ^= 255  # the upper two rows of cells
    made.trail[-1] = (wrong, action)
    home.look()
    assert home.verdict is not None
    rows = home.verdict.forgotten.sum(1)
    assert rows[:2].sum() == home.verdict.counted[:2].sum() > 0 and rows[2:].sum() == 0


def test_rewinding_walks_back_and_past_the_beginning_ends_it():
    made = dream()
    made.reset()
    made.step(STAY)
    home = walk(made, [STAY] * 4)
    for _ in range(2):
        made.rewind()
    made.step(STAY)
    home.look()
    assert len(home.path) == 4 and not home.lost
    for _ in range(5):
        made.rewind()
    assert home.lost
    made.step(STAY)  # as many steps as there were at the beginning, but another way
    home.look()
    assert home.lost


def test_rewinding_to_just_before_a_walk_ends_the_walk_and_not_the_game(app: Driver):
    app.play("Tilemap Pac-Man")
    app.session.tick()
    app.press(pygame.K_h)
    app.session.world.rewind()
    app.session.tick()
    app.frames(1, 0.0)
    assert type(app.window.screen).__name__ == "Play" and "before you came home" in app.said


def test_standing_still_is_no_move():
    frame = world().frame
    assert not moved(frame, frame, STAY)


def test_a_whole_board_has_no_home_to_come_back_to():
    assert world().ego and not world(ARCADE).ego


# in the app ----------------------------------------------------------------------------------------------


KEYS = {LEFT: pygame.K_LEFT, RIGHT: pygame.K_RIGHT, UP: pygame.K_UP, DOWN: pygame.K_DOWN}


def go(app: Driver, moves: list[int]) -> None:
    """One move after another by tapped keys."""
    for move in moves:
        steps = app.session.world.steps
        app.press(KEYS[move])
        while app.session.world.steps == steps:
            app.frames(1, 0.1)


def maze(app: Driver) -> World:
    app.play("Maze, endless")
    app.session.world.env.reset(seed=4)
    app.session.world.reset()
    return app.session.world


def test_h_begins_the_walk_and_coming_back_shows_the_verdict(app: Driver):
    made = maze(app)
    moves = there_and_back(made)
    app.press(pygame.K_h)
    assert f"Walk {WALK} cells away" in app.said
    go(app, moves[:3])
    facts = {fact.label: fact for fact in app.window.screen.panel.facts(True)}  # type: ignore[attr-defined]
    assert facts["Walk away"].value.endswith(f"of {WALK} cells") and facts["Walk away"].bar
    go(app, moves[3 : len(moves) // 2 + 1])
    assert "Now come home" in app.said
    facts = {fact.label: fact for fact in app.window.screen.panel.facts(True)}  # type: ignore[attr-defined]
    assert any(arrow in facts["Come home"].value for arrow in "←→↑↓")
    go(app, moves[len(moves) // 2 + 1 :])
    home = app.window.screen.panel.home  # type: ignore[attr-defined]
    assert home.verdict is not None and home.verdict.share == 0.0
    steps = made.steps
    app.frames(5, 0.2)
    assert made.steps == steps  # the clock stands still
    app.press(pygame.K_h)
    app.frames(5, 0.2)
    assert made.steps > steps


def test_enter_after_the_verdict_is_a_new_game(app: Driver):
    made = maze(app)
    moves = there_and_back(made)
    app.press(pygame.K_h)
    go(app, moves)
    app.press(pygame.K_RETURN)
    assert made.steps == 0 and app.window.screen.panel.home is None  # type: ignore[attr-defined]


def test_h_again_gives_it_up(app: Driver):
    maze(app)
    app.press(pygame.K_h, pygame.K_h)
    assert "gave up" in app.said and app.window.screen.panel.home is None  # type: ignore[attr-defined]


def test_where_there_is_no_way_home_h_says_so(app: Driver):
    app.play("Arcade")
    app.press(pygame.K_h)
    assert "needs a scrolling game that is running" in app.said
    app.press(pygame.K_ESCAPE)
    app.play("Pac-Man, endless")
    app.press(pygame.K_v)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    app.press(pygame.K_h)
    assert "works with one board" in app.said


def test_the_end_of_the_episode_ends_the_walk(app: Driver):
    app.play("Maze")
    app.press(pygame.K_h)
    app.frames(30, 0.29)  # two steps each
    assert "ended before you came home" in app.said and app.window.screen.panel.home is None  # type: ignore[attr-defined]


def test_an_end_of_a_dream_is_no_end_of_the_walk(app: Driver, entry):
    """Who comes upon a flag on the way still comes home; without a walk the dream ends there."""
    entry(fakes.Mortal)
    app.play("Tilemap Pac-Man")
    app.press(pygame.K_h)
    app.passes(2.0)
    page = app.window.screen
    assert isinstance(page, Play)
    assert len(page.world.ends) > 1 and page.world.over is None and page.panel.home is not None
    app.press(pygame.K_h)
    app.passes(2.0)
    assert page.world.over and not app.window.kit.settings.endless_dreams


def test_on_the_way_home_the_key_that_ignores_ends_is_neither_offered_nor_changes_what_was_chosen(
    app: Driver, entry
):
    entry(fakes.Mortal)
    app.play("Tilemap Pac-Man")
    offered = lambda: Command.ENDLESS in [does for does, _ in app.window.screen.works()]  # noqa: E731
    assert offered()
    app.press(pygame.K_h)
    app.frames(2)
    assert not offered()
    app.press(pygame.K_o)
    assert not app.window.kit.settings.endless_dreams and "go on after an end anyway" in app.said
    app.press(pygame.K_h)
    app.frames(2)
    assert offered()


@pytest.mark.parametrize("size", [(1280, 800), (800, 600), (160, 120), (1, 1)])
def test_the_verdict_fits_any_window(app: Driver, size):
    made = maze(app)
    moves = there_and_back(made)
    app.resize(*size)
    app.press(pygame.K_h)
    go(app, moves)
    app.frames(2)
    assert app.window.screen.panel.home.verdict is not None  # type: ignore[attr-defined]


def choose_coming_home(app: Driver) -> None:
    menu = app.window.screen
    assert isinstance(menu, Menu)
    app.frames(2)
    menu.chosen = next(i for i, card in enumerate(menu.cards) if card.name == "Coming home")
    app.press(pygame.K_RETURN)
    app.until(lambda: isinstance(app.window.screen, Play))
    app.frames(1)


def test_the_menu_has_it_and_every_episode_begins_with_a_walk(app: Driver):
    choose_coming_home(app)
    page = app.window.screen
    assert isinstance(page, Play) and page.world.temperature is not None
    assert page.panel.home is not None and "Remember this place" in app.said
    app.frames(10, 0.1)
    first = page.panel.home
    app.press(pygame.K_RETURN)
    app.frames(1)
    assert page.panel.home is not None and page.panel.home is not first


def test_once_given_up_it_does_not_come_back(app: Driver):
    choose_coming_home(app)
    page = app.window.screen
    assert isinstance(page, Play)
    app.press(pygame.K_h, pygame.K_RETURN)
    app.frames(2)
    assert page.panel.home is None


def test_it_is_walked_in_a_dream_without_ghosts_where_there_is_one(app: Driver, checkpoints: Path):
    for name in ("a-world-model-maze", "tilemap-maze", "zzz-pacman"):
        (checkpoints / name).mkdir()
        system = "world-model" if "world" in name else "tilemap"
        (checkpoints / name / "config.yaml").write_text(f"system: {system}\n", encoding="utf-8")
        fakes.card(checkpoints / name, MAZE if "maze" in name else PACMAN)
    menu = app.window.screen
    assert isinstance(menu, Menu)
    menu.refresh()
    (card,) = (card for card in menu.cards if card.walk)
    assert card.title.checkpoint == checkpoints / "tilemap-maze"
    menu.chosen = menu.cards.index(card)
    menu.refresh()
    assert menu.cards[menu.chosen].walk


def test_without_a_dream_the_menu_does_not_offer_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)  # where no runs are
    app = Driver(tmp_path / "nothing", tmp_path)
    menu = app.window.screen
    assert isinstance(menu, Menu) and not any(card.walk for card in menu.cards)
    app.window.close()
