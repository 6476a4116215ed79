"""A wrapper that keeps what is played through it: the real game or a dream, a person or a policy."""

import contextlib
import secrets
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from gamesim.data.episode import PLAYERS
from gamesim.data.finite import check_frame, check_rewards, seed_of
from gamesim.data.store.index import append, entry_of
from gamesim.data.store.journal import SUFFIX, Journal, recover
from gamesim.envs.meanings import action_meanings
from gamesim.envs.spec import name_of, spec_json
from gamesim.errors import UserError
from gamesim.text import complaint, reason

PART_BYTES = 1 << 28
"""A longer episode is kept in parts of so many bytes of frames (20 minutes of 84x84x3 at 10 steps/s)."""
_SYNC_SECONDS = 1.0


class Recorder(gym.Wrapper[np.ndarray, int, np.ndarray, int]):
    """Records every step of an environment while it is on.

    A killed process loses nothing but the step that it was in. Trouble while playing (a full disk) ends
    the recording and not the game: what was recorded is kept, and :attr:`error` says what happened.

    Attributes:
        player: Who chooses the actions now, a name of :data:`PLAYERS`; settable at any time.
        recording: Whether steps are being kept.
        steps: Kept steps of the running episode.
        episodes: Finished episodes since the recorder was made.
        error: One line about what ended the recording, or is wrong with the game; or None.
    """

    def __init__(
        self,
        env: gym.Env[np.ndarray, int],
        folder: str | Path,
        *,
        player: str = "human",
        start: bool = True,
        meanings: Sequence[str] = (),
    ) -> None:
        """Wrap an environment with uint8 (H, W, 3) frames and Discrete actions.

        Args:
            env: Played through this wrapper from now on.
            folder: Of recordings; made where it is missing.
            player: See above.
            start: Record from the beginning.
            meanings: A word for each action, for an environment that does not say: a dream does not.

        Raises:
            UserError: The folder cannot be written to, or the environment has other frames or actions.
        """
        super().__init__(env)
        shown, pressed = env.observation_space, env.action_space
        if (shown.shape or ())[2:] != (3,) or not isinstance(pressed, gym.spaces.Discrete):
            raise UserError(
                f"{name_of(env)} cannot be recorded: it needs frames (H, W, 3) and Discrete actions"
            )
        self.player = player
        self.folder = Path(folder)
        self._meanings = tuple(meanings)
        self.recording = False
        self.episodes = 0
        self.error: str | None = None
        self._journal: Journal | None = None
        self._frame: np.ndarray | None = None
        self._seed: int | None = None
        self._actions = bytearray()  # since the reset: they make the middle of a game replayable
        self._synced = 0.0
        self._warned = False  # of numbers that are not finite
        # Compression and fsync take longer than a picture of the game may.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recorder")
        if start:
            self.start()

    @property
    def steps(self) -> int:
        return self._journal.steps if self._journal else 0

    def start(self) -> None:
        """Switch on, also in the middle of a game; what an earlier process left behind is recovered.

        Raises:
            UserError: The folder cannot be written to.
        """
        if self.recording:
            return
        self.error = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / f".{secrets.token_hex(4)}.tmp"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise UserError(f"{self.folder}: cannot be written ({reason(error)})") from error
        recover(self.folder)
        self.recording = True

    def stop(self) -> None:
        """Switch off and save the running episode as far as it came."""
        self._finish()
        self.recording = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        self._finish()
        frame, info = self.env.reset(seed=seed, options=options)
        self._seed = None if options else seed_of(info.get("seed", seed))
        self._actions.clear()
        self._frame = self._taken(0, frame)
        return frame, info

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        frame, reward, terminated, truncated, info = self.env.step(action)
        kept = self._taken(len(self._actions) + 1, frame, reward)
        if self.recording and self._frame is not None and kept is not None:
            try:
                self._keep(int(action), float(reward), kept, bool(terminated), bool(truncated))
            except OSError as error:
                self._give_up(reason(error))
        self._frame = None if terminated or truncated else kept
        self._actions.append(int(action))
        return frame, float(reward), bool(terminated), bool(truncated), info

    def go_back(self, frame: np.ndarray) -> None:
        """The game went back to an earlier moment, which shows ``frame``: what follows has no seed."""
        self._finish()
        self._frame, self._seed = np.array(frame, np.uint8), None

    def close(self) -> None:
        """Save what runs and wait until everything is written."""
        self.stop()
        self._thread.shutdown()
        super().close()

    def flush(self) -> None:
        """Wait until every finished episode is written."""
        self._thread.submit(int).result()

    def _taken(self, step: int, frame: np.ndarray, reward: Any = 0.0) -> np.ndarray | None:
        """The frame after a step, as it is kept; None where that step cannot be recorded.

        Numbers that are not finite end the recording and not the game: what came before them is saved.
        """
        game = name_of(self.env)
        try:
            check_rewards(game, np.array([step]), np.array([reward]), np.ones(1, bool))
            return check_frame(game, step, frame)
        except UserError as error:
            if self.recording or not self._warned:
                self.error = f"{error}: recording stopped" if self.recording else str(error)
                warnings.warn(self.error, stacklevel=3)
            self._warned = True
            self.stop()
            return None

    def _keep(self, action: int, reward: float, frame: np.ndarray, terminated: bool, truncated: bool) -> None:
        if self._journal is None:
            self._journal = self._open()
        self._journal.step(action, PLAYERS.index(self.player), reward, frame, terminated, truncated)
        if terminated or truncated or (self._journal.steps + 1) * frame.nbytes >= PART_BYTES:
            self._finish()
        elif time.monotonic() - self._synced > _SYNC_SECONDS:
            self._synced = time.monotonic()
            self._thread.submit(self._journal.sync)

    def _open(self) -> Journal:
        assert self._frame is not None
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}{SUFFIX}"
        spec = ""
        if self.env.spec is not None:
            with contextlib.suppress(TypeError, ValueError):  # settings that cannot be copied
                spec = spec_json(self.env.spec)
        before, meanings = bytes(self._actions), action_meanings(self.env)
        if not any(meanings) and len(self._meanings) == len(meanings):
            meanings = self._meanings
        self.folder.mkdir(parents=True, exist_ok=True)  # as in `_save`
        return Journal.create(self.folder / name, self._frame, self._seed, spec, before, meanings)

    def _finish(self) -> None:
        journal, self._journal = self._journal, None
        if journal is None:
            return
        if not journal.steps:
            journal.discard()
            return
        self.episodes += 1
        self._thread.submit(self._save, journal)

    def _save(self, journal: Journal) -> None:
        path = journal.path.with_suffix(".npz")
        try:
            episode = journal.episode()
            self.folder.mkdir(parents=True, exist_ok=True)  # somebody may have deleted it meanwhile
            episode.save(path)
            append(self.folder, [entry_of(self.folder, path, episode)])
        except (UserError, OSError, ValueError, MemoryError) as error:
            journal.release()  # it still holds the episode
            self.error = complaint(error)
            return
        journal.discard()

    def _give_up(self, why: str) -> None:
        """The disk is full, say: the journal keeps what it has, and the game goes on."""
        journal, self._journal, self.recording = self._journal, None, False
        self.error = f"{self.folder}: recording stopped ({why})"
        warnings.warn(self.error, stacklevel=3)
        if journal is not None:
            journal.release()
