"""The state of a training run on disk, exact to the bit, without pickles.

A tree of dicts, lists, tuples, tensors, arrays, numbers and strings becomes safetensors for what is large and
JSON for its shape. Python's JSON keeps every int and float exactly.
"""

import contextlib
import json
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from gamesim.errors import UserError


class NotFinite(ArithmeticError):
    """A float tensor of the state holds NaN or infinity; the message says where."""


def encode(tree: Any) -> tuple[bytes, bytes]:
    """Return ``(safetensors, json)`` of a tree.

    Raises:
        NotFinite: A float tensor holds NaN or infinity; such a run must not replace a good one.
        TypeError: The tree holds something else than the module's docstring lists.
    """
    tensors: dict[str, Tensor] = {}
    shape = _encode(tree, tensors, "state")
    return safetensors.torch.save(tensors), json.dumps(shape).encode()


def decode(tensors: bytes, shape: bytes, source: str) -> Any:
    """Return the tree of an `encode`, tensors on the CPU.

    Raises:
        UserError: Not what `encode` writes; the message starts with `source`.
    """
    try:
        return _decode(json.loads(shape), safetensors.torch.load(tensors))
    except Exception as error:  # whatever a hostile file can provoke; nothing here runs its content
        raise UserError(f"{source}: not the state of a run: {type(error).__name__}") from None


def rng_state() -> dict[str, Any]:
    """Return the global generators of Python, NumPy and torch (CPU and the current GPU)."""
    state = {"python": random.getstate(), "numpy": np.random.get_state(), "torch": torch.get_rng_state()}
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_rng_state(state: dict[str, Any]) -> None:
    """Put back what `rng_state` returned."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


@contextlib.contextmanager
def same_rng() -> Iterator[None]:
    """Leave the global generators as they were."""
    state = rng_state()
    try:
        yield
    finally:
        set_rng_state(state)


def _encode(item: Any, tensors: dict[str, Tensor], where: str) -> Any:
    if isinstance(item, Tensor):
        if item.is_floating_point() and not bool(torch.isfinite(item).all()):
            raise NotFinite(where)
        name = str(len(tensors))
        tensors[name] = item.detach().cpu().clone().contiguous()
        return {"tensor": name}
    if isinstance(item, np.ndarray):
        return {"array": str(item.dtype), "shape": list(item.shape), "items": item.reshape(-1).tolist()}
    if isinstance(item, np.generic):
        return _encode(item.item(), tensors, where)
    if isinstance(item, dict):
        # Pairs, since an optimizer's state has int keys and JSON's are strings.
        pairs = [[_encode(k, tensors, where), _encode(v, tensors, f"{where}.{k}")] for k, v in item.items()]
        return {"dict": pairs}
    if isinstance(item, (list, tuple)):
        items = [_encode(each, tensors, f"{where}.{index}") for index, each in enumerate(item)]
        return items if isinstance(item, list) else {"tuple": items}
    if item is None or isinstance(item, (bool, int, float, str)):
        return item
    raise TypeError(f"{where}: a run's state cannot hold a {type(item).__name__}")


def _decode(item: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(item, list):
        return [_decode(each, tensors) for each in item]
    if not isinstance(item, dict):
        return item
    if "tensor" in item:
        return tensors[item["tensor"]]
    if "array" in item:
        return np.array(item["items"], dtype=np.dtype(item["array"])).reshape(item["shape"])
    if "tuple" in item:
        return tuple(_decode(each, tensors) for each in item["tuple"])
    return {_decode(key, tensors): _decode(each, tensors) for key, each in item["dict"]}
