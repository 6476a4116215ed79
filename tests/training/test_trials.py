"""The real score of a world model is that of the game that was recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import toy_games
from gamesim import checkpoint, cli, config
from gamesim.agents.record import record
from gamesim.card import facts, recipe_of
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError
from gamesim.evaluation.evaluate import evaluate
from gamesim.training.trials import real_game
from recordings import make_episode

toy_games.register()


def fits(**model):
    made = config.load("world-model-tiny")
    return made.model_copy(update={"model": made.model.model_copy(update=model)})


def spec(recipe: Recipe, **wrapper) -> str:
    wrappers = [{"name": "PixelEnv", "kwargs": wrapper}] if wrapper else []
    return json.dumps({"id": recipe.env_id, "kwargs": dict(recipe.kwargs), "additional_wrappers": wrappers})


def test_it_is_the_game_of_the_recordings_shown_as_it_was_recorded():
    nine = fits(frame_size=64, num_actions=9)
    assert real_game(nine, spec(Recipe("toys/Nine-v0", {"steps": 7}))) == Recipe(
        "toys/Nine-v0", {"steps": 7}, time_limit=1000
    )
    two = fits(frame_size=64, num_actions=2)
    shown = real_game(two, spec(Recipe("CartPole-v1"), size=64, stretch=True))
    assert shown == Recipe("CartPole-v1", size=64, stretch=True)
    maze = spec(Recipe("gamesim/PacmanMaze-v0", {"max_steps": 9}))
    assert real_game(fits(), maze) == Recipe("gamesim/PacmanMaze-v0", {"max_steps": 9})


def test_a_game_that_is_named_with_its_module_is_shown_as_it_was_recorded():
    told = spec(Recipe("toys/Nine-v0", {"steps": 7}))
    config = fits(frame_size=64, num_actions=9)
    named = config.controller.model_copy(update={"real_env": "toy_games:toys/Nine-v0"})
    found = real_game(config.model_copy(update={"controller": named}), told)
    assert found == Recipe("toy_games:toys/Nine-v0", {"steps": 7}, time_limit=1000)


@pytest.mark.parametrize("told", ["", spec(Recipe("gone/Game-v0")), spec(Recipe("os:gone/Game-v0"))])
def test_where_it_is_not_here_that_is_said_and_there_are_no_trials(told):
    with pytest.warns(UserWarning, match="not tested in the real game .*; name one with"):
        assert real_game(fits(), told) is None


@pytest.mark.parametrize(
    ("named", "complaint"),
    [
        ("toys/Nine-v0", "its frames are (64, 64, 3), and the model's (84, 84, 3)"),
        ("CartPole-v1", "it has 2 actions, and the model 5"),
        ("gone/Game-v0", "unknown game 'gone/Game-v0'"),
    ],
)
def test_one_that_is_named_and_does_not_fit_is_refused_before_v_is_trained(
    named, complaint, tmp_path, monkeypatch, capsys
):
    made = config.load("world-model-tiny", [f"controller.real_env={named}"])
    with pytest.raises(UserError) as caught:
        real_game(made, "")
    assert complaint in str(caught.value)
    record("gamesim/Pacman-v0", "random", 2, tmp_path / "r", progress=False)
    monkeypatch.setattr("gamesim.training.tasks.Dataset", None)
    run = [
        "train",
        "world-model-tiny",
        "--data",
        tmp_path / "r",
        "--out",
        tmp_path / "u",
        f"controller.real_env={named}",
    ]
    assert cli.main([str(word) for word in run]) == 2
    assert complaint in capsys.readouterr().err


def test_a_game_that_changes_the_folder_is_trained_and_measured_where_one_was(tmp_path, monkeypatch, capsys):
    wanders = "import os, gymnasium, toy_games\nos.chdir('r')\ngymnasium.register('my/{}-v0', {})"
    for name in ("drifts", "roams"):
        made = "toy_games.Dot, kwargs={'actions': 5}"
        (tmp_path / f"{name}.py").write_text(wanders.format(name, made))
    told = spec(Recipe("drifts:my/drifts-v0"))
    (tmp_path / "r").mkdir()
    for tag in range(4):
        make_episode(12, tag, 64, env_spec=told).save(tmp_path / "r" / f"e{tag}.npz")
    monkeypatch.chdir(tmp_path)
    run = "train world-model-tiny --data r --out u controller.real_env=drifts:my/drifts-v0"
    assert cli.main([*run.split(), "--device", "cpu"]) == 0
    assert capsys.readouterr().out.endswith("done: u/last\n")
    card = tmp_path / "u" / "last" / "README.md"
    card.write_text(card.read_text().replace("drifts", "roams"))
    monkeypatch.chdir(tmp_path)
    words = "evaluate u/last --episodes 2 --game roams:my/roams-v0 --json figures.json"
    assert cli.main(words.split()) == 0
    assert "controller" in json.loads((tmp_path / "figures.json").read_text())


def test_fewer_candidates_than_processes_are_refused_before_v_is_trained(tmp_path, monkeypatch, capsys):
    record("gamesim/Pacman-v0", "random", 2, tmp_path / "r", progress=False)
    monkeypatch.setattr("gamesim.training.tasks.Dataset", None)
    monkeypatch.setenv("WORLD_SIZE", "6")
    folders = ["--data", tmp_path / "r", "--out", tmp_path / "u"]
    words = ["train", "world-model-tiny", *folders, "controller.population=5"]
    assert cli.main([str(word) for word in words]) == 2
    assert "controller.population: 5 candidates for 6 processes" in capsys.readouterr().err


def test_the_card_says_how_the_game_is_made_and_what_its_actions_mean(tmp_path: Path):
    recipe = Recipe("toys/Nine-v0", {"steps": 9})
    record(recipe, "random", 6, tmp_path / "r", progress=False)
    words = ["training.steps=1", "training.log_every=1", "data.validation=0.3"]
    run = [
        "train",
        "gamegan-tiny",
        "--data",
        tmp_path / "r",
        "--out",
        tmp_path / "u",
        "--device",
        "cpu",
        *words,
    ]
    assert cli.main([str(word) for word in run]) == 0
    card = checkpoint.load(tmp_path / "u" / "last").card
    assert facts(card)["actions"] == "LEFT, RIGHT, UP, DOWN, FIRE, A, B, C, D"
    assert recipe_of(card, "x").kwargs == {"steps": 9}


def test_pictures_that_name_no_game_are_learned_and_their_speed_is_measured(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("gamesim.evaluation.speed.STEPS", 20)
    for tag in range(6):
        make_episode(9, tag, size=64, env_spec="").save(tmp_path / f"r{tag}.npz")
    words = ["training.steps=1", "training.log_every=1", "data.validation=0.3", "model.num_actions=5"]
    run = ["train", "gamegan-tiny", "--data", tmp_path, "--out", tmp_path / "u", "--device", "cpu", *words]
    assert cli.main([str(word) for word in run]) == 0
    found = evaluate(tmp_path / "u" / "last", 2)
    assert found["game"] is None and found["speed"]["median_ms"] > 0
    assert "which game it learned" in found["notes"][0]
