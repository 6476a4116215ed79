"""The desktop app: pygame lives here and nowhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from gamesim.envs.recipe import Recipe
    from gamesim.labs import Entry, Given
    from gamesim.labs.controls import Value

# pygame and SDL read these when they are imported and when the window opens.
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ.setdefault("SDL_VIDEO_X11_WMCLASS", "gamesim")
if sys.platform == "linux":  # without a GPU, OpenGL runs on the CPU, where a flip takes several times as long
    os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")


def main(
    start: str | Recipe | None = None,
    watch: bool = False,
    device: str = "cpu",
    place: Path = Path(),
) -> NoReturn:
    """Open the window and stay in it until the player leaves; the process ends with it.

    Args:
        start: what to play at once: a game, the id of a game, or a checkpoint's folder; None: the menu.
        watch: let the checkpoint's controller play.
        device: where dreams compute: auto, cpu, cuda, cuda:1 or mps.
        place: whose recordings, runs and checkpoints are offered; by default the current folder.

    Raises:
        UserError: there is no display or no such device, or `start` names nothing that can be played.
    """
    from gamesim.app.background import leave
    from gamesim.app.kit import Kit
    from gamesim.app.window import Window

    title = None
    if start is not None:
        from gamesim.app.library.catalog import title_of

        title = title_of(start)
    if device != "cpu":  # torch takes seconds to load; on the CPU the menu need not wait for it
        from gamesim.devices import pick

        pick(device)
    window = Window(Kit(place=place))
    window.kit.device = device
    from gamesim.app.screens.menu import Menu
    from gamesim.app.screens.play import open_title

    menu = Menu(window)
    window.go(menu)
    if title is not None and watch:
        open_title(window, title, watch=True)
    elif title is not None:
        menu.open(title)
    leave(window.run())


def lab(entry: Entry, given: Given, values: Mapping[str, Value]) -> NoReturn:
    """Open the window on the page of a lab and stay until the player leaves; the process ends with it.

    Args:
        entry: which lab.
        given: what to make it with.
        values: of controls, by name, that should differ from the lab's first values.

    Raises:
        UserError: there is no display.
    """
    from gamesim.app.background import leave
    from gamesim.app.labs.page import LabPage
    from gamesim.app.screens.menu import Menu
    from gamesim.app.window import Window

    window = Window()
    window.go(Menu(window))
    window.go(LabPage(window, entry, given, values))
    leave(window.run())
