"""Recording fits into memory and onto the disk, and what cannot is said before it starts."""

import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from gamesim.agents import rollout
from gamesim.agents.record import record
from gamesim.agents.rollout import MAX_STEPS, MEMORY, plan
from gamesim.cli import main
from gamesim.data.episode import MAX_FRAME_BYTES, Episode
from gamesim.data.store.index import scan
from gamesim.errors import UserError
from toy_games import Walk

ENDLESS = {"max_episode_steps": None, "kwargs": {}}


def settings(**kwargs: Any) -> dict[str, Any]:
    return {"max_episode_steps": None, "kwargs": kwargs}


@pytest.mark.parametrize("env_id", ["Pacman", "PacmanGarden", "PacmanMaze"])
def test_our_games_of_forty_steps_are_played_256_at_a_time(env_id: str) -> None:
    spec = settings(**gym.spec(f"gamesim/{env_id}-v0").kwargs)
    assert plan(256, (84, 84, 3), spec).lanes == 256


@pytest.mark.parametrize("side", [8, 84, 252, 480, 1080, 8000])
@pytest.mark.parametrize("spec", [ENDLESS, settings(max_steps=None), settings(max_steps=40)])
@pytest.mark.parametrize("asked", [1, 256])
def test_frames_of_running_games_fit_the_memory(side: int, spec: dict[str, Any], asked: int) -> None:
    planned = plan(asked, (side, side, 3), spec)
    assert 1 <= planned.lanes <= asked and 1 <= planned.longest <= MAX_STEPS
    held = planned.lanes * (planned.longest + 1) * planned.frame_bytes
    assert held <= max(MEMORY, 2 * planned.frame_bytes)
    assert planned.longest == 1 or (planned.longest + 1) * planned.frame_bytes <= MAX_FRAME_BYTES


def test_a_time_limit_of_either_kind_counts() -> None:
    few = plan(10_000, (84, 84, 3), ENDLESS).lanes
    assert plan(10_000, (84, 84, 3), settings(max_steps=40)).lanes > 10 * few
    assert plan(10_000, (84, 84, 3), {"max_episode_steps": 40, "kwargs": {}}).lanes > 10 * few


def register(monkeypatch: pytest.MonkeyPatch, **how: Any) -> str:
    """A game that is not ours, and never ends."""
    spec = gym.envs.registration.EnvSpec(id="toys/Long-v0", entry_point=lambda **kw: Walk(10**6, **how, **kw))
    monkeypatch.setitem(gym.registry, "toys/Long-v0", spec)
    return "toys/Long-v0"


def test_what_does_not_fit_comes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "MEMORY", 10 * 64 * 64 * 3)
    env_id = register(monkeypatch, size=64)
    record(env_id, "random", 3, tmp_path, progress=False)
    parts = [Episode.load(tmp_path / entry.file) for entry in scan(tmp_path)]
    assert [len(part) for part in parts] == [9, 9, 9]
    assert [len(part.prefix) for part in parts] == [0, 9, 18]


Usage = namedtuple("Usage", "total used free")


def test_more_episodes_than_the_disk_holds_are_refused_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(0, 0, 10_000_000))
    words = ["record", "--env", "gamesim/Pacman-v0", "--out", str(tmp_path / "new" / "out"), "--episodes"]
    assert main([*words, "1000000"]) == 2
    line = capsys.readouterr().err
    assert "new/out: recording 1,000,000 games takes about " in line and "but 10 MB is free" in line
    assert line.count("\n") == 1 and not (tmp_path / "new").exists()
    assert main([*words, "40"]) == 0, "34 MB of frames are 0.2 MB of files"


def test_a_disk_that_others_fill_meanwhile_ends_a_recording_and_what_was_saved_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    save, saved = Episode.save, []

    def full(episode: Episode, path: Path, **how: Any) -> None:
        if len(saved) == 8:
            raise UserError(f"{path}: cannot be written: the disk is full")
        saved.append(path)
        save(episode, path, **how)

    monkeypatch.setattr(Episode, "save", full)
    assert main(["record", "--env", "gamesim/Pacman-v0", "--episodes", "40", "--out", str(tmp_path)]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    count = len(scan(tmp_path))
    assert count >= 8, "those that were being written meanwhile count, too"
    assert line.endswith(f"the disk is full; saved before that: {count} games in {tmp_path}")


def test_an_endless_game_weighs_its_longest_episodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Noise(Walk):
        def _frame(self, action: int) -> np.ndarray:
            return self.np_random.integers(0, 256, (64, 64, 3), np.uint8)

    spec = gym.envs.registration.EnvSpec(
        id="toys/Noise-v0", entry_point=lambda **kw: Noise(10**6, size=64, **kw)
    )
    monkeypatch.setitem(gym.registry, "toys/Noise-v0", spec)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(0, 0, 5_000_000))
    with pytest.raises(UserError, match=r"recording 1 game takes about 6\.\d MB, but 5\.0 MB is free"):
        record("toys/Noise-v0", "random", 1, tmp_path, progress=False)


def test_a_sample_does_not_change_what_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def frames(folder: Path) -> list[bytes]:
        record("gamesim/Pacman-v0", "random", 3, folder, progress=False)
        return [(folder / entry.file).read_bytes() for entry in scan(folder)]

    before = frames(tmp_path / "a")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(0, 0, 100_000))
    assert frames(tmp_path / "b") == before


@pytest.mark.parametrize("where", ["game", "writer"])
def test_when_memory_runs_out_that_is_one_line_and_what_was_finished_stays(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    class Hungry(Walk):
        count = 0

        def reset(self, **how: Any) -> Any:
            Hungry.count += 1
            if Hungry.count == 36 and where == "game":
                raise MemoryError("Unable to allocate 3.4 GiB")
            return super().reset(**how)

    def make(**how: Any) -> Walk:
        lengths.append(5 + len(lengths) % 9)
        return Hungry(lengths[-1], size=64, **how)

    lengths: list[int] = []
    spec = gym.envs.registration.EnvSpec(id="toys/Hungry-v0", entry_point=make)
    monkeypatch.setitem(gym.registry, "toys/Hungry-v0", spec)
    to_bytes, written = Episode.to_bytes, []

    def hungry(episode: Episode) -> bytes:
        written.append(episode)
        if len(written) == 8 and where == "writer":
            raise MemoryError
        return to_bytes(episode)

    monkeypatch.setattr(Episode, "to_bytes", hungry)
    words = ["--env", "toys/Hungry-v0", "--policy", "random", "--episodes", "30", "--out", str(tmp_path)]
    assert main(["record", *words]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    saved = len(scan(tmp_path))
    assert saved >= 7 and line.startswith("gamesim: toys/Hungry-v0: out of memory")
    assert line.endswith(f"saved before that: {saved} games in {tmp_path}")
