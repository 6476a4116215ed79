"""Trainings: the list of all runs, those of the command line included, and the page of one as it happens.

The page has curves, the newest sample sheet, the time left, and buttons to control the training.
"""

import os
from functools import lru_cache, partial
from pathlib import Path

import pygame

from gamesim.app.controls import DOWN, LEFT, RIGHT, UP, Command, key_name, shown
from gamesim.app.library import jobs
from gamesim.app.library.cards import spell
from gamesim.app.library.catalog import dream
from gamesim.app.library.charts import Chart, Charts
from gamesim.app.library.run_view import ask_to_delete, draw_state, run_facts, state_words
from gamesim.app.library.runlog import RunLog
from gamesim.app.library.runs import Run, modified
from gamesim.app.library.shelf import ago
from gamesim.app.navigation import Navigator
from gamesim.app.screens.new_run import NewRun
from gamesim.app.screens.play import open_title
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.ask import Ask
from gamesim.app.ui.keyed import KeyScreen
from gamesim.app.ui.listing import Listing, PanelScreen, draw_words
from gamesim.app.ui.parts import Action, draw_around, draw_facts
from gamesim.app.ui.widgets import headline, meter, paragraph, text
from gamesim.text import counted

PAGE = 4  # clicks of the wheel that Page up and Page down are worth
LEAST = 120  # height of the sheet in the panel, in a window of 1280x800
CLEAR = 0.6  # of its size: on a smaller sheet nobody can see anything


class RunPage(PanelScreen):
    """Leave it and come back whenever you like: the training does not notice."""

    keys = (pygame.K_DELETE,)
    plain = (pygame.K_PAGEUP, pygame.K_PAGEDOWN)
    every = 0.5

    def __init__(self, window: Navigator, folder: Path) -> None:
        super().__init__(window)
        self.run = window.kit.workshop.run(folder)
        self.caption = self.run.name
        self.run.follow()
        self.charts = Charts()
        self.stage: int | None = None  # whose curves are on screen; None: the newest
        self.picture = pygame.Rect(0, 0, 0, 0)

    # keys and mouse --------------------------------------------------------------------------------------

    def command(self, command: Command) -> None:
        if command is Command.SWITCH and len(self.run.logs) > 1:
            now = len(self.run.logs) - 1 if self.stage is None else self.stage
            self.stage = (now + 1) % len(self.run.logs)
        else:
            super().command(command)

    def wheel(self, clicks: int) -> None:
        self.charts.scroll -= clicks

    def click(self, place: tuple[int, int]) -> None:
        if self.picture.collidepoint(place):
            self.enlarge()

    def key(self, key: int) -> None:
        if key in (pygame.K_PAGEUP, pygame.K_PAGEDOWN):
            self.detail.wheel(PAGE if key == pygame.K_PAGEUP else -PAGE)
        else:
            super().key(key)

    def go(self, move: int) -> None:
        if move in (UP, DOWN):
            self.charts.scroll += 1 if move == DOWN else -1
        else:
            super().go(move)

    # what can be done ------------------------------------------------------------------------------------

    def actions(self) -> list[Action]:
        run, found = self.run, []
        if run.engine:
            found.append(Action("Play it", partial(play, self.window, run.engine)))
        if run.live:
            why_not = "" if jobs.CAN_PAUSE else "Windows cannot pause a training. Stop it, then train further"
            held = run.state == "paused"
            found.append(Action("Go on" if held else "Pause", run.pause, shown(Command.PAUSE), why_not))
            if run.state == "stopping":
                found.append(Action("Stop at once", self.kill, danger=True))
            else:
                found.append(Action("Stop and save", self.stop))
        elif run.resumable:
            found.append(Action("Train further", self.further))
        if run.log.sheets:
            found.append(Action("Sample sheet", self.enlarge))
        if not run.live:
            found.append(Action("Delete", self.delete, key_name(pygame.K_DELETE), danger=True))
        return found

    def stop(self) -> None:
        """Ask it to save and leave."""
        self.run.stop()
        self.window.say("It saves what it has, then stops. Train further continues from there.")

    def kill(self) -> None:
        """End it without waiting, after a question."""
        more = "What it learned since its last save will be lost."
        answers = (Action("Stop at once", self.run.stop, danger=True), Action("Wait"))
        self.window.go(Ask(self.window, "Stop without saving?", more, answers))

    def further(self) -> None:
        self.window.go(NewRun(self.window, self.run))

    def enlarge(self) -> None:
        if self.run.log.sheets:
            self.window.go(SheetPage(self.window, self.run.log.sheets))

    def delete(self) -> None:
        ask_to_delete(self.window, self.run, self.window.back)

    # time and drawing ------------------------------------------------------------------------------------

    def refresh(self) -> None:
        if os.path.lexists(self.run.folder):
            self.run.follow()
        else:  # another window deleted it: its curves would stay, as those of a run that has stopped
            self.window.say(f"{self.run.name} was deleted")
            self.window.back()

    def line(self) -> str:
        if len(self.run.logs) > 1:
            return f"Curves of {self._log.section}. {shown(Command.SWITCH)} shows the next part"
        return "Training losses. Held out: measured on games kept out of training"

    @property
    def _log(self) -> RunLog:
        stage = self.stage
        return self.run.log if stage is None or stage >= len(self.run.logs) else self.run.logs[stage]

    def hints(self) -> list[tuple[str, str]]:
        curves = [(shown(UP), ""), (shown(DOWN), "more curves")] if self.charts.hidden else []
        parts = [(shown(Command.SWITCH), "the next part's curves")] if len(self.run.logs) > 1 else []
        ways = [(shown(Command.HELP), "help"), (shown(Command.BACK), "back")]
        return [*self.button_hints(), *curves, *parts, *ways]

    def draw_main(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> None:
        log = self._log
        known = log.validation.items()
        held_out = [Chart(f"Held out: {spoken(name)}", curve, COLOURS["dream"]) for name, curve in known]
        losses = [Chart(spoken(name), curve, COLOURS["curve"]) for name, curve in log.losses.items()]
        if not losses and not held_out:
            soon, never = "Curves appear with the first steps", "No curves: it ended before its first step"
            paragraph(surface, soon if self.run.live else never, area.topleft, scale.px(17), area.width)
            return
        self.charts.draw(surface, area, losses + held_out, scale, pygame.mouse.get_pos())

    def draw_detail(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> int:
        y = draw_state(surface, pygame.Rect(area.left, area.top, area.width, 0), self.run, scale)
        y = draw_facts(surface, pygame.Rect(area.left, y, area.width, 0), run_facts(self.run), scale, 15)
        self.picture.size = (0, 0)
        if not self.run.log.sheets:
            return y
        top = y + scale.px(12)
        return self._draw_sheet(surface, pygame.Rect(area.left, top, area.width, area.bottom - top), scale)

    def _draw_sheet(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> int:
        """Draw the top left part of the newest sheet, which a click enlarges; returns the y below."""
        newest = self.run.log.sheets[-1]
        words = f"After {counted(sheet_step(newest), 'training step')}. Click to enlarge"
        top = paragraph(surface, words, area.topleft, scale.px(14), area.width) + scale.px(2)
        place = pygame.Rect(area.left, top, area.width, max(area.bottom - top, scale.px(LEAST)))
        image = scaled_sheet(newest, (place.width, 0), CLEAR)
        if image is None:
            return top
        part = image.get_rect().clip(pygame.Rect((0, 0), place.size))
        place.size = part.size
        surface.blit(image, place, part)
        self.picture = place.clip(surface.get_clip())
        return place.bottom


class SheetPage(KeyScreen):
    """The sample sheets of a run over the whole window, from the first to the newest."""

    caption = "Samples"

    def __init__(self, window: Navigator, sheets: list[Path]) -> None:
        super().__init__(window)
        self.sheets = sheets
        self.at = len(sheets) - 1

    def go(self, move: int) -> None:
        self.turn(1 if move in (RIGHT, DOWN) else -1)

    def turn(self, sheets: int) -> None:
        self.at = min(len(self.sheets) - 1, max(0, self.at + sheets))

    def mouse(self, event: pygame.event.Event) -> None:
        if event.type == pygame.MOUSEWHEEL:
            self.turn(-event.y)
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self.window.back()

    def hints(self) -> list[tuple[str, str]]:
        turn = [(shown(LEFT), ""), (shown(RIGHT), "earlier, later")] if len(self.sheets) > 1 else []
        return [*turn, (shown(Command.BACK), "back")]

    def draw(self, surface: pygame.Surface) -> None:
        trained = f"After {counted(sheet_step(self.sheets[self.at]), 'training step')}"
        line = f"{trained} · {self.at + 1} of {len(self.sheets)} · the same keys in both"
        area, scale = draw_around(surface, self.caption, line, self.hints())
        if area.width < 8 or area.height < 8:
            return
        image = scaled_sheet(self.sheets[self.at], area.size)
        if image is None:
            words = "This sheet cannot be read"
            text(surface, words, area.center, scale.px(18), COLOURS["quiet"], anchor="center")
        else:
            surface.blit(image, image.get_rect(midtop=area.midtop))


def scaled_sheet(path: Path, room: tuple[int, int], least: float = 0.0) -> pygame.Surface | None:
    """A sample sheet as wide as `room` (width, height), or as high if that makes it smaller.

    A height of 0 means no limit. It keeps at least the share `least` of its own size, even beyond `room`.
    None if it cannot be read.
    """
    try:
        return _sheet(path, path.stat().st_mtime_ns, room, least)
    except (OSError, pygame.error, ValueError):
        return None


@lru_cache(maxsize=2)  # one in the panel of a run, one that fills the window
def _sheet(path: Path, modified: int, room: tuple[int, int], least: float) -> pygame.Surface:
    image = pygame.image.load(str(path))
    fit = room[0] / image.get_width()
    fit = max(min(fit, room[1] / image.get_height()) if room[1] else fit, least)
    size = (max(1, round(image.get_width() * fit)), max(1, round(image.get_height() * fit)))
    resize = pygame.transform.scale if fit >= 2 else pygame.transform.smoothscale
    return resize(image.convert(), size)


def sheet_step(path: Path) -> int:
    """The training step of a sheet, from its file name; 0 if its name is not a number."""
    return int(path.stem) if path.stem.isdigit() else 0


def spoken(name: str) -> str:
    """A figure's name in words."""
    words = name.replace("_", " ").replace(".", " ")
    return {"kl": "KL", "z": "z"}.get(words, words.capitalize())


def play(window: Navigator, folder: Path) -> None:
    open_title(window, dream(folder))


class Train(Listing[Run | None]):
    """The first row begins a new training; the others are runs, the one with the latest change first."""

    caption = "Train"
    keys = (pygame.K_DELETE,)
    row = 76
    every = 1.0

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.runs: list[Run] = []
        self.refresh()
        self.kit.workshop.shelf.refresh()

    def refresh(self) -> None:
        """Look again for runs, and read what is new in them."""
        workshop = self.kit.workshop
        known = {run.folder: run for run in self.runs}
        self.runs = [known.get(folder) or workshop.run(folder) for folder in workshop.runs()]
        for run in self.runs:
            run.follow()
        self.show([None, *self.runs])

    def line(self) -> str:
        if not self.runs:
            return "Train a model on your recordings"
        return f"{counted(len(self.runs), 'run')}, {sum(run.live for run in self.runs)} training"

    # what can be done ------------------------------------------------------------------------------------

    def actions(self) -> list[Action]:
        run = self.current
        if run is None:
            return [Action("New training", lambda: self.window.go(NewRun(self.window, then=self.open)))]
        found = [Action("Open", partial(self.open, run.folder))]
        if run.engine:
            found.append(Action("Play it", partial(play, self.window, run.engine)))
        why_not = "it is still training, stop it first" if run.live else ""
        delete = partial(ask_to_delete, self.window, run, self.refresh)
        found.append(Action("Delete", delete, key_name(pygame.K_DELETE), why_not, danger=True))
        return found

    def open(self, folder: Path) -> None:
        self.window.go(RunPage(self.window, folder))

    # drawing ---------------------------------------------------------------------------------------------

    def draw_row(self, surface: pygame.Surface, rect: pygame.Rect, row: Run | None, scale: Scale) -> None:
        if row is None:
            middle = (rect.left + scale.px(24), rect.centery)
            reach, thick = scale.px(11), max(2, scale.px(3))
            for dx, dy in ((reach, 0), (0, reach)):
                ends = (middle[0] - dx, middle[1] - dy), (middle[0] + dx, middle[1] + dy)
                pygame.draw.line(surface, COLOURS["real"], *ends, thick)
            place = (rect.left + scale.px(54), rect.centery)
            room = max(1, rect.right - place[0])
            text(surface, "New training", place, scale.px(19), bold=True, anchor="midleft", width=room)
            return
        inner = rect.inflate(-scale.px(8), 0)
        words, colour = state_words(row)
        draw_words(surface, inner, row.name, summary(row), words, colour, scale)
        bar = pygame.Rect(inner.left, inner.bottom - scale.px(6), inner.width, scale.px(5))
        meter(surface, bar, row.log.share, colour)

    def draw_detail(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> int:
        run = self.current
        if run is None:
            words = (
                "Choose recordings and a preset. A network then learns the game from their pictures "
                "and key presses. It trains in the background: you can keep playing, or close the window."
            )
            name = text(surface, "New training", area.topleft, scale.px(22), bold=True, width=area.width)
            return paragraph(surface, words, (area.left, name.bottom + scale.px(8)), scale.px(16), area.width)
        y = headline(surface, run.name, area.topleft, scale.px(22), area.width) + scale.px(6)
        y = draw_state(surface, pygame.Rect(area.left, y, area.width, 0), run, scale)
        return draw_facts(surface, pygame.Rect(area.left, y, area.width, 0), run_facts(run), scale)


def summary(run: Run) -> str:
    if run.state == "failed":
        return run.why
    parts = [run.log.preset, f"step {run.log.step:,} of {run.log.steps:,}" if run.log.steps else ""]
    parts.append(f"{spell(run.eta)} left" if run.eta is not None else ago(modified(run.folder)))
    return " · ".join(part for part in parts if part)
