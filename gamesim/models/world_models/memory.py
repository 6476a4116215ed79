"""M: an LSTM with a mixture density network, which predicts the next z.

Ha & Schmidhuber 2018 (arXiv 1803.10122), Sec. 2.2 and appendix A.2: P(z' | action, z, h) is, for each number
of z by itself, a mixture of Gaussians (Bishop 1994, "Mixture Density Networks", Eqs. 22-25). Temperature
sharpens or loosens it as in SketchRNN (Ha & Eck 2017, arXiv 1704.03477, Eq. 8). The end of the episode is
predicted beside it as for TakeCover (Sec. 3.2); a head for the reward is ours, so that C can learn here.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.config.world_models import WorldModelModelConfig
from gamesim.models.layers import mlp
from gamesim.models.world_models.numbers import Numbers

COLDEST = 1e-6
"""Temperature below which only the likeliest Gaussian is drawn from."""
NEVER = -30.0
"""Logit of an end that is not predicted at all."""

Cell = tuple[Tensor, Tensor]
"""The LSTM's h and c, each (B, H)."""


class MDN(NamedTuple):
    """What M predicts: a mixture for each number of z, and what reward and end are predicted from.

    Attributes:
        log_pi: (..., Z, K), log-weights of the Gaussians; they sum to 1 in probability.
        mean: (..., Z, K).
        log_std: (..., Z, K), logs of their deviations.
        hidden: (..., H), the output of the LSTM; over places also the z that it read, (..., H + Z).
    """

    log_pi: Tensor
    mean: Tensor
    log_std: Tensor
    hidden: Tensor


class Memory(nn.Module):
    """The MDN-RNN. CarRacing's has 422,368 parameters, TakeCover's 1,678,785."""

    def __init__(self, config: WorldModelModelConfig) -> None:
        super().__init__()
        self.num_actions = config.num_actions
        self.numbers = Numbers(config.axes) if config.axes else None
        self.restarts, self.rewards, self.ends = config.restarts, config.rewards, config.ends
        self.z_size, self.hidden, self.mixtures = config.numbers, config.hidden, config.mixtures
        pressed = len(config.axes) or config.num_actions
        # An input that is always 1 gives each gate its bias: one of them, where nn.LSTM's own has two.
        inputs = self.z_size + pressed + int(self.restarts) + 1
        self.lstm = nn.LSTM(inputs, self.hidden, bias=False, batch_first=True)
        self.mixture = self._head(config)
        self.sees_next = config.outcome_sees == "hz"
        told_by = self._told_by(config)
        sizes = (told_by + self.z_size, self.hidden) if self.sees_next else (told_by,)
        outcomes = int(self.rewards) + int(self.ends)
        self.outcomes = mlp((*sizes, outcomes)) if outcomes else None

    def _told_by(self, config: WorldModelModelConfig) -> int:
        """Numbers of `MDN.hidden`."""
        return config.hidden

    def _head(self, config: WorldModelModelConfig) -> nn.Module:
        """What makes the mixtures; built before the outcomes are, so that a seed means the same weights."""
        return nn.Linear(config.hidden, 3 * config.mixtures * config.numbers)

    def forward(
        self, z: Tensor, action: Tensor, state: Cell | None = None, first: Tensor | None = None
    ) -> tuple[MDN, Cell]:
        """Predicts z[t + 1] from z[: t + 1] and action[: t + 1], for every t at once.

        Args:
            z: (B, T, Z).
            action: int64 (B, T), each taken at its z.
            state: what the LSTM remembers; None: nothing.
            first: (B, T), 1 where a z is an episode's first; only a model with `restarts` looks at it.

        Returns:
            The mixtures, with B, T leading, and what the LSTM remembers afterwards.
        """
        beginning = torch.zeros_like(z[..., 0]) if first is None else first
        inputs = self._inputs(z, action, beginning)
        cell = None if state is None else tuple(part.to(inputs.dtype)[None] for part in state)
        hidden, (h, c) = self.lstm(inputs, cell)
        return self.foretell(hidden, z.to(inputs.dtype)), (h[0].float(), c[0].float())

    def step(self, z: Tensor, action: Tensor, state: Cell, first: Tensor) -> tuple[MDN, Cell]:
        """`forward` of a single step, all arguments without T, and several times as fast without gradients.

        The LSTM's equations (Hochreiter & Schmidhuber 1997; Gers et al. 2000) are written out, since nn.LSTM
        prepares its weights anew in every call.
        """
        inputs = self._inputs(z, action, first)
        h, c = (part.to(inputs.dtype) for part in state)
        weight = torch.cat(list(self.lstm.all_weights[0]), 1)  # for the input, and for h
        enter, keep, new, show = F.linear(torch.cat([inputs, h], 1), weight).chunk(4, 1)
        c = keep.sigmoid() * c + enter.sigmoid() * new.tanh()
        h = show.sigmoid() * c.tanh()
        return self.foretell(h, z.to(inputs.dtype)), (h.float(), c.float())

    def _inputs(self, z: Tensor, action: Tensor, first: Tensor) -> Tensor:
        """What the LSTM reads, (..., I), in the precision of its weights."""
        dtype = next(self.parameters()).dtype
        parts = [z.to(dtype), self.read(action).to(dtype)]
        if self.restarts:
            parts.append(first.to(dtype)[..., None])
        return torch.cat([*parts, torch.ones_like(parts[0][..., :1])], -1)

    def outcome(self, hidden: Tensor, z_next: Tensor) -> tuple[Tensor, Tensor]:
        """Reward and logit of the end, each (...,), from `MDN.hidden` (..., H) and the z (..., Z) that came.

        The reward is in units of ``reward_scale``. The paper's M does not look at `z_next`: an end
        that is left to chance is then only a probability.
        """
        reward, end_logit = torch.ones_like(hidden[..., 0]), torch.full_like(hidden[..., 0], NEVER)
        if self.outcomes is None:
            return reward.float(), end_logit.float()
        seen = torch.cat([hidden, z_next.to(hidden.dtype)], -1) if self.sees_next else hidden
        told = self.outcomes(seen).float()
        return told[..., 0] if self.rewards else reward, told[..., -1] if self.ends else end_logit

    def read(self, action: Tensor) -> Tensor:
        """int64 (...) -> (..., numbers): an action as M reads it, its numbers or one-hot."""
        return F.one_hot(action, self.num_actions) if self.numbers is None else self.numbers(action)

    def nll(self, mdn: MDN, z: Tensor) -> Tensor:
        """-log p(z) in nats, (...,)."""
        return nll(mdn, z).sum(-1)

    def sample(self, mdn: MDN, temperature: float, noise: Tensor) -> Tensor:
        """Draws z (..., Z); see `sample`."""
        return sample(mdn, temperature, noise)

    def foretell(self, hidden: Tensor, z: Tensor) -> MDN:
        """What M predicts for the next z, from its hidden state (..., hidden) and this z (..., Z)."""
        # Weights, means and deviations lie as (K, Z): sums over K then run along whole rows of z.
        told = self.mixture(hidden).float().unflatten(-1, (3, self.mixtures, self.z_size))
        weight, mean, log_std = told.unbind(-3)
        log_pi = weight.log_softmax(-2)
        return MDN(log_pi.mT, mean.mT, log_std.mT, hidden)


def nll(mdn: MDN, z: Tensor) -> Tensor:
    """-log p(z) in nats for each number of z by itself: (..., Z)."""
    return -(mdn.log_pi + log_normal(mdn, z)).logsumexp(-1)


def log_normal(mdn: MDN, z: Tensor) -> Tensor:
    """log N(z; mean, std) of every Gaussian, (..., Z, K)."""
    error = (z[..., None] - mdn.mean) * (-mdn.log_std).exp()
    return -0.5 * error.square() - mdn.log_std - 0.5 * math.log(2 * math.pi)


def sample(mdn: MDN, temperature: float, noise: Tensor) -> Tensor:
    """Draws z (..., Z): softmax(log pi / tau) chooses one of the Gaussians, sigma sqrt(tau) spreads it.

    At temperature 0 it is the mean of the likeliest Gaussian.

    Args:
        mdn: the mixtures.
        temperature: tau >= 0.
        noise: standard normal (..., 2, Z): its first row chooses, through the normal's distribution
            function, the second spreads.
    """
    choice, spread = noise.unbind(-2)
    return drawn(mdn, chosen(mdn.log_pi, temperature, choice), temperature, spread)


def chosen(log_pi: Tensor, temperature: float, choice: Tensor) -> Tensor:
    """Which Gaussian is drawn, int64 (..., Z), by weights (..., Z, K) and standard normal noise (..., Z)."""
    reached = (log_pi.mT / max(temperature, COLDEST)).softmax(-2).cumsum(-2)  # (..., K, Z): see foretell
    return (reached[..., :-1, :] < torch.special.ndtr(choice)[..., None, :]).sum(-2)


def drawn(mdn: MDN, which: Tensor, temperature: float, spread: Tensor) -> Tensor:
    """z (..., Z) of the Gaussians `which` (..., Z), with standard normal noise `spread` (..., Z)."""
    index = which[..., None, :]
    mean, log_std = (part.mT.gather(-2, index).squeeze(-2) for part in (mdn.mean, mdn.log_std))
    return mean + log_std.exp() * (math.sqrt(temperature) * spread)
