"""Frames are the cells, and the cells can be read back."""

import gymnasium as gym
import numpy as np
import pytest

import gamesim  # noqa: F401 - registers the ids
from gamesim.envs.layouts import FOOD, GHOST, OUTSIDE, PACMAN, WALL
from gamesim.envs.sprites import (
    CAUGHT,
    FACING,
    GARDEN,
    NUM_SPRITES,
    SPRITE_CLASS,
    THEMES,
    decode,
    painter,
    palette,
    tiles,
)
from gamesim.errors import UserError


@pytest.mark.parametrize("env_id", ["gamesim/Pacman-v0", "gamesim/PacmanMaze-v0"])
def test_decoding_a_frame_gives_its_cells(env_id):
    env = gym.make_vec(env_id, num_envs=32)
    frames, infos = env.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(20):
        classes, distance = decode(frames)
        assert (classes == infos["cells"]).all()
        assert not distance.any()
        assert (classes[:, 3, 3] == PACMAN).all()
        frames, *_, infos = env.step(rng.integers(0, 5, 32))


@pytest.mark.parametrize("theme", THEMES)
def test_the_ghost_that_caught_him_is_seen_in_front_of_pacman_whose_cell_it_stays(theme):
    env = gym.make("gamesim/Pacman-v0", num_ghosts=8, max_steps=None, theme=theme)
    caught = 0
    for seed in range(12):
        frame, info = env.reset(seed=seed)
        rng, reward, ended = np.random.default_rng(seed), 0.0, False
        while not ended:
            assert not (frame[36:48, 36:48] == tiles(12, theme)[CAUGHT]).all()
            frame, reward, ended, _, info = env.step(int(rng.integers(0, 5)))
        classes, distance = decode(frame, theme)
        assert (classes == info["cells"]).all() and not distance.any()
        assert classes[3, 3] == PACMAN
        if reward < -0.5:
            caught += 1
            assert (frame[36:48, 36:48] == tiles(12, theme)[CAUGHT]).all()
    assert caught


def test_a_recording_from_before_the_ghost_was_drawn_there_is_read_alike():
    env = gym.make("gamesim/Pacman-v0")
    frame, info = env.reset(seed=0)
    for direction in range(1, 5):
        frame[36:48, 36:48] = tiles(12)[FACING + direction]
        assert (decode(frame)[0] == info["cells"]).all()


def test_decoding_stands_noise_and_says_how_far_off_it_is():
    env = gym.make_vec("gamesim/Pacman-v0", num_envs=16)
    frames, infos = env.reset(seed=1)
    noise = np.random.default_rng(0).normal(0, 20, frames.shape)
    classes, distance = decode((frames + noise).clip(0, 255).astype(np.uint8))
    assert (classes == infos["cells"]).mean() > 0.999
    assert distance.dtype == np.float32
    assert distance.mean() == pytest.approx(12, abs=6)
    everything_grey, _ = decode(np.full((84, 84, 3), 60, np.uint8))
    assert everything_grey.shape == (7, 7)


def test_leading_axes_are_kept():
    classes, distance = decode(np.zeros((2, 5, 84, 84, 3), np.uint8))
    assert classes.shape == distance.shape == (2, 5, 7, 7)
    assert not classes.any()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", [12, 6, 4])
def test_every_kind_of_tile_looks_different(size, theme):
    art = tiles(size, theme).astype(float).reshape(NUM_SPRITES, -1)
    for first in range(NUM_SPRITES):
        for second in range(first):
            same = SPRITE_CLASS[first] == SPRITE_CLASS[second]
            assert same or np.abs(art[first] - art[second]).mean() > 8, (first, second)


@pytest.mark.parametrize("theme", THEMES)
def test_egocentric_tiles_are_far_apart(theme):
    art = tiles(12, theme).astype(float).reshape(NUM_SPRITES, -1)
    seen = [0, WALL, FOOD, 3, GHOST, OUTSIDE, FACING + 1, CAUGHT]
    gaps = [np.abs(art[a] - art[b]).mean() for a in seen for b in seen if a != b]
    assert min(gaps) > 20


def test_pacman_faces_four_ways():
    right, left, up, down = (tiles(12)[FACING + d] for d in (2, 1, 3, 4))
    assert (left == right[:, ::-1]).all()
    assert (down == up[::-1]).all()
    assert not (up == right).all()


@pytest.mark.parametrize(("size", "cells"), [(12, 7), (6, 14), (4, 21)])
def test_a_painted_frame_is_its_tiles_side_by_side(size, cells):
    sprites = np.random.default_rng(0).integers(0, NUM_SPRITES, (37, cells, cells)).astype(np.uint8)
    frames = painter(size).draw(sprites)
    assert frames.shape == (37, 84, 84, 3)
    for n in (0, 16, 36):
        rows = [np.concatenate([tiles(size)[code] for code in row], axis=1) for row in sprites[n]]
        assert (frames[n] == np.concatenate(rows)).all()


def test_the_palette_is_rgb():
    assert all(len(c) == 3 and all(0 <= v <= 255 for v in c) for c in palette.values())
    assert palette["yellow"] > palette["black"]


def test_the_garden_is_the_same_game_in_another_look():
    night, garden = gym.make("gamesim/Pacman-v0"), gym.make("gamesim/PacmanGarden-v0")
    by_keyword = gym.make("gamesim/Pacman-v0", theme="garden")
    actions = np.random.default_rng(3).integers(0, 5, 30).tolist()
    told = [env.reset(seed=7) for env in (night, garden, by_keyword)]
    for action in actions:
        (dark, info), (light, other), (same, _) = told
        assert (info["cells"] == other["cells"]).all()
        assert (light == same).all()
        assert (light != dark).any(-1).mean() > 0.8
        assert (decode(light, "garden")[0] == info["cells"]).all()
        assert not decode(light, "garden")[1].any()
        steps = [env.step(action) for env in (night, garden, by_keyword)]
        assert len({step[1:4] for step in steps}) == 1
        if steps[0][2] or steps[0][3]:
            break
        told = [(step[0], step[4]) for step in steps]


def test_a_theme_has_every_colour_and_an_unknown_one_is_refused():
    assert set(palette) <= set(GARDEN)
    with pytest.raises(UserError, match="theme must be night or garden, not 'day'"):
        gym.make("gamesim/Pacman-v0", theme="day")
