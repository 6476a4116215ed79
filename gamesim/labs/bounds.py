"""The bounds of a variational autoencoder, term by term and as they are drawn.

Kingma & Welling 2014, "Auto-Encoding Variational Bayes" (arXiv 1312.6114): the evidence lower bound (Eq. 3),
its estimates (Eq. 6 and 7), the encoder's Gaussian (Eq. 9) and its KL divergence in closed form (appendix B).
Burda et al. 2016 (arXiv 1509.00519): the importance-weighted bound (Eq. 8), never looser (Theorem 1).

x is a frame, z what stands for it: q(z | x) = N(mean, variance) is the encoder's, p(x | z) the decoder's, and
p(z) = N(0, I) the prior. All figures are in nats, of one frame: log p(x | z) is minus `reconstruction` of V
(`gamesim.models.world_models.vision`), which leaves out a part of it that no weight changes.
"""

from math import log, pi

import torch
from torch import Tensor

from gamesim.models.world_models.vision import kl


def log_normal(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """log N(z; mean, variance) in nats, summed over the numbers of z: (..., Z) -> (...)."""
    missed = (z - mean).square() * (-log_variance).exp()
    return -0.5 * (log(2 * pi) + log_variance + missed).sum(-1)


def log_ratio(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """log q(z | x) - log p(z), whose mean over draws from q is the KL divergence: (..., Z) -> (...)."""
    none = torch.zeros_like(mean)
    return log_normal(z, mean, log_variance) - log_normal(z, none, none)


def lecture_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """The KL divergence as the lecture's slide has it, with log sigma where log sigma^2 belongs: (B,).

    It is no divergence: at mean 0 it is least, and below 0, where sigma is the root of 1/2 and not 1. An
    encoder that is trained with it draws too close to its means.
    """
    return kl(mean, log_variance) + 0.25 * log_variance.sum(-1)


def evidence_lower_bound(likelihood: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Eq. 7: the mean of log p(x | z) (K,) of K draws, less the KL divergence in closed form; a scalar."""
    return likelihood.mean() - kl(mean, log_variance)


def importance_weighted_bound(
    likelihood: Tensor, z: Tensor, mean: Tensor, log_variance: Tensor, k: int
) -> Tensor:
    """Burda et al., Eq. 8: log of the mean of k weights p(x, z) / q(z | x), averaged over K / k groups.

    With k = 1 it is Eq. 6 of Kingma & Welling, the evidence lower bound with the KL divergence drawn, too.

    Args:
        likelihood: log p(x | z) of K draws, (K,); K is a multiple of k.
        z: the draws (K, Z) from the encoder's q(z | x).
        mean, log_variance: (Z,), of that.
        k: weights of a group.
    """
    weights = likelihood - log_ratio(z, mean, log_variance)
    return (weights.unflatten(0, (-1, k)).logsumexp(1) - log(k)).mean()
