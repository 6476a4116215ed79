"""Small made-up episodes whose every number says where it belongs."""

from typing import Any

import numpy as np

from gamesim.data.episode import Episode

SPEC = '{"id": "gamesim/Pacman-v0", "kwargs": {}}'


def make_episode(steps: int, tag: int = 0, size: int = 8, **changes: Any) -> Episode:
    """Frame t shows ``tag`` in its first pixel and t in its second; action t is t % 5; reward t is t / 4."""
    frames = np.zeros((steps + 1, size, size, 3), np.uint8)
    frames[:, 0, 0] = tag % 256
    frames[:, 0, 1] = (np.arange(steps + 1) % 256)[:, None]
    values: dict[str, Any] = {
        "frames": frames,
        "actions": (np.arange(steps) % 5).astype(np.uint8),
        "rewards": (np.arange(steps) / 4).astype(np.float32),
        "terminated": False,
        "truncated": True,
        "players": np.full(steps, 2, np.uint8),
        "seed": tag,
        "env_spec": SPEC,
    }
    return Episode(**(values | changes))
