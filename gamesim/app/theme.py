"""The look of the app: one palette, one typeface, one scale of sizes that follows the window."""

import contextlib
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, ClassVar

import pygame
import pygame.freetype

from gamesim.envs.sprites import palette
from gamesim.shipped import folder
from gamesim.text import shown

Colour = tuple[int, int, int]

STANDARD: dict[str, Colour] = {
    # the game: a sprite and the 84x84 tile of the same thing share a colour
    **palette,
    "floor": palette["black"],
    "power": palette["food"],
    "flag": palette["green"],
    "pacman": palette["yellow"],
    "ghost0": palette["red"],
    "ghost1": palette["pink"],
    "ghost2": palette["cyan"],
    "ghost3": palette["orange"],
    "scared": palette["frightened"],
    "scared_face": (255, 214, 190),
    "flash": (240, 240, 250),
    "flash_face": palette["red"],
    "eye": palette["white"],
    # around the game
    "back": (11, 12, 22),
    "panel": (20, 22, 38),
    "raised": (31, 34, 56),
    "line": (52, 56, 88),
    "text": (238, 240, 250),
    "quiet": (158, 164, 196),
    "real": palette["yellow"],
    "dream": (178, 132, 255),
    "curve": palette["cyan"],
    "good": (64, 216, 128),
    "bad": (255, 96, 96),
    "invented": (72, 224, 236),
    "forgotten": (255, 96, 96),
    "record": (255, 64, 64),
}

OKABE_ITO: dict[str, Colour] = {
    "orange": (230, 159, 0),
    "sky": (86, 180, 233),
    "green": (0, 158, 115),
    "yellow": (240, 228, 66),
    "blue": (0, 114, 178),
    "vermilion": (213, 94, 0),
    "purple": (204, 121, 167),
}
"""Safe for all common kinds of colour blindness (Okabe & Ito, Color Universal Design, 2008)."""

PALETTES: dict[str, dict[str, Colour]] = {
    "standard": STANDARD,
    "okabe-ito": {
        **STANDARD,
        "wall": (0, 84, 140),
        "wall_light": OKABE_ITO["blue"],
        "wall_dark": (0, 40, 74),
        "food": (255, 255, 255),
        "power": (255, 255, 255),
        "door": OKABE_ITO["purple"],
        "flag": OKABE_ITO["green"],
        "pacman": OKABE_ITO["yellow"],
        "ghost0": OKABE_ITO["vermilion"],
        "ghost1": OKABE_ITO["purple"],
        "ghost2": OKABE_ITO["sky"],
        "ghost3": OKABE_ITO["orange"],
        "scared": OKABE_ITO["blue"],
        "flash_face": OKABE_ITO["vermilion"],
        "real": OKABE_ITO["yellow"],
        "dream": OKABE_ITO["sky"],
        "curve": OKABE_ITO["blue"],
        "good": (32, 190, 146),
        "bad": (238, 119, 24),
        "invented": OKABE_ITO["sky"],
        "forgotten": (238, 119, 24),
        "record": OKABE_ITO["vermilion"],
    },
}
"""Palette by name, for the game and the app's own marks. Frames of a dream keep their colours."""

COLOURS: dict[str, Colour] = dict(STANDARD)
"""The palette in use; `use` changes it in place."""


def use(name: str) -> None:
    """Draw with another of the palettes from now on; pictures that were drawn before keep their colours."""
    COLOURS.update(PALETTES[name])


def sheet(name: str) -> Path:
    """The sprites that were drawn with the palette `name`."""
    return assets() / ("sprites.png" if name == "standard" else f"sprites-{name}.png")


def assets() -> Path:
    """The folder of fonts, sprites and sounds."""
    return folder("assets")


STAND_INS = (
    *("notosanscjksc", "notosanscjkjp", "sourcehansanssc", "wenquanyimicrohei", "wenquanyizenhei"),
    *("droidsansfallback", "microsoftyahei", "yugothic", "msgothic", "malgungothic", "pingfangsc"),
    *("hiraginosansgb", "applesdgothicneo", "arialunicodems", "notosansarabic", "notosanshebrew"),
    *("notosansdevanagari", "segoeui", "arial", "dejavusans"),
)
"""Typefaces of operating systems, for names with letters that ours does not have."""


class _Typeface(pygame.font.Font):
    """Draws and measures any text; what our typeface lacks, a stand-in draws, which may lack all the rest."""

    def __init__(self, path: str, size: int) -> None:
        super().__init__(path, size)
        self._path, self._pixels = path, size

    def render(self, text: Any, *how: Any, **more: Any) -> pygame.Surface:
        parts = self._parts(shown(text))
        drawn = [pygame.font.Font.render(face, words, *how, **more) for face, words in parts]
        if len(drawn) == 1:
            return drawn[0]
        base = max(face.get_ascent() for face, _ in parts)
        whole = pygame.Surface(self.size(text), pygame.SRCALPHA)
        x = 0
        for (face, _), part in zip(parts, drawn, strict=True):
            whole.blit(part, (x, base - face.get_ascent()))
            x += part.get_width()
        return whole

    def size(self, text: Any) -> tuple[int, int]:
        parts = self._parts(shown(text))
        sizes = [pygame.font.Font.size(face, words) for face, words in parts]
        base = max(face.get_ascent() for face, _ in parts)
        low = max(height - face.get_ascent() for (face, _), (_, height) in zip(parts, sizes, strict=True))
        return sum(width for width, _ in sizes), base + low

    def _parts(self, words: str) -> list[tuple[pygame.font.Font, str]]:
        """`words` in parts for one typeface each: this one, or the stand-in that has most of the rest."""
        lacks = {letter for letter in words if not (letter.isascii() or has(self._path, letter))}
        if not lacks:
            return [(self, words)]
        path = max((self._path, *_stand_ins()), key=lambda path: sum(has(path, each) for each in lacks))
        other = self if path == self._path else _stand_in(path, self._pixels)
        some = f"[{re.escape(''.join(lacks))}]+"  # a space between two of them is theirs, too
        parts = re.split(f"({some}(?: {some})*)", words)
        return [(other if i % 2 else self, part) for i, part in enumerate(parts) if part]


@cache
def _stand_ins() -> tuple[str, ...]:
    """Files of the stand-ins that this system has; pygame's own, which is always there, comes last."""
    found: list[str | None] = []
    with contextlib.suppress(OSError):  # on Linux, pygame starts a program that lists them
        found = [pygame.font.match_font(name) for name in STAND_INS]
    own = Path(pygame.__file__).parent / pygame.font.get_default_font()
    return *dict.fromkeys(filter(None, found)), str(own)


@cache
def _stand_in(path: str, size: int) -> pygame.font.Font:
    return pygame.font.Font(path, size)


@cache
def has(path: str, letter: str) -> bool:
    """Whether a typeface has a letter. A pygame font does not tell: it draws a box for a missing letter."""
    return None not in _metrics(path)(letter, size=16)


@cache
def _metrics(path: str) -> Any:
    """A function that measures letters, with None for those that the typeface lacks."""
    pygame.freetype.init()
    try:
        return pygame.freetype.Font(path).get_metrics
    except (pygame.error, OSError):  # nothing can draw this kind of file
        return lambda letters, size: [None]


@cache
def font(size: int, bold: bool = False) -> pygame.font.Font:
    """The one typeface at `size` pixels."""
    name = "Quicksand-Bold.ttf" if bold else "Quicksand-Medium.ttf"
    return _Typeface(str(assets() / "fonts" / name), max(6, size))


@lru_cache(maxsize=512)
def render(text: str, size: int, colour: Colour, bold: bool = False) -> pygame.Surface:
    """`text` as a surface, which is kept for the next time."""
    return font(size, bold).render(text, True, colour)


def forget() -> None:
    """Drop what belongs to a closed window: fonts do not outlive pygame.quit()."""
    for kept in (render, font, _stand_in, _metrics):
        kept.cache_clear()


@dataclass(frozen=True)
class Scale:
    """Sizes in pixels for a window of one size; text shrinks more slowly than the window does."""

    factor: float

    zoom: ClassVar[float] = 1.0
    """How much larger than usual the player wants everything, 0.75..2.0."""

    @classmethod
    def of(cls, size: tuple[int, int]) -> "Scale":
        fit = min(size[0] / 1280, size[1] / 800)
        factor = min(3.0, max(0.35, 0.45 + 0.55 * fit))
        roomy = max(factor, 0.1 + 1.9 * fit)  # beyond that, screens have no room for what they must show
        return cls(min(factor * cls.zoom, roomy))

    def px(self, size: float) -> int:
        """A length that is `size` pixels in a 1280x800 window; at least 1."""
        return max(1, round(size * self.factor))
