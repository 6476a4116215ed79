"""Trains the graph convolutional network that ``record --policy gcn`` follows, and measures who follows it.

python benchmarks/gcn.py --out DIR [--layers 8] [--steps 2000] [--episodes 500] [--seed 0]

Writes DIR/food.safetensors and DIR/food.json: how many cells it tells exactly, and the return of who follows
it, beside the bot and random keys on the same boards.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import torch

from gamesim import storage
from gamesim.agents.gcn import GCNPolicy, load, save
from gamesim.agents.policy import Policy
from gamesim.agents.rollout import mean_and_error, play
from gamesim.evaluation.transfer import TESTED
from gamesim.labs.gcn import Learner

GAME, LANES = "gamesim/Pacman-v0", 64


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", required=True, metavar="DIR", type=Path)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--episodes", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    torch.set_num_threads(1)
    words.out.mkdir(parents=True, exist_ok=True)
    learner, begun = Learner(words.layers, True, "food", words.seed), time.process_time()
    for step in range(1, words.steps + 1):
        learner.step()
        if step % 200 == 0:
            print(step, round(learner.losses[-1], 3), round(learner.right, 3), flush=True)
    save(learner.network, words.out / "food.safetensors")
    found: dict[str, object] = {"seconds": time.process_time() - begun, "exactly right": learner.right}
    players: dict[str, str | Policy] = {
        "gcn": GCNPolicy(load(words.out / "food.safetensors")),
        "explorer": "explorer",
        "random": "random",
    }
    for name, policy in players.items():
        games = play(GAME, policy, words.episodes, seed=TESTED, num_envs=LANES, keep_frames=False)
        found[name] = mean_and_error([float(game.rewards.sum()) for game in games])
        print(name, found[name], flush=True)
    storage.write_file(words.out / "food.json", f"{json.dumps(found, indent=1)}\n".encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
