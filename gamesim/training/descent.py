"""Tasks whose networks Adam trains: what all of them share of the loop's `Task`."""

import copy
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from gamesim.config.base import DescentConfig, EngineTraining
from gamesim.training.adam import Adam
from gamesim.training.devices import distributed
from gamesim.training.graphs import Graphed

_Networks = TypeVar("_Networks", bound=nn.Module)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of values (B, T, ...) where the mask (B, T), or one that broadcasts, is 1; 0 where none is."""
    mask = mask.float()
    if mask.ndim < values.ndim:
        mask = mask.view(*mask.shape, *[1] * (values.ndim - mask.ndim))
    return (values.float() * mask).sum() / mask.expand_as(values).sum().clamp_min(1)


class Descent(Generic[_Networks]):
    """Begins, learns, and is saved and resumed; its subclasses say what a batch is and what it costs.

    Attributes:
        saved_as: the name of the networks in a saved state.
        trained: the networks.
        done: steps that were taken.
        generator: what this process draws from, on the CPU.
    """

    saved_as = "trained"

    def __init__(
        self,
        trained: _Networks,
        settings: DescentConfig,
        device: torch.device,
        *,
        seed: int,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        self.trained, self.device, self.done = trained, device, 0
        self.processes = distributed()
        self.processes.same(trained)
        self.generator = torch.Generator().manual_seed(seed + self.processes.rank)
        self.optimizer = Adam(trained.parameters(), betas)
        self._settings = settings
        alone = self.processes.count == 1
        self.compiled = Graphed(self.learn, device, enabled=settings.graphs and alone)

    @property
    def progress(self) -> float:
        """The share of the run that is over."""
        return self.done / self._settings.steps

    def step(self) -> Mapping[str, Tensor]:
        """Take a step of the optimizer; see `Task`."""
        self.optimizer.set_rate(self._settings.learning_rate * self._settings.decay.at(self.progress))
        terms = self.compiled(*self.draw())
        self.done += 1
        return terms

    def draw(self) -> tuple[Tensor, ...]:
        """Return the next batch and all of its chance, on the device."""
        raise NotImplementedError

    def learn(self, *drawn: Tensor) -> dict[str, Tensor]:
        """The step on the device, see graphs.py; returns what the log shows."""
        loss, terms = self.loss(*drawn)
        self.descend(loss)
        return {name: nats.detach() for name, nats in terms.items()}

    def loss(self, *drawn: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch, and its terms."""
        raise NotImplementedError

    def descend(self, loss: Tensor) -> None:
        """Take the optimizer's step down the gradient of a loss."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.update(self.optimizer, self.trained)

    def update(self, optimizer: Adam, networks: nn.Module) -> None:
        """Take a step by the gradients that networks have: those of all processes, and clipped."""
        self.processes.average(networks.parameters())
        nn.utils.clip_grad_norm_(networks.parameters(), self._settings.gradient_clip)
        optimizer.step()

    def extras(self) -> dict[str, dict[str, Tensor]]:
        """See `Task`."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """See `Task`."""
        return {
            "done": self.done,
            self.saved_as: self.trained.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Task`."""
        self.done = state["done"]
        self.trained.load_state_dict(state[self.saved_as])
        self.optimizer.load_state_dict(state["optimizer"])
        self.compiled.reset()
        self.generator.set_state(state["generator"])


class AveragedDescent(Descent[_Networks]):
    """The same for an engine that learns in one piece and ships a running average of its weights.

    Attributes:
        average: what is shipped.
    """

    def __init__(
        self, trained: _Networks, settings: EngineTraining, device: torch.device, *, seed: int
    ) -> None:
        super().__init__(trained, settings, device, seed=seed, betas=settings.betas)
        self.average = copy.deepcopy(trained).eval().requires_grad_(False)
        self.model: nn.Module = self.average
        self._longest = settings.average

    @property
    def decay(self) -> float:
        """How much of the average stays in the next step: little at first, later as much as is set."""
        return min(self._longest, (1 + self.done) / (10 + self.done))

    @torch.no_grad()
    def follow(self, share: Tensor) -> None:
        """Move the average towards the weights as they are now, by a share (0-d) of the way."""
        for kept, new in zip(self.average.parameters(), self.trained.parameters(), strict=True):
            kept.lerp_(new, share)

    def init(self, weights: dict[str, Tensor], extras: dict[str, dict[str, Tensor]]) -> None:
        """Begin from an engine's weights."""
        self.trained.load_state_dict(weights)
        self.average.load_state_dict(weights)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "average": self.average.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.average.load_state_dict(state["average"] or state["trained"])
