"""What the actions of a game mean, and which keys press them.

A game says what its actions mean in the way of the Arcade Learning Environment: ``get_action_meanings()``
gives a word for each, such as NOOP, LEFT, UPRIGHT or LEFTFIRE. A word is made of buttons that are pressed
together (UPRIGHT: UP and RIGHT; "1+3": 1 and 3), and NOOP of none.
"""

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import partial
from itertools import chain, product
from math import prod
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv

from gamesim.envs.choices import MOST_VALUES, choices
from gamesim.errors import FOREIGN

_TURNED = {"LEFT": "RIGHT", "RIGHT": "LEFT", "UP": "DOWN", "DOWN": "UP"}
_NOTHING = {"NOOP", "NO-OP", "NO_OP", "NOP", "NOTHING", "DO NOTHING", "STAY", "IDLE", "WAIT", "REST", "NONE"}
_JOINED = re.compile(r"(UP|DOWN|LEFT|RIGHT|FIRE)")
_KNOWN = {
    ("CartPole", 2): "LEFT RIGHT",
    ("MountainCar", 3): "LEFT NOOP RIGHT",
    ("MountainCarContinuous", 3): "NOOP LEFT RIGHT",
    ("Acrobot", 3): "LEFT NOOP RIGHT",
    ("Pendulum", 3): "NOOP RIGHT LEFT",
    ("LunarLander", 4): "NOOP LEFT UP RIGHT",
    ("CarRacing", 5): "NOOP RIGHT LEFT GAS BRAKE",
    ("FrozenLake", 4): "LEFT DOWN RIGHT UP",
    ("FrozenLake8x8", 4): "LEFT DOWN RIGHT UP",
    ("CliffWalking", 4): "UP RIGHT DOWN LEFT",
    ("CliffWalkingSlippery", 4): "UP RIGHT DOWN LEFT",
    ("Taxi", 6): "DOWN UP RIGHT LEFT PICKUP DROPOFF",
    ("Blackjack", 2): "STICK HIT",
}
"""Games of Gymnasium's own, which say it in their documentation alone, by name and number of actions."""
_STEERED = "NOOP LEFT RIGHT GAS BRAKE"
"""CarRacing as a Box: rest, and each end of steering, gas and brake."""
_REST = "NOOP"
_BETWEEN = re.compile(r" 0\.\d+(?=\+|$)")
"""In a word for numbers one that is between rest and an end: ``LEFT 0.75+GAS``."""
_LIKELY = (
    ("a", "LEFT|WEST"),
    ("d", "RIGHT|EAST"),
    ("w", "UP|NORTH|FORWARD|GAS|THROTTLE|ACCELERATE|FASTER"),
    ("s", "DOWN|SOUTH|BACKWARD|BACK|BRAKE|REVERSE|SLOWER"),
    (" ", "FIRE|ATTACK|SHOOT|JUMP|HIT|USE|PICK.?UP|TOGGLE"),
)
"""Keys and the words of buttons that they are expected to press."""
OTHERS = "1234567890qzcftyuiojkl"
"""Keys for buttons that no key is expected to press."""
_MOST_CODES = 2**31
"""Codes of keys are below it, as a C int is."""


def action_meanings(env: gym.Env | VectorEnv) -> tuple[str, ...]:
    """A word for each action of a game, "" where it does not say; none if they are not numbers from 0."""
    space = getattr(env, "single_action_space", getattr(env, "action_space", None))
    if not isinstance(space, spaces.Discrete) or space.start != 0:
        return ()
    return _said(getattr(env, "envs", [env])[0], int(space.n)) or ("",) * int(space.n)


def _said(env: Any, count: int) -> tuple[str, ...]:
    """What `env` says of its actions; () where it says nothing, or not of so many."""
    find = getattr(env, "get_wrapper_attr", partial(getattr, env))
    try:
        words = tuple("" if word is None else str(word) for word in find("get_action_meanings")())
    except FOREIGN:  # there is no such method, or it fails
        return ()
    return words if len(words) == count else ()


def keys_said(env: gym.Env, count: int) -> dict[tuple[int, ...], int]:
    """The keys that a game itself names for its actions, in ``get_keys_to_action()``; {} where it does not.

    Args:
        env: The game.
        count: How many actions it has.

    Returns:
        Codes of keys that are pressed together (of a character its ``ord``) -> action.
    """
    try:
        said = env.get_wrapper_attr("get_keys_to_action")()
        codes = {
            tuple(key if isinstance(key, int) else ord(key) for key in keys): a for keys, a in said.items()
        }
    except FOREIGN:  # there is no such method, it says something else, or it fails
        return {}
    known = {keys: a for keys, a in codes.items() if all(0 < key < _MOST_CODES for key in keys)}
    return {keys: int(a) for keys, a in known.items() if isinstance(a, int | np.integer) and 0 <= a < count}


def words_for(env: gym.Env, native: Sequence[Any]) -> list[str]:
    """A word for each choice that stands for an action of somebody else's game, "" where nobody says it.

    Args:
        env: The game, with its own action space.
        native: Its actions, as `gamesim.envs.choices` lists them.
    """
    space, name = env.action_space, env.spec.name if env.spec else ""
    if isinstance(space, spaces.Discrete):
        known = _KNOWN.get((name, len(native)), "").split()
        said = _said(env, len(native)) or _pressed(env, native) or _listed(env, len(native))
        return list(said or known or [""] * len(native))
    if isinstance(space, spaces.Box):
        alone = choices(space, name)
        known = (_STEERED if name == "CarRacing" else _KNOWN.get((name, len(alone)), "")).split()
        words = known if len(known) == len(alone) else [_pushed(each, alone[0]) for each in alone]
        return [_set(each, alone, words) for each in native]
    if isinstance(space, spaces.MultiBinary):
        names = _button_names(env, int(np.prod(space.shape)))
        return [_together(each.reshape(-1), names) for each in native]
    return ["NOOP" if i == 0 else " ".join(map(str, np.ravel(each))) for i, each in enumerate(native)]


def _pressed(env: gym.Env, choices: Sequence[Any]) -> list[str]:
    """VizDoom's Discrete actions by the buttons that each presses; [] for any other game."""
    buttons = getattr(env.unwrapped, "button_map", None)
    try:
        if buttons is None or len(buttons) != len(choices):
            return []
        return [_together(each, _button_names(env, len(each))) for each in buttons]
    except Exception:  # an attribute of the same name that is something else
        return []


def _listed(env: gym.Env, count: int) -> list[str]:
    """The words of ``actions``, an Enum in MiniGrid and MiniWorld and a dict in highway-env; else []."""
    try:
        for holder in (env.unwrapped, getattr(env.unwrapped, "action_type", None)):
            said = getattr(holder, "actions", None)
            if isinstance(said, type) and issubclass(said, Enum):
                said = {each.value: each.name for each in said}
            if isinstance(said, Mapping) and set(said) >= set(range(count)):
                return [str(said[action]).upper() for action in range(count)]
    except FOREIGN:  # an attribute of the same name that is something else
        pass
    return []


def _button_names(env: gym.Env, count: int) -> list[str]:
    """VizDoom's names of its buttons; numbers from 1 for any other game."""
    try:
        names = [button.name for button in env.unwrapped.game.get_available_buttons()]  # type: ignore
    except Exception:
        names = []
    return names if len(names) == count else [str(i + 1) for i in range(count)]


def _together(pressed: Sequence[Any] | np.ndarray, names: Sequence[str]) -> str:
    return "+".join(name for name, on in zip(names, pressed, strict=True) if on) or "NOOP"


def _pushed(action: np.ndarray, rest: np.ndarray) -> str:
    """The axis of a Box that an action pushes, and which way."""
    moved = np.flatnonzero(np.ravel(action != rest))
    if not len(moved):
        return "NOOP"
    return f"AXIS {moved[0] + 1} {'UP' if np.ravel(action > rest)[moved[0]] else 'DOWN'}"


def _set(action: np.ndarray, alone: Sequence[np.ndarray], words: Sequence[str]) -> str:
    """What sets the numbers of a Box to those of an action: each end, and how far from rest towards it.

    Args:
        action: of the Box.
        alone: rest, and each end of each number by itself.
        words: for these.
    """
    rest, said = alone[0].astype(float), []
    for end, word in zip(alone[1:], words[1:], strict=True):
        moved = end != rest
        share = ((action[moved] - rest[moved]) / (end[moved] - rest[moved])).item()
        if share > 0:
            said.append(word if share == 1 else f"{word} {share:.3g}")
    return "+".join(said) or words[0]


def written(words: Sequence[str], levels: Sequence[int]) -> str:
    """The words of all actions in one line; of a grid of numbers those of each number by itself."""
    if not levels or words.count(_REST) != 1 or prod(levels) != len(words):
        return ", ".join(words)
    grid, rest = np.reshape(words, levels), np.unravel_index(words.index(_REST), levels)
    axes = (grid[*rest[:axis], :, *rest[axis + 1 :]] for axis in range(len(levels)))
    return "; ".join(map(", ".join, axes))


def read(line: str) -> tuple[str, ...]:
    """The words that `written` made a line of; () for a line that it has not made."""
    axes = [axis.split(", ") for axis in line.split("; ")]
    if len(axes) == 1:
        return tuple(axes[0])
    if prod(map(len, axes)) > MOST_VALUES:  # somebody has edited the card
        return ()
    return tuple("+".join(word for word in each if word != _REST) or _REST for each in product(*axes))


def buttons(meanings: Sequence[str]) -> dict[int, frozenset[str]]:
    """The buttons that each action presses together: none for NOOP, its number where it has no word.

    Where no action has a word, 0 is taken for doing nothing, as ``gymnasium.utils.play`` does. Actions whose
    numbers lie between rest and an end that another action presses are left out: no button sets these. Of
    actions with the same word the first is pressed by its buttons, the others by their numbers.
    """
    if not any(meanings):
        return {action: frozenset({str(action)} if action else ()) for action in range(len(meanings))}
    pressed: dict[int, frozenset[str]] = {}
    for action, word in enumerate(meanings):
        if not _BETWEEN.search(word) or _BETWEEN.sub("", word) not in meanings:
            each = _buttons(word.strip(), str(action))
            pressed[action] = frozenset({str(action)}) if each in pressed.values() else each
    return pressed


def _buttons(word: str, number: str) -> frozenset[str]:
    if word.upper() in _NOTHING:
        return frozenset()
    joined = _JOINED.findall(word.upper())
    if joined and "".join(joined) == word.upper():
        return frozenset(joined)
    return frozenset(apart(word) if word else [number])


def apart(word: str) -> list[str]:
    """The buttons that a word joins by +; a button may be called +."""
    return re.split(r"(?<=\w)\+(?=\w)", word)


def likely_keys(names: Sequence[str], others: str = OTHERS) -> dict[str, str]:
    """A key, a character, for each of these buttons; those for which there is none are left out.

    Args:
        names: The buttons.
        others: Keys for those that no key is expected to press.
    """
    found: dict[str, str] = {}
    for key, words in _LIKELY:
        fits = [name for name in names if re.search(rf"(?<![A-Z])({words})(?![A-Z])", name.upper())]
        fits = [name for name in fits if name not in found]
        exact = [name for name in fits if name.upper() in words.split("|")]
        if fits:
            found[(exact or fits)[0]] = key
    for name in names:
        free = [key for key in others if key not in found.values()]
        if name not in found and free:
            found[name] = name if name in free else free[0]
    return found


def keys_for(meanings: Sequence[str]) -> dict[tuple[str, ...], int]:
    """Keys that press each action together, as ``gymnasium.utils.play`` has them; () is doing nothing."""
    pressed = buttons(meanings)
    keys = likely_keys(list(dict.fromkeys(chain.from_iterable(map(sorted, pressed.values())))))
    held = {tuple(sorted(keys.get(name, "") for name in each)): i for i, each in pressed.items()}
    return {names: action for names, action in held.items() if "" not in names}


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
