"""A learned engine as an environment: seeds, lanes, ends, temperature, rewinding, and what it refuses."""

import copy
import json
import pickle
import warnings

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from gamesim import checkpoint
from gamesim.config import load
from gamesim.dream import DreamEnv, DreamVectorEnv
from gamesim.errors import UserError
from gamesim.evaluation.play import real_episodes
from gamesim.models import build
from gamesim.models.frames import to_uint8
from worlds import Ideal, Network


@pytest.fixture(scope="module")
def starts():
    real = real_episodes("gamesim/Pacman-v0", 5, 4, 1)
    return checkpoint.Starts(torch.from_numpy(real.frames[:5, :4]), torch.from_numpy(real.actions[:5, :3]))


@pytest.fixture
def source(starts):
    return Ideal(), starts


@pytest.fixture(scope="module")
def folder(starts, tmp_path_factory):
    """A checkpoint on disk, with a small network in place of what its config would build."""
    path = tmp_path_factory.mktemp("dream") / "tiny"
    torch.manual_seed(0)
    weights = Network().state_dict()
    checkpoint.save(path, weights=weights, config=load("gamegan-tiny"), starts=starts, card={})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gamesim.models.build", Network)
        yield path


def walk(env, actions):
    return [env.step(action) for action in actions]


def frames_of(steps):
    return np.stack([step[0] for step in steps])


ACTIONS = np.random.default_rng(0).integers(0, 5, 40).tolist()


class TestLikeAnyGame:
    def test_check_env_finds_nothing_to_warn_about(self, folder):
        env = gym.make("gamesim/Dream-v0", checkpoint=str(folder), render_mode="rgb_array")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_env(env.unwrapped)

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
    @pytest.fixture(params=["gamegan-tiny", "gamegan-lite"])
    def engine(self, starts, tmp_path, request):
        from gamesim import models

        config = load(request.param)
        torch.manual_seed(0)
        weights = models.build(config).state_dict()
        checkpoint.save(tmp_path / "tiny", weights=weights, config=config, starts=starts, card={})
        return tmp_path / "tiny"

    def test_check_env_finds_nothing_to_warn_about(self, engine):
        env = gym.make("gamesim/Dream-v0", checkpoint=str(engine), render_mode="rgb_array")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_env(env.unwrapped)

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
        assert env.features().dtype == np.float32
        assert env.features().ndim == 1
        assert all(isinstance(values, np.ndarray) for values in env.internals().values())


class TestSeeds:
    def test_the_same_seed_is_the_same_dream_and_another_is_not(self, folder):
        def dream(seed):
            env = DreamEnv(folder)
            first, _ = env.reset(seed=seed)
            return first, frames_of(walk_on(env, ACTIONS[:10]))

        (a, b), (c, d), (_, f) = dream(3), dream(3), dream(4)
        assert (a == c).all()
        assert (b == d).all()
        assert (b != f).any()

    def test_a_lane_is_the_single_dream_with_its_seed_through_ends_and_resets(self, starts):
        engine = Ideal(end_after=7)
        batch = DreamVectorEnv((engine, starts), 3)
        first, _ = batch.reset(seed=10)
        steps = [batch.step(np.full(3, action)) for action in ACTIONS[:20]]
        for lane in range(3):
            env = DreamEnv((engine, starts))
            frame, _ = env.reset(seed=10 + lane)
            assert (frame == first[lane]).all()
            over = False
            for action, (frames, rewards, terminated, truncated, _) in zip(ACTIONS, steps, strict=False):
                if over:
                    frame, _ = env.reset()
                    reward, ended, cut = 0.0, False, False
                else:
                    frame, reward, ended, cut, _ = env.step(action)
                assert (frame == frames[lane]).all()
                assert (reward, ended, cut) == (rewards[lane], terminated[lane], truncated[lane])
                over = ended or cut

    def test_lanes_that_end_at_different_times_do_not_touch_each_other(self, starts):
        batch = DreamVectorEnv((Ideal(), starts), 4, max_steps=6)
        batch.reset(seed=1)
        walked = [batch.step(np.array([1, 2, 3, 4])) for _ in range(3)]
        batch.reset(options={"reset_mask": np.array([False, True, False, False])})
        walked += [batch.step(np.array([1, 2, 3, 4])) for _ in range(3)]
        assert walked[-1][3].tolist() == [True, False, True, True]
        alone = DreamEnv((Ideal(), starts), max_steps=6)
        alone.reset(seed=1)
        for step in walked:
            assert (alone.step(1)[0] == step[0][0]).all()

    def test_one_seed_a_lane(self, source):
        batch, shifted = DreamVectorEnv(source, 2), DreamVectorEnv(source, 2)
        assert (batch.reset(seed=[5, 6])[0] == shifted.reset(seed=5)[0]).all()
        with pytest.raises(UserError, match="3 seeds for 2"):
            batch.reset(seed=[1, 2, 3])

    def test_without_a_seed_resets_go_on_in_the_stream(self, source):
        one, two = DreamEnv(source), DreamEnv(source)
        one.reset(seed=0), two.reset(seed=0)
        assert all((one.reset()[0] == two.reset()[0]).all() for _ in range(5))


class TestBeginnings:
    def test_a_start_of_the_checkpoint_by_number(self, source, starts):
        env = DreamEnv(source)
        for index in range(5):
            assert (env.reset(options={"start": index})[0] == starts.frames[index, -1].numpy()).all()
        batch = DreamVectorEnv(source, 3)
        shown, _ = batch.reset(options={"start": [4, 0, 2]})
        assert (shown == starts.frames[[4, 0, 2], -1].numpy()).all()

    def test_all_starts_come_up_by_chance(self, source, starts):
        env = DreamEnv(source)
        env.reset(seed=0)
        shown = {env.reset()[0].tobytes() for _ in range(60)}
        assert shown == {start[-1].numpy().tobytes() for start in starts.frames}

    def test_from_given_frames(self, source, starts):
        env = DreamEnv(source)
        given = {"frames": starts.frames[3].numpy(), "actions": starts.actions[3].numpy()}
        env.reset(seed=0, options=given)
        dreamt = frames_of(walk(env, ACTIONS[:8]))
        same = DreamEnv(source)
        same.reset(seed=0, options={"start": 3})
        assert (dreamt == frames_of(walk(same, ACTIONS[:8]))).all()

    def test_from_a_single_frame(self, source, starts):
        frame = starts.frames[2, :1].numpy()
        assert (DreamEnv(source).reset(options={"frames": frame})[0] == frame[0]).all()

    @pytest.mark.parametrize(
        ("options", "complaint"),
        [
            ({"start": 5}, "start"),
            ({"start": -1}, "start"),
            ({"start": 0.5}, "start"),
            ({"frames": np.zeros((4, 64, 64, 3), np.uint8), "actions": [0, 0, 0]}, "frames"),
            ({"frames": np.zeros((4, 84, 84, 3)), "actions": [0, 0, 0]}, "frames"),
            ({"frames": np.zeros((0, 84, 84, 3), np.uint8), "actions": []}, "frames"),
            ({"frames": np.zeros((4, 84, 84, 3), np.uint8), "actions": [0, 0]}, "actions"),
            ({"frames": np.zeros((4, 84, 84, 3), np.uint8), "actions": [0, 0, 9]}, "actions"),
            ({"frames": np.zeros((4, 84, 84, 3), np.uint8), "actions": [0, 0, 0.5]}, "actions"),
            ({"frames": np.zeros((4, 84, 84, 3), np.uint8)}, "actions"),
            ({"reset_mask": [True, False]}, "reset_mask"),
        ],
    )
    def test_what_does_not_fit_is_named(self, source, options, complaint):
        with pytest.raises(UserError, match=complaint):
            DreamEnv(source).reset(options=options)


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

    def test_steps_before_a_reset_are_refused(self, source):
        with pytest.raises(gym.error.ResetNeeded):
            DreamEnv(source).step(0)

    @pytest.mark.parametrize("action", [5, -1, 1.5, [0, 1]])
    def test_actions_that_the_engine_does_not_know_are_refused(self, source, action):
        env = DreamVectorEnv(source, 1)
        env.reset(seed=0)
        with pytest.raises(UserError, match="actions"):
            env.step(np.array([action]))


class TestTemperature:
    def test_it_turns_while_the_dream_runs(self, source):
        env = DreamEnv(source, temperature=0.0)
        env.reset(seed=0)
        cold = frames_of(walk(env, [0] * 5))
        assert (cold == cold[0]).all()  # this engine's chance is where its ghosts are
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


class TestBadInput:
    def test_no_checkpoint_there(self, tmp_path):
        with pytest.raises(UserError, match="nowhere"):
            DreamEnv(tmp_path / "nowhere")

    def test_a_damaged_checkpoint(self, folder, tmp_path):
        import shutil

        broken = shutil.copytree(folder, tmp_path / "broken")
        data = bytearray((broken / "model.safetensors").read_bytes())
        data[-1] ^= 1
        (broken / "model.safetensors").write_bytes(data)
        with pytest.raises(UserError, match=r"model\.safetensors"):
            DreamEnv(broken)

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            ({"device": "nonsense"}, "device nonsense"),
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

    def test_starts_that_are_not_the_engines(self, starts):
        small = checkpoint.Starts(starts.frames[:, :, ::2, ::2].contiguous(), starts.actions)
        with pytest.raises(UserError, match="size"):
            DreamEnv((Ideal(), small))
        wild = checkpoint.Starts(starts.frames, starts.actions + 7)
        with pytest.raises(UserError, match="actions"):
            DreamEnv((Ideal(), wild))


def walk_on(env, actions):
    """Like `walk`, but an untrained engine may hold any step for the end."""
    steps = []
    for action in actions:
        steps.append(env.step(action))
        if steps[-1][2] or steps[-1][3]:
            env.reset()
    return steps


class TestChanges:
    """Z by hand and another memory: engines of both systems, untrained."""

    @pytest.fixture
    def dreamer(self, starts):
        torch.manual_seed(0)
        sizes = ["model.channels=2", "model.z_size=3", "model.hidden=8", "model.ends=false"]
        model = build(load("world-model", sizes))
        return DreamEnv((model.eval(), starts))

    @pytest.fixture
    def walker(self, starts):
        torch.manual_seed(0)
        model = build(load("gamegan-lite", ["model.channels=8", "model.hidden=4", "model.memory_width=5"]))
        return DreamEnv((model.eval(), starts))

    def test_an_engine_says_what_of_it_can_be_changed(self, dreamer, walker, source):
        assert dreamer.changes == {"z"} and walker.changes == {"memory"}
        env = DreamEnv(source)
        env.reset(seed=0)
        assert env.changes == set()
        with pytest.raises(UserError, match="does not let its z be changed"):
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
