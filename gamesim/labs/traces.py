"""Curves of a training of any length that stay short enough to draw and to send."""

from collections.abc import Sequence

LONGEST = 400
"""Points of a trace; when there are more, two neighbours become one."""


class Trace:
    """A value at each step, as means over equally many steps; the latest are part of a mean not yet full.

    Args:
        stride: steps of a mean at first.
    """

    def __init__(self, stride: int = 1) -> None:
        self.points: list[tuple[float, float]] = []
        self._stride, self._sum, self._count = stride, 0.0, 0

    def add(self, step: int, value: float) -> None:
        self._sum, self._count = self._sum + value, self._count + 1
        if self._count < self._stride:
            return
        self.points.append((float(step), self._sum / self._count))
        self._sum, self._count = 0.0, 0
        if len(self.points) > LONGEST:
            left, right = self.points[:-1:2], self.points[1::2]
            self.points = [(b[0], (a[1] + b[1]) / 2) for a, b in zip(left, right, strict=True)]
            self._stride *= 2


class Traces:
    """A `Trace` by name, made when it is first told of."""

    def __init__(self, stride: int = 1) -> None:
        self._stride, self._traces = stride, dict[str, Trace]()

    def add(self, step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._traces.setdefault(name, Trace(self._stride)).add(step, value)

    def lines(self, *names: str) -> dict[str, Sequence[tuple[float, float]]]:
        """Points by name, of all traces or of these, for `gamesim.labs.panels.Curves`."""
        chosen = names or tuple(self._traces)
        return {name: list(self._traces[name].points) for name in chosen if name in self._traces}
