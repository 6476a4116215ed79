"""A model as a picture with the numbers of the running dream: the flow of data, from left to right.

World Models: the frame, V's z, M's mixture, C's action (Ha & Schmidhuber 2018, the paper's flow diagram).
GameGAN and Tilemap: the key, the memory, both layers, the frame (Kim et al. 2020, Fig. 2).
"""

from functools import partial

import numpy as np
import pygame

from gamesim.app.game.hud import move
from gamesim.app.game.pictures import HEAT, coloured, folded
from gamesim.app.game.previews import scaled
from gamesim.app.game.world import World
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.widgets import ARROWS, arrowhead, box, fitting, keycap, text, wrap
from gamesim.app.xray.draw import draw_bars

Stop = tuple[str, partial[None]]
"""One box of the picture: its name, and what draws its content, of a surface, a place on it and the scale."""
MOST_BARS = 32


def stops(world: World) -> list[Stop]:
    """The boxes of a world in the order in which data flow, made from its internals."""
    shown = world.internals
    action = world.trail[-1][1] if world.trail else 0
    frame = ("Picture", partial(_picture, frame=world.frame))
    key = ("Your key", partial(_key, words=move(world, action)))
    if "mixture" in shown and "z" in shown:
        futures = partial(_bars, values=shown["mixture"])
        found: list[Stop] = [
            frame,
            ("V: z", partial(_bars, values=shown["z"])),
            ("M: possible futures", futures),
        ]
        if world.advice is not None:
            found.append(("C: AI's key", partial(_key, words=move(world, world.advice))))
        return found
    found = [key]
    if "z" in shown:
        found.append(("z: chance", partial(_numbers, values=shown["z"])))
    if "memory" in shown:
        found.append(("Memory", partial(_numbers, values=shown["memory"])))
    if "static" in shown and "dynamic" in shown:
        found.append(("Static layer", partial(_picture, frame=shown["static"])))
        found.append(("Dynamic layer", partial(_picture, frame=shown["dynamic"])))
    return [*found, frame]


def draw_flow(surface: pygame.Surface, area: pygame.Rect, scale: Scale, world: World) -> int:
    """Draw all boxes with arrows between them, as wide as `area` allows; returns the y below."""
    found = stops(world)
    gap, head = scale.px(34), scale.px(26)
    side = min(scale.px(180), (area.width - (len(found) - 1) * gap) // len(found))
    if side < 12:
        return area.top
    room = side + gap - scale.px(6)
    size = min(fitting(name, scale.px(15), room, bold=True) for name, _ in found)
    for i, (name, draw) in enumerate(found):
        place = pygame.Rect(area.left + i * (side + gap), area.top + head, side, side)
        text(surface, name, (place.centerx, area.top), size, bold=True, anchor="midtop", width=room)
        box(surface, place, COLOURS["panel"], scale.px(8), COLOURS["line"])
        draw(surface, place.inflate(-scale.px(10), -scale.px(10)), scale)
        if i:
            tip = (place.left - scale.px(6), place.centery)
            tail = (place.left - gap + scale.px(6), place.centery)
            pygame.draw.line(surface, COLOURS["dream"], tail, tip, max(2, scale.px(3)))
            arrowhead(surface, (tip[0] - scale.px(5), tip[1]), (1, 0), scale.px(5), COLOURS["dream"])
    return area.top + head + side + scale.px(22)


def _picture(surface: pygame.Surface, rect: pygame.Rect, scale: Scale, frame: np.ndarray) -> None:
    surface.blit(scaled(frame, rect.size), rect)


def _numbers(surface: pygame.Surface, rect: pygame.Rect, scale: Scale, values: np.ndarray) -> None:
    """Any array as a map: its mean over all but the last two axes, without the sign."""
    flat = np.abs(values.reshape(-1, *values.shape[-2:]).mean(0) if values.ndim > 2 else values)
    flat = folded(flat) if flat.ndim == 1 else flat
    _picture(surface, rect, scale, coloured(flat, 0.0, float(flat.max()) or 1.0, HEAT))


def _bars(surface: pygame.Surface, rect: pygame.Rect, scale: Scale, values: np.ndarray) -> None:
    """Up to `MOST_BARS` numbers as bars from the middle, or from the bottom if none is negative."""
    numbers = np.asarray(values, np.float64).reshape(-1)[:MOST_BARS]
    most = float(np.abs(numbers).max()) or 1.0
    draw_bars(surface, rect, numbers, -most if (numbers < 0).any() else 0.0, most)


def _key(surface: pygame.Surface, rect: pygame.Rect, scale: Scale, words: str) -> None:
    if words in ARROWS:
        keycap(surface, words, rect.center, max(10, rect.width // 4), anchor="center")
        return
    size = min(fitting(part, scale.px(20), rect.width, bold=True) for part in words.split(" "))
    lines, row = wrap(words, size, rect.width, bold=True), round(1.35 * size)
    for i, line in enumerate(lines):
        place = (rect.centerx, rect.centery + round((i - (len(lines) - 1) / 2) * row))
        text(surface, line, place, size, bold=True, anchor="center")
