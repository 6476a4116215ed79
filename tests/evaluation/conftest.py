"""Real episodes that the evaluator's tests share: 30 boards, 8 real frames, then 40 steps."""

import numpy as np
import pytest

from gamesim.evaluation.pacman.cells import Dreamer, dream_episodes, real_episodes
from gamesim.evaluation.pacman.rules_kept import judge, summary


@pytest.fixture(scope="session")
def real():
    played = real_episodes("gamesim/Pacman-v0", 30, 8, 40)
    return played.lanes(slice(0, 30))


@pytest.fixture(scope="session")
def real_tally(real):
    return judge(real, stop_at_end=True)


@pytest.fixture(scope="session")
def maze():
    """The same in the maze, where there are no ghosts; those that last for all of the 40 steps."""
    played = real_episodes("gamesim/PacmanMaze-v0", 16, 8, 40)
    return played.lanes(np.flatnonzero(played.going(40))[:12])


@pytest.fixture(scope="session")
def scores(real, real_tally):
    """The figures of `summary` for an engine, over 30 steps from the shared beginnings."""

    def scores(model, steps=30, stop_at_end=False):
        dreamt = dream_episodes(Dreamer(model), real, len(real.seeds), steps)
        return summary(dreamt, judge(dreamt, stop_at_end=stop_at_end), real, real_tally, steps)

    return scores
