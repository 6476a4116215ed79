"""How often the window is drawn: a still page costs little, but every key is answered at once."""

STILL, MOVING, SMOOTH = 12, 30, 60
"""Times a second: a still page (a caret blinks), one with moving pictures, a game."""
LINGER = 0.5  # seconds of smooth drawing after a key or a move of the mouse


class Pace:
    """Decides in each round of the loop whether to draw."""

    def __init__(self) -> None:
        self._since = self._busy = 0.0

    def due(self, seconds: float, pace: int, busy: bool) -> bool:
        """Whether to draw now.

        Args:
            seconds: since the last round.
            pace: how many times a second the screen wants to be drawn.
            busy: whether there was an event, or a key is held.
        """
        self._since += seconds
        self._busy = LINGER if busy else max(0.0, self._busy - seconds)
        if not self._busy and pace < SMOOTH and self._since < 1 / pace:
            return False
        self._since = 0.0
        return True
