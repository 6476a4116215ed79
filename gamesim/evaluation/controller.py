"""What an engine's own controller earns (C of World Models), in the real game and in dreams.

- `real`: mean sum of rewards of whole episodes of the real game, on fresh boards: the controller sees frames
  through V and M and nothing else. `random`, `explorer`: the same for these policies, in the same run.
- `dream`: the same in dreams of temperature 1 that begin with the checkpoint's real frames. They have the
  real game's step limit, at the same cost.
- `NAME_error`: the standard error of each mean.
- `above_random`, `above_explorer`: by how many standard errors of the difference `real` is above them; the
  shipped engine needs 5.

Source: Ha & Schmidhuber 2018 (arXiv 1803.10122), Tables 1 and 2.
"""

import contextlib
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from gamesim.agents.controller import ControllerPolicy, check_game
from gamesim.agents.rollout import mean_and_error, play
from gamesim.card import recipe_of
from gamesim.checkpoint import Checkpoint, Starts
from gamesim.data.dataset import TimeLimit
from gamesim.data.episode import Episode
from gamesim.envs.recipe import Recipe, make
from gamesim.models.world_models.engine import WorldModelEngine
from gamesim.systems import systems
from gamesim.threads import one_thread

BOARDS = 4_000_000_000
"""First seed of the boards; neither recordings nor trials during training have them."""
MOST_SEEDS = 2**32 - 1
"""Largest seed of a measurement: each has a million boards of its own."""
STEPS = 1000
"""Longest dream of a game without a step limit."""


@one_thread()
def figures_of(model: Any, loaded: Checkpoint, episodes: int, seed: int) -> dict[str, float] | None:
    """Measures the controller of a model that is loaded, on the device where it is.

    Args:
        model: an engine.
        loaded: the checkpoint that it came from; its card names the real game.
        episodes: of each of the four means, at least 2.
        seed: of boards and dreams, 0 to `MOST_SEEDS`.

    Returns:
        The figures above by name, and `episodes`; None for an engine without a controller.

    Raises:
        UserError: The card names no known game.
    """
    if not systems()[loaded.config.system].drives:
        return None
    game = known_game(model, loaded)
    first = BOARDS + 1_000_000 * seed
    others = ("random", "explorer") if game.of_cells else ("random",)
    mine = ControllerPolicy(model, next(model.parameters()).device)
    players = {"real": mine, **dict(zip(others, others, strict=True))}
    figures: dict[str, float] = {"episodes": episodes}
    limit = TimeLimit(STEPS, 0.0)
    for name, player in players.items():
        played = list(play(game, player, episodes, seed=first, keep_frames=False))
        figures[name], figures[f"{name}_error"] = mean_and_error(returns(played))
        limit = time_limit(played) or limit
    sums = dream_scores(model, loaded.starts, limit, episodes, 1.0, seed)
    figures["dream"], figures["dream_error"] = mean_and_error(sums)
    for name in others:
        error = math.hypot(figures["real_error"], figures[f"{name}_error"])
        figures[f"above_{name}"] = (figures["real"] - figures[name]) / error if error else 0.0
    return figures


def known_game(model: Any, loaded: Checkpoint) -> Recipe:
    """The real game by a model's card, which anybody may have edited.

    Raises:
        UserError: The card names no known game, or one with other frames or keys.
    """
    recipe = recipe_of(loaded.card, str(loaded.folder))
    with contextlib.closing(make(recipe)) as game:
        check_game(loaded.folder, model, game)
    return recipe


@one_thread()
def dream_scores(
    model: WorldModelEngine, starts: Starts, limit: TimeLimit, episodes: int, temperature: float, seed: int
) -> list[float]:
    """Sums of rewards of `episodes` dreams that an engine's controller plays, from its starts in turn."""
    from gamesim.training.cma_es import Generation

    device = next(model.parameters()).device
    lanes = torch.arange(episodes) % len(starts.frames)
    with torch.inference_mode():
        state = model.start(starts.frames[lanes].to(device), starts.actions[lanes].to(device))
    generation, chance = Generation(model, limit, temperature, device), torch.Generator().manual_seed(seed)
    sums, _ = generation.returns(model.controller.flat()[None], state, chance)
    return sums.flatten().tolist()


def time_limit(episodes: Iterable[Episode]) -> TimeLimit | None:
    """After how many steps episodes were cut off and at what cost; None where none was."""
    cut = [episode for episode in episodes if episode.truncated]
    if not cut:
        return None
    usual = np.concatenate([episode.rewards[:-1] for episode in cut])
    cost = np.mean([episode.rewards[-1] for episode in cut]) - (usual.mean() if len(usual) else 0.0)
    return TimeLimit(max(len(episode) for episode in cut), float(cost))


def returns(episodes: Iterable[Episode]) -> list[float]:
    """The sum of each episode's rewards."""
    return [float(episode.rewards.sum()) for episode in episodes]
