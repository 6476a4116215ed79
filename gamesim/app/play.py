"""A session of play without a window: engines, their clock, switching between them, rewinding.

An `Engine` is any gymnasium env. What it can do besides `step` is found by looking: `snapshot` (drawn at
window resolution), `temperature` (a dream's), `state` (rewind), `end_probability` in its info.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np

from gamesim.app.catalog import Title
from gamesim.app.controls import STAY, Steering
from gamesim.envs.rules import Snapshot

COLDEST, HOTTEST, NEUTRAL, TURN = 0.1, 3.0, 1.0, 0.1
CARRIED = 8  # real frames from which a dream goes on
CLIP_SECONDS = 10.0
PAUSES = {"eaten": 1.1, "level": 1.2}  # seconds that the clock stands still after an event
READY = 1.0  # and before a new life or level
REST = 6.0  # seconds from the end of an episode to the next one
MEMORY = 600  # states that can be rewound


class Engine:
    """One env being played, and what the screen shows of it.

    Attributes:
        title: what is played.
        env: the env, wrapped or not.
        frame: uint8 (H, W, 3), the last observation.
        before, now: snapshots around the running tick, None for an engine that has none.
        total: sum of rewards of the episode.
        reward: the last one.
        steps: of the episode.
        over: None while it runs, else one word or two about how it ended.
        best: highest score (or return) seen, kept by the caller.
    """

    def __init__(self, title: Title, env: gym.Env) -> None:
        self.title, self.env = title, env
        self.frame = np.zeros((84, 84, 3), np.uint8)
        self.before: Snapshot | None = None
        self.now: Snapshot | None = None
        self.info: dict[str, Any] = {}
        self.total = self.reward = 0.0
        self.steps = 0
        self.over: str | None = None
        self.started = False
        self.trail: deque[tuple[np.ndarray, int]] = deque(maxlen=CARRIED)  # (frame, action that led to it)
        self.clip: deque[np.ndarray] = deque(maxlen=round(CLIP_SECONDS * title.rate))
        self._past: deque[tuple] = deque(maxlen=MEMORY)

    # what this engine can do -----------------------------------------------------------------------------

    def _capability(self, name: str) -> Any:
        return getattr(self.env.unwrapped, name, None)

    @property
    def temperature(self) -> float | None:
        return self._capability("temperature")

    @temperature.setter
    def temperature(self, value: float) -> None:
        self.env.unwrapped.temperature = value  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def end_probability(self) -> float | None:
        """How likely the engine holds it that this was the end, 0..1; None if it does not say."""
        value = self.info.get("end_probability")
        return None if value is None else float(np.asarray(value).reshape(-1)[0])

    @property
    def can_rewind(self) -> bool:
        return hasattr(type(self.env.unwrapped), "state")  # to ask for its value may be too early

    @property
    def score(self) -> float:
        return self.now.score if self.now else self.total

    @property
    def limit(self) -> int | None:
        """Steps after which the episode is cut, None where there is no such limit."""
        game = self._capability("game")
        return getattr(game, "max_steps", None) or self._capability("max_steps")

    @property
    def view(self) -> tuple[int, int] | None:
        """(rows, columns) that the player sees of a larger board; None: all of it."""
        cells = self.info.get("cells")
        if cells is None or self.now is None or cells.shape == self.now.cells.shape:
            return None
        return int(cells.shape[0]), int(cells.shape[1])

    @property
    def events(self) -> tuple[str, ...]:
        return self.now.events if self.now else ()

    @property
    def rate(self) -> float:
        """Steps a second now: higher levels are faster."""
        level = self.now.level if self.now else 1
        return min(self.title.rate * 1.5, self.title.rate + 0.5 * (level - 1))

    # what is done to it ----------------------------------------------------------------------------------

    def reset(self, options: dict[str, Any] | None = None) -> None:
        self.frame, self.info = self.env.reset(options=options)
        self.before = self.now = self._snapshot()
        self.total = self.reward = 0.0
        self.steps, self.over, self.started = 0, None, True
        self._past.clear()
        self.trail.clear()
        self._remember(STAY)

    def follow(self, other: "Engine") -> bool:
        """Dream on from the last frames of `other`; returns False if its pictures do not fit.

        An engine that fits starts as if it had seen those frames; one that does not starts by itself.
        """
        frames = np.stack([frame for frame, _ in other.trail])
        actions = np.array([action for _, action in other.trail][1:], np.int64)
        space = self.env.observation_space.shape
        if space is not None and tuple(space) != frames.shape[1:]:
            self.reset()
            return False
        self.reset({"frames": frames, "actions": actions})
        return True

    def step(self, action: int) -> None:
        """One tick; once the episode is over its last frame stays."""
        if self.over is not None:
            self.clip.append(self.frame)
            return
        if self.can_rewind:
            state = self.env.unwrapped.state  # pyright: ignore[reportAttributeAccessIssue]
            memory = (state, self.frame, self.info, self.total, self.reward, self.steps)
            self._past.append(memory)
        self.before = self.now
        self.frame, reward, terminated, truncated, self.info = self.env.step(action)
        self.now = self._snapshot()
        self.reward = float(reward)
        self.total += self.reward
        self.steps += 1
        self._remember(action)
        if terminated or truncated:
            self.over = self._ending(bool(truncated))

    def rewind(self) -> bool:
        """Back by one step; returns whether there was one to go back to."""
        if not self._past:
            return False
        state, self.frame, self.info, self.total, self.reward, self.steps = self._past.pop()
        self.env.unwrapped.state = state  # pyright: ignore[reportAttributeAccessIssue]
        self.over = None
        if len(self.trail) > 1:
            self.trail.pop()
        return True

    def _snapshot(self) -> Snapshot | None:
        take = self._capability("snapshot")
        return take() if take else None

    def _remember(self, action: int) -> None:
        self.trail.append((self.frame, action))
        self.clip.append(self.frame)

    def _ending(self, truncated: bool) -> str:
        if "flag" in self.events:
            return "You found the flag!"
        if "eaten" in self.events or "over" in self.events:
            return "Game over" if self.title.latched else "Caught by a ghost"
        if truncated:
            return "Out of time"
        if self.temperature is None:
            return "The end"
        return "Caught, in the dream" if self.reward < -0.5 else "The dream ends here"


class Session:
    """The clock of one play screen: turns time and keys into steps of one engine, or of two side by side.

    Args:
        engine: what is played first.
        on_step: called after each tick with the events of the engine in front.

    Attributes:
        engine: the one in front.
        other: its counterpart (dream of the game, game of the dream) once it has been opened.
        beside: whether both are played under the same keys.
    """

    def __init__(self, engine: Engine, on_step: Callable[[Engine], None] | None = None) -> None:
        self.engine = engine
        self.other: Engine | None = None
        self.beside = False
        self.paused = False
        self.rewinding = False
        self.steering = Steering(engine.title.latched)
        self.on_step = on_step or (lambda engine: None)
        self._since = 0.0  # seconds since the last tick
        self._hold = 0.0  # seconds that the clock still stands
        self._rest = 0.0  # seconds since the episode ended
        if not engine.started:
            engine.reset()

    @property
    def playing(self) -> list[Engine]:
        """The engines that take steps now; the one in front comes first."""
        return [self.engine, self.other] if self.beside and self.other else [self.engine]

    @property
    def part(self) -> float:
        """How much of the running tick has passed, 0..1: where things are drawn between two cells."""
        return min(1.0, self._since * self.engine.rate)

    def death(self, engine: Engine) -> float | None:
        """How far Pac-Man has vanished, 0..1, after he was caught; None while he is whole."""
        if "eaten" not in engine.events or self.part < 1.0:
            return None
        if engine is self.engine and self._hold > 0:
            return 1.0 - self._hold / PAUSES["eaten"]
        return 1.0

    @property
    def ready(self) -> bool:
        """Whether a new life or level is about to begin."""
        return self._hold > 0 and not any(event in self.engine.events for event in PAUSES)

    @property
    def rest(self) -> float:
        """How much of the wait for the next episode is over, 0..1."""
        return min(1.0, self._rest / REST)

    def update(self, seconds: float) -> None:
        """Let time pass: at most two ticks, however long the window was away."""
        if self.rewinding and self._rewind(seconds):
            return
        if self.paused:
            return
        if self._hold > 0:
            if self.part < 1.0:  # first the last move is seen to its end
                self._since += seconds
                return
            self._hold -= seconds
            return
        if all(engine.over for engine in self.playing):
            self._since += seconds
            self._rest += seconds
            if self._rest >= REST:
                self.restart()
            return
        tick = 1.0 / self.engine.rate
        self._since += min(seconds, 2 * tick)
        # A press after a rest does not wait for the whole tick: the game answers at once.
        early = self.steering.waiting and self._idle and self._since >= 0.5 * tick
        while self._since >= tick or early:
            self._since = 0.0 if early else self._since - tick
            early = False
            self.tick()
            if self._hold > 0 or all(engine.over for engine in self.playing):
                break

    _idle = True

    def tick(self) -> None:
        """One step of everything that is played, with one action."""
        action = self.steering.action()
        self._idle = action == STAY
        was, running = self.engine.events, self.engine.over is None
        for engine in self.playing:
            engine.step(action)
        self._rest = 0.0
        if not running:
            return
        if self.engine.over is None and any(event in was for event in PAUSES):
            self._hold = READY
        for event, seconds in PAUSES.items():
            if event in self.engine.events:
                self._hold = seconds
        self.on_step(self.engine)

    def step_once(self) -> None:
        """One tick by hand; pauses if it ran."""
        self.paused = True
        self._since = 1.0 / self.engine.rate
        if self.engine.over is None:
            self.tick()
        self._release()

    def restart(self) -> None:
        """A new episode; side by side the dream begins where the game does."""
        self._release()
        self._since = self._rest = 0.0
        self.steering.clear()
        pair = self.playing
        pair.sort(key=lambda engine: engine.temperature is not None)  # the real game leads
        pair[0].reset()
        for engine in pair[1:]:
            engine.follow(pair[0])

    def switch(self) -> bool:
        """Bring the other engine to the front.

        A dream goes on from the game's last frames; the game comes back as it was left.

        Returns:
            False if the dream could not take over the game's frames and began by itself.
        """
        if self.other is None:
            return True
        self._release()
        self.beside = False
        fits = True
        back, front = self.engine, self.other
        if front.temperature is not None and back.temperature is None:
            fits = front.follow(back)
        elif not front.started:
            front.reset()
        self.engine, self.other = front, back
        self._since = 1.0 / front.rate
        self.steering.clear()
        self.steering.latched = front.title.latched
        return fits

    def toggle_beside(self) -> bool:
        """Side by side from the same moment, or only the one in front; returns False as `switch` does."""
        if self.beside or self.other is None:
            self.beside = False
            return True
        real, dream = self.engine, self.other
        if real.temperature is not None:
            real, dream = dream, real
        if not real.started or real.over:
            real.reset()
        fits = dream.follow(real)
        self.engine, self.other, self.beside = real, dream, True
        for engine in (real, dream):  # their clips begin at the same moment
            engine.clip.clear()
            engine.clip.append(engine.frame)
        self.steering.clear()
        self._release()
        return fits

    def turn_temperature(self, change: float | None) -> float | None:
        """Make the dreams being played surer or wilder; None sets the neutral 1.0. Returns the new value."""
        new = None
        for engine in self.playing:
            if engine.temperature is not None:
                wanted = NEUTRAL if change is None else engine.temperature + change
                new = round(min(HOTTEST, max(COLDEST, wanted)), 2)
                engine.temperature = new
        return new

    def close(self) -> None:
        for engine in (self.engine, self.other):
            if engine is not None:
                engine.env.close()

    def _rewind(self, seconds: float) -> bool:
        """Run backwards at twice the speed; False where there is nothing that can."""
        if not self.engine.can_rewind:
            return False
        self._since += seconds
        if self._since >= 0.5 / self.engine.rate:
            self._since = 0.0
            for engine in self.playing:
                engine.rewind()
        return True

    def _release(self) -> None:
        """The clock runs on after it stood still."""
        self._hold = 0.0
        self._since = 1.0 / self.engine.rate
