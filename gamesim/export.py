"""Films of play, GIF or MP4: of a dream, of a real game, and of both side by side under the same keys."""

from __future__ import annotations

import importlib.util
import io
import tempfile
from pathlib import Path
from typing import Any

import gymnasium as gym
import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray

from gamesim import storage
from gamesim.errors import UserError
from gamesim.rollout import ExplorerPolicy, Policy, RandomPolicy
from gamesim.shipped import locate

KINDS = (".gif", ".mp4")
NO_MP4 = "MP4 needs the extra: pip install 'gamesim[video]' (no module named imageio_ffmpeg)"
FRAMES_PER_SECOND = 8
MAX_PIXELS = 500_000_000  # of all frames together; a film beyond that helps nobody
CARRIED = 8  # real frames from which a dream goes on
GAP = 6
PAPER = 24  # grey level between two pictures


def film(start: str, out: Path, *, steps: int, seed: int, temperature: float = 1.0, scale: int = 3) -> None:
    """Play a dream or a real game and write what was seen.

    Args:
        start: A checkpoint's folder or an environment id.
        out: The file; its name ends in one of KINDS.
        steps: Steps of play; a finished episode is followed by the next.
        seed: Of the game and of the choices.
        temperature: Of a dream.
        scale: Screen pixels for each pixel of a frame (nearest neighbour).

    Raises:
        UserError: No such engine or game, or the file cannot be written.
    """
    _check_place(out)
    env = _make(start, temperature)
    try:
        _check_size(env, steps, scale)
        policy = _player(env, seed)
        frame, _ = env.reset(seed=seed)
        policy.reset(np.ones(1, bool))
        frames = [frame]
        for _ in range(steps):
            frame, _, terminated, truncated, _ = env.step(int(policy.act(frame[None], {})[0]))
            frames.append(frame)
            if terminated or truncated:
                frame, _ = env.reset()
                policy.reset(np.ones(1, bool))
                frames.append(frame)
    finally:
        env.close()
    write_film(np.stack(frames), out, scale=scale)


def film_beside(
    checkpoint: str | Path,
    env_id: str,
    out: Path,
    *,
    steps: int = 60,
    seed: int = 0,
    temperature: float = 1.0,
    scale: int = 3,
) -> None:
    """Write the real game (left) and the dream (right) under the same keys.

    Raises:
        UserError: No such engine or game, they do not fit each other, or the file cannot be written.
    """
    _check_place(out)
    real, dreamt, _ = beside(checkpoint, env_id, steps=steps, seed=seed, temperature=temperature)
    gap = np.full((*real.shape[:2], GAP, 3), PAPER, np.uint8)
    write_film(np.concatenate([real, gap, dreamt], axis=2), out, scale=scale)


def beside(
    checkpoint: Any, env_id: str, *, steps: int, seed: int = 0, temperature: float = 1.0
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """Play the real game, and dream on from its first frames under the same keys.

    The explorer plays and sees the real game. When the real game ends, both begin anew; an end that only
    the dream predicts is ignored, so that the two stay side by side.

    Args:
        checkpoint: A checkpoint's folder, or an engine and beginnings for it.
        env_id: The real game; it is played without a step limit where it has one to lift.
        steps: Steps that are shown.
        seed: Of the game, of the choices and of the dream.
        temperature: Of the dream.

    Returns:
        Real frames and dreamt frames, uint8 (steps, H, W, 3) each, and the keys int64 (steps,) that led to
        them. The frames that the dream begins with are not among them.

    Raises:
        UserError: No such engine or game, or they do not fit each other.
    """
    from gamesim.dream import DreamEnv

    dream, game = DreamEnv(checkpoint, temperature=temperature), _endless(env_id)
    if game.observation_space.shape != dream.observation_space.shape:
        raise UserError(f"{env_id}: the frames of {checkpoint} are not of its size")
    policy = _player(game, seed)
    policy.reset(np.ones(1, bool))
    trail, keys = [game.reset(seed=seed)[0]], []
    shown: list[tuple[np.ndarray, np.ndarray, int]] = []
    while len(shown) < steps:
        key = int(policy.act(trail[-1][None], {})[0])
        if len(trail) == CARRIED:
            dream.reset(
                seed=seed + len(shown), options={"frames": np.stack(trail), "actions": np.array(keys)}
            )
        frame, _, terminated, truncated, _ = game.step(key)
        trail.append(frame)
        keys.append(key)
        if len(trail) > CARRIED:
            dream.batch.ended[:] = False
            shown.append((frame, dream.step(key)[0], key))
        if terminated or truncated:
            trail, keys = [game.reset()[0]], []
            policy.reset(np.ones(1, bool))
    game.close()
    real, dreamt, pressed = zip(*shown, strict=True)
    return np.stack(real), np.stack(dreamt), np.array(pressed, np.int64)


def write_film(
    frames: NDArray[np.uint8], out: Path, *, scale: int = 1, rate: float = FRAMES_PER_SECOND
) -> None:
    """Write uint8 (T, H, W, 3), enlarged by a whole number, `rate` frames a second; a GIF goes on for ever.

    Raises:
        UserError: The file cannot be written; what was there before still is.
    """
    _check_kind(out)
    if frames[0].size // 3 * len(frames) * scale**2 > MAX_PIXELS:
        raise UserError(f"{len(frames)} frames at --scale {scale} are too large a film")
    pictures = frames.repeat(scale, axis=1).repeat(scale, axis=2)
    encode = _gif if out.suffix.lower() == ".gif" else _mp4
    storage.write_file(out, encode(pictures, rate))


def _gif(pictures: NDArray[np.uint8], rate: float) -> bytes:
    data = io.BytesIO()
    imageio.imwrite(data, pictures, extension=".gif", duration=1000 / rate, loop=0)
    return data.getvalue()


def _mp4(pictures: NDArray[np.uint8], rate: float) -> bytes:
    """H.264 as every player has it: sides are even, so that one row or column of pixels may be doubled."""
    even = np.pad(pictures, ((0, 0), *((0, side % 2) for side in pictures.shape[1:3]), (0, 0)), mode="edge")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        settings = {"fps": rate, "codec": "libx264", "macro_block_size": 2, "pixelformat": "yuv420p"}
        imageio.imwrite(path, even, plugin="FFMPEG", **settings)
        return path.read_bytes()


def _check_kind(out: Path) -> None:
    if out.suffix.lower() not in KINDS:
        raise UserError(f"{out}: only {', '.join(KINDS)} are supported")
    if out.suffix.lower() == ".mp4" and not can_mp4():
        raise UserError(NO_MP4)


def can_mp4() -> bool:
    """Whether the extra that MP4 needs is installed."""
    return importlib.util.find_spec("imageio_ffmpeg") is not None


def _check_place(out: Path) -> None:
    _check_kind(out)
    if not out.resolve().parent.is_dir():
        raise UserError(f"{out}: no such folder")


def _check_size(env: Any, steps: int, scale: int) -> None:
    height, width = env.observation_space.shape[:2]
    if steps * height * width * scale**2 > MAX_PIXELS:
        raise UserError(f"--steps {steps} at --scale {scale} is too large a film")


def _player(env: Any, seed: int) -> Policy:
    """Who plays for the picture: the explorer, where the game has its five keys."""
    keys = int(env.action_space.n)
    if keys != 5:
        return RandomPolicy(seed, keys)
    name, theme = ("", "night") if env.spec is None else (env.spec.id, env.spec.kwargs.get("theme", "night"))
    return ExplorerPolicy(seed, 21 if "Arcade" in name else 7, theme=theme)


def _make(start: str, temperature: float) -> Any:
    """Return the environment of an id or of a checkpoint's folder."""
    if start in gym.registry and start != "gamesim/Dream-v0":
        return gym.make(start)
    if not locate(start).is_dir():
        raise UserError(f"{start}: neither an environment id nor the folder of a checkpoint")
    return gym.make("gamesim/Dream-v0", checkpoint=start, temperature=temperature)


def _endless(env_id: str) -> Any:
    """Return a real game without its step limit, if it has one."""
    try:
        spec = gym.spec(env_id)
        return gym.make(env_id, **({"max_steps": None} if "max_steps" in spec.kwargs else {}))
    except (gym.error.Error, TypeError) as error:
        raise UserError(f"{env_id}: {' '.join(str(error).split())}") from error
