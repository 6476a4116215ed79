"""C: a linear controller.

Ha & Schmidhuber 2018 (arXiv 1803.10122), Sec. 2.3, Eq. 1: action = W [z h] + b. Small on purpose, so that
CMA-ES can search its weights. Where actions are keys ours takes the one with the greatest output; where they
are `Numbers` it has an output for each number, as in the paper.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from gamesim.models.world_models.numbers import Numbers


class Controller(nn.Module):
    """W and b. 867 parameters for CarRacing, 1,088 (z, h and c; no b) for TakeCover.

    Args:
        inputs: D, the numbers that it sees.
        num_actions: A.
        levels: how many values each number of an action may take; () where actions are keys.
        bias: whether there is b.
    """

    def __init__(self, inputs: int, num_actions: int, levels: Sequence[int] = (), bias: bool = True) -> None:
        super().__init__()
        self.numbers = Numbers(levels) if levels else None
        self.linear = nn.Linear(inputs, len(levels) or num_actions, bias=bias)
        for parameter in self.parameters():
            nn.init.zeros_(parameter)  # where CMA-ES begins

    def forward(self, features: Tensor) -> Tensor:
        """Features (B, D) -> actions int64 (B,)."""
        return self._chosen(self.linear(features.float()))

    def population(self, candidates: Tensor, features: Tensor) -> Tensor:
        """Each lane acts as a candidate of its own.

        Args:
            candidates: (B, N), for each lane a row as `flat` gives it.
            features: (B, D).

        Returns:
            Actions int64 (B,).
        """
        outputs, inputs = self.linear.weight.shape
        weight, bias = candidates.split([outputs * inputs, candidates.shape[1] - outputs * inputs], 1)
        # On a CPU the sum takes a third of the time of as many products of a matrix and a vector.
        acted = (weight.unflatten(1, (outputs, inputs)) * features.to(weight.dtype)[:, None]).sum(-1)
        return self._chosen(acted if self.linear.bias is None else acted + bias)

    def flat(self) -> Tensor:
        """All weights in a row, float32 (N,): W by rows, then b."""
        return parameters_to_vector(self.parameters()).detach().clone()

    @torch.no_grad()
    def from_flat(self, row: Tensor) -> None:
        """Takes over the weights (N,) that `flat` gives."""
        # A copy: each weight becomes a view of the row that it is taken from.
        vector_to_parameters(row.to(self.linear.weight, copy=True), self.parameters())

    def _chosen(self, outputs: Tensor) -> Tensor:
        return outputs.argmax(-1) if self.numbers is None else self.numbers.nearest(outputs)
