"""The column of a lab's page: what the lab is doing, buttons to pause and restart it, and its controls."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import takewhile

import pygame

from gamesim.app.labs import knobs
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.ui.parts import Action, draw_actions
from gamesim.app.ui.scroller import Scroller
from gamesim.app.ui.widgets import box, clipped, paragraph, text
from gamesim.labs.controls import Button, Control, Slider, Value, allows

HELP = 3  # lines of help on a control
HINT = "Tab goes to the controls. Rest the mouse on one to read what it does."


class Column:
    """Controls with their values; one of them, or of the buttons above them (`reins`, such as Pause), has the
    focus.

    `told` is called with the name and the value of a control that the player changed or pressed; the lab was
    made with `values`, by name, in place of its own first ones.

    Attributes:
        controls: as the lab has them now.
        values: by name, as a person sees them.
        state: a line on what the lab is doing.
        focus: index of what keys change, counted through the reins and then the controls.
        rects: where the reins and the controls were drawn last.
        view: the area of the controls that are in sight.
    """

    def __init__(self, told: Callable[[str, Value], None], values: Mapping[str, Value] | None = None) -> None:
        self._told = told
        self.reins: list[Action] = []
        self.controls: Sequence[Control] = ()
        self.values: dict[str, Value] = dict(values or {})
        self.state = ""
        self.focus = 0
        self.scroller = Scroller()
        self.rects: list[pygame.Rect] = []
        self.view = pygame.Rect(0, 0, 0, 0)
        self._first: dict[str, Value] = {}  # values by name, as the lab began
        self._held = ""  # name of the slider that the mouse drags
        self._hovered: int | None = None
        self._reveal = False
        self._scale = Scale(1.0)

    def follow(self, controls: Sequence[Control], late: Collection[str] = ()) -> None:
        """Take over the values that the lab has changed itself; the others stay as the player set them.

        The player has set the controls called `late` since, which the lab does not know yet.
        """
        before = {control.name: control.value for control in self.controls}
        for control in controls:
            value = control.value
            self._first.setdefault(control.name, value)
            moved = before.get(control.name, value) != value and control.name not in late
            if moved or not allows(control, self.values.setdefault(control.name, value)):
                self.values[control.name] = value
        known = {control.name for control in controls}
        self.values = {name: value for name, value in self.values.items() if name in known}
        self.controls = tuple(controls)
        self.focus = min(self.focus, max(0, self._count - 1))

    def clear(self) -> None:
        self.controls, self.focus = (), 0
        self.values, self._first = {}, {}

    @property
    def _count(self) -> int:
        return len(self.reins) + len(self.controls)

    def _control(self, index: int | None) -> Control | None:
        at = -1 if index is None else index - len(self.reins)
        return self.controls[at] if 0 <= at < len(self.controls) else None

    @property
    def current(self) -> Control | None:
        """The control in focus; None while one of the reins has it."""
        return self._control(self.focus)

    # keys ------------------------------------------------------------------------------------------------

    def move(self, step: int) -> None:
        """Move the focus by `step` controls; it wraps around the ends."""
        if self._count:
            self.focus = (self.focus + step) % self._count
            self._hovered, self._reveal = None, True

    def turn(self, steps: int) -> None:
        """Change the control in focus by so many steps; from a button, go to its neighbour."""
        control = self.current
        if control is None or isinstance(control, Button):
            self.move(1 if steps > 0 else -1)
        else:
            self._set(control, knobs.turned(control, self.values[control.name], steps))

    def press(self) -> None:
        """Do what Enter does: press the button in focus, or go to the next value."""
        control = self.current
        if control is not None:
            self._set(control, knobs.pressed(control, self.values[control.name]))
        elif self.focus < len(self.reins):
            self.reins[self.focus].do()

    def end(self, high: bool) -> None:
        """Move a slider to one of its ends."""
        if isinstance(control := self.current, Slider):
            self._set(control, control.high if high else control.low)

    def reset(self) -> None:
        """Set the control in focus to its first value."""
        control = self.current
        if control is None or isinstance(control, Button):
            return
        if allows(control, self._first[control.name]):
            self._set(control, self._first[control.name])

    def _set(self, control: Control, value: Value) -> None:
        if isinstance(control, Button):
            self._told(control.name, True)
        elif value != self.values[control.name]:
            self.values[control.name] = value
            self._told(control.name, value)

    # mouse -----------------------------------------------------------------------------------------------

    def handle(self, event: pygame.event.Event) -> bool:
        """Take a mouse event; returns whether it was for the column."""
        if self.scroller.handle(event):
            return True
        if event.type == pygame.MOUSEBUTTONUP and event.button == 1:
            was, self._held = self._held, ""
            return bool(was)
        if event.type == pygame.MOUSEMOTION:
            self._hovered = self._at(event.pos)
            self._point(self._held, event.pos)
            return bool(self._held)
        if event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            return self._click(event.pos)
        if event.type == pygame.MOUSEWHEEL:
            return self._wheel(event.y)
        return False

    def let_go(self) -> None:
        """The window lost the mouse."""
        self._held = ""

    def _click(self, place: tuple[int, int]) -> bool:
        index = self._at(place)
        if index is None:
            return False
        self.focus = index
        control = self.current
        if control is None or isinstance(control, Button):
            self.press()
        else:
            self._held = control.name if isinstance(control, Slider) else ""
            self._point(control.name, place)
        return True

    def _wheel(self, clicks: int) -> bool:
        place = pygame.mouse.get_pos()
        control = self._control(self._at(place))
        if isinstance(control, Slider):
            self._set(control, knobs.turned(control, self.values[control.name], clicks))
        elif self.view.collidepoint(place):
            self.scroller.wheel(clicks)
        else:
            return False
        return True

    def _point(self, name: str, place: tuple[int, int]) -> None:
        """Set a control to the value at a place, where the mouse was pressed or dragged."""
        for control, rect in zip(self.controls, self.rects[len(self.reins) :], strict=False):
            if control.name == name:
                self._set(control, knobs.pointed(control, self.values[name], rect, place, self._scale))

    def _at(self, place: tuple[int, int]) -> int | None:
        """Index of the button or control at a place."""
        for i, rect in enumerate(self.rects[: self._count]):
            if rect.collidepoint(place) and (i < len(self.reins) or self.view.collidepoint(place)):
                return i
        return None

    # drawing ---------------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> None:
        """Draw the column in `area`; the controls scroll if they do not fit."""
        self._scale = scale
        pad = scale.px(14)
        box(surface, area, COLOURS["panel"], scale.px(14))
        inner = area.inflate(-2 * pad, -2 * pad)
        if inner.width < 20 or inner.height < 20:
            return
        with clipped(surface, inner):
            line = text(surface, self.state, inner.topleft, scale.px(15), COLOURS["quiet"], width=inner.width)
            top = pygame.Rect(inner.left, line.bottom + scale.px(8), inner.width, 0)
            focus = self.focus if self.focus < len(self.reins) else None
            y = draw_actions(surface, top, self.reins, focus, scale, low=True) + scale.px(10)
            self.rects = [action.rect for action in self.reins]
            foot = self._draw_help(surface, pygame.Rect(inner.left, y, inner.width, inner.bottom - y), scale)
        self.view = pygame.Rect(inner.left, y, inner.width, max(0, foot - y))
        with clipped(surface, self.view):
            self._draw_controls(surface, self.view, scale)

    def _draw_help(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> int:
        """Draw the help on the control under the mouse, or else the one in focus; returns the y above."""
        if not (self.reins and any(control.help for control in self.controls)):
            return area.bottom  # the page of the command line has no buttons, and nobody to ask
        size = scale.px(14)
        top = area.bottom - HELP * round(size * 1.35)
        if top - area.top < scale.px(5 * knobs.ROW):  # the controls need the little room there is
            return area.bottom
        control = self._control(self._hovered) or self.current
        words = control.help if control else HINT
        paragraph(surface, words, (area.left, top), size, area.width, most=HELP)
        return top - scale.px(10)

    def _draw_controls(self, surface: pygame.Surface, view: pygame.Rect, scale: Scale) -> None:
        y = begin = view.top - self.scroller.at
        width = view.width - (Scroller.width(scale) if self.scroller.most else 0)
        index = 0
        while index < len(self.controls):
            control = self.controls[index]
            rect = pygame.Rect(view.left, y, width, 0)
            if isinstance(control, Button):
                buttons = takewhile(lambda each: isinstance(each, Button), self.controls[index:])
                run = [Action(each.title, partial(self._told, each.name, True)) for each in buttons]
                focus = self.focus - len(self.reins) - index
                rect.top += scale.px(4)
                y = draw_actions(surface, rect, run, focus if focus >= 0 else None, scale, low=True)
                self.rects += [action.rect for action in run]
                y += scale.px(8)
                index += len(run)
                continue
            rect.height = knobs.height(control, scale)
            focused = index + len(self.reins) == self.focus
            if rect.colliderect(view):
                knobs.draw(surface, rect, control, self.values[control.name], focused, scale)
            self.rects.append(rect)
            y = rect.bottom + scale.px(4)
            index += 1
        self.scroller.fit(view, y - begin, scale)
        if self.current is not None:
            chosen, edge = self.rects[self.focus], scale.px(4)
            self.scroller.follow(chosen.top - begin - edge, chosen.bottom - begin + edge, self._reveal)
        self._reveal = False
        self.scroller.draw(surface)
