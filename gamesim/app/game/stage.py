"""The boards of the play screen, with what is drawn over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from gamesim.app.controls import Command, shown
from gamesim.app.game.banner import Line, draw_banner, draw_ready, player_cell
from gamesim.app.game.compare import KINDS, draw_marks
from gamesim.app.game.doubt import Doubt
from gamesim.app.game.look import Offset
from gamesim.app.game.previews import scaled
from gamesim.app.game.reskin import Reskin
from gamesim.app.game.session import Session
from gamesim.app.game.swap import Swap
from gamesim.app.game.world import World
from gamesim.app.theme import COLOURS, Scale, font
from gamesim.app.ui.widgets import clipped, pill, text
from gamesim.text import counted, signed

if TYPE_CHECKING:
    from gamesim.app.kit import Kit

LOUD = 10  # steps for which the screen points out an ignored end


class Stage:
    """Draws the worlds of a session; `covered` pixels along the top of the boards have something else over
    them.
    """

    def __init__(self, kit: Kit, session: Session, swap: Swap, reskin: Reskin) -> None:
        self.kit, self.session, self.swap, self.reskin = kit, session, swap, reskin
        self.doubt = Doubt()
        self.clock = 0.0
        self.covered = 0

    def draw(
        self, surface: pygame.Surface, rect: pygame.Rect, world: World, scale: Scale, named: bool
    ) -> None:
        """Draw one world in `rect`, with a frame around it, its name if `named`, and how it ended."""
        session, dream = self.session, world.temperature is not None
        offset = self._draw_board(surface, rect, world)
        if dream and not session.replaying:
            self._draw_over(surface, rect, offset, scale)
        if rect.width > 100:
            edge = rect.inflate(scale.px(6), scale.px(6))
            colour = COLOURS["dream" if dream else "line"]
            pygame.draw.rect(surface, colour, edge, scale.px(2), border_radius=scale.px(3))
        if named:
            words, colour = ("Dream", "dream") if dream else ("Real game", "real")
            place = (rect.left, rect.top - scale.px(8))
            name = text(surface, words, place, scale.px(18), COLOURS[colour], bold=True, anchor="bottomleft")
            if dream and session.compared:
                self._draw_legend(surface, rect, name.right + scale.px(16), scale)
        if session.tells_end(world):
            self._draw_end(surface, rect, world, scale)
        elif session.ready:
            self._draw_ready(surface, rect, world, scale)
        elif rect.width > 200 and (words := self._remark(world)):
            place = (rect.left + scale.px(8), self._free(rect).top + scale.px(8))
            pill(surface, words, place, scale, COLOURS["panel"], COLOURS["dream"])

    def smooth(self, world: World) -> bool:
        """Whether a world is drawn large, so that things move smoothly between the cells."""
        return world in self.session.playing and self.kit.look.paints(self.session.playing)

    def _draw_board(self, surface: pygame.Surface, rect: pygame.Rect, world: World) -> Offset:
        """Draw the board now or in the replay; returns how far, in pixels, it still has to scroll."""
        session, kit = self.session, self.kit
        again = session.replay(world)
        shot, part = again or (world.shot, session.part)
        frame, was, death = shot.frame, None, None
        if again is None:
            death, frame = session.death(world), self.swap.frame(world)
            if world.temperature is not None:
                frame = self.doubt.seen(frame, self.clock)
            if len(world.trail) > 1:
                was = self.reskin.seen(world, world.trail[-2][0])
        frame = self.reskin.seen(world, frame)
        if not self.smooth(world):
            surface.blit(scaled(frame, rect.size), rect)
        elif shot.snapshots is None or session.beside or self.reskin.paints(world):
            rows, action = world.grid[0], world.trail[-1][1]
            return kit.look.frame(surface, rect, frame, rows, was, action, part, self.clock, death)
        else:
            kit.painter.draw(surface, rect, *shot.snapshots, part, self.clock, world.view, death)
        return 0, 0

    def _draw_over(self, surface: pygame.Surface, rect: pygame.Rect, offset: Offset, scale: Scale) -> None:
        """Draw over a dream, scrolling with it: how sure it is, what it invents and forgets."""
        with clipped(surface, rect):
            there = rect.move(offset)
            self.doubt.draw(surface, there)
            for kind, _ in KINDS if self.session.compared else ():
                mask = getattr(self.session.divergence, kind)
                if mask is not None:
                    draw_marks(surface, there, mask, scale.px(3), kind)

    def _draw_legend(self, surface: pygame.Surface, rect: pygame.Rect, left: int, scale: Scale) -> None:
        """Draw what the two kinds of marks mean above a board; a narrow one gets short words, or none."""
        size, gap = scale.px(14), scale.px(16)
        long, short = [f"{kind}: {meaning}" for kind, meaning in KINDS], [kind for kind, _ in KINDS]
        for told in (long, short):
            wide = sum(font(size).size(words)[0] + gap for words in told)
            if wide <= rect.right - left:
                break
        else:
            return
        right = rect.right
        for (kind, _), words in reversed([*zip(KINDS, told, strict=True)]):
            place = (right, rect.top - scale.px(9))
            right = text(surface, words, place, size, COLOURS[kind], anchor="bottomright").left - gap

    def _free(self, rect: pygame.Rect) -> pygame.Rect:
        """The part of a board that nothing covers."""
        covered = min(self.covered, rect.height)
        return pygame.Rect(rect.left, rect.top + covered, rect.width, rect.height - covered)

    def _remark(self, world: World) -> str:
        """A remark on the replay, or on the ends that a dream ignored; "" if there is none."""
        again = self.session.replay(world)
        if again is not None:
            end = again[0].end_probability
            why = "any key skips it" if end is None else f"chance of an ending {100 * end:.0f} %"
            return f"Slow motion · {why}"
        if not self.session.endless or not world.ends:
            return ""
        if world.steps - world.ends[-1] < LOUD:
            return "End ignored: the dream goes on"
        return f"{counted(len(world.ends), 'end')} ignored"

    def _draw_ready(self, surface: pygame.Surface, rect: pygame.Rect, world: World, scale: Scale) -> None:
        """Draw "Ready!", and what the clock waits for."""
        hint = "Move to start" if self.session.waiting else ""
        level = f"Level {world.now.level}" if world.title.latched and world.now else ""
        small = " · ".join(part for part in (level, hint) if part)
        player = player_cell(rect, world)
        whole = world.now is not None and world.view is None and world.grid[0] == 21
        if whole and player.top > rect.top + rect.height * 14 // 21:
            draw_ready(surface, rect, "Ready!", small, scale)
            return
        lines = [Line("Ready!", 34, COLOURS["real"], bold=True)]
        lines += [Line(small, 18, COLOURS["text"])] if small else []
        draw_banner(surface, self._free(rect), player, lines, scale)

    def _draw_end(self, surface: pygame.Surface, rect: pygame.Rect, world: World, scale: Scale) -> None:
        """Draw how it ended, how sure the model was of that, and how to play again."""
        points = world.title.latched and world.now is not None
        score = f"{world.score:,.0f} points" if points else f"Score {signed(world.total)}"
        lines = [Line(world.over or "", 32, COLOURS["text"], bold=True)]
        lines.append(Line(f"{score} · {counted(world.steps, 'step')}", 18, COLOURS["quiet"]))
        sure = world.end_probability
        if sure is not None and "timeout" not in world.happened:
            words = f"The model was {100 * sure:.0f} % sure that this was the end"
            lines.append(Line(words, 17, COLOURS["dream"]))
        if self.session.finished and world is self.session.world:
            lines.append(Line(f"{shown(Command.RESET)} to play again", 17, COLOURS["real"], bold=True))
            if world.can_go_on:
                words = f"{shown(Command.ENDLESS)} to dream on as if nothing happened"
                lines.append(Line(words, 15, COLOURS["quiet"]))
        banner = draw_banner(surface, self._free(rect), player_cell(rect, world), lines, scale)
        rest = self.session.rest
        if rest is not None and banner.width > scale.px(40):
            left = pygame.Rect(banner.left + scale.px(14), banner.bottom - scale.px(8), 0, scale.px(3))
            left.width = round((banner.width - scale.px(28)) * (1 - rest))
            surface.fill(COLOURS["line"], left)
