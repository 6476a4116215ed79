"""Training of Tilemap: what each term asks for, and that a run resumes, ships and dreams."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gamesim import checkpoint, cli, config, storage
from gamesim.data.dataset import Dataset, Segments
from gamesim.models.frames import to_float
from gamesim.training import devices, loop, tilemap
from gamesim.training.state import decode
from gamesim.training.tilemap import TilemapTask, unroll

ROOT = Path(__file__).parents[2]
SMALL = ["data.segment=6", "data.batch_size=4", "data.validation=0.3", "data.starts=2", "data.start_frames=2"]
SMALL += ["training.steps=6", "training.log_every=2", "training.validate_every=3"]
SMALL += ["model.channels=8", "model.hidden=4", "model.tiles=16", "model.memory_width=4"]
SMALL += [
    "training.unroll={start: 4, end: 6, begin: 0, over: 1}",
    "training.free_running={start: 0.5, end: 0.5}",
]
SMALL += ["training.palette_frames=64"]
VARIANTS = {
    "whole": (),
    "without memory": ("model.memory=false",),
    "in bfloat16": ("training.precision=bfloat16",),
    "teacher-forced alone": ("training.free_running={start: 0, end: 0}",),
    "freely, but for one lane": ("training.free_running={start: 1, end: 1}",),
}


def chosen(*overrides: str) -> config.Config:
    return config.load("tilemap", [*SMALL, *overrides])


def make(settings: config.Config, plays: Path) -> TilemapTask:
    """A seeded task, as the command line makes it."""
    device = devices.setup("cpu", seed=settings.seed, threads=1)
    data = {"segment": settings.data.segment, "validation": settings.data.validation}
    train, held_out = (Dataset(plays, split=split, **data) for split in ("train", "validation"))
    return TilemapTask(settings, train, held_out, device)


def run(settings: config.Config, plays: Path, out: Path, *, resume=False, stop_after=None) -> TilemapTask:
    """Trains into `out`; asks to stop, as Ctrl-C does, while the step after `stop_after` steps is taken."""
    task = make(settings, plays)
    step = task.step

    def interrupted() -> Mapping[str, Tensor]:
        if task.done == stop_after:
            os.kill(os.getpid(), signal.SIGTERM)
        return step()

    task.step = interrupted
    starts = checkpoint.Starts(*task.train.starts(2, 2))
    outcome = loop.run(loop.Training(task, starts), settings, out, device=task.device, resume=resume)
    assert outcome == ("done" if stop_after is None else "stopped")
    return task


def weights(module: torch.nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def batch(task: TilemapTask) -> tuple[Segments, Tensor]:
    """Four windows, and the frames (4, 6, 3, 84, 84) that came in them."""
    segments = task.train.sample(4, torch.Generator().manual_seed(0))
    return segments, to_float(segments.frames)[:, 1:]


def shown(task: TilemapTask, *lead: int) -> Tensor:
    """Frames (*lead, 3, 84, 84) of cells that are all some tile, at random."""
    drawn = torch.randint(3, (lead[0] * lead[1], 7, 7))
    tiles = task.trained.engine.renderer.tiles
    with torch.no_grad():
        return tiles(F.one_hot(drawn, tiles.count).movedim(-1, 1).float()).unflatten(0, lead)


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# ---------------------------------------------------------------------------------- one step


ALL = {"frame", "outcome", "static", "dynamic", "remembered", "covering"}
LACKING = {"without memory": {"static", "dynamic"}, "teacher-forced alone": {"remembered"}}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_takes_steps(name, plays):
    task = make(chosen(*VARIANTS[name]), plays)
    trained = weights(task.trained)
    for _ in range(2):
        terms = task.step()
        assert set(terms) == ALL - LACKING.get(name, set())
        assert all(term.ndim == 0 and term.isfinite() and not term.requires_grad for term in terms.values())
    moved = [key for key in trained if not torch.equal(trained[key], task.trained.state_dict()[key])]
    assert len(moved) > len(trained) / 2


def test_validation_and_sheets_repeat_and_change_nothing(plays):
    task = make(chosen(), plays)
    task.step()
    before, generator = weights(task.trained), task.generator.get_state()
    figures = task.validate()
    assert set(figures) == {"nll"} and task.score_key in figures
    assert figures == task.validate()
    sheet = task.sheet()
    assert sheet.dtype == "uint8" and sheet.ndim == 3 and sheet.shape[2] == 3
    assert (sheet == task.sheet()).all()
    assert same(before, weights(task.trained)) and torch.equal(generator, task.generator.get_state())
    assert task.trained.training


def test_frames_per_step_is_what_the_next_step_unrolls(plays, monkeypatch):
    task = make(chosen("data.batch_size=2", "training.unroll={start: 4, end: 9, begin: 0, over: 0.6}"), plays)
    seen: list[int] = []

    def spy(engine, frames, actions, *rest):
        seen.append(actions.numel())
        assert frames.shape[1] == actions.shape[1] + 1
        return unroll(engine, frames, actions, *rest)

    monkeypatch.setattr(tilemap, "unroll", spy)
    promised = []
    for _ in range(6):
        promised.append(task.frames_per_step)
        task.step()
    assert seen == promised
    assert seen == [8, 10, 12, 12, 12, 12]  # batches of 2; never more than data.segment steps


def test_real_frames_are_fed_for_the_warm_up_and_no_longer(plays):
    task = make(chosen(), plays)
    frames = shown(task, 2, 5)
    changed = frames.clone()
    changed[:, 2] = shown(task, 2, 1)[:, 0]
    actions = torch.tensor([[1, 2, 3, 4], [0, 1, 0, 2]])

    def dreamt(real: Tensor, warm_up: int) -> Tensor:
        torch.manual_seed(0)
        with torch.no_grad():
            return unroll(task.trained.engine, real, actions, warm_up, 0).frame

    assert torch.equal(dreamt(frames, 2), dreamt(changed, 2))
    fed, fed_otherwise = dreamt(frames, 3), dreamt(changed, 3)
    assert torch.equal(fed[:, :2], fed_otherwise[:, :2])
    assert not torch.equal(fed[:, 2], fed_otherwise[:, 2])


def test_a_rollout_knows_which_lanes_were_teacher_forced(plays):
    task = make(chosen(), plays)
    frames, actions = torch.rand(3, 4, 3, 84, 84), torch.zeros(3, 3, dtype=torch.int64)
    rolled = unroll(task.trained.engine, frames, actions, 1, 2)
    assert rolled.frame.shape == (3, 3, 3, 84, 84) and rolled.forced == 2 and len(rolled.states) == 4
    for part in (rolled.reward, rolled.end_logit, rolled.covered):
        assert part.shape == (3, 3)
    assert torch.equal(rolled.frame[:2], frames[:2, 1:]) and not torch.equal(rolled.frame[2], frames[2, 1:])
    assert rolled.weight.shape == (3, 3, 7, 7)
    assert torch.allclose(rolled.weight.mean((2, 3)), torch.ones(3, 3))
    assert (rolled.weight[:2] == 0).any() and (rolled.weight[2] == 1).all()


def test_teacher_forced_lanes_see_what_they_are_fed_and_are_asked_for_what_is_real(plays):
    task = make(chosen(), plays)
    frames, actions = shown(task, 2, 3), torch.zeros(2, 2, dtype=torch.int64)

    def said(fed: Tensor | None) -> tilemap.Rollout:
        torch.manual_seed(0)
        return unroll(task.trained.engine, frames, actions, 1, 1, fed)

    plain, misled = said(None), said(shown(task, 1, 3))
    assert torch.equal(plain.frame[0], misled.frame[0])
    assert torch.equal(plain.log_probs[1], misled.log_probs[1])
    assert not torch.equal(plain.log_probs[0], misled.log_probs[0])


def test_corrupted_frames_have_cells_of_another_lane():
    frames = torch.rand(4, 3, 3, 84, 84)
    corrupted = tilemap.corrupted(frames, 12, 0.25)
    wrong = (corrupted != frames).view(4, 3, 3, 7, 12, 7, 12)
    whole = wrong[..., :1, :, :1].expand_as(wrong)
    assert torch.equal(wrong, whole), "whole cells"
    assert torch.equal(torch.where(corrupted != frames, frames.roll(1, 0), frames), corrupted)
    assert 0.15 < wrong.float().mean() < 0.35
    assert torch.equal(tilemap.corrupted(frames, 12, 0.0), frames)


def test_the_static_layer_answers_for_the_places_that_were_in_view(plays):
    task = make(chosen(), plays)
    rolled = unroll(
        task.trained.engine, torch.rand(2, 4, 3, 84, 84), torch.zeros(2, 3, dtype=torch.int64), 1, 2
    )
    ways = torch.tensor([[0, 0], [0, 0], [2, 0], [1, 0]])  # two cells to the right, and one back
    for state, way in zip(rolled.states, ways, strict=True):
        state["location"] = (5 + way).expand(2, 2)
    seen = tilemap.seen_before(task.trained.engine, rolled.states)
    assert seen.shape == (2, 3, 7, 7)
    assert seen[:, 0].all() and seen[:, 2].all()
    assert seen[:, 1, :, :5].all() and not seen[:, 1, :, 5:].any()


def test_what_passes_by_is_not_the_static_layers_business():
    """Where there are 2% ghosts the best to say is never; by the likelihood alone it would be 2%."""
    says = torch.linspace(0.0001, 0.2, 2000)
    rest, ghost = -(1 - says).log(), -says.log()

    def best(chance: float) -> Tensor:
        asked = 0.98 * tilemap.robust(rest, chance) + 0.02 * tilemap.robust(ghost, chance)
        return says[asked.argmin()]

    assert best(0.05) < 0.001
    assert best(0) == pytest.approx(0.02, abs=0.001)
    assert tilemap.robust(torch.tensor(0.0), 0.05) == pytest.approx(-math.log(1.05))
    assert tilemap.robust(torch.tensor(1e4), 0.05) == pytest.approx(-math.log(0.05)), "however wrong"


def test_either_layer_is_asked_by_itself_while_the_schedule_says_so(plays):
    task = make(chosen("training.losses.dynamic={start: 3, end: 0, begin: 0, over: 1}"), plays)
    segments, real = batch(task)
    rolled = unroll(task.trained.engine, to_float(segments.frames), torch.zeros_like(segments.actions), 1, 4)
    nll = task.trained.engine.nll(rolled.log_probs.flatten(0, 1), real.flatten(0, 1))
    _, static, dynamic = nll.unflatten(0, (4, 6)).unbind(2)
    terms = task.losses(rolled, segments, real, 1, task.shares())
    assert terms["dynamic"].item() == pytest.approx(3 * (rolled.weight * dynamic).mean().item())
    assert terms["static"].item() == pytest.approx(10 * tilemap.robust(static, 0.05).mean().item()), (
        "nobody moved"
    )
    task.done = task.settings.steps
    assert "dynamic" not in task.losses(rolled, segments, real, 1, task.shares())


def test_covering_the_static_layer_costs_more_while_the_schedule_says_so(plays):
    task = make(chosen("training.losses.covering={start: 10, end: 1, begin: 0, over: 1}"), plays)
    segments, real = batch(task)
    rolled = unroll(task.trained.engine, to_float(segments.frames), segments.actions, 1, 4)
    dear = task.losses(rolled, segments, real, 1, task.shares())["covering"].item()
    task.done = task.settings.steps
    cheap = task.losses(rolled, segments, real, 1, task.shares())["covering"].item()
    assert cheap > 0 and dear == pytest.approx(10 * cheap)


def test_lanes_that_run_freely_answer_for_what_a_real_frame_showed_them(plays):
    """For as long as they are where their twin is, and not again afterwards."""
    engine = make(chosen(), plays).trained.engine
    states = [engine.initial(torch.zeros(1, 3, 84, 84)) for _ in range(4)]
    for state, x in zip(states, (5, 6, 10, 9), strict=True):
        state["location"] = torch.tensor([[x, 5]])
    together = tilemap.known(engine, states, states, 1)
    assert together.shape == (1, 3, 7, 7)
    assert together.mean((0, 2, 3)).tolist() == pytest.approx([6 / 7, 2 / 7, 3 / 7])
    strayed = [dict(state) for state in states]
    strayed[2]["location"] = torch.tensor([[9, 5]])
    apart = tilemap.known(engine, strayed, states, 1)
    assert torch.equal(apart[:, 0], together[:, 0]) and not apart[:, 1:].any()
    assert tilemap.known(engine, states, states, 3)[:, 2].all(), "a longer warm-up shows more"


def test_a_masked_mean_is_over_the_masked_places_alone():
    distances, mask = torch.arange(8.0).view(1, 2, 2, 2), torch.tensor([[1.0, 0], [0, 1]]).expand(1, 2, 2, 2)
    assert tilemap.masked_mean(distances, mask) == (0 + 3 + 4 + 7) / 4
    assert tilemap.masked_mean(distances, torch.zeros(1, 2, 2, 2)) == 0


def test_a_time_limit_teaches_neither_reward_nor_end(plays):
    """A time limit is not in the pixels, so what it pays and that it ends the episode is left out."""
    task = make(chosen(), plays)
    segments, real = batch(task)
    rolled = unroll(task.trained.engine, to_float(segments.frames), segments.actions, 1, 4)
    segments.truncated[:] = segments.terminated[:] = False
    plain = task.losses(rolled, segments, real, 1, task.shares())["outcome"]
    segments.rewards[0, -1] += 5
    assert task.losses(rolled, segments, real, 1, task.shares())["outcome"] > plain + 0.1
    segments.truncated[0, -1] = True
    assert task.losses(rolled, segments, real, 1, task.shares())["outcome"] < plain + 0.1


def test_the_shipped_weights_are_an_average_of_the_trained_ones(plays):
    task = make(chosen("training.average=0.9"), plays)
    name = "engine.renderer.kinds.weight"
    start = weights(task.trained)[name]
    assert torch.equal(weights(task.model)[name], start)
    task.step()
    trained, shipped = weights(task.trained)[name], weights(task.model)[name]
    decay = 1 / 10  # (1 + n) / (10 + n) before the average has warmed up
    assert torch.allclose(shipped, decay * start + (1 - decay) * trained)
    assert not torch.equal(trained, start)
    without = make(chosen("training.average=0"), plays)
    without.step()
    assert same(weights(without.model), weights(without.trained))


# ---------------------------------------------------------------------------------- whole runs


def test_two_steps_and_two_more_are_four_to_the_byte(plays, tmp_path):
    settings = chosen("training.average=0.9", "training.steps=4", "training.validate_every=2")
    straight = run(settings, plays, tmp_path / "straight")
    run(settings, plays, tmp_path / "parted", stop_after=1)
    assert json.loads((tmp_path / "parted/metrics.jsonl").read_text().splitlines()[-1])["step"] == 2
    resumed = run(settings, plays, tmp_path / "parted", resume=True)
    for part in ("trained", "model"):
        assert same(weights(getattr(straight, part)), weights(getattr(resumed, part))), part
    for file in ("last/model.safetensors", "best/model.safetensors"):
        assert (tmp_path / "straight" / file).read_bytes() == (tmp_path / "parted" / file).read_bytes()
    for out in ("straight", "parted"):  # batches of 4, sequences of 4, 4, 5 and 6 steps
        assert "| frames seen | 76 |" in checkpoint.load(tmp_path / out / "last").card


def dreams(folder: Path) -> None:
    """A checkpoint imagines three steps from its own starts."""
    model, loaded = checkpoint.load_model(folder)
    state = model.start(loaded.starts.frames, loaded.starts.actions)
    generator = torch.Generator().manual_seed(0)
    for key in (1, 3, 0):
        action = torch.full((len(loaded.starts.frames),), key)
        state, seen = model.imagine(state, action, temperature=1.0, generator=generator)
        assert seen.frame.shape == loaded.starts.frames[:, 0].shape and seen.frame.dtype == torch.uint8
        assert seen.reward.isfinite().all()
        assert ((seen.end_probability >= 0) & (seen.end_probability <= 1)).all()


def test_the_command_line_trains_a_checkpoint_that_dreams(plays, tmp_path, capsys):
    words = ["train", "tilemap", "--data", str(plays), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert cli.main([*words, *SMALL, "training.steps=2"]) == 0
    assert "done: " in capsys.readouterr().out
    assert list((tmp_path / "run" / "samples").glob("*.png"))
    for name in ("last", "best"):
        dreams(tmp_path / "run" / name)
    names = checkpoint.load(tmp_path / "run" / "last").weights
    assert all(name.startswith("engine.") for name in names)


def command(plays: Path, out: Path, *words: str, before: tuple[str, ...] = ()) -> list[str]:
    start = [sys.executable, *before, str(ROOT / "main.py"), "train", "tilemap", "--device", "cpu"]
    return [*start, "--data", str(plays), "--out", str(out), *SMALL, *words]


@pytest.mark.slow
def test_sigterm_saves_and_leaves(plays, tmp_path):
    words = command(plays, tmp_path / "run", "training.steps=100000", "training.log_every=1")
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        log, patience = tmp_path / "run" / "metrics.jsonl", time.monotonic() + 200
        while not (log.is_file() and log.read_text().count("\n") > 2):
            assert process.poll() is None and time.monotonic() < patience
            time.sleep(0.1)
        process.terminate()
        out, errors = process.communicate(timeout=200)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    assert "\nstopped: " in out
    assert json.loads(log.read_text().splitlines()[-1])["status"] == "stopped"
    dreams(tmp_path / "run" / "last")


@pytest.mark.slow
def test_two_processes_train_the_same_weights_on_batches_of_their_own(plays, tmp_path):
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    words = command(plays, tmp_path / "run", "training.steps=3", before=torchrun)
    result = subprocess.run(words, capture_output=True, text=True, timeout=280)
    assert result.returncode == 0, result.stderr
    files = storage.read_folder(
        tmp_path / "run" / "resume", kind=loop.RESUME_KIND, version=loop.RESUME_VERSION
    )
    first, second = (
        decode(files[f"process{rank}.safetensors"], files[f"process{rank}.json"], "resume")["task"]
        for rank in (0, 1)
    )
    for part in ("trained", "average"):
        assert same(first[part], second[part]), part
    alone = run(chosen("training.steps=3"), plays, tmp_path / "alone")
    assert not same(first["trained"], weights(alone.trained))
    assert not torch.equal(first["generator"], second["generator"])
    dreams(tmp_path / "run" / "last")
