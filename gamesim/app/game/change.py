"""Changing a moment of a dream by hand, where its engine lets one: found by looking at what it can do."""

from typing import Any

from gamesim.app.game.play import Engine
from gamesim.errors import UserError


def changes(engine: Engine) -> frozenset[str]:
    """The names of what may be changed: "z", "memory"."""
    return getattr(engine.env.unwrapped, "changes", frozenset())


def change(engine: Engine, name: str, value: Any) -> str | None:
    """Change it; what is dreamt next follows from the changed moment.

    Returns:
        Why it could not be changed, or None.
    """
    if name not in changes(engine):
        return f"This model's {name} cannot be changed."
    if engine.recorder is not None and engine.recorder.recording:
        return "You cannot change the dream by hand while you record."
    try:
        engine.frame = getattr(engine.env.unwrapped, f"with_{name}")(value)
    except UserError as error:
        return str(error)
    if engine.clip:
        engine.clip[-1] = engine.frame
    engine.board(engine.pilot)  # the controller looks again
    return None
