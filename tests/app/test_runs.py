"""Run folders and processes, as the app follows them, without a window."""

import json
import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from gamesim import locks, storage
from gamesim.app.library import jobs, runs
from gamesim.app.library.cards import spell
from gamesim.app.library.jobs import Job, Jobs
from gamesim.app.library.runlog import MOST_POINTS, Curve, RunLog
from gamesim.app.library.runs import Run
from gamesim.app.library.workshop import ending
from gamesim.errors import UserError

STUB = [sys.executable, str(Path(__file__).with_name("stub_trainer.py"))]


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "COMMAND", STUB)
    monkeypatch.setattr(jobs, "NICENESS", 0)  # the machine of the tests is busy


def line(step: int, **more) -> str:
    record = {"step": step, "seconds": 2.0 * step, "frames_per_second": 50.0, "eta_seconds": 90.0, **more}
    return json.dumps(record) + "\n"


def a_run(folder: Path, *lines: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("name: mine\nsystem: tilemap\ntraining: {steps: 400}\n")
    (folder / "metrics.jsonl").write_text("".join(lines))
    return folder


def until(condition, seconds: float = 200.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_log_is_read_as_it_grows_and_half_a_line_waits_for_its_other_half(tmp_path: Path):
    log = RunLog(a_run(tmp_path / "run", line(1, losses={"a": 3.0}), line(2, losses={"a": 2.0})[:20]))
    log.follow()
    assert log.step == 1 and log.steps == 400 and log.preset == "mine"
    with (log.folder / "metrics.jsonl").open("a") as file:
        file.write(line(2, losses={"a": 2.0}, validation={"b": 7.0})[20:])
    log.follow()
    assert log.losses["a"].values == [3.0, 2.0] and log.validation["b"].steps == [2.0]
    assert log.seconds == 4.0 and log.share == 2 / 400


def test_a_resumed_run_drops_what_lies_beyond_its_save(tmp_path: Path):
    folder = a_run(tmp_path / "run", line(10, losses={"a": 1.0}), line(20, losses={"a": 2.0}))
    log = RunLog(folder)
    log.follow()
    storage.write_file(folder / "metrics.jsonl", line(10, losses={"a": 1.0}).encode())
    log.follow()
    assert log.step == 10 and log.losses["a"].values == [1.0]


@pytest.mark.parametrize(
    "rubbish",
    [
        "\x00\xff\n",
        "[]\n",
        "{}\n",
        '{"step": "x"}\n',
        "[" * 5000 + "\n",
        '{"step": 1, "seconds": null}\n',
        "\n\n",
    ],
)
def test_rubbish_in_a_log_is_passed_over(tmp_path: Path, rubbish: str):
    folder = a_run(tmp_path / "run", rubbish, line(3, losses={"a": 1.0, "b": "x", "c": None}))
    (folder / "samples").write_text("not a folder")
    run = Run(folder, Jobs())
    run.follow()
    assert run.log.step == 3 and set(run.log.losses) == {"a"}


def test_whatever_a_folder_holds_is_survived(tmp_path: Path):
    folder = tmp_path / "run"
    (folder / "metrics.jsonl").mkdir(parents=True)
    (folder / "config.yaml").write_bytes(b"\xff\x00" * 99999)
    (folder / runs.STARTED).write_bytes(b"\xff")
    assert runs.find((tmp_path, tmp_path / "missing", folder / "config.yaml")) == [folder]
    run = Run(folder, Jobs())
    run.follow()
    assert run.state == "failed" and not run.resumable and run.data is None


def test_a_curve_stays_small_however_long_a_run_is():
    curve = Curve()
    for step in range(50_000):
        curve.add(step, step)
    assert len(curve.steps) == len(curve.values) <= MOST_POINTS
    assert (curve.steps[0], curve.steps[-1]) == (0, 49_999)


@pytest.mark.parametrize(
    ("last", "state", "why"),
    [
        ({"status": "done"}, "done", ""),
        ({"status": "stopped"}, "stopped", ""),
        ({"status": "broken", "why": "loss is nan"}, "failed", "loss is nan"),
        ({"losses": {"a": 1.0}}, "failed", "interrupted"),
    ],
)
def test_how_a_run_ended_is_told_by_its_last_line(tmp_path: Path, last: dict, state: str, why: str):
    run = Run(a_run(tmp_path / "run", line(1, losses={"a": 1.0}), line(2, **last)), Jobs())
    run.follow()
    assert run.state == state and why in run.why and not run.live


def test_a_run_of_the_command_line_is_seen_at_work_and_can_be_told_apart_from_one_that_was_cut_off(
    tmp_path: Path,
):
    run = Run(a_run(tmp_path / "run", line(1, losses={"a": 1.0})), Jobs())
    with locks.claimed(run.folder):
        run.follow()
        assert run.state == "training" and run.pid == os.getpid() and run.eta is not None
        with pytest.raises(UserError, match="stop it first"):
            run.delete()
    run.follow()
    assert run.state == "failed" and run.eta is None
    run.delete()
    assert not run.folder.exists()


def test_the_parts_of_a_world_model_are_one_run(tmp_path: Path):
    folder = tmp_path / "run"
    for stage, lines in (("vision", (line(9, status="done"),)), ("memory", (line(2, losses={"z": 1.0}),))):
        a_run(folder / stage, *lines)
        (folder / stage / "samples").mkdir()
        (folder / stage / "config.yaml").write_text(
            "name: wm\nsystem: world-model\nvision: {steps: 9}\nmemory: {steps: 8}\n"
        )
    run = Run(folder, Jobs())
    assert runs.find((tmp_path,)) == [folder]
    with locks.claimed(folder / "memory"):
        run.follow()
        assert run.log.section == "memory" and run.log.steps == 8 and run.state == "training"
        assert run.logs[0].steps == 9 and run.logs[0].status == "done"


def test_a_training_is_started_held_let_go_and_stopped(tmp_path: Path, stub):
    processes, folder = Jobs(), tmp_path / "runs" / "one"
    runs.train(processes, folder, "some", tmp_path, {"training.steps": 5})
    run = Run(folder, processes)

    def state() -> str:
        run.follow()
        return run.state

    until(lambda: state() == "training" and run.log.step > 3)
    assert run.data == tmp_path.absolute() and len(processes.running) == 1
    if jobs.CAN_PAUSE and Path("/proc").is_dir():
        run.pause()
        until(lambda: state() == "paused")
        run.follow()  # what it wrote before it was held
        step = run.log.step
        time.sleep(0.1)
        run.follow()
        assert run.log.step == step
        run.pause()
        until(lambda: state() == "training" and run.log.step > step + 1)
        run.pause()  # one that is held can be stopped as well
    run.stop()
    until(lambda: state() == "stopped")
    assert run.log.status == "stopped" and not processes.running


def test_a_second_stop_ends_it_at_once(tmp_path: Path, stub):
    processes, folder = Jobs(), tmp_path / "one"
    runs.train(processes, folder, "some", tmp_path, {})
    run = Run(folder, processes)
    until(lambda: (run.follow(), run.log.step > 1)[1])
    processes.asked.add(run.pid or 0)  # asked, and it does not answer
    run.stop()
    until(lambda: not processes.running)
    run.follow()
    assert run.state == "stopped"
    later = Run(folder, Jobs())  # the app was closed and opened again
    later.follow()
    assert later.state == "stopped"


def test_a_stop_before_anything_was_saved_is_no_failure_and_says_so(tmp_path: Path, stub):
    processes, folder = Jobs(), tmp_path / "one"
    runs.train(processes, folder, "slow", tmp_path, {})
    run = Run(folder, processes)
    run.follow()
    assert run.state == "starting" and run.doing.startswith("Loading PyTorch and the recordings · ")
    run.stop()
    run.follow()
    assert run.doing.startswith("Finishing this step, then saving · ") or not run.live
    until(lambda: (run.follow(), not run.live)[1])
    assert (run.state, run.why) == ("stopped", "Nothing had been saved yet.") and not run.resumable
    assert ending(folder, processes.all[folder], True) == ("The training was stopped: one", False)


def test_a_run_that_another_hand_ended_has_failed_and_says_by_which_signal(tmp_path: Path, stub):
    processes, folder = Jobs(), tmp_path / "one"
    runs.train(processes, folder, "some", tmp_path, {})
    run = Run(folder, processes)
    until(lambda: (run.follow(), run.log.step > 1)[1])
    processes.all[folder].process.kill()
    until(lambda: not processes.running)
    run.follow()
    assert run.state == "failed" and "signal" in run.why and "nothing had been saved" in run.why
    assert ending(folder, processes.all[folder], False)[1]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (92, "2 min"), (3599, "1 h"), (3700, "1 h 2 min"),
        (5 * 86400, "5 days"), (60 * 86400, "9 weeks"), (float("nan"), "–"),
    ],
)  # fmt: skip
def test_there_is_one_style_for_durations(seconds: float, words: str):
    assert spell(seconds) == words


def test_a_training_that_fails_says_why_with_its_last_line(tmp_path: Path, stub):
    processes, folder = Jobs(), tmp_path / "one"
    runs.train(processes, folder, "broken", tmp_path, {})
    until(lambda: not processes.running)
    run = Run(folder, processes)
    run.follow()
    assert (run.state, run.why) == ("failed", "broken: there is something wrong with it")
    later = Run(folder, Jobs())  # the app was closed and opened again
    later.follow()
    assert (later.state, later.why) == ("failed", "broken: there is something wrong with it")


@pytest.mark.parametrize(
    ("last", "state", "why"),
    [
        ({"status": "done"}, "done", ""),
        ({"status": "stopped"}, "stopped", ""),
        ({"status": "broken", "why": "the disk is full"}, "failed", "the disk is full"),
    ],
)
def test_how_the_command_line_ended_a_run_counts_and_not_that_the_app_had_failed_to_begin_it_before(
    tmp_path: Path, stub, last: dict, state: str, why: str
):
    processes, folder = Jobs(), tmp_path / "one"
    runs.train(processes, folder, "broken", tmp_path, {})
    until(lambda: not processes.running)
    run = Run(folder, processes)
    run.follow()
    assert run.state == "failed"
    (folder / "config.yaml").write_text("name: mine\nsystem: tilemap\ntraining: {steps: 400}\n")
    (folder / "metrics.jsonl").write_text(line(400) + line(400, **last))
    later = time.time() + 60
    os.utime(folder / "metrics.jsonl", (later, later))
    run.follow()
    assert (run.state, run.why) == (state, why)


def test_a_run_that_somebody_else_has_deleted_is_deleted(tmp_path: Path):
    run = Run(a_run(tmp_path / "one", line(5), line(5, status="stopped")), Jobs())
    run.follow()
    shutil.rmtree(run.folder)
    run.delete()


def test_what_cannot_be_started_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UserError, match="no such folder of recordings"):
        runs.train(Jobs(), tmp_path / "run", "some", tmp_path / "missing", {})
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be made: a file is in the way"):
        runs.train(Jobs(), tmp_path / "file" / "run", "some", tmp_path, {})
    monkeypatch.setattr(jobs, "COMMAND", [str(tmp_path / "no-such-python")])
    with pytest.raises(UserError, match="cannot be started: no such file or folder"):
        Job("x", [], tmp_path / "log")


def test_last_words_are_those_after_the_progress_bars(tmp_path: Path):
    log = tmp_path / "log"
    log.write_bytes(b"a warning\nx:  10%|#  | 1/10 [00:01, 2it/s]\rx: 20%|## | 2/10\ngamesim: no disk\n\n")
    assert jobs.last_words(log) == "no disk" and jobs.last_words(tmp_path / "none") == ""


@pytest.mark.slow
def test_the_command_line_itself_can_be_started_from_any_folder(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = Job("x", ["train", "no-such-preset", "--data", ".", "--out", "out"], tmp_path / "log")
    until(lambda: not job.running)
    assert job.code == 2 and "unknown preset 'no-such-preset'" in jobs.last_words(job.log)
