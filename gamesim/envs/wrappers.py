"""Any Gymnasium environment as uint8 (size, size, 3) frames and Discrete actions: this project's contract.

Frames come from the observation where it is (or holds) an image, else from ``render_mode="rgb_array"``, else
from an observation that may be one: RGBA, or numbers between two bounds.
Actions that are not Discrete become a list of `choices`.
"""

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from copy import copy
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs

from gamesim.envs.arguments import MOST_STEPS, check_action, check_number, check_seed
from gamesim.envs.choices import MOST_VALUES, choices
from gamesim.envs.meanings import keys_for, keys_said, words_for
from gamesim.envs.pictures import (
    LEAST,
    find_image,
    fit,
    follow,
    is_shape,
    kind,
    shown_as,
    to_rgb,
    to_uint8,
    without_alpha,
)
from gamesim.envs.undrawn import looked_at, near, undrawn
from gamesim.errors import FOREIGN, UserError
from gamesim.registry import blamed
from gamesim.text import one_line

SIZES = (64, 84)
"""Heights and widths of the frames that models learn, pixels."""
RESET, STEP = "observation, info", "observation, reward, terminated, truncated, info"
"""What a game gives when it is begun, and when it is played on."""
_SEEDS = 2**31
"""Seeds below it are taken by every generator of random numbers, also by those that are not NumPy's."""


class PixelEnv(gym.Wrapper, RecordConstructorArgs):
    """Any game seen as frames uint8 (size, size, 3) and played with Discrete actions.

    To whoever looks below (``unwrapped``) this is the game itself, and infos are empty: a name of somebody
    else's game must not be taken for one of ours. Whatever the game does wrong is a `UserError`.

    Args:
        env: The game; its ``render_mode`` must be "rgb_array" if its observations hold no image.
        size: Height and width of the frames, pixels, 8 to 1024.
        stretch: Fill the frame; False keeps the picture's shape between black bars.
        frame_skip: Steps of the game for each step here, all with one action; rewards add up.
        time_limit: Steps here after which a game is cut off; None leaves that to the game.
        levels: How many values each axis of a Box of actions may take; () for its ends alone, one at a time.

    Raises:
        UserError: A space cannot be adapted, or a value is out of range.
    """

    def __init__(
        self,
        env: gym.Env,
        size: int = 84,
        stretch: bool = False,
        frame_skip: int = 1,
        time_limit: int | None = None,
        levels: Sequence[int] = (),
    ) -> None:
        shown = {"size": size, "stretch": stretch, "frame_skip": frame_skip, "time_limit": time_limit}
        RecordConstructorArgs.__init__(self, **shown, levels=list(levels))
        gym.Wrapper.__init__(self, env)
        check_number("size", size, 8, 1024)
        check_number("frame_skip", frame_skip, 1, 1000)
        check_number("time_limit", time_limit or 1, 1, MOST_STEPS)
        for count in levels:
            check_number("levels", count, 2, MOST_VALUES)
        near(env)
        self.name = env.spec.id if env.spec else type(env.unwrapped).__name__
        self.size, self.stretch, self.frame_skip, self.time_limit = size, stretch, frame_skip, time_limit
        with blamed(self.name, "its spaces"):
            self.seen, self.native = env.observation_space, env.action_space
        self.path = find_image(self.seen)
        if self.path is None and env.render_mode != "rgb_array":
            self.path = find_image(self.seen, unusual=True)
        if self.path is None and env.render_mode != "rgb_array":
            small = find_image(self.seen, least=1)
            if small is not None:
                raise self._too_small(follow(self.seen, small).shape)
            raise UserError(
                f"{self.name} shows no picture: no image (grey or colours, from 8x8 pixels) is in its "
                f"observation {one_line(str(self.seen), 80)}, and it cannot draw itself (rgb_array)"
            )
        self.choices = choices(self.native, self.name, levels)
        self.observation_space = spaces.Box(0, 255, (size, size, 3), np.uint8)
        self.action_space = spaces.Discrete(len(self.choices))
        self._steps = 0

    @property
    def unwrapped(self) -> gym.Env:
        """This game; what it was made of is `env`."""
        return self

    @property
    def max_steps(self) -> int | None:
        """Steps here after which a game is cut off, None where nobody says."""
        own = self.spec.max_episode_steps if self.spec else None
        limits = [self.time_limit, None if own is None else -(-own // self.frame_skip)]
        return min((limit for limit in limits if limit), default=None)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Begin an episode: (frame, {})."""
        seed = check_seed(seed)
        self._steps = 0
        with blamed(self.name, "reset"):
            seed = None if seed is None else seed % _SEEDS
            observation, _ = parts(self.env.reset(seed=seed, options=options), RESET)
        return self._frame(observation), {}

    def step(self, action: Any) -> Any:
        """Play ``frame_skip`` steps, or fewer where the episode ends: the usual five, without infos."""
        native, total = self.choices[check_action(action, len(self.choices))], 0.0
        observation, ended, cut = None, False, False
        with blamed(self.name, "step"):
            for passed in reversed(range(self.frame_skip)):
                with undrawn(self.env) if passed else nullcontext():
                    # A copy: many games clip or scale the action that they are given where it lies.
                    observation, reward, *ends, _ = parts(self.env.step(copy(native)), STEP)
                total += number(reward)
                ended, cut = (over(end).item() for end in ends)
                if ended or cut:
                    observation = looked_at(self.env, observation) if passed else observation
                    break
        self._steps += 1
        cut |= not ended and self._steps == self.time_limit
        return self._frame(observation), total, ended, cut, {}

    def render(self) -> Any:
        """The picture of the game itself, uint8 (H, W, 3), whatever its size."""
        with blamed(self.name, "render"):
            image: Any = self.env.render()
        if isinstance(image, np.ndarray):
            image = without_alpha(image)
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or not is_shape(image.shape, 1):
            raise UserError(f"{self.name} drew no picture (uint8, height x width x 3) but {kind(image)}")
        if not is_shape(image.shape):
            raise self._too_small(image.shape)
        return image

    def _too_small(self, shape: tuple[int, ...]) -> UserError:
        said = "x".join(map(str, shape))
        return UserError(
            f"{self.name}: its pictures are too small ({said}): {LEAST}x{LEAST} pixels is the least"
        )

    def close(self) -> None:
        """Let go of the game, whatever it says to that: what was played is not lost by it."""
        with suppress(*FOREIGN), blamed(self.name, "close"):
            super().close()

    def get_action_meanings(self) -> list[str]:
        """A word for each action, "" where nobody says what it does."""
        return words_for(self.env, self.choices)

    def get_keys_to_action(self) -> dict[tuple[Any, ...], int]:
        """Keys for the actions, as ``gymnasium.utils.play`` has them: the game's own, where it names them."""
        numbered = isinstance(self.native, spaces.Discrete) and self.native.start == 0
        own = keys_said(self.env, len(self.choices)) if numbered else {}
        return own or keys_for(self.get_action_meanings())

    def _frame(self, observation: Any) -> np.ndarray:
        if self.path is None:
            image = self.render()
        else:
            with blamed(self.name, "its observation"):
                image, space = np.asarray(follow(observation, self.path)), follow(self.seen, self.path)
            if not shown_as(image, space):
                said = f"{space.dtype} {space.shape}"
                raise UserError(f"{self.name} showed {kind(image)}, and its observation space says {said}")
            image = to_uint8(image, space)
        return fit(to_rgb(image), self.size, stretch=self.stretch)


def number(given: Any) -> float:
    """A reward, which may lie in an array of its own.

    Raises:
        TypeError: It is no single number.
    """
    try:
        return float(np.asarray(given).item())
    except (TypeError, ValueError, OverflowError, RuntimeError):  # torch raises the last
        raise TypeError(f"its reward must be a number, not {one_line(repr(given), 80)}") from None


def over(given: Any) -> np.ndarray:
    """Whether games are over, bool of the shape that was given; nothing means no.

    Raises:
        TypeError: It is neither true nor false: a text, NaN, another number than 0 and 1.
    """
    told = np.asarray(given)
    if told.dtype != np.bool_ and not all(each in (None, False, True) for each in told.ravel().tolist()):
        raise TypeError(f"whether it is over must be true or false, not {one_line(repr(given), 80)}")
    return told.astype(bool)


def parts(given: Any, names: str) -> Any:
    """What a game gave, which must have as many parts as there are `names`.

    Raises:
        TypeError: It has another number of parts, or none.
    """
    count = len(given) if isinstance(given, (tuple, list)) else None
    if count != names.count(",") + 1:
        found = kind(given) if count is None else f"{count} of these"
        raise TypeError(f"it must give ({names}), not {found}")
    return given
