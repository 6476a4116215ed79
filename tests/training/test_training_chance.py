"""Training of GameGAN's chance: a conditional VAE of what h turns into. Ours, not the paper's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from gamesim import config
from gamesim.config.gamegan import GameGANModelConfig
from gamesim.data.dataset import Dataset
from gamesim.errors import UserError
from gamesim.models.gamegan.chance import Chance
from gamesim.training import devices, tasks
from gamesim.training.chance import SPREAD, ChanceTask, divergence

SMALL = ["data.segment=4", "data.batch_size=2", "data.validation=0.3", "data.starts=2", "data.start_frames=2"]
SMALL += ["training.steps=300", "training.precision=float32", "model.channels=4", "model.hidden=16"]
SMALL += ["model.z_size=4", "model.memory_slots=5", "model.memory_width=8", "model.discriminator_channels=4"]


def make(plays: Path, *words: str) -> ChanceTask:
    settings = config.load("gamegan-chance", [*SMALL, *words])
    device = devices.setup("cpu", seed=settings.seed, threads=1)
    task = tasks.gamegan(settings, str(plays), device, {}, None).task  # pyright: ignore[reportArgumentType]
    assert isinstance(task, ChanceTask)
    return task


def test_the_divergence_by_hand():
    mean, log_variance = torch.randn(3, 4), torch.randn(3, 4)
    wanted = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(-1)
    assert torch.allclose(divergence(mean, log_variance), wanted, atol=1e-5)


def test_chance_alone_is_trained(plays):
    task = make(plays, "training.losses.reconstruction=0.04")
    before = {key: weight.clone() for key, weight in task.trained.state_dict().items()}
    for _ in range(2):
        found = task.step()
    assert set(found) == {"outlook", "divergence", "reconstruction"}
    assert all(term.ndim == 0 and term.isfinite() for term in found.values())
    after = task.trained.state_dict()
    moved = {key for key in before if not torch.equal(after[key], before[key])}
    assert moved and all(key.startswith("chance.") for key in moved)
    for part in ("chance.encode", "chance.change", "chance.where"):
        assert any(key.startswith(part) for key in moved), part


def test_outlooks_are_among_what_may_come_and_not_the_mean_of_it():
    """A coin decides what h turns into: outlooks go either way, the best guess goes none."""
    torch.manual_seed(0)
    chance = Chance(GameGANModelConfig(hidden=16, z_size=2, memory_width=8, chance=True))
    chance.initialise()
    optimizer = torch.optim.Adam(chance.parameters(), 1e-2)
    h, way = torch.randn(64, 16).clamp(-1, 1), 0.3 * torch.tensor([1.0, -1]).repeat(8)
    for step in range(400):
        later = h + way * (torch.randint(2, (64, 1)) * 2 - 1)
        mean, log_variance = chance.infer(h, later)
        outlook = chance(h, mean + torch.randn(64, 2) * (log_variance / 2).exp())
        missed = (outlook - later).square().sum(1) / (2 * SPREAD**2)
        loss = (missed + min(1, step / 200) * divergence(mean, log_variance)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    lanes = h.repeat(10, 1)
    moved = (chance(lanes, torch.randn(640, 2)) - lanes) @ way / way.square().sum()
    assert 0.3 < (moved > 0).float().mean() < 0.7 and 0.4 < moved.std() < 1.5


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("model.chance=false", "this model has no chance"),
        ("training.losses.adversarial=1", "adversarial is not 0"),
    ],
)
def test_chance_is_not_trained_where_it_cannot_learn(words, reason):
    with pytest.raises(UserError, match=f"training.part is chance.* {reason}"):
        config.load("gamegan-chance", [words])


def test_a_game_in_which_one_cannot_do_nothing_is_refused(plays, monkeypatch):
    settings = config.load("gamegan-chance", SMALL)
    train = Dataset(plays, split="train", segment=4, validation=0.3, short=True)
    monkeypatch.setattr(train, "action_meanings", ("LEFT", "RIGHT", "UP", "DOWN", "FIRE"))
    with pytest.raises(UserError, match="no key is pressed"):
        ChanceTask(settings, train, train, torch.device("cpu"))  # pyright: ignore[reportArgumentType]
