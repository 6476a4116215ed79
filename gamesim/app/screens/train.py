"""Trainings: the list of all runs, those of the command line included, and the way to a new one."""

from functools import partial
from pathlib import Path

import pygame

from gamesim.app.controls import key_name
from gamesim.app.library.cards import spell
from gamesim.app.library.run_view import ask_to_delete, draw_state, run_facts, state_words
from gamesim.app.library.runs import Run, modified
from gamesim.app.library.shelf import ago
from gamesim.app.navigation import Navigator
from gamesim.app.screens.new_run import NewRun
from gamesim.app.screens.run import RunPage, play
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.listing import Listing, draw_words
from gamesim.app.ui.parts import Action, draw_facts
from gamesim.app.ui.widgets import headline, meter, paragraph, text
from gamesim.text import counted


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
        """Go to the page of a run."""
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
    """A run in one line."""
    if run.state == "failed":
        return run.why
    parts = [run.log.preset, f"step {run.log.step:,} of {run.log.steps:,}" if run.log.steps else ""]
    parts.append(f"{spell(run.eta)} left" if run.eta is not None else ago(modified(run.folder)))
    return " · ".join(part for part in parts if part)
