"""GameGAN may draw what comes by a z of its own. Ours, not the paper's."""

from __future__ import annotations

import pytest
import torch

from gamesim.config.gamegan import GameGANModelConfig
from gamesim.models import State
from gamesim.models.gamegan.chance import Chance
from gamesim.models.gamegan.generator import Generator
from gamesim.models.gamegan.memory_module import read, write
from gamesim.models.gamegan.rendering_engine import DisentanglingRenderer

SIZES = {"hidden": 24, "z_size": 6, "channels": 4, "memory_slots": 9, "memory_width": 12}
CONFIG = GameGANModelConfig(**SIZES, recall=True, chance=True)


def engine(trust: float = 0.0) -> Generator:
    """An engine whose outlooks differ from h, and that draws them where it trusts them so much."""
    torch.manual_seed(0)
    model = Generator(CONFIG)
    assert model.chance is not None
    with torch.no_grad():
        model.chance.change[-1].weight.normal_()
        model.chance.where.score[-1].bias.fill_(torch.tensor(trust).logit() * 0.1)
    return model


def play(model: Generator, steps: int = 4, temperature: float = 1.0, seed: int = 0) -> State:
    frames = torch.randint(0, 256, (2, 1, 84, 84, 3), generator=torch.Generator().manual_seed(0))
    state = model.start(frames.to(torch.uint8), torch.zeros(2, 0, dtype=torch.int64))
    chance = torch.Generator().manual_seed(seed)
    for step in range(steps):
        keys = (torch.tensor([1, 2]) + step) % 5
        state, _ = model.imagine(state, keys, temperature=temperature, generator=chance)
    return state


def test_at_first_an_outlook_is_what_is_known_and_nothing_is_left_to_chance():
    torch.manual_seed(0)
    chance, h = Chance(CONFIG), torch.randn(8, 24)
    chance.initialise()
    assert torch.equal(chance(h, torch.randn(8, 6)), h)
    assert chance.where(h, torch.randn(8, 12)).max() < 0.01


def test_each_z_has_an_outlook_of_its_own_and_z_is_inferred_from_what_came():
    chance = Chance(CONFIG)
    h = torch.randn(1, 24).expand(2, -1)
    one, other = chance(h, torch.randn(2, 6))
    assert not torch.allclose(one, other, atol=1e-4)
    mean, log_variance = chance.infer(h, torch.stack([one, other]))
    assert mean.shape == log_variance.shape == (2, 6) and not torch.equal(mean[0], mean[1])


def test_an_outlook_is_drawn_as_if_it_had_been_written():
    """Eq. 8 and 9 for what the outlook says; the memory itself goes on from h."""
    model = engine(trust=0.75)
    assert model.memory is not None and model.chance is not None
    before = play(model, steps=3)
    action, z = torch.tensor([3, 4]), torch.randn(2, 12)
    state = model.advance(before, action, z)
    outlook = model.chance(state["h"], z[:, 6:])
    assert torch.allclose(state["outlook"], outlook)
    for h, found in ((state["h"], state["read"]), (outlook, model.memory.rewritten(state, outlook))):
        written = write(before["memory"], state["attention"], *model.memory.writes(h))
        assert torch.allclose(read(written, state["attention"]), found, atol=1e-4)
    assert torch.allclose(
        state["memory"], write(before["memory"], state["attention"], *model.memory.writes(state["h"]))
    )


def test_the_papers_z_is_the_first_half_and_the_second_changes_the_outlook_alone():
    model = engine()
    state, z = play(model), torch.randn(2, 12)
    twin = z.clone()
    twin[:, 6:] = 0
    one, other = (model.advance(state, torch.tensor([1, 2]), each) for each in (z, twin))
    assert torch.equal(one["h"], other["h"]) and not torch.equal(one["outlook"], other["outlook"])


def test_each_place_is_drawn_from_what_is_known_or_from_what_may_come():
    renderer = DisentanglingRenderer([12, 24], 84, 4)
    read_, h, held, rewritten, outlook = (torch.randn(1, size) for size in (12, 24, 12, 12, 24))
    recalled, trusted = torch.zeros(1, 1, 7, 7), torch.zeros(1, 1, 7, 7)
    recalled[..., :3, :], trusted[..., 2:4, :] = 1, 1
    drawn = renderer(read_, h, recalled=(held, recalled), may_come=((rewritten, outlook), trusted)).frame
    rows = {"recalled": slice(0, 24), "may come": slice(36, 48), "known": slice(48, 84)}
    wanted = {
        "recalled": renderer(held, h),
        "may come": renderer(rewritten, outlook),
        "known": renderer(read_, h),
    }
    for name, row in rows.items():
        assert torch.allclose(drawn[:, :, row], wanted[name].frame[:, :, row], atol=1e-5), name


def test_where_chance_decides_dreams_differ_with_z_and_a_frozen_dream_does_not():
    model = engine(trust=0.75)
    one, other = (play(model, steps=1, seed=seed)["frame"] for seed in (1, 2))
    assert not torch.allclose(one, other, atol=1e-3)
    one, other = (play(model, steps=1, temperature=0.0, seed=seed)["frame"] for seed in (1, 2))
    assert torch.equal(one, other)


def test_where_a_frame_is_seen_nothing_is_left_to_chance():
    model = engine(trust=0.75)
    state = play(model)
    seen = model.observe(state, torch.tensor([1, 2]), torch.zeros(2, 84, 84, 3, dtype=torch.uint8))
    assert torch.equal(seen["outlook"], seen["h"])
    mixed = model.advance(state, torch.tensor([1, 2]), torch.randn(2, 12), torch.tensor([True, False]))
    same = (mixed["outlook"] == mixed["h"]).all(1)
    assert same.tolist() == [True, False]


def test_the_x_ray_shows_where_chance_decides():
    model = engine(trust=0.75)
    shown = model.internals(play(model))["chance"]
    assert shown.shape == (2, 7, 7) and torch.allclose(shown, torch.tensor(0.75))


def test_looking_back_finds_what_was_known_and_what_was_then_seen():
    """By hand: h after a step, and h after one more in which no key was pressed."""
    model = engine()
    frames = torch.rand(2, 4, 3, 84, 84, generator=torch.Generator().manual_seed(1))
    actions, z = torch.tensor([[1, 2, 3], [4, 0, 1]]), torch.randn(2, 3, 12)
    known = model.look_back(frames, actions, z, still=0)
    state, h, later = model.initial(frames[:, 0]), [], []
    with torch.no_grad():
        for step in range(3):
            state = model.show(model.advance(state, actions[:, step], z[:, step]), frames[:, step + 1])
            h.append(state["h"])
            later.append(model.advance(state, torch.zeros(2, dtype=torch.int64), torch.zeros(2, 12))["h"])
    assert torch.allclose(known.state["h"].view(2, 3, -1), torch.stack(h, 1), atol=1e-5)
    assert torch.allclose(known.later.view(2, 3, -1), torch.stack(later, 1), atol=1e-5)


@pytest.mark.parametrize("key", ["recall", "chance"])
def test_without_a_memory_there_is_neither_recall_nor_chance(key):
    with pytest.raises(ValueError, match="memory is false"):
        GameGANModelConfig.model_validate({"memory": False, key: True})
