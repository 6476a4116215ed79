"""Real and dreamt episodes on boards that no recording holds, decoded to cells."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray

from gamesim.envs import sprites
from gamesim.envs.layouts import DOOR, OUTSIDE, WALL
from gamesim.errors import UserError
from gamesim.evaluation.pacman.board import CENTRE, DELTAS, OPPOSITE
from gamesim.models import WorldModel
from gamesim.threads import one_thread

FIRST_SEED = 1_000_000_000
"""Boards of the evaluator have seeds from here on.

Recordings draw the seeds of their boards from 0 to 2**62, so that none of theirs is here but by a chance of
less than one in a million for a million episodes.
"""

LANES = 256
"""Episodes dreamt at once: enough to be fast, few enough for any machine's memory."""

PER_LANE = ("frames", "cells", "distance", "actions", "rewards", "ends", "seeds")

Tick = Callable[[int], object] | None
"""Called after each dreamt step with the number of frames that it made."""


@dataclass
class Played:
    """Episodes of W real frames (the warm-up) and then T steps, real or dreamt; B lanes.

    Attributes:
        frames: uint8 (B, W, H, W', 3), the warm-up; of what follows only the cells are kept.
        cells: uint8 (B, W + T, 7, 7), by nearest tile.
        distance: float32 (B, W + T, 7, 7), of each cell to its tile, 0..255.
        actions: int64 (B, W + T - 1), the one before each frame but the first.
        rewards: float32 (B, T), of the T steps after the warm-up.
        ends: float32 (B, T), probability that the episode ended with the step.
        seeds: int64 (B,), of the boards.
        theme: the look of the game, by which frames are decoded.
    """

    frames: NDArray[np.uint8]
    cells: NDArray[np.uint8]
    distance: NDArray[np.float32]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    ends: NDArray[np.float32]
    seeds: NDArray[np.int64]
    theme: str = "night"

    @property
    def warm_up(self) -> int:
        """How many frames are real: W."""
        return self.frames.shape[1]

    @property
    def steps(self) -> int:
        """How many steps follow the warm-up: T."""
        return self.rewards.shape[1]

    def going(self, steps: int) -> NDArray[np.bool_]:
        """Lanes (B,) in which none of the first `steps` steps had an end_probability above 0.5."""
        return np.all(self.ends[:, :steps] <= 0.5, axis=1)

    def lanes(self, keep: NDArray[np.bool_] | slice) -> "Played":
        """These lanes alone."""
        return Played(**{name: getattr(self, name)[keep] for name in PER_LANE}, theme=self.theme)

    def batches(self, episodes: int | None = None) -> Iterator["Played"]:
        """The first `episodes` lanes (None: all), at most `LANES` at a time."""
        count = len(self.seeds) if episodes is None else episodes
        for lane in range(0, count, LANES):
            yield self.lanes(slice(lane, min(lane + LANES, count)))


def join(parts: list[Played]) -> Played:
    """Lanes of several batches, one after the other."""
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in PER_LANE}
    return Played(**arrays, theme=parts[0].theme)


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


# --- the real game


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
            raise UserError(f"{env_id}: too few games last {warm_up} frames")
        lanes = min(LANES, episodes + episodes // 4 + 8)
        parts.append(_real_round(env_id, lanes, warm_up, steps, first + rounds * lanes))
        rounds = rounds + 1 if len(parts[-1].seeds) < lanes // 4 else 0
        first += lanes
    return join(parts)


def _real_round(env_id: str, lanes: int, warm_up: int, steps: int, seed: int) -> Played:
    """One batch of real episodes on boards `seed`, `seed + 1`, ... without those that end in the warm-up."""
    env = make_real(env_id, lanes)
    total, theme = warm_up + steps, getattr(env, "theme", "night")
    frame, _ = env.reset(seed=seed)
    frames = np.zeros((lanes, warm_up, *frame.shape[1:]), np.uint8)
    cells, distance = np.zeros((lanes, total, 7, 7), np.uint8), np.zeros((lanes, total, 7, 7), np.float32)
    actions = np.zeros((lanes, total - 1), np.int64)
    rewards, ends = np.zeros((lanes, total - 1), np.float32), np.zeros((lanes, total - 1), np.float32)
    going, wanderer = np.ones(lanes, bool), Wanderer(lanes, seed)
    for time in range(total):
        if time < warm_up:
            frames[:, time] = frame
        cells[:, time], distance[:, time] = sprites.decode(frame, theme)
        if time == total - 1:
            break
        actions[:, time] = wanderer.act(cells[:, time])
        seen, reward, terminated, truncated, _ = env.step(actions[:, time])
        frame = np.where(going[:, None, None, None], seen, frame)
        rewards[:, time] = np.where(going, reward, 0)
        going = going & ~(terminated | truncated)
        ends[:, time] = ~going
    env.close()
    lasted = ends[:, : warm_up - 1].sum(1) == 0
    seeds = np.arange(seed, seed + lanes)
    after = slice(warm_up - 1, None)
    told = rewards[:, after], ends[:, after]
    return Played(frames, cells, distance, actions, *told, seeds, theme).lanes(lasted)


def replay(env_id: str, real: Played) -> Iterator[NDArray[np.uint8]]:
    """Plays real episodes again: their frames uint8 (B, H, W, 3) from the first; after an end, any frames."""
    env = make_real(env_id, len(real.seeds))
    yield env.reset(seed=real.seeds.tolist())[0]
    for actions in real.actions.T:
        yield env.step(actions)[0]
    env.close()


def make_real(env_id: str, lanes: int) -> gym.vector.VectorEnv:
    """The real game in `lanes` lanes, without a step limit.

    Raises:
        UserError: there is no such game, or it has no 7x7 egocentric view.
    """
    try:
        env = gym.make_vec(env_id, num_envs=lanes, vectorization_mode="vector_entry_point", max_steps=None)
    except gym.error.Error as error:
        raise UserError(f"{env_id}: {error}") from error
    _, info = env.reset(seed=FIRST_SEED)
    if np.shape(info.get("cells", ()))[1:] != (7, 7):
        raise UserError(f"{env_id}: its frames do not show 7x7 cells, so they cannot be judged")
    return env


# --- the dream


@dataclass
class Dreamer:
    """An engine, and how it is asked to dream.

    Attributes:
        model: the engine, on `device` and in eval mode.
        seed: of the dreams' chance.
        device: where the engine computes.
        temperature: of the dreams, 0..10.
        on_step: called after each step with the number of frames that it made.
    """

    model: WorldModel
    seed: int = 0
    device: str | torch.device = "cpu"
    temperature: float = 1.0
    on_step: Tick = None


class Dream:
    """A batch of dreams that go on, one step at a time, also through predicted ends.

    Args:
        dreamer: whose they are.
        real: episodes, after whose warm-up the dreams go on.
        number: of this batch, each of which has a chance of its own.

    Raises:
        UserError: the engine's frames are of another size.
    """

    def __init__(self, dreamer: Dreamer, real: Played, number: int = 0) -> None:
        self.dreamer, model = dreamer, dreamer.model
        ours, theirs = tuple(model.frame_shape), real.frames.shape[2:]
        if ours != theirs:
            raise UserError(f"the model's frames are {ours}, the game's are {theirs}")
        self.generator = torch.Generator().manual_seed(dreamer.seed + number)
        with one_thread(), torch.inference_mode():
            between = real.actions[:, : real.warm_up - 1]
            self.state = model.start(self._tensor(real.frames), self._tensor(between))

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.dreamer.device)

    @one_thread()
    @torch.inference_mode()
    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
        """Dreams one step: frames uint8 (B, H, W, 3), rewards (B,) and end probabilities (B,)."""
        asked = self.dreamer
        self.state, dreamt = asked.model.imagine(
            self.state, self._tensor(actions), temperature=asked.temperature, generator=self.generator
        )
        if asked.on_step:
            asked.on_step(len(actions))
        reward, end = dreamt.reward.float().cpu().numpy(), dreamt.end_probability.float().cpu().numpy()
        return dreamt.frame.cpu().numpy(), reward, end


def dream_episodes(dreamer: Dreamer, real: Played, episodes: int, steps: int) -> Played:
    """Dreams on from the warm-up of the first real lanes, under the wanderer, who sees the dream only."""
    parts, done = [], 0
    for batch in real.batches(episodes):
        wanderer = Wanderer(len(batch.seeds), dreamer.seed + done)
        parts.append(_dream_round(Dream(dreamer, batch, done), batch, steps, wanderer))
        done += len(batch.seeds)
    return join(parts)


def _dream_round(dream: Dream, real: Played, steps: int, wanderer: Wanderer) -> Played:
    lanes, warm_up, total = len(real.seeds), real.warm_up, real.warm_up + steps
    cells, distance = np.zeros((lanes, total, 7, 7), np.uint8), np.zeros((lanes, total, 7, 7), np.float32)
    actions = np.zeros((lanes, total - 1), np.int64)
    rewards, ends = np.zeros((lanes, steps), np.float32), np.zeros((lanes, steps), np.float32)
    cells[:, :warm_up], distance[:, :warm_up] = real.cells[:, :warm_up], real.distance[:, :warm_up]
    actions[:, : warm_up - 1] = real.actions[:, : warm_up - 1]
    for step in range(steps):
        time = warm_up + step
        actions[:, time - 1] = wanderer.act(cells[:, time - 1])
        frame, rewards[:, step], ends[:, step] = dream.step(actions[:, time - 1])
        cells[:, time], distance[:, time] = sprites.decode(frame, real.theme)
    return Played(real.frames, cells, distance, actions, rewards, ends, real.seeds, real.theme)
