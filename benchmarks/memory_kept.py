"""What GameGAN's memory remembers: how much of a slot each step replaces, and what home looks like to it.

    python benchmarks/memory_kept.py CHECKPOINT [--games 96] [--temperature 1.0]

First the bot's games are filtered through the model. In each step attention is mostly in one slot; printed is
which share of it the step erases (Eq. 8's e, the mean over the slot's numbers), where the slot is new and
where it was written before. Near 100% a memory remembers nothing: what is read is what h wrote in this step.
An engine that recalls (recall.py) may draw what the slot held all the same.
Of steps to known slots it also prints which share of the cells is right, in the row or column that comes into
view and in all others: as drawn, from what h wrote, and as it would be drawn from what the slot held before.

Then the model dreams: from 8 real frames a walker goes out for 5, 10 and 20 steps, and back. Printed is the
share of the 48 cells around Pac-Man whose ground is as it was in the last real frame: in the dream's last
frame, in the frame that its last step would have drawn had it read its slot before it wrote, and in the one
that it would have drawn from what its slot held when the dream began. The last two need attention to be back
where it was; printed, too, is in how many walks it is.
"""

from __future__ import annotations

import argparse
import sys
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gamesim.agents.rollout import play
from gamesim.checkpoint import load, load_model
from gamesim.envs.sprites import decode
from gamesim.errors import UserError
from gamesim.evaluation.pacman.board import OPPOSITE, ground
from gamesim.evaluation.pacman.coming_home import LENGTHS, outwards
from gamesim.models import State
from gamesim.models.frames import to_uint8
from gamesim.models.gamegan.generator import Generator

SEED, REAL, STEPS = 5_000_000, 8, 30


def slot(state: State) -> Tensor:
    """Where attention mostly is, int64 (B,)."""
    return state["attention"].flatten(1).argmax(1)


def drawn_of(state: State, vector: Tensor) -> State:
    """The state whose static layer is drawn from another vector (B, D) alone."""
    return {**state, "read": vector, "held": vector}


def erased(model: Generator, frames: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    """The share of its slot that each step erases where attention moved: (on new slots, on known ones).

    Args:
        model: with a memory module.
        frames: the real ones, uint8 (B, T + 1, H, W, 3).
        actions: int64 (B, T).
    """
    assert model.memory is not None
    state = model.start(frames[:, :1], actions[:, :0])
    place = slot(state)
    known = F.one_hot(place, model.memory.slots**2).bool()
    shares: tuple[list[Tensor], list[Tensor]] = ([], [])
    for step in range(actions.shape[1]):
        state = model.observe(state, actions[:, step], frames[:, step + 1])
        before, place = place, slot(state)
        share = model.memory.writes(state["h"])[0].mean(1)
        moved, again = place != before, known.gather(1, place[:, None])[:, 0]
        for into, where in zip(shares, (moved & ~again, moved & again), strict=True):
            into.append(share[where])
        known.scatter_(1, place[:, None], True)
    return torch.cat(shares[0]), torch.cat(shares[1])


def entering(actions: np.ndarray) -> np.ndarray:
    """Which cells come into view when these moves are made, bool (B, 7, 7)."""
    row, column = np.mgrid[:7, :7]
    edges = np.stack([row < 0, column == 0, column == 6, row == 0, row == 6])  # stay, left, right, up, down
    return edges[actions]


def known(model: Generator, frames: Tensor, actions: Tensor) -> list[float]:
    """Where a step leads to a known slot, the shares of cells that are right: as drawn, of what it held.

    Args:
        model: with a memory module.
        frames: the real ones, uint8 (B, T + 1, H, W, 3).
        actions: int64 (B, T).

    Returns:
        In the row or column that comes into view: as drawn, of what was held; in all other cells the same.
    """
    assert model.memory is not None
    state = model.start(frames[:, :1], actions[:, :0])
    place = slot(state)
    seen = F.one_hot(place, model.memory.slots**2).bool()
    right: list[np.ndarray] = []
    for step in range(actions.shape[1]):
        state = model.observe(state, actions[:, step], frames[:, step + 1])
        before, place = place, slot(state)
        back = ((place != before) & seen.gather(1, place[:, None])[:, 0]).numpy()
        seen.scatter_(1, place[:, None], True)
        truth = ground(decode(frames[:, step + 1].numpy())[0])
        drawn, held = (
            ground(decode(to_uint8(model.render(each).frame).numpy())[0]) == truth
            for each in (state, drawn_of(state, state["held"]))
        )
        new = entering(actions[:, step].numpy())
        right.append(np.stack([drawn, held, new], -1)[back])
    cells = np.concatenate(right).reshape(-1, 3)
    return [float(cells[cells[:, 2] == new, of].mean()) for new in (True, False) for of in (0, 1)]


def at_home(model: Generator, home: State, shown: Tensor, length: int, temperature: float) -> list[float]:
    """A walk out and back: the three shares of cells, and the share of walks that end in their first slot.

    Args:
        model: with a memory module.
        home: where the walks begin.
        shown: what is on screen there, uint8 (B, H, W, 3).
        length: steps out.
        temperature: of the dream.
    """
    chance, walker = torch.Generator().manual_seed(1), np.random.default_rng(0)
    cells, _ = decode(shown.numpy())
    first, state, path = ground(cells), home, []
    last = np.zeros(len(cells), np.int64)
    for _ in range(length):
        last = outwards(walker, cells, last)
        path.append(last)
        state, seen = model.imagine(state, torch.from_numpy(last), temperature=temperature, generator=chance)
        cells, _ = decode(seen.frame.numpy())
    for actions in reversed(path):
        back = torch.from_numpy(OPPOSITE[actions])
        state, _ = model.imagine(state, back, temperature=temperature, generator=chance)
    lanes = torch.arange(len(cells))
    then = home["memory"].flatten(1, 2)[lanes, slot(home)]
    others = (drawn_of(state, of) for of in (state["held"], then))
    pictures = [to_uint8(model.render(each).frame) for each in (state, *others)]
    shares = [((first == ground(decode(each.numpy())[0])).sum((1, 2)) - 1).mean() / 48 for each in pictures]
    return [*map(float, shares), float((slot(state) == slot(home)).float().mean())]


@torch.inference_mode()
def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint")
    parser.add_argument("--games", type=int, default=96)
    parser.add_argument("--temperature", type=float, default=1.0)
    words = parser.parse_args()
    if words.games < 1:
        raise UserError(f"--games must be 1 or more, not {words.games}")
    config = load(words.checkpoint).config
    if config.system != "gamegan" or not config.model.memory:
        raise UserError(f"{words.checkpoint}: is no GameGAN with a memory")
    if (config.model.frame_size, config.model.num_actions) != (84, 5):
        raise UserError(f"{words.checkpoint}: is not of our Pac-Man, whose cells are compared")
    model = cast(Generator, load_model(words.checkpoint)[0].float())
    games = list(play("gamesim/Pacman-v0", "explorer", 4 * words.games, seed=SEED))
    games = [game for game in games if len(game.actions) >= STEPS][: words.games]
    frames = torch.from_numpy(np.stack([np.asarray(game.frames)[: STEPS + 1] for game in games]))
    actions = torch.from_numpy(
        np.stack([np.asarray(game.actions)[:STEPS] for game in games]).astype(np.int64)
    )
    for name, found in zip(("new", "known"), erased(model, frames, actions), strict=True):
        print(f"{name} slots: {found.mean():.1%} erased, in {len(found)} moves")
    into, held_into, others, held_others = known(model, frames, actions)
    print(f"known slots, cells that come into view: {into:.1%} right; from what it held {held_into:.1%}")
    print(f"known slots, all other cells: {others:.1%} right; from what it held {held_others:.1%}")
    home = model.start(frames[:, : REAL + 1], actions[:, :REAL])
    for length in LENGTHS:
        dreamt, held, then, there = at_home(model, home, frames[:, REAL], length, words.temperature)
        print(
            f"home from {length}: {dreamt:.1%} of the cells; read before written {held:.1%}; "
            f"from the first memory {then:.1%}; attention is back in {there:.1%}"
        )
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(f"memory_kept: {error}")
