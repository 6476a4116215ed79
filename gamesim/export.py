"""Pictures of play: a GIF of a dream or of a real game, played by a policy."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import gymnasium as gym
import imageio.v3 as imageio
import numpy as np

from gamesim import storage
from gamesim.errors import UserError
from gamesim.rollout import RandomPolicy

FRAMES_PER_SECOND = 8
MAX_PIXELS = 500_000_000  # of all frames together; a GIF beyond that helps nobody
_HOLD = 3  # steps that a choice is kept for: play that changes its mind every step shows little


def gif(start: str, out: Path, *, steps: int, seed: int, temperature: float = 1.0, scale: int = 3) -> None:
    """Play a dream or a real game and write what was seen as a GIF.

    Args:
        start: A checkpoint's folder or an environment id.
        out: The file; its name ends in .gif.
        steps: Steps of play; a finished episode is followed by the next.
        seed: Of the game and of the choices.
        temperature: Of a dream.
        scale: Screen pixels for each pixel of a frame (nearest neighbour).

    Raises:
        UserError: No such engine or game, or the file cannot be written.
    """
    if out.suffix.lower() != ".gif":
        raise UserError(f"{out}: only .gif is supported")
    if not out.resolve().parent.is_dir():
        raise UserError(f"{out}: no such folder")
    env = _make(start, temperature)
    try:
        frame, _ = env.reset(seed=seed)
        height, width = frame.shape[:2]
        if steps * height * width * scale**2 > MAX_PIXELS:
            raise UserError(f"--steps {steps} at --scale {scale} is too large a GIF")
        policy = RandomPolicy(seed, int(env.action_space.n))
        frames, action = [frame], 0
        for step in range(steps):
            if step % _HOLD == 0:
                action = int(policy.act(frame[None], {})[0])
            frame, _, terminated, truncated, _ = env.step(action)
            frames.append(frame)
            if terminated or truncated:
                frame, _ = env.reset()
                frames.append(frame)
    finally:
        env.close()
    data = io.BytesIO()
    pictures = np.stack(frames).repeat(scale, axis=1).repeat(scale, axis=2)
    imageio.imwrite(data, pictures, extension=".gif", duration=1000 / FRAMES_PER_SECOND, loop=0)
    storage.write_file(out, data.getvalue())


def _make(start: str, temperature: float) -> Any:
    """Return the environment of an id or of a checkpoint's folder."""
    if start in gym.registry and start != "gamesim/Dream-v0":
        return gym.make(start)
    if not Path(start).is_dir():
        raise UserError(f"{start}: neither an environment id nor the folder of a checkpoint")
    return gym.make("gamesim/Dream-v0", checkpoint=start, temperature=temperature)
