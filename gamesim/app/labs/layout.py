"""Where the panels of a lab go: in rows, with pictures as large as possible while everything fits.

Pictures set the height of a row; charts and text beside them are stacked as far as that height allows. The
rest of a row's width and height goes to the charts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pygame

from gamesim.app.labs.panels import least, pad, picture_size
from gamesim.app.theme import Scale
from gamesim.labs.panels import Lines, Panel, Picture

USUAL, CLEAR = 190, 170  # height of a picture if not all panels fit: at 1280x800, and least in pixels
SMALL = 160  # no picture is made lower than this to let everything fit
ENOUGH = 0.7  # a picture shrinks to this share of its height to stand beside another
TALL = 320  # no chart needs more height than this


@dataclass
class Cell:
    """A picture, or other panels one below the other: (index, height in pixels) of each, in `members`."""

    members: list[tuple[int, int]]
    width: int
    picture: bool

    def height(self, gap: int) -> int:
        return sum(height for _, height in self.members) + gap * (len(self.members) - 1)


@dataclass
class Row:
    """Cells side by side; at most `most` of them."""

    most: int
    cells: list[Cell] = field(default_factory=list)

    def width(self, gap: int) -> int:
        return sum(cell.width for cell in self.cells) + gap * (len(self.cells) - 1)

    def height(self, gap: int) -> int:
        return max(cell.height(gap) for cell in self.cells)


def lay_out(panels: Sequence[Panel], room: tuple[int, int], scale: Scale) -> tuple[list[pygame.Rect], int]:
    """The place of each panel, and the height of all together, which may exceed that of `room` (width,
    height).
    """
    gap = scale.px(12)
    rows: list[Row] = []
    total = 0
    usual = min(scale.px(USUAL), max(CLEAR, room[1] // 3))
    for target in [*_heights(panels, room[1], scale), usual]:
        rows = _rows(panels, room[0], target, gap, scale)
        total = sum(row.height(gap) for row in rows) + gap * max(0, len(rows) - 1)
        if total <= room[1]:
            break
    places = [pygame.Rect(0, 0, 0, 0) for _ in panels]
    free = [row for row in rows if not any(cell.picture for cell in row.cells) and _stretches(row, panels)]
    share = max(0, room[1] - total) // max(1, len(free))
    y = 0
    for row in rows:
        height = row.height(gap)
        height = max(height, min(height + share, scale.px(TALL))) if row in free else height
        _place(row, panels, places, y, room[0], height, gap)
        y += height + gap
    return places, max(0, y - gap)


def _heights(panels: Sequence[Panel], most: int, scale: Scale) -> list[int]:
    """Heights to try for pictures, the largest first: the whole multiples of their own heights."""
    own = {panel.pixels.shape[0] for panel in panels if isinstance(panel, Picture)}
    small = scale.px(SMALL)
    tried = {k * height for height in own if height for k in range(1, most // height + 1)}
    return sorted((height for height in tried if height >= small), reverse=True)


def _rows(panels: Sequence[Panel], width: int, target: int, gap: int, scale: Scale) -> list[Row]:
    rows: list[Row] = []
    for index, panel in enumerate(panels):
        match panel:
            case Picture():
                size, picture = picture_size(panel, (width, target), scale), True
            case _:
                size, picture = least(panel, scale), False
        size = min(width, size[0]), size[1]
        row = rows[-1] if rows else None
        if row and not picture and _stacked(row, index, size, gap):
            continue
        if row and picture:
            _make_room(row, size, width, gap)
            size = _beside(row, panels, index, (width - row.width(gap) - gap, target), size, scale)
        full = row is None or len(row.cells) >= row.most or row.width(gap) + gap + size[0] > width
        if row is None or full:
            row = Row(len(panels) if picture else _evenly(panels[index:], size[0], width, gap))
            rows.append(row)
        row.cells.append(Cell([(index, size[1])], size[0], picture))
    return rows


def _stacked(row: Row, index: int, size: tuple[int, int], gap: int) -> bool:
    """Put a panel below the last one of a row, if the height of the row allows it."""
    last = row.cells[-1]
    if last.picture or last.height(gap) + gap + size[1] > row.height(gap):
        return False
    last.members.append((index, size[1]))
    last.width = max(last.width, size[0])
    return True


def _make_room(row: Row, size: tuple[int, int], width: int, gap: int) -> None:
    """Stack the charts and text of a row, if a picture of this size then fits beside them."""
    if any(cell.picture for cell in row.cells):
        return
    members = [member for cell in row.cells for member in cell.members]
    stack = Cell(members, max(cell.width for cell in row.cells), False)
    if stack.height(gap) <= size[1] and stack.width + gap + size[0] <= width:
        row.cells, row.most = [stack], len(members) + 1


def _beside(
    row: Row,
    panels: Sequence[Panel],
    index: int,
    room: tuple[int, int],
    size: tuple[int, int],
    scale: Scale,
) -> tuple[int, int]:
    """The size of a picture, a little smaller than `size` if it then fits into the rest of a row.

    Pictures of one shape stay equally large, so that they can be compared.
    """
    panel = panels[index]
    others = [panels[other] for cell in row.cells if cell.picture for other, _ in cell.members]
    if size[0] <= room[0] or not isinstance(panel, Picture) or not others:
        return size
    if any(isinstance(other, Picture) and other.pixels.shape == panel.pixels.shape for other in others):
        return size
    smaller = picture_size(panel, (max(1, room[0]), room[1]), scale)
    whole = smaller[0] - 2 * pad(scale) >= panel.pixels.shape[1]
    return smaller if whole and smaller[0] <= room[0] and smaller[1] >= ENOUGH * size[1] else size


def _evenly(panels: Sequence[Panel], wide: int, width: int, gap: int) -> int:
    """How many charts or texts go into each row, so that no row is almost empty."""
    ahead = next((i for i, panel in enumerate(panels) if isinstance(panel, Picture)), len(panels))
    fit = max(1, (width + gap) // (wide + gap))
    return -(-ahead // -(-ahead // fit))


def _stretches(row: Row, panels: Sequence[Panel]) -> bool:
    return any(not isinstance(panels[index], Lines) for cell in row.cells for index, _ in cell.members)


def _widths(row: Row, width: int, gap: int) -> list[int]:
    """The width of each cell of a row: charts and text share what is left, equally if that is enough."""
    takers = [cell for cell in row.cells if not cell.picture] or row.cells
    taken = sum(cell.width for cell in row.cells if cell not in takers) + gap * (len(row.cells) - 1)
    alike = (width - taken) // len(takers)
    more = max(0, width - row.width(gap)) // len(takers)
    if alike >= max(cell.width for cell in takers):
        return [alike if cell in takers else cell.width for cell in row.cells]
    return [cell.width + (more if cell in takers else 0) for cell in row.cells]


def _place(
    row: Row, panels: Sequence[Panel], places: list[pygame.Rect], y: int, width: int, height: int, gap: int
) -> None:
    """Set the places of a row's panels; the rest of its height goes to charts."""
    x = 0
    for cell, cell_width in zip(row.cells, _widths(row, width, gap), strict=True):
        charts = [index for index, _ in cell.members if not isinstance(panels[index], Lines)]
        takers = charts or [cell.members[-1][0]]
        left = height - cell.height(gap)
        top = y
        for index, own in cell.members:
            own += left // len(takers) if index in takers else 0
            places[index] = pygame.Rect(x, top, cell_width, own)
            top += own + gap
        x += cell_width + gap
