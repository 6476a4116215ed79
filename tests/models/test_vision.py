"""V: the paper's sizes, the two terms of its loss in nats, and a batch that it can learn by heart."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from gamesim.config import load
from gamesim.config.world_models import VisionTraining
from gamesim.models.world_models import vision
from gamesim.models.world_models.vision import Vision


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    return Vision(load("world-model-tiny").model)


@pytest.mark.parametrize(
    ("preset", "parameters"), [("world-model-carracing", 4_348_547), ("world-model-doom", 4_446_915)]
)
def test_the_papers_sizes(preset, parameters):
    network = Vision(load(preset).model)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


def test_a_picture_becomes_a_vector_and_a_vector_a_picture(tiny):
    mean, log_variance = tiny.encode(torch.rand(3, 3, 64, 64))
    assert mean.shape == log_variance.shape == (3, 4)
    drawn = tiny.decode(mean)
    assert drawn.shape == (3, 3, 64, 64)
    assert 0 <= drawn.min() < drawn.max() <= 1


def test_its_first_unfolding_is_the_transposed_convolution_that_the_paper_has(tiny):
    layer = tiny.decoder[1]
    vector = torch.randn(3, layer.in_channels)
    usual = torch.nn.functional.conv_transpose2d(vector[..., None, None], layer.weight, layer.bias, stride=2)
    assert torch.allclose(layer(vector), usual, atol=1e-6)


class TestKL:
    mean, log_variance = torch.tensor([[0.5, -2.0, 0.0]]), torch.tensor([[0.0, -1.5, 0.7]])

    def test_it_is_the_closed_form(self):
        by_hand = sum(
            0.5 * (m**2 + math.exp(v) - 1 - v)
            for m, v in zip(self.mean[0].tolist(), self.log_variance[0].tolist(), strict=True)
        )
        q = Independent(Normal(self.mean, (0.5 * self.log_variance).exp()), 1)
        prior = Independent(Normal(torch.zeros(1, 3), torch.ones(1, 3)), 1)
        nats = vision.kl(self.mean, self.log_variance)
        assert nats.item() == pytest.approx(by_hand, rel=1e-6)
        assert nats.item() == pytest.approx(kl_divergence(q, prior).item(), rel=1e-6)

    def test_it_is_what_many_draws_say(self):
        noise = torch.randn(200_000, 3, generator=torch.Generator().manual_seed(0))
        z = vision.reparameterised(self.mean, self.log_variance, noise)
        q = Normal(self.mean, (0.5 * self.log_variance).exp())
        excess = (q.log_prob(z) - Normal(0.0, 1.0).log_prob(z)).sum(1)
        error = excess.std().item() / len(z) ** 0.5
        assert vision.kl(self.mean, self.log_variance).item() == pytest.approx(
            excess.mean().item(), abs=4 * error
        )

    def test_the_prior_itself_costs_nothing(self):
        assert vision.kl(torch.zeros(2, 5), torch.zeros(2, 5)).tolist() == [0, 0]

    def test_below_the_floor_there_is_nothing_to_gain(self):
        nats = torch.tensor([1.0, 15.9, 16.1, 40.0], requires_grad=True)
        floored = vision.floored(nats, z_size=32, tolerance=0.5)
        floored.sum().backward()
        assert floored.tolist() == pytest.approx([16, 16, 16.1, 40])
        assert nats.grad.tolist() == [0, 0, 1, 1]
        assert vision.floored(nats, z_size=32, tolerance=0.0).tolist() == nats.tolist()


class TestReconstruction:
    @pytest.fixture
    def pictures(self):
        chance = torch.Generator().manual_seed(0)
        return torch.rand(2, 3, 64, 64, generator=chance), torch.randn(2, 3, 64, 64, generator=chance)

    def test_bernoulli_pixels_are_the_divergence_from_the_target(self, pictures):
        target, logits = pictures
        nats = vision.reconstruction(logits, target, VisionTraining(pixels="bernoulli"))
        wanted = kl_divergence(Bernoulli(target), Bernoulli(logits=logits)).flatten(1).sum(1)
        assert torch.allclose(nats, wanted, rtol=1e-4)

    def test_gaussian_pixels_are_a_log_likelihood_less_its_constant(self, pictures):
        target, logits = pictures
        settings = VisionTraining(pixels="gaussian", pixel_sigma=0.1)
        density = Normal(logits.sigmoid(), 0.1)
        best = Normal(target, 0.1).log_prob(target)
        wanted = (best - density.log_prob(target)).flatten(1).sum(1)
        assert torch.allclose(vision.reconstruction(logits, target, settings), wanted, rtol=1e-4)

    def test_by_default_gaussian_pixels_are_the_papers_squared_error(self, pictures):
        target, logits = pictures
        squared = (logits.sigmoid() - target).square().flatten(1).sum(1)
        nats = vision.reconstruction(logits, target, VisionTraining(pixels="gaussian"))
        assert torch.allclose(nats, squared, rtol=1e-5)

    @pytest.mark.parametrize("pixels", ["bernoulli", "gaussian"])
    def test_the_exact_picture_costs_nothing(self, pixels):
        target = torch.tensor([0.0, 0.25, 0.5, 1.0]).expand(1, 3, 64, 4)
        logits = torch.logit(target, eps=1e-7)
        assert vision.reconstruction(logits, target, VisionTraining(pixels=pixels)).item() == pytest.approx(
            0, abs=1e-3
        )


class TestResizing:
    def test_v_sees_64_pixels_of_any_frame_and_the_screen_gets_its_own_back(self):
        frames = torch.full((2, 84, 84, 3), 51, dtype=torch.uint8)
        seen = vision.see(frames)
        assert seen.shape == (2, 3, 64, 64)
        assert torch.allclose(seen, torch.tensor(0.2), atol=1e-5)
        assert (vision.show(seen, 84) == frames).all()

    def test_frames_of_64_pixels_pass_untouched(self):
        frames = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
        assert (vision.show(vision.see(frames), 64) == frames).all()

    def test_a_dot_of_a_few_pixels_is_not_stepped_over(self):
        """Without antialiasing some dots would fall between the sampled pixels."""
        weights = []
        for place in range(40, 44):
            frame = torch.zeros(1, 84, 84, 3, dtype=torch.uint8)
            frame[:, place : place + 2, place : place + 2] = 255
            weights.append(vision.see(frame).sum().item())
        assert max(weights) < 1.25 * min(weights)
