"""Words in a narrow place: a name gets smaller letters before it loses some of them."""

from types import ModuleType, SimpleNamespace

import numpy as np
import pygame
import pytest

from app.driver import Driver
from app.fakes import save
from app.training import engine_folder, old_run
from gamesim.app import theme
from gamesim.app.action_keys import ActionKeys
from gamesim.app.controls import KEYMAP, Command
from gamesim.app.game import hud
from gamesim.app.library import run_view
from gamesim.app.library.runs import Run
from gamesim.app.navigation import visit
from gamesim.app.screens import menu, settings
from gamesim.app.screens.menu import Menu
from gamesim.app.screens.settings import SettingsScreen
from gamesim.app.theme import COLOURS, Scale, font
from gamesim.app.ui import parts, widgets
from gamesim.app.ui.parts import draw_head, margin_of
from gamesim.app.ui.widgets import keycap, text
from gamesim.app.xray import flow

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


@pytest.mark.parametrize(("name", "ours"), [("runs/名前 の長い", "runs/"), ("名前 の長い (2)", " (2)")])
def test_what_our_typeface_has_is_drawn_in_it_beside_other_letters(name: str, ours: str):
    """The stand-in may have nothing but its own letters: "runs/" was five boxes."""
    drawn, alone = (
        pygame.surfarray.array_alpha(font(20).render(each, True, "white")) for each in (name, ours)
    )
    drawn = drawn[: len(alone)] if name.startswith(ours) else drawn[-len(alone) :]
    np.testing.assert_array_equal(drawn[:, drawn.any(0)], alone[:, alone.any(0)])
    assert font(20).size(name) == font(20).render(name, True, "white").get_size()


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


LONG = "A Model With A Name That Is Much Longer Than Any Card In The Menu Is Wide 2"


def words_drawn(monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> list[str]:
    """What is drawn from now on, as it is drawn: cut, if it was cut."""
    said: list[str] = []

    def noted(surface, words, place, size, *colour, width=None, **how):
        size = widgets.fitting(words, size, width, how.get("bold", False)) if how.get("shrinks") else size
        said.append(words if width is None else widgets.shorten(words, size, width, how.get("bold", False)))
        return text(surface, words, place, size, *colour, width=width, **how)

    for module in modules:
        monkeypatch.setattr(module, "text", noted)
    return said


@pytest.mark.parametrize("width", range(400, 1300, 100))
def test_what_the_menu_says_of_its_own_cards_is_whole(app: Driver, monkeypatch, width: int):
    """At 700x520 coming home asked "What was forgott…"."""
    app.resize(width, round(width * 0.74))
    said = words_drawn(monkeypatch, menu, widgets)
    app.frames(1)
    assert "Coming home" in said and not [words for words in said if words.endswith("…")]


def test_a_card_of_the_menu_says_that_its_name_goes_on(app: Driver, monkeypatch: pytest.MonkeyPatch):
    """Two models whose names begin alike were the same card: the third line and the rest were left out."""
    said = words_drawn(monkeypatch, menu, widgets)
    page = app.window.screen
    assert isinstance(page, Menu)
    surface, scale = pygame.Surface((300, 200)), Scale.of((1280, 800))
    card = SimpleNamespace(name=LONG, blurb="Learned from Pac-Man")
    page._draw_words(surface, card, (0, 0), 130, 4, scale)  # type: ignore[arg-type]
    assert said[0] == "A Model With A" and said[1].endswith("…") and said[2].startswith("Learned")


@pytest.mark.parametrize("width", [90, 200, 430])
def test_a_panel_shows_the_whole_of_a_name(width: int, monkeypatch: pytest.MonkeyPatch):
    """The row beside it has cut it already; a run's name has hyphens instead of spaces."""
    said = words_drawn(monkeypatch, widgets)
    surface = pygame.Surface((500, 500))
    for name in (LONG, LONG.replace(" ", "-").lower(), LONG.title().replace(" ", ""), "很长的名字" * 9):
        said.clear()
        bottom = widgets.headline(surface, name, (0, 0), 22, width)
        assert "".join(said).replace(" ", "") == name.replace(" ", "")
        assert all(font(22, True).size(line)[0] <= width for line in said)
        assert bottom <= 30 * len(said)


@pytest.mark.parametrize("page", ["Models", "Train", "Recordings"])
def test_the_panels_of_lists_show_whole_names(app: Driver, page: str, monkeypatch: pytest.MonkeyPatch):
    said = words_drawn(monkeypatch, widgets)
    name = LONG.replace(" ", "-").lower()
    checkpoint = app.checkpoints / name
    engine_folder(app).rename(checkpoint) if page == "Models" else None
    old_run(app, name) if page == "Train" else None
    save(app.recordings / "pac-man", name) if page == "Recordings" else None
    visit(app.window, page)
    app.until(lambda: not app.window.kit.workshop.shelf.scanning)
    app.frames(2)
    app.press(pygame.K_DOWN)
    app.frames(2)
    assert "longerthananycardinthemenu" in "".join(said).lower().replace(" ", "").replace("-", "")


@pytest.mark.parametrize("size", [(640, 480), (320, 240), (240, 320)])
def test_the_settings_explain_each_of_them_in_whole_sentences(app: Driver, size, monkeypatch):
    """In a small window the one line at the foot ended in an ellipsis, in the middle of what it said."""
    app.resize(*size)
    app.press(pygame.K_F2)
    page = app.window.screen
    assert isinstance(page, SettingsScreen)
    said = words_drawn(monkeypatch, widgets, settings)
    for index, row in enumerate(page.rows):
        if row.about:
            page.chosen, page.reveal = index, True
            said.clear()
            app.frames(1)
            assert row.about.replace(" ", "") in "".join(said).replace(" ", "")
            assert page.view.contains(page.current.rect), "and the row itself is still seen"


@pytest.mark.parametrize("size", [(1280, 800), (640, 480), (320, 240), (240, 320)])
def test_the_settings_name_each_action_in_whole_words_beside_its_keys(app: Driver, size, monkeypatch):
    """ "Hold to rewind the dream; release to play on fro…", even in a large window."""
    app.resize(*size)
    app.press(pygame.K_F2)
    page = app.window.screen
    assert isinstance(page, SettingsScreen)
    for key in (pygame.K_SCROLLLOCK, pygame.K_PRINTSCREEN):
        KEYMAP.give(Command.REWIND, key, add=True)
    caps: list[pygame.Rect] = []
    monkeypatch.setattr(settings, "keycap", lambda *a, **k: caps.append(keycap(*a, **k)) or caps[-1])
    said = words_drawn(monkeypatch, settings)
    for index, row in enumerate(page.rows):
        if not row.heading:
            page.chosen, page.reveal = index, True
            app.frames(1)
            said.clear()
            caps.clear()
            page.draw_row(pygame.display.get_surface(), page.current, True, Scale.of(size))
            assert "".join(said).replace(" ", "").startswith(row.label.replace(" ", ""))
            room = page.current.rect
            assert all(room.contains(cap) and cap.left > room.left + room.width // 2 for cap in caps)
            assert all(a.collidelist([b for b in caps if b is not a]) < 0 for a in caps)
    KEYMAP.restore()


@pytest.mark.parametrize("size", [(1280, 800), (480, 640), (240, 320)])
def test_the_line_about_a_page_is_whole_beside_its_title_or_below_it(size, monkeypatch):
    """ "Training losses. Purple: measured on games k…" """
    surface, scale = pygame.Surface(size), Scale.of(size)
    said = words_drawn(monkeypatch, parts, widgets)
    line = "Training losses. Held out: measured on games kept out of training"
    bottom = draw_head(surface, "world-model-mine", line, scale)
    assert " ".join(said).endswith(line) and bottom < size[1] / 3


@pytest.mark.parametrize("width", [360, 200, 90])
def test_a_fact_is_told_to_its_end(width: int, monkeypatch: pytest.MonkeyPatch):
    """Under Models, "gamegan-more (1,700 steps, 78.0 minutes on two CPU…" was cut in the usual window."""
    surface, scale = pygame.Surface((width, 200)), Scale.of((1280, 800))
    said = words_drawn(monkeypatch, parts)
    value = "gamegan-more (1,700 steps, 78.0 minutes on two CPU cores)"
    bottom = parts.draw_facts(surface, pygame.Rect(0, 0, width, 0), [("From", value), ("Steps", "3")], scale)
    assert "".join(said).replace(" ", "") == f"From{value}Steps3".replace(" ", "")
    assert bottom > 2 * parts.draw_facts(surface, pygame.Rect(0, 0, width, 0), [("Steps", "3")], scale)
    edge = pygame.surfarray.array3d(surface)[: font(16).size("From")[0] + 4, 30:40]
    assert not edge.any(), "nor does it run into its label"


@pytest.mark.parametrize("width", [400, 200, 120])
def test_why_a_run_failed_is_told_to_its_end(app: Driver, width: int, monkeypatch: pytest.MonkeyPatch):
    """The panel had at most four lines, and cut the fifth through."""
    run = Run(old_run(app, "mine"), app.window.kit.workshop.jobs)
    run.why = "the recordings that it was trained on are gone: " + "/home/someone/recordings/pac-man " * 9
    monkeypatch.setattr(Run, "doing", "getting ready: reading the recordings, which may take a few minutes")
    said, panels = words_drawn(monkeypatch, run_view, widgets), []
    monkeypatch.setattr(run_view, "box", lambda surface, rect, *how: panels.append(rect))
    surface, area = pygame.Surface((width, 900)), pygame.Rect(0, 0, width, 0)
    below = run_view.draw_state(surface, area, run, Scale.of((1280, 800)))
    told = "".join(said).replace(" ", "")
    assert run.doing.replace(" ", "") in told and run.why.replace(" ", "") in told
    lines = len(widgets.wrap(run.why, 15, width - 20))
    assert panels[0].height > lines * 15 * 1.35 and below > panels[0].bottom


def test_a_value_beside_a_board_gets_smaller_letters_before_it_loses_some():
    """A small window said that a dream ends with a chance of "100…"."""
    fact, room = hud.Fact("Chance of an ending", "100 %"), round(0.8 * font(20, True).size("100 %")[0])
    drawn, whole = pygame.Surface((200, 40)), pygame.Surface((200, 40))
    hud.draw_value(drawn, fact, (0, 0), 20, "topleft", room)
    text(whole, "100 %", (0, 0), widgets.fitting("100 %", 20, room, bold=True), bold=True)
    assert pygame.image.tobytes(drawn, "RGB") == pygame.image.tobytes(whole, "RGB")


PRESSED = ActionKeys.word("RIGHT 0.75+GAS 0.25+BRAKE 0.75")


@pytest.mark.parametrize("anchor", ["topleft", "midright"])
def test_what_an_ai_presses_is_told_to_its_end_beside_a_board(anchor: str, monkeypatch: pytest.MonkeyPatch):
    """Three numbers at once ended in "…" under two boards and in a small window."""
    said, room = words_drawn(monkeypatch, hud), 146
    drawn, fact = pygame.Surface((600, 56)), hud.Fact("AI presses", PRESSED)
    hud.draw_value(drawn, fact, (300, 19), 20, anchor, room)
    assert len(said) == 2 and " ".join(said) == PRESSED
    assert pygame.mask.from_threshold(drawn, (255, 255, 255), (99, 99, 99)).get_bounding_rects()
    assert not pygame.surfarray.array3d(drawn)[:, 53:].any(), "nor does it run into what is below"


@pytest.mark.parametrize(("side", "size"), [(160, (1280, 800)), (90, (640, 480)), (48, (320, 240))])
def test_what_an_ai_presses_is_told_to_its_end_in_the_picture_of_its_model(side: int, size, monkeypatch):
    said, surface = words_drawn(monkeypatch, flow), pygame.Surface((side, side))
    flow._key(surface, surface.get_rect(), Scale.of(size), PRESSED)
    assert " ".join(said) == PRESSED


def test_a_label_keeps_its_distance_from_the_slider_above_it():
    """In the strip below two boards "Left" stood four pixels below the temperature's slider."""
    surface, scale, bars = pygame.Surface((320, 200)), Scale.of((1280, 800)), {}
    slider = hud.Fact("Temperature", "1.00", bar=0.5, slider=True)
    key = hud.Fact("Left", "←")
    hud.draw_strip(surface, surface.get_rect(), [slider, key, key, key], scale, bars)
    knob = bars["Temperature"].centery + bars["Temperature"].height
    below = pygame.surfarray.array3d(surface)[:, knob + 1 :].any(axis=(0, 2))
    assert not below[:8].any() and below.any()
