"""The one loop, and what the policies leave behind."""

import os
import signal
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

import gamesim  # noqa: F401 (registers the ids)
from gamesim.agents import rollout
from gamesim.agents.explorer import ExplorerPolicy
from gamesim.agents.policy import Policy, RandomPolicy, known_policy
from gamesim.agents.record import record
from gamesim.agents.rollout import run
from gamesim.data.episode import Episode
from gamesim.data.store.index import scan
from gamesim.envs.recipe import Recipe
from gamesim.envs.sprites import decode
from gamesim.errors import UserError
from toy_games import Lanes


class Counting(gym.vector.VectorEnv):
    """Lane i plays games of 2 + i steps; frames show (lane, game, step). NEXT_STEP autoreset."""

    def __init__(self, num_envs: int = 3) -> None:
        self.num_envs = num_envs
        self.game = np.zeros(num_envs, int)
        self.at = np.zeros(num_envs, int)
        self.ignored: list[int] = []

    def frames(self) -> np.ndarray:
        frames = np.zeros((self.num_envs, 4, 4, 3), np.uint8)
        frames[:, 0, 0] = np.stack([np.arange(self.num_envs), self.game, self.at], 1)
        return frames

    def info(self) -> dict[str, Any]:
        return {"seed": 100 * np.arange(self.num_envs) + self.game, "cells": "secret"}

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        return self.frames(), self.info()

    def step(self, actions: np.ndarray) -> Any:
        over = self.at == 2 + np.arange(self.num_envs)
        self.ignored += actions[over].tolist()
        self.game += over
        self.at = np.where(over, 0, self.at + 1)
        done = self.at == 2 + np.arange(self.num_envs)
        odd = self.game % 2 == 1
        return self.frames(), self.at * 1.0, done & odd, done & ~odd, self.info()


class Echo:
    """Plays the number of steps since its lane was reset; sees nothing but frames."""

    player = "controller"

    def __init__(self) -> None:
        self.since = np.zeros(0, int)

    def reset(self, mask: np.ndarray) -> None:
        self.since = np.where(mask, 0, self.since if len(self.since) else 0)

    def act(self, frames: np.ndarray, info: dict[str, Any]) -> np.ndarray:
        assert "cells" not in info
        self.since += 1
        return self.since - 1


def test_episodes_are_whole_and_without_the_reset_step() -> None:
    for episode in run(Counting(), Echo(), 12, env_spec="spec"):
        lane, game = episode.frames[0, 0, 0, :2]
        assert len(episode) == 2 + lane
        assert episode.frames[:, 0, 0].tolist() == [[lane, game, t] for t in range(3 + lane)]
        assert episode.actions.tolist() == list(range(2 + lane))
        assert episode.rewards.tolist() == list(range(1, 3 + lane))
        assert (episode.terminated, episode.truncated) == (game % 2 == 1, game % 2 == 0)
        assert episode.seed == 100 * lane + game and (episode.players == 3).all()
        assert episode.env_spec == "spec"
        episode.check()


def test_the_episodes_that_began_first_are_given_not_the_short_ones() -> None:
    lengths = [len(episode) for episode in run(Counting(40), Echo(), 40)]
    assert sorted(lengths) == list(range(2, 42))


def test_a_long_game_comes_in_parts() -> None:
    parts = [e for e in run(Counting(9), Echo(), 40, max_steps=4) if e.frames[0, 0, 0, 0] == 8][:3]
    assert [len(part) for part in parts] == [4, 4, 2]
    assert [part.prefix.tolist() for part in parts] == [[], [0, 1, 2, 3], [0, 1, 2, 3, 4, 5, 6, 7]]
    assert [part.truncated for part in parts] == [False, False, True]
    assert (parts[0].frames[-1] == parts[1].frames[0]).all()


def test_a_score_is_of_a_whole_game_however_long_it_is() -> None:
    whole = list(run(Counting(9), Echo(), 40, max_steps=None, keep_frames=False))
    assert all(game.frames.size == 0 for game in whole)
    same = list(run(Counting(9), Echo(), 40))
    assert [game.rewards.tolist() for game in whole] == [game.rewards.tolist() for game in same]
    assert all(game.terminated or game.truncated for game in whole)


def test_scores_are_not_cut_into_parts_where_recordings_are(monkeypatch) -> None:
    monkeypatch.setattr(rollout, "MAX_STEPS", 10)
    parts = list(rollout.play("gamesim/Pacman-v0", "random", 12, seed=3))
    whole = list(rollout.play("gamesim/Pacman-v0", "random", 12, seed=3, keep_frames=False))
    assert max(len(part) for part in parts) == 10 < max(len(game) for game in whole)
    assert all(game.terminated or game.truncated for game in whole)


def play(policy: Policy, episodes: int = 120, **settings: Any) -> list[Episode]:
    env = gym.make_vec("gamesim/Pacman-v0", 64, vectorization_mode="vector_entry_point", **settings)
    return list(run(env, policy, episodes, seed=11))


@pytest.fixture(scope="module")
def explored() -> list[Episode]:
    """Games of the explorer."""
    return play(ExplorerPolicy(0))


@pytest.fixture(scope="module")
def random_games() -> list[Episode]:
    """The same boards by chance."""
    return play(RandomPolicy(0))


def moves(episode: Episode) -> tuple[int, int, int]:
    """Blocked moves, moves to a cell where it has been before, and the furthest way from the start."""
    cells, _ = decode(episode.frames)
    step = np.array([[0, 0], [0, -1], [0, 1], [-1, 0], [1, 0]])
    place, been = (0, 0), {(0, 0)}
    blocked = again = far = 0
    for t, action in enumerate(episode.actions):
        y, x = 3 + step[action]
        if action and cells[t, y, x] in (1, 6):
            blocked += 1
        elif action:
            place = (place[0] + step[action][0], place[1] + step[action][1])
            again += place in been
            been.add(place)
            far = max(far, abs(place[0]) + abs(place[1]))
    return blocked, again, far


def test_the_explorer_shows_all_that_a_model_must_learn(
    explored: list[Episode], random_games: list[Episode]
) -> None:
    episodes = explored
    steps = sum(map(len, episodes))
    actions = np.concatenate([episode.actions for episode in episodes])
    shares = np.bincount(actions, minlength=5) / steps
    blocked, again, far = np.sum([moves(episode) for episode in episodes], axis=0)
    assert steps / len(episodes) > 25
    assert 0.05 < shares[0] < 0.2 and (shares[1:] > 0.18).all()
    assert 0.03 < blocked / steps < 0.12, "walls"
    assert 0.3 < again / steps < 0.6, "coming back"
    assert far / len(episodes) > 6, "walking out"
    ended = np.array([(e.rewards[-1] == -1 and e.terminated, e.truncated) for e in episodes]).mean(0)
    assert 0.1 < ended[0] < 0.5, "eaten by ghosts"
    food = np.mean([(e.rewards == 0.5).sum() for e in episodes])
    assert food > 1.5 * np.mean([(e.rewards == 0.5).sum() for e in random_games])


def test_the_explorer_is_not_predictable_and_lives_longer_than_chance(
    explored: list[Episode], random_games: list[Episode]
) -> None:
    assert np.mean([len(e) for e in explored]) > np.mean([len(e) for e in random_games]) + 2
    twice = np.concatenate([e.actions[:-1] * 5 + e.actions[1:] for e in explored])
    share = np.bincount(twice, minlength=25) / len(twice)
    entropy = -(share * np.log2(share + 1e-12)).sum()
    assert entropy > 3.5  # bits in two actions; 4.64 at most


@pytest.mark.parametrize("settings", [{"view": "full"}, {"max_steps": 300}])
def test_the_explorer_finds_walls_in_every_view(settings: dict[str, Any]) -> None:
    env = gym.make_vec("gamesim/Pacman-v0", 64, vectorization_mode="vector_entry_point", **settings)
    policy = ExplorerPolicy(0, grid=14 if "view" in settings else 7)
    frames, _ = env.reset(seed=0)
    blocked = total = 0
    for _ in range(40):
        frames, *_ = env.step(policy.act(frames, {}))
        events = [game.events for game in env.games]  # type: ignore[attr-defined]
        blocked += sum("blocked" in event for event in events)
        total += 64
    assert blocked / total < 0.12


def test_the_explorer_refuses_dreams_of_other_games() -> None:
    make_player = known_policy("explorer", Recipe("gamesim/Dream-v0"))
    with pytest.raises(
        UserError, match="the bot sees frames of 84x84x3 and presses 5 keys; this game has 64x64"
    ):
        make_player(0, Lanes(2), {"checkpoint": "mine"})


def test_the_explorer_plays_the_garden_as_it_plays_the_night() -> None:
    """The same boards in other colours: every choice is the same."""
    both = [
        list(rollout.play(env_id, "explorer", 20, seed=2))
        for env_id in ("gamesim/Pacman-v0", "gamesim/PacmanGarden-v0")
    ]
    for night, garden in zip(*both, strict=True):
        assert night.actions.tolist() == garden.actions.tolist()
        assert not np.array_equal(night.frames, garden.frames)


def test_a_policy_is_its_seed() -> None:
    one, same, other = (play(ExplorerPolicy(seed), 20) for seed in (1, 1, 2))
    assert all((a.actions.tolist() == b.actions.tolist()) for a, b in zip(one, same, strict=True))
    assert any((a.actions.tolist() != b.actions.tolist()) for a, b in zip(one, other, strict=True))


def firsts(folder: Path) -> set[bytes]:
    return {Episode.load(folder / entry.file).frames[0].tobytes() for entry in scan(folder)}


def test_recording_twice_appends_other_boards(tmp_path: Path) -> None:
    made = record("gamesim/Pacman-v0", "explorer", 30, tmp_path, num_envs=8, progress=False)
    before = {entry.file: (tmp_path / entry.file).read_bytes() for entry in made}
    assert len(made) == len(before) == 30 and scan(tmp_path) == made
    record("gamesim/Pacman-v0", "explorer", 30, tmp_path, num_envs=8, progress=False)
    assert all((tmp_path / file).read_bytes() == data for file, data in before.items())
    assert len(scan(tmp_path)) == 60 and len(firsts(tmp_path)) == 60


def test_a_seed_is_a_recording(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        record("gamesim/Pacman-v0", "random", 10, tmp_path / name, seed=seed, progress=False)
    assert firsts(tmp_path / "a") == firsts(tmp_path / "b")
    assert not firsts(tmp_path / "a") & firsts(tmp_path / "c")


def test_what_ended_before_its_first_game_leaves_nothing_and_its_boards_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = RandomPolicy.act

    def interrupted(*seen: Any) -> np.ndarray:
        os.kill(os.getpid(), signal.SIGTERM)
        return act(*seen)

    with monkeypatch.context() as patch:
        patch.setattr(RandomPolicy, "act", interrupted)
        assert record("gamesim/Pacman-v0", "random", 3, tmp_path / "a", progress=False) == []
    assert not list((tmp_path / "a").iterdir())
    for name in "ab":
        record("gamesim/Pacman-v0", "random", 3, tmp_path / name, progress=False)
    assert firsts(tmp_path / "a") == firsts(tmp_path / "b")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"env_id": "gamesim/Nothing-v0"}, "Nothing"),
        ({"env_id": "CartPole-v1", "policy": "explorer"}, "CartPole"),
        ({"policy": "genius"}, "genius"),
        ({"episodes": 0}, "episodes"),
        ({"num_envs": 0}, "num_envs"),
        ({"seed": -1}, "seed"),
        ({"env_id": Recipe("gamesim/Pacman-v0", {"colour": 3})}, "colour"),
        ({"env_id": Recipe("gamesim/Pacman-v0", {"grid_size": 3})}, "grid_size"),
    ],
)
def test_a_bad_wish_is_a_user_error_and_leaves_nothing(
    tmp_path: Path, changes: dict[str, Any], named: str
) -> None:
    wish: dict[str, Any] = {"env_id": "gamesim/Pacman-v0", "policy": "random", "episodes": 3}
    with pytest.raises(UserError, match=named):
        record(**(wish | changes), out=tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


def test_nobody_plays_by_a_policy_that_is_not_there() -> None:
    with pytest.raises(UserError, match="explorer, random, dqn, gcn, or a model, not 'genius'"):
        next(rollout.play("gamesim/Pacman-v0", "genius", 1, seed=0))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"episodes": -1}, "episodes"),
        ({"episodes": 1.5}, "episodes"),
        ({"num_envs": 0}, "num_envs"),
        ({"seed": -1}, "seed"),
        ({"seed": "a"}, "seed"),
        ({"seed": 2**70}, "seed"),
    ],
)
def test_nobody_plays_with_a_number_that_is_none(changes: dict[str, Any], named: str) -> None:
    wish: dict[str, Any] = {"episodes": 1, "num_envs": 1, "seed": 0, **changes}
    with pytest.raises(UserError, match=f"{named} must be an integer"):
        next(rollout.play("gamesim/Pacman-v0", "random", **wish))
    env = gym.make_vec("gamesim/Pacman-v0", num_envs=1)
    if "episodes" in changes:
        with pytest.raises(UserError, match=f"{named} must be an integer"):
            next(run(env, RandomPolicy(0, 5), changes["episodes"]))


@pytest.mark.parametrize("number", [np.int64, np.uint8, torch.tensor])
def test_numbers_of_other_libraries_record_what_plain_ones_do(tmp_path: Path, number: Any) -> None:
    for out, of in ((tmp_path / "plain", int), (str(tmp_path / "other"), number)):
        record("gamesim/PacmanMaze-v0", "random", of(2), out, seed=of(3), num_envs=of(2))
    plain, other = (scan(tmp_path / name) for name in ("plain", "other"))
    assert [each.file for each in plain] == [each.file for each in other] and len(plain) == 2


@pytest.mark.parametrize("wrong", [{"episodes": "2"}, {"episodes": 1.5}, {"seed": True}, {"num_envs": 0}])
def test_a_number_of_games_that_is_none_is_named(tmp_path: Path, wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(UserError, match=f"^{name} must be an integer from "):
        record("gamesim/PacmanMaze-v0", "random", **({"episodes": 1, "out": tmp_path / "r"} | wrong))
    assert not (tmp_path / "r").exists()


def test_a_folder_that_is_a_file_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file"):
        record("gamesim/Pacman-v0", "random", 3, tmp_path / "file", progress=False)
