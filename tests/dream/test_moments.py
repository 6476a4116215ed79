"""Moments of a dream: going back to one, branching off, and changing what the engine holds there."""

import pickle

import gymnasium as gym
import numpy as np
import pytest
import torch

from gamesim.config import load
from gamesim.dream import DreamEnv, DreamVectorEnv
from gamesim.errors import UserError
from gamesim.models import build
from gamesim.models.frames import to_uint8
from walks import ACTIONS, frames_of, walk, walk_on
from worlds import Ideal


class TestRewinding:
    def test_from_a_kept_moment_the_dream_goes_the_same_way_again(self, folder):
        env = DreamEnv(folder)
        env.reset(seed=0)
        walk_on(env, ACTIONS[:5])
        moment = env.state
        once = frames_of(walk_on(env, ACTIONS[5:12]))
        env.state = moment
        assert (frames_of(walk_on(env, ACTIONS[5:12])) == once).all()

    def test_other_actions_branch_off(self, source):
        env = DreamEnv(source, render_mode="rgb_array")
        env.reset(seed=0)
        moment, shown = env.state, env.render()
        left = frames_of(walk(env, [1, 1, 1]))
        env.state = moment
        assert (env.render() == shown).all()
        right = frames_of(walk(env, [2, 2, 2]))
        assert (left != right).any()

    def test_back_to_before_the_end(self, starts):
        env = DreamEnv((Ideal(end_after=2), starts))
        env.reset(seed=0)
        env.step(0)
        moment = env.state
        assert env.step(0)[2]
        env.state = moment
        assert env.step(0)[2]

    def test_another_batch_goes_on_from_it(self, folder):
        here, there = DreamVectorEnv(folder, 2), DreamVectorEnv(folder, 2)
        here.reset(seed=0)
        here.step(np.array([1, 2]))
        there.state = pickle.loads(pickle.dumps(here.state))
        assert (here.step(np.array([3, 4]))[0] == there.step(np.array([3, 4]))[0]).all()
        with pytest.raises(UserError, match="does not fit"):
            DreamVectorEnv(folder, 3).state = here.state

    def test_there_is_no_moment_before_the_first_reset(self, source):
        with pytest.raises(gym.error.ResetNeeded):
            _ = DreamEnv(source).state


class TestChanges:
    """Z by hand and another memory: engines of both systems, untrained."""

    @pytest.fixture
    def dreamer(self, starts):
        torch.manual_seed(0)
        sizes = ["model.channels=2", "model.z_size=3", "model.hidden=8", "model.ends=false"]
        model = build(load("world-model-places", sizes))
        return DreamEnv((model.eval(), starts))

    @pytest.fixture
    def walker(self, starts):
        torch.manual_seed(0)
        model = build(load("tilemap", ["model.channels=8", "model.hidden=4", "model.memory_width=5"]))
        return DreamEnv((model.eval(), starts))

    def test_an_engine_says_what_of_it_can_be_changed(self, dreamer, walker, source):
        assert dreamer.changes == {"z"} and walker.changes == {"memory"}
        env = DreamEnv(source)
        env.reset(seed=0)
        assert env.changes == set()
        with pytest.raises(UserError, match="this model's z cannot be changed"):
            env.with_z(np.zeros(3, np.float32))

    def test_another_z_is_another_frame_and_another_dream(self, dreamer):
        dreamer.reset(seed=0)
        moment, z = dreamer.state, dreamer.internals()["z"]
        plain = [step[0] for step in walk(dreamer, [1, 1])]
        dreamer.state = moment
        frame = dreamer.with_z(z + 3)
        shown = dreamer.internals()
        np.testing.assert_allclose(shown["z"], z + 3)
        np.testing.assert_array_equal(frame, shown["reconstruction"])
        assert frame.dtype == np.uint8 and frame.shape == (84, 84, 3)
        changed = [step[0] for step in walk(dreamer, [1, 1])]
        assert any((a != b).any() for a, b in zip(plain, changed, strict=True))
        with pytest.raises(UserError, match="z must be"):
            dreamer.with_z(np.zeros(9, np.float32))

    def test_the_own_z_put_back_changes_nothing(self, dreamer):
        dreamer.reset(seed=0)
        dreamer.step(2)
        moment = dreamer.state
        plain = dreamer.step(1)[0]
        dreamer.state = moment
        dreamer.with_z(dreamer.internals()["z"])
        np.testing.assert_array_equal(dreamer.step(1)[0], plain)

    def test_the_memory_of_another_beginning(self, walker):
        walker.reset(seed=0, options={"start": 0})
        before = walker.state
        other = walker.elsewhere(1)
        assert walker.state.memory is before.memory
        frame = walker.with_memory(other)
        memory = walker.state.memory
        assert torch.equal(memory["memory"], other.memory["memory"])
        assert torch.equal(memory["h"], before.memory["h"])
        np.testing.assert_array_equal(frame, to_uint8(memory["frame"])[0].numpy())
        walker.state = before
        assert torch.equal(walker.state.memory["memory"], before.memory["memory"])
