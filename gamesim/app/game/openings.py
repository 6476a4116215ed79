"""Where dreams begin: of a checkpoint's openings, none comes again before all the others have."""

from functools import cache
from random import Random


class Deck:
    """Numbers dealt like cards: all once in a random order, then all once in another.

    Args:
        count: they go from 0 to `count` - 1.
        chance: shuffles them.
    """

    def __init__(self, count: int, chance: Random | None = None) -> None:
        self._count, self._chance = count, chance or Random()
        self._left: list[int] = []
        self._last = -1

    def draw(self) -> int:
        """The next number; never the same twice in a row, unless there is only one."""
        if not self._left:
            self._left = self._chance.sample(range(self._count), self._count)
            if self._left[-1] == self._last:
                self._left.reverse()
        self._last = self._left.pop()
        return self._last


@cache
def deck_of(dream: str, count: int) -> Deck:
    """The one deck of a dream, by its name and how many openings it has; it outlives the screen."""
    return Deck(count)
