"""What a person can turn in a lab: sliders, switches, choices and buttons."""

from __future__ import annotations

from dataclasses import dataclass


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


Control = Slider | Switch | Choice | Button
