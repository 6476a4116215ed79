"""Coming home, a game: walk away from where you are, come back, and see what is still there.

A dream has no map. If it shows a place again after a while, the picture comes from its memory or is made up.
To know where the player is, the game watches how the picture scrolls, both in the real game and in a dream.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gamesim.app.game.cells import Mask, Place, classes, differing, moved
from gamesim.app.game.world import World
from gamesim.envs.layouts import GHOST, PACMAN
from gamesim.envs.rules import CENTRE, DELTAS, REVERSE

BLURRED = 30.0  # most mean absolute difference to a ghost, 0..255, of a cell that counts as one
WALK = 8  # cells away from home, horizontal and vertical ones together
AWAY = 4  # the same, for the copy of a dream that walks by itself


@dataclass(frozen=True)
class Verdict:
    """What became of home.

    Attributes:
        before, after: home when the player left it and now, uint8 (H, W, 3).
        counted: bool (rows, columns), cells that stand still: neither Pac-Man nor a ghost was on them, and
            the player did not walk over them (he eats).
        forgotten: bool (rows, columns), the counted cells that look different now.
    """

    before: np.ndarray
    after: np.ndarray
    counted: Mask
    forgotten: Mask

    @property
    def share(self) -> float:
        """Share of the counted cells that were forgotten, 0..1."""
        return float(self.forgotten.sum() / max(1, self.counted.sum()))

    @property
    def words(self) -> str:
        return f"{int(self.forgotten.sum())} of {int(self.counted.sum())} fixed cells changed"


class Homecoming:
    """One walk from where the player of a world is now.

    Attributes:
        verdict: what became of home; None until he is back.
        path: his place at the start and after each step, (x, y) in cells from home, so that rewinding walks
            back.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.home = world.frame
        self.verdict: Verdict | None = None
        self._begin = world.steps
        self.path: list[Place] = [(0, 0)]

    @property
    def place(self) -> Place:
        return self.path[-1]

    def place_at(self, part: float) -> tuple[float, float]:
        """Where to draw him when `part`, 0..1, of the last move has passed."""
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
        """Whether the walk is lost: the episode ended, another began, or a rewind went past its start."""
        # Without a path, one step leads back to the start.
        return self.world.over is not None or self.world.steps < self._begin or not self.path

    def look(self) -> None:
        """Take in a step that the world has made."""
        del self.path[self.world.steps - self._begin :]
        if not self.path or self.verdict is not None:
            return
        (was, _), (now, action) = self.world.trail[-2], self.world.trail[-1]
        x, y = self.place
        dx, dy = DELTAS[action] if moved(was, now, action) else (0, 0)
        self.path.append((x + dx, y + dy))
        if self.returning and self.place == (0, 0):
            self.verdict = judge(self.home, now, self.path)


def judge(before: np.ndarray, after: np.ndarray, path: list[Place]) -> Verdict:
    """Compare home, uint8 (H, W, 3), with the same view now, but not in places that he walked over; home is
    (0, 0).
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


def there_and_back(world: World) -> Verdict | None:
    """Let a dream walk `AWAY` cells out and back, in the first direction that is free.

    Afterwards it is put back to the moment on screen, so the player's dream is not changed.

    Returns:
        What became of the place; None if no direction is free, or the dream is over or does not scroll.
    """
    env: Any = world.env.unwrapped
    if world.temperature is None or world.over is not None or not world.can_rewind or not world.ego:
        return None
    start = env.state
    try:
        for way in range(1, len(DELTAS)):
            env.state = start
            verdict = _walked(env, world.frame, way)
            if verdict is not None:
                return verdict
        return None
    finally:
        env.state = start


def _walked(env: Any, home: np.ndarray, way: int) -> Verdict | None:
    """The verdict after a walk in direction `way`; None if the way was not free."""
    frame = home
    for action in [way] * AWAY + [REVERSE[way]] * AWAY:
        was = frame
        frame, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated or not moved(was, frame, action):
            return None
    dx, dy = DELTAS[way]
    return judge(home, frame, [(i * dx, i * dy) for i in range(AWAY + 1)])
