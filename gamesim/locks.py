"""Who may write what, among processes: a lock of the system's, which a killed holder lets go of by itself."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from gamesim.errors import UserError

ATTEMPTS = 25
"""Attempts, 20 ms apart, to claim a run folder that somebody may only be looking at, on a busy machine."""


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the run folder, so that two trainings never write into one; a killed holder lets go by itself.

    The lock file names the holder's process, for those who want to pause or stop it.
    """
    with (folder / ".lock").open("ab") as file:
        try:
            import fcntl
        except ImportError:  # Windows has no flock; there, nothing but good sense keeps two runs apart
            yield
            return
        for attempt in range(ATTEMPTS):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if attempt == ATTEMPTS - 1:
                    raise UserError(f"{folder}: another training is writing to it") from None
                time.sleep(0.02)  # it may only be somebody who looks whether it is held
        file.truncate(0)
        file.write(str(os.getpid()).encode())
        file.flush()
        yield


def holder(folder: Path) -> int | None:
    """The id of the process that has `claimed` a folder; None when nobody has, 0 when it cannot be told."""
    try:
        import fcntl

        with (folder / ".lock").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                named = file.read(32)
                return int(named) if named.isdigit() else 0
    except (ImportError, OSError):
        pass
    return None


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait for others that write this sealed folder, or one beside it: two at once would mix their files."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError, OSError):  # Windows, or a file system without locks
            import fcntl

            handle = os.open(Path(os.path.realpath(folder)).parent, os.O_RDONLY)
            stack.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
