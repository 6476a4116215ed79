"""A dream's controller that drives another game, which it sees through the dream's V and M."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import gymnasium as gym

    from gamesim.agents.controller import ControllerPolicy


class Pilot:
    """Follows one game frame by frame, and says at each frame what the controller would do.

    It has to see every frame and every action, whoever chose it: M remembers what happened, not what the
    controller wanted.

    Args:
        policy: the controller, for a batch of one game.
    """

    changed = ""
    """In words for people, how the frames that it sees are changed; "" if they are not."""
    stage = 0
    """Stage of the attack on what it sees; see `attack.STAGES`."""

    def __init__(self, policy: ControllerPolicy) -> None:
        self._policy = policy

    @property
    def model(self) -> Any:
        """The `WorldModel` whose controller this is."""
        return self._policy.model

    @property
    def clear(self) -> Pilot:
        """The pilot that sees the game as it is."""
        return self

    def begin(self, frame: np.ndarray) -> int:
        """Begin another episode with `frame`, uint8 (H, W, 3); returns the action, 0..4."""
        self._policy.reset(np.ones(1, bool))
        return int(self._policy.act(frame[None], {})[0])

    def follow(self, action: int, frame: np.ndarray) -> int:
        """Take in that `action` led to `frame`; returns the next action."""
        self._policy.took(np.array([action]))
        return int(self._policy.act(frame[None], {})[0])


def pilot_of(dream: gym.Env) -> Pilot | None:
    """A pilot for other games from a dream that has been reset; None if it has no controller."""
    act = getattr(dream.unwrapped, "act", None)
    if act is None or act() is None:
        return None
    from gamesim.agents.controller import ControllerPolicy

    batch = dream.unwrapped.batch  # pyright: ignore[reportAttributeAccessIssue]
    return Pilot(ControllerPolicy(batch.model, batch.device))
