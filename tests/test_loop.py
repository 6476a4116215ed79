"""The training loop: exact resume, signals, NaN, kills, several processes."""

import json
import shutil
import signal
from functools import partial

import imageio.v3 as imageio
import pytest
import torch

from fake_task import Always, after, late, train
from gamesim import checkpoint, config, locks, storage
from gamesim.card import facts_in
from gamesim.errors import UserError
from gamesim.signals import ENDING
from gamesim.training import devices, loop
from gamesim.training.folder import Log
from gamesim.training.loop import Deadline
from gamesim.training.state import decode
from processes import forked


def settings(**changes):
    keys = {"steps": 6, "log_every": 2, "validate_every": 4} | changes
    return config.load("gamegan-tiny", [f"training.{key}={item}" for key, item in keys.items()])


def log(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def weights(folder):
    return storage.read_folder(folder, kind=checkpoint.KIND, version=checkpoint.VERSION)["model.safetensors"]


def test_a_finished_run_leaves_log_samples_and_checkpoints(tmp_path):
    assert train(settings(), tmp_path / "run") == "done"
    out = tmp_path / "run"
    *lines, end = log(out)
    assert [line["step"] for line in lines] == [2, 4, 6]
    assert set(lines[0]) == {"step", "seconds", "frames_per_second", "eta_seconds", "losses"}
    assert lines[0]["frames_per_second"] > 0
    assert lines[-1]["eta_seconds"] == 0
    assert [line["step"] for line in lines if "validation" in line] == [4, 6]
    assert (end["status"], end["step"]) == ("done", 6)
    assert imageio.imread(out / "samples" / "00000006.png").shape == (4, 6, 3)
    assert checkpoint.load(out / "last").metrics == {"validation": {"error": 1 / 6}}
    assert "| steps | 6 of 6 |" in checkpoint.load(out / "best").card
    assert config.parse((out / "config.yaml").read_bytes(), "config") == settings()


def test_stopped_and_resumed_is_the_same_as_straight_to_the_byte(tmp_path):
    assert train(settings(), tmp_path / "straight") == "done"
    assert train(settings(), tmp_path / "parted", signal_at=(3,)) == "stopped"
    assert log(tmp_path / "parted")[-1]["status"] == "stopped"
    assert train(settings(), tmp_path / "parted", resume=True) == "done"
    for name in ("last", "best"):
        assert weights(tmp_path / "straight" / name) == weights(tmp_path / "parted" / name)
    assert log(tmp_path / "straight")[2]["losses"] == log(tmp_path / "parted")[-2]["losses"]
    steps = [line["step"] for line in log(tmp_path / "parted")]
    assert steps == sorted(steps)


def test_a_sheet_that_cannot_be_written_costs_no_weights(tmp_path, monkeypatch):
    write = storage.write_file

    def no_room_for_sheets(path, data, **how):
        if path.suffix == ".png":
            raise UserError(f"{path}: cannot be written: No space left on device")
        write(path, data, **how)

    monkeypatch.setattr(storage, "write_file", no_room_for_sheets)
    with pytest.raises(UserError, match=r"00000006\.png: cannot be written"):
        train(settings(), tmp_path / "run")
    monkeypatch.undo()
    assert train(settings(), tmp_path / "straight") == "done"
    assert weights(tmp_path / "run" / "last") == weights(tmp_path / "straight" / "last")


@pytest.mark.parametrize("steps", [4, 6])
@pytest.mark.parametrize("blocked", ["best", "metrics.jsonl"])
def test_what_cannot_be_kept_ends_a_run_after_its_state_is_saved(tmp_path, monkeypatch, blocked, steps):
    """Here best/ at step 4, or the log: the disk is full, or somebody has taken the rights away."""
    out = tmp_path / "run"
    train(settings(steps=3), out)
    write_folder, write = storage.write_folder, Log.write

    def check(path):
        if path.name == blocked:
            raise UserError(f"{path}: cannot be written: the disk is full")

    monkeypatch.setattr(storage, "write_folder", lambda at, *a, **k: check(at) or write_folder(at, *a, **k))
    monkeypatch.setattr(Log, "write", lambda log, record: check(log.path) or write(log, record))
    with pytest.raises(UserError, match=rf"^\S+{blocked}: cannot be written: the disk is full$"):
        train(settings(steps=steps, validate_every=4), out, resume=True)
    monkeypatch.undo()
    assert facts_in(out / "last")["steps"] == f"4 of {steps}"
    assert train(settings(steps=steps, validate_every=4), out, resume=True) == "done"
    train(settings(steps=steps), tmp_path / "straight")
    for name in ("last", "best"):
        assert weights(out / name) == weights(tmp_path / "straight" / name)


def test_a_run_whose_folder_was_deleted_can_go_on(tmp_path):
    out = tmp_path / "run"

    class Deletes(list):
        def append(self, seen):
            super().append(seen)
            if len(self) == 3:
                shutil.rmtree(out)

    with pytest.raises(UserError, match=r"metrics\.jsonl: cannot be written: "):
        train(settings(), out, seen=Deletes())
    assert train(settings(), out, resume=True) == "done"
    train(settings(), tmp_path / "straight")
    assert weights(out / "last") == weights(tmp_path / "straight" / "last")


@pytest.mark.parametrize("before", [None, 4])
def test_a_last_checkpoint_that_found_no_room_is_written_on_resume(tmp_path, before):
    """The state of the last step was saved, and then the disk was full: last/ is missing, or an older one."""
    if before is not None:
        assert train(settings(), tmp_path / "older", signal_at=(before,)) == "stopped"
    assert train(settings(), tmp_path / "run") == "done"
    newest = weights(tmp_path / "run" / "last")
    shutil.rmtree(tmp_path / "run" / "last")
    if before is not None:
        shutil.copytree(tmp_path / "older" / "last", tmp_path / "run" / "last")
    assert train(settings(), tmp_path / "run", resume=True) == "done"
    assert weights(tmp_path / "run" / "last") == newest


def test_what_was_measured_of_a_finished_run_survives_a_resume(tmp_path):
    assert train(settings(), tmp_path / "run") == "done"
    checkpoint.update_metrics(tmp_path / "run" / "last", {"score": 1.0})
    assert train(settings(), tmp_path / "run", resume=True) == "done"
    assert checkpoint.load(tmp_path / "run" / "last").metrics["score"] == 1.0


def test_a_deadline_ends_the_step_saves_and_says_so_and_the_run_can_go_on(tmp_path):
    assert train(settings(), tmp_path / "straight") == "done"
    out = tmp_path / "parted"
    assert train(settings(), out, deadline=lambda: after(minutes=2.5)) == "stopped"
    assert log(out)[-1] | {"seconds": 0} == {"step": 3, "seconds": 0, "status": "stopped"}
    assert train(settings(), out, deadline=lambda: after(minutes=0.5), resume=True) == "stopped"
    assert log(out)[-1]["step"] == 4, "it counts from the beginning of the call"
    assert train(settings(), out, resume=True) == "done"
    for name in ("last", "best"):
        assert weights(tmp_path / "straight" / name) == weights(out / name)


def test_a_deadline_in_the_last_step_changes_nothing(tmp_path):
    assert train(settings(), tmp_path / "run", deadline=lambda: after(minutes=5.5)) == "done"
    assert log(tmp_path / "run")[-1]["status"] == "done"


def test_best_is_the_lowest_validation_score(tmp_path, monkeypatch):
    monkeypatch.setattr("fake_task.FakeTask.validate", lambda self: {"error": abs(self.count - 4.0)})
    train(settings(validate_every=2), tmp_path / "run")
    assert checkpoint.load(tmp_path / "run" / "best").metrics == {"validation": {"error": 0.0}}
    assert checkpoint.load(tmp_path / "run" / "last").metrics == {"validation": {"error": 2.0}}


def test_resume_with_another_config_names_the_key(tmp_path):
    train(settings(), tmp_path / "run", signal_at=(2,))
    other = config.load("gamegan-tiny", ["training.steps=6", "data.batch_size=9"])
    with pytest.raises(UserError, match=r"^data\.batch_size: is 9 here but 2 in "):
        train(other, tmp_path / "run", resume=True)


def test_a_run_that_was_stopped_before_it_was_validated_may_end_there(tmp_path):
    out, rare = tmp_path / "run", {"steps": 600, "validate_every": 500}
    assert train(settings(**rare), out, signal_at=(3,)) == "stopped"
    assert not (out / "best").exists()
    for steps in (3, 2):  # a run that is past its end ends, too
        assert train(settings(**rare | {"steps": steps}), out, resume=True) == "done"
        assert checkpoint.load(out / "best").metrics == {"validation": {"error": 1 / 3}}
    assert weights(out / "best") == weights(out / "last")
    assert [line["step"] for line in log(out) if "validation" in line] == [3]
    assert train(settings(**rare | {"steps": 5}), out, resume=True) == "done"
    assert log(out)[-1]["step"] == 5


def test_resume_may_lengthen_a_run(tmp_path):
    train(settings(), tmp_path / "run")
    assert train(settings(steps=8), tmp_path / "run", resume=True) == "done"
    assert log(tmp_path / "run")[-1]["step"] == 8


def test_a_used_folder_needs_resume_and_resume_needs_a_run(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").touch()
    with pytest.raises(UserError, match="not empty"):
        train(settings(), tmp_path / "run")
    with pytest.raises(UserError, match="nothing to resume"):
        train(settings(), tmp_path / "none", resume=True)
    assert not (tmp_path / "none").exists()


def test_a_model_is_not_taken_for_a_run(tmp_path):
    out = tmp_path / "run"
    train(settings(), out, signal_at=(2,))
    with pytest.raises(UserError, match=r"last: is a model, not a run; continue with --out .*run$"):
        train(settings(), out / "last", resume=True)
    (out / "last").rename(tmp_path / "kept")
    with pytest.raises(UserError, match=r"kept: is a model, not a run$"):
        train(settings(), tmp_path / "kept", resume=True)
    assert not (tmp_path / "kept" / "metrics.jsonl").exists()


def test_two_trainings_cannot_share_a_folder(tmp_path):
    train(settings(), tmp_path / "run", signal_at=(2,))
    with locks.claimed(tmp_path / "run"), pytest.raises(UserError, match="another training"):
        train(settings(), tmp_path / "run", resume=True)


@pytest.mark.parametrize("trouble", [{"nan_at": 5}, {"poison_at": 6}])
def test_nan_or_infinity_stops_and_keeps_the_last_good_checkpoint(tmp_path, trouble):
    train(settings(), tmp_path / "run", signal_at=(3,))
    good = weights(tmp_path / "run" / "last")
    with pytest.raises(UserError, match=r"step 6: .*(nan|NaN).*step 3 is saved in"):
        train(settings(), tmp_path / "run", resume=True, **trouble)
    assert weights(tmp_path / "run" / "last") == good
    assert log(tmp_path / "run")[-1]["status"] == "broken"
    assert train(settings(), tmp_path / "run", resume=True) == "done"


def test_half_a_log_line_is_dropped_on_resume(tmp_path):
    train(settings(), tmp_path / "run", signal_at=(3,))
    with (tmp_path / "run" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5}\n' + "[" * 100_000 + '\n{"step": 6, "los')
    train(settings(), tmp_path / "run", resume=True)
    assert [line["step"] for line in log(tmp_path / "run")] == [2, 3, 4, 6, 6]


def test_a_run_whose_saved_state_is_missing_does_not_begin_anew_over_its_weights(tmp_path):
    """Such as one that was copied without resume/, which is large."""
    out = tmp_path / "run"
    train(settings(), out)
    before = (out / "last" / "model.safetensors").read_bytes()
    shutil.rmtree(out / "resume")
    with pytest.raises(UserError, match=rf"resume/ is missing; begin a new run with --init {out / 'last'}$"):
        train(settings(steps=9), out, resume=True)
    assert (out / "last" / "model.safetensors").read_bytes() == before


def test_damaged_resume_state_is_named(tmp_path):
    train(settings(), tmp_path / "run", signal_at=(3,))
    path = tmp_path / "run" / "resume" / "process0.json"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"resume/process0\.json: damaged"):
        train(settings(), tmp_path / "run", resume=True)


def test_a_device_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert devices.pick_device("auto").type == devices.pick_device("cpu").type == "cpu"
    for name in ("cuda", "mps"):
        with pytest.raises(UserError, match=f"^device {name}: "):
            devices.pick_device(name)
    with pytest.raises(UserError, match="unknown device 'gpu'"):
        devices.pick_device("gpu")


def train_each(changes, *runs):
    """Trains one run after the other: what is called in processes of their own."""
    for out, how in runs:
        train(settings(**changes), out, **how)
    devices.finish()


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_exactly(tmp_path):
    often = {"checkpoint_minutes": 1e-6}
    train(settings(**often), tmp_path / "straight")
    for how in ({"kill_at": 1}, {"kill_at": 4, "resume": True}):  # before anything was saved, and after
        killed = forked(train_each, often, (tmp_path / "run", how), folder=tmp_path)
        assert killed.codes == [-signal.SIGKILL], killed.said
    assert train(settings(**often), tmp_path / "run", resume=True) == "done"
    assert weights(tmp_path / "run" / "last") == weights(tmp_path / "straight" / "last")


@pytest.mark.slow
def test_a_second_ctrl_c_leaves_at_once(tmp_path):
    twice = {"signal_at": Always(2, signal.SIGINT)}
    left = forked(train_each, {}, (tmp_path / "run", twice), folder=tmp_path)
    assert "Interrupted" in left.said
    assert left.codes == [1]
    assert not (tmp_path / "run" / "last").exists()


@pytest.mark.parametrize("number", ENDING)
def test_every_orderly_end_saves_and_leaves_however_often_it_is_said(tmp_path, number):
    """A terminal that is closed says SIGHUP twice, `timeout` says SIGTERM twice."""
    again = 1 if number == signal.SIGINT else 3
    outcome = train(settings(steps=6), tmp_path / "run", signal_at=Always(again, number))
    assert outcome == "stopped"
    assert "| steps | 1 of 6 |" in checkpoint.load(tmp_path / "run" / "last").card


def test_a_stop_in_the_last_step_holds_for_the_stages_that_follow(tmp_path):
    deadline = Deadline()
    assert train(settings(steps=2), tmp_path / "run", signal_at=(2,), deadline=lambda: deadline) == "done"
    assert deadline.passed


def test_a_run_of_two_processes_goes_on_with_one(tmp_path):
    """What each process has of its own is chance, which is made anew; one line says so."""
    out, streams = tmp_path / "run", []
    train(settings(steps=6), out, signal_at=(3,))
    sealed = {"kind": loop.RESUME_KIND, "version": loop.RESUME_VERSION}
    files = storage.read_folder(out / "resume", **sealed)
    second = {name.replace("process0", "process1"): data for name, data in files.items()}
    storage.write_folder(out / "resume", files | second, **sealed)
    with pytest.warns(UserWarning, match="until now 2 processes, from now on 1") as said:
        assert train(settings(steps=6), out, resume=True, seen=streams) == "done"
    assert len(said) == 1
    kept = decode(files["process0.safetensors"], files["process0.json"], "kept")
    assert not torch.equal(streams[0], kept["task"]["generator"])
    card = checkpoint.load(out / "last").card
    assert "| steps | 6 of 6 |" in card and "| processes | 1 |" in card and "| frames seen | 48 |" in card


@pytest.mark.slow
def test_two_processes_train_one_model_and_resume_and_a_run_goes_on_with_any_number_of_them(tmp_path):
    straight, parted, alone = tmp_path / "straight", tmp_path / "parted", tmp_path / "alone"
    train(settings(), alone, signal_at=(2,))
    runs = [(straight, {}), (parted, {"signal_at": (3,)})]
    runs += [(parted, {"resume": True, "deadline": partial(late, 1)}), (parted, {"resume": True})]
    runs += [(alone, {"resume": True, "signal_at": (4,)})]
    done = forked(train_each, {}, *runs, folder=tmp_path, count=2)
    assert done.codes == [0, 0], done.said
    assert weights(straight / "last") == weights(parted / "last")
    assert "| processes | 2 |" in checkpoint.load(parted / "last").card
    assert "| frames seen | 96 |" in checkpoint.load(parted / "last").card
    assert "until now 1 process, from now on 2" in done.said
    with pytest.warns(UserWarning, match="until now 2 processes, from now on 1"):
        assert train(settings(), alone, resume=True) == "done"
    assert "| frames seen | 64 |" in checkpoint.load(alone / "last").card
