"""What the x-ray view is told of GameGAN and of Tilemap, and the swap of their memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from gamesim.config.gamegan import GameGANModelConfig
from gamesim.config.tilemap import TilemapModelConfig
from gamesim.models.frames import to_uint8
from gamesim.models.gamegan.generator import Generator
from gamesim.models.tilemap.model import Tilemap

SLOTS = 11
TINY: dict[str, Any] = {"channels": 8, "hidden": 8, "memory_slots": SLOTS, "memory_width": 6}
KINDS: dict[str, Any] = {
    "tilemap": lambda **changes: Tilemap(TilemapModelConfig(**TINY | {"tiles": 16} | changes)),
    "gamegan": lambda **changes: Generator(GameGANModelConfig(**TINY | {"z_size": 6} | changes)),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def lived(kind: str, batch: int = 2, steps: int = 4, seed: int = 0, **changes: Any) -> tuple[Any, dict]:
    """An engine, and a state after real and dreamt frames."""
    torch.manual_seed(0)
    model = KINDS[kind](**changes).eval().requires_grad_(False)
    if kind == "tilemap":
        model.engine.prepare(to_uint8(torch.rand(2, 3, 84, 84)))
        for name, weight in model.engine.named_parameters():
            if name.startswith(("renderer.static", "renderer.dynamic", "renderer.kinds")):
                weight.mul_(10)  # else the new engine's likeliest tile would be one and the same everywhere
    chance = torch.Generator().manual_seed(seed)
    frames = torch.randint(0, 256, (batch, 3, 84, 84, 3), generator=chance).to(torch.uint8)
    state = model.start(frames, torch.randint(0, 5, (batch, 2), generator=chance))
    for step in range(steps):
        keys = (torch.arange(batch) + step) % 5
        state, _ = model.imagine(state, keys, temperature=1.0, generator=chance)
    return model, state


@each_kind
def test_maps_and_pictures_have_a_form_that_anybody_can_draw(kind):
    model, state = lived(kind)
    shown = model.internals(state)
    assert {"static", "dynamic", "mask", "attention", "memory", "writes", "z", "hidden"} <= set(shown)
    for name, value in shown.items():
        picture = value.dtype == torch.uint8
        assert len(value) == 2 and not value.isnan().any(), name
        assert value.shape[-1] == 3 and value.ndim == 4 if picture else value.dtype == torch.float32, name
    for name in ("attention", "memory", "writes"):
        assert shown[name].shape == (2, SLOTS, SLOTS) and (shown[name] >= 0).all()
    assert torch.allclose(shown["attention"].sum((1, 2)), torch.ones(2))
    assert (shown["mask"] >= 0).all() and (shown["mask"] <= 1).all()


@each_kind
def test_looking_changes_nothing(kind):
    model, state = lived(kind)
    before = {name: value.clone() for name, value in state.items()}
    model.internals(state)
    assert all(torch.equal(state[name], before[name]) for name in before)


@each_kind
def test_layers_and_mask_make_up_the_frame(kind):
    """By pixels in GameGAN; Tilemap shows the likeliest tile: there a mask is 0 or 1."""
    model, state = lived(kind)
    if kind == "tilemap":
        model.engine.renderer.mask.weight.mul_(1e4)
        state, _ = model.imagine(
            state, torch.tensor([1, 2]), temperature=1.0, generator=torch.Generator().manual_seed(1)
        )
    shown = model.internals(state)
    mask = shown["mask"]
    side = 84 // mask.shape[1]
    share = mask.repeat_interleave(side, 1).repeat_interleave(side, 2)[..., None]
    composed = share * shown["dynamic"] + (1 - share) * shown["static"]
    sure = (share < 0.01) | (share > 0.99) if kind == "tilemap" else share >= 0
    gap = (composed - to_uint8(state["frame"])).abs().amax(-1, keepdim=True)
    assert sure.float().mean() > 0.9 and gap[sure].max() <= 3


def test_tilemaps_penalty_is_the_area_that_the_dynamic_layer_draws():
    model, state = lived("tilemap")
    new, output = model.engine.advance(state, torch.tensor([1, 4]), torch.zeros(2, *model.engine.noise_shape))
    mask = model.internals(new)["mask"]
    area = mask.sum((1, 2)) * (84 / mask.shape[1]) ** 2
    assert torch.allclose(output.covered, area, rtol=1e-4)
    assert (area > 0).all() and (area <= 84 * 84).all()


def test_tilemap_remembers_what_was_in_view_and_nothing_else():
    model, state = lived("tilemap", batch=1, steps=0)
    start = model.start(torch.zeros(1, 1, 84, 84, 3, dtype=torch.uint8), torch.zeros(1, 0, dtype=torch.int64))
    assert not model.internals(start)["memory"].any()
    shown = model.internals(state)
    assert (shown["attention"] > 0).sum() == 49
    assert 0 < (shown["memory"] > 0).sum() < SLOTS**2
    assert not shown["writes"][shown["attention"] == 0].any()
    assert shown["board"].shape == (1, SLOTS * 12, SLOTS * 12, 3)


def test_the_board_is_the_static_layer_of_every_slot():
    model, state = lived("tilemap", batch=1)
    shown = model.internals(state)
    x, y = state["location"][0].tolist()
    board = shown["board"].view(SLOTS, 12, SLOTS, 12, 3)
    rows, columns = (torch.arange(-3, 4) + y) % SLOTS, (torch.arange(-3, 4) + x) % SLOTS
    view = board[rows][:, :, columns].reshape(84, 84, 3)
    assert (view.int() - shown["static"][0].int()).abs().max() <= 1


def test_gamegan_writes_where_it_attends():
    model, state = lived("gamegan")
    shown = model.internals(state)
    most = [shown[name].flatten(1).argmax(1).tolist() for name in ("attention", "writes")]
    assert most[0] == most[1]
    assert shown["memory"].amax() > 0
    assert (shown["static objects"] >= 0).all() and (shown["static objects"] <= 1).all()


@each_kind
def test_another_memory_under_the_same_agent(kind):
    model, state = lived(kind, seed=1)
    other = lived(kind, seed=2)[1]
    if kind == "tilemap":
        model.engine.get_parameter("renderer.mask.bias").fill_(1000)  # the static layer draws all
    swapped, frames = model.with_memory(state, other)
    kept = {"h", "c", "z"}
    assert all(torch.equal(swapped[name], state[name]) for name in kept)
    assert torch.equal(swapped["memory"], other["memory"])
    theirs = model.internals(other)
    shown = model.internals(swapped)
    assert torch.equal(shown["static"], theirs["static"])
    assert torch.equal(shown["dynamic"], model.internals(state)["dynamic"])
    assert torch.equal(shown["attention"], theirs["attention"])
    assert torch.equal(frames, to_uint8(swapped["frame"]))
    assert not torch.equal(frames, to_uint8(state["frame"]))


@each_kind
def test_taking_the_own_memory_back_undoes_the_swap(kind):
    model, state = lived(kind, seed=1)
    other = lived(kind, seed=2)[1]
    back, frames = model.with_memory(model.with_memory(state, other)[0], state)
    assert all(torch.allclose(back[name], state[name], atol=1e-6) for name in state)
    assert (frames.int() - to_uint8(state["frame"]).int()).abs().max() <= 1


@each_kind
def test_an_engine_without_a_memory_shows_what_it_has(kind):
    model, state = lived(kind, memory=False)
    shown = model.internals(state)
    assert {"z", "hidden"} <= set(shown) and not {"attention", "memory", "static", "mask"} & set(shown)
    swapped, _ = model.with_memory(state, state)
    assert torch.equal(swapped["frame"], state["frame"])
