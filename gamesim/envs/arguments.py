"""What every environment here, real or dreamt, may be asked for: checked in one place, in the same words."""

import operator
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gamesim.errors import UserError
from gamesim.text import one_line, suggest

MOST_LANES = 2**20
MOST_STEPS = 2**31
MOST_SEED = 2**63 - 1
"""Of what an int64 of NumPy or torch holds."""


def check_number(name: str, value: Any, low: float, high: float, kind: type = int) -> None:
    """Complains about what is not a number from `low` to `high`; `kind` float allows fractions.

    Raises:
        UserError: It names the argument, what it may be, and what it is.
    """
    kinds = (int, np.integer) if kind is int else (int, float, np.integer, np.floating)
    if not isinstance(value, kinds) or isinstance(value, bool) or not low <= value <= high:
        noun = "an integer" if kind is int else "a number"
        span = f"{low} to {high}" if kind is int else f"{low:.15g} to {high:.15g}"
        raise UserError(f"{name} must be {noun} from {span}, not {one_line(repr(value), 80)}")


def whole_number(name: str, value: Any, low: int, high: int) -> int:
    """Check a whole number as `check_number` does; returns it as an int, also if NumPy or torch made it."""
    number = whole(value)
    check_number(name, value if number is None else number, low, high)
    return int(number or 0)


def check_common(render_mode: str | None, max_steps: int | None, lanes: int = 1) -> None:
    """Complains about a render mode, a step limit or a number of lanes that no environment here has.

    Raises:
        UserError: One of them is out of range.
    """
    if render_mode not in (None, "rgb_array"):
        raise UserError(f"render_mode must be rgb_array or None, not {render_mode!r}")
    check_number("num_envs", lanes, 1, MOST_LANES)
    check_number("max_steps", max_steps or 0, 0, MOST_STEPS)


def whole(value: Any) -> int | None:
    """The whole number (of Python, NumPy or torch) that this is; None for all else, also for True and 1.0."""
    if isinstance(value, bool) or "bool" in str(getattr(value, "dtype", "")):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def check_seed(seed: Any) -> int | None:
    """The seed of one game; None for no seed.

    Raises:
        UserError: It is no whole number, negative, or too large for ``info["seed"]``.
    """
    return None if seed is None else _seed(seed, "seed must be a whole number")


def lane_seeds(seed: int | Sequence[int | None] | None, lanes: int) -> list[int | None]:
    """A seed for each lane: lane i gets ``seed + i``, or the one that is given for it; None for no seed.

    Raises:
        UserError: Not one seed for each lane, or one that is none, see `check_seed`.
    """
    if seed is None:
        return [None] * lanes
    given = array_of("seeds", seed, object)
    if given.ndim:
        if given.shape != (lanes,):
            raise UserError(f"{given.size} seeds for {lanes} environments")
        seeds = given.tolist()
    else:
        first = whole(given.item())
        seeds = [seed] if first is None else [first + lane for lane in range(lanes)]
    return [None if each is None else _seed(each, "seeds must be whole numbers") for each in seeds]


def _seed(seed: Any, must: str) -> int:
    number = whole(seed)
    if number is None or not 0 <= number <= MOST_SEED:
        raise UserError(f"{must} from 0 to {MOST_SEED}, not {one_line(repr(seed), 80)}")
    return number


def check_options(options: Any) -> None:
    """Complain about options of ``reset`` that are no dict.

    Raises:
        UserError: It says what they are.
    """
    if options is not None and not isinstance(options, Mapping):
        raise UserError(f"reset: options must be a dict, not {one_line(repr(options), 80)}")


def note_options(options: Mapping[str, Any] | None, known: Iterable[str] = ()) -> None:
    """Warn of options of ``reset`` that do nothing; Gymnasium leaves it to each environment what they are.

    Raises:
        UserError: They are no dict.
    """
    check_options(options)
    known = list(known)
    for name in options or ():
        if name not in known:
            hint = suggest(str(name), known, listed=bool(known))
            warnings.warn(f"reset: the option {name!r} does nothing here{hint}", stacklevel=3)


def lane_mask(options: Mapping[str, Any] | None, lanes: int) -> np.ndarray:
    """The lanes that a reset is of, bool (N,): ``options["reset_mask"]``, or all of them.

    Raises:
        UserError: The mask is not bool (N,).
    """
    mask = array_of("reset_mask", (options or {}).get("reset_mask", np.ones(lanes, bool)))
    if mask.shape != (lanes,) or mask.dtype != np.bool_:
        raise UserError(f"reset_mask must be bool ({lanes},)")
    return mask


def check_action(action: Any, count: int) -> int:
    """The action of one game, a whole number of any kind.

    Raises:
        UserError: It is not 0 to count - 1.
    """
    number = whole(action)
    if number is None or not 0 <= number < count:
        raise UserError(f"action must be 0 to {count - 1}, not {one_line(repr(action), 80)}")
    return number


def lane_actions(actions: Any, lanes: int, count: int) -> np.ndarray:
    """An action for each lane, of an integer dtype (N,); nothing is played where one of them is wrong.

    Raises:
        UserError: They are not N whole numbers from 0 to count - 1.
    """
    given = array_of("actions", actions)
    if given.shape != (lanes,) or not are_indices(given, count):
        raise UserError(f"actions must be ({lanes},) from 0 to {count - 1}")
    return given


def array_of(name: str, values: Any, dtype: type | None = None) -> np.ndarray:
    """What was handed in as an array, of whatever dtype (or this one) and shape.

    Raises:
        UserError: Its rows are not equally long.
    """
    try:
        return np.asarray(values, dtype)
    except ValueError as error:
        raise UserError(f"{name} must be an array: {one_line(error, 100)}") from None


def are_indices(values: np.ndarray, count: int) -> bool:
    """Whether all of these are whole numbers from 0 to count - 1 (of any integer dtype; none at all are)."""
    if values.size == 0:
        return True
    return bool(np.issubdtype(values.dtype, np.integer) and (values >= 0).all() and (values < count).all())
