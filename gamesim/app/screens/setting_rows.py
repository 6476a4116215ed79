"""The rows of the settings: what each shows and changes, and how it is drawn."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import pygame

from gamesim.app.action_keys import ActionKeys
from gamesim.app.controls import Keymap
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.form import FormRow
from gamesim.app.ui.widgets import arrowhead, box, key_width, keycap, meter, text, wrap

LABEL = 0.54
"""The share of a row that its label may take; its value or its keys have the rest."""


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
    """A setting, with a meter if it is a `part` of something, 0..1; or an action with the keys that it
    changes.
    """

    part: float | None = None
    keys: Keyed | None = None


def height_of(row: SettingRow, width: int, scale: Scale, asked: bool) -> int:
    """Pixels of a row of this width: it has as many lines as its words and its keys take."""
    keys = 0 if row.keys is None or asked else len(_lines_of_caps(row.keys, width, scale))
    lines = 1 if row.heading else len(_label(row, width, scale))
    return scale.px(38) + max((lines - 1) * scale.px(22), (keys - 1) * scale.px(29))


def draw_row(surface: pygame.Surface, row: SettingRow, scale: Scale, chosen: bool, asked: bool) -> None:
    """Draw a row in its `rect`: whether it is `chosen`, and whether it waits for a key (`asked`)."""
    rect, pad, middle = row.rect, scale.px(14), row.rect.centery
    if row.heading:
        place = (rect.left, rect.bottom - scale.px(6))
        text(surface, row.label, place, scale.px(17), COLOURS["real"], bold=True, anchor="bottomleft")
        return
    if chosen:
        box(surface, rect, COLOURS["raised"], scale.px(9), COLOURS["real"])
    lines = _label(row, rect.width, scale)
    for i, line in enumerate(lines):
        place = (rect.left + pad, middle + round((i - (len(lines) - 1) / 2) * scale.px(22)))
        text(surface, line, place, scale.body, bold=chosen, anchor="midleft")
    if row.keys is not None:
        _draw_keys(surface, row.keys, rect, scale, asked)
    elif row.turn:
        _draw_value(surface, row, scale, chosen)


def _label(row: SettingRow, width: int, scale: Scale) -> list[str]:
    """The lines of its label, as wide as they are when it is chosen."""
    return wrap(row.label, scale.body, max(1, round(width * LABEL) - scale.px(14)), bold=True)


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


def _draw_keys(surface: pygame.Surface, keys: Keyed, rect: pygame.Rect, scale: Scale, asked: bool) -> None:
    """Draw the caps of an action's keys, or say that it waits for a key or has none."""
    right, middle, gap = rect.right - scale.px(14), rect.centery, scale.px(6)
    lines = _lines_of_caps(keys, rect.width, scale)
    if asked or not lines:
        words, colour = ("press a key, or Esc", "real") if asked else ("no key", "bad")
        text(surface, words, (right, middle), scale.px(16), COLOURS[colour], bold=True, anchor="midright")
        return
    left = right
    for i, names in enumerate(lines):
        x, y = right, middle + round((i - (len(lines) - 1) / 2) * scale.px(29))
        for name in reversed(names):
            x = keycap(surface, name, (x, y), scale.px(14), anchor="midright").left - gap
        left = min(left, x)
    if keys.table.changed(keys.does):
        pygame.draw.circle(surface, COLOURS["real"], (left - gap, middle), scale.px(4))


def _lines_of_caps(keys: Keyed, width: int, scale: Scale) -> list[list[str]]:
    """The names of the keys as lines beside the label; there may be many, and long ones."""
    lines: list[list[str]] = []
    room = left = round(width * (1 - LABEL)) - scale.px(14 + 2 * 6 + 4)  # beside them is the dot
    for name in keys.table.caps(keys.does):
        need = key_width(name, scale.px(14)) + scale.px(6)
        if not lines or need > left:
            lines.append([])
            left = room
        lines[-1].append(name)
        left -= need
    return lines
