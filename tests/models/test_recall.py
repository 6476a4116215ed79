"""GameGAN may draw what a memory slot held before a step wrote there. Ours, not the paper's."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from gamesim import checkpoint
from gamesim.config.gamegan import GameGANModelConfig
from gamesim.envs.sprites import decode
from gamesim.evaluation.pacman.board import ground
from gamesim.evaluation.pacman.cells import Dream, Dreamer, real_episodes
from gamesim.evaluation.pacman.coming_home import walk
from gamesim.models.gamegan.generator import Generator
from gamesim.models.gamegan.recall import Recall
from gamesim.models.gamegan.rendering_engine import DisentanglingRenderer

SIZES = {"hidden": 24, "z_size": 6, "channels": 4, "memory_slots": 9, "memory_width": 12}
CONFIG = GameGANModelConfig(**SIZES, recall=True)


def recalling(trust: float) -> Generator:
    """An engine that trusts each place of its slots so much."""
    torch.manual_seed(0)
    model = Generator(CONFIG)
    assert model.recall is not None
    with torch.no_grad():
        model.recall.score[-1].bias.fill_(torch.tensor(trust).logit() * 0.1)
    return model


def dream(model: Generator, steps: int = 4) -> dict[str, torch.Tensor]:
    chance = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 256, (2, 1, 84, 84, 3), generator=chance).to(torch.uint8)
    state = model.start(frames, torch.zeros(2, 0, dtype=torch.int64))
    for step in range(steps):
        state, _ = model.imagine(state, (torch.tensor([1, 2]) + step) % 5, temperature=1.0, generator=chance)
    return state


def test_what_is_recalled_is_the_static_layer_of_what_the_slot_held():
    model = recalling(trust=0.75)
    state = dream(model)
    drawn, anew = model.render(state), model.renderer(state["read"], state["h"])
    held = model.renderer(state["held"], state["h"])
    near = {"atol": 1e-5}
    assert torch.allclose(drawn.frame, held.frame, **near) and torch.equal(drawn.frame, state["frame"])
    assert torch.allclose(drawn.masks, held.masks, **near), (
        "what covers it, too: else it would be half covered"
    )
    assert drawn.other is not None and torch.allclose(drawn.other, anew.frame, **near)
    assert torch.allclose(recalling(trust=0.25).render(state).frame, anew.frame, **near)


def test_each_place_is_chosen_by_itself():
    renderer = DisentanglingRenderer([12, 24], 84, 4)
    read, h, held = torch.randn(1, 12), torch.randn(1, 24), torch.randn(1, 12)
    trust = torch.zeros(1, 1, 7, 7)
    trust[..., 2, 5] = 1
    place = torch.zeros(84, 84, dtype=torch.bool)
    place[24:36, 60:72] = True
    anew, recalled, drawn = renderer(read, h), renderer(held, h), renderer(read, h, recalled=(held, trust))
    assert torch.allclose(drawn.frame, torch.where(place, recalled.frame, anew.frame), atol=1e-5)


def test_at_first_nothing_is_recalled_and_the_choice_is_learned():
    torch.manual_seed(0)
    recall, h, held = Recall(CONFIG), torch.randn(8, 24), torch.randn(8, 12)
    recall.initialise()
    assert recall(h, held).shape == (8, 1, 7, 7) and recall(h, held).max() < 0.01
    wanted = (held[:, :1] > 0).float()[..., None, None].expand(8, 1, 7, 7)
    optimizer = torch.optim.Adam(recall.parameters(), lr=1e-2)
    for _ in range(60):
        loss = F.mse_loss(recall(h, held), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.01


def test_what_a_slot_holds_counts_as_much_as_h_however_large_it_is():
    recall, h, held = Recall(CONFIG), torch.randn(1, 24), torch.randn(1, 12)
    assert torch.allclose(recall(h, held), recall(h, 100 * held), atol=1e-3)


def test_the_x_ray_shows_what_is_recalled():
    model = recalling(trust=0.75)
    shown = model.internals(dream(model))["recalled"]
    assert shown.shape == (2, 7, 7) and torch.allclose(shown, torch.tensor(0.75))


@pytest.mark.slow
def test_with_recall_the_shipped_gamegan_finds_home_as_it_was_and_without_it_does_not():
    """16 boards that were never in the data, 10 dreamt steps out and 10 back."""
    game = "gamesim/Pacman-v0"
    boards = real_episodes(game, 16, warm_up=8, steps=1).lanes(slice(16))
    as_it_was = {}
    for name in ("gamegan-pacman", "gamegan-recall"):
        model = checkpoint.load_model(name)[0].float()
        home, _, back = walk(Dream(Dreamer(model), boards), boards, 10, 0)
        as_it_was[name] = (ground(decode(home)[0]) == ground(decode(back)[0])).mean()
    assert as_it_was["gamegan-recall"] > 0.9 > 0.85 > as_it_was["gamegan-pacman"]
