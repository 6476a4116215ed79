"""Tilemap's memory: it scrolls under the agent, and what left the view comes back."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hand_set import DOWN, LEFT, MOVES, RIGHT, STAY, UP, engine, lived, obedient, random, walk, writing


def test_opposite_keys_share_one_flipped_kernel():
    kernels = engine().kernels
    with torch.no_grad():
        kernels.logits.normal_(generator=torch.Generator().manual_seed(1))
    stay, left, right, up, down = kernels(torch.arange(5)).view(5, 3, 3)
    assert torch.allclose(right, left.flip(0, 1)) and torch.allclose(down, up.flip(0, 1))
    assert not torch.allclose(up, left) and not torch.allclose(stay, left)
    assert len(kernels.logits) == 3
    assert torch.allclose(kernels(torch.arange(5)).sum(1), torch.ones(5))


def test_only_keys_that_are_known_to_be_opposite_share_a_kernel():
    kernels = engine(num_actions=4, opposites=((3, 1),)).kernels
    with torch.no_grad():
        kernels.logits.normal_(generator=torch.Generator().manual_seed(1))
    zero, one, two, three = kernels(torch.arange(4)).view(4, 3, 3)
    assert torch.allclose(one, three.flip(0, 1)) and len(kernels.logits) == 3
    assert not torch.allclose(zero, two) and not torch.allclose(zero, two.flip(0, 1))
    assert len(engine(num_actions=4).kernels.logits) == 4


@pytest.mark.parametrize("key", MOVES)
def test_a_one_hot_kernel_scrolls_by_exactly_one_cell(key):
    """A map of cell numbers; what comes in from outside the view is taken from the margin, marked -1."""
    model = obedient(engine())
    wide = F.pad(torch.arange(49.0).view(1, 1, 7, 7), (1, 1, 1, 1), value=-1)
    scrolled = model.scroll(wide, model.kernels(torch.tensor([key])))
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
        new, _ = model.advance(state, torch.arange(5), torch.zeros(5, 16, 7, 7))
        assert torch.equal(new["location"], (state["location"] + torch.tensor(list(moves.values()))) % 11)


def test_a_half_open_gate_blends_in_training_and_decides_in_play():
    model = obedient(engine())
    state, key = lived(model, batch=1), torch.tensor([RIGHT])
    with torch.no_grad():
        model.gate[-1].bias.fill_(1.0)
    share = torch.tensor(1.0).sigmoid()
    soft, location = model.train().move(state, model.encode(state["frame"]), key, 1)
    assert torch.allclose(soft[0, 5], share) and torch.allclose(soft[0, 4], 1 - share)
    hard, same = model.eval().move(state, model.encode(state["frame"]), key, 1)
    assert hard.tolist() == [[0, 0, 0, 0, 0, 1, 0, 0, 0]]
    assert torch.equal(location, same)


def test_a_gate_that_is_nearly_sure_moves_by_whole_cells_in_training_too_and_goes_on_learning():
    model = obedient(engine()).train()
    state, key = lived(model, batch=1), torch.tensor([RIGHT])
    with torch.no_grad():
        model.gate[-1].bias.fill_(3.0)
    kernel, _ = model.move(state, model.encode(state["frame"]), key, 1)
    assert kernel.tolist() == [[0, 0, 0, 0, 0, 1, 0, 0, 0]]
    kernel[0, 5].backward()
    share = torch.tensor(3.0).sigmoid()
    assert torch.allclose(model.gate[-1].bias.grad, share * (1 - share))


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
        return model.move(model.initial(frame), model.encode(frame), torch.tensor([RIGHT]), 1)[0]

    for cell, matters in {(4, 3): True, (3, 3): True, (2, 3): False, (3, 2): False, (5, 3): False}.items():
        assert torch.allclose(kernel(cell), kernel(None), atol=1e-6) is not matters, cell


def test_beside_teacher_forced_lanes_those_that_run_freely_scroll_as_in_play_and_teach_the_gate_nothing():
    model = obedient(engine())
    with torch.no_grad():
        model.gate[-1].bias.fill_(0.5)  # half open: blends where it is trained, decides where it is played
    state = model.initial(random(4, 3, 84, 84))
    kernel, _ = model.move(state, model.encode(state["frame"]), torch.full((4,), RIGHT), 2)
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


def test_what_was_written_is_read_back_after_walking_away_and_returning():
    model = obedient(engine(memory_slots=15)).eval()
    writing(model, 1)
    start = walk(model, model.initial(random(1, 3, 84, 84)), STAY)
    writing(model, 0)  # from here on only the walk can change what is read
    window = model.window(start["memory"], start["location"], 0)
    assert window.abs().min() > 0
    away = walk(model, start, *[RIGHT] * 4, *[UP] * 7)
    assert not model.window(away["memory"], away["location"], 0).any()
    back = walk(model, away, *[DOWN] * 7, *[LEFT] * 4)
    assert torch.equal(model.window(back["memory"], back["location"], 0), window)
    beside = walk(model, start, RIGHT)
    shifted = model.window(beside["memory"], beside["location"], 0)
    assert torch.equal(shifted[..., :-1], window[..., 1:]) and not shifted[..., -1].any()


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
    seen = model.encode(state["frame"])
    before = model.window(state["memory"], state["location"], 0)
    content = model.write(torch.cat([seen, state["h"], before], 1))[:, model.memory_width :].tanh()
    memory = model.advance(state, torch.tensor([STAY]), torch.zeros(1, 16, 7, 7))[0]["memory"]
    written = model.window(memory, state["location"], 0)
    assert torch.allclose(written, content, atol=1e-6)


def test_without_a_memory_module_nothing_is_read_from_memory():
    model = engine(memory=False).eval()
    state = lived(model)
    other = {**state, "memory": random(*state["memory"].shape, seed=5)}
    ours, theirs = walk(model, state, RIGHT, UP), walk(model, other, RIGHT, UP)
    for key in ("frame", "h", "c"):
        assert torch.equal(ours[key], theirs[key]), key


def test_the_overlap_of_two_views_is_what_both_show():
    """By brute force over every cell, also across the edges of the torus."""
    model = engine(memory_slots=15)
    then = torch.tensor([[5, 5], [5, 5], [0, 14], [11, 1], [5, 5]])
    now = torch.tensor([[5, 5], [7, 2], [14, 1], [2, 1], [5, 13]])
    seen = model.overlap({"location": now}, {"location": then})
    assert seen.shape == (5, 1, 7, 7)
    for lane in range(5):
        known = set(model.indices(then[lane : lane + 1], 0)[0].tolist())
        places = model.indices(now[lane : lane + 1], 0)[0].tolist()
        expected = torch.tensor([float(place in known) for place in places]).view(7, 7)
        assert torch.equal(seen[lane, 0], expected), lane
