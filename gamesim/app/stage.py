"""The boards of the play screen: the real game drawn large and smooth, a dream as it was dreamt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from gamesim.app.banner import Line, draw_banner, draw_ready, player_cell
from gamesim.app.compare import KINDS, draw_marks
from gamesim.app.controls import Command, shown
from gamesim.app.hud import signed
from gamesim.app.play import Engine
from gamesim.app.previews import scaled
from gamesim.app.session import Session
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.widgets import pill, text
from gamesim.app.xray.swap import Swap
from gamesim.text import counted

if TYPE_CHECKING:
    from gamesim.app.window import Window

LOUD = 10  # steps for which an end that was ignored is pointed out


class Stage:
    """Draws the engines of a session; it keeps nothing but the clock of what moves by itself."""

    def __init__(self, window: Window, session: Session, swap: Swap) -> None:
        self.window, self.session, self.swap = window, session, swap
        self.clock = 0.0

    def draw(
        self, surface: pygame.Surface, rect: pygame.Rect, engine: Engine, scale: Scale, named: bool
    ) -> None:
        """One engine in `rect`, with its frame, its name where two are shown, and how it ended."""
        session, dream = self.session, engine.temperature is not None
        self._draw_board(surface, rect, engine)
        if self.swap.name and not engine.painted and rect.width > 200:
            self._pill(surface, rect, f"Swapped in: {self.swap.name}", scale)
        if dream and session.compared and not session.replaying:
            self._mark(surface, rect, scale)
        if rect.width > 100:
            edge = rect.inflate(scale.px(6), scale.px(6))
            colour = COLOURS["dream" if dream else "line"]
            pygame.draw.rect(surface, colour, edge, scale.px(2), border_radius=scale.px(3))
        if named:
            words, colour = ("Dream", "dream") if dream else ("Real game", "real")
            place = (rect.left, rect.top - scale.px(8))
            text(surface, words, place, scale.px(18), COLOURS[colour], bold=True, anchor="bottomleft")
        if session.replaying:
            self._draw_replay_words(surface, rect, engine, scale)
        elif session.tells_end(engine):
            self._draw_end(surface, rect, engine, scale)
        elif session.ready:
            self._draw_ready(surface, rect, engine, scale)
        elif dream and session.endless:
            self._draw_endless(surface, rect, engine, scale)

    def _draw_board(self, surface: pygame.Surface, rect: pygame.Rect, engine: Engine) -> None:
        """What is seen now: the running tick, or one of the last second in slow motion."""
        session, again = self.session, self.session.replay(engine)
        if again is None:
            before, now, part, dying = engine.before, engine.now, session.part, session.death(engine)
        else:
            before, now, part, dying = again[0].before, again[0].now, again[1], None
        if engine.painted and before is not None and now is not None:
            self.window.painter.draw(surface, rect, before, now, part, self.clock, engine.view, dying)
        else:
            frame = self.swap.frame(engine) if again is None else again[0].frame
            surface.blit(scaled(frame, rect.size), rect)

    def _pill(self, surface: pygame.Surface, rect: pygame.Rect, words: str, scale: Scale) -> None:
        """A remark in the upper left corner of a board."""
        place = (rect.left + scale.px(8), rect.top + scale.px(8))
        pill(surface, words, place, scale, COLOURS["panel"], COLOURS["dream"])

    def _draw_replay_words(
        self, surface: pygame.Surface, rect: pygame.Rect, engine: Engine, scale: Scale
    ) -> None:
        """That this is a replay, and how near a dream believed the end to be."""
        again = self.session.replay(engine)
        if rect.width <= 200 or again is None:
            return
        end, words = again[0].end_probability, "Slow motion · any key skips it"
        if end is not None:
            words = f"Slow motion · chance of an ending {100 * end:.0f}%"
        self._pill(surface, rect, words, scale)

    def _draw_endless(self, surface: pygame.Surface, rect: pygame.Rect, engine: Engine, scale: Scale) -> None:
        """That this dream goes on after its ends, and where it did."""
        if rect.width <= 200 or not engine.ends:
            return
        if engine.steps - engine.ends[-1] < LOUD:
            words = "An end, ignored: the dream goes on"
        else:
            words = f"{counted(len(engine.ends), 'end')} ignored"
        self._pill(surface, rect, words, scale)

    def _draw_ready(self, surface: pygame.Surface, rect: pygame.Rect, engine: Engine, scale: Scale) -> None:
        """That the clock waits, and for what."""
        waits = self.session.waiting
        hint = "Move to start" if waits else ""
        level = f"Level {engine.now.level}" if engine.title.latched and engine.now else ""
        small = " · ".join(part for part in (level, hint) if part)
        player = player_cell(rect, engine)
        whole = engine.now is not None and engine.view is None and engine.grid[0] == 21
        if whole and player.top > rect.top + rect.height * 14 // 21:
            draw_ready(surface, rect, "Ready!", small, scale)
            return
        lines = [Line("Ready!", 34, COLOURS["real"], bold=True)]
        lines += [Line(small, 18, COLOURS["text"])] if small else []
        draw_banner(surface, rect, player, lines, scale)

    def _mark(self, surface: pygame.Surface, rect: pygame.Rect, scale: Scale) -> None:
        """What the dream invents and forgets, with a legend above the board."""
        found = self.session.divergence
        right = rect.right
        for kind, meaning in reversed(KINDS):
            mask = getattr(found, kind)
            if mask is None:
                return
            draw_marks(surface, rect, mask, scale.px(3), kind)
            place = (right, rect.top - scale.px(9))
            words = f"{kind}: {meaning}"
            told = text(surface, words, place, scale.px(14), COLOURS[kind], anchor="bottomright")
            right = told.left - scale.px(16)

    def _draw_end(self, surface: pygame.Surface, rect: pygame.Rect, engine: Engine, scale: Scale) -> None:
        """How it ended, what a dream believed, and how to play again."""
        points = engine.title.latched and engine.now is not None
        score = f"{engine.score:,.0f} points" if points else f"Score {signed(engine.total)}"
        lines = [Line(engine.over or "", 32, COLOURS["text"], bold=True)]
        lines.append(Line(f"{score} · {counted(engine.steps, 'step')}", 18, COLOURS["quiet"]))
        sure = engine.end_probability
        if sure is not None and "timeout" not in engine.happened:
            words = f"The model was {100 * sure:.0f}% sure that this was the end"
            lines.append(Line(words, 17, COLOURS["dream"]))
        if self.session.finished and engine is self.session.engine:
            again = f"{shown(Command.RESET)} to play again"
            lines.append(Line(again, 17, COLOURS["real"], bold=True))
            if engine.can_go_on:
                lines.append(
                    Line(f"{shown(Command.ENDLESS)} to dream on as if nothing happened", 15, COLOURS["quiet"])
                )
        banner = draw_banner(surface, rect, player_cell(rect, engine), lines, scale)
        rest = self.session.rest
        if rest is not None and banner.width > scale.px(40):
            left = pygame.Rect(banner.left + scale.px(14), banner.bottom - scale.px(8), 0, scale.px(3))
            left.width = round((banner.width - scale.px(28)) * (1 - rest))
            surface.fill(COLOURS["line"], left)
