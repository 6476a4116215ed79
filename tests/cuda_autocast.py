"""What CUDA's autocast does and the CPU's does not, on the CPU.

On CUDA many operations compute in float32 that stay in bfloat16 here (torch's "CUDA ops that autocast to
float32"), so tensors meet there that are of one type here; and some losses refuse two types there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as tree

FLOAT32 = {
    *("binary_cross_entropy_with_logits", "cross_entropy", "kl_div", "l1_loss", "mse_loss", "nll_loss"),
    *("cumprod", "cumsum", "exp", "expm1", "log", "log10", "log1p", "log2", "log_softmax", "softmax"),
    *("group_norm", "layer_norm", "norm", "normalize", "pow", "prod", "reciprocal", "rsqrt", "sum"),
}
ONE_TYPE = {"mse_loss", "l1_loss", "smooth_l1_loss", "binary_cross_entropy_with_logits"}


class CudaAutocast(TorchFunctionMode):
    """Within it the CPU's autocast computes in float32 what CUDA's does."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        if torch.is_autocast_enabled("cpu") and name in FLOAT32:
            args, kwargs = tree.tree_map_only(torch.Tensor, _as_float32, (args, kwargs))
        if name in ONE_TYPE:
            met = {part.dtype for part in tree.tree_leaves(args) if isinstance(part, torch.Tensor)}
            if len(met) > 1:
                raise RuntimeError(f"{name}: found {met} but expected one type")
        return func(*args, **kwargs)


def _as_float32(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
