"""Counts, step by step, how often something happened, and how often it could have happened."""

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]


class Tally:
    """Shares by name and by dreamt step, so that one dream gives the figures of every horizon.

    Attributes:
        step: the dreamt step that is being counted, from 1.
    """

    def __init__(self, steps: int) -> None:
        self.steps, self.step = steps, 1
        self._hits: dict[str, NDArray[np.int64]] = {}
        self._total: dict[str, NDArray[np.int64]] = {}

    def add(self, name: str, so: Bools, counted: Bools) -> None:
        """Counts where bool `counted` is set, and among these where `so` is set, too; shapes broadcast."""
        counted, so = np.broadcast_arrays(counted, so)
        for book, found in ((self._hits, so & counted), (self._total, counted)):
            book.setdefault(name, np.zeros(self.steps + 1, np.int64))[self.step] += int(found.sum())

    def count(self, name: str, first: int, last: int) -> int:
        """How often it could have been so in the steps `first` to `last`, both from 1 and included."""
        return int(self._total[name][first : last + 1].sum()) if name in self._total else 0

    def share(self, name: str, first: int, last: int) -> float:
        """Hits divided by that count: 0 to 1, NaN where there was nothing to count."""
        total = self.count(name, first, last)
        return int(self._hits[name][first : last + 1].sum()) / total if total else float("nan")
