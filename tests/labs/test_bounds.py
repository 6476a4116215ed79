"""Laws of the variational autoencoder's bounds (Kingma & Welling 2014, Burda et al. 2016)."""

from math import log, pi

import pytest
import torch

from gamesim.labs.bounds import (
    evidence_lower_bound,
    importance_weighted_bound,
    lecture_kl,
    log_ratio,
)
from gamesim.models.world_models.vision import kl, reparameterised

MEAN, LOG_VARIANCE = torch.tensor([0.5, -1.2, 0.0]), torch.tensor([-1.0, 0.4, -3.0])
PIXELS, SIGMA = torch.tensor([1.0, -0.5]), 0.3
WEIGHTS = torch.tensor([[1.0, 0.5, -0.3], [0.2, -1.0, 0.8]])


def noise(count):
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def likelihood(z):
    """log p(x | z) of a linear decoder with Gaussian pixels."""
    missed = (PIXELS - z @ WEIGHTS.to(z).mT) / SIGMA
    return (-0.5 * missed.square() - log(SIGMA) - 0.5 * log(2 * pi)).sum(-1)


def evidence():
    """log p(x): of a linear decoder it is known, x is normal."""
    spread = WEIGHTS @ WEIGHTS.mT + SIGMA**2 * torch.eye(2)
    return float(torch.distributions.MultivariateNormal(torch.zeros(2), spread).log_prob(PIXELS))


def weighted(k, count=60_000):
    z = reparameterised(MEAN, LOG_VARIANCE, noise(count))
    return float(importance_weighted_bound(likelihood(z), z, MEAN, LOG_VARIANCE, k))


def lower(count=60_000):
    drawn = likelihood(reparameterised(MEAN, LOG_VARIANCE, noise(count)))
    return float(evidence_lower_bound(drawn, MEAN, LOG_VARIANCE))


def test_the_kl_in_closed_form_is_the_mean_of_draws():
    z = reparameterised(MEAN, LOG_VARIANCE, noise(20_000))
    drawn = log_ratio(z, MEAN, LOG_VARIANCE)
    error = drawn.std() / len(drawn) ** 0.5
    assert abs(drawn.mean() - kl(MEAN, LOG_VARIANCE)) < 3 * error


def test_the_bound_of_one_draw_is_the_evidence_lower_bound():
    assert weighted(1) == pytest.approx(lower(), abs=0.05)


def test_the_importance_weighted_bound_grows_with_its_draws_and_stays_below_the_evidence():
    bounds = [weighted(k) for k in (1, 4, 20, 100)]
    assert bounds == sorted(bounds) and bounds[0] < bounds[-1] - 1
    assert bounds[-1] < evidence() + 0.05
    assert lower() < bounds[1]


def test_with_the_true_posterior_every_bound_is_the_evidence():
    """A decoder of one number: x = z + noise, so that the posterior is known."""
    x, variance = 1.3, SIGMA**2
    mean = torch.tensor([x / (1 + variance)], dtype=torch.float64)
    log_variance = torch.tensor([log(variance / (1 + variance))], dtype=torch.float64)

    def seen(z):
        return (-0.5 * ((x - z) / SIGMA).square() - log(SIGMA) - 0.5 * log(2 * pi)).sum(-1)

    truth = -0.5 * x**2 / (1 + variance) - 0.5 * log(2 * pi * (1 + variance))
    z = reparameterised(mean, log_variance, noise(100)[:, :1])
    for k in (1, 10):
        found = importance_weighted_bound(seen(z), z, mean, log_variance, k)
        assert float(found) == pytest.approx(truth, abs=1e-9)


def test_a_draw_hands_gradients_on_to_the_mean_and_to_the_variance():
    """E[z^2] = mean^2 + variance, whose derivatives by mean and by log-variance are known."""
    mean, log_variance = MEAN.clone().requires_grad_(), LOG_VARIANCE.clone().requires_grad_()
    reparameterised(mean, log_variance, noise(100_000)).square().mean(0).sum().backward()
    assert mean.grad is not None and log_variance.grad is not None
    assert torch.allclose(mean.grad, 2 * MEAN, atol=0.02)
    assert torch.allclose(log_variance.grad, LOG_VARIANCE.exp(), atol=0.02)


def test_the_lectures_formula_lacks_half_of_the_logarithm_and_is_no_divergence():
    sigma = torch.linspace(0.3, 1.5, 1201)[:, None]
    slide = 0.5 * (sigma.square() - 1 - sigma.log()).sum(-1)  # at mean 0, as it stands there
    none, log_variance = torch.zeros_like(sigma), 2 * sigma.log()
    assert torch.allclose(lecture_kl(none, log_variance), slide, atol=1e-6)
    assert float(sigma[slide.argmin()]) == pytest.approx(0.5**0.5, abs=1e-3) and slide.min() < -0.07
    right = kl(none, log_variance)
    assert float(sigma[right.argmin()]) == pytest.approx(1, abs=1e-3) and right.min() > -1e-6
