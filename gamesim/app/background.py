"""Slow work happens on threads that the window never waits for, not even when it closes."""

import contextlib
import ctypes
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from queue import SimpleQueue
from typing import Generic, NoReturn, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Worker:
    """A thread that does one thing after another; it starts with the first and ends with the process."""

    def __init__(self, name: str) -> None:
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._closed = False

    def do(self, work: Callable[[], None]) -> None:
        """Do `work`, which must not raise, after the work that waits; only one thread may ask."""
        if self._closed:
            return
        self._work.put(work)
        if self._thread.ident is None:
            self._thread.start()

    def close(self) -> None:
        """Forget the work that waits; the piece under way ends by itself."""
        self._closed = True
        self._work.put(lambda: None)  # wakes the thread

    def _run(self) -> None:
        while not self._closed:
            work = self._work.get()
            if not self._closed:
                work()


class Lazily(Generic[K, V]):
    """Values that are made in the background when they are first asked for, the latest request first.

    Args:
        make: key -> value, on the other thread; if it raises, the value is None.
        keep: how many values to keep: those that were asked for last.
        waiting: how many requests may wait; when somebody scrolls fast, the older ones are dropped.
    """

    def __init__(self, make: Callable[[K], V | None], keep: int = 256, waiting: int = 24) -> None:
        self._make, self._keep, self._most = make, keep, waiting
        self._values: OrderedDict[K, V | None] = OrderedDict()
        self._wanted: OrderedDict[K, None] = OrderedDict()
        self._making: set[K] = set()
        self._lock = threading.Lock()
        self._worker = Worker("lazily")

    def get(self, key: K) -> V | None:
        """The value, or None while it is not there."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            if key in self._making:
                return None
            new = key not in self._wanted
            self._wanted[key] = None
            self._wanted.move_to_end(key)
            if len(self._wanted) > self._most:
                self._wanted.popitem(last=False)
        if new:
            self._worker.do(self._next)
        return None

    def close(self) -> None:
        self._worker.close()

    def _next(self) -> None:
        with self._lock:
            if not self._wanted:
                return
            key, _ = self._wanted.popitem()
            self._making.add(key)
        try:
            value = self._make(key)
        except Exception:  # such as a damaged file, which has no picture
            value = None
        with self._lock:
            self._making.remove(key)
            self._values[key] = value
            while len(self._values) > self._keep:
                self._values.popitem(last=False)


def give_back() -> None:
    """Return unused memory to the system, which C's allocator would keep for later.

    The moments of a dream are many pieces of medium size. When they are freed, glibc keeps them in an arena
    for each thread, so a window that is open for long would grow although nobody uses the memory.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


def leave(code: int) -> NoReturn:
    """End the process of a closed window at once, without Python's own cleaning up.

    Cleaning up after torch takes a second or two on a busy machine, and longer if a thread is still loading
    it. Work that must not be lost, such as saving a film, is on threads that are not daemons; only these are
    waited for.
    """
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
