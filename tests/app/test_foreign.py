"""Games that are not ours, on the play screen: their keys, and that the window outlives them."""

import threading

import pygame
import pytest

import toy_games
from app.driver import Driver, typed
from gamesim.app.action_keys import CHOSEN, ActionKeys
from gamesim.app.controls import KEYMAP, LEFT, Command
from gamesim.app.game.world import World
from gamesim.app.library import catalog
from gamesim.app.library.catalog import Title, dream, foreign, partner, title_of
from gamesim.app.library.workshop import Workshop
from gamesim.app.screens import add_game
from gamesim.app.screens.add_game import AddGame
from gamesim.app.screens.play import Play
from gamesim.app.screens.settings import Keyed, SettingsScreen
from gamesim.app.settings import Settings
from gamesim.app.theme import font
from gamesim.app.ui.widgets import wrap
from gamesim.envs.meanings import read
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError

toy_games.register()
PONG = ["NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE"]


def held(keys: ActionKeys, *pressed: int) -> int | None:
    return keys.action([button for key in pressed if (button := keys.button(key)) is not None])


def test_words_are_pressed_by_the_keys_that_one_expects():
    keys = ActionKeys(PONG)
    assert held(keys) == keys.idle == 0
    assert held(keys, pygame.K_LEFT) == held(keys, pygame.K_a) == 3
    assert held(keys, pygame.K_SPACE) == 1
    assert held(keys, pygame.K_LEFT, pygame.K_SPACE) == 5, "together they are an action of their own"
    assert held(keys, pygame.K_LEFT, pygame.K_RIGHT) == 2, (
        "the one pressed last, where there is no such action"
    )
    assert sorted(keys.legend) == [("Space", "Fire"), ("←", "Left"), ("→", "Right")]


def test_actions_without_words_have_numbers_and_the_first_four_the_arrows_too():
    keys = ActionKeys([""] * 9)
    assert [held(keys, ord(str(number))) for number in range(1, 9)] == list(range(1, 9))
    assert [held(keys, key) for key in (pygame.K_LEFT, pygame.K_DOWN)] == [1, 4]
    assert held(keys) == held(keys, pygame.K_TAB) == 0


def test_numbers_between_the_ends_have_no_key_and_are_no_row_of_the_legend():
    keys = ActionKeys(["LEFT", "LEFT+GAS", "LEFT 0.5", "LEFT 0.5+GAS", "NOOP", "GAS", "RIGHT", "RIGHT+GAS"])
    assert sorted(keys.legend) == [("←", "Left"), ("↑", "Gas"), ("→", "Right")] and keys.idle == 4
    assert held(keys, pygame.K_RIGHT, pygame.K_UP) == 7


def test_several_actions_at_once_read_as_words_and_break_before_a_plus():
    """The AI would press "LEFT 0.75+GAS 0.25+BRAKE", it said, and "Left 0.75+gas 0.25+brake" in a replay."""
    words = ActionKeys(["NOOP", "LEFT 0.75+GAS 0.25+BRAKE", "MOVE_LEFT+FIRE", "1+3", ""]).words
    plain = [word.replace("\N{NO-BREAK SPACE}", " ") for word in words]
    assert plain == ["none", "Left 0.75 + Gas 0.25 + Brake", "Move left + Fire", "1 + 3", "4"]
    pygame.font.init()
    lines = wrap(words[1], 20, font(20).size("Left 0.75 + Gas")[0])
    assert [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines] == [
        "Left 0.75",
        "+ Gas 0.25",
        "+ Brake",
    ]


def test_directions_come_first_in_the_legend_and_left_before_right():
    """With numbers as actions it said Left, Brake, Gas, Right."""
    words = read("LEFT, NOOP, RIGHT; NOOP, GAS; NOOP, BRAKE")
    said = {
        (ord(key),): words.index(word)
        for key, word in zip("aswd", ("LEFT", "BRAKE", "GAS", "RIGHT"), strict=True)
    }
    for own in (None, said):
        found = ActionKeys(words, said=own).legend
        assert found == [("←", "Left"), ("→", "Right"), ("↑", "Gas"), ("↓", "Brake")]


def test_no_action_of_a_small_game_is_without_a_key():
    for words in (PONG, [""] * 20, ["LEFT", "DOWN", "RIGHT", "UP"], ["NOOP", "AXIS 1 UP", "AXIS 1 DOWN"]):
        assert "–" not in [cap for cap, _ in ActionKeys(words).legend][:12]


def playing(app: Driver, recipe: Recipe) -> Driver:
    title = foreign(recipe)
    app.window.load(title, lambda env: app.window.go(Play(app.window, World(title, env))))
    app.until(lambda: isinstance(app.window.screen, Play))
    return app


def test_the_key_for_the_look_is_offered_where_there_are_two_looks(app: Driver):
    playing(app, Recipe("CartPole-v1"))
    offered = lambda: Command.LOOK in [does for does, _ in app.window.screen.works()]  # noqa: E731
    assert not offered()
    app.press(pygame.K_l)
    assert not app.window.kit.settings.pixels and "always shown as its own pixels" in app.said
    app.press(pygame.K_ESCAPE)
    app.play("Pac-Man")
    assert offered()
    app.press(pygame.K_l)
    assert app.window.kit.settings.pixels and offered()


def change_keys(app: Driver) -> SettingsScreen:
    app.press(pygame.K_F2)
    page = app.window.screen
    assert isinstance(page, SettingsScreen)
    return page


def keys_of(app: Driver) -> ActionKeys:
    keys = app.session.world.keys
    assert keys is not None
    return keys


def test_keys_of_a_game_are_changed_in_the_settings_and_remembered_by_the_game(app: Driver):
    keys = keys_of(playing(app, Recipe("CartPole-v1")))
    page = change_keys(app)
    assert page.rows[0].label == "Keys of CartPole-v1" and page.rows[1].label == "Left"
    app.press(pygame.K_RETURN, pygame.K_j, pygame.K_ESCAPE)
    assert sorted(keys.legend) == [("J", "Left"), ("→", "Right")]
    assert held(keys, pygame.K_j) == 0 and keys.button(pygame.K_LEFT) is None
    again = Settings(app.window.kit.settings.path)
    assert again.game_keys == {"CartPole-v1": {"LEFT": [pygame.K_j]}} and again.problem is None
    app.window.kit.apply_settings()  # as at the next start
    assert held(ActionKeys(["LEFT", "RIGHT"], "CartPole-v1"), pygame.K_j) == 0
    assert ActionKeys(["LEFT", "RIGHT"], "another").button(pygame.K_j) is None


def test_a_key_that_another_button_had_is_taken_from_it_and_it_is_said(app: Driver):
    keys = keys_of(playing(app, Recipe("CartPole-v1")))
    change_keys(app)
    app.press(pygame.K_RETURN, pygame.K_RIGHT)  # to Left
    assert sorted(keys.legend) == [("D", "Right"), ("→", "Left")]
    assert "was “Right”: it still has D" in app.said
    app.press(pygame.K_INSERT, pygame.K_d)
    assert keys.caps("LEFT") == ["D", "→"] and "it has no key now" in app.said
    app.press(pygame.K_RETURN, pygame.K_p)
    assert "P means “pause” in every game" in app.said and keys.caps("LEFT") == ["D", "→"]
    app.press(pygame.K_DELETE)
    assert keys.caps("LEFT") == ["←", "A"] and keys.caps("RIGHT") == ["→", "D"]
    assert not app.window.kit.settings.game_keys


def test_a_button_whose_key_becomes_a_command_has_its_usual_ones_and_it_is_said(app: Driver):
    """It had none, without a word."""
    keys = keys_of(playing(app, Recipe("CartPole-v1")))
    page = change_keys(app)
    app.press(pygame.K_RETURN, pygame.K_j)  # to Left
    page.chosen = next(i for i, row in enumerate(page.rows) if row.keys == Keyed(KEYMAP, Command.PAUSE))
    app.press(pygame.K_RETURN, pygame.K_j)
    assert "J was “Left”: it still has ←, A" in app.said and keys.caps("LEFT") == ["←", "A"]
    assert held(keys, pygame.K_LEFT) == 0 and keys.button(pygame.K_j) is None


def test_of_two_buttons_with_the_same_key_the_second_has_its_usual_ones():
    """Two windows gave them: the second had none."""
    keys = ActionKeys(["LEFT", "RIGHT"], "a game")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CHOSEN, "a game", {"LEFT": [pygame.K_j], "RIGHT": [pygame.K_j]})
        assert keys.caps("LEFT") == ["J"] and keys.caps("RIGHT") == ["→", "D"]
        assert held(keys, pygame.K_j) == 0 and held(keys, pygame.K_RIGHT) == 1


def test_the_usual_keys_of_a_game_come_back(app: Driver):
    keys = keys_of(playing(app, Recipe("CartPole-v1")))
    page = change_keys(app)
    app.press(pygame.K_RETURN, pygame.K_j)
    page.chosen = [row.label for row in page.rows].index("Back to the usual keys")
    app.press(pygame.K_RETURN)
    assert keys.caps("LEFT") == ["←", "A"] and not app.window.kit.settings.game_keys


def test_our_games_have_no_keys_of_their_own_in_the_settings(app: Driver):
    app.play("Maze")
    assert not any(row.label.startswith("Keys of") for row in change_keys(app).rows)


def test_a_gamepad_moves_whatever_keys_were_chosen():
    keys = ActionKeys(["LEFT", "RIGHT"], "a game")
    keys.give("LEFT", pygame.K_j)
    assert held(keys, KEYMAP.virtual(LEFT)) == 0
    keys.restore()


def test_the_keys_that_a_game_names_are_used():
    said = {(pygame.K_j,): 1, (pygame.K_k,): 2, (pygame.K_j, pygame.K_k): 3, (pygame.K_p,): 4}
    keys = ActionKeys(["NOOP", "HOP", "DUCK", "HOP+DUCK", "STOP"], said=said)
    assert [held(keys, pygame.K_j), held(keys, pygame.K_k), held(keys, pygame.K_j, pygame.K_k)] == [1, 2, 3]
    assert held(keys, pygame.K_p) == 0, "P pauses in every game"
    assert keys.caps("STOP"), "and so it has another"


def test_the_keys_of_a_game_are_found_through_what_shows_it(app: Driver):
    session = playing(app, Recipe("toys/Keys-v0")).session
    assert sorted(keys_of(app).legend) == [("J", "Hop"), ("K", "Duck")]
    for key, action in ((pygame.K_j, 1), (pygame.K_k, 2)):  # in our games they attack and repaint
        app.down(key)
        app.frames(20)
        app.up(key)
        assert action in [done for _, done in session.world.trail]


def test_a_game_without_an_action_for_nothing_waits_for_the_player(app: Driver):
    session = playing(app, Recipe("CartPole-v1")).session
    app.frames(60)
    assert session.world.steps == 0
    app.down(pygame.K_RIGHT)
    app.frames(30)
    assert 0 < session.world.steps <= 30
    app.up(pygame.K_RIGHT)
    app.frames(2)
    steps = session.world.steps
    app.frames(30)
    assert session.world.steps == steps
    app.press(pygame.K_ESCAPE)
    app.frames(2)
    assert pygame.display.get_init(), "CartPole puts pygame out when it is closed"
    assert app.window.running


def test_whatever_is_pressed_is_an_action_that_the_game_has(app: Driver):
    session = playing(app, Recipe("toys/Three-v0")).session
    for key in (pygame.K_LEFT, pygame.K_DOWN, pygame.K_1, pygame.K_9, pygame.K_SPACE):
        app.press(key)
        app.frames(20)
    assert session.world.steps > 0 and "failed" not in app.said and isinstance(app.window.screen, Play)


@pytest.mark.parametrize("where", ["step", "reset"])
def test_a_game_that_breaks_down_is_a_message(app: Driver, where: str):
    title = foreign(Recipe("toys/Broken-v0", {"where": where}))
    app.window.screen.open(title)  # type: ignore[attr-defined]
    app.until(lambda: type(app.window.screen).__name__ != "Loading")
    app.press(pygame.K_LEFT)
    app.frames(30)
    assert "oh no" in app.said and app.window.running


@pytest.mark.parametrize("where", ["step", "reset", "__init__"])
def test_a_game_that_lacks_a_file_says_so_in_plain_words(
    app: Driver, monkeypatch: pytest.MonkeyPatch, where: str
):
    def lost(*_: object, **__: object) -> None:
        open("/no/such/level.png", "rb").close()

    monkeypatch.setattr(toy_games.Dot, where, lost)
    app.window.screen.open(foreign(Recipe("toys/Nine-v0")))  # type: ignore[attr-defined]
    app.until(lambda: type(app.window.screen).__name__ != "Loading")
    app.press(pygame.K_LEFT)
    app.frames(30)
    assert "/no/such/level.png: no such file or folder" in app.said and "Errno" not in app.said


def test_what_cannot_be_opened_is_a_message(app: Driver):
    app.window.screen.open(foreign(Recipe("toys/Blind-v0")))  # type: ignore[attr-defined]
    app.until(lambda: "shows no picture" in app.said)


def test_the_partner_of_such_a_dream_is_its_game_as_it_was_recorded(app: Driver):
    folder = app.checkpoints / "mine"
    folder.mkdir()
    rows = {"game": "toys/Nine-v0", "recorded with": "--size 64 steps=9", "actions": "LEFT, RIGHT"}
    (folder / "README.md").write_text("".join(f"| {name} | {fact} |\n" for name, fact in rows.items()))
    title = dream(folder)
    assert title.actions == ("LEFT", "RIGHT")
    (folder / "README.md").write_text("| actions | NOOP, , JUMP |\n")
    assert dream(folder).actions == ("NOOP", "", "JUMP"), "an action without a word is one, too"
    found = partner(title, [])
    assert isinstance(found, Title) and found.how == Recipe("toys/Nine-v0", {"steps": 9}, size=64)
    (folder / "README.md").write_text("| game | os:gone/Game-v0 |\n")
    assert partner(dream(folder), []) is None


def test_of_several_dreams_of_a_game_the_one_with_the_same_actions_is_its_partner():
    made = [
        Recipe("toys/Steered-v0"),
        Recipe("toys/Steered-v0", {"a": 1}),
        Recipe("toys/Steered-v0", levels=(3, 3)),
    ]
    dreams = [Title(str(n), "", "", game_id="toys/Steered-v0", recipe=how) for n, how in enumerate(made)]
    assert [partner(foreign(how), dreams) for how in made] == dreams
    assert partner(foreign(Recipe("toys/Steered-v0", {"b": 2}, size=64)), dreams) == dreams[0]


def test_a_dream_of_other_keys_is_no_side_of_a_game_and_lends_no_driver(app: Driver):
    card = "| game | toys/Nine-v0 |\n| actions | RIGHT, LEFT, UP, DOWN, FIRE |\n"
    (app.checkpoints / "tilemap-pacman" / "README.md").write_text(card)
    playing(app, Recipe("toys/Nine-v0", size=84))
    app.press(pygame.K_TAB)
    app.until(lambda: "learned with other keys" in app.said)
    assert app.window.screen.session.other is None


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ("| game | gone/Game-v0 |", "learned from gone/Game-v0, which is not installed here."),
        ("| game | mine:gone/Game-v0 |", "which is not installed here. Add it to the menu first."),
        ("| steps | 3 |", "The card of this dream does not say which game it learned."),
    ],
)
def test_a_dream_whose_game_is_not_here_says_so(app: Driver, card: str, said: str):
    folder = app.checkpoints / "tilemap-pacman"
    (folder / "README.md").write_text(card + "\n")
    app.window.screen.open(dream(folder))  # type: ignore[attr-defined]
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    app.press(pygame.K_TAB)
    app.until(lambda: said in app.said)


def test_main_py_play_takes_any_id():
    assert title_of("CartPole-v1").how == Recipe("CartPole-v1")
    assert title_of("gamesim/PacmanArcade-v0").name == "Arcade"


@pytest.mark.usefixtures("elsewhere")
def test_a_game_is_found_by_a_part_of_its_id(app: Driver, monkeypatch: pytest.MonkeyPatch):
    found = threading.Event()
    monkeypatch.setattr(
        add_game, "installed", lambda: found.wait(60) and ["A/Pong-v5", "CartPole-v1", "Pong-v0"]
    )
    app.window.go(page := AddGame(app.window))
    app.frames(2)
    assert page.line() == "looking for installed games…" and not page.rows  # the window goes on meanwhile
    found.set()
    app.until(lambda: page.count == 3)
    sought = ""
    for words, there in (("POng", ["A/Pong-v5", "Pong-v0"]), ("zelda", []), ("", page.rows)):
        page.choose(2)
        app.down(pygame.K_f)
        typed(app, "f")  # the same key's letter, which is no part of the answer
        app.up(pygame.K_f)
        assert app.window.screen.field.words == sought  # type: ignore[attr-defined]
        app.window.screen.field.words = sought = words  # type: ignore[attr-defined]
        app.press(pygame.K_RETURN)
        app.frames(2)
        assert page.rows == there and page.chosen == 0
        assert (page.nothing() == 'No id has "zelda" in it.') == (words == "zelda")


@pytest.mark.usefixtures("elsewhere")
def test_a_game_is_added_to_the_menu_stays_there_and_is_removed_again(app: Driver):
    app.frames(1)
    app.window.screen.visit("Add a game")  # type: ignore[attr-defined]
    app.frames(2)
    page = app.window.screen
    assert isinstance(page, AddGame)
    app.until(lambda: "CartPole-v1" in page.rows)
    page.chosen = page.rows.index("CartPole-v1")
    app.frames(1)
    page.press(next(action for action in page.buttons if action.label == "Add to menu"))
    app.frames(1)
    assert Workshop((), app.recordings, app.window.kit.workshop.data).added.has("CartPole-v1"), (
        "also the next time"
    )
    app.press(pygame.K_ESCAPE)
    app.frames(3)
    assert "CartPole-v1" in [card.title.name for card in app.window.screen.cards]  # type: ignore[attr-defined]
    page.press(next(action for action in page.actions() if action.label == "Remove"))
    assert not app.window.kit.workshop.added.has("CartPole-v1")
    page.add("toys/Three-v0")
    assert page.current == "toys/Three-v0"
    with pytest.raises(UserError, match="unknown game"):
        page.add("toys/Nothing-v0")


@pytest.mark.usefixtures("elsewhere")
def test_what_play_takes_may_follow_the_id_of_a_game_that_is_added(app: Driver, monkeypatch):
    app.frames(1)
    app.window.screen.visit("Add a game")  # type: ignore[attr-defined]
    page = app.window.screen
    assert isinstance(page, AddGame)
    app.until(lambda: len(page.buttons) == 5)
    page.focus = 4
    app.press(pygame.K_RETURN)
    app.frames(1)
    typed(app, "Pendulum-v1 --levels 5 --frame-skip 4 g=9.5")
    app.press(pygame.K_RETURN)
    recipe = Recipe("Pendulum-v1", {"g": 9.5}, frame_skip=4, levels=(5,))
    app.frames(1)
    assert page.recipe == recipe and page.hints()[-3][1] == "play", "Enter does not ask again"
    assert Workshop((), app.recordings, app.window.kit.workshop.data).added.recipes == [recipe]
    begun: list[list[str]] = []
    monkeypatch.setattr(page.kit.workshop.jobs, "start", lambda out, name, words, log: begun.append(words))
    page.record()
    assert begun[0][-5:] == ["--frame-skip", "4", "--levels", "5", "g=9.5"]
    for wrong, complaint in (
        ("--levels 5,5", "Pendulum-v1"),
        ("--levels one", "argument --levels: 'one' is not a whole number from 2 to 256"),
        ("--level 5", "unknown flag '--level', did you mean '--levels'?"),
        ("fast", "unexpected 'fast', expected key=value"),
        ("speed=2", "takes no argument 'speed'"),
        ("g='", "no closing quotation"),
    ):
        with pytest.raises(UserError, match=complaint.replace("?", r"\?")) as caught:
            page.add(f"Pendulum-v1 {wrong}")
        assert "\n" not in str(caught.value) and page.recipe == recipe
    page.play()
    app.until(lambda: type(app.window.screen).__name__ == "Play")
    assert app.session.world.env.action_space.n == 5


def test_take_cover_has_a_card_where_vizdoom_is_and_its_own_name_everywhere(monkeypatch, tmp_path):
    monkeypatch.setattr(catalog, "find_spec", lambda package: None)
    assert "Take Cover" not in [title.name for title in catalog.games()]
    assert catalog.game_name("gamesim/TakeCover-v0") == "Take Cover"
    monkeypatch.setattr(catalog, "find_spec", lambda package: package == "vizdoom")
    title = catalog.games()[-1]
    assert (title.name, title.rate) == ("Take Cover", 35.0)
    card = "# A dream\n\n| | |\n|---|---|\n| game | gamesim/TakeCover-v0 |\n| actions | LEFT, NOOP, RIGHT |\n"
    (tmp_path / "README.md").write_text(card)
    learned = dream(tmp_path)
    assert learned.blurb == "Learned from Take Cover"
    assert learned.recipe == title.how, "its keys are those that its actions are called after"


@pytest.mark.parametrize(
    ("metadata", "skip", "steps"),
    [
        ({"render_fps": 50}, 1, 50.0),
        ({"render_fps": 50}, 4, 12.5),
        ({"render_fps": 4}, 1, 4.0),
        ({"render_fps": 500}, 1, 60.0),
        ({"render_fps": 4}, 8, 2.0),
        ({}, 1, 7.0),
        *(({"render_fps": wrong}, 1, 7.0) for wrong in ("fast", None, 0, -3, float("nan"))),
    ],
)
def test_a_game_and_its_dream_are_as_fast_as_the_game_says(tmp_path, monkeypatch, metadata, skip, steps):
    monkeypatch.setattr(toy_games.Dot, "metadata", {"render_modes": ["rgb_array"], **metadata})
    assert catalog.foreign(Recipe("toys/Three-v0", frame_skip=skip)).rate == steps
    how = f"| recorded with | --frame-skip {skip} |\n" if skip > 1 else ""
    (tmp_path / "README.md").write_text(f"# A dream\n\n| | |\n|---|---|\n| game | toys/Three-v0 |\n{how}")
    assert dream(tmp_path).rate == steps


def test_the_dream_of_a_game_that_is_not_installed_has_a_speed_too(tmp_path):
    for game, steps in (("Nobody/Knows-v0", 7.0), ("CarRacing-v3", 12.5)):
        (tmp_path / "README.md").write_text(
            f"# A dream\n\n| | |\n|---|---|\n| game | {game} |\n| recorded with | --frame-skip 4 |\n"
        )
        assert dream(tmp_path).rate == steps
