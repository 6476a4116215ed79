"""Coming home (the GameGAN paper's come-back-home task): walk out along a random path, and back.

From the last of 8 real frames a walker goes out for 5, 10 or 20 dreamt steps, by what the dream shows: one of
the free ways, not back unless there is no other, around ghosts and flags. Then it takes the opposite actions
in reverse order. If the engine keeps the rules, the walker is back; if it remembers, it shows what it showed.
Without memory this is lost first, and walls that let the walker through lower these figures, too.

All keys end with the number of steps out.

- `cells_N`: share of the 48 cells around Pac-Man whose ground (wall, walkable, outside) is the same in the
  first and the last view. 0 to 1; the real game: 1. Food and ghosts do not count: he eats, they move.
- `cells_chance`: the same for first views of two different episodes, about 0.6.
- `whole_N`: share of the episodes in which all 48 are.
- `d_N`: the paper's measure: how far apart first and last view lie in the space of V, the encoder of a World
  Models checkpoint (Euclidean distance between means of q(z), mean over episodes). Its unit is that distance
  for two frames at random of one real episode, put at `PAIR` = 1.17, as the paper's table has it: what an
  engine without any memory reaches. 0 and up, 0 is best. Absent without a V.

Source: Kim et al. 2020 (arXiv 2005.12126), Sec. 4.3, Table 2; the cells are ours.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from gamesim.envs import sprites
from gamesim.envs.layouts import DOOR, FLAG, GHOST, OUTSIDE, WALL
from gamesim.evaluation.pacman.board import CENTRE, DELTAS, OFF_CENTRE, OPPOSITE, ground
from gamesim.evaluation.pacman.cells import Dream, Dreamer, Played, replay
from gamesim.models.world_models.vision import see
from gamesim.threads import one_thread

LENGTHS = (5, 10, 20)
"""Dreamt steps out; as many lead back."""

PAIR = 1.17
"""Distance d of a random pair of frames of an episode, by definition."""

Encoder = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""Frames uint8 (B, H, W, 3) to points (B, Z)."""


def coming_home(
    dreamer: Dreamer, env_id: str, real: Played, episodes: int, encoder: Encoder | None = None
) -> dict[str, float]:
    """Walks an engine out and home from the first `episodes` real lanes; the figures are defined above."""
    figures: dict[str, float] = {}
    first = ground(real.cells[:episodes, real.warm_up - 1])
    figures["cells_chance"] = float(_agreement(first, np.roll(first, 1, 0)).mean())
    distances: dict[str, list[NDArray[np.float64]]] = {}
    for length in LENGTHS:
        same = []
        for number, batch in enumerate(real.batches(episodes)):
            home, _, back = walk(Dream(dreamer, batch, number), batch, length, dreamer.seed + number)
            views = [ground(sprites.decode(view, real.theme)[0]) for view in (home, back)]
            same.append(_agreement(*views))
            if encoder is not None:
                distances.setdefault(f"d_{length}", []).append(apart(encoder, home, back))
        figures[f"cells_{length}"] = float(np.concatenate(same).mean())
        figures[f"whole_{length}"] = float((np.concatenate(same) == 1).mean())
    if encoder is not None:
        pairs = [
            apart(encoder, *random_pair(env_id, batch, dreamer.seed)) for batch in real.batches(episodes)
        ]
        unit = PAIR / max(float(np.concatenate(pairs).mean()), 1e-9)
        figures |= {name: unit * float(np.concatenate(parts).mean()) for name, parts in distances.items()}
    return figures


def walk(
    dream: Dream, real: Played, length: int, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Out for `length` steps and back: the first view, the furthest and the last, uint8 (B, H, W, 3)."""
    random, path = np.random.default_rng(seed), []
    home = view = real.frames[:, -1]
    cells, last = real.cells[:, real.warm_up - 1], np.zeros(len(home), np.int64)
    for _ in range(length):
        last = outwards(random, cells, last)
        path.append(last)
        view, _, _ = dream.step(last)
        cells, _ = sprites.decode(view, real.theme)
    away = view
    for actions in reversed(path):
        view, _, _ = dream.step(OPPOSITE[actions])
    return home, away, view


def outwards(
    random: np.random.Generator, cells: NDArray[np.uint8], last: NDArray[np.int64]
) -> NDArray[np.int64]:
    """A free way at random for each lane, int64 (B,): the one back only where it is the only one."""
    dx, dy = DELTAS[1:].T
    free = ~np.isin(cells[:, CENTRE + dy, CENTRE + dx], (WALL, OUTSIDE, DOOR, GHOST, FLAG))
    liking = random.random(free.shape) * free
    turned = last > 0
    liking[turned, OPPOSITE[last[turned]] - 1] *= 1e-6
    return np.where(free.any(1), liking.argmax(1) + 1, 0)


def random_pair(env_id: str, real: Played, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Two frames of each real episode, at two times at random before its end: uint8 (B, H, W, 3) each."""
    random = np.random.default_rng(seed)
    lasts = real.warm_up + (real.ends <= 0.5).sum(1)
    first = (random.random(len(lasts)) * lasts).astype(np.int64)
    second = (first + 1 + (random.random(len(lasts)) * (lasts - 1)).astype(np.int64)) % lasts
    chosen = np.zeros((2, *real.frames[:, 0].shape), np.uint8)
    for time, frames in enumerate(replay(env_id, real)):
        for which, when in enumerate((first, second)):
            chosen[which, when == time] = frames[when == time]
    return chosen[0], chosen[1]


def apart(encoder: Encoder, one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Euclidean distances (B,) between what V makes of two frames uint8 (B, H, W, 3) of each episode."""
    return np.linalg.norm(encoder(one) - encoder(other), axis=1)


def encoder_of(model: object) -> Encoder | None:
    """The encoder V of an engine as a function of frames, None when it has none."""
    vision = getattr(model, "vision", None)
    if vision is None:
        return None

    @one_thread()
    @torch.inference_mode()
    def encode(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
        device = next(vision.parameters()).device
        mean, _ = vision.encode(see(torch.from_numpy(np.ascontiguousarray(frames)).to(device), vision.side))
        return mean.cpu().double().numpy()  # not every device has float64

    return encode


def _agreement(one: NDArray[np.int8], other: NDArray[np.int8]) -> NDArray[np.float64]:
    """Share (B,) of the cells of two views' ground (B, 7, 7) that agree, Pac-Man's left out."""
    return (one == other)[:, OFF_CENTRE].mean(1)
