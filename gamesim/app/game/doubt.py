"""How sure a model is of each cell: it dreams the same step several times with other random numbers.

Every model is asked in the same way: GameGAN draws another z, Tilemap other tiles from the probabilities of
each cell, World Models from M's mixture. The doubt of a cell is the share of draws in which it shows
something else, and what they show instead flickers in.
"""

import numpy as np
import pygame

from gamesim.app.game.cells import differing
from gamesim.app.game.compare import cell_of
from gamesim.app.game.pictures import spread
from gamesim.app.game.world import World
from gamesim.app.theme import COLOURS

DRAWS = 12  # times that a step is dreamt again
FLICKER = 2.5
"""Pictures a second: slow enough for everybody's eyes."""


class Doubt:
    """Asks one world of a session while it is on; off, it costs nothing.

    Attributes:
        on: whether the doubts are on screen.
        share: the share of draws that show something else, float (rows, columns), 0..1; None if unknown.
    """

    def __init__(self) -> None:
        self.on = False
        self.share: np.ndarray | None = None
        self._drawn: np.ndarray | None = None
        self._frame: np.ndarray | None = None
        self._seen: tuple[int, np.ndarray, np.ndarray] | None = None  # turn, frame, picture

    @staticmethod
    def asks(world: World) -> bool:
        """Whether a world can be asked: only a dream leaves anything to chance."""
        return hasattr(world.env.unwrapped, "alternatives")

    def follow(self, world: World | None) -> None:
        """Ask the world once for every frame."""
        if not self.on or world is None or not self.asks(world):
            self.share = self._drawn = self._frame = None
            return
        if self._frame is world.frame:
            return
        self._frame = world.frame
        self._drawn = world.env.unwrapped.alternatives(DRAWS)  # pyright: ignore[reportAttributeAccessIssue]
        masks = [] if self._drawn is None else [differing(world.frame, d, world.grid) for d in self._drawn]
        known = [mask for mask in masks if mask is not None]
        self.share = np.mean(known, axis=0) if known else None

    def seen(self, frame: np.ndarray, clock: float) -> np.ndarray:
        """The frame, or in every other turn the frame with another draw in the doubted cells."""
        turn = int(clock * FLICKER)
        if self._seen is not None and self._seen[0] == turn and self._seen[1] is frame:
            return self._seen[2]
        if self.share is None or self._drawn is None or turn % 2 == 0:
            return frame
        other = self._drawn[turn // 2 % len(self._drawn)]
        doubted = spread(self.share > 0, *frame.shape[:2])
        self._seen = (turn, frame, np.where(doubted[..., None], other, frame))
        return self._seen[2]

    def draw(self, surface: pygame.Surface, rect: pygame.Rect) -> None:
        """Draw a veil over each doubted cell: the less sure, the denser."""
        if self.share is None:
            return
        veil = pygame.Surface(rect.size, pygame.SRCALPHA)
        for y, x in np.argwhere(self.share > 0).tolist():
            cell = cell_of(veil.get_rect(), self.share.shape, (x, y))
            veil.fill((*COLOURS["dream"], round(50 + 120 * float(self.share[y, x]))), cell)
        surface.blit(veil, rect)
