"""The temperature of a dream as a person changes it: a ladder of values, and what cold and warm do.

It scales z in GameGAN and Tilemap, and M's mixture in World Models (Ha & Schmidhuber 2018, Sec. 4.3). Between
0.5 and 1.5 it makes the most difference, so the rungs of the ladder are closest there.
"""

import numpy as np

NEUTRAL = 1.0
FINEST, FROM, TO = 0.05, 0.5, 1.5
RUNGS = (
    0.1,
    0.25,
    *(round(FROM + FINEST * i, 2) for i in range(round((TO - FROM) / FINEST) + 1)),
    *(1.75, 2.0, 2.25, 2.5, 2.75, 3.0),
)
"""The values that the keys and the slider go through."""


def turned(value: float, rungs: int) -> float:
    """The value so many rungs above `value` (below, if negative), at most the ends of the ladder."""
    above = int(np.searchsorted(RUNGS, value + 1e-6))  # the first rung that is higher
    on_rung = above > 0 and abs(RUNGS[above - 1] - value) < 1e-6
    start = above - 1 if on_rung or rungs > 0 else above
    return RUNGS[min(len(RUNGS) - 1, max(0, start + rungs))]


def share(value: float) -> float:
    """The place of a value on the slider, 0 to 1; all rungs are equally wide."""
    return float(np.interp(value, RUNGS, np.linspace(0, 1, len(RUNGS))))


def at(share: float) -> float:
    """The value of the rung nearest to a place on the slider, 0 to 1."""
    return RUNGS[round(min(1.0, max(0.0, share)) * (len(RUNGS) - 1))]


def meaning(value: float) -> str:
    """What this temperature does, in one line."""
    if value < 0.45:
        return "Very cold: only the likeliest things happen. No ghosts, little that is new"
    if value < 0.95:
        return "Cold: likely things happen more often. Ghosts and food become rare"
    if value <= 1.05:
        return "Neutral: things happen as often as the model learned"
    if value <= 1.55:
        return "Warm: unlikely things happen more often"
    return "Hot: anything happens, and the picture falls apart"
