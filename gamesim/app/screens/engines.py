"""The learned engines as cards: what they are worth, how they were made, what can be done with them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import gymnasium as gym
import numpy as np
import pygame

from gamesim.app import cards, catalog
from gamesim.app.background import Lazily
from gamesim.app.cards import LEARNED_FROM, EngineCard
from gamesim.app.catalog import Title
from gamesim.app.jobs import Job
from gamesim.app.parts import Action, dot, draw_facts
from gamesim.app.play import Engine
from gamesim.app.previews import draw_frame, starts
from gamesim.app.runs import is_run
from gamesim.app.screens.ask import Ask
from gamesim.app.screens.listing import Listing
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.widgets import meter, paragraph, pill, text

if TYPE_CHECKING:
    from gamesim.app.window import Window

LOOK = 1.0  # seconds between two looks at cards that may have changed
RATE = 4.0


class Engines(Listing):
    """Choose one to play, to watch, to measure or to train further."""

    title = "Models"
    row = 84

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.pictures: Lazily[Path, np.ndarray] = Lazily(starts)
        self.engines: list[Title] = []
        self.cards: dict[Path, EngineCard] = {}
        self._clock = self._since = 0.0
        self.refresh()

    def refresh(self) -> None:
        """Look again for engines, and read their cards."""
        workshop = self.window.workshop
        chosen = self.current
        self.engines = workshop.offered()
        self.cards = {
            place(title): cards.read(place(title), workshop.figures(title)) for title in self.engines
        }
        known = [place(title) for title in self.engines]
        if chosen and place(chosen) in known:
            self.chosen = known.index(place(chosen))

    @property
    def count(self) -> int:
        return len(self.engines)

    @property
    def current(self) -> Title | None:
        return self.engines[self.chosen] if self.chosen < len(self.engines) else None

    def line(self) -> str:
        return "Learned from frames and key presses, and what each was given besides"

    def nothing(self) -> str:
        return "No engine is here yet. Train makes one of what you played."

    def about(self, title: Title) -> str:
        """The game that an engine was learned from, what it was given and what it was trained by."""
        card = self.cards.get(place(title), EngineCard())
        given = f": {card.learned_from}" if card.learned_from else ""
        taught = f"; trained by {card.trained_by}" if card.trained_by else ""
        return title.blurb + given + taught

    def job(self, title: Title) -> Job | None:
        """The running evaluation of an engine."""
        job = self.window.workshop.jobs.about(place(title))
        return job if job and job.running else None

    # what can be done ------------------------------------------------------------------------------------

    def actions(self) -> list[Action]:
        title = self.current
        if title is None:
            return []
        run = catalog.run_of(place(title))
        no_run = (
            ""
            if is_run(run)
            else "It was made elsewhere: its run folder is not here. Train a new one instead."
        )
        no_pilot = "" if title.has_controller else "It has no controller: World Models have one."
        found = [
            Action("Play", partial(self.open, title, False)),
            Action("Watch", partial(self.open, title, True), why_not=no_pilot),
        ]
        if self.job(title):
            found.append(Action("Stop measuring", self.stop))
        else:
            found.append(Action("Evaluate", self.evaluate))
        found.append(Action("Train further", self.train, why_not=no_run))
        return found

    def open(self, title: Title, watch: bool) -> None:
        """Play the engine, or let its controller play."""
        from gamesim.app.screens.play import Play

        def opened(env: gym.Env) -> None:
            self.window.workshop.use(title)
            self.window.go(Play(self.window, Engine(title, env), watch=watch))

        self.window.load(title, opened)

    def evaluate(self) -> None:
        """Measure it, in a process of its own."""
        if title := self.current:
            self.window.workshop.evaluate(title)
            self.window.say(f"Measuring {title.name}: this takes some minutes, and you can go on meanwhile.")

    def stop(self) -> None:
        if (title := self.current) and (job := self.job(title)):
            stop = partial(self.window.workshop.jobs.stop, job)
            answers = (("Stop", stop, True), ("Keep measuring", lambda: None, False))
            self.window.go(Ask(self.window, "Stop measuring?", "What was measured so far is lost.", answers))

    def train(self) -> None:
        from gamesim.app.screens.run import RunPage

        if title := self.current:
            self.window.go(RunPage(self.window, catalog.run_of(place(title))))

    # time and drawing ------------------------------------------------------------------------------------

    def update(self, seconds: float) -> None:
        super().update(seconds)
        self._clock += seconds
        self._since += seconds
        if self._since >= LOOK:
            self._since = 0.0
            self.refresh()

    def draw_row(self, surface: pygame.Surface, rect: pygame.Rect, index: int, scale: Scale) -> None:
        title = self.engines[index]
        card = self.cards.get(place(title), EngineCard())
        picture = pygame.Rect(rect.left, rect.top, min(rect.height, rect.width // 3), rect.height)
        self._draw_picture(surface, picture, title)
        x, right = picture.right + scale.px(14), rect.right - scale.px(4)
        best = card.figures[0] if card.figures else None
        job = self.job(title)
        measured = best is not None and best.good is not None
        words = f"{best.value} kept" if best and measured else "measured" if best else "not measured"
        colour = COLOURS["quiet" if not best or not measured else "good" if best.good else "bad"]
        anchor = (right, rect.top + scale.px(5))
        value = text(surface, words, anchor, scale.px(17), colour, bold=measured, anchor="topright")
        room = max(1, value.left - x - scale.px(10))
        text(surface, title.name, (x, rect.top + scale.px(4)), scale.px(19), bold=True, width=room)
        line = (x, rect.top + scale.px(32))
        text(
            surface,
            card.summary or title.blurb,
            line,
            scale.px(15),
            COLOURS["quiet"],
            width=max(1, right - x),
        )
        if job:
            bar = pygame.Rect(x, rect.bottom - scale.px(8), max(1, right - x), scale.px(6))
            meter(surface, bar, job.share or 0.0, COLOURS["dream"])

    def _draw_picture(self, surface: pygame.Surface, rect: pygame.Rect, title: Title) -> None:
        surface.fill(COLOURS["floor"], rect)
        frames = self.pictures.get(place(title))
        if frames is not None:
            draw_frame(surface, rect, frames[int(self._clock * RATE) % len(frames)])

    def draw_detail(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> None:
        title = self.current
        if title is None:
            return
        card = self.cards.get(place(title), EngineCard())
        name = text(surface, title.name, area.topleft, scale.px(22), bold=True, width=area.width)
        told = self.about(title)
        y = paragraph(surface, told, (area.left, name.bottom), scale.px(15), area.width) + scale.px(6)
        if job := self.job(title):
            y = self._draw_job(surface, pygame.Rect(area.left, y, area.width, 0), job, scale)
        y = self._heading(surface, "What it is worth", (area.left, y), scale, card.fresh)
        if not card.figures:
            y = paragraph(
                surface, "Not measured yet: Evaluate does it.", (area.left, y), scale.px(15), area.width
            )
        y = self._draw_figures(surface, pygame.Rect(area.left, y, area.width, area.bottom - y), card, scale)
        y = self._heading(surface, "How it was trained", (area.left, y + scale.px(10)), scale)
        lines = [
            (label.capitalize(), value)
            for label, value in card.facts.items()
            if label not in ("", LEARNED_FROM)
        ]
        draw_facts(surface, pygame.Rect(area.left, y, area.width, max(0, area.bottom - y)), lines, scale, 14)

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
        """Figures with a dot each: green where an engine that we ship must be, red where not."""
        y, row = area.top, scale.px(25)
        if area.height > scale.px(145) and any(figure.good is not None for figure in card.figures):
            words = "Green: good enough to be shipped. Red: not yet."
            text(surface, words, area.topleft, scale.px(13), COLOURS["quiet"], width=area.width)
            y += scale.px(20)
        for figure in card.figures[: max(0, (area.height - scale.px(120)) // row)]:
            middle = y + row // 2
            tone = "quiet" if figure.good is None else "good" if figure.good else "bad"
            dot(surface, (area.left + scale.px(5), middle), scale.px(4), COLOURS[tone])
            x = area.left + scale.px(18)
            value = text(
                surface, figure.value, (area.right, middle), scale.px(15), bold=True, anchor="midright"
            )
            room = max(1, value.left - x - scale.px(8))
            text(
                surface,
                figure.label,
                (x, middle),
                scale.px(15),
                COLOURS["quiet"],
                anchor="midleft",
                width=room,
            )
            y += row
        return y

    def _draw_job(self, surface: pygame.Surface, area: pygame.Rect, job: Job, scale: Scale) -> int:
        share = job.share
        words = "Measuring: getting ready" if share is None else f"Measuring: {100 * share:.0f} %"
        line = text(surface, words, area.topleft, scale.px(15), COLOURS["dream"], bold=True)
        meter(
            surface,
            pygame.Rect(area.left, line.bottom + scale.px(4), area.width, scale.px(8)),
            share or 0.0,
            COLOURS["dream"],
        )
        return line.bottom + scale.px(26)

    def close(self) -> None:
        self.pictures.close()


def place(title: Title) -> Path:
    """The folder of an engine."""
    return title.checkpoint or Path()
