"""Ctrl-C and SIGTERM as a question that the loop answers when it is ready."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from typing import Any

# SIGBREAK is what one process on Windows can send another.
ASKING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]


class Signals:
    """Turns the first of these signals into `asked`, and lets the second one through as KeyboardInterrupt.

    Attributes:
        asked: Whether somebody wants the run to end.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in ASKING:
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        with contextlib.suppress(OSError, RuntimeError):  # the terminal may be gone, or mid-write
            print("\nsaving, then leaving (once more to leave at once)", file=sys.stderr, flush=True)
