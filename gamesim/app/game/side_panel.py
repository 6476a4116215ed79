"""The panel beside the boards: the name of the game, its figures, and the most important keys."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import pygame

from gamesim.app.controls import Command
from gamesim.app.game import hud, temperature
from gamesim.app.game.compare import draw_divergence
from gamesim.app.game.doubt import Doubt
from gamesim.app.game.home_view import home_facts
from gamesim.app.game.homecoming import Homecoming
from gamesim.app.game.session import Session
from gamesim.app.game.swap import Swap
from gamesim.app.game.takes import Takes
from gamesim.app.library import catalog
from gamesim.app.theme import COLOURS, Scale, font
from gamesim.app.ui.widgets import clipped, paragraph, pill, text

if TYPE_CHECKING:
    from gamesim.app.kit import Kit

KEYS, FEW_KEYS = 96, 78
"""Pixels that figures leave to keys and messages, beside boards and below them, in a 1280x800 window."""

MOST_KEYS = 8  # that the panel shows of a game that is not ours


class SidePanel:
    """Draws the panel of a session.

    Attributes:
        home: the walk that is going on; None if there is none.
        few: the only keys to show; None: all that work and fit.
        free: the area between the figures and the keys, for messages.
        keys, bars: the place of each key on screen, for clicks, and of each figure's bar, by label.
    """

    def __init__(self, kit: Kit, session: Session, swap: Swap, doubt: Doubt) -> None:
        self.kit, self.session, self.swap, self.doubt = kit, session, swap, doubt
        self.free = pygame.Rect(0, 0, 0, 0)
        self.home: Homecoming | None = None
        self.few: Collection[Command] | None = None
        self.keys: list[tuple[pygame.Rect, Command]] = []
        self.bars: hud.Bars = {}
        self._offers: tuple[tuple, bool, bool] = ((), False, False)

    def hints(self) -> list[tuple[Command, str]]:
        """The keys that do something here, the most important first."""
        partner, called = self._offered()
        driver = called or self.session.leader.advice is not None
        found = hud.hints(self.session, partner, driver, self.kit.look.pixels)
        idle = {Command.ENDLESS} if self.home else set()  # on a walk dreams always go on
        idle |= set() if self.has_looks else {Command.LOOK}
        return [hint for hint in found if hint[0] not in idle]

    def has_partner(self) -> bool:
        """Whether this dream has its game here, or this game a dream."""
        return self._offered()[0]

    def _offered(self) -> tuple[bool, bool]:
        """Whether there is another side, and a dream whose AI can be borrowed to drive."""
        session = self.session
        title = session.world.title
        asked = (title, session.other is None)
        if self._offers[0] != asked:
            partner = session.other is not None
            partner = partner or catalog.partner(title, self.kit.workshop.offered()) is not None
            called = None if title.learned else catalog.chauffeur(title, self.kit.workshop.shipped())
            self._offers = (asked, partner, called is not None)
        return self._offers[1:]

    @property
    def has_looks(self) -> bool:
        """Whether the player can choose between large and pixels here."""
        return self.session.world.keys is None or self.kit.look.knows(self.session.playing)

    def key_at(self, place: tuple[int, int]) -> Command | None:
        """The command whose key is at a place of the window; None if there is none."""
        return next((command for rect, command in self.keys if rect.collidepoint(place)), None)

    def temperature_at(self, place: tuple[int, int], held: bool = False) -> float | None:
        """The slider's temperature at the mouse; None if the mouse is off the slider and it is not `held`."""
        bar = self.bars.get("Temperature")
        if bar is None or not (held or bar.inflate(bar.height, 5 * bar.height).collidepoint(place)):
            return None
        return temperature.at((place[0] - bar.left) / max(1, bar.width))

    def draw(self, surface: pygame.Surface, layout: hud.Layout, scale: Scale) -> None:
        rect = layout.panel
        self.free = pygame.Rect(0, 0, 0, 0)
        self.keys, self.bars = [], {}
        if rect.width <= scale.px(60) or rect.height <= scale.px(30):
            return
        with clipped(surface, rect):
            if not layout.column and self.session.divergence is not None:
                rect = self._draw_aside(surface, rect, scale)
            message = self.kit.toasts.height(rect.width, scale)  # it covers keys, not figures
            y = self._draw_heading(surface, rect, scale) if layout.column else rect.top
            kept = min(scale.px(KEYS if layout.column else FEW_KEYS), (rect.bottom - y) // 2)
            body = pygame.Rect(rect.left, y, rect.width, rect.bottom - y - max(message, kept))
            draw = hud.draw_column if layout.column else hud.draw_strip
            below = draw(surface, body, self.facts(layout.column), scale, self.bars)
            if layout.column and self.session.divergence is not None:
                rest = rect.bottom - below - max(message, scale.px(90))
                room = pygame.Rect(rect.left, below + scale.px(12), rect.width, rest)
                below = draw_divergence(surface, room, self.session.divergence, scale)
            left = max(0, rect.bottom - below - scale.px(16) - message)
            keys = pygame.Rect(rect.left, rect.bottom - left, rect.width, left)
            known = [hint for hint in self.hints() if self.few is None or hint[0] in self.few]
            self.keys = hud.draw_hints(surface, keys, known, scale)
        top = self.keys[0][0].top - scale.px(14) if self.keys else rect.bottom
        self.free = pygame.Rect(rect.left, below, rect.width, max(0, top - below))

    def _draw_aside(self, surface: pygame.Surface, rect: pygame.Rect, scale: Scale) -> pygame.Rect:
        """Draw the first difference at the right of a panel below the boards; returns the rest of it."""
        assert self.session.divergence is not None
        width = min(rect.width // 3, scale.px(280))
        aside = pygame.Rect(rect.right - width, rect.top, width, rect.height)
        draw_divergence(surface, aside, self.session.divergence, scale)
        return pygame.Rect(rect.left, rect.top, rect.width - width - scale.px(24), rect.height)

    def facts(self, column: bool) -> list[hud.Fact]:
        """The facts about all worlds that are played; a fact that two of them share comes once."""
        session = self.session
        best = self.kit.scores.best(session.world.title.game_id)
        lines = [hud.Fact("Game", "paused")] if session.paused and not column else []
        lines += home_facts(self.home) if self.home else []
        lines += hud.differences(session)
        if self.swap.name:
            lines.append(hud.Fact("Background", self.swap.name, colour=COLOURS["dream"]))
        for world in session.playing:
            known = {fact.label for fact in lines}
            lines += [fact for fact in hud.facts(world, best) if fact.label not in known]
        keys = session.world.keys
        legend = [hud.Fact(word, cap) for cap, word in keys.legend[:MOST_KEYS]] if keys else []
        driving = hud.driving(session)  # what an AI that drives presses comes before what one could press
        lines += [*driving, *legend] if session.watching else [*legend, *driving]
        if (share := self.doubt.share) is not None:
            unsure = f"{int((share > 0).sum())} of {share.size} cells"
            lines.append(hud.Fact("Unsure about", unsure, colour=COLOURS["dream"]))
        lines += hud.mixture(session.playing[-1])
        if (words := Takes.words(session.world)) is not None:
            lines.append(hud.Fact("Recording", words, colour=COLOURS["record"]))
        return lines

    def _draw_heading(self, surface: pygame.Surface, rect: pygame.Rect, scale: Scale) -> int:
        """Draw the name and kind of the world in front; returns the y below."""
        world = self.session.world
        words, size = world.title.name, scale.px(32)
        size = size if font(size, True).size(words)[0] <= rect.width else scale.px(25)
        name = text(surface, words, rect.topleft, size, bold=True, width=rect.width)
        dream = world.temperature is not None
        place = (rect.left, name.bottom + scale.px(8))
        colour = COLOURS["dream" if dream else "real"]
        tag = pill(surface, "DREAM" if dream else "REAL GAME", place, scale, colour, COLOURS["back"])
        if self.session.paused:
            place = (tag.right + scale.px(8), tag.top)
            pill(surface, "PAUSED", place, scale, COLOURS["raised"], COLOURS["text"])
        y = tag.bottom + scale.px(12)
        if rect.height > scale.px(460) and world.title.blurb:
            y = paragraph(surface, world.title.blurb, (rect.left, y), scale.px(16), rect.width)
        return y + scale.px(8)
