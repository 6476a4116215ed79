"""The help: the keys that do something on the screen below, in the words of the screen or the key table."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import groupby

import pygame

from gamesim.app import gamepad
from gamesim.app.controls import (
    BINDINGS,
    DOWN,
    EVERYWHERE,
    KEYMAP,
    LEFT,
    RIGHT,
    UP,
    Command,
    key_name,
    meaning,
    shown,
)
from gamesim.app.navigation import Navigator, Screen
from gamesim.app.theme import COLOURS, Scale, font
from gamesim.app.ui.parts import draw_below
from gamesim.app.ui.scroller import Scroller
from gamesim.app.ui.widgets import box, clipped, key_width, keycap, text, wrap

MOVES = (LEFT, UP, DOWN, RIGHT)


@dataclass(frozen=True)
class HelpLine:
    """One line of the help; without `caps` it is a heading."""

    caps: tuple[str, ...]
    words: str


@dataclass(frozen=True)
class HelpColumn:
    """How the lines of a column are laid out, in pixels.

    A line whose words fit beside its caps is `row` high; each further row of words adds `more`.
    """

    width: int
    row: int
    more: int
    scale: Scale

    def start(self, line: HelpLine) -> int:
        """Where the words of a line begin: at the same x in all lines, unless the caps need more room."""
        caps = sum(key_width(cap, self.scale.px(13)) + self.scale.px(4) for cap in line.caps)
        return max(self.scale.px(118), caps + self.scale.px(6))

    def words(self, line: HelpLine) -> list[str]:
        """The words in as many rows as they need, all in letters of one size."""
        return wrap(line.words, self.scale.px(16), max(1, self.width - self.start(line))) or [""]

    def height(self, line: HelpLine) -> int:
        return self.row + (len(self.words(line)) - 1) * self.more if line.caps else self.row


class Help(Screen):
    """Lists keys over the screen below, in as many columns as fit; it scrolls if they are too high.

    The keys that do something on that screen come first, then the window's own, then those of gamepads, if
    there are any.
    """

    caption = "Help"

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.below = window.screen
        there = self.below.caption == "Settings"
        own = [does for does in EVERYWHERE if not (there and does is Command.SETTINGS)]
        works = [*self.below.works(), *((does, "") for does in own)]
        here = [(cap, words) for cap, words in works if isinstance(cap, str)]
        named = {cap for cap, _ in here}
        actions = {does for does, _ in works if not isinstance(does, str) and shown(does) not in named}
        self.lines = screen_lines(here) + table_lines(actions)
        self.lines += pad_lines(actions, dict(here)) if self.kit.pads.connected else []
        self.scroller = Scroller()
        self.panel = pygame.Rect(0, 0, 0, 0)  # as drawn last
        self.view = pygame.Rect(0, 0, 0, 0)

    @property
    def own_keys(self) -> Sequence[int]:
        return (pygame.K_PAGEUP, pygame.K_PAGEDOWN)

    def toast_area(self, size: tuple[int, int]) -> pygame.Rect:
        """Below the keys, or over the head if there is no room below."""
        scale = Scale.of(size)
        gap = scale.px(8)
        below = pygame.Rect(self.panel.left, self.panel.bottom + gap, self.panel.width, 0)
        below.height = size[1] - gap - below.top
        if below.height >= self.kit.toasts.height(self.panel.width, scale):
            return below
        return pygame.Rect(gap, gap, size[0] - 2 * gap, max(0, self.view.top - gap))

    def handle(self, event: pygame.event.Event) -> None:
        """Scroll; a click closes the help."""
        if self.scroller.handle(event):
            return
        if event.type == pygame.MOUSEWHEEL:
            self.scroller.wheel(event.y)
        elif event.type == pygame.KEYDOWN and (move := meaning(event.key)) in (UP, DOWN):
            self.scroller.lines(-1 if move == UP else 1)
        elif event.type == pygame.KEYDOWN and event.key in (pygame.K_PAGEUP, pygame.K_PAGEDOWN):
            self.scroller.lines(-6 if event.key == pygame.K_PAGEUP else 6)
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button <= 3:
            self.window.back()

    def draw(self, surface: pygame.Surface) -> None:
        draw_below(surface, self.below, 215)
        size = surface.get_size()
        scale = Scale.of(size)
        margin, pad, head = scale.px(12), scale.px(30), scale.px(66)
        columns = max(1, min(3, (size[0] - 2 * margin - pad) // scale.px(400)))
        row = max(scale.px(32), round(1.9 * font(scale.px(14)).get_height()))
        parts = spread(self.lines, columns)
        width = min(size[0] - 2 * margin, scale.px(470) * len(parts) + pad)
        step = max(1, width - pad) // len(parts)
        column = HelpColumn(step - pad, row, round(1.3 * font(scale.px(16)).get_height()), scale)
        tall = max(sum(map(column.height, part)) for part in parts)
        panel = pygame.Rect(0, 0, max(1, width), max(1, min(tall + head + pad // 2, size[1] - 2 * margin)))
        panel.center = (size[0] // 2, size[1] // 2)
        self.panel = panel
        box(surface, panel, COLOURS["panel"], scale.px(16), COLOURS["line"])
        self._draw_head(surface, panel.inflate(-2 * pad, 0), scale)
        view = pygame.Rect(
            panel.left + pad, panel.top + head, panel.width - 2 * pad, panel.height - head - pad // 2
        )
        self.view = view
        if view.width < 8 or view.height < 8:
            return
        self.scroller.step = row
        self.scroller.fit(view.move(pad // 2, 0), tall, scale)
        with clipped(surface, view):
            for i, part in enumerate(parts):
                self._draw_column(surface, (view.left + i * step, view.top - self.scroller.at), part, column)
        self.scroller.draw(surface)

    def _draw_head(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> None:
        middle = area.top + scale.px(36)
        place = (area.left, middle)
        title = text(surface, "Keys on this page", place, scale.px(26), bold=True, anchor="midleft")
        escape = key_name(pygame.K_ESCAPE)
        said = [f"{shown(Command.HELP)} or {escape} closes this", f"{escape} closes this"]
        if self.scroller.most:
            said.insert(0, f"arrow keys scroll · {said[0]}")
        room = max(1, area.right - title.right - scale.px(10))
        words = next((line for line in said if font(scale.px(15)).size(line)[0] <= room), said[-1])
        place = (area.right, middle)
        text(surface, words, place, scale.px(15), COLOURS["quiet"], anchor="midright", width=room)

    def _draw_column(
        self, surface: pygame.Surface, corner: tuple[int, int], lines: list[HelpLine], column: HelpColumn
    ) -> None:
        scale, row = column.scale, column.row
        left, top = corner
        for line in lines:
            y = top + row // 2
            top += column.height(line)
            if not line.caps:
                place = (left, y + row // 8)
                text(surface, line.words, place, scale.px(15), COLOURS["real"], bold=True, anchor="midleft")
                continue
            x = left
            for word in line.caps:
                x = keycap(surface, word, (x, y), scale.px(13)).right + scale.px(4)
            start = column.start(line)
            for rank, words in enumerate(column.words(line)):
                place = (left + start, y + rank * column.more)
                room = max(1, column.width - start)
                text(surface, words, place, scale.px(16), anchor="midleft", width=room)


def screen_lines(here: Sequence[tuple[str, str]]) -> list[HelpLine]:
    """What keys do on this screen alone; a key without words shares the line of the next one."""
    lines: list[HelpLine] = [HelpLine((), "Here")] if here else []
    names: tuple[str, ...] = ()
    for cap, words in here:
        names = (*names, cap)
        if words:
            lines.append(HelpLine(names, words[:1].lower() + words[1:]))
            names = ()
    return lines


def table_lines(actions: Set[Command | int]) -> list[HelpLine]:
    """The lines of the key table for some actions; the four directions share one, or two."""
    lines: list[HelpLine] = []
    for name, group in groupby(BINDINGS, key=lambda binding: binding.group):
        does = [binding for binding in group if binding.does in actions]
        found = move_lines() if any(binding.does in MOVES for binding in does) else []
        found += [
            HelpLine(tuple(KEYMAP.caps(binding.does)) or ("no key",), binding.text)
            for binding in does
            if isinstance(binding.does, Command)
        ]
        lines += [HelpLine((), name), *found] if found else []
    return lines


def move_lines() -> list[HelpLine]:
    keys = [KEYMAP.keys(move) for move in MOVES]
    ranks = range(min(2, max(map(len, keys))))
    rows = [[key_name(own[rank]) if rank < len(own) else "–" for own in keys] for rank in ranks]
    return [HelpLine(tuple(names), "move" if i == 0 else "also move") for i, names in enumerate(rows)]


def pad_lines(actions: Set[Command | int], here: Mapping[str, str]) -> list[HelpLine]:
    """The buttons and sticks of a gamepad that cause one of these actions, or press a key that works here."""
    lines = [HelpLine((), "Gamepad")]
    for names, words, does in gamepad.HELP:
        if does in actions or shown(does) in here:
            lines.append(HelpLine(tuple(names.split("  ")), here.get(shown(does)) or words))
    return lines


def spread(lines: list[HelpLine], columns: int) -> list[list[HelpLine]]:
    """The lines in columns of about the same height; a column always begins with a group's heading."""
    target = -(-len(lines) // columns)
    parts: list[list[HelpLine]] = [[]]
    for i, line in enumerate(lines):
        rest = columns - len(parts)
        starts_group = not line.caps and len(parts[-1]) > 0
        group = next((n for n, later in enumerate(lines[i + 1 :], 1) if not later.caps), len(lines) - i)
        if rest and starts_group and len(parts[-1]) + group > target + 3:
            parts.append([])
        parts[-1].append(line)
    return parts
