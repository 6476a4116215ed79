"""Muon: which weights are its own, and what a step of it does."""

import pytest
import torch
from torch import nn

from gamesim.training.muon import SIZE, SMALLEST, Muon, is_matrix, orthogonal


@pytest.mark.parametrize("shape", [(64, 64), (32, 96), (96, 32)])
def test_all_singular_values_of_a_step_are_about_one(shape):
    steep = torch.linspace(1, 50, min(shape)).diag()
    left, right = (torch.linalg.qr(torch.randn(side, min(shape)))[0] for side in shape)
    found = torch.linalg.svdvals(orthogonal((left @ steep @ right.T)[None])[0])
    assert found.min() > 0.6 and found.max() < 1.3


def test_nothing_to_learn_is_no_step():
    assert orthogonal(torch.zeros(2, 32, 32)).abs().max() == 0


def test_embeddings_last_layers_and_vectors_stay_with_adam():
    mine = nn.Linear(SMALLEST, 64), nn.Conv2d(16, 32, 3), nn.ConvTranspose2d(64, 16, 4)
    others = nn.Embedding(5, 64), nn.Linear(64, 2), nn.Conv2d(3, 32, 3), nn.LayerNorm(64)
    assert all(is_matrix(layer.weight) for layer in mine)
    assert not any(is_matrix(layer.weight) for layer in others)
    assert not is_matrix(mine[0].bias)


def _learned(ratio: float) -> tuple[nn.Linear, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    layer = nn.Linear(64, 32)
    weight, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
    optimizer = Muon(layer.parameters(), (0.9, 0.999), ratio)
    optimizer.set_rate(0.01)
    layer(torch.randn(8, 64)).square().sum().backward()
    optimizer.step()
    return layer, layer.weight.detach() - weight, layer.bias.detach() - bias


def test_a_step_is_as_large_as_adams_times_the_ratio_and_adam_learns_the_rest():
    _, once, bias = _learned(1)
    _, thrice, _ = _learned(3)
    torch.testing.assert_close(thrice, 3 * once)
    full_rank = SIZE * 0.01 * (32 * 64 * 64 / (32 * 64)) ** 0.5 / 64**0.5  # 32 singular values of one
    # Of rank 8, for eight examples: what is left of that size.
    assert once.square().mean().sqrt().item() == pytest.approx(full_rank * (8 / 32) ** 0.5, rel=0.3)
    torch.testing.assert_close(bias.abs(), torch.full_like(bias, 0.01), rtol=1e-3, atol=0)


def test_a_saved_state_goes_on_as_if_never_stopped():
    def steps(layer: nn.Linear, optimizer: Muon, count: int) -> None:
        optimizer.set_rate(0.01)
        for _ in range(count):
            optimizer.zero_grad()
            layer.weight.square().sum().backward()
            optimizer.step()

    torch.manual_seed(0)
    whole, first, second = nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 32)
    first.load_state_dict(whole.state_dict())
    steps(whole, Muon(whole.parameters(), (0.9, 0.999), 3), 4)
    before = Muon(first.parameters(), (0.9, 0.999), 3)
    steps(first, before, 2)
    second.load_state_dict(first.state_dict())
    after = Muon(second.parameters(), (0.9, 0.999), 3)
    after.load_state_dict(before.state_dict())
    steps(second, after, 2)
    assert torch.equal(whole.weight, second.weight)
