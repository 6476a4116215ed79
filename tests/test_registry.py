"""What other packages bring may be broken in every way: it is named in a line, and all else goes on."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from gamesim import registry
from gamesim.agents import policy
from gamesim.agents.record import record
from gamesim.data.store.index import scan
from gamesim.errors import UserError
from gamesim.evaluation import evaluate
from gamesim.evaluation.metrics import Part
from gamesim.labs import Entry, Given
from gamesim.registry import Registry
from gamesim.systems import System


class Panic(BaseException):
    """Such as one of a package that is written in Rust."""


class Named:
    name = "odd"


class Player:
    """Presses the first key, and breaks down at its third."""

    player, pressed = "agent", 0

    def act(self, frames, info):
        self.pressed += 1
        return np.zeros(len(frames), int) if self.pressed < 3 else boom()

    def reset(self, mask):
        pass


def boom(*_):
    raise Panic("two\nlines")


@pytest.fixture
def theirs(monkeypatch):
    """A module of another package, to which tests add what they need."""
    module = ModuleType("theirs")
    module.__dict__.update(boom=boom, GOOD=lab("good"), player=lambda *_: Player())
    monkeypatch.setitem(sys.modules, "theirs", module)
    return module


def lab(name):
    return Entry(name, "A lab", "About", "Paper", "theirs:boom")


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (None, "it is no gamesim.labs.Entry"),
        (Named, "it is no gamesim.labs.Entry"),
        (System("s", "S", "a:b", "a:b", ()), "it is no gamesim.labs.Entry"),
        (lab(5), "its name is no text"),
        (lab("ours"), "there is another one that is called 'ours'"),
    ],
)
def test_an_entry_that_is_of_no_use_is_left_out(entry, why, theirs, monkeypatch):
    """It ended every command with a traceback, or took the place of ours without a word."""
    theirs.BAD = entry
    points = [EntryPoint(name, f"theirs:{name}", "labs") for name in ("BAD", "GOOD")]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    entries = Registry(Entry, "labs", "labs")
    entries.register(ours := lab("ours"))
    with pytest.warns(UserWarning, match=f"^the labs of theirs:BAD are left out: {why}$"):
        assert list(entries.all()) == ["ours", "good"]
    assert entries.all()["ours"] is ours


def test_an_entry_point_may_panic(theirs, monkeypatch):
    monkeypatch.setattr(registry, "entry_points", lambda group: [SimpleNamespace(value="x:Y", load=boom)])
    with pytest.warns(UserWarning, match="^the labs of x:Y are left out: two lines$"):
        assert not Registry(Entry, "labs", "labs").all()


@pytest.mark.parametrize("name", ["nowhere:X", "theirs:nothing"])
def test_what_an_entry_names_may_not_be_there(name, theirs):
    with pytest.raises(UserError, match=f"^{name} failed: .*(nowhere|nothing)"):
        registry.loaded(name)


def test_a_lab_that_does_not_open_is_named(theirs):
    with pytest.raises(UserError, match=r"^theirs:boom failed: two lines$"):
        lab("broken").open(Given())


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (boom, "two lines"),
        (lambda *_: None, "'NoneType' object has no attribute 'player'"),
        (lambda *_: SimpleNamespace(player="me"), "its player must be one of human, .* not 'me'"),
    ],
)
def test_a_player_that_cannot_be_made_is_named(made, why, theirs, tmp_path, player):
    theirs.player = made
    with pytest.raises(UserError, match=f"^theirs:player failed: {why}$"):
        record("gamesim/Pacman-v0", "theirs", 2, tmp_path, progress=False)


@pytest.mark.parametrize("keys", [[5, 5], [-1, 0], [0.5, 0.5], [0], None])
def test_a_player_that_presses_no_key_is_named(keys, theirs, tmp_path, player, monkeypatch):
    monkeypatch.setattr(Player, "act", lambda *_: keys)
    with pytest.raises(UserError, match=r"^theirs:player failed: act must give 2 whole numbers from 0 to 4$"):
        record("gamesim/Pacman-v0", "theirs", 2, tmp_path, progress=False)


def test_what_was_played_until_a_player_broke_down_is_kept(theirs, tmp_path, player):
    why = rf"^theirs:player failed: two lines; saved before that: 2 games in {tmp_path}$"
    with pytest.raises(UserError, match=why):
        record("gamesim/Pacman-v0", "theirs", 2, tmp_path, progress=False)
    assert [entry.length for entry in scan(tmp_path)] == [2, 2]


@pytest.fixture
def player(theirs):
    policy.register(policy.Entry("theirs", "their player", "theirs:player"))
    yield
    policy.remove("theirs")


def test_a_metric_that_breaks_down_loses_no_other(theirs, monkeypatch):
    """It came after minutes of dreams, and all figures were gone."""
    theirs.fine, theirs.words = (lambda subject: {"mean": 1.0}), (lambda subject: {"mean": "bright"})
    names = ("boom", "words", "nothing", "fine")
    monkeypatch.setattr(
        evaluate, "parts", lambda: {name: Part(name, name, f"theirs:{name}") for name in names}
    )
    subject = SimpleNamespace(of_cells=False, notes=[])
    with pytest.warns(UserWarning, match="was not measured"):
        assert evaluate.measure(subject) == {"fine": {"mean": 1.0}}  # type: ignore[arg-type]
    assert subject.notes[0] == "boom was not measured: theirs:boom failed: two lines"
    assert [note.split()[0] for note in subject.notes] == ["boom", "words", "nothing"]
