"""What actions mean, in the games' own words."""

from enum import Enum, IntEnum
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from gamesim.envs.meanings import action_meanings, buttons, keys_said, opposites, read, written
from gamesim.envs.wrappers import PixelEnv

PACMAN = ("NOOP", "LEFT", "RIGHT", "UP", "DOWN")


class Silent(gym.Env):
    """Says nothing of its actions, unless it is told what to say."""

    observation_space = spaces.Box(0, 255, (20, 20, 3), np.uint8)

    def __init__(self, actions: spaces.Space, says: list[str] | None = None):
        self.action_space = actions
        if says is not None:
            self.get_action_meanings = lambda: says


@pytest.mark.parametrize("name", ["Pacman", "PacmanMaze", "PacmanArcade"])
def test_our_games_say_what_their_actions_mean_alone_and_in_batches(name):
    assert action_meanings(gym.make(f"gamesim/{name}-v0")) == PACMAN
    assert action_meanings(gym.make_vec(f"gamesim/{name}-v0", 2)) == PACMAN
    assert action_meanings(gym.make_vec(f"gamesim/{name}-v0", 2, vectorization_mode="sync")) == PACMAN


def test_where_a_game_says_nothing_the_number_of_actions_is_known_all_the_same():
    assert action_meanings(Silent(spaces.Discrete(3))) == ("", "", "")


def test_words_pass_through_wrappers_that_keep_the_actions():
    env = PixelEnv(Silent(spaces.Discrete(2, start=1), ["LEFT", "RIGHT"]))
    assert action_meanings(env) == ("LEFT", "RIGHT")


def listing(**attributes):
    env = Silent(spaces.Discrete(3))
    vars(env).update(attributes)
    return env


@pytest.mark.parametrize(
    "env",
    [
        listing(actions=IntEnum("Actions", {"left": 0, "forward": 2, "right": 1})),
        listing(actions=Enum("Actions", {"left": 0, "right": 1, "forward": 2, "not_here": 3})),
        listing(action_type=SimpleNamespace(actions={1: "RIGHT", 0: "LEFT", 2: "FORWARD"})),
    ],
)
def test_a_game_may_list_the_words_of_its_actions(env):
    """MiniGrid and MiniWorld in an Enum, highway-env in a dict: none of their actions does nothing."""
    assert action_meanings(PixelEnv(env)) == ("LEFT", "RIGHT", "FORWARD")


class Raises:
    @property
    def actions(self):
        raise RuntimeError


@pytest.mark.parametrize(
    "actions",
    [None, ["a", "b", "c"], {0: "a", 1: "b"}, {1: "a", 2: "b", 3: "c"}, Enum("Lists", {"a": [0], "b": [1]})],
)
def test_attributes_that_list_no_actions_are_no_words(actions):
    assert action_meanings(PixelEnv(listing(actions=actions, action_type=Raises()))) == ("", "", "")


def test_words_that_do_not_fit_the_actions_are_no_words():
    env = PixelEnv(Silent(spaces.MultiBinary(2), ["LEFT", "RIGHT"]))
    assert action_meanings(env) == ("NOOP", "2", "1", "1+2"), "its buttons have numbers"


def test_numbers_are_the_words_of_their_ends_or_none_that_a_key_can_press():
    env = PixelEnv(Silent(spaces.Box(-1, 1, (2,))), levels=(5, 3))
    words = env.get_action_meanings()
    assert words[:3] == ["AXIS 1 DOWN+AXIS 2 DOWN", "AXIS 1 DOWN", "AXIS 1 DOWN+AXIS 2 UP"]
    assert words[3:5] == ["AXIS 1 DOWN 0.5+AXIS 2 DOWN", "AXIS 1 DOWN 0.5"]
    assert words[7] == "NOOP" and len(words) == 15
    assert len(env.get_keys_to_action()) == 9 and env.get_keys_to_action()[()] == 7
    assert sorted(buttons(words)) == [0, 1, 2, 6, 7, 8, 12, 13, 14]


@pytest.mark.parametrize("levels", [(5, 3), (3, 2), (9,)])
def test_a_card_says_the_words_of_each_number_by_itself(levels):
    space = spaces.Box(np.array([-1, 0][: len(levels)], np.float32), np.float32(3), (len(levels),))
    words = PixelEnv(Silent(space), levels=levels).get_action_meanings()
    assert read(written(words, levels)) == tuple(words)
    assert written(words, levels).count(",") == sum(levels) - len(levels)


def test_a_line_of_more_actions_than_there_can_be_is_not_read():
    assert read("; ".join(["NOOP, LEFT, RIGHT"] * 40)) == ()
    assert read(written(PACMAN, ())) == PACMAN
    assert read(written(("", "", ""), ())) == ("", "", ""), "nobody says what they mean"


def test_a_number_in_a_games_own_word_is_a_button_like_any_other():
    assert buttons(["NOOP", "TURN 0.5", "TURN 1.0"])[1] == {"TURN 0.5"}
    assert sorted(buttons(["TURN 0.5+GAS", "TURN 0.5", "TURN", "TURN+GAS"])) == [2, 3]


@pytest.mark.parametrize(
    ("words", "pressed"),
    [
        (["LEFT", "left", "RIGHT", "LEFT"], ["LEFT", "1", "RIGHT", "3"]),
        (["NOOP", "HOP", None, "NOOP"], ["", "HOP", "2", "3"]),
    ],
)
def test_an_action_that_is_called_like_another_or_not_at_all_has_a_button_of_its_own(words, pressed):
    said = action_meanings(Silent(spaces.Discrete(4), words))
    assert ["".join(each) for each in buttons(said).values()] == pressed


@pytest.mark.parametrize("code", [2**31, -5, 0])
def test_a_key_that_no_keyboard_has_is_no_key(code):
    """The app ended where it named such a key."""
    env = Silent(spaces.Discrete(2))
    setattr(env, "get_keys_to_action", lambda: {(code,): 1, "j": 1})  # noqa: B010
    assert keys_said(env, 2) == {(ord("j"),): 1}


def test_actions_that_no_recording_can_hold_have_no_meanings():
    assert action_meanings(Silent(spaces.Box(-1, 1))) == ()
    assert action_meanings(Silent(spaces.Discrete(3, start=1))) == ()


@pytest.mark.parametrize(
    ("words", "pairs"),
    [
        (PACMAN, ((1, 2), (3, 4))),
        (("NOOP", "FIRE", "UP", "RIGHT", "LEFT", "DOWN"), ((2, 5), (3, 4))),
        (("UPRIGHT", "UPLEFT", "DOWNRIGHT", "DOWNLEFT"), ((0, 3), (1, 2))),
        (("LEFT", "RIGHTFIRE", "LEFTFIRE"), ((1, 2),)),
        (("turn left", "turn right", "forward", "pick up"), ((0, 1),)),
        (("LEFT", "LEFT", "RIGHT", "RIGHT"), ((0, 2),)),
        (("", "", ""), ()),
        (("NOOP", "FIRE", "UP"), ()),
    ],
)
def test_opposites_go_opposite_ways_by_their_words(words, pairs):
    assert opposites(words) == pairs
