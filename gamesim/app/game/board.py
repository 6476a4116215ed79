"""The real game, painted from its snapshots at any size, with smooth motion between the cells."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pygame

from gamesim.app.theme import COLOURS, assets, sheet
from gamesim.app.ui.widgets import clipped, text
from gamesim.envs.layouts import DOOR, FLAG, FLOOR, FOOD, FRUIT, OUTSIDE, POWER, WALL
from gamesim.envs.rules import Ghost, Snapshot

TURN = {2: 0, 3: 90, 4: -90}  # direction -> degrees from facing right
OVER = 4  # supersampling of drawn tiles
SOLID = np.isin(np.arange(256), (WALL, OUTSIDE))  # by cell class
THING = np.isin(np.arange(256), (FOOD, POWER, FRUIT, FLAG, DOOR))
NEIGHBOURS = tuple((dx, dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dx or dy)
FLASH = 10  # frightened ghosts flash in their last steps


class Sprites:
    """Sprites by name, at any size; it keeps the ones that were asked for last.

    `picture` draws a sprite that faces right, by its name and its side in pixels.
    """

    def __init__(self, picture: Callable[[str, int], pygame.Surface]) -> None:
        self._picture = picture
        self.get = lru_cache(maxsize=600)(self._get)

    def _get(self, name: str, size: int, facing: int = 2) -> pygame.Surface:
        """Sprite `name`, `size` pixels wide and high, turned to face 1 left, 2 right, 3 up, 4 down."""
        image = self._picture(name, size)
        if facing == 1:
            return pygame.transform.flip(image, True, False)
        return pygame.transform.rotate(image, TURN[facing])


def sheet_of(palette: str) -> Callable[[str, int], pygame.Surface]:
    """The `picture` of `Sprites` for the sheet of assets/make.py in one palette."""
    index = json.loads((assets() / "sprites.json").read_text(encoding="utf-8"))
    whole, side = pygame.image.load(str(sheet(palette))), index["size"]
    cut = {name: whole.subsurface((x, y, side, side)) for name, (x, y) in index["sprites"].items()}
    return lambda name, size: pygame.transform.smoothscale(cut[name], (size, size))


@dataclass(frozen=True)
class Canvas:
    """Where a moment is drawn.

    Attributes:
        area: the part of the window that the camera fills.
        origin: pixel of the board's upper left corner, which may be out of sight.
        cell: side of a cell in pixels.
        clock: seconds, for things that move by themselves.
    """

    surface: pygame.Surface
    area: pygame.Rect
    origin: tuple[int, int]
    cell: int
    clock: float

    def at(self, place: tuple[float, float]) -> tuple[int, int]:
        """The pixel of the top left corner of a place in cells."""
        return self.origin[0] + round(place[0] * self.cell), self.origin[1] + round(place[1] * self.cell)

    def middle(self, image: pygame.Surface, place: tuple[float, float]) -> None:
        """Draw a square picture in the middle of a cell."""
        (left, top), shift = self.at(place), (self.cell - image.get_width()) // 2
        self.surface.blit(image, (left + shift, top + shift))


class BoardPainter:
    """Draws snapshots. If the board is larger than the view, a camera keeps Pac-Man in the middle."""

    def __init__(self, palette: str = "standard") -> None:
        self.sprites = Sprites(sheet_of(palette))
        # Each painter has its own caches, since the pictures have the colours of its palette.
        self._wall = lru_cache(maxsize=600)(draw_wall)
        self._outside = lru_cache(maxsize=8)(draw_outside)
        self._dot = lru_cache(maxsize=8)(self._draw_dot)
        self._whole = lru_cache(maxsize=4)(self._draw_whole)

    def draw(
        self,
        surface: pygame.Surface,
        rect: pygame.Rect,
        before: Snapshot,
        now: Snapshot,
        part: float,
        clock: float,
        view: tuple[int, int] | None = None,
        dying: float | None = None,
        patches: Mapping[tuple[int, int], np.ndarray] | None = None,
    ) -> None:
        """Draw the moment between two snapshots.

        Args:
            surface: the window.
            rect: where; only whole cells are drawn, centred in it.
            before: the game one tick ago.
            now: the game now.
            part: how much of the way from `before` to `now` has passed, 0..1.
            clock: seconds, for things that move by themselves (mouth, hems, flag, pellets).
            view: (rows, columns) to show around Pac-Man; None: the whole board.
            dying: None, or how much of Pac-Man has gone, 0..1; ghosts are hidden meanwhile.
            patches: pixels uint8 (h, w, 3) to show unchanged, by their (x, y) in cells.
        """
        rows, columns = view or now.cells.shape
        cell = max(1, min(rect.width // columns, rect.height // rows))
        area = pygame.Rect(0, 0, cell * columns, cell * rows)
        area.center = rect.center
        px, py = between(before.pacman, now.pacman, part, now.cells.shape)
        left, top = (px - columns // 2, py - rows // 2) if view else (0.0, 0.0)
        origin = (area.left - round(left * cell), area.top - round(top * cell))
        canvas = Canvas(surface, area, origin, cell, clock)
        cells = shown_cells(before, now, part)
        cleared = part >= 1.0 and "level" in now.events
        alone = cleared or (dying is not None and view is None)
        with clipped(surface, area):
            if view is None:
                walls = np.where(SOLID[cells], cells, FLOOR)
                lit = cleared and int(clock * 5) % 2 == 0
                surface.blit(self._whole(walls.tobytes(), walls.shape, cell, lit), area)
            else:
                self._draw_ground(canvas, cells)
            self._draw_things(canvas, cells)
            for place, pixels in (patches or {}).items():
                patch = pygame.surfarray.make_surface(pixels.swapaxes(0, 1))
                surface.blit(pygame.transform.scale(patch, (cell, cell)), canvas.at(place))
            self._draw_figures(canvas, before, now, part, dying, alone)

    def _draw_figures(
        self, canvas: Canvas, before: Snapshot, now: Snapshot, part: float, dying: float | None, alone: bool
    ) -> None:
        """Pac-Man, the ghosts unless he is `alone`, and the points that were just earned."""
        flash = 0 < now.fright <= FLASH and int(canvas.clock * 5) % 2 == 0
        gains = now.gains if part >= 1.0 else ()
        hidden = {(x, y) for x, y, _ in gains}  # the points hide the two that met there
        shape, moving = now.cells.shape, before.pacman != now.pacman and part < 1
        pacman = between(before.pacman, now.pacman, part, shape)
        caught = dying is None and "eaten" in now.events
        if caught:  # the ghost that has caught him covers him
            self._draw_pacman(canvas, now.facing, pacman, moving, dying)
        gone = alone or (dying is not None and dying < 1.0)
        for i, ghost in enumerate(() if gone else now.ghosts):
            was = before.ghosts[i] if i < len(before.ghosts) else ghost
            place = between((was.x, was.y), (ghost.x, ghost.y), part, shape)
            if (ghost.x, ghost.y) not in hidden:
                self._draw_ghost(canvas, ghost, place, canvas.clock + 0.13 * i, flash)
        if not caught and now.pacman not in hidden:
            self._draw_pacman(canvas, now.facing, pacman, moving, dying)
        if gains:
            (left, top), half = canvas.at(pacman), canvas.cell // 2
            words, size = str(sum(points for *_, points in gains)), round(0.9 * canvas.cell)
            place = (left + half, top + half)
            text(canvas.surface, words, place, size, COLOURS["ghost2"], bold=True, anchor="center")

    def _draw_ground(self, canvas: Canvas, cells: np.ndarray) -> None:
        """Draw walls and ground in the cells that the camera sees, on the board and beyond it."""
        canvas.surface.fill(COLOURS["floor"], canvas.area)
        (rows, columns), cell, area = cells.shape, canvas.cell, canvas.area
        masks = wall_masks(cells.tobytes(), cells.shape)
        first_x, first_y = (area.left - canvas.origin[0]) // cell, (area.top - canvas.origin[1]) // cell
        for y in range(first_y, first_y + area.height // cell + 2):
            for x in range(first_x, first_x + area.width // cell + 2):
                inside = 0 <= x < columns and 0 <= y < rows
                kind, mask = (int(cells[y, x]), int(masks[y, x])) if inside else (OUTSIDE, 0)
                tile = self._ground(kind, mask, cell)
                if tile is not None:
                    canvas.surface.blit(tile, canvas.at((x, y)))

    def _ground(self, kind: int, mask: int, cell: int) -> pygame.Surface | None:
        """The tile for a cell of class `kind`, None for bare floor; `mask` is from `wall_masks`."""
        return self._wall(mask, cell) if kind == WALL else self._outside(cell) if kind == OUTSIDE else None

    def _draw_whole(self, walls: bytes, shape: tuple[int, int], cell: int, lit: bool) -> pygame.Surface:
        """The walls and ground of a whole board in one picture, which is kept until its walls change."""
        cells, masks = np.frombuffer(walls, np.uint8).reshape(shape), wall_masks(walls, shape)
        ground = pygame.Surface((cell * shape[1], cell * shape[0])).convert()
        ground.fill(COLOURS["floor"])
        for y, x in np.argwhere(SOLID[cells]).tolist():
            wall = cells[y, x] == WALL
            tile = self._wall(int(masks[y, x]), cell, True, lit) if wall else self._outside(cell)
            ground.blit(tile, (x * cell, y * cell))
        return ground

    def _draw_things(self, canvas: Canvas, cells: np.ndarray) -> None:
        """Draw food, pellets, fruit, flag and doors, where the camera sees them."""
        seen = canvas.area.inflate(2 * canvas.cell, 2 * canvas.cell)
        for y, x in np.argwhere(THING[cells]).tolist():
            if seen.collidepoint(canvas.at((x, y))):
                self._draw_thing(canvas, int(cells[y, x]), (x, y))

    def _draw_thing(self, canvas: Canvas, kind: int, place: tuple[int, int]) -> None:
        cell, clock = canvas.cell, canvas.clock
        if kind == FOOD:
            canvas.middle(self._dot(cell), place)
        elif kind == POWER:
            size = max(1, round(cell * (1.05 + 0.12 * math.sin(clock * 6))))
            canvas.middle(self.sprites.get("power", size), place)
        elif kind == FLAG:
            canvas.middle(self.sprites.get(f"flag{int(clock * 7) % 4}", cell), place)
        elif kind == FRUIT:
            canvas.middle(self.sprites.get("fruit", cell), place)
        elif kind == DOOR:
            left, top = canvas.at(place)
            bar = (left, top + round(cell * 0.4), cell, max(1, round(cell * 0.18)))
            canvas.surface.fill(COLOURS["door"], bar)

    def _draw_ghost(
        self, canvas: Canvas, ghost: Ghost, place: tuple[float, float], clock: float, flash: bool
    ) -> None:
        step, get = "ab"[int(clock * 6) % 2], self.sprites.get
        if ghost.mode == "frightened":
            canvas.middle(get(f"{'flash' if flash else 'scared'}{step}", canvas.cell), place)
            return
        if ghost.mode != "eaten":
            canvas.middle(get(f"ghost{ghost.colour % 4}{step}", canvas.cell), place)
        canvas.middle(get(f"eyes{ghost.direction}", canvas.cell), place)

    def _draw_pacman(
        self, canvas: Canvas, facing: int, place: tuple[float, float], moving: bool, dying: float | None
    ) -> None:
        if not facing:
            return
        if dying is not None:
            name = f"dying{min(7, int(dying * 8))}"
        else:
            bite = (1 - math.cos(canvas.clock * 18)) / 2 if moving else 0.55
            name = f"pacman{round(7 * bite)}"
        canvas.middle(self.sprites.get(name, canvas.cell, facing), place)

    def _draw_dot(self, cell: int) -> pygame.Surface:
        """The middle of the food's sprite on floor: it is faster to draw, and there is much food."""
        side = max(1, min(cell, round(cell * 0.4) // 2 * 2 + cell % 2))
        patch = pygame.Surface((side, side)).convert()
        patch.fill(COLOURS["floor"])
        patch.blit(self.sprites.get("food", cell), ((side - cell) // 2, (side - cell) // 2))
        return patch


def shown_cells(before: Snapshot, now: Snapshot, part: float) -> np.ndarray:
    """The board at this moment: food vanishes only as the mouth closes on it."""
    x, y = now.pacman
    same = before.cells.shape == now.cells.shape and now.cells[y, x] == FLOOR
    if part >= 0.55 or not same or before.cells[y, x] == FLOOR or before.steps >= now.steps:
        return now.cells
    cells = now.cells.copy()
    cells[y, x] = before.cells[y, x]
    return cells


def between(
    was: tuple[int, int], now: tuple[int, int], part: float, shape: tuple[int, ...]
) -> tuple[float, float]:
    """A place between two cells, in cells; from a tunnel it comes in at the edge, longer leaps are abrupt."""
    moved = []
    for start, end, size in ((was[0], now[0], shape[1]), (was[1], now[1], shape[0])):
        step = end - start
        if abs(step) == size - 1:
            step = -1 if step > 0 else 1
        moved.append(step)
    if max(abs(step) for step in moved) > 1:
        return float(now[0]), float(now[1])
    rest = 1.0 - min(1.0, max(0.0, part))
    return now[0] - moved[0] * rest, now[1] - moved[1] * rest


@lru_cache(maxsize=8)
def wall_masks(cells: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """For each cell, which of its eight neighbours are walls: uint8, one bit each in reading order."""
    wall = np.pad(np.frombuffer(cells, np.uint8).reshape(shape) == WALL, 1)
    rows, columns = shape
    masks = np.zeros(shape, np.uint8)
    for bit, (dx, dy) in enumerate(NEIGHBOURS):
        masks |= wall[1 + dy : 1 + dy + rows, 1 + dx : 1 + dx + columns].astype(np.uint8) << bit
    return masks


def draw_wall(mask: int, cell: int, hollow: bool = False, lit: bool = False) -> pygame.Surface:
    """A picture of one cell of wall, rounded at its ends and joined to its neighbours.

    Args:
        mask: which of its eight neighbours are walls, a bit each in reading order.
        cell: its side in pixels.
        hollow: whether it is dark with a light line around, as on an arcade cabinet, or else bevelled.
        lit: whether that line is white, as at the end of a level.
    """
    side = cell * OVER
    large = pygame.Surface((side, side), depth=32)
    large.fill(COLOURS["floor"])
    bevel = max(1, round(side * 0.07))
    edge = round(side * 0.05)
    bevelled = (
        (COLOURS["wall_dark"], edge, 0),
        (COLOURS["wall_light"], edge + bevel // 2, -bevel // 2),
        (COLOURS["wall"], edge + bevel, 0),
    )
    line = max(OVER, round(side * 0.08))
    lined = (
        (COLOURS["eye" if lit else "wall_light"], round(side * 0.12), 0),
        (COLOURS["wall_dark"], round(side * 0.12) + line, 0),
    )
    layers = lined if hollow else bevelled
    walls = {(0, 0)} | {place for bit, place in enumerate(NEIGHBOURS) if mask >> bit & 1}
    for colour, inset, shift in layers:
        _draw_union(large, walls, colour, side, inset, shift)
    return pygame.transform.smoothscale(large, (cell, cell)).convert()


def _draw_union(
    surface: pygame.Surface,
    walls: set[tuple[int, int]],
    colour: tuple[int, int, int],
    side: int,
    inset: int,
    shift: int,
) -> None:
    """Draw the union of wall cells around (0, 0), each side inset, moved by `shift` right and down."""
    radius = max(1, round(side * 0.2))
    for x, y in walls:
        left, top = x * side + inset + shift, y * side + inset + shift
        inner = side - 2 * inset
        pygame.draw.rect(surface, colour, (left, top, inner, inner), border_radius=radius)
        right, below = (x + 1, y) in walls, (x, y + 1) in walls
        if right:
            pygame.draw.rect(surface, colour, (left + inner // 2, top, side, inner))
        if below:
            pygame.draw.rect(surface, colour, (left, top + inner // 2, inner, side))
        if right and below and (x + 1, y + 1) in walls:
            pygame.draw.rect(surface, colour, (left + inner // 2, top + inner // 2, side, side))


def draw_outside(cell: int) -> pygame.Surface:
    """A picture of one cell beyond the board: hatched, with lines that go on from cell to cell."""
    side = cell * OVER
    large = pygame.Surface((side, side), depth=32)
    large.fill(COLOURS["outside"])
    dim = tuple((a + 2 * b) // 3 for a, b in zip(COLOURS["hatch"], COLOURS["outside"], strict=True))
    thick = side / 10
    for i in range(-4, 4):
        x = i * side / 3
        corners = [(x, side), (x + thick, side), (x + thick + side, 0), (x + side, 0)]
        pygame.draw.polygon(large, dim, corners)
    return pygame.transform.smoothscale(large, (cell, cell)).convert()
