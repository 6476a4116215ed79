"""Text in files, as people and their tools leave it.

Git on Windows turns every line's end into CR LF, an editor adds a byte order mark or saves as UTF-16: it says
what it said. What is written here is UTF-8, whatever a user or a file may be called, and JSON that is JSON.
"""

import codecs
import difflib
import errno
import json
import math
import os
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(data: bytes, errors: str = "strict") -> str:
    r"""Return text with ``\n`` at the end of each line and without a byte order mark.

    Args:
        data: UTF-8, or what the byte order mark says that it begins with.
        errors: "strict", or "replace" for what is shown and nothing more.

    Raises:
        ValueError: It is not text.
    """
    mark, encoding = next(((m, e) for m, e in _MARKS if data.startswith(m)), (b"", "utf-8"))
    return data[len(mark) :].decode(encoding, errors).replace("\r\n", "\n").replace("\r", "\n")


def encode(words: str) -> bytes:
    """Return UTF-8; the odd bytes of a file's name, which are no characters, are spelled out."""
    return words.encode("utf-8", "backslashreplace")


def shown(words: str) -> str:
    """Return words that any screen can show: what is no character is spelled out."""
    return encode(words).decode().replace("\0", "\\x00")


def printable(words: str) -> str:
    """Return words as long as they are, with a space in the place of what cannot be printed."""
    return "".join(c if c.isprintable() else " " for c in words)


def to_json(tree: Any, indent: int | None = None) -> bytes:
    """Return JSON and a line's end. Numbers of NumPy and torch are numbers, NaN and infinity are null."""
    return (json.dumps(plain(tree), indent=indent, allow_nan=False) + "\n").encode()


def from_json(data: bytes) -> Any:
    """Return what JSON says.

    Raises:
        ValueError: It is not JSON.
    """
    try:
        return json.loads(decode(data))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what a tree of dicts holds, by dotted keys: ("training.steps", 400)."""
    for key, item in tree.items():
        if isinstance(item, dict):
            yield from flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item


def plain(item: Any) -> Any:
    """Turn scalars of NumPy and torch into numbers, what JSON lacks (NaN, infinity) into null."""
    if isinstance(item, Mapping):
        return {str(key): plain(each) for key, each in item.items()}
    if isinstance(item, (list, tuple)):
        return [plain(each) for each in item]
    if hasattr(item, "tolist"):
        return plain(item.tolist())
    if isinstance(item, float) and not math.isfinite(item):
        return None
    return item if isinstance(item, (bool, int, float, str, type(None))) else str(item)


def canonical(tree: Any) -> bytes:
    """Return the same bytes for all texts that say the same: order, layout, and 1 or 1.0, do not matter."""
    numbers = json.loads(json.dumps(plain(tree)), parse_int=float)
    return json.dumps(numbers, sort_keys=True).encode()


def one_line(words: str | BaseException, limit: int = 300) -> str:
    """Return words as one printable line of at most `limit` characters.

    An error stands for what it says, or for its kind where it says nothing, or fails even in that; one of
    the system's stands for the file and the `reason`.
    """
    if isinstance(words, SystemExit):
        words = f"it called sys.exit({words.code!r})"
    if isinstance(words, OSError) and words.strerror:
        words = complaint(words)
    try:
        said = str(words)
    except Exception:  # somebody else's error
        said = ""
    line = " ".join("".join(c if c.isprintable() or c.isspace() else "?" for c in said).split())
    if not line and isinstance(words, BaseException):
        line = type(words).__name__
    return line if len(line) <= limit else line[: limit - 1] + "…"


_REASONS = {
    errno.ENOENT: "no such file or folder",
    errno.EEXIST: "a file is in the way",
    errno.ENOTDIR: "a file is in the way",
    errno.EISDIR: "it is a folder",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.EROFS: "the disk can only be read",
    errno.ENOSPC: "the disk is full",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "its links lead in a circle",
    errno.EIO: "the disk has an error",
    errno.EMFILE: "too many files are open",
    errno.ENOTEMPTY: "it is not empty",
    errno.EBUSY: "something else uses it",
    errno.EDQUOT: "the share of the disk is used up",
    errno.EFBIG: "it is too large for this disk",
    errno.EAGAIN: "too much is running",
    errno.ENOMEM: "out of memory",
}


def reason(error: BaseException) -> str:
    """Return why something failed, in plain words, without the number and the path of an `OSError`."""
    if isinstance(error, OSError):
        ours = _REASONS.get(error.errno or 0) if _is_the_systems(error) else None
        return ours or one_line(error.strerror or error)
    if isinstance(error, MemoryError):
        return "out of memory"
    return one_line(error, 2000)  # a `UserError` may name a long path


def _is_the_systems(error: OSError) -> bool:
    """Whether the words are the system's own: a library may say more under the same number."""
    return getattr(error, "winerror", None) is not None or error.strerror == os.strerror(error.errno or 0)


def complaint(error: BaseException) -> str:
    """Return what failed and why: the file of an `OSError`, where it names one, and the `reason`."""
    named = error.filename if isinstance(error, OSError) else None
    file = one_line(os.fsdecode(named), 2000) if isinstance(named, (str, bytes)) else ""
    return f"{file}: {reason(error)}" if file else reason(error)


def suggest(word: str, known: Iterable[str], *, listed: bool = False) -> str:
    """Return ``", did you mean 'x'?"`` for a near miss, else "" (`listed`: everything that is known)."""
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f", did you mean '{close[0]}'?"
    return f" (choose from: {', '.join(sorted(known))})" if listed else ""


def file_name(words: str, usual: str) -> str:
    """Return words as the name of a folder or file: small letters, digits, and dashes between them.

    Letters of every script stay, and so do emojis: names that differ in nothing else would become one. It
    takes at most 120 bytes; no disk takes more than 255.

    Args:
        words: What it is called.
        usual: The name where nothing is left.
    """
    kept = "".join(c if _stays(c) else " " for c in unicodedata.normalize("NFC", words.lower()))
    name = "-".join(kept.split()).encode()[:120].decode(errors="ignore").strip("-")
    return name or usual


def _stays(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind[0] in "LMN" or kind == "So"


def counted(count: int, noun: str) -> str:
    """Return 1 game, 2 games, 1,000 games."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def sized(count: int) -> str:
    """Return how large a file is, in a unit that fits: 812 bytes, 4.1 kB, 53 MB."""
    for unit, bytes_ in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= 0.9995 * bytes_:  # else it would be 1,000 of the next smaller one
            return f"{count / bytes_:,.{int(count < 9.95 * bytes_)}f} {unit}"
    return counted(count, "byte")


def signed(value: float, digits: int = 1) -> str:
    """A score with its sign, such as "+1.5"; a zero is positive, whatever was rounded to it."""
    return f"{round(float(value), digits) + 0.0:+.{digits}f}"
