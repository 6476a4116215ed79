"""A dream's controller at the wheel of another game: it sees that game through the dream's V and M."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import gymnasium as gym

    from gamesim.agents.controller import ControllerPolicy


class Pilot:
    """Follows one game frame by frame, and says at each what the controller would do.

    It has to see every frame and every action, whoever chose it: M remembers what happened, not what the
    controller wanted. The policy is one for one lane.
    """

    changed = ""
    """By what the frames that it sees are changed, for people; "": they are as they are."""
    stage = 0
    """Of an attack on what it sees; see `attack.STAGES`."""

    def __init__(self, policy: ControllerPolicy) -> None:
        self._policy = policy

    @property
    def model(self) -> Any:
        """Whose controller it is, a `WorldModel`."""
        return self._policy.model

    @property
    def clear(self) -> Pilot:
        """The one who sees the game as it is."""
        return self

    def begin(self, frame: np.ndarray) -> int:
        """Another episode begins with `frame`, uint8 (H, W, 3); returns the action, 0..4."""
        self._policy.reset(np.ones(1, bool))
        return int(self._policy.act(frame[None], {})[0])

    def follow(self, action: int, frame: np.ndarray) -> int:
        """`action` was taken and led to `frame`; returns the next action."""
        self._policy.took(np.array([action]))
        return int(self._policy.act(frame[None], {})[0])


def pilot_of(dream: gym.Env) -> Pilot | None:
    """The controller of a dream that has been reset, for other games; None if it has none."""
    act = getattr(dream.unwrapped, "act", None)
    if act is None or act() is None:
        return None
    from gamesim.agents.controller import ControllerPolicy

    batch = dream.unwrapped.batch  # pyright: ignore[reportAttributeAccessIssue]
    return Pilot(ControllerPolicy(batch.model, batch.device))
