"""What the page and the command line may expect of any lab."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from gamesim.errors import UserError
from gamesim.labs import LABS, Entry, Given, named
from gamesim.labs.controls import Button, Choice, Slider, Switch
from gamesim.labs.panels import Bars, Curves, Lines, Picture

INSTALLED = [entry for entry in LABS if not entry.missing()]


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


def check(panel):
    assert panel.title
    match panel:
        case Picture():
            assert panel.pixels.dtype == np.uint8 and panel.pixels.ndim == 3 and panel.pixels.shape[2] == 3
        case Curves():
            assert all(len(point) == 2 for points in panel.lines.values() for point in points)
        case Bars():
            counts = {len(row) for row in panel.series.values()}
            assert len(counts) <= 1 and (not panel.names or counts <= {len(panel.names)})
        case Lines():
            assert all(len(row) == 2 for row in panel.rows)


@pytest.mark.parametrize("entry", INSTALLED, ids=lambda entry: entry.name)
def test_a_lab_opens_runs_shows_and_obeys_each_control(entry):
    lab = entry.open(Given(seed=1))
    assert lab.steps >= 1
    names = [control.name for control in lab.controls]
    assert len({*names}) == len(names)
    for control in lab.controls:
        for value in values(control):
            lab.set(control.name, value)
            lab.step()
    panels = lab.view()
    assert panels and len({panel.title for panel in panels}) == len(panels)
    for panel in pickle.loads(pickle.dumps(panels)):
        check(panel)
        lab.point(panel.title, 0.5, 0.5)
    assert all(isinstance(value, float) and np.isfinite(value) for value in lab.figures().values())


def test_the_page_about_labs_lists_them_all():
    page = (Path(__file__).resolve().parents[2] / "docs" / "labs" / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \W(\w+)", page, re.MULTILINE)
    assert [entry.name for entry in LABS if entry.name not in listed] == []


def test_a_lab_without_its_extra_says_which_one():
    entry = Entry("x", "X", "", "", "nowhere:X", needs=(("no_such_module", "labs"),))
    with pytest.raises(UserError, match=r"needs the extra labs: pip install 'gamesim\[labs\]'"):
        entry.open(Given())


def test_an_unknown_lab_is_one_line():
    with pytest.raises(UserError, match="lab must be one of"):
        named("nothing")
