"""What the actions of a game mean, as far as it says so in the way of the Arcade Learning Environment.

Such a game has ``get_action_meanings()``: a word for each action, such as NOOP, LEFT, UPRIGHT or LEFTFIRE.
"""

import re
from collections.abc import Sequence
from functools import partial

import gymnasium as gym
from gymnasium.vector import VectorEnv

_TURNED = {"LEFT": "RIGHT", "RIGHT": "LEFT", "UP": "DOWN", "DOWN": "UP"}


def action_meanings(env: gym.Env | VectorEnv) -> tuple[str, ...]:
    """A word for each action of a game, "" where it does not say; none if they are not numbers from 0."""
    space = getattr(env, "single_action_space", getattr(env, "action_space", None))
    if not isinstance(space, gym.spaces.Discrete) or space.start != 0:
        return ()
    single = getattr(env, "envs", [env])[0]
    find = getattr(single, "get_wrapper_attr", partial(getattr, single))
    try:
        words = tuple(map(str, find("get_action_meanings")()))
    except AttributeError:
        words = ()
    return words if len(words) == space.n else ("",) * int(space.n)


def opposites(meanings: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """The pairs of actions that go opposite ways, such as LEFT and RIGHT, by their words."""
    words = [word.upper() for word in meanings]
    turned = [re.sub("LEFT|RIGHT|UP|DOWN", lambda way: _TURNED[way[0]], word) for word in words]
    firsts = {word: action for action, word in reversed(list(enumerate(words)))}
    return tuple(
        (action, firsts[turned[action]])
        for word, action in sorted(firsts.items(), key=lambda item: item[1])
        if action < firsts.get(turned[action], -1)
    )
