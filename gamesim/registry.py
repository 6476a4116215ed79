"""Things by their names, ours and those that other packages bring: kinds of models, parts of a measurement.

Whoever needs to know what there is asks a registry. Classes and functions are named as "module:name" in its
entries, so that nothing is imported before it is used.
"""

import contextlib
import dataclasses
import importlib
import warnings
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from gamesim.errors import PASSING, UserError
from gamesim.text import one_line


class Named(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def name(self) -> str: ...


Entry = TypeVar("Entry", bound=Named)


class Registry(Generic[Entry]):
    """Entries by name, in the order in which they are offered.

    Args:
        kind: the dataclass of an entry.
        group: entry points of other packages, each of which names one more.
        what: they are, for whoever is told that one of them could not be had.
    """

    def __init__(self, kind: type[Entry], group: str, what: str) -> None:
        self._kind, self._group, self._what = kind, group, what
        self._entries: dict[str, Entry] = {}
        self._asked = False

    def register(self, entry: Entry) -> None:
        """Add one; one of the same name is replaced."""
        self._entries[entry.name] = entry

    def remove(self, name: str) -> None:
        """Take one out."""
        del self._entries[name]

    def all(self) -> Mapping[str, Entry]:
        """All of them; one of another package that is of no use is named in a warning, and left out."""
        if not self._asked:
            self._asked = True
            for point in entry_points(group=self._group):
                try:
                    self.register(self._checked(point.load()))
                except PASSING:
                    raise
                except BaseException as error:  # somebody else's code
                    left_out = f"the {self._what} of {point.value} are left out"
                    warnings.warn(f"{left_out}: {one_line(error)}", stacklevel=2)
        return self._entries

    def _checked(self, entry: Any) -> Entry:
        """What an entry point names, after a look whether it is an entry, and a new one."""
        if not isinstance(entry, self._kind):
            raise TypeError(f"it is no {self._kind.__module__}.{self._kind.__qualname__}")
        for each in dataclasses.fields(entry):
            if each.type in (str, "str") and not isinstance(getattr(entry, each.name), str):
                raise TypeError(f"its {each.name} is no text")
        if entry.name in self._entries:
            raise ValueError(f"there is another one that is called '{entry.name}'")
        return entry


def bare(env_id: str) -> str:
    """A game's id as Gymnasium has it: ``Id`` of ``module:Id``, which says where it is registered, too."""
    return env_id.rpartition(":")[2]


def loaded(name: str) -> Any:
    """What "module:name" is.

    Raises:
        UserError: It is another package's, and cannot be had.
    """
    module, _, inside = name.partition(":")
    with blamed(name):
        return getattr(importlib.import_module(module), inside)


@contextlib.contextmanager
def blamed(name: str, where: str = "") -> Iterator[None]:
    """What another package's "module:name", or a game, raises in here becomes one line that names it.

    Args:
        name: What is asked.
        where: And what for.
    """
    try:
        yield
    except (UserError, MemoryError, *PASSING):
        raise
    except BaseException as error:
        if name.startswith("gamesim."):
            raise
        raise UserError(f"{name} failed{where and f' in {where}'}: {one_line(error)}") from error
