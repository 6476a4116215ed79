"""An engine's step outside of torch: the same frames for the same noise."""

from pathlib import Path

import numpy as np
import pytest
import torch

from gamesim import checkpoint, config, models
from gamesim.dream import DreamVectorEnv
from gamesim.errors import UserError
from gamesim.export.onnx import write_onnx

STEPS = 12


def engine(preset: str) -> tuple:
    """An untrained engine of a preset, and one real beginning for it."""
    torch.manual_seed(3)
    model = models.build(config.load(preset)).eval()
    frames = torch.randint(0, 256, (1, 3, *model.frame_shape), dtype=torch.uint8)
    return model, checkpoint.Starts(frames, torch.tensor([[1, 4]]))


@pytest.mark.slow
@pytest.mark.extra("onnx", "onnxscript", "onnxruntime")
@pytest.mark.parametrize(
    ("preset", "temperature"),
    [("gamegan-tiny", 1.3), ("tilemap", 1.3), ("world-model-tiny", 1.3), ("world-model-tiny", 0.0)],
)
def test_onnxruntime_dreams_the_same_frames(tmp_path: Path, preset: str, temperature: float, caplog):
    import onnxruntime

    source = engine(preset)
    write_onnx(source, tmp_path / "step.onnx", temperature=temperature)
    assert not [each for each in caplog.records if each.levelname != "DEBUG"]  # they would be on stderr
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(tmp_path / "step.onnx"), options)
    dream = DreamVectorEnv(source)
    dream.reset(seed=0, options={"start": 0})
    state, chance, fed = dream.state.memory, torch.Generator().manual_seed(1), {}
    for step in range(STEPS):
        action = torch.tensor([step % 5])
        noise = torch.randn(1, *dream.model.noise_shape, generator=chance)
        with torch.inference_mode():
            state, told = dream.model.imagine(state, action, temperature=temperature, generator=noise)
        frame, reward, end, *after = session.run(
            None, {"action": action.numpy(), "noise": noise.numpy(), **fed}
        )
        fed = {f"state.{name}": value for name, value in zip(state, after, strict=True)}
        distance = np.abs(frame.astype(int) - told.frame.numpy())
        assert distance.max() <= 1 and distance.mean() < 0.01  # a float that lies between two bytes
        np.testing.assert_allclose(reward, told.reward.numpy(), atol=1e-4)
        np.testing.assert_allclose(end, told.end_probability.numpy(), atol=1e-4)


def test_without_the_extra_there_is_one_clear_line(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(UserError, match=r"gamesim\[onnx\]"):
        write_onnx("nowhere", tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())
