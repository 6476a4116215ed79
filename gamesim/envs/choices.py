"""The Discrete actions behind which this project puts any game's own.

Every combination of a MultiDiscrete or MultiBinary space; of a Box rest, and each end of each axis, or a grid
of the values that each axis may take.
"""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any, TypeGuard

import numpy as np
from gymnasium import spaces

from gamesim.errors import UserError

MOST_ACTIONS = 64
"""More actions than this are refused: no keyboard has the keys, and no model would learn them."""
MOST_VALUES = 256
"""Most points of a grid, whose actions are numbers to a model: a recording keeps a byte for each step's."""


def choices(space: spaces.Space, name: str, levels: Sequence[int] = ()) -> list[Any]:
    """The native action behind each Discrete one of a game, whose `name` is for the error.

    Args:
        space: The game's own.
        name: The game's.
        levels: How many values each axis of a Box may take, from its low end to its high one; the last
            axis varies fastest. Without them a Box is rest, and each end of each axis.

    Raises:
        UserError: The space is of another kind, or has too many combinations.
    """
    if levels:
        return _grid(space, name, levels)
    if isinstance(space, spaces.Discrete):
        _check_count(space.n, name)
        native: list[Any] = [space.start + i for i in range(int(space.n))]
    elif isinstance(space, (spaces.MultiDiscrete, spaces.MultiBinary)):
        binary = isinstance(space, spaces.MultiBinary)
        counts = np.full(space.shape, 2) if binary else np.asarray(space.nvec)
        low = np.zeros(space.shape, int) if binary else np.asarray(space.start)
        with np.errstate(over="ignore"):  # infinitely many; whole numbers would take minutes to multiply
            _check_count(np.prod(counts, dtype=np.float64), name)
        native = [
            (low + np.reshape(c, space.shape)).astype(space.dtype)
            for c in product(*(range(int(n)) for n in counts.reshape(-1)))
        ]
    elif _numbers(space):
        rest, low, high = ends(space)
        _check_count(1 + (low != rest).sum() + (high != rest).sum(), name)
        native = [rest]
        for axis in np.ndindex(*space.shape):
            for end in (low, high):
                if end[axis] != rest[axis]:
                    pushed = rest.copy()
                    pushed[axis] = end[axis]
                    native.append(pushed)
    else:
        raise UserError(f"{name} has actions that cannot be mapped to keys: {space}")
    _check_count(len(native), name)
    if len(native) < 2:
        raise UserError(f"{name} has a single action: there is nothing to play")
    return native


def ends(space: spaces.Box) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a Box of numbers rest, as near to 0 as it goes, and the low and the high end of each axis."""
    rest = np.asarray(np.clip(np.zeros(space.shape), space.low, space.high), space.dtype)
    low = np.where(space.bounded_below, space.low, rest - 1)
    return rest, low, np.where(space.bounded_above, space.high, rest + 1)


def _numbers(space: spaces.Space) -> TypeGuard[spaces.Box]:
    return isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.number)


def _grid(space: spaces.Space, name: str, levels: Sequence[int]) -> list[Any]:
    """Every combination of the values of each axis; rest replaces the nearest one between its ends."""
    if not _numbers(space):
        raise UserError(f"levels: the actions of {name} are not numbers but {space}")
    if len(levels) != prod(space.shape):
        raise UserError(f"levels: an action of {name} is {prod(space.shape)} numbers, not {len(levels)}")
    if prod(levels) > MOST_VALUES:
        raise UserError(f"levels: {prod(levels)} actions are more than {MOST_VALUES}")
    axes = []
    for count, rest, low, high in zip(levels, *(part.reshape(-1) for part in ends(space)), strict=True):
        with np.errstate(over="ignore", invalid="ignore"):  # at the high end alone, which is set below
            values = (2 * np.linspace(float(low) / 2, float(high) / 2, count)).astype(space.dtype)
        values[0], values[-1] = low, high
        if low < rest < high and count > 2:
            values[1 + np.abs(values[1:-1].astype(float) - rest).argmin()] = rest
        axes.append(np.unique(values))
        if len(axes[-1]) != count or rest not in values:
            few = count == 2 and low < rest < high
            why = "at least 3 (two ends and rest)" if few else "there are fewer"
            raise UserError(f"levels: {count} values do not fit from {low:g} to {high:g}; {why}")
    return [np.reshape(np.array(each, space.dtype), space.shape) for each in product(*axes)]


def _check_count(count: Any, name: str) -> None:
    """Complains about more actions than ``MOST_ACTIONS``, before they are listed."""
    if count > MOST_ACTIONS:
        how_many = str(int(count)) if count < 10**9 else "billions of"
        raise UserError(f"{name} has {how_many} actions, more than {MOST_ACTIONS}")
