"""Does GameGAN know where ghosts go? How much of a ghost it draws at its next cell, told real frames.

    python benchmarks/ghosts_known.py CHECKPOINT [CHECKPOINT ...] [--games 512]

The bot plays, and the model draws each next frame from the real ones before it, so nothing is dreamt for
longer than one step. This looks at the ghosts in view that can go two ways or more, each onto bare floor. It
prints how often the model draws most of a ghost at the cell where the real one went, and how much of a ghost
it draws there and, on average, at the other ways (0: bare floor, 1: a whole ghost). In the game a ghost goes
straight on mostly and else turns at random (`gamesim.envs.rules`), so no model can be right each time.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gamesim.agents.rollout import play
from gamesim.checkpoint import load, load_model
from gamesim.envs.layouts import FLOOR, GHOST
from gamesim.envs.rules import CENTRE, DELTAS
from gamesim.envs.sprites import decode, tiles
from gamesim.errors import UserError
from gamesim.evaluation.pacman.board import expected_scroll
from gamesim.models.frames import to_float, to_uint8
from gamesim.models.gamegan.generator import Generator

SEED, STEPS, LANES = 7_000_000, 14, 64
FIRST = 4
"""The first step that counts: by then the model has seen where a ghost came from."""


def ghostly(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much of a ghost each cell of frames (..., 84, 84, 3) shows: 0 on floor, 1 for a ghost."""
    floor, ghost = tiles(12, "night").astype(np.float32)[[FLOOR, GHOST]]
    cells = frames.reshape(*frames.shape[:-3], 7, 12, 7, 12, 3).swapaxes(-4, -3)
    there = ((cells - floor) * (ghost - floor)).sum((-3, -2, -1))
    return there / np.square(ghost - floor).sum()


def next_cells(
    before: NDArray[np.uint8], after: NDArray[np.uint8], scroll: int
) -> list[tuple[tuple[int, int], list[tuple[int, int]]]]:
    """Where each ghost of a view went, and to which other cells it could have gone.

    Ghosts beside Pac-Man, which he may hide, and those that may leave the view are left out, and so are those
    that had no choice.

    Args:
        before, after: the cells (7, 7) of two frames in a row.
        scroll: the action that moved the view, 0: none.

    Returns:
        For each ghost its next cell and the other cells, as (y, x) in the view `after`.
    """
    dx, dy = DELTAS[scroll]
    found = []
    for y, x in np.argwhere(before == GHOST) - (dy, dx):
        if not (1 <= y < 6 and 1 <= x < 6) or abs(y - CENTRE) + abs(x - CENTRE) <= 1:
            continue
        ways = [(y + down, x + right) for right, down in DELTAS[1:]]
        ways = [way for way in ways if after[way] in (FLOOR, GHOST)]
        real = [way for way in ways if after[way] == GHOST]
        if len(real) == 1 and len(ways) > 1:
            found.append((real[0], [way for way in ways if way != real[0]]))
    return found


def known(model: Generator, frames: Tensor, actions: Tensor) -> NDArray[np.float32]:
    """How well the model draws each ghost that had a choice.

    Args:
        model: the engine.
        frames: the real ones, uint8 (B, T + 1, 84, 84, 3).
        actions: int64 (B, T).

    Returns:
        (ghosts, 3): 1 if most of it is drawn at its real next cell, how much of it is drawn there, and how
        much at the other ways in the mean.
    """
    chance = torch.Generator().manual_seed(0)
    z = torch.randn(*actions.shape, *model.noise_shape, generator=chance)
    told = torch.full((len(actions),), actions.shape[1] + 1)
    drawn = to_uint8(model.rollout(to_float(frames), actions, z, told).frames).numpy()
    cells, shown = decode(frames.numpy())[0], ghostly(drawn)
    rows = []
    for step in range(FIRST, actions.shape[1]):
        scrolls = expected_scroll(cells[:, step], actions[:, step].numpy())
        for lane, scroll in enumerate(scrolls):
            for real, others in next_cells(cells[lane, step], cells[lane, step + 1], scroll):
                there, elsewhere = shown[lane, step][real], [shown[lane, step][way] for way in others]
                rows.append((there > max(elsewhere), there, np.mean(elsewhere)))
    return np.array(rows, np.float32).reshape(-1, 3)


@torch.inference_mode()
def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoints", nargs="+", metavar="CHECKPOINT")
    parser.add_argument("--games", type=int, default=512)
    words = parser.parse_args()
    if words.games < 1:
        raise UserError(f"--games must be 1 or more, not {words.games}")
    for name in words.checkpoints:
        config = load(name).config
        if config.system != "gamegan":
            raise UserError(f"{name}: is no GameGAN")
        if (config.model.frame_size, config.model.num_actions) != (84, 5):
            raise UserError(f"{name}: was not learned from our Pac-Man, whose ghosts are looked for")
    games = play("gamesim/Pacman-v0", "explorer", 4 * words.games, seed=SEED)
    long = itertools.islice((game for game in games if len(game.actions) >= STEPS), words.games)
    begun = [(game.frames[: STEPS + 1].copy(), game.actions[:STEPS].astype(np.int64)) for game in long]
    if not begun:
        raise UserError(f"no game lasted {STEPS} steps; ask for more --games")
    frames, actions = (torch.from_numpy(np.stack(part)) for part in zip(*begun, strict=True))
    for name in words.checkpoints:
        model = cast(Generator, load_model(name)[0].float())
        batches = zip(frames.split(LANES), actions.split(LANES), strict=True)
        found = np.concatenate([known(model, *batch) for batch in batches])
        if not len(found):
            raise UserError(f"no ghost had a choice in {words.games} games; ask for more --games")
        most, there, elsewhere = found.mean(0)
        print(
            f"{name}: {len(found)} ghosts; in {most:.1%} drawn most where it went; "
            f"{there:.2f} of a ghost there, {elsewhere:.2f} at the other ways"
        )
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(f"ghosts_known: {error}")
