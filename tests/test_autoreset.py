"""Games that begin anew in each of Gymnasium's ways are recorded alike, and none of their steps is lost."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from gamesim.agents.autoreset import Batch
from gamesim.agents.policy import RandomPolicy
from gamesim.agents.rollout import run
from gamesim.data.episode import Episode
from gamesim.errors import UserError
from toy_games import Walk

MODES = list(AutoresetMode)


def batch(mode: Any, lanes: int = 4, **told: Any) -> SyncVectorEnv:
    env = SyncVectorEnv([lambda n=n: Walk(2 + n) for n in range(lanes)], autoreset_mode=mode)
    env.metadata = {**env.metadata, **told}
    return env


def played(env: gym.vector.VectorEnv, episodes: int = 30, **how: Any) -> list[Episode]:
    return list(run(env, RandomPolicy(0, 2), episodes, seed=0, **how))


def check_whole(episode: Episode) -> None:
    """Frames show (lane, game, step): of one game each, and every step of it in its place."""
    lane, game, step = episode.frames[:, 0, 0].astype(int).T
    assert len(set(lane)) == len(set(game)) == 1
    assert step.tolist() == list(range(len(episode) + 1)), "no frame of the next game, and none is missing"
    assert len(episode) == 2 + lane[0] and episode.terminated
    np.testing.assert_array_equal(episode.rewards, step[1:])
    np.testing.assert_array_equal(episode.actions, episode.frames[1:, 0, 1, 0])


@pytest.mark.parametrize("mode", MODES)
def test_every_episode_is_whole_in_every_mode(mode: AutoresetMode) -> None:
    episodes = played(batch(mode))
    assert len(episodes) == 30
    for episode in episodes:
        check_whole(episode)


@pytest.mark.parametrize("mode", MODES)
def test_no_game_is_passed_over(mode: AutoresetMode) -> None:
    """Of each lane all games come, one after another."""
    games: dict[int, list[int]] = {}
    for episode in played(batch(mode)):
        lane, game, _ = episode.frames[0, 0, 0].tolist()
        games.setdefault(lane, []).append(game)
    assert all(found == list(range(1, len(found) + 1)) for found in games.values())


@pytest.mark.parametrize("mode", MODES)
def test_a_game_of_one_step_is_an_episode_in_every_mode(mode: AutoresetMode) -> None:
    env = SyncVectorEnv([lambda: Walk(1)] * 3, autoreset_mode=mode)
    assert [len(episode) for episode in played(env, 12)] == [1] * 12


@pytest.mark.parametrize("mode", MODES)
def test_parts_of_a_long_game_join_in_every_mode(mode: AutoresetMode) -> None:
    parts = played(SyncVectorEnv([lambda: Walk(7)], autoreset_mode=mode), 6, max_steps=3)
    assert [len(part) for part in parts] == [3, 3, 1, 3, 3, 1]
    assert [len(part.prefix) for part in parts] == [0, 3, 6, 0, 3, 6]
    steps = [part.frames[:, 0, 0, 2].tolist() for part in parts[:3]]
    assert steps == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7]]


@pytest.mark.parametrize("mode", MODES)
def test_one_array_for_all_frames_is_no_harm(mode: AutoresetMode) -> None:
    makers = [lambda n=n: Walk(2 + n) for n in range(3)]
    for episode in played(SyncVectorEnv(makers, copy=False, autoreset_mode=mode), 10):
        check_whole(episode)


@pytest.mark.parametrize("told", ["SAME_STEP", "SameStep"])
def test_a_mode_may_be_told_in_words(told: str) -> None:
    for episode in played(batch(AutoresetMode.SAME_STEP, autoreset_mode=told)):
        check_whole(episode)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_a_mode_that_is_not_told_is_gymnasiums_usual_one_until_the_game_shows_another(mode: Any) -> None:
    env = batch(mode)
    env.metadata = {}
    with pytest.warns(UserWarning, match="Walk: its metadata names no autoreset_mode"):
        episodes = played(env)
    for episode in episodes:
        check_whole(episode)


@pytest.mark.parametrize("told", [None, 3, "sometimes"])
def test_a_mode_that_gymnasium_does_not_know_is_refused(told: Any) -> None:
    with pytest.raises(UserError, match="which is none of NEXT_STEP, SAME_STEP, DISABLED"):
        Batch(batch(AutoresetMode.NEXT_STEP, autoreset_mode=told))


class Forgetful(SyncVectorEnv):
    """Says `instead` how games ended."""

    instead: dict[str, Any]

    def step(self, actions: Any) -> Any:
        *told, info = super().step(actions)
        return *told, {name: what for name, what in info.items() if "final" not in name} | self.instead


@pytest.mark.parametrize(
    "instead",
    [{}, {"final_obs": 5}, {"final_obs": ()}, {"final_obs": [None] * 2, "_final_obs": np.ones(9, bool)}],
)
def test_a_last_frame_that_is_lost_is_refused(instead: dict[str, Any]) -> None:
    env = Forgetful([lambda: Walk(3)] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    env.instead = instead
    with pytest.raises(UserError, match=r"not in info\[\"final_obs\"\]"):
        played(env)


class Eager(SyncVectorEnv):
    """Resets all games when it is told to reset one."""

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        return super().reset(seed=seed)


def test_a_reset_that_ends_other_games_is_refused() -> None:
    env = Eager([lambda n=n: Walk(2 + n) for n in range(3)], autoreset_mode=AutoresetMode.DISABLED)
    with pytest.raises(UserError, match="changed games that are not over"):
        played(env)
