"""The one walk over a folder of recordings: what is in it, and what was passed over, and why.

Subfolders count, and so do links to folders and files; each folder and each file is found once, however many
links lead to it. Names that begin with a dot are hidden, as everywhere.
"""

import contextlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from gamesim.errors import UserError
from gamesim.text import reason

EPISODE, JOURNAL, INDEX = ".npz", ".journal", "index.jsonl"
_SHOWN = 5  # names in one line
_MOST = 20_000  # so many other things beyond the recordings' own number, and this is no folder of recordings


@dataclass
class Found:
    """What a folder of recordings holds; paths are below it, with "/" between their parts.

    Attributes:
        episodes: Path -> the status of the file.
        journals: Of episodes that run, or that a killed process left behind.
        passed: Path -> why nothing there could be found.
        others: Files that are no recordings.
    """

    episodes: dict[str, os.stat_result] = field(default_factory=dict)
    journals: list[str] = field(default_factory=list)
    passed: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)

    def other_files(self) -> str:
        """The names in :attr:`others`, in one line; "" where there are none."""
        if not self.others:
            return ""
        names, more = ", ".join(sorted(self.others)[:_SHOWN]), len(self.others) - _SHOWN
        count = len(self.others)
        what = "1 file is not a recording" if count == 1 else f"{count} files are not recordings"
        return f"{what}: {names}" + (f" and {more} more" if more > 0 else "")


def walk(folder: Path) -> Found:
    """Look at everything below a folder.

    Raises:
        OSError: The folder itself cannot be read.
        UserError: It is a whole disk, or the like.
    """
    search = _Search(folder)
    search.look("", search.root)
    while search.folders or search.links:
        search.check_size()
        # What lies in the folder itself comes first: a link to it then leads to nothing new.
        prefix, real = search.folders.pop() if search.folders else search.links.pop(0)
        if real in search.seen:
            continue
        try:
            search.look(prefix, real)
        except OSError as error:
            search.found.passed[prefix] = f"cannot be read ({reason(error)})"
    search.add_linked_files()
    return search.found


class _Search:
    """Where a walk has been, and where it has yet to go: folders as (path below the root, real path)."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, os.path.realpath(folder)
        self.found = Found()
        self.folders: list[tuple[str, str]] = []
        self.links: list[tuple[str, str]] = []
        self.seen: set[str] = set()
        self._files: set[str] = set()
        self._linked_files: list[tuple[str, str]] = []

    def look(self, prefix: str, real: str) -> None:
        """Look into one folder.

        Raises:
            OSError: It cannot be read.
        """
        self.seen.add(real)
        with os.scandir(self.folder / prefix) as items:
            for item in sorted(items, key=lambda each: each.name):
                if item.name.startswith("."):
                    continue
                try:
                    if item.is_symlink():
                        self._link(prefix + item.name, os.path.realpath(item.path))
                    elif item.is_dir(follow_symlinks=False):
                        self.folders.append((f"{prefix}{item.name}/", os.path.join(real, item.name)))
                    else:
                        self._file(prefix + item.name, os.path.join(real, item.name), item.stat())
                except FileNotFoundError:  # somebody has just deleted it
                    continue
                except OSError as error:
                    self.found.passed[prefix + item.name] = f"cannot be read ({reason(error)})"

    def check_size(self) -> None:
        """Give up on a whole disk, or the like, which takes minutes, before anything there is touched.

        Raises:
            UserError: This is one.
        """
        rest = len(self.found.others) + len(self.found.passed) + len(self.seen)
        if rest > _MOST + len(self.found.episodes):
            raise UserError(
                f"{self.folder}: more than {_MOST:,} other files and folders are there. "
                "Name the folder in which the recordings are"
            )

    def _link(self, name: str, real: str) -> None:
        if os.path.isdir(real):
            if f"{self.root}{os.sep}".startswith(f"{real.rstrip(os.sep)}{os.sep}") and real != self.root:
                self.found.passed[name] = "a link to a folder that contains it"
            else:
                self.links.append((f"{name}/", real))
        elif not os.path.exists(real):
            self.found.passed[name] = "a link that leads nowhere"
        elif name.endswith(JOURNAL):
            self.found.passed[name] = f"a link to {real}, where it is recovered"
        else:
            self._linked_files.append((name, real))

    def _file(self, name: str, real: str, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            self.found.passed[name] = "neither a file nor a folder"
        elif name.endswith(EPISODE):
            self._files.add(real)
            self.found.episodes[name] = status
        elif name.endswith(JOURNAL):
            self.found.journals.append(name)
        elif name.rpartition("/")[2] != INDEX:
            self.found.others.append(name)

    def add_linked_files(self) -> None:
        """Those that were not found under a name of their own."""
        for name, real in sorted(self._linked_files):
            if real not in self._files:
                with contextlib.suppress(FileNotFoundError):
                    self._file(name, real, os.stat(real))
