"""A learned engine as an environment: what a game has, a dream has; ends, temperature, what it refuses."""

import copy
import json
import shutil
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode

from gamesim import checkpoint
from gamesim.config import load
from gamesim.dream import DreamEnv, DreamVectorEnv
from gamesim.errors import UserError
from gamesim.models import build
from walks import ACTIONS, check_dream, frames_of, walk
from worlds import Ideal


class TestLikeAnyGame:
    def test_check_env_finds_nothing_to_warn_about(self, folder):
        check_dream(folder)

    def test_its_spec_survives_json(self, folder):
        env = gym.make("gamesim/Dream-v0", checkpoint=str(folder), temperature=0.5)
        again = gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))
        assert json.loads(env.spec.to_json())["kwargs"]["checkpoint"] == str(folder)
        assert again.unwrapped.temperature == 0.5
        assert (env.reset(seed=1)[0] == again.reset(seed=1)[0]).all()

    def test_make_vec_gives_the_batched_core(self, folder):
        mode = "vector_entry_point"
        envs = gym.make_vec("gamesim/Dream-v0", 3, vectorization_mode=mode, checkpoint=str(folder))
        assert isinstance(envs.unwrapped, DreamVectorEnv)
        assert envs.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
        observation, _ = envs.reset(seed=0)
        assert observation in envs.observation_space
        observation, rewards, terminated, truncated, infos = envs.step(envs.action_space.sample())
        assert observation in envs.observation_space
        assert rewards.shape == terminated.shape == truncated.shape == infos["end_probability"].shape == (3,)
        assert infos["_end_probability"].all()

    def test_it_shows_what_it_returns(self, source):
        env = DreamEnv(source, render_mode="rgb_array")
        env.reset(seed=0)
        frame, *_ = env.step(1)
        assert (env.render() == frame).all()
        assert DreamEnv(source).render() is None

    def test_nothing_it_returned_changes_later(self, source):
        env = DreamVectorEnv(source, 3)
        kept = [env.reset(seed=0)[0]] + [env.step(np.full(3, a))[0] for a in ACTIONS[:6]]
        before = copy.deepcopy(kept)
        kept[2][:] = 7  # and writing into it does not reach the dream
        frame, *_ = env.step(np.zeros(3, int))
        assert frame.max() > 7
        assert all((a == b).all() for i, (a, b) in enumerate(zip(kept, before, strict=True)) if i != 2)

    def test_no_gradients_are_kept(self, folder):
        env = DreamEnv(folder)
        env.reset(seed=0)
        env.step(1)
        assert not any(t.requires_grad for t in env.state.memory.values())


class TestARealEngine:
    @pytest.fixture(params=["gamegan-tiny", "tilemap"])
    def engine(self, starts, tmp_path, request):
        config = load(request.param)
        torch.manual_seed(0)
        weights = build(config).state_dict()
        checkpoint.save(tmp_path / "tiny", weights=weights, config=config, starts=starts, card={})
        return tmp_path / "tiny"

    def test_check_env_finds_nothing_to_warn_about(self, engine):
        check_dream(engine)

    def test_a_lane_is_the_single_dream_but_for_the_last_bits_of_floats(self, engine):
        batch, alone = DreamVectorEnv(engine, 3), DreamEnv(engine)
        first, _ = batch.reset(seed=4)
        assert (alone.reset(seed=6)[0] == first[2]).all()
        for action in ACTIONS[:8]:
            lanes = batch.step(np.full(3, action))
            if batch.ended[2]:
                break
            frame, reward, *_ = alone.step(action)
            assert np.abs(frame.astype(int) - lanes[0][2]).max() <= 1
            assert reward == pytest.approx(lanes[1][2], abs=1e-4)

    def test_it_can_be_looked_into(self, engine):
        env = DreamEnv(engine)
        env.reset(seed=0)
        env.step(1)
        assert all(isinstance(values, np.ndarray) for values in env.internals().values())


class TestSeeds:
    """Of a batch, as libraries give them."""

    @pytest.mark.parametrize("seeds", [np.array([7, 8]), list(np.array([7, 8])), (7, np.uint32(8))])
    @pytest.mark.parametrize("game", ["dream", "gamesim/Pacman-v0"])
    def test_arrays_and_numpys_numbers_are_seeds(self, source, game, seeds):
        def make():
            return DreamVectorEnv(source, 2) if game == "dream" else gym.make_vec(game, 2)

        assert (make().reset(seed=seeds)[0] == make().reset(seed=7)[0]).all()

    @pytest.mark.parametrize(
        "seeds", [[1], [1, "a"], np.array([1.5, 2.5]), "ab", [[1, 2]], 1.5, True, [1, True]]
    )
    def test_what_is_none_is_refused(self, source, seeds):
        with pytest.raises(UserError, match="seeds"):
            DreamVectorEnv(source, 2).reset(seed=seeds)

    @pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "5", True, np.True_, [1]])
    def test_a_single_dream_refuses_them_as_a_game_does(self, source, seed):
        with pytest.raises(UserError, match=r"^seed must be a whole number from 0 to 9223372036854775807"):
            DreamEnv(source).reset(seed=seed)

    def test_lanes_that_go_on_keep_their_chance(self, source):
        envs = DreamVectorEnv(source, 2)
        envs.reset(seed=1)
        before = envs.state.streams
        envs.reset(seed=5, options={"reset_mask": np.array([True, False])})
        after = envs.state.streams
        assert (before[1] == after[1]).all() and not (before[0] == after[0]).all()


class TestEnds:
    def test_it_ends_where_the_end_is_likelier_than_not(self, starts):
        env = DreamEnv((Ideal(end_after=3), starts))
        env.reset(seed=0)
        steps = walk(env, [0, 0, 0])
        assert [step[2] for step in steps] == [False, False, True]
        assert [step[4]["end_probability"] for step in steps] == [0, 0, 1]
        with pytest.raises(gym.error.ResetNeeded):
            env.step(0)
        env.reset()
        env.step(0)

    def test_a_step_limit_truncates(self, source):
        env = DreamEnv(source, max_steps=4)
        env.reset(seed=0)
        assert [step[3] for step in walk(env, [0] * 4)] == [False, False, False, True]

    def test_the_step_after_an_end_ignores_the_action_and_begins_anew(self, starts):
        envs = DreamVectorEnv((Ideal(end_after=2), starts), 2)
        envs.reset(seed=0)
        envs.step(np.array([1, 1]))
        assert envs.step(np.array([1, 1]))[2].all()
        frames, rewards, terminated, truncated, infos = envs.step(np.array([4, 4]))
        assert not (terminated | truncated | (rewards != 0) | (infos["end_probability"] != 0)).any()
        beginnings = {start[-1].numpy().tobytes() for start in starts.frames}
        assert {frame.tobytes() for frame in frames} <= beginnings

    def test_an_end_that_is_taken_back_is_only_passed_by(self, starts):
        env = DreamEnv((Ideal(end_after=3), starts))
        env.reset(seed=0)
        frame = walk(env, [0, 0, 0])[-1][0]
        env.go_on()
        assert not env.state.ended.any()
        after, *_ = env.step(0)
        assert after.shape == frame.shape

    def test_it_says_how_many_beginnings_it_has(self, source, starts):
        assert DreamEnv(source).openings == len(starts.frames)

    def test_steps_before_a_reset_are_refused(self, source):
        with pytest.raises(gym.error.ResetNeeded):
            DreamEnv(source).step(0)

    @pytest.mark.parametrize("action", [5, -1, 1.5, [0, 1]])
    def test_actions_that_the_engine_does_not_know_are_refused(self, source, action):
        env = DreamVectorEnv(source, 1)
        env.reset(seed=0)
        with pytest.raises(UserError, match="actions"):
            env.step(np.array([action]))

    @pytest.mark.parametrize("action", [-1, 5, 1.0, "a", None, [1], True, np.True_, [[0], [1, 2]]])
    def test_a_single_dream_refuses_them_as_a_game_does(self, source, action):
        env = DreamEnv(source)
        env.reset(seed=0)
        with pytest.raises(UserError, match=r"^action must be 0 to 4, not "):
            env.step(action)


class TestTemperature:
    def test_it_turns_while_the_dream_runs(self, source):
        env = DreamEnv(source, temperature=0.0)
        env.reset(seed=0)
        cold = frames_of(walk(env, [0] * 5))
        assert (cold == cold[0]).all()  # this model's chance is where its ghosts are
        env.temperature = 10
        hot = walk(env, [0] * 5)
        assert (frames_of(hot) != cold[0]).any()
        assert hot[0][4]["temperature"] == 10

    @pytest.mark.parametrize("value", [-0.1, 10.1, float("nan"), float("inf"), "hot", None, True])
    def test_it_is_a_number_from_0_to_10(self, source, value):
        env = DreamEnv(source)
        with pytest.raises(UserError, match="temperature"):
            env.temperature = value
        with pytest.raises(UserError, match="temperature"):
            DreamEnv(source, temperature=value)
        assert env.temperature == 1.0


class TestBadInput:
    @pytest.mark.parametrize("given", [None, 3, b"mine", ["mine"]])
    @pytest.mark.parametrize("read", [DreamEnv, checkpoint.load, checkpoint.fingerprint])
    def test_what_is_no_folder_is_named(self, read, given):
        with pytest.raises(UserError, match=r"^checkpoint must be the folder of a model, not "):
            read(given)

    @pytest.mark.parametrize("given", [(1, 2), (), ("engine", "starts", 3)])
    def test_what_is_no_engine_and_its_starts_is_named(self, given):
        with pytest.raises(UserError, match=r"^checkpoint must be an engine and its Starts, not "):
            DreamEnv(given)

    @pytest.mark.parametrize("engine", [None, "engine", torch.nn.Identity()])
    def test_what_is_no_engine_beside_starts_is_named(self, engine: Any, source):
        with pytest.raises(UserError, match=r"^checkpoint must be an engine and its Starts, not "):
            DreamEnv((engine, source[1]))

    def test_what_is_no_moment_of_a_dream_is_named(self, source):
        moment: Any = None
        with pytest.raises(UserError, match=r"^state must be one that a dream had, not None"):
            DreamEnv(source).state = moment

    def test_no_checkpoint_there(self, tmp_path):
        with pytest.raises(UserError, match="nowhere"):
            DreamEnv(tmp_path / "nowhere")

    def test_a_damaged_checkpoint(self, folder, tmp_path):
        broken = shutil.copytree(folder, tmp_path / "broken")
        data = bytearray((broken / "model.safetensors").read_bytes())
        data[-1] ^= 1
        (broken / "model.safetensors").write_bytes(data)
        with pytest.raises(UserError, match=r"model\.safetensors"):
            DreamEnv(broken)

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            ({"device": "nonsense"}, "unknown device 'nonsense'"),
            ({"device": "cuda:99"}, "device cuda:99"),
            ({"render_mode": "human"}, "render_mode"),
            ({"max_steps": -1}, "max_steps"),
            ({"max_steps": 2.5}, "max_steps"),
        ],
    )
    def test_arguments(self, source, arguments, complaint):
        with pytest.raises(UserError, match=complaint):
            DreamEnv(source, **arguments)

    def test_no_lanes(self, source):
        with pytest.raises(UserError, match="num_envs"):
            DreamVectorEnv(source, 0)
