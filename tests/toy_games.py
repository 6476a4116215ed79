"""Games that are not ours, registered with Gymnasium: a dot that the keys move, and what can go wrong."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Dot(gym.Env[np.ndarray, np.int64]):
    """A white dot of 4x4 pixels; the first four actions move it, any others leave it where it is.

    An episode ends after `steps`, as a game's end.
    """

    metadata = {"render_modes": ["rgb_array"]}

    def __init__(self, size: int = 64, actions: int = 4, steps: int = 12, words=None, render_mode=None):
        self.observation_space = spaces.Box(0, 255, (size, size, 3), np.uint8)
        self.action_space = spaces.Discrete(actions)
        self.size, self.steps, self.render_mode = size, steps, render_mode
        if words is not None:
            self.get_action_meanings = lambda: words

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.at = self.np_random.integers(0, self.size // 4, 2)
        self.count = 0
        return self._frame(), {}

    def step(self, action: np.int64) -> Any:
        ways = [(0, -1), (0, 1), (-1, 0), (1, 0)]
        way = ways[action] if action < 4 else (0, 0)
        self.at = (self.at + way) % (self.size // 4)
        self.count += 1
        return self._frame(), 1.0, self.count == self.steps, False, {}

    def render(self) -> Any:
        return self._frame()

    def _frame(self) -> np.ndarray:
        frame = np.zeros((self.size, self.size, 3), np.uint8)
        y, x = 4 * self.at
        frame[y : y + 4, x : x + 4] = 255
        return frame


def _image(size: int = 64, *shape: int) -> spaces.Box:
    return spaces.Box(0, 255, shape or (size, size, 3), np.uint8)


class Grey(Dot):
    """Shows (64, 64)."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.observation_space = _image(0, 64, 64)

    def _frame(self):
        return super()._frame()[..., 0]


class Packed(Dot):
    """Shows its frame as one of several things."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.observation_space = spaces.Dict({"speed": spaces.Box(-1, 1, (2,)), "eye": _image()})

    def _frame(self):
        return {"speed": np.zeros(2, np.float32), "eye": super()._frame()}


class Numbers(Dot):
    """Shows two numbers; draws itself, wider than high, if it is asked to."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.observation_space = spaces.Box(-1, 1, (2,))

    def _frame(self):
        return np.zeros(2, np.float32)

    def render(self):
        return np.full((40, 80, 3), 200, np.uint8) if self.render_mode == "rgb_array" else None


class Blind(Numbers):
    """Shows two numbers and cannot draw itself."""

    metadata = {"render_modes": []}


class Steered(Dot):
    """Has two axes."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.action_space = spaces.Box(-1, 1, (2,))

    def step(self, action):
        assert self.action_space.contains(action)
        return super().step(np.int64(4))


class Chords(Steered):
    """Has three buttons."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.action_space = spaces.MultiBinary(3)


class FromFive(Dot):
    """Counts its actions from 5."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.action_space = spaces.Discrete(4, start=5)

    def step(self, action):
        assert self.action_space.contains(action)
        return super().step(action - 5)


class Alone(Dot):
    """Has one action."""

    def __init__(self, **kwargs):
        super().__init__(actions=1, **kwargs)


class Spoken(Dot):
    """Takes words."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.action_space = spaces.Text(4)


class Keys(Dot):
    """Names its own keys."""

    def __init__(self, **kwargs):
        super().__init__(actions=3, words=["NOOP", "HOP", "DUCK"], **kwargs)

    def get_keys_to_action(self):
        return {(): 0, ("j",): 1, "k": 2}


class Needy(Dot):
    """Cannot be made without a level."""

    def __init__(self, level, **kwargs):
        super().__init__(**kwargs)
        self.level = level


class Plain(Dot):
    """Knows nothing of render modes."""

    metadata = {}

    def __init__(self):
        super().__init__()


class Endless(Dot):
    """Never ends."""

    def __init__(self, **kwargs):
        super().__init__(steps=-1, **kwargs)


class Panic(BaseException):
    """As of a game in Rust: pyo3's PanicException is no Exception."""


class Broken(Dot):
    """Raises where it is told to, or shows what its space does not have."""

    def __init__(self, where: str, **kwargs):
        super().__init__(**kwargs)
        self.where = where

    def _fail(self, where):
        if self.where == where:
            raise ZeroDivisionError(f"oh no\nin {where}")
        if self.where == f"leave {where}":
            raise SystemExit(3)
        if self.where == f"panic {where}":
            raise Panic("index out of bounds")
        if self.where == f"end {where}":
            raise GeneratorExit

    def close(self):
        self._fail("close")

    def reset(self, **kwargs):
        self._fail("reset")
        shown, info = super().reset(**kwargs)
        return shown if self.where == "no info" else (shown, info)

    def step(self, action):
        self._fail("step")
        shown, *rest = super().step(action)
        if self.where == "reward":
            rest[0] = "much"
        if self.where in ("two rewards", "no reward"):
            rest[0] = np.ones(2) if self.where == "two rewards" else None
        if self.where in ("False", "nan"):
            rest[1] = "False" if self.where == "False" else np.nan
        if self.where == "four":
            return (shown, *rest[:3])
        return (np.zeros((64, 64, 4), np.uint8) if self.where == "shape" else shown, *rest)

    def _frame(self):
        frame = super()._frame()
        return frame / 255 if self.where == "floats" else frame


class Spaceless(Dot):
    """Cannot say what it shows."""

    @property
    def observation_space(self):
        raise RuntimeError("not connected")

    @observation_space.setter
    def observation_space(self, space):
        pass


class Unpainted(Numbers):
    """Raises when it is drawn, or draws nothing."""

    def __init__(self, what: str = "", **kwargs):
        super().__init__(**kwargs)
        self.what = what

    def render(self):
        if self.what == "raise":
            raise OSError("no screen")
        if self.what == "alpha":
            return np.full((40, 80, 4), [200, 100, 50, 255], np.uint8)
        return None if self.what == "none" else np.zeros((6 if self.what == "small" else 0, 4, 3), np.uint8)


class Sole(Dot):
    """One at a time in a process, as an emulator."""

    running = 0

    def __init__(self, **how):
        super().__init__(**how)
        Sole.running += 1
        if Sole.running > 1:
            Sole.running -= 1
            raise RuntimeError("an emulator is running")

    def close(self):
        Sole.running -= 1


class Odd(Dot):
    """Its random numbers take small seeds only, and its rewards are arrays."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        np.random.RandomState(seed)
        return super().reset(seed=seed)

    def step(self, action):
        shown, reward, *rest = super().step(action)
        return (shown, np.array([reward]), *rest)


def register() -> None:
    """Make ``toys/Nine-v0`` and ``toys/Three-v0`` (64x64), ``toys/Large-v0`` (96x96) and the others known."""
    nine = ["LEFT", "RIGHT", "UP", "DOWN", "FIRE", "A", "B", "C", "D"]
    dots: dict[str, dict[str, Any]] = {
        "Nine": {"actions": 9, "words": nine},
        "Three": {"actions": 3},
        "Large": {"size": 96},
    }
    others = [
        Grey,
        Packed,
        Numbers,
        Blind,
        Steered,
        Chords,
        FromFive,
        Alone,
        Spoken,
        Keys,
        Needy,
        Plain,
        Endless,
    ]
    games = {name: ("Dot", kwargs) for name, kwargs in dots.items()}
    games |= {
        kind.__name__: (kind.__name__, {}) for kind in (*others, Broken, Spaceless, Unpainted, Odd, Sole)
    }
    for name, (kind, kwargs) in games.items():
        if f"toys/{name}-v0" not in gym.registry:
            gym.register(f"toys/{name}-v0", entry_point=f"toy_games:{kind}", kwargs=kwargs)
    if "toys/Local-v0" not in gym.registry:
        gym.register("toys/Local-v0", entry_point=Dot)


class Lanes(gym.vector.VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """A batch of games of four steps, whose steps are what `what` says, such as "lists" or "columns".

    Its actions are counted from `start`, and its infos are `info`.
    """

    metadata = {"autoreset_mode": gym.vector.AutoresetMode.NEXT_STEP}

    def __init__(self, num_envs: int = 1, what: str = "", start: int = 0, info: Any = None, render_mode=None):
        self.num_envs, self.what, self.render_mode = num_envs, what, render_mode
        self.info = {} if info is None else info
        self.single_observation_space, self.single_action_space = _image(), spaces.Discrete(3, start=start)
        self.observation_space = gym.vector.utils.batch_space(self.single_observation_space, num_envs)
        self.action_space = gym.vector.utils.batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed=None, options: dict[str, Any] | None = None) -> Any:
        self.count = np.zeros(self.num_envs, int)
        return np.zeros((self.num_envs, 64, 64, 3), np.uint8), self.info

    def step(self, actions: np.ndarray) -> Any:
        self.count = np.where(self.count == 4, 0, self.count + 1)
        frames, ended = np.zeros((self.num_envs, 64, 64, 3), np.uint8), self.count == 4
        rewards, cut = np.ones(self.num_envs), np.zeros(self.num_envs, bool)
        if self.what == "lists":
            return frames, rewards.tolist(), ended.tolist(), cut.tolist(), self.info
        if self.what == "columns":
            return frames, rewards[:, None], ended[:, None], cut[:, None], self.info
        if self.what == "leave":
            raise SystemExit(3)
        if self.what == "ends in floats":
            return frames, rewards, ended.astype(float), cut.tolist(), self.info
        if self.what == "ends in nan":
            return frames, rewards, np.full(self.num_envs, np.nan), cut, self.info
        if self.what == "words":
            return frames, ["much"] * self.num_envs, ended, cut, self.info
        shown = {"one": frames[:1], "floats": frames / 255}.get(self.what, frames)
        return shown, rewards[:1] if self.what == "few" else rewards, ended, cut, self.info

    def close_extras(self, **kwargs):
        raise ZeroDivisionError("at the end")


class Walk(gym.Env[np.ndarray, np.int64]):
    """Ends after `steps`; the first pixel of a frame shows (steps, game, step), the next the last action.

    Rewards are the step's number, or what `rewards` says of a step, from 1.
    """

    def __init__(
        self, steps: int = 12, rewards: dict[int, float] | None = None, size: int = 4, render_mode=None
    ):
        self.observation_space = spaces.Box(0, 255, (size, size, 3), np.uint8)
        self.action_space = spaces.Discrete(2)
        self.steps, self.rewards, self.size, self.render_mode = steps, rewards or {}, size, render_mode
        self.game = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.game, self.at = self.game + 1, 0
        return self._frame(0), {}

    def step(self, action: np.int64) -> Any:
        self.at += 1
        reward = self.rewards.get(self.at, float(self.at))
        return self._frame(int(action)), reward, self.at == self.steps, False, {}

    def render(self) -> Any:
        return self._frame(0)

    def _frame(self, action: int) -> np.ndarray:
        frame = np.zeros((self.size, self.size, 3), np.uint8)
        frame[0, 0] = (self.steps - 2) % 256, self.game % 256, self.at % 256
        frame[0, 1] = action
        return frame
