"""Recording without a person: what a policy plays is written into a folder, a few episodes at a time."""

import contextlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gamesim import storage
from gamesim.agents.policy import known_policy, policies
from gamesim.agents.rollout import MEMORY, planned_batch, recipe_of, run
from gamesim.data.episode import Episode
from gamesim.data.store.index import Entry, append, entry_of
from gamesim.envs.arguments import MOST_LANES, MOST_SEED, MOST_STEPS, whole_number
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError
from gamesim.signals import Asked
from gamesim.text import counted, reason


def record(
    env_id: str | Recipe,
    policy: str,
    episodes: int,
    out: str | Path,
    *,
    seed: int = 0,
    num_envs: int = 256,
    hold: tuple[int, int] = (1, 1),
    epsilon: float = 0.0,
    progress: bool = True,
) -> list[Entry]:
    """Record episodes into a folder, beside whatever is there.

    Each call makes a folder of its own below ``out``; its number is part of the boards' seed, so that
    the same call twice gives different boards, and into an empty folder always the same.

    Args:
        env_id: Such as ``gamesim/Pacman-v0``, or how any game is made.
        policy: A name of `agents.policy.policies`, or the folder of a model, whose controller plays.
        episodes: How many, >= 1.
        out: The folder; made where it is missing.
        seed: Of boards and choices, >= 0.
        num_envs: Games played at once, at most; fewer where their frames would take too much memory.
        hold: The fewest and the most steps that "random" holds an action.
        epsilon: With a model, the share of its actions that random ones replace.
        progress: Show a bar.

    Returns:
        What was recorded: fewer episodes where a signal ended it.

    Raises:
        UserError: Unknown id, policy or keyword, unsuitable environment, unwritable folder; too little room
            on the disk, or no more memory; an environment that breaks down, see `run`. What had been recorded
            until then stays.
    """
    recipe = recipe_of(env_id)
    make_player = known_policy(policy, recipe, hold, epsilon)
    episodes = whole_number("episodes", episodes, 1, MOST_STEPS)
    num_envs = whole_number("num_envs", num_envs, 1, MOST_LANES)
    seed = whole_number("seed", seed, 0, MOST_SEED)
    out = Path(out)
    env, spec, steps = planned_batch(recipe, min(num_envs, episodes), out, episodes)
    with (
        contextlib.closing(env),
        _claimed(out, f"{policy if policy in policies() else 'controller'}-s{seed}") as (folder, number),
    ):
        env_seed, policy_seed = np.random.SeedSequence([seed, number]).generate_state(2, np.uint64) >> 2
        player = make_player(int(policy_seed), env, json.loads(spec)["kwargs"])
        writer, signals = _Writer(out, folder), Asked()

        def end_if_asked() -> None:
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
        except (MemoryError, UserError) as error:
            why = f"{recipe.env_id}: out of memory" if isinstance(error, MemoryError) else str(error)
            if writer.entries:
                why += f"; saved before that: {counted(len(writer.entries), 'game')} in {out}"
            raise UserError(why) from error
        return writer.entries


@contextlib.contextmanager
def _claimed(out: Path, name: str) -> Iterator[tuple[Path, int]]:
    """A new subfolder ``name-NUMBER`` and its number; whoever makes it owns it, of two processes, too.

    It is removed if nothing was recorded: its boards can come again.
    """
    number = 0
    try:
        out.mkdir(parents=True, exist_ok=True)
        while True:
            folder = out / f"{name}-{number:03d}"
            try:
                folder.mkdir()
                break
            except FileExistsError:
                number += 1
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({reason(error)})") from error
    try:
        yield folder, number
    finally:
        with contextlib.suppress(OSError):  # it holds recordings
            folder.rmdir()


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
        while len(self._pending) > 4 * self._workers or sum(self._pending.values()) > MEMORY // 4:
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
