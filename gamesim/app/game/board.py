"""The real game, drawn from its snapshots at any size, with smooth motion between the cells."""

import json
import math
from collections.abc import Mapping
from functools import cache

import numpy as np
import pygame

from gamesim.app.theme import COLOURS, assets
from gamesim.app.theme import sheet as sheet_of
from gamesim.app.ui.widgets import text
from gamesim.envs.layouts import DOOR, FLAG, FLOOR, FOOD, FRUIT, OUTSIDE, POWER, WALL
from gamesim.envs.rules import Ghost, Snapshot

TURN = {1: "flip", 2: 0, 3: 90, 4: -90}  # a sprite that looks right, turned to face 1 left .. 4 down
OVER = 4  # supersampling of drawn tiles
SOLID = np.isin(np.arange(256), (WALL, OUTSIDE))  # by cell class
THING = np.isin(np.arange(256), (FOOD, POWER, FRUIT, FLAG, DOOR))
FLASH = 10  # frightened ghosts flash in their last steps


class Sprites:
    """The sheet of assets/make.py in one palette; scaled and turned copies are kept."""

    def __init__(self, palette: str = "standard") -> None:
        index = json.loads((assets() / "sprites.json").read_text(encoding="utf-8"))
        sheet = pygame.image.load(str(sheet_of(palette)))
        side = index["size"]
        self._originals = {
            name: sheet.subsurface((x, y, side, side)) for name, (x, y) in index["sprites"].items()
        }
        self._scaled: dict[tuple[str, int, int], pygame.Surface] = {}

    def get(self, name: str, size: int, facing: int = 2) -> pygame.Surface:
        """Sprite `name`, `size` pixels wide and high, turned to face 1 left, 2 right, 3 up, 4 down."""
        key = (name, size, facing)
        if key not in self._scaled:
            if len(self._scaled) > 600:  # many window sizes later
                self._scaled.clear()
            self._scaled[key] = turned(self._picture(name, size), facing)
        return self._scaled[key]

    def _picture(self, name: str, size: int) -> pygame.Surface:
        """Sprite `name` as it is on the sheet, facing right."""
        return pygame.transform.smoothscale(self._originals[name], (size, size))


def turned(image: pygame.Surface, facing: int) -> pygame.Surface:
    """A picture that faces right, made to face 1 left, 2 right, 3 up, 4 down."""
    turn = TURN[facing]
    if turn == "flip":
        return pygame.transform.flip(image, True, False)
    return pygame.transform.rotate(image, turn)


class BoardPainter:
    """Draws snapshots. A board larger than the view is followed by a camera that keeps Pac-Man centred."""

    def __init__(self, palette: str = "standard") -> None:
        self.sprites = Sprites(palette)
        self._tiles: dict[tuple, pygame.Surface] = {}
        self._grounds: dict[tuple, pygame.Surface] = {}

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
            clock: seconds, for what moves by itself (mouth, hems, flag, pellets).
            view: (rows, columns) that are seen around Pac-Man; None: the whole board.
            dying: None, or how much of Pac-Man has gone, 0..1; ghosts are not seen meanwhile.
            patches: pixels uint8 (h, w, 3) that are shown as they are, by their (x, y) in cells.
        """
        rows, columns = view or now.cells.shape
        patches = patches or {}
        cell = max(1, min(rect.width // columns, rect.height // rows))
        area = pygame.Rect(0, 0, cell * columns, cell * rows)
        area.center = rect.center
        px, py = between(before.pacman, now.pacman, part, now.cells.shape)
        left, top = (px - columns // 2, py - rows // 2) if view else (0.0, 0.0)
        origin = (area.left - round(left * cell), area.top - round(top * cell))
        old_clip = surface.get_clip()
        surface.set_clip(area.clip(old_clip))
        surface.fill(COLOURS["floor"], area)
        cells = shown_cells(before, now, part)
        arrived = part >= 1.0
        cleared = arrived and "level" in now.events
        if view is None:
            surface.blit(self._whole_ground(cells, cell, lit=cleared and int(clock * 5) % 2 == 0), area)
        else:
            self._draw_ground(surface, area, origin, cell, cells)
        self._draw_things(surface, area, origin, cell, cells, clock)
        for place, pixels in patches.items():
            patch = pygame.surfarray.make_surface(pixels.swapaxes(0, 1))
            surface.blit(pygame.transform.scale(patch, (cell, cell)), at(origin, place, cell))
        flash = 0 < getattr(now, "fright", 0) <= FLASH and int(clock * 5) % 2 == 0
        gains = now.gains if arrived else ()
        hidden = {(x, y) for x, y, _ in gains}  # points stand in for who met there
        moving = before.pacman != now.pacman and part < 1
        caught = dying is None and "eaten" in now.events
        pacman = at(origin, (px, py), cell)
        if caught:  # the ghost that has him is seen
            self._draw_pacman(surface, now.facing, pacman, cell, clock, moving, dying)
        gone = cleared or (dying is not None and (dying < 1.0 or view is None))
        for i, ghost in enumerate(() if gone else now.ghosts):
            was = before.ghosts[i] if i < len(before.ghosts) else ghost
            place = between((was.x, was.y), (ghost.x, ghost.y), part, now.cells.shape)
            if (ghost.x, ghost.y) not in hidden:
                self._draw_ghost(surface, ghost, at(origin, place, cell), cell, clock + 0.13 * i, flash)
        if not caught and now.pacman not in hidden:
            self._draw_pacman(surface, now.facing, pacman, cell, clock, moving, dying)
        if gains:
            self._draw_points(surface, sum(points for *_, points in gains), pacman, cell)
        surface.set_clip(old_clip)

    def _draw_points(self, surface: pygame.Surface, points: int, place: tuple[int, int], cell: int) -> None:
        """What was just earned, where it was."""
        middle = (place[0] + cell // 2, place[1] + cell // 2)
        text(surface, str(points), middle, round(0.9 * cell), COLOURS["ghost2"], bold=True, anchor="center")

    def _draw_ground(
        self,
        surface: pygame.Surface,
        area: pygame.Rect,
        origin: tuple[int, int],
        cell: int,
        cells: np.ndarray,
    ) -> None:
        """What stands in the cells that the camera sees, on the board and beyond it."""
        rows, columns = cells.shape
        masks = wall_masks(cells.tobytes(), cells.shape)
        first_x, first_y = (area.left - origin[0]) // cell, (area.top - origin[1]) // cell
        for y in range(first_y, first_y + area.height // cell + 2):
            for x in range(first_x, first_x + area.width // cell + 2):
                inside = 0 <= x < columns and 0 <= y < rows
                kind, mask = (int(cells[y, x]), int(masks[y, x])) if inside else (OUTSIDE, 0)
                tile = self._ground(kind, mask, cell)
                if tile is not None:
                    surface.blit(tile, (origin[0] + x * cell, origin[1] + y * cell))

    def _ground(self, kind: int, mask: int, cell: int) -> pygame.Surface | None:
        """What stands in a cell of a class; None for the bare floor. `mask`: as of `wall_masks`."""
        if kind == WALL:
            return self._wall(mask, cell, hollow=False)
        return self._outside(cell) if kind == OUTSIDE else None

    def _whole_ground(self, cells: np.ndarray, cell: int, lit: bool) -> pygame.Surface:
        """The same for a board that is seen as a whole: one picture, drawn again when its walls change."""
        solid = SOLID[cells]
        key = (solid.tobytes(), cells.shape, cell, lit)
        if key not in self._grounds:
            if len(self._grounds) > 4:
                self._grounds.clear()
            ground = pygame.Surface((cell * cells.shape[1], cell * cells.shape[0])).convert()
            ground.fill(COLOURS["floor"])
            masks = wall_masks(cells.tobytes(), cells.shape)
            for y, x in np.argwhere(solid).tolist():
                wall = cells[y, x] == WALL
                tile = self._wall(int(masks[y, x]), cell, True, lit) if wall else self._outside(cell)
                ground.blit(tile, (x * cell, y * cell))
            self._grounds[key] = ground
        return self._grounds[key]

    def _draw_things(
        self,
        surface: pygame.Surface,
        area: pygame.Rect,
        origin: tuple[int, int],
        cell: int,
        cells: np.ndarray,
        clock: float,
    ) -> None:
        """Food, pellets, flag and door, where the camera sees them."""
        seen = area.inflate(2 * cell, 2 * cell)
        for y, x in np.argwhere(THING[cells]).tolist():
            place = (origin[0] + x * cell, origin[1] + y * cell)
            if seen.collidepoint(place):
                self._draw_thing(surface, int(cells[y, x]), place, cell, clock)

    def _draw_thing(
        self, surface: pygame.Surface, kind: int, place: tuple[int, int], cell: int, clock: float
    ) -> None:
        if kind == FOOD:
            dot = self._tile(("food", cell), lambda: self._opaque_food(cell))
            shift = (cell - dot.get_width()) // 2
            surface.blit(dot, (place[0] + shift, place[1] + shift))
        elif kind == POWER:
            size = max(1, round(cell * (1.05 + 0.12 * math.sin(clock * 6))))
            shift = (cell - size) // 2
            surface.blit(self.sprites.get("power", size), (place[0] + shift, place[1] + shift))
        elif kind == FLAG:
            surface.blit(self.sprites.get(f"flag{int(clock * 7) % 4}", cell), place)
        elif kind == FRUIT:
            surface.blit(self.sprites.get("fruit", cell), place)
        elif kind == DOOR:
            bar = pygame.Rect(place[0], place[1] + round(cell * 0.4), cell, max(1, round(cell * 0.18)))
            surface.fill(COLOURS["door"], bar)

    def _draw_ghost(
        self,
        surface: pygame.Surface,
        ghost: Ghost,
        place: tuple[int, int],
        cell: int,
        clock: float,
        flash: bool,
    ) -> None:
        step = "ab"[int(clock * 6) % 2]
        if ghost.mode == "frightened":
            surface.blit(self.sprites.get(f"{'flash' if flash else 'scared'}{step}", cell), place)
            return
        if ghost.mode != "eaten":
            surface.blit(self.sprites.get(f"ghost{ghost.colour % 4}{step}", cell), place)
        surface.blit(self.sprites.get(f"eyes{ghost.direction}", cell), place)

    def _draw_pacman(
        self,
        surface: pygame.Surface,
        facing: int,
        place: tuple[int, int],
        cell: int,
        clock: float,
        moving: bool,
        dying: float | None,
    ) -> None:
        if not facing:
            return
        if dying is not None:
            name = f"dying{min(7, int(dying * 8))}"
        else:
            bite = (1 - math.cos(clock * 18)) / 2 if moving else 0.55
            name = f"pacman{round(7 * bite)}"
        surface.blit(self.sprites.get(name, cell, facing), place)

    def _wall(self, mask: int, cell: int, hollow: bool, lit: bool = False) -> pygame.Surface:
        return self._tile(("wall", mask, cell, hollow, lit), lambda: draw_wall(mask, cell, hollow, lit))

    def _outside(self, cell: int) -> pygame.Surface:
        return self._tile(("outside", cell), lambda: draw_outside(cell))

    def _opaque_food(self, cell: int) -> pygame.Surface:
        """The middle of the food's sprite on floor: there is much of it, and this is drawn faster."""
        side = max(1, min(cell, round(cell * 0.4) // 2 * 2 + cell % 2))
        patch = pygame.Surface((side, side)).convert()
        patch.fill(COLOURS["floor"])
        patch.blit(self.sprites.get("food", cell), ((side - cell) // 2, (side - cell) // 2))
        return patch

    def _tile(self, key: tuple, draw) -> pygame.Surface:
        if key not in self._tiles:
            if len(self._tiles) > 600:
                self._tiles.clear()
            self._tiles[key] = draw()
        return self._tiles[key]


def shown_cells(before: Snapshot, now: Snapshot, part: float) -> np.ndarray:
    """The board at this moment: food vanishes only as the mouth closes on it."""
    x, y = now.pacman
    same = before.cells.shape == now.cells.shape and now.cells[y, x] == FLOOR
    if part >= 0.55 or not same or before.cells[y, x] == FLOOR or before.steps >= now.steps:
        return now.cells
    cells = now.cells.copy()
    cells[y, x] = before.cells[y, x]
    return cells


def at(origin: tuple[int, int], place: tuple[float, float], cell: int) -> tuple[int, int]:
    """Pixels of the top left corner of a place that is given in cells."""
    return origin[0] + round(place[0] * cell), origin[1] + round(place[1] * cell)


def between(
    was: tuple[int, int], now: tuple[int, int], part: float, shape: tuple[int, ...]
) -> tuple[float, float]:
    """A place in cells between two cells; through a tunnel it comes in from the edge, a leap is a leap."""
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


@cache
def _neighbours() -> tuple[tuple[int, int], ...]:
    return tuple((dx, dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dx or dy)


_MASKS: dict[tuple[bytes, tuple[int, ...]], np.ndarray] = {}


def wall_masks(cells: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """For each cell, which of its eight neighbours are walls: uint8, one bit each in reading order."""
    key = (cells, shape)
    if key not in _MASKS:
        if len(_MASKS) > 8:
            _MASKS.clear()
        wall = np.pad(np.frombuffer(cells, np.uint8).reshape(shape) == WALL, 1)
        rows, columns = shape
        masks = np.zeros(shape, np.uint8)
        for bit, (dx, dy) in enumerate(_neighbours()):
            masks |= wall[1 + dy : 1 + dy + rows, 1 + dx : 1 + dx + columns].astype(np.uint8) << bit
        _MASKS[key] = masks
    return _MASKS[key]


def draw_wall(mask: int, cell: int, hollow: bool = False, lit: bool = False) -> pygame.Surface:
    """One cell of wall, rounded where it ends, grown together with its neighbours.

    Args:
        mask: which of its eight neighbours are walls, a bit each in reading order.
        cell: its side in pixels.
        hollow: a light line around a dark wall, as on an arcade cabinet; else bevelled.
        lit: that line is white, as at the end of a level.
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
    walls = {(0, 0)} | {place for bit, place in enumerate(_neighbours()) if mask >> bit & 1}
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
    """The union of wall cells around (0, 0), each side inset, moved by `shift` both ways."""
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
    """What lies beyond the board: hatched, and the hatching goes on from cell to cell."""
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
