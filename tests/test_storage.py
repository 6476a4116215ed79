"""Holding a run folder, and looking whether it is held."""

import os
import threading
from pathlib import Path

import pytest

from gamesim import storage

fcntl = pytest.importorskip("fcntl")


def test_who_holds_a_folder_can_be_asked_while_it_is_held(tmp_path: Path):
    assert storage.holder(tmp_path) is None
    with storage.claimed(tmp_path):
        assert storage.holder(tmp_path) == os.getpid()
    assert storage.holder(tmp_path) is None


def test_looking_does_not_hinder_claiming(tmp_path: Path):
    with storage.claimed(tmp_path):
        pass
    with (tmp_path / ".lock").open("rb") as file:  # somebody looks at this very moment
        fcntl.flock(file, fcntl.LOCK_SH)
        threading.Timer(0.15, lambda: fcntl.flock(file, fcntl.LOCK_UN)).start()
        with storage.claimed(tmp_path):
            assert storage.holder(tmp_path) == os.getpid()
