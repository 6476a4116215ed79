"""Training of GameGAN: every variant of the paper takes steps, and a run resumes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gamesim import checkpoint, config, models, rollout
from gamesim.data.dataset import Dataset
from gamesim.models.gamegan.discriminators import Discriminators
from gamesim.training import loop
from gamesim.training.gamegan import GameGANTask, unroll

SMALL = ["data.segment=4", "data.batch_size=2", "data.validation=0.3", "data.starts=2", "data.start_frames=2"]
SMALL += ["training.steps=6", "training.log_every=2", "training.validate_every=3"]
SMALL += ["training.precision=float32", "model.channels=4", "model.hidden=16", "model.z_size=4"]
SMALL += ["model.memory_slots=5", "model.memory_width=8", "model.discriminator_channels=4"]
ADVERSARIAL = {"adversarial", "features", "action_recovery", "z_recovery", "discriminators"}
TERMS = {
    "gamegan": {"reconstruction", "outcome", "cycle", "memory"} | ADVERSARIAL,
    "gamegan-m": {"reconstruction", "outcome", "cycle", "memory"} | ADVERSARIAL,
    "action-lstm": {"reconstruction", "outcome", "memory"},
}


@pytest.fixture(scope="module")
def plays(tmp_path_factory) -> Path:
    """Twelve recorded games."""
    folder = tmp_path_factory.mktemp("plays")
    rollout.record("gamesim/Pacman-v0", "explorer", 12, folder, seed=1, progress=False)
    return folder


def make(settings: config.Config, plays: Path) -> GameGANTask:
    """A seeded task, as the command line makes it."""
    device = loop.setup("cpu", seed=settings.seed, threads=1)
    data = {"segment": settings.data.segment, "validation": settings.data.validation}
    train, held_out = (Dataset(plays, split=split, **data) for split in ("train", "validation"))
    return GameGANTask(settings, train, held_out, device)


def weights(module: torch.nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    "preset", [name for name in config.presets() if config.load(name).system == "gamegan"]
)
def test_every_preset_builds_an_engine_and_its_discriminators(preset):
    settings = config.load(preset)
    with torch.device("meta"):
        model, judges = models.build(settings), Discriminators(settings.model)
    assert sum(weight.numel() for weight in model.parameters()) > 1000
    assert sum(weight.numel() for weight in judges.parameters()) > 1000


@pytest.mark.parametrize("preset", TERMS)
def test_every_variant_takes_steps(preset, plays):
    task = make(config.load(preset, SMALL), plays)
    trained, judges = weights(task.trained), weights(task.judges)
    for _ in range(2):
        terms = task.step()
        assert set(terms) == TERMS[preset]
        assert all(term.ndim == 0 and term.isfinite() and not term.requires_grad for term in terms.values())
    moved = [key for key in trained if not torch.equal(trained[key], task.trained.state_dict()[key])]
    assert len(moved) > len(trained) / 2
    assert same(judges, weights(task.judges)) is not task.settings.adversarial
    assert all(parameter.requires_grad for parameter in task.judges.parameters())


def test_validation_and_sheets_repeat_and_change_nothing(plays):
    task = make(config.load("action-lstm", SMALL), plays)
    task.step()
    before, generator = weights(task.trained), task.generator.get_state()
    figures = task.validate()
    assert task.score_key in figures and figures == task.validate()
    sheet = task.sheet()
    assert sheet.dtype == "uint8" and sheet.ndim == 3 and sheet.shape[2] == 3
    assert (sheet == task.sheet()).all()
    assert same(before, weights(task.trained)) and torch.equal(generator, task.generator.get_state())
    assert task.trained.training


def test_real_frames_are_fed_for_the_warm_up_and_no_longer(plays):
    task = make(config.load("action-lstm", SMALL), plays)
    frames = torch.rand(2, 5, 3, 84, 84)
    changed = frames.clone()
    changed[:, 2] = torch.rand(2, 3, 84, 84)
    actions = torch.tensor([[1, 2, 3, 4], [0, 1, 0, 2]])

    def dreamt(real: Tensor, warm_up: int) -> Tensor:
        torch.manual_seed(0)
        with torch.no_grad():
            return unroll(task.trained.engine, real, actions, warm_up).frames

    assert torch.equal(dreamt(frames, 2), dreamt(changed, 2))
    fed, fed_otherwise = dreamt(frames, 3), dreamt(changed, 3)
    assert torch.equal(fed[:, :2], fed_otherwise[:, :2])
    assert not torch.equal(fed[:, 2], fed_otherwise[:, 2])


def test_three_steps_and_three_more_are_six_to_the_byte(plays, tmp_path):
    settings = config.load("gamegan", [*SMALL, "training.average=0.9"])

    def run(out: Path, *, resume=False, stop_after=None) -> GameGANTask:
        task = make(settings, plays)
        step = task.step

        def interrupted() -> dict[str, Tensor]:
            if task.done == stop_after:
                os.kill(os.getpid(), signal.SIGTERM)
            return step()

        task.step = interrupted
        starts = checkpoint.Starts(*task.train.starts(2, 2))
        loop.run(task, settings, out, device=task.device, starts=starts, resume=resume)
        return task

    straight = run(tmp_path / "straight")
    run(tmp_path / "parted", stop_after=2)
    resumed = run(tmp_path / "parted", resume=True)
    for part in ("trained", "model", "judges"):
        assert same(weights(getattr(straight, part)), weights(getattr(resumed, part))), part
