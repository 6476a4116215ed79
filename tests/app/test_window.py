"""The app as a player meets it: keys in, a window and files out."""

import os
import subprocess
import sys
import threading
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pygame
import pytest

from app.driver import Driver
from app.fakes import FakeDream
from gamesim.app import window as window_module
from gamesim.app.game import hud
from gamesim.app.kit import Kit
from gamesim.app.library.catalog import dream, games
from gamesim.app.navigation import visit
from gamesim.app.screens.menu import Menu
from gamesim.app.settings import Scores
from gamesim.app.sound import Sound
from gamesim.app.window import Window
from gamesim.app.xray import layout
from gamesim.data.episode import Episode
from gamesim.data.store.journal import Journal
from gamesim.errors import UserError

SIZES = [(1280, 800), (800, 600), (1920, 1080), (300, 700), (160, 120), (40, 30), (3, 200), (1, 1)]


def test_the_menu_offers_the_games_and_the_dreams(app: Driver):
    menu = app.window.screen
    assert isinstance(menu, Menu)
    rows = {row.heading: [card.name for card in row.cards] for row in menu.rows}
    endless = ["Arcade", "Pac-Man, endless", "Maze, endless"]
    assert rows.pop("Real games") == [*endless, "Pac-Man", "Maze", "Garden"]
    assert rows == {"": ["Start here", "Coming home"], "Dreams: games inside a model": ["Tilemap Pac-Man"]}
    short = [card.blurb for card in menu.cards if card.title.game_id and card.title.kwargs == {}]
    assert [("40 steps" in words) for words in short] == [False, True, True, True]


def test_arrows_and_the_mouse_choose_a_card(app: Driver):
    app.frames(2)
    menu = app.window.screen
    assert isinstance(menu, Menu)
    app.press(pygame.K_DOWN, pygame.K_LEFT, pygame.K_RIGHT)
    assert menu.current and menu.current.name == "Pac-Man, endless"
    app.press(pygame.K_DOWN)
    assert menu.current.title.learned
    app.press(pygame.K_UP)
    assert not menu.current.title.learned
    place = menu.cards[4].rect.center
    pygame.event.post(pygame.event.Event(pygame.MOUSEMOTION, pos=place, rel=(0, 0), buttons=(0, 0, 0)))
    app.frames(1)
    assert menu.chosen == 4


def test_a_tap_of_an_arrow_moves_one_step_of_the_recorded_game(app: Driver):
    app.play("Pac-Man, endless")
    app.press(pygame.K_LEFT)
    app.frames(30)
    assert app.session.world.trail[-1] is not None
    assert sum(action == 1 for _, action in app.session.world.trail) == 1


def test_every_key_on_every_screen_is_survived(app: Driver):
    keys = [pygame.K_TAB, pygame.K_v, pygame.K_BACKSPACE, pygame.K_g, pygame.K_COMMA, pygame.K_p, pygame.K_e]
    keys += [pygame.K_MINUS, pygame.K_EQUALS, pygame.K_0, pygame.K_n, pygame.K_F11, pygame.K_F1, pygame.K_q]
    app.press(*keys, pygame.K_F1)
    for name in ("Tilemap Pac-Man", "Arcade"):
        app.play(name)
        for key in keys:
            app.press(key)
            app.frames(1)
            app.until(lambda: type(app.window.screen).__name__ != "Loading")
        app.press(pygame.K_ESCAPE, pygame.K_ESCAPE)  # the help, then the game
        assert isinstance(app.window.screen, Menu)


def test_recording_toggles_and_keeps_what_was_played(app: Driver):
    app.play("Pac-Man")
    app.press(pygame.K_COMMA)
    assert app.session.world.recorder.recording  # type: ignore[attr-defined]
    app.press(pygame.K_RIGHT)
    app.frames(60)
    steps = app.session.world.steps
    app.press(pygame.K_COMMA)
    assert not app.session.world.recorder.recording  # type: ignore[attr-defined]
    app.press(pygame.K_ESCAPE)
    (path,) = (app.recordings / "pac-man").glob("*.npz")
    episode = Episode.load(path)
    assert len(episode) == steps > 3
    assert set(episode.players) == {0}


def test_closing_the_window_keeps_a_running_recording(app: Driver):
    app.play("Maze")
    app.press(pygame.K_COMMA)
    app.frames(60)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    app.frames(1)
    assert not app.window.running
    app.window.close()
    assert len(list((app.recordings / "maze").glob("*.npz"))) == 1


def drawn_in_a_second(app: Driver, monkeypatch, *events: pygame.event.Event) -> int:
    """How often the loop of the window draws in one second of a clock that only the test moves."""
    rounds, drawn = iter(range(60)), []

    def tick(fps: int) -> None:
        app.window.running = next(rounds, None) is not None

    now = iter(i / 60 for i in range(100))
    with monkeypatch.context() as patch:
        patch.setattr(window_module.time, "perf_counter", lambda: next(now))
        patch.setattr(app.window, "clock", SimpleNamespace(tick=tick))
        patch.setattr(app.window, "show", lambda: drawn.append(1))
        patch.setattr(app.window, "close", lambda: None)
        pygame.event.get()
        for event in events:
            pygame.event.post(event)
        app.window.run()
    app.window.running = True
    return len(drawn)


def test_a_page_on_which_nothing_moves_is_seldom_drawn_and_a_key_is_answered_at_once(
    app: Driver, monkeypatch: pytest.MonkeyPatch
):
    visit(app.window, "Settings")
    app.frames(1)
    assert 8 <= drawn_in_a_second(app, monkeypatch) <= 15
    press = [pygame.event.Event(kind, key=pygame.K_DOWN) for kind in (pygame.KEYDOWN, pygame.KEYUP)]
    assert drawn_in_a_second(app, monkeypatch, *press) >= 30  # for half a second every time
    assert drawn_in_a_second(app, monkeypatch, press[0]) >= 60  # for as long as the key is held


def test_a_game_is_drawn_smoothly_until_it_is_paused(app: Driver, monkeypatch: pytest.MonkeyPatch):
    app.play("Maze")
    app.frames(60)
    assert drawn_in_a_second(app, monkeypatch) >= 60
    app.press(pygame.K_p)
    app.frames(60)
    drawn_in_a_second(app, monkeypatch)  # what follows a key
    assert drawn_in_a_second(app, monkeypatch) <= 15
    app.press(pygame.K_F1)
    drawn_in_a_second(app, monkeypatch)
    assert drawn_in_a_second(app, monkeypatch) <= 15


def test_a_folder_that_cannot_be_written_is_a_message(app: Driver):
    app.recordings.write_text("in the way", encoding="utf-8")
    app.play("Maze")
    app.press(pygame.K_COMMA)
    assert "cannot be written" in app.said
    assert not app.session.world.recorder.recording  # type: ignore[attr-defined]


def test_a_disk_that_fills_up_while_recording_is_a_message_and_the_game_goes_on(app: Driver, monkeypatch):
    app.play("Maze")
    app.press(pygame.K_COMMA)
    app.frames(20)

    def full(self, *args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "step", full)
    with pytest.warns(UserWarning, match="the disk is full"):
        app.frames(20)
    assert "the disk is full" in app.said
    steps = app.session.world.steps
    app.frames(30)
    assert app.session.world.steps > steps


def test_tab_opens_the_dream_and_comes_back(app: Driver):
    app.play("Pac-Man, endless")
    app.frames(30)
    real = app.session.world
    app.press(pygame.K_TAB)
    app.until(lambda: type(app.window.screen).__name__ == "Play" and app.session.world is not real)
    assert app.session.world.temperature == 1.0
    app.press(pygame.K_EQUALS, pygame.K_EQUALS, pygame.K_MINUS)
    assert app.session.world.temperature == pytest.approx(1.05)
    app.press(pygame.K_TAB)
    assert app.session.world is real


def test_without_a_dream_tab_says_so(app: Driver, elsewhere):
    app.play("Garden")  # one can be trained
    app.press(pygame.K_TAB)
    assert "Record it, then train one" in app.said
    app.press(pygame.K_ESCAPE)
    app.play("Arcade")  # none can
    app.press(pygame.K_TAB)
    assert "has no dream" in app.said and "train one" not in " ".join(app.window.kit.toasts.words[-1:])


def test_a_broken_checkpoint_is_a_message_and_the_menu_stays(app: Driver, monkeypatch):
    import gymnasium as gym

    def broken(*args, **kwargs):
        raise UserError("checkpoints/tilemap-pacman/model.safetensors: SHA-256 differs")

    monkeypatch.setattr(gym, "make", broken)
    menu = app.window.screen
    menu.chosen = len(menu.cards) - 1  # type: ignore[attr-defined]
    app.press(pygame.K_RETURN)
    app.until(lambda: "SHA-256 differs" in app.said)
    assert app.window.screen is menu


def test_the_folder_that_the_app_was_started_in_may_go_away(checkpoints: Path, tmp_path: Path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    window = Window(Kit(Path("checkpoints"), Path("recordings"), Scores(tmp_path / "scores.json")))
    here.rmdir()
    window.go(Menu(window))
    for _ in range(3):
        window.frame(1 / 60)
    title = dream(checkpoints)
    assert window.kit.workshop.figures(title).is_absolute()


def test_an_engine_that_fails_in_play_goes_back_to_the_menu_with_a_message(app: Driver, monkeypatch):
    app.play("Tilemap Pac-Man")

    def fail(*args):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(type(app.session.world.env.unwrapped), "step", fail)
    app.frames(30)
    assert isinstance(app.window.screen, Menu) and "out of memory" in app.said


def test_a_dream_is_opened_on_another_thread(app: Driver, monkeypatch):
    import gymnasium as gym

    go, make = threading.Event(), gym.make

    def slow(*args, **kwargs):
        assert threading.current_thread() is not threading.main_thread()
        go.wait()
        return make(*args, **kwargs)

    monkeypatch.setattr(gym, "make", slow)
    app.press(pygame.K_RETURN)
    app.frames(30)
    assert type(app.window.screen).__name__ == "Loading"
    go.set()
    app.until(lambda: type(app.window.screen).__name__ == "Play")


def test_esc_gives_up_waiting(app: Driver, monkeypatch):
    import gymnasium as gym

    go = threading.Event()
    monkeypatch.setattr(gym, "make", lambda *args, **kwargs: go.wait() and FakeDream())
    app.press(pygame.K_RETURN)
    app.press(pygame.K_ESCAPE)
    assert isinstance(app.window.screen, Menu)
    go.set()


def test_help_lies_over_any_screen_and_stops_the_game(app: Driver):
    app.play("Maze")
    steps = app.session.world.steps
    app.press(pygame.K_F1)
    app.frames(60)
    app.press(pygame.K_ESCAPE)
    assert app.session.world.steps == steps
    assert app.help is None and type(app.window.screen).__name__ == "Play"


def test_any_size_of_the_window_is_survived(app: Driver):
    def sizes() -> None:
        for size in SIZES:
            app.resize(*size)
            app.frames(2)

    sizes()
    app.play("Pac-Man")
    for beside in (False, True):
        if beside:
            app.press(pygame.K_v)
            app.until(lambda: type(app.window.screen).__name__ == "Play")
            assert app.session.beside
        sizes()
        app.press(pygame.K_F1)
        sizes()
        app.press(pygame.K_F1)


@pytest.mark.parametrize("boards", [1, 2])
def test_panel_and_boards_never_overlap_and_stay_inside(boards):
    for size in (*SIZES, *product(range(50, 1500, 173), range(50, 1200, 131))):
        plan = hud.layout(size, boards)
        window = pygame.Rect((0, 0), size)
        parts = [rect for rect in (*plan.boards, plan.panel) if rect.width and rect.height]
        for i, part in enumerate(parts):
            assert part.size <= size and (window.contains(part) or min(size) < 8), size
            assert part.collidelist(parts[i + 1 :]) == -1 or min(size) < 8, size


@pytest.mark.parametrize("boards", [1, 2])
@pytest.mark.parametrize("size", [(240, 320), (320, 240)])
def test_a_board_beside_the_xray_of_a_small_window_can_be_read(size: tuple[int, int], boards: int):
    """At 240x320 it measured 42 pixels, 6 a cell, and "Ready!" covered all of it."""
    plan, area = layout.beside(size, boards)
    for board in plan.boards:
        assert board.width >= 63 and not board.inflate(0, 8).colliderect(area), size
        assert pygame.Rect((0, 0), size).contains(board), size


def test_a_gif_of_the_last_seconds_is_saved(app: Driver):
    import imageio.v3 as iio

    app.play("Pac-Man, endless")
    app.press(pygame.K_v)
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    app.press(pygame.K_LEFT)
    app.frames(90)
    app.press(pygame.K_g)
    app.until(lambda: "Saved" in app.said)
    (path,) = app.recordings.glob("*.gif")
    pages = iio.imread(path, index=None)
    assert len(pages) == app.session.other.steps + 1  # type: ignore[union-attr]
    assert pages[0].std() > 10


def test_a_film_that_is_saved_after_its_screen_was_left_is_told_of(app: Driver):
    app.play("Pac-Man, endless")
    app.press(pygame.K_LEFT)
    app.frames(90)
    app.press(pygame.K_g, pygame.K_ESCAPE)
    assert isinstance(app.window.screen, Menu)
    app.until(lambda: "Saved" in app.said, seconds=20.0)


@pytest.mark.parametrize("key", [pygame.K_F12, pygame.K_g])
def test_a_folder_for_pictures_that_cannot_be_is_one_plain_line(app: Driver, tmp_path: Path, key: int):
    (tmp_path / "file").write_text("x")
    app.play("Maze")
    app.press(pygame.K_LEFT)
    app.frames(90)
    for folder in (tmp_path / "file", tmp_path / "file" / "in"):
        app.window.kit.pictures = folder
        app.press(key)
        app.until(lambda folder=folder: f"{folder}: " in app.said)
        assert "a file is in the way" in app.said and "Errno" not in app.said


def test_without_an_audio_device_the_app_is_silent_and_says_so(monkeypatch):
    pygame.mixer.quit()
    monkeypatch.setenv("SDL_AUDIODRIVER", "nonsense")
    sound = Sound()
    assert "No audio device" in (sound.open() or "")
    sound.play("food")
    sound.mute(True)
    sound.close()


def test_sounds_exist_for_everything_that_is_played():
    from gamesim.app.screens.play import SOUNDS
    from gamesim.app.theme import assets

    there = {path.stem for path in (assets() / "sounds").glob("*.wav")}
    assert {*SOUNDS, "move", "select", "switch", "record", "stop"} <= there


def test_the_high_score_is_kept_and_only_raised(tmp_path: Path):
    path = tmp_path / "deep" / "scores.json"
    assert Scores(path).add("x", 50.0) and not Scores(path).add("x", 40.0)
    assert Scores(path).best("x") == 50.0
    assert not list(path.parent.glob("*.tmp"))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"best": 3}', b'{"best": {"x": "y"}}', b"\xff\xfe\x00"]
)
def test_an_unreadable_score_file_starts_afresh_and_says_so(tmp_path: Path, content):
    path = tmp_path / "scores.json"
    path.write_bytes(content)
    scores = Scores(path)
    assert scores.problem and str(path) in scores.problem and scores.best("x") == 0.0
    assert scores.add("x", 1.0) and Scores(path).problem is None


def test_a_damaged_dream_folder_is_still_a_card(app: Driver, tmp_path: Path):
    (app.checkpoints / "tilemap-pacman" / "starts.safetensors").write_bytes(b"\x00" * 64)
    broken = app.checkpoints / "zzz-maze"
    broken.mkdir()
    (broken / "config.yaml").write_bytes(b"\xff")
    menu = Menu(app.window)
    named = [card.name for card in menu.cards if card.title.learned]
    assert named == ["Coming home", "Tilemap Pac-Man", "Zzz Maze"]
    app.window.go(menu)
    app.frames(3)
    assert dream(broken).game_id == "", "nobody says what it learned"


def test_without_a_display_there_is_one_clear_line(monkeypatch):
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(UserError, match="no display"):
        Window()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no display is named")
@pytest.mark.slow
def test_a_display_that_does_not_answer_is_one_clear_line_and_no_app_that_nobody_sees():
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in ("SDL_VIDEODRIVER", "WAYLAND_DISPLAY")
    }
    code = "from gamesim.app.window import Window; from gamesim.errors import UserError\n"
    code += "try: Window()\nexcept UserError as error: print(error)"
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, env=env | {"DISPLAY": ":987"}, capture_output=True, text=True, timeout=250)
    assert "(DISPLAY=:987)" in done.stdout or "cannot open a window" in done.stdout
    assert done.returncode == 0


@pytest.mark.slow
def test_the_menu_needs_no_torch(tmp_path: Path):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from gamesim.app.window import Window\n"
        "from gamesim.app.screens.menu import Menu\n"
        "w = Window(); w.go(Menu(w)); w.frame(0.0)\n"
        "print('torch' in sys.modules)\n"
    )
    env = {**os.environ, "SDL_VIDEODRIVER": "dummy", "XDG_DATA_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_real_and_drawn_game_show_the_same_things(app: Driver):
    """The colour in the middle of a cell of the large board is that of the small frame."""
    app.play("Pac-Man, endless")
    app.session.paused = True
    app.frames(2)
    board = app.window.screen.layout.boards[0]  # type: ignore[attr-defined]
    frame = app.session.world.frame
    kinds = {"wall": (38, 54, 214), "food": (255, 204, 164)}
    for row in range(7):
        for column in range(7):
            small = frame[12 * row + 6, 12 * column + 6]
            place = (
                board.left + (2 * column + 1) * board.width // 14,
                board.top + (2 * row + 1) * board.height // 14,
            )
            large = np.array(app.window.surface.get_at(place)[:3], int)
            if tuple(small) in kinds.values():
                assert np.abs(large - small).max() < 40


def test_games_of_the_menu_open(app: Driver):
    for title in games():
        app.play(title.name)
        app.frames(5)
        app.press(pygame.K_ESCAPE)
