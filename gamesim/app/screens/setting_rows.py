"""The rows of the settings: what each shows and changes, and how it is drawn."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import pygame

from gamesim.app.action_keys import ActionKeys
from gamesim.app.controls import Keymap
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.form import FormRow
from gamesim.app.ui.widgets import arrowhead, box, keycap, meter, text


class Keyed(NamedTuple):
    """Keys that the player may choose: of an action in the key table, or a button of another's game."""

    table: Keymap | ActionKeys
    does: Any

    @property
    def name(self) -> str:
        words = self.table.word(self.does)
        return f"move {words}" if isinstance(self.does, int) else words


@dataclass
class SettingRow(FormRow):
    """A setting, or an action with its keys.

    Attributes:
        part: how full its meter is, 0..1; None if it has no meter.
        keys: the keys that it shows and changes.
    """

    part: float | None = None
    keys: Keyed | None = None


def draw_row(surface: pygame.Surface, row: SettingRow, scale: Scale, chosen: bool, asked: bool) -> None:
    """Draw a row in its `rect`: whether it is `chosen`, and whether it waits for a key (`asked`)."""
    rect, pad, middle = row.rect, scale.px(14), row.rect.centery
    if row.heading:
        place = (rect.left, rect.bottom - scale.px(6))
        text(surface, row.label, place, scale.px(17), COLOURS["real"], bold=True, anchor="bottomleft")
        return
    if chosen:
        box(surface, rect, COLOURS["raised"], scale.px(9), COLOURS["real"])
    room = max(1, round(rect.width * 0.54) - pad)
    place = (rect.left + pad, middle)
    text(surface, row.label, place, scale.body, bold=chosen, anchor="midleft", width=room)
    right = rect.right - pad
    if row.keys is not None:
        _draw_keys(surface, row.keys, (right, middle), scale, asked)
    elif row.turn:
        _draw_value(surface, row, scale, chosen)


def _draw_value(surface: pygame.Surface, row: SettingRow, scale: Scale, chosen: bool) -> None:
    right, y = row.rect.right - scale.px(14), row.rect.centery
    left = row.rect.left + row.rect.width // 2 + scale.px(20)
    if chosen:
        for x, out in ((left, -1), (right, 1)):
            arrowhead(surface, (x, y), (out, 0), scale.px(6), COLOURS["real"])
    if row.part is not None:
        bar = pygame.Rect(left + scale.px(16), y - scale.px(4), 0, scale.px(8))
        bar.width = max(2, right - bar.left - scale.px(78))
        meter(surface, bar, row.part, COLOURS["real"])
    room = max(1, right - left - scale.px(28))
    place = (right - scale.px(14), y)
    text(surface, row.value, place, scale.body, anchor="midright", width=room)


def _draw_keys(
    surface: pygame.Surface, keys: Keyed, place: tuple[int, int], scale: Scale, asked: bool
) -> None:
    """Draw the caps of an action's keys, or say that it waits for a key or has none."""
    (right, middle), names = place, keys.table.caps(keys.does)
    if asked or not names:
        words, colour = ("press a key, or Esc", "real") if asked else ("no key", "bad")
        text(surface, words, (right, middle), scale.px(16), COLOURS[colour], bold=True, anchor="midright")
        return
    for name in reversed(names):
        right = keycap(surface, name, (right, middle), scale.px(14), anchor="midright").left - scale.px(6)
    if keys.table.changed(keys.does):
        pygame.draw.circle(surface, COLOURS["real"], (right - scale.px(6), middle), scale.px(4))
