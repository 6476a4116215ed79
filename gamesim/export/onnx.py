"""One step of a learned engine as an ONNX graph, for whatever runs those: browsers, phones, other languages.

The graph is `WorldModel.imagine` for one lane at one temperature. Chance comes from outside, so that the same
noise gives the same frames everywhere:

    inputs    action int64 (1,), noise float32 (1, ...) from a standard normal distribution, and the state
    outputs   frame uint8 (1, H, W, 3), reward float32 (1,), end_probability float32 (1,), and the new state

A state's tensors are called ``state.NAME`` on the way in and ``next.NAME`` on the way out. Inputs of the
state have values of their own, a moment right after real frames: whoever leaves them out begins there.
"""

import contextlib
import io
import logging
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from gamesim import outputs, storage
from gamesim.dream import DreamVectorEnv, Source
from gamesim.errors import UserError
from gamesim.models import State, WorldModel
from gamesim.threads import one_thread

OPSET = 18


class Step(nn.Module):
    """`imagine` with a state and a prediction that are plain tensors.

    Args:
        model: the engine, in eval mode.
        names: of the state's tensors, in the order in which they come and go.
        temperature: of the dream.
    """

    def __init__(self, model: WorldModel, names: list[str], temperature: float) -> None:
        super().__init__()
        self.model, self.names, self.temperature = model, names, temperature

    def forward(self, action: Tensor, noise: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        before = dict(zip(self.names, state, strict=True))
        after, told = self.model.imagine(before, action, temperature=self.temperature, generator=noise)
        return told.frame, told.reward, told.end_probability, *(after[name] for name in self.names)


@one_thread()
def write_onnx(checkpoint: Source, out: str | Path, *, temperature: float = 1.0) -> None:
    """Write the step of an engine as an ONNX file.

    Args:
        checkpoint: a checkpoint's folder, or an engine and real beginnings for it.
        out: the file; its name ends in .onnx.
        temperature: of the dream; it is part of the graph.

    Raises:
        UserError: no such engine, the extra is missing, or the file cannot be written.
    """
    out = Path(out)
    outputs.check_file(out)
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        said = f"ONNX needs the extra: pip install 'gamesim[onnx]' (no module named {error.name})"
        raise UserError(said) from None
    dream = DreamVectorEnv(checkpoint, temperature=temperature)
    dream.reset(seed=0, options={"start": 0})
    state = {name: tensor.clone() for name, tensor in dream.state.memory.items()}
    step = Step(dream.model, list(state), temperature)
    storage.write_file(out, _graph(step, state))


def _graph(step: Step, state: State) -> bytes:
    """The graph of a step, with `state` as the values that its inputs have of themselves."""
    import onnx

    action = torch.zeros(1, dtype=torch.int64)
    noise = torch.zeros(1, *step.model.noise_shape)
    inputs = ["action", "noise", *(f"state.{name}" for name in state)]
    outputs = ["frame", "reward", "end_probability", *(f"next.{name}" for name in state)]
    with torch.inference_mode(False), torch.no_grad(), _quiet():
        tensors = (action, noise, *(tensor.clone() for tensor in state.values()))
        program = torch.onnx.export(
            step, tensors, input_names=inputs, output_names=outputs, opset_version=OPSET, dynamo=True
        )
    assert program is not None
    graph = program.model_proto
    for name, tensor in state.items():
        graph.graph.initializer.append(onnx.numpy_helper.from_array(tensor.numpy(), f"state.{name}"))
    graph.doc_string = (__doc__ or "").strip()
    onnx.checker.check_model(graph)
    return graph.SerializeToString()


@contextlib.contextmanager
def _quiet():
    """The exporter reports its progress on stdout and its plans for later releases as warnings."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
