"""Sliders, switches and choices: how they look, and how keys and the mouse change their values."""

import itertools
import math

import pygame

from gamesim.app.theme import COLOURS, Scale, font
from gamesim.app.ui.parts import dot
from gamesim.app.ui.widgets import arrowhead, box, shorten, text
from gamesim.labs.controls import Button, Choice, Control, Slider, Switch, Value

ROW, TRACK = 34, 22  # heights of a control's title and of the slider below it, in a window of 1280x800
NOTCHES = 50  # arrow keys cross a slider without steps in so many


def spelled(control: Control, value: Value) -> str:
    """A value in words, for its place beside the title."""
    match control:
        case Slider(low=low, high=high, step=step):
            fine = step or (high - low) / (2 * NOTCHES)
            places = max(0, min(6, -math.floor(math.log10(fine) + 1e-9))) if fine > 0 else 0
            while step and places < 6 and abs(round(step, places) - step) > 1e-9:
                places += 1
            return f"{float(value):.{places}f}"
        case Switch():
            return "on" if value else "off"
        case _:
            return str(value)


def turned(control: Control, value: Value, steps: int) -> Value:
    """The value so many steps up, or down if `steps` is negative."""
    match control:
        case Slider(low=low, high=high, step=step):
            return fitting(control, float(value) + steps * (step or (high - low) / NOTCHES))
        case Switch():
            return steps > 0
        case Choice(options=options):
            at = options.index(str(value)) + steps
            return options[min(len(options) - 1, max(0, at))]
        case Button():
            return value


def pressed(control: Control, value: Value) -> Value:
    """The value after Enter, or after a click that names no value."""
    match control:
        case Switch():
            return not value
        case Choice(options=options):
            return options[(options.index(str(value)) + 1) % len(options)]
        case Button():
            return True
        case Slider():
            return value


def fitting(slider: Slider, value: float) -> float:
    """The nearest value that a slider can have."""
    if slider.step:
        value = slider.low + round((value - slider.low) / slider.step) * slider.step
    return round(min(slider.high, max(slider.low, value)), 9)


def height(control: Control, scale: Scale) -> int:
    """Height in pixels of a control other than a button."""
    match control:
        case Slider():
            return scale.px(ROW + TRACK)
        case Choice():
            return scale.px(2 * ROW)
        case _:
            return scale.px(ROW + 4)


def pointed(control: Control, value: Value, rect: pygame.Rect, place: tuple[int, int], scale: Scale) -> Value:
    """The value after a click at `place`, or while the mouse drags the control there."""
    match control:
        case Slider(low=low, high=high):
            track = _track(rect, scale)
            share = (place[0] - track.left) / max(1, track.width - 1)
            return fitting(control, low + min(1.0, max(0.0, share)) * (high - low))
        case Choice(options=options):
            cells = _cells(control, rect, scale)
            hit = next((i for i, cell in enumerate(cells) if cell.collidepoint(place)), None)
            if hit is None:
                return value
            if len(cells) == len(options):
                return options[hit]
            return turned(control, value, -1 if place[0] < rect.centerx else 1)
        case _:
            return pressed(control, value)


def draw(
    surface: pygame.Surface, rect: pygame.Rect, control: Control, value: Value, focused: bool, scale: Scale
) -> None:
    """Draw a control other than a button, with a lighter background while it has the focus."""
    if focused:
        box(surface, rect, COLOURS["raised"], scale.px(8))
    inner = rect.inflate(-scale.px(16), 0)
    size, middle = scale.px(15), rect.top + scale.px(ROW) // 2
    match control:
        case Slider():
            place = (inner.right, middle)
            said = text(surface, spelled(control, value), place, size, bold=True, anchor="midright")
            room = said.left - inner.left - scale.px(8)
            _draw_track(surface, _track(rect, scale), control, float(value), focused, scale)
        case Switch():
            pill = pygame.Rect(0, 0, scale.px(40), scale.px(22))
            pill.midright = (inner.right, rect.centery)
            _draw_switch(surface, pill, bool(value), scale)
            room, middle = pill.left - inner.left - scale.px(8), rect.centery
        case Button():
            return
        case Choice():
            room = inner.width
            _draw_choice(surface, control, str(value), rect, scale)
    place = (inner.left, middle)
    text(surface, control.title, place, size, anchor="midleft", width=max(1, room), shrinks=True)


def _track(rect: pygame.Rect, scale: Scale) -> pygame.Rect:
    """The line of a slider; the middle of its knob goes from end to end."""
    reach = scale.px(8)
    line = rect.inflate(-2 * scale.px(8) - 2 * reach, 0)
    line.top, line.height = rect.top + scale.px(ROW), max(2, scale.px(5))
    return line


def _draw_track(
    surface: pygame.Surface, track: pygame.Rect, slider: Slider, value: float, focused: bool, scale: Scale
) -> None:
    colour = COLOURS["real"] if focused else COLOURS["ghost2"]
    box(surface, track, COLOURS["line"], track.height // 2)
    span = (slider.high - slider.low) or 1.0
    share, zero = (value - slider.low) / span, min(1.0, max(0.0, -slider.low / span))
    low, high = sorted(round(each * (track.width - 1)) for each in (zero, share))
    filled = pygame.Rect(track.left + low, track.top, max(1, high - low), track.height)
    box(surface, filled, colour, track.height // 2)
    knob = (track.left + round(share * (track.width - 1)), track.centery)
    dot(surface, knob, scale.px(8), colour)


def _draw_switch(surface: pygame.Surface, pill: pygame.Rect, on: bool, scale: Scale) -> None:
    box(surface, pill, COLOURS["good" if on else "line"], pill.height // 2)
    reach = pill.height // 2 - max(2, scale.px(3))
    x = pill.right - pill.height // 2 if on else pill.left + pill.height // 2
    dot(surface, (x, pill.centery), reach, COLOURS["text" if on else "quiet"])


def _cells(choice: Choice, rect: pygame.Rect, scale: Scale) -> list[pygame.Rect]:
    """The place of each option, or if they do not fit, of two arrows to the previous and the next option."""
    strip = rect.inflate(-scale.px(16), 0)
    strip.top, strip.height = rect.top + scale.px(ROW - 3), scale.px(30)
    needs = [font(scale.px(14), True).size(option)[0] + scale.px(16) for option in choice.options]
    more = (strip.width - sum(needs)) // len(needs)
    if more < 0:
        wide = strip.width // 2 if len(needs) == 2 else strip.height
        left = pygame.Rect(strip.left, strip.top, wide, strip.height)
        return [left, left.move(strip.width - wide, 0)]
    lefts = itertools.accumulate((need + more for need in needs), initial=strip.left)
    return [
        pygame.Rect(x, strip.top, need + more, strip.height) for x, need in zip(lefts, needs, strict=False)
    ]


def _draw_choice(
    surface: pygame.Surface, choice: Choice, value: str, rect: pygame.Rect, scale: Scale
) -> None:
    cells, size = _cells(choice, rect, scale), scale.px(14)
    strip = cells[0].unionall(cells[1:])
    box(surface, strip, COLOURS["back"], scale.px(7), COLOURS["line"])
    if len(cells) == len(choice.options):
        for option, cell in zip(choice.options, cells, strict=True):
            here = option == value
            if here:
                box(surface, cell, COLOURS["ghost2"], scale.px(7))
            words = shorten(option, size, max(1, cell.width - scale.px(6)), here)
            colour = COLOURS["back" if here else "quiet"]
            text(surface, words, cell.center, size, colour, bold=here, anchor="center")
        return
    for cell, side in zip(cells, (-1, 1), strict=True):
        arrowhead(surface, cell.center, (side, 0), scale.px(5), COLOURS["text"])
    room = max(1, strip.width - 2 * cells[0].width)
    text(surface, value, strip.center, size, bold=True, anchor="center", width=room, shrinks=True)
