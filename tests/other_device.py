"""A GPU for tests that have none: tensors on a device of their own, which really compute, on the CPU.

It refuses what CUDA refuses: tensors of two devices in one operation (but for single numbers), a generator of
the CPU for noise on the device, ``.numpy()``; what MPS refuses: float64; and while a step is recorded as a
graph, whatever asks the device or reads what is not on it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch.utils import _pytree as tree
from torch.utils.backend_registration import _DummyBackendModule, _setup_privateuseone_for_python_backend

COPIES = {"_to_copy", "copy_", "_copy_from", "_copy_from_and_resize"}
JOINS = {"cat", "stack"}
"""Operations in which a single number has to be on the device as well."""


ANSWERS = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "unique", "_unique2"}
"""Operations whose result, or its shape, the CPU has to wait for."""

_recording = False


@contextlib.contextmanager
def recording(*_: Any, **__: Any) -> Iterator[None]:
    """What is computed in here is recorded: as `torch.cuda.graph`, but that it is computed all the same."""
    global _recording
    _recording = True
    try:
        yield
    finally:
        _recording = False


def records(monkeypatch: Any) -> list[str]:
    """Let `Graphed` record steps on `DEVICE`; returns what it does: "record" and "launch"."""
    from gamesim.training import graphs

    events: list[str] = []
    stream = SimpleNamespace(wait_stream=lambda other: None)
    fakes = {
        "Stream": lambda: stream,
        "current_stream": lambda: stream,
        "stream": lambda chosen: contextlib.nullcontext(),
        "graph_pool_handle": lambda: None,
        "CUDAGraph": lambda: (
            events.append("record") or SimpleNamespace(replay=lambda: events.append("launch"))
        ),
        "graph": recording,
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    monkeypatch.setattr(torch, "tensor", tensor)
    monkeypatch.setattr(graphs, "RECORDED_ON", ("cuda", DEVICE.type))
    return events


def tensor(numbers: Any, *, device: Any = None, plain: Any = torch.tensor, **how: Any) -> torch.Tensor:
    """`torch.tensor`, which is not fit for devices that are written in Python."""
    return plain(numbers, **how).to(device or "cpu")


class _Module(_DummyBackendModule):
    """What torch asks of a device that it does not know."""

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed_all(self, seed: int) -> None:
        pass

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


_setup_privateuseone_for_python_backend("other", _Module())
DEVICE = torch.device("other", 0)


class OnDevice(torch.Tensor):
    """A tensor on `DEVICE`; `held` is a CPU tensor with its numbers."""

    __torch_function__ = torch._C._disabled_torch_function_impl
    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> OnDevice:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=DEVICE,
        )
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(operation, args, kwargs or {})

    def tolist(self) -> Any:
        return self.held.tolist()

    def __repr__(self) -> str:
        return f"OnDevice({self.held})"


def _computed(operation: Any, args: Any, kwargs: Any) -> Any:
    name = operation.overloadpacket.__name__
    parts, shape = tree.tree_flatten((args, kwargs))
    tensors = [part for part in parts if isinstance(part, torch.Tensor)]
    here = [part for part in tensors if isinstance(part, OnDevice)]
    there = [part for part in tensors if not isinstance(part, OnDevice) and (part.dim() or name in JOINS)]
    if _recording and (name in ANSWERS or (here and len(here) < len(tensors)) or _is_mask(name, parts)):
        raise RuntimeError(f"{operation}: not while a graph is recorded")
    if here and there and name not in COPIES:
        raise RuntimeError(f"{operation}: expected all tensors to be on the same device")
    wanted = kwargs.get("device")
    if _recording and wanted is not None and tensors and torch.device(wanted).type != tensors[0].device.type:
        raise RuntimeError(f"{operation}: no copies between devices while a graph is recorded")
    stays = bool(here) if wanted is None else torch.device(wanted).type == DEVICE.type
    if stays and any(isinstance(part, torch.Generator) for part in parts):
        raise RuntimeError(f"{operation}: expected a generator of {DEVICE}, found one of the CPU")
    if name in FUSED:
        operation = FUSED[name]
    plain = [
        part.held
        if isinstance(part, OnDevice)
        else torch.device("cpu")
        if isinstance(part, torch.device)
        else part
        for part in parts
    ]
    args_, kwargs_ = tree.tree_unflatten(plain, shape)
    with torch.inference_mode(False), torch.no_grad():
        result = operation(*args_, **kwargs_)
    if stays and any(getattr(part, "dtype", None) == torch.float64 for part in tree.tree_leaves(result)):
        raise TypeError(f"{operation}: {DEVICE} has no float64")  # as MPS
    changed = kwargs.get(
        "out", args[0] if name.endswith("_") and not name.startswith("__") and args else None
    )
    if changed is not None:
        return changed if result is not None else None
    with torch.inference_mode(False):  # what is a view of a tensor that is none may be none either
        return tree.tree_map_only(torch.Tensor, lambda part: OnDevice(part) if stays else part, result)


def _is_mask(name: str, parts: list[Any]) -> bool:
    """Whether it is an index by a mask: how many numbers that gives, the device alone knows."""
    masks = [part for part in parts[1:] if isinstance(part, torch.Tensor) and part.dtype == torch.bool]
    return name in ("index", "index_put_", "index_put", "_index_put_impl_") and bool(masks)


def _lstm_cell(inputs, hidden, c, input_bias=None, hidden_bias=None):
    """What torch computes in one kernel on a GPU."""
    gates = inputs + hidden
    if input_bias is not None:
        gates = gates + input_bias + hidden_bias
    i, f, g, o = gates.chunk(4, 1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    new = f * c + i * g
    return o * new.tanh(), new, torch.cat([i, f, g, o], 1)


def _lstm_cell_backward(grad_h, grad_c, c, new, gates, has_bias):
    i, f, g, o = gates.chunk(4, 1)
    grad_h = torch.zeros_like(new) if grad_h is None else grad_h
    through = grad_h * o * (1 - new.tanh().square()) + (0 if grad_c is None else grad_c)
    parts = [
        through * g * i * (1 - i),
        through * c * f * (1 - f),
        through * i * (1 - g.square()),
        grad_h * new.tanh() * o * (1 - o),
    ]
    grads = torch.cat(parts, 1)
    return grads, through * f, grads.sum(0) if has_bias else None


def _gru_cell(inputs, hidden, h, input_bias=None, hidden_bias=None):
    """The other one: Cho et al. 2014 with torch's order of the gates (reset, update, new)."""
    if input_bias is not None:
        inputs, hidden = inputs + input_bias, hidden + hidden_bias
    (ir, iz, i_new), (hr, hz, h_new) = inputs.chunk(3, 1), hidden.chunk(3, 1)
    r, z = (ir + hr).sigmoid(), (iz + hz).sigmoid()
    new = (i_new + r * h_new).tanh()
    return new + z * (h - new), torch.cat([r, z, new, h, h_new], 1)


def _gru_cell_backward(grad, workspace, has_bias):
    r, z, new, h, h_new = workspace.chunk(5, 1)
    to_new = grad * (1 - z) * (1 - new.square())
    gates = [to_new * h_new * r * (1 - r), grad * (h - new) * z * (1 - z)]
    inputs, hidden = torch.cat([*gates, to_new], 1), torch.cat([*gates, to_new * r], 1)
    biases = (inputs.sum(0), hidden.sum(0)) if has_bias else (None, None)
    return inputs, hidden, grad * z, *biases


FUSED = {
    "_thnn_fused_gru_cell": _gru_cell,
    "_thnn_fused_gru_cell_backward": _gru_cell_backward,
    "_thnn_fused_lstm_cell": _lstm_cell,
    "_thnn_fused_lstm_cell_backward_impl": _lstm_cell_backward,
}

_library = torch.library.Library("_", "IMPL")
_library.fallback(lambda operation, *args, **kwargs: _computed(operation, args, kwargs), "PrivateUse1")
_library.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
