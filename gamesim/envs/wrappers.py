"""Any Gymnasium environment as uint8 (H, W, 3) frames and Discrete actions, the contract of this project.

Frames come from the observation where it is (or holds) an image, else from ``render_mode="rgb_array"``.
Actions that are not Discrete become a list of choices: every combination of a MultiDiscrete or
MultiBinary space; rest, and each end of each axis, of a Box.
"""

from functools import lru_cache
from itertools import product
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs

from gamesim.errors import UserError

MOST_ACTIONS = 64
"""More combinations than this are refused: no keyboard has them and no model would learn them."""


def make(env_id: str, size: int | None = 84, frame_skip: int = 1, **kwargs: Any) -> gym.Env:
    """Make any registered environment and adapt it; one that fits already is returned as it is.

    Args:
        env_id: A Gymnasium id, with an optional module to import first (``"ale_py:ALE/Pong-v5"``).
        size: Height and width of the frames in pixels; None keeps the environment's own.
        frame_skip: Steps of the game for each step here, all with the same action; rewards add up.
        **kwargs: For the environment.

    Raises:
        UserError: The id is unknown, its packages are missing, or its spaces cannot be adapted.
    """
    kwargs.setdefault("render_mode", "rgb_array")
    try:
        env = gym.make(env_id, **kwargs)
    except (gym.error.Error, ImportError, TypeError) as error:
        line = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(f"cannot make environment {env_id}: {line[0]}") from error
    fits = isinstance(env.action_space, spaces.Discrete) and env.action_space.start == 0
    shape = (size, size, 3) if size else (*(env.observation_space.shape or ())[:2], 3)
    if fits and frame_skip == 1 and _is_image(env.observation_space) and env.observation_space.shape == shape:
        return env
    return PixelEnv(env, size=size, frame_skip=frame_skip)


class PixelEnv(gym.Wrapper, RecordConstructorArgs):
    """An environment seen as frames uint8 (H, W, 3) and played with Discrete actions.

    Args:
        env: Any environment; its ``render_mode`` must be "rgb_array" if its observations hold no image.
        size: Height and width of the frames in pixels, 8 to 1024; None keeps the environment's own.
        frame_skip: Steps of the game for each step here, at least 1.

    Raises:
        UserError: A space cannot be adapted, or a value is out of range.
    """

    def __init__(self, env: gym.Env, size: int | None = 84, frame_skip: int = 1) -> None:
        RecordConstructorArgs.__init__(self, size=size, frame_skip=frame_skip)
        gym.Wrapper.__init__(self, env)
        if size is not None and not 8 <= size <= 1024:
            raise UserError(f"size must be 8 to 1024 pixels, not {size}")
        if frame_skip < 1:
            raise UserError(f"frame_skip must be at least 1, not {frame_skip}")
        self.frame_skip = frame_skip
        self.path = find_image(env.observation_space)
        if self.path is None and env.render_mode != "rgb_array":
            raise UserError(f"{_name(env)} has no image to see: make it with render_mode='rgb_array'")
        self.choices = choices(env.action_space, _name(env))
        self.action_space = spaces.Discrete(len(self.choices))
        self.size = (size, size) if size else self._own_size()
        self.observation_space = spaces.Box(0, 255, (*self.size, 3), np.uint8)

    def _own_size(self) -> tuple[int, int]:
        if self.path is None:
            self.env.reset(seed=0)
            image = self._rendered()
        else:
            image = _follow(self.env.observation_space.sample(), self.path)
        height, width = to_rgb(image).shape[:2]
        return height, width

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Begin an episode: (frame, info)."""
        observation, info = self.env.reset(seed=seed, options=options)
        return self._frame(observation), info

    def step(self, action: Any) -> Any:
        """Play ``frame_skip`` steps, or fewer where the episode ends."""
        native = self.choices[int(action)]
        observation, reward, terminated, truncated, info = self.env.step(native)
        total = float(reward)
        for _ in range(self.frame_skip - 1):
            if terminated or truncated:
                break
            observation, reward, terminated, truncated, info = self.env.step(native)
            total += float(reward)
        return self._frame(observation), total, terminated, truncated, info

    def _rendered(self) -> np.ndarray:
        image = self.env.render()
        if not isinstance(image, np.ndarray):
            raise UserError(f"{_name(self.env)} rendered no image")
        return image

    def _frame(self, observation: Any) -> np.ndarray:
        image = self._rendered() if self.path is None else _follow(observation, self.path)
        return resize(to_rgb(image), self.size)


def _name(env: gym.Env) -> str:
    return env.spec.id if env.spec else type(env.unwrapped).__name__


def _is_image(space: spaces.Space) -> bool:
    """Whether a space is uint8 (H, W), (H, W, 1), (H, W, 3), (1, H, W) or (3, H, W), 8 pixels or more."""
    if not isinstance(space, spaces.Box) or space.dtype != np.uint8 or len(space.shape) not in (2, 3):
        return False
    if len(space.shape) == 2:
        return min(space.shape) >= 8
    first, last = space.shape[0], space.shape[-1]
    sides = space.shape[:2] if last in (1, 3) else space.shape[1:] if first in (1, 3) else (0,)
    return min(sides) >= 8


def find_image(space: spaces.Space) -> tuple[Any, ...] | None:
    """The keys that lead to the largest image of an observation space: () for an image, None if none."""
    found: list[tuple[int, tuple[Any, ...]]] = []

    def look(part: spaces.Space, path: tuple[Any, ...]) -> None:
        if isinstance(part, spaces.Dict):
            for key, child in part.spaces.items():
                look(child, (*path, key))
        elif isinstance(part, spaces.Tuple):
            for index, child in enumerate(part.spaces):
                look(child, (*path, index))
        elif _is_image(part):
            found.append((int(np.prod(part.shape or ())), path))

    look(space, ())
    return max(found, key=lambda image: image[0])[1] if found else None


def _follow(observation: Any, path: tuple[Any, ...]) -> np.ndarray:
    for key in path:
        observation = observation[key]
    return np.asarray(observation)


def choices(space: spaces.Space, name: str) -> list[Any]:
    """The native action behind each Discrete one.

    Args:
        space: The environment's action space.
        name: The environment, for the error.

    Raises:
        UserError: The space is of another kind, or has more than ``MOST_ACTIONS`` combinations.
    """
    if isinstance(space, spaces.Discrete):
        native: list[Any] = [space.start + i for i in range(int(space.n))]
    elif isinstance(space, (spaces.MultiDiscrete, spaces.MultiBinary)):
        binary = isinstance(space, spaces.MultiBinary)
        counts = np.full(space.shape, 2) if binary else np.asarray(space.nvec)
        low = np.zeros(space.shape, int) if binary else np.asarray(space.start)
        if np.prod(counts, dtype=float) > MOST_ACTIONS:
            raise UserError(
                f"{name} has {int(np.prod(counts, dtype=float))} actions, more than {MOST_ACTIONS}"
            )
        native = [
            (low + np.reshape(c, space.shape)).astype(space.dtype)
            for c in product(*(range(int(n)) for n in counts.reshape(-1)))
        ]
    elif isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating):
        low, high = np.maximum(space.low, -1e3), np.minimum(space.high, 1e3)
        rest = np.clip(np.zeros(space.shape), low, high).astype(space.dtype)
        native = [rest]
        for axis in np.ndindex(*space.shape):
            for end in (low, high):
                if end[axis] != rest[axis]:
                    pushed = rest.copy()
                    pushed[axis] = end[axis]
                    native.append(pushed)
    else:
        raise UserError(f"{name} has actions of a kind that keys cannot press: {space}")
    if len(native) > MOST_ACTIONS:
        raise UserError(f"{name} has {len(native)} actions, more than {MOST_ACTIONS}")
    return native


def to_rgb(image: np.ndarray) -> np.ndarray:
    """An image of a shape that ``find_image`` finds as uint8 (H, W, 3)."""
    if image.ndim == 2:
        image = image[:, :, None]
    elif image.shape[-1] not in (1, 3):
        image = image.transpose(1, 2, 0)
    return np.broadcast_to(image, (*image.shape[:2], 3))


@lru_cache(maxsize=32)
def _weights(old: int, new: int) -> np.ndarray:
    """How much of each old pixel is in each new one along one axis: float32 (new, old), rows sum to 1."""
    begin = np.arange(new)[:, None] * (old / new)
    left, right = np.arange(old), np.arange(old) + 1
    overlap = np.minimum(begin + old / new, right) - np.maximum(begin, left)
    return (np.clip(overlap, 0, None) * (new / old)).astype(np.float32)


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize by area: each new pixel is the mean of what it covers.

    Args:
        image: uint8 (H, W, 3).
        size: New height and width.

    Returns:
        uint8 (height, width, 3), a new array.
    """
    height, width = image.shape[:2]
    if (height, width) == size:
        return np.array(image)
    rows = np.tensordot(_weights(height, size[0]), image.astype(np.float32), axes=(1, 0))
    both = np.tensordot(_weights(width, size[1]), rows, axes=(1, 1)).transpose(1, 0, 2)
    return np.ascontiguousarray(np.rint(both).clip(0, 255).astype(np.uint8))
