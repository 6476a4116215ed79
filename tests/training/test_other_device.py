"""Everything that trains and plays, with the model on another device than the one where data is by default.

What would end a training on a GPU by "tensors on two devices", or by a question to the device while its step
is recorded, ends it here, on any machine.
"""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch

from gamesim import checkpoint, config, models
from gamesim.agents.controller import ControllerPolicy
from gamesim.config.base import Config
from gamesim.data.dataset import Dataset
from gamesim.dream import batch
from gamesim.evaluation import temperature as temperatures
from gamesim.evaluation.controller import figures_of
from gamesim.evaluation.evaluate import measure
from gamesim.evaluation.subject import Subject
from gamesim.training import devices, stages
from other_device import DEVICE, OnDevice, recording, records, tensor

PRESETS = {
    "gamegan-tiny": ["training.steps=2", "training.validate_every=2", "data.segment=4"],
    "tilemap": [
        "training.steps=2",
        "training.validate_every=2",
        "data.segment=4",
        "data.batch_size=4",
        "data.start_frames=2",
        "model.channels=4",
        "model.hidden=4",
        "training.free_running.end=0.5",
        "training.palette_frames=64",
    ],
    "world-model-tiny": [
        "vision.steps=4",
        "memory.steps=4",
        "memory.noise=0.1",
        "controller.validate_every=3",
        "controller.real_episodes=1",
    ],
}


@pytest.fixture
def there(monkeypatch) -> list[str]:
    """Trainings take place on the other device; what its graphs do."""
    monkeypatch.setattr(devices, "pick_device", lambda name: DEVICE)
    return records(monkeypatch)


@pytest.fixture(scope="module")
def engine(plays, tmp_path_factory) -> Path:
    """A small world model that has learned nothing, and begins with the recorded games."""
    folder = tmp_path_factory.mktemp("engines") / "last"
    chosen = settings("world-model-tiny")
    torch.manual_seed(0)
    starts = checkpoint.Starts(*Dataset(plays, segment=1, split="all").starts(2, 2))
    card = {"game": "gamesim/Pacman-v0"}
    checkpoint.save(
        folder, weights=models.build(chosen).state_dict(), config=chosen, starts=starts, card=card
    )
    return folder


def settings(preset: str, *changes: str) -> Config:
    return config.load(preset, ["data.validation=0.3", *PRESETS[preset], *changes])


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_every_system_is_trained_saved_and_resumed_there(plays, tmp_path, there, preset):
    for resume in (False, True):
        chosen = settings(preset)
        ended = stages.train(chosen, str(plays), tmp_path / "run", device="cuda", resume=resume)
        assert ended is not None and ended.outcome == "done"
    recorded = 3 if preset == "world-model-tiny" else 0  # V's, M's and C's; two steps are too few
    assert there.count("record") == recorded
    found = checkpoint.load(tmp_path / "run" / "last")
    assert all(part.device.type == "cpu" for part in found.weights.values())


@pytest.mark.slow
def test_tilemaps_step_is_recorded_in_every_phase_of_a_run(plays, tmp_path, there):
    """With other lengths, lanes and losses it is recorded anew; schedules alone do not make it so."""
    long = ["training.steps=18", "data.segment=3", "training.validate_every=18", "training.sample_minutes=9"]
    late = ["training.unroll={start: 2, end: 3, begin: 0.5, over: 0.01}", "training.losses.dynamic.over=1"]
    stages.train(settings("tilemap", *long, *late), str(plays), tmp_path / "run", device="cuda")
    assert there.count("record") == 3, "as it begins, with lanes that run freely, and longer"


@pytest.mark.slow
def test_gamegans_step_is_recorded_in_every_phase_of_a_run(plays, tmp_path, there):
    """Told alone, then judged, then on frames of its own; a penalty is a recording beside the other."""
    long = ["training.steps=20", "training.validate_every=20", "training.sample_minutes=9"]
    late = ["training.warm_up={start: 4, end: 1, begin: 0.6, over: 0.01}"]
    late += ["training.losses.adversarial={start: 0, end: 1, begin: 0.25, over: 0.01}"]
    late += ["training.losses.attenuated=1", "training.muon=8"]
    stages.train(settings("gamegan-tiny", *long, *late), str(plays), tmp_path / "run", device="cuda")
    assert there.count("record") == 3, "told; judged; free-running (a penalty of each comes too seldom here)"
    assert there.count("launch") > 10


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["memory", "controller"])
def test_no_step_is_recorded_where_that_is_switched_off(plays, engine, tmp_path, there, stage):
    off = settings("world-model-tiny", f"{stage}.graphs=false")
    stages.train(off, str(plays), tmp_path / "off", device="cuda", stage=stage, init=engine)
    assert there == []


@pytest.mark.slow
def test_c_learns_in_the_real_game_there(plays, engine, tmp_path, there):
    short = ["controller.steps=2", "controller.population=4", "controller.rollouts=2"]
    chosen = settings("world-model-tiny", "controller.learns_in=game", "controller.patience=5", *short)
    ended = stages.train(chosen, str(plays), tmp_path / "run", device="cuda", stage="controller", init=engine)
    assert ended is not None and ended.outcome == "done"


def test_an_engine_dreams_and_drives_there_as_it_does_here(engine, monkeypatch):
    frames = checkpoint.load(engine).starts.frames[:, 0].numpy()
    driven, dreamt = [], []
    for place in ("cpu", DEVICE):
        model, _ = checkpoint.load_model(engine, place)
        for driver in (ControllerPolicy(model, place), ControllerPolicy(engine, place)):
            driven.append(driver.act(frames, {}))
        monkeypatch.setattr(batch, "pick", lambda name, place=place: torch.device(place))
        env = gym.make_vec("gamesim/Dream-v0", 2, vectorization_mode="vector_entry_point", checkpoint=engine)
        first, _ = env.reset(seed=3)
        dreamt.append([first, *(env.step(np.array([1, 2]))[0] for _ in range(3))])
    assert all(np.array_equal(driven[0], each) for each in driven)
    assert np.array_equal(*dreamt)


@pytest.mark.slow
def test_a_controller_is_measured_there(engine):
    here, there = (figures_of(*checkpoint.load_model(engine, place), 2, 1) for place in ("cpu", DEVICE))
    assert there == pytest.approx(here)


@pytest.mark.slow
def test_coming_home_and_all_that_is_judged_is_measured_there(engine):
    """V's distances as well, which are numbers of twice the length: those are the CPU's alone."""
    model, _ = checkpoint.load_model(engine, DEVICE)
    figures = measure(Subject(model, device=DEVICE, game="gamesim/Pacman-v0", episodes=2, vision=engine))
    assert figures["home"]["d_10"] is not None and figures["fidelity"] and figures["diversity"]


@pytest.mark.slow
def test_a_temperature_table_is_made_there(engine, plays, tmp_path, there, monkeypatch):
    """Of a model of an earlier release, too, whose config does not name the game."""
    found = checkpoint.load(engine)
    data = found.config.data.model_copy(update={"game": None})
    nameless = found.config.model_copy(update={"data": data})
    kept = {"weights": found.weights, "config": nameless, "starts": found.starts}
    checkpoint.save(tmp_path / "earlier", **kept, card={"game": "gamesim/Pacman-v0"})
    monkeypatch.setattr(temperatures, "pick", lambda name: DEVICE)
    how = {"generations": 1, "episodes": 2, "temperatures": (1.0,), "device": "mps"}
    table = temperatures.temperature_table(tmp_path / "earlier", str(plays), tmp_path / "table", **how)
    assert table is not None and set(table["rows"]) == {"1"}


def test_the_other_device_refuses_what_a_gpu_does():
    here, there = torch.ones(3), torch.ones(3).to(DEVICE)
    assert isinstance(there, OnDevice) and (there + 1).tolist() == [2, 2, 2]
    refused = [
        lambda: here + there,
        lambda: torch.stack([torch.ones(()), there.sum()]),
        lambda: torch.randn(3, generator=torch.Generator(), device=DEVICE),
        lambda: there.numpy(),
        lambda: there.double(),
        lambda: here.double().to(DEVICE),
    ]
    while_recorded = [
        lambda: there.sum().item(),
        lambda: bool(there.any()),
        lambda: there[there > 0],
        lambda: there.cpu(),
        lambda: here.to(DEVICE),
        lambda: tensor([1.0], device=DEVICE),
        lambda: there * torch.tensor(2.0),
    ]
    for ask in while_recorded:
        ask()
    for ask in refused:
        with pytest.raises((RuntimeError, TypeError)):
            ask()
    with recording():
        assert (there * 2).sum().device == DEVICE
        for ask in while_recorded:
            with pytest.raises(RuntimeError):
                ask()
