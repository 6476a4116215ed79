"""The two sides of a session, a game and its dream: which is in front, and what is true of both."""

from gamesim.app.game import temperature
from gamesim.app.game.divergence import Divergence
from gamesim.app.game.pilot import pilot_of
from gamesim.app.game.world import World


class Sides:
    """What is played: one world, or two side by side. The session changes which.

    Attributes:
        world: the one in front.
        other: its counterpart (dream of the game, game of the dream) once that is open.
        divergence: how the two differ since they were put side by side; None while they are not.
        together: whether both stop as soon as one is over, or else the other goes on.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.other: World | None = None
        self.divergence: Divergence | None = None
        self.together = True

    @property
    def beside(self) -> bool:
        """Whether both are played under the same keys."""
        return self.divergence is not None

    @property
    def leader(self) -> World:
        """The world whose controller may drive: the first that is not over."""
        return next((world for world in self.playing if world.over is None), self.world)

    @property
    def playing(self) -> list[World]:
        """The worlds that take steps now; the one in front comes first."""
        return [self.world, self.other] if self.beside and self.other else [self.world]

    @property
    def pair(self) -> list[World]:
        """The world in front and its counterpart, if there is one, the real game first."""
        both = [self.world, self.other] if self.other else [self.world]
        return sorted(both, key=lambda world: world.temperature is not None)

    @property
    def _running(self) -> bool:
        """Whether all that is played goes on."""
        return all(world.over is None for world in self.playing)

    @property
    def dream(self) -> World | None:
        return next((world for world in self.playing if world.temperature is not None), None)

    @property
    def inspected(self) -> World | None:
        """The first world whose internals can be seen; None if there is none."""
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
        for world in self.pair:
            world.env.close()

    def share_controller(self, lender: World | None = None) -> None:
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
