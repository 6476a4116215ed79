"""The film of a dream: its past, the step from which it was played again, and the first attempt."""

import numpy as np
import pygame

from gamesim.app.game.previews import scaled
from gamesim.app.game.world import World
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.widgets import clipped, shade, text

EVERY = 2  # steps from one picture to the next
STAYS = 4.0  # seconds for which it stays after the key is released
NOW = 0.6  # where the present is, as a share of the strip's width
KEPT = 400  # pictures


class Filmstrip:
    """Draws the film of a world; it keeps its small pictures for a while."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int], tuple[np.ndarray, pygame.Surface]] = {}

    @staticmethod
    def place(size: tuple[int, int], scale: Scale) -> pygame.Rect:
        """Its place, at the bottom of a window of this size: it covers things instead of moving them."""
        height = min(scale.px(250), size[1] // 2)
        return pygame.Rect(0, size[1] - height, size[0], height)

    def draw(self, surface: pygame.Surface, rect: pygame.Rect, world: World, scale: Scale) -> None:
        """Draw the current line above and the first attempt below; the present stays at one place."""
        history = world.history
        rows = 2 if history.left else 1
        side = max(4, min(scale.px(112 if rows == 2 else 170), (rect.height - scale.px(26)) // rows))
        shade(surface, rect, 225)
        upper = pygame.Rect(0, rect.top + scale.px(4), side, side)
        lower = upper.move(0, side + scale.px(12))
        now = rect.left + round(rect.width * NOW)

        def place(row: pygame.Rect, step: int) -> pygame.Rect:
            return row.move(now + (step - world.steps) * (side + scale.px(4)) // EVERY, 0)

        with clipped(surface, rect):
            if history.fork is not None and history.left:
                ends = place(upper, history.fork), place(lower, history.fork)
                self._draw_fork(surface, *ends, history.left[-1][0], scale)
            for step, frame in history.left:
                self._draw(surface, place(lower, step), rect, frame, step, faint=True)
            for step, frame in history.undone:
                self._draw(surface, place(upper, step), rect, frame, step, faint=True)
            for moment in history.past:
                self._draw(surface, place(upper, moment.steps), rect, moment.frame, moment.steps)
            here, line = place(upper, world.steps), max(2, scale.px(3))
            self._draw(surface, here, rect, world.frame, 0)
            pygame.draw.rect(surface, COLOURS["dream"], here.inflate(6, 6), line, border_radius=4)

    def _draw_fork(
        self, surface: pygame.Surface, above: pygame.Rect, below: pygame.Rect, last: int, scale: Scale
    ) -> None:
        """Draw the line down to the first attempt, and the number of its last step."""
        colour, width = COLOURS["line"], max(2, scale.px(3))
        start, corner = above.midbottom, (above.centerx, below.centery)
        pygame.draw.line(surface, colour, start, corner, width)
        pygame.draw.line(surface, colour, corner, (below.right + scale.px(4), below.centery), width)
        words, spot = f"first attempt, up to step {last}", (above.centerx - scale.px(10), below.centery)
        text(surface, words, spot, scale.px(15), COLOURS["quiet"], anchor="midright")

    def _draw(
        self,
        surface: pygame.Surface,
        place: pygame.Rect,
        strip: pygame.Rect,
        frame: np.ndarray,
        step: int,
        faint: bool = False,
    ) -> None:
        if step % EVERY or not place.colliderect(strip):
            return
        picture = self._picture(frame, place.width)
        picture.set_alpha(120 if faint else 255)
        surface.blit(picture, place)

    def _picture(self, frame: np.ndarray, side: int) -> pygame.Surface:
        key = (id(frame), side)
        if key not in self._kept:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[key] = (frame, scaled(frame, (side, side)))  # keeping the frame keeps its id unique
        return self._kept[key][1]
