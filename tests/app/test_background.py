"""Threads that the window does not wait for."""

import subprocess
import sys
from pathlib import Path


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
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (3, "said\n"), done.stderr
    assert (tmp_path / "film").read_text() == "kept"
