"""The two sides of a session, a game and its dream: which is in front, and what is true of both."""

from gamesim.app.game import temperature
from gamesim.app.game.divergence import Divergence
from gamesim.app.game.pilot import pilot_of
from gamesim.app.game.play import Engine


class Sides:
    """What is played: one engine, or two side by side. The session changes which.

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
        return next((engine for engine in self.playing if engine.temperature is not None), None)

    @property
    def inspected(self) -> Engine | None:
        """The first engine whose internals can be seen; None if there is none."""
        return next((e for e in self.playing if hasattr(e.env.unwrapped, "internals")), None)

    @property
    def compared(self) -> bool:
        """Whether both frames on screen belong to the same step."""
        return self.beside and (self.together or self._running)

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

        The dream is that of the lender, or else the one on the other side.
        """
        if self.other is None:
            return
        real, dream = self.pair
        dream = lender or dream
        fits = real.started and dream.started and real.frame.shape == dream.frame.shape
        if fits and real.temperature is None and real.pilot is None:
            real.board(pilot_of(dream.env))
