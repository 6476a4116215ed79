"""Words in a narrow place: a name gets smaller letters before it loses some of them."""

import pygame
import pytest

from gamesim.app import theme
from gamesim.app.theme import COLOURS, Scale, font
from gamesim.app.ui.parts import draw_head, margin_of
from gamesim.app.ui.widgets import text

NAME = "Tilemap Pac-Man"


@pytest.fixture(autouse=True)
def typeface() -> None:
    pygame.font.init()


@pytest.mark.parametrize("share", [1.0, 0.9, 0.75])
def test_a_name_shrinks_until_it_fits(share: float):
    room = round(share * font(28, True).size(NAME)[0])
    surface = pygame.Surface((600, 60))
    assert text(surface, NAME, (0, 0), 28, bold=True, width=room, shrinks=True).width <= room
    whole = pygame.image.tobytes(surface, "RGB")
    other = pygame.Surface((600, 60))
    text(other, NAME, (0, 0), 28, bold=True, width=room)
    assert (whole == pygame.image.tobytes(other, "RGB")) == (share == 1.0)


def test_letters_stay_large_enough_to_read():
    surface = pygame.Surface((600, 60))
    tall = text(surface, NAME, (0, 0), 28, bold=True).height
    tiny = text(surface, NAME, (0, 0), 28, bold=True, width=20, shrinks=True)
    assert tiny.width <= 20 and tiny.height > 0.6 * tall


@pytest.mark.parametrize("size", [(1280, 800), (640, 480), (320, 240)])
def test_the_title_of_a_page_ends_before_the_window_does(size: tuple[int, int]):
    """A run may be called anything."""
    surface, scale = pygame.Surface(size), Scale.of(size)
    surface.fill(COLOURS["back"])
    draw_head(surface, "a name that is longer than the window is wide " * 3, "", scale)
    margin = margin_of(size, scale)
    edge = pygame.surfarray.array3d(surface)[size[0] - margin :]
    assert (edge == COLOURS["back"]).all()


def test_a_name_in_letters_that_the_typeface_misses_is_drawn_in_another():
    """Else each of them is the same box."""
    drawn = {pygame.image.tobytes(font(28).render(letter, True, "white"), "RGBA") for letter in "ЖЯΩ"}
    assert len(drawn) == 3
    mixed = [font(28).render(f"{letter}𓀀", True, "white") for letter in "ЖЯ"]
    assert len({pygame.image.tobytes(each, "RGBA") for each in mixed}) == 2, (
        "though some letter has none at all"
    )
    surface, name = pygame.Surface((600, 60)), "Прогулка домой"
    assert text(surface, name, (0, 0), 28, width=200, shrinks=True).width <= 200


def test_where_the_systems_typefaces_cannot_be_listed_there_still_is_one(monkeypatch: pytest.MonkeyPatch):
    def fails(name: str) -> str:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(pygame.font, "match_font", fails)
    theme._stand_ins.cache_clear()
    assert font(28).render("Ж", True, "white").get_width() > 0
    theme._stand_ins.cache_clear()
