"""What a learned engine is worth: rules kept on boards it never saw, and speed.

The figures are defined in `gamesim.evaluation.rules_kept` and `gamesim.evaluation.speed`. `FLOORS` are what
the engines that we ship must reach; `table` shows both side by side.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FLOORS: dict[str, tuple[float, float]] = {
    "moves_free": (0.97, 1.0),
    "moves_blocked": (0.97, 1.0),
    "moves_obeyed": (0.97, 1.0),
    "kept_10": (0.95, 1.0),
    "kept_25": (0.90, 1.0),
    "pacman_centre": (0.99, 1.0),
    "food_eaten_gone": (0.95, 1.0),
    **{f"ratio_{name}": (0.5, 2.0) for name in ("floor", "wall", "food", "ghost", "flag")},
    "median_ms": (0.0, 16.0),
    "p99_ms": (0.0, 33.0),
}
"""Least and greatest value of a figure of an engine that is good enough to ship."""

STEPS = 30


def evaluate(
    checkpoint: str | Path, episodes: int = 200, seed: int = 0, progress: bool = False
) -> dict[str, Any]:
    """Measures an engine on the CPU.

    Args:
        checkpoint: its folder.
        episodes: boards, each dreamt on for 30 steps after 8 real frames.
        seed: of boards, walks and dreams.
        progress: whether a bar and the table are shown on stderr.

    Returns:
        Plain figures for JSON and the card: game, episodes, seed, ``rules`` (by name; None for a game without
        the 7x7 view, whose dreams cannot be decoded) and ``speed``. What had nothing to count is None.

    Raises:
        UserError: The checkpoint is damaged, or its card names no known game.
    """
    from tqdm import tqdm

    from gamesim.checkpoint import load_model
    from gamesim.evaluation.rules_kept import rules_kept
    from gamesim.evaluation.speed import speed

    model, loaded = load_model(checkpoint, "cpu")
    game = game_of(loaded.card, str(checkpoint))
    figures: dict[str, Any] = {"game": game, "episodes": episodes, "seed": seed, "rules": None}
    if decodable(game) and tuple(model.frame_shape) == (84, 84, 3):
        total = episodes * STEPS
        with tqdm(total=total, unit="frame", desc="dreaming", disable=not progress) as bar:
            figures["rules"] = plain(rules_kept(model, game, episodes, STEPS, seed, on_step=bar.update))
    figures["speed"] = plain(speed((model, loaded.starts)))
    if progress:
        print(table(figures), file=sys.stderr)
    return figures


def game_of(card: str, source: str) -> str:
    """The id of the real game that an engine learned, by its card.

    Raises:
        UserError: The card names none, or one that is not there.
    """
    import gymnasium as gym

    from gamesim.errors import UserError

    named = re.search(r"^\| game \| ([^| ]+) \|$", card, re.MULTILINE)
    if named is None:
        raise UserError(f"{source}: its card does not say which game it learned")
    if named[1] not in gym.registry:
        raise UserError(f"{source}: it learned '{named[1]}', which is not there")
    return named[1]


def decodable(game: str) -> bool:
    """Whether a game shows 7x7 cells, so that its dreams can be judged."""
    from gamesim.errors import UserError
    from gamesim.evaluation.play import make_real

    try:
        make_real(game, 1).close()
    except UserError:
        return False
    return True


def plain(figures: Mapping[str, float]) -> dict[str, float | None]:
    """The same with None for what JSON has no number for."""
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}


def missed(figures: Mapping[str, Any]) -> list[str]:
    """Names of the figures that are outside of `FLOORS`; those that could not be counted are not."""
    flat = {**(figures.get("rules") or {}), **(figures.get("speed") or {})}
    counted = {name: value for name, value in flat.items() if name in FLOORS and value is not None}
    return [name for name, value in counted.items() if not FLOORS[name][0] <= value <= FLOORS[name][1]]


def table(figures: Mapping[str, Any]) -> str:
    """The figures as lines of text: name, value, what is asked for, and whether it is reached."""
    lines = [f"{figures['game']}, {figures['episodes']} episodes, seed {figures['seed']}"]
    failed = missed(figures)
    for part in ("rules", "speed"):
        if figures.get(part) is None:
            lines.append(f"{part}: not measured (this game's frames do not show 7x7 cells)")
            continue
        for name, value in figures[part].items():
            shown = "-" if value is None else f"{value:.2f}" if name.endswith("_ms") else f"{value:.4f}"
            lines.append(
                f"  {name:22} {shown:>9}  {_asked(name):14} {'MISSED' if name in failed else ''}".rstrip()
            )
    return "\n".join(lines)


def _asked(name: str) -> str:
    if name not in FLOORS:
        return ""
    low, high = FLOORS[name]
    if name.endswith("_ms"):
        return f"at most {high:g}"
    return f"{low:g} to {high:g}" if high != 1.0 else f"at least {low:g}"
