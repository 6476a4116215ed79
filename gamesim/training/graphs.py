"""A step as a CUDA graph: its kernels are recorded once and then launched together.

Without a graph Python launches every kernel of a step by itself, and a GPU waits for it most of the time. On
the CPU and on MPS the same code runs as it is.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Step = Callable[..., Mapping[str, Tensor]]
RECORDED_ON = ("cuda",)
"""Kinds of devices."""


@dataclass
class _Recording:
    """A graph, the tensors that it reads, and those that it writes its results to."""

    graph: torch.cuda.CUDAGraph
    inputs: list[Any]
    outputs: Mapping[str, Tensor]


class Graphed:
    """Calls a step, as a CUDA graph where there is CUDA.

    ::

        self.compiled = Graphed(self.learn, device)
        losses = self.compiled(frames, actions, noise, warm_up, penalise=True)

    The first `warm_up` calls with inputs of some shape run as they are, on a stream of their own; each is a
    real step of a training. The next call records the step, which changes nothing, and launches the
    recording; so does every later one. Inputs of other shapes, or other keywords, have a recording of their
    own. All of them share their memory, so that two cost hardly more than the larger one.

    What a step must keep to, so that its recording means the same:

    - Its positional arguments are tensors that already are on the device; they are copied before each launch.
      Keywords are hashable (numbers, flags) and hold for the whole recording: a keyword that changes in every
      step makes a new recording each time.
    - Everything else that changes from step to step is in tensors that the step changes in place: weights,
      gradients, the optimiser's state (`gamesim.training.adam.Adam`), buffers. What Python does in the step,
      such as to count, happens while it is recorded and never again. Gradients are made and used within the
      step.
    - No answer of the device decides what is done: no ``.item()``, ``.cpu()``, ``bool(tensor)``, no mask as
      an index, no tensor made from a Python list.
    - Noise comes from the device's default generator, or as an input.
    - ``torch.autocast`` is entered and left within the step, so that what it casts and keeps is recorded.
    - Whoever puts *other* tensors in the place of those that it used, as ``optimizer.load_state_dict`` does,
      calls `reset`.

    Args:
        step: Takes tensors and keywords, and returns tensors by name, each of which may be 0-d.
        device: Where all of them are.
        warm_up: Calls that run as they are before one is recorded; at least 1, in which libraries and the
            optimiser make what they keep.
        enabled: False runs the step as it is on CUDA as well (several processes average gradients in it).
    """

    def __init__(
        self,
        step: Step,
        device: torch.device,
        *,
        warm_up: int = 2,
        enabled: bool = True,
    ) -> None:
        self.recorded = enabled and device.type in RECORDED_ON
        self._step, self._warm_up = step, warm_up
        if self.recorded:
            self._stream = torch.cuda.Stream()
        self.reset()

    def reset(self) -> None:
        """Forget all recordings: the tensors that they were made with are no longer the ones in use."""
        self._recordings: dict[Hashable, _Recording] = {}
        self._calls: dict[Hashable, int] = {}
        if self.recorded:
            self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, *inputs: Tensor, **how: Hashable) -> Mapping[str, Tensor]:
        """Take the step.

        Returns:
            What it returns; later calls leave it alone.
        """
        if not self.recorded:
            return self._step(*inputs, **how)
        key = (*((tuple(each.shape), each.dtype) for each in inputs), *sorted(how.items()))
        calls = self._calls.get(key, 0)
        self._calls[key] = calls + 1
        if calls < self._warm_up:
            return self._beside(inputs, how)
        if key not in self._recordings:
            self._recordings[key] = self._record(inputs, how)
        recording = self._recordings[key]
        for static, each in zip(recording.inputs, inputs, strict=True):
            static.copy_(each)
        recording.graph.replay()
        return {name: output.clone() for name, output in recording.outputs.items()}

    def _beside(self, inputs: Sequence[Tensor], how: Mapping[str, Hashable]) -> Mapping[str, Tensor]:
        """Run the step as it is, on the stream that recordings are made on."""
        here = torch.cuda.current_stream()
        self._stream.wait_stream(here)
        with torch.cuda.stream(self._stream):
            outputs = self._step(*inputs, **how)
        here.wait_stream(self._stream)
        return outputs

    def _record(self, inputs: Sequence[Tensor], how: Mapping[str, Hashable]) -> _Recording:
        graph = torch.cuda.CUDAGraph()
        static = [each.clone() for each in inputs]
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
            outputs = self._step(*static, **how)
        return _Recording(graph, static, outputs)
