"""The minutes that one call of ``train`` may take, as a question that the loop asks after every step."""

import math
import time
from collections.abc import Callable


class Deadline:
    """Counts from when it is made, so that data that is loaded counts as well.

    Args:
        minutes: Until it has passed; None: it never does.
        clock: Seconds, from any beginning.
    """

    def __init__(self, minutes: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = math.inf if minutes is None else clock() + 60 * minutes

    def end(self) -> None:
        """Be over now."""
        self._end = -math.inf

    @property
    def passed(self) -> bool:
        """Whether the minutes are over."""
        return self._clock() >= self._end
