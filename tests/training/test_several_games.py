"""Several games in one folder: said, counted, and only the chosen one is trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_fitting import TINY

from gamesim import checkpoint, cli, config
from gamesim.data.dataset import Dataset
from gamesim.data.game import choose, games, recorded_game
from gamesim.errors import UserError
from gamesim.training.fitting import continued, fitted
from recordings import make_episode

NINE, OTHER = '{"id": "toys/Nine-v0", "kwargs": {}}', '{"id": "toys/Other-v0", "kwargs": {}}'


def fill(folder: Path, spec: str, count: int, first: int = 0, **changes: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for tag in range(first, first + count):
        make_episode(12, tag, 64, env_spec=spec, **changes).save(folder / f"e{tag:03d}.npz")


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Seven episodes of Nine, four of Other in a subfolder, and one that does not say what it is."""
    fill(tmp_path / "mix", NINE, 7)
    fill(tmp_path / "mix" / "more", OTHER, 4, 100)
    fill(tmp_path / "mix", "", 1, 200)
    return tmp_path / "mix"


def train(data: Path, out: Path, *words: str) -> int:
    run = ["train", "tilemap", "--data", str(data), "--out", str(out), "--device", "cpu"]
    return cli.main([*run, "data.validation=0.3", *TINY["tilemap"], *words])


def test_the_games_of_a_folder_are_counted(mixed: Path) -> None:
    assert games(mixed) == {"toys/Nine-v0": 7, "toys/Other-v0": 4, "unknown": 1}
    assert games(mixed / "more") == {"toys/Other-v0": 4}


def test_one_game_is_taken_several_are_a_question(mixed: Path) -> None:
    assert choose(mixed / "more", None) == "toys/Other-v0"
    assert choose(mixed, "toys/Other-v0") == "toys/Other-v0" and choose(mixed, "unknown") == "unknown"
    with pytest.raises(UserError, match=r"toys/Nine-v0 \(7 games\), toys/Other-v0 \(4 games\), unknown"):
        choose(mixed, None)
    with pytest.raises(UserError, match=r"no recordings of toys/Nin-v0, only of toys/Nine-v0 \(7"):
        choose(mixed, "toys/Nin-v0")


@pytest.mark.parametrize("resume", [(), ("--resume",)])
def test_several_games_without_a_choice_are_refused_before_anything_is_made(
    mixed: Path, tmp_path: Path, capsys: Any, resume: tuple[str, ...]
) -> None:
    assert train(mixed, tmp_path / "run", *resume) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "--game" in line]
    assert "toys/Nine-v0 (7 games), toys/Other-v0 (4 games), unknown (1 game)" in line
    assert not (tmp_path / "run").exists()


def test_the_chosen_game_is_trained_on_and_gone_on_with(mixed: Path, tmp_path: Path, capsys: Any) -> None:
    run = tmp_path / "run"
    assert train(mixed, run, "--game", "toys/Other-v0", "training.steps=1") == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith("recordings: toys/Nine-v0 (7 games), toys/Other-v0 (4 games)")
    assert line.endswith("; training on toys/Other-v0; rewards in units of 2.5")
    card = checkpoint.load(run / "last").card
    assert "| game | toys/Other-v0 |" in card and "3 episodes" in card
    assert train(mixed, run, "--resume", "training.steps=2") == 0, "its own game, out of several"
    assert "training on toys/Other-v0" in capsys.readouterr().out
    assert train(mixed, run, "--resume", "--game", "toys/Nine-v0", "training.steps=3") == 2
    assert "data.game: is toys/Nine-v0 here but toys/Other-v0 in" in capsys.readouterr().err
    fill(tmp_path / "other", NINE, 5)
    assert train(tmp_path / "other", run, "--resume", "training.steps=3") == 2
    assert "contains no recordings of toys/Other-v0, only of toys/Nine-v0" in capsys.readouterr().err


def test_a_data_set_holds_the_chosen_game_alone(mixed: Path) -> None:
    data = Dataset(mixed, segment=4, split="all", game="toys/Other-v0")
    assert data.num_episodes == 4 and json.loads(data.env_spec)["id"] == "toys/Other-v0"
    assert Dataset(mixed, segment=4, split="all").num_episodes == 12
    with pytest.raises(UserError, match="no recordings of toys/Four-v0"):
        Dataset(mixed, segment=4, game="toys/Four-v0")


def test_a_game_is_asked_for_its_own_frames_and_actions(tmp_path: Path) -> None:
    fill(tmp_path, NINE, 5)
    make_episode(6, 9, size=84, env_spec=OTHER).save(tmp_path / "odd.npz")
    assert recorded_game(tmp_path, "toys/Other-v0").height == 84
    assert recorded_game(tmp_path, "toys/Nine-v0").height == 64


def test_the_choice_stands_in_the_config(mixed: Path) -> None:
    chosen = fitted(config.load("gamegan", ["data.game=toys/Other-v0"]), str(mixed))
    assert config.parse(chosen.dump(), "a run").data.game == "toys/Other-v0"
    assert fitted(config.load("gamegan"), str(mixed / "more")).data.game == "toys/Other-v0"


def test_a_run_of_an_earlier_release_goes_on(mixed: Path) -> None:
    """Its config does not say which game it learned, nor a scale."""
    before = config.load("gamegan")
    again = fitted(continued(config.load("gamegan"), before), str(mixed / "more"))
    assert again.model.reward_scale == 1 and again.data.game == "toys/Other-v0"


def test_an_id_with_its_module_is_the_same_game(tmp_path: Path) -> None:
    """Recorded as `my_games:toys/Nine-v0` once, and by a program that had imported it already."""
    fill(tmp_path / "mix", NINE, 5)
    fill(tmp_path / "mix", NINE.replace("toys/", "my_games:toys/"), 3, 100)
    assert games(tmp_path / "mix") == {"toys/Nine-v0": 8}
    assert Dataset(tmp_path / "mix", segment=4, split="all", game="my_games:toys/Nine-v0").num_episodes == 8
    assert recorded_game(tmp_path / "mix", "other:toys/Nine-v0").height == 64
    chosen = fitted(config.load("gamegan", ["data.game=my_games:toys/Nine-v0"]), str(tmp_path / "mix"))
    assert chosen.data.game == "toys/Nine-v0"


def test_a_run_that_names_the_module_of_its_game_goes_on(mixed: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train(mixed, run, "--game", "toys/Other-v0", "training.steps=1") == 0
    file = run / "config.yaml"
    file.write_text(file.read_text().replace("game: toys/Other-v0", "game: my_games:toys/Other-v0"))
    assert train(mixed, run, "--resume", "training.steps=2") == 0
    assert train(mixed, run, "--resume", "--game", "my_games:toys/Other-v0", "training.steps=3") == 0


def test_a_game_that_was_recorded_with_different_actions_is_refused(tmp_path: Path, capsys: Any) -> None:
    """The third action of one is the second of the other: a model of both would learn neither."""
    data = tmp_path / "data"
    shown = {"name": "PixelEnv", "kwargs": {"size": 64, "levels": [3]}}
    levels = json.dumps({"id": "toys/Nine-v0", "kwargs": {}, "additional_wrappers": [shown]})
    fill(data, levels, 3, action_meanings=("LEFT", "NOOP", "RIGHT", "A", "B"))
    fill(data, NINE, 6, 100, action_meanings=("NOOP", "LEFT", "RIGHT", "A", "B"))
    fill(data, NINE, 1, 200)
    assert train(data, tmp_path / "run") == 2
    said = capsys.readouterr().err
    assert "its recordings have different actions" in said and "--levels 3" in said and "as usual" in said
    assert not (tmp_path / "run").exists()
