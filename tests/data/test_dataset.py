"""A folder as training data: windows, splits, and a folder that has seen bad days."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gamesim.data import episode
from gamesim.data.dataset import Dataset
from gamesim.data.store.index import INDEX, scan
from gamesim.errors import UserError
from recordings import make_episode


def fill(folder: Path, lengths: list[int], **changes: object) -> None:
    (folder / "sub").mkdir(parents=True, exist_ok=True)
    for tag, steps in enumerate(lengths):
        make_episode(steps, tag, **changes).save(folder / ("sub" if tag % 2 else ".") / f"e-{tag:04d}.npz")


def tags(data: Dataset) -> set[int]:
    """The made-up episodes that a data set holds."""
    frames, _ = data.starts(10_000, 1)
    return set(frames[:, 0, 0, 0, 0].tolist())


def test_a_window_is_a_piece_of_one_episode(tmp_path: Path) -> None:
    fill(tmp_path, [4, 5, 6, 9, 17, 3])
    data = Dataset(tmp_path, segment=5, split="all")
    got = data.sample(400, torch.Generator().manual_seed(0))
    assert got.frames.shape == (400, 6, 8, 8, 3) and got.frames.dtype == torch.uint8
    assert got.actions.dtype == torch.int64 and got.rewards.dtype == torch.float32
    tag, at = got.frames[:, :, 0, 0, 0], got.frames[:, :, 0, 1, 0].long()
    assert (tag == tag[:, :1]).all()
    assert (at == at[:, :1] + torch.arange(6)).all()
    assert (got.actions == at[:, :-1] % 5).all()
    assert (got.rewards == at[:, :-1] / 4).all()
    lengths = torch.tensor([4, 5, 6, 9, 17, 3])[tag[:, 0].long()]
    assert (got.truncated == (at[:, 1:] == lengths[:, None])).all() and got.truncated.any()
    assert not got.terminated.any()
    assert set(tag[:, 0].tolist()) == {1, 2, 3, 4}


def test_it_knows_who_played_and_who_played_most(tmp_path: Path) -> None:
    for tag, (steps, player) in enumerate([(5, 5), (20, 2), (6, 5)]):
        make_episode(steps, tag, players=np.full(steps, player, np.uint8)).save(tmp_path / f"{tag}.npz")
    assert Dataset(tmp_path, segment=5, split="all").players == ("explorer", "dqn")


@pytest.mark.parametrize(
    "wish",
    [
        {"segment": 0}, {"segment": 2.5}, {"split": "val"}, {"validation": -0.1}, {"validation": 5},
        {"limit": -1}, {"limit": 0}, {"reward_scale": 0}, {"reward_scale": float("nan")}, {"device": "gpu"},
    ],
)  # fmt: skip
def test_an_argument_that_would_give_other_data_is_refused(tmp_path: Path, wish: dict[str, Any]) -> None:
    fill(tmp_path, [5, 7, 9])
    with pytest.raises(UserError, match=f"{next(iter(wish))} (must be|'gpu')"):
        Dataset(tmp_path, **({"segment": 5} | wish))


def test_windows_and_beginnings_that_there_are_none_of_are_refused(tmp_path: Path) -> None:
    fill(tmp_path, [5, 7, 9])
    data = Dataset(tmp_path, segment=5, split="all")
    for steps in (0, -1, 6):
        with pytest.raises(UserError, match="steps must be an integer from 1 to 5"):
            data.sample(2, torch.Generator(), steps=steps)
    for count, frames, named in ((-1, 2, "count"), (2, 0, "frames")):
        with pytest.raises(UserError, match=f"{named} must be an integer"):
            data.starts(count, frames)


def test_every_window_is_equally_likely(tmp_path: Path) -> None:
    fill(tmp_path, [5, 7, 9])
    data = Dataset(tmp_path, segment=5, split="all")
    assert data.num_windows == 1 + 3 + 5
    got = data.sample(9000, torch.Generator().manual_seed(0)).frames[:, 0, 0]
    _, counts = torch.unique(got[:, 0, 0].long() * 100 + got[:, 1, 0], return_counts=True)
    assert len(counts) == 9 and counts.min() > 850 and counts.max() < 1150


def test_shorter_windows_begin_anywhere_in_the_longer_ones(tmp_path: Path) -> None:
    fill(tmp_path, [5])
    data = Dataset(tmp_path, segment=5, split="all")
    got = data.sample(600, torch.Generator().manual_seed(0), steps=3)
    assert got.frames.shape[1] == 4 and got.actions.shape[1] == 3
    first = got.frames[:, 0, 0, 1, 0].long()
    assert first.bincount().min() > 150 and first.max() == 2
    assert (got.actions == (first[:, None] + torch.arange(3)) % 5).all()


def test_a_share_of_the_windows_may_be_the_ends_of_games(tmp_path: Path) -> None:
    fill(tmp_path, [30] * 8)
    for tag in (8, 9):
        ended = make_episode(30, tag, terminated=True, truncated=False)
        ended.save(tmp_path / f"e-{tag:04d}.npz")
    data = Dataset(tmp_path, segment=5, split="all")
    got = data.sample(2000, torch.Generator().manual_seed(0), steps=4, endings=0.25)
    ends = got.terminated[:, -1]
    assert 0.2 < ends.float().mean() < 0.3
    assert set(got.frames[ends, 0, 0, 0, 0].tolist()) == {8, 9}, "a time limit is no end of the game"
    assert not got.terminated[:, :-1].any()


def test_short_episodes_are_never_cut_into_windows(tmp_path: Path) -> None:
    for tag, steps in enumerate((2, 9, 3, 3)):
        make_episode(steps, tag, terminated=True, truncated=False).save(tmp_path / f"e-{tag:04d}.npz")
    data = Dataset(tmp_path, segment=5, split="all", short=True)
    assert data.num_episodes == 4
    for endings in (0.0, 1.0):
        got = data.sample(50, torch.Generator().manual_seed(0), endings=endings)
        assert set(got.frames[:, :, 0, 0, 0].flatten().tolist()) == {1}


def test_episodes_that_are_too_short_to_count_are_left_out(tmp_path: Path) -> None:
    for tag, steps in enumerate((2, 9, 3, 5)):
        make_episode(steps, tag).save(tmp_path / f"e-{tag:04d}.npz")
    data = Dataset(tmp_path, segment=1, split="all", short=True, shortest=5)
    assert (data.num_episodes, data.num_frames) == (2, 16)
    with pytest.raises(UserError, match=r"none of its episodes has 10 steps or more \(data.shortest\)"):
        Dataset(tmp_path, segment=1, split="all", shortest=10)


def test_beyond_an_end_the_last_frame_stays_and_nothing_happens(tmp_path: Path) -> None:
    make_episode(3, 7, terminated=True, truncated=False).save(tmp_path / "e.npz")
    data = Dataset(tmp_path, segment=6, split="all", short=True)
    got = data.sample(1, torch.Generator(), padded=True)
    assert got.frames[0, :, 0, 0, 0].tolist() == [7] * 7
    assert got.frames[0, :, 0, 1, 0].tolist() == [0, 1, 2, 3, 3, 3, 3]
    assert got.actions.tolist() == [[0, 1, 2, 2, 2, 2]] and got.actions.dtype == torch.int64
    assert got.rewards.tolist() == [[0, 0.25, 0.5, 0, 0, 0]]
    assert got.terminated.tolist() == [[False, False, True, False, False, False]]
    assert not got.truncated.any()
    assert got.played.tolist() == [[True] * 3 + [False] * 3]


@pytest.mark.parametrize("how", ["sample_episodes", "beginnings"])
def test_whole_episodes_are_padded_in_the_same_way(tmp_path: Path, how: str) -> None:
    fill(tmp_path, [2])
    data = Dataset(tmp_path, segment=4, split="all", short=True)
    got = data.beginnings() if how == "beginnings" else data.sample_episodes(1, torch.Generator())
    assert got.frames[0, :, 0, 1, 0].tolist() == [0, 1, 2, 2, 2]
    assert got.rewards.tolist() == [[0, 0.25, 0, 0]]
    assert got.truncated.tolist() == [[False, True, False, False]]
    assert got.played.tolist() == [[True, True, False, False]]


def test_without_padding_every_step_was_played(tmp_path: Path) -> None:
    fill(tmp_path, [5, 9])
    assert Dataset(tmp_path, segment=5, split="all").sample(50, torch.Generator()).played.all()


def test_at_least_half_of_a_padded_window_was_played_or_the_whole_episode(tmp_path: Path) -> None:
    fill(tmp_path, [12, 2, 6])
    data = Dataset(tmp_path, segment=7, split="all", short=True)
    got = data.sample(16_000, torch.Generator().manual_seed(0), padded=True)
    tag, first = got.frames[:, 0, 0, 0, 0].long(), got.frames[:, 0, 0, 1, 0].long()
    lengths = torch.tensor([12, 2, 6])[tag]
    assert (got.played.sum(1) == torch.minimum(lengths - first, torch.tensor(7))).all()
    begins, counts = torch.unique(torch.stack([tag, first], 1), dim=0, return_counts=True)
    # Four steps and more are left after the first nine frames of the long one, and after three of the other.
    assert begins.tolist() == [[0, n] for n in range(9)] + [[1, 0]] + [[2, n] for n in range(3)]
    assert counts.min() > 1050 and counts.max() < 1420, "every window is equally likely"


def test_padded_windows_of_fewer_steps_are_cut_as_long_ones_are(tmp_path: Path) -> None:
    fill(tmp_path, [5])
    data = Dataset(tmp_path, segment=32, split="all", short=True)
    got = data.sample(200, torch.Generator().manual_seed(0), steps=4, padded=True)
    assert got.frames.shape[:2] == (200, 5) and got.played.shape == (200, 4)
    assert set(got.frames[:, 0, 0, 1, 0].tolist()) == {0, 1, 2, 3}
    assert got.played.sum(1).min() == 2


def test_a_share_of_padded_windows_sees_a_game_end_in_its_second_half(tmp_path: Path) -> None:
    for tag, (steps, terminated) in enumerate([(90, False), (90, True), (3, True)]):
        made = make_episode(steps, tag, terminated=terminated, truncated=not terminated)
        made.save(tmp_path / f"e-{tag}.npz")
    data = Dataset(tmp_path, segment=8, split="all", short=True)
    got = data.sample(4000, torch.Generator().manual_seed(0), endings=1.0, padded=True)
    tag, ends = got.frames[:, 0, 0, 0, 0], got.terminated.long()
    assert set(tag.tolist()) == {1, 2}, "a time limit is no end of the game"
    assert (ends.sum(1) == 1).all()
    at = ends.argmax(1)[tag == 1].bincount(minlength=8)
    assert at[:3].sum() == 0 and at[3:].min() > 300, "at any step of the second half"
    assert (ends.argmax(1)[tag == 2] == 2).all(), "a short episode is shown from its beginning"


def test_long_windows_see_the_ends_of_games_of_every_length(tmp_path: Path) -> None:
    """Most games of Pacman-v0 end before step 32: windows without padding never see how."""
    lengths = [3, 9, 14, 18, 21, 25, 28, 31, 36, 39]
    for tag, steps in enumerate(lengths):
        make_episode(steps, tag, terminated=True, truncated=False).save(tmp_path / f"e-{tag}.npz")
    without = Dataset(tmp_path, segment=32, split="all")
    assert without.num_episodes == 2
    data = Dataset(tmp_path, segment=32, split="all", short=True)
    got = data.sample(1000, torch.Generator().manual_seed(0), padded=True)
    ended = got.terminated.any(1)
    assert set(got.frames[ended, 0, 0, 0, 0].tolist()) == set(range(10))
    assert ended.float().mean() > 0.8
    assert without.sample(1000, torch.Generator().manual_seed(0)).terminated.any(1).float().mean() < 0.2


def test_a_saved_generator_continues_the_same_sequence(tmp_path: Path) -> None:
    fill(tmp_path, [20] * 5)
    data = Dataset(tmp_path, segment=5, split="all")
    generator = torch.Generator().manual_seed(3)
    data.sample(8, generator)
    state = generator.get_state()
    expected = data.sample(8, generator).frames
    generator.set_state(state)
    assert torch.equal(Dataset(tmp_path, segment=5, split="all").sample(8, generator).frames, expected)


def test_the_parts_are_disjoint_complete_and_stable(tmp_path: Path) -> None:
    fill(tmp_path, [6] * 60)
    train, held = (
        tags(Dataset(tmp_path, segment=5, split=part, validation=0.2)) for part in ("train", "validation")
    )
    assert train | held == set(range(60)) and not train & held and 4 <= len(held) <= 24
    fill(tmp_path, [6] * 120)
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert held <= tags(Dataset(moved, segment=5, split="validation", validation=0.2))
    assert train <= tags(Dataset(moved, segment=5, split="train", validation=0.2))


def test_a_handful_of_episodes_still_has_both_parts(tmp_path: Path) -> None:
    fill(tmp_path, [6, 6])
    parts = [tags(Dataset(tmp_path, segment=5, split=part)) for part in ("train", "validation")]
    assert sorted(map(len, parts)) == [1, 1] and parts[0] != parts[1]
    os.remove(tmp_path / "e-0000.npz")
    for part in ("train", "validation"):
        with pytest.warns(UserWarning, match="only episode"):
            assert tags(Dataset(tmp_path, segment=5, split=part)) == {1}


def test_a_limit_keeps_a_part_of_the_part(tmp_path: Path) -> None:
    fill(tmp_path, [6] * 40)
    some, every = Dataset(tmp_path, segment=5, limit=7), Dataset(tmp_path, segment=5)
    assert some.num_episodes == 7 and tags(some) < tags(every)
    assert every.num_frames == 7 * every.num_episodes


def test_starts_are_how_episodes_begin(tmp_path: Path) -> None:
    fill(tmp_path, [6] * 5)
    frames, actions = Dataset(tmp_path, segment=2, split="all").starts(3, 4)
    assert frames.shape == (3, 4, 8, 8, 3) and actions.tolist() == [[0, 1, 2]] * 3
    assert (frames[:, :, 0, 1, 0] == torch.arange(4)).all()
    with pytest.raises(UserError, match="9 frames"):
        Dataset(tmp_path, segment=2, split="all").starts(3, 9)


def test_a_damaged_episode_is_named_and_skipped(tmp_path: Path) -> None:
    fill(tmp_path, [9] * 4)
    path = tmp_path / "e-0002.npz"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.warns(UserWarning, match=r"e-0002\.npz"):
        assert tags(Dataset(tmp_path, segment=5, split="all")) == {0, 1, 3}


def test_damage_that_the_index_cannot_know_is_skipped_too(tmp_path: Path) -> None:
    fill(tmp_path, [9] * 4)
    scan(tmp_path)
    path = tmp_path / "e-0002.npz"
    date, data = path.stat(), bytearray(path.read_bytes())
    middle = data.index(b"frames.npy") + 40
    data[middle : middle + 20] = bytes(20)
    path.write_bytes(data)
    os.utime(path, ns=(date.st_atime_ns, date.st_mtime_ns))
    with pytest.warns(UserWarning, match=r"e-0002\.npz"):
        data = Dataset(tmp_path, segment=5, split="all")
    assert tags(data) == {0, 1, 3} and data.num_frames == 30


def test_frames_of_another_size_are_named_and_skipped(tmp_path: Path) -> None:
    fill(tmp_path, [9] * 4)
    make_episode(9, 7, size=6).save(tmp_path / "odd.npz")
    with pytest.warns(UserWarning, match=r"odd\.npz"):
        data = Dataset(tmp_path, segment=5, split="all")
    assert tags(data) == {0, 1, 2, 3} and data.frame_shape == (8, 8, 3)


@pytest.mark.parametrize("harm", ["gone", "garbage", "binary", "torn", "lies", "nested"])
def test_a_damaged_index_is_made_again(tmp_path: Path, harm: str) -> None:
    fill(tmp_path, [9, 6, 7])
    expected = scan(tmp_path)
    index = tmp_path / INDEX
    text = index.read_text()
    if harm == "gone":
        index.unlink()
    elif harm == "lies":
        lines = [json.loads(line) for line in text.splitlines()]
        index.write_text("".join(json.dumps(line | {"length": 3, "modified": 5}) + "\n" for line in lines))
    else:
        index.write_bytes(
            {
                "garbage": b'{"file": 3}\n[]\nnull\n',
                "binary": os.urandom(5000),
                "torn": text[: len(text) // 2].encode(),
                "nested": b"[" * 100_000,
            }[harm]
        )
    assert scan(tmp_path) == expected and index.read_text() == text


def test_the_index_follows_the_folder(tmp_path: Path) -> None:
    fill(tmp_path, [9, 6, 7])
    scan(tmp_path)
    os.remove(tmp_path / "e-0000.npz")
    make_episode(4, 1).save(tmp_path / "sub" / "e-0001.npz")
    make_episode(5, 9).save(tmp_path / "new.npz")
    assert [(entry.file, entry.length) for entry in scan(tmp_path)] == [
        ("e-0002.npz", 7),
        ("new.npz", 5),
        ("sub/e-0001.npz", 4),
    ]


def test_an_entry_says_who_played_and_for_what(tmp_path: Path) -> None:
    episode = make_episode(5)
    episode.players[:2] = 0
    episode.save(tmp_path / "a.npz")
    (entry,) = scan(tmp_path)
    assert (entry.name, entry.length, entry.players) == ("a", 5, ("explorer", "human"))
    assert entry.total_reward == 2.5 and entry.env_id == "gamesim/Pacman-v0"


def test_no_folder_no_episode_none_long_enough(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        Dataset(tmp_path / "nowhere", segment=5)
    with pytest.raises(UserError, match="no recordings"):
        Dataset(tmp_path, segment=5)
    fill(tmp_path, [4, 3])
    with pytest.raises(UserError, match="5 steps or more"):
        Dataset(tmp_path, segment=5)


def test_every_episode_is_opened_once_and_once_more_where_the_index_lacks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, [6] * 9)
    opened: list[str] = []

    def spy(file: object, *rest: object, **how: object) -> object:
        opened.append(Path(str(file)).name)
        return open(file, *rest, **how)  # type: ignore[call-overload]

    monkeypatch.setattr(episode, "open", spy, raising=False)
    names = [f"e-{tag:04d}.npz" for tag in range(9)]
    Dataset(tmp_path, segment=5, split="all")
    assert sorted(opened) == sorted(names * 2)
    opened.clear()
    Dataset(tmp_path, segment=5, split="all")
    assert sorted(opened) == names
