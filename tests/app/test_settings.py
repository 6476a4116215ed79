"""What the player chooses holds at once and in the next run; what is broken is said and does no harm."""

import contextlib
import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pygame
import pytest

from app.driver import Driver
from gamesim.app import theme
from gamesim.app.action_keys import ActionKeys
from gamesim.app.controls import BINDINGS, DOWN, KEYMAP, LEFT, Command, meaning
from gamesim.app.labs.plots import INKS
from gamesim.app.library.workshop import Added, Recent
from gamesim.app.screens.settings import SettingsScreen
from gamesim.app.settings import Scores, Settings, pictures_folder
from gamesim.app.theme import COLOURS, PALETTES, Scale
from gamesim.app.ui.ask import Prompt
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError

SIZES = [(1280, 800), (800, 600), (400, 300), (120, 90), (1, 1)]


@pytest.fixture
def settings(app: Driver) -> SettingsScreen:
    app.frames(3)
    app.press(pygame.K_F2)
    screen = app.window.screen
    assert isinstance(screen, SettingsScreen)
    return screen


def choose(screen: SettingsScreen, label: str) -> None:
    screen.chosen = next(
        i for i, row in enumerate(screen.rows) if row.label.lower().startswith(label.lower())
    )


def kept(app: Driver) -> Settings:
    """The settings as another run would find them."""
    return Settings(app.window.kit.settings.path)


# the screen ------------------------------------------------------------------------------------------------


def test_f2_opens_the_settings_on_any_screen_and_esc_goes_back_to_it(app: Driver):
    app.play("Maze")
    play, steps = app.window.screen, app.session.world.steps
    app.press(pygame.K_F2, pygame.K_F2)
    app.frames(60)
    assert isinstance(app.window.screen, SettingsScreen)
    app.press(pygame.K_ESCAPE)
    assert app.window.screen is play and app.session.world.steps == steps


def test_volume_mute_and_size_hold_at_once_and_in_the_next_run(app: Driver, settings: SettingsScreen):
    before = Scale.of((1280, 800)).factor
    choose(settings, "Volume")
    app.press(pygame.K_LEFT, pygame.K_LEFT)
    choose(settings, "Text and icon")
    app.press(pygame.K_RIGHT)
    app.press(pygame.K_n)
    assert app.window.kit.sound.volume == pytest.approx(0.6) and app.window.kit.sound.muted
    assert Scale.of((1280, 800)).factor == pytest.approx(1.1 * before)
    again = kept(app)
    assert (again.volume, again.ui_scale, again.muted, again.problem) == (60, 110, True, None)


def test_the_palette_changes_marks_and_sprites(app: Driver, settings: SettingsScreen):
    plain = app.window.kit.painter.sprites.get("ghost0a", 64).get_at((32, 48))
    app.press(pygame.K_RIGHT)
    assert COLOURS["ghost0"] == PALETTES["okabe-ito"]["ghost0"] != PALETTES["standard"]["ghost0"]
    drawn = app.window.kit.painter.sprites.get("ghost0a", 64).get_at((32, 48))
    assert drawn != plain
    assert np.abs(np.array(drawn[:3]) - COLOURS["ghost0"]).max() < 40
    assert kept(app).palette == "okabe-ito"


def test_the_mouse_chooses_and_changes(app: Driver, settings: SettingsScreen):
    app.frames(1)
    row = next(row for row in settings.rows if row.label == "Volume")
    for place, volume in (
        ((row.rect.right - 5, row.rect.centery), 90),
        ((row.rect.centerx + 5, row.rect.centery), 80),
    ):
        pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=place, button=1))
        app.frames(1)
        assert app.window.kit.settings.volume == volume


def test_fullscreen_is_kept_and_the_window_comes_back_as_it_was(app: Driver, settings: SettingsScreen):
    app.resize(900, 700)
    app.press(pygame.K_F11)
    assert app.window.surface.get_flags() & pygame.FULLSCREEN and kept(app).fullscreen
    app.press(pygame.K_F11)
    assert kept(app).size == (900, 700) and not kept(app).fullscreen


def test_a_question_with_a_line_of_text_leaves_f11_and_f12_to_the_window(app: Driver):
    app.window.go(Prompt(app.window, "Name?", "", "abc", lambda words: None))
    app.press(pygame.K_F11)
    assert app.window.surface.get_flags() & pygame.FULLSCREEN
    app.press(pygame.K_F11, pygame.K_F12)
    assert not app.window.surface.get_flags() & pygame.FULLSCREEN and "Saved" in app.said
    KEYMAP.give(Command.FULLSCREEN, pygame.K_j)
    app.press(pygame.K_j, pygame.K_F1)
    assert not app.window.surface.get_flags() & pygame.FULLSCREEN, "this types a letter"
    assert isinstance(app.window.screen, Prompt) and app.help is None


def test_everything_can_be_as_it_was(app: Driver, settings: SettingsScreen):
    app.window.kit.settings.volume = 10
    KEYMAP.give(Command.PAUSE, pygame.K_q)
    choose(settings, "Reset all settings")
    app.press(pygame.K_RETURN)
    assert app.window.kit.settings.volume == 80 and meaning(pygame.K_q) is None
    assert meaning(pygame.K_p) is Command.PAUSE


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("zoom", [75, 200])
def test_any_size_is_survived_and_every_row_can_be_reached(app: Driver, settings: SettingsScreen, size, zoom):
    app.window.kit.settings.ui_scale = zoom
    app.window.kit.keep_settings()
    app.resize(*size)
    for _ in range(len(settings.rows) // 4):
        app.press(pygame.K_DOWN, pygame.K_PAGEDOWN)
        if min(size) > 250:
            assert settings.rows[settings.chosen].rect.height > 0
    app.press(pygame.K_F1)
    app.frames(2)


# keys ------------------------------------------------------------------------------------------------------


def test_every_action_can_be_given_another_key(app: Driver, settings: SettingsScreen):
    spare = [
        *range(pygame.K_F3, pygame.K_F10),
        *range(pygame.K_a, pygame.K_z),
        *range(pygame.K_1, pygame.K_9),
    ]
    for key, binding in zip(spare, BINDINGS, strict=False):
        row = next(i for i, row in enumerate(settings.rows) if row.keys == (KEYMAP, binding.does))
        settings.chosen = row
        settings.command(Command.RESET)
        app.press(key)
        assert meaning(key) == binding.does and KEYMAP.keys(binding.does)[0] == key
    KEYMAP.load({})
    KEYMAP.load(kept(app).keys)
    assert all(meaning(key) == binding.does for key, binding in zip(spare, BINDINGS, strict=False))


def test_a_new_key_works_in_the_game_and_stands_in_the_help(app: Driver, settings: SettingsScreen):
    choose(settings, "Pause")
    app.press(pygame.K_RETURN, pygame.K_j, pygame.K_ESCAPE)
    app.play("Maze")
    app.press(pygame.K_p)
    assert not app.session.paused
    app.press(pygame.K_j)
    assert app.session.paused
    app.press(pygame.K_F1)
    assert app.help is not None
    (line,) = (line for line in app.help.lines if line.words == "pause")
    assert line.caps == ("J",)


def test_a_key_that_is_taken_from_another_action_is_said(app: Driver, settings: SettingsScreen):
    choose(settings, "Record")
    app.press(pygame.K_RETURN, pygame.K_g)
    assert meaning(pygame.K_g) is Command.RECORD and KEYMAP.caps(Command.GIF) == []
    assert "film" in app.said and "no key now" in app.said
    app.press(pygame.K_DELETE)  # back to the table
    assert meaning(pygame.K_COMMA) is Command.RECORD


def test_one_more_key_keeps_the_others(app: Driver, settings: SettingsScreen):
    choose(settings, "Fullscreen".lower())
    settings.chosen = next(
        i for i, row in enumerate(settings.rows) if row.keys == (KEYMAP, Command.FULLSCREEN)
    )
    app.press(pygame.K_INSERT, pygame.K_q)
    assert {pygame.K_q, pygame.K_F11} == set(KEYMAP.keys(Command.FULLSCREEN))


@pytest.mark.parametrize("keys", [range(pygame.K_F3, pygame.K_F12), [pygame.K_UNKNOWN]])
def test_whatever_keys_are_given_the_next_start_has_them(app: Driver, settings: SettingsScreen, keys):
    """However many there are; one of no code would be every such key."""
    choose(settings, "Pause")
    app.press(pygame.K_RETURN, pygame.K_q)
    for key in keys:
        app.press(pygame.K_INSERT, key)
    given = KEYMAP.keys(Command.PAUSE)
    assert given[0] == keys[-1] or (given == [pygame.K_q] and "no code" in app.said)
    assert kept(app).problem is None and kept(app).keys["PAUSE"] == given
    KEYMAP.restore()
    buttons = ActionKeys(["NOOP", "FIRE"], "g/G-v0")
    for key in keys:
        with contextlib.suppress(UserError):
            buttons.give("FIRE", key, add=True)
    settings._keep_keys()
    assert kept(app).problem is None and buttons.keys("FIRE")


def test_esc_stops_waiting_and_is_never_given_away(app: Driver, settings: SettingsScreen):
    choose(settings, "Pause")
    app.press(pygame.K_RETURN, pygame.K_ESCAPE)
    assert isinstance(app.window.screen, SettingsScreen)
    assert meaning(pygame.K_ESCAPE) is Command.BACK and meaning(pygame.K_p) is Command.PAUSE
    with pytest.raises(UserError, match="Esc"):
        KEYMAP.give(Command.PAUSE, pygame.K_ESCAPE)


def test_arrows_and_enter_work_in_menus_whatever_was_changed():
    for does in (LEFT, DOWN, Command.RESET, Command.HELP):
        KEYMAP.give(does, pygame.K_q)
    assert meaning(pygame.K_LEFT) == LEFT and meaning(pygame.K_DOWN) == DOWN
    assert meaning(pygame.K_RETURN) is Command.RESET and meaning(pygame.K_F1) is Command.HELP


def test_a_key_does_one_thing_even_if_the_file_says_two():
    KEYMAP.load({"PAUSE": [pygame.K_x], "STEP": [pygame.K_x, pygame.K_ESCAPE], "NONSENSE": [1]})
    assert meaning(pygame.K_x) is Command.PAUSE
    assert KEYMAP.keys(Command.STEP) == [pygame.K_e], "not left without any: two windows gave the same key"
    assert meaning(pygame.K_ESCAPE) is Command.BACK


def test_the_chosen_setting_stays_in_view_when_the_window_shrinks(app: Driver, settings: SettingsScreen):
    settings.step(9)
    app.frames(1)
    app.resize(320, 240)
    app.frames(1)
    assert settings.view.contains(settings.current.rect)


@pytest.mark.parametrize("size", SIZES)
def test_all_lines_of_the_help_can_be_scrolled_to(app: Driver, size):
    app.resize(*size)
    app.press(pygame.K_F1)
    overlay = app.help
    assert overlay is not None
    for _ in range(60):
        overlay.handle(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_DOWN))
    app.frames(1)
    assert overlay.scroller.at == overlay.scroller.most and app.help is overlay
    app.press(pygame.K_ESCAPE)
    assert app.help is None


def test_keys_pressed_while_the_help_is_read_do_not_move_anything(app: Driver):
    app.play("Pac-Man, endless")
    app.press(pygame.K_F1, pygame.K_LEFT, pygame.K_DOWN, pygame.K_F1)
    assert app.session.steering.held == 0 and not app.session.steering.waiting


# the file --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"\xff\xfe\x00", b"[" * 100000])
def test_a_broken_file_gives_the_usual_settings_and_is_kept_aside(tmp_path: Path, content):
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    settings = Settings(path)
    assert settings.problem and str(path) in settings.problem
    assert (settings.volume, settings.palette, settings.keys) == (80, "standard", {})
    assert (tmp_path / "settings.broken.json").read_bytes() == content
    settings.save()
    assert Settings(path).problem is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("volume", 101), ("volume", "loud"), ("volume", True), ("palette", "beige"), ("palette", []),
        ("ui_scale", 1000), ("muted", 1), ("size", [0, 5]), ("size", 3), ("dead_zone", 0), ("keys", []),
        ("keys", {"PAUSE": 3}), ("keys", {"PAUSE": ["p"]}), ("keys", {"PAUSE": [-1]}),
        ("keys", {"PAUSE": [10**30]}),
    ],
)  # fmt: skip
def test_one_setting_that_makes_no_sense_spoils_no_other(tmp_path: Path, name, value):
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"dead_zone": 50, "volume": 30, "newer": 1, name: value}), encoding="utf-8")
    settings = Settings(path)
    assert settings.problem and name in settings.problem
    assert getattr(settings, name) == getattr(Settings(tmp_path / "none.json"), name)
    assert name == "volume" or settings.volume == 30


def test_a_broken_file_is_a_toast_of_the_running_app(app: Driver):
    app.window.kit.settings.problem = "The settings are damaged"
    app.frames(3)
    assert "The settings are damaged" in app.said


def test_settings_that_cannot_be_written_are_a_message(app: Driver, tmp_path: Path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    app.window.kit.settings.path = tmp_path / "file" / "settings.json"
    app.press(pygame.K_n)
    assert "not saved" in app.said and app.window.kit.sound.muted


# pictures --------------------------------------------------------------------------------------------------


def test_a_picture_of_the_window_is_saved_without_messages(app: Driver):
    import imageio.v3 as iio

    app.frames(3)
    app.window.kit.toasts.say("A message")
    app.press(pygame.K_F12)
    app.press(pygame.K_F12)
    assert "Saved" in app.said
    first, second = sorted(app.window.kit.pictures.glob("*.png"))
    picture = iio.imread(first)
    assert picture.shape[:2] == (800, 1280) and picture.std() > 5
    app.silence()
    app.frames(1, 0.0)
    seen = pygame.surfarray.array3d(app.window.surface).swapaxes(0, 1)
    assert (picture[700:, :, :3] == seen[700:]).all() and second != first


def test_a_picture_that_cannot_be_saved_is_a_message(app: Driver, tmp_path: Path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    app.window.kit.pictures = tmp_path / "file" / "deeper"
    app.press(pygame.K_F12)
    assert "The picture was not saved" in app.said


def test_pictures_go_among_the_users_pictures_where_there_are_any(tmp_path: Path, monkeypatch):
    for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert pictures_folder(Path("recordings")) == Path("recordings")
    (tmp_path / "Pictures").mkdir()
    assert pictures_folder(Path("recordings")) == tmp_path / "Pictures" / "gamesim"
    (tmp_path / "Bilder").mkdir()
    (tmp_path / "user-dirs.dirs").write_text('XDG_PICTURES_DIR="$HOME/Bilder"\n', encoding="utf-8")
    assert pictures_folder(Path("recordings")) == tmp_path / "Bilder" / "gamesim"


# colours ---------------------------------------------------------------------------------------------------

# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB.
BLINDNESS = {
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
TOLD_APART = ("pacman", "ghost0", "ghost1", "ghost2", "ghost3", "scared", "flag", "food")


def seen(colour: tuple[int, int, int], blindness: str) -> np.ndarray:
    """A colour in CIE Lab as somebody with that colour blindness sees it."""
    rgb = np.array(colour) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = XYZ @ np.clip(np.array(BLINDNESS[blindness]) @ linear, 0, 1) / (XYZ @ np.ones(3))
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def nearest(palette: str, blindness: str, names: Sequence[str] = TOLD_APART) -> float:
    """The smallest distance (CIE76) between two things that must be told apart."""
    colours = [seen(PALETTES[palette][name], blindness) for name in names]
    return min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(colours, 2))


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_the_safe_palette_keeps_things_apart_for_the_colour_blind(blindness):
    assert nearest("okabe-ito", blindness) > 15 and nearest("okabe-ito", blindness) > nearest(
        "standard", blindness
    )


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_the_curves_of_one_plot_can_be_told_apart_in_the_safe_palette(blindness):
    """The first and the third were the same blue, and so were losses and what is held out."""
    assert nearest("okabe-ito", blindness, INKS[:4]) > 15
    assert nearest("okabe-ito", blindness, ("curve", "dream")) > 15


def test_both_palettes_name_the_same_things_and_have_their_sprites():
    for name, palette in PALETTES.items():
        assert palette.keys() == PALETTES["standard"].keys()
        assert theme.sheet(name).is_file()


# two windows -----------------------------------------------------------------------------------------------


def test_two_windows_keep_what_each_of_them_changed(tmp_path: Path):
    path = tmp_path / "settings.json"
    one, other = Settings(path), Settings(path)
    one.palette, one.keys = "okabe-ito", {"PAUSE": [pygame.K_q]}
    one.save()
    other.muted, other.size = True, (900, 700)
    other.save()
    one.volume = 10
    one.save()
    both = Settings(path)
    assert (both.palette, both.keys, both.muted) == ("okabe-ito", {"PAUSE": [pygame.K_q]}, True)
    assert (both.size, both.volume) == ((900, 700), 10)
    other.reset()
    other.save()
    assert Settings(path).palette == "standard" and Settings(path).keys == {}


def test_two_windows_keep_the_keys_that_each_of_them_gave(tmp_path: Path):
    path = tmp_path / "settings.json"
    begun = Settings(path)
    begun.keys, begun.game_keys = {"PAUSE": [113], "STEP": [101]}, {"Cart": {"left": [1], "right": [2]}}
    begun.save()
    one, two = Settings(path), Settings(path)
    one.keys = {"PAUSE": [113], "STEP": [101], "RECORD": [122]}
    one.game_keys = {"Cart": {"left": [3], "right": [2]}, "Acrobot": {"push": [7]}}
    one.save()
    two.keys = {"PAUSE": [114]}  # and STEP has its usual key again
    two.game_keys = {"Cart": {"left": [1], "right": [4]}}
    two.save()
    kept = Settings(path)
    assert kept.keys == {"PAUSE": [114], "RECORD": [122]}
    assert kept.game_keys == {"Cart": {"left": [3], "right": [4]}, "Acrobot": {"push": [7]}}
    two.reset()
    two.save()
    assert Settings(path).keys == {} and Settings(path).game_keys == {}


def test_the_score_of_one_window_does_not_take_that_of_another_away(tmp_path: Path):
    path = tmp_path / "scores.json"
    one, other = Scores(path), Scores(path)
    assert one.add("arcade", 9000.0) and not other.add("arcade", 500.0)
    assert other.add("arcade", 9500.0) and Scores(path).best("arcade") == 9500.0


def test_scores_that_cannot_be_read_are_kept_aside(tmp_path: Path):
    path = tmp_path / "scores.json"
    path.write_text('{"best": {"arcade": "many"}}', encoding="utf-8")
    scores = Scores(path)
    assert scores.problem and scores.add("arcade", 1.0)
    assert "many" in (tmp_path / "scores.broken.json").read_text(encoding="utf-8")


def test_what_two_windows_played_is_known_when_the_one_played_last_is_gone(tmp_path: Path):
    one, other = Recent(tmp_path / "recent.json"), Recent(tmp_path / "recent.json")
    one.use("a")
    other.use("b")
    kept = Recent(tmp_path / "recent.json")
    assert kept.when("b") > kept.when("a") > 0.0


def test_games_that_two_windows_add_are_both_in_the_menu(tmp_path: Path):
    one, other = Added(tmp_path / "games.json"), Added(tmp_path / "games.json")
    one.add(Recipe("a/A-v0"))
    other.add(Recipe("b/B-v0"))
    assert {recipe.env_id for recipe in Added(tmp_path / "games.json").recipes} == {"a/A-v0", "b/B-v0"}
