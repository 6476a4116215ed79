"""The recorder: nothing that was played is lost, and all of it can be played again."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import gamesim  # noqa: F401 (registers the ids)
from gamesim.data.dataset import Dataset
from gamesim.data.episode import Episode
from gamesim.data.recorder import Recorder
from gamesim.data.store.index import scan
from gamesim.data.store.journal import SUFFIX, recover
from gamesim.data.store.verify import verify
from gamesim.errors import UserError


def game(folder: Path, **options: Any) -> Recorder:
    return Recorder(gym.make("gamesim/PacmanMaze-v0", max_steps=12), folder, **options)


def play(recorder: Recorder, steps: int, first: int = 0) -> list[np.ndarray]:
    """Steps with the actions first, first + 1, ..."""
    return [recorder.step((first + t) % 5)[0] for t in range(steps)]


def load(folder: Path) -> list[Episode]:
    return [Episode.load(folder / entry.file) for entry in scan(folder)]


def test_an_episode_is_what_was_played(tmp_path: Path) -> None:
    recorder = game(tmp_path)
    first, _ = recorder.reset(seed=4)
    frames = [first, *play(recorder, 12)]
    recorder.close()
    (episode,) = load(tmp_path)
    np.testing.assert_array_equal(episode.frames, frames)
    assert episode.actions.tolist() == [t % 5 for t in range(12)]
    assert episode.truncated and not episode.terminated and episode.seed == 4
    assert episode.action_meanings == ("NOOP", "LEFT", "RIGHT", "UP", "DOWN")
    assert sorted(os.listdir(tmp_path)) == sorted([scan(tmp_path)[0].file, "index.jsonl"])


def test_who_played_each_step_is_kept(tmp_path: Path) -> None:
    recorder = game(tmp_path)
    recorder.reset(seed=0)
    play(recorder, 2)
    recorder.player = "controller"
    play(recorder, 3)
    recorder.player = "human"
    play(recorder, 1)
    recorder.close()
    assert load(tmp_path)[0].players.tolist() == [0, 0, 3, 3, 3, 0]
    assert scan(tmp_path)[0].players == ("human", "controller")


def test_it_can_be_switched_in_the_middle_and_still_replays(tmp_path: Path) -> None:
    recorder = game(tmp_path, start=False)
    recorder.reset(seed=9)
    play(recorder, 3)
    assert not recorder.recording and recorder.steps == 0
    recorder.start()
    play(recorder, 4, first=3)
    assert recorder.recording and recorder.steps == 4
    recorder.stop()
    play(recorder, 1, first=7)
    recorder.start()
    play(recorder, 4, first=8)
    recorder.close()
    parts = sorted(load(tmp_path), key=lambda episode: len(episode.prefix))
    assert [(len(part.prefix), len(part)) for part in parts] == [(3, 4), (8, 4)]
    assert [part.truncated for part in parts] == [False, True]
    report = verify(tmp_path)
    assert report.ok and report.same == 2


def test_a_reset_in_the_middle_saves_the_part_before_it(tmp_path: Path) -> None:
    recorder = game(tmp_path)
    recorder.reset(seed=1)
    play(recorder, 5)
    recorder.reset()
    recorder.reset()
    play(recorder, 2)
    recorder.close()
    assert sorted(len(episode) for episode in load(tmp_path)) == [2, 5]
    assert verify(tmp_path).same == 2


def test_after_going_back_an_episode_begins_there_and_has_no_seed(tmp_path: Path) -> None:
    recorder = game(tmp_path)
    first, _ = recorder.reset(seed=3)
    play(recorder, 12)
    recorder.go_back(first)
    assert recorder.episodes == 1
    recorder.env.reset(seed=3)  # what a dream does by its state
    play(recorder, 2)
    recorder.close()
    after = next(episode for episode in load(tmp_path) if len(episode) == 2)
    np.testing.assert_array_equal(after.frames[0], first)
    assert after.seed is None


def test_a_very_long_episode_is_kept_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gamesim.data.recorder.PART_BYTES", 6 * 84 * 84 * 3)
    recorder = game(tmp_path)
    recorder.reset(seed=1)
    play(recorder, 12)
    recorder.close()
    assert sorted(len(episode.prefix) for episode in load(tmp_path)) == [0, 5, 10]
    assert verify(tmp_path).same == 3


KILLED = """
import sys, time
import gymnasium as gym
import gamesim
from gamesim.data.recorder import Recorder
recorder = Recorder(gym.make("gamesim/PacmanMaze-v0", max_steps=12), sys.argv[1])
recorder.reset(seed=5)
for step in range(12 + 7):
    *_, truncated, _ = recorder.step(step % 5)
    print(step, flush=True)
    if truncated:
        recorder.reset(seed=6)
time.sleep(600)
"""


def kill_in_the_middle(folder: Path) -> None:
    """A process is killed after 12 + 7 steps."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "18\n":
                break
        scan(folder)  # to look at the folder does not touch the running episode
        process.send_signal(signal.SIGKILL)


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    kill_in_the_middle(tmp_path)
    assert sorted((len(e), e.truncated, e.seed) for e in load(tmp_path)) == [(7, False, 6), (12, True, 5)]
    assert verify(tmp_path).same == 2
    assert {e.action_meanings for e in load(tmp_path)} == {("NOOP", "LEFT", "RIGHT", "UP", "DOWN")}
    assert not list(tmp_path.glob("*" + SUFFIX))
    assert Dataset(tmp_path, segment=4, split="all").num_episodes == 2


def test_a_journal_of_before_actions_had_meanings_is_recovered(tmp_path: Path) -> None:
    recorder = game(tmp_path)
    recorder.reset(seed=2)
    play(recorder, 6)
    (path,) = tmp_path.glob("*" + SUFFIX)
    magic, header, records = path.read_bytes().split(b"\n", 2)
    before = json.loads(header)
    del before["action_meanings"]
    (tmp_path / "old").mkdir()
    old = magic + b"\n" + json.dumps(before).encode() + b"\n" + records
    (tmp_path / "old" / path.name).write_bytes(old)
    recover(tmp_path / "old")
    (episode,) = load(tmp_path / "old")
    assert len(episode) == 6 and episode.action_meanings == ()


def left(tmp_path: Path, journal: Path) -> Path:
    """Where a journal of this name lies without its recorder, as after a kill."""
    (tmp_path / "left").mkdir()
    return tmp_path / "left" / journal.name


def test_a_torn_journal_gives_its_whole_steps(tmp_path: Path) -> None:
    recorder = game(tmp_path)
    recorder.reset(seed=2)
    play(recorder, 6)
    (path,) = tmp_path.glob("*" + SUFFIX)
    whole = path.read_bytes()
    torn = left(tmp_path, path)
    rng = np.random.default_rng(0)
    lengths = set()
    for cut in [0, 1, 5, 40, *rng.integers(0, len(whole), 40).tolist(), len(whole) - 1, len(whole)]:
        torn.write_bytes(whole[:cut])
        recover(torn.parent)
        lengths.add(sum(len(episode) for episode in load(torn.parent)))
        assert verify(torn.parent).ok if scan(torn.parent) else True
        for npz in torn.parent.glob("*.npz"):
            npz.unlink()
    assert lengths == {0, 1, 2, 3, 4, 5, 6}


def test_a_flipped_journal_never_gives_a_wrong_step(tmp_path: Path) -> None:
    recorder = game(tmp_path)
    recorder.reset(seed=2)
    play(recorder, 6)
    (path,) = tmp_path.glob("*" + SUFFIX)
    whole = path.read_bytes()
    flipped = left(tmp_path, path)
    records = whole.index(b"\n", whole.index(b"\n") + 1)
    for at in np.random.default_rng(1).integers(records + 1, len(whole), 40).tolist():
        flipped.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        recover(flipped.parent)
        assert verify(flipped.parent).ok if scan(flipped.parent) else True
        for npz in flipped.parent.glob("*.npz"):
            npz.unlink()


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"gamesim-journal-1\n[]\n",
        b"gamesim-journal-1\n" + b"[" * 100_000 + b"\n",
        b'gamesim-journal-1\n{"shape": [99999999, 99999999, 3], "seed": 1, "env_spec": "", "prefix": ""}\n',
        b'gamesim-journal-1\n{"shape": [4, 4, 3], "seed": 1, "env_spec": "", "prefix": "zz"}\n',
    ],
)
def test_what_is_no_journal_is_named_and_stays(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / ("x" + SUFFIX)
    path.write_bytes(data)
    if b"zz" in data:
        recover(tmp_path)  # it has no step: nothing to keep
        assert not path.exists()
    else:
        with pytest.warns(UserWarning, match=r"x\.journal"):
            assert scan(tmp_path) == []
        assert path.read_bytes() == data


def test_a_folder_that_cannot_be_made_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file"):
        game(tmp_path / "file" / "folder")


FULL_DISK = """
import resource, signal, sys, warnings
import gymnasium as gym
import gamesim
from gamesim.data.recorder import Recorder
warnings.simplefilter("ignore")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
recorder = Recorder(gym.make("gamesim/PacmanMaze-v0", max_steps=None), sys.argv[1])
recorder.reset(seed=5)
resource.setrlimit(resource.RLIMIT_FSIZE, (40000, 40000))
for step in range(200):
    recorder.step(step % 5)
print(recorder.recording, recorder.error)
recorder.close()
"""


def test_a_full_disk_ends_the_recording_and_not_the_game(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"False {tmp_path}: recording stopped (") and done.stdout.count("\n") == 1
    (episode,) = load(tmp_path)
    assert 10 < len(episode) < 200 and verify(tmp_path).same == 1


@pytest.mark.skipif(sys.platform == "win32", reason="an open file keeps its folder there")
def test_a_folder_that_is_deleted_meanwhile_is_made_anew_and_nothing_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    recorder = game(folder)
    recorder.reset(seed=4)
    play(recorder, 3)
    shutil.rmtree(folder)  # in the middle of a game
    play(recorder, 9, 3)
    recorder.flush()
    assert [len(each) for each in load(folder)] == [12]
    shutil.rmtree(folder)  # between two
    recorder.reset(seed=5)
    play(recorder, 7)
    recorder.close()
    assert recorder.error is None and [len(each) for each in load(folder)] == [7]


class Wrong(gym.Env[np.ndarray, int]):
    """An environment without a seed, as a dream is."""

    observation_space = gym.spaces.Box(0, 255, (8, 8, 3), np.uint8)
    action_space = gym.spaces.Discrete(5)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        return np.zeros((8, 8, 3), np.uint8), {}

    def step(self, action: int) -> Any:
        return np.full((8, 8, 3), action, np.uint8), 0.5, action == 4, False, {}


def test_any_environment_is_recorded_but_only_ours_replay(tmp_path: Path) -> None:
    recorder = Recorder(Wrong(), tmp_path, player="agent")
    recorder.reset()
    play(recorder, 5)
    recorder.close()
    (episode,) = load(tmp_path)
    assert episode.terminated and episode.seed is None and episode.env_spec == ""
    report = verify(tmp_path)
    assert report.ok and len(report.skipped) == 1


def test_playing_does_not_wait_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready, sync = threading.Event(), os.fsync

    def slow(file: int) -> None:
        assert threading.current_thread() is not threading.main_thread(), "the game waits"
        ready.wait()
        sync(file)

    monkeypatch.setattr(os, "fsync", slow)
    recorder = game(tmp_path)
    for seed in range(3):
        recorder.reset(seed=seed)
        play(recorder, 12)
    assert recorder.episodes == 3 and not list(tmp_path.glob("*.npz"))
    ready.set()
    recorder.close()
    assert len(load(tmp_path)) == 3


@pytest.mark.parametrize(("words", "kept"), [(("A", "B"), ("A", "B")), (("A",), ("", "")), ((), ("", ""))])
def test_words_for_the_actions_of_a_game_that_has_none_are_recorded(tmp_path: Path, words, kept) -> None:
    class Silent(gym.Env[np.ndarray, int]):
        observation_space = gym.spaces.Box(0, 255, (8, 8, 3), np.uint8)
        action_space = gym.spaces.Discrete(2)

        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
            return np.zeros((8, 8, 3), np.uint8), {}

        def step(self, action: int):
            return np.zeros((8, 8, 3), np.uint8), 0.0, False, False, {}

    recorder = Recorder(Silent(), tmp_path, meanings=words)
    recorder.reset()
    recorder.step(1)
    recorder.close()
    (episode,) = load(tmp_path)
    assert episode.action_meanings == kept


@pytest.mark.parametrize("other", ["CartPole-v1", "Pendulum-v1"])
def test_what_cannot_be_recorded_is_refused_before_it_is_played(tmp_path: Path, other: str) -> None:
    with pytest.raises(UserError, match=rf"^{other} cannot be recorded: it needs frames \(H, W, 3\)"):
        Recorder(gym.make(other), tmp_path)
