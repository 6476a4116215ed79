"""Whatever ends a terminal, a job or a machine in an orderly way, as a question or as an interruption.

========================== ================================================================================
SIGINT, SIGQUIT            a person's Ctrl-C and Ctrl-\\
SIGTERM                    a service manager's, ``timeout``'s, the app's
SIGHUP                     the terminal was closed, or the session ends
SIGXCPU, SIGUSR1, SIGUSR2  a batch system's, some time before its limit
SIGPWR                     the machine's power fails
SIGBREAK                   on Windows: another process's, and a console that is closed
========================== ================================================================================

Several of them often come at once for one and the same end: only a second Ctrl-C means that somebody cannot
wait. A signal that was ignored when the process began, as SIGHUP is by ``nohup``, stays ignored.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

_NAMES = "SIGINT SIGTERM SIGHUP SIGQUIT SIGXCPU SIGUSR1 SIGUSR2 SIGPWR SIGBREAK"
ENDING = [getattr(signal, name) for name in _NAMES.split() if hasattr(signal, name)]


class Interrupted(KeyboardInterrupt):
    """A signal ended what was going on.

    Attributes:
        number: Which one.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextlib.contextmanager
def handled(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Have a handler called for all of them; elsewhere than on the main thread nothing can be handled."""
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in ENDING:
            now = signal.getsignal(number)
            if now is not signal.SIG_IGN and now is not None:  # None: a foreign library's own
                before[number] = now
                signal.signal(number, handler)
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def interrupting() -> contextlib.AbstractContextManager[None]:
    """Turn each of them into an `Interrupted`, where nothing is lost by leaving at once."""

    def interrupt(number: int, frame: object) -> None:
        raise Interrupted(number)

    return handled(interrupt)


class Asked:
    """Turns them into a question that a loop answers when it is ready; a second Ctrl-C is an `Interrupted`.

    Attributes:
        asked: Whether somebody wants it to end.
    """

    def __init__(self) -> None:
        self.asked = False
        self._keyed = False
        self._handled = handled(self._ask)

    def __enter__(self) -> Self:
        self._handled.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._handled.__exit__(*error)

    def _ask(self, number: int, frame: object) -> None:
        if number == signal.SIGINT and self._keyed:
            raise Interrupted(number)
        self._keyed = self._keyed or number == signal.SIGINT
        if not self.asked:
            self.asked = True
            with contextlib.suppress(OSError, RuntimeError, ValueError):  # no terminal, or one mid-write
                print("\nsaving, then stopping (Ctrl-C again: stop at once)", file=sys.stderr, flush=True)
