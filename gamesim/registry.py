"""Things by their names, ours and those that other packages bring: kinds of models, parts of a measurement.

Whoever needs to know what there is asks a registry. Classes and functions are named as "module:name" in its
entries, so that nothing is imported before it is used.
"""

import importlib
import warnings
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, Generic, Protocol, TypeVar

from gamesim.errors import FOREIGN


class Named(Protocol):
    @property
    def name(self) -> str: ...


Entry = TypeVar("Entry", bound=Named)


class Registry(Generic[Entry]):
    """Entries by name, in the order in which they are offered.

    Args:
        group: entry points of other packages, each of which names one more.
        what: they are, for whoever is told that one of them could not be had.
    """

    def __init__(self, group: str, what: str) -> None:
        self._group, self._what = group, what
        self._entries: dict[str, Entry] = {}
        self._asked = False

    def register(self, entry: Entry) -> None:
        """Add one; one of the same name is replaced."""
        self._entries[entry.name] = entry

    def remove(self, name: str) -> None:
        """Take one out."""
        del self._entries[name]

    def all(self) -> Mapping[str, Entry]:
        """All of them; one from outside that cannot be imported is named in a warning, and left out."""
        if not self._asked:
            self._asked = True
            for point in entry_points(group=self._group):
                try:
                    self.register(point.load())
                except FOREIGN as error:
                    warnings.warn(f"the {self._what} of {point.value} are left out: {error}", stacklevel=2)
        return self._entries


def bare(env_id: str) -> str:
    """A game's id as Gymnasium has it: ``Id`` of ``module:Id``, which says where it is registered, too."""
    return env_id.rpartition(":")[2]


def loaded(name: str) -> Any:
    """What "module:name" is."""
    module, _, inside = name.partition(":")
    return getattr(importlib.import_module(module), inside)
