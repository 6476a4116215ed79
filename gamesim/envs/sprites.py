"""Tiles, drawn as text, and the atlas that turns arrays of tiles into frames.

A tile exists in three sizes: 12 px (the 7x7 egocentric view), 6 px (a whole 14x14 board) and 4 px (the
21x21 arcade board); all give a frame of 84x84. Sprites 0 to 10 are the cell classes of ``rules``; Pac-Man
has five more, one for each direction that he faces and one with the ghost that caught him in front of him,
and ghosts of the arcade have one for each colour.

Every game has two looks, its ``theme``: the night of the arcades, and a garden. The cells are the same.
"""

from functools import lru_cache

import numpy as np

from gamesim.envs.layouts import (
    DOOR,
    EYES,
    FLAG,
    FLOOR,
    FOOD,
    FRIGHTENED,
    FRUIT,
    GHOST,
    OUTSIDE,
    PACMAN,
    POWER,
    WALL,
)
from gamesim.envs.tiles import TILES
from gamesim.errors import UserError

Colour = tuple[int, int, int]

palette: dict[str, Colour] = {
    "black": (0, 0, 0),
    "wall": (38, 54, 214),
    "wall_light": (104, 132, 255),
    "wall_dark": (14, 18, 112),
    "yellow": (255, 222, 0),
    "red": (236, 28, 36),
    "pink": (255, 150, 210),
    "cyan": (0, 224, 240),
    "orange": (255, 160, 48),
    "white": (255, 255, 255),
    "pupil": (24, 32, 170),
    "food": (255, 204, 164),
    "green": (0, 206, 88),
    "pole": (208, 212, 220),
    "outside": (44, 46, 52),
    "hatch": (86, 89, 98),
    "frightened": (56, 72, 255),
    "door": (255, 176, 216),
}
"""The one palette of the game and of the app: name -> (red, green, blue), 0 to 255."""

GARDEN: dict[str, Colour] = {
    **palette,
    "black": (96, 158, 70),  # the floor: a lawn
    "blade": (78, 136, 56),
    "wall": (192, 92, 58),  # of bricks
    "wall_light": (226, 134, 92),
    "wall_dark": (128, 54, 36),
    "red": (138, 60, 200),
    "pink": (226, 92, 168),
    "cyan": (36, 120, 196),
    "orange": (226, 110, 20),
    "food": (255, 255, 255),  # a daisy, with a heart
    "heart": (250, 190, 40),
    "green": (214, 36, 96),
    "pole": (92, 60, 36),
    "outside": (48, 112, 190),  # a pond, with waves
    "hatch": (120, 180, 232),
    "frightened": (24, 40, 120),
    "door": (92, 60, 36),
}

THEMES: dict[str, dict[str, Colour]] = {"night": palette, "garden": GARDEN}
"""The looks of the game: name -> palette."""

_INK = {
    ".": "black", "B": "wall", "b": "wall_light", "d": "wall_dark", "Y": "yellow", "R": "red", "W": "white",
    "p": "pupil", "f": "food", "G": "green", "|": "pole", "-": "outside", "/": "hatch", "F": "frightened",
    "=": "door", ",": "blade", "o": "heart",
}  # fmt: skip

FACING = 10
"""Sprite of a Pac-Man who faces direction ``d`` (1 left, 2 right, 3 up, 4 down) is ``FACING + d``."""
COLOURED = 15
"""Sprite of an arcade ghost of colour ``c`` (0 red, 1 pink, 2 cyan, 3 orange) is ``COLOURED + c``."""
FLASHING = COLOURED + 4
"""Sprite of a frightened ghost who is about to recover."""
WALLED = FLASHING + 1
"""Sprite of an arcade wall is ``WALLED`` plus 1, 2, 4, 8 for an open left, right, upper, lower side."""
CAUGHT = WALLED + 16
"""Sprite of a Pac-Man with the ghost that caught him; its class is Pac-Man's, whose cell it is."""
TREAT = CAUGHT + 1
"""Sprite of the arcade's bonus fruit."""
NUM_SPRITES = TREAT + 1
GHOST_COLOURS = ("red", "pink", "cyan", "orange")

_NAMES = {
    FLOOR: "floor", WALL: "wall", FOOD: "food", FLAG: "flag", GHOST: "ghost", OUTSIDE: "outside",
    POWER: "power", FRIGHTENED: "frightened", DOOR: "door", EYES: "eyes",
    CAUGHT: "caught", TREAT: "fruit",
}  # fmt: skip

SPRITE_CLASS = np.array(
    [*range(11), *[PACMAN] * 4, *[GHOST] * 4, FRIGHTENED, *[WALL] * 16, PACMAN, FRUIT], dtype=np.uint8
)
"""Cell class of each sprite."""


def _paint(art: str, colours: dict[str, Colour], ghost: str = "red") -> np.ndarray:
    """Text to uint8 (size, size, 3); the ghost's red may be another colour."""
    ink = {**_INK, "R": ghost}
    return np.array([[colours[ink[c]] for c in row] for row in art.split()], dtype=np.uint8)


def _wall(size: int, colours: dict[str, Colour], sides: int) -> np.ndarray:
    """A dark block, uint8 (size, size, 3), with a bright line along each open side."""
    tile, line = np.full((size, size, 3), colours["wall_dark"], dtype=np.uint8), max(1, size // 6)
    for bit, edge in enumerate(
        ((slice(None), slice(0, line)), (slice(None), slice(-line, None)), slice(0, line), slice(-line, None))
    ):
        if sides >> bit & 1:
            tile[edge] = colours["wall_light"]
    return tile


def check_theme(theme: object) -> None:
    """Refuse a theme that does not exist.

    Raises:
        UserError: There is none of that name.
    """
    if not isinstance(theme, str) or theme not in THEMES:
        raise UserError(f"theme must be {' or '.join(THEMES)}, not {theme!r}")


@lru_cache(maxsize=8)
def tiles(size: int, theme: str = "night") -> np.ndarray:
    """All sprites of a theme, uint8 (NUM_SPRITES, size, size, 3), for a tile size of 12, 6 or 4 pixels."""
    art, colours = TILES[theme][size], THEMES[theme]
    atlas = np.zeros((NUM_SPRITES, size, size, 3), dtype=np.uint8)
    for code, name in _NAMES.items():
        atlas[code] = _paint(art[name], colours)
    right = _paint(art["pacman"], colours)
    up = right.transpose(1, 0, 2)[::-1]
    atlas[PACMAN] = right
    for direction, image in enumerate((right[:, ::-1], right, up, up[::-1]), start=1):
        atlas[FACING + direction] = image
    for colour, name in enumerate(GHOST_COLOURS):
        atlas[COLOURED + colour] = _paint(art["ghost"], colours, name)
    flashing = art["frightened"].replace("F", "Q").replace("W", "R").replace("Q", "W")
    atlas[FLASHING] = _paint(flashing, colours)
    for sides in range(16):
        atlas[WALLED + sides] = _wall(size, colours, sides)
    atlas.setflags(write=False)
    return atlas


class Painter:
    """Draws arrays of sprites as frames.

    A row of a tile is one opaque item of ``3 * size`` bytes, so that NumPy copies each in one piece; a few
    frames at a time, so that they stay in the cache: about 4 microseconds a frame.
    """

    def __init__(self, size: int, theme: str = "night") -> None:
        self.size = size
        self.rows = tiles(size, theme).reshape(-1, 3 * size).view(f"V{3 * size}").reshape(NUM_SPRITES, size)

    def draw(self, sprites: np.ndarray) -> np.ndarray:
        """Frames of arrays of sprites.

        Args:
            sprites: Integer (N, rows, cols), values 0 to NUM_SPRITES - 1.

        Returns:
            uint8 (N, rows * size, cols * size, 3), a new array.
        """
        count, rows, cols = sprites.shape
        frames = np.empty((count, rows * self.size, cols * self.size, 3), dtype=np.uint8)
        out = frames.reshape(-1).view(self.rows.dtype).reshape(count, rows, self.size, cols)
        out = out.transpose(0, 1, 3, 2)  # [frame, row, column, line of the tile], as the tiles come
        for begin in range(0, count, 16):
            out[begin : begin + 16] = self.rows.take(sprites[begin : begin + 16], axis=0)
        return frames


@lru_cache(maxsize=8)
def painter(size: int, theme: str = "night") -> Painter:
    """The shared painter for a tile size of 12, 6 or 4 pixels."""
    return Painter(size, theme)


_EGO_SPRITES = (FLOOR, WALL, FOOD, FLAG, GHOST, OUTSIDE, *range(FACING + 1, FACING + 5), CAUGHT)


def decode(frames: np.ndarray, theme: str = "night") -> tuple[np.ndarray, np.ndarray]:
    """Read egocentric frames back into cells, by the nearest tile.

    A Pac-Man who is caught is still Pac-Man, with or without the ghost in front of him: recordings from
    before it was drawn there, and models trained on them, are read alike.

    Args:
        frames: uint8 (..., 84, 84, 3), real or dreamt.
        theme: The look of the game that they show.

    Returns:
        Classes uint8 (..., 7, 7), and the mean absolute difference to the nearest tile, float32
        (..., 7, 7), 0 to 255.
    """
    lead, atlas = frames.shape[:-3], tiles(12, theme).reshape(NUM_SPRITES, -1)
    flat = np.ascontiguousarray(frames).reshape(-1, 7, 12, 7, 12, 3)
    classes = np.empty((len(flat), 49), dtype=np.uint8)
    distance = np.empty((len(flat), 49), dtype=np.float32)
    for begin in range(0, len(flat), 64):  # a few MiB at a time, whatever the number of frames
        part = flat[begin : begin + 64].transpose(0, 1, 3, 2, 4, 5).reshape(-1, atlas.shape[1])
        found = _nearest(part, atlas)
        for all_of_them, each in zip((classes, distance), found, strict=True):
            all_of_them[begin : begin + 64] = each.reshape(-1, 49)
    return classes.reshape(*lead, 7, 7), distance.reshape(*lead, 7, 7)


def _nearest(cells: np.ndarray, atlas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Classes uint8 (N,) of cells uint8 (N, 432), and the mean absolute difference float32 (N,)."""
    classes, distance = np.empty(len(cells), np.uint8), np.zeros(len(cells), np.float32)
    left, words, tile = np.arange(len(cells)), cells.view(np.uint64), atlas.view(np.uint64)
    for sprite in _EGO_SPRITES:  # of real frames every cell is some tile, and this is eight times as fast
        same = (words[left] == tile[sprite]).all(1)
        classes[left[same]] = SPRITE_CLASS[sprite]
        left = left[~same]
    if len(left):
        rest = cells[left]
        # maximum - minimum is the absolute difference without leaving uint8, six times as fast.
        gaps = [
            (np.maximum(rest, atlas[s]) - np.minimum(rest, atlas[s])).sum(-1, dtype=np.uint32)
            for s in _EGO_SPRITES
        ]
        classes[left] = SPRITE_CLASS[np.array(_EGO_SPRITES)][np.argmin(gaps, axis=0)]
        distance[left] = np.min(gaps, axis=0) / atlas.shape[1]
    return classes, distance
