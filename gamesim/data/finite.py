"""Finds numbers of a game that are not finite float32, and names the step that gave them."""

from typing import Any

import numpy as np

from gamesim.errors import UserError


def check_rewards(game: str, steps: np.ndarray, rewards: Any, counts: np.ndarray) -> np.ndarray:
    """Rewards as they are kept, float32 (N,).

    Args:
        game: Its name, for the error.
        steps: int (N,), the number of each reward's step in its game, from 1.
        rewards: (N,), as the game gave them.
        counts: bool (N,), which of them are looked at.

    Raises:
        UserError: One that counts is NaN, infinite, or beyond float32.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        kept = np.asarray(rewards).astype(np.float32)
    wrong = np.flatnonzero(~np.isfinite(kept) & counts)
    if len(wrong):
        first = wrong[0]
        raise UserError(
            f"{game}: the reward of step {steps[first]} is {rewards[first]}, which is not a finite number"
        )
    return kept


def check_frame(game: str, step: int, frame: Any) -> np.ndarray:
    """A frame, or a batch of them, as it is kept: uint8, a new array.

    Raises:
        UserError: It contains numbers that are not finite.
    """
    shown = np.asarray(frame)
    if shown.dtype != np.uint8 and not np.isfinite(shown).all():
        raise UserError(f"{game}: the frame after step {step} contains numbers that are not finite")
    return np.array(shown, np.uint8)


def seed_of(told: Any) -> int | None:
    """The seed that a game tells, None where it is no whole number."""
    return int(told) if isinstance(told, (int, np.integer)) and not isinstance(told, bool) else None
