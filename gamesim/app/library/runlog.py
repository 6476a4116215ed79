"""One training as the app follows it: its log, its curves and its sample sheets, read as they grow."""

import contextlib
import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gamesim.errors import UserError

MOST_POINTS = 4000  # of a curve; a longer one keeps every second point
BROKEN = (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)
"""What a line may raise that gamesim did not write; the last comes from a number that is too large."""
_AT_ONCE = 1 << 20  # bytes to read in one go: the window must not wait


@dataclass
class Curve:
    """A figure over the steps of a run."""

    steps: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, step: float, value: float) -> None:
        self.steps.append(step)
        self.values.append(value)
        if len(self.steps) > MOST_POINTS:
            del self.steps[1:-1:2], self.values[1:-1:2]


class RunLog:
    """What gamesim/training/loop.py writes into a folder. Whatever cannot be read counts as missing.

    Attributes:
        section: the part of the config that says how many steps it trains.
        preset: name of the config, "" while it is unknown.
        step, steps: how many are done, and were asked for; 0 while that is unknown.
        seconds: how long it has trained.
        frames_per_second: frames of play that it learns from in a second, as logged last.
        eta: seconds to go as logged last, NaN before that.
        logged_at: when something was logged last, in seconds since 1970.
        losses, validation: curves by name; those of validation are for episodes that were held out.
        sheets: sample sheets, oldest first.
        ended: the last line of a run that has ended, else None.
    """

    def __init__(self, folder: Path, section: str = "training") -> None:
        self.folder, self.section = folder, section
        self.preset = ""
        self.steps = 0
        self.sheets: list[Path] = []
        self.losses: dict[str, Curve] = {}
        self.validation: dict[str, Curve] = {}
        self._config: tuple[int, int] | None = None
        self._forget()

    def _forget(self) -> None:
        """Start again at the first line: a resumed run drops the lines after its last save."""
        self.step = 0
        self.seconds = self.frames_per_second = self.logged_at = 0.0
        self.eta = math.nan
        self.ended: dict[str, Any] | None = None
        self.losses.clear()
        self.validation.clear()
        self._offset, self._rest = 0, b""
        self._identity: tuple[int, int] | None = None

    @property
    def share(self) -> float:
        """How much of it is done, 0..1."""
        return min(1.0, self.step / self.steps) if self.steps else 0.0

    @property
    def status(self) -> str:
        """How it ended: "done", "stopped" or "broken"; "" if it has not."""
        return str(self.ended.get("status", "")) if self.ended else ""

    def follow(self) -> None:
        """Read what is new."""
        self._read_config()
        self._read_log()
        with contextlib.suppress(OSError):
            self.sheets = sorted((self.folder / "samples").glob("[0-9]*.png"))

    def _read_config(self) -> None:
        path = self.folder / "config.yaml"
        with contextlib.suppress(OSError, UserError):
            status = path.stat()
            identity = (status.st_mtime_ns, status.st_size)
            if identity != self._config:
                self._config = identity
                from gamesim.config import parse, value  # pydantic takes its time

                config = parse(path.read_bytes(), str(path))
                steps = value(config, f"{self.section}.steps")
                self.steps, self.preset = steps if isinstance(steps, int) else 0, config.name

    def _read_log(self) -> None:
        path = self.folder / "metrics.jsonl"
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                identity = (status.st_dev, status.st_ino)
                if self._identity not in (None, identity) or status.st_size < self._offset:
                    self._forget()
                self._identity, self.logged_at = identity, status.st_mtime
                file.seek(self._offset)
                data = file.read(_AT_ONCE)
        except OSError:
            return
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            with contextlib.suppress(*BROKEN):
                self._take(json.loads(line))
        if len(self._rest) > _AT_ONCE:  # no line of ours is that long
            self._rest = b""

    def _take(self, record: dict[str, Any]) -> None:
        step, seconds = int(float(record["step"])), float(record["seconds"])
        if "status" in record:
            self.step, self.seconds, self.ended = step, seconds, record
            return
        pace, eta = float(record["frames_per_second"]), float(record["eta_seconds"])
        self.step, self.seconds, self.ended = step, seconds, None
        self.frames_per_second, self.eta = pace, eta
        for name, into in (("losses", self.losses), ("validation", self.validation)):
            for key, value in record.get(name, {}).items():
                if isinstance(value, (int, float)) and math.isfinite(value):
                    into.setdefault(str(key), Curve()).add(step, float(value))
