"""``train --init``: a new run that begins with the weights of an engine."""

from __future__ import annotations

import os
import signal

import pytest
import torch

from gamesim import checkpoint, cli, config, models
from gamesim.errors import UserError
from gamesim.training import stages
from gamesim.training.cma_es import ControllerTask

STILL = {
    "gamegan-tiny": ["training.learning_rate=1e-12", "training.discriminator_learning_rate=1e-12"],
    "world-model-tiny": [
        "vision.learning_rate=1e-12",
        "memory.learning_rate=1e-12",
        "controller.sigma=1e-9",
    ],
}
"""Rates at which a training leaves the weights as they were."""


def settings(preset, *changes):
    return config.load(preset, ["data.validation=0.3", *changes])


def train(preset, plays, out, *changes, **how):
    return stages.train(settings(preset, *changes), str(plays), out, device="cpu", **how)


def engine(preset, folder, *changes):
    """A checkpoint with weights that no training would begin with."""
    chosen = settings(preset, *changes)
    torch.manual_seed(99)
    parts = {"model": models.build(chosen).state_dict()}
    for name, shapes in stages.extras_of(chosen).items():
        parts[name] = {key: torch.zeros(part.shape, dtype=part.dtype) for key, part in shapes.items()}
    for part in parts.values():
        for tensor in part.values():
            if tensor.is_floating_point():
                tensor.add_(0.01 * torch.rand(tensor.shape))
    weights = parts.pop("model")
    checkpoint.save(folder, weights=weights, config=chosen, starts=some_starts(), card={}, extras=parts)
    return folder


def some_starts():
    return checkpoint.Starts(
        torch.zeros((1, 1, 84, 84, 3), dtype=torch.uint8), torch.zeros((1, 0), dtype=torch.int64)
    )


def near(found, wanted, off=1e-4):
    assert found.keys() == wanted.keys()
    for key, part in found.items():
        assert torch.allclose(part.float(), wanted[key].float(), atol=off), key


def test_gamegan_begins_with_the_engine_and_what_trained_it(plays, tmp_path):
    given = engine("gamegan-tiny", tmp_path / "given")
    steps = ["training.steps=1", "training.losses.attenuated=1", *STILL["gamegan-tiny"]]
    assert train("gamegan-tiny", plays, tmp_path / "run", *steps, init=given).outcome == "done"
    wanted, found = (checkpoint.load(each, extras=True) for each in (given, tmp_path / "run" / "last"))
    near(found.weights, wanted.weights)
    frozen = {key for key in wanted.extras["discriminators"] if not key.endswith(("._u", "._v"))}
    assert frozen
    near(*({key: each.extras["discriminators"][key] for key in frozen} for each in (found, wanted)))
    near(found.extras["uncertainty"], wanted.extras["uncertainty"])
    assert f"| began from | {tmp_path.name}/given |" in found.card


def test_what_was_shipped_without_what_trained_it_can_be_begun_from(plays, tmp_path):
    given = checkpoint.load(engine("gamegan-tiny", tmp_path / "whole"))
    kept = {"weights": given.weights, "config": given.config, "starts": given.starts}
    checkpoint.save(tmp_path / "bare", **kept, card={})
    checkpoint.ship(tmp_path / "bare", tmp_path / "shipped")
    changes = ["training.steps=1", *STILL["gamegan-tiny"]]
    train("gamegan-tiny", plays, tmp_path / "run", *changes, init=tmp_path / "shipped")
    near(checkpoint.load(tmp_path / "run" / "last").weights, given.weights, off=1e-3)


def test_an_engine_without_a_part_that_changes_nothing_at_first_can_be_begun_from(plays, tmp_path):
    """Such as one that recalls nothing yet."""
    given = engine("gamegan-tiny", tmp_path / "given")
    changes = ["training.steps=1", "model.recall=true", *STILL["gamegan-tiny"]]
    train("gamegan-tiny", plays, tmp_path / "run", *changes, init=given)
    found = checkpoint.load(tmp_path / "run" / "last").weights
    new = {key: found.pop(key) for key in [*found] if key.startswith("recall.")}
    assert new["recall.score.2.weight"].abs().max() < 1e-3 < new["recall.score.0.weight"].abs().max()
    near(found, checkpoint.load(given).weights)


@pytest.mark.parametrize("preset", ["gamegan-more", "gamegan-finish", "gamegan-recall", "gamegan-small-more"])
def test_a_later_stage_is_not_begun_from_nothing(plays, tmp_path, preset):
    with pytest.raises(UserError, match=f"^{preset} goes on from an engine: name it with --init"):
        train(preset, plays, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_later_stage_goes_on_where_it_was_stopped(plays, tmp_path):
    given, run = engine("gamegan-tiny", tmp_path / "given"), ("gamegan-tiny", plays, tmp_path / "run")
    still = ["training.continues=true", *STILL["gamegan-tiny"]]
    assert train(*run, "training.steps=1", *still, init=given).outcome == "done"
    assert train(*run, "training.steps=2", *still, resume=True).outcome == "done"


def test_a_part_that_begins_anew_is_the_same_in_every_run_and_process_of_a_seed(plays, tmp_path):
    """torchrun's processes would else go on with a part each of their own."""
    given = engine("gamegan-tiny", tmp_path / "given")
    recalls = [settings("gamegan-tiny", "model.recall=true", f"seed={seed}") for seed in (3, 3, 4)]
    runs = []
    for chance, each in enumerate(recalls):
        torch.manual_seed(chance)
        runs.append(stages._beginning(each, given, resume=False).weights["recall.score.0.weight"])
        assert torch.initial_seed() == chance
    assert torch.equal(runs[0], runs[1]) and not torch.equal(runs[0], runs[2])


def test_an_engine_that_lacks_what_does_change_something_is_refused(plays, tmp_path):
    given = engine("gamegan-tiny", tmp_path / "given", "model.memory=false")
    with pytest.raises(UserError, match="does not fit this model"):
        train("gamegan-tiny", plays, tmp_path / "run", "training.steps=1", init=given)


def test_a_world_model_begins_with_all_three_parts(plays, tmp_path):
    given = engine("world-model-tiny", tmp_path / "given")
    train("world-model-tiny", plays, tmp_path / "run", *STILL["world-model-tiny"], init=given)
    near(checkpoint.load(tmp_path / "run" / "last").weights, checkpoint.load(given).weights)


def test_a_part_alone_stands_upon_the_engines_and_goes_on_upon_it(plays, tmp_path):
    given, still = engine("world-model-tiny", tmp_path / "given"), STILL["world-model-tiny"]
    run = ("world-model-tiny", plays, tmp_path / "run")
    train(*run, "memory.steps=2", *still, stage="memory", init=given)
    assert train(*run, "memory.steps=3", *still, stage="memory", resume=True).outcome == "done"
    found = checkpoint.load(tmp_path / "run" / "memory" / "last")
    near(found.weights, checkpoint.load(given).weights)
    assert "| began from |" in found.card, "also after a resume, which was not told"


@pytest.mark.slow
def test_a_controller_that_began_somewhere_is_resumed_to_the_byte(plays, tmp_path, monkeypatch):
    given = engine("world-model-tiny", tmp_path / "given")
    run = ("world-model-tiny", plays)
    train(*run, tmp_path / "straight", stage="controller", init=given)
    step, taken = ControllerTask.step, []

    def interrupted(self):
        taken.append(step)
        if len(taken) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self)

    with monkeypatch.context() as patch:
        patch.setattr(ControllerTask, "step", interrupted)
        assert train(*run, tmp_path / "parted", stage="controller", init=given).outcome == "stopped"
    assert train(*run, tmp_path / "parted", stage="controller", resume=True).outcome == "done"
    parted = checkpoint.load(tmp_path / "parted" / "last")
    straight, wanted = (checkpoint.load(each).weights for each in (tmp_path / "straight" / "last", given))
    assert all(torch.equal(part, parted.weights[key]) for key, part in straight.items())
    bias = "controller.linear.bias"
    assert not torch.equal(straight[bias], wanted[bias])
    stays = [key for key in wanted if not key.startswith("controller.")]
    near(*({key: each[key] for key in stays} for each in (straight, wanted)))
    assert "| began from |" in parted.card, "also after a resume, which was not told"


@pytest.mark.parametrize(
    ("preset", "change", "complaint"),
    [
        ("gamegan-tiny", "model.hidden=9", r"given/model\.safetensors: does not fit this model: \S+ is "),
        (
            "gamegan-tiny",
            "model.discriminator_channels=9",
            r"given/discriminators\.safetensors: does not fit",
        ),
        ("world-model-tiny", "model.hidden=9", r"given/model\.safetensors: does not fit this model: \S+ is "),
    ],
)
def test_what_does_not_fit_is_named_before_data_is_loaded(
    plays, tmp_path, preset, change, complaint, monkeypatch
):
    given = engine(preset, tmp_path / "given")
    monkeypatch.setattr("gamesim.training.tasks.Dataset", None)
    with pytest.raises(UserError, match=complaint):
        train(preset, plays, tmp_path / "run", change, init=given)
    assert not (tmp_path / "run").exists()


def test_a_part_of_another_preset_says_which_one_is_missing(plays, tmp_path, capsys):
    given = engine("world-model-tiny", tmp_path / "given")
    words = ["train", "memory", "--data", str(plays), "--out", str(tmp_path / "run"), "--init", str(given)]
    assert cli.main([*words, "--device", "cpu"]) == 2
    both = "; its preset is world-model-tiny, and this one is world-model"
    assert capsys.readouterr().err.endswith(f"{both}: add preset=world-model-tiny\n")
    with pytest.raises(UserError, match=f"{both}$"):
        train("world-model", plays, tmp_path / "run", init=given)
    train("world-model-tiny", plays, tmp_path / "run", "vision.steps=1", stage="vision")
    assert cli.main([*words[:-2], "--device", "cpu"]) == 2
    assert capsys.readouterr().err.endswith("; resume with that value, or with preset=world-model-tiny\n")


def test_how_to_go_on_with_a_run_that_began_with_a_model_is_what_works(plays, tmp_path, capsys):
    given = engine("gamegan-tiny", tmp_path / "given")
    words = ["train", "gamegan-tiny", "--data", str(plays), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert cli.main([*words, "--init", str(given), "--minutes", "1e-9"]) == 0
    told = capsys.readouterr().out
    assert told.endswith("to continue, run the same command with --resume instead of --init\n")
    assert cli.main([*words, "--resume", "--minutes", "1e-9"]) == 0
    assert capsys.readouterr().out.endswith("to continue, run the same command with --resume\n")


def test_another_system_is_refused_and_so_is_a_run_that_has_begun(plays, tmp_path, capsys):
    given = engine("gamegan-tiny", tmp_path / "given")
    words = ["train", "world-model-tiny", "--data", str(plays), "--out", str(tmp_path / "run")]
    assert cli.main([*words, "--init", str(given)]) == 2
    assert "given: its system is gamegan, not world-model" in capsys.readouterr().err
    with pytest.raises(UserError, match="--init starts a new run and --resume continues one"):
        train("gamegan-tiny", plays, tmp_path / "run", init=given, resume=True)
