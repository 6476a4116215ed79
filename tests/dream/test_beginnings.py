"""How a dream begins: its seed, its lanes, and the real frames that it goes on from."""

import numpy as np
import pytest

from gamesim import checkpoint
from gamesim.dream import DreamEnv, DreamVectorEnv
from gamesim.errors import UserError
from walks import ACTIONS, frames_of, walk, walk_on
from worlds import Ideal


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
            ({"start": [0, 1]}, "start"),
            ({"start": []}, "start"),
            ({"frames": np.zeros((4, 64, 64, 3), np.uint8), "actions": [0, 0, 0]}, "frames"),
            ({"frames": np.zeros((4, 84, 84, 3)), "actions": [0, 0, 0]}, "frames"),
            ({"frames": np.zeros((0, 84, 84, 3), np.uint8), "actions": []}, "frames"),
            ({"frames": np.zeros((4, 84, 84, 3), np.uint8), "actions": [0, 0]}, "actions"),
            ({"frames": np.zeros((4, 84, 84, 3), np.uint8), "actions": [0, 0, 9]}, "actions"),
            ({"frames": np.zeros((4, 84, 84, 3), np.uint8), "actions": [0, 0, 0.5]}, "actions"),
            ({"frames": np.zeros((4, 84, 84, 3), np.uint8)}, "actions"),
            ({"reset_mask": [True, False]}, "reset_mask"),
            ({"reset_mask": [[True], [True, False]]}, "reset_mask must be an array"),
            ({"start": [[0], [1, 2]]}, "start must be an array"),
            (3, "reset: options must be a dict, not 3$"),
            (["frames"], "reset: options must be a dict, not "),
            ({"frames": [[0], [1, 2]]}, "frames must be an array"),
            ({"frames": np.zeros((3, 84, 84, 3), np.uint8), "actions": [[0], [1, 2]]}, "actions must be an"),
        ],
    )
    def test_what_does_not_fit_is_named(self, source, options, complaint):
        with pytest.raises(UserError, match=complaint):
            DreamEnv(source).reset(options=options)

    @pytest.mark.parametrize(
        ("options", "named"),
        [({"strat": 1}, "'strat' does nothing here, did you mean 'start'"), ({"actions": []}, "'actions'")],
    )
    def test_what_does_nothing_is_named_in_a_warning(self, source, options, named):
        with pytest.warns(UserWarning, match=f"reset: the option {named}"):
            DreamEnv(source).reset(options=options)

    def test_starts_that_are_not_the_engines(self, starts):
        small = checkpoint.Starts(starts.frames[:, :, ::2, ::2].contiguous(), starts.actions)
        with pytest.raises(UserError, match="size"):
            DreamEnv((Ideal(), small))
        wild = checkpoint.Starts(starts.frames, starts.actions + 7)
        with pytest.raises(UserError, match="actions"):
            DreamEnv((Ideal(), wild))

    def test_a_mask_of_no_lane_begins_nothing(self, source):
        envs = DreamVectorEnv(source, 2)
        shown, _ = envs.reset(seed=0)
        moment = envs.state
        again, _ = envs.reset(options={"reset_mask": np.zeros(2, bool)})
        assert (again == shown).all()
        assert envs.state.memory is moment.memory
