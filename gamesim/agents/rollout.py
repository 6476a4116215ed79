"""Playing without a person: policies, and the one loop that serves the real game and every dream."""

import contextlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import gymnasium as gym
import numpy as np
from tqdm import tqdm

from gamesim import capacity, storage
from gamesim.agents.explorer import ExplorerPolicy
from gamesim.autoreset import Batch
from gamesim.capacity import MAX_STEPS
from gamesim.data.episode import PLAYERS, Episode
from gamesim.data.index import Entry, append, entry_of
from gamesim.envs.meanings import action_meanings
from gamesim.envs.recipe import Recipe, limited, make_batch, spec_json
from gamesim.errors import UserError
from gamesim.finite import check_rewards, seed_of
from gamesim.signals import Asked

_SAMPLE_STEPS = 64
"""Steps of play that tell what a step takes on the disk."""


class Policy(Protocol):
    """Chooses actions for a batch of games from what a person would see."""

    player: str
    """Who that is, a name of :data:`PLAYERS`."""

    def act(self, frames: np.ndarray, info: dict[str, Any]) -> np.ndarray:
        """Frames uint8 (N, H, W, 3) and the environment's infos (no cells) -> actions int64 (N,)."""
        ...

    def reset(self, mask: np.ndarray) -> None:
        """Forget the lanes of ``mask``, bool (N,): new games begin there with the next frames."""
        ...


class RandomPolicy:
    """Every action equally likely, and held for as many steps as chance says.

    Args:
        seed: Of its chance.
        num_actions: Of the game.
        hold: The fewest and the most steps that an action is held, each number equally likely.
    """

    player = "random"

    def __init__(self, seed: int = 0, num_actions: int = 5, hold: tuple[int, int] = (1, 1)) -> None:
        self._random = np.random.default_rng(seed)
        self._num_actions, self._hold = num_actions, hold
        self._actions = self._left = np.zeros(0, np.int64)

    def act(self, frames: np.ndarray, info: dict[str, Any]) -> np.ndarray:
        drawn = self._random.integers(self._num_actions, size=len(frames))
        if self._hold == (1, 1):
            return drawn
        if len(self._left) != len(frames):
            self._actions, self._left = drawn, np.zeros(len(frames), np.int64)
        steps = self._random.integers(self._hold[0], self._hold[1] + 1, size=len(frames))
        anew = self._left == 0
        self._actions = np.where(anew, drawn, self._actions)
        self._left = np.where(anew, steps, self._left) - 1
        return self._actions.copy()

    def reset(self, mask: np.ndarray) -> None:
        if len(mask) == len(self._left):
            self._left = np.where(mask, 0, self._left)


def run(
    env: gym.vector.VectorEnv,
    policy: Policy,
    episodes: int,
    *,
    seed: int | None = None,
    options: dict[str, Any] | None = None,
    env_spec: str = "",
    max_steps: int = MAX_STEPS,
    on_step: Callable[[int], None] | None = None,
) -> Iterator[Episode]:
    """Play, and give each episode when it is over.

    The first ``episodes`` that were begun are the ones that are given: those that were over first
    would be the short ones. An episode of more than ``max_steps`` comes in parts, each with the
    actions before it as its ``prefix``; each part counts. Where the game breaks down, what was good of
    the running episodes is given before the error.

    Args:
        env: uint8 (N, H, W, 3) frames, in any autoreset mode. An ``info["seed"]`` of int (N,), where there
            is one, is what each lane's running episode can be reset with.
        policy: Who plays; must fit the environment's actions.
        episodes: How many.
        seed: For the first reset.
        options: For the first reset.
        env_spec: For the episodes.
        max_steps: Of an episode.
        on_step: Called after each step with the number of frames that were kept.

    Raises:
        UserError: A reward or a frame is not finite (it names the step), or the environment does not do what
            its autoreset mode says.
    """
    batch = Batch(env)
    book = _Book(env.num_envs, episodes, PLAYERS.index(policy.player), env_spec, action_meanings(env))
    frames, info = batch.reset(seed, options)
    begun = np.ones(env.num_envs, bool)
    book.begin(begun, frames, info)
    while book.open:
        if begun.any():
            policy.reset(begun)
        actions = policy.act(frames, {name: value for name, value in info.items() if name != "cells"})
        try:
            step = batch.step(actions)
            rewards = check_rewards(batch.name, book.steps() + 1, step.rewards, book.recording)
        except Exception:
            yield from book.rest()
            raise
        frames, begun, info = step.shown, step.begun, step.info
        kept = book.step(actions, rewards, frames)
        ended = (step.terminated | step.truncated) & ~step.ignored
        over = book.recording & (ended | (book.lengths() >= max_steps))
        for lane in np.flatnonzero(over).tolist():
            yield book.close(lane, step.last[lane], bool(step.terminated[lane]), bool(step.truncated[lane]))
            if not ended[lane]:
                book.proceed(lane)
        book.begin(begun, frames, info)
        if on_step is not None:
            on_step(kept)


class _Book:
    """What a batch of lanes saw and did, step by step, as far back as an open episode needs it."""

    def __init__(
        self, num_envs: int, episodes: int, player: int, env_spec: str, meanings: tuple[str, ...]
    ) -> None:
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
            self._frames.append(frames)
        seeds, there = info.get("seed"), info.get("_seed")
        for lane in np.flatnonzero(lanes).tolist():
            known = there is None or there[lane]
            self._seeds[lane] = seed_of(seeds[lane]) if seeds is not None and known else None
            self._prefixes[lane] = np.zeros(0, np.uint8)
            self._open(lane)

    def proceed(self, lane: int) -> None:
        """The game of a lane goes on in a new episode."""
        self._open(lane)

    def _open(self, lane: int) -> None:
        self._start[lane] = self._now
        self.recording[lane] = self._left > 0
        self._left -= int(self.recording[lane])

    def step(self, actions: np.ndarray, rewards: np.ndarray, frames: np.ndarray) -> int:
        """One step of all lanes; returns in how many it belongs to an episode."""
        self._actions.append(actions.astype(np.uint8))
        self._rewards.append(rewards)
        self._frames.append(frames)
        self._now += 1
        oldest = int(self._start[self.recording].min(initial=self._now))
        while self._first < oldest:
            for history in (self._frames, self._actions, self._rewards):
                history.popleft()
            self._first += 1
        return int(self.recording.sum())

    def close(self, lane: int, last: np.ndarray, terminated: bool, truncated: bool) -> Episode:
        """The episode of a lane, which has just made its last step; ``last`` is what that led to."""
        steps = range(self._start[lane] - self._first, self._now - self._first)
        actions = np.array([self._actions[t][lane] for t in steps], np.uint8)
        episode = Episode(
            frames=np.stack([*(self._frames[t][lane] for t in steps), last]),
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


def record(
    env_id: str | Recipe,
    policy: str,
    episodes: int,
    out: str | Path,
    *,
    seed: int = 0,
    num_envs: int = 256,
    env_kwargs: dict[str, Any] | None = None,
    hold: tuple[int, int] = (1, 1),
    progress: bool = True,
) -> list[Entry]:
    """Record episodes into a folder, beside whatever is there.

    Each call makes a folder of its own below ``out``; its number is part of the boards' seed, so that
    the same call twice gives different boards, and into an empty folder always the same.

    Args:
        env_id: Such as ``gamesim/Pacman-v0``, or how any game is made.
        policy: "explorer" or "random".
        episodes: How many, >= 1.
        out: The folder; made where it is missing.
        seed: Of boards and choices, >= 0.
        num_envs: Games played at once, at most; fewer where their frames would take too much memory.
        env_kwargs: For the environment.
        hold: The fewest and the most steps that "random" holds an action.
        progress: Show a bar.

    Returns:
        What was recorded: fewer episodes where a signal ended it.

    Raises:
        UserError: Unknown id, policy or keyword, unsuitable environment, unwritable folder; too little room
            on the disk, or no more memory; an environment that breaks down, see `run`. What had been recorded
            until then stays.
    """
    recipe = _recipe(env_id, env_kwargs)
    make_player = _known_policy(policy, recipe, hold)
    if episodes < 1 or num_envs < 1 or seed < 0:
        raise UserError("episodes and num_envs must be at least 1, and seed at least 0")
    out = Path(out)
    env, spec, steps = _planned(recipe, min(num_envs, episodes), out, episodes)
    with contextlib.closing(env):
        folder, number = _claim(out, f"{policy}-s{seed}")
        env_seed, policy_seed = np.random.SeedSequence([seed, number]).generate_state(2, np.uint64) >> 2
        player = make_player(int(policy_seed), env, json.loads(spec)["kwargs"])
        writer, signals = _Writer(out, folder), Asked()

        def end_if_asked(kept: int) -> None:
            if signals.asked:
                raise _Ended

        try:
            with signals, tqdm(total=episodes, unit="episode", disable=not progress) as bar, writer:
                played = 0
                how = {"seed": int(env_seed), "env_spec": spec, "max_steps": steps, "on_step": end_if_asked}
                for episode in run(env, player, episodes, **how):
                    writer.put(episode)
                    played += len(episode)
                    bar.update()
                    bar.set_postfix(steps=f"{played:,}", refresh=False)
        except _Ended:
            pass
        except MemoryError:
            saved = f"saved before that: {len(writer.entries)} episodes in {out}"
            raise UserError(f"{recipe.env_id}: out of memory; {saved}") from None
        return writer.entries


def play(
    env_id: str | Recipe, policy: str | Policy, episodes: int, *, seed: int, num_envs: int = 256
) -> Iterator[Episode]:
    """Play an environment without writing anything down.

    Args:
        env_id: Such as ``gamesim/Pacman-v0``, or how any game is made.
        policy: A player, or "explorer" or "random".
        episodes: How many, >= 1.
        seed: Of the boards (lane i begins with seed + i) and of the named players' choices.
        num_envs: Games played at once, at most; fewer where their frames would take too much memory.

    Raises:
        UserError: Unknown id or policy, an unsuitable environment, or one that breaks down; see `run`.
    """
    recipe = _recipe(env_id, None)
    env, spec, steps = _planned(recipe, min(num_envs, episodes))
    with contextlib.closing(env):
        if isinstance(policy, str):
            policy = _known_policy(policy, recipe)(seed, env, json.loads(spec)["kwargs"])
        yield from run(env, policy, episodes, seed=seed, env_spec=spec, max_steps=steps)


def mean_and_error(sums: Sequence[float]) -> tuple[float, float]:
    """The mean of some returns and its standard error (0 for a single one)."""
    deviation = np.std(sums, ddof=1) if len(sums) > 1 else 0.0
    return float(np.mean(sums)), float(deviation / len(sums) ** 0.5)


def _explorer(seed: int, env: gym.vector.VectorEnv, settings: dict[str, Any]) -> Policy:
    grid = settings.get("grid_size", 7) if settings.get("view") == "full" else 7
    return ExplorerPolicy(seed, grid, theme=settings.get("theme", "night"))


def _random(
    seed: int, env: gym.vector.VectorEnv, settings: dict[str, Any], hold: tuple[int, int] = (1, 1)
) -> Policy:
    return RandomPolicy(seed, _num_actions(env), hold)


_MakePlayer = Callable[[int, gym.vector.VectorEnv, dict[str, Any]], Policy]
_POLICIES: dict[str, _MakePlayer] = {"explorer": _explorer, "random": _random}


def _known_policy(name: str, recipe: Recipe, hold: tuple[int, int] = (1, 1)) -> _MakePlayer:
    if name not in _POLICIES:
        raise UserError(f"policy must be one of {', '.join(_POLICIES)}, not {name!r}")
    if name == "explorer" and not recipe.ours:
        raise UserError(
            f"the bot plays only our own games, unchanged, not {recipe.env_id}; use --policy random"
        )
    if not 1 <= hold[0] <= hold[1]:
        raise UserError(f"hold must be from 1 on, and not {hold[0]} to {hold[1]}")
    if hold != (1, 1) and name != "random":
        raise UserError(f"only the policy random holds its keys, not {name}")
    return partial(_random, hold=hold) if name == "random" else _POLICIES[name]


def _recipe(game: str | Recipe, kwargs: dict[str, Any] | None) -> Recipe:
    """How a game is made to be recorded: one that never ends is cut off."""
    recipe = game if isinstance(game, Recipe) else Recipe(game, kwargs or {})
    return limited(recipe)


def _num_actions(env: gym.vector.VectorEnv) -> int:
    assert isinstance(env.single_action_space, gym.spaces.Discrete)
    return int(env.single_action_space.n)


def _planned(
    recipe: Recipe, num_envs: int, out: Path | None = None, episodes: int = 0
) -> tuple[gym.vector.VectorEnv, str, int]:
    """A batch of as many games as fit into memory, its spec's JSON, and the steps of an episode at most.

    Raises:
        UserError: As for `_make`, or the episodes do not fit on the disk of ``out``.
    """
    env, spec = _make(recipe, 1)
    planned = capacity.plan(num_envs, env.single_observation_space.shape or (), json.loads(spec))
    with contextlib.closing(env):
        if out is not None:
            random, most = RandomPolicy(0, _num_actions(env)), min(planned.steps, _SAMPLE_STEPS)
            sample = run(env, random, 1, seed=0, max_steps=most)
            capacity.check_disk(out, episodes, planned, lambda: next(sample))
    return *_make(recipe, planned.lanes), planned.longest


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


def _claim(out: Path, name: str) -> tuple[Path, int]:
    """A new subfolder ``name-NUMBER``; to make it is to own it, also when two record at once."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        number = 0
        while True:
            folder = out / f"{name}-{number:03d}"
            try:
                folder.mkdir()
                return folder, number
            except FileExistsError:
                number += 1
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error.strerror or error})") from error


class _Ended(Exception):
    """A signal asked for the end: the games that are being played are left out."""


class _Writer:
    """Compresses and saves episodes in other threads, a few at a time."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root, self._folder = root, folder
        self._workers = 2 + (os.cpu_count() or 1)  # some will be waiting for the disk
        self._pool = ThreadPoolExecutor(self._workers)
        self._pending: dict[Future[Entry], int] = {}  # -> bytes of its frames
        self._count = 0
        self._indexed = 0
        self.entries: list[Entry] = []

    def __enter__(self) -> "_Writer":
        return self

    def put(self, episode: Episode) -> None:
        """Save it soon; waits where too many are waiting.

        Raises:
            UserError: An earlier one could not be written.
            MemoryError: It could not be compressed.
        """
        path = self._folder / f"{self._folder.name}-{self._count:06d}.npz"
        self._count += 1
        self._pending[self._pool.submit(self._save, path, episode)] = episode.frames.nbytes
        while len(self._pending) > 4 * self._workers or sum(self._pending.values()) > capacity.MEMORY // 4:
            self._collect()

    def _save(self, path: Path, episode: Episode) -> Entry:
        episode.save(path, lasting=False)
        return entry_of(self._root, path, episode)

    def _collect(self, everything: bool = False) -> None:
        done, _ = wait(self._pending, return_when="ALL_COMPLETED" if everything else FIRST_COMPLETED)
        self._pending = {saving: size for saving, size in self._pending.items() if saving not in done}
        self.entries += [future.result() for future in done if not future.exception()]
        if everything or len(self.entries) - self._indexed >= 256:
            with contextlib.suppress(OSError):
                storage.sync_folder(self._folder)
            append(self._root, self.entries[self._indexed :])
            self._indexed = len(self.entries)
        for future in done:
            future.result()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            self._collect(everything=True)
        except (UserError, MemoryError):
            if error is None:
                raise
        finally:
            self._pool.shutdown()
            self.entries.sort(key=lambda entry: entry.file)
