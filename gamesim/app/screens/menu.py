"""The first screen: the real games and the dreams as cards with moving pictures."""

import math
from collections.abc import Sequence
from functools import partial

import pygame

from gamesim.app.background import Worker, give_back
from gamesim.app.controls import Command, key_name, shown
from gamesim.app.game.previews import Preview, preview
from gamesim.app.game.tour import Tour
from gamesim.app.library.catalog import Title, run_of
from gamesim.app.library.run_view import ask_to_delete
from gamesim.app.library.workshop import key
from gamesim.app.navigation import MOVING, PLACES, Navigator, visit
from gamesim.app.screens import deck
from gamesim.app.screens.deck import Card, CardRow
from gamesim.app.screens.play import open_title
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.keyed import ChoiceScreen
from gamesim.app.ui.parts import Action, actions_height, draw_actions, draw_foot, foot_height, margin_of
from gamesim.app.ui.widgets import box, clipped, paragraph, text, wrap
from gamesim.envs.rules import DELTAS

NO_DREAMS = "No models yet. Press [{key}] while you play to record, then train one under Train"
CAPTION = 94  # height of a card's words
LOW = 84  # height of a card of the row at the top
CALM = 0.6  # seconds until the menu wakes its first dream


class Menu(ChoiceScreen):
    """Arrows and Enter, or the mouse, choose a card or one of the other screens.

    Attributes:
        rows: the cards, row by row; their order does not depend on what was played.
        places: buttons to the other screens.
        chosen: index of a card; from len(cards) on, of a place.
        bin: the cross on the chosen card; empty if that cannot be deleted.
    """

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.rows: list[CardRow] = []
        self.places = [Action(label, partial(self.visit, label)) for label in PLACES]
        self._pictures: dict[str, Preview | None] = {}
        self._clock = 0.0
        self.bin = pygame.Rect(0, 0, 0, 0)
        self._away = False
        self._size = (0, 0)
        self._worker = Worker("dreams")
        self.refresh()
        kinds = [card.kind for card in self.cards]
        self.chosen = kinds.index("continue") if "continue" in kinds else 0

    @property
    def cards(self) -> list[Card]:
        return [card for row in self.rows for card in row.cards]

    @property
    def current(self) -> Card | None:
        """The chosen card; None while a place is chosen."""
        return self.cards[self.chosen] if self.chosen < len(self.cards) else None

    def refresh(self) -> None:
        """Look again for games and models; the choice stays."""
        was, place = self.current, self.chosen - len(self.cards)
        self.rows = deck.deal(self.kit.workshop, self._picture)
        if was is None:
            self.chosen = len(self.cards) + max(0, place)
        else:
            keys = [card.key for card in self.cards]
            self.chosen = keys.index(was.key) if was.key in keys else min(self.chosen, len(keys) - 1)

    def _picture(self, title: Title, dream: Title | None) -> Preview | None:
        """One for each title, however many cards show it; `dream` as in `previews.preview`."""
        name = f"{key(title)} {key(dream) if dream else ''}"
        if name not in self._pictures:
            self._pictures[name] = preview(title, self._worker, dream)
        return self._pictures[name]

    def open(self, title: Title, walk: bool = False, tour: Tour | None = None) -> None:
        """Go to the play screen of a title; `walk`: to come home; `tour`: with a guide for newcomers."""
        self._away = True
        self.kit.sound.play("select")
        open_title(self.window, title, walk=walk, tour=tour)

    def visit(self, label: str) -> None:
        """Go to one of the other screens."""
        self._away = True
        self.kit.sound.play("select")
        visit(self.window, label)

    def delete(self) -> None:
        """Ask whether to delete the chosen model, if it was trained here."""
        card = self.current
        if card is None or not card.own:
            self.window.say("Only your own models can be deleted.")
        elif card.title.checkpoint is not None:
            run = self.kit.workshop.run(run_of(card.title.checkpoint))
            ask_to_delete(self.window, run, self.refresh)

    # keys and mouse --------------------------------------------------------------------------------------

    @property
    def own_keys(self) -> Sequence[int]:
        card = self.current
        return (pygame.K_DELETE,) if card and card.own else ()

    def press(self) -> None:
        card = self.current
        if card is None:
            self.places[self.chosen - len(self.cards)].do()
        else:
            self.open(card.title, card.walk, Tour() if card.kind == "start" else None)

    def click(self, place: tuple[int, int]) -> None:
        if self.bin.clip(self.view).collidepoint(place):
            self.delete()
        else:
            super().click(place)

    def key(self, key: int) -> None:
        if key == pygame.K_DELETE:
            self.delete()
        else:
            super().key(key)

    @property
    def _rects(self) -> list[pygame.Rect]:
        """Where everything that can be chosen was drawn last."""
        return [*(card.rect for card in self.cards), *(place.rect for place in self.places)]

    def at(self, place: tuple[int, int]) -> int | None:
        for i, rect in enumerate(self._rects):
            if rect.collidepoint(place) and (i >= len(self.cards) or self.view.collidepoint(place)):
                return i
        return None

    def go(self, move: int) -> None:
        """Choose the nearest card or place in a direction on the screen."""
        here = self._rects[self.chosen]
        dx, dy = DELTAS[move]
        best, nearest = None, math.inf
        for i, rect in enumerate(self._rects):
            x, y = rect.centerx - here.centerx, rect.centery - here.centery
            along, across = x * dx + y * dy, abs(x * dy) + abs(y * dx)
            if i != self.chosen and along > 0 and (dy or across < here.height // 2):
                distance = along + 2 * across if dx else 4 * along + across
                if distance < nearest:
                    best, nearest = i, distance
        self.choose(best)
        self.reveal = best is not None

    # time and drawing ------------------------------------------------------------------------------------

    @property
    def pace(self) -> int:
        return MOVING

    def update(self, seconds: float) -> None:
        super().update(seconds)
        self._clock += seconds
        if self._away:  # back from another screen: there may be new models, and another was used last
            self._away = False
            self.refresh()
            give_back()
        seen = [card for card in self.cards if card.rect.colliderect(self.view)]
        for card in {key(card.title): card for card in seen if card.picture}.values():
            if card.picture and (self._clock > CALM or not card.title.learned):
                card.picture.update(seconds)

    def draw(self, surface: pygame.Surface) -> None:
        size = surface.get_size()
        self.reveal |= size != self._size  # else Enter would play a card that a smaller window does not show
        self._size = size
        scale = Scale.of(size)
        margin = margin_of(size, scale)
        foot = size[1] - foot_height(scale)
        top = self._draw_head(surface, margin, scale)
        self.view = view = pygame.Rect(0, top, size[0], max(1, foot - top))
        self.bin = pygame.Rect(0, 0, 0, 0)
        with clipped(surface, view):
            content = self._draw_cards(surface, view, margin, scale)
        bar = pygame.Rect(view.left, view.top, size[0] - max(2, (margin - scale.px(7)) // 2), view.height)
        self.scroller.fit(bar, content, scale)
        self.scroller.draw(surface)
        self._scroll_to_chosen(view, scale)
        draw_foot(surface, self.hints(), scale)

    def _draw_head(self, surface: pygame.Surface, margin: int, scale: Scale) -> int:
        y = scale.px(34)
        name = text(surface, "gamesim", (margin, y), scale.px(54), bold=True)
        line = "Play a game. Then play what a network learned of it."
        below = text(
            surface, line, (margin + scale.px(3), name.bottom - scale.px(2)), scale.px(18), COLOURS["quiet"],
            width=max(1, surface.get_width() - 2 * margin - scale.px(3)), shrinks=True,
        )  # fmt: skip
        self._draw_chase(surface, name, margin, scale)
        return self._draw_places(surface, below, margin, scale)

    def _draw_places(self, surface: pygame.Surface, line: pygame.Rect, margin: int, scale: Scale) -> int:
        """Buttons to the other screens, beside the line below the title or under it. Returns the y below."""
        area = pygame.Rect(margin, 0, max(1, surface.get_width() - 2 * margin), 0)
        low = actions_height(area.width, self.places, scale)
        need = self.places[-1].rect.right
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
        sprites = self.kit.painter.sprites
        y = name.centery - cell // 2 - scale.px(6)
        span = right - left + 5 * cell
        x = left - 2 * cell + round(self._clock * cell * 2.6) % span
        step = round(cell * 0.8)
        bite = (1 - math.cos(self._clock * 14)) / 2
        behind = (x - round(1.7 * cell), y)
        with clipped(surface, pygame.Rect(left, y, right - left, cell)):
            for dot in range(left + step // 2, right - step // 2, step):
                if dot > x + cell // 2:
                    surface.blit(sprites.get("food", cell), (dot - cell // 2, y))
            surface.blit(sprites.get(f"pacman{round(7 * bite)}", cell), (x, y))
            surface.blit(sprites.get(f"ghost0{'ab'[int(self._clock * 6) % 2]}", cell), behind)
            surface.blit(sprites.get("eyes2", cell), behind)

    def _draw_cards(self, surface: pygame.Surface, view: pygame.Rect, margin: int, scale: Scale) -> int:
        """Draw all rows; returns their height, with what lies outside the view."""
        width, gap = max(1, view.width - 2 * margin), scale.px(20)
        counts = [len(row.cards) for row in self.rows if row.heading]
        most = max(1, min(7, max(6, *counts), (width + gap) // (scale.px(130) + gap)))
        alone = {n for n in range(1, most + 1) if any(count > n and count % n == 1 for count in counts)}
        many = max({*range(most // 2 + 1, most + 1)} - alone, default=most)  # no card stands alone below
        few = max(1, min(3, (width + gap) // (scale.px(270) + gap)))
        begin = y = view.top + scale.px(5) - self.scroller.at
        # At the usual size of the window the games and the dreams need no scrolling.
        fits = (view.height - scale.px(LOW + 140)) // 2 - scale.px(CAPTION)
        picture = max(scale.px(80), min(scale.px(150), fits))
        index = 0
        for row in self.rows:
            columns, height = (many, picture + scale.px(CAPTION)) if row.heading else (few, scale.px(LOW))
            if row.heading:
                tone = COLOURS[row.colour]
                text(surface, row.heading, (margin, y), scale.px(19), tone, bold=True, width=width)
                y += scale.px(34)
            side = (width - (columns - 1) * gap) // columns
            for n, card in enumerate(row.cards):
                x = margin + (n % columns) * (side + gap)
                if n and n % columns == 0:
                    y += height + gap
                card.rect = pygame.Rect(x, y, side, height)
                if card.rect.colliderect(view):
                    self._draw_card(surface, card, index == self.chosen, bool(row.heading), scale)
                index += 1
            y += height + scale.px(22)
        if not any(card.title.learned for card in self.cards):
            words = NO_DREAMS.format(key=shown(Command.RECORD))
            y = paragraph(surface, words, (margin, y), scale.px(18), min(width, scale.px(760)))
        return y - begin

    def _draw_card(self, surface: pygame.Surface, card: Card, chosen: bool, tall: bool, scale: Scale) -> None:
        """A card with its picture above its words (`tall`), or beside them."""
        colour = COLOURS["dream" if card.title.learned else "real"]
        if chosen:
            box(surface, card.rect.inflate(scale.px(8), scale.px(8)), None, scale.px(15), colour, scale.px(3))
        box(surface, card.rect, COLOURS["raised" if chosen else "panel"], scale.px(12))
        pad = scale.px(10)
        inner = card.rect.inflate(-2 * pad, -2 * pad)
        if inner.width < 4 or inner.height < 4:
            return
        picture = inner.copy()
        if tall:
            picture.height = max(1, card.rect.height - pad - scale.px(CAPTION))
            place, room = (inner.left, picture.bottom + scale.px(8)), inner.width
        else:
            picture.width = min(inner.height, inner.width // 3)
            place = (picture.right + scale.px(14), inner.top + scale.px(2))
            room = max(1, inner.right - place[0])
        self._draw_picture(surface, picture, card, scale)
        self._draw_words(surface, card, place, room, 4 if tall else 3, scale)
        if chosen and card.own:
            self._draw_bin(surface, card, scale)

    def _draw_picture(self, surface: pygame.Surface, area: pygame.Rect, card: Card, scale: Scale) -> None:
        surface.fill(COLOURS["floor"], area)
        if card.picture:
            card.picture.draw(surface, area, self.kit.painter)
        if card.walk:  # home is marked as it is in the game
            home = pygame.Rect(0, 0, min(area.size) // 7, min(area.size) // 7)
            home.center = area.center
            edge = home.inflate(scale.px(8), scale.px(8))
            box(surface, edge, None, scale.px(6), COLOURS["good"], scale.px(3))

    def _draw_words(
        self, surface: pygame.Surface, card: Card, place: tuple[int, int], room: int, lines: int, scale: Scale
    ) -> None:
        x, y = place
        named = wrap(card.name, scale.px(18), room, True)
        if len(named) > 2:  # the second line ends in an ellipsis
            named = [named[0], card.name.removeprefix(named[0]).strip()]
        for line in named:
            text(surface, line, (x, y), scale.px(18), bold=True, width=room)
            y += scale.px(22)
        most = lines - len(named)
        paragraph(surface, card.blurb, (x, y), scale.px(14), room, row=scale.px(19), most=most)

    def _draw_bin(self, surface: pygame.Surface, card: Card, scale: Scale) -> None:
        """A cross in the corner: the model can be deleted."""
        side = scale.px(26)
        self.bin = pygame.Rect(card.rect.right - side - scale.px(4), card.rect.top + scale.px(4), side, side)
        box(surface, self.bin, COLOURS["panel"], side // 2, COLOURS["bad"])
        arm = self.bin.inflate(-side * 3 // 5, -side * 3 // 5)
        for ends in ((arm.topleft, arm.bottomright), (arm.topright, arm.bottomleft)):
            pygame.draw.line(surface, COLOURS["bad"], *ends, max(2, scale.px(2)))

    def _scroll_to_chosen(self, view: pygame.Rect, scale: Scale) -> None:
        """Keys may choose a card that is not visible: the next frame shows it, and its row's heading."""
        card, self.reveal = self.current if self.reveal else None, False
        if card is not None:
            top = card.rect.top - view.top + self.scroller.at
            first = card in self.rows[0].cards
            self.scroller.reveal(0 if first else top - scale.px(40), top + card.rect.height + scale.px(8))

    def hints(self) -> list[tuple[str, str]]:
        card = self.current
        hints = [(shown(Command.RESET), "play" if card else "open")]
        if card and card.own:
            hints.append((key_name(pygame.K_DELETE), "delete"))
        rest = ((Command.HELP, "help"), (Command.FULLSCREEN, "fullscreen"), (Command.BACK, "quit"))
        return [*hints, *((shown(command), does) for command, does in rest)]

    def close(self) -> None:
        self._worker.close()
        for picture in self._pictures.values():
            world = getattr(picture, "world", None)
            if world is not None:
                world.env.close()
