"""The state of a game: taken, kept and set again, whatever was played in between."""

import gymnasium as gym
import numpy as np
import pytest

import gamesim  # noqa: F401

WALK = (2, 2, 4, 1, 3, 3, 2, 4, 4, 1)


def frames_of(env: gym.Env, actions: tuple[int, ...]) -> np.ndarray:
    return np.stack([env.step(action)[0] for action in actions])


@pytest.mark.parametrize("world", ["Pacman", "PacmanMaze", "PacmanArcade"])
def test_a_game_that_is_set_back_plays_on_as_it_did(world: str):
    env = gym.make(f"gamesim/{world}-v0", max_steps=None)
    env.reset(seed=4)
    frames_of(env, WALK[:3])
    moment = env.unwrapped.state  # pyright: ignore[reportAttributeAccessIssue]
    first = frames_of(env, WALK)
    for _ in range(2):  # a moment can be gone back to more than once: ghosts choose as they did
        env.unwrapped.state = moment  # pyright: ignore[reportAttributeAccessIssue]
        np.testing.assert_array_equal(frames_of(env, WALK), first)


def test_a_game_that_was_over_goes_on():
    env = gym.make("gamesim/Pacman-v0", max_steps=2, num_ghosts=0)
    env.reset(seed=0)
    moment = env.unwrapped.state  # pyright: ignore[reportAttributeAccessIssue]
    ended = [env.step(0)[3] for _ in range(2)]
    env.unwrapped.state = moment  # pyright: ignore[reportAttributeAccessIssue]
    assert ended == [False, True] == [env.step(0)[3] for _ in range(2)]
