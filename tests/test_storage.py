"""Holding a run folder, and looking whether it is held."""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gamesim import locks, storage

fcntl = pytest.importorskip("fcntl")


def test_who_holds_a_folder_can_be_asked_while_it_is_held(tmp_path: Path):
    assert locks.holder(tmp_path) is None
    with locks.claimed(tmp_path):
        assert locks.holder(tmp_path) == os.getpid()
    assert locks.holder(tmp_path) is None


def test_looking_does_not_hinder_claiming(tmp_path: Path):
    with locks.claimed(tmp_path):
        pass
    with (tmp_path / ".lock").open("rb") as file:  # somebody looks at this very moment
        fcntl.flock(file, fcntl.LOCK_SH)
        threading.Timer(0.15, lambda: fcntl.flock(file, fcntl.LOCK_UN)).start()
        with locks.claimed(tmp_path):
            assert locks.holder(tmp_path) == os.getpid()


def test_a_reader_finds_a_folder_that_a_writer_moves_aside_while_it_is_read(tmp_path: Path, monkeypatch):
    """Between a writer's two renames it is the same folder in another place: nothing is missing."""
    how = {"kind": "a kind", "version": 1}
    folder, aside = tmp_path / "engine", tmp_path / ".engine.old"
    storage.write_folder(folder, {"weights": b"1"}, **how)
    parse, parsed = json.loads, []

    def moved_aside_after_the_first_manifest(text):
        if not parsed:
            folder.rename(aside)
        parsed.append(text)
        return parse(text)

    monkeypatch.setattr(json, "loads", moved_aside_after_the_first_manifest)
    assert storage.read_folder(folder, **how)["weights"] == b"1"
    assert len(parsed) == 2


def test_what_somebody_keeps_beside_the_sealed_files_outlives_a_new_version(tmp_path: Path, monkeypatch):
    how = {"kind": "a kind", "version": 1}
    folder, aside = tmp_path / "engine", tmp_path / ".engine.old"
    storage.write_folder(folder, {"weights": b"1", "figures": b"1"}, **how)
    (folder / "notes.txt").write_text("mine")
    (folder / "films").mkdir()
    (folder / "films" / "one.gif").write_bytes(b"GIF")
    storage.write_folder(folder, {"weights": b"2"}, **how)
    assert sorted(os.listdir(folder)) == ["films", "manifest.json", "notes.txt", "weights"]
    assert (folder / "films" / "one.gif").exists() and not aside.exists()

    def killed(synced: Path):
        if synced == tmp_path:  # right after the swap
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(storage, "sync_folder", killed)
        with pytest.raises(KeyboardInterrupt):
            storage.write_folder(folder, {"weights": b"3"}, **how)
    storage.write_folder(folder, {"weights": b"4"}, **how)
    assert (folder / "notes.txt").read_text() == "mine" and storage.read_folder(folder, **how)


def test_two_writers_at_once_leave_one_whole_folder(tmp_path):
    """As two exports to one folder: each wrote into what the other had begun, and left a damaged one."""
    place = tmp_path / "model"

    def write(writer):
        for turn in range(25):
            storage.write_folder(place, {"a": bytes([writer, turn]) * 50_000}, kind="k", version=1)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, (1, 2)))
    assert len(storage.read_folder(place, kind="k", version=1)["a"]) == 100_000
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("name", ["x" * 250 + ".json", "\N{VIDEO GAME}" * 62 + ".gif"])
def test_a_name_may_be_as_long_as_the_system_allows(tmp_path: Path, name: str):
    storage.write_file(tmp_path / name, b"1")
    assert (tmp_path / name).read_bytes() == b"1" and len(list(tmp_path.iterdir())) == 1
