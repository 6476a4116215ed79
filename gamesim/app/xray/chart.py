"""The strip chart: points and the chance of an ending over the last seconds."""

from collections import deque
from dataclasses import dataclass

import pygame

from gamesim.app.game.world import World
from gamesim.app.theme import COLOURS, Scale, font
from gamesim.app.ui.widgets import text
from gamesim.app.xray import layout
from gamesim.app.xray.panels import number
from gamesim.text import signed

SECONDS = 12.0


@dataclass(frozen=True)
class Point:
    """What one step brought; `end` is the chance of an ending, 0..1, None if the world does not say."""

    step: int
    reward: float
    end: float | None


class StripChart:
    """Follows one world; a rewind removes the points of later steps."""

    def __init__(self) -> None:
        self.points: deque[Point] = deque()
        self._world: World | None = None

    def follow(self, world: World) -> None:
        """Take in what the world's last step brought, if there was one."""
        if world is not self._world or world.steps == 0:
            self.points.clear()
            self._world = world
        while self.points and self.points[-1].step >= max(1, world.steps):
            self.points.pop()
        if world.steps:
            self.points.append(Point(world.steps, world.reward, world.end_probability))
        while len(self.points) > self.length(world):
            self.points.popleft()

    @staticmethod
    def length(world: World) -> int:
        """Width of the chart in steps."""
        return max(8, round(SECONDS * world.rate))

    def draw(self, surface: pygame.Surface, area: pygame.Rect, world: World, scale: Scale) -> None:
        """Draw the points, and beside them the chance of an ending if there is one; newest at the right."""
        says = any(point.end is not None for point in self.points)
        seconds = self.length(world) / world.rate
        legends = [f"The last {seconds:.0f} seconds.", f"The last {seconds:.0f} s."]
        if says:
            legends = [f"{legends[0]} Above 50 % the dream ends.", f"{legends[1]} Above 50 % it ends."]
        size = layout.small(scale)
        line = pygame.Rect(area.left, area.bottom - layout.line(scale), area.width, layout.line(scale))
        legend = next((words for words in legends if font(size).size(words)[0] <= area.width), legends[-1])
        text(surface, legend, line.topleft, size, COLOURS["quiet"], width=max(1, area.width), shrinks=True)
        room = pygame.Rect(area.left, area.top, area.width, area.height - line.height - scale.px(4))
        gap = scale.px(10)
        parts = 2 if says else 1
        width = (room.width - (parts - 1) * gap) // parts
        most = max([0.5, *(abs(point.reward) for point in self.points)])
        first = pygame.Rect(room.left, room.top, width, room.height)
        words = f"Points {signed(world.reward, 2)}" if world.steps else "Points"
        plot = self._frame(surface, first, words, f"{number(-most)} to {number(most)}", scale)
        self._bars(surface, plot, world, most)
        if says:
            second = first.move(width + gap, 0)
            end = world.end_probability
            words = "Chance of an ending" if end is None else f"Chance of an ending {100 * end:.0f} %"
            self._ends(surface, self._frame(surface, second, words, "0 to 100 %", scale), world)

    def _frame(
        self, surface: pygame.Surface, rect: pygame.Rect, title: str, ends: str, scale: Scale
    ) -> pygame.Rect:
        """Draw the title, the ends of the scale and the background of one curve; returns its place."""
        width = max(1, rect.width)
        left = text(surface, title, rect.topleft, scale.px(16), bold=True, width=width, shrinks=True)
        small = layout.small(scale)
        if font(small).size(ends)[0] <= rect.right - left.right - scale.px(6):
            low = max(left.bottom, rect.top + font(small).get_height())
            text(surface, ends, (rect.right, low), small, COLOURS["quiet"], anchor="bottomright")
        top = rect.top + max(scale.px(24), layout.line(scale))
        plot = pygame.Rect(rect.left, top, rect.width, max(1, rect.bottom - top))
        surface.fill(COLOURS["panel"], plot)
        return plot

    def _x(self, plot: pygame.Rect, point: Point, world: World) -> tuple[int, int]:
        """Left and right pixel of a step."""
        count = self.length(world)
        place = count - 1 - (world.steps - point.step)
        return plot.left + place * plot.width // count, plot.left + (place + 1) * plot.width // count

    def _bars(self, surface: pygame.Surface, plot: pygame.Rect, world: World, most: float) -> None:
        middle = plot.centery
        for point in self.points:
            left, right = self._x(plot, point, world)
            height = round(point.reward / most * (plot.height // 2 - 2))
            colour = COLOURS["good" if point.reward > 0 else "bad"]
            if height:
                top = middle - max(height, 0)
                surface.fill(colour, (left, top, max(1, right - left - 1), abs(height)))
        pygame.draw.line(surface, COLOURS["line"], (plot.left, middle), (plot.right - 1, middle))

    def _ends(self, surface: pygame.Surface, plot: pygame.Rect, world: World) -> None:
        half = plot.centery
        for x in range(plot.left, plot.right, 8):
            pygame.draw.line(surface, COLOURS["line"], (x, half), (min(x + 3, plot.right - 1), half))
        for point in self.points:
            left, right = self._x(plot, point, world)
            height = round((point.end or 0.0) * (plot.height - 2))
            colour = COLOURS["bad" if (point.end or 0.0) > 0.5 else "dream"]
            surface.fill(colour, (left, plot.bottom - 1 - height, max(1, right - left), height + 1))
