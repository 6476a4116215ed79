"""The real game that C is tried in, and may learn in: the recorded one, unless the config names another.

Where it learns in it (Ha & Schmidhuber 2018, arXiv 1803.10122, Sec. 3: CarRacing) V and M only look on: each
frame of the game goes through them, and C acts on what they hold.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from gamesim.config.world_models import WorldModelConfig
from gamesim.data.finite import check_rewards
from gamesim.envs.recipe import MOST_SINGLE, Recipe, known, limited, make, make_several
from gamesim.errors import UserError
from gamesim.models import opening, take
from gamesim.models.world_models.engine import WorldModelEngine
from gamesim.registry import bare
from gamesim.text import counted
from gamesim.training.devices import launched

_SEEDS = 2**31


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


class Games:
    """The real games of a generation, some of them at once.

    Args:
        recipe: How the game is made; it has an end.
        engine: Through whose V and M the candidates look.
        patience: Steps without a reward above 0 after which a game is given up; 0: none is.
        device: Where the engine computes.
    """

    def __init__(self, recipe: Recipe, engine: WorldModelEngine, patience: int, device: torch.device) -> None:
        self.engine, self.patience, self.device = engine, patience, device
        self._name, self._envs = recipe.env_id, make_several(recipe, MOST_SINGLE)

    @torch.inference_mode()
    def returns(self, candidates: Tensor, rollouts: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Let every candidate play the same games.

        Args:
            candidates: (P, N), rows as `Controller.flat` gives them.
            rollouts: R, games of each candidate.
            generator: Of their seeds; on the CPU.

        Returns:
            Sums of rewards and numbers of steps, each (P, R).

        Raises:
            UserError: A reward is not finite; it names the step.
        """
        seeds = torch.randint(_SEEDS, (rollouts,), generator=generator).tolist() * len(candidates)
        rows, lanes = candidates.repeat_interleave(rollouts, 0), len(self._envs)
        played = [
            self._together(rows[begin : begin + lanes], seeds[begin : begin + lanes])
            for begin in range(0, len(rows), lanes)
        ]
        returns, steps = (torch.from_numpy(np.concatenate(part)) for part in zip(*played, strict=True))
        return returns.float().view(-1, rollouts), steps.float().view(-1, rollouts)

    def _together(self, rows: Tensor, seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """One game for each of these candidates (L, N): sums of rewards and numbers of steps, (L,)."""
        returns, steps, idle = (np.zeros(len(seeds)) for _ in range(3))
        began = [env.reset(seed=seed)[0] for env, seed in zip(self._envs, seeds, strict=False)]
        state = opening(self.engine, self._shown(began))
        playing = np.arange(len(seeds))
        while True:
            actions = self.engine.controller.population(rows[playing], self.engine.features(state))
            frames, left = [], []
            for place, (lane, action) in enumerate(zip(playing, actions.tolist(), strict=True)):
                frame, earned, ended, cut, _ = self._envs[lane].step(action)
                reward = float(earned)
                returns[lane] += reward
                steps[lane] += 1
                check_rewards(self._name, steps[[lane]].astype(int), [reward], np.ones(1, bool))
                idle[lane] = 0 if reward > 0 else idle[lane] + 1
                if not (ended or cut or 0 < self.patience <= idle[lane]):
                    frames.append(frame)
                    left.append(place)
            if not left:
                return returns, steps
            kept = np.array(left)
            playing, state = playing[kept], take(state, kept)
            state = self.engine.observe(state, actions[kept], self._shown(frames))

    def _shown(self, frames: Sequence[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(frames)).to(self.device)
