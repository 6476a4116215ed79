"""The whole of V, M and C as an engine: dreaming, filtering, lanes, temperature, and driving real games."""

import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch

from gamesim import checkpoint, models
from gamesim.agents.controller import ControllerPolicy
from gamesim.agents.rollout import run
from gamesim.config import load
from gamesim.dream import DreamEnv, DreamVectorEnv
from gamesim.errors import UserError
from gamesim.evaluation.pacman.cells import real_episodes
from gamesim.models.world_models.vision import see
from walks import check_dream
from worlds import Ideal

ROOT = Path(__file__).resolve().parents[2]
STATE = ["c", "end", "first", "h", "mixture", "reward", "z"]


@pytest.fixture(scope="module")
def starts():
    real = real_episodes("gamesim/Pacman-v0", 5, 4, 1)
    return checkpoint.Starts(torch.from_numpy(real.frames[:5, :4]), torch.from_numpy(real.actions[:5, :3]))


@pytest.fixture(scope="module")
def engine():
    """Untrained, but with a controller that has its likings, and an end that is seldom likely."""
    torch.manual_seed(0)
    model = models.build(load("world-model-tiny")).eval().requires_grad_(False)
    model.controller.from_flat(torch.randn(len(model.controller.flat())))
    for parameter in (model.memory.mixture.weight, model.vision.decoder[-1].weight):
        parameter.mul_(8)  # so that a dream shows where it goes
    model.memory.outcomes[-1].bias[-1] = -1
    return model


@pytest.fixture(scope="module")
def folder(engine, starts, tmp_path_factory):
    path = tmp_path_factory.mktemp("world-model") / "tiny"
    checkpoint.save(
        path, weights=engine.state_dict(), config=load("world-model-tiny"), starts=starts, card={}
    )
    return path


def chance(seed=0):
    return torch.Generator().manual_seed(seed)


def same(state, other):
    return all(torch.allclose(state[name], other[name], atol=1e-5) for name in STATE)


def z_of(engine, frames):
    """What V makes of frames."""
    return engine.vision.encode(see(frames, engine.vision.side))[0]


class TestTheContract:
    def test_check_env_finds_nothing_to_warn_about(self, folder):
        check_dream(folder)

    def test_a_prediction_is_what_the_dream_needs(self, engine, starts):
        state = engine.start(starts.frames, starts.actions)
        state, prediction = engine.imagine(state, torch.arange(5), temperature=1.0, generator=chance())
        assert sorted(state) == STATE
        assert prediction.frame.shape == (5, 84, 84, 3)
        assert prediction.frame.dtype == torch.uint8
        assert prediction.reward.shape == prediction.end_probability.shape == (5,)
        assert ((prediction.end_probability > 0) & (prediction.end_probability < 1)).all()

    def test_start_is_filtering_frame_by_frame(self, engine, starts):
        state = engine.start(starts.frames[:, :1], starts.actions[:, :0])
        for step in range(3):
            state = engine.observe(state, starts.actions[:, step], starts.frames[:, step + 1])
        assert same(state, engine.start(starts.frames, starts.actions))

    def test_while_filtering_z_is_what_v_sees_and_h_what_m_has_read(self, engine, starts):
        state = engine.start(starts.frames, starts.actions)
        z = z_of(engine, starts.frames[:, -1])
        assert torch.allclose(state["z"], z, atol=1e-6)
        earlier = torch.stack([z_of(engine, starts.frames[:, step]) for step in range(3)], 1)
        mdn, (h, c) = engine.memory(earlier, starts.actions)
        assert torch.allclose(state["h"], h, atol=1e-6)
        assert torch.allclose(state["c"], c, atol=1e-6)
        assert torch.allclose(state["mixture"], mdn.log_pi[:, -1].exp().mean(1), atol=1e-6)

    def test_the_dream_without_pictures_and_mixture_is_the_dream(self, engine, starts):
        state, action = engine.start(starts.frames, starts.actions), torch.arange(5)
        noise = torch.randn(5, *engine.noise_shape, generator=chance())
        blind, reward, end = engine.dream(state, action, 1.3, noise)
        seen, prediction = engine.imagine(state, action, temperature=1.3, generator=chance())
        assert all((blind[name] == seen[name]).all() for name in STATE if name != "mixture")
        assert (reward == prediction.reward).all()
        assert (end == prediction.end_probability).all()

    def test_a_state_is_never_changed_by_a_step(self, engine, starts):
        state = engine.start(starts.frames, starts.actions)
        kept = {name: part.clone() for name, part in state.items()}
        engine.imagine(state, torch.arange(5), temperature=1.0, generator=chance())
        assert all((kept[name] == state[name]).all() for name in STATE)

    def test_what_c_sees(self, engine, starts):
        state = engine.start(starts.frames, starts.actions)
        assert (engine.features(state) == torch.cat([state["z"], state["h"]], 1)).all()
        more = models.build(load("world-model-tiny", ["model.controller_input=zhc"]))
        state = more.start(starts.frames, starts.actions)
        assert (more.features(state) == torch.cat([state["z"], state["h"], state["c"]], 1)).all()

    def test_what_the_x_ray_draws(self, engine, starts):
        inside = engine.internals(engine.start(starts.frames, starts.actions))
        assert {name: tuple(part.shape) for name, part in inside.items()} == {
            "z": (5, 4),
            "h": (5, 8),
            "mixture": (5, 2),
            "reconstruction": (5, 84, 84, 3),
        }
        assert torch.allclose(inside["mixture"].sum(1), torch.ones(5))

    def test_half_precision_dreams_nearly_the_same(self, starts):
        torch.manual_seed(0)
        exact, half = (models.build(load("world-model-tiny")).eval() for _ in range(2))
        half.load_state_dict(exact.state_dict())
        half.memory.to(torch.bfloat16)
        noise = torch.randn(5, *exact.noise_shape, generator=chance())
        state = exact.start(starts.frames, starts.actions)
        wanted, got = (m.dream(state, torch.arange(5), 0.0, noise)[0] for m in (exact, half))
        assert all(part.dtype == torch.float32 for part in got.values())
        assert torch.allclose(got["h"], wanted["h"], atol=0.03)

    def test_an_engine_of_64_pixels(self):
        model = models.build(load("world-model-tiny", ["model.frame_size=64"])).eval()
        frames = torch.randint(0, 256, (2, 3, 64, 64, 3), dtype=torch.uint8)
        state = model.start(frames, torch.zeros(2, 2, dtype=torch.int64))
        _, prediction = model.imagine(
            state, torch.tensor([0, 4]), temperature=1.0, generator=[chance(0), chance(1)]
        )
        assert prediction.frame.shape == (2, 64, 64, 3)


class TestLanes:
    def test_a_batch_of_dreams_is_each_dream_alone(self, folder):
        batch = DreamVectorEnv(folder, 4, temperature=1.2)
        first, _ = batch.reset(seed=3)
        singles = [DreamEnv(folder, temperature=1.2) for _ in range(4)]
        assert all((env.reset(seed=3 + lane)[0] == first[lane]).all() for lane, env in enumerate(singles))
        alive = np.ones(4, bool)
        for action in np.random.default_rng(0).integers(0, 5, (20, 4)):
            frames, rewards, terminated, _, infos = batch.step(action)
            for lane in np.flatnonzero(alive):
                frame, reward, ended, _, info = singles[lane].step(int(action[lane]))
                assert np.abs(frame.astype(int) - frames[lane]).max() <= 1
                assert (reward, ended) == (pytest.approx(rewards[lane], abs=1e-4), terminated[lane])
                assert info["end_probability"] == pytest.approx(infos["end_probability"][lane], abs=1e-4)
            alive &= ~terminated
        assert alive.any()

    def test_resetting_one_lane_leaves_the_others_untouched(self, folder):
        disturbed, quiet = DreamVectorEnv(folder, 4), DreamVectorEnv(folder, 4)
        for env in (disturbed, quiet):
            env.reset(seed=1)
            env.step(np.array([1, 2, 3, 4]))
        disturbed.reset(options={"reset_mask": np.array([False, False, True, False])})
        others = torch.tensor([0, 1, 3])
        for _ in range(6):
            here, there = disturbed.state.memory, quiet.state.memory
            assert all((here[name][others] == there[name][others]).all() for name in STATE)
            assert (here["h"][2] != there["h"][2]).any()
            disturbed.step(np.array([1, 2, 3, 4])), quiet.step(np.array([1, 2, 3, 4]))


class TestTemperature:
    def test_in_the_cold_every_dream_is_the_same_and_in_the_heat_none(self, engine, starts):
        def dreamt(temperature):
            batch = DreamVectorEnv((engine, starts), 6, temperature=temperature)
            batch.reset(seed=0, options={"start": 2})
            return np.stack([batch.step(np.full(6, 2))[0] for _ in range(4)]).astype(float)

        apart = [dreamt(tau).std(1).mean() for tau in (0.0, 0.1, 1.0, 3.0)]
        assert apart[0] < 0.01
        assert apart == sorted(apart)
        assert apart[3] > 2 * apart[1] > 0


class TestTheController:
    def test_it_acts_in_its_dream(self, folder, engine):
        for seed in range(3):
            env = DreamEnv(folder)
            env.reset(seed=seed)
            assert isinstance(env.act(), int)
            assert env.act() == int(engine.act(env.state.memory))

    def test_an_engine_without_one_says_so(self, starts):
        env = DreamEnv((Ideal(), starts))
        env.reset(seed=0)
        assert env.act() is None
        with pytest.raises(UserError, match="no controller"):
            ControllerPolicy(Ideal()).act(starts.frames[:, 0].numpy(), {})

    def test_it_drives_a_real_game_by_what_v_and_m_make_of_it(self, engine, starts):
        driver = ControllerPolicy(engine)
        frames = starts.frames.numpy()
        state = engine.start(starts.frames[:, :1], starts.actions[:, :0])
        for step in range(4):
            actions = driver.act(frames[:, step], {})
            assert actions.tolist() == engine.act(state).tolist()
            if step < 3:
                state = engine.observe(state, torch.from_numpy(actions), starts.frames[:, step + 1])

    def test_what_a_person_pressed_instead_is_what_it_goes_by(self, engine, starts):
        frames, pressed = starts.frames.numpy(), np.array([4, 3, 2, 1, 0])
        driver = ControllerPolicy(engine)
        driver.act(frames[:, 0], {})
        driver.took(pressed)
        driver.act(frames[:, 1], {})
        wanted = engine.start(starts.frames[:, :2], torch.from_numpy(pressed)[:, None])
        assert same(driver.state, wanted)

    def test_games_that_begin_anew_forget_and_the_others_do_not(self, engine, starts):
        together, frames = ControllerPolicy(engine), starts.frames.numpy()
        alone = [ControllerPolicy(engine) for _ in range(5)]
        for step in range(4):
            together.reset(np.arange(5) == step)
            alone[step] = ControllerPolicy(engine)
            actions = together.act(frames[:, step], {})
            assert actions.tolist() == [
                int(one.act(frames[lane : lane + 1, step], {})[0]) for lane, one in enumerate(alone)
            ]
            states = {name: torch.cat([one.state[name] for one in alone]) for name in STATE}
            assert same(together.state, states)

    def test_frames_of_another_game_are_refused(self, folder):
        with pytest.raises(UserError, match=r"tiny sees frames of \(84, 84, 3\), not \(64, 64, 3\)"):
            ControllerPolicy(folder).act(np.zeros((2, 64, 64, 3), np.uint8), {})

    @pytest.mark.slow
    def test_its_score_is_the_same_in_two_processes(self, folder):
        result = subprocess.run(
            [sys.executable, "-c", f"from test_world_model import score; print(score({str(folder)!r}))"],
            env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{Path(__file__).parent}", "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert result.stdout.strip() == str(score(folder))


def score(folder):
    """Returns and lengths of 12 real games that the controller of a checkpoint drove."""
    env = gym.make_vec("gamesim/Pacman-v0", num_envs=4, vectorization_mode="vector_entry_point")
    episodes = list(run(env, ControllerPolicy(folder), 12, seed=5))
    return [(float(episode.rewards.sum()), len(episode)) for episode in episodes]
