"""A config takes over what recordings tell of their game, so that an engine fits whatever was recorded."""

from typing import TypeVar, get_args

from gamesim.config import complete
from gamesim.config.base import Config, FrameSize
from gamesim.data.game import choose, recorded_game
from gamesim.errors import UserError

USUAL_REWARDS = (0.1, 1.0)
"""Where the largest reward of a game is within these, rewards are learned as they are."""

_Config = TypeVar("_Config", bound=Config)


def fitted(config: _Config, data: str) -> _Config:
    """Return the config of an engine for the game that was recorded.

    The model's ``frame_size``, ``num_actions``, ``levels``, ``opposites`` and ``reward_scale`` are the
    game's, unless the config sets them: the opposites of a game that does not say what its actions mean are
    known only there. The scale brings large rewards, such as points, and tiny ones to a size that does not
    drown the picture.

    Args:
        config: What is to be trained.
        data: A folder of recordings, of which only a few bytes are read.

    Raises:
        UserError: No such recordings; of several games, or not of the one that ``data.game`` names; no engine
            can learn them; or the config contradicts them.
    """
    named = choose(data, config.data.game)
    game, model = recorded_game(data, named), config.model
    told = model.model_fields_set
    size, sizes = f"{game.height}x{game.width}", get_args(FrameSize)
    if "frame_size" in told and {game.height, game.width} != {model.frame_size}:
        raise UserError(f"model.frame_size is {model.frame_size}, but the recordings in {data} are {size}")
    if game.height != game.width or game.height not in sizes:
        possible = " or ".join(f"{side}x{side}" for side in sizes)
        raise UserError(f"the recordings in {data} are {size}, and a model's frames are {possible}")
    if "num_actions" in told and game.known and model.num_actions != game.num_actions:
        played = f"the game recorded in {data} has {game.num_actions}"
        raise UserError(f"model.num_actions is {model.num_actions}, but {played}")
    if "levels" in told and model.levels and model.levels != game.levels:
        recorded = f"{list(game.levels)}" if game.levels else "keys"
        raise UserError(
            f"model.levels is {list(model.levels)}, but the game recorded in {data} has {recorded}"
        )
    found = {"frame_size": game.height, "num_actions": game.num_actions, "levels": game.levels}
    found |= {"opposites": game.opposites, "reward_scale": reward_scale(game.peak)}
    missing = (type(model).model_fields.keys() & found.keys()) - told
    model_keys = {f"model.{name}": found[name] for name in found if name in missing}
    return complete(config, {"data.game": named} | model_keys, data)


def reward_scale(peak: float) -> float:
    """The reward that an engine's own 1 stands for, where `peak` is a game's largest, up or down."""
    low, high = USUAL_REWARDS
    return peak if peak > high or 0 < peak < low else 1.0


def continued(config: _Config, before: Config) -> _Config:
    """Return the config with what an earlier one took from its recordings, unless it says so itself.

    Args:
        config: What goes on.
        before: Of the run that it goes on with, or of the engine whose weights it takes.
    """
    data, model = config.data, config.model
    if data.game is None:
        data = data.model_copy(update={"game": before.data.game})
    if "reward_scale" not in model.model_fields_set:
        model = model.model_copy(update={"reward_scale": before.model.reward_scale})
    return config.model_copy(update={"data": data, "model": model})
