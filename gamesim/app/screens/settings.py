"""The settings: each choice takes effect at once, and the app keeps it."""

from collections.abc import Callable, Sequence
from typing import Any

import pygame

from gamesim.app.action_keys import CHOSEN
from gamesim.app.controls import (
    BINDINGS,
    DOWN,
    KEYMAP,
    LEFT,
    RIGHT,
    UP,
    VIRTUAL,
    Command,
    key_name,
    meaning,
    shown,
)
from gamesim.app.navigation import Navigator, Screen
from gamesim.app.screens.setting_rows import Keyed, SettingRow, draw_row
from gamesim.app.settings import CLIPS, PALETTES, UI_SCALES
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.scroller import Scroller
from gamesim.app.ui.widgets import at_home, clipped, text
from gamesim.errors import UserError
from gamesim.export.video import NO_MP4, can_mp4

PALETTE_NAMES = {"standard": "standard", "okabe-ito": "colour-blind safe"}
KEY_HINT = "Enter: change · Ins: add a second key · Del: reset"
THINGS = ("pacman4", "ghost0a", "ghost1a", "ghost2a", "ghost3a", "scareda", "power", "flag0")


class SettingsScreen(Screen):
    """Up and down choose a row, left and right change it, Enter presses it; the mouse can do the same."""

    caption = "Settings"

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.game = window.screen.game_keys  # of the game that waits below
        self.rows = self._rows()
        self.chosen = 1
        self.scroller = Scroller()
        self._asking: Keyed | None = None  # what waits for a key
        self._adding = False
        self._reveal = False

    @property
    def typing(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._asking is not None

    @property
    def own_keys(self) -> Sequence[int]:
        """Ins and Del change keys here, even if the player gave them another meaning."""
        return () if self.rows[self.chosen].keys is None else (pygame.K_INSERT, pygame.K_DELETE)

    def _rows(self) -> list[SettingRow]:
        chosen, toggle = self.kit.settings, self.window.toggle_fullscreen
        marks = "Okabe-Ito colours. Dreams keep the colours they were trained on"
        zoom = "Limited in small windows"
        pixels = f"Drawn large, or the pixels that the network sees. In play: {shown(Command.LOOK)}."
        zone = "How far to move a stick before it counts"
        places = f"In {at_home(self.kit.pictures)}; recordings in {at_home(self.kit.recordings)}"
        films = places + ("" if can_mp4() else f". {NO_MP4}")
        ends = f"The dream ignores its ends, so you can play for minutes. In play: {shown(Command.ENDLESS)}."
        return [
            *self._rows_of_the_game(),
            SettingRow("Look"),
            self._choice("Colours", "palette", PALETTES, PALETTE_NAMES.__getitem__, marks),
            self._choice("Games and dreams", "pixels", (False, True), look, pixels),
            self._choice("Text and icon size", "ui_scale", UI_SCALES, "{} %".format, zoom),
            SettingRow("Fullscreen", lambda: on_off(chosen.fullscreen), lambda _: toggle(), toggle),
            SettingRow("Sound"),
            self._choice("Sound", "muted", (True, False), lambda muted: on_off(not muted)),
            self._choice("Volume", "volume", tuple(range(0, 101, 10)), "{} %".format, metered=True),
            SettingRow("Dreams"),
            self._choice("Go on after an end", "endless_dreams", (False, True), on_off, ends),
            SettingRow("Clips and pictures"),
            self._choice("Clip format", "clips", CLIPS, str.upper, films),
            SettingRow("Gamepad"),
            self._choice("Dead zone", "dead_zone", tuple(range(5, 91, 5)), "{} %".format, zone, metered=True),
            SettingRow("Keys"),
            *(self._key_row(Keyed(KEYMAP, binding.does)) for binding in BINDINGS),
            SettingRow("Reset"),
            SettingRow("Reset all keys", lambda: "", press=self._restore_keys),
            SettingRow("Reset all settings", lambda: "", press=self._restore_all),
        ]

    def _choice(
        self,
        label: str,
        name: str,
        choices: tuple,
        words: Callable[[Any], str],
        hint: str = "",
        metered: bool = False,
    ) -> SettingRow:
        """A row that goes through `choices` of the setting `name`."""
        settings = self.kit.settings

        def index() -> int:
            now = getattr(settings, name)
            off = [abs(choice - now) if metered else choice != now for choice in choices]
            return off.index(min(off))

        def turn(step: int) -> None:
            wanted = min(len(choices) - 1, max(0, index() + step))
            self._set(name, choices[wanted])

        def press() -> None:
            self._set(name, choices[(index() + 1) % len(choices)])

        part = (lambda: index() / (len(choices) - 1)) if metered else None
        return SettingRow(label, lambda: words(getattr(settings, name)), turn, press, part, hint=hint)

    def _rows_of_the_game(self) -> list[SettingRow]:
        """The keys of the game below, if it is not one of ours."""
        if self.game is None:
            return []
        return [
            SettingRow(f"Keys of {self.game.game or 'this game'}"),
            *(self._key_row(Keyed(self.game, name)) for name in self.game.names),
            SettingRow("Back to the usual keys", lambda: "", press=self._restore_game),
        ]

    def _key_row(self, keys: Keyed) -> SettingRow:
        label = keys.name[:1].upper() + keys.name[1:]
        return SettingRow(label, press=lambda: self._ask(keys), keys=keys, hint=KEY_HINT)

    # what is done ----------------------------------------------------------------------------------------

    def _set(self, name: str, value: object) -> None:
        if getattr(self.kit.settings, name) != value:
            setattr(self.kit.settings, name, value)
            self.kit.keep_settings()
            self._reveal = True
        self.kit.sound.play("move")

    def _ask(self, keys: Keyed, add: bool = False) -> None:
        self._asking, self._adding = keys, add

    def _give(self, key: int) -> None:
        """Take the key that the row waited for: from now on it does this, and nothing else."""
        asking, self._asking = self._asking, None
        if asking is None or key == pygame.K_ESCAPE:
            return
        try:
            loser: Any = asking.table.give(asking.does, key, add=self._adding)
        except UserError as error:
            self.window.say(str(error), bad=True)
            return
        self._keep_keys()
        if loser is not None:
            left = ", ".join(asking.table.caps(loser))
            rest = f"it still has {left}" if left else "it has no key now"
            was = Keyed(asking.table, loser).name.split(";")[0]
            self.window.say(f"{key_name(key)} was “{was}”: {rest}.", bad=not left)

    def _restore_game(self) -> None:
        assert self.game is not None
        self.game.restore()
        self._keep_keys()
        self.window.say("This game has its usual keys again")

    def _restore_keys(self) -> None:
        KEYMAP.restore()
        self._keep_keys()
        self.window.say("All keys were reset")

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
        elif command is Command.RESET:
            self._press()
        else:
            super().command(command)

    def hints(self) -> list[tuple[str, str]]:
        change = [(shown(LEFT), ""), (shown(RIGHT), "change"), (shown(Command.RESET), "change, or select")]
        keys = [(key_name(pygame.K_INSERT), "add a second key"), (key_name(pygame.K_DELETE), "reset a key")]
        back = (shown(Command.BACK), "back")
        return [(shown(UP), ""), (shown(DOWN), "row"), *change, *keys, back]

    def handle(self, event: pygame.event.Event) -> None:
        if self.scroller.handle(event):
            return
        if event.type == pygame.KEYDOWN:
            self._key(event.key)
        elif event.type == pygame.MOUSEMOTION and self._asking is None:
            self._choose(self._row_at(event.pos))
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self._click(event.pos)
        elif event.type == pygame.MOUSEWHEEL:
            self.scroller.wheel(event.y)
        elif event.type == pygame.WINDOWFOCUSLOST:
            self._asking = None

    def _key(self, key: int) -> None:
        row, move = self.rows[self.chosen], meaning(key)
        if self._asking is not None and key < VIRTUAL:
            self._give(key)
        elif self._asking is not None:
            self._asking = None
        elif row.keys is not None and key == pygame.K_DELETE:
            row.keys.table.restore(row.keys.does)
            self._keep_keys()
        elif row.keys is not None and key == pygame.K_INSERT:
            self._ask(row.keys, add=True)
        elif key == pygame.K_SPACE:
            self._press()
        elif move in (UP, DOWN):
            self._step(-1 if move == UP else 1)
        elif key in (pygame.K_PAGEUP, pygame.K_PAGEDOWN):
            self._step(-8 if key == pygame.K_PAGEUP else 8)
        elif move in (LEFT, RIGHT) and row.turn:
            row.turn(-1 if move == LEFT else 1)

    def _step(self, step: int) -> None:
        """Choose the row `step` rows on, not counting headings; single steps wrap around the ends."""
        choices = [i for i, row in enumerate(self.rows) if not row.heading]
        at = choices.index(self.chosen) + step
        at = at % len(choices) if abs(step) == 1 else min(len(choices) - 1, max(0, at))
        self._choose(choices[at])
        self._reveal = True

    def _choose(self, index: int | None) -> None:
        if index is not None and index != self.chosen and not self.rows[index].heading:
            self.chosen = index
            self.kit.sound.play("move")

    def _press(self) -> None:
        press = self.rows[self.chosen].press
        if press:
            press()

    def _click(self, place: tuple[int, int]) -> None:
        if self._asking is not None:
            self._asking = None
            return
        index = self._row_at(place)
        if index is None or self.rows[index].heading:
            return
        self._choose(index)
        row = self.rows[index]
        if row.turn and place[0] > row.rect.centerx:  # on the arrows: the left one is less
            row.turn(-1 if place[0] < row.rect.centerx + row.rect.width // 4 else 1)
        else:
            self._press()

    def _row_at(self, place: tuple[int, int]) -> int | None:
        return next((i for i, row in enumerate(self.rows) if row.rect.collidepoint(place)), None)

    # drawing ---------------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface) -> None:
        size = surface.get_size()
        scale = Scale.of(size)
        width = min(size[0] - 2 * scale.px(20), scale.px(820))
        column = pygame.Rect((size[0] - width) // 2, 0, max(1, width), size[1])
        top = scale.px(26) if size[1] > 420 else scale.px(8)
        title = text(surface, self.caption, (column.left, top), scale.px(38), bold=True)
        self._draw_things(surface, title, column, scale)
        foot = size[1] - scale.px(46)
        view = pygame.Rect(column.left, title.bottom + scale.px(8), column.width, 0)
        view.height = max(1, foot - view.top - scale.px(4))
        self._draw_rows(surface, view, scale)
        self._draw_foot(surface, column, foot, scale)

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

    def _draw_rows(self, surface: pygame.Surface, view: pygame.Rect, scale: Scale) -> None:
        height, space = scale.px(38), scale.px(14)
        heights = [height + (space if row.heading and i else 0) for i, row in enumerate(self.rows)]
        self.scroller.fit(view, sum(heights), scale)
        if self._reveal:  # keys may choose a row out of view, or the first one, below a heading
            above = sum(heights[: self.chosen - (self.chosen == 1)])
            self.scroller.reveal(above, sum(heights[: self.chosen + 1]))
            self._reveal = False
        area = pygame.Rect(view.left, view.top - self.scroller.at, view.width - Scroller.width(scale), 0)
        with clipped(surface, view):
            for i, (row, tall) in enumerate(zip(self.rows, heights, strict=True)):
                place = pygame.Rect(area.left, area.top + tall - height, max(1, area.width), height)
                row.rect = place.clip(view)
                if row.rect.height:
                    asked = row.keys is not None and row.keys == self._asking
                    draw_row(surface, row, place, scale, i == self.chosen, asked)
                area.top += tall
        self.scroller.draw(surface)

    def _draw_foot(self, surface: pygame.Surface, column: pygame.Rect, top: int, scale: Scale) -> None:
        row = self.rows[self.chosen]
        hint = row.hint or ("Left and right: change" if row.turn else "Enter: select")
        words = f"{shown(Command.BACK)}: back   {hint}"
        place = (column.left, top + scale.px(20))
        text(surface, words, place, scale.px(15), COLOURS["quiet"], anchor="midleft", width=column.width)


def look(pixels: bool) -> str:
    return "as pixels" if pixels else "drawn large"


def on_off(value: bool) -> str:
    return "on" if value else "off"
