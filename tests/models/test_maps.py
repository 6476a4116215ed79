"""The map generator keeps the `Engine` contract; state and memory are maps that scroll under the agent."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Normal, kl_divergence
from torch.utils.flop_counter import FlopCounterMode

import gamesim  # noqa: F401  (registers the games)
from gamesim import config
from gamesim.models.gamegan.cells import to_cells, to_pixels
from gamesim.models.gamegan.maps import MapEngine
from gamesim.models.gamegan.model import GameGAN, to_float
from gamesim.schema import GameGANModelConfig

TINY: dict[str, Any] = {"engine": "maps", "channels": 8, "hidden": 4, "z_size": 2, "blocks": 1}
TINY |= {"memory_width": 5, "memory_slots": 11}
STAY, LEFT, RIGHT, UP, DOWN = range(5)
MOVES = {STAY: (0, 0), LEFT: (-1, 0), RIGHT: (1, 0), UP: (0, -1), DOWN: (0, 1)}
SURE = 1000.0  # its sigmoid and softmax are 0 and 1 exactly


def engine(**changes: Any) -> MapEngine:
    torch.manual_seed(0)
    return MapEngine(GameGANModelConfig(**TINY | changes))


def obedient(model: MapEngine, gate: bool = True) -> MapEngine:
    """Hand-set: each key points one cell its way, and the gate is open, or closed."""
    with torch.no_grad():
        model.kernels.logits.zero_()
        for row, neighbour in enumerate((4, 3, 1)):  # stay; left, and so right; up, and so down
            model.kernels.logits[row, neighbour] = SURE
        model.gate[-1].weight.zero_()
        model.gate[-1].bias.fill_(SURE if gate else -SURE)
    return model


def writing(model: MapEngine, share: float) -> None:
    """Hand-set: every cell takes over its new content by this share, 0 or 1."""
    with torch.no_grad():
        model.write[-1].weight[: model.memory_width] = 0
        model.write[-1].bias[: model.memory_width] = SURE if share else -SURE


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def lived(model: MapEngine, batch: int = 2, steps: int = 3, seed: int = 0) -> dict[str, torch.Tensor]:
    """A state with something in every map."""
    state = model.initial(random(batch, 3, 84, 84, seed=seed))
    with torch.no_grad():
        for step in range(steps):
            z = random(batch, *model.noise_shape, seed=seed + step)
            state, _ = model.advance(state, (torch.arange(batch) + step) % 5, z)
    return state


def walk(model: MapEngine, state: dict, *keys: int) -> dict:
    z = torch.zeros(len(state["h"]), *model.noise_shape)
    with torch.no_grad():
        for key in keys:
            state, _ = model.advance(state, torch.full((len(z),), key), z)
    return state


# ---------------------------------------------------------------------------------- shapes


@pytest.mark.parametrize("memory", [True, False])
def test_shapes_and_ranges_of_a_step(memory):
    model = engine(memory=memory)
    start = model.initial(random(3, 3, 84, 84))
    state, output = model.advance(start, torch.tensor([0, 1, 4]), random(3, 2, 7, 7))
    assert model.noise_shape == (2, 7, 7)
    shapes = {key: tuple(value.shape[1:]) for key, value in state.items()}
    assert shapes == {key: tuple(value.shape[1:]) for key, value in start.items()}
    assert shapes == {
        "frame": (3, 84, 84), "h": (4, 7, 7), "c": (4, 7, 7), "memory": (121, 5), "location": (2,),
        "mixed": (8, 7, 7), "z": (2, 7, 7),
    }  # fmt: skip
    assert output.frame.min() >= 0 and output.frame.max() <= 1
    assert torch.equal(state["frame"], output.frame)
    for value in (output.reward, output.end_logit, output.kl, output.memory_penalty):
        assert value.shape == (3,) and value.dtype == torch.float32
    assert model.features(state).shape == (3, model.feature_size)
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


# ---------------------------------------------------------------------------------- scrolling


def test_opposite_keys_share_one_flipped_kernel():
    kernels = engine().kernels
    with torch.no_grad():
        kernels.logits.normal_(generator=torch.Generator().manual_seed(1))
    stay, left, right, up, down = kernels(torch.arange(5)).view(5, 3, 3)
    assert torch.equal(right, left.flip(0, 1)) and torch.equal(down, up.flip(0, 1))
    assert not torch.equal(up, left) and not torch.equal(stay, left)
    assert len(kernels.logits) == 3
    assert torch.allclose(kernels(torch.arange(5)).sum(1), torch.ones(5))


@pytest.mark.parametrize("key", MOVES)
def test_a_one_hot_kernel_scrolls_by_exactly_one_cell(key):
    """A map of cell numbers; what comes in from outside the view is taken from the margin, marked -1."""
    model = obedient(engine())
    wide = F.pad(torch.arange(49.0).view(1, 1, 7, 7), (1, 1, 1, 1), value=-1)
    scrolled = model._scroll(wide, model.kernels(torch.tensor([key])))
    dx, dy = MOVES[key]
    for y in range(7):
        for x in range(7):
            inside = 0 <= x + dx < 7 and 0 <= y + dy < 7
            assert scrolled[0, 0, y, x] == ((y + dy) * 7 + x + dx if inside else -1)


@pytest.mark.parametrize("training", [True, False])
def test_an_open_gate_moves_the_location_by_the_key_and_a_closed_one_leaves_it(training):
    state = lived(engine(), batch=5)
    for gate, moves in ((True, MOVES), (False, dict.fromkeys(MOVES, (0, 0)))):
        model = obedient(engine(), gate).train(training)
        new, _ = model.advance(state, torch.arange(5), torch.zeros(5, 2, 7, 7))
        assert torch.equal(new["location"], (state["location"] + torch.tensor(list(moves.values()))) % 11)


def test_a_half_open_gate_blends_in_training_and_decides_in_play():
    model = obedient(engine())
    state, key = lived(model, batch=1), torch.tensor([RIGHT])
    with torch.no_grad():
        model.gate[-1].bias.fill_(1.0)
    share = torch.tensor(1.0).sigmoid()
    soft, location = model.train()._move(state, model._encode(state["frame"]), key, 1)
    assert torch.allclose(soft[0, 5], share) and torch.allclose(soft[0, 4], 1 - share)
    hard, same = model.eval()._move(state, model._encode(state["frame"]), key, 1)
    assert hard.tolist() == [[0, 0, 0, 0, 0, 1, 0, 0, 0]]
    assert torch.equal(location, same)


def test_the_gate_looks_at_the_cell_ahead_and_at_the_one_below_the_agent_alone():
    """The picture decides whether a key moves: a wall ahead may close the gate, one behind may not."""
    model = engine()
    with torch.no_grad():
        obedient(model).gate[-1].weight.normal_(generator=torch.Generator().manual_seed(2))
        model.gate[-1].bias.zero_()

    def kernel(changed: tuple[int, int] | None) -> torch.Tensor:
        frame = torch.full((1, 3, 84, 84), 0.5)
        if changed:
            x, y = changed
            frame[:, :, 12 * y : 12 * y + 12, 12 * x : 12 * x + 12] = 1
        return model._move(model.initial(frame), model._encode(frame), torch.tensor([RIGHT]), 1)[0]

    for cell, matters in {(4, 3): True, (3, 3): True, (2, 3): False, (3, 2): False, (5, 3): False}.items():
        assert torch.allclose(kernel(cell), kernel(None), atol=1e-6) is not matters, cell


def test_beside_informed_lanes_the_dreaming_ones_scroll_as_in_play_and_teach_the_gate_nothing():
    model = obedient(engine())
    with torch.no_grad():
        model.gate[-1].bias.fill_(0.5)  # half open: blends where it is trained, decides where it is played
    state = model.initial(random(4, 3, 84, 84))
    kernel, _ = model._move(state, model._encode(state["frame"]), torch.full((4,), RIGHT), 2)
    assert ((kernel[:2] > 0.01) & (kernel[:2] < 0.99)).any(1).all()
    assert ((kernel[2:] == 0) | (kernel[2:] == 1)).all()
    kernel[2:].sum().backward()
    assert not model.gate[-1].bias.grad.any()


def test_the_location_wraps_on_the_torus():
    model = obedient(engine()).eval()
    state = lived(model, batch=1)
    for there, back, axis in ((RIGHT, LEFT, 0), (DOWN, UP, 1)):
        around = walk(model, state, *[there] * 11)
        assert torch.equal(around["location"], state["location"])
        beyond = walk(model, state, *[back] * 6)
        assert beyond["location"][0, axis] == (state["location"][0, axis] - 6) % 11
        assert beyond["location"].min() >= 0 and beyond["location"].max() < 11


# ---------------------------------------------------------------------------------- memory


def test_what_was_written_is_read_back_after_walking_away_and_returning():
    model = obedient(engine(memory_slots=15)).eval()
    writing(model, 1)
    start = walk(model, model.initial(random(1, 3, 84, 84)), STAY)
    writing(model, 0)  # from here on only the walk can change what is read
    window = model._window(start["memory"], start["location"], 0)
    assert window.abs().min() > 0
    away = walk(model, start, *[RIGHT] * 4, *[UP] * 7)
    assert not model._window(away["memory"], away["location"], 0).any()
    back = walk(model, away, *[DOWN] * 7, *[LEFT] * 4)
    assert torch.equal(model._window(back["memory"], back["location"], 0), window)
    beside = walk(model, start, RIGHT)
    shifted = model._window(beside["memory"], beside["location"], 0)
    assert torch.equal(shifted[..., :-1], window[..., 1:]) and not shifted[..., -1].any()
    assert torch.equal(model.recall(back, start), model.recall(start, start))


def test_only_the_slots_under_the_view_are_written():
    model = engine(memory_slots=15)
    state = model.initial(random(1, 3, 84, 84))
    state["location"] = torch.tensor([[14, 2]])  # the view hangs over two edges of the torus
    state["memory"] = random(1, 225, 5)
    after = walk(model, state, STAY)["memory"]
    changed = (after != state["memory"]).any(-1).view(15, 15)
    expected = torch.zeros(15, 15, dtype=torch.bool)
    columns = torch.arange(14 - 3, 14 + 4) % 15
    expected[(torch.arange(2 - 3, 2 + 4) % 15)[:, None], columns] = True
    assert torch.equal(changed, expected)


def test_writing_erases_then_adds():
    model = engine()
    writing(model, 1)
    state = lived(model, batch=1)
    seen = model._encode(state["frame"])
    before = model._window(state["memory"], state["location"], 0)
    content = model.write(torch.cat([seen, state["h"], before], 1))[:, model.memory_width :].tanh()
    memory = model._write(state, seen)
    written = model._window(memory, state["location"], 0)
    assert torch.allclose(written, content, atol=1e-6)


def test_static_is_drawn_from_memory_and_dynamic_from_the_state():
    model = engine()
    read, dynamic = random(1, 5, 7, 7), random(1, 12, 7, 7)
    drawn = model._render(read, dynamic)[0]
    with torch.no_grad():
        model.mask.weight.zero_()
        model.mask.bias.fill_(SURE)
    assert torch.allclose(model._render(read, dynamic)[0], model._render(read, -dynamic)[0], atol=1e-6)
    with torch.no_grad():
        model.mask.bias.fill_(-SURE)
    assert torch.allclose(model._render(read, dynamic)[0], model._render(-read, dynamic)[0], atol=1e-6)
    assert not torch.allclose(model._render(read, dynamic)[0], drawn, atol=1e-3)


def test_without_a_memory_module_nothing_is_read_from_memory():
    model = engine(memory=False).eval()
    state = lived(model)
    other = {**state, "memory": random(*state["memory"].shape, seed=5)}
    ours, theirs = walk(model, state, RIGHT, UP), walk(model, other, RIGHT, UP)
    for key in ("frame", "h", "c"):
        assert torch.equal(ours[key], theirs[key]), key


def test_without_a_memory_module_the_picture_is_the_dynamic_layer():
    model = engine(memory=False)
    dynamic, read = random(1, 12, 7, 7), random(1, 5, 7, 7)
    assert torch.equal(model._render(read, dynamic)[0], model._render(-read, dynamic)[0])


def test_recall_trains_the_memory_but_not_the_renderer():
    model = engine().train()
    states = [model.initial(random(2, 3, 84, 84))]
    for key in (RIGHT, RIGHT, LEFT):
        states.append(model.advance(states[-1], torch.full((2,), key), random(2, 2, 7, 7))[0])
    F.l1_loss(model.recall(states[-1], states[1]), model.recall(states[1], states[1])).backward()
    renderer = [model.static, model.dynamic, model.mask, model.pixels]
    assert all(weight.grad is None for part in renderer for weight in part.parameters())
    for weight in model.write.parameters():
        assert weight.grad is not None and weight.grad.abs().max() > 0


def test_the_overlap_of_two_views_is_what_both_show():
    """By brute force over every cell, also across the edges of the torus."""
    model = engine(memory_slots=15)
    then = torch.tensor([[5, 5], [5, 5], [0, 14], [11, 1], [5, 5]])
    now = torch.tensor([[5, 5], [7, 2], [14, 1], [2, 1], [5, 13]])
    seen = model.overlap({"location": now}, {"location": then})
    assert seen.shape == (5, 1, 84, 84)
    for lane in range(5):
        known = set(model._indices(then[lane : lane + 1], 0)[0].tolist())
        places = model._indices(now[lane : lane + 1], 0)[0].tolist()
        expected = torch.tensor([float(place in known) for place in places]).view(7, 7)
        assert torch.equal(seen[lane, 0, 6::12, 6::12], expected), lane
        assert torch.equal(seen[lane], expected.repeat_interleave(12, 0).repeat_interleave(12, 1)[None])


# ---------------------------------------------------------------------------------- lanes and noise


def test_lanes_are_independent_to_the_byte():
    model = engine().eval()
    state, z, action = lived(model), random(2, 2, 7, 7), torch.tensor([LEFT, UP])
    other = {key: value.clone() for key, value in state.items()}
    for key in ("frame", "h", "c", "memory"):
        other[key][1] = random(*other[key][1].shape, seed=9)
    other["location"][1] = torch.tensor([0, 10])
    z_, action_ = z.clone(), torch.tensor([LEFT, DOWN])
    z_[1] = 3
    (ours, out), (theirs, out_) = model.advance(state, action, z), model.advance(other, action_, z_)
    for key in ours:
        assert torch.equal(ours[key][0], theirs[key][0]), key
        assert not torch.equal(ours[key][1], theirs[key][1]), key
    for name in ("frame", "reward", "end_logit", "memory_penalty"):
        assert getattr(out, name)[0].equal(getattr(out_, name)[0]), name


def test_a_batch_is_its_lanes_one_by_one():
    model = engine().eval()
    state, z, action = lived(model, batch=5), random(5, 2, 7, 7), torch.arange(5)
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


def test_without_a_target_z_is_the_priors_and_costs_nothing():
    model = engine()
    z = random(2, 2, 7, 7)
    used, kl = model._infer(random(2, 8, 7, 7), z, None)
    assert torch.equal(used, z) and kl.tolist() == [0, 0]
    state, action = lived(model), torch.tensor([1, 2])
    _, ours = model.advance(state, action, z)
    _, theirs = model.advance(state, action, 2 * z)
    assert not torch.equal(ours.frame, theirs.frame)


def test_a_target_informs_its_own_lanes_and_no_other():
    model = engine().eval()
    state, z, action = lived(model, batch=4), random(4, 2, 7, 7), torch.arange(4)
    _, blind = model.advance(state, action, z)
    _, told = model.advance(state, action, z, random(2, 3, 84, 84, seed=3))
    _, told_otherwise = model.advance(state, action, z, random(2, 3, 84, 84, seed=4))
    assert torch.equal(told.frame[2:], blind.frame[2:]) and told.kl[2:].tolist() == [0, 0]
    assert (told.kl[:2] > 0).all() and (told.kl[:2] != told_otherwise.kl[:2]).all()
    for lane in (0, 1):
        assert not torch.equal(told.frame[lane], blind.frame[lane])
        assert not torch.equal(told.frame[lane], told_otherwise.frame[lane])
    _, none = model.advance(state, action, z, torch.empty(0, 3, 84, 84))
    assert torch.equal(none.frame, blind.frame)


def test_kl_in_closed_form():
    model = engine()
    mean, log_std = torch.tensor([0.5, -2.0]), torch.tensor([-1.0, 0.3])
    with torch.no_grad():
        model.posterior[-1].weight.zero_()
        model.posterior[-1].bias.copy_(torch.cat([mean, log_std]))
    z = random(1, 2, 7, 7)
    inferred, kl = model._infer(random(1, 8, 7, 7), z, random(1, 3, 84, 84))
    assert torch.allclose(inferred, mean.view(1, 2, 1, 1) + log_std.exp().view(1, 2, 1, 1) * z)
    by_hand = 49 * (0.5 * (mean**2 + (2 * log_std).exp() - 1) - log_std).sum()
    known = 49 * kl_divergence(Normal(mean, log_std.exp()), Normal(0.0, 1.0)).sum()
    assert torch.allclose(kl, by_hand) and torch.allclose(kl, known)
    with torch.no_grad():
        model.posterior[-1].bias.zero_()  # the posterior is the prior
    assert model._infer(random(1, 8, 7, 7), z, random(1, 3, 84, 84))[1].tolist() == [0]


# ---------------------------------------------------------------------------------- as a world model


def test_a_seed_is_a_dream():
    torch.manual_seed(0)
    model = GameGAN(GameGANModelConfig(**TINY)).eval().requires_grad_(False)
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
        return now["frame"]

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
    other = MapEngine(GameGANModelConfig(**TINY)).eval()
    other.load_state_dict(model.state_dict())
    state = lived(model)
    assert torch.equal(walk(model, state, RIGHT)["frame"], walk(other, state, RIGHT)["frame"])


def test_gradients_reach_every_parameter():
    model = engine().train()
    with torch.no_grad():
        for block in model.after_noise:
            block.second.weight.normal_(std=0.1)  # zero at first, which silences what is before it
    state, total = model.initial(random(2, 3, 84, 84)), torch.tensor(0.0)
    for key in (1, 3, 0):
        action, target = torch.tensor([key, key + 1]), random(1, 3, 84, 84, seed=key)
        state, output = model.advance(state, action, random(2, 2, 7, 7), target)
        for part in (output.frame.square(), output.reward, output.end_logit, output.kl):
            total = total + part.sum()
    total.backward()
    deaf = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert deaf == []


def test_no_gradient_runs_back_through_a_picture():
    model = engine().train()
    state = lived(model)
    state["frame"] = state["frame"].requires_grad_()
    model.advance(state, torch.tensor([1, 2]), torch.zeros(2, 2, 7, 7))[1].frame.sum().backward()
    assert state["frame"].grad is None


def real_clip(steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Real boards, and the keys that were pressed on them: frames (2, steps + 1, 3, 84, 84) and actions."""
    env = gym.make_vec("gamesim/Pacman-v0", num_envs=2, vectorization_mode="vector_entry_point")
    frames, actions = [env.reset(seed=3)[0]], torch.arange(2 * steps).view(2, steps) % 5
    frames += [env.step(keys.numpy())[0] for keys in actions.T]
    env.close()
    return to_float(torch.stack([torch.as_tensor(frame) for frame in frames], 1)), actions


def test_it_overfits_one_batch_of_the_real_game():
    """Two real steps; a picture of nothing but the mean colour has a squared error near 0.04."""
    model = engine(channels=24, hidden=8, memory_width=8).train()
    frames, actions = real_clip(2)
    optimizer, errors = torch.optim.Adam(model.parameters(), 1e-2, (0.5, 0.99)), []
    for _ in range(120):
        state, loss, error = model.initial(frames[:, 0]), torch.tensor(0.0), 0.0
        for step, real in enumerate(frames[:, 1:].unbind(1)):
            z = torch.zeros(2, *model.noise_shape)
            state, output = model.advance({**state, "frame": frames[:, step]}, actions[:, step], z)
            loss = loss + F.binary_cross_entropy(output.frame.clamp(1e-4, 1 - 1e-4), real)
            error += F.mse_loss(output.frame.detach(), real).item() / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        errors.append(error)
    assert errors[-1] < errors[0] / 30 and errors[-1] < 0.005


def test_the_lite_preset_by_its_numbers():
    """What a player's CPU pays: parameters, and multiply-adds of a frame."""
    with torch.device("meta"):
        model = MapEngine(config.load("gamegan-lite").model).eval()
        state = model.initial(torch.empty(1, 3, 84, 84))
        with FlopCounterMode(display=False) as counter:
            model.advance(state, torch.zeros(1, dtype=torch.int64), torch.empty(1, *model.noise_shape))
    assert sum(parameter.numel() for parameter in model.parameters()) == 370_999
    assert counter.get_total_flops() / 2 < 0.02e9  # the budget was 0.7e9
