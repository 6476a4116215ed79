"""The temperature table (Ha & Schmidhuber 2018, Table 2): one C trained in dreams of each temperature.

V and M are those of a checkpoint. A row is a controller that was trained from nothing at its temperature,
with a budget that is the same for all, and its name is the temperature:

- `dream`, `dream_error`: mean sum of rewards, and its standard error, of fresh dreams of that temperature.
- `real`, `real_error`: of the real game, on fresh boards, the same ones for every row.

In the paper's TakeCover the controller exploits the coldest dream (2086 in the dream, 193 in the real game at
0.10), and a warmer one transfers (918 and 1092 at 1.15).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from gamesim.agents.controller import ControllerPolicy
from gamesim.agents.rollout import mean_and_error, play
from gamesim.card import facts_in
from gamesim.checkpoint import Checkpoint, exists, fingerprint, load, load_model, update_metrics
from gamesim.config import complete, world_model
from gamesim.config.world_models import ControllerTraining
from gamesim.data.dataset import TimeLimit
from gamesim.data.game import games
from gamesim.devices import pick
from gamesim.envs.arguments import MOST_STEPS, whole_number
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError
from gamesim.evaluation.controller import BOARDS, MOST_SEEDS, dream_scores, known_game, returns, time_limit
from gamesim.evaluation.plots import COLOURS, available
from gamesim.registry import bare
from gamesim.text import reason

TEMPERATURES = (0.1, 0.5, 1.0, 1.15, 1.3)


def temperature_table(
    checkpoint: str | Path,
    data: str,
    out: str | Path,
    *,
    generations: int = 150,
    episodes: int = 500,
    seed: int = 0,
    device: str = "cpu",
    temperatures: Sequence[float] = TEMPERATURES,
) -> dict[str, Any] | None:
    """Trains a controller at each temperature, and measures it in its dream and in the real game.

    Args:
        checkpoint: whose V and M.
        data: the recordings whose first frames the dreams begin with.
        out: a folder; a temperature that is trained or measured already is not again, and one that was
            stopped goes on.
        generations: of each.
        episodes: of each mean.
        seed: of the boards and dreams that are measured.
        device: where everything computes: auto, cpu, cuda, cuda:1 or mps.
        temperatures: the rows.

    Returns:
        ``generations``, ``episodes`` and ``rows``; None when a signal stopped it.

    Raises:
        UserError: The checkpoint holds no world model, or C cannot be trained in `out` or on `data`.
    """
    from gamesim.training.stages import train_controller

    generations = whole_number("generations", generations, 1, MOST_STEPS)
    episodes = whole_number("episodes", episodes, 1, MOST_STEPS)
    seed = whole_number("seed", seed, 0, MOST_SEEDS)
    place = pick(device)
    loaded = load(checkpoint)
    learned = world_model(loaded.config, checkpoint, "temperature table")
    game, rows = known_game(load_model(checkpoint)[0], loaded), {}
    for temperature in temperatures:
        _check_row(Path(out) / f"{temperature:g}", loaded, generations)
    for temperature in temperatures:
        changes = {"learns_in": "dream", "temperature": temperature, "steps": generations}
        changes["real_env"] = bare(learned.controller.real_env)  # no module is imported for a model
        settings = learned.controller.model_copy(update=changes)
        config = learned.model_copy(update={"controller": settings})
        if config.data.game is None and game.env_id in games(data):  # an earlier release did not say which
            config = complete(config, {"data.game": game.env_id}, str(checkpoint))
        folder = Path(out) / f"{temperature:g}"
        missing = _generations(folder) < generations  # else the recordings need not be read
        if missing and train_controller(config, loaded.weights, data, folder, device=device) != "done":
            return None
        rows[f"{temperature:g}"] = _measured(folder / "last", game, settings, episodes, seed, place)
    return {"generations": generations, "episodes": episodes, "rows": rows}


def _check_row(folder: Path, loaded: Checkpoint, generations: int) -> None:
    """Complain about a row that is there already, and is not one of this table."""
    if not exists(folder / "last"):
        return
    there = load(folder / "last")
    kept = [key for key in loaded.weights if not key.startswith("controller.")]
    if not all(key in there.weights and loaded.weights[key].equal(there.weights[key]) for key in kept):
        raise UserError(f"{folder}: was trained with another model; choose another --out")
    if (trained := _generations(folder)) > generations:
        raise UserError(f"{folder}: was trained for {trained} generations already, more than {generations}")


def _generations(folder: Path) -> int:
    """How many generations a row was trained for, as its card says."""
    if not exists(folder / "last"):
        return 0
    steps = facts_in(folder / "last").get("steps", "").partition(" ")[0]  # of "2 of 150"
    return int(steps) if steps.isdecimal() else 0


def _measured(
    folder: Path, game: Recipe, settings: ControllerTraining, episodes: int, seed: int, device: torch.device
) -> dict[str, float]:
    """A row's figures. Its checkpoint keeps them, so that a stop loses one row and not the table."""
    measured, asked = fingerprint(folder), {"episodes": episodes, "seed": seed}
    model, trained = load_model(folder, device)
    kept = trained.metrics.get("row", {})
    if asked.items() <= kept.items():
        return {name: kept[name] for name in kept if name not in asked}
    driver = ControllerPolicy(model, device)
    played = list(play(game, driver, episodes, seed=BOARDS + 1_000_000 * seed, keep_frames=False))
    limit = time_limit(played) or TimeLimit(settings.dream_steps, 0.0)
    dreamt = dream_scores(model, trained.starts, limit, episodes, settings.temperature, seed)
    row = _figures("dream", dreamt) | _figures("real", returns(played))
    update_metrics(folder, {"row": asked | row}, of=measured, kept=None)
    return row


def _figures(name: str, sums: list[float]) -> dict[str, float]:
    mean, error = mean_and_error(sums)
    return {name: mean, f"{name}_error": error}


def table(found: Mapping[str, Any]) -> str:
    """The rows as lines of text, a star at the best one awake."""
    rows = found["rows"]
    best = max(row["real"] for row in rows.values())
    lines = [f"{'temperature':>11}{'in its dream':>18}{'in the real game':>20}"]
    for temperature, row in rows.items():
        dream = f"{row['dream']:.2f} ± {row['dream_error']:.2f}"
        real = f"{row['real']:.2f} ± {row['real_error']:.2f}"
        lines.append(f"{temperature:>11}{dream:>18}{real:>20}{' *' if row['real'] == best else ''}")
    return "\n".join(lines)


def save_plot(found: Mapping[str, Any], file: str | Path) -> None:
    """Draws both scores by temperature.

    Raises:
        UserError: matplotlib is not installed (extra ``plots``), or the file cannot be written.
    """
    figure = available()(figsize=(6, 3.6), layout="constrained")
    axes, rows = figure.add_subplot(), found["rows"]
    for name, title, colour in (
        ("dream", "in its dream", COLOURS[1]),
        ("real", "in the real game", COLOURS[0]),
    ):
        heights = [row[name] for row in rows.values()]
        errors = [row[f"{name}_error"] for row in rows.values()]
        axes.errorbar(
            [float(tau) for tau in rows], heights, errors, marker="o", capsize=3, color=colour, label=title
        )
    axes.set_xlabel("temperature of the dreams it was trained in")
    axes.set_ylabel("mean score per game")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    try:
        figure.savefig(file, dpi=110)
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be written ({reason(error)})") from error
