"""Where training runs: the device, and the processes that ``torchrun`` started.

Under ``torchrun`` every process trains on its own batches, gradients are averaged by `Processes.average`, and
the first one alone writes files.
"""

import contextlib
import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from gamesim.devices import pick
from gamesim.errors import UserError
from gamesim.text import counted, one_line


def pick_device(name: str) -> torch.device:
    """Return the device of a name, see `gamesim.devices`; under ``torchrun``, ``cuda`` is this process's own.

    Raises:
        UserError: An unknown name, or a device that this machine or torch build lacks.
    """
    rank, device = _environment("LOCAL_RANK", 0), pick(name)
    if device.type != "cuda":
        return device
    if device.index is None and rank >= (count := torch.cuda.device_count()):
        raise UserError(f"device cuda: process {rank} has no GPU, there are {count}")
    if device.index is not None and _environment("WORLD_SIZE", 1) > 1:
        raise UserError(f"device {device}: torchrun would put all processes on it; cuda gives each its own")
    return torch.device("cuda", rank if device.index is None else device.index)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Return a context in which networks compute in ``precision``: float32, or bfloat16 where it is safe."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def setup(device: str, *, seed: int, threads: int | None = None) -> torch.device:
    """Prepare this process for training, before anything is built.

    Picks the device, joins the other processes of ``torchrun``, sets the number of CPU threads, and seeds
    torch, NumPy and Python (each process differently).

    Raises:
        UserError: No such device, or ``torchrun``'s environment is incomplete.
    """
    picked = pick_device(device)
    # Decaying averages end in denormal numbers, which are many times slower on CPUs.
    torch.set_flush_denormal(True)
    if threads is not None:
        torch.set_num_threads(threads)
    if picked.type == "cuda":
        torch.cuda.set_device(picked)
        torch.set_float32_matmul_precision("high")
    rank = _environment("RANK", 0)
    if _environment("WORLD_SIZE", 1) > 1 and not dist.is_initialized():
        try:
            dist.init_process_group("nccl" if picked.type == "cuda" else "gloo")
        except (ValueError, RuntimeError) as error:
            raise UserError(f"torchrun: the processes cannot join: {str(error).splitlines()[0]}") from None
    seed_everything(seed + rank)
    return picked


def seed_everything(seed: int) -> None:
    """Seed the global generators of torch, NumPy and Python."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def describe(device: torch.device) -> str:
    """Return a device as a card names it: ``cuda (NVIDIA H100)``, ``cpu (2 threads)``."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"cpu ({counted(torch.get_num_threads(), 'thread')})" if device.type == "cpu" else device.type


@dataclass(frozen=True)
class Processes:
    """The processes of this run, and this one's place among them.

    Attributes:
        rank: 0 for the one that writes files.
        count: 1 without ``torchrun``.
        control: A CPU group for small agreements; None without ``torchrun``.
    """

    rank: int = 0
    count: int = 1
    control: Any = None

    @property
    def first(self) -> bool:
        """Whether this process writes the files and shows the progress."""
        return self.rank == 0

    def same(self, module: nn.Module) -> None:
        """Give every process the weights and buffers of the first one."""
        if self.count > 1:
            for tensor in module.state_dict().values():
                with _together():
                    dist.broadcast(tensor, 0)

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Average gradients over the processes.

        A parameter without a gradient counts as zeros, so that processes agree on what is exchanged.
        """
        if self.count == 1:
            return
        trained = [p for p in parameters if p.requires_grad]
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in trained]
        flat = torch.cat([grad.reshape(-1) for grad in grads])
        with _together():
            dist.all_reduce(flat)
        flat /= self.count
        parts = flat.split([grad.numel() for grad in grads])
        for parameter, grad, part in zip(trained, grads, parts, strict=True):
            parameter.grad = torch.empty_like(grad).copy_(part.view_as(grad))

    def agree(self, flags: list[int]) -> list[int]:
        """Return, in every process, the largest of each flag over all of them."""
        if self.count == 1:
            return flags
        tensor = torch.tensor(flags, dtype=torch.int64)
        with _together():
            dist.all_reduce(tensor, dist.ReduceOp.MAX, group=self.control)
        return [int(flag) for flag in tensor]

    def share(self, rows: int) -> slice:
        """Return which of so many rows are this process's."""
        return slice(self.rank * rows // self.count, (self.rank + 1) * rows // self.count)

    def joined(self, rows: Tensor) -> Tensor:
        """Return, in every process, the rows of all of them, by rank."""
        if self.count == 1:
            return rows
        parts: list[Any] = [None] * self.count
        with _together():
            dist.all_gather_object(parts, rows.cpu(), group=self.control)
        return torch.cat(parts).to(rows.device)

    def gather(self, item: Any) -> list[Any]:
        """Return the items of all processes, by rank, in the first one (elsewhere an empty list)."""
        if self.count == 1:
            return [item]
        items = [None] * self.count if self.first else None
        with _together():
            dist.gather_object(item, items, group=self.control)
        return items or []


@contextlib.contextmanager
def _together() -> Iterator[None]:
    """Whatever keeps the processes from exchanging something becomes one line: one of them was killed."""
    try:
        yield
    except RuntimeError as error:
        why = f"another process has ended, or cannot be reached ({one_line(error, 160)})"
        raise UserError(f"torchrun: {why}; what was saved until then goes on with --resume") from error


_known: Processes | None = None


def distributed() -> Processes:
    """Return the processes of this run; call it after `setup`."""
    global _known
    if not (dist.is_available() and dist.is_initialized()):
        return Processes()
    if _known is None:
        control = dist.new_group(backend="gloo") if dist.get_backend() != "gloo" else dist.group.WORLD
        _known = Processes(dist.get_rank(), dist.get_world_size(), control)
    return _known


def launched() -> Processes:
    """Return this process's place among those that ``torchrun`` started; they may not have joined yet."""
    return Processes(_environment("RANK", 0), _environment("WORLD_SIZE", 1))


def finish() -> None:
    """Leave the other processes, at the end of the run."""
    global _known
    _known = None
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def _environment(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    try:
        return int(text) if text else default
    except ValueError:
        raise UserError(f"environment variable {name}={text!r} is not a number; torchrun sets it") from None
