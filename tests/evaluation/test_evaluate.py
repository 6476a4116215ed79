"""Evaluating a checkpoint: what is measured, what is asked for, and what the table says."""

import json
import math

import numpy as np
import pytest
import torch

from gamesim import checkpoint
from gamesim.config import load
from gamesim.errors import UserError
from gamesim.evaluation import FLOORS, evaluate, game_of, missed, plain, table
from gamesim.evaluation.play import real_episodes
from gamesim.evaluation.speed import speed, step_times
from worlds import Frozen, Ideal, Network


@pytest.fixture(scope="module")
def starts():
    real = real_episodes("gamesim/Pacman-v0", 2, 4, 1)
    return checkpoint.Starts(torch.from_numpy(real.frames[:2, :4]), torch.from_numpy(real.actions[:2, :3]))


@pytest.fixture
def save(starts, tmp_path, monkeypatch):
    monkeypatch.setattr("gamesim.models.build", Network)

    def save(game):
        card = {"game": game} if game else {}
        weights = Network().state_dict()
        checkpoint.save(
            tmp_path / "e", weights=weights, config=load("gamegan-tiny"), starts=starts, card=card
        )
        return tmp_path / "e"

    return save


def test_the_figures_of_a_checkpoint_are_json_and_go_onto_its_card(save, capsys):
    folder = save("gamesim/Pacman-v0")
    figures = evaluate(folder, episodes=4, progress=True)
    assert (figures["game"], figures["episodes"], figures["seed"]) == ("gamesim/Pacman-v0", 4, 0)
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    assert 0 <= figures["rules"]["moves_obeyed"] <= 1
    assert 0 < figures["speed"]["median_ms"] <= figures["speed"]["p99_ms"]
    assert "moves_obeyed" in capsys.readouterr().err
    checkpoint.update_metrics(folder, figures)
    assert checkpoint.load(folder).metrics == figures
    assert "kept_25" in (folder / "README.md").read_text()


def test_a_game_whose_dreams_cannot_be_decoded_is_timed_only(save):
    figures = evaluate(save("gamesim/PacmanArcade-v0"), episodes=2)
    assert figures["rules"] is None
    assert "not measured" in table(figures)


def test_a_card_that_names_no_game_is_an_error(save):
    with pytest.raises(UserError, match="does not say which game"):
        evaluate(save(None))
    with pytest.raises(UserError, match="Chess"):
        game_of("| game | Chess-v0 |", "here")


def test_the_table_names_what_was_missed_and_only_that():
    good = {name: low if high == 1.0 else (low + high) / 2 for name, (low, high) in FLOORS.items()}
    speeds = {name: good.pop(name) for name in ("median_ms", "p99_ms")}
    figures = {"game": "g", "episodes": 1, "seed": 0, "rules": good, "speed": speeds}
    assert missed(figures) == []
    assert "MISSED" not in table(figures)
    figures["rules"] = good | {"kept_25": 0.89, "ratio_ghost": 2.1, "ratio_flag": None}
    assert missed(figures) == ["kept_25", "ratio_ghost"]
    assert table(figures).count("MISSED") == 2


def test_what_was_not_counted_has_no_number():
    assert plain({"a": math.nan, "b": math.inf, "c": 0.5}) == {"a": None, "b": None, "c": 0.5}


def test_speed_is_that_of_dreaming_on_and_leaves_the_threads_alone(starts):
    before = torch.get_num_threads()
    # An engine that holds every step for the end would otherwise be timed beginning anew.
    times = step_times((Ideal(end_after=1), starts), lanes=2, steps=10)
    assert times.shape == (10,)
    assert (times > 0).all()
    figures = speed((Frozen(), starts), steps=30)
    assert 0 < figures["median_ms"] < figures["p99_ms"] < 1000
    assert torch.get_num_threads() == before
    assert np.isfinite(list(figures.values())).all()
