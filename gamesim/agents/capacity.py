"""What recording takes, in bytes, known before it starts: memory for the games at once, disk for them all."""

import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gamesim.data.episode import Episode
from gamesim.errors import UserError
from gamesim.text import counted, sized

MEMORY = 1 << 29
"""Bytes that frames of running games take, at most; those that wait to be written take a quarter of it."""
MAX_STEPS = 500
"""Steps after which an endless game goes on in a new episode."""
_FILE_BYTES = 4096  # no file takes less


@dataclass(frozen=True)
class Plan:
    """How a game is recorded so that its frames fit :data:`MEMORY`.

    Attributes:
        frame_bytes: Of one frame, in memory.
        steps: Of an episode, as far as the game says how long it may be.
        lanes: Games at once.
        longest: Steps after which an episode goes on in a new one.
    """

    frame_bytes: int
    steps: int
    lanes: int
    longest: int


def plan(asked: int, shape: tuple[int, ...], spec: dict[str, Any]) -> Plan:
    """Plan for `asked` games at once, at most.

    Args:
        asked: From 1.
        shape: Of a frame.
        spec: The environment's, as in its JSON; a time limit counts, and ``max_steps`` among its settings.
    """
    size = math.prod(shape)
    told = (spec["max_episode_steps"], spec["kwargs"].get("max_steps"))
    steps = min([MAX_STEPS, *(steps for steps in told if isinstance(steps, int) and steps > 0)])
    lanes = max(1, min(asked, MEMORY // ((steps + 1) * size)))
    return Plan(size, steps, lanes, max(1, min(MAX_STEPS, MEMORY // (lanes * size) - 1)))


def check_disk(out: Path, episodes: int, planned: Plan, sample: Callable[[], Episode]) -> None:
    """Complain about more episodes than the disk has room for.

    Args:
        out: The folder that they go to, which need not be there.
        episodes: How many.
        planned: For them.
        sample: Plays a short one; only called where the frames as they are would not fit.

    Raises:
        UserError: About how much they need, and how much is free.
    """
    place = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if episodes * (planned.steps + 1) * planned.frame_bytes < free:
        return
    played = sample()
    size = len(played.to_bytes())
    if not (played.terminated or played.truncated):  # it goes on
        size = size * planned.steps // len(played)
    needed = episodes * max(size, _FILE_BYTES)
    if needed > free:
        need, there = sized(needed), sized(free)
        games = counted(episodes, "game")
        raise UserError(f"{out}: recording {games} takes about {need}, but {there} is free; record fewer")
