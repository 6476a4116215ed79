"""The past of one dream: the moments that can be gone back to, and the branch that was left for another."""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

LENGTH = 600  # moments that can be gone back to


@dataclass(frozen=True)
class Moment:
    """All that an engine needs to be as it was.

    Attributes:
        state: of the env, its future included.
        frame: uint8 (H, W, 3), on screen then.
        info, total, reward, steps: of the engine.
        trail: the last frames and the actions that led to them.
    """

    state: Any
    frame: np.ndarray
    info: dict[str, Any]
    total: float
    reward: float
    steps: int
    trail: tuple[tuple[np.ndarray, int], ...]


class History:
    """Goes back through moments; the first step forward from there leaves the old line as a branch.

    Attributes:
        past: moments before the present one, the latest last.
        undone: (step, frame) of what was gone back over, the next one last; empty while time goes forward.
        left: (step, frame) of the branch that was left, in order; empty if none was.
        fork: the step at which it was left.
    """

    def __init__(self) -> None:
        self.past: deque[Moment] = deque(maxlen=LENGTH)
        self.undone: list[tuple[int, np.ndarray]] = []
        self.left: list[tuple[int, np.ndarray]] = []
        self.fork: int | None = None

    def clear(self) -> None:
        """Another episode begins."""
        self.past.clear()
        self.undone, self.left, self.fork = [], [], None

    def forward(self, moment: Moment) -> None:
        """A step is made from `moment`; if it was come back to, what had followed it becomes the branch."""
        self.past.append(moment)
        if self.undone:
            self.fork, self.left = moment.steps, self.undone[::-1]
            self.undone = []

    def back(self, frame: np.ndarray, steps: int) -> Moment | None:
        """The moment before the present one, whose frame and step are given; None at the beginning."""
        if not self.past:
            return None
        self.undone.append((steps, frame))
        return self.past.pop()

    @property
    def branched(self) -> bool:
        """Whether there is something to show besides one straight line."""
        return bool(self.undone or self.left)
