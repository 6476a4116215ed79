"""Adam (Kingma & Ba 2015) as a step that is recorded needs it, see graphs.py."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class Adam(torch.optim.Adam):
    """torch's Adam in one kernel, with everything that changes in tensors on the device, the rate as well.

    A state that was saved on another device can be loaded here. The kernel reads memory in the order in which
    it lies, and on the CPU does not complain about a gradient or a state whose layout differs from its
    parameter's (channels last): here they are given the same layout first.

    Args:
        parameters: On the device; the rate is `set_rate`'s.
        betas: Decay of the means of gradients and of their squares.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], betas: tuple[float, float] = (0.9, 0.999)) -> None:
        trained = list(parameters)
        device = trained[0].device
        rate = torch.zeros((), device=device)
        super().__init__(trained, rate, betas, fused=True, capturable=device.type == "cuda")

    def set_rate(self, rate: float) -> None:
        """Set the learning rate of the steps to come; outside of a recorded step."""
        for group in self.param_groups:
            group["lr"].fill_(rate)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned, on any device and by any of torch's kinds of Adam."""
        kept = ("lr", "fused", "capturable", "foreach")
        groups = [
            {**saved, **{key: own[key] for key in kept}}
            for saved, own in zip(state_dict["param_groups"], self.param_groups, strict=True)
        ]
        super().load_state_dict({**state_dict, "param_groups": groups})
        for parameter, state in self.state.items():
            for name, held in state.items():
                if held.shape == parameter.shape:
                    state[name] = _laid_out(held, parameter)

    def step(self, closure: Any = None) -> Any:
        """Take a step, see torch."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad = _laid_out(parameter.grad, parameter)
        return super().step(closure)


@torch.no_grad()
def _laid_out(tensor: Tensor, like: Tensor) -> Tensor:
    """The tensor with the strides of another one of its shape."""
    return tensor if tensor.stride() == like.stride() else torch.empty_like(like).copy_(tensor)
