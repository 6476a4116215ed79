"""The first screen: the real games and the dreams as cards with moving pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pygame

from gamesim.app import catalog
from gamesim.app.catalog import Title
from gamesim.app.controls import DOWN, LEFT, RIGHT, UP, Command, meaning
from gamesim.app.play import Engine
from gamesim.app.previews import Preview, preview
from gamesim.app.screens import Screen
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.widgets import box, keycap, paragraph, text

if TYPE_CHECKING:
    from gamesim.app.window import Window

NO_DREAMS = (
    "No learned engine was found in the folder “checkpoints”. Play and press , to record; then "
    "main.py train gamegan-lite --data recordings --out runs/mine makes a dream of it."
)

CAPTION = 76  # height of a card's words


@dataclass
class Card:
    """One thing to choose; `rect` is where it was drawn last."""

    title: Title
    picture: Preview | None
    rect: pygame.Rect


class Menu(Screen):
    """Arrows and Enter, or the mouse, choose a card."""

    caption = "gamesim"

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.cards: list[Card] = []
        self.chosen = 0
        self.scroll = 0
        self._columns = 1
        self._clock = 0.0
        self.refresh()

    def refresh(self) -> None:
        """Look again for what can be played."""
        titles = catalog.games() + catalog.dreams(self.window.checkpoints)
        self.cards = [Card(title, preview(title), pygame.Rect(0, 0, 0, 0)) for title in titles]
        self.chosen = min(self.chosen, len(self.cards) - 1)

    def open(self, title: Title) -> None:
        """Go to the play screen of a title."""
        from gamesim.app.screens.play import Play

        self.window.sound.play("select")
        self.window.load(title, lambda env: self.window.go(Play(self.window, Engine(title, env))))

    # keys and mouse --------------------------------------------------------------------------------------

    def command(self, command: Command) -> None:
        if command is Command.RESET:
            self.open(self.cards[self.chosen].title)
        else:
            super().command(command)

    def handle(self, event: pygame.event.Event) -> None:
        if event.type == pygame.KEYDOWN:
            if event.key == pygame.K_SPACE:
                self.command(Command.RESET)
            elif isinstance(move := meaning(event.key), int):
                self._move(move)
        elif event.type == pygame.MOUSEMOTION:
            self._choose(self._card_at(event.pos))
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            found = self._card_at(event.pos)
            if found is not None:
                self._choose(found)
                self.open(self.cards[found].title)
        elif event.type == pygame.MOUSEWHEEL:
            self.scroll = max(0, self.scroll - 40 * event.y)

    def _card_at(self, place: tuple[int, int]) -> int | None:
        return next((i for i, card in enumerate(self.cards) if card.rect.collidepoint(place)), None)

    def _choose(self, index: int | None) -> None:
        if index is not None and index != self.chosen:
            self.chosen = index
            self.window.sound.play("move")

    def _move(self, move: int) -> None:
        """To the next card in that direction, as they lie on the screen."""
        here = self.cards[self.chosen].rect.center
        dx, dy = {LEFT: (-1, 0), RIGHT: (1, 0), UP: (0, -1), DOWN: (0, 1)}[move]
        best, nearest = None, math.inf
        for i, card in enumerate(self.cards):
            x, y = card.rect.centerx - here[0], card.rect.centery - here[1]
            along, across = x * dx + y * dy, abs(x * dy) + abs(y * dx)
            if i != self.chosen and along > 0 and (dy or across < card.rect.height // 2):
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
        for card in self.cards:
            if card.picture:
                card.picture.update(seconds)

    def draw(self, surface: pygame.Surface) -> None:
        size = surface.get_size()
        scale = Scale.of(size)
        margin = max(8, min(scale.px(64), size[0] // 20))
        foot = size[1] - scale.px(58)
        top = self._draw_head(surface, margin, scale)
        view = pygame.Rect(0, top, size[0], max(1, foot - top))
        clip = surface.get_clip()
        surface.set_clip(view)
        bottom = self._draw_cards(surface, view, margin, scale)
        surface.set_clip(clip)
        self.scroll = min(self.scroll, max(0, bottom + self.scroll - view.bottom))
        self._scroll_to_chosen(view)
        self._draw_foot(surface, margin, scale)

    def _draw_head(self, surface: pygame.Surface, margin: int, scale: Scale) -> int:
        y = scale.px(34)
        name = text(surface, "gamesim", (margin, y), scale.title, bold=True)
        line = "Play a game. Then play what a network learned of it."
        below = text(
            surface, line, (margin + scale.px(3), name.bottom - scale.px(2)), scale.body, COLOURS["quiet"],
            width=max(1, surface.get_width() - 2 * margin),
        )  # fmt: skip
        self._draw_chase(surface, name, margin, scale)
        return below.bottom + scale.px(20)

    def _draw_chase(self, surface: pygame.Surface, name: pygame.Rect, margin: int, scale: Scale) -> None:
        """Pac-Man eats his way along the title's line, again and again, with a ghost behind him."""
        left, right = name.right + scale.px(36), surface.get_width() - margin
        cell = scale.px(40)
        if right - left < 4 * cell:
            return
        sprites = self.window.painter.sprites
        y = name.centery - cell // 2 + scale.px(4)
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
        self._columns = max(1, min(5, (width + gap) // (scale.px(150) + gap)))
        y = view.top - self.scroll
        side = (width - (self._columns - 1) * gap) // self._columns
        room = (view.height - scale.px(128)) // 2 - scale.px(CAPTION)  # both rows are seen without scrolling
        height = max(scale.px(110), min(side, room)) + scale.px(CAPTION)
        for heading, colour, indices in (("Real games", "real", games), ("Dreams", "dream", dreams)):
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
            y = paragraph(surface, NO_DREAMS, (margin, y), scale.body, min(width, scale.px(760)))
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
        room = max(1, card.rect.width - 2 * pad)
        x, y = card.rect.left + pad, picture.bottom + scale.px(8)
        text(surface, card.title.name, (x, y), scale.px(18), bold=True, width=room)
        place = (x, y + scale.px(24))
        paragraph(surface, card.title.blurb, place, scale.px(14), room)

    def _scroll_to_chosen(self, view: pygame.Rect) -> None:
        """Keys may choose a card that is not visible: the next frame shows it."""
        if not self._reveal:
            return
        rect = self.cards[self.chosen].rect
        if rect.bottom > view.bottom:
            self.scroll += rect.bottom - view.bottom + 8
        elif rect.top < view.top + 40:
            self.scroll = max(0, self.scroll - (view.top + 40 - rect.top))
        self._reveal = False

    def _draw_foot(self, surface: pygame.Surface, margin: int, scale: Scale) -> None:
        y = surface.get_height() - scale.px(30)
        x = margin
        for cap, words in (("Enter", "play"), ("F1", "help"), ("F11", "fullscreen"), ("Esc", "quit")):
            x = keycap(surface, cap, (x, y), scale.px(14)).right + scale.px(8)
            place = (x, y)
            drawn = text(surface, words, place, scale.px(15), COLOURS["quiet"], anchor="midleft")
            x = drawn.right + scale.px(22)

    def close(self) -> None:
        for card in self.cards:
            engine = getattr(card.picture, "engine", None)
            if engine is not None:
                engine.env.close()
