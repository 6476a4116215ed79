"""What ``train`` runs: GameGAN and Tilemap are one training; a world model is three, one on top of another.

A world model's run folder holds vision/, memory/ and controller/, each a run folder of its own (see loop.py),
and last/, the whole engine as it is shipped. M learns from the best V, C from the best M, by held-out
episodes; of C the last is shipped, since no trial in the real game may choose it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gamesim import checkpoint, models, storage
from gamesim.checkpoint import Checkpoint, Starts
from gamesim.data.dataset import Dataset
from gamesim.data.game import games, recorded_game
from gamesim.data.index import env_id
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError
from gamesim.models.world_model.model import WorldModelEngine
from gamesim.schema import Config, GameGANConfig, TilemapConfig, WorldModelConfig
from gamesim.text import counted
from gamesim.training import STAGES, devices, loop
from gamesim.training.deadline import Deadline
from gamesim.training.fitting import continued, fitted
from gamesim.training.folder import Log, began, earlier, same
from gamesim.training.trials import real_game

Weights = dict[str, Tensor]
"""Of an engine, or of some of its parts."""
SHOWN_ROWS, SHOWN_STEPS = 4, 15
"""Of M's sample sheets."""
DREAMT_EPISODES = 1024
"""Episodes, at most, that C's dreams begin with."""


@dataclass(frozen=True)
class Ended:
    """How a training ended, and the newest checkpoint that it left."""

    outcome: loop.Outcome
    checkpoint: Path


@dataclass
class Training:
    """A task, ready for the loop, and what its checkpoints say and hold beside the weights."""

    task: loop.Task
    starts: Starts
    facts: dict[str, object]


def train(
    config: Config,
    data: str,
    out: Path,
    *,
    device: str,
    resume: bool = False,
    stage: str | None = None,
    minutes: float | None = None,
    init: str | Path | None = None,
) -> Ended | None:
    """Train what a config describes, from the folder `data` into the run folder `out`.

    Args:
        config: Its system decides what is trained.
        data: A folder of recordings.
        out: The run folder.
        device: auto, cpu, cuda, cuda:1 or mps.
        resume: Go on with the run in `out`.
        stage: One of `STAGES` alone; None: all that the system has.
        minutes: Stop and save after so many, counted from now, for all stages; None: to the end.
        init: A checkpoint whose weights a new run begins with. A stage takes the parts before its own from
            it, too, where the run has not trained them.

    Returns:
        "done", or "stopped" when a signal or the minutes ended it (both are saved), and where. None in
        processes of ``torchrun`` that are not the first.

    Raises:
        UserError: Whatever the user can mend: folders, data, device, memory.
    """
    try:
        devices.pick_device(device)  # before the recordings are read
        before = earlier(out) if resume or stage is not None else None
        if before is None and init is not None and stage == "controller":  # its M is not trained any more
            before = checkpoint.load(init).config
        config = fitted(config if before is None else continued(config, before), data)
        if config.system == "world-model" and stage in (None, STAGES[-1]):
            recorded = recorded_game(data, config.data.game)
            real_game(config, recorded.env_spec)  # before V, which takes a while
        begin = None if init is None else _beginning(config, Path(init), resume)
        _ready(config, out, resume, stage, begin)
        if loop.distributed().first:
            print(_recordings(data, config), flush=True)
        ended = _train(config, data, out, device, resume, stage, Deadline(minutes), begin)
        return ended if loop.distributed().first else None
    except RuntimeError as error:
        if "out of memory" not in str(error) and "can't allocate memory" not in str(error):
            raise
        size = config.data.batch_size
        raise UserError(f"out of memory on {device}: try a data.batch_size below {size}") from None
    finally:
        loop.finish()


def train_controller(
    config: WorldModelConfig, weights: Weights, data: str, out: Path, *, device: str
) -> loop.Outcome:
    """Train a C from nothing on a V and M that are there, in a run folder of its own; one in it goes on.

    Args:
        config: Its controller section says how.
        weights: Of a whole engine; its C is left out.
        data: The recordings whose first frames the dreams begin with.
        out: The run folder.
        device: auto, cpu, cuda, cuda:1 or mps.

    Returns:
        "done", or "stopped" when a signal ended it; both are saved.

    Raises:
        UserError: As for `train`.
    """
    fixed = {key: part for key, part in weights.items() if not key.startswith("controller.")}
    try:
        config = fitted(continued(config, config), data)
        make = partial(_controller, config, data, weights=fixed)
        return _run(config, "controller", out, device, began(out), make, Deadline())
    finally:
        loop.finish()


def _train(
    config: Config,
    data: str,
    out: Path,
    device: str,
    resume: bool,
    stage: str | None,
    deadline: Deadline,
    begin: Checkpoint | None,
) -> Ended:
    if config.system != "world-model":
        make = partial(_whole, config, data, begin=begin)
        return Ended(_run(config, "training", out, device, resume, make, deadline), out / "last")
    if stage is not None:
        return _stage(config, stage, data, out, device, resume, deadline, begin)
    ended = Ended("done", out / "last")
    for name in STAGES:
        if ended.outcome == "done" and not _finished(config, name, out):
            ended = _stage(config, name, data, out, device, began(out / name), deadline, begin)
            if name != STAGES[-1] and loop.distributed().agree([int(deadline.passed)])[0]:
                ended = replace(ended, outcome="stopped")
    return ended


def _ready(config: Config, out: Path, resume: bool, stage: str | None, begin: Checkpoint | None) -> None:
    """Complain about a run folder from which nothing can be trained, before the recordings are read."""
    if config.system != "world-model":
        loop.check(config, out, resume)
    elif stage is not None:
        _upon(config, stage, out, begin)
    elif not resume:
        loop.check(config, out, resume=False)
    elif not began(out / STAGES[0]):
        raise UserError(f"{out}: nothing to resume, there is no run in it")


def _beginning(config: Config, init: Path, resume: bool) -> Checkpoint:
    """Return the checkpoint that a run begins from, after a look whether it fits.

    Raises:
        UserError: It is damaged, of another system or shape, or the run has begun already.
    """
    if resume:
        raise UserError("--init starts a new run and --resume continues one: use only one of them")
    found = checkpoint.load(init, extras=True)
    if found.config.system != config.system:
        raise UserError(f"{init}: its system is {found.config.system}, not {config.system}")
    # Not on the meta device, where spectral norm takes twenty times as long.
    wanted = {"model": models.build(config).state_dict(), **_extras(config)}
    for name, part in {"model": found.weights, **found.extras}.items():
        if name in wanted:
            checkpoint.fits(part, wanted[name], init / f"{name}.safetensors")
    return found


def _extras(config: Config) -> dict[str, Weights]:
    """What `Task.extras` of a system would hold, for its shapes."""
    if config.system != "gamegan":
        return {}
    from gamesim.models.gamegan.discriminators import Discriminators

    return {"discriminators": Discriminators(config.model).state_dict()}


def _finished(config: WorldModelConfig, stage: str, out: Path) -> bool:
    """Whether a stage needs no further step; one that was built upon other weights is an error."""
    if not began(out / stage):
        return False
    _upon(config, stage, out)
    return Log(out / stage).reached() >= getattr(config, stage).steps


def _stage(
    config: WorldModelConfig,
    stage: str,
    data: str,
    out: Path,
    device: str,
    resume: bool,
    deadline: Deadline,
    begin: Checkpoint | None,
) -> Ended:
    """Train V, M or C; after C the engine is whole."""
    weights = _upon(config, stage, out, begin)
    make = partial(_MAKERS[stage], config, data, weights=weights, begin=begin)
    outcome = _run(config, stage, out / stage, device, resume, make, deadline)
    if stage != STAGES[-1]:
        return Ended(outcome, out / stage / "last")
    if loop.distributed().first:
        files = storage.read_folder(out / stage / "last", **checkpoint.SEALED)
        storage.write_folder(out / "last", files, **checkpoint.SEALED)
    return Ended(outcome, out / "last")


def _run(
    config: Config,
    section: str,
    out: Path,
    device: str,
    resume: bool,
    make: Callable[[torch.device], Training],
    deadline: Deadline,
) -> loop.Outcome:
    picked = loop.setup(device, seed=config.seed, threads=getattr(config, section).threads)
    if loop.distributed().first:
        loop.check(config, out, resume, section)
    training = make(picked)
    return loop.run(
        training.task,
        config,
        out,
        device=picked,
        starts=training.starts,
        facts=training.facts,
        resume=resume,
        section=section,
        deadline=deadline,
    )


def _upon(config: WorldModelConfig, stage: str, out: Path, begin: Checkpoint | None = None) -> Weights:
    """Return the weights that a stage starts with: of the parts before it and, from `begin`, of its own.

    The parts before it are the best that the run has trained; those of `begin` where it has trained none.

    Raises:
        UserError: That stage is not there, has a model of another shape, or has changed since this one began.
    """
    index = STAGES.index(stage)
    given, mine = {} if begin is None else begin.weights, out / stage / "last"
    if index == 0:
        return given
    before = out / STAGES[index - 1] / "best"
    if not checkpoint.exists(before):
        if given:
            return given
        if checkpoint.exists(mine):  # it was given them
            return checkpoint.load(mine).weights
        raise UserError(f"{before}: no such model; train {STAGES[index - 1]} to its end first")
    found = checkpoint.load(before)
    same(found.config, config, before / "config.yaml", ["name", "seed", "data", *STAGES])
    if checkpoint.exists(mine):
        earlier = checkpoint.load(mine).weights
        fixed = [key for key in found.weights if key.startswith(STAGES[:index])]
        if not all(torch.equal(earlier[key], found.weights[key]) for key in fixed):
            raise UserError(f"{out / stage}: was trained on another {STAGES[index - 1]}; move it away")
    return found.weights | {key: part for key, part in given.items() if key.startswith(f"{stage}.")}


# ---------------------------------------------------------------------------------- what is trained


def _whole(
    config: GameGANConfig | TilemapConfig,
    data: str,
    device: torch.device,
    begin: Checkpoint | None = None,
) -> Training:
    from gamesim.training.gamegan import GameGANTask
    from gamesim.training.tilemap import TilemapTask

    short = config.system == "gamegan"  # its windows may reach beyond an end
    train, held_out = _load(config, data, device, segment=config.data.segment, short=short)
    if config.system == "gamegan":
        task = GameGANTask(config, train, held_out, device)
    else:
        task = TilemapTask(config, train, held_out, device)
    if begin is not None:
        task.init(begin.weights, begin.extras)
    starts = Starts(*train.starts(config.data.starts, config.data.start_frames))
    return Training(task, starts, _facts(train, data, begin))


def _vision(
    config: WorldModelConfig,
    data: str,
    device: torch.device,
    weights: Weights,
    begin: Checkpoint | None = None,
) -> Training:
    from gamesim.training.vision import VisionTask, seen

    engine = _engine(config, weights, device)
    train, held_out = _load(config, data, device, segment=1, keep=seen(engine.vision.side))
    task = VisionTask(config, engine, train, held_out)
    return Training(task, _starts(config, data, device), _facts(train, data, begin))


def _memory(
    config: WorldModelConfig,
    data: str,
    device: torch.device,
    weights: Weights,
    begin: Checkpoint | None = None,
) -> Training:
    from gamesim.training.memory import MemoryTask, latents

    engine = _engine(config, weights, device)
    segment, steps = config.data.segment, min(config.data.segment, SHOWN_STEPS)
    train, held_out = _load(config, data, device, segment=segment, short=True, keep=latents(engine))
    shared = {"device": device, "limit": 4 * SHOWN_ROWS, **_taken(config)}
    shown = Dataset(data, segment=steps, split="validation", **shared)
    segments = shown.sample(SHOWN_ROWS, torch.Generator().manual_seed(1))
    task = MemoryTask(config, engine, train, held_out, segments)
    facts = _facts(train, data, begin) | _before(config, "memory")
    return Training(task, _starts(config, data, device), facts)


def _controller(
    config: WorldModelConfig,
    data: str,
    device: torch.device,
    weights: Weights,
    begin: Checkpoint | None = None,
) -> Training:
    from gamesim.training.controller import ControllerTask
    from gamesim.training.memory import latents

    engine = _engine(config, weights, device)
    how = {"segment": config.data.segment, "short": True, "limit": DREAMT_EPISODES}
    train, held_out = _load(config, data, device, keep=latents(engine), **how)
    task = ControllerTask(config, engine, train, held_out)
    facts = _facts(train, data, begin) | _before(config, "controller")
    return Training(task, _starts(config, data, device), facts)


_MAKERS = {"vision": _vision, "memory": _memory, "controller": _controller}


def _engine(config: WorldModelConfig, weights: Weights, device: torch.device) -> WorldModelEngine:
    """The engine with these weights, and its own where there are none."""
    engine = WorldModelEngine(config.model)
    engine.load_state_dict(engine.state_dict() | weights)
    return engine.to(device)


def _load(config: Config, data: str, device: torch.device, **how: Any) -> tuple[Dataset, Dataset]:
    """The episodes to train on, and those that are held out (the same ones where none are)."""
    held = config.data.validation
    shared = {"validation": held, "device": device, **_taken(config), **how}
    train = Dataset(data, split="train", **shared)
    held_out = Dataset(data, split="validation", **shared) if held > 0 else train
    size, actions = config.model.frame_size, config.model.num_actions
    for part in (train, held_out):
        if part.frame_shape[:2] != (size, size):
            raise UserError(f"{data}: it contains recordings of several games; give each its own folder")
        if part.highest_action >= actions:
            raise UserError(f"{data}: action {part.highest_action} was played, and the game has {actions}")
    return train, held_out


def _taken(config: Config) -> dict[str, Any]:
    """Which game is taken out of a folder, and how its rewards are scaled."""
    return {"game": config.data.game, "reward_scale": config.model.reward_scale}


def _recordings(data: str, config: Config) -> str:
    """What a folder holds, and what of it is trained on, in one line."""
    held = games(data)
    listed = ", ".join(f"{name} ({counted(count, 'game')})" for name, count in held.items())
    chosen = f"; training on {config.data.game}" if len(held) > 1 else ""
    scale = config.model.reward_scale
    return f"recordings: {listed}{chosen}" + (f"; rewards in units of {scale:g}" if scale != 1 else "")


def _starts(config: WorldModelConfig, data: str, device: torch.device) -> Starts:
    """Real beginnings to ship, out of the training episodes."""
    settings = config.data
    shared = {"validation": settings.validation, "device": device, "limit": settings.starts}
    shared |= _taken(config)
    train = Dataset(data, segment=max(1, settings.start_frames - 1), **shared)
    return Starts(*train.starts(settings.starts, settings.start_frames))


def _facts(train: Dataset, data: str, begin: Checkpoint | None) -> dict[str, object]:
    """What cards say about the data, and about the engine that the run began from."""
    facts: dict[str, object] = {
        "game": env_id(train.env_spec),
        "data": f"{train.num_episodes} episodes, {train.num_frames} frames ({Path(data).resolve().name})",
    }
    recipe = Recipe.of(train.env_spec)
    if recipe is not None and recipe.words:
        facts["recorded with"] = recipe.words
    if any(train.action_meanings):
        facts["actions"] = ", ".join(train.action_meanings)
    if begin is not None:
        facts["began from"] = "/".join(begin.folder.resolve().parts[-2:])
    return facts


def _before(config: WorldModelConfig, stage: str) -> dict[str, object]:
    """What cards say about the parts that were trained before."""
    earlier = STAGES[: STAGES.index(stage)]
    return {f"{name} before": f"{getattr(config, name).steps} steps" for name in earlier}
