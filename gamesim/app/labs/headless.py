"""A lab without a window: takes some steps, then writes its page, its pictures and its figures as files."""

from collections.abc import Iterable
from itertools import chain, count
from pathlib import Path

import numpy as np
import pygame
from tqdm import tqdm

from gamesim.app import theme
from gamesim.app.labs.column import Column
from gamesim.app.labs.panels import image
from gamesim.app.labs.poster import Poster
from gamesim.app.theme import COLOURS
from gamesim.app.ui.widgets import png
from gamesim.errors import UserError
from gamesim.labs import Entry, Given, Lab
from gamesim.labs.controls import chosen
from gamesim.labs.panels import Panel, Picture
from gamesim.registry import blamed
from gamesim.storage import write_file
from gamesim.text import counted, file_name, plain, reason, to_json
from gamesim.threads import one_thread

PAGE = (1280, 800)
MARGIN = 24  # pixels below the page
SIDE = 480  # a picture is enlarged to about this many pixels
TALLEST = 8000  # pixels: a page is not made higher


def run(entry: Entry, given: Given, words: Iterable[str], steps: int | None, out: Path) -> dict[str, float]:
    """Take steps of a lab, and write what it shows then.

    Args:
        entry: which lab.
        given: what to make it with.
        words: settings of its controls, such as ``beta=4``.
        steps: how many; None: as many as the lab asks for.
        out: folder for page.png, a PNG for each picture, and figures.json; made if it is missing.

    Returns:
        The figures that the lab measured.

    Raises:
        UserError: the lab cannot be opened, has no such control, or the folder cannot be written.
    """
    with one_thread(), blamed(entry.make):
        lab = entry.open(given)
        values = chosen(lab.controls, words)
        for name, value in values.items():
            lab.set(name, value)
        taken = _steps(lab, lab.steps if steps is None else steps)
        panels, figures = lab.view(), plain(lab.figures())
    column = Column(lambda name, value: None)
    column.follow(lab.controls)
    column.values |= values
    column.focus, column.state = -1, f"After {counted(taken, 'step')}"
    poster = Poster(entry, column)
    poster.panels = panels
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out}: cannot be made: {reason(error)}") from None
    for name, surface in {"page": _page(poster), **_pictures(panels)}.items():
        write_file(out / f"{name}.png", png(surface))
    write_file(out / "figures.json", to_json(figures, indent=1))
    return figures


def _steps(lab: Lab, most: int) -> int:
    """Take at most `most` steps, fewer if the lab has nothing left to do; returns how many."""
    taken = 0
    with tqdm(total=most, unit="step") as bar:
        while taken < most and lab.step() is not False:
            taken += 1
            bar.update()
    return taken


def _page(poster: Poster) -> pygame.Surface:
    """The page as the app shows it, but high enough to show everything, up to `TALLEST`."""
    pygame.font.init()
    theme.use("standard")
    theme.Scale.zoom = 1.0
    size = PAGE
    while True:
        surface = pygame.Surface(size)
        surface.fill(COLOURS["back"])
        poster.draw(surface, MARGIN)
        if not poster.hidden or size[1] >= TALLEST:
            return surface
        size = (size[0], min(TALLEST, size[1] + poster.hidden))


def _pictures(panels: Iterable[Panel]) -> dict[str, pygame.Surface]:
    """The pictures by the names of their files; small ones are enlarged by a whole number."""
    found: dict[str, pygame.Surface] = {}
    for panel in panels:
        if isinstance(panel, Picture):
            height, width = panel.pixels.shape[:2]
            factor, name = max(1, SIDE // max(height, width)), file_name(panel.title, "picture")
            names = chain([name], (f"{name}-{i}" for i in count(2)))
            free = next(each for each in names if each not in {"page", *found})
            found[free] = image(np.asarray(panel.pixels), (width * factor, height * factor))
    return found
