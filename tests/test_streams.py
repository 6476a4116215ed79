"""What is printed can be printed anywhere, and nothing is lost where nobody reads it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # each starts the command line

ROOT = Path(__file__).resolve().parent.parent
NAME = "naïve 👻 take odd\udce9byte"
STREAMS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "a Windows console": {"PYTHONIOENCODING": "cp1252"},
    "LANG=C": {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "UTF-8": {"PYTHONIOENCODING": "utf-8"},
    "unbuffered": {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "ascii"},
}

# A command that prints, shows a bar, warns, and then saves.
WORKS = """
import pathlib, sys, warnings
from gamesim import cli
from gamesim.errors import UserError
def work(options):
    from tqdm import tqdm
    name = sys.argv[1]
    for _ in tqdm(range(3), desc=name, mininterval=0):
        print(name * 3000)
        warnings.warn(name)
    pathlib.Path(sys.argv[2]).write_text("saved")
    if sys.argv[3:]:
        raise UserError(name)
    return 0
cli._doctor = work
sys.exit(cli.main(["doctor"]))
"""


def command(saved, name="naïve", *more):
    return [sys.executable, "-c", WORKS, name, str(saved), *more]


def run(command, streams=None, **kwargs):
    environment = dict(os.environ, PYTHONPATH=str(ROOT)) | (streams or {})
    return subprocess.run(command, cwd=ROOT, env=environment, timeout=250, **kwargs)


@pytest.mark.parametrize("streams", STREAMS.values(), ids=STREAMS)
def test_any_name_can_be_printed_to_any_stream(tmp_path, streams):
    done = run(command(tmp_path / "saved", NAME, "fail"), streams, capture_output=True)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr and b"Error" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(b"gamesim: ")
    assert (tmp_path / "saved").exists()


def test_a_wrong_word_of_any_kind_is_one_line():
    done = run([sys.executable, "main.py", "record", "--verify", NAME], STREAMS["ascii"], capture_output=True)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert done.stderr.startswith(b"gamesim: ")


LOST = {
    "| head": "{} 2>/dev/null | head -c 5",
    "2>&1 | head": "{} 2>&1 | head -c 5",
    "| true": "{} 2>&1 | true",
    "closed": "{} >&- 2>&-",
    "closed stdout": "{} >&-",
    "closed stderr": "{} 2>&-",
    "all closed": "{} <&- >&- 2>&-",
    "unbuffered": "PYTHONUNBUFFERED=1 {} 2>&1 | head -c 5",
}


@pytest.mark.parametrize("shell", LOST.values(), ids=LOST)
def test_a_reader_that_goes_away_loses_nothing(tmp_path, shell):
    import shlex

    script = shell.format(shlex.join(command(tmp_path / "saved"))) + "; exit ${PIPESTATUS[0]}"
    done = run(["bash", "-c", script], capture_output=True)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr and b"Exception" not in done.stderr
    assert (tmp_path / "saved").read_text() == "saved"


def test_what_is_said_after_a_game_closed_the_streams_is_said():
    script = """
import sys
from gamesim import cli
def work(options):
    sys.stdout.close()
    sys.stderr.close()
    print("saved")
    return 0
cli._doctor = work
sys.exit(cli.main(["doctor"]))
"""
    done = run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "saved\n", "")


def test_a_file_is_never_taken_for_a_closed_stream(tmp_path):
    """The first file that a process without streams opens would be its standard output."""
    script = """
import os, sys
from gamesim.cli import streams
streams.prepare()
with open(sys.argv[1], "w") as file:
    os.write(1, b"a library's message")
    file.write("mine")
"""
    shell = ["bash", "-c", '"$0" -c "$1" "$2" <&- >&- 2>&-', sys.executable, script, str(tmp_path / "file")]
    assert run(shell).returncode == 0
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk here")
def test_a_full_disk_is_one_line_after_the_work_is_done(tmp_path):
    with open("/dev/full", "wb") as full:
        done = run(command(tmp_path / "saved"), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    said = done.stderr.decode().strip().splitlines()[-1]
    assert said == "gamesim: not everything could be printed: the disk is full"
    assert (tmp_path / "saved").exists()


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_terminal_that_does_not_wait_is_waited_for(tmp_path, unbuffered):
    """Whoever shares a pipe or a terminal may have set it to refuse what does not fit."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    environment = dict(os.environ, PYTHONPATH=str(ROOT), PYTHONUNBUFFERED=unbuffered)
    process = subprocess.Popen(
        command(tmp_path / "saved", "x" * 100), stdout=writer, stderr=subprocess.DEVNULL, env=environment
    )
    os.close(writer)
    with open(reader, "rb") as said:
        assert len(said.read()) == 3 * (300_000 + 1)
    assert process.wait(timeout=250) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk here")
@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_that_cannot_be_printed_says_so(word):
    with open("/dev/full", "wb") as full:
        done = run([sys.executable, "-m", "gamesim", word], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr.decode() == "gamesim: not everything could be printed: the disk is full\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no folder in which somebody stands")
def test_a_current_folder_that_was_deleted_is_named(tmp_path):
    shell = f"mkdir gone; cd gone; rmdir ../gone; {sys.executable} -m gamesim"
    words = [shell, "record", "--env", "gamesim/Pacman-v0", "--out", "x"]
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    done = subprocess.run(
        ["bash", "-c", " ".join(words)], cwd=tmp_path, env=environment, timeout=250, capture_output=True
    )
    assert done.returncode == 2
    assert done.stderr.decode() == "gamesim: the current folder: no such file or folder\n"
