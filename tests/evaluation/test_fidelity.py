"""PSNR and SSIM against numbers worked out by hand and by definition, and open loops of known engines."""

import math

import numpy as np
import pytest

from gamesim.evaluation.pacman.cells import Dreamer
from gamesim.evaluation.pacman.fidelity import determined, fidelity
from gamesim.evaluation.ssim import psnr, ssim_map
from worlds import Frozen, Noise, RealGame

GAME = "gamesim/Pacman-v0"


def plain(level):
    return np.full((1, 20, 20, 3), level, np.uint8)


def test_ssim_of_even_pictures_is_that_of_their_brightness():
    # Without structure Eq. 13 leaves (2 a b + C1) / (a^2 + b^2 + C1), where C1 is (0.01 * 255)^2 = 6.5025.
    assert ssim_map(plain(100), plain(50)) == pytest.approx((10000 + 6.5025) / (12500 + 6.5025))
    assert ssim_map(plain(0), plain(255)) == pytest.approx(6.5025 / (65025 + 6.5025))
    assert (ssim_map(plain(77), plain(77)) == 1).all()
    assert ssim_map(plain(0), plain(0)).shape == (1, 10, 10)


def test_ssim_is_its_definition_written_out():
    random = np.random.default_rng(0)
    one, other = random.integers(0, 256, (2, 1, 13, 12, 3), dtype=np.uint8)
    weights = np.array(
        [[math.exp(-((x - 5) ** 2 + (y - 5) ** 2) / 4.5) for x in range(11)] for y in range(11)]
    )
    weights /= weights.sum()
    for row in range(3):
        for column in range(2):
            a, b = (
                (p[0, row : row + 11, column : column + 11] * [0.299, 0.587, 0.114]).sum(-1)
                for p in (one, other)
            )
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            spread_a, spread_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
            both = (weights * (a - mean_a) * (b - mean_b)).sum()
            expected = (
                (2 * mean_a * mean_b + 6.5025)
                * (2 * both + 58.5225)
                / ((mean_a**2 + mean_b**2 + 6.5025) * (spread_a + spread_b + 58.5225))
            )
            assert ssim_map(one, other)[0, row, column] == pytest.approx(expected, abs=1e-6)


def test_psnr_in_decibels():
    assert psnr(255**2) == pytest.approx(0)
    assert psnr(255**2 / 100) == pytest.approx(20)
    assert psnr(0) == psnr(1e-9) == pytest.approx(60)


@pytest.fixture
def loop(real):
    return lambda model: fidelity(Dreamer(model), GAME, real, len(real.seeds))


def test_the_real_game_is_itself(loop):
    found = loop(RealGame(GAME, boards=64))
    assert found["steps"] == [1, 5, 10, 20, 40]
    compared = [share for share, lanes in zip(found["compared"], found["episodes"], strict=True) if lanes]
    assert found["psnr"][: len(compared)] == pytest.approx([60] * len(compared))
    assert found["ssim"][: len(compared)] == pytest.approx([1] * len(compared))
    assert compared[0] > 0.85
    assert compared[0] > compared[2]  # the way leads to where nobody has been
    assert found["episodes"] == sorted(found["episodes"], reverse=True)


def test_a_frozen_frame_is_the_baseline_and_noise_is_worse(loop):
    frozen, noise = loop(Frozen()), loop(Noise())
    assert frozen["psnr"] == pytest.approx(frozen["psnr_still"], nan_ok=True)
    assert frozen["ssim"] == pytest.approx(frozen["ssim_still"], nan_ok=True)
    assert noise["psnr"][0] < frozen["psnr"][0] - 2
    assert noise["ssim"][0] < 0.1


def test_only_what_was_seen_is_determined_and_no_ghost(real):
    certain = determined(real)
    assert certain[:, :, 3, 3].all()
    assert not (certain & (real.cells[:, 8:] == 5)).any()
    scrolled = real.actions[:, 7] > 0
    edge = np.zeros((7, 7), bool)
    edge[[0, -1]] = edge[:, [0, -1]] = True
    assert certain[scrolled, 0][:, ~edge].mean() > 0.95
