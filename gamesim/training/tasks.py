"""What the loop trains, made from a folder of recordings: a task, its beginnings, and what its card says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gamesim.checkpoint import Checkpoint, Starts
from gamesim.config.base import Config
from gamesim.config.gamegan import GameGANConfig
from gamesim.config.tilemap import TilemapConfig
from gamesim.config.world_models import WorldModelConfig
from gamesim.data.dataset import Dataset
from gamesim.data.store.index import env_id
from gamesim.envs.meanings import written
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError
from gamesim.models.world_models.engine import WorldModelEngine
from gamesim.systems import systems
from gamesim.training.gamegan import GameGANTask
from gamesim.training.mdn_rnn import MemoryTask, latents
from gamesim.training.task import Training
from gamesim.training.tilemap import TilemapTask
from gamesim.training.vae import VisionTask, seen

Weights = dict[str, Tensor]
"""Of an engine, or of some of its parts."""
SHOWN_ROWS, SHOWN_STEPS = 4, 15
"""Of M's sample sheets."""
DREAMT_EPISODES = 1024
"""Episodes, at most, that C's dreams begin with."""


def whole(
    kind: Callable[..., Any],
    config: Config,
    data: str,
    device: torch.device,
    begin: Checkpoint | None = None,
    *,
    short: bool = False,
) -> Training:
    """An engine that is trained in one piece.

    Args:
        kind: makes the task of (config, train, held_out, device).
        config: of the engine.
        data: a folder of recordings.
        device: where it is trained.
        begin: gives it its first weights, by ``task.init(weights, extras)``.
        short: whether a window may reach beyond a game's end.
    """
    train, held_out = _load(config, data, device, segment=config.data.segment, short=short)
    task = kind(config, train, held_out, device)
    if begin is not None:
        task.init(begin.weights, begin.extras)
    starts = Starts(*train.starts(config.data.starts, config.data.start_frames))
    return Training(task, starts, _facts(train, data, begin))


def gamegan(
    config: GameGANConfig, data: str, device: torch.device, weights: Weights, begin: Checkpoint | None
) -> Training:
    """GameGAN with its discriminators."""
    return whole(GameGANTask, config, data, device, begin, short=True)


def tilemap(
    config: TilemapConfig, data: str, device: torch.device, weights: Weights, begin: Checkpoint | None
) -> Training:
    """Tilemap."""
    return whole(TilemapTask, config, data, device, begin)


def vision(
    config: WorldModelConfig, data: str, device: torch.device, weights: Weights, begin: Checkpoint | None
) -> Training:
    """V, with the weights that there are for it."""
    engine = _engine(config, weights, device)
    train, held_out = _load(config, data, device, segment=1, keep=seen(engine.vision.side))
    task = VisionTask(config, engine, train, held_out)
    return Training(task, _starts(config, data, device), _facts(train, data, begin))


def memory(
    config: WorldModelConfig, data: str, device: torch.device, weights: Weights, begin: Checkpoint | None
) -> Training:
    """M, upon V."""
    engine = _engine(config, weights, device)
    segment, steps = config.data.segment, min(config.data.segment, SHOWN_STEPS)
    train, held_out = _load(config, data, device, segment=segment, short=True, keep=latents(engine))
    how = {"split": "validation", "limit": 4 * SHOWN_ROWS, "short": True}
    shown = _dataset(config, data, device, segment=steps, **how)
    segments = shown.sample(SHOWN_ROWS, torch.Generator().manual_seed(1), padded=not shown.num_windows)
    task = MemoryTask(config, engine, train, held_out, segments)
    facts = _facts(train, data, begin) | _before(config, "memory")
    return Training(task, _starts(config, data, device), facts)


def controller(
    config: WorldModelConfig, data: str, device: torch.device, weights: Weights, begin: Checkpoint | None
) -> Training:
    """C, upon V and M."""
    from gamesim.training.cma_es import ControllerTask  # with a library that nobody else needs

    engine = _engine(config, weights, device)
    how = {"segment": config.data.segment, "short": True, "limit": DREAMT_EPISODES}
    train, held_out = _load(config, data, device, keep=latents(engine), **how)
    task = ControllerTask(config, engine, train, held_out)
    facts = _facts(train, data, begin) | _before(config, "controller")
    return Training(task, _starts(config, data, device), facts)


def _engine(config: WorldModelConfig, weights: Weights, device: torch.device) -> WorldModelEngine:
    """The engine with these weights, and its own where there are none."""
    engine = WorldModelEngine(config.model)
    engine.load_state_dict(engine.state_dict() | weights)
    return engine.to(device)


def _load(config: Config, data: str, device: torch.device, **how: Any) -> tuple[Dataset, Dataset]:
    """The episodes to train on, and those that are held out (the same ones where none are)."""
    how |= {"validation": config.data.validation}
    train = _dataset(config, data, device, split="train", **how)
    held = config.data.validation > 0
    held_out = _dataset(config, data, device, split="validation", **how) if held else train
    size, actions = config.model.frame_size, config.model.num_actions
    if len(ways := train.recorded_as | held_out.recorded_as) > 1:
        recipes = (Recipe.of(spec) for spec in ways.values())
        said = "; ".join((recipe and recipe.words) or "as usual" for recipe in recipes)
        raise UserError(f"{data}: its recordings have different actions ({said}); give each its own folder")
    for part in (train, held_out):
        if part.frame_shape[:2] != (size, size):
            found = "x".join(map(str, part.frame_shape[:2]))
            sizes = f"{found} and {size}x{size}"
            raise UserError(f"{data}: its recordings have frames of {sizes}; give each size its own folder")
        if part.highest_action >= actions:
            raise UserError(f"{data}: action {part.highest_action} was played, and the game has {actions}")
    return train, held_out


def _dataset(config: Config, data: str, device: torch.device, **how: Any) -> Dataset:
    """Those episodes of a folder that the config takes, with their rewards scaled."""
    taken = {"game": config.data.game, "shortest": config.data.shortest}
    return Dataset(data, device=device, reward_scale=config.model.reward_scale, **taken, **how)


def _starts(config: WorldModelConfig, data: str, device: torch.device) -> Starts:
    """Real beginnings to ship, out of the training episodes."""
    settings = config.data
    how = {"segment": max(1, settings.start_frames - 1), "limit": settings.starts}
    train = _dataset(config, data, device, validation=settings.validation, **how)
    return Starts(*train.starts(settings.starts, settings.start_frames))


def _facts(train: Dataset, data: str, begin: Checkpoint | None) -> dict[str, object]:
    """What cards say about the data, and about the engine that the run began from."""
    facts: dict[str, object] = {
        "game": env_id(train.env_spec),
        "data": f"{train.num_episodes} episodes, {train.num_frames} frames ({Path(data).resolve().name})",
        "played by": ", ".join(train.players),
    }
    recipe = Recipe.of(train.env_spec)
    if recipe is not None and recipe.words:
        facts["recorded with"] = recipe.words
    if any(train.action_meanings):
        facts["actions"] = written(train.action_meanings, recipe.levels if recipe is not None else ())
    if begin is not None:
        facts["began from"] = "/".join(begin.folder.resolve().parts[-2:])
    return facts


def _before(config: WorldModelConfig, stage: str) -> dict[str, object]:
    """What cards say about the parts that were trained before."""
    sections = systems()[config.system].sections
    earlier = sections[: sections.index(stage)]
    return {f"{name} before": f"{getattr(config, name).steps} steps" for name in earlier}
