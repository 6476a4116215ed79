"""How GameGAN's discriminators judge a dream while a thing that it left out is drawn in little by little.

    python benchmarks/barrier.py CHECKPOINT --data DIR [--lanes 32] [--seed 0]

One bare cell of each dream, at the rim of the view, where something may come into sight, is blended with a
wall, food or a ghost. It prints how much more real the dream then looks to the discriminators: minus the
mean change of its adversarial term. Where a whole wall looks better than floor and half of one looks worse,
no gradient leads a generator from the one to the other. The checkpoint has to hold the discriminators, as
RUN/last does. The cells are for this measurement alone; no model sees them.
"""

from __future__ import annotations

import argparse
import sys
from typing import cast

import numpy as np
import torch
from torch import Tensor

from gamesim.checkpoint import load, load_model
from gamesim.config.gamegan import GameGANConfig
from gamesim.data.dataset import Dataset
from gamesim.envs.layouts import FLOOR, FOOD, GHOST, WALL
from gamesim.envs.sprites import decode, tiles
from gamesim.errors import UserError
from gamesim.models.frames import to_float, to_uint8
from gamesim.models.gamegan.discriminators import Discriminators
from gamesim.training.adversarial import generator_loss, judge

KINDS = {"wall": WALL, "food": FOOD, "ghost": GHOST}
SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
REAL = 4
"""Frames that a dream is shown."""
CELL = 12


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint")
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--lanes", type=int, default=32, help="dreams, each with one changed cell")
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    engine, _ = load_model(words.checkpoint)
    found = load(words.checkpoint, extras=True)
    if "discriminators" not in found.extras:
        raise UserError(f"{words.checkpoint}: its discriminators are not beside it")
    settings = cast(GameGANConfig, found.config)
    judges = Discriminators(settings.model)
    judges.load_state_dict(found.extras["discriminators"])
    judges.eval()
    data = Dataset(words.data, segment=settings.data.segment, split="validation", short=True)
    chance = torch.Generator().manual_seed(words.seed)
    batch = data.sample(words.lanes, chance, padded=True)
    frames = to_float(batch.frames)
    z = torch.randn(*batch.actions.shape, settings.model.z_size, generator=chance)
    with torch.no_grad():
        rollout = engine.rollout(frames, batch.actions, z, torch.full((words.lanes,), REAL))

    @torch.no_grad()
    def looks(drawn: Tensor) -> float:
        seen = judge(judges, rollout, drawn, frames, batch.actions, batch.played)
        return -float(generator_loss(seen, batch.actions, z, settings.training.losses)["adversarial"])

    places = bare(rollout.frames, words.seed)
    before = looks(rollout.frames)
    print(f"{len(places)} cells   " + "".join(f"{share:>9.0%}" for share in SHARES))
    for name, kind in KINDS.items():
        tile = torch.tensor(tiles(CELL)[kind]).permute(2, 0, 1) / 255
        gains = [looks(blended(rollout.frames, places, tile, share)) - before for share in SHARES]
        each = [words.lanes * gain / max(len(places), 1) for gain in gains]
        print(f"{name:10} " + "".join(f"{gain:+9.3f}" for gain in each))
    return 0


def bare(drawn: Tensor, seed: int) -> list[tuple[int, int, int, int]]:
    """Of each lane (lane, step, row, column) of one bare cell at the rim, drawn in the second half."""
    cells = decode(to_uint8(drawn.flatten(0, 1)).numpy())[0].reshape(*drawn.shape[:2], 7, 7)
    rim = np.ones((7, 7), bool)
    rim[1:-1, 1:-1] = False
    chance, places = np.random.default_rng(seed), []
    for lane, steps in enumerate((cells == FLOOR) & rim):
        half = len(steps) // 2
        late = np.argwhere(steps[half:])
        if len(late):
            step, row, column = chance.choice(late)
            places.append((lane, half + step, row, column))
    return places


def blended(drawn: Tensor, places: list[tuple[int, int, int, int]], tile: Tensor, share: float) -> Tensor:
    """The frames with a share of the tile (3, 12, 12) in these cells."""
    changed = drawn.clone()
    for lane, step, row, column in places:
        down, across = (slice(CELL * at, CELL * (at + 1)) for at in (row, column))
        cell = changed[lane, step, :, down, across]
        changed[lane, step, :, down, across] = torch.lerp(cell, tile, share)
    return changed


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(f"barrier: {error}")
