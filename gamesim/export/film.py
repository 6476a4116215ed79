"""Films of play: of a dream, of a real game, and of both side by side under the same keys."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from gamesim.agents.explorer import ExplorerPolicy
from gamesim.agents.policy import Policy, RandomPolicy
from gamesim.card import check_keys
from gamesim.envs.arguments import MOST_SEED, MOST_STEPS, whole_number
from gamesim.envs.recipe import OURS, Recipe, find, make
from gamesim.envs.spec import name_of
from gamesim.errors import UserError
from gamesim.export import video
from gamesim.shipped import locate

CARRIED = 8  # real frames from which a dream goes on
PATIENCE = 1000
"""Real steps without a dreamt one after which it is given up."""
GAP = 6
PAPER = 24  # grey level between two pictures

Moment = tuple[NDArray[np.uint8], NDArray[np.uint8], int]
"""A real frame, a dreamt one, and the key that led to both."""


def film(
    start: str | Path | Recipe,
    out: str | Path,
    *,
    steps: int,
    seed: int,
    temperature: float = 1.0,
    scale: int = 3,
    device: str = "cpu",
) -> None:
    """Play a dream or a real game and write what was seen.

    Args:
        start: A checkpoint's folder, an environment id, or how any game is made.
        out: The file; its name ends in one of `video.KINDS`.
        steps: Steps of play; a finished episode is followed by the next.
        seed: Of the game and of the choices.
        temperature: Of a dream.
        scale: Screen pixels for each pixel of a frame (nearest neighbour).
        device: Where a dream computes: auto, cpu, cuda, cuda:1 or mps.

    Raises:
        UserError: No such engine, game or device, or the file cannot be written.
    """
    out, steps, seed, scale = _asked(out, steps, seed, scale)
    video.check(out, steps, (1, 1), scale)  # what can be known before torch is loaded
    env = _make(start, temperature, device)
    try:
        video.check(out, steps, env.observation_space.shape[:2], scale)
        video.write(_played(env, steps, seed), out, scale=scale)
    finally:
        env.close()


def _asked(out: str | Path, steps: int, seed: int, scale: int) -> tuple[Path, int, int, int]:
    """What was asked for, as plain numbers."""
    steps = whole_number("steps", steps, 1, MOST_STEPS)
    scale = whole_number("scale", scale, 1, MOST_STEPS)
    return Path(out), steps, whole_number("seed", seed, 0, MOST_SEED), scale


def _played(env: Any, steps: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """The frames of so many steps, and the first one of every episode."""
    policy = _player(env, seed)
    frame, _ = env.reset(seed=seed)
    policy.reset(np.ones(1, bool))
    yield frame
    for _ in range(steps):
        frame, _, terminated, truncated, _ = env.step(int(policy.act(frame[None], {})[0]))
        yield frame
        if terminated or truncated:
            frame, _ = env.reset()
            policy.reset(np.ones(1, bool))
            yield frame


def film_beside(
    checkpoint: Any,
    env_id: str | Recipe,
    out: str | Path,
    *,
    steps: int = 60,
    seed: int = 0,
    temperature: float = 1.0,
    scale: int = 3,
    device: str = "cpu",
) -> None:
    """Write the real game (left) and the dream (right) under the same keys; arguments as for `film`.

    Raises:
        UserError: No such engine, game or device, they do not fit each other, or the file cannot be written.
    """
    out, steps, seed, scale = _asked(out, steps, seed, scale)
    video.check(out, steps, (1, 1), scale)
    game = endless(env_id)
    height, width = game.observation_space.shape[:2]
    video.check(out, steps, (height, 2 * width + GAP), scale)
    dream = dream_of(game, checkpoint, temperature, device)
    gap = np.full((height, GAP, 3), PAPER, np.uint8)
    moments = side_by_side(dream, game, steps, seed)
    pages = (np.concatenate([real, gap, dreamt], axis=1) for real, dreamt, _ in moments)
    video.write(pages, out, scale=scale)


def dream_of(game: Any, checkpoint: Any, temperature: float = 1.0, device: str = "cpu") -> Any:
    """A dream of a checkpoint's folder, or of an engine and beginnings for it, that fits a game.

    Raises:
        UserError: No such engine or device, or its frames or actions are not the game's.
    """
    from gamesim.dream import DreamEnv

    dream = DreamEnv(checkpoint, temperature=temperature, device=device)
    if game.observation_space.shape != dream.observation_space.shape:
        raise UserError(f"{game.spec.id}: its frames do not have the size of {checkpoint}'s")
    if game.action_space != dream.action_space:
        raise UserError(f"{game.spec.id}: its actions are not those of {checkpoint}")
    if isinstance(checkpoint, (str, Path)):
        check_keys(checkpoint, game)
    return dream


def side_by_side(dream: Any, game: Any, steps: int, seed: int) -> Iterator[Moment]:
    """Play the real game, and dream on from its first frames under the same keys; so many steps of both.

    The explorer plays and sees the real game. When the real game ends, both begin anew; an end that only
    the dream predicts is ignored, so that the two stay side by side. The frames that the dream begins with
    are not among the moments.

    Raises:
        UserError: Game after game ends before a dream could begin.
    """
    policy = _player(game, seed)
    policy.reset(np.ones(1, bool))
    trail, keys, shown, waited = [game.reset(seed=seed)[0]], [], 0, 0
    while shown < steps:
        waited += 1
        if waited > PATIENCE:
            raise UserError(
                f"{name_of(game)}: its games end within {CARRIED} steps, before a dream could go on from them"
            )
        key = int(policy.act(trail[-1][None], {})[0])
        if len(keys) == CARRIED - 1:
            dream.reset(seed=seed + shown, options={"frames": np.stack(trail), "actions": np.array(keys)})
        frame, _, terminated, truncated, _ = game.step(key)
        trail = [*trail[1 - CARRIED :], frame]
        keys.append(key)
        if len(keys) >= CARRIED:
            dream.go_on()
            shown, waited = shown + 1, 0
            yield frame, dream.step(key)[0], key
        if terminated or truncated:
            trail, keys = [game.reset()[0]], []
            policy.reset(np.ones(1, bool))
    game.close()


def _player(env: Any, seed: int) -> Policy:
    """Who plays for the picture: the explorer, where the game has its five keys."""
    name, theme = ("", "night") if env.spec is None else (env.spec.id, env.spec.kwargs.get("theme", "night"))
    dream, keys = name.startswith("gamesim/Dream"), int(env.action_space.n)
    if not name.startswith("gamesim/") or keys != 5 or (dream and env.observation_space.shape[0] != 84):
        return RandomPolicy(seed, keys, (1, 10))
    return ExplorerPolicy(seed, 21 if "Arcade" in name else 7, theme=theme)


def _make(start: str | Path | Recipe, temperature: float, device: str) -> Any:
    """Return the environment of a game or of a checkpoint's folder."""
    if not isinstance(start, Recipe) and locate(start).is_dir():
        return gym.make("gamesim/Dream-v0", checkpoint=start, temperature=temperature, device=device)
    return make(start if isinstance(start, Recipe) else Recipe(str(start)))


def endless(game: str | Recipe) -> Any:
    """Return a real game without its step limit, if it has one to lift."""
    recipe = game if isinstance(game, Recipe) else Recipe(game)
    if not recipe.env_id.startswith(OURS):
        return make(recipe)
    limit = {"max_steps": None} if "max_steps" in find(recipe.env_id).kwargs else {}
    return make(replace(recipe, kwargs={**limit, **recipe.kwargs}))
