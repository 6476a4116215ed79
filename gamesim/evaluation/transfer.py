"""Transfer (the GameGAN paper's Table 1): what an agent trained inside an engine earns in the real game.

Every row is tested in the real game with its step limit, on boards that no training ever saw. A row is

- ``random`` or ``explorer``: that policy, nothing is trained;
- ``real``: an agent trained in the real game, the upper bound;
- ``NAME=FOLDER`` (or ``FOLDER``): the same agent with the same budget, trained in the dream of that
  checkpoint alone. The dream is cut off after as many steps as the real game, at the same cost;
- ``NAME=controller:FOLDER``: the engine's own controller (C of World Models), as its checkpoint has it.

Figures of a row, over all its seeds:

- `score`: mean sum of rewards of an episode: food 0.5 each, flag +1, eaten or out of time -1. In the
  paper's game: random -0.20, Action-LSTM -0.09, GameGAN 1.13, World Models 1.24, trained in the real game
  3.02.
- `error`: standard error of that mean: between the seeds' means where each seed is a training and there are
  several, else between episodes.
- `share`: score divided by that of ``real``; 1 is the upper bound, the paper's best is 0.41. Chance level:
  that of ``random``. None until there is a row ``real`` that earns anything.

Each row and seed is a file of its own in the results folder. What is there is not trained again, so a table
can be stopped and continued.

Source: Kim et al. 2020 (arXiv 2005.12126), Sec. 4.1, Table 1; World Models, Sec. 4.
"""

import contextlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from gamesim import outputs, storage
from gamesim.agents.controller import ControllerPolicy
from gamesim.agents.explorer import ExplorerPolicy
from gamesim.agents.policy import Policy, RandomPolicy
from gamesim.agents.rollout import mean_and_error, play
from gamesim.devices import pick
from gamesim.envs.recipe import Recipe, find, limited, make_batch
from gamesim.envs.rules import LOSS
from gamesim.errors import UserError
from gamesim.threads import one_thread

TESTED = 3_000_000_000
"""Seed of the boards of the tests, other than those of evaluations, trials and recordings."""
CONTROLLER = "controller:"


@dataclass(frozen=True)
class Budget:
    """What every row gets, the same for all.

    Attributes:
        game: the real game's id.
        steps: steps of play that an agent is trained for.
        episodes: real episodes that a row is tested in, for each seed.
        lanes: games at once.
        device: where engines and agents compute: auto, cpu, cuda, cuda:1 or mps.
    """

    game: str = "gamesim/Pacman-v0"
    steps: int = 200_000
    episodes: int = 500
    lanes: int = 64
    device: str = "cpu"


@dataclass(frozen=True)
class Row:
    """One line of the table: its name, and what plays (see the module)."""

    name: str
    source: str

    @property
    def trained(self) -> bool:
        """Whether each seed trains an agent of its own."""
        return self.source not in ("random", "explorer") and not self.source.startswith(CONTROLLER)

    @staticmethod
    def of(text: str) -> "Row":
        """Reads ``NAME=SOURCE``, or a source alone, whose last part is then the name.

        Raises:
            UserError: There is nothing of that name.
        """
        name, _, source = text.rpartition("=")
        row = Row(name or Path(source.removeprefix(CONTROLLER)).name, source)
        folder = source.removeprefix(CONTROLLER)
        if source not in ("random", "explorer", "real") and not storage.exists(Path(folder)):
            raise UserError(f"{folder}: no such model, and not random, explorer or real")
        if not re.fullmatch(r"[\w.-]+", row.name, re.ASCII):
            raise UserError(f"'{row.name}' cannot be a row's name: letters, digits, dots and dashes only")
        return row


def transfer(
    rows: Sequence[Row],
    budget: Budget,
    seeds: Sequence[int],
    out: str | Path,
    tell: Callable[[str], object] = print,
) -> dict[str, dict[str, Any]]:
    """Fills in the rows that the table in folder `out` lacks, and returns the figures of all these rows.

    Raises:
        UserError: The extra ``agents`` is missing, a checkpoint is damaged, there is no such device, or `out`
        holds another budget's rows.
    """
    outputs.check_folder(out)
    if any(row.trained for row in rows):
        _trainer()
    budget = replace(budget, device=str(pick(budget.device)))
    for row in rows:
        for seed in seeds:
            file = Path(out) / row.name / f"seed-{seed}.json"
            if _read(file, row, budget) is None:
                tell(f"{row.name}, seed {seed}")
                returns = score(row, budget, seed)
                kept = {"row": asdict(row), "budget": asdict(budget), "seed": seed, "returns": returns}
                file.parent.mkdir(parents=True, exist_ok=True)
                storage.write_file(file, f"{json.dumps(kept)}\n".encode())
    return figures(rows, budget, out)


def figures(rows: Sequence[Row], budget: Budget, out: str | Path) -> dict[str, dict[str, Any]]:
    """The rows that folder `out` holds, by name: score, error, share, seeds and episodes."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        files = sorted((Path(out) / row.name).glob("seed-*.json"))
        returns = [kept for file in files if (kept := _read(file, row, budget)) is not None]
        if returns:
            found[row.name] = _mean(returns, row.trained)
    upper = next((found[row.name]["score"] for row in rows if row.source == "real" and row.name in found), 0)
    for each in found.values():
        each["share"] = each["score"] / upper if upper > 0 else None
    return found


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The figures as lines of text."""
    lines = [f"{'trained in':24}{'score':>9}{'error':>9}{'share':>9}{'seeds':>7}{'episodes':>10}"]
    for name, row in found.items():
        share = "-" if row["share"] is None else f"{row['share']:.1%}"
        numbers = f"{row['score']:9.3f}{row['error']:9.3f}{share:>9}{row['seeds']:7}{row['episodes']:10}"
        lines.append(f"{name:24}{numbers}")
    return "\n".join(lines)


@one_thread()  # agents were measured so, and dreams are steps of small work
def score(row: Row, budget: Budget, seed: int) -> list[float]:
    """The sums of rewards of a row's test episodes, after its training if it needs one."""
    player, first = _player(row, budget, seed), TESTED + 1_000_000 * seed
    how = {"num_envs": budget.lanes, "keep_frames": False}
    played = play(budget.game, player, budget.episodes, seed=first, **how)
    return [float(episode.rewards.sum()) for episode in played]


def _player(row: Row, budget: Budget, seed: int) -> Policy:
    if row.source == "random":
        with contextlib.closing(_real(budget)) as env:
            return RandomPolicy(seed, int(env.single_action_space.n))  # pyright: ignore
    if row.source == "explorer":
        if not Recipe(budget.game).of_cells:
            raise UserError(f"the bot (explorer) plays only our Pac-Man games, not {budget.game}")
        return ExplorerPolicy(seed)
    if row.source.startswith(CONTROLLER):
        return ControllerPolicy(row.source.removeprefix(CONTROLLER), budget.device)
    train = _trainer()
    if row.source == "real":
        return train(_real(budget), budget.steps, seed, budget.device)
    limit = find(budget.game).kwargs.get("max_steps")
    dream = gym.make_vec(
        "gamesim/Dream-v0",
        num_envs=budget.lanes,
        vectorization_mode="vector_entry_point",
        checkpoint=row.source,
        device=budget.device,
        max_steps=limit,
    )
    # The real game itself says what running out of time costs; a dream that is cut off must be told.
    return train(dream, budget.steps, seed, budget.device, cut_off=LOSS)


def _trainer() -> Callable[..., Policy]:
    """What trains an agent.

    Raises:
        UserError: The extra ``agents`` is missing.
    """
    try:
        from gamesim.agents.ppo import train
    except ImportError as error:
        raise UserError(f"agents need {error.name}: install gamesim with its extra 'agents'") from None
    return train


def _real(budget: Budget) -> gym.vector.VectorEnv:
    return make_batch(limited(Recipe(budget.game)), budget.lanes)


def _read(file: Path, row: Row, budget: Budget) -> list[float] | None:
    """The returns in a row's file, None when it is not there."""
    try:
        kept = json.loads(file.read_bytes())
        same = kept["row"] == asdict(row) and kept["budget"] == asdict(budget)
        returns = [float(each) for each in kept["returns"]]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file}: not a row's results ({error})") from None
    if not same:
        raise UserError(f"{file}: made with other settings; choose another folder, or remove it")
    return returns


def _mean(seeds: Sequence[Sequence[float]], trained: bool) -> dict[str, Any]:
    score, error = mean_and_error(every := [each for returns in seeds for each in returns])
    if trained and len(seeds) > 1:
        _, error = mean_and_error([float(np.mean(returns)) for returns in seeds])
    return {"score": score, "error": error, "seeds": len(seeds), "episodes": len(every)}
