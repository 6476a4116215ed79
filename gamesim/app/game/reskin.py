"""The other look of the game: the lab's CycleGAN repaints a game or a dream.

The network sees the picture alone, so it paints a dream as well as the real game. Its weights are loaded on
a thread of their own, since torch takes seconds; until they are there, everything looks as usual.
"""

from collections import deque
from typing import Any

import numpy as np

from gamesim.app.background import Worker
from gamesim.app.game.pictures import Picture
from gamesim.app.game.world import World
from gamesim.app.navigation import Navigator
from gamesim.labs.themes import GAMES

PAINTED = "Repainted by a CycleGAN, which sees only the picture"
KEPT = 6  # painted frames: two boards, each with the frame now and the one before


class Reskin:
    """Whether the other look is on, as a player asked for, and what frames look like in it."""

    def __init__(self, window: Navigator) -> None:
        self.window, self.on = window, False
        self._worker = Worker("reskin")
        self._model: Any = None
        self._told: deque[tuple[str, bool]] = deque()
        self._painted: deque[tuple[Picture, Picture]] = deque(maxlen=KEPT)

    def toggle(self, world: World) -> None:
        """Turn it on or off, for games with a view of 7x7 cells."""
        if not world.ego:
            self.window.say("Only the Pac-Man games with a view of 7 by 7 cells have another look.")
            return
        self.on = not self.on
        if self.on and self._model is None:
            self.window.say("Loading the network that repaints the game")
            self._worker.do(self._load)
        else:
            self.window.say(PAINTED if self.on else "Its own look again")

    def _load(self) -> None:
        from gamesim.errors import UserError
        from gamesim.labs import cyclegan

        try:
            self._model = cyclegan.trained()
            self._told.append((PAINTED, False))
        except UserError as error:
            self._told.append((str(error), True))

    def follow(self) -> None:
        """Say that the weights are there, or why they are not."""
        while self._told:
            words, bad = self._told.popleft()
            self.on = self.on and not bad
            self.window.say(words, bad=bad)

    def paints(self, world: World) -> bool:
        """Whether a world is shown in the other look now."""
        return self.on and self._model is not None and world.ego

    def seen(self, world: World, frame: Picture) -> Picture:
        """What to show for a frame of a world: the frame itself, or a painted one."""
        if not self.paints(world):
            return frame
        for real, painted in self._painted:
            if real is frame:
                return painted
        theme = "garden" if world.title.game_id == GAMES["garden"] else "night"
        painted = self._model.translated(np.asarray(frame)[None], theme)[0]
        self._painted.append((frame, painted))
        return painted

    def close(self) -> None:
        self._worker.close()
