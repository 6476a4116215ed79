"""The one loop in which policies play: it serves the real game and every dream."""

import contextlib
import json
import math
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from gamesim.agents.autoreset import Batch
from gamesim.agents.policy import Policy, RandomPolicy, known_policy, num_actions
from gamesim.data.episode import PLAYERS, Episode
from gamesim.data.finite import check_rewards, seed_of
from gamesim.envs.arguments import MOST_LANES, MOST_SEED, MOST_STEPS, whole_number
from gamesim.envs.meanings import action_meanings
from gamesim.envs.recipe import Recipe, limited, make_batch, spec_json
from gamesim.errors import UserError
from gamesim.text import counted, sized

MEMORY = 1 << 29
"""Bytes that frames of running games take, at most; those that wait to be written take a quarter of it."""
MAX_STEPS = 500
"""Steps after which an endless game goes on in a new episode."""
_FILE_BYTES = 4096  # no file takes less
_SAMPLE_STEPS = 64
"""Steps of play that tell what a step takes on the disk."""


def run(
    env: gym.vector.VectorEnv,
    policy: Policy,
    episodes: int,
    *,
    seed: int | None = None,
    options: dict[str, Any] | None = None,
    env_spec: str = "",
    max_steps: int | None = MAX_STEPS,
    keep_frames: bool = True,
    on_step: Callable[[], None] = lambda: None,
) -> Iterator[Episode]:
    """Play, and give each episode when it is over.

    The first ``episodes`` that were begun are the ones that are given: those that were over first
    would be the short ones. An episode of more than ``max_steps`` comes in parts, each with the
    actions before it as its ``prefix``; each part counts. Where the game or the policy breaks down,
    what was good of the running episodes is given before the error.

    Args:
        env: uint8 (N, H, W, 3) frames, in any autoreset mode. An ``info["seed"]`` of int (N,), where there
            is one, is what each lane's running episode can be reset with.
        policy: Who plays; must fit the environment's actions.
        episodes: How many.
        seed: For the first reset.
        options: For the first reset.
        env_spec: For the episodes.
        max_steps: Of an episode; None: an episode is a whole game.
        keep_frames: False gives episodes without frames, which take next to no memory.
        on_step: Called after each step.

    Raises:
        UserError: A reward or a frame is not finite (it names the step), the environment does not do what
            its autoreset mode says, or ``episodes`` is no whole number.
    """
    episodes = whole_number("episodes", episodes, 0, MOST_STEPS)  # fewer than none would be played for ever
    batch = Batch(env)
    meanings = action_meanings(env)
    book = _Book(env.num_envs, episodes, PLAYERS.index(policy.player), env_spec, meanings, keep_frames)
    frames, info = batch.reset(seed, options)
    begun = np.ones(env.num_envs, bool)
    book.begin(begun, frames, info)
    while book.open:
        try:
            if begun.any():
                policy.reset(begun)
            actions = policy.act(frames, {name: value for name, value in info.items() if name != "cells"})
            step = batch.step(actions)
            rewards = check_rewards(batch.name, book.steps() + 1, step.rewards, book.recording)
        except Exception:
            yield from book.rest()
            raise
        frames, begun, info = step.shown, step.begun, step.info
        book.step(actions, rewards, frames)
        ended = (step.terminated | step.truncated) & ~step.ignored
        over = book.recording & (ended | (book.lengths() >= (max_steps or np.inf)))
        for lane in np.flatnonzero(over).tolist():
            yield book.close(lane, step.last[lane], bool(step.terminated[lane]), bool(step.truncated[lane]))
            if not ended[lane]:
                book.open_episode(lane)
        book.begin(begun, frames, info)
        on_step()


class _Book:
    """What a batch of lanes saw and did, step by step, as far back as an open episode needs it."""

    def __init__(
        self,
        num_envs: int,
        episodes: int,
        player: int,
        env_spec: str,
        meanings: tuple[str, ...],
        keep_frames: bool,
    ) -> None:
        self._keep_frames = keep_frames
        self._left, self._player, self._env_spec, self._meanings = episodes, player, env_spec, meanings
        self._frames: deque[np.ndarray] = deque()
        self._actions: deque[np.ndarray] = deque()
        self._rewards: deque[np.ndarray] = deque()
        self._first = 0  # number of the step at which the deques begin
        self._now = 0
        self._start = np.zeros(num_envs, np.int64)
        self._seeds: list[int | None] = [None] * num_envs
        self._prefixes = [np.zeros(0, np.uint8)] * num_envs
        self.recording = np.zeros(num_envs, bool)

    @property
    def open(self) -> bool:
        return bool(self._left or self.recording.any())

    def lengths(self) -> np.ndarray:
        """Steps of each lane's running episode, int64 (N,)."""
        return self._now - self._start

    def steps(self) -> np.ndarray:
        """Steps of each lane's running game, int64 (N,): those of its earlier parts count."""
        return self.lengths() + [len(prefix) for prefix in self._prefixes]

    def rest(self) -> Iterator[Episode]:
        """The running episodes, as far as they came."""
        for lane in np.flatnonzero(self.recording & (self.lengths() > 0)).tolist():
            yield self.close(lane, self._frames[-1][lane], False, False)

    def begin(self, lanes: np.ndarray, frames: np.ndarray, info: dict[str, Any]) -> None:
        """New games in ``lanes``, bool (N,), which ``frames`` show."""
        if not self._frames:
            self._frames.append(self._kept(frames))
        seeds, there = info.get("seed"), info.get("_seed")
        for lane in np.flatnonzero(lanes).tolist():
            known = there is None or there[lane]
            self._seeds[lane] = seed_of(seeds[lane]) if seeds is not None and known else None
            self._prefixes[lane] = np.zeros(0, np.uint8)
            self.open_episode(lane)

    def open_episode(self, lane: int) -> None:
        """An episode of a lane begins, with its game or as a later part of it."""
        self._start[lane] = self._now
        self.recording[lane] = self._left > 0
        self._left -= int(self.recording[lane])

    def step(self, actions: np.ndarray, rewards: np.ndarray, frames: np.ndarray) -> None:
        """One step of all lanes."""
        self._actions.append(actions.astype(np.uint8))
        self._rewards.append(rewards)
        self._frames.append(self._kept(frames))
        self._now += 1
        oldest = int(self._start[self.recording].min(initial=self._now))
        while self._first < oldest:
            for history in (self._frames, self._actions, self._rewards):
                history.popleft()
            self._first += 1

    def _kept(self, frames: np.ndarray) -> np.ndarray:
        """Of frames (N, H, W, 3) what is kept: (N, 0, W, 3) where they are not asked for."""
        return frames if self._keep_frames else frames[:, :0]

    def close(self, lane: int, last: np.ndarray, terminated: bool, truncated: bool) -> Episode:
        """The episode of a lane, which has just made its last step; ``last`` is what that led to."""
        steps = range(self._start[lane] - self._first, self._now - self._first)
        actions = np.array([self._actions[t][lane] for t in steps], np.uint8)
        episode = Episode(
            frames=np.stack([*(self._frames[t][lane] for t in steps), self._kept(last[None])[0]]),
            actions=actions,
            rewards=np.array([self._rewards[t][lane] for t in steps], np.float32),
            terminated=terminated,
            truncated=truncated,
            players=np.full(len(actions), self._player, np.uint8),
            seed=self._seeds[lane],
            env_spec=self._env_spec,
            prefix=self._prefixes[lane],
            action_meanings=self._meanings,
        )
        self._prefixes[lane] = np.concatenate([episode.prefix, actions])
        self.recording[lane] = False
        return episode


def play(
    env_id: str | Recipe,
    policy: str | Policy,
    episodes: int,
    *,
    seed: int,
    num_envs: int = 256,
    keep_frames: bool = True,
) -> Iterator[Episode]:
    """Play an environment without writing anything down.

    Args:
        env_id: Such as ``gamesim/Pacman-v0``, or how any game is made.
        policy: A player, or a name of `agents.policy.policies`.
        episodes: How many, >= 0.
        seed: >= 0, of the boards (lane i begins with seed + i) and of the named players' choices.
        num_envs: Games played at once, at most; fewer where their frames would take too much memory.
        keep_frames: False gives whole games without frames, however long they are: what scores are made of.
            True gives games of more than `MAX_STEPS` steps in parts.

    Raises:
        UserError: Unknown id or policy, a number out of range, an unsuitable environment, or one that breaks
            down; see `run`.
    """
    episodes = whole_number("episodes", episodes, 0, MOST_STEPS)
    num_envs = whole_number("num_envs", num_envs, 1, MOST_LANES)
    seed = whole_number("seed", seed, 0, MOST_SEED)
    recipe = recipe_of(env_id)
    env, spec, steps = planned_batch(recipe, min(num_envs, episodes))
    with contextlib.closing(env):
        if isinstance(policy, str):
            policy = known_policy(policy, recipe)(seed, env, json.loads(spec)["kwargs"])
        longest = steps if keep_frames else None
        how = {"env_spec": spec, "max_steps": longest, "keep_frames": keep_frames}
        yield from run(env, policy, episodes, seed=seed, **how)


def recipe_of(game: str | Recipe) -> Recipe:
    """How a game is made to be recorded: one that never ends is cut off."""
    return limited(game if isinstance(game, Recipe) else Recipe(game))


def planned_batch(
    recipe: Recipe, num_envs: int, out: Path | None = None, episodes: int = 0
) -> tuple[gym.vector.VectorEnv, str, int]:
    """A batch of as many games as fit into memory, its spec's JSON, and the steps of an episode at most.

    Raises:
        UserError: As for `_make`, or the episodes do not fit on the disk of ``out``.
    """
    env, spec = _make(recipe, 1)
    planned = plan(num_envs, env.single_observation_space.shape or (), json.loads(spec))
    with contextlib.closing(env):
        if out is not None:
            random, most = RandomPolicy(0, num_actions(env)), min(planned.steps, _SAMPLE_STEPS)
            check_disk(out, episodes, planned, run(env, random, 1, seed=0, max_steps=most))
    return *_make(recipe, planned.lanes), planned.longest


@dataclass(frozen=True)
class Plan:
    """How a game is recorded so that its frames fit :data:`MEMORY`.

    Attributes:
        frame_bytes: Of one frame, in memory.
        steps: Of an episode, as far as the game says how long it may be.
        lanes: Games at once.
        longest: Steps after which an episode goes on in a new one.
    """

    frame_bytes: int
    steps: int
    lanes: int
    longest: int


def plan(asked: int, shape: tuple[int, ...], spec: dict[str, Any]) -> Plan:
    """Plan for `asked` games at once, at most.

    Args:
        asked: From 1.
        shape: Of a frame.
        spec: The environment's, as in its JSON; a time limit counts, and ``max_steps`` among its settings.
    """
    size = math.prod(shape)
    told = (spec["max_episode_steps"], spec["kwargs"].get("max_steps"))
    steps = min([MAX_STEPS, *(steps for steps in told if isinstance(steps, int) and steps > 0)])
    lanes = max(1, min(asked, MEMORY // ((steps + 1) * size)))
    return Plan(size, steps, lanes, max(1, min(MAX_STEPS, MEMORY // (lanes * size) - 1)))


def check_disk(out: Path, episodes: int, planned: Plan, sample: Iterator[Episode]) -> None:
    """Complain about more episodes than the disk has room for.

    Args:
        out: The folder that they go to, which need not be there.
        episodes: How many.
        planned: For them.
        sample: A short one, which is only played where the frames as they are would not fit.

    Raises:
        UserError: About how much they need, and how much is free.
    """
    place = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if episodes * (planned.steps + 1) * planned.frame_bytes < free:
        return
    played = next(sample)
    size = len(played.to_bytes())
    if not (played.terminated or played.truncated):  # it goes on
        size = size * planned.steps // len(played)
    needed = episodes * max(size, _FILE_BYTES)
    if needed > free:
        need, there = sized(needed), sized(free)
        games = counted(episodes, "game")
        raise UserError(f"{out}: recording {games} takes about {need}, but {there} is free; record fewer")


def _make(recipe: Recipe, num_envs: int) -> tuple[gym.vector.VectorEnv, str]:
    """The batch, and the JSON of the single environment's spec."""
    try:
        env = make_batch(recipe, num_envs)
    except MemoryError:
        raise UserError(f"{recipe.env_id}: not enough memory for {num_envs} games at once") from None
    space, actions = env.single_observation_space, env.single_action_space
    fits = isinstance(space, gym.spaces.Box) and space.dtype == np.uint8 and space.shape[2:] == (3,)
    if not fits or not isinstance(actions, gym.spaces.Discrete) or actions.n > 256:
        env.close()
        raise UserError(f"{recipe.env_id}: it needs uint8 (H, W, 3) frames and Discrete actions")
    return env, spec_json(env, recipe)


def mean_and_error(sums: Sequence[float]) -> tuple[float, float]:
    """The mean of some returns and its standard error (0 for a single one)."""
    deviation = np.std(sums, ddof=1) if len(sums) > 1 else 0.0
    return float(np.mean(sums)), float(deviation / len(sums) ** 0.5)
