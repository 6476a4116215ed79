"""The few choices before a training starts: recordings, preset, steps, device, name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pygame

from gamesim.app.controls import DOWN, LEFT, RIGHT, UP, Command, shown
from gamesim.app.library.catalog import game_name
from gamesim.app.library.plan import Plan
from gamesim.app.library.runs import Run
from gamesim.app.navigation import Navigator
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.ask import Ask, Prompt
from gamesim.app.ui.keyed import KeyScreen
from gamesim.app.ui.parts import Action, attempt, draw_around
from gamesim.app.ui.scroller import Scroller
from gamesim.app.ui.widgets import arrowhead, at_home, box, clipped, paragraph, text, wrap
from gamesim.text import counted

LABEL = 170  # pixels to the left of the choices, in a window of 1280x800


@dataclass
class FormLine:
    """One line of the form.

    Attributes:
        label: what the line is about; "" for the start button.
        words: the current choice.
        turn: called with -1 or 1 by left and right; None if there is no other choice.
        enter: called by Enter and a click.
        about: a sentence or two about the current choice.
        rect: where it was drawn last.
    """

    label: str
    words: str
    turn: Callable[[int], None] | None = None
    enter: Callable[[], None] | None = None
    about: str = ""
    rect: pygame.Rect = field(default_factory=lambda: pygame.Rect(0, 0, 0, 0))


class NewRun(KeyScreen):
    """Up and down go from line to line, left and right change one; Start is the last.

    Args:
        window: the window that shows it.
        run: the run to go on with; None for a new training.
        then: called with the run's folder when the training has started and the form is closed.

    Attributes:
        plan: the choices so far.
        lines: the form, as drawn last.
        view: where it was drawn.

    Raises:
        UserError: the config of the run cannot be read.
    """

    def __init__(
        self, window: Navigator, run: Run | None = None, then: Callable[[Path], None] = lambda folder: None
    ) -> None:
        super().__init__(window)
        self.then = then
        self.plan = Plan(window.kit.workshop, run)
        self.caption = f"Train {run.name} further" if run else "New training"
        self.chosen = 0
        self.lines: list[FormLine] = []
        self.scroller = Scroller()
        self.view = pygame.Rect(0, 0, 0, 0)
        self._reveal = False

    # the form --------------------------------------------------------------------------------------------

    def _lines(self) -> list[FormLine]:
        plan = self.plan
        fixed = plan.run and plan.run.data
        others = any(folder != plan.data for folder in plan.known)
        lines = [
            FormLine(
                "Recordings", plan.data.name if plan.data else "none",
                plan.turn_data if others and not fixed else None, self._type_data, self._about_data(),
            ),
            FormLine(
                "Preset", plan.preset.name, plan.turn_preset if len(plan.presets) > 1 else None,
                about=plan.preset.about,
            ),
            FormLine(
                "Steps", "default" if plan.steps is None else f"{plan.steps:,}",
                None if plan.steps is None else plan.turn_steps, about=self._about_steps(),
            ),
            FormLine(
                "Device", plan.device, plan.turn_device, about="auto: a GPU if there is one, else the CPU"
            ),
            FormLine(
                "Name", plan.name, enter=None if plan.run else self._type_name,
                about=f"Saved in {at_home(plan.folder)}",
            ),
            FormLine("", "Train further" if plan.run else "Start", enter=self.start),
        ]  # fmt: skip
        if plan.game:
            words = "These recordings are of several games. A model learns one of them"
            lines.insert(1, FormLine("Game", game_name(plan.game), plan.turn_game, about=words))
        for old, new in zip(self.lines, lines, strict=False):
            new.rect = old.rect
        return lines

    def _about_data(self) -> str:
        data, (games, steps) = self.plan.data, self.plan.counts
        if data is None:
            return "None yet. Record some games first, or press Enter to choose a folder"
        if not games:
            return f"Counting the games in {at_home(data)}"
        return f"{counted(games, 'game')}, {counted(steps, 'step')}, in {at_home(data)}"

    def _about_steps(self) -> str:
        plan = self.plan
        if plan.steps is None:
            fixed = ", ".join(f"{name} {steps:,}" for name, steps in plan.preset.steps.items())
            return f"One part after the other: {fixed}"
        if plan.done:
            return f"{plan.done:,} of them are done already"
        if plan.steps < plan.usual:
            return f"Fewer steps than usual ({plan.usual:,}): faster, but it learns less"
        return f"Default: {plan.usual:,}"

    def _type_data(self) -> None:
        more = "Type the path of a folder, or drop a folder onto the window"
        was = str(self.plan.data.absolute()) if self.plan.data else ""
        self.window.go(Prompt(self.window, "Which recordings?", more, was, self.plan.take_folder))

    def _type_name(self) -> None:
        self.window.go(Prompt(self.window, "Name of the run", "", self.plan.name, self.plan.call))

    def start(self) -> None:
        """Start the training; if there are warnings, ask first."""
        plan = self.plan
        if plan.data is None or not plan.warnings:
            self._begin()
            return
        answers = (Action("Start anyway", self._begin), Action("Back"))
        more = ". ".join([*plan.warnings, f"{plan.takes.words}."])
        self.window.go(Ask(self.window, "Start this training?", more, answers))

    def _begin(self) -> None:
        """Start the training, and leave the form."""
        folder = self.plan.folder  # once this run exists, the plan suggests another name
        self.plan.start()
        self.window.back()
        self.then(folder)

    # keys and mouse --------------------------------------------------------------------------------------

    def command(self, command: Command) -> None:
        if command is Command.RESET:
            self._enter()
        else:
            super().command(command)

    def hints(self) -> list[tuple[str, str]]:
        return [
            (shown(UP), ""), (shown(DOWN), "line"), (shown(LEFT), ""), (shown(RIGHT), "change"),
            (shown(Command.RESET), "choose"), (shown(Command.HELP), "help"), (shown(Command.BACK), "back"),
        ]  # fmt: skip

    def _enter(self) -> None:
        lines = self._lines()
        line = lines[min(self.chosen, len(lines) - 1)]
        if line.enter:
            self.kit.sound.play("select")
            attempt(self.window, line.enter)
        else:
            self.chosen = (self.chosen + 1) % len(lines)

    def mouse(self, event: pygame.event.Event) -> None:
        if self.scroller.handle(event):
            return
        if event.type == pygame.DROPFILE:
            attempt(self.window, lambda: self.plan.take_folder(event.file))
        elif event.type == pygame.MOUSEMOTION:
            self.chosen = next(
                (i for i, c in enumerate(self.lines) if c.rect.collidepoint(event.pos)), self.chosen
            )
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self._click(event.pos)
        elif event.type == pygame.MOUSEWHEEL and self.scroller.most:
            self.scroller.wheel(event.y)
        elif event.type == pygame.MOUSEWHEEL:
            self.go(RIGHT if event.y > 0 else LEFT)

    def look_again(self) -> None:
        self.kit.workshop.shelf.refresh()

    def go(self, move: int) -> None:
        lines = self._lines()
        if move in (UP, DOWN):
            self.chosen = (self.chosen + (1 if move == DOWN else -1)) % len(lines)
            self._reveal = True
            self.kit.sound.play("move")
        elif turn := lines[min(self.chosen, len(lines) - 1)].turn:
            turn(1 if move == RIGHT else -1)
            self.kit.sound.play("move")

    def _click(self, place: tuple[int, int]) -> None:
        for i, line in enumerate(self.lines):
            if line.rect.collidepoint(place):
                self.chosen = i
                side = line.rect.height
                if line.turn and place[0] > line.rect.right - side:
                    line.turn(1)
                elif line.turn and place[0] > line.rect.right - 2 * side:
                    line.turn(-1)
                else:
                    self._enter()
                return

    # time and drawing ------------------------------------------------------------------------------------

    def update(self, seconds: float) -> None:
        super().update(seconds)
        if self.plan.data is None and self.plan.known:
            self.plan.turn_data(1)

    def draw(self, surface: pygame.Surface) -> None:
        line = "Runs in the background. You can keep playing"
        body, scale = draw_around(surface, self.caption, line, self.hints())
        self.lines = self._lines()
        if body.width < 40 or body.height < 20:
            return
        beside = body.width >= scale.px(900)
        notes = scale.px(300) if beside else 0
        self.view = pygame.Rect(body.left, body.top, min(body.width - notes, scale.px(860)), body.height)
        with clipped(surface, body):
            high = self._draw_lines(surface, scale)
            if beside:
                left = self.view.right + scale.px(24)
                self._draw_notes(surface, pygame.Rect(left, body.top, body.right - left, 0), scale)
            else:
                below = body.top - self.scroller.at + high + scale.px(6)
                place = pygame.Rect(body.left, below, self.view.width - Scroller.width(scale), 0)
                high += scale.px(6) + self._draw_notes(surface, place, scale)
        self.scroller.fit(self.view, high, scale)
        self.scroller.draw(surface)

    def _draw_lines(self, surface: pygame.Surface, scale: Scale) -> int:
        """Draw the form, its lines as high as fits but never too low to read; returns its height."""
        gap, least = scale.px(10), scale.px(58)
        height = max(least, min(scale.px(72), self.view.height // len(self.lines) - gap))
        bar = Scroller.width(scale) if self.scroller.most else 0
        y = self.view.top - self.scroller.at
        for i, line in enumerate(self.lines):
            line.rect = pygame.Rect(self.view.left, y, max(1, self.view.width - bar), height)
            self._draw_line(surface, line, i == self.chosen, scale)
            y += height + gap
        if self._reveal:
            self._reveal = False
            first = self.chosen * (height + gap)
            self.scroller.reveal(first, first + height)
        return len(self.lines) * (height + gap)

    def _draw_notes(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> int:
        """Draw the warnings, how long it takes, and the words about the chosen line; returns the height."""
        y, size, pad = area.top, scale.px(16), scale.px(14)
        for words in self.plan.warnings:
            lines = wrap(words, size, area.width - 2 * pad)
            panel = pygame.Rect(area.left, y, area.width, round(len(lines) * size * 1.35) + 2 * pad)
            box(surface, panel, COLOURS["panel"], scale.px(10), COLOURS["bad"])
            place = (panel.left + pad, panel.top + pad)
            paragraph(surface, words, place, size, panel.width - 2 * pad, COLOURS["text"])
            y = panel.bottom + scale.px(10)
        takes = paragraph(surface, self.plan.takes.words, (area.left, y), size, area.width, COLOURS["real"])
        about = self.lines[min(self.chosen, len(self.lines) - 1)].about
        return paragraph(surface, about, (area.left, takes + scale.px(8)), size, area.width) - area.top

    @staticmethod
    def _room(line: FormLine, scale: Scale) -> int:
        """Pixels that the words of a line have, between its label and its arrows."""
        arrows = 2 * line.rect.height if line.turn else 0
        return max(1, line.rect.width - arrows - scale.px(LABEL) - scale.px(8))

    def _draw_line(self, surface: pygame.Surface, line: FormLine, chosen: bool, scale: Scale) -> None:
        rect, pad = line.rect, scale.px(18)
        start = not line.label
        fill = "real" if start and chosen else "raised" if chosen else "panel"
        edge = COLOURS["real"] if chosen else COLOURS["line"] if start else None
        box(surface, rect, COLOURS[fill], scale.px(10), edge, scale.px(2))
        if rect.width < 60:
            return
        if start:
            ink = COLOURS["back" if chosen else "text"]
            text(
                surface,
                line.words,
                rect.center,
                scale.px(20),
                ink,
                bold=True,
                anchor="center",
                width=rect.width,
            )
            return
        label = (rect.left + pad, rect.centery)
        text(surface, line.label, label, scale.px(17), COLOURS["quiet"], anchor="midleft")
        left = rect.left + scale.px(LABEL)
        room = self._room(line, scale)
        below = rect.height >= scale.px(56) and bool(line.about)
        words = (left, rect.centery - (scale.px(10) if below else 0))
        text(surface, line.words, words, scale.px(19), bold=True, anchor="midleft", width=room)
        if below:
            about = (left, rect.centery + scale.px(15))
            text(surface, line.about, about, scale.px(14), COLOURS["quiet"], anchor="midleft", width=room)
        for i in range(2 if line.turn else 0):
            x = rect.right - rect.height // 2 - (1 - i) * rect.height
            ink = COLOURS["text" if chosen else "quiet"]
            arrowhead(surface, (x, rect.centery), (1 if i else -1, 0), scale.px(7), ink)
        if line.enter and not line.turn:
            place = (rect.right - pad, rect.centery - scale.px(10))
            text(surface, "change…", place, scale.px(15), COLOURS["quiet"], anchor="midright")

    def close(self) -> None:
        self.plan.close()
