"""Run folders as the app sees them: what a training is doing, how it ended, and how to pause and stop it.

Everything is read from files. A run of the command line, or of an app that has been closed since, therefore
looks like any other. The app adds two hidden files of its own: what it started (``.started.json``) and what
that printed (``.log``).
"""

import contextlib
import json
import math
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from gamesim import locks, storage
from gamesim.app.library import jobs
from gamesim.app.library.cards import spell
from gamesim.app.library.jobs import Jobs
from gamesim.app.library.runlog import RunLog
from gamesim.errors import UserError
from gamesim.systems import parts, with_part
from gamesim.text import reason

State = Literal["starting", "training", "paused", "stopping", "done", "stopped", "failed"]
LIVE: tuple[State, ...] = ("starting", "training", "paused", "stopping")

STARTED, LOG = ".started.json", ".log"
QUIET = 5.0  # after so many seconds without a line in the log, the player is told how long it has been
_FRESH = 60.0  # seconds for which a run that no process holds may be between two stages


class Run:
    """One run folder; `follow` reads what is new in it.

    Attributes:
        logs: one for each stage that has begun; one in all if the run has no stages.
        state: what it is doing, or how it ended.
        why: one line about a failure, else "".
    """

    def __init__(self, folder: Path, processes: Jobs) -> None:
        self.folder = folder
        self.logs = [RunLog(folder)]
        self.state: State = "starting"
        self.why = ""
        self._jobs = processes

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def log(self) -> RunLog:
        """The log of its latest stage."""
        return self.logs[-1]

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def eta(self) -> float | None:
        """Seconds until the end of this stage while it trains, else None."""
        if self.state != "training" or not math.isfinite(self.log.eta):
            return None
        return max(0.0, self.log.eta - max(0.0, time.time() - self.log.logged_at))

    @property
    def engine(self) -> Path | None:
        """Its newest checkpoint that can be played; None before the first."""
        places = ("last", "best", "controller/last", "memory/best")
        return next((self.folder / place for place in places if storage.exists(self.folder / place)), None)

    @property
    def config(self) -> Path | None:
        """The file with its config; None if that is unknown."""
        return next((log.folder / "config.yaml" for log in self.logs if log.preset), None)

    @property
    def resumable(self) -> bool:
        return not self.live and self.config is not None and self.saved

    @property
    def saved(self) -> bool:
        """Whether it has saved something to go on from, or to play."""
        folders = [self.folder, *(log.folder for log in self.logs)]
        return self.engine is not None or any((folder / "resume").exists() for folder in folders)

    @property
    def doing(self) -> str:
        """What it is doing and for how long, as a sign of life for a waiting player; "" once it ended."""
        note, now = started(self.folder), time.time()
        if self.state == "starting":
            ready = self.config is not None and not self.log.status
            words = "Computing the first step" if ready else "Loading PyTorch and the recordings"
            return words + since(note.get("at"), now)
        if self.state == "stopping":
            return "Finishing this step, then saving" + since(note.get("stopped"), now)
        quiet = now - self.log.logged_at
        return f"Last news {spell(quiet)} ago" if self.state == "training" and quiet >= QUIET else ""

    @property
    def data(self) -> Path | None:
        """The folder of recordings that the app started it with; None for a run of the command line."""
        found = started(self.folder).get("data")
        return Path(found) if isinstance(found, str) else None

    @property
    def pid(self) -> int | None:
        """The id of the process that trains, 0 if it cannot be told, None if there is no process."""
        job = self._jobs.about(self.folder)
        if job and job.running:
            return job.pid
        folders = {self.folder: None} | {log.folder: None for log in self.logs}
        return next((pid for folder in folders if (pid := locks.holder(folder)) is not None), None)

    def follow(self) -> None:
        begun = [name for name in parts() if (self.folder / name / "config.yaml").is_file()]
        if [log.section for log in self.logs] != (begun or ["training"]):
            known = {log.section: log for log in self.logs}
            stages = [known.get(name) or RunLog(self.folder / name, name) for name in begun]
            self.logs = stages or [RunLog(self.folder)]
        for log in self.logs:
            log.follow()
        self._judge()

    def _judge(self) -> None:
        pid, status = self.pid, self.log.status
        self.why = ""
        if pid is not None:
            if pid and jobs.paused(pid):
                self.state = "paused"
            elif pid in self._jobs.asked:
                self.state = "stopping"
            else:
                self.state = "training" if self.log.losses and not status else "starting"
            return
        job = self._jobs.about(self.folder)
        code = job.code if job else None
        whole = with_part(self.log.section)
        between = status == "done" and whole is not None and self.log.section != whole.parts[-1]
        asked = (job is not None and job.pid in self._jobs.asked) or "stopped" in started(self.folder)
        newer = self._newer()
        if (code == 2 and not newer) or status == "broken":
            words = "" if newer else jobs.last_words(self.folder / LOG)
            self.state, self.why = "failed", words or self._broken()
        elif between or (not status and job is None and os.name == "nt"):
            self.state = "starting" if time.time() - self.log.logged_at < _FRESH else "stopped"
        elif status in ("done", "stopped"):
            self.state = "done" if status == "done" else "stopped"
        elif asked:
            self.state, self.why = "stopped", "" if self.saved else "Nothing had been saved yet."
        else:
            self.state, self.why = "failed", self._cut_off(code)

    def _newer(self) -> bool:
        """Whether a training of the command line wrote here after the app's own had printed its last line."""
        try:
            return self.log.logged_at > (self.folder / LOG).stat().st_mtime
        except OSError:  # the app started none here
            return True

    def _broken(self) -> str:
        return str((self.log.ended or {}).get("why", "")) or "it failed"

    def _cut_off(self, code: int | None) -> str:
        left = "what it saved last is still there" if self.saved else "nothing had been saved yet"
        if code is not None and code < 0:
            return f"it was stopped by signal {-code}; {left}"
        return jobs.last_words(self.folder / LOG) or f"it was interrupted; {left}"

    # doing -----------------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Pause it, or let it go on.

        Raises:
            UserError: its process cannot be reached.
        """
        if pid := self.pid:
            jobs.send(pid, jobs.GO_ON if jobs.paused(pid) else jobs.PAUSE)
            self._judge()

    def stop(self) -> None:
        """Ask it to save and leave; asked again, end it at once.

        Raises:
            UserError: its process cannot be reached.
        """
        if pid := self.pid:
            again = pid in self._jobs.asked
            self._jobs.asked.add(pid)
            self._note_stop()
            jobs.send(pid, jobs.KILL if again else jobs.STOP)
            self._judge()

    def _note_stop(self) -> None:
        """Write down that it was asked to stop: from now on it does not count as failed, however it ends."""
        note = {"stopped": time.time(), **started(self.folder)}
        with contextlib.suppress(OSError, UserError):
            storage.write_file(self.folder / STARTED, json.dumps(note).encode(), sync=False)

    def delete(self) -> None:
        """Remove the folder and all that is in it.

        Raises:
            UserError: it is training, or it cannot be removed.
        """
        if self.pid is not None:
            raise UserError(f"{self.folder}: still training; stop it first")
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            if os.path.lexists(self.folder):  # otherwise somebody else has just deleted it
                raise UserError(f"{self.folder}: cannot be removed: {reason(error)}") from error


def since(moment: object, now: float) -> str:
    """ " · 34 s" since a moment in seconds since 1970; "" if the moment is unknown."""
    return f" · {spell(max(0.0, now - moment))}" if isinstance(moment, float) else ""


def find(roots: tuple[Path, ...]) -> list[Path]:
    """The run folders in `roots`, the one with the latest change first."""
    found: dict[Path, float] = {}
    for root in roots:
        with contextlib.suppress(OSError):
            for path in root.iterdir():
                if path.is_dir() and not path.name.startswith(".") and is_run(path):
                    found[path.absolute()] = modified(path)
    return sorted(found, key=lambda path: -found[path])


def is_run(folder: Path) -> bool:
    """Whether a training writes, or wrote, into a folder."""
    written = ("metrics.jsonl", "samples", "resume", STARTED, *(f"{part}/samples" for part in parts()))
    return any((folder / name).exists() for name in written)


def modified(folder: Path) -> float:
    """When something last happened in a run folder, in seconds since 1970."""
    times = [0.0]
    logs = (f"{part}/metrics.jsonl" for part in parts())
    for name in ("metrics.jsonl", STARTED, LOG, "config.yaml", *logs):
        with contextlib.suppress(OSError):
            times.append((folder / name).stat().st_mtime)
    return max(times)


def started(folder: Path) -> dict[str, Any]:
    """What the app noted when it started a run; {} for a run of the command line."""
    try:
        note = json.loads((folder / STARTED).read_bytes()[:65536])
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def train(
    processes: Jobs,
    folder: Path,
    preset: str,
    data: Path,
    settings: Mapping[str, object],
    *,
    device: str = "auto",
    resume: bool = False,
    game: str | None = None,
) -> None:
    """Start a training as a process of its own, in the run folder `folder`.

    Args:
        processes: the jobs of the window.
        folder: the run folder.
        preset: a preset's name, or the config of the run to resume.
        data: folder of recordings.
        settings: overrides, such as ``{"training.steps": 2000}``.
        device: auto, cpu, cuda or mps.
        resume: go on with the run in `folder`.
        game: the id of the one to learn, if the recordings are of several games.

    Raises:
        UserError: it cannot be started.
    """
    if not data.is_dir():
        raise UserError(f"{data}: there is no such folder of recordings")
    fresh = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made: {reason(error)}") from error
    note = {"data": str(data.absolute()), "preset": preset, "device": device, "at": time.time()}
    words = ["train", preset, "--data", str(data.absolute()), "--out", str(folder.absolute())]
    words += ["--device", device, *["--resume"] * resume, *(["--game", game] if game else [])]
    words += [f"{key}={value}" for key, value in settings.items()]
    try:
        storage.write_file(folder / STARTED, json.dumps(note).encode(), sync=False)
        processes.start(folder, jobs.TRAINING, words, folder / LOG)
    except (UserError, OSError):
        if fresh:  # nothing has begun: leave the name free for another try
            shutil.rmtree(folder, ignore_errors=True)
        raise
