"""Forms: named values, one below the other, that keys, the mouse and a gamepad change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Generic, TypeVar

import pygame

from gamesim.app.controls import DOWN, LEFT, RIGHT, UP
from gamesim.app.navigation import Navigator
from gamesim.app.theme import Scale
from gamesim.app.ui.keyed import ChoiceScreen
from gamesim.app.ui.parts import attempt
from gamesim.app.ui.scroller import Scroller
from gamesim.app.ui.widgets import clipped


@dataclass
class FormRow:
    """One row of a form: a value with a name, a button, or a heading (which cannot be chosen).

    Attributes:
        label: what it is about.
        value: what it is now, in words.
        turn: called with -1 or 1 by left and right; None if there is no other choice.
        press: called by Enter and by a click; None: they go to the next row.
        about: a sentence or two about it, shown while it is chosen.
        heading: whether it only names the rows below it.
        rect: where it was drawn last.
    """

    label: str
    value: str = ""
    turn: Callable[[int], None] | None = None
    press: Callable[[], None] | None = None
    about: str = ""
    heading: bool = False
    rect: pygame.Rect = field(default_factory=lambda: pygame.Rect(0, 0, 0, 0))


Row = TypeVar("Row", bound=FormRow)


class Form(ChoiceScreen, Generic[Row]):
    """Up and down choose a row, left and right change it, Enter presses it; the mouse can do the same.

    Attributes:
        rows: the form as it was drawn last, from top to bottom.
    """

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.rows: list[Row] = []

    # what a form says ------------------------------------------------------------------------------------

    def make_rows(self) -> list[Row]:
        """The rows, as they are now."""
        return []

    def draw_row(self, surface: pygame.Surface, row: Row, chosen: bool, scale: Scale) -> None:
        """Draw a row in its `rect`."""

    def arrow_at(self, row: Row, place: tuple[int, int]) -> int:
        """Which arrow of a row is at a place: -1 for the left one, 1 for the right one, 0 for none."""
        return 0

    # keys and mouse --------------------------------------------------------------------------------------

    def renew(self) -> None:
        """Make the rows again: something may have changed since they were drawn."""
        fresh = self.make_rows()
        for old, new in zip(self.rows, fresh, strict=False):
            new.rect = old.rect
        self.rows = fresh
        self.chosen = min(self.chosen, len(fresh) - 1)

    @property
    def current(self) -> Row:
        self.renew()
        return self.rows[self.chosen]

    def go(self, move: int) -> None:
        if move in (UP, DOWN):
            self.step(1 if move == DOWN else -1)
        elif move in (LEFT, RIGHT):
            self.turn(1 if move == RIGHT else -1)

    def step(self, by: int) -> None:
        """Choose the row `by` rows on, not counting headings; single steps wrap around the ends."""
        self.renew()
        choices = [i for i, row in enumerate(self.rows) if not row.heading]
        at = choices.index(self.chosen) + by
        self.choose(choices[at % len(choices) if abs(by) == 1 else min(len(choices) - 1, max(0, at))])
        self.reveal = True

    def turn(self, by: int) -> None:
        """Change the chosen value to the one after it (1) or before it (-1)."""
        row = self.current
        if row.turn:
            row.turn(by)
            self.reveal = True
            self.kit.sound.play("move")

    def press(self) -> None:
        row = self.current
        if row.press:
            attempt(self.window, row.press)
            self.reveal = True
        else:
            self.step(1)

    def at(self, place: tuple[int, int]) -> int | None:
        inside = enumerate(self.rows) if self.view.collidepoint(place) else ()
        return next((i for i, row in inside if row.rect.collidepoint(place) and not row.heading), None)

    def click(self, place: tuple[int, int]) -> None:
        index = self.at(place)
        if index is None:
            return
        self.choose(index)
        row = self.current
        arrow = self.arrow_at(row, place) if row.turn else 0
        if arrow:
            self.turn(arrow)
        else:
            self.press()

    # drawing ---------------------------------------------------------------------------------------------

    def draw_rows(
        self, surface: pygame.Surface, view: pygame.Rect, heights: Sequence[int], scale: Scale,
        gap: int = 0, below: int = 0,
    ) -> int:  # fmt: skip
        """Draw rows of these heights, `gap` pixels apart, in `view`; returns the y below them.

        They scroll if they and the `below` pixels of what is drawn below them do not fit.
        """
        self.view = view
        tops = [*accumulate((height + gap for height in heights), initial=0)]
        self.scroller.fit(view, tops[-1] + below, scale)
        at = self.chosen
        first = at - 1 if at and self.rows[at - 1].heading else at  # with the heading right above it
        self.scroller.follow(tops[first], tops[at] + heights[at], self.reveal)
        self.reveal = False
        width = max(1, view.width - (Scroller.width(scale) if self.scroller.most else 0))
        begin = view.top - self.scroller.at
        with clipped(surface, view):
            for i, (row, top, height) in enumerate(zip(self.rows, tops, heights, strict=False)):
                row.rect = pygame.Rect(view.left, begin + top, width, height)
                if row.rect.colliderect(view):
                    self.draw_row(surface, row, i == self.chosen, scale)
        self.scroller.draw(surface)
        return begin + tops[-1]
