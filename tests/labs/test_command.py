"""`main.py lab`: the same page, pictures and figures without a window; wrong words are one line."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import toy_lab
from gamesim import labs
from gamesim.cli import main
from recordings import make_episode
from toy_lab import LACKING, TOY, toy


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    found = {entry.name: entry for entry in (TOY, LACKING, toy("Finite"), toy("Refusing"))}
    monkeypatch.setattr(labs, "entries", lambda: found)


def headless(out, *words, name="toy"):
    return main(["lab", name, "--headless", "--out", str(out), *words])


def test_it_writes_the_page_each_picture_and_the_figures(tmp_path, capsys):
    assert headless(tmp_path / "a" / "b", "--steps", "7") == 0
    out = tmp_path / "a" / "b"
    assert {file.name for file in out.iterdir()} == {
        "page.png", "board.png", "sign-map.png", "attacked.png", "samples.png", "figures.json",
    }  # fmt: skip
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((out / "figures.json").read_text()) == {"steps": 7.0, "told": 0.0}
    assert Image.open(out / "page.png").width == 1280


def test_pictures_are_enlarged_by_whole_factors(tmp_path):
    headless(tmp_path, "--steps", "1")
    board = np.asarray(Image.open(tmp_path / "board.png"))
    assert board.shape == (420, 420, 3)
    assert (board == np.kron(board[2::5, 2::5], np.ones((5, 5, 1), np.uint8))).all()


def test_nothing_of_the_page_is_cut_off(tmp_path, monkeypatch):
    usual = toy_lab.Toy.view

    def longer(self):
        return [*usual(self), *(toy_lab.Curves(f"More {i}", "step", {}) for i in range(12))]

    headless(tmp_path)
    before = Image.open(tmp_path / "page.png").height
    monkeypatch.setattr(toy_lab.Toy, "view", longer)
    headless(tmp_path)
    assert Image.open(tmp_path / "page.png").height > before + 400


def test_without_a_number_of_steps_it_takes_those_of_the_lab(tmp_path, capsys):
    headless(tmp_path)
    assert json.loads(capsys.readouterr().out)["steps"] == toy_lab.Toy.steps


def test_it_ends_where_the_lab_has_nothing_left_to_do(tmp_path, capsys):
    headless(tmp_path, "--steps", "100", name="finite")
    assert json.loads(capsys.readouterr().out)["steps"] == 5


def test_controls_and_the_seed_reach_the_lab(tmp_path, monkeypatch, capsys):
    made = []
    usual = toy_lab.Toy.__init__
    monkeypatch.setattr(
        toy_lab.Toy, "__init__", lambda self, given: (made.append(self), usual(self, given))[1]
    )
    words = ["--set", "size=9", "size=7", "kind=ghost", "--set", "norm=off", "walk=press", "--seed", "9"]
    assert headless(tmp_path, *words) == 0
    (lab,) = made
    assert lab.told == [("size", 7.0), ("kind", "ghost"), ("norm", False), ("walk", True)]
    assert lab.given.seed == 9
    assert "gamesim: warning: 'size' is given twice: size=7 counts\n" in capsys.readouterr().err


def test_without_a_name_it_lists_all_labs_and_what_they_lack(capsys):
    assert main(["lab"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["toy", "lacking", "finite", "refusing"]
    assert TOY.title in lines[0] and TOY.paper in lines[0] and "pip install" not in lines[0]
    assert "pip install 'gamesim[labs]'" in lines[1]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nothing"], "lab must be one of toy, lacking, finite, refusing, not 'nothing'"),
        (["lacking"], "needs the extra labs: pip install 'gamesim[labs]'"),
        (["toy", "--headless"], "--out is missing"),
        (["toy", "--out", "x"], "--out works with --headless only"),
        (["toy", "--steps", "3"], "--steps works with --headless only"),
        (["toy", "--headless", "--out", "x", "--steps", "-1"], "'-1' is not a whole number"),
        (["toy", "--headless", "--out", "file"], "file: not a folder"),
        (["toy", "--headless", "--out", "file/x"], "file/x: is inside a file"),
        (["toy", "--headless", "--out", "x", "--data", "y"], "y: there is no such folder of recordings"),
        (["toy", "--headless", "--out", "x", "--data", "empty"], "empty: it contains no recordings"),
        (["toy", "--headless", "--out", "x", "--checkpoint", "y"], "y: no such model"),
        (["toy", "--headless", "--out", "x", "--set", "siz=1"], "control must be one of size, heat, norm"),
        (["toy", "--headless", "--out", "x", "--set", "size"], "'size' is not NAME=VALUE"),
        (
            ["toy", "--headless", "--out", "x", "--set", "size=17"],
            "size must be a number from 0 to 16, not '17'",
        ),
        (["toy", "--headless", "--out", "x", "--set", "size=nan"], "size must be a number from 0 to 16"),
        (["toy", "--headless", "--out", "x", "--set", "size=many"], "size must be a number from 0 to 16"),
        (["toy", "--headless", "--out", "x", "--set", "size=1.5"], "in steps of 1, not '1.5'"),
        (["toy", "--headless", "--out", "x", "--set", "norm=maybe"], "norm must be one of on, off"),
        (["toy", "--headless", "--out", "x", "--set", "kind=dog"], "kind must be one of wall, food, ghost"),
        (["toy", "--headless", "--out", "x", "--set", "walk=1"], "walk must be one of press"),
        (["toy", "--set", "siz=1"], "control must be one of size"),
        (["toy", "--data", "y"], "y: there is no such folder of recordings"),
        (["refusing", "--headless", "--out", "x"], "it wants a model of places"),
        (["--steps", "3"], "NAME is missing"),
    ],
)
def test_bad_input_is_one_line_before_any_step(words, complaint, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(toy_lab.Toy, "step", lambda self: pytest.fail("a step was taken"))
    assert main(["lab", *words]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and complaint in captured.err
    assert captured.out == "" and not (tmp_path / "x").exists()


def test_without_headless_the_app_opens_on_the_lab(monkeypatch):
    opened = []
    monkeypatch.setattr("gamesim.app.lab", lambda *given: opened.append(given) or 0)
    assert main(["lab", "toy", "--seed", "3", "--set", "size=7"]) == 0
    assert opened == [(TOY, labs.Given(seed=3), {"size": 7.0})]


@pytest.mark.parametrize("where", [("--headless", "--out", "x"), ()], ids=["headless", "in a window"])
@pytest.mark.parametrize("data", [".", "nowhere"])  # it is not even read
def test_what_a_lab_would_not_look_at_is_refused(where, data, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_episode(9, size=84).save(tmp_path / "e.npz")
    monkeypatch.setattr(labs, "entries", lambda: {"toy": replace(TOY, reads=("checkpoint",))})
    monkeypatch.setattr(toy_lab.Toy, "step", lambda self: pytest.fail("a step was taken"))
    assert main(["lab", "toy", *where, "--data", data]) == 2
    assert capsys.readouterr().err == "gamesim: the lab toy takes no --data\n"


def test_a_lab_that_was_trained_anew_opens_with_its_own_weights(tmp_path, monkeypatch):
    reading = replace(TOY, reads=("weights",))
    monkeypatch.setattr(labs, "entries", lambda: {"toy": reading})
    (tmp_path / "model.safetensors").touch()
    opened = []
    monkeypatch.setattr("gamesim.app.lab", lambda *given: opened.append(given) or 0)
    assert main(["lab", "toy", "--checkpoint", str(tmp_path)]) == 0
    assert opened == [(reading, labs.Given(checkpoint=tmp_path), {})]
