"""Frames as blocks: exact, or not at all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamesim.data.episode import Episode
from gamesim.data.store.blocks import pack, unpack


def tiled(count: int, size: int, kinds: int, seed: int = 0) -> np.ndarray:
    """Frames of 7x7 tiles of ``kinds`` kinds."""
    rng = np.random.default_rng(seed)
    tiles = rng.integers(0, 256, (kinds, size, size, 3), np.uint8)
    frames = tiles[rng.integers(kinds, size=(count, 7, 7))].transpose(0, 1, 3, 2, 4, 5)
    return np.ascontiguousarray(frames.reshape(count, 7 * size, 7 * size, 3))


@settings(max_examples=50)
@given(
    count=st.integers(1, 12),
    size=st.sampled_from([2, 4, 6, 8, 12, 16]),
    kinds=st.integers(1, 40),
    seed=st.integers(0, 10**6),
)
def test_what_is_packed_comes_back(count: int, size: int, kinds: int, seed: int) -> None:
    frames = tiled(count, size, kinds, seed)
    packed = pack(frames)
    assert packed is None or np.array_equal(unpack(*packed), frames)


def test_a_tile_game_is_a_few_blocks() -> None:
    packed = pack(tiled(40, 12, 9))
    assert packed is not None and len(packed[0]) == 9


@pytest.mark.parametrize("side", [84, 64, 63, 1])
def test_noise_and_odd_sizes_stay_frames(side: int) -> None:
    assert pack(np.random.default_rng(0).integers(0, 256, (5, side, side, 3), np.uint8)) is None


def test_blocks_with_the_same_sum_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gamesim.data.store.blocks.WEIGHTS", np.zeros((12, 9), np.uint32))
    frames = tiled(10, 12, 3)
    assert pack(frames) is None


def test_an_index_into_nothing_is_an_error() -> None:
    with pytest.raises(IndexError):
        unpack(np.zeros((3, 4, 4, 3), np.uint8), np.full((1, 2, 2), 3, np.uint16))


@pytest.mark.parametrize("make", [lambda: tiled(41, 12, 9), lambda: tiled(41, 5, 3)])
def test_an_episode_of_either_kind_is_exact(tmp_path, make) -> None:
    frames = make()
    steps = np.zeros(40, np.uint8)
    Episode(frames, steps, steps.astype(np.float32), True, False, steps, None, "").save(tmp_path / "a.npz")
    np.testing.assert_array_equal(Episode.load(tmp_path / "a.npz").frames, frames)
