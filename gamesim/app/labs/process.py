"""A lab in a process of its own: the window sends what the player does, and gets what to show.

The process computes on one thread, and ends with the window, however that ends. It sends a view only after
the window has taken the last one, and at most `RATE` times a second, so that drawing never waits for
training, nor training for drawing.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from gamesim.app.background import Worker
from gamesim.errors import UserError
from gamesim.labs import Entry, Given, Lab
from gamesim.labs.controls import Button, Control, Value
from gamesim.labs.controls import check as check_controls
from gamesim.labs.panels import Curves, Panel
from gamesim.labs.panels import check as check_panel
from gamesim.text import complaint, reason

RATE = 12.0  # views a second, at most
PACE = 1.0  # seconds over which steps a second are counted
NICENESS = 5  # after the window, but before trainings in the background, which nobody watches
POINTS = 1000  # of a line, at most: nobody could see more
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class View:
    """What a lab shows.

    Attributes:
        panels: as `Lab.view` returns them, with long lines thinned out.
        steps: how many it has taken since it started.
        pace: steps a second.
        state: "runs", "paused" or, if the lab has nothing left to do, "done".
        begun: how many times it was started in this process.
        heard: how many values of controls it has received in this process.
    """

    panels: Sequence[Panel]
    controls: Sequence[Control]
    steps: int
    pace: float
    state: str
    begun: int
    heard: int


class LabProcess:
    """A running lab, as the window sees it; its `failure` says in one line why it stopped, "" while it runs.

    `values` of controls, by name, should differ from the lab's first values.
    """

    def __init__(self, entry: Entry, given: Given, values: Mapping[str, Value]) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.failure = ""
        self._closed = False
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=run, args=(entry, given, dict(values), theirs), daemon=True)
        self._views: deque[View] = deque(maxlen=1)
        self._sender = Worker("to a lab")  # the window must not wait for a lab that does not listen
        try:
            self._process.start()
        except OSError as error:
            self.failure = f"its process cannot be started: {reason(error)}"
            return
        finally:
            theirs.close()
        threading.Thread(target=self._listen, name="from a lab", daemon=True).start()

    def view(self) -> View | None:
        """The view that the lab sent since the last call; None if it sent none."""
        if not self._views:
            return None
        self.send("seen")
        return self._views.popleft()

    def send(self, name: str, *arguments: Any) -> None:
        """Call a method of `Host` in the process: set, point, step, hold, begin or seen."""
        self._sender.do(partial(self._send, name, *arguments))

    def close(self) -> None:
        """End the process at once; a lab has nothing to save."""
        self._closed = True
        self._sender.close()
        if self._process.pid is not None:
            self._process.kill()

    def _send(self, *message: Any) -> None:
        with contextlib.suppress(OSError):  # it has ended, and the other thread says why
            self._pipe.send(message)

    def _listen(self) -> None:
        while True:
            try:
                match self._pipe.recv():
                    case str(why):
                        self.failure = why
                    case view:
                        self._views.append(view)
            except (EOFError, OSError):
                break
        self._process.join()
        if not self.failure and not self._closed:
            code = self._process.exitcode or 0
            self.failure = f"its process ended with {f'signal {-code}' if code < 0 else f'exit code {code}'}"


def run(entry: Entry, given: Given, values: dict[str, Value], pipe: Connection) -> None:
    """Run a lab; the main function of its process."""
    for name in THREADS:
        os.environ[name] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the window
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    threading.Thread(target=_end_with_the_window, name="watch", daemon=True).start()
    try:
        Host(entry, given, values, pipe).loop()
    except (UserError, OSError, MemoryError) as error:
        _fail(pipe, complaint(error))
    except Exception as error:  # a lab may raise anything, and the window must stay
        traceback.print_exc()
        _fail(pipe, f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def _fail(pipe: Connection, words: str) -> None:
    with contextlib.suppress(OSError):  # the window is gone
        pipe.send(" ".join(words.split()))


def _end_with_the_window() -> None:
    window = multiprocessing.parent_process()
    assert window is not None
    window.join()
    os._exit(0)


class Host:
    """The other end of the pipe: takes the steps of a lab, does what the window asks, and sends views."""

    def __init__(self, entry: Entry, given: Given, values: Mapping[str, Value], pipe: Connection) -> None:
        self._entry, self._given, self._pipe = entry, given, pipe
        self._held = False
        self._seen = True
        self._due = 0.0
        self._begun = self._heard = 0
        self.begin(values)

    # what the window asks for ----------------------------------------------------------------------------

    def set(self, name: str, value: Value) -> None:
        self._lab.set(name, value)
        self._wake()

    def point(self, panel: str, x: float, y: float) -> None:
        self._lab.point(panel, x, y)
        self._wake()

    def hold(self, held: bool) -> None:
        """Pause, or go on."""
        self._held = held
        self._changed = True

    def step(self) -> None:
        """Take one step, and then pause."""
        self.hold(True)
        self._done = False
        self._advance()

    def begin(self, values: Mapping[str, Value]) -> None:
        """Make the lab again, with these values of its controls."""
        self._lab: Lab = self._entry.open(self._given)
        self._steps, self._marks = 0, deque([(time.monotonic(), 0)])
        for control in self._lab.controls:
            if values.get(control.name, control.value) != control.value:
                self._lab.set(control.name, values[control.name])
        self._begun += 1
        self._wake()

    def seen(self) -> None:
        """Note that the window has taken the last view."""
        self._seen = True

    # what it does ----------------------------------------------------------------------------------------

    def loop(self) -> None:
        """Run until the window is gone."""
        while True:
            for name, *arguments in self._asked():
                getattr(self, name)(*arguments)
            if not self._held and not self._done:
                self._advance()
            self._show()

    def _asked(self) -> Iterator[tuple]:
        """What came in, without values of controls that newer ones replace."""
        asked: list[tuple] = []
        try:
            while self._pipe.poll(0 if asked else self._wait()):
                asked.append(self._pipe.recv())
        except (EOFError, OSError):
            raise SystemExit from None  # the window is gone
        buttons = {control.name for control in self._lab.controls if isinstance(control, Button)}
        self._heard += sum(message[0] == "set" for message in asked)
        last = {message[:2]: i for i, message in enumerate(asked) if message[0] == "set"}
        for i, message in enumerate(asked):
            if message[0] != "set" or message[1] in buttons or last[message[:2]] == i:
                yield message

    def _wait(self) -> float | None:
        """Seconds until there is something to do; None: wait for a message."""
        if not self._held and not self._done:
            return 0.0
        return max(0.0, self._due - time.monotonic()) if self._changed and self._seen else None

    def _advance(self) -> None:
        self._done = self._lab.step() is False
        self._steps += not self._done
        self._changed = True

    def _show(self) -> None:
        began = time.monotonic()
        if not (self._changed and self._seen and began >= self._due):
            return
        state = "done" if self._done else "paused" if self._held else "runs"
        panels, shown = [_thinned(panel) for panel in self._lab.view()], tuple(self._lab.controls)
        for panel in panels:
            check_panel(panel)
        check_controls(shown)
        view = View(panels, shown, self._steps, self._pace(began), state, self._begun, self._heard)
        try:
            self._pipe.send(view)
        except OSError:
            raise SystemExit from None
        self._changed = self._seen = False
        now = time.monotonic()
        self._due = max(began + 1 / RATE, now + (now - began))  # at least half of the time is for steps

    def _pace(self, now: float) -> float:
        self._marks.append((now, self._steps))
        while len(self._marks) > 2 and now - self._marks[1][0] > PACE:
            self._marks.popleft()
        (then, before), (_, after) = self._marks[0], self._marks[-1]
        return (after - before) / (now - then) if now > then else 0.0

    def _wake(self) -> None:
        self._done, self._changed = False, True


def _thinned(panel: Panel) -> Panel:
    """A panel with at most `POINTS` points in each line."""
    if not isinstance(panel, Curves):
        return panel
    return replace(panel, lines={name: means(points) for name, points in panel.lines.items()})


def means(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """A line with at most `POINTS` points, each the mean of as many neighbours; the newest may be missing."""
    many = -(-len(points) // POINTS)
    if many < 2:
        return points
    groups = np.array(points[: len(points) // many * many], float).reshape(-1, many, 2)
    return list(zip(groups[:, -1, 0].tolist(), groups[:, :, 1].mean(1).tolist(), strict=True))
