"""What the page and the command line may expect of any lab."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from gamesim.errors import UserError
from gamesim.labs import Entry, Given, entries, named
from gamesim.labs.controls import Button, Choice, Slider, Switch
from gamesim.labs.controls import check as check_controls
from gamesim.labs.panels import Bars, Curves, Lines, Picture, Traces, check

INSTALLED = [entry for entry in entries().values() if not entry.missing()]


def values(control):
    match control:
        case Slider():
            return [control.low, control.high, control.value]
        case Switch():
            return [not control.value, control.value]
        case Choice():
            return [*control.options, control.value]
        case Button():
            return [True]


@pytest.mark.slow
@pytest.mark.parametrize("entry", INSTALLED, ids=lambda entry: entry.name)
def test_a_lab_opens_runs_shows_and_obeys_each_control(entry):
    lab = entry.open(Given(seed=1))
    assert lab.steps >= 1
    check_controls(lab.controls)
    for control in lab.controls:
        for value in values(control):
            lab.set(control.name, value)
            lab.step()
    check_controls(lab.controls)
    panels = lab.view()
    assert panels and len({panel.title for panel in panels}) == len(panels)
    for panel in pickle.loads(pickle.dumps(panels)):
        check(panel)
        lab.point(panel.title, 0.5, 0.5)
    assert all(isinstance(value, float) and np.isfinite(value) for value in lab.figures().values())


@pytest.mark.parametrize(
    "panel",
    [
        Picture("x", np.zeros((4, 4, 3), np.float32)),
        Picture("x", np.zeros((4, 4), np.uint8)),
        Picture("x", np.zeros((0, 4, 3), np.uint8)),
        Curves("x", "step", {"a": [(1, 2, 3)]}),
        Curves("x", "step", {}, (1, 1)),
        Bars("x", ["a"], {"b": [1, 2]}),
        Bars("x", [], {"b": [1, 2], "c": [1]}),
        Lines("x", [("what", 3)]),
        Lines("x", [("what",)]),
    ],
)
def test_a_panel_that_cannot_be_drawn_is_named(panel):
    with pytest.raises(ValueError, match="panel 'x'"):
        check(panel)


def test_traces_are_chosen_by_name():
    traces = Traces()
    traces.add(1, {"a": 1.0, "b": 2.0})
    assert traces.lines("b", "c") == {"b": [(1.0, 2.0)]} and [*traces.lines()] == ["a", "b"]


@pytest.mark.parametrize(
    "controls",
    [
        [Slider("a", "A", 0, 1, 2)],
        [Slider("a", "A", 0, 1, float("nan"))],
        [Choice("a", "A", ("b", "c"), "d")],
        [Button("a", "A"), Switch("a", "A")],
    ],
)
def test_controls_that_no_page_can_have_are_named(controls):
    with pytest.raises(ValueError, match="control"):
        check_controls(controls)


def test_the_page_about_labs_lists_them_all():
    page = (Path(__file__).resolve().parents[2] / "docs" / "labs" / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \W(\w+)", page, re.MULTILINE)
    assert [name for name in entries() if name not in listed] == []


@pytest.mark.parametrize("entry", entries().values(), ids=lambda entry: entry.name)
def test_a_paper_is_named_by_its_authors_its_year_and_its_number(entry):
    assert re.fullmatch(r".+ \d{4} \(arXiv \d{4}\.\d{4,5}\)", entry.paper)
    assert re.fullmatch(r".+ \d{4}", entry.authors)


def test_a_lab_without_its_extra_says_which_one():
    entry = Entry("x", "X", "", "", "nowhere:X", needs=(("no_such_module", "labs"),))
    with pytest.raises(UserError, match=r"needs the extra labs: pip install 'gamesim\[labs\]'"):
        entry.open(Given())


def test_an_unknown_lab_is_one_line():
    with pytest.raises(UserError, match="lab must be one of"):
        named("nothing")
