"""The other way to re-skin: the moving things of one dream over the background of another.

Kim et al. 2020 (GameGAN), Eq. 14 and Sec. 4: a model with layers paints static and moving things apart, so
that another model's static layer can take the place of its own. Here both are Tilemaps, one for each look.
They dream the same walk under the same keys; what neither has seen yet, each makes up by itself.
"""

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from gamesim.agents.explorer import ExplorerPolicy
from gamesim.envs.sprites import decode
from gamesim.envs.walks import same_walk
from gamesim.labs.themes import GAMES

DREAMS = {"night": "tilemap-pacman", "garden": "tilemap-garden"}
"""Theme -> the shipped model that dreams it."""
DREAMT = 30
"""Steps of a dream, until the next begins with another walk."""


class LayerSwap:
    """A dream of the night, and the same with the background of a dream of the garden.

    Attributes:
        night: uint8 (84, 84, 3), what the first model dreams.
        swapped: uint8 (84, 84, 3), its moving things over the second model's background.
    """

    def __init__(self, seed: int = 0) -> None:
        self._dreams: list[Any] = [
            gym.make("gamesim/Dream-v0", checkpoint=name, render_mode="rgb_array").unwrapped
            for name in DREAMS.values()
        ]
        self._bot, self._seed, self._left = ExplorerPolicy(seed), 100 * seed, 0
        self.step()

    def step(self) -> None:
        """Both dreams go on by one step, or begin where one of them has ended."""
        if self._left:
            action = int(self._bot.act(self.night[None], {})[0])
            over = [dream.step(action)[2] for dream in self._dreams]
            self._left = 0 if any(over) else self._left - 1
        else:
            self._begin()
        night, garden = (dream.internals() for dream in self._dreams)
        share = np.kron(night["mask"], np.ones((84 // len(night["mask"]),) * 2))[..., None]
        self.night = self._dreams[0].render()
        self.swapped = np.round(share * night["dynamic"] + (1 - share) * garden["static"]).astype(np.uint8)

    def _begin(self) -> None:
        walk = same_walk(*GAMES.values(), seed=self._seed)
        assert walk is not None, "the two games differ in their looks alone"
        *frames, actions = walk
        for dream, seen in zip(self._dreams, frames, strict=True):
            dream.reset(seed=self._seed, options={"frames": seen, "actions": actions})
        self._bot.reset(np.ones(1, bool))
        self._left, self._seed = DREAMT, self._seed + 20


def cells_kept(night: NDArray[np.uint8], swapped: NDArray[np.uint8]) -> float:
    """Share of the cells of a night (84, 84, 3) that are of the same kind in either look of the other."""
    kinds, far = zip(*(decode(swapped, theme) for theme in GAMES), strict=True)
    seen = np.where(far[0] <= far[1], kinds[0], kinds[1])
    return float((seen == decode(night)[0]).mean())
