"""Words over a board: a half transparent box that keeps clear of the player."""

from dataclasses import dataclass

import pygame

from gamesim.app.game.world import World
from gamesim.app.theme import COLOURS, Colour, Scale, font
from gamesim.app.ui.widgets import box, text

GLASS = 185  # opacity of the box, of 255
SMALLEST = 11  # pixels: the height of the smallest letters


@dataclass(frozen=True)
class Line:
    """One line: its words, the size of its letters in pixels of a 1280x800 window, its colour."""

    words: str
    size: int
    colour: Colour
    bold: bool = False


def player_cell(board: pygame.Rect, world: World) -> pygame.Rect:
    """Where the player is on a board: in the middle, unless the screen shows the whole of a known board."""
    rows, columns = world.grid
    wide, high = board.width / columns, board.height / rows
    x, y = columns // 2, rows // 2
    if world.now is not None and world.view is None:
        x, y = world.now.pacman
    return pygame.Rect(board.left + round(x * wide), board.top + round(y * high), round(wide), round(high))


def draw_banner(
    surface: pygame.Surface, board: pygame.Rect, player: pygame.Rect, lines: list[Line], scale: Scale
) -> pygame.Rect:
    """Draw lines on glass, above the player, or below if there is more room; returns where they went.

    The banner neither leaves the board nor touches the player's cell. The last lines are left out if there is
    no room, so the most important come first.
    """
    gap, pad = scale.px(6), scale.px(12)
    above = pygame.Rect(board.left, board.top, board.width, player.top - board.top)
    below = pygame.Rect(board.left, player.bottom, board.width, board.bottom - player.bottom)
    above, below = (room.inflate(-2 * gap, -2 * gap) for room in (above, below))
    room = above if above.height >= min(below.height, board.height // 3) else below
    lines, sizes = fitted(lines, (room.width - 2 * pad, room.height - 2 * pad), scale)
    heights = [line_height(size, line.bold) for line, size in zip(lines, sizes, strict=True)]
    widest = max(font(size, line.bold).size(line.words)[0] for line, size in zip(lines, sizes, strict=True))
    width, height = min(room.width, widest + 4 * pad), min(room.height, sum(heights) + 2 * pad)
    if width < 8 or height < 8:
        return pygame.Rect(room.center, (0, 0))
    banner = pygame.Rect(0, 0, width, height)
    banner.center = room.center
    glass = pygame.Surface(banner.size, pygame.SRCALPHA)
    box(glass, glass.get_rect(), COLOURS["panel"], scale.px(14), COLOURS["line"])
    glass.set_alpha(GLASS)
    surface.blit(glass, banner)
    y = banner.top + pad
    for line, size, high in zip(lines, sizes, heights, strict=True):
        place = (banner.centerx, y + high // 2)
        inside = max(1, banner.width - 2 * pad)
        text(surface, line.words, place, size, line.colour, bold=line.bold, anchor="center", width=inside)
        y += high
    return banner


def line_height(size: int, bold: bool) -> int:
    """Pixels from one line to the next."""
    return round(1.35 * font(size, bold).get_height())


def fitted(lines: list[Line], room: tuple[int, int], scale: Scale) -> tuple[list[Line], list[int]]:
    """The lines that fit into `room`, and their sizes in pixels: all of them if small letters help."""
    for count in range(len(lines), 0, -1):
        for part in (1.0, 0.85, 0.7, 0.6, 0.5):
            sizes = [max(SMALLEST, round(part * scale.px(line.size))) for line in lines[:count]]
            drawn = list(zip(lines[:count], sizes, strict=True))
            wide = max(font(size, line.bold).size(line.words)[0] for line, size in drawn)
            high = sum(line_height(size, line.bold) for line, size in drawn)
            if wide <= room[0] and high <= room[1]:
                return lines[:count], sizes
    return lines[:1], [SMALLEST]


def draw_ready(surface: pygame.Surface, board: pygame.Rect, words: str, small: str, scale: Scale) -> None:
    """Draw what an arcade says before a start: letters without a box, between ghosts' house and player."""
    cell = board.height / 21
    for line, row, size in ((words, 11.6, 1.15), (small, 13.5, 0.85)):
        place = (board.centerx, board.top + round(row * cell))
        pixels = max(6, round(size * cell))
        for dx, dy in ((-2, 0), (2, 0), (0, -2), (0, 2), (-1, -1), (1, 1), (-1, 1), (1, -1)):
            shadow = (place[0] + dx, place[1] + dy)
            text(surface, line, shadow, pixels, COLOURS["back"], bold=True, anchor="center")
        colour = COLOURS["pacman" if line == words else "text"]
        text(surface, line, place, pixels, colour, bold=True, anchor="center")
