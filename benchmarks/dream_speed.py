"""How fast an engine dreams: ms a step alone, with the other cores busy, and frames a second in batches.

python benchmarks/dream_speed.py CHECKPOINT [--device cpu] [--steps 500] [--lanes 1 16 256]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys

import numpy as np

from gamesim.errors import UserError


def busy() -> None:
    """Keeps a core at work until it is ended."""
    while True:
        sum(range(1000))


def report(label: str, seconds: np.ndarray, lanes: int) -> None:
    median, late = 1000 * np.median(seconds), 1000 * np.percentile(seconds, 99)
    rate = lanes / seconds.mean()
    print(f"{label:28} {median:8.2f} ms median {late:8.2f} ms p99 {rate:10,.0f} frames/s", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 16, 256])
    arguments = parser.parse_args()
    from gamesim.evaluation.speed import step_times

    for lanes in arguments.lanes:
        steps = max(20, arguments.steps // lanes)
        seconds = step_times(arguments.checkpoint, lanes=lanes, steps=steps, device=arguments.device)
        report(f"{lanes} lane(s), 1 thread", seconds, lanes)
    others = [
        multiprocessing.get_context("spawn").Process(target=busy, daemon=True)
        for _ in range(max(1, (os.cpu_count() or 2) - 1))
    ]
    for other in others:
        other.start()
    seconds = step_times(arguments.checkpoint, steps=arguments.steps, device=arguments.device)
    report("1 lane, other cores busy", seconds, 1)
    for other in others:
        other.terminate()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(f"peak memory {peak:,.0f} MiB")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(f"dream_speed: {error}")
