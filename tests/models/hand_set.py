"""Tilemap engines whose weights are set by hand, so that what they must do is known."""

from __future__ import annotations

from typing import Any

import torch

from gamesim.config.tilemap import TilemapModelConfig
from gamesim.models.frames import to_uint8
from gamesim.models.tilemap.engine import TilemapEngine

TINY: dict[str, Any] = {"channels": 8, "hidden": 4, "tiles": 16, "blocks": 1}
TINY |= {"memory_width": 5, "memory_slots": 11}
STAY, LEFT, RIGHT, UP, DOWN = range(5)
MOVES = {STAY: (0, 0), LEFT: (-1, 0), RIGHT: (1, 0), UP: (0, -1), DOWN: (0, 1)}
SURE = 1000.0  # its sigmoid and softmax are 0 and 1 exactly


def engine(**changes: Any) -> TilemapEngine:
    torch.manual_seed(0)
    config = TilemapModelConfig(**TINY | changes)
    model = TilemapEngine(config)
    model.prepare(to_uint8(random(2, 3, config.frame_size, config.frame_size, seed=7)))
    return model


def obedient(model: TilemapEngine, gate: bool = True) -> TilemapEngine:
    """Hand-set: each key points one cell its way, and the gate is open, or closed."""
    with torch.no_grad():
        model.kernels.logits.zero_()
        for row, neighbour in enumerate((4, 3, 1)):  # stay; left, and so right; up, and so down
            model.kernels.logits[row, neighbour] = SURE
        model.gate[-1].weight.zero_()
        model.gate[-1].bias.fill_(SURE if gate else -SURE)
    return model


def writing(model: TilemapEngine, share: float) -> None:
    """Hand-set: every cell takes over its new content by this share, 0 or 1."""
    with torch.no_grad():
        model.write[-1].weight[: model.memory_width] = 0
        model.write[-1].bias[: model.memory_width] = SURE if share else -SURE


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def lived(model: TilemapEngine, batch: int = 2, steps: int = 3, seed: int = 0) -> dict[str, torch.Tensor]:
    """A state with something in every map."""
    state = model.initial(random(batch, 3, 84, 84, seed=seed))
    with torch.no_grad():
        for step in range(steps):
            z = random(batch, *model.noise_shape, seed=seed + step)
            state, _ = model.advance(state, (torch.arange(batch) + step) % 5, z)
    return state


def walk(model: TilemapEngine, state: dict, *keys: int) -> dict:
    z = torch.zeros(len(state["h"]), *model.noise_shape)
    with torch.no_grad():
        for key in keys:
            state, _ = model.advance(state, torch.full((len(z),), key), z)
    return state
