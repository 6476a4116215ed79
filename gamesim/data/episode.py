"""One episode: what was seen, what was pressed, what it was worth, how it ended and who played.

On disk it is one compressed ``.npz`` of plain arrays (no pickles), which ``numpy.load`` reads as well.
Frames lie there as ``frames`` or, where they are made of few different blocks, as ``blocks`` and
``index``: ``blocks.unpack`` joins them. :meth:`Episode.load` trusts nobody: every size is checked before
memory is set aside for it, and nothing in a file is ever executed.
"""

import io
import json
import math
import struct
import zipfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np

from gamesim import storage
from gamesim.data.store.blocks import pack, unpack
from gamesim.errors import UserError
from gamesim.text import one_line, reason

VERSION = 1
PLAYERS = ("human", "random", "explorer", "controller", "agent", "dqn", "gcn")
"""Who may have pressed a key; :attr:`Episode.players` holds indices into it."""

MAX_FRAME_BYTES = 1 << 29
"""No episode is longer than this (25,000 frames of 84x84x3): a file that claims more is refused."""
MAX_STEPS = 1 << 24
_MAX_META_BYTES = 1 << 24  # a game may have been made with a whole level as an argument
# The quickest on tile graphics (360 MB/s a core; level 1: 270, level 6: 100).
_LEVEL = 2
_CHUNK = 1 << 18  # bytes inflated at a time: such a piece stays in the cache


@dataclass
class Episode:
    """T steps of one game. Step t goes ``frames[t] --actions[t]--> frames[t + 1]``.

    Attributes:
        frames: uint8 (T+1, H, W, 3).
        actions: uint8 (T,).
        rewards: float32 (T,), finite.
        terminated: The game itself ended at the last step (eaten, flag).
        truncated: A time limit ended it: its last reward cannot be foreseen from the frames.
            Neither flag is set where only the recording stopped.
        players: uint8 (T,), who chose each action, as an index into :data:`PLAYERS`.
        seed: What the environment was seeded with, or None (a dream): without it there is no replay.
        env_spec: The environment's ``spec.to_json()``.
        version: Of this format.
        action_meanings: A word for each action that the game has, such as LEFT, or "" where the game does not
            say; empty in files from before this was recorded.
        prefix: uint8 (P,), the actions between the reset and ``frames[0]``: a recording that was
            switched on in the middle of a game replays from the seed as well.
    """

    frames: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    terminated: bool
    truncated: bool
    players: np.ndarray
    seed: int | None
    env_spec: str
    version: int = VERSION
    action_meanings: tuple[str, ...] = ()
    prefix: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint8))

    def __len__(self) -> int:
        """Steps (one fewer than frames)."""
        return len(self.actions)

    @property
    def total_reward(self) -> float:
        return float(self.rewards.sum(dtype=np.float64))

    def check(self) -> None:
        """Whether the parts fit each other.

        Raises:
            ValueError: They do not; the message says which.
        """
        steps = len(self.actions)
        wanted = {
            "actions": (self.actions, np.uint8, (steps,)),
            "rewards": (self.rewards, np.float32, (steps,)),
            "players": (self.players, np.uint8, (steps,)),
            "prefix": (self.prefix, np.uint8, (len(self.prefix),)),
            "frames": (self.frames, np.uint8, (steps + 1, *self.frames.shape[1:3], 3)),
        }
        for name, (array, dtype, shape) in wanted.items():
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(
                    f"{name} is {array.dtype} {array.shape}, wanted {np.dtype(dtype).name} {shape}"
                )
        if steps == 0 or 0 in self.frames.shape:
            raise ValueError("it has no steps")
        if self.frames.nbytes > MAX_FRAME_BYTES:
            raise ValueError(f"it has more than {MAX_FRAME_BYTES >> 20} MiB of frames")
        if self.players.max() >= len(PLAYERS):
            raise ValueError("it names an unknown player")
        if not np.isfinite(self.rewards).all():
            raise ValueError("a reward is not a finite number")
        self._meta()

    def _meta(self) -> bytes:
        """All but the arrays as JSON, which :meth:`load` takes."""
        meta = {
            "version": self.version,
            "terminated": bool(self.terminated),
            "truncated": bool(self.truncated),
            "seed": self.seed.item() if isinstance(self.seed, np.generic) else self.seed,
            "env_spec": self.env_spec,
            "action_meanings": list(self.action_meanings),
        }
        _checked_meta(meta)
        data = json.dumps(meta).encode()
        if len(data) > _MAX_META_BYTES:
            raise ValueError(f"its env_spec has more than {_MAX_META_BYTES >> 20} MiB")
        return data

    def to_bytes(self) -> bytes:
        """The file as bytes (this is where the time goes; zlib lets other threads run meanwhile)."""
        self.check()
        members = {
            "meta": np.frombuffer(self._meta(), np.uint8),
            "actions": self.actions,
            "rewards": self.rewards,
            "players": self.players,
            "prefix": self.prefix,
        }
        frames = np.ascontiguousarray(self.frames)
        packed = pack(frames)
        if packed is None:
            members["frames"] = frames
        else:
            members["blocks"], members["index"] = packed
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", compresslevel=_LEVEL) as archive:
            for name, array in members.items():
                # The rest is small: to compress it would cost more time than it saves.
                large = name in ("frames", "blocks", "index")
                archive.compression = zipfile.ZIP_DEFLATED if large else zipfile.ZIP_STORED
                with archive.open(name + ".npy", "w") as member:
                    member.write(_header(array.shape, array.dtype.str))
                    member.write(np.ascontiguousarray(array).data)  # also of every second step, or a column
        return buffer.getvalue()

    def save(self, path: str | Path, *, lasting: bool = True) -> int:
        """Write the file so that it is there whole or not at all, whatever happens.

        Args:
            path: Ends in ``.npz``; its folder exists. An existing file is replaced.
            lasting: False leaves it to the caller to call `storage.sync_folder`, once for many files.

        Returns:
            Size of the file in bytes.

        Raises:
            UserError: It cannot be written (full disk, read-only folder).
        """
        data = self.to_bytes()
        storage.write_file(Path(path), data, sync_name=lasting)
        return len(data)

    @classmethod
    def load(cls, path: str | Path, *, pixels: bool = True) -> "Episode":
        """Read and check a file.

        Args:
            path: Of the file.
            pixels: False is far quicker: ``frames`` is a (T+1, H, W, 3) view of a single zero, and damage
                inside the compressed frames is not noticed.

        Raises:
            UserError: It is missing, damaged, or not an episode; the message names it.
        """
        try:
            with open(path, "rb") as file:
                return _read(file, pixels)
        # A hostile archive can raise almost anything out of zipfile, zlib and numpy's header parser.
        except (Exception, RecursionError) as error:
            raise UserError(f"{path}: not a readable episode ({one_line(reason(error), 200)})") from error


@lru_cache(maxsize=4096)
def _header(shape: tuple[int, ...], dtype: str) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": dtype, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


@lru_cache(maxsize=4096)  # the same few headers in thousands of files
def _parse_header(text: bytes) -> tuple[tuple[int, ...], bool, np.dtype]:
    buffer = io.BytesIO(struct.pack("<H", len(text)) + text)
    return np.lib.format.read_array_header_1_0(buffer, max_header_size=1024)


def _read(file: IO[bytes], pixels: bool) -> Episode:
    with zipfile.ZipFile(file) as archive:
        meta_bytes = _read_array(archive, "meta", "|u1", (None,), _MAX_META_BYTES)
        meta = _checked_meta(json.loads(meta_bytes.tobytes()))
        actions = _read_array(archive, "actions", "|u1", (None,), MAX_STEPS)
        steps = len(actions)
        episode = Episode(
            frames=_read_frames(archive, steps + 1, pixels),
            actions=actions,
            rewards=_read_array(archive, "rewards", "<f4", (steps,), 4 * MAX_STEPS),
            players=_read_array(archive, "players", "|u1", (steps,), MAX_STEPS),
            prefix=_read_array(archive, "prefix", "|u1", (None,), MAX_STEPS),
            **meta,
        )
    episode.check()
    return episode


def _read_frames(archive: zipfile.ZipFile, count: int, pixels: bool) -> np.ndarray:
    if "index.npy" not in archive.NameToInfo:
        return _read_array(archive, "frames", "|u1", (count, None, None, 3), MAX_FRAME_BYTES, pixels)
    blocks = _read_array(archive, "blocks", "|u1", (None, None, None, 3), MAX_FRAME_BYTES, pixels)
    index = _read_array(archive, "index", "<u2", (count, None, None), MAX_FRAME_BYTES, pixels)
    size = blocks.shape[1]
    shape = (count, index.shape[1] * size, index.shape[2] * size, 3)
    if size != blocks.shape[2] or 0 in blocks.shape or math.prod(shape) > MAX_FRAME_BYTES:
        raise ValueError(f"its blocks {blocks.shape} and index {index.shape} do not make up frames")
    return unpack(blocks, index) if pixels else np.broadcast_to(np.zeros((), np.uint8), shape)


def _checked_meta(meta: Any) -> dict[str, Any]:
    if not isinstance(meta, dict) or meta.get("version") != VERSION:
        version = meta.get("version") if isinstance(meta, dict) else None
        raise ValueError(f"its format version is {version}, and this gamesim reads version {VERSION}")
    kinds = {"terminated": (bool,), "truncated": (bool,), "env_spec": (str,), "seed": (int, type(None))}
    for name, kind in kinds.items():
        if name not in meta or type(meta[name]) not in kind:  # true is no seed, though Python calls it 1
            raise ValueError(f"{name} is missing or of the wrong kind")
    meanings = meta.get("action_meanings", [])
    if not isinstance(meanings, list) or not all(isinstance(word, str) for word in meanings):
        raise ValueError("action_meanings is of the wrong kind")
    return {name: meta[name] for name in ("version", *kinds)} | {"action_meanings": tuple(meanings)}


def _read_array(
    archive: zipfile.ZipFile,
    name: str,
    dtype: str,
    shape: tuple[int | None, ...],
    max_bytes: int,
    pixels: bool = True,
) -> np.ndarray:
    """One member: its declared shape must be the wanted one (None: any), its size must fit it exactly."""
    try:
        info = archive.getinfo(name + ".npy")
    except KeyError:
        raise ValueError(f"it has no {name}") from None
    with archive.open(info) as member:
        start = member.read(10)
        if start[:8] != b"\x93NUMPY\x01\x00":
            raise ValueError(f"{name} has an unknown array header")
        header = member.read(min(1024, *struct.unpack("<H", start[8:])))
        found, fortran_order, found_dtype = _parse_header(header)
        sizes = len(found) == len(shape) and all(
            want in (None, have) for want, have in zip(shape, found, strict=True)
        )
        if not sizes or fortran_order or found_dtype != np.dtype(dtype) or min(found) < 0:
            raise ValueError(f"{name} is {found_dtype} {found}, wanted {np.dtype(dtype).name} {shape}")
        size = math.prod(found) * np.dtype(dtype).itemsize
        # Deflate cannot shrink anything below a 1032nd: what claims more is no file of ours.
        if size > max_bytes or size > 1040 * info.compress_size + 1024:
            raise ValueError(f"{name} claims {size} bytes")
        if info.file_size != len(start) + len(header) + size:
            raise ValueError(f"{name} does not have the size that its shape claims")
        if not pixels:
            return np.broadcast_to(np.zeros((), dtype), found)
        data, at = np.empty(size, np.uint8), 0
        while chunk := member.read(_CHUNK):
            data[at : at + len(chunk)] = np.frombuffer(chunk, np.uint8)
            at += len(chunk)
    if at != size:
        raise ValueError(f"{name} is too short")
    return data.view(dtype).reshape(found)
