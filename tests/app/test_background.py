"""Threads that the window does not wait for."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gamesim.app.background import give_back


def test_leaving_waits_for_what_must_not_be_lost_and_for_nothing_else(tmp_path: Path):
    code = (
        "import atexit, sys, threading, time\n"
        "from pathlib import Path\n"
        "from gamesim.app.background import Worker, leave\n"
        "def save(): time.sleep(0.3); Path(sys.argv[1]).write_text('kept')\n"
        "Worker('long').do(lambda: time.sleep(600))\n"
        "atexit.register(time.sleep, 600)\n"  # what Python would do on its own way out
        "threading.Thread(target=save).start()\n"
        "print('said')\n"
        "sys.exit(leave(3))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "film")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert (done.returncode, done.stdout) == (3, "said\n"), done.stderr
    assert (tmp_path / "film").read_text() == "kept"


def resident() -> float:
    """MiB of memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere nothing is known to be kept")
def test_memory_that_nobody_uses_is_given_back():
    pieces = [np.ones(100_000, np.uint8) for _ in range(1000)]
    del pieces[::2]  # what is between them is still in use
    before = resident()
    give_back()
    assert before - resident() > 20
