"""C: a linear controller.

Ha & Schmidhuber 2018 (arXiv 1803.10122), Sec. 2.3, Eq. 1: action = W [z h] + b. Small on purpose, so that
CMA-ES can search its weights. Ours takes the action with the greatest output; with `actions: number` it has
one output in [-1, 1], cut into as many equal parts as there are actions (TakeCover: appendix A.3).
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters


class Controller(nn.Module):
    """W and b. 867 parameters for CarRacing, 1,088 (z, h and c; no b) for TakeCover.

    Args:
        inputs: D, the numbers that it sees.
        num_actions: A.
        as_number: one output without a bias.
    """

    def __init__(self, inputs: int, num_actions: int, as_number: bool = False) -> None:
        super().__init__()
        self.num_actions, self.as_number = num_actions, as_number
        self.linear = nn.Linear(inputs, 1 if as_number else num_actions, bias=not as_number)
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
        return self._chosen(acted if self.as_number else acted + bias)

    def flat(self) -> Tensor:
        """All weights in a row, float32 (N,): W by rows, then b."""
        return parameters_to_vector(self.parameters()).detach().clone()

    @torch.no_grad()
    def from_flat(self, row: Tensor) -> None:
        """Takes over the weights (N,) that `flat` gives."""
        # A copy: each weight becomes a view of the row that it is taken from.
        vector_to_parameters(row.to(self.linear.weight, copy=True), self.parameters())

    def _chosen(self, outputs: Tensor) -> Tensor:
        if not self.as_number:
            return outputs.argmax(-1)
        share = (outputs[..., 0].clamp(-1, 1) + 1) / 2
        return (share * self.num_actions).long().clamp(max=self.num_actions - 1)
