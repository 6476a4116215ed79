"""An engine is made for the game that was recorded: its frames, its actions and what they mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

import toy_games
from gamesim import checkpoint, cli, config
from gamesim.agents.record import record
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError
from gamesim.training.fitting import fitted
from recordings import make_episode

toy_games.register()
TINY = {
    "gamegan-tiny": ("training.steps=2",),
    "tilemap": (
        "model.patch=8",
        "model.channels=4",
        "model.hidden=4",
        "model.tiles=4",
        "model.memory_width=4",
        "data.batch_size=2",
        "data.segment=6",
        "training.steps=3",
        "training.log_every=1",
        "training.palette_frames=64",
    ),
    "world-model-tiny": (
        "vision.steps=2",
        "memory.steps=2",
        "controller.steps=2",
    ),
}
"""Overrides that make a training of each system one of seconds."""


@pytest.fixture(scope="module")
def played(tmp_path_factory) -> dict[str, Path]:
    """Recordings of games that are not ours, by their names."""
    folders = {}
    for tag in range(6):
        folders["Large"] = folders.get("Large") or tmp_path_factory.mktemp("Large")
        made = make_episode(12, tag, size=96, env_spec='{"id": "toys/Large-v0"}')  # as older ones are
        made.save(folders["Large"] / f"e{tag}.npz")
    for recipe in (Recipe("toys/Nine-v0"), Recipe("toys/Three-v0"), Recipe("toys/Steered-v0", levels=(5, 3))):
        name = recipe.env_id[5:-3]
        folders[name] = tmp_path_factory.mktemp(name)
        record(recipe, "random", 6, folders[name], progress=False)
    return folders


def train(preset: str, data: Path, out: Path, *words: str) -> int:
    run = ["train", preset, "--data", str(data), "--out", str(out), "--device", "cpu"]
    said = tuple(word.partition("=")[0] for word in words)
    usual = [word for word in TINY.get(preset, ()) if not word.startswith(said)]
    return cli.main([*run, "data.validation=0.3", *usual, *words])


@pytest.mark.parametrize(
    ("preset", "game", "actions"),
    [
        ("gamegan-tiny", "Nine", 9),
        ("tilemap", "Three", 3),
        ("world-model-tiny", "Nine", 9),
    ],
)
def test_a_game_that_is_not_ours_is_learned_and_dreamt_with_its_own_keys(
    preset, game, actions, played, tmp_path
):
    assert train(preset, played[game], tmp_path / "run") == 0
    kept = checkpoint.load(tmp_path / "run" / "last").config.model
    assert (kept.frame_size, kept.num_actions) == (64, actions)
    dream = gym.make("gamesim/Dream-v0", checkpoint=str(tmp_path / "run" / "last"))
    assert dream.action_space == gym.spaces.Discrete(actions)
    frame, _ = dream.reset(seed=0)
    assert frame.shape == (64, 64, 3)
    for action in range(actions):
        frame, _, over, *_ = dream.step(action)
        assert frame.shape == (64, 64, 3) and frame.dtype == np.uint8
        if over:  # a few steps of training teach it nothing about ends
            dream.reset()


def test_a_run_on_such_a_game_goes_on(played, tmp_path):
    preset = "gamegan-tiny"
    assert train(preset, played["Nine"], tmp_path / "run", "training.steps=2") == 0
    assert train(preset, played["Nine"], tmp_path / "run", "training.steps=3", "--resume") == 0
    assert json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])["step"] == 3


def test_what_nobody_set_is_the_games(played):
    for name, actions, pairs in (("Nine", 9, ((0, 1), (2, 3))), ("Three", 3, ())):
        model: Any = fitted(config.load("gamegan"), str(played[name])).model
        assert (model.frame_size, model.num_actions, model.opposites) == (64, actions, pairs)


def test_actions_that_are_numbers_are_numbers_to_v_m_and_c(played, tmp_path):
    """M reads an action's numbers, C has an output for each; any other engine sees as many keys."""
    model: Any = fitted(config.load("world-model-tiny"), str(played["Steered"])).model
    assert (model.num_actions, model.levels) == (15, (5, 3))
    assert fitted(config.load("gamegan-tiny"), str(played["Steered"])).model.num_actions == 15
    assert train("world-model-tiny", played["Steered"], tmp_path / "run") == 0
    engine: Any = checkpoint.load_model(tmp_path / "run" / "last")[0]
    assert engine.controller.linear.out_features == 2
    actions = torch.tensor([0, 1, 7, 14])
    assert engine.memory.read(actions).tolist() == [[-1, -1], [-1, 0], [0, 0], [1, 1]]
    keys: Any = fitted(config.load("world-model-tiny", ["model.levels=[]"]), str(played["Steered"])).model
    assert keys.axes == ()


def test_our_own_games_are_what_a_config_without_recordings_is_for(tmp_path):
    record("gamesim/Pacman-v0", "random", 2, tmp_path, progress=False)
    for preset in ("gamegan", "tilemap", "world-model"):
        told = config.load(preset, ["data.game=gamesim/Pacman-v0"])
        assert fitted(config.load(preset), str(tmp_path)) == told


def test_a_fitted_config_says_all_and_fits_again(played):
    once = fitted(config.load("gamegan-tiny"), str(played["Nine"]))
    again = config.parse(once.dump(), "a run")
    assert fitted(again, str(played["Nine"])) == once
    with pytest.raises(UserError, match=r"no recordings of toys/Nine-v0, only of toys/Three-v0 \(6 games\)"):
        fitted(again, str(played["Three"]))
    other = config.load("gamegan-tiny", ["model.num_actions=9"])
    with pytest.raises(UserError, match=r"model\.num_actions is 9, but the game .* has 3"):
        fitted(other, str(played["Three"]))


def test_a_cell_need_only_cut_frames_of_the_size_that_was_recorded(played):
    for preset in ("tilemap", "world-model-places"):
        model: Any = fitted(config.load(preset, ["model.patch=8"]), str(played["Nine"])).model
        assert (model.frame_size, model.patch) == (64, 8)
        with pytest.raises(UserError, match="patch 8 does not cut 84 pixels"):
            config.load(preset, ["model.patch=8", "model.frame_size=84"])
        with pytest.raises(UserError, match="patch 13 does not cut"):
            config.load(preset, ["model.patch=13"])


def test_opposites_may_be_told_where_the_game_does_not_tell_them(played):
    chosen: Any = config.load("gamegan", ["model.opposites=[[0, 2]]"])
    told = fitted(chosen, str(played["Three"]))
    assert told.model.opposites == ((0, 2),)


def test_actions_that_never_were_played_may_be_told_where_nobody_knows_the_game(tmp_path):
    actions = np.array([0, 3, 1], np.uint8)
    make_episode(3, size=64, actions=actions, env_spec='{"id": "gone/Game-v0"}').save(tmp_path / "e.npz")
    assert fitted(config.load("gamegan"), str(tmp_path)).model.num_actions == 4
    told = fitted(config.load("gamegan", ["model.num_actions=6"]), str(tmp_path))
    assert told.model.num_actions == 6


@pytest.mark.parametrize(
    ("preset", "game", "words", "complaint"),
    [
        ("gamegan-tiny", "Nine", ["model.frame_size=84"], "model.frame_size is 84, but the recordings in"),
        ("gamegan-tiny", "Nine", ["model.num_actions=5"], "model.num_actions is 5, but the game"),
        ("world-model-tiny", "Steered", ["model.levels=[3,5]"], "model.levels is [3, 5], but the game"),
        ("world-model-tiny", "Three", ["model.levels=[3,5]"], "has keys"),
        ("gamegan-tiny", "Three", ["model.opposites=[[3, 4]]"], "opposites: no action may be"),
        ("gamegan-tiny", "Large", [], "are 96x96, and a model's frames are 64x64 or 84x84"),
        ("world-model-places", "Nine", [], "patch 12 does not cut 64 pixels into whole places"),
        ("tilemap", "Nine", ["model.patch=12"], "patch 12 does not cut 64 pixels into 3 cells"),
        ("world-model-tiny", "Nine", ["model.num_actions=3"], "model.num_actions is 3, but the game"),
    ],
)
def test_what_does_not_fit_is_one_line_before_anything_is_loaded(
    preset, game, words, complaint, played, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("gamesim.training.tasks.Dataset", None)
    assert train(preset, played[game], tmp_path / "run", *words) == 2
    said = capsys.readouterr().err
    assert complaint in said and said.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("what", ["frames", "actions"])
def test_a_folder_of_several_sizes_or_games_is_one_line(what, tmp_path, capsys):
    """Most recordings are short and of one game; those that are long enough to learn from are of another."""
    spec, meanings = '{"id": "gone/Game-v0"}', ("",) * 5
    other = {"size": 64} if what == "frames" else {"size": 84, "actions": np.full(9, 7, np.uint8)}
    for tag in range(8):
        made = {"size": 84} if tag < 6 else other
        episode = make_episode(3 if tag < 6 else 9, tag, env_spec=spec, action_meanings=meanings, **made)
        episode.save(tmp_path / f"e{tag}.npz")
    assert train("tilemap", tmp_path, tmp_path / "run", "data.segment=6", "model.patch=12") == 2
    sizes = "frames of 64x64 and 84x84; give each size its own folder"
    assert {"frames": sizes, "actions": "action 7 was played"}[what] in capsys.readouterr().err
