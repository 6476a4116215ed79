"""The labs' Adam."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from gamesim.labs.adam import Adam

ROOT = Path(__file__).resolve().parents[2]


def test_it_steps_as_torchs_adam_does():
    ours, theirs = nn.Parameter(torch.tensor([1.0, -2.0, 3.0])), nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
    untouched = nn.Parameter(torch.ones(2))
    adam, reference = Adam([ours, untouched]), torch.optim.Adam([theirs])
    for step in range(20):
        rate = 0.1 / (1 + step)
        reference.param_groups[0]["lr"] = rate
        for parameter, optimizer in ((ours, adam.forget), (theirs, reference.zero_grad)):
            optimizer()
            ((parameter - torch.tensor([0.0, 5.0, 3.1])) ** 4).sum().backward()
        adam.step(rate)
        reference.step()
    assert torch.allclose(ours, theirs, atol=1e-6)
    assert torch.equal(untouched, torch.ones(2))


@pytest.mark.slow
def test_a_lab_that_trains_with_it_does_not_load_torchs_compiler():
    """That takes longer than a lab has to open."""
    script = (
        "import sys, gamesim.labs.vae as vae; from gamesim.labs import Given\n"
        "vae.VAELab(Given()).step()\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=250).returncode == 0
