"""What trains the shipped networks, saves them and goes on."""

import signal

import pytest
import torch
from torch import nn

from gamesim.errors import UserError
from gamesim.labs import gan, vae, weights
from gamesim.labs.gan import GAN
from gamesim.labs.train import TRAININGS, main, precision, train


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_saves_its_weights_and_goes_on_from_them(tmp_path, name, monkeypatch):
    monkeypatch.setattr(gan, "SHIPPED_BATCH", 2)
    monkeypatch.setattr(vae, "BATCH", 2)
    assert all(loss == loss for loss in train(name, tmp_path, steps=1).values())
    train(name, tmp_path, steps=2)
    model, _, _ = TRAININGS[name](0)
    weights.load(model, tmp_path)
    assert int(model.get_buffer("taken")) == 2


@pytest.mark.parametrize("bfloat16", [True, False])
def test_a_training_computes_with_the_weights_that_the_last_step_made(bfloat16):
    layer, ones = nn.Linear(2, 1), torch.ones(1, 2)
    with precision(bfloat16=bfloat16):
        before = layer(ones)
        with torch.no_grad():
            layer.weight.add_(1)
        after = layer(ones)
    assert before.dtype == (torch.bfloat16 if bfloat16 else torch.float32)
    assert (after - before).item() == pytest.approx(2, rel=0.02)


def test_weights_come_back_also_from_half_precision(tmp_path):
    first, second = GAN(0), GAN(1)
    weights.save(first.half(), tmp_path)
    weights.load(second, tmp_path)
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one.float(), other) and other.dtype == torch.float32


def test_weights_of_another_network_are_named(tmp_path):
    weights.save(nn.Linear(2, 3), tmp_path)
    with pytest.raises(UserError, match=r"does not fit this model: weight is 3x2 there, 3x4 here"):
        weights.load(nn.Linear(4, 3), tmp_path)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        weights.save(nn.Linear(1, 1), tmp_path / "file" / "in")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--out", "{file}"], "not a folder"),
        (["--out", "{file}/in"], "is inside a file"),
        (["--out", "{new}", "--steps", "0"], "steps must be an integer from 1"),
        (["--out", "{new}", "--seed", "-1"], "seed must be a whole number"),
        (["--out", "{damaged}"], "damaged: not a safetensors file"),
    ],
)
def test_what_somebody_mistypes_is_one_line_before_the_first_step(words, complaint, tmp_path, capsys):
    places = {name: tmp_path / name for name in ("file", "new", "damaged")}
    places["file"].write_text("")
    places["damaged"].mkdir()
    (places["damaged"] / weights.FILE).write_text("")
    with pytest.raises(SystemExit) as left:
        main(["gan", *(word.format(**places) for word in words)])
    said = capsys.readouterr().err
    assert left.value.code == 2 and complaint in said and said.count("\n") == 1
    assert not places["new"].exists()


def test_ctrl_c_saves_what_was_learned(tmp_path, monkeypatch):
    monkeypatch.setattr(gan, "SHIPPED_BATCH", 2)

    def stopped(self, *batch, step=GAN.step):
        signal.raise_signal(signal.SIGINT)
        return step(self, *batch)

    monkeypatch.setattr(GAN, "step", stopped)
    main(["gan", "--out", str(tmp_path)])
    model = GAN(1)
    weights.load(model, tmp_path)
    assert int(model.get_buffer("taken")) == 1
