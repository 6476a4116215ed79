"""Steps in bfloat16 as CUDA computes them, where autocast makes other tensors float32 than it does here."""

from __future__ import annotations

import pytest
import torch

from cuda_autocast import CudaAutocast
from gamesim import config
from gamesim.data.dataset import Dataset
from gamesim.training.gamegan import GameGANTask

SMALL = ["model.channels=4", "model.discriminator_channels=4", "model.hidden=16", "model.memory_width=8"]
SMALL += ["model.memory_slots=5", "data.batch_size=2", "data.segment=4", "training.precision=bfloat16"]


@pytest.mark.parametrize("preset", ["gamegan", "gamegan-m", "action-lstm", "gamegan-small-more"])
def test_a_step_of_gamegan_is_taken_in_each_phase_of_a_run(plays, preset):
    chosen = config.load(preset, SMALL)
    data = Dataset(plays, segment=4, split="all", validation=0, device="cpu", short=True)
    task = GameGANTask(chosen, data, data, torch.device("cpu"))
    for share in (0, 0.9):
        task.done = round(share * chosen.training.steps)
        with CudaAutocast():
            terms = task.step()
        assert all(bool(term.isfinite()) for term in terms.values())


def test_a_loss_that_is_given_two_types_is_refused_as_on_cuda():
    drawn, real = torch.zeros(2, requires_grad=True), torch.zeros(2, dtype=torch.bfloat16)
    with CudaAutocast(), pytest.raises(RuntimeError, match="one type"):
        torch.nn.functional.mse_loss(drawn, real)
