"""The running episode on disk: a file that only grows, one record a step.

Every step is handed to the system as it happens, so what a killed process has played is in the file;
:func:`rescue` turns what such a process left behind into an episode. The file begins with a header, one
line of JSON and the first frame; a record is its fixed part, the compressed frame, and a checksum over
both, so that a torn end is noticed and everything before it counts.
"""

import contextlib
import json
import os
import struct
import time
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from gamesim.data.episode import MAX_FRAME_BYTES, PLAYERS, Episode
from gamesim.data.store.walk import JOURNAL, walk
from gamesim.errors import UserError
from gamesim.text import reason

try:
    import fcntl
except ImportError:  # Windows: the age of the file has to do
    fcntl = None

SUFFIX = JOURNAL
_FAMILY = b"gamesim-journal-"
_MAGIC = _FAMILY + b"1\n"
_RECORD = struct.Struct("<IBBBf")  # size of the compressed frame, action, player, ends, reward
_SUM = struct.Struct("<I")
_TERMINATED, _TRUNCATED = 1, 2
_MAX_HEADER = 1 << 24  # it holds the prefix, too
_STALE_SECONDS = 10.0

Record = tuple[int, int, int, float, np.ndarray]
"""Action, player, ends and reward of a step, and the frame after it; of the first, the frame alone counts."""


@dataclass
class Journal:
    """A journal that is being written, and the episode that it holds, in memory."""

    path: Path
    _header: dict[str, Any]
    _records: list[Record]
    _file: IO[bytes]

    @classmethod
    def create(
        cls,
        path: Path,
        frame: np.ndarray,
        seed: int | None,
        env_spec: str,
        prefix: bytes,
        action_meanings: tuple[str, ...],
    ) -> "Journal":
        """Begin with the frame before the first step; ``prefix`` holds the actions before that.

        Raises:
            OSError: It cannot be written.
        """
        file = open(path, "xb", buffering=0)  # noqa: SIM115 (lives as long as the journal)
        _lock(file)
        header = {
            "shape": frame.shape,
            "seed": seed,
            "env_spec": env_spec,
            "prefix": prefix.hex(),
            "action_meanings": action_meanings,
        }
        first = 0, 0, 0, 0.0, frame
        journal = cls(path, header, [first], file)
        try:
            _write(file, _MAGIC + json.dumps(header).encode() + b"\n" + _packed(*first))
        except OSError:
            journal.discard()
            raise
        return journal

    def step(
        self, action: int, player: int, reward: float, frame: np.ndarray, terminated: bool, truncated: bool
    ) -> None:
        """Add a step, and the frame after it.

        Raises:
            OSError: It cannot be written; the steps before it are there.
        """
        ends = _TERMINATED * terminated | _TRUNCATED * truncated
        record = action, player, ends, reward, frame
        _write(self._file, _packed(*record))
        self._records.append(record)

    @property
    def steps(self) -> int:
        return len(self._records) - 1

    def sync(self) -> None:
        """Make it outlast a power cut as well; any thread."""
        with contextlib.suppress(OSError, ValueError):
            os.fsync(self._file.fileno())

    def episode(self) -> Episode:
        return _episode(self._header, self._records)

    def release(self) -> None:
        """Close the file and leave it where it is."""
        self._file.close()

    def discard(self) -> None:
        """Close the file and remove it."""
        self._file.close()
        with contextlib.suppress(OSError):
            self.path.unlink()


def recover(folder: Path) -> None:
    """Turn all journals below a folder that dead processes left behind into episodes; see :func:`rescue`.

    One that cannot be is named in a warning.
    """
    for name in walk(folder).journals:
        try:
            rescue(folder / name)
        except UserError as error:
            warnings.warn(str(error), stacklevel=2)


def rescue(path: Path) -> bool:
    """Turn the journal of a dead process into ``NAME.npz`` beside it.

    It is removed only when that is safely written, or when it holds no whole step.

    Returns:
        Whether it is gone; False: a living process holds it, and nothing was touched.

    Raises:
        UserError: It cannot be an episode, or the folder cannot be written to; the journal stays.
    """
    try:
        with open(path, "r+b") as file:
            if not _lock(file):
                return False
            if os.fstat(file.fileno()).st_nlink:  # else another process has just rescued it
                episode = _read(file)
                if episode is not None:
                    episode.save(path.with_suffix(".npz"))
        path.unlink(missing_ok=True)
    except FileNotFoundError:
        return True
    except (UserError, OSError, ValueError, RecursionError, MemoryError, zlib.error) as error:
        raise UserError(f"{path}: an unfinished recording could not be recovered: {reason(error)}") from error
    return True


def _lock(file: IO[bytes]) -> bool:
    """Whether no living process holds the file; holds it until it is closed."""
    if fcntl is None:
        age = time.time() - os.fstat(file.fileno()).st_mtime
        return file.mode.startswith("x") or age > _STALE_SECONDS
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _write(file: IO[bytes], data: bytes) -> None:
    """All of it: an unbuffered file may take a part, on a disk that is nearly full."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _packed(action: int, player: int, ends: int, reward: float, frame: np.ndarray) -> bytes:
    data = zlib.compress(frame.tobytes(), 1)
    record = _RECORD.pack(len(data), action, player, ends, reward) + data
    return record + _SUM.pack(zlib.crc32(record))


def _read(file: IO[bytes]) -> Episode | None:
    """What a journal holds; None where it ends before its first step.

    Raises:
        ValueError: It is not a journal.
    """
    magic = file.read(len(_MAGIC))
    if not _MAGIC.startswith(magic):
        other = "it was written by another version of gamesim" if magic.startswith(_FAMILY) else None
        raise ValueError(other or "it is not a journal")
    line = file.readline(_MAX_HEADER)
    if not line.endswith(b"\n"):
        return None
    header, shape = _header(line)
    records = list(_records(file, shape))
    return _episode(header, records) if len(records) > 1 else None


def _episode(header: dict[str, Any], records: list[Record]) -> Episode:
    """What a journal's header and its records, two or more, stand for."""
    fixed = np.array([record[:4] for record in records[1:]])
    return Episode(
        frames=np.stack([record[4] for record in records]),
        actions=fixed[:, 0].astype(np.uint8),
        rewards=fixed[:, 3].astype(np.float32),
        terminated=bool(records[-1][2] & _TERMINATED),
        truncated=bool(records[-1][2] & _TRUNCATED),
        players=fixed[:, 1].astype(np.uint8),
        seed=header["seed"],
        env_spec=header["env_spec"],
        prefix=np.frombuffer(bytes.fromhex(header["prefix"]), np.uint8),
        action_meanings=tuple(map(str, header["action_meanings"])),
    )


def _header(line: bytes) -> tuple[dict[str, Any], tuple[int, int, int]]:
    header = json.loads(line)
    kinds = {"shape": list, "seed": (int, type(None)), "env_spec": str, "prefix": str}
    kinds["action_meanings"] = list  # journals of before have none
    header = {"action_meanings": [], **header} if isinstance(header, dict) else {}
    if not all(isinstance(header.get(name), kind) for name, kind in kinds.items()):
        raise ValueError("its header is damaged")
    shape = tuple(header["shape"])
    if len(shape) != 3 or shape[2] != 3 or not all(isinstance(n, int) and 0 < n < 8192 for n in shape):
        raise ValueError("its header names an impossible frame")
    return header, shape


def _records(file: IO[bytes], shape: tuple[int, int, int]) -> Iterator[Record]:
    """Those before the first that is torn or wrong."""
    size = int(np.prod(shape))
    for _ in range(MAX_FRAME_BYTES // size):
        fixed = file.read(_RECORD.size)
        if len(fixed) < _RECORD.size:
            return
        length, action, player, ends, reward = _RECORD.unpack(fixed)
        if length > 2 * size + 64 or player >= len(PLAYERS) or not np.isfinite(reward):
            return
        data, check = file.read(length), file.read(_SUM.size)
        if len(check) < _SUM.size or _SUM.unpack(check)[0] != zlib.crc32(fixed + data):
            return
        frame = zlib.decompressobj().decompress(data, size + 1)
        if len(frame) != size:
            return
        yield action, player, ends, reward, np.frombuffer(frame, np.uint8).reshape(shape)
