"""A config takes over what recordings tell of their game, so that an engine fits whatever was recorded."""

from typing import TypeVar, get_args

from gamesim.config import complete
from gamesim.data.game import recorded_game
from gamesim.errors import UserError
from gamesim.schema import Config, FrameSize

_Config = TypeVar("_Config", bound=Config)


def fitted(config: _Config, data: str) -> _Config:
    """Return the config of an engine for the game that was recorded.

    The model's ``frame_size``, ``num_actions`` and ``opposites`` are the game's, unless the config says what
    they are: nobody else knows the opposites of a game that does not say what its actions mean.

    Args:
        config: What is to be trained.
        data: A folder of recordings, of which only a few bytes are read.

    Raises:
        UserError: No such recordings; no engine can learn them; or the config contradicts them.
    """
    game, model = recorded_game(data), config.model
    told = model.model_fields_set
    size, sizes = f"{game.height}x{game.width}", get_args(FrameSize)
    if "frame_size" in told and {game.height, game.width} != {model.frame_size}:
        raise UserError(f"model.frame_size is {model.frame_size}, but the recordings in {data} are {size}")
    if game.height != game.width or game.height not in sizes:
        possible = " or ".join(f"{side}x{side}" for side in sizes)
        raise UserError(f"the recordings in {data} are {size}, and an engine's frames are {possible}")
    if "num_actions" in told and game.known and model.num_actions != game.num_actions:
        played = f"the game that was recorded in {data} has {game.num_actions}"
        raise UserError(f"model.num_actions is {model.num_actions}, but {played}")
    found = {"frame_size": game.height, "num_actions": game.num_actions, "opposites": game.opposites}
    missing = (type(model).model_fields.keys() & found.keys()) - told
    return complete(config, {f"model.{name}": found[name] for name in found if name in missing}, data)
