"""GameGAN's memory module does what Eq. 5-9 of Kim et al. 2020 say (arXiv 2005.12126, Sec. 3.2)."""

from __future__ import annotations

import pytest
import torch

from gamesim.config.gamegan import GameGANModelConfig
from gamesim.models.gamegan.memory_module import MemoryModule, ShiftKernel, read, shift, write

STAY, LEFT, RIGHT, UP, DOWN = range(5)
OPPOSITES = ((LEFT, RIGHT), (UP, DOWN))
CONFIG = GameGANModelConfig(num_actions=5, hidden=6, memory_slots=21, memory_width=4, opposites=OPPOSITES)


def spot(side: int, x: int, y: int) -> torch.Tensor:
    attention = torch.zeros(1, side, side)
    attention[0, y, x] = 1
    return attention


@pytest.fixture
def memory() -> MemoryModule:
    torch.manual_seed(0)
    return MemoryModule(CONFIG)


def test_attention_starts_at_the_centre_of_21x21_slots_of_noise(memory):
    slots, attention = memory.initial(3)
    assert slots.shape == (3, 21, 21, 4)
    assert attention.shape == (3, 21, 21)
    assert attention[:, 10, 10].tolist() == [1, 1, 1]
    assert attention.sum() == 3
    assert abs(slots.mean()) < 0.1 and abs(slots.std() - 1) < 0.1


def test_what_an_empty_memory_holds_is_a_part_of_the_checkpoint(memory):
    """Else a torch that draws other numbers from the same seed would dream otherwise."""
    other = MemoryModule(CONFIG)
    torch.nn.init.normal_(other.noise)
    assert not torch.equal(memory.initial(1)[0], other.initial(1)[0])
    other.load_state_dict(memory.state_dict())
    assert torch.equal(memory.initial(1)[0], other.initial(1)[0])


def test_training_begins_with_attention_that_stays_and_writing_that_replaces(memory):
    """Else a read is a blur of many slots' noise, and the memory is never used."""
    memory.initialise()
    slots, attention = memory.initial(1)
    h = torch.randn(1, 6)
    slots, attention, found, _ = memory(slots, attention, torch.tensor([RIGHT]), h, 0 * h)
    assert attention[0, 10, 10] > 0.5
    left = found - memory.content(h)[:, 4:]  # of the noise that was there
    assert left.norm() < memory.noise[10, 10].norm() / 2


def test_a_step_replaces_what_its_slot_held_before_it_is_read(memory):
    """Known places as well as new ones: it is handed on beside, for what may recall it (recall.py)."""
    memory.initialise()
    torch.nn.init.zeros_(memory.kernel.score[-1].weight)
    torch.nn.init.constant_(memory.kernel.score[-1].bias[4], 50)  # attention stays
    (slots, attention), h, key = memory.initial(1), torch.randn(1, 6), torch.tensor([RIGHT])
    (_, moved, one, held), (*_, other, known) = (
        memory(each, attention, key, h, h) for each in (slots, slots + 9)
    )
    assert torch.allclose(held, read(slots, moved)) and torch.allclose(known, held + 9, atol=1e-5)
    assert (other - one).abs().max() < 0.1 * 9


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1), (1, -1)])
def test_a_one_hot_kernel_moves_attention_by_exactly_one_slot(dx, dy):
    kernel = torch.zeros(1, 3, 3)
    kernel[0, 1 + dy, 1 + dx] = 1
    assert torch.equal(shift(spot(5, 2, 2), kernel), spot(5, 2 + dx, 2 + dy))


def test_attention_wraps_around_at_the_border_and_none_is_lost():
    kernel = torch.zeros(1, 3, 3)
    kernel[0, 1, 2] = 1
    assert torch.equal(shift(spot(5, 4, 1), kernel), spot(5, 0, 1))


def test_a_soft_kernel_spreads_attention_by_its_own_values():
    kernel = torch.rand(1, 3, 3)
    moved = shift(spot(5, 2, 2), kernel)
    assert torch.allclose(moved[:, 1:4, 1:4], kernel)
    assert torch.allclose(moved.sum(), kernel.sum())


def test_left_and_right_and_up_and_down_share_one_kernel_turned_by_half():
    torch.manual_seed(1)
    kernels = ShiftKernel(5, 8, OPPOSITES)(torch.arange(5))
    assert torch.allclose(kernels.sum((1, 2)), torch.ones(5))
    assert torch.equal(kernels[RIGHT], kernels[LEFT].flip((0, 1)))
    assert torch.equal(kernels[DOWN], kernels[UP].flip((0, 1)))
    for one, other in [(LEFT, UP), (LEFT, STAY), (UP, STAY)]:
        assert not torch.allclose(kernels[one], kernels[other])


@pytest.mark.parametrize("actions", [3, 5, 9])
def test_actions_that_are_not_known_as_opposites_share_nothing(actions):
    kernels = ShiftKernel(actions, 8, ())(torch.arange(actions))
    for one, other in [(1, 2), (0, 1)]:
        assert not torch.allclose(kernels[other], kernels[one].flip((0, 1)))


def test_erase_and_add_by_hand():
    memory = torch.tensor([[[[2.0, 4.0]], [[10.0, 20.0]]]]).view(1, 1, 2, 2)
    attention = torch.tensor([[[0.25, 0.75]]])
    new = write(memory, attention, erase=torch.tensor([[1.0, 0.5]]), add=torch.tensor([[8.0, -4.0]]))
    # slot 0: [2 (1 - .25) + 2, 4 (1 - .125) - 1]; slot 1: [10 (1 - .75) + 6, 20 (1 - .375) - 3]
    assert torch.allclose(new, torch.tensor([[[[3.5, 2.5], [8.5, 9.5]]]]))


def test_a_full_erase_under_sharp_attention_replaces_one_slot_and_no_other():
    memory = torch.randn(1, 3, 3, 2)
    added = torch.tensor([[5.0, 6.0]])
    new = write(memory, spot(3, 1, 2), torch.ones(1, 2), added)
    assert torch.equal(new[0, 2, 1], added[0])
    untouched = torch.ones(3, 3, dtype=torch.bool)
    untouched[2, 1] = False
    assert torch.equal(new[0][untouched], memory[0][untouched])


def test_reading_is_the_attention_weighted_sum():
    memory = torch.tensor([[[[1.0, 0.0], [3.0, 8.0]]]])
    assert torch.allclose(read(memory, torch.tensor([[[0.25, 0.75]]])), torch.tensor([[2.5, 6.0]]))


def test_several_places_are_read_at_once():
    memory, attention = torch.randn(2, 3, 3, 4), torch.rand(2, 5, 3, 3)
    found = read(memory, attention)
    assert found.shape == (2, 5, 4)
    for place in range(5):
        assert torch.allclose(found[:, place], read(memory, attention[:, place]), atol=1e-6)


def test_an_open_gate_moves_and_a_closed_gate_stays(memory):
    slots, attention = memory.initial(1)
    action, h = torch.tensor([RIGHT]), torch.randn(1, 6)
    for bias, expected in [(50.0, shift(attention, memory.kernel(action))), (-50.0, attention)]:
        torch.nn.init.zeros_(memory.gate[-1].weight)
        torch.nn.init.constant_(memory.gate[-1].bias, bias)
        moved = memory(slots, attention, action, h, h)[1]
        assert torch.allclose(moved, expected, atol=1e-6)


def test_a_step_moves_then_writes_what_h_says_then_reads_it_back(memory):
    slots, attention = memory.initial(2)
    action, h, before = torch.tensor([LEFT, UP]), torch.randn(2, 6), torch.randn(2, 6)
    new_slots, new_attention, seen, _ = memory(slots, attention, action, h, before)
    gate = memory.gate(torch.cat([h, h - before], 1)).sigmoid()[..., None]
    moved = gate * shift(attention, memory.kernel(action)) + (1 - gate) * attention
    erase, add = memory.content(h).chunk(2, 1)
    written = write(slots, moved, erase.sigmoid(), add)
    assert torch.allclose(new_attention, moved)
    assert torch.allclose(new_slots, written)
    assert torch.allclose(seen, read(written, moved), atol=1e-6)


def test_attention_sums_to_one_after_any_walk(memory):
    slots, attention = memory.initial(4)
    before = torch.zeros(4, 6)
    for step in range(30):
        h = torch.randn(4, 6)
        action = torch.randint(5, (4,), generator=torch.Generator().manual_seed(step))
        slots, attention, *_ = memory(slots, attention, action, h, before)
        before = h
    assert torch.allclose(attention.sum((1, 2)), torch.ones(4), atol=1e-5)
    assert (attention >= 0).all()


def test_there_and_back_again_attends_to_the_same_slot(memory):
    torch.nn.init.zeros_(memory.kernel.score[-1].weight)
    with torch.no_grad():
        memory.kernel.score[-1].bias[3] = 50  # kernel[1, 0]: one slot to the left
        memory.gate[-1].bias.fill_(50)
        memory.gate[-1].weight.zero_()
    slots, start = memory.initial(1)
    h, attention = torch.zeros(1, 6), start
    visited = []
    for action in [LEFT, LEFT, RIGHT, RIGHT]:
        slots, attention, *_ = memory(slots, attention, torch.tensor([action]), h, h)
        visited.append(attention)
    assert torch.allclose(visited[1], spot(21, 8, 10), atol=1e-5)
    assert torch.allclose(visited[3], start, atol=1e-5)
