"""How fast the games step on one core, beside CartPole-v1 in the same process.

    python benchmarks/env_speed.py [--seconds 2] [--lanes 256] [--json FILE]

All figures are steps a second with random actions, episode resets included; a step of ours gives an
84x84x3 uint8 frame. CartPole and the single game go through ``gym.make``. Measurements are interleaved and
the median of five rounds is printed, with the ratio to CartPole of the same round. The clock counts this
process's own time, so that a busy machine does not show as slow code.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import gymnasium as gym
import numpy as np

import gamesim  # noqa: F401 - registers the ids

IDS = ("gamesim/Pacman-v0", "gamesim/PacmanMaze-v0", "gamesim/PacmanArcade-v0")
ROUNDS = 5
FLOOR_SINGLE, FLOOR_BATCHED = 0.18, 0.60
"""What issue 2 asks of the egocentric games, as shares of CartPole's rate."""


def single(env_id: str) -> Callable[[float], float]:
    """A function that plays for about so many seconds and returns steps a second."""
    env = gym.make(env_id)
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, env.action_space.n, 4096).tolist()  # pyright: ignore

    def play(seconds: float) -> float:
        steps, begin = 0, time.process_time()
        while (spent := time.process_time() - begin) < seconds:
            for action in actions[:512]:
                _, _, terminated, truncated, _ = env.step(action)
                if terminated or truncated:
                    env.reset()
            steps += 512
        return steps / spent

    return play


def batched(env_id: str, lanes: int) -> Callable[[float], float]:
    """The same for a batch: lane steps a second."""
    env = gym.make_vec(env_id, num_envs=lanes, vectorization_mode="vector_entry_point")
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 5, (64, lanes))

    def play(seconds: float) -> float:
        steps, begin = 0, time.process_time()
        while (spent := time.process_time() - begin) < seconds:
            for row in actions[:8]:
                env.step(row)
            steps += 8 * lanes
        return steps / spent

    return play


def measure(seconds: float, lanes: int) -> dict[str, dict[str, float]]:
    """Name -> median rate (steps a second) and median ratio to CartPole."""
    runs = {"CartPole-v1": single("CartPole-v1")}
    for env_id in IDS:
        runs[env_id] = single(env_id)
        runs[f"{env_id} x{lanes}"] = batched(env_id, lanes)
    for run in runs.values():
        run(0.1)  # warm up
    rounds = [{name: run(seconds / ROUNDS) for name, run in runs.items()} for _ in range(ROUNDS)]
    return {
        name: {
            "steps_per_second": statistics.median(r[name] for r in rounds),
            "of_cartpole": statistics.median(r[name] / r["CartPole-v1"] for r in rounds),
        }
        for name in runs
    }


def main() -> None:
    """Print the table, and write it where asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each line of the table")
    parser.add_argument("--lanes", type=int, default=256, help="games in a batch")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    figures = measure(options.seconds, options.lanes)
    print(f"{'':32}{'steps/s':>10}{'of CartPole':>14}")
    for name, figure in figures.items():
        print(f"{name:32}{figure['steps_per_second']:>10,.0f}{figure['of_cartpole']:>14.2f}")
    print(f"asked for: single {FLOOR_SINGLE}, batched {FLOOR_BATCHED} (egocentric games)")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
