"""Files and folders that are either there as they were written, or not there at all.

A *sealed folder* is written beside its place and swapped in by renaming, so that a kill or a power cut at
any moment leaves one whole version; its ``manifest.json`` holds the size and SHA-256 of every file, checked
when it is read. Text that people read and tools rewrite is sealed by what it says, not by its bytes.
Checkpoints and the state of a training run are sealed folders.
"""

import contextlib
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from gamesim.errors import UserError
from gamesim.locks import alone
from gamesim.text import from_json, one_line, reason

MANIFEST = "manifest.json"
_TEXT_BYTES = 1024 * 1024
_NOUNS = {"gamesim-checkpoint": "model", "gamesim-resume": "run's saved state"}
"""What people call a folder of each kind."""

Meaning = Callable[[bytes, str], bytes]
"""What a text says, the same bytes however it is laid out. Given the text and a name for its `UserError`."""


def write_file(path: Path, data: bytes, *, sync: bool = True, sync_name: bool = True) -> None:
    """Write a file whole or not at all: a temporary sibling, fsync, rename, fsync of the folder.

    Args:
        path: Where to; an existing file is replaced.
        data: What.
        sync: False leaves out the fsync of the data, for what can be made again.
        sync_name: False leaves it to the caller to call `sync_folder`, once for many files.

    Raises:
        UserError: It cannot be written; nothing is left behind.
    """
    with replacing(path, sync_name=sync_name) as temporary:
        _write(temporary, data, sync=sync)


@contextlib.contextmanager
def replacing(path: Path, *, sync_name: bool = True) -> Iterator[Path]:
    """Write a file piece by piece: under the name that this gives, which becomes `path` at the end.

    A link stays, and what it leads to is replaced.

    Raises:
        UserError: It cannot be written, or is something else than a file, such as ``/dev/null``; nothing is
            left behind, as after any other error in here.
    """
    target = Path(os.path.realpath(path))
    short = _sha256(os.fsencode(target.name))[:16]  # a name may be as long as the system allows
    temporary = target.parent / f".{short}.{os.getpid()}.tmp"
    try:
        check_replaceable(path)
        try:
            yield temporary
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        if sync_name:
            sync_folder(target.parent)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {reason(error)}") from error


def check_replaceable(path: Path) -> None:
    """Complain about what no file may take the place of: a folder, a device, a pipe.

    Raises:
        UserError: It starts with the path.
    """
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: {'is a folder' if path.is_dir() else 'not a file'}")


class _Seal(NamedTuple):
    """What a manifest says of a file; `says`: the SHA-256 of a text's meaning, "" before there was one."""

    size: int
    digest: str
    says: str


def write_folder(
    folder: Path,
    files: Mapping[str, bytes],
    *,
    kind: str,
    version: int,
    meanings: Mapping[str, Meaning] | None = None,
    held: bool = False,
) -> None:
    """Put a sealed folder in the place of `folder`, which may exist.

    A link stays, and what it leads to is replaced. What people keep in the folder, notes say, stays as well.

    Args:
        folder: Where it goes. Its hidden siblings ``.NAME.new`` and ``.NAME.old`` are used on the way.
        files: Plain file names and what they hold.
        kind: What the folder is, such as "gamesim-checkpoint"; `read_folder` insists on it.
        version: The version of its layout.
        meanings: By name, of the files that are text: they are sealed by what they say.
        held: Whether the caller is `gamesim.locks.alone` with it already.

    Raises:
        UserError: It cannot be written; what was there before is still there.
    """
    shown, folder = Path(os.path.abspath(folder)), Path(os.path.realpath(folder))
    listing: dict[str, dict[str, object]] = {}
    for name, data in sorted(files.items()):
        listing[name] = {"bytes": len(data), "sha256": _sha256(data)}
        if meanings and name in meanings:
            listing[name]["says"] = _sha256(meanings[name](data, str(shown / name)))
    manifest = {"kind": kind, "version": version, "files": listing}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.nullcontext() if held else alone(folder):
            _swap_in(folder, {**files, MANIFEST: json.dumps(manifest, indent=1).encode()})
    except OSError as error:
        raise UserError(f"{shown}: cannot be written: {reason(error)}") from None


def _swap_in(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write these files beside a folder, and put them in its place; an `OSError` leaves it as it was."""
    new, old = _sibling(folder, "new"), _sibling(folder, "old")
    try:
        if old.exists() and not folder.exists():  # killed between the two renames below
            os.rename(old, folder)
        _move_others(old, folder, files)  # killed after them
        for leftover in (new, old):
            _remove(leftover)
        new.mkdir()
        for name, data in files.items():
            _write(new / name, data)
        sync_folder(new)
        if os.path.lexists(folder):
            os.rename(folder, old)
        os.rename(new, folder)
        sync_folder(folder.parent)
        _move_others(old, folder, files)
    except OSError:
        if old.exists() and not folder.exists():
            os.rename(old, folder)
        shutil.rmtree(new, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _move_others(old: Path, folder: Path, files: Iterable[str]) -> None:
    """Move to `folder` what lies in `old`, is none of its sealed files, and has no namesake there."""
    if not old.is_dir():
        return
    try:
        told = from_json(read_file(old / MANIFEST, old / MANIFEST, _TEXT_BYTES))
        sealed = {MANIFEST, *files, *told["files"]}
    except (UserError, ValueError, KeyError, TypeError):
        sealed = {MANIFEST, *files}
    for entry in old.iterdir():
        if entry.name not in sealed and not os.path.lexists(folder / entry.name):
            os.rename(entry, folder / entry.name)


READS = 20
"""Attempts to read a folder that is swapped each time meanwhile; one that stays as it is is read once."""


def read_folder(
    folder: Path,
    *,
    kind: str,
    version: int,
    required: Iterable[str] = (),
    meanings: Mapping[str, Meaning] | None = None,
) -> dict[str, bytes]:
    """Return the files of a sealed folder after checking every seal.

    A file that `meanings` knows may have been rewritten, as long as it says the same. In a folder that was
    sealed before there were meanings it may say anything: the caller looks whether that makes sense.

    A reader may come at any time: while a writer swaps the folder it reads the old or the new one, whole.

    Raises:
        UserError: Missing, damaged, of another kind, or of a version that this release cannot read.
    """
    folder = Path(folder)
    for left in reversed(range(READS)):
        place = _current(folder)
        before = _identity(place)
        try:
            return _read_sealed(place, folder, kind, version, required, meanings or {})
        except PermissionError as error:
            raise UserError(f"{folder}: cannot be read: {reason(error)}") from None
        except UserError:
            now = _current(folder)  # moved aside, it is the same folder in another place
            if not left or (now == place and _identity(now) == before and before is not None):
                raise
    raise AssertionError  # the loop returns or raises


def exists(folder: str | Path) -> bool:
    """Whether a sealed folder is there (whole or not), also when a writer was killed while swapping it."""
    return os.path.isfile(_current(Path(folder)) / MANIFEST)  # False also where one may not look


def _read_sealed(
    place: Path,
    folder: Path,
    kind: str,
    version: int,
    required: Iterable[str],
    meanings: Mapping[str, Meaning],
) -> dict[str, bytes]:
    listing = _listing(place, folder, kind, version)
    for name in required:
        if name not in listing:
            raise UserError(f"{folder}: its {MANIFEST} does not list {name}")
    files: dict[str, bytes] = {}
    for name, seal in listing.items():
        if name in meanings:
            files[name] = _read_text(place / name, folder / name, seal, meanings[name])
            continue
        files[name] = data = read_file(place / name, folder / name, seal.size)
        if len(data) != seal.size:
            raise UserError(f"{folder / name}: damaged: {len(data)} bytes, expected {seal.size}")
        if _sha256(data) != seal.digest:
            raise UserError(f"{folder / name}: damaged: its SHA-256 is not the one in {MANIFEST}")
    return files


def _read_text(path: Path, shown: Path, seal: _Seal, meaning: Meaning) -> bytes:
    """Read a text that may have been rewritten since it was sealed, but must say what it said."""
    data = read_file(path, shown, max(_TEXT_BYTES, seal.size))
    if _sha256(data) != seal.digest and _sha256(meaning(data, str(shown))) != seal.says and seal.says:
        raise UserError(f"{shown}: damaged or edited: its content has changed since it was saved")
    return data


def _listing(place: Path, folder: Path, kind: str, version: int) -> dict[str, _Seal]:
    """Read and check the manifest: file name -> its seal."""
    noun = _NOUNS.get(kind, kind)
    if not os.path.exists(folder) and not os.path.exists(place):  # also of a name that no folder can have
        raise UserError(f"{one_line(str(folder))}: no such folder")
    if not place.is_dir():
        raise UserError(f"{folder}: not a folder")
    if not (place / MANIFEST).exists():
        raise UserError(f"{folder}: not a {noun}: it has no {MANIFEST}")
    broken = UserError(f"{folder / MANIFEST}: damaged: not a manifest of this kind")
    try:
        manifest = from_json(read_file(place / MANIFEST, folder / MANIFEST, _TEXT_BYTES))
        if not isinstance(manifest, dict) or manifest.get("kind") != kind:
            raise UserError(f"{folder}: not a {noun}: its {MANIFEST} says otherwise")
        if type(manifest.get("version")) is not int:
            raise broken
        if manifest["version"] != version:
            raise UserError(
                f"{folder}: {noun} of version {manifest['version']}, but this release reads version {version}"
            )
        listing = {
            name: _Seal(entry["bytes"], entry["sha256"], entry.get("says", ""))
            for name, entry in manifest["files"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise broken from None
    for name, (size, *digests) in listing.items():
        plain = name not in ("", ".", "..") and not set(name) & set("/\\:\0")
        if not plain or type(size) is not int or size < 0 or not all(isinstance(d, str) for d in digests):
            raise broken
    return listing


def read_file(path: Path, shown: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes: a pipe would be waited for.

    Raises:
        UserError: It is something else or cannot be read; the message calls it `shown`.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UserError(f"{shown}: not a file")
        if path.stat().st_size > limit:
            raise UserError(f"{shown}: damaged: {path.stat().st_size} bytes, expected at most {limit}")
        return path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{shown}: missing") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{shown}: cannot be read: {reason(error)}") from None


def _write(path: Path, data: bytes, *, sync: bool = True) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        if sync:
            os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last through a power cut, where the system can."""
    if os.name == "nt":  # folders cannot be opened there, and renames are journalled
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sibling(folder: Path, suffix: str) -> Path:
    return folder.parent / f".{folder.name}.{suffix}"  # "/" has no name to change


def _current(folder: Path) -> Path:
    """The folder, or its aside-moved old version when a writer was killed (or is) between two renames."""
    try:
        absolute = Path(os.path.realpath(folder))
    except ValueError:  # a name that no folder can have
        return folder
    old = _sibling(absolute, "old")
    return old if not os.path.exists(absolute) and os.path.isdir(old) else absolute


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
        return status.st_ino, status.st_mtime_ns
    except (OSError, ValueError):
        return None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
