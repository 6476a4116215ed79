"""Tilemap's networks: shapes, lanes, noise, and what a world model owes."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import pytest
import torch
import torch.nn.functional as F
from hand_set import DOWN, LEFT, RIGHT, TINY, UP, engine, lived, random, walk
from torch.utils.flop_counter import FlopCounterMode

import gamesim  # noqa: F401  (registers the games)
from gamesim import config
from gamesim.config.tilemap import TilemapModelConfig
from gamesim.models.frames import to_float, to_uint8
from gamesim.models.tilemap.cells import to_cells, to_pixels
from gamesim.models.tilemap.engine import TilemapEngine
from gamesim.models.tilemap.model import Tilemap


@pytest.mark.parametrize("memory", [True, False])
def test_shapes_and_ranges_of_a_step(memory):
    model = engine(memory=memory)
    start = model.initial(random(3, 3, 84, 84))
    state, output = model.advance(start, torch.tensor([0, 1, 4]), random(3, 16, 7, 7))
    assert model.noise_shape == (16, 7, 7)
    shapes = {key: tuple(value.shape[1:]) for key, value in state.items()}
    assert shapes == {key: tuple(value.shape[1:]) for key, value in start.items()}
    assert shapes == {
        "frame": (3, 84, 84), "h": (4, 7, 7), "c": (4, 7, 7), "memory": (121, 5), "location": (2,),
        "mixed": (8, 7, 7), "z": (16, 7, 7),
    }  # fmt: skip
    assert output.frame.min() >= 0 and output.frame.max() <= 1
    assert torch.equal(state["frame"], output.frame)
    assert output.log_probs.shape == (3, 3 if memory else 1, 16, 7, 7)
    assert model.nll(output.log_probs, start["frame"]).shape == (3, 3 if memory else 1, 7, 7)
    for value in (output.reward, output.end_logit, output.covered):
        assert value.shape == (3,) and value.dtype == torch.float32
    assert torch.equal(output.weight, torch.ones(3, 7, 7))
    assert all(len(value) == 3 for value in model.internals(state).values())


def test_an_episode_starts_in_the_middle_of_a_blank_memory():
    start = engine().initial(random(1, 3, 84, 84))
    assert start["location"].tolist() == [[5, 5]]
    assert not any(start[key].any() for key in ("h", "c", "memory"))


@pytest.mark.parametrize("patch", [12, 28, 4])
def test_frames_become_cells_and_cells_frames(patch):
    frame = random(2, 3, 84, 84)
    cells = to_cells(frame, patch)
    assert cells.shape == (2, 3 * patch**2, 84 // patch, 84 // patch)
    assert torch.equal(to_pixels(cells, patch), frame)
    beside_the_first = cells[0, :, 0, 1].reshape(3, patch, patch)
    assert torch.equal(beside_the_first, frame[0, :, :patch, patch : 2 * patch])


def test_frames_of_64_pixels_work_as_well():
    model = engine(frame_size=64, patch=8)
    state = model.initial(random(1, 3, 64, 64))
    assert walk(model, state, RIGHT)["frame"].shape == (1, 3, 64, 64)


def test_lanes_are_independent_to_the_byte():
    model = engine().eval()
    state, z, action = lived(model), random(2, 16, 7, 7), torch.tensor([LEFT, UP])
    other = {key: value.clone() for key, value in state.items()}
    for key in ("frame", "h", "c", "memory"):
        other[key][1] = random(*other[key][1].shape, seed=9)
    other["location"][1] = torch.tensor([0, 10])
    z_, action_ = z.clone(), torch.tensor([LEFT, DOWN])
    z_[1] = 3
    (ours, out), (theirs, out_) = model.advance(state, action, z), model.advance(other, action_, z_)
    for key in ours:
        assert torch.equal(ours[key][0], theirs[key][0]), key
    for name in ("frame", "log_probs", "reward", "end_logit", "covered"):
        assert getattr(out, name)[0].equal(getattr(out_, name)[0]), name
    for name in ("log_probs", "reward", "end_logit", "covered"):
        assert not getattr(out, name)[1].equal(getattr(out_, name)[1]), name


def test_a_batch_is_its_lanes_one_by_one():
    model = engine().eval()
    state, z, action = lived(model, batch=5), random(5, 16, 7, 7), torch.arange(5)
    together, _ = model.advance(state, action, z)
    for lane in range(5):
        one = slice(lane, lane + 1)
        alone, _ = model.advance({key: value[one] for key, value in state.items()}, action[one], z[one])
        assert all(torch.allclose(alone[key], together[key][one], atol=1e-5) for key in alone)


def test_the_state_of_before_is_left_alone():
    model = engine()
    state = lived(model)
    copy = {key: value.clone() for key, value in state.items()}
    walk(model, state, RIGHT)
    assert all(torch.equal(state[key], copy[key]) for key in state)


def test_a_target_forces_its_own_lanes_and_no_other():
    model = engine().eval()
    state, z, action = lived(model, batch=4), random(4, 16, 7, 7), torch.arange(4)
    real = random(2, 3, 84, 84, seed=3)
    dreamt, blind = model.advance(state, action, z)
    after, forced = model.advance(state, action, z, real)
    assert torch.equal(forced.frame[:2], real) and torch.equal(after["frame"], forced.frame)
    # Not to the bit: how a sum is split over a batch is the processor's business.
    assert torch.allclose(forced.log_probs[2:], blind.log_probs[2:], atol=1e-5)
    assert torch.equal(forced.frame[2:], blind.frame[2:])
    assert all(torch.equal(after[name], dreamt[name]) for name in ("h", "c", "memory", "location", "z"))
    otherwise = model.advance(state, action, z, random(2, 3, 84, 84, seed=4))[1]
    assert torch.equal(forced.log_probs[:2], otherwise.log_probs[:2]), "in play nothing of a target is shown"
    _, none = model.advance(state, action, z, torch.empty(0, 3, 84, 84))
    assert torch.equal(none.log_probs, blind.log_probs)


def test_the_end_is_told_by_what_came_to_be_around_the_agent():
    model = engine().eval()
    state, action, z = lived(model, batch=1), torch.tensor([RIGHT]), torch.zeros(1, 16, 7, 7)

    def outcome(x: int, y: int) -> tuple[torch.Tensor, torch.Tensor]:
        frame = torch.full((1, 3, 84, 84), 0.5)
        frame[:, :, 12 * y : 12 * y + 12, 12 * x : 12 * x + 12] = 1
        output = model.advance(state, action, z, frame)[1]
        return output.end_logit, output.reward

    far = outcome(0, 0)
    assert outcome(5, 3) == far
    for beside in ((3, 3), (2, 3), (4, 3), (3, 2), (3, 4)):
        assert outcome(*beside)[0] != far[0] and outcome(*beside)[1] != far[1]


def test_a_seed_is_a_dream():
    torch.manual_seed(0)
    model = Tilemap(TilemapModelConfig(**TINY)).eval().requires_grad_(False)
    model.engine.prepare(to_uint8(random(2, 3, 84, 84, seed=7)))
    frames = (255 * random(2, 3, 84, 84, 3)).to(torch.uint8)
    state = model.start(frames, torch.tensor([[1, 2], [3, 4]]))
    assert torch.equal(state["frame"], to_float(frames[:, -1]))

    def dream(lanes: slice, generator: Any, temperature: float = 1.0) -> torch.Tensor:
        now = {key: value[lanes] for key, value in state.items()}
        for key in (LEFT, UP):
            action = torch.full((len(now["h"]),), key)
            now, seen = model.imagine(now, action, temperature=temperature, generator=generator)
        assert seen.frame.dtype == torch.uint8 and seen.reward.dtype == seen.end_probability.dtype
        assert ((seen.end_probability > 0) & (seen.end_probability < 1)).all()
        return now["h"]

    def seeded(*seeds: int) -> list[torch.Generator]:
        return [torch.Generator().manual_seed(seed) for seed in seeds]

    both = slice(0, 2)
    assert torch.equal(dream(both, seeded(1)[0]), dream(both, seeded(1)[0]))
    assert not torch.equal(dream(both, seeded(1)[0]), dream(both, seeded(2)[0]))
    assert torch.equal(dream(both, seeded(1)[0], 0.0), dream(both, seeded(2)[0], 0.0))
    lanes = dream(both, seeded(1, 2))
    assert torch.allclose(lanes[1:], dream(slice(1, 2), seeded(2)), atol=1e-5)


def test_weights_alone_make_the_same_engine():
    model = engine().eval()
    torch.manual_seed(5)
    other = TilemapEngine(TilemapModelConfig(**TINY)).eval()
    other.load_state_dict(model.state_dict())
    state = lived(model)
    ours, theirs = (walk(each, state, RIGHT) for each in (model, other))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_gradients_reach_every_parameter():
    model = engine().train()
    with torch.no_grad():
        for block in (model.before, model.renderer.blocks[0]):
            block.second.weight.normal_(std=0.1)  # zero at first, which silences what is before it
    state, total = model.initial(random(2, 3, 84, 84)), torch.tensor(0.0)
    for key in (1, 3, 0):
        action, target = torch.tensor([key, key + 1]), random(1, 3, 84, 84, seed=key)
        state, output = model.advance(state, action, random(2, 16, 7, 7), target)
        surprise = model.nll(output.log_probs, random(2, 3, 84, 84, seed=key))
        for part in (surprise, output.reward, output.end_logit):
            total = total + part.sum()
    total.backward()
    deaf = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert deaf == []


def test_no_gradient_runs_back_through_a_picture():
    model = engine().train()
    state = lived(model)
    state["frame"] = state["frame"].requires_grad_()
    model.advance(state, torch.tensor([1, 2]), torch.zeros(2, 16, 7, 7))[1].frame.sum().backward()
    assert state["frame"].grad is None


def real_clip(steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Real boards, and the keys that were pressed on them: frames (2, steps + 1, 3, 84, 84) and actions."""
    env = gym.make_vec("gamesim/Pacman-v0", num_envs=2, vectorization_mode="vector_entry_point")
    frames, actions = [env.reset(seed=3)[0]], torch.arange(2 * steps).view(2, steps) % 5
    frames += [env.step(keys.numpy())[0] for keys in actions.T]
    env.close()
    return to_float(torch.stack([torch.as_tensor(frame) for frame in frames], 1)), actions


@pytest.mark.slow
def test_it_overfits_one_batch_of_the_real_game():
    """Two real steps; a picture of nothing but the mean colour has a squared error near 0.04."""
    frames, actions = real_clip(2)
    model = engine(channels=16, hidden=8, memory_width=8).train()
    model.prepare(to_uint8(frames.flatten(0, 1)))
    optimizer, errors = torch.optim.Adam(model.parameters(), 1e-2, (0.5, 0.99)), []
    for _ in range(60):
        state, loss, error = model.initial(frames[:, 0]), torch.tensor(0.0), 0.0
        for step, real in enumerate(frames[:, 1:].unbind(1)):
            z = torch.zeros(2, *model.noise_shape)
            state, output = model.advance({**state, "frame": frames[:, step]}, actions[:, step], z)
            loss = loss + model.nll(output.log_probs, real).mean()
            error += F.mse_loss(output.frame.detach(), real).item() / 2
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        errors.append(error)
    assert errors[-1] < errors[0] / 30 and errors[-1] < 0.005


def test_the_preset_by_its_numbers():
    """What a player's CPU pays: parameters, and multiply-adds of a frame."""
    model = TilemapEngine(config.load("tilemap").model).eval()
    state = model.initial(torch.zeros(1, 3, 84, 84))
    with FlopCounterMode(display=False) as counter:
        model.advance(state, torch.zeros(1, dtype=torch.int64), torch.zeros(1, *model.noise_shape))
    assert sum(parameter.numel() for parameter in model.parameters()) == 297_567
    assert counter.get_total_flops() / 2 < 0.04e9  # the budget was 0.7e9
