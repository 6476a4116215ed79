"""Processes for trainings that end hard or train together: forked from a server that has loaded torch."""

import multiprocessing
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOADED = [
    "torch",
    "torch._dynamo",
]  # the second is what torch's optimisers load when the first of them is made


@dataclass(frozen=True)
class Finished:
    """How processes ended.

    Attributes:
        codes: their exit codes; of one that a signal ended, the negative number of it.
        said: what they wrote to stdout and stderr.
    """

    codes: list[int | None]
    said: str


def forked(function: Callable[..., object], *arguments: Any, folder: Path, count: int = 1) -> Finished:
    """Call a function of a module in a process of its own, and wait for its end.

    Args:
        function: what is called.
        arguments: for it.
        folder: where what is said goes meanwhile.
        count: how many processes do the same, joined as ``torchrun`` joins them.
    """
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(LOADED)
    places = joined(count) if count > 1 else [{}]
    logs = [folder / f"said{rank}.txt" for rank in range(count)]
    processes = [
        server.Process(target=_begin, args=(place, log, function, arguments))
        for place, log in zip(places, logs, strict=True)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return Finished([process.exitcode for process in processes], "".join(log.read_text() for log in logs))


def joined(count: int) -> Sequence[dict[str, str]]:
    """The environment of each of some processes that find each other."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    meeting = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return [{**meeting, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]


def _begin(environment: dict[str, str], log: Path, function: Callable[..., object], arguments: Any) -> None:
    os.environ.update(environment)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    function(*arguments)
