"""Weights that come with a lab, so that it opens with something to see: ``checkpoints/labs/NAME``."""

from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import nn

from gamesim import shipped, storage
from gamesim.checkpoint import MAX_SHIPPED_BYTES, fits
from gamesim.errors import UserError
from gamesim.text import reason

FILE = "model.safetensors"


def folder(lab: str) -> Path:
    """Where the shipped weights of a lab lie."""
    return shipped.folder(shipped.MODELS) / "labs" / lab


def load(module: nn.Module, place: Path) -> None:
    """Give a module the weights that lie in a folder; floats may be stored in half precision.

    Raises:
        UserError: there are none, they are damaged, or they fit another network.
    """
    path = place / FILE
    try:
        found = safetensors.torch.load(storage.read_file(path, path, MAX_SHIPPED_BYTES))
    except (SafetensorError, ValueError):
        raise UserError(f"{path}: damaged: not a safetensors file") from None
    wanted = module.state_dict()
    if not (found.keys() & wanted.keys()) - {"taken"}:  # all labs count what they have taken
        raise UserError(f"{path}: holds other networks than this lab's")
    fits(found, wanted, path)
    module.load_state_dict(found)


def save(module: nn.Module, place: Path) -> None:
    """Write the weights of a module into a folder.

    Raises:
        UserError: they cannot be written.
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{place}: cannot be written: {reason(error)}") from None
    tensors = {name: tensor.detach().contiguous() for name, tensor in module.state_dict().items()}
    storage.write_file(place / FILE, safetensors.torch.save(tensors))
