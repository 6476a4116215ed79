"""What comes with gamesim is found wherever one stands, and nothing in the current folder hides it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fake_task import starts
from gamesim import checkpoint, cli, config, shipped
from gamesim.app.library import catalog
from gamesim.app.library.workshop import Workshop
from gamesim.cli import doctor
from gamesim.errors import UserError

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = sorted(path.name for path in (ROOT / "checkpoints").iterdir() if path.name != "labs")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def workshop(folder):
    return Workshop(shipped.model_folders(), folder / "recordings", folder / "data")


def save(folder, preset="gamegan-tiny"):
    checkpoint.save(folder, weights={}, config=config.load(preset), starts=starts(), card={})
    return folder


def test_shipped_models_are_found_from_anywhere(elsewhere):
    assert sorted(title.checkpoint.name for title in workshop(elsewhere).shipped()) == SHIPPED
    assert (shipped.folder("assets") / "sprites.png").is_file()


@pytest.mark.parametrize("word", ["tilemap-maze", "checkpoints/tilemap-maze", "./checkpoints/tilemap-maze/"])
def test_a_shipped_model_can_be_named(elsewhere, word):
    folder = ROOT / "checkpoints" / "tilemap-maze"
    assert shipped.locate(word) == folder
    assert checkpoint.load(word).folder == folder
    assert catalog.title_of(word).checkpoint == folder


def test_a_model_that_is_there_comes_before_a_shipped_one_of_its_name(elsewhere):
    mine = save(elsewhere / "checkpoints" / "tilemap-maze")
    for word in (mine, "checkpoints/tilemap-maze"):
        assert checkpoint.load(word).config.system == "gamegan"
    assert checkpoint.load("tilemap-maze").config.system == "tilemap"
    (elsewhere / "tilemap-maze").mkdir()  # a folder of that name is no model
    assert checkpoint.load("tilemap-maze").config.system == "tilemap"


@pytest.mark.parametrize(
    "word", ["nowhere", "checkpoints/nowhere", "a/checkpoints/tilemap-maze", "/", "..", "."]
)
def test_what_is_no_model_is_named_as_it_was_typed(elsewhere, word):
    assert shipped.locate(word) == Path(word)
    with pytest.raises(UserError, match=f"^{word}: "):
        checkpoint.load(word)


def test_a_foreign_folder_of_that_name_hides_nothing_and_its_own_models_are_listed(elsewhere, capsys):
    llama = elsewhere / "checkpoints" / "llama"
    llama.mkdir(parents=True)
    (llama / "config.yaml").write_text("hidden: 4096\n")
    (llama / "model.safetensors").touch()
    save(elsewhere / "checkpoints" / "mine")
    names = [title.checkpoint.name for title in workshop(elsewhere).shipped()]
    assert sorted(names) == sorted([*SHIPPED, "mine"])
    assert names[-1] == "mine"


def test_the_doctor_times_those_of_both_folders(elsewhere, capsys, monkeypatch):
    save(elsewhere / "checkpoints" / "mine")
    (elsewhere / "checkpoints" / "llama").mkdir()
    monkeypatch.setattr("gamesim.evaluation.speed.speed", lambda *_: {"median_ms": 10.0, "p99_ms": 9.0})
    assert doctor.check_models(None)
    said = capsys.readouterr().out
    assert [name in said for name in (*SHIPPED, "mine", "llama")] == [True] * (len(SHIPPED) + 1) + [False]


def test_a_folder_that_is_linked_is_not_listed_twice(elsewhere):
    (elsewhere / "checkpoints").symlink_to(ROOT / "checkpoints")
    assert shipped.model_folders() == [ROOT / "checkpoints"]


def test_a_dream_of_a_shipped_model_is_filmed_from_anywhere(elsewhere):
    words = ["export", "tilemap-maze", "--out", "x.gif", "--steps", "2", "--scale", "1"]
    assert cli.main(words) == 0
    assert (elsewhere / "x.gif").stat().st_size > 0


# ---------------------------------------------------------------------------------- a clone on Windows

NO_HELP = (
    "* text=auto !eol\n*.safetensors -text\n*.md text eol=crlf\n*.yaml text eol=crlf\n*.json text eol=crlf\n"
)
"""As if the repository said nothing about the ends of lines."""


@pytest.fixture(params=["as it is", "without .gitattributes"])
def clone(request, tmp_path):
    """A clone as Git for Windows makes it."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no clone of a repository")
    folder = tmp_path / "clone"
    source = git(ROOT, "rev-parse", "--path-format=absolute", "--git-common-dir").stdout.strip()
    options = ("-c", "core.autocrlf=true", "--quiet", "--shared", "--no-checkout")
    git(tmp_path, "clone", *options, source, str(folder))
    if request.param != "as it is":
        (folder / ".git" / "info" / "attributes").write_text(NO_HELP)
    git(folder, "checkout", "--quiet", "--detach", git(ROOT, "rev-parse", "HEAD").stdout.strip())
    return folder


def git(folder, *words):
    command = ["git", "-c", "safe.directory=*", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)


def python(folder, *words):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, timeout=250)


LOOK = """
import gymnasium as gym, gamesim, pathlib, sys
from gamesim import checkpoint, shipped
assert pathlib.Path(gamesim.__file__).is_relative_to(sys.argv[1])
for path in checkpoint.find(shipped.folder("checkpoints")):
    checkpoint.load_model(path, "cpu")
    print(path.name)
env = gym.make("gamesim/Dream-v0", checkpoint="tilemap-maze")
env.reset(seed=0)
print(env.step(1)[0].shape)
"""


@pytest.mark.slow
def test_a_clone_on_windows_has_all_models_and_they_dream(clone, request):
    crlf = b"\r\n" in (clone / "checkpoints" / "tilemap-maze" / "README.md").read_bytes()
    assert crlf == ("without" in request.node.callspec.id)
    found = python(clone, "-c", LOOK, str(clone))
    assert found.stdout.split("\n")[:-1] == [*SHIPPED, "(84, 84, 3)"], found.stderr


def test_no_file_in_the_repository_has_windows_line_ends():
    if not (ROOT / ".git").exists():
        pytest.skip("no clone of a repository")
    listed = git(ROOT, "ls-files", "--eol").stdout.splitlines()
    assert [line for line in listed if line.startswith(("i/crlf", "i/mixed"))] == []
    assert [line for line in listed if ".safetensors" in line and "attr/-text" not in line] == []
