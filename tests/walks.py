"""Walking through a dream: the same keys everywhere, and what Gymnasium has to say of it."""

import warnings

import gymnasium as gym
import numpy as np
from gymnasium.utils.env_checker import check_env

ACTIONS = np.random.default_rng(0).integers(0, 5, 40).tolist()


def walk(env, actions):
    """The steps of these actions, as ``env.step`` gives them."""
    return [env.step(action) for action in actions]


def walk_on(env, actions):
    """Like `walk`, but an untrained engine may hold any step for the end."""
    steps = []
    for action in actions:
        steps.append(env.step(action))
        if steps[-1][2] or steps[-1][3]:
            env.reset()
    return steps


def frames_of(steps):
    return np.stack([step[0] for step in steps])


def check_dream(folder):
    """Gymnasium's own checks of the dream of a checkpoint; a warning is an error."""
    env = gym.make("gamesim/Dream-v0", checkpoint=str(folder), render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)
