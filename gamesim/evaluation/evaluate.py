"""What a learned engine is worth: one evaluator for every engine.

=================== ==================================================================================
`rules_kept`        does it keep the rules, now and after a hundred steps (with `ghosts`)
`coming_home`       is it the same place when one comes back
`fidelity`          is it the real game where nothing is left to chance
`diversity`         is what it makes up varied, and like the real game
`controller`        what the engine's own controller earns, dreaming and awake
`speed`             how fast it answers a key, and what it holds in memory
`transfer`          what an agent that was trained inside it earns in the real game (a command of its own)
=================== ==================================================================================

Each of these modules, the first four in `pacman`, defines its figures in its docstring.
What is asked of them is in `aims`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gamesim.card import recipe_of
from gamesim.evaluation.aims import short_of
from gamesim.evaluation.table import table

if TYPE_CHECKING:
    import torch

    from gamesim.evaluation.pacman.cells import Tick
    from gamesim.models import WorldModel

LONGEST = 100
"""Dreamt steps of an episode."""
ROUGHLY = LONGEST + 70 + LONGEST * 0.7
"""Dreamt frames an episode, for the bar: rules, coming home, and fidelity until the real episode ends."""


def evaluate(
    checkpoint: str | Path,
    episodes: int = 200,
    seed: int = 0,
    progress: bool = False,
    *,
    vision: str | Path | None = None,
    device: str = "cpu",
    temperature: float = 1.0,
) -> dict[str, Any]:
    """Measures an engine.

    Args:
        checkpoint: its folder.
        episodes: boards, each dreamt on for 100 steps after 8 real frames.
        seed: of boards, walks and dreams.
        progress: whether a bar and the table are shown on stderr.
        vision: a World Models checkpoint whose V measures the distances of coming home; None takes the
            engine's own V, where it has one.
        temperature: of the dreams that are judged; what is asked of an engine is asked at 1.
        device: where the engine computes: auto, cpu, cuda, cuda:1 or mps; its speed is measured on one CPU
            thread, and on a GPU, in any case.

    Returns:
        Plain figures for JSON and the card: game, episodes, seed, and by part ``rules``, ``horizons``,
        ``home``, ``fidelity`` and ``diversity`` (None for a game without the 7x7 view, whose dreams cannot
        be decoded), ``speed``, ``aims_missed`` and ``notes``. What had nothing to count is None.

    Raises:
        UserError: A checkpoint is damaged, its card names no known game, or there is no such device.
    """
    from tqdm import tqdm

    from gamesim.checkpoint import load_model
    from gamesim.devices import pick
    from gamesim.errors import UserError
    from gamesim.evaluation.controller import controller_figures
    from gamesim.evaluation.speed import cost

    place = pick(device)
    model, loaded = load_model(checkpoint, place)
    notes = [] if temperature == 1 else [f"measured in dreams at temperature {temperature}, not 1"]
    try:
        game = recipe_of(loaded.card, str(checkpoint)).env_id
    except UserError as error:  # how fast it is can be told of any
        game = None
        notes.append(f"only its speed was measured: {error} (--game names it)")
    figures: dict[str, Any] = {"game": game, "episodes": episodes, "seed": seed, "rules": None}
    if game is not None and decodable(game) and tuple(model.frame_shape) == (84, 84, 3):
        with tqdm(
            total=round(episodes * ROUGHLY), unit="frame", desc="dreaming", disable=not progress
        ) as bar:
            how = {"vision": vision, "device": place, "temperature": temperature, "notes": notes}
            figures |= dreamt_figures(model, game, episodes, seed, on_step=bar.update, **how)
            bar.total = bar.n
    driven = None if game is None else controller_figures(checkpoint, max(episodes, 2), seed, place)
    if driven is not None:
        figures["controller"] = plain(driven)
    figures["speed"] = plain(cost(model, loaded.starts))
    figures |= {"aims_missed": short_of(figures), "notes": notes}
    if progress:
        print(table(figures), file=sys.stderr)
    return figures


def dreamt_figures(
    model: WorldModel,
    game: str,
    episodes: int,
    seed: int = 0,
    vision: str | Path | None = None,
    device: str | torch.device = "cpu",
    temperature: float = 1.0,
    notes: list[str] | None = None,
    on_step: Tick = None,
    stop_at_end: bool = False,
) -> dict[str, Any]:
    """All parts that are measured on dreams; `notes` gets what had to be left out.

    With `stop_at_end`, steps after a predicted end are not judged in ``rules`` and ``horizons``.
    """
    from gamesim.evaluation.pacman.cells import dream_episodes, real_episodes
    from gamesim.evaluation.pacman.coming_home import coming_home
    from gamesim.evaluation.pacman.diversity import diversity
    from gamesim.evaluation.pacman.fidelity import fidelity
    from gamesim.evaluation.pacman.rules_kept import STEPS, WARM_UP, by_horizon, judge, summary

    asked = {"seed": seed, "device": device, "temperature": temperature, "on_step": on_step}
    encoder = _encoder(model, vision, device, [] if notes is None else notes)
    real = real_episodes(game, episodes, WARM_UP, LONGEST, seed)
    dreamt = dream_episodes(model, real, episodes, LONGEST, **asked)
    tally, real_tally = judge(dreamt, stop_at_end=stop_at_end), judge(real, stop_at_end=True)
    parts = {
        "rules": summary(dreamt, tally, real, real_tally, STEPS),
        "horizons": by_horizon(dreamt, tally, real, real_tally),
        "home": coming_home(model, game, real, episodes, encoder=encoder, **asked),
        "fidelity": fidelity(model, game, real, episodes, **asked),
        "diversity": diversity(model, real, tally, real_tally, episodes, **asked),
    }
    return {part: plain(figures) for part, figures in parts.items()}


def _encoder(model: object, vision: str | Path | None, device: str | torch.device, notes: list[str]) -> Any:
    """V of the checkpoint `vision`, or the engine's own, or None and a note."""
    from gamesim.checkpoint import load_model
    from gamesim.errors import UserError
    from gamesim.evaluation.pacman.coming_home import encoder_of

    encoder = encoder_of(model if vision is None else load_model(vision, device)[0])
    if encoder is None and vision is not None:
        raise UserError(f"{vision}: it has no V; the distances d need a World Model")
    if encoder is None:
        notes.append("home: no distances d; they need a World Model (--vision)")
    return encoder


def decodable(game: str) -> bool:
    """Whether a game shows 7x7 cells, so that its dreams can be judged."""
    from gamesim.envs.recipe import PACMANS
    from gamesim.errors import UserError
    from gamesim.evaluation.pacman.cells import make_real

    if not game.startswith(PACMANS):
        return False
    try:
        make_real(game, 1).close()
    except UserError:
        return False
    return True


def plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The same with None for what JSON has no number for; lists are rounded to what their cases can tell."""

    def each(value: Any) -> Any:
        if isinstance(value, list):
            return [None if item is None else round(item, 4) for item in map(each, value)]
        return value if math.isfinite(value) else None

    return {name: each(value) for name, value in figures.items()}
