"""Where results go is tried out before the work that makes them, not after it."""

import os
import tempfile
from pathlib import Path

from gamesim import storage
from gamesim.errors import UserError
from gamesim.text import reason

ROOM = 1024 * 1024
"""Bytes that must fit."""


def check_file(file: str | Path) -> None:
    """Complain about a file that could not be written: its folder is not there, read-only or full.

    Raises:
        UserError: The message starts with the file.
    """
    file = Path(file)
    storage.check_replaceable(file)
    folder = Path(os.path.realpath(file)).parent
    if not folder.is_dir():
        raise UserError(f"{file}: no such folder")
    _try(folder, file)


def check_folder(folder: str | Path) -> None:
    """Complain about a folder that could not be made or written into; nothing is made yet.

    Raises:
        UserError: The message starts with the folder.
    """
    _try(_standing(Path(folder)), Path(folder))


def check_sealed(folder: str | Path) -> None:
    """Complain about a sealed folder, such as a checkpoint, that could not be written anew and swapped in.

    Raises:
        UserError: The message starts with the folder.
    """
    _try(_standing(Path(os.path.realpath(folder)).parent), Path(folder))


def _standing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    there = folder.absolute()
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if there.is_symlink() and not there.exists():  # no folder can be made in its place
        raise UserError(f"{folder}: the link {there} leads nowhere")
    if not there.is_dir():
        raise UserError(f"{folder}: {'not a folder' if there == folder.absolute() else 'is inside a file'}")
    return there


def _try(folder: Path, wanted: Path) -> None:
    """Write into a folder, under no name that could be left behind."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(ROOM))
            file.flush()
    except OSError as error:
        raise UserError(f"{wanted}: cannot be written: {reason(error)}") from None
