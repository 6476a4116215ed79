"""What a person can turn in a lab: sliders, switches, choices and buttons."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from gamesim.errors import UserError

PRESS = "press"
"""What is typed to press a button."""
SWITCHED = {"on": True, "off": False, "true": True, "false": False}


@dataclass(frozen=True)
class Slider:
    """A number between two others.

    Attributes:
        name: by which the lab is told.
        title: for people.
        low, high: ends, both included.
        value: at first.
        step: between two values; 0: any.
        help: a sentence for whoever rests the mouse on it.
    """

    name: str
    title: str
    low: float
    high: float
    value: float
    step: float = 0.0
    help: str = ""


@dataclass(frozen=True)
class Switch:
    """On or off."""

    name: str
    title: str
    value: bool = False
    help: str = ""


@dataclass(frozen=True)
class Choice:
    """One of several words."""

    name: str
    title: str
    options: tuple[str, ...]
    value: str
    help: str = ""


@dataclass(frozen=True)
class Button:
    """Something that happens once when it is pressed."""

    name: str
    title: str
    help: str = ""
    value: ClassVar[bool] = False


Control = Slider | Switch | Choice | Button

Value = float | bool | str


def values(controls: Iterable[Control]) -> dict[str, Value]:
    """What each control is set to, by its name; a button to False."""
    return {control.name: control.value for control in controls}


def allows(control: Control, value: Value) -> bool:
    """Whether a control can have this value."""
    match control:
        case Slider(low=low, high=high):
            return low <= float(value) <= high
        case Choice(options=options):
            return value in options
        case _:
            return isinstance(value, bool)


def check(controls: Sequence[Control]) -> None:
    """Makes sure that controls have names of their own, and values that they can have.

    Raises:
        ValueError: one has not.
    """
    if len({control.name for control in controls}) < len(controls):
        raise ValueError("two controls have one name")
    for control in controls:
        if not allows(control, control.value):
            raise ValueError(f"control '{control.name}' cannot be {control.value}")


def moved(controls: Iterable[Control], **values: Value) -> tuple[Control, ...]:
    """The controls of a lab, of which those of these names have these values; buttons have none."""
    return tuple(
        control
        if isinstance(control, Button) or control.name not in values
        else replace(control, value=values[control.name])
        for control in controls
    )


def read(control: Control, word: str) -> Value:
    """What somebody typed for a control, as its lab is told.

    Raises:
        UserError: the control cannot have this value.
    """
    match control:
        case Slider():
            return _number(control, word)
        case Switch(name=name):
            return SWITCHED[_one_of(name, word.lower(), tuple(SWITCHED))]
        case Choice(name=name, options=options):
            return _one_of(name, word, options)
        case Button(name=name):
            return bool(_one_of(name, word.lower(), (PRESS,)))


def chosen(controls: Sequence[Control], words: Iterable[str]) -> dict[str, Value]:
    """Words such as ``beta=4`` as values by the name of a control.

    Raises:
        UserError: there is no such control, or it cannot have this value.
    """
    known = {control.name: control for control in controls}
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UserError(f"'{word}' is not NAME=VALUE")
        if name in found:
            warnings.warn(f"'{name}' is given twice: {word} counts", stacklevel=2)
        found[name] = read(known[_one_of("control", name, tuple(known))], value)
    return found


def _number(slider: Slider, word: str) -> float:
    ends = f"a number from {slider.low:g} to {slider.high:g}"
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not slider.low <= value <= slider.high:
        raise UserError(f"{slider.name} must be {ends}, not '{word}'")
    steps = (value - slider.low) / slider.step if slider.step else 0.0
    if abs(steps - round(steps)) > 1e-6:
        raise UserError(f"{slider.name} must be {ends} in steps of {slider.step:g}, not '{word}'")
    return value


def _one_of(name: str, word: str, options: Sequence[str]) -> str:
    if word not in options:
        raise UserError(f"{name} must be one of {', '.join(options) or 'none'}, not '{word}'")
    return word
