"""The two sides of a session, a game and its dream: which is in front, and both under the same keys."""

from gamesim.app.game import temperature
from gamesim.app.game.divergence import Divergence
from gamesim.app.game.pilot import pilot_of
from gamesim.app.game.play import Engine


class Sides:
    """What is played: one engine, or two side by side. It has no clock; that is the session's.

    Args:
        engine: what is played first.

    Attributes:
        engine: the one in front.
        other: its counterpart (dream of the game, game of the dream) once that is open.
        divergence: how the two differ since they were put side by side; None while they are not.
        together: whether both stop as soon as one is over, or else the other goes on.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.other: Engine | None = None
        self.divergence: Divergence | None = None
        self.together = True

    def _begin(self) -> None:
        """Called after a change of what is played: the clock begins at a new moment."""

    def _resume(self) -> None:
        """Called when play goes on after an end."""

    @property
    def beside(self) -> bool:
        """Whether both are played under the same keys."""
        return self.divergence is not None

    @property
    def leader(self) -> Engine:
        """The engine whose controller may drive: the first that is not over."""
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
        """Whether all that is played goes on."""
        return all(engine.over is None for engine in self.playing)

    @property
    def dream(self) -> Engine | None:
        """The dream that is being played, if one is."""
        return next((engine for engine in self.playing if engine.temperature is not None), None)

    @property
    def inspected(self) -> Engine | None:
        """The first engine whose internals can be seen; None if there is none."""
        return next((e for e in self.playing if hasattr(e.env.unwrapped, "internals")), None)

    @property
    def compared(self) -> bool:
        """Whether both frames on screen belong to the same step."""
        return self.beside and (self.together or self._running)

    def switch(self) -> bool:
        """Bring the other engine to the front.

        A dream goes on from the game's last frames; a game comes back as the player left it.

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
        self.engine, self.other, self.divergence = real, dream, self._compare(real, dream)
        for engine in (real, dream):  # their clips begin at the same moment
            engine.clip.clear()
            engine.clip.append(engine.frame)
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
    def _compare(real: Engine, dream: Engine) -> Divergence:
        """A comparison that begins now, with both at the same moment."""
        scrolls = real.ego and real.frame.shape == dream.frame.shape
        return Divergence(real.grid, real.trail, scrolls)

    @property
    def temperature(self) -> float | None:
        """The temperature of the dream that is being played; None if there is none."""
        return None if self.dream is None else self.dream.temperature

    def set_temperature(self, value: float) -> None:
        """Make the dream that is being played, if there is one, surer (cold) or wilder (warm)."""
        if self.dream is not None:
            self.dream.temperature = value

    def turn_temperature(self, rungs: int | None) -> float | None:
        """Go some rungs up or down, None: back to neutral. Returns the new value, None without a dream."""
        now = self.temperature
        if now is not None:
            self.set_temperature(temperature.NEUTRAL if rungs is None else temperature.turned(now, rungs))
        return self.temperature

    def close(self) -> None:
        for engine in self.pair:
            engine.env.close()

    def share_controller(self, lender: Engine | None = None) -> None:
        """Let the controller of a dream drive the real game, if their pictures have the same size.

        Args:
            lender: the dream with the controller; None: the dream on the other side.
        """
        if self.other is None:
            return
        real, dream = self.pair
        dream = lender or dream
        fits = real.started and dream.started and real.frame.shape == dream.frame.shape
        if fits and real.temperature is None and real.pilot is None:
            real.board(pilot_of(dream.env))
