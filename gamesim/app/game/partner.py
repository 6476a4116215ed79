"""The other side of what is played: a game's dream, or a dream's game, and the driver that a dream lends."""

from collections.abc import Callable

import gymnasium as gym

from gamesim.app.controls import Command, shown
from gamesim.app.game.session import Session
from gamesim.app.game.takes import Takes
from gamesim.app.game.world import World
from gamesim.app.library import catalog
from gamesim.app.library.catalog import Title
from gamesim.app.navigation import Navigator

NO_DREAM = "There is no dream of this game yet. Record it, then train one."
NO_DRIVER = "No AI driver here. Only World Model dreams come with one."
OTHER_KEYS = "This dream was learned with other keys than these."
NO_MODEL = "This game has no dream. It shows its whole board; the models here learn views that scroll."


def no_partner(title: Title) -> str:
    """Why the player cannot switch from a game to its dream, or from a dream to its game."""
    if not title.learned:
        return NO_DREAM if title.scrolls else NO_MODEL
    if title.recipe is None:
        return "The card of this dream does not say which game it learned."
    added = " Add it to the menu first." if ":" in title.recipe.env_id else ""
    return f"This dream was learned from {title.recipe.env_id}, which is not installed here.{added}"


class Partner:
    """Finds and loads the other side, switches to it, puts it beside, and lends its driver."""

    def __init__(
        self,
        window: Navigator,
        session: Session,
        takes: Takes,
        guard: Callable[[Callable[[], object]], None],
        changes: Callable[[], None],
    ) -> None:
        """Offer the other side of what a session plays; what is recorded ends when the side changes.

        `guard` calls what may fail in play, and `changes` is called when the side is about to change.
        """
        self.window, self.kit, self.session, self.takes = window, window.kit, session, takes
        self._guard, self._changes = guard, changes

    # the two sides ---------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Load a game's dream in the background: torch alone takes seconds, and Tab should not wait."""
        title = self.session.world.title
        if not title.learned and (dream := catalog.partner(title, self.kit.workshop.offered())):
            self.kit.ahead.prepare(dream, self.kit.device)

    def switch(self) -> None:
        """Go on with the other side."""
        self._opened(self._switch)

    def put_beside(self) -> None:
        """Show both sides beside each other, or one again."""
        self._opened(self._put_beside)

    def go_on(self) -> None:
        """Dream again from the real game as it is now, or let the dream go on alone."""
        if not self.session.beside:
            self.window.say(f"Side by side only. Press {shown(Command.BESIDE)} first.")
        elif not self.session.go_on():
            self.window.say(f"Both are over. {shown(Command.RESET)} starts again.")
        elif self.session.together:
            self.window.say("The dream starts again from the real game.")
        else:
            self.window.say("The real game is over. The dream goes on alone.")

    def _switch(self) -> None:
        self._changes()
        self.takes.stop(self.session.world)
        fits = self.session.switch()
        self.kit.sound.play("switch")
        self._tell(fits)

    def _put_beside(self) -> None:
        self._changes()
        if not self.session.beside:
            self.takes.stop(self.session.world)
        self._tell(self.session.toggle_beside())

    def _tell(self, fits: bool) -> None:
        if not fits:
            self.window.say("This dream was trained on a different game, so it starts on a board of its own.")

    def _opened(self, then: Callable[[], None]) -> None:
        """Call `then` once the other side is open; the first call finds and loads it."""
        if self.session.other is not None:
            then()
            return
        world = self.session.world
        title = catalog.partner(world.title, self.kit.workshop.offered())
        if title is None:
            self.window.say(no_partner(world.title))
            return
        self._open(title, lambda _: then())

    def _open(self, title: Title, then: Callable[[World], None]) -> None:
        """Load the other side, and call `then` with it."""

        def opened(world: World) -> None:
            other = self.session.other = self.takes.wrap(world)
            self._guard(lambda: then(other))

        self._load(title, opened)

    def _load(self, title: Title, then: Callable[[World], None]) -> None:
        """Load a title, and call `then` with it if an action means the same there as here."""

        def loaded(env: gym.Env) -> None:
            here, there = self.session.world, World(title, env)
            if here.words and there.words and here.words != there.words:
                env.close()
                self.window.say(OTHER_KEYS)
            else:
                then(there)

        self.window.load(title, loaded)

    # the driver ------------------------------------------------------------------------------------------

    def change_driver(self) -> None:
        """Change between the controller and the person; a real game borrows the controller of a dream."""
        if self._turn_driver():
            return
        title = None
        if not self.session.world.title.learned:
            title = catalog.chauffeur(self.session.world.title, self.kit.workshop.shipped())
        if title is None:
            self.window.say(NO_DRIVER)
            return

        def drive(dream: World) -> None:
            dream.reset()
            self.session.share_controller(dream)
            if not self._turn_driver():
                self.window.say(NO_DRIVER)

        def lent(dream: World) -> None:  # the dream that is open already stays the other side
            drive(dream)
            dream.env.close()

        if self.session.other is None:
            self._open(title, drive)
        else:
            self._load(title, lent)

    def _turn_driver(self) -> bool:
        """Let the controller or the person drive, and say who; returns False if there is no controller."""
        if not self.session.toggle_driver():
            return False
        words = "The AI drives. Hold an arrow key to take over for a while."
        mine = f"You drive. {shown(Command.DRIVER)} lets the AI drive again."
        self.window.say(words if self.session.watching else mine)
        return True
