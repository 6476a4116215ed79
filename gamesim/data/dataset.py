"""A folder of episodes as training data: every frame resident on the device, uint8, gathered by index."""

import os
import warnings
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from gamesim.data.episode import Episode
from gamesim.data.store.index import Entry, scan
from gamesim.devices import pick
from gamesim.envs.arguments import MOST_STEPS, check_number
from gamesim.errors import UserError

Split = Literal["train", "validation", "all"]
_T = TypeVar("_T")


@dataclass
class Segments:
    """B windows of T steps. Step t goes ``frames[:, t] --actions[:, t]--> frames[:, t + 1]``.

    Attributes:
        frames: uint8 (B, T+1, H, W, 3).
        actions: int64 (B, T).
        rewards: float32 (B, T), in units of the data set's ``reward_scale``.
        terminated: bool (B, T), at most the last step of an episode.
        truncated: bool (B, T), likewise. The reward of such a step is a time limit's, which the frames
            do not show: mask it.
        played: bool (B, T), False for steps beyond the end of the episode. There the last frame and the
            last action are repeated, rewards are 0, and neither flag is set.
    """

    frames: Tensor
    actions: Tensor
    rewards: Tensor
    terminated: Tensor
    truncated: Tensor
    played: Tensor


@dataclass(frozen=True)
class TimeLimit:
    """Where episodes are cut off.

    Attributes:
        steps: After so many.
        reward: What that adds to the reward of the last of them.
    """

    steps: int
    reward: float


class Dataset:
    """The episodes of a folder that have at least ``segment`` steps, or all of them.

    Attributes:
        num_frames: Resident frames.
        num_episodes: Resident episodes.
        frame_shape: (H, W, 3).
        highest_action: That was played in them.
        env_spec: Spec JSON of the environment that most of them were recorded in.
        action_meanings: A word for each of its actions, () where most of them have none.
        recorded_as: The spec JSON of a game for each different list of words that its actions have.
        players: Who played them, names of `episode.PLAYERS`, the most steps first.
        num_windows: Different windows of ``segment`` steps without padding.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        segment: int,
        split: Split = "train",
        validation: float = 0.05,
        device: str | torch.device = "cpu",
        limit: int | None = None,
        short: bool = False,
        keep: Callable[[Tensor], Tensor] | None = None,
        game: str | None = None,
        shortest: int = 1,
        reward_scale: float = 1.0,
    ) -> None:
        """Load the frames.

        Args:
            folder: Of recordings; subfolders count.
            segment: Steps of a window, T >= 1.
            split: Episodes are dealt by a hash of their file names, so that the two parts share no
                episode, and an episode stays in its part when others come or the folder moves.
            validation: Share of the episodes that is kept for validation, 0..1.
            device: Where the frames live.
            limit: At most so many episodes, the first by hash (None: all).
            short: Take shorter episodes, too; windows without padding never show them.
            keep: What is kept of an episode's frames: uint8 (T+1, H, W, 3) on the device -> (T+1, ...), the
                same shape and dtype for all. Segments then hold that in the place of frames.
            game: The id of the game whose episodes count (None: all).
            shortest: Steps that an episode has at least to count.
            reward_scale: Rewards are divided by it.

        Raises:
            UserError: No such folder, no usable episode in it, more frames than memory, or an argument is out
                of range. A damaged file is not an error: it is named in a warning and left out.
        """
        _check(segment, split, validation, limit, shortest, reward_scale)
        folder, self.device = Path(folder), pick(device)
        entries = scan(folder)
        if not entries:
            raise UserError(f"{folder}: it contains no recordings")
        entries = [entry for entry in entries if entry.is_of(game)]
        if not entries:
            raise UserError(f"{folder}: it contains no recordings of {game}")
        entries = [entry for entry in entries if entry.length >= shortest]
        if not entries:
            raise UserError(f"{folder}: none of its episodes has {shortest} steps or more (data.shortest)")
        self.reward_scale = reward_scale
        chosen = _choose(entries, 1 if short else segment, split, validation)[:limit]
        if not chosen:
            wanted = "" if split == "all" else f" of the {split} part"
            raise UserError(
                f"{folder}: none of the {len(entries)} episodes{wanted} has {segment} steps or more"
            )
        shape = _commonest((entry.height, entry.width, 3) for entry in chosen)
        for entry in chosen:
            if (entry.height, entry.width, 3) != shape:
                warnings.warn(
                    f"skipped: {folder / entry.file}: its frames are {entry.height}x{entry.width}, "
                    f"not {shape[0]}x{shape[1]}",
                    stacklevel=2,
                )
        chosen = [entry for entry in chosen if (entry.height, entry.width, 3) == shape]
        self.frame_shape: tuple[int, int, int] = shape
        self.segment = segment
        steps = Counter[str]()
        for entry in chosen:
            steps[entry.players[0]] += entry.length
        self.players = tuple(name for name, _ in steps.most_common())
        self._load(folder, chosen, keep or (lambda frames: frames))

    def sample(
        self,
        batch_size: int,
        generator: torch.Generator,
        *,
        steps: int | None = None,
        endings: float = 0.0,
        padded: bool = False,
    ) -> Segments:
        """Windows of some steps, every one equally likely.

        Args:
            batch_size: B.
            generator: On the CPU; its state, saved and restored, continues the same sequence.
            steps: T of each window, 1 to ``segment``; None takes ``segment``.
            endings: Share of the batch in which an episode ends instead, one that the game ended and no time
                limit, if there is any.
            padded: Windows may reach beyond the end of their episode, shorter episodes count, and at least
                half of a window was played, or the whole episode; an end of ``endings`` comes at any step
                of the second half. False: every step was played, an end of ``endings`` is the last step.

        Returns:
            The windows; see :class:`Segments` for what lies beyond an end.

        Raises:
            UserError: There are no windows of so many steps.
        """
        steps = self.segment if steps is None else steps
        check_number("steps", steps, 1, MOST_STEPS if padded else self.segment)
        half = (steps + 1) // 2
        if padded:
            ended, (episode, offset) = self._ended, self._padded(batch_size, generator, half)
        else:
            ended, (episode, offset) = self._long_ended, self._whole(batch_size, generator, steps)
        last = ended[torch.randint(len(ended), (batch_size,), generator=generator)]
        ends = torch.rand(batch_size, generator=generator) < endings
        shown = torch.randint(half, steps + 1, (batch_size,), generator=generator) if padded else steps
        to_end = (self._lengths[last] - shown).clamp_min(0)
        return self._windows(torch.where(ends, last, episode), torch.where(ends, to_end, offset), steps)

    def sample_episodes(self, batch_size: int, generator: torch.Generator) -> Segments:
        """Windows of :attr:`segment` steps of any episodes, each episode equally likely.

        A window reaches beyond the end of its episode only where that is shorter.

        Args:
            batch_size: B.
            generator: As for :meth:`sample`.
        """
        episode = torch.randint(self.num_episodes, (batch_size,), generator=generator)
        length = self._lengths[episode]
        chance = torch.rand(batch_size, generator=generator, dtype=torch.float64)
        offset = (chance * ((length - self.segment).clamp_min(0) + 1)).long()
        return self._windows(episode, offset, self.segment)

    def beginnings(self) -> Segments:
        """The first window of :attr:`segment` steps of every episode."""
        first = torch.zeros(self.num_episodes, dtype=torch.int64)
        return self._windows(torch.arange(self.num_episodes), first, self.segment)

    def sample_frames(self, batch_size: int, generator: torch.Generator) -> Tensor:
        """Single frames uint8 (B, H, W, 3), every one equally likely."""
        return self._gather(torch.randint(self.num_frames, (batch_size,), generator=generator))

    def starts(self, count: int, frames: int) -> tuple[Tensor, Tensor]:
        """How episodes begin: the real frames from which a dream starts.

        Args:
            count: N, at most; fewer where there are not so many episodes of that length.
            frames: F >= 1 of each.

        Returns:
            frames uint8 (N, F, H, W, 3) and actions int64 (N, F-1).

        Raises:
            UserError: No episode is that long, or an argument is less than 1.
        """
        check_number("count", count, 1, MOST_STEPS)
        check_number("frames", frames, 1, MOST_STEPS)
        chosen = torch.nonzero(self._lengths >= frames - 1)[:, 0][:count]
        if len(chosen) == 0:
            raise UserError(f"no episode has the {frames} frames that a start needs")
        first = self._first_frame[chosen][:, None] + torch.arange(frames)
        steps = (self._first_step[chosen][:, None] + torch.arange(frames - 1)).to(self.device)
        return self._gather(first), self._actions[steps].long()

    def time_limit(self) -> TimeLimit | None:
        """What the recordings tell of a time limit, in the game's rewards; None where no episode met one."""
        met = self._truncated.cpu().nonzero()[:, 0]
        if len(met) == 0:
            return None
        cut = torch.isin(self._first_step + self._lengths - 1, met)
        rewards, ends = self._rewards.cpu() * self.reward_scale, (self._truncated | self._terminated).cpu()
        usual = rewards[~ends].mean() if bool((~ends).any()) else torch.zeros(())
        return TimeLimit(int(self._lengths[cut].max()), float(rewards[met].mean() - usual))

    def _whole(self, count: int, generator: torch.Generator, steps: int) -> tuple[Tensor, Tensor]:
        """Episode and offset, (count,) each, of windows that were played to their last step."""
        pick = torch.randint(self.num_windows, (count,), generator=generator)
        episode, offset = _numbered(pick, self._windows_to)
        return episode, offset + torch.randint(self.segment - steps + 1, (count,), generator=generator)

    def _padded(self, count: int, generator: torch.Generator, least: int) -> tuple[Tensor, Tensor]:
        """The same of windows of which at least so many steps were played, or the whole episode."""
        windows_to = (self._lengths - least + 1).clamp_min(1).cumsum(0)
        pick = torch.randint(int(windows_to[-1]), (count,), generator=generator)
        return _numbered(pick, windows_to)

    def _windows(self, episode: Tensor, offset: Tensor, steps: int) -> Segments:
        """The windows that begin ``offset`` (B,) steps into these episodes (B,)."""
        length = self._lengths[episode][:, None]
        span = offset[:, None] + torch.arange(steps + 1)
        frame = self._first_frame[episode][:, None] + torch.minimum(span, length)
        step = self._first_step[episode][:, None] + torch.minimum(span[:, :-1], length - 1)
        index, played = step.to(self.device), (span[:, :-1] < length).to(self.device)
        return Segments(
            frames=self._gather(frame),
            actions=self._actions[index].long(),
            rewards=self._rewards[index] * played,
            terminated=self._terminated[index] & played,
            truncated=self._truncated[index] & played,
            played=played,
        )

    def _gather(self, index: Tensor) -> Tensor:
        flat = self._frames.index_select(0, index.reshape(-1).to(self.device))
        return flat.reshape(*index.shape, *flat.shape[1:])

    def _load(self, folder: Path, chosen: list[Entry], keep: Callable[[Tensor], Tensor]) -> None:
        total = sum(entry.length + 1 for entry in chosen)
        blank = keep(torch.zeros((1, *self.frame_shape), dtype=torch.uint8, device=self.device))
        try:
            self._frames = blank.new_empty((total, *blank.shape[1:]))
        except (RuntimeError, MemoryError) as error:
            size = total * blank.numel() * blank.element_size() / 2**30
            raise UserError(
                f"{folder}: {total} frames need {size:.1f} GiB on {self.device}: set a limit"
            ) from error
        kept: list[Episode] = []
        at = 0
        for entry, episode in _read_all(folder, chosen, self.frame_shape):
            if episode is None:
                continue
            self._frames[at : at + entry.length + 1] = keep(_tensor(episode.frames).to(self.device))
            at += entry.length + 1
            episode.frames = episode.frames[:0].copy()  # a view would keep them all
            kept.append(episode)
        if not kept:
            raise UserError(f"{folder}: none of its {len(chosen)} episodes can be read")
        self._frames = self._frames[:at]
        self.num_frames, self.num_episodes = at, len(kept)
        self.highest_action = max(int(episode.actions.max()) for episode in kept)
        self.env_spec = _commonest(episode.env_spec for episode in kept)
        self.action_meanings = _commonest(tuple(episode.action_meanings) for episode in kept)
        self.recorded_as = {e.action_meanings: e.env_spec for e in kept if any(e.action_meanings)}
        self._number(kept)

    def _number(self, kept: list[Episode]) -> None:
        """Where each episode's frames, steps and windows are, and what happened in every step."""
        self._lengths = torch.tensor([len(episode) for episode in kept])
        steps_to = self._lengths.cumsum(0)
        self._first_step = steps_to - self._lengths
        self._first_frame = self._first_step + torch.arange(len(kept))
        self._windows_to = (self._lengths - self.segment + 1).clamp_min(0).cumsum(0)
        self.num_windows = int(self._windows_to[-1])
        steps, last = int(steps_to[-1]), steps_to - 1
        terminated = torch.tensor([bool(episode.terminated) for episode in kept])
        truncated = torch.tensor([bool(episode.truncated) for episode in kept])
        self._ended = _where(terminated, torch.ones_like(terminated))
        self._long_ended = _where(terminated, self._lengths >= self.segment)
        self._terminated = torch.zeros(steps, dtype=torch.bool).index_put((last,), terminated).to(self.device)
        self._truncated = torch.zeros(steps, dtype=torch.bool).index_put((last,), truncated).to(self.device)
        self._actions = _tensor(np.concatenate([episode.actions for episode in kept])).to(self.device)
        rewards = np.concatenate([episode.rewards for episode in kept]) / np.float32(self.reward_scale)
        self._rewards = _tensor(rewards).to(self.device)


def _check(segment: Any, split: Any, validation: Any, limit: Any, shortest: Any, reward_scale: Any) -> None:
    """Complains about arguments of `Dataset` that would give other data than their author believes."""
    if split not in get_args(Split):
        raise UserError(f"split must be one of {', '.join(get_args(Split))}, not {split!r}")
    check_number("segment", segment, 1, MOST_STEPS)
    check_number("validation", validation, 0, 1, float)
    check_number("limit", 1 if limit is None else limit, 1, MOST_STEPS)
    check_number("shortest", shortest, 0, MOST_STEPS)
    single = np.finfo(np.float32)
    check_number("reward_scale", reward_scale, float(single.tiny), float(single.max), float)


def _choose(entries: list[Entry], segment: int, split: Split, validation: float) -> list[Entry]:
    """The long enough episodes of one part, in the order of their hashes: any limit is a fair draw."""
    long = [entry for entry in entries if entry.length >= segment]
    hashed = [(crc32(os.fsencode(entry.name)), entry.file, entry) for entry in long]
    ranked = [entry for _, _, entry in sorted(hashed)]
    if split == "all" or (split == "train" and validation == 0):
        return ranked
    border = bisect_left(sorted(hashed), (validation * 2**32,))
    if validation > 0 and len(ranked) == 1:
        warnings.warn(f"{ranked[0].file} is the only episode: training and validation share it", stacklevel=3)
        return ranked
    # A handful of episodes may all have hashes on one side: each part gets at least one.
    border = min(max(border, 1 if validation > 0 else 0), max(len(ranked) - 1, 0))
    return ranked[:border] if split == "validation" else ranked[border:]


def _read_all(
    folder: Path, entries: list[Entry], shape: tuple[int, int, int]
) -> Iterator[tuple[Entry, Episode | None]]:
    """Episodes in order, a few read ahead by other threads (inflating does not hold Python's lock)."""

    def read(entry: Entry) -> Episode | None:
        try:
            episode = Episode.load(folder / entry.file)
        except UserError as error:
            warnings.warn(f"skipped: {error}", stacklevel=2)
            return None
        if episode.frames.shape != (entry.length + 1, *shape):
            warnings.warn(f"skipped: {folder / entry.file}: the index does not fit it", stacklevel=2)
            return None
        return episode

    workers = min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(entries), 4 * workers):
            some = entries[start : start + 4 * workers]
            yield from zip(some, pool.map(read, some), strict=True)


def _where(preferred: Tensor, possible: Tensor) -> Tensor:
    """Numbers of the episodes, bool (N,), that are both; of all that are possible where none is."""
    both = torch.nonzero(preferred & possible)[:, 0]
    return both if len(both) else torch.nonzero(possible)[:, 0]


def _numbered(pick: Tensor, windows_to: Tensor) -> tuple[Tensor, Tensor]:
    """Windows by number (B,), each episode's up to its entry of ``windows_to`` -> (episode, offset)."""
    episode = torch.searchsorted(windows_to, pick, right=True)
    return episode, pick - torch.where(episode > 0, windows_to[episode - 1], 0)


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def _commonest(values: Iterable[_T]) -> _T:
    return Counter(values).most_common(1)[0][0]
