"""What dreams are tested with: beginnings, an engine that plays by the rules, and a checkpoint on disk."""

import pytest
import torch

from gamesim import checkpoint
from gamesim.config import load
from gamesim.evaluation.pacman.cells import real_episodes
from worlds import Ideal, Network


@pytest.fixture(scope="module")
def starts():
    real = real_episodes("gamesim/Pacman-v0", 5, 4, 1)
    return checkpoint.Starts(torch.from_numpy(real.frames[:5, :4]), torch.from_numpy(real.actions[:5, :3]))


@pytest.fixture
def source(starts):
    return Ideal(), starts


@pytest.fixture(scope="module")
def saved(starts, tmp_path_factory):
    path = tmp_path_factory.mktemp("dream") / "tiny"
    torch.manual_seed(0)
    weights = Network().state_dict()
    checkpoint.save(path, weights=weights, config=load("gamegan-tiny"), starts=starts, card={})
    return path


@pytest.fixture
def folder(saved, monkeypatch):
    """A checkpoint on disk, with a small network in place of what its config would build."""
    monkeypatch.setattr("gamesim.models.build", Network)
    return saved
