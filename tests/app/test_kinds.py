"""Several engines that dream the same game: which one is offered first, and what is said about each."""

import pygame
import pytest

from app import fakes
from app.driver import Driver
from app.training import old_run
from fake_task import starts
from gamesim import checkpoint, config
from gamesim.app.library import catalog
from gamesim.app.navigation import visit
from gamesim.app.screens.engines import Engines
from gamesim.app.screens.menu import Menu
from gamesim.app.screens.play import Play

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.fixture
def both(app: Driver) -> Driver:
    """A GameGAN, whose name comes first, World Models' engine and Tilemap, all of Pac-Man."""
    folder = app.checkpoints
    for name, preset in (
        ("gamegan-pacman", "gamegan-small"),
        ("a-world-model", "world-model"),
        ("tilemap-pacman", "tilemap"),
    ):
        settings = config.load(preset)
        card = {"game": catalog.PACMAN}
        checkpoint.save(folder / name, weights={}, config=settings, starts=starts(), card=card)
    return app


def test_the_menu_offers_tilemap_before_gamegan_before_world_models(both: Driver):
    menu = Menu(both.window)
    learned = [card.name for card in menu.cards if card.title.learned and not card.walk]
    assert learned == ["Tilemap Pac-Man", "GameGAN Pac-Man", "A World Model"]
    menu.close()


def test_tab_goes_from_the_real_game_into_tilemap_whatever_was_played_last(both: Driver):
    gamegan = catalog.dream(both.checkpoints / "gamegan-pacman")
    both.window.kit.workshop.use(gamegan)
    both.play("Pac-Man")
    both.press(pygame.K_TAB)
    both.until(lambda: isinstance(both.window.screen, Play) and both.session.world.title.learned)
    assert both.session.world.title.name == "Tilemap Pac-Man"


def test_tab_goes_into_an_engine_of_a_run_where_none_is_shipped(both: Driver):
    run = old_run(both, "arcade-run")
    (run / "last" / "README.md").write_text(f"| game | {catalog.ARCADE} |\n")
    both.play("Arcade")
    both.press(pygame.K_TAB)
    both.until(lambda: isinstance(both.window.screen, Play) and both.session.world.title.learned)
    assert both.session.world.title.name == "Arcade Run"


def test_the_walk_home_is_in_tilemap_even_if_gamegan_was_played_last(both: Driver):
    gamegan = catalog.dream(both.checkpoints / "gamegan-pacman")
    both.window.kit.workshop.use(gamegan)
    menu = Menu(both.window)
    assert next(card.title.name for card in menu.cards if card.walk) == "Tilemap Pac-Man"
    menu.close()


@pytest.mark.parametrize(
    ("name", "about"),
    [
        (
            "gamegan-pacman",
            "Learned from Pac-Man: frames and key presses, given which keys are opposites; "
            "trained by reconstruction and discriminators",
        ),
        ("tilemap-pacman", "trained by the likelihood of real frames alone, without a discriminator"),
    ],
)
def test_the_engines_page_says_what_an_engine_was_given_and_trained_by(both: Driver, name: str, about: str):
    visit(both.window, "Models")
    both.frames(2)
    page = both.window.screen
    assert isinstance(page, Engines)
    title = next(title for title in page.rows if title.checkpoint == both.checkpoints / name)
    assert page.about(title).endswith(about)


@pytest.mark.parametrize("content", [b"", b"\xff", b"system: [", b"system: another-kind\n"])
def test_an_engine_of_no_known_kind_comes_last(both: Driver, content: bytes):
    folder = both.checkpoints / "a-maze"
    folder.mkdir()
    (folder / "config.yaml").write_bytes(content)
    assert [title.name for title in catalog.dreams(both.checkpoints)][-1] == "A Maze"


def test_a_dream_is_of_the_game_on_its_card_and_of_no_other(both: Driver):
    folder = both.checkpoints / "gamegan-pacman"
    for game in ("my/Nine-v0", "gamesim/PacmanMaze-v0"):
        fakes.card(folder, game)
        title = catalog.dream(folder)
        assert title.game_id == game and catalog.game_name(game) in title.blurb
    (folder / "README.md").unlink()
    unknown = catalog.dream(folder)
    assert unknown.game_id == "", "a name that says Pac-Man is no card"
    assert catalog.partner(unknown, []) is None
