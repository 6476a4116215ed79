"""The same game in two looks: frames that are no pairs to learn from, and true pairs to judge by.

Frames decode to cells exactly, so whoever turns one look into the other can be told which cells came out as
what they were. Neither cells nor pairs are ever shown to what learns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from gamesim.agents.explorer import ExplorerPolicy
from gamesim.envs.layouts import FLAG, FLOOR, FOOD, GHOST, OUTSIDE, PACMAN, WALL
from gamesim.envs.sprites import decode

GAMES = {"night": "gamesim/Pacman-v0", "garden": "gamesim/PacmanGarden-v0"}
"""Theme -> the game that has it."""

KINDS = {
    FLOOR: "floor", WALL: "walls", FOOD: "food", FLAG: "flags", PACMAN: "Pac-Man", GHOST: "ghosts",
    OUTSIDE: "the outside",
}  # fmt: skip
"""Class of a cell -> what it is called, of all that a view of these games can hold."""

LANES = 32
SMALL = 8
"""Cells on a side of the boards that are learned from: on 14x14 a flag is seen three times as rarely."""
_HELD_OUT = 1_500_000_000
"""Boards that are judged by have seeds from here on; those that are learned from stay below."""


def _played(
    games: dict[str, gym.vector.VectorEnv], bot: ExplorerPolicy, seed: int
) -> Iterator[dict[str, NDArray[np.uint8]]]:
    """Frames of games by theme, one step later each time: the bot plays by those of the first."""
    frames = {theme: env.reset(seed=seed)[0] for theme, env in games.items()}
    seen = next(iter(games))
    over = np.ones(len(frames[seen]), bool)
    while True:
        yield dict(frames)
        if over.any():
            bot.reset(over)
        actions = bot.act(frames[seen], {})
        for theme, env in games.items():
            frames[theme], _, ended, cut, _ = env.step(actions)
            over = ended | cut


def stream(theme: str, batch: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Frames of games that the bot plays, without end: each time some of `LANES` games, one step later.

    Args:
        theme: a name of `GAMES`.
        batch: frames at a time, 1 to `LANES`.
        seed: of the boards, of the bot's choices and of which games are looked at; two looks with the same
            seed are different games all the same.

    Yields:
        uint8 (batch, 84, 84, 3).
    """
    chance = np.random.default_rng([seed, list(GAMES).index(theme)])
    boards, bot = chance.integers(0, 2**30, 2).tolist()
    games = {theme: gym.make_vec(GAMES[theme], LANES, grid_size=SMALL)}
    for frames in _played(games, ExplorerPolicy(bot, theme=theme), boards):
        yield frames[theme][chance.choice(LANES, batch, replace=False)]


def twins(lanes: int, seed: int = 0) -> Iterator[dict[str, NDArray[np.uint8]]]:
    """The same moments of the same games in both looks, without end, one step later each time.

    The bot plays by what it sees of the night; no board of these is ever learned from.

    Args:
        lanes: games at once.
        seed: of the boards and of the bot's choices.

    Yields:
        Theme -> uint8 (lanes, 84, 84, 3), true pairs.
    """
    games = {theme: gym.make_vec(name, lanes) for theme, name in GAMES.items()}
    return _played(games, ExplorerPolicy(seed), _HELD_OUT + seed * 1_000_000)


@dataclass(frozen=True)
class Score:
    """What became of cells on the way from one look to the other.

    Attributes:
        confusion: int64 (K, K), over `KINDS` in their order: cells of the row's kind that came out as the
            column's.
        error: mean absolute difference to the true pair, 0 to 255.
    """

    confusion: NDArray[np.int64]
    error: float

    @property
    def right(self) -> float:
        """Share of all cells that kept their kind."""
        return float(np.trace(self.confusion) / max(1, self.confusion.sum()))

    @property
    def shares(self) -> NDArray[np.float64]:
        """float64 (K, K): of each kind, the share that came out as each; 0 for a kind that was not there."""
        return self.confusion / np.maximum(1, self.confusion.sum(1, keepdims=True))

    @property
    def by_kind(self) -> float:
        """The mean over the kinds that were there, each of which weighs as much: floor is most of a view."""
        there = self.confusion.sum(1) > 0
        return float(np.diag(self.shares)[there].mean())

    def permuted(self) -> list[str]:
        """Sentences for kinds that mostly come out as another one; swaps are named as such."""
        there = np.flatnonzero(self.confusion.sum(1))
        to = {int(kind): int(self.shares[kind].argmax()) for kind in there}
        names, said, found = list(KINDS.values()), set[int](), list[str]()
        for kind, other in to.items():
            if other == kind or self.shares[kind, other] < 0.5 or kind in said:
                continue
            if to.get(other) == kind and self.shares[other, kind] >= 0.5:
                found.append(f"{names[kind]} and {names[other]} are swapped")
                said.add(other)
            else:
                found.append(f"{names[kind]} became {names[other]}")
        return found


def score(
    real: NDArray[np.uint8], theme: str, translated: NDArray[np.uint8], into: str, true: NDArray[np.uint8]
) -> Score:
    """Judge frames that were turned from one look into another.

    Args:
        real: uint8 (N, 84, 84, 3), in the look ``theme``.
        translated: the same frames in the look ``into``, as somebody thinks it is.
        true: as it really is.
    """
    kinds = list(KINDS)
    index = np.zeros(256, np.int64)
    index[kinds] = np.arange(len(kinds))
    was, became = index[decode(real, theme)[0]], index[decode(translated, into)[0]]
    confusion = np.zeros((len(kinds), len(kinds)), np.int64)
    np.add.at(confusion, (was.ravel(), became.ravel()), 1)
    error = np.abs(translated.astype(np.int16) - true.astype(np.int16)).mean()
    return Score(confusion, float(error))


def total(scores: Sequence[Score]) -> Score:
    """One score of the frames of several, each of which judged equally many."""
    error = float(np.mean([each.error for each in scores]))
    return Score(np.sum([each.confusion for each in scores], axis=0), error)
