"""What screens with lists and buttons are made of: heads, feet, buttons, facts, a field to type in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pygame

from gamesim.app.navigation import Navigator, Screen
from gamesim.app.theme import COLOURS, Colour, Scale, font
from gamesim.app.ui.widgets import (
    box,
    clipped,
    fitting,
    key_width,
    keycap,
    paragraph,
    shade,
    text,
    wrap,
)
from gamesim.errors import UserError
from gamesim.text import complaint

ALT = pygame.KMOD_ALT | pygame.KMOD_MODE
LONGEST = 4096  # characters that can be typed: no path is longer
FOOT: list[tuple[pygame.Rect, str]] = []
"""Where the keys at the foot of the screen on top were drawn last, and their names: a click presses them."""


@dataclass
class Action:
    """A button: its label, what it does, and why it cannot do so now.

    Attributes:
        label: a word or two.
        do: called when the button is pressed; by default it does nothing.
        cap: name of a key that does the same, "" for none.
        why_not: why the button cannot be pressed now, in one line; "" if it can.
        danger: whether the player loses something by it.
        rect: where it was drawn last.
    """

    label: str
    do: Callable[[], None] = lambda: None
    cap: str = ""
    why_not: str = ""
    danger: bool = False
    rect: pygame.Rect = field(default_factory=lambda: pygame.Rect(0, 0, 0, 0))


def attempt(window: Navigator, do: Callable[[], None]) -> bool:
    """Call `do`; if it meets a bad folder, a full disk or a damaged file, the window shows a message.

    Returns:
        False if it met one.
    """
    try:
        do()
        return True
    except (UserError, OSError) as error:
        window.say(complaint(error), bad=True)
        return False


def margin_of(size: tuple[int, int], scale: Scale) -> int:
    """Pixels that stay free at the left and at the right of a screen."""
    return max(4, min(scale.px(56), size[0] // 24))


def draw_head(surface: pygame.Surface, title: str, line: str, scale: Scale) -> int:
    """Draw the name of a screen and a line about it, beside it or else below it; returns the y below."""
    margin, room = margin_of(surface.get_size(), scale), head_room(surface, title, scale)
    whole = max(1, surface.get_width() - 2 * margin)
    name = text(surface, title, (margin, scale.px(24)), scale.px(36), bold=True, width=whole, shrinks=True)
    small = fitting(line, scale.px(17), room)
    if font(small).size(line)[0] <= room:
        place = (name.right + scale.px(18), name.bottom - scale.px(9))
        text(surface, line, place, small, COLOURS["quiet"], anchor="bottomleft")
        return name.bottom + scale.px(14)
    return paragraph(surface, line, (margin, name.bottom), scale.px(15), whole) + scale.px(8)


def head_room(surface: pygame.Surface, title: str, scale: Scale) -> int:
    """Pixels that `draw_head` has for the line beside a title."""
    margin = margin_of(surface.get_size(), scale)
    return surface.get_width() - 2 * margin - font(scale.px(36), True).size(title)[0] - scale.px(18)


def draw_around(
    surface: pygame.Surface, title: str, line: str, hints: Sequence[tuple[str, str]]
) -> tuple[pygame.Rect, Scale]:
    """Draw the head and the foot of a screen; returns the area between them, and the scale."""
    size = surface.get_size()
    scale = Scale.of(size)
    margin = margin_of(size, scale)
    top = draw_head(surface, title, line, scale)
    draw_foot(surface, hints, scale)
    return pygame.Rect(margin, top, size[0] - 2 * margin, size[1] - foot_height(scale) - top), scale


def foot_height(scale: Scale) -> int:
    return scale.px(52)


def draw_below(surface: pygame.Surface, below: Screen, alpha: int) -> None:
    """Draw the screen below one that covers it: dark, and with keys that no click presses."""
    below.draw(surface)
    FOOT.clear()
    shade(surface, surface.get_rect(), alpha)


def draw_foot(surface: pygame.Surface, hints: Sequence[tuple[str, str]], scale: Scale) -> None:
    """Draw keys and what they do, in one line at the bottom, as many as fit."""
    size = surface.get_size()
    margin = margin_of(size, scale)
    x, y = margin, size[1] - scale.px(28)
    for cap, words in fitting_hints(hints, size[0] - 2 * margin, scale):
        key = keycap(surface, cap, (x, y), scale.px(14))
        x = key.right + scale.px(8 if words else 4)
        if words:
            drawn = text(surface, words, (x, y), scale.px(15), COLOURS["quiet"], anchor="midleft")
            key.union_ip(drawn)
            x = drawn.right + scale.px(20)
        FOOT.append((key, cap))


def fitting_hints(hints: Sequence[tuple[str, str]], width: int, scale: Scale) -> list[tuple[str, str]]:
    """The hints that fit into `width`: the last one, which is the way out, then the others from the first on.

    A hint without words belongs to the next one that has words: both are shown, or neither.
    """
    groups: list[list[tuple[str, str]]] = [[]]
    for hint in hints:
        groups[-1].append(hint)
        if hint[1]:
            groups.append([])
    groups = [group for group in groups if group]
    needs = [sum(_hint_width(*hint, scale) for hint in group) for group in groups]
    left = width + scale.px(20) - sum(needs[-1:])
    shown: list[tuple[str, str]] = []
    for group, need in zip(groups[:-1], needs[:-1], strict=True):
        left -= need
        if left < 0:
            break
        shown += group
    return shown + (groups[-1] if groups and needs[-1] <= width + scale.px(20) else [])


def _hint_width(cap: str, words: str, scale: Scale) -> int:
    """Pixels of a key, of its words, and of the gap to the next."""
    beside = scale.px(8 + 20) + font(scale.px(15)).size(words)[0] if words else scale.px(4)
    return key_width(cap, scale.px(14)) + beside


def draw_actions(
    surface: pygame.Surface,
    area: pygame.Rect,
    actions: Sequence[Action],
    focus: int | None,
    scale: Scale,
    *,
    low: bool = False,
) -> int:
    """Draw buttons in rows from the top left of `area`; each remembers its place. Returns the y below."""
    below = _place(area, actions, scale, low)
    for i, action in enumerate(actions):
        _draw_button(surface, action, i == focus, scale)
    return below


def _place(
    area: pygame.Rect, actions: Sequence[Action], scale: Scale, low: bool = False, tight: bool = False
) -> int:
    """Place buttons in rows from the top left of `area`; returns the y below."""
    gap, height = scale.px(6 if tight else 10), scale.px(32 if tight else 34 if low else 40)
    x, y = area.left, area.top
    for action in actions:
        label = font(scale.px(16), True).size(action.label)[0]
        cap = font(scale.px(12), True).size(action.cap)[0] + scale.px(26) if action.cap else 0
        width = min(max(1, area.width), label + cap + 2 * _inside(tight, scale))
        if x > area.left and x + width > area.right:
            x, y = area.left, y + height + gap
        action.rect = pygame.Rect(x, y, width, height)
        x += width + gap
    return y + height if actions else area.top


def _inside(tight: bool, scale: Scale) -> int:
    """Pixels between the edge of a button and its words."""
    return scale.px(8 if tight else 16)


def actions_height(width: int, actions: Sequence[Action], scale: Scale) -> int:
    """Pixels that `draw_actions` needs; the buttons are placed as if they were drawn at (0, 0)."""
    return _place(pygame.Rect(0, 0, width, 0), actions, scale)


def draw_button_foot(
    surface: pygame.Surface, area: pygame.Rect, actions: Sequence[Action], focus: int, scale: Scale
) -> int:
    """Draw buttons at the bottom of `area`, and above them why some are grey; returns the y above both.

    The words above keep most of a low area: the buttons are smaller there, and the reason of the chosen one
    alone is drawn. Rows of buttons that do not fit at all come when one of them is chosen.
    """
    need = actions_height(area.width, actions, scale)
    tight = need > area.height // 2
    if tight:
        need = _place(pygame.Rect(0, 0, area.width, 0), actions, scale, tight=True)
    foot = pygame.Rect(area.left, max(area.top, area.bottom - need), area.width, need)
    size, top = scale.px(14), foot.top

    def reasons(which: Sequence[Action]) -> list[str]:
        said = [f"{action.label}: {action.why_not}" for action in which if action.why_not]
        return [line for reason in said for line in wrap(reason, size, area.width)]

    lines = reasons(actions)
    if foot.top - area.top < 5 * len(lines) * size:
        lines = reasons(actions[focus : focus + 1])
    if lines and foot.top - area.top > 2 * len(lines) * size:
        top -= round(len(lines) * size * 1.35) + scale.px(6)
        for i, line in enumerate(lines):
            text(surface, line, (area.left, top + round(i * size * 1.35)), size, COLOURS["quiet"])
    _place(foot, actions, scale, tight=tight)
    up = max([0, *(action.rect.bottom - area.bottom for action in actions[focus : focus + 1])])
    for i, action in enumerate(actions):
        action.rect.top -= up
        if area.top <= action.rect.top and action.rect.bottom <= area.bottom:
            _draw_button(surface, action, i == focus, scale, tight)
        else:
            action.rect = pygame.Rect(0, 0, 0, 0)
    return top - scale.px(12)


def _draw_button(
    surface: pygame.Surface, action: Action, focused: bool, scale: Scale, tight: bool = False
) -> None:
    rect, can = action.rect, not action.why_not
    tone = COLOURS["bad" if action.danger else "text"]
    fill = (tone if can else COLOURS["line"]) if focused else COLOURS["raised"]
    box(surface, rect, fill, scale.px(9), None if focused else COLOURS["line"])
    ink = COLOURS["quiet"] if not can else COLOURS["back"] if focused else tone
    left = rect.left + _inside(tight, scale)
    words = text(
        surface, action.label, (left, rect.centery), scale.px(16), ink, bold=True, anchor="midleft",
        width=max(1, rect.right - left - scale.px(7)),
    )  # fmt: skip
    if action.cap and can:
        keycap(surface, action.cap, (words.right + scale.px(10), rect.centery), scale.px(12))


def dot(surface: pygame.Surface, middle: tuple[int, int], radius: int, colour: Colour) -> None:
    """A smooth disc."""
    rect = pygame.Rect(0, 0, 2 * radius, 2 * radius)
    rect.center = middle
    box(surface, rect, colour, radius)


def draw_facts(
    surface: pygame.Surface, area: pygame.Rect, facts: Sequence[tuple[str, str]], scale: Scale, size: int = 16
) -> int:
    """Draw labels and values, a line each; if `area` has a height, only what fits. Returns the y below.

    A value that is too long for its line gets smaller letters, or else more lines.
    """
    y, high, size = area.top, scale.px(size + 12), scale.px(size)
    for label, value in facts:
        room = max(1, area.right - area.left - font(size).size(label)[0] - scale.px(12))
        small = fitting(value, size, room, bold=True)
        lines = [value] if font(small, True).size(value)[0] <= room else wrap(value, small, room, bold=True)
        row = high + round((max(1, len(lines)) - 1) * small * 1.35)
        if area.height and y + row > area.bottom:
            break
        middle = y + high // 2
        text(surface, label, (area.left, middle), size, COLOURS["quiet"], anchor="midleft")
        for i, line in enumerate(lines):
            place = (area.right, middle + round(i * small * 1.35))
            text(surface, line, place, small, bold=True, anchor="midright")
        y += row
        pygame.draw.line(surface, COLOURS["raised"], (area.left, y), (area.right - 1, y))
    return y


def with_ctrl(event: pygame.event.Event, key: int) -> bool:
    """Whether a key press is Ctrl (or Cmd) and `key`; on Windows, AltGr comes as Ctrl and Alt, and types
    letters.
    """
    mod = getattr(event, "mod", 0)
    return event.key == key and bool(mod & (pygame.KMOD_CTRL | pygame.KMOD_META)) and not mod & ALT


def clipboard() -> str:
    """The text that was copied last, in any window; "" if there is none, or no way to ask for it."""
    try:
        pygame.scrap.init()
        copied = pygame.scrap.get("text/plain;charset=utf-8") or b""
    except pygame.error:
        return ""
    wide = b"\0" in copied.rstrip(b"\0")  # Windows gives what it has, which is UTF-16
    return copied.decode("utf-16-le" if wide else "utf-8", "replace").partition("\0")[0]


class Field:
    """One line of text being typed.

    Attributes:
        words: the text so far.
        at: where the caret is, 0..len(words).
        all: whether the whole text is selected, so that typing replaces it.
    """

    def __init__(self, words: str) -> None:
        self.words = words
        self.at = len(words)
        self.all = bool(words)
        self._clock = 0.0

    def handle(self, event: pygame.event.Event) -> bool:
        """Take a key, typed text or a dropped file; returns whether it was for this field."""
        if event.type == pygame.TEXTINPUT:
            self.insert(event.text)
            return True
        if event.type == pygame.DROPFILE:  # its path takes the place of all that was typed
            self.words, self.all = event.file, False
            self.at = len(self.words)
            return True
        if event.type != pygame.KEYDOWN:
            return False
        if with_ctrl(event, pygame.K_v):
            self.insert(clipboard())
            return True
        if with_ctrl(event, pygame.K_a):
            self.all, self.at = bool(self.words), len(self.words)
            return True
        step = {pygame.K_LEFT: -1, pygame.K_RIGHT: 1, pygame.K_HOME: -LONGEST, pygame.K_END: LONGEST}
        if self.all and event.key in (pygame.K_BACKSPACE, pygame.K_DELETE):
            self.words, self.at = "", 0
        elif event.key == pygame.K_BACKSPACE:
            if self.at > 0:
                self.words = self.words[: self.at - 1] + self.words[self.at :]
                self.at -= 1
        elif event.key == pygame.K_DELETE:
            self.words = self.words[: self.at] + self.words[self.at + 1 :]
        elif event.key in step:
            self.at = min(len(self.words), max(0, self.at + step[event.key]))
        else:
            return False
        self.all, self._clock = False, 0.0
        return True

    def insert(self, words: str) -> None:
        """Type `words` over the selection; unprintable characters are left out."""
        if self.all:
            self.words, self.at, self.all = "", 0, False
        words = "".join(c for c in words if c.isprintable())[: LONGEST - len(self.words)]
        self.words = self.words[: self.at] + words + self.words[self.at :]
        self.at += len(words)

    def update(self, seconds: float) -> None:
        self._clock += seconds

    def draw(self, surface: pygame.Surface, rect: pygame.Rect, scale: Scale) -> None:
        """Draw the text, scrolled so that the blinking caret is visible."""
        box(surface, rect, COLOURS["back"], scale.px(8), COLOURS["text"])
        size, pad = scale.px(18), scale.px(12)
        inner = rect.inflate(-2 * pad, -4)
        if inner.width < 4:
            return
        before = font(size).size(self.words[: self.at])[0]
        shift = max(0, before - inner.width + 2)
        place = (inner.left - shift, rect.centery)
        ink = COLOURS["back" if self.all else "text"]
        with clipped(surface, inner):
            if self.all:
                marked = pygame.Rect(place[0] - 1, 0, before + 2, size + 8)
                marked.centery = rect.centery
                surface.fill(COLOURS["real"], marked)
            text(surface, self.words, place, size, ink, anchor="midleft")
            if not self.all and self._clock % 1.0 < 0.6:
                x = place[0] + before
                caret = pygame.Rect(x, rect.centery - size // 2 - 2, max(1, scale.px(2)), size + 4)
                surface.fill(COLOURS["real"], caret)
