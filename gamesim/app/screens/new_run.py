"""The few choices before a training starts: recordings, preset, steps, device, name."""

from collections.abc import Callable
from pathlib import Path

import pygame

from gamesim.app.controls import DOWN, LEFT, RIGHT, UP, Command, shown
from gamesim.app.library.catalog import game_name
from gamesim.app.library.plan import Plan
from gamesim.app.library.runs import Run
from gamesim.app.navigation import Navigator
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.ask import Ask, Prompt
from gamesim.app.ui.form import Form, FormRow
from gamesim.app.ui.parts import Action, attempt, draw_around
from gamesim.app.ui.scroller import Scroller
from gamesim.app.ui.widgets import arrowhead, at_home, box, clipped, paragraph, text, wrap
from gamesim.text import counted

LABEL = 170  # pixels to the left of the choices, in a window of 1280x800


class NewRun(Form[FormRow]):
    """What the new training learns from, and how (`plan`); Start is the last row.

    Args:
        window: the window that shows it.
        run: the run to go on with; None for a new training.
        then: called with the run's folder when the training has started and the form is closed.

    Raises:
        UserError: the config of the run cannot be read.
    """

    takes_files = True

    def __init__(
        self, window: Navigator, run: Run | None = None, then: Callable[[Path], None] = lambda folder: None
    ) -> None:
        super().__init__(window)
        self.then = then
        self.plan = Plan(window.kit.workshop, run)
        self.caption = f"Train {run.name} further" if run else "New training"
        self._below = 0  # pixels of what lies below the rows

    # the form --------------------------------------------------------------------------------------------

    def make_rows(self) -> list[FormRow]:
        plan = self.plan
        fixed = plan.run and plan.run.data
        others = any(folder != plan.data for folder in plan.known)
        rows = [
            FormRow(
                "Recordings", plan.data.name if plan.data else "none",
                plan.turn_data if others and not fixed else None, self._type_data, self._about_data(),
            ),
            FormRow(
                "Preset", plan.preset.name, plan.turn_preset if len(plan.presets) > 1 else None,
                about=plan.preset.about,
            ),
            FormRow(
                "Steps", "default" if plan.steps is None else f"{plan.steps:,}",
                None if plan.steps is None else plan.turn_steps, about=self._about_steps(),
            ),
            FormRow(
                "Device", plan.device, plan.turn_device, about="auto: a GPU if there is one, else the CPU"
            ),
            FormRow(
                "Name", plan.name, press=None if plan.run else self._type_name,
                about=f"Saved in {at_home(plan.folder)}",
            ),
            FormRow("", "Train further" if plan.run else "Start", press=self.start),
        ]  # fmt: skip
        if plan.game:
            words = "These recordings are of several games. A model learns one of them"
            rows.insert(1, FormRow("Game", game_name(plan.game), plan.turn_game, about=words))
        return rows

    def _about_data(self) -> str:
        data, (games, steps) = self.plan.data, self.plan.counts
        if data is None:
            return "None yet. Record some games first, or press Enter to choose a folder"
        if not games:
            return self.plan.nothing or f"Counting the games in {at_home(data)}"
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
        if plan.data is None or plan.nothing or not plan.warnings:
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

    def hints(self) -> list[tuple[str, str]]:
        return [
            (shown(UP), ""), (shown(DOWN), "line"), (shown(LEFT), ""), (shown(RIGHT), "change"),
            (shown(Command.RESET), "choose"), (shown(Command.HELP), "help"), (shown(Command.BACK), "back"),
        ]  # fmt: skip

    def press(self) -> None:
        if self.current.press:
            self.kit.sound.play("select")
        super().press()

    def arrow_at(self, row: FormRow, place: tuple[int, int]) -> int:
        before = row.rect.right - place[0]
        return 1 if before < row.rect.height else -1 if before < 2 * row.rect.height else 0

    def mouse(self, event: pygame.event.Event) -> None:
        if event.type == pygame.DROPFILE:
            attempt(self.window, lambda: self.plan.take_folder(event.file))
        else:
            super().mouse(event)

    def wheel(self, clicks: int) -> None:
        if self.scroller.most:
            super().wheel(clicks)
        else:
            self.turn(1 if clicks > 0 else -1)

    def look_again(self) -> None:
        self.kit.workshop.shelf.refresh()

    # time and drawing ------------------------------------------------------------------------------------

    def update(self, seconds: float) -> None:
        super().update(seconds)
        if self.plan.data is None and self.plan.known:
            self.plan.turn_data(1)

    def draw(self, surface: pygame.Surface) -> None:
        line = "Runs in the background. You can keep playing"
        body, scale = draw_around(surface, self.caption, line, self.hints())
        self.renew()
        if body.width < 40 or body.height < 20:
            return
        beside = body.width >= scale.px(900)
        notes = scale.px(300) if beside else 0
        width = min(body.width - notes, scale.px(860))
        view = pygame.Rect(body.left, body.top, width, body.height)
        # The rows are as high as fits, but never too low to read.
        gap = scale.px(10)
        height = max(scale.px(58), min(scale.px(72), view.height // len(self.rows) - gap))
        heights = [height] * len(self.rows)
        y = self.draw_rows(surface, view, heights, scale, gap, 0 if beside else self._below) + scale.px(6)
        with clipped(surface, body):
            if beside:
                left = view.right + scale.px(24)
                self._draw_notes(surface, pygame.Rect(left, body.top, body.right - left, 0), scale)
            else:
                place = pygame.Rect(body.left, y, view.width - Scroller.width(scale), 0)
                self._below = scale.px(6) + self._draw_notes(surface, place, scale)

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
        about = self.rows[self.chosen].about
        return paragraph(surface, about, (area.left, takes + scale.px(8)), size, area.width) - area.top

    def draw_row(self, surface: pygame.Surface, row: FormRow, chosen: bool, scale: Scale) -> None:
        rect, pad, quiet = row.rect, scale.px(18), COLOURS["quiet"]
        start = not row.label
        fill = "real" if start and chosen else "raised" if chosen else "panel"
        edge = COLOURS["real"] if chosen else COLOURS["line"] if start else None
        box(surface, rect, COLOURS[fill], scale.px(10), edge, scale.px(2))
        if rect.width < 60:
            return
        if start:
            size, ink = scale.px(20), COLOURS["back" if chosen else "text"]
            text(surface, row.value, rect.center, size, ink, bold=True, anchor="center", width=rect.width)
            return
        text(surface, row.label, (rect.left + pad, rect.centery), scale.px(17), quiet, anchor="midleft")
        left = rect.left + scale.px(LABEL)
        arrows = 2 * rect.height if row.turn else 0
        room = max(1, rect.right - arrows - left - scale.px(8))
        below = rect.height >= scale.px(56) and bool(row.about)
        place = (left, rect.centery - (scale.px(10) if below else 0))
        text(surface, row.value, place, scale.px(19), bold=True, anchor="midleft", width=room)
        if below:
            place = (left, rect.centery + scale.px(15))
            text(surface, row.about, place, scale.px(14), quiet, anchor="midleft", width=room)
        for i in range(2 if row.turn else 0):
            x = rect.right - rect.height // 2 - (1 - i) * rect.height
            ink = COLOURS["text" if chosen else "quiet"]
            arrowhead(surface, (x, rect.centery), (1 if i else -1, 0), scale.px(7), ink)
        if row.press and not row.turn:
            place = (rect.right - pad, rect.centery - scale.px(10))
            text(surface, "change…", place, scale.px(15), quiet, anchor="midright")

    def close(self) -> None:
        self.plan.close()
