"""One reader of devices: every command, environment and screen takes the same names and says no alike."""

import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import pytest
import torch

from gamesim import checkpoint, cli, devices
from gamesim.agents.controller import ControllerPolicy
from gamesim.devices import pick, spelled
from gamesim.errors import UserError
from gamesim.evaluation.evaluate import evaluate
from gamesim.evaluation.temperature import temperature_table
from gamesim.evaluation.transfer import Budget, Row, transfer
from gamesim.training.devices import pick_device

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def machine(monkeypatch):
    """Make it a machine with so many NVIDIA GPUs, or with an Apple one."""

    def with_(gpus: int = 0, *, apple: bool = False, forked: bool = False) -> None:
        monkeypatch.setattr("torch.cuda.is_available", lambda: gpus > 0)
        monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
        monkeypatch.setattr("torch.cuda._is_in_bad_fork", lambda: forked)
        monkeypatch.setattr("torch.backends.mps.is_available", lambda: apple)
        monkeypatch.setattr(devices, "answering", lambda device: device)

    return with_


@pytest.mark.parametrize("name", ["cpu", "CPU", " cpu ", "cpu:0"])
def test_the_cpu_is_always_there(name):
    assert pick(name).type == "cpu"


@pytest.mark.parametrize("name", ["cuda", "CUDA", "cuda:0", "cuda:1", "Cuda:1", "auto", "AUTO"])
def test_gpus_are_named_in_capitals_or_not_and_by_their_number(machine, name):
    machine(gpus=2)
    assert str(pick(name)) == {"auto": "cuda"}.get(name.lower(), name.lower())


def test_a_device_that_holds_no_numbers_is_none_to_dream_on():
    with pytest.raises(UserError, match=r"^device meta: .*meta"):
        pick(torch.device("meta"))


def test_auto_takes_the_first_that_is_there(machine):
    machine(gpus=1, apple=True)
    assert pick("auto").type == "cuda"
    machine(apple=True)
    assert pick("auto").type == "mps"
    machine()
    assert pick("auto").type == "cpu"
    machine(gpus=1, forked=True)
    assert pick("auto").type == "cpu"


@pytest.mark.parametrize(
    "name", ["", " ", "gpu", "meta", "cuda:x", "cuda:-1", "cuda:", "cuda:1.5", "cpu:1", "x" * 999]
)
def test_an_unknown_name_is_one_short_line(name):
    words = r"^unknown device '.*choose from: auto, cpu, cuda, cuda:1 or mps"
    for ask in (spelled, pick, pick_device):
        with pytest.raises(UserError, match=words) as no:
            ask(name)
        assert len(str(no.value)) < 120


def test_what_is_missing_is_one_short_line(machine):
    cases = {
        ("cuda:1", 1): "device cuda:1: this machine has 1 GPU, cuda:0",
        ("cuda:9", 4): "device cuda:9: this machine has 4 GPUs, cuda:0 to cuda:3",
        ("mps", 1): "device mps: this machine or torch build has none; use cpu or auto",
    }
    for (name, gpus), words in cases.items():
        machine(gpus=gpus)
        with pytest.raises(UserError) as no:
            pick(name)
        assert str(no.value) == words
    machine()
    with pytest.raises(UserError, match=r"^device cuda:0: .*; use cpu or auto$"):
        pick("cuda:0")
    machine(gpus=1, forked=True)
    with pytest.raises(UserError, match=r"^device cuda: not in a forked process; start it with .spawn."):
        pick("cuda")


def test_a_device_that_does_not_answer_is_one_short_line(monkeypatch):
    def broken(*_, device):
        raise RuntimeError("CUDA error: out of order. " + "More words. " * 200 + "\nand lines")

    monkeypatch.setattr("torch.empty", broken)
    with pytest.raises(UserError, match=r"^device cpu: CUDA error: out of order$"):
        pick("cpu")


def test_under_torchrun_cuda_is_the_gpu_of_the_process(machine, monkeypatch):
    machine(gpus=2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert pick_device("cuda") == pick_device("auto") == torch.device("cuda", 1)
    with pytest.raises(UserError, match="torchrun would put all processes on it"):
        pick_device("cuda:1")
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(UserError, match="process 2 has no GPU, there are 2"):
        pick_device("cuda")


def test_without_torchrun_training_takes_the_gpu_that_is_named(machine):
    machine(gpus=2)
    assert pick_device("cuda:1") == torch.device("cuda", 1)
    assert pick_device("cuda") == torch.device("cuda", 0)


@pytest.mark.parametrize("name", ["gpu", "cuda:1"])
def test_everything_that_takes_a_device_checks_it_first(machine, tmp_path, name):
    """There is no checkpoint, and no recording: the device is what they complain of."""
    machine(gpus=1)
    nothing = str(tmp_path / "nothing")
    doors = [
        lambda: gym.make("gamesim/Dream-v0", checkpoint=nothing, device=name),
        lambda: checkpoint.load_model(nothing, name),
        lambda: ControllerPolicy(nothing, name),
        lambda: evaluate(nothing, device=name),
        lambda: temperature_table(nothing, nothing, nothing, device=name),
        lambda: transfer([Row("random", "random")], Budget(device=name), [0], nothing),
    ]
    for door in doors:
        with pytest.raises(UserError, match=f"device '?{name}"):
            door()


COMMANDS = [
    "train gamegan-tiny --data d --out o",
    "train vision preset=world-model-tiny --data d --out o",
    "evaluate {folder}",
    "temperature {folder} --data d --out o",
    "export {folder} --out a.gif",
    "play {folder}",
    "watch {folder}",
    "record --env gamesim/Dream-v0 --out o checkpoint={folder}",
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.split()[0])
@pytest.mark.parametrize(("name", "words"), [("gpu", "unknown device 'gpu'"), ("cuda:7", "device cuda:7: ")])
def test_every_command_says_no_in_one_line(tmp_path, monkeypatch, capsys, machine, command, name, words):
    machine(gpus=1)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "manifest.json").write_text("{}")
    assert cli.main([*command.format(folder="engine").split(), "--device", name]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and words in said[0]
    assert [path.name for path in tmp_path.iterdir()] == ["engine"]


def test_a_config_holds_no_device(capsys):
    assert cli.main(["train", "gamegan-tiny", "--data", "d", "--out", "o", "training.device=cuda"]) == 2
    assert "unknown key 'training.device'" in capsys.readouterr().err


def test_a_spelling_mistake_shows_without_torch():
    script = "import sys; from gamesim.devices import spelled; spelled('CPU'); print('torch' in sys.modules)"
    command = [sys.executable, "-c", script]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"
