"""Small things to draw: text, boxes, pills, meters, key caps and toasts."""

import contextlib
import io
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
import pygame

from gamesim.app.theme import COLOURS, Colour, Scale, font, render

ARROWS = {"←": (-1, 0), "→": (1, 0), "↑": (0, -1), "↓": (0, 1)}  # drawn as shapes: the typeface has none


def text(
    surface: pygame.Surface,
    words: str,
    place: tuple[int, int],
    size: int,
    colour: Colour = COLOURS["text"],
    *,
    bold: bool = False,
    anchor: str = "topleft",
    width: int | None = None,
    shrinks: bool = False,
) -> pygame.Rect:
    """Draw one line with its `anchor`, a corner or side of a pygame.Rect, at `place`; returns where it went.

    A line of more than `width` pixels first gets smaller letters if it `shrinks`, and then ends in an
    ellipsis.
    """
    if width is not None:
        size = fitting(words, size, width, bold) if shrinks else size
        words = shorten(words, size, width, bold)
    image = render(words, size, colour, bold)
    rect = image.get_rect(**{anchor: place})
    surface.blit(image, rect)
    return rect


def shorten(words: str, size: int, width: int, bold: bool = False) -> str:
    """`words`, cut with an ellipsis so that they are at most `width` pixels wide."""
    measure = font(size, bold).size
    if measure(words)[0] <= width:
        return words
    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(words[:middle].rstrip() + "…")[0] <= width:
            low = middle
        else:
            high = middle - 1
    return words[:low].rstrip() + "…" if low else ""


def fitting(words: str, size: int, width: int, bold: bool = False) -> int:
    """The size of letters, from `size` down to 7/10 of it, in which a line is at most `width` pixels wide."""
    least = max(1, round(0.7 * size))
    return next((n for n in range(size, least, -1) if font(n, bold).size(words)[0] <= width), least)


def wrap(words: str, size: int, width: int, bold: bool = False, most: int | None = None) -> list[str]:
    """Break a paragraph into lines of at most `width` pixels.

    A wider path breaks between its folders, a wider name after a hyphen or an underscore, and what has none
    of these, such as a name in Chinese, anywhere. If there are more than `most` lines, the last has all that
    remains, for `text` to cut.
    """
    lines = [*_wrapped(words, size, width, bold)]
    return lines if most is None or len(lines) <= most else [*lines[: most - 1], " ".join(lines[most - 1 :])]


@lru_cache(maxsize=512)  # a screen wraps the same words in every frame
def _wrapped(words: str, size: int, width: int, bold: bool) -> tuple[str, ...]:
    lines: list[str] = []
    line, measure = "", font(size, bold).size
    for word in re.findall(r"[^ \t\r\n]+", words):  # a space that does not break holds words together
        space = " " if line else ""
        parts = [word] if measure(word)[0] <= width else _pieces(word, width, measure)
        for part in parts:
            longer = f"{line}{space}{part}"
            if line and measure(longer)[0] > width:
                lines.append(line)
                line = part
            else:
                line = longer
            space = ""
    return tuple(shorten(part, size, width, bold) for part in [*lines, line] if part)


def _pieces(word: str, width: int, measure: Callable[[str], tuple[int, int]]) -> list[str]:
    """Where a word may break that is wider than a line."""
    found = [word]
    for between in (r"[^/\\]*[/\\]?", r"[^-_]*[-_]?", r"."):
        parts = ([part] if measure(part)[0] <= width else re.findall(between, part) for part in found)
        found = [*chain.from_iterable(parts)]
    return found


def at_home(path: Path) -> str:
    """A path, with ~ for the user's home folder."""
    with contextlib.suppress(ValueError, RuntimeError):
        return f"~/{path.relative_to(Path.home()).as_posix()}"
    return str(path)


def paragraph(
    surface: pygame.Surface,
    words: str,
    place: tuple[int, int],
    size: int,
    width: int,
    colour: Colour = COLOURS["quiet"],
    *,
    anchor: str = "topleft",
    row: int | None = None,
    most: int | None = None,
) -> int:
    """Draw wrapped lines, `row` pixels apart, the first with its `anchor` at `place`; returns the y below.

    Of more than `most` lines the last one ends in an ellipsis.
    """
    x, y = place
    for line in wrap(words, size, width, most=most):
        text(surface, line, (x, y), size, colour, anchor=anchor, width=width if most else None)
        y += row or round(size * 1.35)
    return y


def headline(
    surface: pygame.Surface,
    words: str,
    place: tuple[int, int],
    size: int,
    width: int,
    colour: Colour = COLOURS["text"],
) -> int:
    """Draw a name in bold, in as many lines as it takes; returns the y below."""
    x, y = place
    for line in wrap(words, size, width, True):
        y = text(surface, line, (x, y), size, colour, bold=True).bottom
    return y


def box(
    surface: pygame.Surface,
    rect: pygame.Rect,
    fill: Colour | None,
    radius: int,
    edge: Colour | None = None,
    line: int = 1,
) -> None:
    """A rounded rectangle with smooth corners: filled, or with an edge, or both."""
    if 0 < rect.width < 4096 and 0 < rect.height < 4096:
        surface.blit(_box(rect.size, fill, min(radius, min(rect.size) // 2), edge, max(1, line)), rect)


@lru_cache(maxsize=192)
def _box(
    size: tuple[int, int], fill: Colour | None, radius: int, edge: Colour | None, line: int
) -> pygame.Surface:
    """The smooth corners come from a picture three times as large; the middle needs none."""
    over, corner, inside = 3, radius + line + 1, fill or COLOURS["back"]

    def draw(picture: pygame.Surface, times: int) -> None:
        whole, width, curve = picture.get_rect(), line * times, radius * times
        if edge and fill:
            pygame.draw.rect(picture, edge, whole, border_radius=curve)
            inner = whole.inflate(-2 * width, -2 * width)
            pygame.draw.rect(picture, inside, inner, border_radius=max(0, curve - width))
        else:
            pygame.draw.rect(picture, edge or inside, whole, width if edge else 0, border_radius=curve)

    image = pygame.Surface(size, pygame.SRCALPHA)
    draw(image, 1)
    side = min(2 * corner, *size)
    large = pygame.Surface((side * over, side * over), pygame.SRCALPHA)
    large.fill((*(edge or inside), 0))  # transparent, but of the right colour: no dark fringe
    draw(large, over)
    small = pygame.transform.smoothscale(large, (side, side))
    pixels = pygame.surfarray.pixels3d(small)  # smoothscale is a shade off even where all pixels were alike
    for colour in (edge, inside):
        if colour:
            pixels[np.abs(pixels.astype(np.int16) - colour).max(axis=-1) <= 3] = colour
    del pixels
    half = side // 2
    for x, sx in ((0, 0), (size[0] - half, side - half)):
        for y, sy in ((0, 0), (size[1] - half, side - half)):
            image.fill((0, 0, 0, 0), (x, y, half, half))
            image.blit(small, (x, y), (sx, sy, half, half))
    return image


def shade(surface: pygame.Surface, rect: pygame.Rect, opacity: int) -> None:
    """Darken what lies in `rect`, so that words stand out on it; `opacity` is of 255."""
    veil = pygame.Surface(rect.size, pygame.SRCALPHA)
    veil.fill((*COLOURS["back"], opacity))
    surface.blit(veil, rect)


@contextlib.contextmanager
def clipped(surface: pygame.Surface, area: pygame.Rect) -> Iterator[None]:
    """Inside the context, nothing is drawn outside `area`."""
    clip = surface.get_clip()
    surface.set_clip(area.clip(clip))
    try:
        yield
    finally:
        surface.set_clip(clip)


def pill(
    surface: pygame.Surface, words: str, place: tuple[int, int], scale: Scale, fill: Colour, ink: Colour
) -> pygame.Rect:
    """Words on a rounded tag with its top left corner at `place`."""
    image = render(words, scale.px(14), ink, True)
    rect = pygame.Rect(place, (image.get_width() + scale.px(22), image.get_height() + scale.px(8)))
    box(surface, rect, fill, rect.height // 2)
    surface.blit(image, image.get_rect(center=rect.center))
    return rect


def meter(
    surface: pygame.Surface, rect: pygame.Rect, fraction: float, colour: Colour, mark: float | None = None
) -> None:
    """A bar filled to `fraction` (0..1), with an optional tick at `mark` (0..1)."""
    box(surface, rect, COLOURS["raised"], rect.height // 2)
    filled = rect.copy()
    filled.width = round(rect.width * min(1.0, max(0.0, fraction)))
    if filled.width > 1:
        box(surface, filled, colour, min(rect.height // 2, filled.width // 2))
    if mark is not None:
        x = rect.left + round(rect.width * mark)
        pygame.draw.line(surface, COLOURS["quiet"], (x, rect.top - 2), (x, rect.bottom + 1))


def knob(surface: pygame.Surface, place: tuple[int, int], radius: int, edge: int) -> None:
    """A disc to drag along a bar, with a dark edge inside."""
    pygame.draw.circle(surface, COLOURS["text"], place, radius)
    pygame.draw.circle(surface, COLOURS["back"], place, radius, edge)


def png(surface: pygame.Surface) -> bytes:
    data = io.BytesIO()
    pygame.image.save(surface, data, "picture.png")
    return data.getvalue()


def arrowhead(
    surface: pygame.Surface, centre: tuple[int, int], towards: tuple[int, int], reach: float, colour: Colour
) -> None:
    """Draw a triangle around `centre` that points `towards` (dx, dy); its tip is `reach` pixels away."""
    middle, ahead = pygame.Vector2(centre), reach * pygame.Vector2(towards)
    wing = ahead.rotate(90)
    pygame.draw.polygon(surface, colour, [middle + ahead, middle - ahead + wing, middle - ahead - wing])


def key_width(words: str, size: int) -> int:
    """Pixels that `keycap` takes."""
    return max(font(size, True).size("M" if words in ARROWS else words)[0] + size, round(size * 1.9))


def keycap(
    surface: pygame.Surface, words: str, place: tuple[int, int], size: int, anchor: str = "midleft"
) -> pygame.Rect:
    """Draw the name of a key on a small cap, whose `anchor` lies at `place`."""
    image = render(words, size, COLOURS["text"], True)
    rect = pygame.Rect(0, 0, key_width(words, size), round(size * 1.7))
    setattr(rect, anchor, place)
    box(surface, rect, COLOURS["raised"], max(3, size // 3), COLOURS["line"])
    if words in ARROWS:
        arrowhead(surface, rect.center, ARROWS[words], size * 0.34, COLOURS["text"])
    else:
        surface.blit(image, image.get_rect(center=rect.center))
    return rect


class Toasts:
    """Short messages that come, stay for a few seconds and go; newest at the bottom."""

    def __init__(self) -> None:
        self._lines: list[list] = []  # [words, is an error, seconds left]

    def say(self, words: str, bad: bool = False) -> None:
        """Show `words`; saying the same again only keeps it longer."""
        words = " ".join(words.split())
        self._lines = [line for line in self._lines if line[0] != words][-2:]
        self._lines.append([words, bad, 8.0 if bad else 4.0])

    @property
    def words(self) -> list[str]:
        return [line[0] for line in self._lines]

    def update(self, seconds: float) -> None:
        for line in self._lines:
            line[2] -= seconds
        self._lines = [line for line in self._lines if line[2] > 0]

    def height(self, width: int, scale: Scale) -> int:
        """Pixels that the newest message needs in a column of `width`."""
        boxes = self._boxes(pygame.Rect(0, 0, width, 0), scale)
        return boxes[0][1].height if boxes else 0

    def draw(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> None:
        """Stack the messages from the bottom of `area` upwards."""
        size, pad = scale.px(16), scale.px(10)
        for lines, rect, bad in self.places(area, scale):
            box(surface, rect, COLOURS["raised"], scale.px(8), COLOURS["bad" if bad else "line"])
            for i, line in enumerate(lines):
                place = (rect.left + pad + scale.px(3), rect.top + pad + round(i * size * 1.3))
                text(surface, line, place, size, COLOURS["text"])

    def places(self, area: pygame.Rect, scale: Scale) -> list[tuple[list[str], pygame.Rect, bool]]:
        """As `_boxes`, but inside `area`: older messages that do not fit are left out, never the newest."""
        found = self._boxes(area, scale)
        for _, newest, _ in found[:1]:
            newest.top = max(newest.top, area.top)
        return [each for each in found if each[1].top >= area.top]

    def _boxes(self, area: pygame.Rect, scale: Scale) -> list[tuple[list[str], pygame.Rect, bool]]:
        """(lines, place, is an error) of each message, from the newest, at the bottom of `area`, upwards."""
        size, pad = scale.px(16), scale.px(10)
        inner = area.width - 2 * pad - scale.px(6)
        found, bottom = [], area.bottom
        for words, bad, _ in reversed(self._lines) if inner >= 20 else ():
            lines = wrap(words, size, inner)
            widest = max((font(size).size(line)[0] for line in lines), default=0)
            height = round(len(lines) * size * 1.3) + 2 * pad - round(size * 0.1)
            rect = pygame.Rect(0, bottom - height, widest + 2 * pad + scale.px(6), height)
            rect.centerx = area.centerx
            found.append((lines, rect, bad))
            bottom = rect.top - scale.px(8)
        return found
