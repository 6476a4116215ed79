"""Training of a world model: V, M and C one after the other, each exact when it is resumed."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from fake_task import after
from gamesim import checkpoint, cli, config, devices, storage
from gamesim.agents.record import record
from gamesim.data.dataset import Dataset
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError
from gamesim.models.world_models.engine import WorldModelEngine
from gamesim.systems import systems
from gamesim.training import stages
from gamesim.training.cma_es import ControllerTask
from gamesim.training.devices import Processes
from gamesim.training.mdn_rnn import MemoryTask, latents
from gamesim.training.vae import VisionTask, seen

STAGES = systems()["world-model"].parts

TINY = ["data.validation=0.3", "controller.real_episodes=1"]


@pytest.fixture(scope="module")
def run(plays, tmp_path_factory) -> Path:
    """A run that went straight through."""
    out = tmp_path_factory.mktemp("runs") / "straight"
    assert train(plays, out) == "done"
    return out


def settings(*changes):
    return config.load("world-model-tiny", [*TINY, *changes])


def train(plays, out, *changes, **how):
    return stages.train(settings(*changes), str(plays), out, device="cpu", **how).outcome


def weights(folder):
    return storage.read_folder(folder, kind=checkpoint.KIND, version=checkpoint.VERSION)["model.safetensors"]


def log(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_leaves_a_run_folder_for_each_part_and_the_whole_engine(run):
    assert sorted(path.name for path in run.iterdir()) == sorted([*STAGES, "last"])
    assert weights(run / "last") == weights(run / "controller" / "last")
    for stage, keys in zip(
        STAGES, ({"reconstruction", "kl"}, {"z", "reward", "end"}, {"dream"}), strict=True
    ):
        *lines, end = log(run / stage)
        assert end["status"] == "done"
        assert keys <= lines[0]["losses"].keys()
        assert list((run / stage / "samples").glob("*.png"))
    assert {"dream", "real", "dream_error", "real_error"} <= log(run / "controller")[-2]["validation"].keys()
    assert "| game | gamesim/Pacman-v0 |" in checkpoint.load(run / "last").card


def test_each_part_is_built_upon_the_best_of_the_one_before(run):
    vision, memory = (checkpoint.load(run / stage / "best").weights for stage in STAGES[:2])
    whole = checkpoint.load(run / "last").weights
    for key, part in whole.items():
        origin = {"vision": vision, "memory": memory, "controller": whole}[key.partition(".")[0]]
        assert torch.equal(part, origin[key]), key
    untrained = WorldModelEngine(settings().model).state_dict()
    assert any(not torch.equal(part, untrained[key]) for key, part in whole.items() if "controller" in key)


def test_the_parts_alone_give_what_they_give_together(plays, run, tmp_path):
    for stage in STAGES:
        assert train(plays, tmp_path / "run", stage=stage) == "done"
    assert weights(tmp_path / "run" / "last") == weights(run / "last")


@pytest.mark.parametrize(
    ("task", "place"), [(VisionTask, "vision"), (MemoryTask, "memory"), (ControllerTask, "controller")]
)
def test_stopped_and_resumed_is_the_same_as_straight_to_the_byte(
    plays, run, tmp_path, monkeypatch, task, place
):
    step, taken = task.step, []

    def interrupted(self):
        taken.append(step)
        if len(taken) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self)

    out = tmp_path / "run"
    for stage in STAGES[: STAGES.index(place)]:  # it is built upon these
        shutil.copytree(run / stage, out / stage)
    with monkeypatch.context() as patch:
        patch.setattr(task, "step", interrupted)
        assert train(plays, out, stage=place) == "stopped"
    assert log(out / place)[-1] | {"seconds": 0} == {"step": 2, "seconds": 0, "status": "stopped"}
    assert train(plays, out, stage=place, resume=True) == "done"
    for which in ("last", "best"):
        assert weights(out / place / which) == weights(run / place / which)


def test_minutes_hold_for_all_parts_together(plays, run, tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "Deadline", after)
    out = tmp_path / "run"
    steps = [getattr(settings(), stage).steps for stage in STAGES]
    # As many questions as steps, and one more between two parts.
    assert train(plays, out, minutes=steps[0] + 0.5) == "stopped"
    assert log(out / "vision")[-1]["status"] == "done"
    assert not (out / "memory").exists()
    assert train(plays, out, resume=True, minutes=steps[1] + 1.5) == "stopped"
    assert log(out / "memory")[-1]["status"] == "done"
    assert log(out / "controller")[-1] | {"seconds": 0} == {"step": 1, "seconds": 0, "status": "stopped"}
    assert train(plays, out, resume=True, minutes=1000) == "done"
    assert weights(out / "last") == weights(run / "last")


def test_a_part_may_end_where_it_was_stopped(plays, tmp_path):
    rare, out = ["vision.validate_every=500", "memory.steps=1", "controller.steps=1"], tmp_path / "run"
    assert train(plays, out, *rare, minutes=1e-9) == "stopped"
    assert not (out / "vision" / "best").exists()
    assert train(plays, out, *rare, "vision.steps=1", resume=True) == "done"
    assert weights(out / "vision" / "best") == weights(out / "vision" / "last")


@pytest.mark.parametrize("steps", [1, 5])
def test_games_shorter_than_a_window_are_trained_on_to_the_end(steps, tmp_path):
    game = Recipe("gamesim/Pacman-v0", {"max_steps": steps})
    record(game, "random", 4, tmp_path / "brief", progress=False)
    assert train(tmp_path / "brief", tmp_path / "run") == "done"
    assert (tmp_path / "run" / "memory" / "samples" / "00000006.png").is_file()


@pytest.mark.parametrize("lost", [["last"], ["last", "controller/last"]])
def test_an_engine_that_the_full_disk_had_no_room_for_is_shipped_on_resume(plays, run, tmp_path, lost):
    out = tmp_path / "run"
    shutil.copytree(run, out)
    for name in lost:
        shutil.rmtree(out / name)
    assert train(plays, out, resume=True) == "done"
    assert weights(out / "last") == weights(out / "controller" / "last") == weights(run / "last")


def test_a_part_whose_ground_has_changed_is_refused(plays, run, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(run, out)
    assert train(plays, out, "vision.steps=9", stage="vision", resume=True) == "done"
    assert weights(out / "vision" / "best") != weights(run / "vision" / "best")
    with pytest.raises(UserError, match="memory: was trained on another vision; move it away"):
        train(plays, out, "vision.steps=9", resume=True)


def test_a_part_that_another_was_built_upon_is_not_trained_further(plays, run, tmp_path):
    out, steps = tmp_path / "run", settings().vision.steps
    shutil.copytree(run, out)
    told = f"is 99 here but {steps} in .*vision, on which memory was .*; resume with vision.steps={steps},"
    with pytest.raises(UserError, match=told):
        train(plays, out, "vision.steps=99", "memory.steps=99", resume=True)
    assert weights(out / "vision" / "last") == weights(run / "vision" / "last")
    assert log(out / "vision")[-1]["status"] == "done"


def test_what_a_part_lacks_is_named(plays, run, tmp_path):
    with pytest.raises(UserError, match="vision/best: no such model; train vision to its end first"):
        train(plays, tmp_path, stage="memory")
    with pytest.raises(UserError, match="nothing to resume"):
        train(plays, tmp_path / "none", resume=True)
    with pytest.raises(UserError, match="is not empty"):
        train(plays, run)
    shutil.copytree(run / "vision", tmp_path / "vision")
    with pytest.raises(UserError, match=r"^model\.hidden: is 9 here but 8 in .*vision/best/config"):
        train(plays, tmp_path, "model.hidden=9", stage="memory")
    with pytest.raises(UserError, match=r"^vision\.batch_size: is 5 here but 4 in "):
        train(plays, tmp_path, "vision.batch_size=5", stage="vision", resume=True)


def test_other_parts_settings_may_change(plays, run, tmp_path):
    shutil.copytree(run / "vision", tmp_path / "vision")
    assert train(plays, tmp_path, "vision.learning_rate=0.5", "memory.steps=2", stage="memory") == "done"


def test_the_command_line_trains_parts(plays, tmp_path, capsys):
    words = ["--data", str(plays), "--out", str(tmp_path / "run"), "--device", "cpu"]
    tiny = ["preset=world-model-tiny", *TINY]
    assert cli.main(["train", "vision", *words, *tiny, "vision.steps=2"]) == 0
    told, done = capsys.readouterr().out.splitlines()
    assert told == "recordings: gamesim/Pacman-v0 (6 games)"
    assert done == f"done: {tmp_path / 'run' / 'vision' / 'last'}"
    short = [*words[:-3], str(tmp_path / "short"), *words[-2:], *tiny, "--minutes", "1e-9"]
    assert cli.main(["train", "vision", *short]) == 0
    stopped = f"stopped: {tmp_path / 'short' / 'vision' / 'last'}; to continue, run the same command with"
    assert f"{stopped} --resume\n" in capsys.readouterr().out
    assert cli.main(["train", "memory", *words, *tiny, "memory.steps=2", "data.segment=4"]) == 0
    assert cli.main(["train", "vision", *words, "preset=gamegan-tiny"]) == 2
    assert "preset=gamegan-tiny: it is not a World Model, so it has no vision" in capsys.readouterr().err


@pytest.mark.slow
def test_v_learns_a_batch_by_heart(plays):
    changes = ["model.channels=8", "model.z_size=16", "vision.learning_rate=1.0e-2", "vision.batch_size=8"]
    chosen = config.load("world-model-tiny", changes)
    data = Dataset(plays, segment=1, split="all", keep=seen(64), limit=1)
    torch.manual_seed(0)
    task = VisionTask(chosen, WorldModelEngine(chosen.model), data, data)
    assert seen(64)(torch.zeros(1, 84, 84, 3, dtype=torch.uint8)).shape == (1, 64, 64, 3)
    before = task.validate()["reconstruction"]
    for _ in range(120):
        task.step()
    assert task.validate()["reconstruction"] < before / 2.5


def test_m_learns_a_batch_by_heart(plays):
    changes = ["model.hidden=32", "memory.learning_rate=1.0e-2", "memory.steps=80", "data.batch_size=8"]
    chosen = config.load("world-model-tiny", changes)
    torch.manual_seed(0)
    engine = WorldModelEngine(chosen.model)
    with torch.no_grad():  # as a trained V is: wide between frames, narrow for each of them
        engine.vision.mean.weight.mul_(100)
        engine.vision.log_variance.bias.fill_(-6)
    data = Dataset(plays, segment=6, split="all", short=True, keep=latents(engine), limit=2)
    shown = Dataset(plays, segment=6, split="all").sample(2, torch.Generator())
    task = MemoryTask(chosen, engine, data, data, shown)
    before = task.validate()
    for _ in range(80):
        task.step()
    after = task.validate()
    assert after["z"] < before["z"] - 2
    assert after["reward"] < before["reward"]
    assert after["end"] < before["end"] / 2


def test_m_learns_nothing_from_padding_and_time_limits(plays):
    """Losses do not hang on what follows an episode's end, nor on the reward of one that was cut off."""
    chosen = settings("data.segment=40")
    torch.manual_seed(0)
    engine = WorldModelEngine(chosen.model)
    data = Dataset(plays, segment=40, split="all", short=True, keep=latents(engine))
    shown = Dataset(plays, segment=6, split="all").sample(2, torch.Generator())
    task = MemoryTask(chosen, engine, data, data, shown)
    segments = data.sample_episodes(64, torch.Generator().manual_seed(3))
    assert not segments.played.all()
    assert segments.truncated[segments.played].any()
    sample = data.sample_episodes

    def spoilt(lanes, generator):
        found = sample(lanes, generator)
        found.rewards[~found.played | found.truncated] = 1e6
        found.terminated[~found.played] = True
        return found

    before = task.validate()
    data.sample_episodes = spoilt
    assert task.validate() == before


def test_an_end_counts_as_often_as_its_factor_says(plays):
    """The published trainer's restart factor is 10: a loss of a + 10 b, where each step alike gives a + b."""
    torch.manual_seed(0)
    engine = WorldModelEngine(settings("data.segment=40").model)
    data = Dataset(plays, segment=40, split="all", short=True, keep=latents(engine))
    shown = Dataset(plays, segment=6, split="all").sample(2, chance())

    def nats(factor):
        chosen = settings("data.segment=40", f"memory.end_factor={factor}")
        return MemoryTask(chosen, engine, data, data, shown).validate()["end"]

    one, ten = nats(1.0), nats(10.0)
    ended = (ten - one) / 9
    assert 0 < ended < one
    assert nats(100.0) == pytest.approx(one - ended + 100 * ended, rel=1e-4)


@pytest.mark.parametrize("task", [VisionTask, MemoryTask])
def test_in_half_precision_the_first_losses_are_nearly_the_same(plays, task):
    def first(precision):
        chosen = settings(f"vision.precision={precision}", f"memory.precision={precision}")
        torch.manual_seed(0)
        engine = WorldModelEngine(chosen.model)
        keep = seen(64) if task is VisionTask else latents(engine)
        data = Dataset(plays, segment=6, split="all", short=True, keep=keep)
        more = () if task is VisionTask else (Dataset(plays, segment=6, split="all").sample(2, chance()),)
        return {name: float(nats) for name, nats in task(chosen, engine, data, data, *more).step().items()}

    half, full = first("bfloat16"), first("float32")
    assert half == pytest.approx(full, rel=0.03, abs=0.01)
    assert half != full


def test_m_reads_noise_at_some_places_and_what_it_shall_foretell_is_what_was_there(plays):
    chosen = settings("model.engine=places", "model.z_size=2", "memory.noise=0.25")
    engine = WorldModelEngine(chosen.model)
    data = Dataset(plays, segment=6, split="all", short=True, keep=latents(engine))
    task = MemoryTask(chosen, engine, data, data, Dataset(plays, segment=6, split="all").sample(2, chance()))
    z = torch.randn(16, 6, 98)
    hit = (task.disturb(z, chance()) != z).unflatten(-1, (49, 2))
    assert (hit[..., 0] == hit[..., 1]).all()  # a place's numbers together
    assert abs(hit.float().mean().item() - 0.25) < 0.02
    read, told = [], []
    engine.memory.register_forward_hook(lambda _, arguments, __: read.append(arguments[0]))
    engine.memory.nll = lambda mdn, z: told.append(z) or z.sum(-1)
    task.validate()
    assert (read[0][:, 1:] != told[0][:, :-1]).any()
    assert abs((read[0][:, 1:] != told[0][:, :-1]).float().mean().item() - 0.25) < 0.05


def chance():
    return torch.Generator().manual_seed(0)


def test_a_world_model_by_places_goes_through_the_same_stages(plays, tmp_path):
    changes = ["model.engine=places", "model.z_size=2", "model.width=4", "memory.noise=0.1"]
    assert train(plays, tmp_path / "places", *changes) == "done"
    model, _ = checkpoint.load_model(tmp_path / "places" / "last")
    state = model.start(torch.zeros(1, 1, 84, 84, 3, dtype=torch.uint8), torch.zeros(1, 0).long())
    assert model.features(state).shape == (1, 49 * 2 + 8)


def controller_task(plays, *changes):
    chosen = settings("data.segment=40", *changes)
    torch.manual_seed(0)
    engine = WorldModelEngine(chosen.model)
    data = Dataset(plays, segment=40, split="all", short=True, keep=latents(engine))
    return ControllerTask(chosen, engine, data, data), engine


def test_c_dreams_as_long_as_the_recordings_last_and_pays_for_their_time_limit(plays):
    task, _ = controller_task(plays, "controller.dream_steps=1000")
    assert task.limit.steps == 40
    assert -1.1 < task.limit.reward < -0.8
    task, _ = controller_task(plays, "controller.dream_steps=7")
    assert (task.limit.steps, task.limit.reward) == (7, 0)


def test_processes_share_a_generation_s_candidates(plays, monkeypatch):
    few = ("controller.population=5", "controller.rollouts=2", "controller.dream_steps=3")
    task, _ = controller_task(plays, *few)
    candidates, start = torch.randn(5, task.engine.controller.flat().numel()), task.starts
    starts = {key: part[:2] for key, part in start.items()}

    def returns(rows):
        return task.generation.returns(rows, starts, torch.Generator().manual_seed(1))[0]

    shares = [candidates[Processes(rank, 2).share(5)] for rank in range(2)]
    assert [len(share) for share in shares] == [2, 3]
    torch.testing.assert_close(torch.cat([returns(share) for share in shares]), returns(candidates))


def test_c_begins_with_the_first_frames(plays):
    task, engine = controller_task(plays)
    first, _ = Dataset(plays, segment=1, split="all").starts(12, 1)
    started = engine.start(first, torch.zeros(12, 0, dtype=torch.int64))
    assert torch.allclose(task.starts["z"], started["z"], atol=1e-5)


@pytest.mark.slow
def test_the_temperature_table_is_made_and_gone_on_with(plays, run, tmp_path, capsys, monkeypatch):
    folder = tmp_path / "engine"
    shutil.copytree(run / "last", folder)
    words = [
        "temperature",
        str(folder),
        "--data",
        str(plays),
        "--out",
        str(tmp_path / "t"),
        "--device",
        "cpu",
    ]
    words += ["--generations", "2", "--episodes", "4", "--json", str(tmp_path / "t.json"), "--card"]
    assert cli.main(words) == 0
    assert "in the real game" in capsys.readouterr().out
    found = json.loads((tmp_path / "t.json").read_text())
    assert list(found["rows"]) == ["0.1", "0.5", "1", "1.15", "1.3"]
    assert checkpoint.load(folder).metrics["temperature"] == found
    (tmp_path / "t.json").unlink()
    with monkeypatch.context() as patch:
        patch.setattr("gamesim.evaluation.temperature.play", lambda *_, **__: pytest.fail("measured again"))
        patch.setattr(stages, "train_controller", lambda *_, **__: pytest.fail("read the recordings again"))
        assert cli.main(words) == 0
    assert json.loads((tmp_path / "t.json").read_text()) == found
    capsys.readouterr()
    assert cli.main([*words, "--generations", "1"]) == 2
    assert "0.1: was trained for 2 generations already, more than 1" in capsys.readouterr().err
    shutil.copytree(run / "vision" / "last", tmp_path / "other")
    assert cli.main([words[0], str(tmp_path / "other"), *words[2:]]) == 2
    assert "0.1: was trained with another model; choose another --out" in capsys.readouterr().err
    colder = checkpoint.load(tmp_path / "t" / "0.1" / "last")
    assert np.isclose(colder.config.controller.temperature, 0.1)


def test_a_temperature_table_is_about_dreams_also_where_the_models_own_c_learned_in_the_game(
    plays, run, tmp_path, monkeypatch
):
    from gamesim.evaluation.temperature import temperature_table

    folder, asked = tmp_path / "engine", []
    kept = checkpoint.load(run / "last")
    told = {"learns_in": "game", "real_env": "this:gamesim/Pacman-v0"}
    learned = kept.config.controller.model_copy(update=told)
    checkpoint.save(
        folder,
        weights=kept.weights,
        config=kept.config.model_copy(update={"controller": learned}),
        starts=kept.starts,
        card={"game": "gamesim/Pacman-v0"},
    )
    monkeypatch.setattr(stages, "train_controller", lambda config, *_, **__: asked.append(config))
    temperature_table(folder, str(plays), tmp_path / "t", generations=1, episodes=2, temperatures=(0.5,))
    assert [(c.controller.learns_in, c.controller.temperature) for c in asked] == [("dream", 0.5)]
    assert asked[0].controller.real_env == "gamesim/Pacman-v0", "a model has no module imported"


@pytest.mark.slow
def test_a_temperature_table_that_is_stopped_keeps_the_rows_it_measured(plays, run, tmp_path, monkeypatch):
    from gamesim.evaluation import temperature

    how = {"generations": 1, "temperatures": (0.5, 1.0), "device": "cpu"}
    dreams, seen = temperature.dream_scores, []

    def stopped_in_the_second(*args):
        seen.append(args[4])
        if seen == [0.5, 1.0]:
            raise KeyboardInterrupt
        return dreams(*args)

    monkeypatch.setattr(temperature, "dream_scores", stopped_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        temperature.temperature_table(run / "last", str(plays), tmp_path, episodes=3, **how)
    table = temperature.temperature_table(run / "last", str(plays), tmp_path, episodes=3, **how)
    assert seen == [0.5, 1.0, 1.0] and table is not None and list(table["rows"]) == ["0.5", "1"]
    temperature.temperature_table(run / "last", str(plays), tmp_path, episodes=4, **how)
    assert seen[3:] == [0.5, 1.0]  # other questions are asked anew


def test_a_controllers_figures_stand_beside_the_other_players(run):
    from gamesim.evaluation.controller import figures_of

    figures = figures_of(*checkpoint.load_model(run / "last"), episodes=6, seed=1)
    assert figures is not None
    assert {"real", "random", "explorer", "dream", "above_random", "above_explorer"} <= figures.keys()
    assert figures == figures_of(*checkpoint.load_model(run / "last"), episodes=6, seed=1)


@pytest.mark.parametrize(("at", "advice"), [
    ("vision", "try a vision.batch_size below 7"),
    ("memory", "try a data.batch_size below 6"),
    ("controller", "it needs more, even at a controller.rollouts of 1"),
])  # fmt: skip
def test_out_of_memory_names_what_this_part_computes_at_once(plays, run, tmp_path, monkeypatch, at, advice):
    shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / at)

    def full(*args, **kwargs):
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")

    monkeypatch.setattr("gamesim.training.loop.run", full)
    sizes = ("vision.batch_size=7", "data.batch_size=6", "controller.rollouts=1")
    out, chosen = tmp_path / "run", settings(*sizes)
    there = devices.pick("auto").type
    with pytest.raises(UserError, match=f"^out of memory on {there}: {advice}"):  # not on "auto"
        stages.train(chosen, str(plays), out, device="auto", stage=at)


@pytest.mark.parametrize(
    ("call", "exchange"),
    [
        ("broadcast", lambda both: both.same(torch.nn.Linear(1, 1))),
        ("all_reduce", lambda both: both.average(torch.nn.Linear(1, 1).parameters())),
        ("all_reduce", lambda both: both.agree([0])),
        ("all_gather_object", lambda both: both.joined(torch.zeros(2))),
        ("gather_object", lambda both: both.gather("mine")),
    ],
)
def test_a_process_whose_partner_was_killed_says_so_in_one_line(call, exchange, monkeypatch):
    def lost(*_, **__):
        raise RuntimeError("Connection closed by peer\nCheck the logs")

    monkeypatch.setattr(f"torch.distributed.{call}", lost)
    with pytest.raises(UserError, match=r"^torchrun: another process has ended.*closed by peer.*--resume$"):
        exchange(Processes(0, 2))
