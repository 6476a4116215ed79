"""A folder of recordings: everything in it is found, or named in one line, whatever lies there."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest

import gamesim  # noqa: F401 (registers the ids)
from gamesim.cli import main
from gamesim.data.dataset import Dataset
from gamesim.data.recorder import Recorder
from gamesim.data.store import journal, walk
from gamesim.data.store.index import scan
from gamesim.data.store.journal import SUFFIX, recover
from gamesim.data.store.verify import verify
from gamesim.errors import UserError
from recordings import make_episode


def save(folder: Path, name: str, tag: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    make_episode(6, tag).save(folder / f"{name}.npz")


def left_behind(folder: Path, steps: int = 5) -> Path:
    """The journal of a recorder that is no more."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as elsewhere:
        recorder = Recorder(gym.make("gamesim/PacmanMaze-v0", max_steps=20), Path(elsewhere))
        recorder.reset(seed=3)
        for step in range(steps):
            recorder.step(step % 5)
        recorder.flush()
        (written,) = Path(elsewhere).glob("*" + SUFFIX)
        copy = Path(shutil.copy(written, folder))  # which nobody holds
        recorder.close()
    return copy


def found(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Names of the episodes, and what was passed over."""
    passed: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [entry.file for entry in scan(folder, passed)], passed


@pytest.mark.parametrize("below", ["", "maze", "players/anna/maze"])
def test_a_journal_in_any_subfolder_becomes_an_episode(tmp_path: Path, below: str) -> None:
    path = left_behind(tmp_path / below)
    ((name,), passed) = found(tmp_path)
    assert name == path.relative_to(tmp_path).with_suffix(".npz").as_posix() and not passed
    assert not path.exists() and verify(tmp_path).same == 1


def test_recover_goes_as_deep_as_scan(tmp_path: Path) -> None:
    path = left_behind(tmp_path / "a" / "b")
    recover(tmp_path)
    assert not path.exists() and path.with_suffix(".npz").exists()


def test_training_and_verifying_the_parent_folder_find_it(tmp_path: Path, capsys: Any) -> None:
    left_behind(tmp_path / "maze")
    assert main(["record", "--verify", str(tmp_path)]) == 0
    assert "1 replay byte for byte" in capsys.readouterr().out
    left_behind(tmp_path / "garden")
    assert Dataset(tmp_path, segment=4, split="all").num_episodes == 2


def test_the_journal_of_a_living_process_is_named_and_not_touched(tmp_path: Path) -> None:
    with Recorder(gym.make("gamesim/PacmanMaze-v0", max_steps=20), tmp_path / "maze") as recorder:
        recorder.reset(seed=3)
        recorder.step(1)
        (path,) = (tmp_path / "maze").glob("*" + SUFFIX)
        before = path.read_bytes()
        with pytest.warns(UserWarning, match=rf"{path.name}: this game is still being recorded"):
            assert scan(tmp_path) == []
        assert path.read_bytes() == before
        recorder.step(2)
    assert [entry.length for entry in scan(tmp_path)] == [2]


def test_a_journal_that_ended_before_its_episode_was_removed_is_one_episode(tmp_path: Path) -> None:
    path = left_behind(tmp_path / "maze")
    data = path.read_bytes()
    recover(tmp_path)
    path.write_bytes(data)  # the process was killed between the two
    assert len(found(tmp_path)[0]) == 1 and not path.exists()


RECOVER = "import sys, gamesim.data.store.index as i; print(len(i.scan(sys.argv[1])))"


@pytest.mark.slow
def test_two_processes_that_recover_at_once_lose_nothing(tmp_path: Path) -> None:
    for _ in range(12):
        left_behind(tmp_path / "maze")
    words = [sys.executable, "-W", "ignore", "-c", RECOVER, str(tmp_path)]
    both = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        _, said = process.communicate(timeout=250)
        assert process.returncode == 0 and said == ""
    assert len(scan(tmp_path)) == 12 and verify(tmp_path).same == 12


def test_a_journal_that_another_process_has_just_rescued_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = left_behind(tmp_path)
    rescue = journal.rescue

    def late(file: Path) -> bool:
        assert rescue(file)
        return rescue(file)

    monkeypatch.setattr("gamesim.data.store.index.rescue", late)
    assert len(found(tmp_path)[0]) == 1 and not path.exists()


def test_where_nothing_can_be_written_the_journal_stays_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = left_behind(tmp_path / "maze")
    save(tmp_path, "other")

    def refuse(*_: Any, **__: Any) -> None:
        raise UserError("there: cannot be written: Read-only file system")

    monkeypatch.setattr("gamesim.storage.write_file", refuse)
    names, passed = found(tmp_path)
    assert names == ["other.npz"] and path.exists()
    why = passed[f"maze/{path.name}"]
    assert why.startswith(f"{path}: an unfinished recording could not be recovered: there: cannot be written")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.with_suffix(".npz").symlink_to("nowhere"), "a link that leads nowhere"),
        (lambda path: path.with_suffix(".npz").symlink_to("x.npz"), "a link that leads nowhere"),
        (lambda path: os.mkfifo(path.with_suffix(".npz")), "neither a file nor a folder"),
        (lambda path: path.with_suffix(".npz").write_text("hello"), "not a readable episode"),
        (lambda path: path.with_suffix(".npz").touch(), "not a readable episode"),
        (lambda path: path.with_suffix(SUFFIX).write_text("hello"), "it is not a journal"),
        (lambda path: path.with_suffix(SUFFIX).write_text("gamesim-journal-9\n"), "another version"),
        (lambda path: path.symlink_to(path.parent.parent), "a link to a folder that contains it"),
    ],
)
def test_what_cannot_be_an_episode_is_named(
    tmp_path: Path, make: Callable[[Path], object], why: str, capsys: Any
) -> None:
    folder = tmp_path / "recordings"
    save(folder, "good")
    make(folder / "x")
    names, passed = found(folder)
    assert names == ["good.npz"] and len(passed) == 1
    ((name, reason),) = passed.items()
    assert why in reason and str(folder / name) in reason
    assert main(["record", "--verify", str(folder)]) == 2
    assert f"{folder / name}: " in capsys.readouterr().out


def test_an_episode_of_another_version_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, "good")
    with monkeypatch.context() as later:
        later.setattr("gamesim.data.episode.VERSION", 7)
        make_episode(6, version=7).save(tmp_path / "late.npz")
    names, passed = found(tmp_path)
    assert names == ["good.npz"] and "its format version is 7" in passed["late.npz"]


def test_a_folder_that_cannot_be_read_is_named_and_the_others_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "mine", "good")
    save(tmp_path / "secret", "hidden")
    scandir = os.scandir

    def guarded(path: Path) -> Any:
        if Path(path).name == "secret":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    names, passed = found(tmp_path)
    assert names == ["mine/good.npz"]
    assert "cannot be read (no permission)" in passed["secret/"]
    monkeypatch.setattr(os, "scandir", lambda path: guarded(tmp_path / "secret"))
    with pytest.raises(UserError, match="no permission"):
        scan(tmp_path)


def test_links_are_followed_and_everything_is_found_once(tmp_path: Path) -> None:
    recordings, elsewhere = tmp_path / "recordings", tmp_path / "elsewhere"
    save(recordings / "maze", "one", 1)
    save(elsewhere / "deep", "two", 2)
    save(elsewhere, "three", 3)
    path = left_behind(elsewhere)
    (recordings / "more").symlink_to(elsewhere)
    (recordings / "again").symlink_to(elsewhere / "deep")
    (recordings / "alias").symlink_to("maze")
    (recordings / "maze" / "here").symlink_to(".")
    (elsewhere / "loop").symlink_to(elsewhere)
    (recordings / "a.npz").symlink_to(elsewhere / "three.npz")
    (recordings / "b.npz").symlink_to("maze/one.npz")
    names, passed = found(recordings)
    assert sorted(os.path.basename(os.path.realpath(recordings / name)) for name in names) == sorted(
        ["one.npz", "two.npz", "three.npz", path.with_suffix(".npz").name]
    )
    assert not passed
    linked = tmp_path / "link"
    linked.symlink_to(recordings)
    assert found(linked) == (names, {})


def test_a_link_to_a_journal_is_left_to_the_folder_that_holds_it(tmp_path: Path) -> None:
    path = left_behind(tmp_path / "other")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / f"x{SUFFIX}").symlink_to(path)
    names, passed = found(tmp_path / "mine")
    assert names == [] and "where it is recovered" in passed[f"x{SUFFIX}"] and path.exists()


def test_other_files_are_named_in_one_line(tmp_path: Path) -> None:
    save(tmp_path, "good")
    for name in ("notes.txt", "clip.gif", ".hidden"):
        (tmp_path / name).touch()
    with pytest.warns(UserWarning, match="2 files are not recordings: clip.gif, notes.txt"):
        assert len(scan(tmp_path)) == 1


def test_a_folder_may_be_very_deep_and_a_name_may_be_no_text(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(300):
        deep = deep / "d"
    save(deep, "one")
    os.rename(deep / "one.npz", os.fsencode(deep) + b"/\xff.npz")
    assert len(found(tmp_path)[0]) == 1
    assert Dataset(tmp_path, segment=4, split="all").num_episodes == 1


KILLED = """
import os, signal, sys
from pathlib import Path
import pygame
from app.driver import Driver
folder = Path(sys.argv[1])
app = Driver(folder / "none", folder).play("Maze")
app.press(pygame.K_COMMA)
app.down(pygame.K_RIGHT)
while app.session.world.recorder.steps < 5:
    app.frames(30)
print(app.session.world.recorder.steps, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_after_the_app_was_killed_the_page_training_and_verifying_find_the_game(
    tmp_path: Path, capsys: Any
) -> None:
    from gamesim.app.library.shelf import look

    paths = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    steps, recordings = int(done.stdout.split()[-1]), tmp_path / "recordings"
    (left,) = recordings.rglob("*" + SUFFIX)
    assert left.parent != recordings
    whole = left.read_bytes()
    listed, damaged = look([recordings])
    assert [each.entry.length for each in listed] == [steps] and not damaged
    for again in (
        lambda: main(["record", "--verify", str(recordings)]) == 0,
        lambda: Dataset(recordings, segment=4, split="all").num_episodes == 1,
    ):
        left.with_suffix(".npz").unlink()
        left.write_bytes(whole)
        assert again()
    assert "1 replay byte for byte" in capsys.readouterr().out


def test_a_whole_disk_is_refused_before_anything_there_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was walked for minutes, and its journals and its index were written, before anything was said."""
    monkeypatch.setattr(walk, "_MOST", 20)
    save(tmp_path / "games", "mine")
    waiting = left_behind(tmp_path / "games")
    assert [name for name in found(tmp_path)[0] if "mine" in name]
    waiting = left_behind(tmp_path / "games")
    (tmp_path / "index.jsonl").unlink()
    for number in range(30):
        (tmp_path / "usr" / str(number)).mkdir(parents=True)
        (tmp_path / "usr" / str(number) / "tool").touch()
    with pytest.raises(UserError, match=r"more than 20 other files.*Name the folder"):
        scan(tmp_path)
    assert waiting.exists() and not (tmp_path / "index.jsonl").exists()
    assert found(tmp_path / "games")[0]
