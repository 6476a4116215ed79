"""The menu's cards, row by row. Playing moves no card: a row changes only when something is new or gone."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import pygame

from gamesim.app.game.homecoming import WALK
from gamesim.app.game.previews import Preview
from gamesim.app.library import catalog
from gamesim.app.library.catalog import Title
from gamesim.app.library.workshop import Workshop, key

Kind = Literal["start", "home", "continue", "play"]
NAMES: dict[Kind, str] = {
    "start": "Start here", "home": "Coming home", "continue": "Continue",
}  # fmt: skip
NO_DREAM = "No dream"


@dataclass
class Card:
    """One thing to choose.

    Attributes:
        kind: what it begins: the tour for newcomers, coming home, what was played last, or just its title.
        own: whether it is a model that was trained here, which can be deleted.
        rect: where it was drawn last.
    """

    kind: Kind
    title: Title
    picture: Preview | None
    blurb: str
    own: bool = False
    rect: pygame.Rect = field(default_factory=lambda: pygame.Rect(0, 0, 0, 0))

    @property
    def key(self) -> str:
        """What identifies it, whatever was played last."""
        return self.kind if self.kind in NAMES else key(self.title)

    @property
    def name(self) -> str:
        return NAMES.get(self.kind) or self.title.name

    @property
    def walk(self) -> bool:
        return self.kind == "home"


@dataclass
class CardRow:
    """Cards side by side, below words in a colour of the palette; "" for the row at the top, of low and wide
    cards.
    """

    heading: str
    colour: str
    cards: list[Card]


def deal(workshop: Workshop, picture: Callable[[Title, Title | None], Preview | None]) -> list[CardRow]:
    """All rows that have a card; `picture` makes the moving picture of a title.

    For a game that is not ours, `picture` is also given a dream of that game, if there is one.
    """
    games, shipped, own = [*catalog.games(), *workshop.added.titles], workshop.shipped(), workshop.own()
    dreamt = {title.game_id for title in [*shipped, *own]}
    blurbs = {key(game): blurb(game, dreamt) for game in games}

    def card(title: Title, kind: Kind = "play", words: str = "") -> Card:
        words = words or blurbs.get(key(title), title.blurb)
        foreign = title.recipe is not None and not title.learned
        dream = catalog.partner(title, [*shipped, *own]) if foreign else None
        return Card(kind, title, picture(title, dream), words, own=title in own)

    first = []
    if home := catalog.home(shipped):
        if game := catalog.partner(home, ()):
            first.append(card(game, "start", "Three minutes: play, dream, come home"))
        first.append(card(home, "home", f"Walk {WALK} cells away, then back. What was forgotten?"))
    if last := workshop.last([*games, *shipped, *own]):
        first.append(card(last, "continue", last.name))
    rows = [
        CardRow("", "text", first),
        CardRow("Real games", "real", [card(title) for title in games]),
        CardRow("Dreams: games inside a model", "dream", [card(title) for title in shipped]),
        CardRow("Your models", "dream", [card(title) for title in own]),
    ]
    return [row for row in rows if row.cards]


def blurb(game: Title, dreamt: set[str]) -> str:
    """The words about a real game; they say so if no model has learned it and none can."""
    return f"{game.blurb}. {NO_DREAM}" if game.game_id not in dreamt and not game.scrolls else game.blurb
