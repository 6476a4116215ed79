"""Packages that are there but cannot be imported: not all of them say so with an ImportError."""

import traceback


def broken(error: Exception) -> str:
    """Return the package whose import raised an error, "" where something else went wrong.

    Where its parts do not fit each other, a package may raise anything: torch on Windows an OSError, what was
    built for another NumPy a ValueError or an AttributeError.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    names = [str(frame.f_globals.get("__name__")).partition(".")[0] for frame in frames]
    asked = max((i for i, name in enumerate(names) if name == "gamesim"), default=-1)
    bodies = [i for i, frame in enumerate(frames) if i > asked and frame.f_code.co_name == "<module>"]
    imports = bool(bodies) and set(names[asked + 1 : bodies[0]]) <= {"importlib"}
    return names[bodies[-1]] if imports else ""
