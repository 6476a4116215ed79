"""How much of what a place held GameGAN still knows when it writes there again.

    python benchmarks/memory_kept.py CHECKPOINT [--games 96] [--steps 30]

The bot's games are filtered through the model. In each step attention is mostly in one slot; printed is which
share of it the step erases (Eq. 8's e, the mean over the slot's numbers), where the slot is new and where it
was written before. Near 100% a memory remembers nothing: what comes back is what h wrote in this very step.
"""

from __future__ import annotations

import argparse
from typing import cast

import numpy as np
import torch
from torch import Tensor

from gamesim.agents.rollout import play
from gamesim.checkpoint import load_model
from gamesim.models.gamegan.generator import Generator

SEED = 5_000_000


@torch.inference_mode()
def erased(model: Generator, frames: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    """The share of its slot that each step erases where attention moved: (on new slots, on known ones).

    Args:
        model: with a memory module.
        frames: the real ones, uint8 (B, T + 1, H, W, 3).
        actions: int64 (B, T).
    """
    assert model.memory is not None
    state = model.start(frames[:, :1], actions[:, :0])
    place = state["attention"].flatten(1).argmax(1)
    known = torch.nn.functional.one_hot(place, model.memory.slots**2).bool()
    shares: tuple[list[Tensor], list[Tensor]] = ([], [])
    for step in range(actions.shape[1]):
        state = model.observe(state, actions[:, step], frames[:, step + 1])
        before, place = place, state["attention"].flatten(1).argmax(1)
        share = model.memory.writes(state["h"], state["held"])[0].mean(1)
        moved, again = place != before, known.gather(1, place[:, None])[:, 0]
        for into, where in zip(shares, (moved & ~again, moved & again), strict=True):
            into.append(share[where])
        known.scatter_(1, place[:, None], True)
    return torch.cat(shares[0]), torch.cat(shares[1])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint")
    parser.add_argument("--games", type=int, default=96)
    parser.add_argument("--steps", type=int, default=30)
    words = parser.parse_args()
    model, _ = load_model(words.checkpoint)
    games = list(play("gamesim/Pacman-v0", "explorer", 4 * words.games, seed=SEED))
    games = [game for game in games if len(game.actions) >= words.steps][: words.games]
    frames = np.stack([np.asarray(game.frames)[: words.steps + 1] for game in games])
    actions = np.stack([np.asarray(game.actions)[: words.steps] for game in games]).astype(np.int64)
    shares = erased(cast(Generator, model.float()), torch.from_numpy(frames), torch.from_numpy(actions))
    for name, found in zip(("new", "known"), shares, strict=True):
        print(f"{name:6} {found.mean():.1%} erased in {len(found)} moves")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
