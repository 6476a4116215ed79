"""The past of one world: moments to rewind to, the branch that was left, the last second for a replay."""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from gamesim.envs.rules import Snapshot

LENGTH = 600  # moments to keep


@dataclass(frozen=True)
class Moment:
    """All that puts a world back to an earlier step: the state of the env, with all random numbers to come,
    and the world's own attributes, with the last frames, uint8 (H, W, 3), and the actions that led to
    them.
    """

    state: Any
    frame: np.ndarray
    info: dict[str, Any]
    total: float
    reward: float
    steps: int
    bare: bool
    trail: tuple[tuple[np.ndarray, int], ...]


class History:
    """Goes back through moments; the first step forward from there leaves the old line as a branch.

    Attributes:
        past: moments before the present one, the latest last.
        undone: (step, frame) of the steps that were rewound, the next one last.
        left: (step, frame) of the branch that was left, in order; empty if there is none.
        fork: the step at which it was left.
    """

    def __init__(self) -> None:
        self.past: deque[Moment] = deque(maxlen=LENGTH)
        self.undone: list[tuple[int, np.ndarray]] = []
        self.left: list[tuple[int, np.ndarray]] = []
        self.fork: int | None = None

    def clear(self) -> None:
        """Forget everything: another episode begins."""
        self.past.clear()
        self.undone, self.left, self.fork = [], [], None

    def forward(self, moment: Moment) -> None:
        """Note a step from `moment`; if the player had rewound to it, what followed becomes the branch."""
        self.past.append(moment)
        if self.undone:
            self.fork, self.left = moment.steps, self.undone[::-1]
            self.undone = []

    def back(self, frame: np.ndarray, steps: int) -> Moment | None:
        """Go back from the present, whose frame and step are given; returns the moment before it, if any."""
        if not self.past:
            return None
        self.undone.append((steps, frame))
        return self.past.pop()

    @property
    def branched(self) -> bool:
        """Whether there is something to show besides one straight line."""
        return bool(self.undone or self.left)


SPEED = 0.4  # of the replay; 1 is the speed of play


@dataclass(frozen=True)
class Shot:
    """One step, as it was shown.

    Attributes:
        snapshots: before and after it, if the window paints it from these; else None.
        frame: uint8 (H, W, 3).
        end_probability: how likely this was the end, 0..1, in the world's view; None if it does not say.
    """

    snapshots: tuple[Snapshot, Snapshot] | None
    frame: np.ndarray
    end_probability: float | None


class Reel:
    """The last steps of one world, which makes so many a second."""

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
