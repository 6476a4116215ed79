"""One world being played, and what it can do.

A `World` is any gymnasium env. Its attributes say what it can do besides `step`: `snapshot` (be drawn at
window resolution), `temperature` (of a dream), `state` (rewind), `act` (a controller of its own), `internals`
(what it thinks), `changes` (what can be changed by hand), `go_on` (take back an end), `openings` (where it
can begin), and `end_probability` in its info.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from functools import cache, cached_property
from random import sample
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np

from gamesim.app.action_keys import ActionKeys
from gamesim.app.controls import STAY
from gamesim.app.game.history import History, Moment, Reel, Shot
from gamesim.app.library.catalog import ARCADE, Title
from gamesim.envs.meanings import action_meanings, keys_said
from gamesim.envs.recipe import PACMANS
from gamesim.envs.rules import FLAG_REWARD, FOOD_REWARD, LOSS, Snapshot
from gamesim.errors import UserError

if TYPE_CHECKING:
    from gamesim.app.game.pilot import Pilot
    from gamesim.data.recorder import Recorder

CARRIED = 8  # real frames that a dream goes on from
CLIP_SECONDS = 10.0
WHOLE, EGO, BLOCKS = (21, 21), (7, 7), (12, 12)  # cells on screen: the arcade, our other games, all others


@cache  # one for each dream, by its name: it outlives the screen
def openings(dream: str, count: int) -> Iterator[int]:
    """Where a dream begins: all its openings, 0 to `count` - 1, in a random order, then in another order.

    No opening comes twice in a row, unless there is only one.
    """
    last = -1
    while True:
        dealt = sample(range(count), count)
        if dealt[0] == last:
            dealt.reverse()
        yield from dealt
        last = dealt[-1]


class World:
    """One env being played, and what the screen shows of it.

    Attributes:
        frame: uint8 (H, W, 3), the last observation.
        before, now: snapshots around the running tick; None for a world without snapshots.
        info, reward: of the last step.
        total: sum of rewards of the episode.
        episode: how many episodes have begun.
        over: a few words about how the episode ended; None while it runs.
        waited: ticks since it ended.
        happened: what the last step brought, in the words of a Snapshot's events; a dream's reward and end
            tell it.
        ends: the steps at which a dream ended but went on.
        bare: whether it has seen a single frame and made no step: a network has no layers of its own yet.
        trail: the last (frame, action that led to it).
        clip: the last frames, for a film.
        keys: of a game that is not ours, or of its dream; None for ours.
        recorder: the recorder around the env; None if this play cannot be recorded.
        pilot: another engine's controller that may drive this one; None if there is none.
        advice: the action that a controller would take now; None without a controller.
        keeps_past: whether it keeps moments to rewind to; a real game does only beside its dream.
    """

    def __init__(self, title: Title, env: gym.Env) -> None:
        self.title, self.env = title, env
        self.recorder: Recorder | None = None
        self.pilot: Pilot | None = None
        self.advice: int | None = None
        self.history = History()
        self.keeps_past = self.temperature is not None
        self.frame = np.zeros((84, 84, 3), np.uint8)
        self.before: Snapshot | None = None
        self.now: Snapshot | None = None
        self.info: dict[str, Any] = {}
        self.total = self.reward = 0.0
        self.steps = self.episode = 0
        self.over: str | None = None
        self.waited = 0
        self.happened: tuple[str, ...] = ()
        self.ends: list[int] = []
        self.reel = Reel(title.rate)
        self.started = False
        self.bare = False
        self.trail: deque[tuple[np.ndarray, int]] = deque(maxlen=CARRIED)
        self.clip: deque[np.ndarray] = deque(maxlen=round(CLIP_SECONDS * title.rate))
        self.keys = self._keys()
        self._insides: tuple[np.ndarray, dict[str, np.ndarray]] | None = None

    # what this world can do -----------------------------------------------------------------------------

    def _keys(self) -> ActionKeys | None:
        """The keys of a game that is not ours, or of its dream; None for ours."""
        count = getattr(self.env.action_space, "n", 0)
        if self.title.game_id.startswith(PACMANS) or not count:
            return None
        return ActionKeys(self.words or [""] * count, self.title.game_id, keys_said(self.env, count))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """A word for each action, of the game itself or of a dream's card; () where neither says any."""
        own = action_meanings(self.env)
        fit = len(self.title.actions) == getattr(self.env.action_space, "n", 0)
        return own if any(own) else self.title.actions if fit else ()

    def _capability(self, name: str) -> Any:
        return getattr(self.env.unwrapped, name, None)

    def _asked(self, name: str) -> Any:
        """The answer of a method of the env; None if the env has no such method."""
        answer = self._capability(name)
        return answer() if answer else None

    @property
    def temperature(self) -> float | None:
        return self._capability("temperature")

    @temperature.setter
    def temperature(self, value: float) -> None:
        self.env.unwrapped.temperature = value  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def recording(self) -> Recorder | None:
        """Its recorder while that is on, else None."""
        return self.recorder if self.recorder is not None and self.recorder.recording else None

    @property
    def end_probability(self) -> float | None:
        """How likely this is the end, 0..1, in the world's own view; None if it does not say."""
        value = self.info.get("end_probability")
        return None if value is None else float(np.asarray(value).reshape(-1)[0])

    @property
    def can_rewind(self) -> bool:
        return hasattr(type(self.env.unwrapped), "state")  # its value may not be there yet

    @property
    def internals(self) -> dict[str, np.ndarray]:
        """What the world thinks now, by name; empty if it cannot say. It is asked once a step."""
        ask = self._capability("internals")
        if ask is None or not self.started:
            return {}
        if self._insides is None or self._insides[0] is not self.frame:
            self._insides = (self.frame, ask())
        return self._insides[1]

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of cells in a frame."""
        if (cells := self.info.get("cells")) is not None:
            return int(cells.shape[0]), int(cells.shape[1])
        game_id = self.title.game_id
        return WHOLE if game_id == ARCADE else EGO if game_id.startswith(PACMANS) else BLOCKS

    @property
    def ego(self) -> bool:
        """Whether it shows a view of 7x7 cells that moves with the player."""
        return self.grid == EGO and self.frame.shape == (84, 84, 3)

    @property
    def score(self) -> float:
        return self.now.score if self.now else self.total

    @property
    def limit(self) -> int | None:
        """Steps after which the episode is cut; None: no limit."""
        return getattr(self._capability("game"), "max_steps", None) or self._capability("max_steps")

    @property
    def view(self) -> tuple[int, int] | None:
        """(rows, columns) that the player sees of a larger board; None: all of it."""
        cells = self.info.get("cells")
        if cells is None or self.now is None or cells.shape == self.now.cells.shape:
            return None
        return int(cells.shape[0]), int(cells.shape[1])

    @property
    def shot(self) -> Shot:
        """The last step; a game with another look than the app's own is shown as it is."""
        around = None
        if self.before and self.now and self._capability("theme") in (None, "night"):
            around = self.before, self.now
        return Shot(around, self.frame, self.end_probability)

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
        count = self._capability("openings")
        if options is None and count:
            options = {"start": next(openings(str(self.title.checkpoint), count))}
        self.frame, self.info = self.env.reset(options=options)
        self.bare = options is not None and len(options.get("frames", (0, 0))) < 2
        self.look()
        self.episode += 1
        self.total = self.reward = 0.0
        self.steps, self.over, self.waited, self.started = 0, None, 0, True
        self.happened, self.ends = (), []
        self.reel.clear()
        self.history.clear()
        self.trail.clear()
        self._remember(STAY)
        self.board(self.pilot)

    def board(self, pilot: Pilot | None) -> None:
        """Let a pilot see the game from now on; None: only the world's own controller, if it has one."""
        self.pilot, self.advice = pilot, self._asked("act")
        if pilot is not None:
            (first, _), *later = self.trail
            self.advice = pilot.begin(first)
            for frame, action in later:
                self.advice = pilot.follow(action, frame)

    def follow(self, other: World) -> bool:
        """Dream on from the last frames of `other`, as if this world had seen them.

        Returns:
            False if these frames have another size; then this world starts from its own beginning.
        """
        frames = np.stack([frame for frame, _ in other.trail])
        actions = np.array([action for _, action in other.trail][1:], np.int64)
        space = self.env.observation_space.shape
        if space is not None and tuple(space) != frames.shape[1:]:
            self.reset()
            return False
        self.reset({"frames": frames, "actions": actions})
        return True

    def step(self, action: int, player: str = "human") -> None:
        """Make one tick, with an action that `player` chose; after an end the last frame stays."""
        if self.over is not None:
            self.waited += 1
            self.clip.append(self.frame)
            return
        if self.keeps_past and self.can_rewind:
            state = self.env.unwrapped.state  # pyright: ignore[reportAttributeAccessIssue]
            own = self.info, self.total, self.reward, self.steps, self.bare, tuple(self.trail)
            self.history.forward(Moment(state, self.frame, *own))
        if self.recorder is not None:
            self.recorder.player = player
        self.before = self.now
        self.frame, reward, terminated, truncated, self.info = self.env.step(action)
        self.now = self._asked("snapshot")
        self.reward = float(reward) if math.isfinite(reward) else 0.0  # the recorder reports it
        # A dream's rewards are a little off in every step; what looks like no points would add up.
        self.total += self.reward if self.temperature is None else round(self.reward, 1)
        self.steps += 1
        self.bare = False
        self._remember(action)
        self.reel.add(self.shot)
        self.happened = self.events if self.now else self._dreamt(terminated, truncated)
        self.advice = self.pilot.follow(action, self.frame) if self.pilot else self._asked("act")
        if terminated or truncated:
            self.over = self._ending(bool(truncated))

    @property
    def can_go_on(self) -> bool:
        """Whether its end can be taken back, as in a dream."""
        return self._capability("go_on") is not None

    def go_on(self) -> bool:
        """Take back the end of a dream, which goes on as if nothing had happened; False if it cannot."""
        if self.over is None or not self.can_go_on:
            return False
        self._capability("go_on")()
        self.over, self.waited = None, 0
        self.ends.append(self.steps)
        if self.recorder is not None:
            self.recorder.go_back(self.frame)  # what follows is another recording
        return True

    @property
    def goes_back(self) -> bool:
        """Whether there is a tick to go back to."""
        return self.waited > 0 or bool(self.history.past)

    def rewind(self) -> bool:
        """Go back by one tick, a step or a wait after the end; returns whether there was one."""
        if len(self.clip) > 1 and self.goes_back:
            self.clip.pop()
        if self.waited:
            self.waited -= 1
            return True
        moment = self.history.back(self.frame, self.steps)
        if moment is None:
            return False
        self.frame, self.info = moment.frame, moment.info
        self.total, self.reward, self.steps = moment.total, moment.reward, moment.steps
        self.env.unwrapped.state = moment.state  # pyright: ignore[reportAttributeAccessIssue]
        self.look()
        self.over, self.happened, self.bare = None, (), moment.bare
        self.ends = [step for step in self.ends if step <= self.steps]
        self.reel.undo()
        self.trail.clear()
        self.trail.extend(moment.trail)
        self.board(self.pilot)  # the controller has to see the earlier frames
        if self.recorder is not None:
            self.recorder.go_back(self.frame)
        return True

    @property
    def changes(self) -> frozenset[str]:
        """What a player may change in a dream by hand: "z", "memory"."""
        return self._capability("changes") or frozenset()

    def change(self, name: str, value: Any) -> str | None:
        """Change part of the present moment; the dream goes on from there.

        Returns:
            Why it could not be changed, or None.
        """
        if name not in self.changes:
            return f"This model's {name} cannot be changed."
        if self.recording:
            return "You cannot change the dream by hand while you record."
        try:
            self.frame = self._capability(f"with_{name}")(value)
        except UserError as error:
            return str(error)
        if self.clip:
            self.clip[-1] = self.frame
        self.board(self.pilot)  # the controller has to see the changed frame
        return None

    def look(self) -> None:
        """Take a snapshot of now, without a move that led there."""
        self.before = self.now = self._asked("snapshot")

    def _remember(self, action: int) -> None:
        self.trail.append((self.frame, action))
        self.clip.append(self.frame)

    def _dreamt(self, terminated: bool, truncated: bool) -> tuple[str, ...]:
        """The events that a dream's reward and end imply; for a foreign game only whether it was cut."""
        if truncated:
            return ("timeout",)
        if not self.title.game_id.startswith(PACMANS):
            return ()
        if not terminated:
            return ("food",) if self.reward > FOOD_REWARD / 2 else ()
        return ("flag",) if self.reward > FLAG_REWARD / 2 else ("eaten",) if self.reward < LOSS / 2 else ()

    def _ending(self, truncated: bool) -> str:
        if "flag" in self.happened:
            return "You found the flag!"
        if "eaten" in self.events or "over" in self.events:
            return "Game over" if self.title.latched else "Caught by a ghost"
        if truncated:
            return "Out of time"
        if self.temperature is None:
            return "The end"
        return "Caught in the dream" if "eaten" in self.happened else "The dream ends here"
