"""Coming home, on engines that do, that go nowhere, and that walk through walls or forget them."""

import numpy as np
import pytest
import torch

from gamesim.evaluation.pacman.cells import Dream, Dreamer
from gamesim.evaluation.pacman.coming_home import PAIR, apart, coming_home, encoder_of, random_pair, walk
from worlds import Frozen, Ideal, Noise, RealGame

MAZE = "gamesim/PacmanMaze-v0"


@pytest.fixture
def home(maze, monkeypatch):
    monkeypatch.setattr("gamesim.evaluation.pacman.coming_home.LENGTHS", (3, 8))
    return lambda model, **settings: coming_home(Dreamer(model), MAZE, maze, len(maze.seeds), **settings)


def test_the_real_game_is_the_same_when_one_comes_back(home):
    found = home(RealGame(MAZE, boards=64))
    assert found["cells_3"] == found["cells_8"] == found["whole_8"] == 1
    assert 0.3 < found["cells_chance"] < 0.8
    assert "d_8" not in found


def test_noise_is_no_home(home):
    found = home(Noise())
    assert found["cells_8"] < found["cells_chance"] + 0.15
    assert found["whole_8"] == 0


def test_forgotten_walls_show(home):
    found = home(Ideal(forget=0.02, ghosts=False))
    # A cell that is in view for 2 N steps changes an odd number of times with (1 - 0.96^2N) / 2.
    assert found["cells_3"] == pytest.approx(1 - (1 - 0.96**6) / 2, abs=0.06)
    assert found["cells_8"] < found["cells_3"] - 0.02


def test_the_walk_goes_out_and_comes_back_by_the_same_way(maze):
    engine = RealGame(MAZE, boards=64)
    dream = Dream(Dreamer(engine), maze)
    before = [game.game.pacman for game, _ in engine.games]
    places = []
    step = dream.step

    def noted(actions):
        result = step(actions)
        places.append([game.game.pacman for game, _ in engine.games])
        return result

    dream.step = noted
    home, away, back = walk(dream, maze, 8, 0)
    assert len(places) == 16
    assert places[-1] == before
    assert places[3] == places[11]
    assert np.mean([a != b for a, b in zip(places[7], before, strict=True)]) > 0.8
    assert (home == maze.frames[:, -1]).all()
    assert (away != home).any((1, 2, 3)).mean() > 0.8
    assert back.shape == home.shape


def test_a_distance_is_that_of_what_the_encoder_sees():
    one, other = np.full((2, 84, 84, 3), 10, np.uint8), np.full((2, 84, 84, 3), 13, np.uint8)
    other[1] = 10
    assert apart(lambda frames: frames.mean((1, 2), dtype=np.float64), one, other) == pytest.approx(
        [27**0.5, 0]
    )


def test_distances_come_with_a_vision_and_their_reference_is_measured_on_real_frames(home, maze):
    class Eye(torch.nn.Module):
        """Sees the mean colours of the quarters of a picture."""

        side = 64

        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(()))

        def encode(self, pixels):
            seen = torch.nn.functional.adaptive_avg_pool2d(pixels, 2).flatten(1) * self.scale
            return seen, torch.zeros_like(seen)

    class Seeing(Frozen):
        vision = Eye()

    assert encoder_of(Frozen()) is None
    encoder = encoder_of(Seeing())
    frozen, noise = home(Frozen(), encoder=encoder), home(Noise(), encoder=encoder)
    assert frozen["d_3"] == frozen["d_8"] == 0  # it never went out
    assert noise["d_3"] == pytest.approx(noise["d_8"], rel=0.3)

    class Lost(Frozen):
        """Comes back to a frame at random of its episode."""

        def imagine(self, state, action, **chance):
            state, prediction = super().imagine(state, action, **chance)
            prediction.frame = torch.from_numpy(random_pair(MAZE, maze, 5)[0])
            return state, prediction

    assert home(Lost(), encoder=encoder)["d_8"] == pytest.approx(PAIR, rel=0.4)
    first, second = random_pair(MAZE, maze, 0)
    assert (first != second).any((1, 2, 3)).mean() > 0.8
