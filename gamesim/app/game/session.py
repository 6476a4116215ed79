"""A session of play without a window: the clock, who plays, switching between two engines, rewinding."""

from collections.abc import Callable

from gamesim.app.controls import STAY, Command, Steering, shown
from gamesim.app.game import temperature
from gamesim.app.game.divergence import Divergence
from gamesim.app.game.pilot import pilot_of
from gamesim.app.game.play import Engine
from gamesim.app.game.reel import Shot

PAUSES = {"eaten": 1.5, "level": 2.4, "ghost": 0.5, "fruit": 0.5}
"""Seconds for which the clock stands still after an event."""
CAUGHT = 0.4  # of those after a catch, in which nothing moves at all
READY = 1.5  # seconds before a new life or level
BEAT = 0.5  # seconds from an end to its replay
SEEN = 0.6  # seconds for which an end is told before a direction asks for the next game
REST = 6.0  # and before the next one begins by itself, where nobody plays


class Session:
    """The clock of one play screen: turns time and keys into steps of one engine, or of two side by side.

    Nothing moves before the first move that a person makes, at the start as after an end.

    Args:
        engine: what is played first.
        on_step: called after each tick with the events of the engine in front.

    Attributes:
        engine: the one in front.
        other: its counterpart (dream of the game, game of the dream) once it has been opened.
        beside: whether both are played under the same keys.
        divergence: how the two differ since they were put side by side; None while they are not.
        together: whether both stop, side by side, as soon as one is over; else the other goes on.
        watching: whether a controller drives, where there is one; holding a direction overrides it.
        waiting: whether the clock waits for the first move; a controller that drives makes it at once.
        endless: whether dreams go on after an end.
        has_partner: tells whether there is another side to go to.
    """

    def __init__(self, engine: Engine, on_step: Callable[[Engine], None] | None = None) -> None:
        self.engine = engine
        self.other: Engine | None = None
        self.divergence: Divergence | None = None
        self.together = True
        self.watching = False
        self.waiting = True
        self.endless = False
        self.paused = False
        self.rewinding = False
        self.steering = Steering(engine.title.latched)
        self.steering.keys = engine.keys
        self.has_partner: Callable[[], bool] = lambda: True
        self.on_step = on_step or (lambda engine: None)
        self._since = 0.0  # seconds since the last tick
        self._hold = 0.0  # seconds that the clock still stands
        self._ended = 0.0  # seconds since the end stood still
        self._rest = 0.0  # and since it is told
        if not engine.started:
            engine.reset()

    @property
    def beside(self) -> bool:
        return self.divergence is not None

    @property
    def overridden(self) -> bool:
        """Whether a person holds a direction, or has tapped one that had no tick yet."""
        return bool(self.steering.held or self.steering.waiting)

    @property
    def driver(self) -> str:
        """Who chooses the next action, by the recordings' names: "human" or "controller"."""
        driven = self.watching and self.leader.advice is not None and not self.overridden
        return "controller" if driven else "human"

    @property
    def leader(self) -> Engine:
        """The engine whose controller is asked: the first that is not over."""
        return next((engine for engine in self.playing if engine.over is None), self.engine)

    @property
    def playing(self) -> list[Engine]:
        """The engines that take steps now; the one in front comes first."""
        return [self.engine, self.other] if self.beside and self.other else [self.engine]

    @property
    def pair(self) -> list[Engine]:
        """The engine in front and its counterpart, if there is one, the real game first."""
        both = [self.engine, self.other] if self.other else [self.engine]
        return sorted(both, key=lambda engine: engine.temperature is not None)

    @property
    def _running(self) -> bool:
        """Whether nothing that is played is over."""
        return all(engine.over is None for engine in self.playing)

    @property
    def finished(self) -> bool:
        """Whether nothing that is played takes steps any more."""
        if self.together:
            return not self._running
        return all(engine.over is not None for engine in self.playing)

    @property
    def dream(self) -> Engine | None:
        """The dream that is being played, if one is."""
        return next((engine for engine in self.playing if engine.temperature is not None), None)

    @property
    def to_dream(self) -> str:
        """How one gets from a game to its dream, a sentence after another; "" where that has none."""
        return f" {shown(Command.SWITCH)} switches to the dream." if self.has_partner() else ""

    @property
    def inspected(self) -> Engine | None:
        """The first engine that lets itself be looked into; None: none does."""
        return next((e for e in self.playing if hasattr(e.env.unwrapped, "internals")), None)

    @property
    def compared(self) -> bool:
        """Whether what is on screen of both belongs to the same step."""
        return self.beside and (self.together or self._running)

    @property
    def part(self) -> float:
        """How much of the running tick has passed, 0..1: where things are drawn between two cells."""
        return min(1.0, self._since * self.engine.rate)

    def death(self, engine: Engine) -> float | None:
        """How far Pac-Man has vanished, 0..1, after he was caught; None while he is whole."""
        if "eaten" not in engine.events or self.part < 1.0:
            return None
        if engine is self.engine and self._hold > 0:
            whole = PAUSES["eaten"] - CAUGHT
            return None if self._hold > whole else 1.0 - self._hold / whole
        return 1.0

    @property
    def ready(self) -> bool:
        """Whether a game, a life or a level is about to begin."""
        if self.finished:
            return False
        return self.waiting or (self._hold > 0 and not any(event in self.engine.events for event in PAUSES))

    @property
    def replaying(self) -> bool:
        """Whether the last second is being shown again."""
        return self.finished and BEAT <= self._ended < BEAT + self._replay

    @property
    def _replay(self) -> float:
        """Seconds that the replay takes; an end by the step limit has none."""
        ends = [engine for engine in self.playing if engine.over and "timeout" not in engine.happened]
        return max((engine.reel.seconds for engine in self.playing), default=0.0) if ends else 0.0

    def replay(self, engine: Engine) -> tuple[Shot, float] | None:
        """The step of the last second that is shown again now, and how much of it has passed, 0..1."""
        return engine.reel.at(self._ended - BEAT) if self.replaying else None

    def skip(self) -> None:
        """No more of the replay."""
        if self.replaying:
            self._ended = BEAT + self._replay

    def tells_end(self, engine: Engine) -> bool:
        """Whether to say now how it ended: first the last move, the catch and the replay are seen."""
        if engine.over is None or (engine is self.engine and self._hold > 0):
            return False
        if not self.finished:
            return self.part >= 1.0 or engine.waited > 0
        replay = self._replay
        return self.part >= 1.0 and (not replay or self._ended >= BEAT + replay)

    @property
    def rest(self) -> float | None:
        """How much of the wait for the next episode is over, 0..1; None where it waits for a person."""
        return min(1.0, self._rest / REST) if self.driver == "controller" else None

    def press(self, move: int, key: int | None = None) -> None:
        """A person presses a direction: it steers, ends a replay, or asks for the next game after an end."""
        if not self.finished:
            self.steering.press(move, key)
        elif self.replaying:
            self.skip()
        elif self._rest >= SEEN:
            self.restart()

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
        if self.finished:
            self._rest_after_end(seconds)
            return
        if self.waiting and not self._begins():
            return
        if self.steering.stands and self.driver == "human":
            return
        tick = 1.0 / self.engine.rate
        self._since += min(seconds, 2 * tick)
        # A press after a rest does not wait for the whole tick: the game answers at once.
        early = self.steering.waiting and self._idle and self._since >= 0.5 * tick
        while self._since >= tick or early:
            self._since = 0.0 if early else self._since - tick
            early = False
            self.tick()
            if self._hold > 0 or self.finished:
                break

    def _begins(self) -> bool:
        """Whether someone makes the first move now; it is answered at once."""
        if not (self.overridden or self.driver == "controller"):
            return False
        self._since = 1.0 / self.engine.rate
        return True

    def _rest_after_end(self, seconds: float) -> None:
        """First the replay; where nobody plays, the next episode begins by itself some time after it."""
        self._since += seconds
        if self.part < 1.0:
            return
        self._ended += seconds
        if all(self.tells_end(engine) for engine in self.playing if engine.over):
            self._rest += seconds
        if self.rest == 1.0:
            self.restart()

    _idle = True

    def tick(self) -> None:
        """One step of everything that is played, with one action."""
        self.waiting = False
        driver, advice = self.driver, self.leader.advice
        action = self.steering.action() if driver == "human" or advice is None else advice
        self._idle = action == STAY
        was, running = self.engine.events, self.engine.over is None
        both = self._running
        for engine in self.playing:
            engine.step(action, driver)
            if self.endless:
                engine.go_on()
        self._rest = self._ended = 0.0
        if both and self.divergence is not None:
            real, dream = self.playing
            self.divergence.look(real.frame, dream.frame, action)
        if not running:
            return
        if self.engine.over is None and ("eaten" in was or "level" in was):
            self._hold = READY
        stops = [seconds for event, seconds in PAUSES.items() if event in self.engine.events]
        self._hold = max(stops, default=self._hold)
        self.on_step(self.engine)

    def toggle_endless(self) -> None:
        """Dreams go on after an end, or they stop there again; one that has just ended goes on."""
        self.endless = not self.endless
        revived = [engine for engine in self.playing if self.endless and engine.go_on()]
        if revived:
            self._resume()
            self.waiting = True

    def step_once(self) -> None:
        """One tick by hand; pauses if it ran."""
        self.paused = True
        if not self.finished:
            self.tick()
        self._release()

    def restart(self) -> None:
        """A new episode; side by side the dream begins where the game does."""
        first, *dreams = self.playing
        first.reset()
        for dream in dreams:
            dream.follow(first)
            self.divergence = self._compare(first, dream)
        self._begin()

    def switch(self) -> bool:
        """Bring the other engine to the front.

        A dream goes on from the game's last frames; the game comes back as it was left.

        Returns:
            False if the dream could not take over the game's frames and began by itself.
        """
        if self.other is None:
            return True
        self.divergence = None
        fits = True
        back, front = self.engine, self.other
        if front.temperature is not None and back.temperature is None:
            fits = front.follow(back)
        elif not front.started:
            front.reset()
        self.engine, self.other = front, back
        self._begin()
        self.steering.latched = front.title.latched
        self.steering.keys = front.keys
        self.share_controller()
        return fits

    def toggle_beside(self) -> bool:
        """Side by side from the same moment, or only the one in front; returns False as `switch` does."""
        if self.beside or self.other is None:
            self.divergence = None
            return True
        real, dream = self.pair
        if not real.started or real.over:
            real.reset()
        fits = dream.follow(real)
        real.history.clear()  # neither goes back to before they met
        real.keeps_past = True
        self.engine, self.other, self.divergence = real, dream, self._compare(real, dream)
        for engine in (real, dream):  # their clips begin at the same moment
            engine.clip.clear()
            engine.clip.append(engine.frame)
        self._begin()
        self.share_controller()
        return fits

    def go_on(self) -> bool:
        """Side by side: dream again from the game as it is now; if the game is over, the dream goes on alone.

        Returns:
            False if neither can be, as both are over or only one is played.
        """
        if not self.beside:
            return False
        real, dream = self.playing
        if real.over is None:
            dream.follow(real)
            real.history.clear()
            self.divergence = self._compare(real, dream)
        elif dream.over is None:
            self.together = False
        else:
            return False
        self._resume()
        return True

    @staticmethod
    def _compare(real: Engine, dream: Engine) -> Divergence:
        """The comparison of two that stand at the same moment."""
        scrolls = real.ego and real.frame.shape == dream.frame.shape
        return Divergence(real.grid, real.trail, scrolls)

    def toggle_driver(self) -> bool:
        """Controller or person; the episode goes on. Returns False if there is no controller to drive."""
        if not self.watching and self.leader.advice is None:
            return False
        self.watching = not self.watching
        return True

    @property
    def temperature(self) -> float | None:
        """Of the dream that is being played; None while none is."""
        return None if self.dream is None else self.dream.temperature

    def set_temperature(self, value: float) -> None:
        """Make the dream that is played, if one is, surer (cold) or wilder (warm)."""
        if self.dream is not None:
            self.dream.temperature = value

    def turn_temperature(self, rungs: int | None) -> float | None:
        """So many rungs up or down; None: back to neutral. Returns the new value, None where no dream is."""
        now = self.temperature
        if now is not None:
            self.set_temperature(temperature.NEUTRAL if rungs is None else temperature.turned(now, rungs))
        return self.temperature

    def close(self) -> None:
        for engine in self.pair:
            engine.env.close()

    def share_controller(self, lender: Engine | None = None) -> None:
        """The real game can be driven by the controller of its dream, if their pictures are of one size.

        Args:
            lender: another dream whose controller it is; None: the one that is the other side.
        """
        if self.other is None:
            return
        real, dream = self.pair
        dream = lender or dream
        fits = real.started and dream.started and real.frame.shape == dream.frame.shape
        if fits and real.temperature is None and real.pilot is None:
            real.board(pilot_of(dream.env))

    @property
    def can_rewind(self) -> bool:
        """Whether time can run backwards: in a dream, and in a game together with its dream."""
        return self.dream is not None and all(engine.can_rewind for engine in self.playing)

    def _rewind(self, seconds: float) -> bool:
        """Run backwards at twice the speed, both sides together; False where that cannot be."""
        if not self.can_rewind:
            return False
        self._since += seconds
        if self._since < 0.5 / self.engine.rate:
            return True
        self._since = self._rest = self._ended = self._hold = 0.0
        if all(engine.goes_back for engine in self.playing):
            for engine in self.playing:
                engine.rewind()
            if self.divergence is not None and self._running:
                self.divergence.back()
        return True

    def _begin(self) -> None:
        """What is played stands at a moment of its own, and waits for a first move."""
        self._resume()
        self.waiting = self.together = True
        self.steering.clear()

    def _resume(self) -> None:
        """The clock runs on, and nothing has ended."""
        self._release()
        self._rest = self._ended = 0.0

    def _release(self) -> None:
        """The clock runs on after it stood still."""
        self._hold = 0.0
        self._since = 1.0 / self.engine.rate
