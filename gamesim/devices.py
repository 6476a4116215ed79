"""The names of devices: every command, environment and screen reads them here, in capitals or not.

======== ===================================================================================
auto     the first that is there: cuda, then mps, then cpu
cpu
cuda     an NVIDIA GPU: the first one or, under ``torchrun``, this process's own
cuda:1   the second GPU, and so on
mps      an Apple GPU
======== ===================================================================================

Spelling is checked without torch, so that a typing error shows at once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gamesim.errors import UserError

if TYPE_CHECKING:
    import torch

CHOICES = ("auto", "cpu", "cuda", "mps")
"""What there is to choose from; ``cuda`` may have a number."""
HELP = "auto, cpu, cuda, cuda:1 or mps"


def spelled(name: str) -> str:
    """Return the name in small letters.

    Raises:
        UserError: Nothing is called that.
    """
    small = name.strip().lower()
    if not re.fullmatch(r"auto|(cpu|mps)(:0)?|cuda(:\d{1,3})?", small, re.ASCII):
        raise UserError(f"unknown device '{name[:40]}' (choose from: {HELP})")
    return small


def pick(name: str | torch.device) -> torch.device:
    """Return the device of that name; a `torch.device` is taken as it is.

    Raises:
        UserError: Nothing is called that, or this machine or torch build has no such device.
    """
    import torch

    if not isinstance(name, str):
        return answering(name)
    name = spelled(name)
    forked = getattr(torch.cuda, "_is_in_bad_fork", lambda: False)()
    cuda, mps = not forked and torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if cuda else "mps" if mps else "cpu"
    kind, _, number = name.partition(":")
    if kind == "mps" and not mps:
        raise UserError(f"device {name}: this machine or torch build has none; use cpu or auto")
    if kind == "cuda" and forked:
        raise UserError(f"device {name}: not in a forked process; start it with 'spawn' or 'forkserver'")
    if kind == "cuda" and not cuda:
        why = "torch sees no NVIDIA GPU" if torch.version.cuda else "this torch build has no CUDA"
        raise UserError(f"device {name}: {why}; use cpu or auto")
    if kind == "cuda" and int(number or 0) >= (count := torch.cuda.device_count()):
        there = "1 GPU, cuda:0" if count == 1 else f"{count} GPUs, cuda:0 to cuda:{count - 1}"
        raise UserError(f"device {name}: this machine has {there}")
    return answering(torch.device(name))


def answering(device: torch.device) -> torch.device:
    """The device, after a look whether it does anything at all."""
    import torch

    try:
        torch.empty((), device=device).item()  # meta holds no numbers
    except Exception as error:  # torch raises RuntimeError, AssertionError or NotImplementedError here
        why = " ".join(str(error).split()).split(". ")[0][:160]
        raise UserError(f"device {device}: {why}") from error
    return device
