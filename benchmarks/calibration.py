"""How likely Tilemap says that things are to come, beside how often they do come in real games.

    python benchmarks/calibration.py CHECKPOINT [--episodes 800] [--seed 0] [--json FILE]

The explorer plays boards that no recording holds; the engine sees every real frame and says, turn by turn,
what it takes each cell of the next one for. For each kind of cell the sum of its probabilities is divided by
the number of such cells, over those that come into view anew and those that were in view before: 1 is right,
2 says of a thing that it is twice as common as it is. The last two columns say which layer said so. Dreams
can be no better than this. The cells are for this measurement alone; no engine sees them.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import gamesim  # noqa: F401 - registers the ids
from gamesim.agents.rollout import play
from gamesim.card import recipe_of
from gamesim.checkpoint import load_model
from gamesim.envs.sprites import decode
from gamesim.evaluation.pacman.cells import make_real
from gamesim.evaluation.pacman.rules_kept import CENSUS
from gamesim.models.frames import to_float, to_uint8
from gamesim.models.tilemap.engine import TilemapEngine

BOARDS = 5_000_000_000
FIRST, STEPS, LANES = 4, 20, 64
"""The first steps are not counted: the memory is still filling up."""


def kinds(engine: TilemapEngine, theme: str) -> torch.Tensor:
    """The kind of cell that each tile shows, (K,)."""
    tiles = engine.renderer.tiles
    shown = F.one_hot(torch.arange(tiles.count), tiles.count).float()[:, :, None, None].expand(-1, -1, 7, 7)
    return torch.from_numpy(decode(to_uint8(tiles(shown)).numpy(), theme)[0][:, 0, 0])


@torch.inference_mode()
def counted(engine: TilemapEngine, game: str, episodes: int, seed: int) -> np.ndarray:
    """Over all games, by kind of cell and whether it was seen before: (6, 2, 4).

    Real ones, and sums of their probabilities: the frame's, and the static and dynamic layers' parts in it.
    """
    theme = getattr(make_real(game, 1), "theme", "night")
    tiles, total = kinds(engine, theme), np.zeros((len(CENSUS), 2, 4))
    games = [
        game
        for game in play(game, "explorer", episodes, seed=BOARDS + 1_000_000 * seed)
        if len(game) >= STEPS
    ]
    for begin in range(0, len(games), LANES):
        batch = games[begin : begin + LANES]
        frames = torch.from_numpy(np.stack([game.frames[: STEPS + 1] for game in batch]))
        actions = torch.from_numpy(np.stack([game.actions[:STEPS] for game in batch])).long()
        cells, shown = torch.from_numpy(decode(frames.numpy(), theme)[0]), to_float(frames)
        state, z = engine.initial(shown[:, 0]), torch.zeros(len(batch), *engine.noise_shape)
        before = []
        for step in range(STEPS):
            before.append(state)
            state, _ = engine.advance(
                {**state, "frame": shown[:, step]}, actions[:, step], z, shown[:, step + 1]
            )
            if step >= FIRST:
                total += _step(engine, state, before, tiles, cells[:, step + 1])
    return total


def _step(
    engine: TilemapEngine, state: dict, before: list[dict], tiles: torch.Tensor, cells: torch.Tensor
) -> np.ndarray:
    log_probs, share = engine.layers(state)
    seen = torch.stack([engine.overlap(state, then)[:, 0] for then in before]).amax(0) > 0
    parts = [log_probs[:, 0].exp()]
    if log_probs.shape[1] > 1:
        parts += [log_probs[:, 1].exp() * (1 - share[:, None]), log_probs[:, 2].exp() * share[:, None]]
    found = np.zeros((len(CENSUS), 2, 4))
    for row, code in enumerate(CENSUS.values()):
        for column, places in enumerate((~seen, seen)):
            places = places.clone()
            places[:, 3, 3] = False  # Pac-Man's
            found[row, column, 0] = (cells == code)[places].sum()
            for number, part in enumerate(parts, 1):
                found[row, column, number] = part[:, tiles == code].sum(1)[places].sum()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Probabilities beside frequencies, in real games.")
    parser.add_argument("checkpoint", metavar="CHECKPOINT")
    parser.add_argument("--episodes", type=int, default=800)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE")
    given = parser.parse_args()
    model, loaded = load_model(given.checkpoint)
    total = counted(model.engine, recipe_of(loaded.card, given.checkpoint).env_id, given.episodes, given.seed)
    figures = {}
    print(f"{'':14}{'cells':>8}{'said':>8}{'static':>8}{'dynamic':>8}")
    for kind, both in zip(CENSUS, total, strict=True):
        for where, (real, *said) in zip(("new", "seen"), both, strict=True):
            ratios = [each / max(real, 1) for each in said]
            figures[f"{kind}, {where}"] = {"cells": int(real), "said": ratios[0]}
            print(f"{kind:9}{where:5}{int(real):8}" + "".join(f"{ratio:8.2f}" for ratio in ratios))
    if given.json:
        Path(given.json).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
