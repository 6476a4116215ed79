"""What a linear controller could read of TakeCover's fireballs: is there one in this column of the screen?

    python benchmarks/fireballs.py CHECKPOINT [--games 60] [--json FILE]

Games of random held keys are filtered through the engine. A linear map from what it holds (z of the frame,
and h of M, which has read all before it) to the presence of a fireball in each of eight columns is fitted by
ridge regression on three quarters of the games. On the others it is judged by its AUC (how often a frame with
a fireball gets a higher score than one without: 0.5 is chance) and by R^2 (0 is chance), means over the
columns, beside the same map from the frame's own 64x64 pixels. Where the fireballs are, Doom says (its
labels); that is for this measurement alone, no engine sees it. It needs VizDoom (extra ``doom``).
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

import gamesim  # noqa: F401 - registers the ids
from gamesim.agents.policy import RandomPolicy
from gamesim.checkpoint import load_model

FIREBALL = "DoomImpBall"
COLUMNS = 8
SCREEN = 320  # pixels of Doom's screen from side to side
NEAR = 15  # of those, from which a fireball is near: 3 of the 64 pixels that the engine sees
EVERY = 4  # frames are looked at: the next one is much the same
STRENGTHS = (1e1, 1e2, 1e3, 1e4, 1e5)
"""Of the ridge, for numbers of variance 1: the best on a fifth of the games to fit is taken."""


@dataclass(frozen=True)
class Seen:
    """N frames of some games.

    Attributes:
        game: int64 (N,), in which game each was seen.
        inputs: what a linear map may read, by its name: float32 (N, D).
        far, near: float32 (N, COLUMNS), 1.0 where a fireball of that size is in the column.
    """

    game: Tensor
    inputs: dict[str, Tensor]
    far: Tensor
    near: Tensor


def columns(places: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """In which columns there is a far and a near fireball, float32 (COLUMNS,) each.

    Args:
        places: (middle, width) of each on Doom's screen, in pixels.
    """
    far, near = np.zeros(COLUMNS, np.float32), np.zeros(COLUMNS, np.float32)
    for middle, width in places:
        column = min(COLUMNS - 1, max(0, int(middle * COLUMNS / SCREEN)))
        (near if width >= NEAR else far)[column] = 1.0
    return far, near


@dataclass(frozen=True)
class Game:
    """T steps of a game, without its last picture: Doom draws none of the end.

    Attributes:
        frames: uint8 (T, 64, 64, 3); the first is seen before any action.
        actions: int64 (T,); the one at t led to frame t, the first is nothing.
        far, near: float32 (T, COLUMNS), as in `Seen`.
    """

    frames: np.ndarray
    actions: np.ndarray
    far: np.ndarray
    near: np.ndarray


def played(games: int) -> list[Game]:
    """Games of random held keys."""
    env = gym.make("gamesim/TakeCover-v0")
    doom = env.unwrapped.doom  # pyright: ignore[reportAttributeAccessIssue]
    doom.close()
    doom.set_labels_buffer_enabled(True)
    doom.init()
    player, found = RandomPolicy(0, 3, hold=(1, 10)), []
    for seed in range(games):
        frame, _ = env.reset(seed=seed)
        rows, action, over = [], 0, False
        while not over:
            labels = [label for label in doom.get_state().labels if label.object_name == FIREBALL]
            rows.append((frame, action, *columns([(it.x + it.width / 2, it.width) for it in labels])))
            action = int(player.act(frame[None], {})[0])
            frame, _, died, late, _ = env.step(action)
            over = died or late
        found.append(Game(*(np.stack(column) for column in zip(*rows, strict=True))))
    env.close()
    return found


@torch.inference_mode()
def watched(checkpoint: str, games: list[Game]) -> Seen:
    """All games side by side, as the engine follows them; every `EVERY`-th frame is kept."""
    engine, _ = load_model(checkpoint)
    longest = max(len(game.frames) for game in games)
    first = torch.from_numpy(np.stack([game.frames[0] for game in games]))
    state = engine.start(first[:, None], torch.zeros(len(games), 0, dtype=torch.int64))
    told = torch.zeros(len(games), longest, state["z"].shape[1] + state["h"].shape[1])
    for t in range(1, longest):
        now = [(game, min(t, len(game.frames) - 1)) for game in games]  # one that is over stands still
        actions = torch.tensor([int(game.actions[i]) for game, i in now])
        frames = torch.from_numpy(np.stack([game.frames[i] for game, i in now]))
        state = engine.observe(state, actions, frames)
        told[:, t] = torch.cat([state["z"], state["h"]], 1)
    places = [range(EVERY, len(game.frames), EVERY) for game in games]

    def kept(name: str) -> Tensor:
        chosen = [getattr(game, name)[each] for game, each in zip(games, places, strict=True)]
        return torch.from_numpy(np.concatenate(chosen)).float().flatten(1)

    read = torch.cat([of[list(each)] for of, each in zip(told, places, strict=True)])
    inputs = {"z": read[:, : state["z"].shape[1]], "z and h": read, "pixels": kept("frames")}
    number = torch.cat([torch.full((len(each),), i) for i, each in enumerate(places)])
    return Seen(number, inputs, kept("far"), kept("near"))


def area_under_curve(scores: Tensor, there: Tensor) -> float:
    """How often a frame with a fireball has a higher score than one without; scores and there: (N,)."""
    ranks = scores.argsort().argsort().double() + 1
    with_it, without = there.sum().double(), (1 - there).sum().double()
    above = ranks[there > 0].sum() - with_it * (with_it + 1) / 2
    return float(above / (with_it * without))


def ridge(inputs: Tensor, wanted: Tensor, tried: Tensor, strength: float) -> Tensor:
    """`tried` (M, D) mapped as ridge regression maps `inputs` (N, D) to `wanted` (N, C): (M, C).

    Solved over frames where they are fewer than the numbers of one.
    """
    few, some = inputs.shape[0] < inputs.shape[1], torch.eye(min(inputs.shape), dtype=inputs.dtype)
    if few:
        return tried @ inputs.mT @ torch.linalg.solve(inputs @ inputs.mT + strength * some, wanted)
    return tried @ torch.linalg.solve(inputs.mT @ inputs + strength * some, inputs.mT @ wanted)


def probe(inputs: Tensor, there: Tensor, game: Tensor) -> dict[str, float]:
    """AUC and R^2 of a linear map on the last quarter of the games, means over the columns that have both.

    Args:
        inputs: float32 (N, D).
        there: float32 (N, COLUMNS), 1.0 where a fireball is.
        game: int64 (N,), counted from 0.
    """
    games = int(game.max()) + 1
    test = game >= games * 3 // 4
    fit, chosen = game < games * 3 // 5, (game >= games * 3 // 5) & ~test
    mean, deviation = inputs[~test].mean(0), inputs[~test].std(0).clamp(min=1e-3)
    read, base = (inputs - mean) / deviation, there[~test].mean(0)

    def told(by: Tensor, on: Tensor, strength: float) -> Tensor:
        return ridge(read[by], there[by] - base, read[on], strength) + base

    def missed(strength: float) -> float:
        return float((told(fit, chosen, strength) - there[chosen]).square().sum())

    scores, truth = told(~test, test, min(STRENGTHS, key=missed)), there[test]
    both = [c for c in range(truth.shape[1]) if 0 < truth[:, c].sum() < len(truth)]
    areas = [area_under_curve(scores[:, c], truth[:, c]) for c in both]
    left = (scores - truth).square().sum() / (truth - base).square().sum()
    return {"auc": float(np.mean(areas)), "r2": float(1 - left)}


def main() -> None:
    parser = argparse.ArgumentParser(description="What a linear controller could read of fireballs.")
    parser.add_argument("checkpoint", metavar="CHECKPOINT")
    parser.add_argument("--games", type=int, default=60)
    parser.add_argument("--json", metavar="FILE")
    given = parser.parse_args()
    seen = watched(given.checkpoint, played(given.games))
    print(f"{given.games} games, {len(seen.game):,} frames")
    figures = {}
    for size, there in (("far", seen.far), ("near", seen.near)):
        print(f"{size} fireballs: one in {100 * float(there.mean()):.1f} % of the columns")
        for name, inputs in seen.inputs.items():
            found = figures[f"{size}, {name}"] = probe(inputs, there, seen.game)
            print(f"  from {name:8} AUC {found['auc']:.3f}   R^2 {found['r2']:.3f}")
    if given.json:
        Path(given.json).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
