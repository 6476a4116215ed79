"""The page of a lab: a process of its own that obeys keys and mouse, and takes nothing down with it."""

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pygame
import pytest

from app.driver import Driver, click
from gamesim.app.labs.column import Column
from gamesim.app.labs.layout import lay_out
from gamesim.app.labs.page import LabPage, Labs
from gamesim.app.labs.panels import image_place, least, note, row_lines
from gamesim.app.labs.process import POINTS, means
from gamesim.app.navigation import visit
from gamesim.app.screens.menu import Menu
from gamesim.app.theme import Scale, font
from gamesim.labs import Entry, Given
from gamesim.labs.controls import Slider
from gamesim.labs.panels import Curves, Lines, Picture
from toy_lab import TOY, toy

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def quick_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it can be had, a process is forked from one that has imported everything, not started anew."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        quick = multiprocessing.get_context("forkserver")
        quick.set_forkserver_preload(["gamesim.app.labs.process", "toy_lab"])
        monkeypatch.setattr(multiprocessing, "get_context", lambda method: quick)


@pytest.fixture
def page(app: Driver) -> LabPage:
    return opened(app, TOY)


def opened(app: Driver, entry: Entry, **how) -> LabPage:
    """The page of a lab, with its first view."""
    page = LabPage(app.window, entry, **how)
    app.window.go(page)
    app.until(lambda: page.view or page.process.failure)
    app.frames(1)
    return page


def told(page: LabPage) -> str:
    """What the toy was told last, as it says itself."""
    (rows,) = [panel.rows for panel in page.poster.panels if isinstance(panel, Lines)]
    return dict(rows).get("Told last", "")


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # before it was opened, or read
        return True
    return state == "Z"


def test_a_note_shrinks_before_it_is_cut(app: Driver):
    picture = Picture("The game", np.zeros((84, 84, 3), np.uint8), "played by the learning network")
    lines, size = note(picture, 168, Scale(1.5))
    assert " ".join(lines) == picture.note and len(lines) == 2 and size < Scale(1.5).px(14)
    assert all(font(size).size(line)[0] <= 168 for line in lines)


@pytest.mark.parametrize("zoom", [0.6, 1.0, 1.5])
def test_a_value_that_is_too_long_for_its_row_goes_on_below_and_is_not_cut(app: Driver, zoom: float):
    scale, value = Scale(zoom), "96.8% of all, 84.0% as a mean over kinds"
    for width in (scale.px(250), scale.px(320), scale.px(600)):
        _, values, room = row_lines("Night to garden", value, width, scale)
        assert " ".join(values) == value
        assert all(font(scale.px(15), True).size(line)[0] <= width - room for line in values)
    one, other = (least(Lines("", [("Night to garden", words)]), scale)[1] for words in ("96.8%", value))
    assert other > one, "there is room for its second line"


def focus_on(app: Driver, page: LabPage, name: str) -> None:
    """Tab to a control."""
    for _ in range(20):
        if page.column.current is not None and page.column.current.name == name:
            return
        app.press(pygame.K_TAB)
    raise AssertionError(f"Tab does not reach {name}")


def place_of(page: LabPage, name: str) -> pygame.Rect:
    """Where a control was drawn."""
    names = [control.name for control in page.column.controls]
    return page.column.rects[len(page.column.reins) + names.index(name)]


# the way there -------------------------------------------------------------------------------------------


def test_the_menu_leads_to_the_list_and_the_list_to_a_lab(app: Driver):
    visit(app.window, "Labs")
    app.frames(1)
    assert isinstance(app.window.screen, Labs)
    app.press(pygame.K_RETURN)
    page = app.window.screen
    assert isinstance(page, LabPage) and page.entry == TOY
    app.until(lambda: page.view)
    app.press(pygame.K_ESCAPE, pygame.K_ESCAPE)
    assert isinstance(app.window.screen, Menu)


def test_a_lab_that_lacks_an_extra_says_so_and_does_not_open(app: Driver):
    visit(app.window, "Labs")
    app.frames(1)
    app.press(pygame.K_DOWN, pygame.K_RETURN)
    assert isinstance(app.window.screen, Labs)
    assert "needs the extra labs" in app.said


# running -------------------------------------------------------------------------------------------------


def test_it_trains_until_it_is_paused_and_steps_one_by_one(app: Driver, page: LabPage):
    app.until(lambda: page.view.steps > 3)
    app.press(pygame.K_SPACE)
    app.until(lambda: page.view.state == "paused")
    before = page.view.steps
    app.press(pygame.K_e)
    app.until(lambda: page.view.steps > before)
    assert page.view.steps == before + 1 and page.view.state == "paused"
    app.press(pygame.K_p)
    app.until(lambda: page.view.steps > before + 5)


def test_to_step_a_lab_that_runs_pauses_it(app: Driver, page: LabPage):
    app.press(pygame.K_e)
    app.until(lambda: page.view.state == "paused")


def test_r_begins_anew_with_the_controls_as_they_are(app: Driver, page: LabPage):
    app.press(pygame.K_SPACE)
    focus_on(app, page, "size")
    app.press(pygame.K_RIGHT)
    app.until(lambda: told(page) == "size 5" and page.view.steps > 0)
    app.press(pygame.K_r, pygame.K_SPACE)
    app.until(lambda: page.view and page.view.state == "paused")
    assert told(page) == "size 5" and page.column.values["size"] == 5


def test_a_lab_with_nothing_left_to_do_rests_until_something_changes(app: Driver):
    page = opened(app, toy("Finite"))
    app.until(lambda: page.view.state == "done")
    assert page.view.steps == 5 and "Done" in page.column.state
    focus_on(app, page, "norm")
    app.press(pygame.K_RETURN)
    app.until(lambda: page.view.state == "done" and page.view.steps == 10)


def test_a_long_line_is_sent_as_means_and_a_short_one_as_it_is():
    line = [(float(step), float(step % 2)) for step in range(10_000)]
    sent = means(line)
    assert POINTS / 2 < len(sent) <= POINTS
    assert sent[-1] == (9_999, 0.5) and means(line[:POINTS]) == line[:POINTS]


@pytest.mark.parametrize("name", ["Toy", "Silent"])
def test_a_lab_is_made_with_what_is_given_and_set(app: Driver, name: str):
    page = opened(app, toy(name), given=Given(seed=7), values={"kind": "ghost"})
    app.until(lambda: told(page) == "kind ghost")
    (rows,) = [panel.rows for panel in page.poster.panels if isinstance(panel, Lines)]
    assert dict(rows)["Seed"] == "7"
    assert page.column.values["kind"] == "ghost", "the control shows what the lab was told"
    page.begin()
    app.until(lambda: page.view)
    app.frames(2)
    assert told(page) == "kind ghost" and page.column.values["kind"] == "ghost"


@pytest.mark.slow
def test_torch_computes_on_one_thread(app: Driver):
    page = opened(app, toy("Threads"))
    (panel,) = page.poster.panels
    assert panel.rows == [("torch", "1")]  # type: ignore[union-attr]


# controls ------------------------------------------------------------------------------------------------


def test_keys_move_a_slider_by_its_steps_and_to_its_ends(app: Driver, page: LabPage):
    focus_on(app, page, "size")
    app.press(pygame.K_RIGHT, pygame.K_RIGHT, pygame.K_LEFT)
    assert page.column.values["size"] == 5
    app.until(lambda: told(page) == "size 5")
    app.press(pygame.K_END, pygame.K_RIGHT)
    app.until(lambda: told(page) == "size 16")
    app.press(pygame.K_DELETE)
    app.until(lambda: told(page) == "size 4")


def test_a_held_arrow_goes_on(app: Driver, page: LabPage):
    focus_on(app, page, "heat")
    app.down(pygame.K_RIGHT)
    app.frames(60)
    app.up(pygame.K_RIGHT)
    app.frames(1)
    assert page.column.values["heat"] > 0.2


def test_a_slider_is_dragged_on_while_the_lab_says_where_it_is(app: Driver, page: LabPage):
    """Labs that say the values of their controls say them a moment late."""
    rect = place_of(page, "size")
    values = []
    post(app, pygame.MOUSEBUTTONDOWN, rect.center)
    for x in (rect.centerx, rect.centerx + 30, rect.centerx + 60):
        post(app, pygame.MOUSEMOTION, (x, rect.centery))
        values.append(page.column.values["size"])
        app.until(lambda: told(page) == f"size {values[-1]:.0f}")
        assert page.column.values["size"] == values[-1]
    assert len({*values}) == 3


def test_what_a_lab_says_before_it_heard_of_a_change_is_late(app: Driver):
    def size(value: float) -> list[Slider]:
        return [Slider("size", "Size", 0, 16, value)]

    column = Column(lambda name, value: None)
    column.follow(size(4))
    column.values["size"] = 16
    column.follow(size(8), late={"size"})
    assert column.values["size"] == 16
    column.follow(size(3))
    assert column.values["size"] == 3


def test_del_presses_no_button(app: Driver, page: LabPage):
    focus_on(app, page, "walk")
    app.press(pygame.K_DELETE, pygame.K_SPACE)
    app.until(lambda: page.view.state == "paused")
    assert told(page) == "nothing"


def post(app: Driver, kind: int, place: tuple[int, int]) -> None:
    pygame.event.post(pygame.event.Event(kind, pos=place, button=1, buttons=(1, 0, 0)))
    app.frames(1)


def test_the_mouse_drags_a_slider_and_lets_it_go(app: Driver, page: LabPage):
    rect = place_of(page, "size")
    post(app, pygame.MOUSEBUTTONDOWN, rect.center)
    post(app, pygame.MOUSEMOTION, (rect.right - 1, rect.centery))
    post(app, pygame.MOUSEBUTTONUP, (rect.right - 1, rect.centery))
    post(app, pygame.MOUSEMOTION, (rect.left, rect.centery))
    assert page.column.values["size"] == 16
    app.until(lambda: told(page) == "size 16")


def test_the_wheel_turns_the_slider_below_it(app: Driver, page: LabPage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pygame.mouse, "get_pos", lambda: place_of(page, "size").center)
    pygame.event.post(pygame.event.Event(pygame.MOUSEWHEEL, y=2, x=0))
    app.frames(1)
    app.until(lambda: told(page) == "size 6")


def test_switches_and_choices_by_key_and_mouse(app: Driver, page: LabPage):
    focus_on(app, page, "norm")
    app.press(pygame.K_RETURN)
    app.until(lambda: told(page) == "norm False")
    click(app, place_of(page, "norm").center)
    app.until(lambda: told(page) == "norm True")
    focus_on(app, page, "kind")
    app.press(pygame.K_RIGHT)
    app.until(lambda: told(page) == "kind ghost")
    rect = place_of(page, "kind")
    click(app, (rect.left + 20, rect.bottom - 12))
    app.until(lambda: told(page) == "kind wall")


def test_a_button_may_move_a_slider(app: Driver, page: LabPage):
    focus_on(app, page, "shuffle")
    app.press(pygame.K_RETURN)
    app.until(lambda: page.column.values["heat"] != 0)
    click(app, place_of(page, "walk").center)
    app.until(lambda: told(page) == "walk True")


def test_a_click_into_a_picture_reaches_the_lab_as_shares(app: Driver, page: LabPage):
    x, y = page.poster.places[0].center
    click(app, (x, y))
    app.until(lambda: told(page).startswith("Board 0.5"))
    before = told(page)
    click(app, page.poster.places[1].center)  # this one is not to be clicked into
    app.frames(30)
    assert told(page) == before


def test_enter_presses_what_is_in_focus_though_it_shares_its_action_with_r(app: Driver, page: LabPage):
    assert page.column.focus == 0
    app.press(pygame.K_RETURN)
    assert page.held
    app.press(pygame.K_RETURN)
    assert not page.held


def test_the_help_names_the_keys(app: Driver, page: LabPage):
    app.press(pygame.K_F1)
    words = {line.words for line in app.help.lines}
    assert {"pause, or go on", "one step, then pause", "another control", "change it", "scroll"} <= words
    app.press(pygame.K_r, pygame.K_ESCAPE)
    assert app.help is None and app.window.screen is page


# what goes wrong -----------------------------------------------------------------------------------------


def test_an_error_in_a_lab_is_a_line_on_its_page_and_r_begins_anew(app: Driver):
    page = opened(app, toy("Exploding"))
    app.until(lambda: page.process.failure)
    app.frames(2)
    assert "ValueError: the loss is not a number" in page.poster.notice and page.poster.bad
    stopped = page.process
    app.press(pygame.K_r)
    assert page.process is not stopped, "it may have exploded again by now"
    app.until(lambda: page.process.failure)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Refusing", "it wants a model of places"),
        ("Lost", "/no/such/disk.npz: no such file or folder"),
        ("Killed", "ended with exit code 9"),
        ("Malformed", "panel 'Board': pixels are float64"),
    ],
)
def test_whatever_ends_a_lab_is_said(app: Driver, name: str, words: str):
    page = LabPage(app.window, toy(name))
    app.window.go(page)
    app.until(lambda: page.process.failure)
    app.frames(2)
    assert words in page.poster.notice
    app.press(pygame.K_RIGHT, pygame.K_RETURN, pygame.K_TAB, pygame.K_ESCAPE)
    assert isinstance(app.window.screen, Menu)


def test_a_machine_that_starts_no_process_is_a_line_on_the_page(app: Driver, monkeypatch: pytest.MonkeyPatch):
    def refuse(process: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr("multiprocessing.process.BaseProcess.start", refuse)
        page = opened(app, TOY)
    assert "too much is running" in page.poster.notice
    app.press(pygame.K_r)
    app.until(lambda: page.view)


def test_leaving_the_page_ends_the_process(app: Driver, page: LabPage):
    pid = page.process._process.pid
    assert pid and not gone(pid)
    app.press(pygame.K_ESCAPE)
    app.until(lambda: gone(pid))


def test_a_lab_that_does_not_listen_does_not_hold_the_window_up(app: Driver):
    page = opened(app, toy("Slow"))
    pid = page.process._process.pid
    os.kill(pid, 19)  # SIGSTOP: it neither reads nor writes
    for i in range(5000):  # more than a pipe holds
        page.process.send("set", "heat", i / 5000)
    app.frames(3)
    page.close()
    app.until(lambda: gone(pid))


def test_the_process_ends_with_the_window_however_that_ends(tmp_path: Path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, sys, time\n"
        "if __name__ == '__main__':\n"
        "    from gamesim.app.labs.process import LabProcess\n"
        "    from gamesim.labs import Given\n"
        "    from toy_lab import TOY\n"
        "    lab = LabProcess(TOY, Given(), {})\n"
        "    while lab.view() is None: time.sleep(0.01)\n"
        "    print(lab._process.pid, flush=True)\n"
        "    time.sleep(600)\n"
    )
    paths = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}
    )
    assert parent.stdout
    pid = int(parent.stdout.readline())
    assert not gone(pid)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 200
    while not gone(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


# how it looks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "zoom"), [((1280, 800), 1.0), ((800, 600), 1.5), ((500, 700), 1.5)])
def test_nothing_overlaps_and_everything_is_reached_in_any_window(
    app: Driver, page: LabPage, size: tuple[int, int], zoom: float
):
    Scale.zoom = zoom
    app.resize(*size)
    app.frames(2)
    places = page.poster.places
    assert len(places) == len(page.poster.panels)
    for i, place in enumerate(places):
        assert place.collidelist(places[i + 1 :]) == -1
        assert page.poster.view.left <= place.left and place.right <= page.poster.view.right
    page.poster.scroller.wheel(-1000)
    app.frames(1)
    assert max(place.bottom for place in page.poster.places) <= page.poster.view.bottom
    for control in page.column.controls:
        focus_on(app, page, control.name)
        app.frames(2)
        seen = place_of(page, control.name).clip(page.column.view)
        assert (
            seen.height > 0.8 * place_of(page, control.name).height or seen.height == page.column.view.height
        )


def test_the_smallest_window_draws_what_it_can(app: Driver, page: LabPage):
    app.resize(320, 240)
    app.frames(3)
    app.press(pygame.K_TAB, pygame.K_RIGHT, pygame.K_PAGEDOWN)


def frame(name: str, side: int = 84) -> Picture:
    return Picture(name, np.zeros((side, side, 3), np.uint8))


def curve(name: str) -> Curves:
    return Curves(name, "step", {"loss": [(0, 0), (1, 1)]})


def test_pictures_are_enlarged_by_the_largest_whole_factor_at_which_all_is_seen(app: Driver):
    panels, scale = [frame("one"), frame("two")], Scale(1.0)
    for room, factor in (((1000, 400), 4), ((1000, 700), 5), ((600, 700), 3)):
        places, height = lay_out(panels, room, scale)
        assert height <= room[1]
        for panel, place in zip(panels, places, strict=True):
            assert image_place(panel, place, scale).size == (84 * factor, 84 * factor)


def test_a_picture_that_is_too_wide_is_shrunk_to_fit(app: Driver):
    panel = Picture("strip", np.zeros((84, 1500, 3), np.uint8))
    (place,), _ = lay_out([panel], (600, 400), Scale(1.0))
    assert place.width == 600 and image_place(panel, place, Scale(1.0)).width <= 600


@pytest.mark.parametrize("first", ["picture", "charts"])
def test_charts_are_stacked_beside_a_picture(app: Driver, first: str):
    charts = [curve("a"), curve("b")]
    panels = [frame("x", 400), *charts] if first == "picture" else [*charts, frame("x", 400)]
    places, _ = lay_out(panels, (900, 500), Scale(1.0))
    picture = places[0 if first == "picture" else 2]
    stack = places[1:] if first == "picture" else places[:2]
    assert all(place.top >= picture.top and place.bottom <= picture.bottom for place in stack)
    assert stack[0].left == stack[1].left and stack[0].bottom < stack[1].top


def test_no_chart_is_left_alone_in_a_row_that_others_could_share(app: Driver):
    places, _ = lay_out([curve(name) for name in "abcd"], (820, 640), Scale(1.0))
    assert len({place.top for place in places}) == 2 and len({place.width for place in places}) == 1


def test_a_wide_picture_shrinks_a_little_to_stand_beside_another(app: Driver):
    strip = Picture("strip", np.zeros((21, 87, 3), np.uint8))
    panels = [frame("game"), strip, *(curve(name) for name in "abcdef")]
    places, _ = lay_out(panels, (820, 640), Scale(1.0))
    assert places[0].top == places[1].top and places[1].right <= 820
    assert image_place(panels[1], places[1], Scale(1.0)).height % 21 == 0


def test_pictures_of_one_shape_are_equally_large(app: Driver):
    panels = [frame(name) for name in "abc"] + [curve(name) for name in "defghi"]
    for width in range(400, 1000, 50):
        places, _ = lay_out(panels, (width, 640), Scale(1.0))
        assert len({image_place(panels[i], places[i], Scale(1.0)).size for i in range(3)}) == 1
