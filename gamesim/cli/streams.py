"""Standard output and error that can print anything, and whose loss loses nothing else.

A name may hold an emoji, or bytes that are no characters, where the terminal has neither: they are spelled
out. A reader may go away (``| head``, a closed terminal): what is said goes nowhere, and the work goes on. A
disk may be full: the work goes on as well, and `failure` tells about it in the end.
"""

import contextlib
import errno
import io
import os
import select
import sys
from typing import Any

_NOBODY = (errno.EPIPE, errno.EIO, errno.EINVAL, errno.EBADF)
"""Nobody reads it: a closed pipe (EINVAL on Windows), a terminal that is gone, a closed stream."""


class _Unfailing(io.FileIO):
    """A stream of the process; what cannot be written is dropped, and why is noted in `failure`."""

    failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write all of it, which is what `python -u` relies on."""
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while left:
                written = super().write(left)
                if written is None:  # another process has set it not to wait
                    select.select([], [self], [])
                left = left[written or 0 :]
        except OSError as error:
            if error.errno not in _NOBODY:
                self.failure = error
        return size


class _Open(io.TextIOWrapper):
    """Stays open, whoever closes it, such as a game that wants to be silent: what comes after it is said."""

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.flush()


def prepare() -> None:
    """Make this process's streams such; streams that somebody has put in their place keep their own ways."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed: the next file that is opened must not become a standard stream
            os.open(os.devnull, os.O_RDWR)
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream: Any = getattr(sys, name)
        if stream is None:  # it was closed, or there is no console
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115
            stream = getattr(sys, name)
        if type(stream) is not io.TextIOWrapper:
            continue
        stream.reconfigure(errors="backslashreplace")
        raw = getattr(stream.buffer, "raw", stream.buffer)
        if type(raw) is io.FileIO and raw.fileno() == number:
            setattr(sys, name, _replaced(stream, number))


def _replaced(stream: io.TextIOWrapper, number: int) -> io.TextIOWrapper:
    with contextlib.suppress(OSError):
        stream.flush()
    raw: Any = _Unfailing(number, "w", closefd=False)
    unbuffered = type(stream.buffer) is io.FileIO  # python -u
    return _Open(
        raw if unbuffered else io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def failure() -> OSError | None:
    """Flush both, and return why what was printed is not all there, such as a full disk; None: it is."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    buffer = getattr(sys.stdout, "buffer", None)
    return getattr(getattr(buffer, "raw", buffer), "failure", None)
