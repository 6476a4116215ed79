"""GameGAN's generator keeps the engine's contract and the paper's structure (arXiv 2005.12126, Sec. 3)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gamesim.config.gamegan import GameGANModelConfig
from gamesim.errors import UserError
from gamesim.models.frames import to_float
from gamesim.models.gamegan.generator import Generator, Rollout
from gamesim.models.gamegan.rendering_engine import Component, compose
from gamesim.models.layers import Spade

TINY: dict[str, Any] = {"hidden": 24, "z_size": 6, "channels": 4, "memory_slots": 9, "memory_width": 12}
"""Tiny widths, the paper's structure."""
both = pytest.mark.parametrize("memory", [True, False])


def engine(**changes: Any) -> Generator:
    torch.manual_seed(0)
    return Generator(GameGANModelConfig(**TINY | changes))


def sequences(lanes: int = 2, steps: int = 4, size: int = 84) -> tuple[Tensor, Tensor, Tensor]:
    """Frames (B, T + 1, 3, S, S), actions and noise, always the same."""
    chance = torch.Generator().manual_seed(3)
    frames = torch.rand(lanes, steps + 1, 3, size, size, generator=chance)
    actions = (torch.arange(lanes)[:, None] + torch.arange(steps)) % 5
    return frames, actions, torch.randn(lanes, steps, 6, generator=chance)


def lengths(*steps: int) -> Tensor:
    return torch.tensor(steps)


def play(model: Generator, lanes: int = 5, steps: int = 3, seed: int = 0) -> list[dict[str, Tensor]]:
    """The states of a dream, its start included; every action is pressed in the first step of the batch."""
    chance = torch.Generator().manual_seed(seed)
    frames = torch.randint(0, 256, (lanes, 1, 84, 84, 3), generator=chance).to(torch.uint8)
    states = [model.start(frames, torch.zeros(lanes, 0, dtype=torch.int64))]
    for step in range(steps):
        keys = (torch.arange(lanes) + step) % 5
        states.append(model.imagine(states[-1], keys, temperature=1.0, generator=chance)[0])
    return states


# ---------------------------------------------------------------------------------- play


@pytest.mark.parametrize("size", [84, 64])
@both
def test_shapes_and_ranges_of_a_step(size, memory):
    model = engine(frame_size=size, memory=memory)
    frames = torch.randint(0, 256, (2, 3, size, size, 3)).to(torch.uint8)
    start = model.start(frames, torch.tensor([[1, 2], [4, 0]]))
    state, seen = model.imagine(
        start, torch.tensor([1, 4]), temperature=1.0, generator=torch.Generator().manual_seed(0)
    )
    assert seen.frame.shape == (2, size, size, 3) and seen.frame.dtype == torch.uint8
    assert seen.reward.shape == seen.end_probability.shape == (2,)
    assert model.noise_shape == (6,)
    expected = {"frame", "code", "h", "c", "z"} | (
        {"memory", "attention", "read", "held"} if memory else set()
    )
    assert set(state) == set(start) == expected
    assert all(len(value) == 2 for value in state.values())


def test_another_frame_size_is_the_users_error():
    from gamesim.models.layers import scales

    with pytest.raises(UserError, match="frame_size is 100"):
        scales(100)


def test_the_papers_sizes():
    """hidden 512, z 32, 21x21 slots of 512 (the released settings)."""
    model = Generator(GameGANModelConfig())
    assert model.memory is not None and model.memory.noise.shape == (21, 21, 512)
    assert model.dynamics.start.shape == (512,)
    assert model.noise_shape == (32,)


def test_eq_1_to_4_by_hand():
    """The LSTM of Eq. 2-4 on v = h * H(a, z, m), with the encoded frame as its other input."""
    model = engine().dynamics
    h, c, z, m = torch.randn(2, 24), torch.randn(2, 24), torch.randn(2, 6), torch.randn(2, 12)
    code, action = model.encode(torch.rand(2, 3, 84, 84)), torch.tensor([1, 3])
    v = h * model.fuse(torch.cat([model.embed(action), z, m], 1))
    # PyTorch's cell has the gates (input, forget, content, output), ours (forget, input, output, content).
    order = [1, 0, 3, 2]
    weights = [
        torch.cat([weight.chunk(4)[gate] for gate in order])
        for weight in (model.from_fused.weight, model.from_frame.weight, model.from_frame.bias)
    ]
    cell = torch.nn.LSTMCell(24, 24)
    cell.load_state_dict(
        {"weight_ih": weights[0], "weight_hh": weights[1], "bias_ih": weights[2], "bias_hh": torch.zeros(96)}
    )
    # Its recurrent input takes the frame's code; its cell state is c.
    for ours, theirs in zip(model(h, c, code, action, z, m), cell(v, (code, c)), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


def test_z_enters_as_it_is():
    """Negative noise counts as much as positive noise: no activation stands before H."""
    model = engine().dynamics
    with torch.no_grad():
        first = model.fuse[0]
        plain = torch.cat([model.embed(torch.tensor([1])), torch.full((1, 6), -2.0), torch.zeros(1, 12)], 1)
        assert torch.allclose(first(plain), F.linear(plain, first.weight, first.bias))
        assert isinstance(first, torch.nn.Linear)


def test_the_first_key_matters_and_so_does_z():
    model = engine()
    start = model.initial(torch.rand(1, 3, 84, 84))

    def after(action: int, z: float) -> Tensor:
        return model.advance(start, torch.tensor([action]), torch.full((1, 6), z))["h"]

    assert not torch.allclose(after(1, 0), after(2, 0))
    assert not torch.allclose(after(1, 0), after(1, 1))


def test_the_state_of_before_is_left_alone():
    model = engine()
    state = model.initial(torch.rand(2, 3, 84, 84))
    copy = {key: value.clone() for key, value in state.items()}
    model.imagine(state, torch.tensor([1, 2]), temperature=1.0, generator=torch.Generator())
    assert all(torch.equal(state[key], copy[key]) for key in state)


@both
def test_lanes_are_independent(memory):
    model = engine(memory=memory)
    frames, actions, z = sequences(3)
    warm_up = lengths(2, 2, 2)
    with torch.no_grad():
        ours = model.rollout(frames, actions, z, warm_up)
        frames[1:], z[1:] = torch.rand_like(frames[1:]), 3
        others = model.rollout(frames, actions, z, warm_up)
    assert torch.allclose(ours.frames[0], others.frames[0], atol=1e-5)
    assert not torch.allclose(ours.frames[1], others.frames[1], atol=1e-5)


# ---------------------------------------------------------------------------------- the rendering engine


def test_k_components_compose_to_the_frame_and_masks_sum_to_one():
    model = engine()
    state = play(model)[-1]
    drawn = model.render(state)
    assert [tuple(layer.shape) for layer in drawn.layers] == [(5, 3, 84, 84)] * 2
    assert drawn.masks.shape == (5, 2, 84, 84)
    assert torch.allclose(drawn.masks.sum(1), torch.ones(5, 84, 84))
    composed = sum(layer * drawn.masks[:, k, None] for k, layer in enumerate(drawn.layers))
    assert torch.allclose(torch.as_tensor(composed), state["frame"], atol=1e-6)


def test_compose_by_hand_with_the_released_temperature():
    layers = [torch.full((1, 3, 1, 1), 0.2), torch.full((1, 3, 1, 1), 0.6)]
    scores = [torch.zeros(1, 1, 1, 1), torch.full((1, 1, 1, 1), 4.0).log() / 10]  # / 0.1: 1/5 and 4/5
    drawn = compose([*zip(layers, scores, strict=True)])
    assert torch.allclose(drawn.masks.flatten(), torch.tensor([0.2, 0.8]))
    assert torch.allclose(drawn.frame, torch.full((1, 3, 1, 1), 0.2 / 5 + 0.6 * 4 / 5))


def test_the_static_layer_is_of_the_memory_and_the_dynamic_layer_of_the_hidden_state():
    model = engine()
    read, h = torch.randn(1, 12), torch.randn(1, 24)
    drawn = model.renderer(read, h).layers
    static, dynamic = model.renderer(torch.randn(1, 12), h).layers, model.renderer(read, -h).layers
    assert not torch.allclose(static[0], drawn[0]) and torch.equal(static[1], drawn[1])
    assert torch.equal(dynamic[0], drawn[0]) and not torch.allclose(dynamic[1], drawn[1])


def test_a_component_sketches_where_what_and_of_what_kind():
    where, attributes, kind = Component(12, 84, 4).rough(torch.randn(2, 12))
    assert where.shape == (2, 1, 7, 7) and where.min() >= 0 and where.max() <= 1
    assert attributes.shape == (2, 4, 7, 7)
    assert kind.shape == (2, 16, 1, 1)


def test_spade_modulates_each_location_by_its_own_condition():
    spade = Spade(4, 3)
    maps, condition = torch.randn(1, 4, 14, 14), torch.randn(1, 3, 7, 7)
    changed = condition.clone()
    changed[..., 0] += 5
    difference = (spade(maps, condition) - spade(maps, changed)).abs().amax(dim=(0, 1, 2))
    assert (difference[:2] > 1e-4).all()
    assert (difference[6:] == 0).all()
    with torch.no_grad():
        for weight in spade.affine.parameters():
            weight.zero_()
    plain = spade(maps, condition)
    assert abs(plain.mean()) < 1e-5 and abs(plain.std() - 1) < 1e-2


def test_gamegan_m_has_neither_memory_module_nor_second_component():
    model = engine(memory=False)
    names = [name for name, _ in model.named_parameters()]
    assert not [name for name in names if "memory" in name or "component" in name]
    rolled = model.rollout(*sequences(), lengths(1, 1), revisited=torch.tensor([0, 1]))
    assert rolled.revisited is None and rolled.masks.shape == (2, 4, 1, 84, 84)


# ---------------------------------------------------------------------------------- the rollout


def step_by_step(
    model: Generator, frames: Tensor, actions: Tensor, z: Tensor, warm_up: Tensor
) -> list[Tensor]:
    """What `rollout` is to draw, as play would: one step after another."""
    state, drawn = model.initial(frames[:, 0]), []
    for step in range(actions.shape[1]):
        state = model.advance(state, actions[:, step], z[:, step])
        drawn.append(model.render(state).frame)
        real = (step + 1 < warm_up)[:, None, None, None]
        state = model.show(state, torch.where(real, frames[:, step + 1], drawn[-1]))
    return drawn


@pytest.mark.parametrize("parts", [{}, {"memory": False}, {"recall": True}])
def test_a_rollout_over_all_steps_at_once_is_play_step_by_step(parts):
    """Lanes with warm-ups of their own: one real frame, three, and all of them."""
    model = engine(**parts)
    for name, p in model.named_parameters():
        if name.startswith("recall."):
            torch.nn.init.normal_(p)
    frames, actions, z = sequences(3)
    warm_up = lengths(1, 3, 5)
    with torch.no_grad():
        rolled = model.rollout(frames, actions, z, warm_up)
        wanted = torch.stack(step_by_step(model, frames, actions, z, warm_up), 1)
    assert torch.allclose(rolled.frames, wanted, atol=1e-5)
    assert rolled.told.tolist() == [[True] + [False] * 4, [True] * 3 + [False] * 2, [True] * 5]
    for lane, told in enumerate([1, 3, 5]):
        assert torch.equal(rolled.shown[lane, :told], frames[lane, :told])
        assert torch.allclose(rolled.shown[lane, told:4], wanted[lane, told - 1 : 3], atol=1e-5)


def test_a_rollout_spares_what_no_lane_needs():
    """`all_real` says how many real frames all lanes are shown; the pictures are the same."""
    model = engine()
    frames, actions, z = sequences(2)
    with torch.no_grad():
        for warm_up in (lengths(3, 4), lengths(5, 5)):
            all_real = int(warm_up.min())
            plain = model.rollout(frames, actions, z, warm_up)
            spared = model.rollout(frames, actions, z, warm_up, all_real=all_real)
            assert torch.equal(plain.frames, spared.frames)


def gradients(model: torch.nn.Module) -> set[str]:
    return {
        name.partition(".")[0]
        for name, p in model.named_parameters()
        if p.grad is not None and p.grad.abs().max() > 0
    }


@both
def test_gradients_reach_every_parameter(memory):
    model = engine(memory=memory)
    rolled = model.rollout(*sequences(5, 4), torch.full((5,), 2), revisited=torch.tensor([0]))
    (rolled.frames.square().mean() + rolled.reward.sum() + rolled.end_logit.sum()).backward()
    deaf = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert deaf == []


def test_dreamt_frames_are_fed_back_detached():
    """A free-running lane's second picture depends on the first; its gradient does not pass through it."""
    model = engine()
    rolled = model.rollout(*sequences(2, 3), lengths(1, 1))
    assert not rolled.shown.requires_grad
    (gradient,) = torch.autograd.grad(rolled.frames[:, 2].sum(), rolled.frames, allow_unused=True)
    assert torch.equal(gradient[:, 2], torch.ones_like(gradient[:, 2])) and not gradient[:, :2].any()


def test_the_cycle_loss_reaches_dynamics_and_memory_alone_in_a_free_running_rollout():
    model = engine()
    rolled = model.rollout(*sequences(2, 4), lengths(1, 2), revisited=torch.tensor([0, 2]))
    assert isinstance(rolled.revisited, Tensor)
    F.mse_loss(rolled.revisited, rolled.static[:, [0, 2]].detach()).backward()
    assert gradients(model) == {"dynamics", "memory"}


def test_what_is_revisited_is_read_from_the_last_memory_where_attention_was_then():
    model = engine()
    frames, actions, z = sequences(2, 3)
    with torch.no_grad():
        rolled: Rollout = model.rollout(frames, actions, z, lengths(4, 4), revisited=torch.tensor([0, 2]))
        state, places = model.initial(frames[:, 0]), []
        for step in range(3):
            state = model.advance(state, actions[:, step], z[:, step])
            places.append(state["attention"])
            state = model.show(state, frames[:, step + 1])
        for index, step in enumerate((0, 2)):
            read = (state["memory"] * places[step][..., None]).sum((1, 2))
            wanted = model.renderer(read, torch.zeros(2, 24)).layers[0]
            assert rolled.revisited is not None
            assert torch.allclose(rolled.revisited[:, index], wanted, atol=1e-5)
    assert torch.allclose(rolled.revisited[:, 1], rolled.static[:, 2], atol=1e-5), (
        "the last memory is its own"
    )


def test_the_outcome_sees_the_frame_that_came():
    """The frame says whether the agent was caught; h was made before it."""
    model = engine()
    state = model.advance(model.initial(torch.rand(1, 3, 84, 84)), torch.tensor([1]), torch.zeros(1, 6))
    frames, actions, z = sequences(1, 1)
    other = frames.clone()
    other[:, 1] = 1 - frames[:, 1]
    with torch.no_grad():
        one, two = (model.rollout(each, actions, z, lengths(2)) for each in (frames, other))
    assert not torch.equal(one.end_logit, two.end_logit) and torch.equal(one.frames, two.frames)
    assert state["h"].shape == (1, 24)


def test_a_state_stays_float32_under_autocast_and_attention_still_sums_to_one():
    model = engine()
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        state = play(model, steps=12)[-1]
    kept = {name: value.dtype for name, value in state.items() if name not in ("frame",)}
    assert set(kept.values()) == {torch.float32}
    assert torch.allclose(state["attention"].sum((1, 2)), torch.ones(5), atol=1e-5)


def test_weights_alone_make_the_same_engine():
    model, other = engine(), Generator(GameGANModelConfig(**TINY))
    other.load_state_dict(model.state_dict())
    assert torch.equal(play(model)[-1]["frame"], play(other)[-1]["frame"])


@pytest.mark.slow
@pytest.mark.parametrize(("memory", "channels", "rate", "steps"), [(True, 4, 1e-2, 45), (False, 8, 5e-3, 80)])
def test_it_overfits_a_tiny_clip(memory, channels, rate, steps):
    """Two lanes start alike; the key alone says which picture, what reward and which end come next."""
    model = engine(memory=memory, frame_size=64, channels=channels)
    frames = torch.full((2, 2, 3, 64, 64), 0.5)
    frames[:, 1] = 0
    frames[0, 1, 0, :32], frames[1, 1, 2, 32:] = 1, 1
    action, z = torch.tensor([[1], [2]]), torch.zeros(2, 1, 6)
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    errors = []
    for _ in range(steps):
        rolled = model.rollout(frames, action, z, lengths(2, 2))
        picture_error = F.mse_loss(rolled.frames[:, 0], frames[:, 1])
        ends = torch.tensor([[0.0], [1.0]])
        loss = picture_error + F.mse_loss(rolled.reward, torch.tensor([[0.5], [-1.0]]))
        loss = loss + F.binary_cross_entropy_with_logits(rolled.end_logit, ends)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors.append(picture_error.item())
    assert errors[-1] < 0.02 < 0.1 < errors[0]
    assert torch.allclose(rolled.reward, torch.tensor([[0.5], [-1.0]]), atol=0.2)
    assert rolled.end_logit[0] < -1 and rolled.end_logit[1] > 1


def test_internals_are_what_the_x_ray_draws():
    model = engine()
    state = play(model, lanes=2)[-1]
    shown = model.internals(state)
    assert {key: tuple(value.shape[1:]) for key, value in shown.items()} == {
        "z": (6,), "hidden": (24,), "static": (84, 84, 3), "dynamic": (84, 84, 3), "mask": (84, 84),
        "static objects": (7, 7), "dynamic objects": (7, 7), "attention": (9, 9), "memory": (9, 9),
        "writes": (9, 9),
    }  # fmt: skip
    share, dynamic, static = shown["mask"][:, None], to_float(shown["dynamic"]), to_float(shown["static"])
    assert torch.allclose(share * dynamic + (1 - share) * static, state["frame"], atol=0.01)
    most = [shown[name].flatten(1).argmax(1).tolist() for name in ("attention", "writes")]
    assert most[0] == most[1]
    assert set(engine(memory=False).internals(state)) == {"z", "hidden"}
