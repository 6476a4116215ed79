"""The paper's generator keeps the `Engine` contract and the paper's structure (arXiv 2005.12126, Sec. 3)."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from gamesim.errors import UserError
from gamesim.models.gamegan.paper import PaperEngine
from gamesim.models.gamegan.rendering_engine import Component, compose
from gamesim.models.layers import Spade


def config(**changes) -> SimpleNamespace:
    """Tiny widths, the paper's structure."""
    tiny = {"frame_size": 84, "num_actions": 5, "hidden": 24, "z_size": 6, "channels": 4}
    memory = {"memory": True, "memory_slots": 9, "memory_width": 12}
    return SimpleNamespace(**tiny | memory | changes)


def engine(**changes) -> PaperEngine:
    torch.manual_seed(0)
    return PaperEngine(config(**changes))


def unroll(engine, frame, actions, noise):
    """States after each of actions (B, T) with noise (B, T, z), the first frame included, and the outputs."""
    states, outputs = [engine.initial(frame)], []
    for step in range(actions.shape[1]):
        state, output = engine.advance(states[-1], actions[:, step], noise[:, step])
        states.append(state)
        outputs.append(output)
    return states, outputs


def play(engine, batch=5, steps=3, seed=0):
    """Every action is pressed in the first step of the batch."""
    random = torch.Generator().manual_seed(seed)
    frame = torch.rand(batch, 3, 84, 84, generator=random)
    actions = (torch.arange(batch)[:, None] + torch.arange(steps)) % 5
    return unroll(engine, frame, actions, torch.randn(batch, steps, *engine.noise_shape, generator=random))


@pytest.mark.parametrize("size", [84, 64])
@pytest.mark.parametrize("memory", [True, False])
def test_shapes_and_ranges_of_a_step(size, memory):
    model = engine(frame_size=size, memory=memory)
    states, outputs = unroll(
        model, torch.rand(2, 3, size, size), torch.tensor([[1], [4]]), torch.zeros(2, 1, 6)
    )
    state, output = states[1], outputs[0]
    assert output.frame.shape == (2, 3, size, size)
    assert output.frame.min() >= 0 and output.frame.max() <= 1
    for value in (output.reward, output.end_logit, output.memory_penalty):
        assert value.shape == (2,)
    assert torch.equal(state["frame"], output.frame)
    assert model.features(state).shape == (2, model.feature_size) == (2, 24)
    assert model.noise_shape == (6,)
    expected = {"frame", "h", "c", "z"} | ({"memory", "attention", "read"} if memory else set())
    assert set(state) == set(states[0]) == expected
    assert all(len(value) == 2 for value in state.values())
    if memory:
        assert state["memory"].shape == (2, 9, 9, 12)
        assert state["attention"].shape == (2, 9, 9)
        assert state["read"].shape == (2, 12)


def test_another_frame_size_is_the_users_error():
    with pytest.raises(UserError, match="frame_size is 100"):
        engine(frame_size=100)


def test_the_papers_sizes():
    """hidden 512, z 32, 21x21 slots of 512 (the released settings)."""
    model = engine(hidden=512, z_size=32, memory_slots=21, memory_width=512, channels=64)
    state = model.initial(torch.rand(1, 3, 84, 84))
    assert state["memory"].shape == (1, 21, 21, 512)
    assert state["h"].shape == (1, 512)
    assert model.noise_shape == (32,)


def test_eq_1_to_4_by_hand():
    """The LSTM of Eq. 2-4 on v = h * H(a, z, m), with the encoded frame as its other input."""
    model = engine().dynamics
    h, c, z, m = torch.randn(2, 24), torch.randn(2, 24), torch.randn(2, 6), torch.randn(2, 12)
    frame, action = torch.rand(2, 3, 84, 84), torch.tensor([1, 3])
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
    expected = cell(v, (model.encode(frame), c))
    for ours, theirs in zip(model(h, c, frame, action, z, m), expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


def test_the_first_key_matters_and_so_does_z():
    model = engine()
    frame = torch.rand(1, 3, 84, 84)
    start = model.initial(frame)

    def after(action: int, z: float) -> torch.Tensor:
        return model.advance(start, torch.tensor([action]), torch.full((1, 6), z))[0]["h"]

    assert not torch.allclose(after(1, 0), after(2, 0))
    assert not torch.allclose(after(1, 0), after(1, 1))


def test_the_state_of_before_is_left_alone():
    model = engine()
    state = model.initial(torch.rand(2, 3, 84, 84))
    copy = {key: value.clone() for key, value in state.items()}
    model.advance(state, torch.tensor([1, 2]), torch.randn(2, 6))
    assert all(torch.equal(state[key], copy[key]) for key in state)


@pytest.mark.parametrize("memory", [True, False])
def test_lanes_are_independent(memory):
    model = engine(memory=memory)
    states, _ = play(model, batch=5)
    frame = states[0]["frame"].clone()
    frame[1:] = torch.rand(4, 3, 84, 84)
    random = torch.Generator().manual_seed(0)
    torch.rand(5, 3, 84, 84, generator=random)
    noise = torch.randn(5, 3, 6, generator=random)
    noise[1:] = 3
    actions = torch.tensor([[0, 1, 2]] + [[4, 4, 4]] * 4)
    others, _ = unroll(model, frame, actions, noise)
    for key in states[-1]:
        assert torch.allclose(states[-1][key][0], others[-1][key][0], atol=1e-6), key
        assert not torch.allclose(states[-1][key][1], others[-1][key][1], atol=1e-6), key


def test_k_components_compose_to_the_frame_and_masks_sum_to_one():
    model = engine()
    states, outputs = play(model)
    rendering = model.render(states[-1])
    assert rendering.layers.shape == (5, 2, 3, 84, 84)
    assert rendering.masks.shape == (5, 2, 1, 84, 84)
    assert torch.allclose(rendering.masks.sum(1), torch.ones(5, 1, 84, 84))
    assert torch.allclose((rendering.layers * rendering.masks).sum(1), outputs[-1].frame, atol=1e-6)


def test_compose_by_hand():
    layers = torch.stack([torch.full((1, 3, 1, 1), 0.2), torch.full((1, 3, 1, 1), 0.6)], 1)
    scores = torch.tensor([0.0, 3.0]).log1p().view(1, 2, 1, 1, 1)  # softmax: 1/5 and 4/5
    assert torch.allclose(compose(layers, scores).frame, torch.full((1, 3, 1, 1), 0.2 / 5 + 0.6 * 4 / 5))


def test_the_static_layer_is_of_the_memory_and_the_dynamic_layer_of_the_hidden_state():
    model = engine()
    read, h = torch.randn(1, 12), torch.randn(1, 24)
    drawn = model.renderer(read, h).layers
    static, dynamic = model.renderer(torch.randn(1, 12), h).layers[0], model.renderer(read, -h).layers[0]
    assert not torch.allclose(static[0], drawn[0, 0]) and torch.equal(static[1], drawn[0, 1])
    assert torch.equal(dynamic[0], drawn[0, 0]) and not torch.allclose(dynamic[1], drawn[0, 1])


def test_a_component_sketches_where_what_and_of_what_kind():
    component = Component(12, 84, 4)
    where, attributes, kind = component.rough(torch.randn(2, 12))
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


def test_the_memory_penalty_is_the_area_of_the_dynamic_layer():
    model = engine()
    states, outputs = play(model)
    area = model.internals(states[-1])["mask"].sum((1, 2))
    assert torch.allclose(outputs[-1].memory_penalty, area)
    assert (area > 0).all() and (area < 84 * 84).all()


def test_gamegan_m_has_neither_memory_module_nor_second_component():
    model = engine(memory=False)
    names = [name for name, _ in model.named_parameters()]
    assert not [name for name in names if "memory" in name or "component" in name]
    states, outputs = play(model)
    assert set(states[-1]) == {"frame", "h", "c", "z"}
    assert outputs[-1].memory_penalty.tolist() == [0] * 5
    assert torch.equal(model.recall(states[-1], states[1]), model.recall(states[1], states[1]))


@pytest.mark.parametrize("memory", [True, False])
def test_gradients_reach_every_parameter(memory):
    model = engine(memory=memory)
    _, outputs = play(model)
    loss = sum(o.frame.square().mean() + o.reward.sum() + o.end_logit.sum() for o in outputs)
    torch.as_tensor(loss).backward()
    deaf = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert deaf == []


def test_recalling_a_state_from_its_own_memory_gives_its_static_layer():
    model = engine()
    states, _ = play(model)
    static = model.render(states[2]).layers[:, 0]
    assert torch.allclose(model.recall(states[2], states[2]), static, atol=1e-5)
    assert not torch.allclose(model.recall(states[3], states[2]), static, atol=1e-5)


def test_recalling_reads_the_memory_of_now_where_the_attention_was_then():
    model = engine()
    then, now = play(model, seed=1)[0][1], play(model, seed=2)[0][3]
    read = (now["memory"] * then["attention"][..., None]).sum((1, 2))
    drawn = model.renderer(read, torch.zeros(5, 24)).layers[:, 0]
    assert torch.allclose(model.recall(now, then), drawn, atol=1e-5)


def test_the_cycle_loss_trains_memory_and_dynamics_but_not_the_renderer():
    """With real frames on screen: a dreamt one also reaches the next step, through the encoder."""
    model = engine()
    states = [model.initial(torch.rand(2, 3, 84, 84))]
    for action in (1, 2, 2):
        state, _ = model.advance(states[-1], torch.full((2,), action), torch.randn(2, 6))
        states.append({**state, "frame": torch.rand(2, 3, 84, 84)})
    F.l1_loss(model.recall(states[-1], states[1]), model.recall(states[1], states[1])).backward()
    assert all(p.grad is None for p in model.renderer.parameters())
    for part in (model.memory, model.dynamics):
        assert part is not None
        assert any(p.grad is not None and p.grad.abs().max() > 0 for p in part.parameters())


def test_internals_are_what_the_x_ray_draws():
    model = engine()
    states, _ = play(model, batch=2)
    shown = model.internals(states[-1])
    assert {key: tuple(value.shape[1:]) for key, value in shown.items()} == {
        "z": (6,), "hidden": (24,), "static": (84, 84, 3), "dynamic": (84, 84, 3), "mask": (84, 84),
        "static objects": (7, 7), "dynamic objects": (7, 7), "attention": (9, 9), "memory": (9, 9),
        "writes": (9, 9),
    }  # fmt: skip
    assert set(engine(memory=False).internals(states[-1])) == {"z", "hidden"}


def test_a_state_stays_float32_under_autocast_and_attention_still_sums_to_one():
    model = engine()
    with torch.autocast("cpu", torch.bfloat16):
        states, outputs = play(model, steps=12)
    assert {value.dtype for value in states[-1].values()} == {torch.float32}
    assert outputs[-1].frame.dtype == outputs[-1].reward.dtype == torch.float32
    assert torch.allclose(states[-1]["attention"].sum((1, 2)), torch.ones(5), atol=1e-5)


def test_weights_alone_make_the_same_engine():
    model, other = engine(), PaperEngine(config())
    other.load_state_dict(model.state_dict())
    (_, ours), (_, theirs) = play(model), play(other)
    assert torch.equal(ours[-1].frame, theirs[-1].frame)


@pytest.mark.parametrize("memory", [True, False])
def test_it_overfits_a_tiny_clip(memory):
    """Two lanes start alike; the key alone says which picture, what reward and which end come next."""
    model = engine(memory=memory, frame_size=64)
    frame = torch.full((2, 3, 64, 64), 0.5)
    pictures = torch.zeros(2, 3, 64, 64)
    pictures[0, 0, :32], pictures[1, 2, 32:] = 1, 1
    action, z = torch.tensor([1, 2]), torch.zeros(2, 6)
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    errors = []
    for _ in range(50):
        _, output = model.advance(model.initial(frame), action, z)
        picture_error = F.mse_loss(output.frame, pictures)
        end_error = F.binary_cross_entropy_with_logits(output.end_logit, torch.tensor([0.0, 1.0]))
        loss = picture_error + F.mse_loss(output.reward, torch.tensor([0.5, -1.0])) + end_error
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors.append(picture_error.item())
    assert errors[-1] < 0.02 < 0.1 < errors[0]
    assert torch.allclose(output.reward, torch.tensor([0.5, -1.0]), atol=0.2)
    assert output.end_logit[0] < -1 and output.end_logit[1] > 1
