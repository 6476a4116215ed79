"""The look of the app: one palette, one typeface, one scale of sizes that follows the window."""

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import pygame

from gamesim.envs.sprites import palette

Colour = tuple[int, int, int]

COLOURS: dict[str, Colour] = {
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
    "good": (64, 216, 128),
    "bad": (255, 96, 96),
    "record": (255, 64, 64),
}


def assets() -> Path:
    """The folder of fonts, sprites and sounds: beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "assets"
    return inside if inside.is_dir() else package.parent / "assets"


@cache
def font(size: int, bold: bool = False) -> pygame.font.Font:
    """The one typeface at `size` pixels."""
    name = "Quicksand-Bold.ttf" if bold else "Quicksand-Medium.ttf"
    return pygame.font.Font(str(assets() / "fonts" / name), max(6, size))


@lru_cache(maxsize=512)
def render(text: str, size: int, colour: Colour, bold: bool = False) -> pygame.Surface:
    """`text` as a surface; the same words are drawn once and kept."""
    return font(size, bold).render(text, True, colour)


def forget() -> None:
    """Drop what belongs to a closed window: fonts do not outlive pygame.quit()."""
    render.cache_clear()
    font.cache_clear()


@dataclass(frozen=True)
class Scale:
    """Sizes in pixels for a window of one size; text shrinks more slowly than the window does."""

    factor: float

    @classmethod
    def of(cls, size: tuple[int, int]) -> "Scale":
        fit = min(size[0] / 1280, size[1] / 800)
        return cls(min(3.0, max(0.35, 0.45 + 0.55 * fit)))

    def px(self, size: float) -> int:
        """A length that is `size` pixels in a 1280x800 window; at least 1."""
        return max(1, round(size * self.factor))

    @property
    def gap(self) -> int:
        return self.px(24)

    @property
    def small(self) -> int:
        return self.px(15)

    @property
    def body(self) -> int:
        return self.px(18)

    @property
    def head(self) -> int:
        return self.px(26)

    @property
    def title(self) -> int:
        return self.px(54)
