"""A folder of episodes as training data: every frame resident on the device, uint8, gathered by index."""

import os
import warnings
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from gamesim.data.episode import Episode
from gamesim.data.index import Entry, scan
from gamesim.errors import UserError

Split = Literal["train", "validation", "all"]
_T = TypeVar("_T")


@dataclass
class Segments:
    """B windows of T steps. Step t goes ``frames[:, t] --actions[:, t]--> frames[:, t + 1]``.

    Attributes:
        frames: uint8 (B, T+1, H, W, 3).
        actions: int64 (B, T).
        rewards: float32 (B, T).
        terminated: bool (B, T), at most the last step of a window.
        truncated: bool (B, T), likewise. The reward of such a step is a time limit's, which the frames
            do not show: mask it.
    """

    frames: Tensor
    actions: Tensor
    rewards: Tensor
    terminated: Tensor
    truncated: Tensor


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
        env_spec: Spec JSON of the environment that most of them were recorded in.
        num_windows: Different windows that :meth:`sample` can give.
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
            short: Take shorter episodes, too; :meth:`sample_padded` alone shows them.
            keep: What is kept of an episode's frames: uint8 (T+1, H, W, 3) on the device -> (T+1, ...), the
                same shape and dtype for all. Segments then hold that in the place of frames.

        Raises:
            UserError: No such folder, no usable episode in it, more frames than memory, a damaged file
                is not an error: it is named in a warning and left out.
        """
        folder = Path(folder)
        entries = scan(folder)
        if not entries:
            raise UserError(f"{folder}: there are no recordings in it")
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
        self.device = torch.device(device)
        self._load(folder, chosen, keep or (lambda frames: frames))

    def sample(
        self, batch_size: int, generator: torch.Generator, *, steps: int | None = None, endings: float = 0.0
    ) -> Segments:
        """Windows of :attr:`segment` steps, every one equally likely.

        Args:
            batch_size: B.
            generator: On the CPU; its state, saved and restored, continues the same sequence.
            steps: 1 to ``segment`` of each window, beginning anywhere in it; None takes them all.
            endings: Share of the batch that is the end of some episode instead, one that the game ended
                and no time limit, if there is any.
        """
        steps = steps or self.segment
        picks = torch.randint(self.num_windows, (batch_size,), generator=generator)
        first, first_step = self._window(picks)
        offset = torch.randint(self.segment - steps + 1, (batch_size,), generator=generator)
        last = self._ended[torch.randint(len(self._ended), (batch_size,), generator=generator)]
        ends = torch.rand(batch_size, generator=generator) < endings
        to_end = self._lengths[last] - steps
        first = torch.where(ends, self._first_frame[last] + to_end, first + offset)
        first_step = torch.where(ends, self._first_step[last] + to_end, first_step + offset)
        span = torch.arange(steps + 1)
        return self._segments(first[:, None] + span, first_step[:, None] + span[:-1])

    def sample_padded(self, batch_size: int, generator: torch.Generator) -> tuple[Segments, Tensor]:
        """Windows of any episodes, each episode equally likely; those that end sooner repeat their last step.

        Args:
            batch_size: B.
            generator: As for :meth:`sample`.

        Returns:
            The windows of :attr:`segment` steps, and which of their steps were played, bool (B, T).
        """
        episode = torch.randint(self.num_episodes, (batch_size,), generator=generator)
        length = self._lengths[episode]
        chance = torch.rand(batch_size, generator=generator, dtype=torch.float64)
        return self._padded(episode, (chance * ((length - self.segment).clamp_min(0) + 1)).long())

    def beginnings(self) -> tuple[Segments, Tensor]:
        """The first window of every episode, padded as in :meth:`sample_padded`."""
        return self._padded(
            torch.arange(self.num_episodes), torch.zeros(self.num_episodes, dtype=torch.int64)
        )

    def _padded(self, episode: Tensor, offset: Tensor) -> tuple[Segments, Tensor]:
        """The windows `offset` (B,) steps into these episodes (B,), and which of their steps were played."""
        length = self._lengths[episode]
        span = offset[:, None] + torch.arange(self.segment + 1)
        frame = self._first_frame[episode][:, None] + torch.minimum(span, length[:, None])
        step = self._first_step[episode][:, None] + torch.minimum(span[:, :-1], length[:, None] - 1)
        return self._segments(frame, step), (span[:, :-1] < length[:, None]).to(self.device)

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
            UserError: No episode is that long.
        """
        chosen = torch.nonzero(self._lengths >= frames - 1)[:, 0][:count]
        if len(chosen) == 0:
            raise UserError(f"no episode has the {frames} frames that a start needs")
        first = self._first_frame[chosen][:, None] + torch.arange(frames)
        steps = (self._first_step[chosen][:, None] + torch.arange(frames - 1)).to(self.device)
        return self._gather(first), self._actions[steps].long()

    def time_limit(self) -> TimeLimit | None:
        """What the recordings tell of a time limit; None where no episode met one."""
        met = self._truncated.cpu().nonzero()[:, 0]
        if len(met) == 0:
            return None
        cut = torch.isin(self._first_step + self._lengths - 1, met)
        rewards, ends = self._rewards.cpu(), (self._truncated | self._terminated).cpu()
        usual = rewards[~ends].mean() if bool((~ends).any()) else torch.zeros(())
        return TimeLimit(int(self._lengths[cut].max()), float(rewards[met].mean() - usual))

    def _segments(self, frames: Tensor, steps: Tensor) -> Segments:
        """The frames (B, T+1) and steps (B, T) of these numbers."""
        index = steps.to(self.device)
        return Segments(
            frames=self._gather(frames),
            actions=self._actions[index].long(),
            rewards=self._rewards[index],
            terminated=self._terminated[index],
            truncated=self._truncated[index],
        )

    def _gather(self, index: Tensor) -> Tensor:
        flat = self._frames.index_select(0, index.reshape(-1).to(self.device))
        return flat.reshape(*index.shape, *flat.shape[1:])

    def _window(self, pick: Tensor) -> tuple[Tensor, Tensor]:
        """Numbered windows (B,) -> their first frame and first step (B,)."""
        episode = torch.searchsorted(self._windows_to, pick, right=True)
        offset = pick - torch.where(episode > 0, self._windows_to[episode - 1], 0)
        return self._first_frame[episode] + offset, self._first_step[episode] + offset

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
        self.env_spec = _commonest(episode.env_spec for episode in kept)
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
        long = self._lengths >= self.segment
        ended = torch.nonzero(terminated & long)[:, 0]
        self._ended = ended if len(ended) else torch.nonzero(long)[:, 0]
        self._terminated = torch.zeros(steps, dtype=torch.bool).index_put((last,), terminated).to(self.device)
        self._truncated = torch.zeros(steps, dtype=torch.bool).index_put((last,), truncated).to(self.device)
        self._actions = _tensor(np.concatenate([episode.actions for episode in kept])).to(self.device)
        self._rewards = _tensor(np.concatenate([episode.rewards for episode in kept])).to(self.device)


def _choose(entries: list[Entry], segment: int, split: Split, validation: float) -> list[Entry]:
    """The long enough episodes of one part, in the order of their hashes: any limit is a fair draw."""
    hashed = [(crc32(entry.name.encode()), entry.file, entry) for entry in entries if entry.length >= segment]
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


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def _commonest(values: Iterable[_T]) -> _T:
    return Counter(values).most_common(1)[0][0]
