"""From games to frames: which cells are seen, what stands on them, and the pixels."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from gamesim.envs.arcade import ArcadeGame
from gamesim.envs.layouts import MARGIN, grid_of
from gamesim.envs.rules import EgoGame
from gamesim.envs.sprites import FACING, SPRITE_CLASS, painter

Game = EgoGame | ArcadeGame


class EgoView:
    """The 7x7 cells around Pac-Man, who is at the centre, as 84x84 pixels."""

    def __init__(self, grid_size: int) -> None:
        self.stride = grid_of(grid_size).stride
        reach = np.arange(-MARGIN, MARGIN + 1)
        self.offsets = reach[:, None] * self.stride + reach
        self.painter = painter(12)

    def draw(self, games: Sequence[Game]) -> tuple[np.ndarray, np.ndarray]:
        """Frames uint8 (N, 84, 84, 3) and classes of the visible cells uint8 (N, 7, 7), both new."""
        slab, base = _slab(games, self.stride)
        here = np.array([game.pacman for game in games])
        here += base
        sprites = slab[here[:, None, None] + self.offsets]
        sprites[:, MARGIN, MARGIN] = [FACING + game.facing for game in games]
        return self.painter.draw(sprites), SPRITE_CLASS[sprites]


class BoardView:
    """The whole board as 84x84 pixels."""

    def __init__(self, grid_size: int) -> None:
        self.stride = grid_of(grid_size).stride
        self.painter = painter(84 // grid_size)

    def draw(self, games: Sequence[Game]) -> tuple[np.ndarray, np.ndarray]:
        """Frames uint8 (N, 84, 84, 3) and classes of all cells uint8 (N, size, size), both new."""
        slab, base = _slab(games, self.stride)
        slab[base + np.array([game.pacman for game in games])] = [FACING + game.facing for game in games]
        boards = slab.reshape(len(games), self.stride, self.stride)[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
        return self.painter.draw(boards), SPRITE_CLASS[boards]


def _slab(games: Sequence[Game], stride: int) -> tuple[np.ndarray, np.ndarray]:
    """All padded boards end to end with their ghosts on them, and the index at which each begins."""
    area = stride * stride
    slab = np.frombuffer(bytearray().join([game.cells for game in games]), dtype=np.uint8)
    base = np.arange(0, area * len(games), area)
    ghosts = len(games[0].ghosts)
    if ghosts:
        places = np.fromiter(chain.from_iterable([game.ghosts for game in games]), np.intp)
        looks = np.fromiter(chain.from_iterable([game.ghost_sprites for game in games]), np.uint8)
        slab[places.reshape(-1, ghosts) + base[:, None]] = looks.reshape(-1, ghosts)
    return slab, base
