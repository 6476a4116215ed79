"""From games to frames: which cells are seen, what stands on them, and the pixels."""

from collections.abc import Sequence

import numpy as np

from gamesim.envs.layouts import MARGIN, grid_of
from gamesim.envs.rules import Game
from gamesim.envs.sprites import CAUGHT, FACING, SPRITE_CLASS, painter


class EgoView:
    """The 7x7 cells around Pac-Man, who is at the centre, as 84x84 pixels."""

    def __init__(self, grid_size: int, theme: str = "night") -> None:
        self.stride = grid_of(grid_size).stride
        reach = np.arange(-MARGIN, MARGIN + 1)
        self.offsets = reach[:, None] * self.stride + reach
        self.painter = painter(12, theme)

    def draw(self, games: Sequence[Game]) -> tuple[np.ndarray, np.ndarray]:
        """Frames uint8 (N, 84, 84, 3) and classes of the visible cells uint8 (N, 7, 7), both new."""
        area = self.stride * self.stride
        here = np.array([lane * area + game.pacman for lane, game in enumerate(games)])
        sprites = _slab(games, area).take(here[:, None, None] + self.offsets)
        return self.painter.draw(sprites), SPRITE_CLASS.take(sprites)


class BoardView:
    """The whole board as 84x84 pixels."""

    def __init__(self, grid_size: int, theme: str = "night") -> None:
        self.stride = grid_of(grid_size).stride
        self.painter = painter(84 // grid_size, theme)

    def draw(self, games: Sequence[Game]) -> tuple[np.ndarray, np.ndarray]:
        """Frames uint8 (N, 84, 84, 3) and classes of all cells uint8 (N, size, size), both new."""
        slab = _slab(games, self.stride * self.stride)
        boards = slab.reshape(len(games), self.stride, self.stride)[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
        return self.painter.draw(boards), SPRITE_CLASS.take(boards)


def _slab(games: Sequence[Game], area: int) -> np.ndarray:
    """All padded boards end to end, with the ghosts and Pac-Man on them: uint8 (N * area,).

    He covers a ghost on his cell, but not the one that has just caught him.
    """
    slab = bytearray().join([game.cells for game in games])
    base = 0
    for game in games:
        if game.ghosts:
            for ghost, look in zip(game.ghosts, game.ghost_sprites, strict=True):
                slab[base + ghost] = look
        slab[base + game.pacman] = CAUGHT if "eaten" in game.events else FACING + game.facing
        base += area
    return np.frombuffer(slab, dtype=np.uint8)
