"""Dreams compute on one thread, wherever they are asked for; the user's own setting is theirs."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from gamesim.agents.controller import ControllerPolicy
from gamesim.checkpoint import Starts
from gamesim.dream import DreamEnv, DreamVectorEnv
from gamesim.evaluation.pacman.cells import Dreamer, dream_episodes, real_episodes
from gamesim.evaluation.speed import step_times
from gamesim.threads import one_thread
from worlds import Frozen

ROOT = Path(__file__).resolve().parents[2]
FORKED = """
import sys
import gymnasium as gym, numpy as np, torch, gamesim
from gamesim.shipped import MODELS, folder

if __name__ == "__main__":
    torch.set_num_threads(2)
    big = torch.ones(1000, 1000)
    (big @ big).exp().sum()  # the pool of threads is there, and will be dead in a fork
    checkpoint = str(folder(MODELS) / sys.argv[1])
    if sys.argv[2] == "fork":
        import multiprocessing
        def work(pipe):
            env = gym.make("gamesim/Dream-v0", checkpoint=checkpoint)
            env.reset(seed=1)
            for _ in range(3):
                env.step(1)
            env.unwrapped.internals(), env.unwrapped.act()
            pipe.send("done")
        here, there = multiprocessing.Pipe()
        process = multiprocessing.get_context("fork").Process(target=work, args=(there,))
        process.start()
        print(here.recv() if here.poll(60) else "it hangs", flush=True)
        process.kill()
    else:
        how = {"vectorization_mode": "async", "checkpoint": checkpoint}
        batch = gym.make_vec("gamesim/Dream-v0", num_envs=2, **how)
        frames, _ = batch.reset(seed=1)
        for _ in range(3):
            batch.step(np.array([1, 2]))
        batch.close()
        print("done", torch.get_num_threads(), flush=True)
"""


class Counting(Frozen):
    """Notes on how many threads it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[int] = []

    def start(self, frames, actions):
        self.threads.append(torch.get_num_threads())
        return super().start(frames, actions)

    def observe(self, state, action, frame):
        self.threads.append(torch.get_num_threads())
        return {"frame": frame}

    def imagine(self, state, action, *, temperature, generator):
        self.threads.append(torch.get_num_threads())
        return super().imagine(state, action, temperature=temperature, generator=generator)

    def act(self, state):
        self.threads.append(torch.get_num_threads())
        return torch.zeros(len(state["frame"]), dtype=torch.int64)


@pytest.fixture
def three():
    """The user has set torch to three threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def starts():
    real = real_episodes("gamesim/Pacman-v0", 2, 4, 1)
    return Starts(torch.from_numpy(real.frames[:2, :4]), torch.from_numpy(real.actions[:2, :3]))


def dreams(engine, starts):
    env = DreamEnv((engine, starts))
    env.reset(seed=0)
    env.step(1)
    env.act()
    env.elsewhere(1)


def batches(engine, starts):
    env = DreamVectorEnv((engine, starts), 3)
    env.reset(seed=0)
    env.step(np.zeros(3, np.int64))


def drives(engine, starts):
    policy = ControllerPolicy(engine)
    for _ in range(2):
        policy.act(starts.frames[:, 0].numpy(), {})


def is_judged(engine, starts):
    dream_episodes(Dreamer(engine), real_episodes("gamesim/Pacman-v0", 2, 4, 1), 2, 3)


def is_timed(engine, starts):
    step_times((engine, starts), steps=2)


@pytest.mark.parametrize("use", [dreams, batches, drives, is_judged, is_timed], ids=lambda use: use.__name__)
def test_an_engine_computes_on_one_thread_and_the_users_number_stays(starts, three, use):
    engine = Counting()
    use(engine, starts)
    assert set(engine.threads) == {1}
    assert torch.get_num_threads() == 3


def test_the_number_comes_back_after_an_error(three):
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert torch.get_num_threads() == 3


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize(("engine", "how"), [("tilemap-pacman", "async"), ("gamegan-pacman", "fork")])
def test_dreams_in_forked_processes_do_not_hang(tmp_path, engine, how):
    script = tmp_path / "forked.py"
    script.write_text(FORKED)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, str(script), engine, how],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=250)
    except subprocess.TimeoutExpired:
        said = "it hangs"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 9)
            process.wait()
    assert said.split()[:1] == ["done"]
    assert how == "fork" or said.split()[1] == "2"
