"""The first screen: the real games and the dreams as cards with moving pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import gymnasium as gym
import pygame

from gamesim.app import catalog
from gamesim.app.background import Worker, give_back
from gamesim.app.catalog import Title
from gamesim.app.controls import DOWN, LEFT, RIGHT, UP, Command, meaning, shown
from gamesim.app.parts import Action, draw_actions, draw_foot, foot_height, margin_of
from gamesim.app.play import Engine
from gamesim.app.previews import Preview, preview
from gamesim.app.screens import Screen, visit
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.widgets import box, paragraph, text, wrap
from gamesim.app.workshop import key

if TYPE_CHECKING:
    from gamesim.app.window import Window

NO_DREAMS = (
    "No learned engine was found. Play and press {key} to record; "
    "then Train makes a dream of what you played."
)

WALK = "Walk out, walk back: what was forgotten?"
CAPTION = 94  # height of a card's words
CALM = 0.6  # seconds that the menu is seen before any dream is woken


@dataclass
class Card:
    """One thing to choose.

    Attributes:
        title: what is played.
        picture: its moving picture.
        walk: whether it is the game of coming home, played in `title`.
        rect: where it was drawn last.
    """

    title: Title
    picture: Preview | None
    walk: bool = False
    rect: pygame.Rect = field(default_factory=lambda: pygame.Rect(0, 0, 0, 0))

    @property
    def key(self) -> tuple[str, bool]:
        return key(self.title), self.walk

    @property
    def name(self) -> str:
        return "Coming home" if self.walk else self.title.name

    @property
    def blurb(self) -> str:
        return WALK if self.walk else self.title.blurb


class Menu(Screen):
    """Arrows and Enter, or the mouse, choose a card or one of the other screens.

    Attributes:
        cards: what can be played, what was played last first.
        places: buttons to the other screens.
        chosen: index of a card; from len(cards) on, of a place.
    """

    caption = "gamesim"

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.cards: list[Card] = []
        self.places = [
            Action(label, partial(self.visit, label))
            for label in ("Recordings", "Engines", "Train", "Settings")
        ]
        self.chosen = 0
        self.scroll = 0
        self._columns = 1
        self._clock = 0.0
        self._view = pygame.Rect(0, 0, 0, 0)
        self._away = False
        self._worker = Worker("dreams")
        self.refresh()

    def refresh(self) -> None:
        """Look again for what can be played; what is known keeps its moving picture."""
        known = {card.key: card for card in self.cards}
        was = self.cards[self.chosen].key if self.chosen < len(self.cards) else None
        place = self.chosen - len(self.cards)
        recent = self.window.workshop.recent
        games = sorted(catalog.games(), key=lambda title: -recent.when(key(title)))
        titles = games + self.window.workshop.engines()
        self.cards = [
            known.get((key(title), False)) or Card(title, preview(title, self._worker)) for title in titles
        ]
        self.cards += self._walks()
        if was is None and not known:
            last = max(titles, key=lambda title: recent.when(key(title)))
            self.chosen = titles.index(last)
        elif was is not None:
            keys = [card.key for card in self.cards]
            self.chosen = keys.index(was) if was in keys else 0
        else:
            self.chosen = len(self.cards) + place

    def _walks(self) -> list[Card]:
        """The game of coming home, in a dream that a person walks through, best one without ghosts."""
        fit = [card for card in self.cards if card.title.learned and not card.title.has_controller]
        fit.sort(key=lambda card: (card.title.kind, card.title.world != catalog.MAZE))
        return [Card(card.title, card.picture, walk=True) for card in fit[:1]]

    def open(self, title: Title, walk: bool = False) -> None:
        """Go to the play screen of a title; `walk`: to come home."""
        from gamesim.app.screens.play import Play

        def opened(env: gym.Env) -> None:
            self.window.workshop.use(title)
            self.window.go(Play(self.window, Engine(title, env), walk=walk))

        self._away = True
        self.window.sound.play("select")
        self.window.load(title, opened)

    def visit(self, label: str) -> None:
        """Go to one of the other screens."""
        self._away = True
        self.window.sound.play("select")
        visit(self.window, label)

    # keys and mouse --------------------------------------------------------------------------------------

    def command(self, command: Command) -> None:
        if command is Command.RESET and self.chosen >= len(self.cards):
            self.places[self.chosen - len(self.cards)].do()
        elif command is Command.RESET:
            self.open(self.cards[self.chosen].title, self.cards[self.chosen].walk)
        else:
            super().command(command)

    def handle(self, event: pygame.event.Event) -> None:
        if event.type == pygame.KEYDOWN:
            if event.key == pygame.K_SPACE:
                self.command(Command.RESET)
            elif isinstance(move := meaning(event.key), int):
                self._move(move)
        elif event.type == pygame.MOUSEMOTION:
            self._choose(self._at(event.pos))
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            found = self._at(event.pos)
            if found is not None:
                self._choose(found)
                self.command(Command.RESET)
        elif event.type == pygame.MOUSEWHEEL:
            self.scroll = max(0, self.scroll - 40 * event.y)

    @property
    def _rects(self) -> list[pygame.Rect]:
        """Where everything that can be chosen was drawn last."""
        return [*(card.rect for card in self.cards), *(place.rect for place in self.places)]

    def _at(self, place: tuple[int, int]) -> int | None:
        for i, rect in enumerate(self._rects):
            if rect.collidepoint(place) and (i >= len(self.cards) or self._view.collidepoint(place)):
                return i
        return None

    def _choose(self, index: int | None) -> None:
        if index is not None and index != self.chosen:
            self.chosen = index
            self.window.sound.play("move")

    def _move(self, move: int) -> None:
        """To the next thing in that direction, as they lie on the screen."""
        here = self._rects[self.chosen]
        dx, dy = {LEFT: (-1, 0), RIGHT: (1, 0), UP: (0, -1), DOWN: (0, 1)}[move]
        best, nearest = None, math.inf
        for i, rect in enumerate(self._rects):
            x, y = rect.centerx - here.centerx, rect.centery - here.centery
            along, across = x * dx + y * dy, abs(x * dy) + abs(y * dx)
            if i != self.chosen and along > 0 and (dy or across < here.height // 2):
                distance = along + 2 * across if dx else 4 * along + across
                if distance < nearest:
                    best, nearest = i, distance
        self._choose(best)
        if best is not None:
            self._reveal = True

    _reveal = False

    # time and drawing ------------------------------------------------------------------------------------

    def update(self, seconds: float) -> None:
        self._clock += seconds
        if self._away:  # back from another screen: there may be new engines, and another was used last
            self._away = False
            self.refresh()
            give_back()
        for card in self.cards:
            awake = self._clock > CALM or not card.title.learned
            if card.picture and awake and not card.walk and card.rect.colliderect(self._view):
                card.picture.update(seconds)

    def draw(self, surface: pygame.Surface) -> None:
        size = surface.get_size()
        scale = Scale.of(size)
        margin = margin_of(size, scale)
        foot = size[1] - foot_height(scale)
        top = self._draw_head(surface, margin, scale)
        self._view = view = pygame.Rect(0, top, size[0], max(1, foot - top))
        clip = surface.get_clip()
        surface.set_clip(view)
        bottom = self._draw_cards(surface, view, margin, scale)
        surface.set_clip(clip)
        self.scroll = min(self.scroll, max(0, bottom + self.scroll - view.bottom))
        self._scroll_to_chosen(view)
        draw_foot(surface, self._hints(), scale)

    def _draw_head(self, surface: pygame.Surface, margin: int, scale: Scale) -> int:
        y = scale.px(34)
        name = text(surface, "gamesim", (margin, y), scale.title, bold=True)
        line = "Play a game. Then play what a network learned of it."
        below = text(
            surface, line, (margin + scale.px(3), name.bottom - scale.px(2)), scale.body, COLOURS["quiet"],
            width=max(1, surface.get_width() - 2 * margin),
        )  # fmt: skip
        self._draw_chase(surface, name, margin, scale)
        return self._draw_places(surface, below, margin, scale)

    def _draw_places(self, surface: pygame.Surface, line: pygame.Rect, margin: int, scale: Scale) -> int:
        """Buttons to the other screens, beside the line below the title or under it. Returns the y below."""
        width = surface.get_width()
        area = pygame.Rect(margin, 0, max(1, width - 2 * margin), 0)
        probe = pygame.Surface((1, 1))
        low = draw_actions(probe, area, self.places, None, scale)
        need = self.places[-1].rect.right - area.left
        beside = low <= scale.px(40) and need + line.width + scale.px(30) <= area.width
        area.top = line.bottom - scale.px(30) if beside else line.bottom + scale.px(12)
        area.left = area.right - need if beside else area.left
        area.width = need if beside else area.width
        focus = self.chosen - len(self.cards)
        bottom = draw_actions(surface, area, self.places, focus if focus >= 0 else None, scale)
        return max(bottom, line.bottom) + scale.px(18)

    def _draw_chase(self, surface: pygame.Surface, name: pygame.Rect, margin: int, scale: Scale) -> None:
        """Pac-Man eats his way along the title's line, again and again, with a ghost behind him."""
        left, right = name.right + scale.px(36), surface.get_width() - margin
        cell = scale.px(40)
        if right - left < 4 * cell:
            return
        sprites = self.window.painter.sprites
        y = name.centery - cell // 2 - scale.px(6)
        span = right - left + 5 * cell
        x = left - 2 * cell + round(self._clock * cell * 2.6) % span
        clip = surface.get_clip()
        surface.set_clip(pygame.Rect(left, y, right - left, cell))
        step = round(cell * 0.8)
        for dot in range(left + step // 2, right - step // 2, step):
            if dot > x + cell // 2:
                surface.blit(sprites.get("food", cell), (dot - cell // 2, y))
        bite = (1 - math.cos(self._clock * 14)) / 2
        surface.blit(sprites.get(f"pacman{round(7 * bite)}", cell), (x, y))
        behind = (x - round(1.7 * cell), y)
        surface.blit(sprites.get(f"ghost0{'ab'[int(self._clock * 6) % 2]}", cell), behind)
        surface.blit(sprites.get("eyes2", cell), behind)
        surface.set_clip(clip)

    def _draw_cards(self, surface: pygame.Surface, view: pygame.Rect, margin: int, scale: Scale) -> int:
        """Both sections; returns the y below the last one."""
        width = view.width - 2 * margin
        gap = scale.px(20)
        games = [i for i, card in enumerate(self.cards) if not card.title.learned]
        dreams = [i for i, card in enumerate(self.cards) if card.title.learned]
        sections = [("Real games", "real", games), ("Dreams", "dream", dreams)]
        when = self.window.workshop.recent.when
        sections.sort(
            key=lambda section: -max((when(key(self.cards[i].title)) for i in section[2]), default=0)
        )
        self._columns = max(1, min(6, (width + gap) // (scale.px(130) + gap)))
        y = view.top - self.scroll
        side = (width - (self._columns - 1) * gap) // self._columns
        room = (view.height - scale.px(128)) // 2 - scale.px(CAPTION)  # both rows are seen without scrolling
        height = max(scale.px(110), min(side, room)) + scale.px(CAPTION)
        for heading, colour, indices in sections:
            text(surface, heading, (margin, y), scale.px(19), COLOURS[colour], bold=True)
            y += scale.px(34)
            for n, i in enumerate(indices):
                x = margin + (n % self._columns) * (side + gap)
                if n and n % self._columns == 0:
                    y += height + gap
                self.cards[i].rect = pygame.Rect(x, y, side, height)
                self._draw_card(surface, view, self.cards[i], i == self.chosen, scale)
            y += height + scale.px(26) if indices else 0
        if not dreams:
            words = NO_DREAMS.format(key=shown(Command.RECORD))
            y = paragraph(surface, words, (margin, y), scale.body, min(width, scale.px(760)))
        return y

    def _draw_card(
        self, surface: pygame.Surface, view: pygame.Rect, card: Card, chosen: bool, scale: Scale
    ) -> None:
        if not card.rect.colliderect(view):
            return
        colour = COLOURS["dream" if card.title.learned else "real"]
        if chosen:
            ring = card.rect.inflate(scale.px(8), scale.px(8))
            box(surface, ring, None, scale.px(15), colour, scale.px(3))
        box(surface, card.rect, COLOURS["raised" if chosen else "panel"], scale.px(12))
        pad = scale.px(10)
        picture = pygame.Rect(card.rect.left + pad, card.rect.top + pad, 0, 0)
        picture.width = max(1, card.rect.width - 2 * pad)
        picture.height = max(1, card.rect.height - pad - scale.px(CAPTION))
        surface.fill(COLOURS["floor"], picture)
        if card.picture:
            card.picture.draw(surface, picture, self.window.painter)
        if card.walk:  # home is marked as it is in the game
            home = pygame.Rect(0, 0, min(picture.size) // 7, min(picture.size) // 7)
            home.center = picture.center
            box(
                surface,
                home.inflate(scale.px(8), scale.px(8)),
                None,
                scale.px(6),
                COLOURS["good"],
                scale.px(3),
            )
        room = max(1, card.rect.width - 2 * pad)
        x, y = card.rect.left + pad, picture.bottom + scale.px(8)
        named = wrap(card.name, scale.px(18), room, True)[:2]
        for line in named:
            text(surface, line, (x, y), scale.px(18), bold=True, width=room)
            y += scale.px(22)
        about = wrap(card.blurb, scale.px(14), room)
        kept = 4 - len(named)  # lines of a card's words
        if len(about) > kept:
            about = [*about[: kept - 1], " ".join(about[kept - 1 :])]
        for line in about:
            text(surface, line, (x, y), scale.px(14), COLOURS["quiet"], width=room)
            y += scale.px(19)

    def _scroll_to_chosen(self, view: pygame.Rect) -> None:
        """Keys may choose a card that is not visible: the next frame shows it."""
        if not self._reveal:
            return
        if self.chosen >= len(self.cards):
            self._reveal = False
            return
        rect = self.cards[self.chosen].rect
        if rect.bottom > view.bottom:
            self.scroll += rect.bottom - view.bottom + 8
        elif rect.top < view.top + 40:
            self.scroll = max(0, self.scroll - (view.top + 40 - rect.top))
        self._reveal = False

    def _hints(self) -> list[tuple[str, str]]:
        words = "open" if self.chosen >= len(self.cards) else "play"
        hints = ((Command.RESET, words), (Command.HELP, "help"), (Command.FULLSCREEN, "fullscreen"))
        return [(shown(command), does) for command, does in (*hints, (Command.BACK, "quit"))]

    def close(self) -> None:
        self._worker.close()
        for card in self.cards:
            engine = getattr(card.picture, "engine", None)
            if engine is not None:
                engine.env.close()
