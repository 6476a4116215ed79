"""Evaluating a checkpoint: what is measured, what is asked for, and what the table says."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from gamesim import checkpoint
from gamesim.card import recipe_of
from gamesim.config import load
from gamesim.errors import UserError
from gamesim.evaluation.evaluate import evaluate, plain, table
from gamesim.evaluation.metrics import (
    Metric,
    Part,
    aims,
    flat,
    floors,
    missed,
    parts,
    register,
    remove,
    short_of,
)
from gamesim.evaluation.pacman.cells import real_episodes
from gamesim.evaluation.speed import memory, speed, step_times
from gamesim.registry import loaded
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


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr("gamesim.evaluation.speed.STEPS", 20)
    monkeypatch.setattr("gamesim.evaluation.subject.LONGEST", 31)
    monkeypatch.setattr("gamesim.evaluation.pacman.coming_home.LENGTHS", (2, 5))


def test_the_figures_of_a_checkpoint_are_json_and_go_onto_its_card(save, short, capsys):
    folder = save("gamesim/Pacman-v0")
    figures = evaluate(folder, episodes=4, progress=True)
    assert (figures["game"], figures["episodes"], figures["seed"]) == ("gamesim/Pacman-v0", 4, 0)
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    assert 0 <= figures["rules"]["moves_obeyed"] <= 1
    assert 0 < figures["speed"]["median_ms"] <= figures["speed"]["p99_ms"]
    assert figures["horizons"]["steps"] == figures["fidelity"]["steps"] == [1, 5, 10, 20]
    assert {"cells_2", "whole_5"} <= set(figures["home"])
    assert figures["diversity"]["same_z_same_future"] == 1
    assert "--vision" in figures["notes"][0]
    assert figures["aims_missed"] == short_of(figures) != {}
    shown = capsys.readouterr().err
    assert all(
        word in shown for word in ("moves_obeyed", "ghosts_legal", "cells_5", "psnr", "variety", "aims")
    )
    checkpoint.update_metrics(folder, figures)
    assert checkpoint.load(folder).metrics == figures
    card = (folder / "README.md").read_text()
    assert all(
        row in card for row in ("kept_25", "horizons.moves_free | [", "aims_missed.horizons.moves_free@1")
    )


def test_every_dream_that_is_judged_has_the_temperature_that_was_asked_for(save, short, monkeypatch):
    folder, seen = save("gamesim/Pacman-v0"), set()
    dream = Network.imagine

    def imagine(self, state, action, *, temperature, generator):
        seen.add(temperature)
        return dream(self, state, action, temperature=temperature, generator=generator)

    monkeypatch.setattr(Network, "imagine", imagine)
    monkeypatch.setattr("gamesim.evaluation.speed.cost", lambda *_: {})  # that of playing, at 1
    figures = evaluate(folder, episodes=2, temperature=0.5)
    assert seen == {0.5}
    assert figures["notes"][0] == "measured in dreams at temperature 0.5, not 1"


def test_distances_need_a_checkpoint_with_a_vision_and_nothing_is_dreamt_without(save, monkeypatch):
    folder = save("gamesim/Pacman-v0")
    dream = "gamesim.evaluation.pacman.cells.Dream"
    monkeypatch.setattr(dream, lambda *_, **__: pytest.fail("it was too late"))
    with pytest.raises(UserError, match="World Model"):
        evaluate(folder, episodes=2, vision=folder)


def test_distances_of_a_game_without_cells_are_refused(save):
    with pytest.raises(UserError, match="vision: no distances are measured of"):
        evaluate(save("CartPole-v1"), episodes=2, vision="checkpoints/world-model-places")


def test_a_device_that_is_not_there_is_an_error(save):
    with pytest.raises(UserError, match="frobnicator"):
        evaluate(save("gamesim/Pacman-v0"), episodes=2, device="frobnicator")


def test_a_game_whose_dreams_cannot_be_decoded_is_timed_only(save):
    figures = evaluate(save("gamesim/PacmanArcade-v0"), episodes=2)
    assert figures["rules"] is None
    assert "not measured" in table(figures)


def test_what_the_engine_s_own_controller_earns_is_among_the_figures(save, monkeypatch):
    def earned(model, loaded, episodes, seed):
        return {"real": 1.5, "random": -0.25, "episodes": episodes}

    monkeypatch.setattr("gamesim.evaluation.controller.figures_of", earned)
    figures = evaluate(save("gamesim/PacmanArcade-v0"), episodes=1)
    assert figures["controller"] == {"real": 1.5, "random": -0.25, "episodes": 2}
    assert "1.5000" in table(figures)


@pytest.mark.parametrize("number", [np.int64, np.uint8, torch.tensor])
def test_numbers_of_other_libraries_give_figures_for_json(save, number):
    figures = evaluate(save("gamesim/PacmanArcade-v0"), number(2), number(1), temperature=np.float32(0.5))
    assert json.loads(json.dumps(figures))["episodes"] == 2


@pytest.mark.parametrize(
    "asked",
    [
        {"episodes": 0},
        {"episodes": -1},
        {"episodes": 2.0},
        {"episodes": "2"},
        {"episodes": True},
        {"seed": -1},
        {"seed": 1.5},
        {"seed": 2**32},
        {"temperature": -1},
        {"temperature": math.nan},
        {"temperature": "1"},
    ],
)
def test_what_cannot_be_measured_is_named(save, asked):
    (name,) = asked
    with pytest.raises(UserError, match=f"^{name} must be "):
        evaluate(save("gamesim/Pacman-v0"), **asked)


def test_a_model_is_read_once_whatever_is_measured(save, monkeypatch):
    read, load = [], checkpoint.load  # what is swapped in meanwhile would be another model
    monkeypatch.setattr(checkpoint, "load", lambda folder, **how: read.append(folder) or load(folder, **how))
    evaluate(save("gamesim/PacmanArcade-v0"), episodes=2)
    assert len(read) == 1


def test_of_a_card_that_names_no_game_the_speed_alone_is_measured(save):
    figures = evaluate(save(None), episodes=2)
    assert figures["game"] is None and figures["rules"] is None and figures["speed"]["median_ms"] > 0
    assert any("does not say which game" in note for note in figures["notes"])
    with pytest.raises(UserError, match="Chess"):
        recipe_of("| game | Chess-v0 |", "here")


def test_the_table_names_what_was_missed_and_only_that():
    figures = {"game": "g", "episodes": 1, "seed": 0, "rules": {}, "speed": {}}
    for key, (low, high) in floors().items():
        part, name = key.split(".")
        figures[part][name] = low if high == 1.0 else (low + high) / 2
    assert missed(figures) == []
    assert "MISSED" not in table(figures)
    figures["rules"] |= {"kept_25": 0.89, "ratio_ghost": 2.1, "ratio_flag": None}
    assert missed(figures) == ["rules.kept_25", "rules.ratio_ghost"]
    assert table(figures).count("MISSED") == 2


def test_aims_are_missed_by_so_much_at_a_horizon_and_marked_in_the_table():
    figures = {
        "game": "g",
        "episodes": 1,
        "seed": 0,
        "horizons": {
            "steps": [1, 40, 100],
            "moves_free": [0.999, 0.9, 0.5],
            "undecodable": [0.0, 0.02, None],
        },
        "home": {"cells_5": 0.99, "cells_20": None},
        "diversity": {"ratio_wall": 1.25, "ratio_food": 0.8, "ratio_flag": 0.0},
    }
    assert flat(figures)["horizons.moves_free@40"] == 0.9
    assert short_of(figures) == {
        "horizons.moves_free@40": -0.095,
        "horizons.undecodable@40": 0.01,
        "diversity.ratio_wall": 0.15,
        "diversity.ratio_food": -0.1,
    }
    lines = table(figures).splitlines()
    assert next(line for line in lines if line.startswith("  moves_free")).count("*") == 1
    assert "* misses 4 of 7 aims" in lines[-1]
    assert all(low <= high for low, high in aims().values())


def test_what_was_not_counted_has_no_number():
    found = plain({"a": math.nan, "b": math.inf, "c": 0.5, "d": [math.nan, 0.123456, 7]})
    assert found == {"a": None, "b": None, "c": 0.5, "d": [None, 0.1235, 7]}


def test_speed_is_that_of_dreaming_on_and_leaves_the_threads_alone(starts):
    before = torch.get_num_threads()
    # An engine that holds every step for the end would otherwise be timed beginning anew.
    times = step_times((Ideal(end_after=1), starts), lanes=2, steps=10)
    assert times.shape == (10,)
    assert (times > 0).all()
    figures = speed((Frozen(), starts), steps=30)
    assert 0 < figures["median_ms"] <= figures["p99_ms"]
    assert torch.get_num_threads() == before
    assert np.isfinite(list(figures.values())).all()


def test_memory_is_that_of_the_weights_and_of_one_dream(save, short):
    weights, state = {"w": torch.zeros(2**18)}, {"frame": torch.zeros(2**20, dtype=torch.uint8)}
    assert memory(weights, state) == 2
    figures = evaluate(save("gamesim/Pacman-v0"), episodes=2)
    assert set(figures["speed"]) >= {"median_ms", "p99_ms", "memory_mib"}
    assert 0 < figures["speed"]["memory_mib"] < 1


def test_a_game_in_another_look_is_judged_by_its_own_tiles():
    night, garden = (real_episodes(f"gamesim/Pacman{look}-v0", 2, 4, 3) for look in ("", "Garden"))
    assert (night.theme, garden.theme) == ("night", "garden")
    assert garden.lanes(slice(0, 1)).theme == "garden"
    np.testing.assert_array_equal(night.cells, garden.cells)
    assert not garden.distance.any() and (night.frames != garden.frames).any()


def brightness(subject):
    """A metric of one's own: how bright the frames are that dreams begin with."""
    return {"mean": float(subject.starts.frames.float().mean())}


def test_a_metric_of_one_s_own_is_measured_shown_and_held_to_its_floor(save):
    bright = Metric("mean", "How bright it is", unit="of 255", floor=(300.0, 400.0))
    register(Part("brightness", "how bright (floor)", f"{__name__}:brightness", (bright,)))
    try:
        figures = evaluate(save("gamesim/PacmanArcade-v0"), episodes=2)
        assert 0 < figures["brightness"]["mean"] < 255
        assert missed({"brightness": figures["brightness"]}) == ["brightness.mean"]
        shown = table(figures)
        assert "how bright (floor)" in shown and "300 to 400" in shown and "MISSED" in shown
    finally:
        remove("brightness")


def test_every_part_is_computed_by_a_function_and_explained_on_the_page():
    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    for part in parts().values():
        assert callable(loaded(part.compute)) and f"| `{part.name}` |" in page
