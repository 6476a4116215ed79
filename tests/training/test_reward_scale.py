"""Rewards in points do not drown the picture: they are learned by a scale of the data, and dreamt without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_fitting import TINY

from gamesim import cli, config, models
from gamesim.agents.record import record
from gamesim.card import facts_in
from gamesim.data.dataset import Dataset
from gamesim.data.game import recorded_game
from gamesim.data.store.index import scan
from gamesim.envs.recipe import OURS
from gamesim.training.fitting import continued, fitted, reward_scale
from recordings import make_episode

SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"
SYSTEMS = ("gamegan-tiny", "tilemap", "world-model-tiny")


def fill(folder: Path, size: float, count: int = 8) -> Path:
    """Episodes whose rewards are -size / 100 a step and size at the end."""
    folder.mkdir()
    for tag in range(count):
        rewards = np.full(12, -size / 100, np.float32)
        rewards[-1] = size
        episode = make_episode(12, tag, 64, rewards=rewards, terminated=True, truncated=False)
        episode.save(folder / f"e{tag}.npz")
    return folder


@pytest.mark.parametrize(
    ("peak", "scale"),
    [(0, 1), (0.1, 1), (0.5, 1), (1, 1), (1.5, 1.5), (10, 10), (1e6, 1e6), (1e30, 1e30), (0.01, 0.01)],
)
def test_the_scale_is_the_largest_reward_where_that_is_unusual(peak: float, scale: float) -> None:
    assert reward_scale(peak) == scale


@pytest.mark.parametrize("name", ["Pacman", "PacmanGarden", "PacmanMaze"])
def test_our_own_games_rewards_stay_as_they_are(tmp_path: Path, name: str) -> None:
    record(f"gamesim/{name}-v0", "explorer", 12, tmp_path, progress=False)
    assert fitted(config.load("tilemap"), str(tmp_path)).model.reward_scale == 1
    plain, scaled = (Dataset(tmp_path, segment=2, split="all", **how) for how in ({}, {"reward_scale": 1.0}))
    drawn = (data.sample(64, torch.Generator().manual_seed(0)).rewards for data in (plain, scaled))
    assert torch.equal(*drawn)


def test_shipped_engines_of_our_games_have_no_scale() -> None:
    ours = [folder for folder in SHIPPED.iterdir() if facts_in(folder).get("game", "").startswith(OURS)]
    assert len(ours) > 5
    for file in (folder / "config.yaml" for folder in ours):
        assert config.parse(file.read_bytes(), str(file)).model.reward_scale == 1, file


def test_a_time_limits_reward_does_not_count(tmp_path: Path) -> None:
    rewards = np.full(6, 0.5, np.float32)
    rewards[-1] = -1000
    make_episode(6, rewards=rewards, truncated=True).save(tmp_path / "a.npz")
    assert recorded_game(tmp_path).peak == 0.5
    make_episode(6, rewards=rewards, truncated=False).save(tmp_path / "b.npz")
    assert recorded_game(tmp_path).peak == 1000


def test_an_index_of_an_earlier_release_is_read_again(tmp_path: Path) -> None:
    fill(tmp_path / "r", 50)
    expected = scan(tmp_path / "r")
    index = tmp_path / "r" / "index.jsonl"
    lines = [json.loads(line) for line in index.read_text().splitlines()]
    index.write_text(
        "".join(json.dumps({k: v for k, v in line.items() if k != "peak"}) + "\n" for line in lines)
    )
    assert scan(tmp_path / "r") == expected and expected[0].peak == 50


def test_a_data_set_gives_rewards_in_units_of_the_scale_and_limits_in_the_games(tmp_path: Path) -> None:
    data = fill(tmp_path / "r", 1e6)
    big = Dataset(data, segment=12, split="all", reward_scale=1e6)
    rewards = big.beginnings().rewards
    assert torch.allclose(rewards[:, -1], torch.ones(8)) and torch.allclose(
        rewards[:, 0], torch.tensor(-0.01)
    )
    make_episode(6, 99, 64, rewards=np.full(6, 7, np.float32)).save(data / "cut.npz")
    plain = Dataset(data, segment=6, split="all").time_limit()
    scaled = Dataset(data, segment=6, split="all", reward_scale=1e6).time_limit()
    assert plain is not None and scaled is not None
    assert scaled.reward == pytest.approx(plain.reward, rel=1e-4)


@pytest.mark.parametrize("preset", SYSTEMS)
def test_an_engine_dreams_in_the_games_rewards(preset: str) -> None:
    """The scale multiplies the reward, and nothing else; a scale of 1 changes no bit of it."""

    def dreamt(*words: str) -> Any:
        torch.manual_seed(0)
        tiny = [word for word in TINY.get(preset, ()) if word.startswith("model.")]
        chosen = config.load(preset, ["model.frame_size=64", *tiny, *words])
        model: Any = models.build(chosen).eval()
        frames = torch.full((2, 1, *model.frame_shape), 90, dtype=torch.uint8)
        with torch.inference_mode():
            state = model.start(frames, torch.zeros(2, 0, dtype=torch.int64))
            noise = torch.zeros(2, *model.noise_shape)
            return model.imagine(state, torch.ones(2, dtype=torch.int64), temperature=1.0, generator=noise)[1]

    plain, one, large = dreamt(), dreamt("model.reward_scale=1.0"), dreamt("model.reward_scale=1000000.0")
    assert torch.equal(plain.reward, one.reward) and plain.reward.abs().min() > 0
    assert torch.equal(large.reward, 1e6 * plain.reward)
    for dream in (one, large):
        assert torch.equal(dream.frame, plain.frame)
        assert torch.equal(dream.end_probability, plain.end_probability)


def test_where_each_step_lived_is_worth_one_that_is_no_reward_of_the_game() -> None:
    words = ["model.rewards=false", "model.reward_scale=50.0"]
    model: Any = models.build(config.load("world-model-tiny", words))
    assert model.reward_scale == 1


def test_large_rewards_weigh_as_much_as_usual_ones(tmp_path: Path, capsys: Any) -> None:
    """The same games in points: the same losses."""
    found = {}
    for name, size in (("usual", 1.0), ("points", 1e6)):
        data = fill(tmp_path / name, size)
        words = ["train", "tilemap", "--data", str(data), "--out", str(tmp_path / f"run-{name}")]
        words += ["--device", "cpu", "data.validation=0.3", *TINY["tilemap"], "training.steps=1"]
        assert cli.main(words) == 0
        lines = (tmp_path / f"run-{name}" / "metrics.jsonl").read_text().splitlines()
        found[name] = json.loads(lines[0])["losses"]
    assert "rewards in units of 1e+06" in capsys.readouterr().out
    for key in ("outcome", "frame"):
        assert found["points"][key] == pytest.approx(found["usual"][key], rel=1e-3)


def test_who_goes_on_keeps_the_scale(tmp_path: Path) -> None:
    data = fill(tmp_path / "r", 100)
    once = fitted(config.load("gamegan"), str(data))
    assert once.model.reward_scale == 100
    make_episode(6, 99, 64, rewards=np.full(6, 7e3, np.float32), truncated=False).save(data / "late.npz")
    assert fitted(continued(config.load("gamegan"), once), str(data)).model == once.model
