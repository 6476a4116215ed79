"""Training of GameGAN's chance (`gamesim/models/gamegan/chance.py`). Ours, not the paper's.

Every step is shown real frames. What it knew before it saw its frame (h) and what it knows afterwards are the
two ends that a conditional VAE joins (Sohn et al. 2015, Eq. 4): its encoder sees both and infers z, its
decoder makes an outlook of h and z, which is to be what is known afterwards. Some steps are drawn both ways,
from h and from the outlook, and it is learned where the outlook's way is better. All else stays as it is.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gamesim.config.gamegan import GameGANConfig
from gamesim.data.dataset import Dataset, Segments
from gamesim.envs.meanings import buttons
from gamesim.errors import UserError
from gamesim.models.frames import to_float
from gamesim.models.gamegan.generator import Hindsight
from gamesim.training.descent import masked_mean
from gamesim.training.devices import autocast
from gamesim.training.gamegan import SCHEDULED, GameGANTask
from gamesim.training.uncertainty import errors_by_place

SPREAD = 0.03
"""Standard deviation of an outlook's numbers, which lie in -1..1."""
CLEAR = 1e-6
"""The least trust in an outlook, and the least doubt, that are told apart."""


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, 1)) in nats, of (..., z_size): (...)."""
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1) / 2


class ChanceTask(GameGANTask):
    """Trains `Chance`, all else frozen; implements `Task`.

    Raises:
        UserError: The game has no action that does nothing.
    """

    def __init__(
        self, config: GameGANConfig, train: Dataset, held_out: Dataset, device: torch.device
    ) -> None:
        pressed = buttons(train.action_meanings or [""] * config.model.num_actions)
        if frozenset() not in pressed:
            raise UserError(
                "chance learns what is known after a step in which no key is pressed, but this game has no "
                "such action (a meaning NOOP)"
            )
        super().__init__(config, train, held_out, device)
        self.still = pressed.index(frozenset())

    def learn(self, *drawn: Tensor, **how: Any) -> dict[str, Tensor]:
        *segments, _, drawn_again, weights = drawn
        weight = dict(zip(SCHEDULED, weights, strict=False))
        batch = Segments(*segments)
        frames = to_float(batch.frames, getattr(torch, self.settings.precision))
        actions, played = batch.actions, batch.played
        noise = torch.randn(*actions.shape, *self.trained.noise_shape, device=self.device)
        with autocast(self.device, self.settings.precision):
            known = self.trained.look_back(frames, actions, noise, self.still)
            outlook, nats = self._outlooks(known, noise[..., self.trained.z_size :].flatten(0, 1))
            some = torch.zeros_like(played).index_fill(1, drawn_again, True).flatten().nonzero()[:, 0]
            misplaced = self._misplaced(known, outlook, frames[:, 1:].flatten(0, 1), some)
        missed = (outlook - known.later).square().sum(-1) / (2 * SPREAD**2)
        terms = {
            "outlook": masked_mean(missed.view_as(actions), played),
            "divergence": weight["divergence"] * masked_mean(nats.view_as(actions), played),
            "reconstruction": weight["reconstruction"]
            * masked_mean(misplaced[None], played.flatten()[None, some]),
        }
        self.descend(torch.stack(list(terms.values())).sum())
        self.follow(1 - weights[-1])
        return {name: term.detach() for name, term in terms.items()}

    def _outlooks(self, known: Hindsight, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The outlooks (N, hidden) with a z that was inferred, and its divergence (N,)."""
        chance = self.trained.chance
        assert chance is not None
        mean, log_variance = chance.infer(known.state["h"], known.later)
        z = mean + noise * (log_variance / 2).exp()
        return chance(known.state["h"], z), divergence(mean, log_variance)

    def _misplaced(self, known: Hindsight, outlook: Tensor, real: Tensor, some: Tensor) -> Tensor:
        """The cross entropy of where some steps' outlooks, int64 (R,), are to be drawn: (R,).

        Each place weighs as much as the squared errors of its two ways differ. The mean of the errors by the
        trust would do as well, but hardly moves a trust that is near 0 or 1, however wrong it is.
        """
        chance, engine, side = self.trained.chance, self.trained, self.uncertainty.side
        assert chance is not None
        state = {name: part[some] for name, part in known.state.items()}
        with torch.no_grad():
            sure, may_come = (
                errors_by_place(frame[None], real[None, some], side)[0]
                for frame in engine.render_both(state, outlook[some])
            )
        where = chance.where(state["h"], state["held"])[:, 0].float().clamp(CLEAR, 1 - CLEAR)
        better = (may_come < sure).float()
        wrong = better * where.log() + (1 - better) * (1 - where).log()
        return -((may_come - sure).abs() * wrong).sum((1, 2))
