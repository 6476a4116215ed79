"""C may learn in the real game: all candidates play the same games, as they would play them alone."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch

import toy_games
from gamesim import cli, config
from gamesim.agents.controller import ControllerPolicy
from gamesim.agents.record import record
from gamesim.agents.rollout import play
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError
from gamesim.models.world_models.engine import WorldModelEngine
from gamesim.training.trials import Games

toy_games.register()
CPU = torch.device("cpu")


class Paid(toy_games.Dot):
    """Pays 1 for going right, or what its third step is said to be worth, and nothing for anything else."""

    def __init__(self, third: float | None = None, **how):
        super().__init__(**how)
        self.third = third

    def step(self, action):
        frame, _, ended, cut, info = super().step(action)
        worth = float(action == 1) if self.third is None or self.count != 3 else self.third
        return frame, worth, ended, cut, info


gym.register("toys/Paid-v0", lambda **how: Paid(**how))


@pytest.fixture
def engine() -> WorldModelEngine:
    torch.manual_seed(0)
    model = config.load("world-model-tiny").model.model_copy(update={"frame_size": 64, "num_actions": 4})
    return WorldModelEngine(model).eval()


def candidates(engine: WorldModelEngine, count: int) -> torch.Tensor:
    length = len(engine.controller.flat())
    return torch.randn(count, length, generator=torch.Generator().manual_seed(1))


def test_each_candidate_earns_what_its_controller_earns_in_that_game(engine):
    rows = candidates(engine, 9)
    games = Games(Recipe("toys/Paid-v0"), engine, 0, CPU)
    returns, steps = games.returns(rows, 2, torch.Generator().manual_seed(3))
    assert returns.shape == steps.shape == (9, 2) and (steps == 12).all()
    seeds = torch.randint(2**31, (2,), generator=torch.Generator().manual_seed(3)).tolist()
    for row, earned in zip(rows, returns, strict=True):
        engine.controller.from_flat(row)
        driver = ControllerPolicy(engine)
        alone = [next(play("toys/Paid-v0", driver, 1, seed=seed, num_envs=1)).rewards.sum() for seed in seeds]
        assert earned.tolist() == alone
    assert len(returns.unique()) > 1, "they play differently"


def test_a_game_that_has_paid_nothing_for_long_is_given_up(engine):
    right, left = torch.zeros(2, len(engine.controller.flat()))
    right[-3], left[-4] = 1.0, 1.0  # the biases of actions 1 and 0
    games = Games(Recipe("toys/Paid-v0"), engine, 5, CPU)
    returns, steps = games.returns(torch.stack([right, left]), 1, torch.Generator().manual_seed(0))
    assert returns[:, 0].tolist() == [12, 0] and steps[:, 0].tolist() == [12, 5]


def test_candidates_take_turns_in_a_game_that_opens_only_once(engine):
    with pytest.warns(UserWarning, match="only 1 game at once"):
        games = Games(Recipe("toys/Sole-v0"), engine, 0, CPU)
    returns, steps = games.returns(candidates(engine, 3), 2, torch.Generator().manual_seed(0))
    assert returns.shape == (3, 2) and (steps == 12).all()
    games._envs[0].close()


@pytest.mark.parametrize("worth", [np.nan, -np.inf, 1e39])
def test_a_reward_that_is_no_number_is_the_games_fault_and_names_its_step(engine, worth):
    """It was said of C's training that it had become NaN."""
    games = Games(Recipe("toys/Paid-v0", {"third": worth}), engine, 0, CPU)
    with pytest.raises(UserError, match=r"toys/Paid-v0: the reward of step 3 is .*, which is not a finite"):
        games.returns(candidates(engine, 2), 1, torch.Generator().manual_seed(0))


def test_where_the_game_is_not_here_c_cannot_learn_in_it_and_that_is_said_before_v_is_trained(
    tmp_path, monkeypatch, capsys
):
    record("toys/Paid-v0", "random", 4, tmp_path / "r", progress=False)
    monkeypatch.setattr("gamesim.training.tasks.Dataset", None)
    monkeypatch.delitem(gym.registry, "toys/Paid-v0")
    words = ["--data", tmp_path / "r", "--out", tmp_path / "u", "controller.learns_in=game"]
    assert cli.main(["train", "world-model-tiny", *map(str, words)]) == 2
    assert "controller.learns_in=game: toys/Paid-v0 is not installed" in capsys.readouterr().err


def test_c_learns_in_the_game_what_the_game_pays_for(tmp_path):
    record("toys/Paid-v0", "random", 12, tmp_path / "r", progress=False)
    changes = ["vision.steps=1", "memory.steps=1", "data.validation=0.3", "controller.learns_in=game"]
    changes += ["controller.steps=6", "controller.population=8", "controller.rollouts=2"]
    changes += ["controller.sigma=0.5", "controller.validate_every=6", "controller.real_episodes=4"]
    words = ["--data", tmp_path / "r", "--out", tmp_path / "u", "--device", "cpu", *changes]
    assert cli.main(["train", "world-model-tiny", *map(str, words)]) == 0
    driver = ControllerPolicy(tmp_path / "u" / "last")
    earned = [episode.rewards.sum() for episode in play("toys/Paid-v0", driver, 4, seed=5)]
    assert np.mean(earned) > 8, "random keys earn 3 of 12"
    assert "evolution in the real game" in (tmp_path / "u" / "last" / "README.md").read_text()
