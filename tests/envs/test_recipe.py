"""Any game by its id: how it is shown, what is said of it, and the one line where it cannot be played."""

import json
import os
import re
import sys
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

import toy_games
from gamesim.agents.policy import known_policy
from gamesim.agents.record import record
from gamesim.data.episode import Episode
from gamesim.envs.meanings import action_meanings
from gamesim.envs.recipe import TIME_LIMIT, Recipe, find, limited, make, make_batch, spec_json
from gamesim.envs.registered import installed
from gamesim.errors import UserError
from gamesim.evaluation.subject import decodable

toy_games.register()


@pytest.mark.parametrize(
    ("name", "actions", "side"),
    [
        ("toys/Three-v0", 3, 64),
        ("toys/Large-v0", 4, 84),
        ("toys/Grey-v0", 4, 84),
        ("toys/Packed-v0", 4, 84),
        ("toys/Numbers-v0", 4, 84),
        ("toys/Steered-v0", 5, 64),
        ("toys/Chords-v0", 8, 64),
        ("toys/FromFive-v0", 4, 64),
        ("toys/Plain-v0", 4, 64),
        ("toys/Local-v0", 4, 64),
        ("toy_games:toys/Three-v0", 3, 64),
        ("CartPole-v1", 2, 84),
        ("FrozenLake-v1", 4, 84),
    ],
)
def test_any_game_shows_frames_and_takes_numbers_from_0(name, actions, side):
    env = make(Recipe(name))
    assert env.action_space == gym.spaces.Discrete(actions)
    frame, info = env.reset(seed=0)
    assert frame.shape == (side, side, 3) and frame.dtype == np.uint8 and info == {}
    for action in range(actions):
        frame, reward, terminated, truncated, info = env.step(action)
        assert env.observation_space.contains(frame) and info == {}
        assert (type(reward), type(terminated), type(truncated)) == (float, bool, bool)
        if terminated or truncated:
            env.reset()
    env.close()


def test_our_games_are_as_they_are():
    env = make(Recipe("gamesim/Pacman-v0", {"max_steps": 7}))
    assert "cells" in env.reset(seed=0)[1]
    batch = make_batch(Recipe("gamesim/Pacman-v0"), 3)
    assert batch.num_envs == 3 and "cells" in batch.reset(seed=0)[1]


def test_frames_are_as_large_and_as_stretched_as_one_asks():
    env = make(Recipe("toys/Numbers-v0", size=64, stretch=True))
    assert (env.reset(seed=0)[0] == np.full((64, 64, 3), 200)).all()
    assert not make(Recipe("toys/Numbers-v0", size=64)).reset(seed=0)[0][0].any(), "a black bar"
    assert make(Recipe("gamesim/Pacman-v0", size=64)).reset(seed=0)[0].shape == (64, 64, 3)


def test_a_time_limit_and_skipped_frames_count_the_steps_that_are_seen():
    env = make(Recipe("toys/Endless-v0", frame_skip=3, time_limit=2))
    env.reset(seed=0)
    assert env.step(0)[1:4] == (3.0, False, False)
    assert env.step(0)[1:4] == (3.0, False, True)
    env.reset()
    assert env.step(0)[3] is False


def test_only_games_that_would_never_end_are_given_a_limit_when_they_are_recorded():
    assert limited(Recipe("toys/Endless-v0")).time_limit == TIME_LIMIT
    assert limited(Recipe("toys/Endless-v0", time_limit=9)).time_limit == 9
    for name in ("CartPole-v1", "gamesim/PacmanArcade-v0"):
        assert limited(Recipe(name)).time_limit is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("toys/Nine-v0", ("LEFT", "RIGHT", "UP", "DOWN", "FIRE", "A", "B", "C", "D")),
        ("toys/Three-v0", ("", "", "")),
        ("toys/Steered-v0", ("NOOP", "AXIS 1 DOWN", "AXIS 1 UP", "AXIS 2 DOWN", "AXIS 2 UP")),
        ("toys/Chords-v0", ("NOOP", "3", "2", "2+3", "1", "1+3", "1+2", "1+2+3")),
        ("CartPole-v1", ("LEFT", "RIGHT")),
        ("FrozenLake-v1", ("LEFT", "DOWN", "RIGHT", "UP")),
    ],
)
def test_what_the_actions_mean_is_known_alone_and_in_batches(name, words):
    assert action_meanings(make(Recipe(name))) == words
    assert action_meanings(make_batch(Recipe(name), 2)) == words


@pytest.mark.parametrize("name", ["toys/Nine-v0", "gamesim/Pacman-v0", "CartPole-v1", "toys/Chords-v0"])
def test_gymnasiums_own_play_finds_keys(name):
    from gymnasium.utils.play import PlayableGame

    env = make(Recipe(name))
    env.reset(seed=0)
    assert PlayableGame(env).relevant_keys
    assert set(env.get_wrapper_attr("get_keys_to_action")().values()) <= set(range(env.action_space.n))


@pytest.mark.parametrize(
    ("name", "kwargs", "complaint"),
    [
        ("toys/Nin-v0", {}, "unknown game 'toys/Nin-v0', did you mean 'toys/Nine-v0'?"),
        ("nonsense", {}, "unknown game 'nonsense'. Games: gamesim/Pacman-v0"),
        ("CartPole-v77", {}, "did you mean 'CartPole-v"),
        ("no_such_module:Nope-v0", {}, "no_such_module:Nope-v0: there is no module no_such_module"),
        ("a:b:c", {}, "there is no module a:b"),
        (":x", {}, "unknown game 'x'"),
        ("toy_games:Nope-v0", {}, "in the module toy_games. Games of toy_games: "),
        ("json:Nope-v0", {}, "unknown game 'Nope-v0' in the module json. Games of json: none"),
        ("toys/Blind-v0", {}, "toys/Blind-v0 shows no picture"),
        ("toys/Alone-v0", {}, "toys/Alone-v0 has a single action"),
        ("toys/Spoken-v0", {}, "toys/Spoken-v0 has actions that cannot be mapped to keys"),
        ("toys/Spaceless-v0", {}, "toys/Spaceless-v0 failed in its spaces: not connected"),
        ("toys/Needy-v0", {}, "toys/Needy-v0 needs arguments: 'level' (key=value)"),
        ("toys/Three-v0", {"wibble": 1}, "toys/Three-v0 takes no argument 'wibble'"),
        ("toys/Three-v0", {"size": "large"}, "toys/Three-v0 cannot be made"),
        ("a" * 5000, {}, f"unknown game '{'a' * 79}…'."),
    ],
)
def test_what_cannot_be_made_is_one_line(name, kwargs, complaint):
    for open_it in (make, lambda recipe: make_batch(recipe, 2)):
        with pytest.raises(UserError) as caught:
            open_it(Recipe(name, kwargs))
        assert complaint in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "kwargs", "complaint"),
    [
        ("Broken", {"where": "reset"}, "toys/Broken-v0 failed in reset: oh no in reset"),
        ("Broken", {"where": "step"}, "toys/Broken-v0 failed in step: oh no in step"),
        ("Broken", {"where": "reward"}, "failed in step: its reward must be a number, not 'much'"),
        ("Broken", {"where": "two rewards"}, "its reward must be a number, not array([1., 1.])"),
        ("Broken", {"where": "no reward"}, "failed in step: its reward must be a number, not None"),
        (
            "Broken",
            {"where": "False"},
            "failed in step: whether it is over must be true or false, not 'False'",
        ),
        ("Broken", {"where": "nan"}, "failed in step: whether it is over must be true or false, not nan"),
        ("Broken", {"where": "four"}, "give (observation, reward, terminated, truncated, info), not 4 of"),
        ("Broken", {"where": "no info"}, "failed in reset: it must give (observation, info), not uint8 (64,"),
        ("Broken", {"where": "leave reset"}, "toys/Broken-v0 failed in reset: it called sys.exit(3)"),
        ("Broken", {"where": "leave step"}, "toys/Broken-v0 failed in step: it called sys.exit(3)"),
        ("Broken", {"where": "panic reset"}, "toys/Broken-v0 failed in reset: index out of bounds"),
        ("Broken", {"where": "panic step"}, "toys/Broken-v0 failed in step: index out of bounds"),
        ("Broken", {"where": "end step"}, "toys/Broken-v0 failed in step: GeneratorExit"),
        (
            "Broken",
            {"where": "shape"},
            "showed uint8 (64, 64, 4), and its observation space says uint8",
        ),
        ("Broken", {"where": "floats"}, "showed float64 (64, 64, 3)"),
        ("Unpainted", {"what": "raise"}, "failed in render: no screen"),
        ("Unpainted", {"what": "none"}, "drew no picture (uint8, height x width x 3) but NoneType"),
        ("Unpainted", {"what": "nothing"}, "but uint8 (0, 4, 3)"),
        ("Unpainted", {"what": "small"}, "too small (6x4x3): 8x8 pixels is the least"),
    ],
)
def test_what_breaks_down_is_one_line(name, kwargs, complaint):
    env = make(Recipe(f"toys/{name}-v0", kwargs))

    def play(env):
        env.reset(seed=0)
        env.step(0)

    with pytest.raises(UserError) as caught:
        play(env)
    assert complaint in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("where", ["close", "leave close", "panic close"])
def test_a_game_that_fails_when_it_is_closed_has_been_played(where):
    recipe = Recipe("toys/Broken-v0", {"where": where})
    for env in (make(recipe), make_batch(recipe, 2)):
        env.reset(seed=0)
        env.close()


def lanes(monkeypatch, **kwargs) -> Recipe:
    """A game that is registered only as a batch."""
    spec = gym.envs.registration.EnvSpec(
        id="toys/Lanes-v0", vector_entry_point=toy_games.Lanes, kwargs=kwargs
    )
    monkeypatch.setitem(gym.registry, "toys/Lanes-v0", spec)
    return Recipe("toys/Lanes-v0")


@pytest.mark.parametrize("what", ["", "lists", "columns", "ends in floats"])
def test_a_batch_of_somebody_elses_is_recorded_whatever_holds_its_numbers(what, monkeypatch, tmp_path):
    made = record(lanes(monkeypatch, what=what), "random", 3, tmp_path, num_envs=2, progress=False)
    assert [entry.length for entry in made] == [4, 4, 4]


@pytest.mark.parametrize("info", [{"seed": 5}, {"seed": np.array([3])}, {"seed": [1, 2], "_seed": True}])
def test_what_a_batch_of_somebody_elses_calls_a_seed_is_not_the_seed_of_a_game(info, monkeypatch, tmp_path):
    made = record(lanes(monkeypatch, info=info), "random", 3, tmp_path, num_envs=2, progress=False)
    assert [Episode.load(tmp_path / entry.file).seed for entry in made] == [None] * 3


@pytest.mark.parametrize(
    ("kwargs", "complaint"),
    [
        ({"what": "one"}, "it showed uint8 (1, 64, 64, 3), and its space says uint8 (2, 64, 64, 3)"),
        ({"what": "floats"}, "it showed float64 (2, 64, 64, 3)"),
        ({"what": "few"}, "cannot reshape array of size 1"),
        ({"what": "words"}, "toys/Lanes-v0 failed in step: could not convert string to float"),
        ({"what": "ends in nan"}, "failed in step: whether it is over must be true or false, not array([nan"),
        ({"info": "nothing new"}, "toys/Lanes-v0 failed in reset: its info is no dict but str"),
        ({"what": "leave"}, "toys/Lanes-v0 failed in step: it called sys.exit(3)"),
        ({"start": 2}, "toys/Lanes-v0 is registered only as a batch: such a game must show uint8 64x64x3"),
    ],
)
def test_what_a_batch_of_somebody_elses_does_wrong_is_one_line(kwargs, complaint, monkeypatch):
    def play(recipe):
        batch = make_batch(recipe, 2)
        batch.reset(seed=0)
        batch.step(np.zeros(2, int))

    with pytest.raises(UserError, match=re.escape(complaint)):
        play(lanes(monkeypatch, **kwargs))


def test_a_game_that_opens_only_once_is_recorded_one_after_another(tmp_path):
    """It was refused, though it could be played."""
    with pytest.warns(UserWarning, match=r"only 1 game at once: toys/Sole-v0 .* an emulator is running"):
        record("toys/Sole-v0", "random", 3, tmp_path, progress=False)
    assert [len(Episode.load(file)) for file in tmp_path.rglob("*.npz")] == [
        12
    ] * 3 and not toy_games.Sole.running


def test_a_game_that_differs_each_time_is_one_line(monkeypatch):
    counts = iter(range(2, 9))
    fickle = EnvSpec("toys/Fickle-v0", lambda **how: toy_games.Dot(actions=next(counts), **how))
    monkeypatch.setitem(gym.registry, fickle.id, fickle)
    with pytest.raises(UserError, match=r"toys/Fickle-v0 failed in its spaces: .* action space"):
        make_batch(Recipe(fickle.id), 2)


def test_a_person_who_leaves_while_a_game_plays_is_no_fault_of_the_game(monkeypatch):
    def leave(self, action):
        raise KeyboardInterrupt

    monkeypatch.setattr(toy_games.Dot, "step", leave)
    env = make(Recipe("toys/Three-v0"))
    env.reset(seed=0)
    with pytest.raises(KeyboardInterrupt):
        env.step(0)


def test_a_game_that_leaves_while_it_is_made_is_one_line(monkeypatch):
    def leave(**kwargs):
        raise SystemExit("no licence")

    spec = gym.envs.registration.EnvSpec(id="toys/Leaves-v0", entry_point=leave)
    monkeypatch.setitem(gym.registry, "toys/Leaves-v0", spec)
    with pytest.raises(
        UserError, match=r"^toys/Leaves-v0 cannot be made: it called sys.exit\('no licence'\)$"
    ):
        make(Recipe("toys/Leaves-v0"))


def test_large_seeds_and_rewards_in_arrays_are_no_matter():
    env = make(Recipe("toys/Odd-v0"))
    frame, _ = env.reset(seed=2**62 + 3)
    assert (env.reset(seed=2**62 + 3)[0] == frame).all()
    assert env.step(0)[1] == 1.0


def test_a_drawing_with_transparency_is_shown_without():
    frame, _ = make(Recipe("toys/Unpainted-v0", {"what": "alpha"}, size=64, stretch=True)).reset(seed=0)
    assert (frame == [200, 100, 50]).all()


@pytest.mark.parametrize(
    ("name", "package", "line"),
    [
        (
            "VizdoomTakeCover-v1",
            "vizdoom",
            "needs the extra 'doom': uv sync --extra doom, or pip",
        ),
        ("gamesim/TakeCover-v0", "vizdoom", "needs the extra 'doom': uv sync --extra doom, or pip"),
        ("ALE/Pong-v5", "ale_py", "needs the extra 'atari': pip install 'gamesim[atari]'"),
        ("CarRacing-v3", "Box2D", "needs the extra 'box2d': pip install 'gamesim[box2d]'"),
    ],
)
def test_a_missing_package_is_one_line_that_names_the_extra(name, package, line, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    if name in ("VizdoomTakeCover-v1", "ALE/Pong-v5"):  # which their package registers
        monkeypatch.delitem(gym.registry, name, raising=False)
    for module in (
        "gymnasium.envs.box2d.car_racing",
        "gymnasium.envs.box2d",
        "vizdoom.gymnasium_wrapper",
        "gamesim.envs.takecover",
    ):
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(UserError, match=r"^" + name) as caught:
        make(Recipe(name))
    assert line in str(caught.value) and "\n" not in str(caught.value)


class Glass(toy_games.Dot):
    """Draws as MuJoCo does: in a window, unless a variable says otherwise."""

    def __init__(self, **how):
        super().__init__(**how)
        if os.environ.get("MUJOCO_GL") != "egl" and not os.environ.get("DISPLAY"):
            raise RuntimeError("the window cannot be opened")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
def test_mujoco_draws_without_a_display(monkeypatch):
    for name in ("MUJOCO_GL", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.setenv(name, "")  # so that it is as before at the end
        monkeypatch.delenv(name)
    spec = EnvSpec("toys/Glass-v0", Glass)
    monkeypatch.setitem(gym.registry, spec.id, spec)
    make(Recipe(spec.id))
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    with pytest.raises(UserError, match="the window cannot be opened"):
        make(Recipe(spec.id))


def old_gym(games):
    """gym 0.26 keeps its games in a dict, and gym 0.21 in an attribute of an object."""
    for registry in (games, SimpleNamespace(env_specs=games)):
        yield SimpleNamespace(envs=SimpleNamespace(registry=registry))


@pytest.mark.parametrize("gym", [*old_gym({"Old-v0": None})])
def test_a_game_of_gym_is_said_to_be_one(gym, monkeypatch):
    monkeypatch.setitem(sys.modules, "gym", gym)
    with pytest.raises(UserError, match="'Old-v0' in the module json: it belongs to gym, which"):
        find("json:Old-v0")
    with pytest.raises(UserError, match="Games of json: none"):
        find("json:New-v0")


def test_a_module_of_ones_own_is_found_where_one_is(tmp_path, monkeypatch):
    (tmp_path / "my_own_game.py").write_text(
        "import gymnasium as gym, toy_games\ngym.register('mine/Game-v0', entry_point=toy_games.Dot)\n"
    )
    (tmp_path / "my_bad_game.py").write_text("import gymnasium\n1 / 0\n")
    monkeypatch.chdir(tmp_path)
    env = make(Recipe("my_own_game:mine/Game-v0"))
    told = json.loads(spec_json(env, Recipe("my_own_game:mine/Game-v0")))
    assert told["id"] == "my_own_game:mine/Game-v0", "which is what somebody has to type to play it again"
    with pytest.raises(UserError, match="my_bad_game cannot be imported: division by zero"):
        find("my_bad_game:mine/Game-v0")


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe("toys/Three-v0", {"steps": 5}, size=64, time_limit=30),
        Recipe("toys/Numbers-v0", stretch=True, size=84, frame_skip=2),
        Recipe("toy_games:toys/Large-v0", {"size": 80}, size=84),
        Recipe("toys/Steered-v0", size=64, levels=(9, 3)),
    ],
)
def test_a_recording_and_a_card_say_how_the_game_is_made(recipe):
    assert Recipe.of(spec_json(make(recipe), recipe)) == recipe
    assert Recipe.of(spec_json(make_batch(recipe, 2), recipe)) == recipe
    assert Recipe.read(recipe.env_id, recipe.words) == recipe


def test_a_path_among_a_games_arguments_is_recorded_as_text(tmp_path):
    """Such as the folder of a dream's model."""
    recipe = Recipe("toys/Needy-v0", {"level": tmp_path, "steps": 9})
    told = Recipe.of(spec_json(make_batch(recipe, 2), recipe))
    assert told is not None and told.kwargs == {"level": str(tmp_path), "steps": 9}


def test_numpys_numbers_among_a_games_arguments_are_recorded_as_numbers():
    recipe = Recipe("gamesim/Pacman-v0", {"max_steps": np.int64(7), "food_density": np.float32(0.5)})
    told = Recipe.of(spec_json(make_batch(recipe, 2), recipe))
    assert told is not None and told.kwargs == {"max_steps": 7, "food_density": 0.5}


def test_a_game_that_is_registered_with_objects_is_recorded_as_it_was_made(monkeypatch):
    """Its recordings knew no size, no skipped frames and no argument, and a tuple came back as a list."""
    spec = EnvSpec(
        "toys/Objects-v0", "toy_games:Needy", kwargs={"words": {1}, "level": (1, 2), "render_mode": None}
    )
    monkeypatch.setitem(gym.registry, spec.id, spec)
    for name in (spec.id, f"toy_games:{spec.id}"):
        recipe = Recipe(name, {"steps": 5}, size=84, frame_skip=2)
        assert Recipe.of(spec_json(make(recipe), recipe)) == recipe
        assert Recipe.of(spec_json(make_batch(recipe, 2), recipe)) == recipe


@pytest.mark.parametrize(
    "spec", ["", "7", "{}", '{"id": 3}', "[" * 9999, '{"id": "x", "additional_wrappers": [3]}']
)
def test_what_names_no_game_is_no_recipe(spec):
    assert Recipe.of(spec) is None


def test_our_games_are_told_by_what_differs_from_how_they_are_registered():
    batch = make_batch(Recipe("gamesim/Pacman-v0", {"max_steps": 7}), 2)
    told = Recipe.of(spec_json(batch, Recipe("gamesim/Pacman-v0", {"max_steps": 7})))
    assert told == Recipe("gamesim/Pacman-v0", {"max_steps": 7}) and told.words == "max_steps=7"


def test_words_that_make_no_sense_are_left_out():
    assert Recipe.read("x", "--size large 'unclosed") == Recipe("x")
    assert Recipe.read("x", "--size") == Recipe("x")


def test_what_is_installed_can_be_listed_each_game_once():
    names = installed()
    assert "CartPole-v1" in names and "CartPole-v0" not in names and names == sorted(names)
    assert not [name for name in names if name.startswith("gamesim/")]


@pytest.mark.parametrize("name", ["gamesim/TakeCover-v0", "CartPole-v1"])
def test_the_bot_plays_games_of_cells_alone(name):
    assert not Recipe(name).of_cells and not decodable(name)
    with pytest.raises(UserError, match=f"the bot plays only our Pac-Man games, unchanged, not {name}"):
        known_policy("explorer", Recipe(name))
    assert Recipe("gamesim/PacmanMaze-v0").of_cells
    assert not Recipe("gamesim/PacmanMaze-v0", size=64).of_cells
