"""An experiment on the dream that is running: walk a few cells away and back, and look at the place again.

It is made on the moment on screen, and the moment is put back: the dream that is played knows nothing of it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pygame

from gamesim.app.game.cells import Place, moved
from gamesim.app.game.compare import draw_pair
from gamesim.app.game.homecoming import Verdict, fits, judge
from gamesim.app.game.play import Engine
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.widgets import text, wrap
from gamesim.envs.rules import DELTAS, REVERSE

AWAY = 4


@dataclass(frozen=True)
class Recall:
    """What was seen before and after a walk of `AWAY` cells out and back."""

    verdict: Verdict


def recall(engine: Engine) -> Recall | None:
    """Walk the ways in turn until one is free; None if none is, or the dream is over or does not scroll."""
    env: Any = engine.env.unwrapped
    if engine.temperature is None or engine.over is not None or not engine.can_rewind or not fits(engine):
        return None
    start = env.state
    try:
        for way in range(1, len(DELTAS)):
            env.state = start
            verdict = _walked(env, engine.frame, way, engine.grid)
            if verdict is not None:
                return Recall(verdict)
        return None
    finally:
        env.state = start


def _walked(env: Any, home: np.ndarray, way: int, grid: tuple[int, int]) -> Verdict | None:
    """Home after the walk, None where it was not free all the way."""
    frame, place = home, (0, 0)
    path: list[Place] = [place]
    for action in [way] * AWAY + [REVERSE[way]] * AWAY:
        was = frame
        frame, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated or not moved(was, frame, action):
            return None
        place = (place[0] + DELTAS[action][0], place[1] + DELTAS[action][1])
        path.append(place)
    return judge(home, frame, path, grid)


def draw_recall(surface: pygame.Surface, area: pygame.Rect, found: Recall, scale: Scale) -> int:
    """Both pictures and what changed; returns the y below."""
    verdict = found.verdict
    count, of = int(verdict.forgotten.sum()), int(verdict.counted.sum())
    y = text(surface, "The same place, a few steps later", area.topleft, scale.px(20), bold=True).bottom
    words = (
        f"A copy of this dream walked {AWAY} cells away and came back. {count} of {of} fixed cells changed."
    )
    for line in wrap(words, scale.px(18), area.width):
        text(surface, line, (area.left, y + scale.px(4)), scale.px(18), COLOURS["quiet"])
        y += scale.px(25)
    pair = pygame.Rect(area.left, y + scale.px(10), min(area.width, scale.px(460)), scale.px(240))
    names = ("before", "after")
    return draw_pair(
        surface, pair, (verdict.before, verdict.after), names, verdict.forgotten, scale
    ).bottom + scale.px(22)
