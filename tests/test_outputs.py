"""What cannot be written is said before the work, in one line, and nothing is left behind."""

import errno
import os
import tempfile
from pathlib import Path

import pytest

from gamesim import cli, outputs, storage
from gamesim.errors import UserError


@pytest.fixture
def full(monkeypatch):
    """The disk is full."""

    def no_room(*_, dir, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "TemporaryFile", no_room)


def test_a_place_that_can_be_written_is_left_as_it_was(tmp_path):
    outputs.check_file(tmp_path / "a.json")
    outputs.check_folder(tmp_path / "new" / "one" / "in" / "another")
    outputs.check_sealed(tmp_path / "engine")
    assert not list(tmp_path.iterdir())


def test_what_is_wrong_is_named(tmp_path):
    (tmp_path / "file").touch()
    cases = [
        (outputs.check_file, tmp_path, "is a folder"),
        (outputs.check_file, os.devnull, "not a file"),
        (outputs.check_file, tmp_path / "no" / "a.json", "no such folder"),
        (outputs.check_file, tmp_path / "file" / "a.json", "no such folder"),
        (outputs.check_folder, tmp_path / "file", "not a folder"),
        (outputs.check_folder, tmp_path / "file" / "a" / "b", "is inside a file"),
        (outputs.check_sealed, tmp_path / "file" / "a", "not a folder"),
    ]
    for check, place, words in cases:
        with pytest.raises(UserError, match=f"{words}$"):
            check(place)


def test_a_link_that_leads_nowhere_is_named_before_the_work(tmp_path):
    (tmp_path / "link").symlink_to("gone")
    for place in (tmp_path / "link", tmp_path / "link" / "a"):
        with pytest.raises(UserError, match=f"^{place}: the link {tmp_path / 'link'} leads nowhere$"):
            outputs.check_folder(place)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes and links, as Unix has them")
def test_no_file_takes_the_place_of_a_pipe_or_a_link(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match=r"pipe: not a file$"):
        storage.write_file(tmp_path / "pipe", b"new")
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    storage.write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "file").read_bytes() == b"new"
    assert sorted(place.name for place in tmp_path.iterdir()) == ["file", "link", "pipe"]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="a place that nobody may write, on Linux")
def test_a_place_without_rights_is_one_line():
    for check in (outputs.check_file, outputs.check_folder, outputs.check_sealed):
        with pytest.raises(UserError, match=r"^/proc/a\.json: cannot be written: "):
            check("/proc/a.json")


@pytest.mark.parametrize(
    "command",
    [
        "evaluate engine --json out.json",
        "evaluate engine --plots out",
        "evaluate engine --card",
        "temperature engine --data d --out out",
        "temperature engine --data d --out o --json out.json",
        "temperature engine --data d --out o --plot out.png",
        "temperature engine --data d --out o --card",
        "train gamegan-tiny --data d --out out",
        "record --env gamesim/Pacman-v0 --out out",
        "export engine --out out.gif",
        "export engine --out out.onnx",
        "export engine --out out",
        "export gamesim/Pacman-v0 --out out.gif",
        "export engine --beside gamesim/Pacman-v0 --out out.gif",
    ],
)
def test_every_command_tries_out_its_places_first(tmp_path, monkeypatch, capsys, full, command):
    """There are no recordings, and the model cannot be read: the full disk is what they complain of."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "manifest.json").write_text("{}")
    assert cli.main(command.split()) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "cannot be written: the disk is full" in said[0]
    assert [path.name for path in tmp_path.iterdir()] == ["engine"]


@pytest.mark.extra("matplotlib")
def test_a_picture_of_no_known_kind_is_refused_before_the_work(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "manifest.json").write_text("{}")
    assert cli.main(["temperature", "engine", "--data", "d", "--out", "o", "--plot", "a.xyz"]) == 2
    assert "a.xyz: the name of a picture ends in one of" in capsys.readouterr().err
