"""An episode on disk: what went in comes out, and a file that lies is refused cheaply."""

import io
import json
import os
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gamesim.data.episode import Episode
from gamesim.errors import UserError
from recordings import make_episode


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path: Path, **changes: bytes | None) -> None:
    """Replace members (None: remove)."""
    parts = members(path)
    for name, data in changes.items():
        parts.pop(name + ".npy", None)
        if data is not None:
            parts[name + ".npy"] = data
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.npz"
    make_episode(12).save(path)
    return path


def test_everything_comes_back(tmp_path: Path) -> None:
    prefix, meanings = np.array([1, 2], np.uint8), ("NOOP", "", "RIGHT", "UP", "DOWN")
    episode = make_episode(9, seed=2**62, terminated=True, prefix=prefix, action_meanings=meanings)
    episode.save(tmp_path / "a.npz")
    again = Episode.load(tmp_path / "a.npz")
    for name in ("frames", "actions", "rewards", "players", "prefix"):
        before, after = getattr(episode, name), getattr(again, name)
        assert after.dtype == before.dtype
        np.testing.assert_array_equal(after, before)
    for name in ("terminated", "truncated", "seed", "env_spec", "version", "action_meanings"):
        assert getattr(again, name) == getattr(episode, name)


def test_every_second_step_and_a_column_of_a_table_are_saved(tmp_path: Path) -> None:
    table, halved = np.arange(12, dtype=np.float32).reshape(6, 2), np.arange(12, dtype=np.uint8)[::2]
    prefix = np.arange(3, dtype=np.uint8)[::-1]
    make_episode(6, rewards=table[:, 1], actions=halved, prefix=prefix).save(tmp_path / "a.npz")
    again = Episode.load(tmp_path / "a.npz")
    assert again.rewards.tolist() == [1, 3, 5, 7, 9, 11]
    assert again.actions.tolist() == [0, 2, 4, 6, 8, 10]
    assert again.prefix.tolist() == [2, 1, 0]


def test_plain_numpy_reads_it_without_pickles(path: Path) -> None:
    with np.load(path, allow_pickle=False) as file:
        np.testing.assert_array_equal(file["frames"], make_episode(12).frames)
        np.testing.assert_array_equal(file["actions"], make_episode(12).actions)
        assert json.loads(file["meta"].tobytes())["version"] == 1


def test_files_of_before_actions_had_meanings_are_read(path: Path) -> None:
    rewrite(path, meta=npy(np.frombuffer(json.dumps(META).encode(), np.uint8)))
    assert Episode.load(path).action_meanings == ()


def test_meta_is_everything_but_the_pixels(path: Path) -> None:
    meta = Episode.load(path, pixels=False)
    assert meta.frames.shape == make_episode(12).frames.shape and meta.total_reward == pytest.approx(
        make_episode(12).total_reward
    )


def test_no_temporary_file_is_left(path: Path) -> None:
    assert os.listdir(path.parent) == ["a.npz"]


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_what_does_not_fit_together_is_not_saved(tmp_path: Path, steps: int) -> None:
    episode = make_episode(6)
    episode.actions = episode.actions[:steps]
    with pytest.raises(ValueError, match=r"players|frames|rewards|steps"):
        episode.save(tmp_path / "a.npz")
    assert os.listdir(tmp_path) == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_a_user_error_or_harmless(path: Path, data: st.DataObject) -> None:
    whole = make_episode(12).to_bytes()
    kind = data.draw(st.sampled_from(["cut", "flip", "garbage"]))
    at = data.draw(st.integers(0, len(whole) - 1))
    if kind == "cut":
        damaged = whole[:at]
    elif kind == "flip":
        damaged = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    else:
        damaged = data.draw(st.binary(max_size=400))
    path.write_bytes(damaged)
    try:
        loaded = Episode.load(path)
    except UserError as error:
        assert str(path) in str(error) and "\n" not in str(error)
    else:  # a byte that carries no meaning, such as a date in the archive
        np.testing.assert_array_equal(loaded.frames, make_episode(12).frames)
        np.testing.assert_array_equal(loaded.actions, make_episode(12).actions)
        np.testing.assert_array_equal(loaded.rewards, make_episode(12).rewards)


META = {"version": 1, "terminated": False, "truncated": False, "seed": None, "env_spec": ""}
MEANINGLESS = {"action_meanings": [1]}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"frames": None}, "frames"),
        ({"frames": npy(np.zeros((13, 4, 4, 3), np.float32))}, "frames"),
        ({"frames": npy(np.zeros((13, 4, 4), np.uint8))}, "frames"),
        ({"frames": npy(np.zeros((12, 4, 4, 3), np.uint8))}, "frames"),
        ({"frames": npy(np.zeros((13, 0, 4, 3), np.uint8))}, "steps"),
        ({"frames": npy(np.asfortranarray(np.zeros((13, 4, 4, 3), np.uint8)))}, "frames"),
        ({"actions": npy(np.array([{"a": 1}] * 12, object))}, "actions"),
        ({"actions": npy(np.zeros((12, 1), np.uint8))}, "actions"),
        ({"actions": npy(np.zeros(12, np.uint8))[:-1]}, "actions"),
        ({"actions": npy(np.zeros(12, np.uint8)) + b"x"}, "actions"),
        ({"players": npy(np.full(12, 9, np.uint8))}, "player"),
        ({"rewards": npy(np.full(12, np.nan, np.float32))}, "reward"),
        ({"meta": npy(np.frombuffer(b"[]", np.uint8))}, "version"),
        ({"meta": npy(np.frombuffer(b"{" * 5000, np.uint8))}, "not a readable"),
        ({"meta": npy(np.frombuffer(b"[" * 500_000, np.uint8))}, "not a readable"),
        ({"meta": npy(np.frombuffer(json.dumps(META | {"version": 2}).encode(), np.uint8))}, "version"),
        ({"meta": npy(np.frombuffer(json.dumps(META | {"seed": "x"}).encode(), np.uint8))}, "seed"),
        ({"meta": npy(np.frombuffer(json.dumps(META | {"seed": True}).encode(), np.uint8))}, "seed"),
        ({"meta": npy(np.frombuffer(json.dumps(META | MEANINGLESS).encode(), np.uint8))}, "action_meanings"),
    ],
)
def test_a_lie_is_named(path: Path, changes: dict[str, bytes | None], named: str) -> None:
    rewrite(path, **changes)
    with pytest.raises(UserError, match=named) as caught:
        Episode.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "lie",
    [
        {"seed": 1.5},
        {"seed": np.float64(1)},
        {"seed": True},
        {"seed": "1"},
        {"env_spec": None},
        {"env_spec": "x" * (1 << 24)},
        {"version": 2},
        {"action_meanings": (1,)},
    ],
)
def test_what_could_not_be_read_back_is_not_saved(path: Path, lie: dict[str, object]) -> None:
    """It would be saved as something else, or only be missed when it is read."""
    before = path.read_bytes()
    with pytest.raises(ValueError, match=next(iter(lie))):
        make_episode(12, **lie).save(path)
    assert path.read_bytes() == before


def test_a_game_that_was_made_with_a_large_level_is_kept(path: Path) -> None:
    spec = json.dumps({"id": "my/Game-v0", "kwargs": {"level": [[1, 2, 3, 4]] * 200_000}})
    make_episode(12, env_spec=spec, seed=np.int64(7)).save(path)
    again = Episode.load(path)
    assert (again.env_spec, again.seed) == (spec, 7)


@pytest.mark.parametrize("claimed", [30 << 10, 10 << 30])
def test_a_bomb_takes_no_memory(path: Path, claimed: int) -> None:
    """24 MiB of zeros in 24 KiB, which claim to be less or far more."""
    shape = (claimed // 3072, 1024, 1, 3)
    steps = shape[0] - 1
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    rewrite(
        path,
        actions=npy(np.zeros(steps, np.uint8)),
        players=npy(np.zeros(steps, np.uint8)),
        rewards=npy(np.zeros(steps, np.float32)),
        frames=header.getvalue() + bytes(24 << 20),
    )
    tracemalloc.start()
    with pytest.raises(UserError, match=r"frames .*claims"):
        Episode.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (12 << 20)


FULL_DISK = """
import resource, signal, sys
sys.path.insert(0, "tests")
from recordings import make_episode
from gamesim.errors import UserError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
make_episode(30).save(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    make_episode(3000).save(sys.argv[1])
except UserError as error:
    print(error)
"""


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True
    )
    assert str(path) in done.stdout and done.stdout.count("\n") == 1
    assert os.listdir(tmp_path) == ["a.npz"] and len(Episode.load(path)) == 30


def test_a_missing_folder_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        make_episode(2).save(tmp_path / "nowhere" / "a.npz")
    with pytest.raises(UserError, match="nothing"):
        Episode.load(tmp_path / "nothing.npz")


@pytest.mark.parametrize(
    "changes",
    [
        {"index": npy(np.full((13, 2, 2), 9, np.uint16))},
        {"index": npy(np.zeros((12, 2, 2), np.uint16))},
        {"index": npy(np.zeros((13, 2, 2), np.uint8))},
        {"index": npy(np.zeros((13, 0, 2), np.uint16))},
        {"index": npy(np.zeros((13, 600, 600), np.uint16))},  # 1.3 GB of pixels
        {"blocks": npy(np.zeros((1, 8, 7, 3), np.uint8))},
        {"blocks": npy(np.zeros((0, 8, 8, 3), np.uint8))},
        {"blocks": npy(np.zeros((1, 0, 0, 3), np.uint8))},
        {"blocks": None},
    ],
)
def test_a_lie_about_blocks_is_refused(tmp_path: Path, changes: dict[str, bytes | None]) -> None:
    path = tmp_path / "a.npz"
    make_episode(12, frames=np.zeros((13, 16, 16, 3), np.uint8)).save(path)
    assert "blocks.npy" in members(path)
    rewrite(path, **changes)
    tracemalloc.start()
    with pytest.raises(UserError, match=str(path)):
        Episode.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (20 << 20)
