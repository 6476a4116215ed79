"""Other people's games: the installed ones, and any other by its id. The player can add them to the menu."""

import shlex
from functools import partial

import pygame

from gamesim.app.background import Worker
from gamesim.app.library.catalog import foreign
from gamesim.app.library.housed import House
from gamesim.app.navigation import Navigator
from gamesim.app.screens.play import open_title
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.ask import Prompt
from gamesim.app.ui.listing import Listing
from gamesim.app.ui.parts import Action
from gamesim.app.ui.widgets import headline, paragraph, text
from gamesim.envs import command_line
from gamesim.envs.recipe import Recipe
from gamesim.envs.registered import installed

RECORDED = 200  # games to record with random keys
ABOUT = (
    "You can play and record any Gymnasium game, and train a model that dreams it. When you record it "
    "here, random keys play, each held for 1 to 10 steps."
)


class AddGame(Listing[str]):
    """Choose a game to play it, to add it to the menu or to remove it, or to record it with random keys."""

    caption = "Add a game"
    row = 44
    keys = (pygame.K_f,)

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.added = window.kit.workshop.added
        self._sought = ""
        self._installed: list[str] | None = None
        self._worker = Worker("installed games")  # their packages take seconds to import
        self._worker.do(self._look)
        self._list()

    def _look(self) -> None:
        self._installed = installed()

    def _list(self) -> None:
        mine, known = [recipe.env_id for recipe in self.added.recipes], self._installed or []
        every = mine + [name for name in known if name not in mine]
        self.show([name for name in every if self._sought.lower() in name.lower()])

    def update(self, seconds: float) -> None:
        self._list()
        super().update(seconds)

    def close(self) -> None:
        self._worker.close()

    def line(self) -> str:
        if self._installed is None:
            return "looking for installed games…"
        if self._sought:
            return f'{self.count} with "{self._sought}"'
        return f"{len(self.added.recipes)} in the menu · {len(self._installed)} installed"

    def nothing(self) -> str:
        return f'No id has "{self._sought}" in it.' if self._sought and self._installed is not None else ""

    def actions(self) -> list[Action]:
        always = [Action("Find", self.find, cap="F"), Action("Type an id", self.type)]
        if self.current is None:
            return always
        there = self.added.has(self.current)
        add = partial(self.add, shlex.quote(self.current))
        turn = Action("Remove", self.remove, danger=True) if there else Action("Add to menu", add)
        return [Action("Play", self.play), turn, Action(f"Record {RECORDED} games", self.record), *always]

    @property
    def recipe(self) -> Recipe:
        """How the chosen game is made: as it was added, or else as usual."""
        usual = Recipe(self.current or "")
        return next((each for each in self.added.recipes if each.env_id == usual.env_id), usual)

    def play(self) -> None:
        open_title(self.window, foreign(self.recipe))

    def add(self, line: str) -> None:
        """Put a game into the menu, by its id and what may follow it.

        Raises:
            UserError: no such game is installed, or it cannot be made so.
        """
        with House():
            recipe = command_line.game(line)  # imports a module of the player's own, and complains
        self.added.add(recipe)
        self._sought = ""
        self._list()
        self._offer(self.rows.index(recipe.env_id))
        self.window.say(f"{recipe.env_id} is in the menu now")

    def remove(self) -> None:
        self.added.remove(self.current or "")
        self.window.say(f"Removed {self.current}. Its recordings stay")

    def record(self) -> None:
        title = foreign(self.recipe)
        self.kit.workshop.record(title, RECORDED)
        self.window.say(f"Recording {RECORDED} games of {title.name} in the background")

    def find(self) -> None:
        more = "A part of its id, such as pong; nothing shows all."
        self.window.go(Prompt(self.window, "Find which game?", more, self._sought, self._seek))

    def _seek(self, words: str) -> None:
        self._sought, self.rows = words, ()
        self._list()
        self._offer(0)

    def _offer(self, index: int) -> None:
        """Choose an answer of the player's; Enter then plays it, rather than asking again."""
        self.choose(index)
        self.focus = 0

    def type(self) -> None:
        more = (
            "Such as CartPole-v1, or module:Id for a game of your own. You can add flags, as in "
            "CarRacing-v3 --levels 9,5,5 --frame-skip 4"
        )
        self.window.go(Prompt(self.window, "Which game?", more, "", self.add))

    def draw_row(self, surface: pygame.Surface, rect: pygame.Rect, row: str, scale: Scale) -> None:
        there = self.added.has(row)
        right = rect.right - scale.px(4)
        if there:
            size, tone = scale.px(15), COLOURS["real"]
            mark = text(surface, "in the menu", (right, rect.centery), size, tone, anchor="midright")
            right = mark.left - scale.px(10)
        place, room = (rect.left + scale.px(4), rect.centery), max(1, right - rect.left - scale.px(4))
        text(surface, row, place, scale.px(17), bold=there, anchor="midleft", width=room, shrinks=True)

    def draw_detail(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> int:
        y = headline(surface, self.current or "", area.topleft, scale.px(20), area.width)
        if self.recipe.words:
            y = paragraph(
                surface, self.recipe.words, (area.left, y), scale.px(16), area.width, COLOURS["text"]
            )
        return paragraph(surface, ABOUT, (area.left, y + scale.px(10)), scale.px(16), area.width)
