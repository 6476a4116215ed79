"""Whatever ends a terminal, a job or a machine in an orderly way saves and leaves."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gamesim import signals
from gamesim.data.store.index import scan
from gamesim.signals import ENDING

pty = pytest.importorskip("pty", reason="signals of POSIX")
ROOT = Path(__file__).resolve().parent.parent
each_signal = pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)

ASKS = """
import time
from gamesim import signals
with signals.Asked() as it:
    print("ready", flush=True)
    while not it.asked:
        time.sleep(0.01)
    for _ in range(30):  # it saves
        time.sleep(0.01)
print("saved", flush=True)
"""
IS_HUNG_UP = """
import os, signal
from gamesim import signals
with signals.Asked() as it:
    for number in (signal.SIGHUP, signal.SIGTERM):
        os.kill(os.getpid(), number)
        print(bool(it.asked))
"""
IS_ENDED = """
import sys, time
from gamesim import cli
def wait(options):
    print("ready", flush=True)
    while True:
        time.sleep(0.01)
cli._doctor = wait
sys.exit(cli.main(["doctor"]))
"""


PATIENCE = 250  # seconds, however busy the machine; pytest's own is 300


def start(script):
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    command = [sys.executable, "-c", script]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, env=environment, text=True, **pipes)
    assert process.stdout.readline() == "ready\n"
    return process


@each_signal
def test_a_loop_is_asked_once_however_many_signals_come(number, capsys):
    with signals.Asked() as it:
        for each in {number, signal.SIGHUP, signal.SIGTERM}:
            os.kill(os.getpid(), each)
        assert it.asked
    assert capsys.readouterr() == ("", "\nsaving, then stopping (Ctrl-C again: stop at once)\n")


@pytest.mark.slow
def test_a_process_that_is_asked_saves_and_leaves():
    process = start(ASKS)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, "saved\n"), err


@pytest.mark.slow
def test_a_second_ctrl_c_is_for_those_who_cannot_wait():
    process = start(ASKS.replace("range(30)", "range(30_000)"))
    process.send_signal(signal.SIGINT)
    said = process.stderr.readline() + process.stderr.readline()
    assert said == "\nsaving, then stopping (Ctrl-C again: stop at once)\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=PATIENCE)[0] == ""


@pytest.mark.slow
@each_signal
def test_a_command_with_nothing_to_save_leaves_at_once_and_quietly(number):
    process = start(IS_ENDED)
    process.send_signal(number)
    assert process.communicate(timeout=PATIENCE) == ("", "")
    assert process.returncode == 128 + number


@pytest.mark.slow
def test_nohup_is_respected():
    words, environment = ["nohup", sys.executable, "-c", IS_HUNG_UP], dict(os.environ, PYTHONPATH=str(ROOT))
    done = subprocess.run(words, env=environment, text=True, capture_output=True, timeout=PATIENCE)
    assert done.stdout.split() == ["False", "True"], done.stderr


def recording(folder, **streams):
    """The bot plays short games for ever; it has saved some."""
    words = ["--env", "gamesim/Pacman-v0", "--policy", "random", "--episodes", "100000", "max_steps=5"]
    command = [sys.executable, "main.py", "record", "--out", str(folder), *words]
    process = subprocess.Popen(command, cwd=ROOT, text=True, **streams)
    while not list(folder.rglob("*.npz")):
        assert process.poll() is None
        time.sleep(0.02)
    return process


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_bot_saves_what_it_has_played(tmp_path, number):
    process = recording(tmp_path / "r", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.send_signal(number)
    if number != signal.SIGINT:
        process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    saved = len(scan(tmp_path / "r"))
    assert saved > 0
    assert out.startswith(f"stopped: {saved} game")


@pytest.mark.slow
def test_a_terminal_that_is_closed_loses_nothing(tmp_path):
    """Its processes are sent SIGHUP, and whatever they say from then on is refused."""
    here, there = pty.openpty()
    process = recording(tmp_path / "r", stdin=there, stdout=there, stderr=there)
    os.close(there)
    os.close(here)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=PATIENCE) == 0
    index = (tmp_path / "r" / "index.jsonl").read_text().splitlines()
    assert len(index) == len(list((tmp_path / "r").rglob("*.npz"))) > 0
