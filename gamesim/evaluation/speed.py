"""How fast a dream answers a key."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from gamesim.dream import DreamVectorEnv, Source

WARM_UP_STEPS = 20


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Runs torch on so many CPU threads for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def step_times(source: Source, *, lanes: int = 1, steps: int = 300, device: str = "cpu") -> np.ndarray:
    """Seconds that each step of a running dream took, from the key to the frame in memory.

    Args:
        source: the folder of a checkpoint, or an engine and its beginnings.
        lanes: dreams at once.
        steps: how many are timed, after some that are not.
        device: where the engine computes.

    Returns:
        float64 (steps,), in seconds for all lanes together.
    """
    env = DreamVectorEnv(source, lanes, device=device)
    env.reset(seed=0)
    keys = np.random.default_rng(0).integers(0, env.model.num_actions, (WARM_UP_STEPS + steps, lanes))
    taken = []
    for key in keys:
        env.ended[:] = False  # what is timed is dreaming on, not beginning anew
        start = time.perf_counter()
        env.step(key)
        taken.append(time.perf_counter() - start)
    return np.array(taken[WARM_UP_STEPS:])


def speed(source: Source, steps: int = 300) -> dict[str, float]:
    """Milliseconds a step of a single dream on one CPU thread: ``median_ms`` and ``p99_ms``."""
    with threads(1):
        taken = 1000 * step_times(source, steps=steps)
    return {"median_ms": float(np.median(taken)), "p99_ms": float(np.percentile(taken, 99))}
