"""Coming home, a game: walk away from where you are, come back, and see what is still there.

A dream has no map. What it shows of a place that it did not show for a while comes out of its memory, or is
made up. Where the player is is found by watching how the picture scrolls, in the real game as in a dream.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gamesim.app.game.cells import Mask, Place, classes, differing, moved
from gamesim.app.game.play import Engine
from gamesim.envs.layouts import GHOST, PACMAN
from gamesim.envs.rules import CENTRE, DELTAS, REVERSE

BLURRED = 30.0  # mean absolute difference to a ghost, 0..255, up to which a cell is taken for one
WALK = 8  # cells away from home, to the sides and up or down together
AWAY = 4  # the same, where a copy of the dream walks by itself


@dataclass(frozen=True)
class Verdict:
    """What became of home.

    Attributes:
        before, after: uint8 (H, W, 3), home when it was left and now.
        counted: bool (rows, columns), cells that stand still: neither Pac-Man nor a ghost was on them, and
            the player did not walk over them (he eats).
        forgotten: bool (rows, columns), those of them that look different now.
    """

    before: np.ndarray
    after: np.ndarray
    counted: Mask
    forgotten: Mask

    @property
    def share(self) -> float:
        """Forgotten cells of those that count, 0..1."""
        return float(self.forgotten.sum() / max(1, self.counted.sum()))

    @property
    def words(self) -> str:
        return f"{int(self.forgotten.sum())} of {int(self.counted.sum())} fixed cells changed"


class Homecoming:
    """One walk, begun where the player of an engine is now.

    Attributes:
        place: (x, y) of the player in cells, home is (0, 0).
        farthest: how far away he has been, in cells.
        verdict: what became of home, once he is back.
        path: his place at the start and after each step, so that rewinding walks back.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.home = engine.frame
        self.verdict: Verdict | None = None
        self._begin = engine.steps
        self.path: list[Place] = [(0, 0)]

    @property
    def place(self) -> Place:
        return self.path[-1]

    def place_at(self, part: float) -> tuple[float, float]:
        """Where he is drawn when `part`, 0..1, of the last move has passed."""
        (x, y), (was_x, was_y) = self.path[-1], self.path[-2:][0]
        rest = 1.0 - part
        return x - rest * (x - was_x), y - rest * (y - was_y)

    @property
    def away(self) -> int:
        return abs(self.place[0]) + abs(self.place[1])

    @property
    def farthest(self) -> int:
        return max(abs(x) + abs(y) for x, y in self.path)

    @property
    def returning(self) -> bool:
        """Whether he has been far enough away and may come home."""
        return self.farthest >= WALK

    @property
    def lost(self) -> bool:
        """Whether this walk is over without an end: the episode ended, began anew or was rewound past it."""
        return self.engine.over is not None or self.engine.steps < self._begin

    def look(self) -> None:
        """The engine has made a step."""
        del self.path[self.engine.steps - self._begin :]
        if not self.path or self.verdict is not None:
            return
        (was, _), (now, action) = self.engine.trail[-2], self.engine.trail[-1]
        x, y = self.place
        dx, dy = DELTAS[action] if moved(was, now, action) else (0, 0)
        self.path.append((x + dx, y + dy))
        if self.returning and self.place == (0, 0):
            self.verdict = judge(self.home, now, self.path)


def judge(before: np.ndarray, after: np.ndarray, path: list[Place]) -> Verdict:
    """Compares home with what is there now.

    Args:
        before: home when it was left, uint8 (H, W, 3).
        after: the same view now.
        path: places that were walked over, home is (0, 0).
    """
    counted = np.ones((7, 7), bool)
    for x, y in path:
        if max(abs(x), abs(y)) <= CENTRE:
            counted[CENTRE + y, CENTRE + x] = False
    for frame in (before, after):
        found, distance = classes(frame)
        counted &= ~(np.isin(found, (GHOST, PACMAN)) & (distance < BLURRED))
    different = differing(before, after, counted.shape)
    assert different is not None
    return Verdict(before, after, counted, counted & different)


def recall(engine: Engine) -> Verdict | None:
    """Let a copy of a dream walk `AWAY` cells out and back, the first way that is free.

    The moment on screen is put back: the dream that is played knows nothing of it.

    Returns:
        None if no way is free, or the dream is over or does not scroll.
    """
    env: Any = engine.env.unwrapped
    if engine.temperature is None or engine.over is not None or not engine.can_rewind or not engine.ego:
        return None
    start = env.state
    try:
        for way in range(1, len(DELTAS)):
            env.state = start
            verdict = _walked(env, engine.frame, way)
            if verdict is not None:
                return verdict
        return None
    finally:
        env.state = start


def _walked(env: Any, home: np.ndarray, way: int) -> Verdict | None:
    """Home after the walk, None where it was not free all the way."""
    frame = home
    for action in [way] * AWAY + [REVERSE[way]] * AWAY:
        was = frame
        frame, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated or not moved(was, frame, action):
            return None
    dx, dy = DELTAS[way]
    return judge(home, frame, [(i * dx, i * dy) for i in range(AWAY + 1)])
