"""The list of learned engines: how good they are, how they were made, and what a player can do with them."""

from functools import partial
from pathlib import Path

import numpy as np
import pygame

from gamesim.app.background import Lazily
from gamesim.app.controls import key_name
from gamesim.app.game.previews import draw_pictured, starts
from gamesim.app.library import cards, catalog
from gamesim.app.library.cards import LEARNED_FROM, EngineCard, spell
from gamesim.app.library.catalog import Title
from gamesim.app.library.jobs import Job
from gamesim.app.library.run_view import ask_to_delete
from gamesim.app.library.runs import is_run
from gamesim.app.navigation import Navigator
from gamesim.app.screens.play import open_title
from gamesim.app.screens.run import RunPage
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.ask import Ask
from gamesim.app.ui.listing import Listing, draw_words
from gamesim.app.ui.parts import Action, dot, draw_facts
from gamesim.app.ui.widgets import headline, meter, paragraph, pill, text, wrap


class Engines(Listing[Title]):
    """Choose one to play, to watch, to measure or to train further."""

    caption = "Models"
    row = 84
    keys = (pygame.K_DELETE,)
    every = 1.0

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.pictures: Lazily[Path, np.ndarray] = Lazily(starts)
        self.cards: dict[Path, EngineCard] = {}
        self.refresh()

    def refresh(self) -> None:
        """Look again for engines, and read their cards."""
        workshop = self.kit.workshop
        self.show(workshop.offered())
        self.cards = {place(title): cards.read(place(title), workshop.figures(title)) for title in self.rows}

    def line(self) -> str:
        return "What each model learned from, and how well it plays"

    def nothing(self) -> str:
        return "No models yet. Train one on your recordings, under Train"

    def about(self, title: Title) -> str:
        """What an engine learned from, and its training signals."""
        card = self.cards.get(place(title), EngineCard())
        given = f": {card.learned_from}" if card.learned_from else ""
        taught = f"; trained by {card.trained_by}" if card.trained_by else ""
        return title.blurb + given + taught

    def job(self, title: Title) -> Job | None:
        """The running evaluation of an engine."""
        job = self.kit.workshop.jobs.about(place(title))
        return job if job and job.running else None

    # what can be done ------------------------------------------------------------------------------------

    def actions(self) -> list[Action]:
        title = self.current
        if title is None:
            return []
        window, workshop = self.window, self.kit.workshop
        run, job = workshop.run(catalog.run_of(place(title))), self.job(title)
        no_run = "" if is_run(run.folder) else "only for models trained here"
        no_pilot = "" if title.has_controller else "no AI driver, only World Models have one"
        measure = Action("Stop measuring", partial(self.stop, job)) if job else None
        found = [
            Action("Play", partial(open_title, window, title)),
            Action("Watch", partial(open_title, window, title, watch=True), why_not=no_pilot),
            measure or Action("Measure", partial(self.evaluate, title)),
            Action("Train further", lambda: window.go(RunPage(window, run.folder)), why_not=no_run),
        ]
        if not no_run:
            delete = partial(ask_to_delete, window, run, self.refresh)
            found.append(Action("Delete", delete, key_name(pygame.K_DELETE), danger=True))
        return found

    def evaluate(self, title: Title) -> None:
        """Measure it, in a process of its own."""
        self.kit.workshop.evaluate(title)
        self.window.say(f"Measuring {title.name}. It takes a few minutes; you can keep playing")

    def stop(self, job: Job) -> None:
        """Ask whether to stop a measurement."""
        stop = Action("Stop", partial(self.kit.workshop.jobs.stop, job), danger=True)
        more = "What was measured so far will be lost."
        self.window.go(Ask(self.window, "Stop measuring?", more, [stop, Action("Keep measuring")]))

    # drawing ---------------------------------------------------------------------------------------------

    def draw_row(self, surface: pygame.Surface, rect: pygame.Rect, row: Title, scale: Scale) -> None:
        card = self.cards.get(place(row), EngineCard())
        _, area = draw_pictured(surface, rect, self.pictures.get(place(row)), self.clock, scale)
        best, job = card.remembered, self.job(row)
        words = f"{best.value} remembered" if best else "measured" if card.measured else "not measured"
        words = best.value if best and rect.width < scale.px(400) else words
        colour = COLOURS[tone(best.good if best else None)]
        draw_words(surface, area, row.name, card.summary or row.blurb, words, colour, scale)
        if job:
            bar = pygame.Rect(area.left, rect.bottom - scale.px(8), max(1, area.width), scale.px(6))
            meter(surface, bar, job.share or 0.0, COLOURS["dream"])

    def draw_detail(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> int:
        title = self.current
        if title is None:
            return area.top
        card = self.cards.get(place(title), EngineCard())
        y = headline(surface, title.name, area.topleft, scale.px(22), area.width)
        y = paragraph(surface, self.about(title), (area.left, y), scale.px(15), area.width) + scale.px(6)
        if job := self.job(title):
            y = self._draw_job(surface, pygame.Rect(area.left, y, area.width, 0), job, scale)
        y = self._heading(surface, "Measured quality", (area.left, y), scale, card.fresh)
        if not card.figures:
            words = "Not measured yet. Press Measure"
            y = paragraph(surface, words, (area.left, y), scale.px(15), area.width)
        y = self._draw_figures(surface, pygame.Rect(area.left, y, area.width, area.bottom - y), card, scale)
        y = self._heading(surface, "How it was trained", (area.left, y + scale.px(10)), scale)
        facts = card.facts.items()
        lines = [(label.capitalize(), value) for label, value in facts if label not in ("", LEARNED_FROM)]
        return draw_facts(surface, pygame.Rect(area.left, y, area.width, 0), lines, scale, 14)

    def _heading(
        self, surface: pygame.Surface, words: str, where: tuple[int, int], scale: Scale, fresh: bool = False
    ) -> int:
        drawn = text(surface, words, where, scale.px(15), COLOURS["real"], bold=True)
        if fresh:
            tag = (drawn.right + scale.px(10), drawn.top - scale.px(4))
            pill(surface, "measured here", tag, scale, COLOURS["raised"], COLOURS["text"])
        return drawn.bottom + scale.px(4)

    def _draw_figures(
        self, surface: pygame.Surface, area: pygame.Rect, card: EngineCard, scale: Scale
    ) -> int:
        """Draw figures with a dot each: green if it is good enough for an engine that we ship, red if not."""
        y, row = area.top, scale.px(25)
        if any(figure.good is not None for figure in card.figures):
            for good, words in ((True, "meets the target"), (False, "below it")):
                at = (area.left + scale.px(18), y + scale.px(8))
                dot(surface, (area.left + scale.px(5), at[1]), scale.px(4), COLOURS[tone(good)])
                text(surface, words, at, scale.px(13), COLOURS["quiet"], anchor="midleft")
                y += scale.px(20)
        for figure in card.figures:
            middle = y + row // 2
            dot(surface, (area.left + scale.px(5), middle), scale.px(4), COLOURS[tone(figure.good)])
            x = area.left + scale.px(18)
            size, quiet = scale.px(15), COLOURS["quiet"]
            value = text(surface, figure.value, (area.right, middle), size, bold=True, anchor="midright")
            room = max(1, value.left - x - scale.px(8))
            # Two of them differ at their ends alone.
            for n, line in enumerate(wrap(figure.label, size, room)):
                y += scale.px(18) if n else row
                text(surface, line, (x, y - row // 2), size, quiet, anchor="midleft", width=room)
        return y

    def _draw_job(self, surface: pygame.Surface, area: pygame.Rect, job: Job, scale: Scale) -> int:
        share = job.share
        words = "Loading the model" if share is None else f"Measuring: {100 * share:.0f} %"
        words = f"{words} · {spell(job.seconds)}"
        line = text(surface, words, area.topleft, scale.px(15), COLOURS["dream"], bold=True)
        bar = pygame.Rect(area.left, line.bottom + scale.px(4), area.width, scale.px(8))
        meter(surface, bar, share or 0.0, COLOURS["dream"])
        return line.bottom + scale.px(26)

    def close(self) -> None:
        self.pictures.close()


def tone(good: bool | None) -> str:
    """The colour of a figure that is good enough or not; None: nobody says."""
    return "quiet" if good is None else "good" if good else "bad"


def place(title: Title) -> Path:
    """The folder of an engine."""
    return title.checkpoint or Path()
