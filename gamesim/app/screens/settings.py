"""The settings: each choice takes effect at once, and the app keeps it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import pygame

from gamesim.app.action_keys import CHOSEN, ActionKeys
from gamesim.app.controls import (
    BINDINGS,
    DOWN,
    KEYMAP,
    LEFT,
    RIGHT,
    UP,
    VIRTUAL,
    Command,
    Keymap,
    key_name,
    shown,
)
from gamesim.app.navigation import Navigator
from gamesim.app.settings import CLIPS, PALETTES, UI_SCALES
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.form import Form, FormRow
from gamesim.app.ui.parts import FOOT
from gamesim.app.ui.scroller import Scroller
from gamesim.app.ui.widgets import arrowhead, at_home, box, key_width, keycap, meter, paragraph, text, wrap
from gamesim.errors import UserError
from gamesim.export.video import NO_MP4, can_mp4

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


def _label(row: SettingRow, width: int, scale: Scale) -> list[str]:
    """The lines of its label, as wide as they are when it is chosen."""
    return wrap(row.label, scale.px(18), max(1, round(width * LABEL) - scale.px(14)), bold=True)


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
    text(surface, row.value, place, scale.px(18), anchor="midright", width=room)


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


PALETTE_NAMES = {"standard": "standard", "okabe-ito": "colour-blind safe"}
KEY_HINT = "Enter: change · Ins: add a second key · Del: reset"
THINGS = ("pacman4", "ghost0a", "ghost1a", "ghost2a", "ghost3a", "scareda", "power", "flag0")


class SettingsScreen(Form[SettingRow]):
    """The settings, and the keys of each action: Ins gives it one more, Del its usual ones."""

    caption = "Settings"

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.game = window.screen.game_keys  # of the game that waits below
        self.chosen = 1  # below a heading
        self._asking: Keyed | None = None  # what waits for a key
        self._adding = False
        self.renew()

    @property
    def typing(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._asking is not None

    @property
    def own_keys(self) -> Sequence[int]:
        """Ins and Del change keys here, even if the player gave them another meaning."""
        return () if self.current.keys is None else (pygame.K_INSERT, pygame.K_DELETE)

    def make_rows(self) -> list[SettingRow]:
        marks = "Okabe-Ito colours. Dreams keep the colours they were trained on"
        zoom = "Limited in small windows"
        pixels = f"Drawn large, or the pixels that the network sees. In play: {shown(Command.LOOK)}."
        zone = "How far to move a stick before it counts"
        places = f"In {at_home(self.kit.pictures)}; recordings in {at_home(self.kit.recordings)}"
        films = places + ("" if can_mp4() else f". {NO_MP4}")
        ends = f"The dream ignores its ends, so you can play for minutes. In play: {shown(Command.ENDLESS)}."
        return [
            *self._rows_of_the_game(),
            SettingRow("Look", heading=True),
            self._choice("Colours", "palette", PALETTES, PALETTE_NAMES.__getitem__, marks),
            self._choice("Games and dreams", "pixels", (False, True), look, pixels),
            self._choice("Text and icon size", "ui_scale", UI_SCALES, "{} %".format, zoom),
            self._choice("Fullscreen", "fullscreen", (False, True), on_off),
            SettingRow("Sound", heading=True),
            self._choice("Sound", "muted", (True, False), lambda muted: on_off(not muted)),
            self._choice("Volume", "volume", range(0, 101, 10), "{} %".format),
            SettingRow("Dreams", heading=True),
            self._choice("Go on after an end", "endless_dreams", (False, True), on_off, ends),
            SettingRow("Clips and pictures", heading=True),
            self._choice("Clip format", "clips", CLIPS, str.upper, films),
            SettingRow("Gamepad", heading=True),
            self._choice("Dead zone", "dead_zone", range(5, 91, 5), "{} %".format, zone),
            SettingRow("Keys", heading=True),
            *(self._key_row(Keyed(KEYMAP, binding.does)) for binding in BINDINGS),
            SettingRow("Reset", heading=True),
            SettingRow("Reset all keys", press=partial(self._restore, KEYMAP, "All keys were reset")),
            SettingRow("Reset all settings", press=self._restore_all),
        ]

    def _choice(
        self, label: str, name: str, choices: Sequence, words: Callable[[Any], str], about: str = ""
    ) -> SettingRow:
        """A row that goes through `choices` of the setting `name`; a range has a meter."""
        now, last, metered = getattr(self.kit.settings, name), len(choices) - 1, isinstance(choices, range)
        off = [abs(choice - now) if metered else choice != now for choice in choices]
        index = off.index(min(off))

        def turn(by: int) -> None:
            self._set(name, choices[min(last, max(0, index + by))])

        def press() -> None:
            self._set(name, choices[(index + 1) % len(choices)])
            self.kit.sound.play("move")

        return SettingRow(label, words(now), turn, press, about, part=index / last if metered else None)

    def _rows_of_the_game(self) -> list[SettingRow]:
        """The keys of the game below, if it is not one of ours."""
        if self.game is None:
            return []
        usual = "This game has its usual keys again"
        return [
            SettingRow(f"Keys of {self.game.game or 'this game'}", heading=True),
            *(self._key_row(Keyed(self.game, name)) for name in self.game.names),
            SettingRow("Back to the usual keys", press=partial(self._restore, self.game, usual)),
        ]

    def _key_row(self, keys: Keyed) -> SettingRow:
        label = keys.name[:1].upper() + keys.name[1:]
        return SettingRow(label, press=lambda: self._ask(keys), about=KEY_HINT, keys=keys)

    # what is done ----------------------------------------------------------------------------------------

    def _set(self, name: str, value: object) -> None:
        if getattr(self.kit.settings, name) == value:
            return
        if name == "fullscreen":
            self.window.toggle_fullscreen()
        else:
            setattr(self.kit.settings, name, value)
            self.kit.keep_settings()

    def _ask(self, keys: Keyed, add: bool = False) -> None:
        self._asking, self._adding = keys, add
        self._repeat.clear()

    def _give(self, key: int) -> None:
        """Take the key that the row waited for: from now on it does this, and nothing else."""
        asking, self._asking = self._asking, None
        if asking is None or key == pygame.K_ESCAPE or key >= VIRTUAL:
            return
        game = self.game if asking.table is KEYMAP else None
        losers = [Keyed(game, name) for name in game.names if key in game.keys(name)] if game else []
        try:
            loser: Any = asking.table.give(asking.does, key, add=self._adding)
        except UserError as error:
            self.window.say(str(error), bad=True)
            return
        self._keep_keys()
        for lost in [*losers, *([Keyed(asking.table, loser)] if loser is not None else [])]:
            left = ", ".join(lost.table.caps(lost.does))
            rest = f"it still has {left}" if left else "it has no key now"
            was = lost.name.split(";")[0]
            self.window.say(f"{key_name(key)} was “{was}”: {rest}.", bad=not left)

    def _restore(self, table: Keymap | ActionKeys, words: str) -> None:
        table.restore()
        self._keep_keys()
        self.window.say(words)

    def _restore_all(self) -> None:
        if self.kit.settings.fullscreen:
            self.window.toggle_fullscreen()
        self.kit.settings.reset()
        self.kit.keep_settings()
        self.window.say("All settings were reset")

    def _keep_keys(self) -> None:
        self.kit.settings.keys = KEYMAP.changes()
        self.kit.settings.game_keys = {game: dict(keys) for game, keys in CHOSEN.items()}
        self.kit.keep_settings()
        self.kit.sound.play("select")

    # keys and mouse --------------------------------------------------------------------------------------

    def command(self, command: Command) -> None:
        if self._asking is not None:  # a gamepad's button: it cannot be a key
            self._asking = None
        else:
            super().command(command)

    def hints(self) -> list[tuple[str, str]]:
        change = [(shown(LEFT), ""), (shown(RIGHT), "change"), (shown(Command.RESET), "change, or select")]
        keys = [(key_name(pygame.K_INSERT), "add a second key"), (key_name(pygame.K_DELETE), "reset a key")]
        return [(shown(UP), ""), (shown(DOWN), "row"), *change, *keys, (shown(Command.BACK), "back")]

    def handle(self, event: pygame.event.Event) -> None:
        if self._asking is None:
            super().handle(event)
        elif event.type == pygame.KEYDOWN:
            self._give(event.key)
        elif event.type == pygame.WINDOWFOCUSLOST or (
            event.type == pygame.MOUSEBUTTONDOWN and event.button == 1
        ):
            self._asking = None

    def key(self, key: int) -> None:
        keys = self.current.keys
        if keys is not None and key == pygame.K_DELETE:
            keys.table.restore(keys.does)
            self._keep_keys()
        elif keys is not None and key == pygame.K_INSERT:
            self._ask(keys, add=True)
        elif key in (pygame.K_PAGEUP, pygame.K_PAGEDOWN):
            self.step(-8 if key == pygame.K_PAGEUP else 8)
        else:
            super().key(key)

    def arrow_at(self, row: SettingRow, place: tuple[int, int]) -> int:
        middle = row.rect.centerx
        return 0 if place[0] <= middle else -1 if place[0] < middle + row.rect.width // 4 else 1

    # drawing ---------------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface) -> None:
        self.renew()
        size = surface.get_size()
        scale = Scale.of(size)
        width = min(size[0] - 2 * scale.px(20), scale.px(820))
        column = pygame.Rect((size[0] - width) // 2, 0, max(1, width), size[1])
        top = scale.px(26) if size[1] > 420 else scale.px(8)
        title = text(surface, self.caption, (column.left, top), scale.px(38), bold=True)
        self._draw_things(surface, title, column, scale)
        foot = self._draw_foot(surface, column, scale)
        view = pygame.Rect(column.left, title.bottom + scale.px(8), column.width, 0)
        view.height = max(1, foot - view.top - scale.px(4))
        inner, space = view.width - Scroller.width(scale), scale.px(14)
        heights = [
            height_of(row, inner, scale, row.keys is not None and row.keys == self._asking)
            + (space if row.heading and i else 0)
            for i, row in enumerate(self.rows)
        ]
        self.draw_rows(surface, view, heights, scale)

    def _draw_things(
        self, surface: pygame.Surface, title: pygame.Rect, column: pygame.Rect, scale: Scale
    ) -> None:
        """Draw the game's figures beside the title, in the chosen palette."""
        side = scale.px(34)
        x = column.right - len(THINGS) * (side + scale.px(6))
        if x < title.right + side:
            return
        for i, name in enumerate(THINGS):
            place = (x + i * (side + scale.px(6)), title.centery - side // 2)
            surface.blit(self.kit.painter.sprites.get(name, side), place)
            if name.startswith("ghost"):
                surface.blit(self.kit.painter.sprites.get("eyes1", side), place)

    def draw_row(self, surface: pygame.Surface, row: SettingRow, chosen: bool, scale: Scale) -> None:
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
            text(surface, line, place, scale.px(18), bold=chosen, anchor="midleft")
        if row.keys is not None:
            _draw_keys(surface, row.keys, rect, scale, row.keys == self._asking)
        elif row.turn:
            _draw_value(surface, row, scale, chosen)

    def _draw_foot(self, surface: pygame.Surface, column: pygame.Rect, scale: Scale) -> int:
        """Draw what there is to know about the chosen row, in as many lines as it takes; returns its top."""
        row, size = self.rows[self.chosen], scale.px(15)
        hint = row.about or ("Left and right: change" if row.turn else "Enter: select")
        words = f"{shown(Command.BACK)}: back · {hint}"
        height = round(len(wrap(words, size, column.width)) * size * 1.35)
        top = column.bottom - scale.px(16) - height
        paragraph(surface, words, (column.left, top), size, column.width)
        FOOT.append((pygame.Rect(column.left, top, column.width, height), shown(Command.BACK)))
        return top - scale.px(10)


def look(pixels: bool) -> str:
    return "as pixels" if pixels else "drawn large"


def on_off(value: bool) -> str:
    return "on" if value else "off"
