"""The labs' Adam."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from gamesim.labs.adam import Adam

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("clip", [None, 0.5])
def test_it_descends_as_torchs_adam_does_and_leaves_other_parameters_alone(clip):
    ours, theirs, others = (nn.Parameter(torch.tensor([1.0, -2.0, 3.0])) for _ in range(3))
    unused = nn.Parameter(torch.ones(2))
    adam, reference = Adam([ours, unused]), torch.optim.Adam([theirs])
    for step in range(20):
        rate = 0.1 / (1 + step)
        loss, same = (((each - torch.tensor([0.0, 5.0, 3.1])) ** 4).sum() for each in (ours, theirs))
        reference.param_groups[0]["lr"] = rate
        reference.zero_grad()
        same.backward()
        nn.utils.clip_grad_norm_(theirs, clip or math.inf)
        reference.step()
        adam.descend(loss + others.sum(), rate, clip)
    assert torch.allclose(ours, theirs, atol=1e-6)
    assert torch.equal(unused, torch.ones(2)) and others.grad is None


@pytest.mark.slow
def test_a_lab_that_trains_with_it_does_not_load_torchs_compiler():
    """That takes longer than a lab has to open."""
    script = (
        "import sys, gamesim.labs.vae as vae; from gamesim.labs import Given\n"
        "vae.VAELab(Given()).step()\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=250).returncode == 0
