"""A step as a CUDA graph: when it is recorded and launched, and that nobody can tell by the results."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import pytest
import torch

from gamesim.training.adam import Adam
from gamesim.training.graphs import Graphed
from gamesim.training.state import decode, encode

CPU, CUDA = torch.device("cpu"), SimpleNamespace(type="cuda")


class Gpu:
    """What `Graphed` needs of torch.cuda: a recording runs nothing, a launch runs what was recorded."""

    def __init__(self):
        self.events, self.recording, self.streams = [], None, ["main"]

    def patch(self, monkeypatch):
        gpu = self

        class Stream:
            name = "side"

            def wait_stream(self, other):
                gpu.events.append(f"{self.name} waits for {other.name}")

        class Graph:
            def __init__(self):
                self.body = None

            def replay(self):
                assert gpu.streams[-1] == "main"
                gpu.events.append("launch")
                self.body()

        @contextlib.contextmanager
        def stream(chosen):
            gpu.streams.append(chosen.name)
            yield
            gpu.streams.pop()

        @contextlib.contextmanager
        def graph(recorded, pool, stream):
            assert pool == "pool"
            gpu.events.append("record")
            gpu.streams.append(stream.name)
            gpu.recording = recorded
            yield
            gpu.recording = None
            gpu.streams.pop()

        main = Stream()
        main.name = "main"
        for name, fake in {
            "Stream": Stream,
            "stream": stream,
            "current_stream": lambda: main,
            "CUDAGraph": Graph,
            "graph": graph,
            "graph_pool_handle": lambda: "pool",
        }.items():
            monkeypatch.setattr(torch.cuda, name, fake)

    def step(self, plain):
        """A step whose kernels are `plain`: while it is recorded they do not run."""

        def taken(*inputs, **how):
            assert self.streams[-1] == "side"
            if self.recording is None:
                self.events.append("eager")
                return plain(*inputs, **how)
            results = {"loss": torch.full((), torch.nan)}
            self.recording.body = lambda: results["loss"].copy_(plain(*inputs, **how)["loss"])
            return results

        return taken


@pytest.fixture
def gpu(monkeypatch):
    fake = Gpu()
    fake.patch(monkeypatch)
    return fake


def fitting():
    """A step of Adam on a line, its rate a tensor, and the weights that it trains."""
    torch.manual_seed(0)
    line = torch.nn.Linear(3, 1)
    optimizer = Adam(line.parameters())
    optimizer.set_rate(0.1)

    def step(inputs, wanted, *, squared=True):
        optimizer.zero_grad(set_to_none=True)
        off = line(inputs)[:, 0] - wanted
        loss = off.square().mean() if squared else off.abs().mean()
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach()}

    return step, line, optimizer


def batches(count, size=4):
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(size, 3, generator=generator), torch.randn(size, generator=generator))
        for _ in range(count)
    ]


def test_without_cuda_and_when_asked_not_to_it_is_the_step_itself(gpu):
    step, line, _ = fitting()
    other, same, _ = fitting()
    for graphed in (Graphed(other, CPU), Graphed(other, CUDA, enabled=False)):
        for batch in batches(4):
            assert torch.equal(graphed(*batch)["loss"], step(*batch)["loss"])
            assert torch.equal(line.weight, same.weight)
    assert gpu.events == []


def test_every_call_is_one_step_whether_it_is_recorded_or_not(gpu):
    step, line, optimizer = fitting()
    other, same, its_optimizer = fitting()
    graphed = Graphed(gpu.step(other), CUDA, warm_up=2)
    found, wanted = [], []
    for index, batch in enumerate(batches(6)):
        for each in (optimizer, its_optimizer):
            each.set_rate(0.1 / (index + 1))
        wanted.append(step(*batch)["loss"])
        found.append(graphed(*batch)["loss"])
        assert torch.equal(line.weight, same.weight)
    assert torch.equal(torch.stack(found), torch.stack(wanted)), "later calls leave what was returned alone"
    there_and_back = ["side waits for main", "eager", "main waits for side"]
    assert gpu.events == [*there_and_back, *there_and_back, "record", *["launch"] * 4]


def test_other_shapes_and_other_keywords_have_a_recording_of_their_own(gpu):
    step, line, _ = fitting()
    other, same, _ = fitting()
    graphed = Graphed(gpu.step(other), CUDA, warm_up=1)
    for small, large in zip(batches(4), batches(4, size=6), strict=True):
        for batch, squared in ((small, True), (large, True), (small, False)):
            assert torch.equal(
                graphed(*batch, squared=squared)["loss"], step(*batch, squared=squared)["loss"]
            )
    assert torch.equal(line.weight, same.weight)
    assert [gpu.events.count(each) for each in ("eager", "record", "launch")] == [3, 3, 9]


def test_after_a_reset_it_is_recorded_anew(gpu):
    graphed = Graphed(gpu.step(fitting()[0]), CUDA, warm_up=1)
    for batch in batches(2):
        graphed(*batch)
    graphed.reset()
    for batch in batches(2):
        graphed(*batch)
    assert gpu.events.count("record") == 2


def test_adam_goes_on_from_any_adam(tmp_path):
    """As torch's plain one had gone on, by the rate that it is given."""
    ends = []
    for ours in (False, True):
        torch.manual_seed(0)
        line = torch.nn.Linear(3, 1)
        optimizer = torch.optim.Adam(line.parameters(), 0.1)
        for index, (inputs, wanted) in enumerate(batches(6)):
            if index == 3 and ours:
                state = optimizer.state_dict()
                optimizer = Adam(line.parameters())
                optimizer.load_state_dict(state)
                optimizer.set_rate(0.1)
            optimizer.zero_grad()
            (line(inputs)[:, 0] - wanted).square().mean().backward()
            optimizer.step()
        ends.append(line.weight.detach())
    assert torch.allclose(*ends, atol=1e-6)


def test_adam_does_not_mind_how_gradients_and_states_lie_in_memory():
    ends = []
    for layout, ours in ((torch.contiguous_format, False), (torch.channels_last, True)):
        torch.manual_seed(0)
        convolution = torch.nn.Conv2d(3, 4, 3).to(memory_format=layout)
        pictures = torch.randn(2, 3, 8, 8)
        optimizer = (
            Adam(convolution.parameters()) if ours else torch.optim.Adam(convolution.parameters(), 0.1)
        )
        for step in range(4):
            optimizer.zero_grad()
            convolution(pictures).square().mean().backward()
            if ours:
                optimizer.set_rate(0.1)
                convolution.weight.grad = convolution.weight.grad.contiguous()
            optimizer.step()
            if step == 1:  # as it comes back from a run folder
                state = decode(*encode(optimizer.state_dict()), "run")
                optimizer.load_state_dict(state)
        ends.append(convolution.weight.detach())
    assert torch.allclose(*ends, atol=1e-4)


def test_adams_rate_stays_its_own_when_a_state_is_loaded():
    line = torch.nn.Linear(3, 1)
    first, second = Adam(line.parameters()), Adam(line.parameters())
    first.set_rate(0.3)
    second.load_state_dict(first.state_dict())
    second.set_rate(0.1)
    assert first.param_groups[0]["lr"] == pytest.approx(0.3)
    assert second.param_groups[0]["lr"] == pytest.approx(0.1)
