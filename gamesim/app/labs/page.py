"""A lab in the window: play with it, watch it train, pause it, step it, start it again."""

from collections.abc import Mapping, Sequence
from functools import partial

import pygame

from gamesim import labs
from gamesim.app.controls import DOWN, LEFT, RIGHT, UP, Command, Hint, key_name, shown
from gamesim.app.labs.column import Column
from gamesim.app.labs.poster import Poster
from gamesim.app.labs.process import LabProcess, View
from gamesim.app.library.charts import number
from gamesim.app.navigation import SMOOTH, STILL, Navigator
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.keyed import KeyScreen
from gamesim.app.ui.listing import Listing, draw_words
from gamesim.app.ui.parts import Action, draw_foot, foot_height
from gamesim.app.ui.widgets import headline, paragraph
from gamesim.labs import Entry, Given
from gamesim.labs.controls import Value
from gamesim.text import counted

PATIENCE = 3.0  # a lab that takes longer to open shows how many seconds it has taken
WHEEL = 6  # clicks of the wheel that Page up and Page down are worth


class LabPage(KeyScreen):
    """The page of a lab. The lab is a process of its own: if it fails, the page shows one line.

    It is made with what is `given`, and `values` of controls, by name, that should differ from its first
    ones.
    """

    plain = (
        pygame.K_SPACE, pygame.K_TAB, pygame.K_r, pygame.K_DELETE, pygame.K_HOME, pygame.K_END,
        pygame.K_PAGEUP, pygame.K_PAGEDOWN,
    )  # fmt: skip

    def __init__(
        self,
        window: Navigator,
        entry: Entry,
        given: Given | None = None,
        values: Mapping[str, Value] | None = None,
    ) -> None:
        super().__init__(window)
        self.caption = entry.title
        self.entry, self.given = entry, given or Given()
        self.held = False
        self.view: View | None = None
        self.column = Column(self._tell, values or {})
        self._told: dict[str, int] = {}  # control -> number of the message that set it last
        self._sent = 0
        self.poster = Poster(entry, self.column)
        self._waited, self._begun = 0.0, 1
        self._fresh = False
        self.process = LabProcess(entry, self.given, values or {})

    # what can be done ------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Pause, or go on."""
        self.held = not self.held
        self.process.send("hold", self.held)

    def step(self) -> None:
        """Take one step, and pause a lab that runs."""
        self.held = True
        self.process.send("step")

    def begin(self) -> None:
        """Start the lab again with the controls as they are, or after an error with their first values."""
        if self.view is None and not self.process.failure:
            return  # it is just starting
        self.held, self.view, self._waited = False, None, 0.0
        if self.process.failure:
            self.process.close()
            self.column.clear()
            self.poster.bad, self._begun = False, 1
            self._told, self._sent = {}, 0
            self.process = LabProcess(self.entry, self.given, {})
        else:
            self._begun += 1
            self.process.send("begin", dict(self.column.values))
            self.process.send("hold", False)

    def _tell(self, name: str, value: Value) -> None:
        self._sent += 1
        self._told[name] = self._sent
        self.process.send("set", name, value)

    # keys and mouse --------------------------------------------------------------------------------------

    def command(self, command: Command) -> None:
        if command is Command.PAUSE:
            self.hold()
        elif command is Command.STEP:
            self.step()
        elif command is Command.RESET:
            self.kit.sound.play("select")
            self.column.press()
        else:
            super().command(command)

    def handle(self, event: pygame.event.Event) -> None:
        if event.type == pygame.WINDOWFOCUSLOST:
            self.column.let_go()
        if event.type == pygame.KEYDOWN and event.key == pygame.K_TAB:
            back = getattr(event, "mod", 0) & pygame.KMOD_SHIFT
            self.column.move(-1 if back else 1)
        else:
            super().handle(event)

    def key(self, key: int) -> None:
        scroll = {pygame.K_PAGEUP: WHEEL, pygame.K_PAGEDOWN: -WHEEL}
        if key == pygame.K_SPACE:
            self.hold()
        elif key == pygame.K_r:
            self.begin()
        elif key == pygame.K_DELETE:
            self.column.reset()
        elif key in (pygame.K_HOME, pygame.K_END):
            self.column.end(key == pygame.K_END)
        elif key in scroll:
            self.poster.scroller.wheel(scroll[key])
        else:
            super().key(key)

    def go(self, move: int) -> None:
        if move in (UP, DOWN):
            self.column.move(1 if move == DOWN else -1)
        elif move in (LEFT, RIGHT):
            self.column.turn(1 if move == RIGHT else -1)

    def mouse(self, event: pygame.event.Event) -> None:
        if self.column.handle(event) or self.poster.scroller.handle(event):
            return
        if event.type == pygame.MOUSEWHEEL:
            self.poster.scroller.wheel(event.y)
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            found = self.poster.clicked(event.pos)
            if found:
                self.process.send("point", *found)

    def hints(self) -> list[tuple[str, str]]:
        return [
            (key_name(pygame.K_SPACE), "go on" if self.held else "pause"), (shown(Command.STEP), "step"),
            (key_name(pygame.K_r), "start again"), (shown(UP), ""), (shown(DOWN), "control"),
            (shown(LEFT), ""), (shown(RIGHT), "change"), (shown(Command.RESET), "press"),
            (shown(Command.HELP), "help"), (shown(Command.BACK), "back"),
        ]  # fmt: skip

    def works(self) -> Sequence[Hint]:
        return [
            (key_name(pygame.K_SPACE), ""), (shown(Command.PAUSE), "pause, or go on"),
            (shown(Command.STEP), "one step, then pause"),
            (key_name(pygame.K_r), "start again, with the controls as they are"),
            (key_name(pygame.K_TAB), ""), (shown(UP), ""), (shown(DOWN), "another control"),
            (shown(LEFT), ""), (shown(RIGHT), "change it"),
            (key_name(pygame.K_HOME), ""), (key_name(pygame.K_END), "go to an end of a slider"),
            (key_name(pygame.K_DELETE), "go back to the first value"),
            (shown(Command.RESET), "press a button, flip a switch"),
            (key_name(pygame.K_PAGEUP), ""), (key_name(pygame.K_PAGEDOWN), "scroll"),
        ]  # fmt: skip

    # time and drawing ------------------------------------------------------------------------------------

    @property
    def pace(self) -> int:
        return SMOOTH if self._fresh else STILL  # draw a new view at once, and leave the CPU to the lab

    def update(self, seconds: float) -> None:
        super().update(seconds)
        view = self.process.view()
        if view is not None and view.begun == self._begun:
            self.view, self._fresh = view, True
            self.poster.panels, self.poster.notice = view.panels, ""
            late = {name for name, when in self._told.items() if when > view.heard}
            self.column.follow(view.controls, late)
        if self.view is None:
            self._waited += seconds
            counted_up = f" {self._waited:.0f} s" if self._waited >= PATIENCE else ""
            self.poster.notice = f"Opening…{counted_up}"
        if self.process.failure:
            again = f"{key_name(pygame.K_r)} starts it again"
            self.poster.notice, self.poster.bad = f"The lab stopped: {self.process.failure}. {again}", True
        self.column.reins = [
            Action("Go on" if self.held else "Pause", self.hold),
            Action("Step", self.step),
            Action("Start again", self.begin),
        ]
        self.column.state = self._state()

    def _state(self) -> str:
        view = self.view
        if self.process.failure:
            return "Stopped by an error"
        if view is None:
            return "Opening"
        if view.state == "done":
            return f"Done after {counted(view.steps, 'step')}"
        if view.state == "paused":
            return f"Paused at step {view.steps:,}"
        return f"Step {view.steps:,}, {number(view.pace, 2)} a second"

    def draw(self, surface: pygame.Surface) -> None:
        scale = Scale.of(surface.get_size())
        self.poster.draw(surface, foot_height(scale), pygame.mouse.get_pos())
        draw_foot(surface, self.hints(), scale)
        self._fresh = False

    def close(self) -> None:
        self.process.close()


class Labs(Listing[Entry]):
    """Choose one to play with."""

    caption = "Labs"
    row = 76

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.rows = list(labs.entries().values())
        self.missing = {entry.name: entry.missing() for entry in self.rows}

    def line(self) -> str:
        return "More methods of machine learning to play with"

    def nothing(self) -> str:
        return "No labs yet"

    def actions(self) -> list[Action]:
        entry = self.current
        if entry is None:
            return []
        extra = self.missing[entry.name]
        why_not = f"it needs the extra {extra}" if extra else ""
        return [Action("Open", partial(self.open, entry), why_not=why_not)]

    def open(self, entry: Entry) -> None:
        self.window.go(LabPage(self.window, entry))

    def draw_row(self, surface: pygame.Surface, rect: pygame.Rect, row: Entry, scale: Scale) -> None:
        extra = self.missing[row.name]
        words = f"needs the extra {extra}" if extra else ""
        inner = rect.inflate(-scale.px(8), 0)
        draw_words(surface, inner, row.title, row.authors, words, COLOURS["bad"], scale)

    def draw_detail(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> int:
        entry = self.current
        if entry is None:
            return area.top
        y = headline(surface, entry.title, area.topleft, scale.px(22), area.width)
        place = (area.left, y + scale.px(6))
        y = paragraph(surface, entry.paper, place, scale.px(15), area.width, COLOURS["real"])
        y = paragraph(surface, entry.about, (area.left, y + scale.px(8)), scale.px(17), area.width)
        if extra := self.missing[entry.name]:
            how = f"Install it with: pip install 'gamesim[{extra}]'"
            place = (area.left, y + scale.px(8))
            y = paragraph(surface, how, place, scale.px(15), area.width, COLOURS["bad"])
        return y
