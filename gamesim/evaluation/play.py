"""Real and dreamt episodes on boards that no recording holds, decoded to cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray

from gamesim.envs import sprites
from gamesim.envs.rules import DOOR, OUTSIDE, WALL
from gamesim.errors import UserError
from gamesim.models import WorldModel

FIRST_SEED = 1_000_000_000
"""Boards of the evaluator have seeds from here on.

Recordings draw the seeds of their boards from 0 to 2**62, so that none of theirs is here but by a chance of
less than one in a million for a million episodes.
"""

CENTRE = 3
"""Row and column of Pac-Man in a 7x7 view."""

DELTAS = np.array([(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)])
"""(dx, dy) of each action: stay, left, right, up, down."""

OPPOSITE = np.array([0, 2, 1, 4, 3])
LANES = 256
"""Episodes dreamt at once: enough to be fast, few enough for any machine's memory."""


PER_LANE = ("frames", "cells", "distance", "actions", "rewards", "ends", "seeds")


@dataclass
class Played:
    """Episodes of `warm_up` real frames and then T steps, real or dreamt; B lanes.

    Attributes:
        frames: uint8 (B, warm_up + T, H, W, 3).
        cells: uint8 (B, warm_up + T, 7, 7), by nearest tile.
        distance: float32 (B, warm_up + T, 7, 7), of each cell to its tile, 0..255.
        actions: int64 (B, warm_up + T - 1), the one before each frame but the first.
        rewards: float32 (B, T), of the T steps after the warm-up.
        ends: float32 (B, T), probability that the episode ended with the step.
        warm_up: how many frames are real.
        seeds: int64 (B,), of the boards.
    """

    frames: NDArray[np.uint8]
    cells: NDArray[np.uint8]
    distance: NDArray[np.float32]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    ends: NDArray[np.float32]
    warm_up: int
    seeds: NDArray[np.int64]

    def going(self, steps: int) -> NDArray[np.bool_]:
        """Lanes (B,) in which none of the first `steps` steps had an end_probability above 0.5."""
        return np.all(self.ends[:, :steps] <= 0.5, axis=1)

    def lanes(self, keep: NDArray[np.bool_] | slice) -> Played:
        """These lanes alone."""
        arrays = {name: getattr(self, name)[keep] for name in PER_LANE}
        return Played(**arrays, warm_up=self.warm_up)


def join(parts: list[Played]) -> Played:
    """Lanes of several batches, one after the other."""
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in PER_LANE}
    return Played(**arrays, warm_up=parts[0].warm_up)


class Wanderer:
    """Walks on with momentum, mostly where it is free to, by what the view's cells show.

    At every step, by chance: 10% any of the five actions, 10% into a wall where one is beside it, 10% back
    (so that places are come back to), 20% another free direction, else straight on. Where straight on is
    blocked it takes another free direction. It is part of the figures' definition: do not tune it.
    """

    def __init__(self, lanes: int, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.heading = self.random.integers(1, 5, lanes)

    def act(self, cells: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Actions int64 (B,) for views uint8 (B, 7, 7)."""
        lanes = np.arange(len(cells))
        dx, dy = DELTAS[1:].T
        free = ~np.isin(cells[:, CENTRE + dy, CENTRE + dx], (WALL, OUTSIDE, DOOR))
        back = OPPOSITE[self.heading]
        # Any free direction; straight on if nothing else is free, back if even that is blocked.
        weight = self.random.random((len(cells), 4)) * free
        weight[lanes, self.heading - 1] *= 1e-3
        weight[lanes, back - 1] *= 1e-6
        turn = weight.argmax(1) + 1
        bump = (self.random.random((len(cells), 4)) * ~free).argmax(1) + 1
        bump = np.where(free.all(1), self.heading, bump)
        anything = self.random.integers(0, 5, len(cells))
        chance = self.random.random(len(cells))
        ahead = np.where(free[lanes, self.heading - 1], self.heading, turn)
        choices = [anything, bump, back, turn]
        action = np.select([chance < 0.1, chance < 0.2, chance < 0.3, chance < 0.5], choices, ahead)
        moves = action > 0
        self.heading = np.where(moves, np.maximum(action, 1), self.heading)
        return action.astype(np.int64)


def real_episodes(env_id: str, episodes: int, warm_up: int, steps: int, seed: int = 0) -> Played:
    """Real episodes under the wanderer: at least `episodes` lanes that lasted through the warm-up.

    A lane that ends later has `ends` 1 from there on and repeats its last frame.

    Raises:
        UserError: the game has no 7x7 egocentric view, or its episodes are too short for the warm-up.
    """
    parts: list[Played] = []
    first, rounds = FIRST_SEED + seed * 1_000_000, 0
    while sum(len(part.seeds) for part in parts) < episodes:
        if rounds == 8:
            raise UserError(f"{env_id}: too few episodes last for {warm_up} frames")
        lanes = min(LANES, episodes + episodes // 4 + 8)
        parts.append(_real_round(env_id, lanes, warm_up, steps, first + rounds * lanes))
        rounds = rounds + 1 if len(parts[-1].seeds) < lanes // 4 else 0
        first += lanes
    return join(parts)


def _real_round(env_id: str, lanes: int, warm_up: int, steps: int, seed: int) -> Played:
    """One batch of real episodes on boards `seed`, `seed + 1`, ... without those that end in the warm-up."""
    env = make_real(env_id, lanes)
    total = warm_up + steps
    frame, _ = env.reset(seed=seed)
    frames = np.zeros((lanes, total, *frame.shape[1:]), np.uint8)
    cells = np.zeros((lanes, total, 7, 7), np.uint8)
    actions = np.zeros((lanes, total - 1), np.int64)
    rewards, ends = np.zeros((lanes, total - 1), np.float32), np.zeros((lanes, total - 1), np.float32)
    frames[:, 0], going, wanderer = frame, np.ones(lanes, bool), Wanderer(lanes, seed)
    for time in range(total - 1):
        cells[:, time], _ = sprites.decode(frames[:, time])
        actions[:, time] = wanderer.act(cells[:, time])
        frame, reward, terminated, truncated, _ = env.step(actions[:, time])
        frames[:, time + 1] = np.where(going[:, None, None, None], frame, frames[:, time])
        rewards[:, time] = np.where(going, reward, 0)
        going = going & ~(terminated | truncated)
        ends[:, time] = ~going
    env.close()
    cells, distance = sprites.decode(frames)
    lasted = ends[:, : warm_up - 1].sum(1) == 0
    seeds = np.arange(seed, seed + lanes)
    played = Played(
        frames, cells, distance, actions, rewards[:, warm_up - 1 :], ends[:, warm_up - 1 :], warm_up, seeds
    )
    return played.lanes(lasted)


def make_real(env_id: str, lanes: int) -> gym.vector.VectorEnv:
    """The real game in `lanes` lanes, without a step limit."""
    try:
        env = gym.make_vec(env_id, num_envs=lanes, vectorization_mode="vector_entry_point", max_steps=None)
    except gym.error.Error as error:
        raise UserError(f"{env_id}: {error}") from error
    _, info = env.reset(seed=FIRST_SEED)
    if np.shape(info.get("cells", ()))[1:] != (7, 7):
        raise UserError(f"{env_id}: its frames do not show 7x7 cells, so they cannot be judged")
    return env


@torch.inference_mode()
def dream_episodes(
    model: WorldModel,
    real: Played,
    episodes: int,
    warm_up: int,
    steps: int,
    seed: int = 0,
    *,
    device: str = "cpu",
    temperature: float = 1.0,
    on_step: Callable[[int], object] | None = None,
) -> Played:
    """Dreams on from the first `warm_up` frames of the first real lanes, through predicted ends.

    `on_step` is called after each step with the number of frames that were dreamt.
    """
    if model.frame_shape != real.frames.shape[2:]:
        raise UserError(
            f"the engine's frames are {model.frame_shape}, the game's are {real.frames.shape[2:]}"
        )
    parts = []
    for lane in range(0, episodes, LANES):
        batch = real.lanes(slice(lane, min(lane + LANES, episodes)))
        parts.append(_dream_round(model, batch, warm_up, steps, seed + lane, device, temperature, on_step))
    return join(parts)


def _dream_round(
    model: WorldModel,
    real: Played,
    warm_up: int,
    steps: int,
    seed: int,
    device: str,
    temperature: float,
    on_step: Callable[[int], object] | None,
) -> Played:
    lanes, total = len(real.seeds), warm_up + steps
    frames = np.zeros((lanes, total, *real.frames.shape[2:]), np.uint8)
    cells = np.zeros((lanes, total, 7, 7), np.uint8)
    distance = np.zeros((lanes, total, 7, 7), np.float32)
    actions = np.zeros((lanes, total - 1), np.int64)
    rewards, ends = np.zeros((lanes, steps), np.float32), np.zeros((lanes, steps), np.float32)
    frames[:, :warm_up], cells[:, :warm_up] = real.frames[:, :warm_up], real.cells[:, :warm_up]
    distance[:, :warm_up], actions[:, : warm_up - 1] = (
        real.distance[:, :warm_up],
        real.actions[:, : warm_up - 1],
    )
    state = model.start(
        torch.from_numpy(frames[:, :warm_up]).to(device),
        torch.from_numpy(actions[:, : warm_up - 1]).to(device),
    )
    generator, wanderer = torch.Generator().manual_seed(seed), Wanderer(lanes, seed)
    for step in range(steps):
        time = warm_up + step
        actions[:, time - 1] = wanderer.act(cells[:, time - 1])
        action = torch.from_numpy(actions[:, time - 1]).to(device)
        state, prediction = model.imagine(state, action, temperature=temperature, generator=generator)
        frames[:, time] = prediction.frame.cpu().numpy()
        rewards[:, step] = prediction.reward.float().cpu().numpy()
        ends[:, step] = prediction.end_probability.float().cpu().numpy()
        cells[:, time], distance[:, time] = sprites.decode(frames[:, time])
        if on_step:
            on_step(lanes)
    return Played(frames, cells, distance, actions, rewards, ends, warm_up, real.seeds)
