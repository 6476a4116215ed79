"""A task small enough to train in no time: the loop's tests need no model of ours."""

import itertools
import os
import signal
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from gamesim.checkpoint import Starts
from gamesim.training import devices, loop
from gamesim.training.loop import Deadline
from gamesim.training.task import Training


@dataclass(frozen=True)
class Always:
    """So many signals in each step."""

    times: int
    number: int = signal.SIGTERM


class FakeTask:
    """Fits a line with Adam, dropout and a generator of its own: all that a resume can get wrong."""

    frames_per_step = 8
    score_key = "error"

    def __init__(self, *, signal_at=(), nan_at=None, kill_at=None, poison_at=None, pause=0.0, seen=None):
        self.seen = seen
        self.processes = devices.distributed()
        self.model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1))
        self.processes.same(self.model)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.05)
        self.generator = torch.Generator().manual_seed(7 + self.processes.rank)
        self.signal_at, self.nan_at, self.kill_at, self.pause = signal_at, nan_at, kill_at, pause
        self.poison_at, self.count = poison_at, 0

    def step(self):
        if self.seen is not None:
            self.seen.append(self.generator.get_state())
        self.count += 1
        inputs = torch.randn(8, 3, generator=self.generator) + float(np.random.rand())
        loss = (self.model(inputs) - inputs.sum(1, keepdim=True)).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.processes.average(self.model.parameters())
        self.optimizer.step()
        time.sleep(self.pause)
        for _ in range(self.signal_at.times if isinstance(self.signal_at, Always) else 1):
            if isinstance(self.signal_at, Always) or self.count in self.signal_at:
                os.kill(os.getpid(), getattr(self.signal_at, "number", signal.SIGTERM))
        if self.count == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.count == self.poison_at:
            with torch.no_grad():
                self.model[0].weight[0, 0] = float("inf")
        return {"loss": loss * float("nan") if self.count == self.nan_at else loss}

    def extras(self):
        return {"critic": {"seen": torch.tensor([float(self.count)])}}

    def sheet(self):
        torch.rand(3)  # a sample that consumes the global generator must not change the run
        return np.zeros((4, 6, 3), np.uint8)

    def validate(self):
        torch.rand(3)
        return {"error": 1.0 / self.count}

    def state_dict(self):
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "count": self.count,
        }

    def load_state_dict(self, state):
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.count = state["count"]


def starts(count=2, frames=3):
    """Returns starts of noise."""
    return Starts(
        torch.randint(0, 256, (count, frames, 4, 4, 3), dtype=torch.uint8),
        torch.zeros((count, frames - 1), dtype=torch.int64),
    )


def after(minutes):
    """A deadline whose clock goes on by a minute each time that it is asked: after each step."""
    count = itertools.count()
    return Deadline(minutes, lambda: 60.0 * next(count))


def late(rank):
    """A deadline that the process of this rank alone meets, in its second step."""
    return after(1.5) if devices.distributed().rank == rank else Deadline()


def train(config, out, *, resume=False, deadline=Deadline, **kwargs):
    """Trains a new `FakeTask` as the command line would: seeded, on the CPU."""
    device = devices.setup("cpu", seed=config.seed, threads=1)
    how = {"device": device, "resume": resume, "deadline": deadline()}
    return loop.run(Training(FakeTask(**kwargs), starts()), config, out, **how)
