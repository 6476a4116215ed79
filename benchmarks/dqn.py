"""Trains the deep Q-network that comes with gamesim, and measures it on boards that it never saw.

python benchmarks/dqn.py --out DIR [--sight frames|grid] [--steps 400000] [--episodes 500] [--seed 0]

Writes DIR/SIGHT.safetensors every 20,000 steps and at the end, and DIR/SIGHT.json: the curve of returns and
the last measurement, beside the bot and random keys on the same boards. Started again with the same folder it
goes on from there. Needs the extra `agents`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import torch

from gamesim import storage
from gamesim.agents.dqn import SIGHTS, DQNPolicy, Training, load
from gamesim.agents.policy import Policy
from gamesim.agents.rollout import mean_and_error, play
from gamesim.envs.recipe import Recipe, limited, make_batch
from gamesim.errors import UserError
from gamesim.evaluation.transfer import TESTED

GAME, LANES = "gamesim/Pacman-v0", 64


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", required=True, metavar="DIR", type=Path)
    parser.add_argument("--sight", choices=tuple(SIGHTS), default="frames")
    parser.add_argument("--steps", type=int, default=400_000)
    parser.add_argument("--episodes", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    torch.set_num_threads(1)
    try:
        words.out.mkdir(parents=True, exist_ok=True)
        found = trained(words.out / f"{words.sight}.safetensors", words.sight, words.steps, words.seed)
        player = DQNPolicy(*load(words.out / f"{words.sight}.safetensors"))
        players: dict[str, str | Policy] = {"dqn": player, "explorer": "explorer", "random": "random"}
        for name, policy in players.items():
            earned = measured(policy, words.episodes)
            found[name] = earned
            print(name, *earned, flush=True)
        storage.write_file(words.out / f"{words.sight}.json", f"{json.dumps(found, indent=1)}\n".encode())
    except UserError as error:
        print(f"dqn: {error}", file=sys.stderr)
        return 2
    return 0


def trained(file: Path, sight: str, steps: int, seed: int) -> dict[str, object]:
    """Trains, saves into the file now and then, and gives the curve: steps, seconds and return.

    Where the file is there already, it goes on from it.
    """
    training = Training(make_batch(limited(Recipe(GAME)), LANES), sight, steps, seed)
    if file.exists():
        training.go_on(file)
        print(f"goes on from step {training.agent.num_timesteps:,}", flush=True)
    curve: list[tuple[int, float, float]] = []
    begun = time.process_time()
    while (played := training.agent.num_timesteps) < steps:
        training.step()
        if played // 20_000 < training.agent.num_timesteps // 20_000:
            training.save(file)
            seconds = round(time.process_time() - begun, 1)
            curve.append((training.agent.num_timesteps, seconds, round(training.earned(), 3)))
            print(*curve[-1], flush=True)
    training.save(file)
    return {"steps": steps, "seed": seed, "seconds": time.process_time() - begun, "curve": curve}


def measured(policy: str | Policy, episodes: int) -> tuple[float, float]:
    """Mean return and its standard error over whole games, on boards that no training saw."""
    games = play(GAME, policy, episodes, seed=TESTED, num_envs=LANES, keep_frames=False)
    return mean_and_error([float(game.rewards.sum()) for game in games])


if __name__ == "__main__":
    sys.exit(main())
