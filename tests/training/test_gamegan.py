"""Training of GameGAN (arXiv 2005.12126, Sec. 3.4): released scales by hand, schedules, whole runs."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gamesim import checkpoint, config, models
from gamesim.config.gamegan import GameGANLosses, GameGANModelConfig
from gamesim.data.dataset import Dataset, Segments
from gamesim.errors import UserError
from gamesim.models.gamegan.discriminators import Discriminators
from gamesim.models.gamegan.generator import Generator, Rollout
from gamesim.training import devices, gamegan, loop
from gamesim.training.gamegan import GameGANTask, released, supervised_loss

SMALL = ["data.segment=4", "data.batch_size=2", "data.validation=0.3", "data.starts=2", "data.start_frames=2"]
SMALL += ["training.steps=6", "training.log_every=2", "training.validate_every=3"]
SMALL += ["training.precision=float32", "model.channels=4", "model.hidden=16", "model.z_size=4"]
SMALL += ["model.memory_slots=5", "model.memory_width=8", "model.discriminator_channels=4"]
ADVERSARIAL = {"adversarial", "features", "action_recovery", "z_recovery", "discriminators"}
TERMS = {
    "gamegan": {"reconstruction", "outcome", "cycle", "memory"} | ADVERSARIAL,
    "gamegan-m": {"reconstruction", "outcome"} | ADVERSARIAL,
    "action-lstm": {"reconstruction", "outcome"},
}


def make(plays: Path, *words: str, preset: str = "gamegan") -> GameGANTask:
    """A seeded task, as the command line makes it, whose discriminators, if it has them, judge at once."""
    judged = [] if preset == "action-lstm" else ["training.losses.adversarial={start: 1, end: 1}"]
    settings = config.load(preset, [*SMALL, *judged, *words])
    device = devices.setup("cpu", seed=settings.seed, threads=1)
    data = {"segment": settings.data.segment, "validation": settings.data.validation, "short": True}
    train, held_out = (Dataset(plays, split=split, **data) for split in ("train", "validation"))
    return GameGANTask(settings, train, held_out, device)


def weights(module: torch.nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# ---------------------------------------------------------------------------------- the released scales


def test_the_distance_is_a_sum_over_pixels_and_colours_in_minus_one_to_one():
    """On the mean over 84x84x3 numbers in [0, 1] that is a factor of 4 * 84 * 84 * 3 = 84,672."""
    drawn, real = torch.rand(2, 3, 3, 84, 84), torch.rand(2, 3, 3, 84, 84)
    by_hand = ((2 * drawn - 1) - (2 * real - 1)).square().sum((2, 3, 4))
    assert torch.allclose(released(drawn, real), by_hand, rtol=1e-4)
    assert torch.allclose(released(drawn, real), 84_672 * (drawn - real).square().mean((2, 3, 4)), rtol=1e-4)


def rolled(lanes: int = 2, steps: int = 3, told: tuple[int, ...] = (4, 4), **parts: Any) -> Rollout:
    """A rollout of grey frames whose masks are half and half, with the parts that a test sets."""
    grey = torch.full((lanes, steps, 3, 84, 84), 0.5)
    plain = {
        "told": torch.arange(steps + 1) < torch.tensor(told)[:, None],
        "shown": torch.full((lanes, steps + 1, 3, 84, 84), 0.5),
        "z": torch.zeros(lanes, steps, 4),
        "frames": grey,
        "static": grey,
        "masks": torch.full((lanes, steps, 2, 84, 84), 0.5),
        "revisited": torch.full((lanes, 1, 3, 84, 84), 0.5),
        "known": torch.zeros(lanes, steps, 8),
        "reward": torch.zeros(lanes, steps),
        "end_logit": torch.zeros(lanes, steps),
    }
    return Rollout(**plain | parts)


def segments(lanes: int = 2, steps: int = 3, **parts: Tensor) -> Segments:
    """Steps in which nothing happens, with the parts that a test sets."""
    never = torch.zeros(lanes, steps, dtype=torch.bool)
    plain = {
        "frames": torch.zeros(lanes, steps + 1, 84, 84, 3, dtype=torch.uint8),
        "actions": torch.zeros(lanes, steps, dtype=torch.int64),
        "rewards": torch.zeros(lanes, steps),
        "terminated": never,
        "truncated": never,
        "played": ~never,
    }
    return Segments(**plain | parts)


def terms(rollout: Rollout, batch: Segments, grey: float = 0.5) -> dict[str, float]:
    """With the released weights; the real frames are of one grey."""
    frames = torch.full((*rollout.told.shape, 3, 84, 84), grey)
    losses = GameGANLosses()
    now = {name: torch.tensor(getattr(losses, name).at(0)) for name in gamegan.SCHEDULED}
    alike = torch.ones(*rollout.reward.shape, 7, 7)
    found = supervised_loss(rollout, frames, batch, torch.tensor([1]), alike, now)
    return {name: float(term) for name, term in found.items()}


def test_reconstruction_by_hand():
    """A grey that is wrong by 0.1 of [0, 1] is wrong by 0.2 of [-1, 1], in 21,168 numbers: times 0.05."""
    assert terms(rolled(), segments(), grey=0.6)["reconstruction"] == pytest.approx(0.05 * 0.2**2 * 21_168)


def test_what_may_be_recalled_is_judged_by_the_errors_of_both_ways():
    """Grey where real frames are grey, black the other way: a quarter of the trust goes to black."""
    wrong = released(torch.zeros(3, 84, 84), torch.full((3, 84, 84), 0.5))
    for trust in (0.25, 0.75):  # above a half the frame was recalled, and the other way is drawn anew
        trusts = torch.full((2, 3, 7, 7), trust)
        rollout = rolled(other=torch.zeros(2, 3, 3, 84, 84), trust=trusts)
        assert terms(rollout, segments())["reconstruction"] == pytest.approx(
            0.05 * 0.25 * float(wrong), rel=1e-5
        )


def test_the_cycle_by_hand_is_masked():
    """Where the static layer has half of the mask, an error of 0.2 counts as one of 0.1."""
    revisited = torch.full((2, 1, 3, 84, 84), 0.6)
    assert terms(rolled(revisited=revisited), segments())["cycle"] == pytest.approx(0.05 * 0.1**2 * 21_168)
    hidden = torch.zeros(2, 3, 2, 84, 84)
    hidden[:, :, 1] = 1
    assert terms(rolled(revisited=revisited, masks=hidden), segments())["cycle"] == 0


def test_the_memory_term_by_hand_is_the_area_of_the_dynamic_layer():
    assert terms(rolled(), segments())["memory"] == pytest.approx(7.5e-5 * 0.5 * 84 * 84)


def test_beyond_an_end_nothing_is_asked():
    played = torch.tensor([[True, True, False], [True, True, True]])
    wrong = torch.full((2, 3, 3, 84, 84), 0.5)
    plain = terms(rolled(), segments(), grey=0.6)
    wrong[0, 2] = 1
    assert terms(rolled(frames=wrong), segments(played=played), grey=0.6) == pytest.approx(plain)


def test_an_end_is_learned_from_its_frame_and_a_time_limit_teaches_nothing():
    """A time limit is not in the pixels, so what it pays and that it ends the episode is left out."""
    never = torch.zeros(2, 3, dtype=torch.bool)
    last = never.clone()
    last[0, 2] = True
    rewards = torch.zeros(2, 3)
    rewards[0, 2] = -1
    plain = float(np.log(2))  # of a logit of 0
    assert terms(rolled(), segments())["outcome"] == pytest.approx(plain)
    caught = segments(terminated=last, rewards=rewards)
    assert terms(rolled(), caught)["outcome"] == pytest.approx(plain + 1 / 6)
    assert terms(rolled(), segments(truncated=last, rewards=rewards))["outcome"] == pytest.approx(plain)


def test_the_outcome_is_learned_where_the_frame_that_came_is_real():
    """A dreamt frame brings an outcome of its own, of which the recording knows nothing."""
    rewards = torch.tensor([[0.0, 1, 1], [0, 0, 0]])
    told = rolled(told=(2, 4))  # lane 0 was shown x_0 and x_1: its first step alone has a real next frame
    assert terms(told, segments(rewards=rewards))["outcome"] == pytest.approx(float(np.log(2)))
    assert terms(rolled(), segments(rewards=rewards))["outcome"] > 1


def test_losses_of_a_free_running_rollout_reach_what_they_should():
    """Reconstruction trains all of the engine; the cycle loss its dynamics and its memory alone."""
    torch.manual_seed(0)
    tiny = {"channels": 4, "hidden": 16, "z_size": 4, "memory_slots": 5, "memory_width": 8}
    model = Generator(GameGANModelConfig(**tiny))  # pyright: ignore[reportArgumentType]
    frames, batch = torch.rand(2, 5, 3, 84, 84), segments(2, 4)
    actions, z = torch.randint(5, (2, 4)), torch.randn(2, 4, 4)
    revisited = torch.tensor([0, 2])
    played = model.rollout(frames, actions, z, torch.tensor([1, 4]), revisited=revisited)
    ones = dict.fromkeys(TERMS["gamegan"], torch.tensor(1.0))
    found = supervised_loss(played, frames, batch, revisited, torch.ones(2, 4, 7, 7), ones)

    def reached(term: str) -> set[str]:
        model.zero_grad()
        found[term].backward(retain_graph=True)
        return {
            name.partition(".")[0]
            for name, p in model.named_parameters()
            if p.grad is not None and p.grad.abs().max() > 0
        }

    assert reached("cycle") == {"dynamics", "memory"}
    assert reached("reconstruction") == {"dynamics", "memory", "renderer"}
    assert reached("outcome") == {"dynamics", "memory", "outcome"}


# ---------------------------------------------------------------------------------- steps


@pytest.mark.parametrize(
    "preset", [name for name in config.presets() if config.load(name).system == "gamegan"]
)
def test_every_preset_builds_an_engine_and_its_discriminators(preset):
    settings = config.load(preset)
    model, judges = models.build(settings), Discriminators(settings.model)
    assert sum(weight.numel() for weight in model.parameters()) > 1000
    assert sum(weight.numel() for weight in judges.parameters()) > 1000


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("preset", TERMS)
def test_every_variant_takes_steps(preset, precision, plays):
    task = make(plays, f"training.precision={precision}", preset=preset)
    trained, judges = weights(task.trained), weights(task.judges)
    for _ in range(2):
        found = task.step()
        assert set(found) == TERMS[preset]
        assert all(term.ndim == 0 and term.isfinite() and not term.requires_grad for term in found.values())
    moved = [key for key in trained if not torch.equal(trained[key], task.trained.state_dict()[key])]
    assert len(moved) > len(trained) / 2
    assert same(judges, weights(task.judges)) is (preset == "action-lstm")


def test_recall_alone_is_trained_if_that_is_wanted(plays):
    alone = ["model.memory=true", "model.recall=true", "training.part=recall"]
    task = make(plays, *alone, preset="action-lstm")
    before = weights(task.trained)
    for _ in range(2):
        task.step()
    moved = {key for key, weight in weights(task.trained).items() if not torch.equal(weight, before[key])}
    assert moved == {key for key in before if key.startswith("recall.")}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("model.recall=false", "this model has no recall"),
        ("training.losses.adversarial=1", "adversarial is not 0"),
        ("training.losses.reconstruction=0", "by reconstruction, but that is 0"),
    ],
)
def test_recall_alone_is_not_trained_where_it_cannot_learn(change, reason):
    alone = ["model.memory=true", "model.recall=true", "training.part=recall"]
    assert config.load("action-lstm", alone).training.part == "recall"
    with pytest.raises(UserError, match=f"training.part is recall.* {reason}"):
        config.load("action-lstm", [*alone, change])


def test_without_a_memory_there_is_nothing_to_recall():
    """The part was silently left out."""
    with pytest.raises(UserError, match=r"model: recall draws what the memory held, but memory is false"):
        config.load("gamegan-m", ["model.recall=true"])


def test_warm_ups_are_drawn_for_each_lane_and_shrink_with_the_run(plays):
    task = make(
        plays, "data.segment=8", "data.batch_size=64", "training.always_told=0.25",
        "training.warm_up={start: 16, end: 2, begin: 0, over: 1}",
    )  # fmt: skip
    assert task._warm_ups(0.0)[0].tolist() == [9] * 64, "longer than the sequence: all real"
    lengths, all_real = task._warm_ups(0.8)  # 4.8: from 2.4 to 4.8
    assert (lengths == 9).sum() == 16 and set(lengths[16:].tolist()) == {2, 3, 4, 5} and all_real == 2
    assert set(task._warm_ups(1.0)[0][16:].tolist()) == {1, 2}


def test_there_is_no_chance_before_there_are_discriminators(plays):
    """An engine that is taught by reconstruction alone learns to be deaf to z, and stays so."""

    def chances(words: str, preset: str = "gamegan", steps: int = 6) -> list[float]:
        task, seen = make(plays, *words.split("|"), preset=preset), []
        rollout = task.trained.rollout

        def spy(frames: Tensor, actions: Tensor, z: Tensor, *others: Any, **more: Any) -> Rollout:
            seen.append(float(z.std()))
            return rollout(frames, actions, z, *others, **more)

        task.trained.rollout = spy
        for _ in range(steps):
            task.step()
        return seen

    late = chances("training.losses.adversarial={start: 0, end: 2, begin: 0.5, over: 0.4}")
    assert late[:4] == [0.0] * 4 and 0.2 < late[4] < 0.7 < late[5] < 1.3
    assert min(chances("seed=1", preset="action-lstm", steps=2)) > 0.5, "nothing to wait for"


def test_gradients_are_those_of_all_losses_at_once(plays, monkeypatch):
    """What the discriminators say of the drawn frames is added to what else is asked of them."""
    seen = {}
    task = make(plays, "training.losses.adversarial={start: 0.5, end: 0.5}")
    real = gamegan.generator_loss

    def spy(judged, *rest):
        seen.update(real(judged, *rest))
        return {name: 0 * term for name, term in seen.items()}

    def gradient(muted: bool) -> Tensor:
        torch.manual_seed(0)
        task.generator.manual_seed(0)
        with monkeypatch.context() as patch:
            patch.setattr(task.optimizer, "step", lambda: None)
            patch.setattr(task.judge_optimizer, "step", lambda: None)
            patch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *_: None)
            if muted:
                patch.setattr(gamegan, "generator_loss", spy)
            task.step()
        return torch.cat([p.grad.flatten() for p in task.trained.parameters() if p.grad is not None])

    plain, muted = gradient(False), gradient(True)
    assert seen and not torch.allclose(plain, muted) and muted.abs().max() > 0


def test_blends_are_shown_for_as_long_as_they_weigh_something(plays, monkeypatch):
    """First they lead to what is new; without them, at the end, nothing half drawn looks real."""
    real, shown = gamegan.judge, []

    def spy(*given, blends):
        shown.append(blends)
        return real(*given, blends=blends)

    monkeypatch.setattr(gamegan, "judge", spy)
    task = make(
        plays, "training.steps=4", "training.losses.blended={start: 1, end: 0, begin: 0.3, over: 0.1}"
    )
    for _ in range(4):
        task.step()
    assert shown == [True, True, False, False]


def test_the_gradient_penalty_comes_every_sixteenth_step_at_sixteen_times_the_weight(plays, monkeypatch):
    task, counted = make(plays, "training.steps=40"), []

    def penalty(judges: Discriminators, *_: object) -> Tensor:
        counted.append(task.done)
        return judges.pair.which_z.bias.sum()

    def slope(done: int) -> Tensor:
        """The gradient of the bias, with a penalty of slope 1 and nothing else."""
        with monkeypatch.context() as patch:
            patch.setattr(gamegan, "gradient_penalty", penalty)
            patch.setattr(gamegan, "discriminator_loss", lambda judged, *_: 0 * judged.z.sum())
            patch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *_: None)
            task.done = done
            task.step()
        bias = task.judges.pair.which_z.bias.grad
        assert bias is not None
        return bias

    assert [slope(done).mean() for done in (0, 1, 15, 16, 17, 32)] == [16, 0, 0, 16, 0, 16]
    assert counted == [0, 16, 32]


def test_validation_and_sheets_repeat_and_change_nothing(plays):
    task = make(plays, preset="action-lstm")
    task.step()
    before, generator = weights(task.trained), task.generator.get_state()
    figures = task.validate()
    assert set(figures) == {"told", "dreamt"} and figures == task.validate()
    sheet = task.sheet()
    assert sheet.dtype == "uint8" and sheet.ndim == 3 and sheet.shape[2] == 3
    assert (sheet == task.sheet()).all()
    assert same(before, weights(task.trained)) and torch.equal(generator, task.generator.get_state())


def test_what_is_shipped_is_the_average_of_the_last_weights(plays):
    """Not the weights with the least squared error, which are the blurriest."""
    task = make(plays, "training.average=0.9", preset="action-lstm")
    assert task.score_key is None
    start = weights(task.trained)
    task.step()
    decay = 1 / 10  # (1 + n) / (10 + n) before the average has warmed up
    shipped, trained = weights(task.model), weights(task.trained)
    name = "dynamics.from_frame.weight"
    assert torch.allclose(shipped[name], decay * start[name] + (1 - decay) * trained[name])
    assert not torch.equal(trained[name], start[name])


@pytest.mark.slow
def test_it_overfits_one_batch(plays):
    """Told real frames, an engine that learns draws them after a while."""
    words = ["model.channels=8", "model.hidden=64", "training.learning_rate=5e-3", "training.decay=1"]
    task = make(plays, *words, "training.betas=[0.5, 0.99]", preset="action-lstm")
    batch = task.train.sample(2, torch.Generator().manual_seed(0), padded=True)
    task.train.sample = lambda *_, **__: batch  # pyright: ignore[reportAttributeAccessIssue]
    errors = [float(task.step()["reconstruction"]) for _ in range(80)]
    assert errors[-1] < 0.1 * errors[0]


# ---------------------------------------------------------------------------------- whole runs


@pytest.mark.parametrize("muon", [pytest.param(0, marks=pytest.mark.slow), 8])
def test_two_steps_and_two_more_are_four_to_the_byte(plays, tmp_path, muon):
    words = ["training.average=0.9", "training.steps=4", "training.validate_every=2", f"training.muon={muon}"]

    def run(out: Path, *, resume=False, stop_after=None) -> GameGANTask:
        task = make(plays, *words)
        step = task.step

        def interrupted() -> object:
            if task.done == stop_after:
                os.kill(os.getpid(), signal.SIGTERM)
            return step()

        task.step = interrupted  # pyright: ignore[reportAttributeAccessIssue]
        starts = checkpoint.Starts(*task.train.starts(2, 2))
        loop.run(loop.Training(task, starts), task.config, out, device=task.device, resume=resume)
        return task

    straight = run(tmp_path / "straight")
    run(tmp_path / "parted", stop_after=1)
    resumed = run(tmp_path / "parted", resume=True)
    for part in ("trained", "average", "judges"):
        assert same(weights(getattr(straight, part)), weights(getattr(resumed, part))), part
    assert not (tmp_path / "straight" / "best").exists()


def test_an_engine_that_learned_at_64_pixels_with_nine_actions_dreams():
    shape = {"frame_size": 64, "num_actions": 9, "opposites": ()}
    tiny = {"channels": 4, "hidden": 16, "z_size": 4, "memory_slots": 5, "memory_width": 8}
    model = Generator(GameGANModelConfig(**tiny, **shape))  # pyright: ignore[reportArgumentType]
    frames, actions = torch.rand(2, 4, 3, 64, 64), torch.tensor([[8, 7, 0], [5, 6, 8]])
    played = model.rollout(frames, actions, torch.randn(2, 3, 4), torch.tensor([1, 4]))
    assert played.frames.shape == (2, 3, 3, 64, 64)
    assert F.mse_loss(played.frames, frames[:, 1:]).isfinite()
