"""Films are written frame by frame, whole or not at all."""

import sys
import tracemalloc

import gymnasium as gym
import imageio.v3 as imageio
import numpy as np
import pytest
from PIL import Image

import gamesim  # noqa: F401
from gamesim.errors import UserError
from gamesim.export import video

KINDS = [
    ".gif",
    pytest.param(".mp4", marks=pytest.mark.extra("imageio_ffmpeg")),
]


def noise(count: int, side: int = 64):
    """Frames, each of which is new from corner to corner."""
    chance = np.random.default_rng(0)
    for _ in range(count):
        yield chance.integers(0, 256, (side, side, 3), dtype=np.uint8)


def played(steps: int) -> np.ndarray:
    """Frames of the arcade: much of a frame is as it was."""
    env = gym.make("gamesim/PacmanArcade-v0")
    frames = [env.reset(seed=1)[0], *(env.step(step // 3 % 5)[0] for step in range(steps))]
    return np.stack(frames)


def test_a_gif_shows_every_frame_to_the_pixel(tmp_path):
    frames = played(30)
    frames[7] = frames[6]  # also one in which nothing changes
    video.write(frames, tmp_path / "a.gif", scale=3)
    seen = imageio.imread(tmp_path / "a.gif")
    assert seen.shape == (31, 252, 252, 3)
    assert (seen[:, 1::3, 1::3] == frames).all()
    assert (seen == seen[:, 1::3, 1::3].repeat(3, 1).repeat(3, 2)).all()


@pytest.mark.parametrize("rate", [7, 8, 9, 12.5])
def test_a_gif_keeps_the_games_pace_and_goes_on_for_ever(tmp_path, rate):
    video.write(played(2 * 25 - 1), tmp_path / "a.gif", rate=rate)
    with Image.open(tmp_path / "a.gif") as film:
        assert film.info["loop"] == 0
        milliseconds = [(film.seek(index), film.info["duration"])[1] for index in range(film.n_frames)]
    assert sum(milliseconds) == pytest.approx(50_000 / rate, abs=10)


def test_a_frame_of_many_colours_is_close(tmp_path):
    frame = np.linspace(0, 255, 84 * 84 * 3).reshape(84, 84, 3).astype(np.uint8)
    video.write([frame, frame[::-1]], tmp_path / "a.gif")
    seen = imageio.imread(tmp_path / "a.gif")
    assert np.abs(seen.astype(int) - np.stack([frame, frame[::-1]])).mean() < 3


@pytest.mark.extra("imageio_ffmpeg")
def test_mp4_has_every_frame_of_an_odd_picture(tmp_path):
    shades = np.linspace(0, 250, 9).astype(np.uint8)
    frames = np.broadcast_to(shades[:, None, None, None], (9, 21, 43, 3))
    video.write(frames, tmp_path / "a.mp4", rate=7)
    back = imageio.imread(tmp_path / "a.mp4", plugin="FFMPEG")
    assert back.shape == (9, 22, 44, 3)
    assert np.abs(back.mean((1, 2, 3)) - shades).max() < 4
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("kind", KINDS)
def test_memory_does_not_grow_with_the_film(tmp_path, kind):
    peaks = []
    for count in (5, 40):
        tracemalloc.start()
        video.write(noise(count), tmp_path / f"a{kind}", scale=2)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 64 * 64 * 3 * 20


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [KeyboardInterrupt, UserError, SystemExit])
def test_what_breaks_off_leaves_nothing_half(tmp_path, kind, error):
    def broken():
        yield from noise(3)
        raise error("enough")

    out = tmp_path / f"a{kind}"
    for before in (None, b"an older film"):
        if before is not None:
            out.write_bytes(before)
        with pytest.raises(error):
            video.write(broken(), out)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == ([] if before is None else [before])


@pytest.mark.extra("imageio_ffmpeg")
@pytest.mark.skipif(sys.platform == "win32", reason="a shell script takes ffmpeg's place")
@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("ulimit -f 4; trap '' XFSZ; exec {ffmpeg} \"$@\"", "unfinished"),  # as on a full disk
        ("cat > /dev/null; exit 1", "ffmpeg left the film unfinished"),
        ("exit 1", "ffmpeg ended before the film did$"),
    ],
)
def test_a_film_that_ffmpeg_cannot_finish_is_not_kept(tmp_path, monkeypatch, ending, words):
    from imageio_ffmpeg import get_ffmpeg_exe

    script = tmp_path / "ffmpeg"
    script.write_text("#!/bin/bash\n" + ending.format(ffmpeg=get_ffmpeg_exe()) + "\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(script))
    out = tmp_path / "a.mp4"
    out.write_bytes(b"an older film")
    with pytest.raises(UserError, match=words):
        video.write(noise(20), out, scale=4)
    assert out.read_bytes() == b"an older film" and len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_place_that_is_gone_is_one_line(tmp_path, kind):
    with pytest.raises(UserError, match="cannot be written"):
        video.write(noise(3), tmp_path / "gone" / f"a{kind}")


def test_what_cannot_be_written_is_known_beforehand(tmp_path, monkeypatch):
    size = (84, 84)
    video.check(tmp_path / "A.GIF", 100, size, 3)
    cases = {"a.avi": "a film's name ends in", "a": "a film's name ends in", "no/a.gif": "no such folder"}
    for name, words in cases.items():
        with pytest.raises(UserError, match=words):
            video.check(tmp_path / name, 100, size)
    with pytest.raises(UserError, match=r"the film is too large: 100 frames"):
        video.check(tmp_path / "a.gif", 100, size, 100)
    monkeypatch.setattr(video, "can_mp4", lambda: False)
    with pytest.raises(UserError, match=r"gamesim\[video\]"):
        video.check(tmp_path / "a.mp4", 2, size)
    assert not list(tmp_path.iterdir())
