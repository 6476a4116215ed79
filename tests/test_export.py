"""GIFs of play, and the real game beside its dream."""

import imageio.v3 as imageio
import numpy as np
import pytest
import torch

from gamesim import checkpoint
from gamesim.errors import UserError
from gamesim.evaluation.play import real_episodes
from gamesim.export import CARRIED, beside, film, film_beside, write_film
from worlds import Frozen, Ideal


@pytest.fixture(scope="module")
def starts():
    real = real_episodes("gamesim/Pacman-v0", 2, 4, 1)
    return checkpoint.Starts(torch.from_numpy(real.frames[:2, :4]), torch.from_numpy(real.actions[:2, :3]))


def test_the_dream_goes_on_from_the_real_frames_under_the_same_keys(starts):
    seen = []

    class Watched(Ideal):
        def start(self, frames, actions):
            seen.append([frames.shape[1]])
            return super().start(frames, actions)

        def imagine(self, state, action, *, temperature, generator):
            seen[-1].append(int(action))
            return super().imagine(state, action, temperature=temperature, generator=generator)

    real, dreamt, keys = beside((Watched(), starts), "gamesim/Pacman-v0", steps=40, seed=2)
    assert real.shape == dreamt.shape == (40, 84, 84, 3)
    assert all(dream[0] == CARRIED for dream in seen)
    assert [key for dream in seen for key in dream[1:]] == keys.tolist()


def test_the_dream_starts_where_the_real_game_is(starts):
    real, dreamt, keys = beside((Frozen(), starts), "gamesim/PacmanMaze-v0", steps=1, seed=0)
    again, _, same = beside((Frozen(), starts), "gamesim/PacmanMaze-v0", steps=1, seed=0)
    assert (real == again).all()
    assert (keys == same).all()
    # One step apart: most of the view only scrolled.
    assert 0 < (real != dreamt).any(-1).mean() < 0.9


def test_both_are_drawn_beside_each_other(starts, tmp_path):
    out = tmp_path / "pair.gif"
    film_beside((Frozen(), starts), "gamesim/Pacman-v0", out, steps=5, scale=2)
    pictures = imageio.imread(out)
    assert pictures.shape[1:] == (168, 2 * (84 * 2 + 6), 3)


def test_enlarging_keeps_every_pixel(tmp_path):
    frames = np.zeros((2, 4, 4, 3), np.uint8)
    frames[0, 0, 0], frames[1, 3, 3] = 255, 255
    write_film(frames, tmp_path / "a.gif", scale=3)
    assert (imageio.imread(tmp_path / "a.gif")[:, 1::3, 1::3] == frames).all()


def test_a_real_game_can_be_drawn_too(tmp_path):
    film("gamesim/PacmanArcade-v0", tmp_path / "a.gif", steps=4, seed=0, scale=1)
    assert imageio.imread(tmp_path / "a.gif").shape[1:] == (84, 84, 3)


def test_what_cannot_be_drawn_is_named(starts, tmp_path):
    with pytest.raises(UserError, match=r"only \.gif"):
        film("gamesim/Pacman-v0", tmp_path / "a.avi", steps=4, seed=0)
    with pytest.raises(UserError, match="no such folder"):
        film("gamesim/Pacman-v0", tmp_path / "no" / "a.gif", steps=4, seed=0)
    with pytest.raises(UserError, match="too large"):
        write_film(np.zeros((100, 84, 84, 3), np.uint8), tmp_path / "a.gif", scale=100)
    with pytest.raises(UserError, match="Nothing-v0"):
        beside((Frozen(), starts), "Nothing-v0", steps=1)


def test_mp4_has_every_frame_of_an_odd_picture(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    shades = np.linspace(0, 250, 9).astype(np.uint8)
    frames = np.broadcast_to(shades[:, None, None, None], (9, 21, 43, 3)).copy()
    write_film(frames, tmp_path / "a.mp4", scale=1, rate=7)
    back = imageio.imread(tmp_path / "a.mp4", plugin="FFMPEG")
    assert back.shape == (9, 22, 44, 3)
    assert np.abs(back.mean((1, 2, 3)) - shades).max() < 4


def test_without_the_extra_mp4_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr("gamesim.export.can_mp4", lambda: False)
    with pytest.raises(UserError, match=r"gamesim\[video\]"):
        write_film(np.zeros((2, 4, 4, 3), np.uint8), tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())
