"""The same walk through the same board in two looks of one game, for two dreams that begin alike."""

import gymnasium as gym
import numpy as np

STEPS, TRIES = 24, 20


def same_walk(first: str, second: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Real frames of two games that differ in their looks alone.

    Args:
        first, second: ids of the real games.
        seed: of boards and steps.

    Returns:
        Frames uint8 (STEPS + 1, H, W, 3) of both, and the actions int64 (STEPS,) between them; None if they
        are the same game already, or not the same board under the same seed.
    """
    if first == second or first not in gym.registry or second not in gym.registry:
        return None
    envs = [gym.make(name, disable_env_checker=True) for name in (first, second)]
    chance = np.random.default_rng(seed)
    try:
        for attempt in range(seed, seed + TRIES):
            told = [env.reset(seed=attempt) for env in envs]
            cells = [info.get("cells") for _, info in told]
            if not np.array_equal(np.asarray(cells[0]), np.asarray(cells[1])):
                return None
            frames, actions = [[frame for frame, _ in told]], []
            while len(actions) < STEPS:
                actions.append(int(chance.integers(1, 5)))
                steps = [env.step(actions[-1]) for env in envs]
                frames.append([step[0] for step in steps])
                if steps[0][2] or steps[0][3]:
                    break
            else:
                mine, theirs = (np.stack(part) for part in zip(*frames, strict=True))
                return mine, theirs, np.array(actions, np.int64)
    finally:
        for env in envs:
            env.close()
    return None
