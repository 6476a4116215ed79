"""The last second of play, for a replay in slow motion."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from gamesim.envs.rules import Snapshot

SPEED = 0.4  # of the replay; 1 is the speed of play


@dataclass(frozen=True)
class Shot:
    """One step, as it was shown.

    Attributes:
        snapshots: before and after it, if the window paints it from these; else None.
        frame: uint8 (H, W, 3).
        end_probability: how likely this was the end, 0..1, in the engine's view; None if it does not say.
    """

    snapshots: tuple[Snapshot, Snapshot] | None
    frame: np.ndarray
    end_probability: float | None


class Reel:
    """The last steps of one engine.

    Args:
        rate: steps a second.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._shots: deque[Shot] = deque(maxlen=round(rate))

    @property
    def seconds(self) -> float:
        """How long the replay takes."""
        return len(self._shots) / (SPEED * self._rate)

    def add(self, shot: Shot) -> None:
        self._shots.append(shot)

    def undo(self) -> None:
        """Forget the last step."""
        if self._shots:
            self._shots.pop()

    def clear(self) -> None:
        self._shots.clear()

    def at(self, seconds: float) -> tuple[Shot, float] | None:
        """The step to show so long after the replay began, and how much of it has passed, 0..1.

        The last step stays; None if nothing was played.
        """
        if not self._shots:
            return None
        place = max(0.0, seconds) * SPEED * self._rate
        index = min(int(place), len(self._shots) - 1)
        return self._shots[index], min(1.0, place - index)
