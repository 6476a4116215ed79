"""Engines in the app: cards, what can be done with them, measuring them."""

from pathlib import Path

import pygame
import pytest

from app.driver import Driver
from app.training import engine_folder, old_run, press_button
from gamesim.app.library import catalog
from gamesim.app.navigation import visit
from gamesim.app.screens import engines
from gamesim.app.screens.engines import Engines
from gamesim.app.screens.menu import Menu
from gamesim.app.screens.new_run import NewRun
from gamesim.app.screens.run import RunPage
from gamesim.app.theme import Scale
from gamesim.app.ui import parts, widgets
from gamesim.app.ui.ask import Ask
from gamesim.app.ui.parts import Action
from gamesim.app.ui.widgets import shorten
from gamesim.app.window import Quit

pytestmark = pytest.mark.usefixtures("elsewhere")


def test_engines_are_cards_with_figures_and_how_they_were_trained(app: Driver):
    engine_folder(app, {"rules": {"kept_25": 0.5, "moves_obeyed": 0.999}, "speed": {"median_ms": 4.7}})
    visit(app.window, "Models")
    app.frames(2)
    page = app.window.screen
    assert isinstance(page, Engines) and page.current
    card = page.cards[page.current.checkpoint]
    assert card.summary == "tilemap · 38 min · cpu"
    assert page.about(page.current) == "Learned from Pac-Man: frames, given the size of a cell"
    shown = {figure.label: (figure.value, figure.good) for figure in card.figures}
    assert shown["Board remembered for 25 steps"] == ("50.0 %", False)
    assert shown["One step takes"] == ("4.7 ms", True)


@pytest.mark.parametrize("size", [(1280, 800), (640, 480), (480, 900), (320, 240)])
def test_figures_that_differ_at_the_end_of_their_names_are_told_apart(app: Driver, size, monkeypatch):
    said: list[str] = []

    def text(surface, words, place, size, *colour, width=None, **how):
        said.append(words if width is None else shorten(words, size, width, how.get("bold", False)))
        return widgets.text(surface, words, place, size, *colour, width=width, **how)

    engine_folder(app, {"rules": {"kept_25": 0.5, "kept_10": 0.6, "moves_obeyed": 0.999}})
    monkeypatch.setattr(engines, "text", text)
    app.resize(*size)
    visit(app.window, "Models")
    app.frames(2)
    told = " ".join(said)
    assert "Board remembered for 25 steps" in told and "Board remembered for 10 steps" in told


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[[[", b'{"rules": {"kept_25": "x", "kept_10": NaN}}']
)
def test_damaged_cards_and_figures_are_engines_without_figures(app: Driver, content: bytes):
    folder = engine_folder(app)
    (folder / "metrics.json").write_bytes(content)
    (folder / "README.md").write_bytes(content)
    (folder / "starts.safetensors").write_bytes(content)
    visit(app.window, "Models")
    app.frames(20)
    page = app.window.screen
    assert isinstance(page, Engines) and page.count == 1 and page.current
    assert page.about(page.current) == "Its card does not say which game it learned"


def test_an_engine_is_played_from_its_card_and_is_then_the_last_used_at_home(app: Driver):
    engine_folder(app)
    visit(app.window, "Models")
    app.frames(1)
    app.press(pygame.K_RETURN)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    app.press(pygame.K_ESCAPE, pygame.K_ESCAPE)
    menu = Menu(app.window)
    assert menu.current and menu.current.name == "Continue"
    assert menu.current.title.checkpoint == app.checkpoints / "tilemap-pacman"
    menu.close()


@pytest.mark.parametrize("place", ["Recordings", "Models", "Train", "Settings", "Add a game"])
def test_the_title_bar_names_a_place_as_the_menu_does(app: Driver, place: str):
    visit(app.window, place)
    app.frames(1)
    assert pygame.display.get_caption()[0] == f"{place} - gamesim"


def test_the_title_bar_says_what_is_on_screen_and_never_a_class(app: Driver):
    window, run = app.window, app.window.kit.workshop.run(old_run(app))
    run.follow()
    found = []
    for screen in (
        None,
        Ask(window, "Delete it?", "", [Action("Keep")]),
        Quit(window),
        NewRun(window),
        NewRun(window, run),
        RunPage(window, run.folder),
    ):
        if screen is not None:
            window.go(screen)
        app.frames(1, 0.0)
        found.append(pygame.display.get_caption()[0])
    assert found == [
        "gamesim",
        "Delete it? - gamesim",
        "Quit gamesim? - gamesim",
        "New training - gamesim",
        "Train old further - gamesim",
        "old - gamesim",
    ]


def test_what_an_engine_cannot_do_is_said(app: Driver):
    engine_folder(app)
    visit(app.window, "Models")
    press_button(app, "Watch")
    assert "no AI driver" in app.said
    press_button(app, "Train further")
    assert "only for models trained here" in app.said


def test_an_engine_is_measured_in_a_process_of_its_own(trainer: Driver):
    engine_folder(trainer)
    visit(trainer.window, "Models")
    press_button(trainer, "Measure")
    page = trainer.window.screen
    assert isinstance(page, Engines) and page.current and page.job(page.current)
    folder = page.current.checkpoint
    trainer.until(lambda: (trainer.frames(1, 0.6), page.job(page.current) is None)[1])
    trainer.until(lambda: (trainer.frames(1, 1.1), page.cards[folder].fresh)[1])
    assert page.cards[folder].figures[0].value == "97.0 %"
    trainer.until(lambda: "measurement is done" in trainer.said)


@pytest.mark.parametrize(
    "names", [("日本", "中国"), ("my run", "my-run"), ("wm/controller", "wm-controller")]
)
def test_what_was_measured_of_one_model_is_never_shown_for_another(app: Driver, names: tuple[str, str]):
    workshop = app.window.kit.workshop
    one, other = (workshop.figures(catalog.dream(Path("runs") / name / "last")) for name in names)
    assert one != other and len(one.name.encode()) < 255


def test_only_a_model_that_was_evaluated_is_called_measured(app: Driver):
    engine_folder(app, {"validation": {"kl": 0.4}})
    visit(app.window, "Models")
    app.frames(1)
    page = app.window.screen
    assert isinstance(page, Engines) and page.current
    card = page.cards[page.current.checkpoint]
    assert card.figures and not card.measured and card.remembered is None
    engine_folder(app, {"rules": {"moves_obeyed": 0.999}})
    page.refresh()
    card = page.cards[page.current.checkpoint]
    assert card.measured and card.remembered is None  # another figure is not taken for it


def test_a_model_that_was_trained_here_can_be_deleted_from_its_page(app: Driver):
    folder = old_run(app)
    visit(app.window, "Models")
    app.frames(1)
    assert "Delete" not in [button.label for button in app.window.screen.buttons]  # type: ignore[attr-defined]
    app.press(pygame.K_END, pygame.K_DELETE)
    press_button(app, "Delete")
    assert not folder.exists() and app.window.screen.count == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["last", "best", "memory", "controller"])
def test_deleting_a_run_that_is_called_like_a_folder_inside_of_one_deletes_no_other(app: Driver, name: str):
    other, folder = old_run(app, "another"), old_run(app, name)
    visit(app.window, "Models")
    app.frames(1)
    page = app.window.screen
    assert isinstance(page, Engines)
    page.choose(next(i for i, title in enumerate(page.rows) if title.checkpoint == folder / "last"))
    app.frames(1)
    assert page.current and page.current.name == name.capitalize()
    app.press(pygame.K_DELETE)
    press_button(app, "Delete")
    assert other.is_dir() and not folder.exists()


@pytest.mark.parametrize("name", ["wm", "memory"])
@pytest.mark.parametrize("place", ["controller/last", "memory/best"])
def test_a_part_s_checkpoint_belongs_to_the_run_of_all_parts(tmp_path: Path, name: str, place: str):
    run = tmp_path / "runs" / name
    (run / place).mkdir(parents=True)
    (run / place / "config.yaml").write_text("system: world-model\n", encoding="utf-8")
    assert catalog.run_of(run / place) == run


@pytest.mark.parametrize("way", ["keys", "a double click"])
def test_keys_in_quick_succession_mean_the_row_that_they_chose(app: Driver, way: str):
    """A slow frame is long enough for two keys: what stands on the buttons still is not what they do."""
    engine_folder(app)
    folder = old_run(app)
    visit(app.window, "Models")
    app.frames(1)
    page = app.window.screen
    assert isinstance(page, Engines)
    second = (page.view.centerx, page.view.top + page.height * 3 // 2)
    for event in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP) * 2 if way == "a double click" else ():
        pygame.event.post(pygame.event.Event(event, pos=second, button=1))
    for key in (pygame.K_DOWN, pygame.K_RETURN) if way == "keys" else ():
        app.down(key)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    assert app.session.world.title.checkpoint == folder / "last"
    app.press(pygame.K_ESCAPE)
    for key in (pygame.K_UP, pygame.K_DELETE):
        app.down(key)
    app.frames(1)
    assert isinstance(app.window.screen, Engines)  # nobody is asked whether a shipped model shall be deleted


def test_greyed_buttons_say_why_before_they_are_pressed(app: Driver, monkeypatch: pytest.MonkeyPatch):
    engine_folder(app)
    drawn: list[str] = []

    def text(surface: pygame.Surface, words: str, *_, **__) -> pygame.Rect:
        drawn.append(words)
        return pygame.Rect(0, 0, 9, 9)

    monkeypatch.setattr(parts, "text", text)
    visit(app.window, "Models")
    app.frames(1)
    said = " ".join(drawn)
    assert "Watch: no AI driver" in said and "Train further: only for models trained here" in said


@pytest.mark.parametrize(("size", "zoom"), [((320, 240), 1.0), ((240, 320), 1.0), ((640, 480), 1.5)])
def test_reasons_for_grey_buttons_leave_room_for_what_the_page_says(
    app: Driver, size: tuple[int, int], zoom: float, monkeypatch: pytest.MonkeyPatch
):
    """At 320x240 two reasons left a sliver of the model's name."""
    engine_folder(app)
    reasons: list[str] = []

    def text(surface: pygame.Surface, words: str, *where, **how) -> pygame.Rect:
        reasons.append(words)
        return widgets.text(surface, words, *where, **how)

    monkeypatch.setattr(parts, "text", text)
    visit(app.window, "Models")
    app.resize(*size)
    Scale.zoom = zoom
    app.frames(2)
    page = app.window.screen
    assert isinstance(page, Engines)
    scale = Scale.of(size)
    assert page.detail.gutter.height >= scale.px(22) + scale.px(15), "its name and a line"
    reasons.clear()
    app.press(pygame.K_RIGHT)
    app.frames(1)
    assert "Watch: no AI driver" in " ".join(reasons), "the chosen button still says why it is grey"


def test_what_green_and_red_mean_is_whole_however_large_words_are(
    app: Driver, monkeypatch: pytest.MonkeyPatch
):
    said: list[str] = []

    def text(surface, words, place, size, *colour, width=None, **how):
        said.append(words if width is None else shorten(words, size, width, how.get("bold", False)))
        return widgets.text(surface, words, place, size, *colour, width=width, **how)

    engine_folder(app, {"rules": {"kept_25": 0.5}})
    monkeypatch.setattr(engines, "text", text)
    Scale.zoom = 1.5
    app.resize(640, 480)
    visit(app.window, "Models")
    app.frames(2)
    assert "meets the target below it" in " ".join(said)
