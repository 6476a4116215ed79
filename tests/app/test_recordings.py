"""Recordings in the app: listed, replayed, renamed, deleted, exported; damaged ones are messages."""

import json
import os
import shutil
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pygame
import pytest

from app.driver import Driver, click, typed
from app.fakes import episode, save
from app.training import press_button
from gamesim.agents import policy
from gamesim.app.background import Lazily
from gamesim.app.library import jobs
from gamesim.app.library.shelf import PLAYERS as FILTERS
from gamesim.app.library.shelf import WHO, Shelf, thumbnails
from gamesim.app.navigation import visit
from gamesim.app.screens.menu import Menu
from gamesim.app.screens.new_run import NewRun
from gamesim.app.screens.recordings import Recordings, facts_of, set_facts
from gamesim.app.screens.replay import SPEEDS, Replay
from gamesim.app.theme import Scale
from gamesim.app.ui.ask import Ask, Prompt
from gamesim.app.ui.listing import PAD
from gamesim.app.ui.parts import Action
from gamesim.app.ui.widgets import at_home
from gamesim.data.episode import PLAYERS, Episode
from gamesim.errors import UserError
from gamesim.text import sized


@pytest.fixture
def shelf(app: Driver) -> Driver:
    """The app at its recordings: three games, the newest is "first"."""
    save(app.recordings / "pac-man", "first")
    save(app.recordings / "pac-man", "second", 100, steps=5)
    save(app.recordings / "maze", "third", 200, game="PacmanMaze")
    visit(app.window, "Recordings")
    app.until(lambda: listing(app).count == 3)
    app.frames(1)
    return app


def listing(app: Driver) -> Recordings:
    assert isinstance(app.window.screen, Recordings)
    return app.window.screen


def replay(app: Driver) -> Replay:
    assert isinstance(app.window.screen, Replay)
    return app.window.screen


def names(app: Driver) -> list[str]:
    return [each.name for each in app.window.kit.workshop.shelf.recordings]


def test_recordings_are_listed_the_newest_first_with_what_is_known_of_them(shelf: Driver):
    assert names(shelf) == ["first", "second", "third"]
    first = listing(shelf).rows[0].first
    assert (first.who, first.game, first.entry.length, first.entry.total_reward) == (
        "you",
        "Pac-Man",
        12,
        2.0,
    )
    shelf.until(lambda: listing(shelf).pictures.get(first.path) is not None)
    shelf.frames(5)


def test_tab_shows_one_game_after_the_other(shelf: Driver):
    shelf.press(pygame.K_TAB)
    assert [each.name for each in listing(shelf).rows] == ["third"]
    shelf.press(pygame.K_TAB)
    assert [each.name for each in listing(shelf).rows] == ["first", "second"]
    shelf.press(pygame.K_TAB)
    assert listing(shelf).count == 3


def test_a_replay_is_stepped_scrubbed_and_sped_up_by_keys_and_mouse(shelf: Driver):
    shelf.press(pygame.K_RETURN)
    page = replay(shelf)
    shelf.until(lambda: page.episode is not None)
    shelf.frames(60)
    assert 3 <= page.at <= 12 and page.playing
    shelf.press(pygame.K_HOME)
    assert page.at == 0 and not page.playing
    shelf.press(pygame.K_RIGHT, pygame.K_RIGHT, pygame.K_e, pygame.K_LEFT)
    assert page.at == 2
    middle = page.picture.center
    shelf.press(pygame.K_l)  # the frame itself
    assert shelf.window.surface.get_at(middle)[:3] == (2, 2, 2)
    shelf.press(pygame.K_UP, pygame.K_UP, pygame.K_DOWN, pygame.K_EQUALS)
    assert SPEEDS[page.speed] == 4.0
    shelf.press(pygame.K_0, pygame.K_END)
    assert SPEEDS[page.speed] == 1.0 and page.at == 12
    click(shelf, (page.bar.left, page.bar.centery))
    assert page.at == 0
    click(shelf, (page.bar.centerx, page.bar.centery))
    assert page.at == 6
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=page.bar.center, button=1))
    shelf.press(pygame.K_F1)
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONUP, pos=page.bar.center, button=1))
    shelf.press(pygame.K_F1)
    pygame.event.post(pygame.event.Event(pygame.MOUSEMOTION, pos=page.bar.topleft, buttons=(0, 0, 0)))
    shelf.frames(1)
    assert page.at == 6  # it was let go meanwhile
    click(shelf, middle)
    assert page.playing
    shelf.press(pygame.K_SPACE, pygame.K_ESCAPE)
    assert isinstance(shelf.window.screen, Recordings)


@pytest.mark.parametrize(
    ("spec", "words", "named"),
    [
        ("gamesim/Pacman-v0", (), ["none", "←", "→", "↑", "↓"]),  # of before games said it
        ("gamesim/Pacman-v0", ("NOOP", "LEFT", "RIGHT", "UP", "DOWN"), ["none", "←", "→", "↑", "↓"]),
        ("gamesim/TakeCover-v0", ("LEFT", "NOOP", "RIGHT"), ["←", "none", "→"]),
        ("FrozenLake-v1", ("LEFT", "DOWN", "RIGHT", "UP"), ["←", "↓", "→", "↑"]),
        ("ALE/Pong-v5", ("NOOP", "FIRE", "RIGHTFIRE"), ["none", "Fire", "Rightfire"]),
        ("toys/Silent-v0", ("", ""), ["0", "1"]),
        ("toys/Silent-v0", (), ["0", "1"]),
    ],
)
def test_a_replay_calls_the_keys_what_the_game_that_was_played_calls_them(
    app: Driver, spec: str, words: tuple[str, ...], named: list[str]
):
    played = replace(episode(), env_spec=json.dumps({"id": spec}), action_meanings=words)
    assert called(app, played, len(named)) == named


def test_a_replay_of_a_dream_calls_the_keys_what_the_game_that_was_dreamt_calls_them(app: Driver):
    dreamt = app.recordings.parent / "world-model-doom"
    dreamt.mkdir()
    spec = json.dumps({"id": "gamesim/Dream-v0", "kwargs": {"checkpoint": str(dreamt)}})
    played = replace(episode(), env_spec=spec, action_meanings=("",) * 3)
    assert called(app, played, 3) == ["0", "1", "2"], "its card does not say which game it learned"
    card = "| | |\n|---|---|\n| game | gamesim/TakeCover-v0 |\n| actions | LEFT, NOOP, RIGHT |\n"
    (dreamt / "README.md").write_text(card)
    assert called(app, played, 3) == ["←", "none", "→"]
    (dreamt / "README.md").write_text("| | |\n|---|---|\n| game | gamesim/PacmanMaze-v0 |\n")
    assert called(app, played, 3) == ["none", "←", "→"]


def test_the_keys_of_a_recorded_dream_are_known_after_its_model_is_deleted(app: Driver):
    """ "Key pressed" was a number then: the card of the model had gone with it."""
    app.play("Tilemap Pac-Man")
    app.press(pygame.K_COMMA)
    app.frames(5, 0.1)
    app.press(pygame.K_COMMA, pygame.K_ESCAPE)
    shutil.rmtree(app.checkpoints / "tilemap-pacman")
    app.window.kit.workshop.shelf.scan()
    page = Replay(app.window, app.window.kit.workshop.shelf.recordings[0])
    app.window.go(page)
    app.until(lambda: page.episode is not None)
    assert [page.pressed(action) for action in range(5)] == ["none", "←", "→", "↑", "↓"]


def test_only_our_own_games_are_drawn_large_in_a_replay(app: Driver):
    """A dark frame of another game was drawn as a board of ours, in stripes: it is as like as our floor."""
    app.window.kit.settings.pixels = app.window.kit.look.pixels = False
    dark = replace(episode(), frames=np.full((len(episode()) + 1, 84, 84, 3), (20, 60, 30), np.uint8))
    drawn = {}
    for game in ("toys/Silent-v0", "gamesim/Pacman-v0"):
        called(app, replace(dark, env_spec=json.dumps({"id": game})), 1)
        page = Replay(app.window, app.window.kit.workshop.shelf.recordings[0])
        app.window.go(page)
        app.until(lambda: page.episode is not None)  # noqa: B023
        app.frames(1)
        drawn[game] = app.window.surface.get_at(page.picture.center)[:3]
        assert ("L" in dict(page.works())) == (game != "toys/Silent-v0")
        app.press(pygame.K_l)
        assert app.window.kit.settings.pixels == (game != "toys/Silent-v0"), app.said
    assert drawn["toys/Silent-v0"] == (20, 60, 30) != drawn["gamesim/Pacman-v0"]


def called(app: Driver, played: Episode, count: int) -> list[str]:
    """What a replay calls the first actions of an episode."""
    path = app.recordings / "any" / "game.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    played.save(path)
    app.window.kit.workshop.shelf.scan()
    page = Replay(app.window, app.window.kit.workshop.shelf.recordings[0])
    app.window.go(page)
    app.until(lambda: page.episode is not None)
    app.press(pygame.K_END, pygame.K_ESCAPE)
    return [page.pressed(action) for action in range(count)]


def test_deleting_asks_first(shelf: Driver):
    shelf.press(pygame.K_DELETE)
    assert isinstance(shelf.window.screen, Ask)
    shelf.press(pygame.K_RETURN)  # what stands there at first is to keep it
    assert len(names(shelf)) == 3
    shelf.press(pygame.K_DELETE, pygame.K_LEFT, pygame.K_RETURN)
    assert names(shelf) == ["second", "third"] and "Deleted first" in shelf.said
    assert not (shelf.recordings / "pac-man" / "first.npz").exists()


def test_a_recording_that_somebody_else_has_deleted_meanwhile_can_be_deleted_from_the_list(shelf: Driver):
    (shelf.recordings / "pac-man" / "first.npz").unlink()
    shelf.press(pygame.K_DELETE, pygame.K_LEFT, pygame.K_RETURN)
    assert names(shelf) == ["second", "third"] and "Deleted first" in shelf.said


@pytest.mark.parametrize("page", ["Recordings", "New training"])
def test_what_another_window_recorded_or_deleted_is_seen_when_this_one_is_in_front_again(
    shelf: Driver, page: str
):
    """The list kept recordings that were gone until somebody left the page."""
    if page == "New training":
        shelf.window.go(NewRun(shelf.window))
    known = shelf.window.kit.workshop.shelf
    shelf.until(lambda: not known.scanning)
    gone = known.recordings[0].path
    gone.unlink()
    new = save(shelf.recordings / "elsewhere", "new")
    pygame.event.post(pygame.event.Event(pygame.WINDOWFOCUSGAINED))
    shelf.frames(1)
    shelf.until(lambda: not known.scanning)
    paths = {each.path for each in known.recordings}
    assert new in paths and gone not in paths


def test_a_replay_that_is_deleted_goes_back_to_the_list(shelf: Driver):
    shelf.press(pygame.K_RETURN)
    shelf.until(lambda: replay(shelf).episode is not None)
    shelf.press(pygame.K_DELETE, pygame.K_LEFT, pygame.K_RETURN)
    assert isinstance(shelf.window.screen, Recordings) and names(shelf) == ["second", "third"]


def test_renaming_takes_a_name_that_is_typed_with_letters_that_are_keys_elsewhere(shelf: Driver):
    shelf.press(pygame.K_RIGHT, pygame.K_RIGHT, pygame.K_RETURN)
    prompt = shelf.window.screen
    assert isinstance(prompt, Prompt) and prompt.field.words == "first"
    shelf.press(pygame.K_p, pygame.K_n)  # letters come as text, not as commands
    typed(shelf, "My päc game")
    shelf.press(pygame.K_RETURN)
    shelf.until(lambda: "My päc game" in names(shelf))
    assert (shelf.recordings / "pac-man" / "My päc game.npz").is_file()


@pytest.mark.parametrize("bad", ["", "..", "a/b", "x" * 300, "漢" * 90, "second"])
def test_a_name_that_cannot_be_is_a_message(shelf: Driver, bad: str):
    shelf.press(pygame.K_RIGHT, pygame.K_RIGHT, pygame.K_RETURN, pygame.K_BACKSPACE)
    typed(shelf, bad)
    shelf.press(pygame.K_RETURN)
    prompt = shelf.window.screen
    assert "name" in shelf.said and "Errno" not in shelf.said
    assert isinstance(prompt, Prompt) and prompt.field.words == bad, "to be mended"
    shelf.press(pygame.K_ESCAPE)
    assert sorted(names(shelf)) == ["first", "second", "third"]


def test_a_gif_is_saved_in_the_background(shelf: Driver):
    import imageio.v3 as iio

    shelf.press(pygame.K_g)
    shelf.until(lambda: "Saved" in shelf.said)
    pages = iio.imread(shelf.recordings / "first.gif", index=None)
    assert pages.shape[0] == 13 and pages.shape[1] % 84 == 0


def test_a_gif_never_takes_the_place_of_another(shelf: Driver):
    """Recordings of two games may have one name."""
    save(shelf.recordings / "maze", "first", 300, steps=4, game="PacmanMaze")
    shelf.window.kit.workshop.shelf.scan()
    shelf.frames(1)
    for _ in range(2):
        shelf.press(pygame.K_g, pygame.K_DOWN, pygame.K_DOWN, pygame.K_DOWN)
        shelf.until(lambda: "Saved" in shelf.said)
        shelf.silence()
    assert {path.name for path in shelf.recordings.glob("*.gif")} == {"first.gif", "first-2.gif"}


def test_the_chosen_recording_stays_chosen_when_new_ones_come_above_it(shelf: Driver):
    """A bot is done, or another window recorded: Del does not mean what has slipped into its place."""
    shelf.press(pygame.K_DOWN)
    page = listing(shelf)
    assert page.current and page.current.name == "second"
    save(shelf.recordings / "pac-man", "newest", -100)
    shelf.window.kit.workshop.shelf.scan()
    shelf.frames(2)
    assert names(shelf)[0] == "newest" and page.current.name == "second"
    shelf.press(pygame.K_DELETE)
    press_button(shelf, "Delete")
    assert "second" not in names(shelf) and page.current.name == "third"


def test_the_chosen_recording_stays_in_view_when_many_come_above_it(shelf: Driver):
    """The list stayed at its top, so Delete asked about a recording that nobody saw."""
    listing(shelf).choose(2)
    shelf.frames(2)
    for number in range(30):
        save(shelf.recordings / "pac-man", f"new {number}", -100)
    shelf.window.kit.workshop.shelf.refresh()
    shelf.until(lambda: listing(shelf).count == 33)
    shelf.frames(2)
    page = listing(shelf)
    top = page.chosen * page.height - page.scroller.at
    assert page.chosen > 20 and 0 <= top <= page.view.height - page.height


@pytest.mark.parametrize("scrolled", [0, 5])
def test_the_chosen_recording_stays_in_view_when_the_window_shrinks(shelf: Driver, scrolled: int):
    """Delete asked about a recording that nobody saw; who scrolled away from it stays where they are."""
    for number in range(30):
        save(shelf.recordings / "pac-man", f"new {number}", -100)
    shelf.window.kit.workshop.shelf.refresh()
    shelf.until(lambda: listing(shelf).count == 33)
    page = listing(shelf)
    page.choose(20)
    shelf.frames(2)
    page.scroller.lines(2 * scrolled)
    shelf.frames(1)
    shelf.resize(640, 360)
    shelf.frames(1)
    top = page.chosen * page.height - page.scroller.at
    assert (0 <= top <= page.view.height - page.height) == (not scrolled)


def test_the_line_beside_the_title_counts_what_is_listed_and_says_where(shelf: Driver, tmp_path: Path):
    """It counted what a filter had left out, and recordings of other folders as if they lay in the app's."""
    assert listing(shelf).line() == f"3 recordings in {at_home(shelf.recordings)}"
    save(tmp_path / "elsewhere" / "maze", "fourth", game="PacmanMaze")
    shelf.window.kit.workshop.shelf.roots.append(tmp_path / "elsewhere")
    shelf.window.kit.workshop.shelf.refresh()
    shelf.until(lambda: listing(shelf).count == 4)
    both = f"{at_home(shelf.recordings)} and {at_home(tmp_path / 'elsewhere')}"
    assert listing(shelf).line() == f"4 recordings in {both}"
    shelf.press(pygame.K_TAB)
    assert listing(shelf).line() == f"2 of 4 recordings in {both}"


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080), (800, 600)])
def test_the_facts_of_a_recording_need_no_scrolling_where_there_is_room(shelf: Driver, size: tuple[int, int]):
    """A bar stood there in every window, to scroll by four pixels."""
    shelf.resize(*size)
    shelf.frames(2, 0.0)
    assert listing(shelf).detail.most == 0


def test_the_buttons_are_whole_in_a_small_window(shelf: Driver):
    """The second row was cut at its foot where the line below the title took two lines."""
    page = listing(shelf)
    page._counts = "3 recordings in /somewhere/where/only/a/long/path/leads/to and ~/recordings"
    shelf.resize(320, 240)
    shelf.frames(2, 0.0)
    inside = page._panel.inflate(*[-2 * Scale.of((320, 240)).px(PAD)] * 2)
    assert len({button.rect.top for button in page.buttons}) > 1
    assert all(inside.contains(button.rect) for button in page.buttons)
    assert page.view.height > page.height, "and a row of the list is seen"


@pytest.mark.parametrize("size", [(640, 480), (400, 300), (320, 240), (300, 400), (240, 200)])
def test_the_chosen_button_is_always_there_and_buttons_leave_room_for_facts(
    shelf: Driver, size: tuple[int, int]
):
    """In 400x300 each button had a row of its own, and the facts had none."""
    shelf.resize(*size)
    page = listing(shelf)
    for chosen in range(6):
        page.focus = chosen
        shelf.frames(1)
        inside = page._panel.inflate(*[-2 * Scale.of(size).px(PAD)] * 2)
        drawn = [button.rect for button in page.buttons if button.rect]
        assert all(inside.contains(rect) for rect in drawn) and page.buttons[chosen].rect in drawn
        if size >= (400, 300):
            assert len(drawn) == 6 and min(rect.top for rect in drawn) > inside.top + inside.height // 3


def test_no_button_that_deletes_takes_the_place_of_the_chosen_one(shelf: Driver):
    """Enter meant Delete where another button had been: when a training stopped, or in another row."""
    page = listing(shelf)
    page.focus = 1
    page.actions = lambda: [Action("Show"), Action("Delete", danger=True)]
    shelf.frames(1)
    assert page.buttons[page.focus].label == "Show"


def test_damaged_files_are_messages(shelf: Driver, tmp_path: Path):
    (shelf.recordings / "maze" / "bad.npz").write_bytes(b"PK\x03\x04 nothing")
    shelf.window.kit.workshop.shelf.refresh()
    shelf.until(lambda: "bad.npz" in shelf.said)
    (shelf.recordings / "pac-man" / "first.npz").write_bytes(b"gone bad since")
    shelf.press(pygame.K_RETURN)
    shelf.until(lambda: "Cannot replay this" in shelf.said)
    assert isinstance(shelf.window.screen, Recordings)
    shelf.press(pygame.K_g)
    shelf.until(lambda: "not a readable episode" in shelf.said)


def test_a_file_that_cannot_be_deleted_is_a_message_and_stays_in_the_list(shelf: Driver):
    path = shelf.recordings / "pac-man" / "first.npz"
    path.unlink()
    path.mkdir()  # which no file is deleted as
    shelf.press(pygame.K_DELETE, pygame.K_LEFT, pygame.K_RETURN)
    assert "cannot be deleted: it is a folder" in shelf.said and "first" in names(shelf)


def test_without_recordings_the_list_says_how_to_make_some(app: Driver):
    visit(app.window, "Recordings")
    app.until(lambda: not listing(app).shelf.scanning)
    app.press(pygame.K_DELETE, pygame.K_g, pygame.K_DOWN, pygame.K_END, pygame.K_TAB)
    assert "record" in listing(app).nothing() and isinstance(app.window.screen, Recordings)


@pytest.fixture
def empty(app: Driver, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """The list without recordings; a stub stands for the command that records."""
    stub = Path(__file__).with_name("stub_trainer.py")
    monkeypatch.setattr(jobs, "COMMAND", [sys.executable, str(stub)])
    monkeypatch.setattr(jobs, "NICENESS", 0)  # the machine of the tests is busy
    visit(app.window, "Recordings")
    app.frames(1)
    return app


def players(app: Driver) -> list[str]:
    """Press the list's only button, and Enter for Pac-Man; who can play it."""
    app.press(pygame.K_RETURN, pygame.K_RETURN)
    assert isinstance(app.window.screen, Ask) and app.window.screen.caption == "Who should play Pac-Man?"
    return [action.label for action in app.window.screen.buttons[1:]]


def recorded(app: Driver) -> list[str]:
    """What the command was asked for."""
    (job,) = app.window.kit.workshop.jobs.running
    assert "Recording games" in listing(app).line()
    app.until(lambda: not job.running)
    app.until(lambda: "is done" in app.said)
    return json.loads((app.recordings / "pac-man" / "asked.json").read_text())


def test_the_bot_records_for_those_who_have_no_recordings(empty: Driver):
    assert players(empty)[-1] == "The bot"
    empty.press(pygame.K_RETURN)  # it stands there at first
    words = recorded(empty)
    assert words[:3] == ["record", "--env", "gamesim/Pacman-v0"]
    assert words[words.index("--policy") + 1] == "explorer"


def test_whoever_can_play_the_game_can_record_it_one_from_outside_too(empty: Driver):
    policy.register(policy.Entry("waiter", "the waiter", "no_module_yet:player"))
    policy.register(policy.Entry("gardener", "the gardener", "x:y", settings={"theme": "garden"}))
    try:
        assert players(empty)[0] == "The waiter"
        empty.press(pygame.K_RIGHT, pygame.K_RIGHT, pygame.K_RETURN)
        words = recorded(empty)
        assert words[words.index("--policy") + 1] == "waiter"
    finally:
        policy.remove("waiter")
        policy.remove("gardener")


def test_a_player_without_its_extra_is_named_and_not_offered(empty: Driver):
    policy.register(policy.Entry("waiter", "the waiter", "x:y", needs=("no_such_module", "patience")))
    try:
        assert "The waiter" not in players(empty)
        asked = empty.window.screen
        assert isinstance(asked, Ask)
        assert "The waiter needs the extra patience: pip install 'gamesim[patience]'." in asked.more
    finally:
        policy.remove("waiter")


@pytest.fixture
def mixed(app: Driver) -> Driver:
    """Two games of one's own, five of the bot in one folder, one that the AI drove in a dream."""
    save(app.recordings / "pac-man", "mine", 10)
    save(app.recordings / "maze", "older", 500, game="PacmanMaze")
    for i in range(5):
        played_by(save(app.recordings / "pac-man", f"bot-{i}", i), "explorer")
    spec = {"id": "gamesim/Dream-v0", "kwargs": {"checkpoint": "/far/checkpoints/gamegan-pacman"}}
    played_by(save(app.recordings / "dream", "dreamt", 900), "controller", json.dumps(spec))
    visit(app.window, "Recordings")
    app.until(lambda: listing(app).shelf.recordings and not listing(app).shelf.scanning)
    app.frames(1)
    return app


@pytest.mark.parametrize("player", PLAYERS)
def test_the_list_has_a_word_and_a_filter_for_whoever_played(player: str):
    assert player in WHO and sum(player in group for group in FILTERS.values()) == 1


def played_by(path: Path, player: str, spec: str | None = None) -> None:
    modified, game = path.stat().st_mtime, Episode.load(path)
    players = np.full_like(game.players, PLAYERS.index(player))
    replace(game, players=players, env_spec=spec or game.env_spec).save(path)
    os.utime(path, (modified, modified))


def rows(app: Driver) -> list[str]:
    return [row.name for row in listing(app).rows]


def press_with_control(app: Driver, key: int) -> None:
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key, mod=pygame.KMOD_CTRL))
    app.frames(1)


def test_a_bot_s_games_are_one_row_that_can_be_opened(mixed: Driver):
    assert rows(mixed) == ["5 games by the bot", "mine", "older", "dreamt"]
    mixed.press(pygame.K_RETURN)
    assert rows(mixed) == ["5 games by the bot", *(f"bot-{i}" for i in range(5)), "mine", "older", "dreamt"]
    mixed.press(pygame.K_DOWN, pygame.K_RETURN)
    assert replay(mixed).recording.name == "bot-0"
    mixed.press(pygame.K_ESCAPE, pygame.K_UP, pygame.K_RETURN)
    assert len(rows(mixed)) == 4


@pytest.mark.parametrize(
    ("player", "shown"),
    [("you", ["mine", "older"]), ("bot", ["5 games by the bot"]), ("AI", ["dreamt"])],
)
def test_recordings_are_filtered_by_player_with_key_and_mouse(mixed: Driver, player: str, shown: list[str]):
    for _ in range(("you", "bot", "AI").index(player) + 1):
        mixed.press(pygame.K_m)
    assert listing(mixed).shown_player == player and rows(mixed) == shown
    mixed.frames(1)
    while listing(mixed).shown_player != "all":
        click(mixed, listing(mixed).filters[0].rect.center)
        mixed.frames(1)
    assert len(rows(mixed)) == 4


def test_a_recorded_dream_says_which_dream(mixed: Driver):
    assert "GameGAN Pac-Man (dream)" in listing(mixed).games


def test_how_large_files_are_is_told_in_a_unit_that_fits(mixed: Driver):
    row = listing(mixed).rows[0]
    assert dict(set_facts(row))["Files"] == f"{sized(row.size)} in pac-man" and row.size < 100_000
    one = row.recordings[0]
    assert dict(facts_of(one))["File"] == f"{sized(one.entry.size)} in pac-man"


def test_a_set_is_deleted_with_one_question(mixed: Driver):
    mixed.press(pygame.K_DELETE)
    question = mixed.window.screen
    assert isinstance(question, Ask) and question.caption == "Delete 5 recordings?"
    mixed.press(pygame.K_LEFT, pygame.K_RETURN)
    assert rows(mixed) == ["mine", "older", "dreamt"]


def test_many_are_selected_and_deleted_with_one_question(mixed: Driver):
    mixed.press(pygame.K_DOWN, pygame.K_SPACE, pygame.K_DOWN, pygame.K_DOWN, pygame.K_SPACE)
    assert listing(mixed).line() == "2 recordings selected"
    mixed.press(pygame.K_DELETE, pygame.K_LEFT, pygame.K_RETURN)
    assert rows(mixed) == ["5 games by the bot", "older"] and not listing(mixed).selected
    press_with_control(mixed, pygame.K_a)
    mixed.press(pygame.K_DELETE, pygame.K_LEFT, pygame.K_RETURN)
    assert not names(mixed)


def test_renaming_starts_from_the_title_that_is_shown_and_typing_takes_its_place(app: Driver):
    save(app.recordings / "pac-man", "20261126-053607-dfa59c")
    visit(app.window, "Recordings")
    app.until(lambda: listing(app).count == 1)
    app.frames(1)
    app.press(pygame.K_RETURN)
    app.until(lambda: replay(app).episode is not None)
    page, title = replay(app), "26 Nov, 05:36:07"
    for wanted in ("My first dream", "Another"):
        press_button(app, "Rename")
        prompt = app.window.screen
        assert isinstance(prompt, Prompt) and prompt.field.words == title == page.recording.name
        typed(app, "this takes the place of what is selected")
        press_with_control(app, pygame.K_a)
        typed(app, wanted)
        app.press(pygame.K_RETURN)
        assert replay(app).recording.name == wanted == names(app)[0] and f"Renamed to {wanted}" in app.said
        title = wanted


@pytest.mark.parametrize(
    ("copied", "pasted"),
    [
        ("/déjà/vu\n".encode(), "an/déjà/vu"),
        ("C:\\vu\0".encode("utf-16-le"), "anC:\\vu"),  # as Windows gives it
        (b"/long" * 60, "an" + "/long" * 60),  # a path was cut after 200 letters
        (b"\xff", "an\N{REPLACEMENT CHARACTER}"),
        (None, "an"),
        (pygame.error("no clipboard"), "an"),
    ],
)
def test_ctrl_and_v_pastes_what_was_copied_elsewhere(shelf: Driver, monkeypatch, copied, pasted: str):
    monkeypatch.setattr(pygame.scrap, "init", lambda: None)
    monkeypatch.setattr(pygame.scrap, "get", Mock(side_effect=[copied]))
    press_button(shelf, "Rename")
    typed(shelf, "an")
    press_with_control(shelf, pygame.K_v)
    page = shelf.window.screen
    assert isinstance(page, Prompt) and page.field.words == pasted


@pytest.mark.parametrize("alt", [pygame.KMOD_RALT, pygame.KMOD_MODE])
def test_altgr_and_a_types_a_letter_and_selects_nothing(shelf: Driver, alt: int):
    """Polish keyboards have ą there; on Windows AltGr comes as Ctrl and Alt."""
    press_button(shelf, "Rename")
    typed(shelf, "w")
    mod = pygame.KMOD_LCTRL | alt
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_a, mod=mod))
    typed(shelf, "ą")
    page = shelf.window.screen
    assert isinstance(page, Prompt) and page.field.words == "wą"


def test_a_title_with_a_time_in_it_can_be_kept_and_added_to(shelf: Driver):
    known = listing(shelf).shelf
    renamed = known.rename(known.recordings[0], "26 Nov, 05:36:07 mine")
    assert renamed.name == "26 Nov, 05.36.07 mine" and renamed.path.is_file()


@pytest.mark.parametrize("zoom", [1.0, 1.5])
def test_all_that_is_known_of_a_recording_can_be_scrolled_to(mixed: Driver, zoom: float):
    mixed.resize(640, 360)
    Scale.zoom = zoom
    mixed.frames(3)
    page = listing(mixed)
    assert page.detail.most > 0 and page.detail.gutter.width > 0
    page.detail.wheel(-99)
    mixed.frames(1)
    assert page.detail.at == page.detail.most


def test_thousands_of_recordings_are_drawn_as_fast_as_a_few(shelf: Driver):
    """Only rows that are seen are looked at: the work of a frame does not grow with the list."""
    page = listing(shelf)

    def work() -> int:
        """How many functions a frame calls."""
        shelf.frames(3)
        calls: list[str] = []
        sys.setprofile(lambda _, event, __: calls.append(event))
        shelf.frames(1)
        sys.setprofile(None)
        return sum(event in ("call", "c_call") for event in calls)

    few = work()
    three = page.shelf.recordings
    page.shelf.recordings = [replace(each, root=each.root / f"{n}") for n in range(4000) for each in three]
    shelf.frames(1)
    shelf.press(pygame.K_END)
    assert page.chosen == 11_999 and page.scroller.at > 0
    assert work() < 3 * few


def test_the_mouse_chooses_scrolls_and_opens(shelf: Driver):
    page = listing(shelf)
    view, height = page.view, page.height
    click(shelf, (view.left + 50, view.top + height + 5))
    assert page.chosen == 1
    click(shelf, (view.left + 50, view.top + height + 5))
    assert replay(shelf).recording.name == "second"
    shelf.press(pygame.K_ESCAPE)
    shelf.frames(1)
    click(shelf, page.buttons[3].rect.center)
    assert isinstance(shelf.window.screen, Ask)
    shelf.frames(1)
    click(shelf, shelf.window.screen.buttons[0].rect.center)
    assert names(shelf) == ["first", "third"]


@pytest.mark.parametrize(
    "size", [(1280, 800), (800, 600), (300, 700), (160, 120), (40, 30), (3, 200), (1, 1)]
)
def test_any_size_of_the_window_is_survived(shelf: Driver, size: tuple[int, int]):
    shelf.resize(*size)
    shelf.frames(3)
    shelf.press(pygame.K_DOWN, pygame.K_DELETE, pygame.K_ESCAPE, pygame.K_RETURN)
    if isinstance(shelf.window.screen, Replay):
        shelf.until(lambda: replay(shelf).episode is not None)
        shelf.frames(5)
        shelf.press(pygame.K_RIGHT, pygame.K_ESCAPE)
    shelf.frames(2)
    shelf.press(pygame.K_ESCAPE)
    assert isinstance(shelf.window.screen, Menu)


def test_folders_of_recordings_are_counted_as_they_are_trained_from(tmp_path: Path):
    save(tmp_path / "a" / "deep", "one", steps=4)
    save(tmp_path / "a", "two", steps=6)
    save(tmp_path, "three", 50, steps=7)
    shelf = Shelf([tmp_path, tmp_path / "missing"])
    shelf.scan()
    assert shelf.collections == {tmp_path / "a": (2, 10), tmp_path: (1, 7)}


def test_thumbnails_go_from_the_first_frame_to_the_last(tmp_path: Path):
    frames = thumbnails(save(tmp_path, "one", steps=40))
    assert frames.shape == (10, 84, 84, 3) and frames[0, 0, 0, 0] == 0 and frames[-1, 0, 0, 0] == 40
    with pytest.raises(UserError):
        thumbnails(tmp_path / "none.npz")


class Gate:
    """What `Lazily` makes things with: the number that divides 1, as soon as the gate is open."""

    def __init__(self) -> None:
        self.made: list[int] = []
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self, key: int) -> int:
        self.made.append(key)
        self.begun.set()
        self.open.wait()
        return 1 // key


def test_what_is_asked_for_last_is_made_first_and_what_fails_is_none():
    gate = Gate()
    lazily = Lazily(gate, keep=4, waiting=3)
    lazily.get(9)
    gate.begun.wait()
    for key in (8, 7, 6, 5, 0):
        lazily.get(key)
    gate.open.set()
    while 6 not in lazily._values:  # the last of those that are not too many
        time.sleep(0.001)
    assert gate.made == [9, 0, 5, 6]
    assert lazily.get(0) is None and lazily.get(5) == 0 and 7 not in lazily._values
    lazily.close()


def test_what_is_asked_for_again_while_it_is_made_is_made_once():
    gate = Gate()
    lazily = Lazily(gate)
    assert lazily.get(1) is None
    gate.begun.wait()
    lazily.get(2)
    assert lazily.get(1) is None  # the next frame of the window asks again
    gate.open.set()
    while 2 not in lazily._values:
        time.sleep(0.001)
    assert gate.made == [1, 2] and lazily.get(1) == 1
    lazily.close()
