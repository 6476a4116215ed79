"""Start here: three minutes in which a newcomer plays, goes into the dream, walks out and comes home.

One short line at a time says what to do next; it depends on what the player has done.
"""

from typing import Literal

import pygame

from gamesim.app.controls import STAY, Command, shown
from gamesim.app.game.homecoming import WALK, Homecoming
from gamesim.app.game.session import Session
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.widgets import shade, text, wrap

Step = Literal["play", "switch", "dream", "home", "out", "back", "done"]
STEPS: tuple[Step, ...] = ("play", "switch", "dream", "home", "out", "back")
"""The steps to do, each a dot on the screen."""
MOVES = {"play": 5, "dream": 8}
"""How many moves a step takes."""
LARGEST = 0.3  # of the board may be covered by the line
SMALLEST = 11  # pixels: the height of the smallest letters


class Tour:
    """Where the player is in the tour.

    Attributes:
        step: what to do next.
        over: whether the game has ended, so that the player needs a new one first.
        keys: the keys that the panel shows a newcomer; all others are in the help.
        left: whether the player has seen the verdict, and goes on alone.
    """

    keys = (Command.RESET, Command.HELP, Command.SWITCH, Command.HOME, Command.PAUSE)

    def __init__(self) -> None:
        self.step: Step = "play"
        self.over = False
        self.left = False
        self._moves = 0
        self._seen: tuple[int, int] = (0, 0)

    @property
    def words(self) -> str:
        """The line to show now; at the end it stands below the pictures of home."""
        if self.over and self.step not in ("switch", "done"):
            return f"This game is over. Press {shown(Command.RESET)} for a new one"
        return {
            "play": "This is the real game. Walk with the arrow keys",
            "switch": f"Press {shown(Command.SWITCH)}: a network takes over and dreams the game on",
            "dream": "Every picture is drawn by the network now. Walk around in it",
            "home": f"Press {shown(Command.HOME)} and remember this place: it is home",
            "out": f"Walk {WALK} cells away from home",
            "back": "Now come home: the arrow shows the way",
            "done": f"{shown(Command.HOME)} play on · {shown(Command.BACK)} menu",
        }[self.step]

    def follow(self, session: Session, home: Homecoming | None) -> None:
        """Look at what the player did since the last look, also on the walk `home`, if one is going on."""
        world = session.world
        self.over = world.over is not None and (home is None or home.verdict is None)
        self.left = self.step == "done" and home is None
        seen = (id(world), world.steps)
        if seen != self._seen:
            self._seen = seen
            self._moves += bool(world.trail) and world.trail[-1][1] != STAY
        step = self._next(world.temperature is not None, home)
        if step != self.step:
            self.step, self._moves = step, 0

    def _next(self, dreaming: bool, home: Homecoming | None) -> Step:
        """The step that comes now; it may be the same."""
        if self.step == "done":
            return "done"
        if not dreaming:
            walked = self.step != "play" or self._moves >= MOVES["play"]
            return "switch" if walked else "play"
        if home is not None:
            return "done" if home.verdict is not None else "back" if home.returning else "out"
        if self.step in ("play", "switch"):
            return "dream"
        walked = self.step != "dream" or self._moves >= MOVES["dream"]
        return "home" if walked else "dream"

    def height(self, board: pygame.Rect, scale: Scale) -> int:
        """Height in pixels of the strip with the line, at the top of the board."""
        return 0 if self.step == "done" else min(board.height, _height(*self._set(board, scale)))

    def _set(self, board: pygame.Rect, scale: Scale) -> tuple[int, list[str]]:
        """The size of the letters, and the lines; letters shrink if they would hide too much of the board."""
        size = scale.px(19)
        while True:
            lines = wrap(self.words, size, max(1, board.width - 2 * _pad(size)), True)
            if size <= SMALLEST or _height(size, lines) <= LARGEST * board.height:
                return size, lines
            size -= 1

    def draw(self, surface: pygame.Surface, board: pygame.Rect, scale: Scale) -> None:
        """Draw the line on a strip along the top of the board, with a dot for each step."""
        if self.step == "done":
            return
        size, lines = self._set(board, scale)
        shade(surface, pygame.Rect(board.topleft, (board.width, self.height(board, scale))), 215)
        y = board.top + _pad(size)
        for line in lines:
            text(surface, line, (board.centerx, y), size, bold=True, anchor="midtop", width=board.width)
            y += round(size * 1.3)
        reach, gap = max(2, size // 5), round(0.85 * size)
        for i, step in enumerate(STEPS):
            x = board.centerx + round((i - (len(STEPS) - 1) / 2) * gap)
            reached = i <= STEPS.index(self.step)
            colour = COLOURS["real" if step == self.step else "good" if reached else "line"]
            pygame.draw.circle(surface, colour, (x, y + size // 3), reach)


def _pad(size: int) -> int:
    """Pixels around letters of a size."""
    return round(0.63 * size)


def _height(size: int, lines: list[str]) -> int:
    """Height in pixels of some lines and the dots below them."""
    return round(1.3 * len(lines) * size) + 3 * _pad(size)
