"""Numbers that are not finite, from any game: one line names game and step, and what is good is saved."""

import json
import warnings
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv

from gamesim.agents import rollout
from gamesim.agents.policy import RandomPolicy
from gamesim.agents.record import record
from gamesim.agents.rollout import run
from gamesim.cli import main
from gamesim.data.episode import Episode
from gamesim.data.recorder import Recorder
from gamesim.data.store.index import scan
from gamesim.errors import UserError
from toy_games import Walk

WRONG = [float("nan"), float("inf"), -float("inf"), 1e300]


class Foggy(Walk):
    """Its frames are floats, one of which is no number."""

    def _frame(self, action: int) -> np.ndarray:
        frame = super()._frame(action).astype(np.float32)
        frame[1, 1] = np.nan if self.at == 4 else 0
        return frame


class Odd(Walk):
    """Says nonsense of its seed."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        return super().reset(seed=seed)[0], {"seed": float("nan"), "lives": float("inf")}


@pytest.fixture
def bad_end(monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a game whose ninth step gives NaN; the games before that end after 5 steps."""
    made: list[int] = []

    def make(**how: Any) -> Walk:
        made.append(1)
        return Walk(12, {9: float("nan")}, 64, **how) if len(made) == 5 else Walk(5, size=64, **how)

    spec = gym.envs.registration.EnvSpec(id="toys/BadEnd-v0", entry_point=make)
    monkeypatch.setitem(gym.registry, "toys/BadEnd-v0", spec)
    return "toys/BadEnd-v0"


def test_record_names_game_and_step_and_keeps_what_is_good(bad_end: str, tmp_path: Path, capsys: Any) -> None:
    words = ["--env", bad_end, "--policy", "random", "--episodes", "9", "--out", str(tmp_path)]
    assert main(["record", *words]) == 2
    found = sorted(len(Episode.load(tmp_path / entry.file)) for entry in scan(tmp_path))
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"gamesim: {bad_end}: the reward of step 9 is nan, which is not a finite number; "
        f"saved before that: {len(found)} games in {tmp_path}"
    )
    assert found.count(8) == 1, "the good part of the game itself"
    assert found.count(5) >= 7, "those that were over"


@pytest.mark.parametrize("wrong", WRONG)
def test_whatever_is_not_finite_ends_a_rollout(wrong: float) -> None:
    env = SyncVectorEnv([lambda: Walk(6), lambda: Walk(12, {4: wrong})])
    found: list[Episode] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.raises(UserError, match=r"^Walk: the reward of step 4 is "):
            found.extend(run(env, RandomPolicy(0, 2), 5))
    assert [len(episode) for episode in found] == [3, 3]
    assert not any(episode.terminated or episode.truncated for episode in found)
    for episode in found:
        episode.check()


def test_a_game_that_is_not_recorded_may_do_what_it_likes() -> None:
    env = SyncVectorEnv([lambda: Walk(6), lambda: Walk(3, {1: float("nan")})])
    (episode,) = run(env, RandomPolicy(0, 2), 1)
    assert len(episode) == 6


def test_what_ran_when_a_game_breaks_down_is_given() -> None:
    class Breaking(Walk):
        def step(self, action: Any) -> Any:
            return super().step(1 // (self.at < 4))

    found: list[Episode] = []
    with pytest.raises(ZeroDivisionError):
        found.extend(run(SyncVectorEnv([lambda: Breaking(9)]), RandomPolicy(0, 2), 2))
    assert [len(episode) for episode in found] == [4]


def test_a_frame_that_is_not_finite_is_named() -> None:
    env = SyncVectorEnv([lambda: Walk(12)])
    step = env.step
    env.step = lambda actions: (np.full((1, 4, 4, 3), np.nan), *step(actions)[1:])
    with pytest.raises(UserError, match="the frame after step 1 contains numbers that are not finite"):
        list(run(env, RandomPolicy(0, 2), 2))


def test_a_seed_that_is_no_number_is_none() -> None:
    episodes = list(run(SyncVectorEnv([lambda: Odd(3)] * 2), RandomPolicy(0, 2), 4))
    assert [episode.seed for episode in episodes] == [None] * 4


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_recorder_stops_says_so_and_keeps_the_good_part(tmp_path: Path, wrong: float) -> None:
    recorder = Recorder(Walk(12, {5: wrong}), tmp_path)
    recorder.reset(seed=1)
    for _ in range(7):
        _, reward, *_ = recorder.step(1)
    assert reward == 7, "the game goes on"
    assert not recorder.recording and recorder.error is not None
    assert recorder.error.startswith("Walk: the reward of step 5 is ")
    assert recorder.error.endswith("recording stopped") and "\n" not in recorder.error
    recorder.close()
    assert [entry.length for entry in scan(tmp_path)] == [4]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_recorder_names_a_frame_that_is_not_finite(tmp_path: Path) -> None:
    recorder = Recorder(Foggy(12), tmp_path)
    recorder.reset(seed=1)
    for _ in range(6):
        recorder.step(1)
    assert recorder.error == (
        "Foggy: the frame after step 4 contains numbers that are not finite: recording stopped"
    )
    recorder.close()
    assert [entry.length for entry in scan(tmp_path)] == [3]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_without_a_recording_the_recorder_says_so_once(tmp_path: Path) -> None:
    recorder = Recorder(Walk(12, {2: float("nan"), 3: float("nan")}), tmp_path, start=False)
    recorder.reset(seed=1)
    for _ in range(2):
        recorder.step(1)
    assert recorder.error == "Walk: the reward of step 2 is nan, which is not a finite number"
    recorder.error = None
    recorder.step(1)
    assert recorder.error is None
    recorder.close()


def test_the_recorder_takes_a_seed_that_is_no_number_for_none(tmp_path: Path) -> None:
    with Recorder(Odd(3), tmp_path) as recorder:
        recorder.reset(seed=1)
        recorder.step(1)
    (entry,) = scan(tmp_path)
    assert entry.seed is None


def test_play_and_evaluate_get_the_same_line(bad_end: str) -> None:
    with pytest.raises(UserError, match=f"{bad_end}: the reward of step 9 is nan"):
        list(rollout.play(bad_end, "random", 9, seed=0))


def test_the_index_holds_finite_numbers_only(bad_end: str, tmp_path: Path) -> None:
    with pytest.raises(UserError):
        record(bad_end, "random", 9, tmp_path, progress=False)
    for line in (tmp_path / "index.jsonl").read_text().splitlines():
        assert np.isfinite(json.loads(line)["total_reward"])


def test_the_app_counts_what_is_finite() -> None:
    from gamesim.app.game.world import World
    from gamesim.app.library.catalog import Title

    world = World(Title("Walk", "", "toys/Walk-v0", {}, "toys/Walk-v0"), Walk(12, {2: float("nan")}))
    world.frame, world.info = world.env.reset(seed=0)
    world.reset()
    for _ in range(3):
        world.step(1)
    assert world.total == 4


@pytest.mark.extra("sb3_contrib")
def test_an_agent_does_not_learn_from_what_is_not_finite() -> None:
    from gamesim.agents.ppo import Games

    env = SyncVectorEnv([lambda: Walk(12, {3: float("inf")}, size=12)] * 2, autoreset_mode="Disabled")
    games = Games(env)
    games.reset()
    for _ in range(2):
        games.step(np.zeros(2, np.int64))
    with pytest.raises(UserError, match="the reward of step 3 is inf"):
        games.step(np.zeros(2, np.int64))
