"""What a linear controller could read from an engine: is there a wall, food or a ghost beside Pac-Man?

    python benchmarks/linear_probe.py CHECKPOINT [--steps 30] [--lanes 256] [--json FILE]

Random games are filtered through the engine; a linear map from its features (what C sees) to the presence of
each kind of cell on the four sides is fitted by ridge regression on three quarters of the lanes, and R^2 on
the others is printed: 1 is all of it, 0 no more than the share of such cells. The cells are for this
measurement alone; no engine sees them.
"""

import argparse
import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch

import gamesim  # noqa: F401 - registers the ids
from gamesim.checkpoint import load_model
from gamesim.envs.layouts import FOOD, GHOST, WALL

KINDS = {"wall": WALL, "food": FOOD, "ghost": GHOST}
SIDES = ((3, 2), (3, 4), (2, 3), (4, 3))
"""Row and column of the cells beside Pac-Man in the 7x7 view: left, right, up, down."""
RIDGE = 1.0


@torch.inference_mode()
def watched(checkpoint: str, game: str, steps: int, lanes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Features (lanes, steps, D) and the cells beside Pac-Man (lanes, steps, 4), of random games."""
    engine, _ = load_model(checkpoint)
    env = gym.make_vec(game, lanes)
    frames, info = env.reset(seed=0)
    state = engine.start(torch.from_numpy(frames)[:, None], torch.zeros(lanes, 0, dtype=torch.int64))
    chance, features, cells = np.random.default_rng(0), [], []
    for _ in range(steps):
        features.append(engine.features(state))
        cells.append(torch.from_numpy(np.stack([info["cells"][:, y, x] for y, x in SIDES], 1)))
        actions = chance.integers(0, 5, lanes)
        frames, _, _, _, info = env.step(actions)
        state = engine.observe(state, torch.from_numpy(actions), torch.from_numpy(frames))
    return torch.stack(features, 1).double(), torch.stack(cells, 1)


def explained(seen: torch.Tensor, there: torch.Tensor) -> float:
    """R^2 (mean of the four sides) of a linear map fitted on the first three quarters of the lanes.

    Args:
        seen: (lanes, steps, D).
        there: (lanes, steps, 4), 1.0 where the kind of cell is on that side.
    """
    inputs = torch.cat([seen, torch.ones_like(seen[..., :1])], -1)
    cut = len(inputs) * 3 // 4
    fit, test = inputs[:cut].flatten(0, 1), inputs[cut:].flatten(0, 1)
    wanted, truth = there[:cut].flatten(0, 1), there[cut:].flatten(0, 1)
    weights = torch.linalg.solve(fit.mT @ fit + RIDGE * torch.eye(fit.shape[1]).double(), fit.mT @ wanted)
    missed = (test @ weights - truth).square().sum()
    return float(1 - missed / (truth - truth.mean(0)).square().sum())


def main() -> None:
    parser = argparse.ArgumentParser(description="What a linear controller could read from an engine.")
    parser.add_argument("checkpoint", metavar="CHECKPOINT")
    parser.add_argument("--game", default="gamesim/Pacman-v0")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--lanes", type=int, default=256)
    parser.add_argument("--json", metavar="FILE")
    given = parser.parse_args()
    seen, cells = watched(given.checkpoint, given.game, given.steps, given.lanes)
    figures = {name: explained(seen, (cells == kind).double()) for name, kind in KINDS.items()}
    for name, share in figures.items():
        print(f"{name:6} beside Pac-Man: R^2 {share:.3f}")
    if given.json:
        Path(given.json).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
