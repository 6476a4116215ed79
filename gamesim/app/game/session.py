"""A session of play without a window: the clock, who plays, the end and its replay, rewinding."""

from collections.abc import Callable

from gamesim.app.controls import STAY, Command, Steering, shown
from gamesim.app.game.divergence import Divergence
from gamesim.app.game.history import Shot
from gamesim.app.game.sides import Sides
from gamesim.app.game.world import World

PAUSES = {"eaten": 1.5, "level": 2.4, "ghost": 0.5, "fruit": 0.5}
"""Seconds for which the clock stands still after an event."""
CAUGHT = 0.4  # seconds of the pause after a catch in which nothing moves at all
READY = 1.5  # seconds before a new life or level
BEAT = 0.5  # seconds from an end to its replay
SEEN = 0.6  # seconds for which the end stays on screen before a direction starts the next game
REST = 6.0  # seconds before the next game begins by itself, if nobody plays


class Session(Sides):
    """The clock of one play screen: turns time and keys into steps of one world, or of two side by side.

    Nothing moves before the first move of a person or a controller, neither at the start nor after an end.
    `on_step` is called with the world in front after each step that it made.

    Attributes:
        watching: whether a controller drives, if there is one; holding a direction overrides it.
        waiting: whether the clock waits for the first move; a controller makes it at once.
        endless: whether dreams go on after an end.
        paused, rewinding: whether the clock stands still, or runs backwards.
        steering: the directions that a person presses.
        has_partner: tells whether there is another side to go to.
    """

    def __init__(self, world: World, on_step: Callable[[World], None] | None = None) -> None:
        super().__init__(world)
        self.watching = False
        self.waiting = True
        self.endless = False
        self.paused = False
        self.rewinding = False
        self.steering = Steering(world.title.latched)
        self.steering.keys = world.keys
        self.has_partner: Callable[[], bool] = lambda: True
        self.on_step = on_step or (lambda world: None)
        self._since = 0.0  # seconds since the last tick
        self._hold = 0.0  # seconds for which the clock still stands
        self._ended = 0.0  # seconds since the last move before the end was shown
        self._rest = 0.0  # seconds since the screen says how it ended
        if not world.started:
            world.reset()

    @property
    def overridden(self) -> bool:
        """Whether a person holds a direction, or has tapped one that no tick has used yet."""
        return bool(self.steering.held or self.steering.waiting)

    @property
    def driver(self) -> str:
        """Who chooses the next action, in the words of recordings: "human" or "controller"."""
        driven = self.watching and self.leader.advice is not None and not self.overridden
        return "controller" if driven else "human"

    @property
    def finished(self) -> bool:
        """Whether play has ended: with the first end if `together`, else when all are over."""
        if self.together:
            return not self._running
        return all(world.over is not None for world in self.playing)

    @property
    def to_dream(self) -> str:
        """A sentence, with a space before it, on how to get to the dream; "" if there is none."""
        return f" {shown(Command.SWITCH)} switches to the dream." if self.has_partner() else ""

    @property
    def part(self) -> float:
        """How much of the running tick has passed, 0..1: where things are drawn between two cells."""
        return min(1.0, self._since * self.world.rate)

    def death(self, world: World) -> float | None:
        """How far Pac-Man has vanished, 0..1, after he was caught; None while he is whole."""
        if "eaten" not in world.events or self.part < 1.0:
            return None
        if world is self.world and self._hold > 0:
            whole = PAUSES["eaten"] - CAUGHT
            return None if self._hold > whole else 1.0 - self._hold / whole
        return 1.0

    @property
    def ready(self) -> bool:
        """Whether a game, a life or a level is about to begin."""
        if self.finished:
            return False
        return self.waiting or (self._hold > 0 and not any(event in self.world.events for event in PAUSES))

    @property
    def replaying(self) -> bool:
        """Whether the last second is being shown again."""
        return self.finished and BEAT <= self._ended < BEAT + self._replay

    @property
    def _replay(self) -> float:
        """Seconds that the replay takes; 0 after an end by the step limit, which has no replay."""
        ends = [world for world in self.playing if world.over and "timeout" not in world.happened]
        return max((world.reel.seconds for world in self.playing), default=0.0) if ends else 0.0

    def replay(self, world: World) -> tuple[Shot, float] | None:
        """The step that the replay shows now, and how much of it has passed, 0..1; None without a replay."""
        return world.reel.at(self._ended - BEAT) if self.replaying else None

    def skip(self) -> None:
        if self.replaying:
            self._ended = BEAT + self._replay

    def tells_end(self, world: World) -> bool:
        """Whether to say now how it ended: the last move, the catch and the replay come first."""
        if world.over is None or (world is self.world and self._hold > 0):
            return False
        if not self.finished:
            return self.part >= 1.0 or world.waited > 0
        replay = self._replay
        return self.part >= 1.0 and (not replay or self._ended >= BEAT + replay)

    @property
    def rest(self) -> float | None:
        """How much of the wait for the next episode is over, 0..1; None if it waits for a person."""
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
            if self.part < 1.0:  # the last move is shown to its end first
                self._since += seconds
            else:
                self._hold -= seconds
            return
        if self.finished:
            self._rest_after_end(seconds)
            return
        if self.waiting and not self._begins():
            return
        if self.steering.stands and self.driver == "human":
            return
        tick = 1.0 / self.world.rate
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
        """Whether somebody makes the first move now; the game answers at once."""
        if not (self.overridden or self.driver == "controller"):
            return False
        self._since = 1.0 / self.world.rate
        return True

    def _rest_after_end(self, seconds: float) -> None:
        """First the replay; if nobody plays, the next episode then begins by itself."""
        self._since += seconds
        if self.part < 1.0:
            return
        self._ended += seconds
        if all(self.tells_end(world) for world in self.playing if world.over):
            self._rest += seconds
        if self.rest == 1.0:
            self.restart()

    _idle = True

    def tick(self) -> None:
        """Make one step in everything that is played, with the same action."""
        self.waiting = False
        driver, advice = self.driver, self.leader.advice
        action = self.steering.action() if driver == "human" or advice is None else advice
        self._idle = action == STAY
        was, running = self.world.events, self.world.over is None
        both = self._running
        for world in self.playing:
            world.step(action, driver)
            if self.endless:
                world.go_on()
        self._rest = self._ended = 0.0
        if both and self.divergence is not None:
            real, dream = self.playing
            self.divergence.look(real.frame, dream.frame, action)
        if not running:
            return
        if self.world.over is None and ("eaten" in was or "level" in was):
            self._hold = READY
        stops = [seconds for event, seconds in PAUSES.items() if event in self.world.events]
        self._hold = max(stops, default=self._hold)
        self.on_step(self.world)

    def toggle_endless(self) -> None:
        """Let dreams go on after an end, or stop there again; a dream that has just ended goes on."""
        self.endless = not self.endless
        if [world for world in self.playing if self.endless and world.go_on()]:
            self._resume()
            self.waiting = True

    def step_once(self) -> None:
        """Pause, and make one tick by hand."""
        self.paused = True
        if not self.finished:
            self.tick()
        self._release()

    def restart(self) -> None:
        """Begin a new episode; side by side, the dream begins where the game does."""
        first, *dreams = self.playing
        first.reset()
        for dream in dreams:
            dream.follow(first)
            self.divergence = self._compare(first, dream)
        self._begin()

    def switch(self) -> bool:
        """Bring the other world to the front.

        A dream goes on from the game's last frames; a game comes back as the player left it.

        Returns:
            False if the dream could not take over the game's frames and began by itself.
        """
        if self.other is None:
            return True
        self.divergence = None
        fits = True
        back, front = self.world, self.other
        if front.temperature is not None and back.temperature is None:
            fits = front.follow(back)
        elif not front.started:
            front.reset()
        self.world, self.other = front, back
        self._begin()
        self.share_controller()
        return fits

    def toggle_beside(self) -> bool:
        """Put both side by side at the same moment, or show one again; returns False as `switch` does."""
        if self.beside or self.other is None:
            self.divergence = None
            return True
        real, dream = self.pair
        if not real.started or real.over:
            real.reset()
        fits = dream.follow(real)
        real.history.clear()  # neither goes back to before they met
        real.keeps_past = True
        self.world, self.other, self.divergence = real, dream, self._compare(real, dream)
        for world in (real, dream):  # their clips begin at the same moment
            world.clip.clear()
            world.clip.append(world.frame)
        self._begin()
        self.share_controller()
        return fits

    def go_on(self) -> bool:
        """Side by side, dream again from the game as it is now; if the game is over, the dream goes on alone.

        Returns:
            False if both are over, or only one is played.
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
    def _compare(real: World, dream: World) -> Divergence:
        """A comparison that begins now, with both at the same moment."""
        scrolls = real.ego and real.frame.shape == dream.frame.shape
        return Divergence(real.grid, real.trail, scrolls)

    def toggle_driver(self) -> bool:
        """Change between controller and person; the episode goes on. False if there is no controller."""
        if not self.watching and self.leader.advice is None:
            return False
        self.watching = not self.watching
        return True

    @property
    def can_rewind(self) -> bool:
        """Whether time can run backwards: in a dream, and in a game beside its dream."""
        return self.dream is not None and all(world.can_rewind for world in self.playing)

    def _rewind(self, seconds: float) -> bool:
        """Run backwards at twice the speed, both sides together; False if that is impossible."""
        if not self.can_rewind:
            return False
        self._since += seconds
        if self._since < 0.5 / self.world.rate:
            return True
        self._since = self._rest = self._ended = self._hold = 0.0
        if all(world.goes_back for world in self.playing):
            for world in self.playing:
                world.rewind()
            if self.divergence is not None and self._running:
                self.divergence.back()
        return True

    def _begin(self) -> None:
        """Start the clock at a new moment, and wait for a first move."""
        self._resume()
        self.waiting = self.together = True
        self.steering.clear()
        self.steering.latched, self.steering.keys = self.world.title.latched, self.world.keys

    def _resume(self) -> None:
        """Let the clock run on after an end."""
        self._release()
        self._rest = self._ended = 0.0

    def _release(self) -> None:
        """Let the clock run on after a pause in play."""
        self._hold = 0.0
        self._since = 1.0 / self.world.rate
