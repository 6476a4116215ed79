"""Training of GameGAN: every variant takes steps, and a run resumes, ships and dreams."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gamesim import checkpoint, cli, config, models, rollout, storage
from gamesim.data.dataset import Dataset
from gamesim.training import gamegan, loop
from gamesim.training.adversarial import build_discriminators
from gamesim.training.gamegan import GameGANTask, unroll
from gamesim.training.state import decode

ROOT = Path(__file__).parents[2]
SMALL = ["data.segment=6", "data.batch_size=4", "data.validation=0.3", "data.starts=2", "data.start_frames=2"]
SMALL += ["training.steps=6", "training.log_every=2", "training.validate_every=3"]
MAPS = [
    *SMALL,
    "model.channels=8",
    "model.hidden=4",
    "model.z_size=16",
    "model.memory_width=4",
    "model.blocks=1",
]
MAPS += [
    "model.discriminator_channels=8",
    "training.unroll={start: 4, end: 6}",
    "training.adversarial_from=0",
]
MAPS += ["training.dreaming={start: 0.5, end: 0.5}"]
PAPER = [*SMALL, "model.channels=4", "model.hidden=16", "model.z_size=4", "model.memory_slots=5"]
PAPER += ["model.memory_width=8", "model.discriminator_channels=4", "data.segment=4", "data.batch_size=2"]

VARIANTS = {
    "maps": ("gamegan-lite", MAPS),
    "maps, with discriminators": ("gamegan-lite", [*MAPS, "training.adversarial=true"]),
    "maps, without memory": ("gamegan-lite", [*MAPS, "model.memory=false"]),
    "maps, in bfloat16": (
        "gamegan-lite",
        [*MAPS, "training.adversarial=true", "training.precision=bfloat16"],
    ),
    "paper": ("gamegan", [*PAPER, "training.precision=float32"]),
    "gamegan-m": ("gamegan-m", [*PAPER, "training.precision=float32"]),
    "action-lstm": ("action-lstm", [*PAPER, "training.precision=float32"]),
}


@pytest.fixture(scope="session")
def plays(tmp_path_factory) -> Path:
    """Twelve recorded games."""
    folder = tmp_path_factory.mktemp("plays")
    rollout.record("gamesim/Pacman-v0", "explorer", 12, folder, seed=1, progress=False)
    return folder


def chosen(name: str, *overrides: str) -> config.Config:
    preset, words = VARIANTS[name]
    return config.load(preset, [*words, *overrides])


def make(settings: config.Config, plays: Path) -> GameGANTask:
    """A seeded task, as the command line makes it."""
    device = loop.setup("cpu", seed=settings.seed, threads=1)
    data = {"segment": settings.data.segment, "validation": settings.data.validation}
    train, held_out = (Dataset(plays, split=split, **data) for split in ("train", "validation"))
    return GameGANTask(settings, train, held_out, device)


def run(settings: config.Config, plays: Path, out: Path, *, resume=False, stop_after=None) -> GameGANTask:
    """Trains into `out`; asks to stop, as Ctrl-C does, while the step after `stop_after` steps is taken."""
    task = make(settings, plays)
    step = task.step

    def interrupted() -> dict[str, Tensor]:
        if task.done == stop_after:
            os.kill(os.getpid(), signal.SIGTERM)
        return step()

    task.step = interrupted
    starts = checkpoint.Starts(*task.train.starts(2, 2))
    outcome = loop.run(task, settings, out, device=task.device, starts=starts, resume=resume)
    assert outcome == ("done" if stop_after is None else "stopped")
    return task


def weights(module: torch.nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def shown(task: GameGANTask, *lead: int) -> Tensor:
    """Frames (*lead, 3, 84, 84) of cells that are all some tile, at random."""
    drawn = torch.randint(3, (lead[0] * lead[1], 7, 7))
    tiles = task.trained.engine.renderer.tiles
    with torch.no_grad():
        return tiles(F.one_hot(drawn, tiles.count).movedim(-1, 1).float()).unflatten(0, lead)


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# ---------------------------------------------------------------------------------- presets and variants


@pytest.mark.parametrize(
    "preset", [name for name in config.presets() if config.load(name).system == "gamegan"]
)
def test_every_preset_builds_an_engine_and_its_discriminators(preset):
    settings = config.load(preset)
    with torch.device("meta"):
        model, judges = models.build(settings), build_discriminators(settings.model)
    assert sum(weight.numel() for weight in model.parameters()) > 1000
    assert sum(weight.numel() for weight in judges.parameters()) > 1000


LIKELIHOOD = {"reconstruction", "outcome", "static", "dynamic", "remembered", "memory"}
TERMS = {
    "maps": LIKELIHOOD,
    "maps, with discriminators": LIKELIHOOD | {"adversarial", "discriminators"},
    "maps, without memory": LIKELIHOOD - {"static", "dynamic"},
    "paper": {
        "reconstruction", "outcome", "cycle", "memory",
        "adversarial", "features", "action_recovery", "z_recovery", "discriminators",
    },
    "action-lstm": {"reconstruction", "outcome", "memory"},
}  # fmt: skip
TERMS["gamegan-m"] = TERMS["paper"]
TERMS["maps, in bfloat16"] = TERMS["maps, with discriminators"]


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_takes_steps(name, plays):
    task = make(chosen(name), plays)
    trained, judges = weights(task.trained), weights(task.judges)
    for _ in range(2):
        terms = task.step()
        assert set(terms) == TERMS[name]
        assert all(term.ndim == 0 and term.isfinite() and not term.requires_grad for term in terms.values())
    moved = [key for key in trained if not torch.equal(trained[key], task.trained.state_dict()[key])]
    assert len(moved) > len(trained) / 2
    assert same(judges, weights(task.judges)) is not task.settings.adversarial
    assert all(parameter.requires_grad for parameter in task.judges.parameters())


@pytest.mark.parametrize("name", ["maps", "action-lstm"])
def test_validation_and_sheets_repeat_and_change_nothing(name, plays):
    task = make(chosen(name), plays)
    task.step()
    before, generator = weights(task.trained), task.generator.get_state()
    figures = task.validate()
    assert set(figures) == {"distance"} and task.score_key in figures
    assert figures == task.validate()
    sheet = task.sheet()
    assert sheet.dtype == "uint8" and sheet.ndim == 3 and sheet.shape[2] == 3
    assert (sheet == task.sheet()).all()
    assert same(before, weights(task.trained)) and torch.equal(generator, task.generator.get_state())
    assert task.trained.training


# ---------------------------------------------------------------------------------- one step


def test_frames_per_step_is_what_the_next_step_unrolls(plays, monkeypatch):
    task = make(chosen("maps", "training.unroll={start: 4, end: 9, over: 0.6}"), plays)
    seen: list[int] = []

    def spy(engine, frames, actions, *rest):
        seen.append(actions.numel())
        assert frames.shape[1] == actions.shape[1] + 1
        return unroll(engine, frames, actions, *rest)

    monkeypatch.setattr(gamegan, "unroll", spy)
    promised = []
    for _ in range(6):
        promised.append(task.frames_per_step)
        task.step()
    assert seen == promised
    assert seen == [16, 20, 24, 24, 24, 24]  # batches of 4; never more than data.segment steps


def test_real_frames_are_fed_for_the_warm_up_and_no_longer(plays):
    task = make(chosen("maps"), plays)
    frames = shown(task, 2, 5)
    changed = frames.clone()
    changed[:, 2] = shown(task, 2, 1)[:, 0]
    actions = torch.tensor([[1, 2, 3, 4], [0, 1, 0, 2]])

    def dreamt(real: Tensor, warm_up: int) -> Tensor:
        torch.manual_seed(0)
        with torch.no_grad():
            return unroll(task.trained.engine, real, actions, warm_up, 0).frames

    assert torch.equal(dreamt(frames, 2), dreamt(changed, 2))
    fed, fed_otherwise = dreamt(frames, 3), dreamt(changed, 3)
    assert torch.equal(fed[:, :2], fed_otherwise[:, :2])
    assert not torch.equal(fed[:, 2], fed_otherwise[:, 2])


def test_a_rollout_knows_which_lanes_were_told(plays):
    task = make(chosen("maps"), plays)
    frames, actions = torch.rand(3, 4, 3, 84, 84), torch.zeros(3, 3, dtype=torch.int64)
    rolled = unroll(task.trained.engine, frames, actions, 1, 2)
    assert rolled.frames.shape == (3, 3, 3, 84, 84) and rolled.told == 2 and len(rolled.states) == 4
    assert rolled.z.shape == (3, 3, *task.trained.engine.noise_shape)
    for part in (rolled.rewards, rolled.end_logits, rolled.penalty):
        assert part.shape == (3, 3)
    assert torch.equal(rolled.frames[:2], frames[:2, 1:]) and not torch.equal(rolled.frames[2], frames[2, 1:])
    assert rolled.weight.shape == (3, 3, 7, 7)
    assert torch.allclose(rolled.weight.mean((2, 3)), torch.ones(3, 3))
    assert (rolled.weight[:2] == 0).any() and (rolled.weight[2] == 1).all()


def test_told_lanes_see_what_they_are_fed_and_are_asked_for_what_is_real(plays):
    task = make(chosen("maps"), plays)
    frames, actions = shown(task, 2, 3), torch.zeros(2, 2, dtype=torch.int64)

    def said(fed: Tensor | None) -> gamegan.Rollout:
        torch.manual_seed(0)
        return unroll(task.trained.engine, frames, actions, 1, 1, fed)

    plain, spoilt = said(None), said(shown(task, 1, 3))
    assert torch.equal(plain.frames[0], spoilt.frames[0]) and torch.equal(plain.drawn[1], spoilt.drawn[1])
    assert not torch.equal(plain.drawn[0], spoilt.drawn[0])


def test_spoilt_frames_have_cells_of_another_lane():
    frames = torch.rand(4, 3, 3, 84, 84)
    spoilt = gamegan.spoilt(frames, 12, 0.25)
    wrong = (spoilt != frames).view(4, 3, 3, 7, 12, 7, 12)
    whole = wrong[..., :1, :, :1].expand_as(wrong)
    assert torch.equal(wrong, whole), "whole cells"
    assert torch.equal(torch.where(spoilt != frames, frames.roll(1, 0), frames), spoilt)
    assert 0.15 < wrong.float().mean() < 0.35
    assert torch.equal(gamegan.spoilt(frames, 12, 0.0), frames)


def test_the_static_layer_answers_for_the_places_that_were_in_view(plays):
    task = make(chosen("maps"), plays)
    rolled = unroll(
        task.trained.engine, torch.rand(2, 4, 3, 84, 84), torch.zeros(2, 3, dtype=torch.int64), 1, 2
    )
    ways = torch.tensor([[0, 0], [0, 0], [2, 0], [1, 0]])  # two cells to the right, and one back
    for state, way in zip(rolled.states, ways, strict=True):
        state["location"] = (5 + way).expand(2, 2)
    seen = task._seen(rolled, lanes=2)
    assert seen.shape == (2, 3, 7, 7)
    assert seen[:, 0].all() and seen[:, 2].all()
    assert seen[:, 1, :, :5].all() and not seen[:, 1, :, 5:].any()


def test_what_passes_by_is_not_the_static_layers_business():
    """Where there are 2% ghosts the best to say is never; by the likelihood alone it would be 2%."""
    says = torch.linspace(0.0001, 0.2, 2000)
    rest, ghost = -(1 - says).log(), -says.log()
    best = says[(0.98 * gamegan.robust(rest) + 0.02 * gamegan.robust(ghost)).argmin()]
    assert best < 0.001
    assert says[(0.98 * rest + 0.02 * ghost).argmin()] == pytest.approx(0.02, abs=0.001)
    assert gamegan.robust(torch.tensor(0.0)) == pytest.approx(-math.log(1.05))
    assert gamegan.robust(torch.tensor(1e4)) == pytest.approx(-math.log(0.05)), "however wrong"


def test_either_layer_is_asked_by_itself_while_the_schedule_says_so(plays):
    task = make(chosen("maps", "training.dynamic={start: 3, end: 0}"), plays)
    frames = gamegan.to_float(task.train.sample(4, torch.Generator().manual_seed(0)).frames)
    rolled = unroll(task.trained.engine, frames, torch.zeros(4, 6, dtype=torch.int64), 1, 4)
    distances = task._distances(rolled, frames[:, 1:])
    _, static, dynamic = distances.unbind(2)
    terms = task._by_themselves(rolled, distances, 4)
    assert terms["dynamic"].item() == pytest.approx(3 * (rolled.weight * dynamic).mean().item())
    assert terms["static"].item() == pytest.approx(10 * gamegan.robust(static).mean().item()), "nobody moved"
    task.done = task.settings.steps
    assert "dynamic" not in task._by_themselves(rolled, distances, 4)


def test_covering_the_static_layer_costs_more_while_the_schedule_says_so(plays):
    task = make(chosen("maps", "training.covering={start: 10, end: 1}"), plays)
    segments = task.train.sample(4, torch.Generator().manual_seed(0))
    frames = gamegan.to_float(segments.frames)
    rolled = unroll(task.trained.engine, frames, segments.actions, 1, 4)
    dear = task._supervised(rolled, frames, segments, 1)["memory"].item()
    task.done = task.settings.steps
    cheap = task._supervised(rolled, frames, segments, 1)["memory"].item()
    assert cheap > 0 and dear == pytest.approx(10 * cheap)


def test_a_masked_mean_is_over_the_masked_places_alone():
    distances, mask = torch.arange(8.0).view(1, 2, 2, 2), torch.tensor([[1.0, 0], [0, 1]]).expand(1, 2, 2, 2)
    assert gamegan._mean(distances, mask) == (0 + 3 + 4 + 7) / 4
    assert gamegan._mean(distances, torch.zeros(1, 2, 2, 2)) == 0


def test_a_time_limit_teaches_neither_reward_nor_end(plays):
    """A time limit is not in the pixels, so what it pays and that it ends the episode is left out."""
    task = make(chosen("maps"), plays)
    segments = task.train.sample(4, torch.Generator().manual_seed(0))
    frames = gamegan.to_float(segments.frames)
    rolled = unroll(task.trained.engine, frames, segments.actions, 1, 4)
    segments.truncated[:] = segments.terminated[:] = False
    plain = task._supervised(rolled, frames, segments, 1)["outcome"]
    segments.rewards[0, -1] += 5
    assert task._supervised(rolled, frames, segments, 1)["outcome"] > plain + 0.1
    segments.truncated[0, -1] = True
    assert task._supervised(rolled, frames, segments, 1)["outcome"] < plain + 0.1


def test_the_shipped_weights_are_an_average_of_the_trained_ones(plays):
    task = make(chosen("maps", "training.average=0.9"), plays)
    name = "engine.renderer.kinds.weight"
    start = weights(task.trained)[name]
    assert torch.equal(weights(task.model)[name], start)
    task.step()
    trained, shipped = weights(task.trained)[name], weights(task.model)[name]
    decay = 1 / 10  # (1 + n) / (10 + n) before the average has warmed up
    assert torch.allclose(shipped, decay * start + (1 - decay) * trained)
    assert not torch.equal(trained, start)
    without = make(chosen("maps", "training.average=0"), plays)
    assert without.model is without.trained


# ---------------------------------------------------------------------------------- whole runs


def test_three_steps_and_three_more_are_six_to_the_byte(plays, tmp_path):
    settings = chosen("maps", "training.average=0.9")
    straight = run(settings, plays, tmp_path / "straight")
    run(settings, plays, tmp_path / "parted", stop_after=2)
    assert json.loads((tmp_path / "parted/metrics.jsonl").read_text().splitlines()[-1])["step"] == 3
    resumed = run(settings, plays, tmp_path / "parted", resume=True)
    for part in ("trained", "model", "judges"):
        assert same(weights(getattr(straight, part)), weights(getattr(resumed, part))), part
    for file in ("last/model.safetensors", "best/model.safetensors"):
        assert (tmp_path / "straight" / file).read_bytes() == (tmp_path / "parted" / file).read_bytes()
    for out in ("straight", "parted"):  # batches of 4, sequences of 4, 4, 5, 5, 5 and 6 steps
        assert "| frames seen | 116 |" in checkpoint.load(tmp_path / out / "last").card


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
    words = ["train", "gamegan-lite", "--data", str(plays), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert cli.main([*words, *MAPS, "training.steps=2"]) == 0
    assert "done: " in capsys.readouterr().out
    assert list((tmp_path / "run" / "samples").glob("*.png"))
    for name in ("last", "best"):
        dreams(tmp_path / "run" / name)
    names = checkpoint.load(tmp_path / "run" / "last").weights
    assert all(name.startswith("engine.") for name in names)  # the discriminators stay at home


def command(plays: Path, out: Path, *words: str, before: tuple[str, ...] = ()) -> list[str]:
    start = [sys.executable, *before, str(ROOT / "main.py"), "train", "gamegan-lite", "--device", "cpu"]
    return [*start, "--data", str(plays), "--out", str(out), *MAPS, *words]


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
        out, errors = process.communicate(timeout=90)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    assert out.startswith("stopped: ")
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
    for part in ("trained", "average", "judges"):
        assert same(first[part], second[part]), part
    alone = run(chosen("maps", "training.steps=3"), plays, tmp_path / "alone")
    assert not same(first["trained"], weights(alone.trained))
    assert not torch.equal(first["generator"], second["generator"])
    dreams(tmp_path / "run" / "last")
