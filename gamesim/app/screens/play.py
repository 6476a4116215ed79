"""The play screen, the same for real games and dreams. It decides what the keys do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import pygame

from gamesim.app.action_keys import OURS
from gamesim.app.controls import DOWN, KEYMAP, LEFT, RIGHT, UP, Command, Hint, meaning, shown
from gamesim.app.game import hud
from gamesim.app.game.filmstrip import STAYS, Filmstrip
from gamesim.app.game.home_view import draw_verdict, draw_way
from gamesim.app.game.homecoming import WALK, Homecoming
from gamesim.app.game.partner import Partner
from gamesim.app.game.pilot import attack
from gamesim.app.game.reskin import Reskin
from gamesim.app.game.session import Session
from gamesim.app.game.side_panel import SidePanel
from gamesim.app.game.stage import Stage
from gamesim.app.game.swap import Swap
from gamesim.app.game.takes import Takes
from gamesim.app.game.tour import Tour
from gamesim.app.game.world import World
from gamesim.app.library.catalog import Title
from gamesim.app.navigation import SMOOTH, STILL, Navigator, Screen, bottom_area
from gamesim.app.screens.about import About, Story
from gamesim.app.theme import Scale
from gamesim.app.ui.keyed import Repeat
from gamesim.app.xray.view import XRay
from gamesim.errors import UserError
from gamesim.text import complaint

if TYPE_CHECKING:
    from gamesim.app.action_keys import ActionKeys

RUNGS = {Command.COOLER: -1, Command.WARMER: 1}
SOUNDS = ("level", "flag", "eaten", "timeout", "fruit", "ghost", "power", "food")
"""Events with a sound; if several happen at once, the first of these is heard."""


def open_title(window: Navigator, title: Title, **how: Any) -> None:
    """Load a game or a dream, and go to its play screen; `how` is for `Play`."""

    def opened(env: gym.Env) -> None:
        window.kit.workshop.use(title)
        window.go(Play(window, World(title, env), **how))

    window.load(title, opened)


class Play(Screen):
    """Keys in, frames out; what happens in the game is up to the session."""

    caption = "Play"

    def __init__(
        self,
        window: Navigator,
        world: World,
        *,
        watch: bool = False,
        walk: bool = False,
        tour: Tour | None = None,
    ) -> None:
        """Play `world`, which is not reset yet, or in the middle of an episode.

        Args:
            window: the window that shows it.
            world: what is played first.
            watch: let its controller play, if it has one.
            walk: every episode begins with the game of coming home, until the player gives it up.
            tour: guides a newcomer, a line at a time.
        """
        super().__init__(window)
        self.takes = Takes(window)
        self.session = Session(self.takes.wrap(world), self._after_step)
        self.partner = Partner(window, self.session, self.takes, self._guard, self._end_walk)
        self.swap, self.xray = Swap(window, self.session), XRay(self.session)
        self.reskin = Reskin(window)
        self.stage = Stage(self.kit, self.session, self.swap, self.reskin)
        self.panel = SidePanel(self.kit, self.session, self.swap, self.stage.doubt)
        self.session.has_partner = self.panel.has_partner
        self.film = Filmstrip()
        self.walk, self.tour = walk, tour
        self._film_left = 0.0  # seconds for which the film stays on screen
        self._turning = Repeat()
        self._sliding = False
        self._clicked: Command | None = None  # the key that the mouse holds down
        self.layout = hud.layout((0, 0), 1)  # as drawn last
        if watch:
            self.partner.change_driver()
        self.partner.prepare()

    @property
    def world(self) -> World:
        return self.session.world

    # keys ------------------------------------------------------------------------------------------------

    @property
    def game_keys(self) -> ActionKeys | None:
        return self.world.keys

    @property
    def own_keys(self) -> Sequence[int]:
        """Keys of commands that only our games have, if the game on screen uses them as buttons."""
        keys = self.world.keys
        free = (key for command in OURS for key in KEYMAP.keys(command))
        return [] if keys is None else [key for key in free if keys.button(key) is not None]

    def works(self) -> Sequence[Hint]:
        keys = self.world.keys
        moves = [(move, "") for move in (LEFT, RIGHT, UP, DOWN)] if keys is None else keys.legend
        return [*moves, *self.panel.hints()]

    def handle(self, event: pygame.event.Event) -> None:
        if self.xray.handle(event) or self._mouse(event):
            return
        steering = self.session.steering
        if event.type == pygame.KEYDOWN and (move := self._button(event.key)) is not None:
            self._guard(lambda: self.session.press(move, event.key))
        elif event.type in (pygame.KEYDOWN, pygame.MOUSEBUTTONDOWN):
            self.session.skip()
        elif event.type == pygame.KEYUP:
            steering.release(event.key)
            self.session.rewinding &= self.window.holds(Command.REWIND)
            self._turning.release(event.key)
        elif event.type == pygame.WINDOWFOCUSLOST:
            steering.clear()
            self.session.rewinding = self._sliding = False
            self._clicked = None
            self._turning.clear()

    def _button(self, key: int) -> int | None:
        """The direction, or the button of a game that is not ours, that a key presses."""
        keys = self.session.steering.keys
        asked = meaning(key) if keys is None else keys.button(key)
        return asked if isinstance(asked, int) else None

    def _mouse(self, event: pygame.event.Event) -> bool:
        """Move the temperature's slider, or press a key on screen; returns whether the event was for them."""
        if event.type == pygame.MOUSEWHEEL:
            if self.session.temperature is not None:
                self.session.turn_temperature(event.y)
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self._sliding = self.panel.temperature_at(event.pos) is not None
            self._clicked = None if self._sliding else self.panel.key_at(event.pos)
            self._slide(event.pos)
            if self._clicked is not None:
                pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=KEYMAP.virtual(self._clicked)))
        elif event.type == pygame.MOUSEMOTION:
            self._slide(event.pos)
        elif event.type == pygame.MOUSEBUTTONUP and event.button == 1:
            self._sliding = False
            if self._clicked is not None:
                pygame.event.post(pygame.event.Event(pygame.KEYUP, key=KEYMAP.virtual(self._clicked)))
            self._clicked = None
        else:
            return False
        return True

    def _slide(self, place: tuple[int, int]) -> None:
        value = self.panel.temperature_at(place, held=True) if self._sliding else None
        if value is not None:
            self.session.set_temperature(value)

    def command(self, command: Command) -> None:
        self.session.skip()
        act = {
            Command.RESET: self._reset,
            Command.PAUSE: self._pause,
            Command.STEP: self.session.step_once,
            Command.SWITCH: self.partner.switch,
            Command.BESIDE: self.partner.put_beside,
            Command.AGAIN: self.partner.go_on,
            Command.COOLER: lambda: self._turn(Command.COOLER),
            Command.WARMER: lambda: self._turn(Command.WARMER),
            Command.NEUTRAL: lambda: self._turn(Command.NEUTRAL),
            Command.DRIVER: self.partner.change_driver,
            Command.ENDLESS: self._go_on_after_ends,
            Command.HOME: self._go_home,
            Command.XRAY: self.xray.toggle,
            Command.LOOK: lambda: self.kit.toggle_look(self.panel.has_looks),
            Command.DOUBT: self._ask_doubt,
            Command.ABOUT: lambda: self.window.go(
                About(self.window, self.session.dream or self.world, self.update)
            ),
            Command.STORY: lambda: self.window.go(Story(self.window)),
            Command.LAYERS: self.swap.turn,
            Command.RESKIN: lambda: self.reskin.toggle(self.world),
            Command.ATTACK: lambda: self.window.say(attack(self.world)),
            Command.RECORD: lambda: self.takes.toggle(self.world),
            Command.REWIND: self._rewind,
            Command.GIF: lambda: self.takes.save_clip(self.session.playing),
        }.get(command)
        if act is None:
            super().command(command)
        else:
            self._guard(act)

    def _guard(self, act: Callable[[], object]) -> None:
        """Call `act`; if it meets a broken world or a full disk, the window shows a message."""
        try:
            act()
        except UserError as error:
            self.window.say(str(error), bad=True)
        except Exception as error:  # a world that fails in play: the player goes on in the menu
            self.window.say(f"{self.world.title.name} stopped: {complaint(error)}", bad=True)
            if self.window.screen is self:
                self.window.back()

    def _reset(self) -> None:
        self._end_walk()
        self.session.restart()
        self.session.paused = False

    def _pause(self) -> None:
        self.session.paused = not self.session.paused

    def _turn(self, command: Command) -> None:
        """Colder, warmer or back to neutral; a held key repeats."""
        rungs = RUNGS.get(command)
        if self.session.turn_temperature(rungs) is None:
            self.window.say(f"Only a dream has a temperature.{self.session.to_dream}")
        elif rungs is not None:
            self._turning.press(command)

    def _go_on_after_ends(self) -> None:
        """Dreams ignore their ends from now on, or stop there; remembered as a setting."""
        if self.panel.home is not None:
            self.window.say("On the way home dreams go on after an end anyway.")
            return
        self.session.endless = self.kit.settings.endless_dreams
        self.session.toggle_endless()
        self.kit.settings.endless_dreams = self.session.endless
        self.kit.keep_settings()
        on = "Dreams go on after an end, as if nothing had happened."
        self.window.say(on if self.session.endless else "Dreams stop at an end again.")

    def _ask_doubt(self) -> None:
        """Show how sure the dream is of each cell, or stop showing it."""
        doubt, dream = self.stage.doubt, self.session.dream
        if dream is None or not doubt.asks(dream):
            self.window.say(f"Only dreams can be unsure.{self.session.to_dream}")
            return
        doubt.on = not doubt.on
        on = "Shaded cells could have come out differently. They flicker between the likely alternatives."
        self.window.say(on if doubt.on else "Doubts are no longer shown")

    def _rewind(self) -> None:
        if not self.session.can_rewind:
            fixed = [world.title.name for world in self.session.playing if not world.can_rewind]
            only = "Only dreams can be rewound, or a game beside its dream."
            self.window.say(f"{fixed[0]} cannot go back." if self.session.dream and fixed else only)
        elif self.takes.words(self.world):
            self.window.say("You cannot rewind while you record.")
        else:
            self.session.rewinding = True
            self._film_left = STAYS

    # coming home -----------------------------------------------------------------------------------------

    def _go_home(self) -> None:
        """Begin a walk, give it up, or go on after its end."""
        if self.panel.home is not None:
            given_up = self.panel.home.verdict is None
            self.walk = self.walk and not given_up
            self._end_walk("You gave up coming home." if given_up else "")
        elif self.session.beside:
            self.window.say(f"Coming home works with one board. Press {shown(Command.BESIDE)} first.")
        elif self.world.over or not self.world.ego:
            self.walk = False
            self.window.say("Coming home needs a scrolling game that is running.")
        else:
            self.panel.home = Homecoming(self.world)
            self._advise(f"Remember this place. Walk {WALK} cells away, then come home.")

    def _end_walk(self, words: str = "") -> None:
        if self.panel.home is not None and words:
            self.window.say(words)
        self.panel.home = None
        self.session.steering.clear()

    def _follow_walk(self) -> None:
        home = self.panel.home
        if home is None:
            return
        was = home.returning
        home.look()
        if home.verdict is not None:
            self.kit.sound.play("flag")
        elif home.lost:
            self._end_walk("The game ended before you came home.")
        elif home.returning and not was:
            self._advise("Far enough. Now come home.")

    def _advise(self, words: str) -> None:
        """What to do next on a walk; the tour has its own line for it."""
        if self.tour is None:
            self.window.say(words)

    # time and drawing ------------------------------------------------------------------------------------

    @property
    def pace(self) -> int:
        still = self.session.paused and not self.session.rewinding and not self.xray.busy
        return STILL if still else SMOOTH

    def update(self, seconds: float) -> None:
        walking = self.panel.home is not None  # a flag on the way must not end the walk
        self.session.endless = self.kit.settings.endless_dreams or walking
        self.stage.clock += 0.0 if self.session.paused else seconds
        if self.walk and self.panel.home is None and not self.world.steps and not self.session.beside:
            self._go_home()
        if not self.session.rewinding and not self.session.paused:
            self._film_left = max(0.0, self._film_left - seconds)
        turned = self._turning.due(seconds)
        if isinstance(turned, Command):
            self.session.turn_temperature(RUNGS[turned])
        if self.panel.home is None or self.panel.home.verdict is None:
            self._guard(lambda: self.session.update(seconds))
        self._guard(self._look_inside)
        self.takes.update(self.world)
        if self.tour is not None:
            self.tour.follow(self.session, self.panel.home)
            self.tour = None if self.tour.left else self.tour
            self.panel.few = self.tour.keys if self.tour else None

    def _look_inside(self) -> None:
        self.stage.doubt.follow(self.session.dream)
        self.swap.follow()
        self.reskin.follow()
        self.xray.follow()
        if self.xray.problem:
            self.window.say(self.xray.problem, bad=True)
            self.xray.problem = None

    def _after_step(self, world: World) -> None:
        self._follow_walk()
        heard = next((name for name in SOUNDS if name in world.happened), None)
        if heard:
            self.kit.sound.play(heard)
        if world.over and world.title.latched and world.now is not None:
            beaten = self.kit.scores.best(world.title.game_id) > 0
            if self.kit.scores.add(world.title.game_id, world.score) and beaten:
                self.window.say(f"A new high score: {world.score:,.0f}")
            if self.kit.scores.problem:
                self.window.say(self.kit.scores.problem, bad=True)

    def draw(self, surface: pygame.Surface) -> None:
        size = surface.get_size()
        scale = Scale.of(size)
        worlds = self.session.playing
        self.layout = self.xray.layout(size, len(worlds))
        self.stage.covered = self.tour.height(self.layout.boards[0], scale) if self.tour else 0
        for rect, world in zip(self.layout.boards, worlds, strict=True):
            self.stage.draw(surface, rect, world, scale, named=len(worlds) > 1)
        self.panel.draw(surface, self.layout, scale)
        self.xray.draw(surface, scale)
        dream = self.session.dream
        if dream is not None and self.filmed:
            self.film.draw(surface, self.film.place(size, scale), dream, scale)
        if self.tour is not None:
            self.tour.draw(surface, self.layout.boards[0], scale)
        self._draw_walk(surface, self.layout.boards[0], scale)

    @property
    def filmed(self) -> bool:
        """Whether the dream's film covers the lower edge: during a rewind, and for a moment after it."""
        dream = self.session.dream
        return dream is not None and dream.history.branched and self._film_left > 0

    def _draw_walk(self, surface: pygame.Surface, board: pygame.Rect, scale: Scale) -> None:
        home = self.panel.home
        if home is not None and home.verdict is not None:
            draw_verdict(surface, board, home.verdict, scale, self.tour.words if self.tour else "")
        elif home is not None:
            part = self.session.part if self.stage.smooth(self.world) else 1.0
            draw_way(surface, board, home, part, scale, self.stage.covered)

    def toast_area(self, size: tuple[int, int]) -> pygame.Rect:
        """In the panel, so that the board stays free; at the bottom of a window without one."""
        free = self.panel.free
        fits = free.width > 120 and free.height >= self.kit.toasts.height(free.width, Scale.of(size))
        return free if fits else bottom_area(size)

    def close(self) -> None:
        self.kit.ahead.drop()
        self.swap.leave(put_back=False)
        self.reskin.close()
        self.session.close()
