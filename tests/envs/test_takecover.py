"""TakeCover as both papers play it. Without VizDoom, the extra `doom`, these tests are left out."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from gamesim import checkpoint, cli
from gamesim.data.dataset import Dataset
from gamesim.envs.meanings import action_meanings
from gamesim.envs.recipe import Recipe, make
from gamesim.errors import UserError

pytestmark = [pytest.mark.extra("vizdoom"), pytest.mark.filterwarnings("error")]
LEFT, STAY, RIGHT = range(3)


@pytest.fixture
def game():
    env = make(Recipe("gamesim/TakeCover-v0"))
    yield env
    env.close()


def test_it_keeps_gymnasiums_contract(game):
    check_env(game.unwrapped)
    assert game.observation_space.shape == (64, 64, 3)
    assert action_meanings(game) == ("LEFT", "NOOP", "RIGHT")


def test_a_folder_in_which_doom_would_crash_is_named(tmp_path, monkeypatch):
    (tmp_path / "_vizdoom").touch()  # as in a read-only folder, it cannot make its own
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="Doom cannot make _vizdoom in the current folder"):
        make(Recipe("gamesim/TakeCover-v0"))


def played(game, seed, keys):
    frames = [game.reset(seed=seed)[0]]
    frames += [game.step(key)[0] for key in keys]
    return np.stack(frames)


def test_a_seed_and_keys_give_the_same_game_again(game):
    keys = [LEFT, STAY, RIGHT, RIGHT] * 8
    first, again, other = played(game, 3, keys), played(game, 3, keys), played(game, 4, keys)
    assert (first == again).all()
    assert (first != other).any()


def test_keys_move_the_view_to_either_side(game):
    left, stay, right = (played(game, 3, [key] * 12)[-1] for key in (LEFT, STAY, RIGHT))
    assert (left != stay).any() and (right != stay).any() and (left != right).any()


def test_every_step_survived_earns_one_until_a_fireball_hits(game):
    from gamesim.envs.takecover import LIMIT

    game.reset(seed=5)
    rewards, ended = [], False
    while not ended:
        _, reward, ended, cut, _ = game.step(STAY)
        rewards.append(reward)
        assert not cut
    assert set(rewards) == {1.0}
    assert 50 < len(rewards) < LIMIT


def test_who_survives_a_minute_is_cut_off(game, monkeypatch):
    monkeypatch.setattr("gamesim.envs.takecover.LIMIT", 20)
    game.reset(seed=5)
    ends = [game.step(STAY)[2:4] for _ in range(20)]
    assert ends == [(False, False)] * 19 + [(False, True)]


def test_nothing_is_left_in_the_folder_that_one_is_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    env = gym.make("gamesim/TakeCover-v0")
    env.reset(seed=0)
    env.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_from_a_recording_to_a_dream(tmp_path: Path, capsys):
    """Recorded games replay byte for byte, a tiny World Model learns them, and its dream is filmed."""
    data, run = str(tmp_path / "data"), tmp_path / "run"
    words = ["--env", "gamesim/TakeCover-v0", "--policy", "random", "--hold", "1-10", "--episodes", "4"]
    assert cli.main(["record", *words, "--out", data]) == 0
    assert cli.main(["record", "--verify", data]) == 0
    assert "4 replay byte for byte" in capsys.readouterr().out
    assert Dataset(data, segment=8, split="all").frame_shape == (64, 64, 3)
    tiny = ["data.segment=8", "controller.dream_steps=10", "controller.real_episodes=2", "controller.steps=1"]
    words = ["world-model-tiny", "--data", data, "--out", str(run), "--device", "cpu"]
    assert cli.main(["train", *words, *tiny]) == 0
    assert checkpoint.load(run / "last").config.model.num_actions == 3
    film = tmp_path / "dream.gif"
    assert cli.main(["export", str(run / "last"), "--out", str(film), "--steps", "5"]) == 0
    assert film.stat().st_size > 1000
    lines = [json.loads(line) for line in (run / "controller" / "metrics.jsonl").read_text().splitlines()]
    trials = [line["validation"]["real"] for line in lines if "validation" in line]
    assert trials and min(trials) > 50
