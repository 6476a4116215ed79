"""Commands of the command line that the app runs as subprocesses; it reads their progress from their logs.

SIGTERM asks a training to save and stop, SIGSTOP pauses it. Windows has neither: Ctrl-Break asks a training
to stop there, and nothing can pause it, but --resume can go on with it later.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from gamesim.errors import UserError
from gamesim.text import reason

RECORDING, TRAINING, EVALUATION = "The recording", "The training", "The measurement"
"""Names of jobs."""
if sys.platform == "win32":
    STOP, KILL, PAUSE, GO_ON = (signal.CTRL_BREAK_EVENT,), (signal.SIGTERM,), (), ()
else:  # a paused process handles SIGTERM only once it goes on
    STOP, KILL = (signal.SIGTERM, signal.SIGCONT), (signal.SIGKILL,)
    PAUSE, GO_ON = (signal.SIGSTOP,), (signal.SIGCONT,)
CAN_PAUSE = bool(PAUSE)
COMMAND = [sys.executable, "-m", "gamesim"]
NICENESS = 10  # the window comes first
_TAIL = 8192  # bytes at the end of a log that are read
_BAR = re.compile(r"(\d{1,3})%\|")


class Job:
    """One command of gamesim in a process of its own, which outlives the app unless it is stopped.

    Its words are those of the command line, such as ``["train", "gamegan-tiny", "--data", ...]``; what it
    prints goes into `log`, whose folder is made.

    Raises:
        UserError: it cannot be started, or the log cannot be written.
    """

    def __init__(self, name: str, words: Sequence[str], log: Path) -> None:
        self.name, self.words, self.log = name, list(words), log
        self._began = time.monotonic()
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("wb") as out:
                self.process = subprocess.Popen(
                    [*COMMAND, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    env=environment(),
                    start_new_session=True,  # Ctrl-C in the app's terminal is not meant for it
                    creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
                    | getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
                )
        except OSError as error:
            raise UserError(f"{log}: cannot be started: {reason(error)}") from error
        if hasattr(os, "setpriority"):
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self.pid, NICENESS)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.code is None

    @property
    def seconds(self) -> float:
        """Seconds since it started."""
        return time.monotonic() - self._began

    @property
    def code(self) -> int | None:
        """Its exit code, or None while it runs; a negative code is the signal that ended it."""
        return self.process.poll()

    @property
    def share(self) -> float | None:
        """How much of it is done, 0..1, according to its last progress bar; None if it drew none."""
        found = _BAR.findall(tail(self.log))
        return min(1.0, int(found[-1]) / 100) if found else None


class Jobs:
    """The commands that this window has started."""

    def __init__(self) -> None:
        self.all: dict[Path, Job] = {}  # by the folder they work on: a run, a checkpoint, recordings
        self.asked: set[int] = set()  # ids of the processes that were asked to stop

    def start(self, about: Path, name: str, words: Sequence[str], log: Path) -> Job:
        """Start a command about a folder.

        Raises:
            UserError: a command about this folder is running, or this one cannot be started.
        """
        about = about.absolute()
        if (known := self.all.get(about)) and known.running:
            raise UserError(f"{about}: {known.name} is running already")
        self.all[about] = job = Job(name, words, log)
        return job

    def about(self, folder: Path) -> Job | None:
        return self.all.get(folder.absolute())

    @property
    def running(self) -> list[Job]:
        return [job for job in self.all.values() if job.running]

    def stop(self, job: Job) -> None:
        """Ask a job to save and leave; from then on it does not count as failed, however it ends."""
        self.asked.add(job.pid)
        if job.running:
            send(job.pid, STOP)


def paused(pid: int) -> bool:
    """Whether a process is paused; False where the system does not tell."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return state.rpartition(")")[2].split()[0] in "Tt"
    except (OSError, IndexError):
        return False


def send(pid: int, signals: Sequence[int]) -> None:
    """Send STOP, KILL, PAUSE or GO_ON to a process, if it still runs.

    Raises:
        UserError: it cannot be reached; it may belong to another user.
    """
    try:
        for number in signals:
            os.kill(pid, number)
    except ProcessLookupError:
        pass
    except OSError as error:
        raise UserError(f"process {pid}: cannot be reached: {reason(error)}") from error


def environment() -> dict[str, str]:
    """The environment in which ``python -m gamesim`` finds this very package from any folder."""
    package = str(Path(__file__).resolve().parents[3])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def tail(log: Path) -> str:
    """The last few thousand characters of a log, "" if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            return file.read(_TAIL).decode(errors="replace")
    except OSError:
        return ""


def last_words(log: Path) -> str:
    """The last line of a log that is not a progress bar, without "gamesim: " before it."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", tail(log))]
    lines = [line for line in lines if line and not _BAR.search(line) and "it/s" not in line]
    return lines[-1].removeprefix("gamesim: ") if lines else ""
