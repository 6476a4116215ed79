"""The real game that C is tried in, and may learn in: the recorded one, unless the config names another."""

import warnings
from dataclasses import replace

import gymnasium as gym

from gamesim.config.world_models import WorldModelConfig
from gamesim.envs.recipe import Recipe, known, limited, make
from gamesim.errors import UserError
from gamesim.registry import bare
from gamesim.text import counted
from gamesim.training.devices import launched


def check(config: WorldModelConfig, env_spec: str) -> None:
    """Complain about a C that cannot be trained or tried, before V and M take their time.

    Args:
        config: As for `real_game`.
        env_spec: As for `real_game`.

    Raises:
        UserError: As for `real_game`, or some process would have no candidate to dream with.
    """
    candidates, processes = config.controller.population, launched().count
    if candidates < processes:
        found = counted(candidates, "candidate")
        raise UserError(f"controller.population: {found} for {processes} processes")
    real_game(config, env_spec)


def real_game(config: WorldModelConfig, env_spec: str) -> Recipe | None:
    """How the game of the trials is made; None, and a warning, where the recordings' game is not here.

    Args:
        config: Fitted to the recordings; ``controller.real_env`` may name a game.
        env_spec: Spec JSON of the game that was recorded, or "".

    Raises:
        UserError: The game that the config names, or in which C is to learn, is not here, or has other frames
            or actions.
    """
    named, recorded = config.controller.real_env, Recipe.of(env_spec)
    if named:
        same = recorded is not None and bare(recorded.env_id) == bare(named)
        recipe = replace(recorded, env_id=named) if recorded and same else Recipe(named)
        _check(config, recipe)
        return limited(recipe)
    what = "the recordings name no game" if recorded is None else f"{recorded.env_id} is not installed"
    found = known(recorded) if recorded is not None else None
    try:
        if found is not None:
            _check(config, found)
            return limited(found)
    except UserError as error:
        what = str(error)
    if config.controller.learns_in == "game":
        raise UserError(f"controller.learns_in=game: {what}; name a game with controller.real_env=ID")
    warnings.warn(
        f"the controller is not tested in the real game ({what}); name one with controller.real_env=ID",
        stacklevel=2,
    )
    return None


def _check(config: WorldModelConfig, recipe: Recipe) -> None:
    """Complain about a game that the model does not fit."""
    side, count = config.model.frame_size, config.model.num_actions
    env = make(recipe)
    frames, actions = env.observation_space.shape, env.action_space
    env.close()
    name = f"controller.real_env={recipe.env_id}"
    if frames != (side, side, 3):
        raise UserError(f"{name}: its frames are {frames}, and the model's {(side, side, 3)}")
    if not isinstance(actions, gym.spaces.Discrete) or actions.n != count:
        raise UserError(f"{name}: it has {getattr(actions, 'n', 'no')} actions, and the model {count}")
