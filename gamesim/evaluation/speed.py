"""How fast a dream answers a key, and what it holds in memory.

- `median_ms`, `p99_ms`: a step of a single dream on one CPU thread, from the key to the frame.
- `gpu_median_ms`, `gpu_p99_ms`: the same on the first CUDA device, where there is one.
- `memory_mib`: the engine's weights and the state of a single dream; what torch itself takes is not counted.
"""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gamesim.checkpoint import Starts
from gamesim.dream import DreamVectorEnv, Source
from gamesim.models import State
from gamesim.threads import one_thread

WARM_UP_STEPS, STEPS = 20, 300
"""Of each measurement: those that are not timed, and those that are."""


def step_times(source: Source, *, lanes: int = 1, steps: int, device: str = "cpu") -> np.ndarray:
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


def speed(source: Source, steps: int, device: str = "cpu") -> dict[str, float]:
    """``median_ms`` and ``p99_ms`` over so many steps, see `step_times`."""
    taken = 1000 * step_times(source, steps=steps, device=device)
    return {"median_ms": float(np.median(taken)), "p99_ms": float(np.percentile(taken, 99))}


def memory(weights: Mapping[str, Tensor], state: State) -> float:
    """MiB of an engine's weights and of its state, that of one lane."""
    return sum(tensor.nbytes for each in (weights, state) for tensor in each.values()) / 2**20


@one_thread()
@torch.inference_mode()
def cost(model: Any, starts: Starts) -> dict[str, float]:
    """All figures above, of a module that is a `WorldModel`; it is moved to where it is measured."""
    figures = speed((model.to("cpu"), starts), STEPS)
    figures["memory_mib"] = memory(model.state_dict(), model.start(starts.frames[:1], starts.actions[:1]))
    if torch.cuda.is_available():
        gpu = speed((model.to("cuda"), starts), STEPS, "cuda")
        figures |= {f"gpu_{name}": value for name, value in gpu.items()}
    return figures
