"""Draw the app's sprites and sounds; run it again whenever one of them changes.

    python assets/make.py

writes sprites.png, the same in the colour-blind-safe palette, their index sprites.json, and sounds/*.wav
beside this file. Everything is our own: shapes are drawn four times too large and averaged down, sounds are
summed from a few waves. Colours come from the game's palette, so that a sprite and an 84x84 tile of the same
thing look alike.
"""

import json
import math
import os
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
import pygame

from gamesim.app import theme
from gamesim.app.theme import COLOURS

HERE = Path(__file__).resolve().parent
SIZE = 128  # pixels of one sprite
OVER = 4  # supersampling
BIG = SIZE * OVER
COLUMNS = 8
RATE = 22050  # samples a second

Colour = tuple[int, int, int]
Painter = Callable[[pygame.Surface], None]


# --- sprites ---------------------------------------------------------------------------------------------


def paint(painter: Painter, light: float = 0.0) -> pygame.Surface:
    """Run `painter` on a large transparent square, light it from above left, average it down."""
    large = pygame.Surface((BIG, BIG), pygame.SRCALPHA)
    painter(large)
    small = pygame.transform.smoothscale(large, (SIZE, SIZE))
    if light:
        ramp = np.linspace(1.0, -1.0, SIZE)
        shade = 1.0 + light * (ramp[:, None] * 0.35 + ramp[None, :] * 0.65)
        pixels = pygame.surfarray.pixels3d(small)
        pixels[:] = np.clip(pixels * shade[..., None], 0, 255).astype(np.uint8)
        del pixels
    return small


def at(fraction: float) -> int:
    """A fraction of the sprite's side in large pixels."""
    return round(fraction * BIG)


def disc(surface: pygame.Surface, colour: Colour, x: float, y: float, radius: float) -> None:
    pygame.draw.circle(surface, colour, (at(x), at(y)), at(radius))


def pacman(mouth: float) -> Painter:
    """Pac-Man looking right; `mouth` is half of the mouth's angle in radians (pi: nothing is left)."""

    def draw(surface: pygame.Surface) -> None:
        turn = np.linspace(mouth, 2 * math.pi - mouth, 96)
        rim = [(at(0.5 + 0.44 * math.cos(a)), at(0.5 + 0.44 * math.sin(a))) for a in turn]
        if mouth < math.pi - 0.05:
            hinge = (at(0.5 - 0.06 * (mouth > 0.02)), at(0.5))
            pygame.draw.polygon(surface, COLOURS["pacman"], [hinge, *rim])

    return draw


def ghost(colour: Colour, step: int, face: Colour | None = None) -> Painter:
    """A ghost's body, its hem in one of two positions; with `face`, frightened eyes and mouth."""

    def draw(surface: pygame.Surface) -> None:
        left, right, bottom = 0.09, 0.91, 0.92
        x = np.linspace(left, right, 97)
        phase = step * math.pi
        hem = bottom - 0.055 + 0.055 * np.cos((x - left) / (right - left) * 6 * math.pi + phase)
        radius = (right - left) / 2
        dome = np.linspace(math.pi, 2 * math.pi, 64)
        outline = [(at(0.5 + radius * math.cos(a)), at(0.49 + radius * math.sin(a))) for a in dome]
        outline += [(at(px), at(py)) for px, py in zip(x[::-1], hem[::-1], strict=True)]
        pygame.draw.polygon(surface, colour, outline)
        if face:
            disc(surface, face, 0.36, 0.44, 0.07)
            disc(surface, face, 0.64, 0.44, 0.07)
            zigzag = [(at(0.24 + 0.087 * i), at(0.70 - 0.06 * (i % 2))) for i in range(7)]
            pygame.draw.lines(surface, face, False, zigzag, at(0.045))
            for point in zigzag:
                pygame.draw.circle(surface, face, point, at(0.0225))

    return draw


def eyes(dx: float, dy: float) -> Painter:
    def draw(surface: pygame.Surface) -> None:
        for x in (0.335, 0.665):
            cx, cy = x + 0.045 * dx, 0.43 + 0.045 * dy
            box = pygame.Rect(0, 0, at(0.235), at(0.30))
            box.center = (at(cx), at(cy))
            pygame.draw.ellipse(surface, COLOURS["eye"], box)
            disc(surface, COLOURS["pupil"], cx + 0.055 * dx, cy + 0.075 * dy, 0.075)

    return draw


def pellet(colour: Colour, radius: float) -> Painter:
    return lambda surface: disc(surface, colour, 0.5, 0.5, radius)


def flag(step: int) -> Painter:
    """A pennant on its pole, waving; four steps make a wave."""

    def draw(surface: pygame.Surface) -> None:
        x = np.linspace(0.0, 1.0, 40)
        wave_y = 0.035 * x * np.sin(x * 5.0 - step * math.pi / 2)
        top = [(at(0.30 + 0.54 * a), at(0.14 + w)) for a, w in zip(x, wave_y, strict=True)]
        low = [(at(0.30 + 0.54 * a), at(0.54 + w)) for a, w in zip(x, wave_y, strict=True)]
        pygame.draw.polygon(surface, COLOURS["flag"], top + low[::-1])
        pole = pygame.Rect(at(0.24), at(0.10), at(0.075), at(0.80))
        pygame.draw.rect(surface, COLOURS["pole"], pole, border_radius=at(0.03))
        foot = pygame.Rect(at(0.13), at(0.84), at(0.295), at(0.075))
        pygame.draw.rect(surface, COLOURS["pole"], foot, border_radius=at(0.03))

    return draw


def fruit(surface: pygame.Surface) -> None:
    """An apple with its stem."""
    stem = [(at(0.50), at(0.34)), (at(0.53), at(0.20)), (at(0.62), at(0.10))]
    pygame.draw.lines(surface, COLOURS["pole"], False, stem, at(0.06))
    for x in (0.38, 0.62):
        disc(surface, COLOURS["flag"], x, 0.56, 0.27)
        disc(surface, COLOURS["flag"], 0.5 + 0.5 * (x - 0.5), 0.70, 0.19)
    disc(surface, COLOURS["eye"], 0.70, 0.45, 0.07)


def sprites() -> dict[str, pygame.Surface]:
    """Every sprite by name."""
    drawn: dict[str, pygame.Surface] = {}
    for i in range(COLUMNS):
        drawn[f"pacman{i}"] = paint(pacman(0.98 * i / (COLUMNS - 1)), 0.16)
    for i in range(COLUMNS):
        drawn[f"dying{i}"] = paint(pacman(0.98 + (math.pi - 0.98) * i / (COLUMNS - 1)), 0.16)
    for colour in range(4):
        for step in range(2):
            drawn[f"ghost{colour}{'ab'[step]}"] = paint(ghost(COLOURS[f"ghost{colour}"], step), 0.22)
    for step in range(2):
        drawn[f"scared{'ab'[step]}"] = paint(ghost(COLOURS["scared"], step, COLOURS["scared_face"]), 0.18)
    for step in range(2):
        drawn[f"flash{'ab'[step]}"] = paint(ghost(COLOURS["flash"], step, COLOURS["flash_face"]), 0.12)
    for i, (dx, dy) in enumerate(((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))):
        drawn[f"eyes{i}"] = paint(eyes(dx, dy))
    drawn["food"] = paint(pellet(COLOURS["food"], 0.145), 0.1)
    drawn["power"] = paint(pellet(COLOURS["power"], 0.34), 0.14)
    for step in range(4):
        drawn[f"flag{step}"] = paint(flag(step), 0.08)
    drawn["fruit"] = paint(fruit, 0.18)
    return drawn


def write_sheet(folder: Path) -> None:
    """Every sprite on one picture for each palette; one index tells where they are in all of them."""
    index = {}
    for name in theme.PALETTES:
        theme.use(name)
        index = write_palette(theme.sheet(name))
    text = json.dumps({"size": SIZE, "sprites": index}, indent=1)
    (folder / "sprites.json").write_text(text + "\n", encoding="utf-8")


def write_palette(path: Path) -> dict[str, tuple[int, int]]:
    """Draw all sprites with the palette in use; returns where on the picture each one is."""
    drawn = sprites()
    rows = math.ceil(len(drawn) / COLUMNS)
    sheet = pygame.Surface((COLUMNS * SIZE, rows * SIZE), pygame.SRCALPHA)
    index = {}
    for i, (name, sprite) in enumerate(drawn.items()):
        place = (i % COLUMNS * SIZE, i // COLUMNS * SIZE)
        sheet.blit(sprite, place)
        index[name] = place
    pygame.image.save(sheet, str(path))
    return index


# --- sounds ----------------------------------------------------------------------------------------------


def tone(pitches: list[float], seconds: float, shape: str = "soft", volume: float = 0.5) -> np.ndarray:
    """A glide through `pitches` (Hz) with a short attack and an exponential decay; float32 in -1..1."""
    count = int(RATE * seconds)
    t = np.arange(count) / RATE
    pitch = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(pitches)), pitches)
    phase = 2 * math.pi * np.cumsum(pitch) / RATE
    if shape == "soft":
        samples = np.sin(phase) + 0.25 * np.sin(2 * phase) + 0.08 * np.sin(3 * phase)
    else:
        samples = sum(np.sin(k * phase) / k for k in (1, 3, 5, 7))  # a band-limited square
    fade = np.minimum(1.0, t / 0.004) * np.minimum(1.0, (seconds - t) / 0.012) * np.exp(-2.2 * t / seconds)
    return (volume * samples * fade / 1.3).astype(np.float32)


def melody(notes: list[tuple[float, float]], shape: str = "soft", volume: float = 0.45) -> np.ndarray:
    """Notes (Hz, seconds) one after another."""
    return np.concatenate([tone([pitch, pitch], seconds, shape, volume) for pitch, seconds in notes])


FANFARE = [(pitch, 0.1) for pitch in (392, 523, 659, 784, 659, 784, 440, 587, 740, 880, 988)] + [(1175, 0.5)]


def sounds() -> dict[str, np.ndarray]:
    """Every sound by name; those of the game are named after the events of a Snapshot."""
    return {
        "food": tone([520, 760], 0.07, volume=0.30),
        "power": melody([(330, 0.07), (440, 0.07), (554, 0.07), (659, 0.16)], "square", 0.28),
        "ghost": tone([300, 520, 900, 1400], 0.32, "square", 0.28),
        "fruit": melody([(784, 0.06), (988, 0.06), (1175, 0.06), (1568, 0.18)], volume=0.34),
        "eaten": tone([820, 610, 640, 430, 450, 260, 270, 110], 0.85, "soft", 0.50),
        "flag": melody([(523, 0.09), (659, 0.09), (784, 0.09), (1047, 0.28)]),
        "level": melody(FANFARE),
        "timeout": melody([(330, 0.13), (277, 0.13), (220, 0.30)]),
        "move": tone([660, 700], 0.045, volume=0.18),
        "select": melody([(587, 0.06), (880, 0.12)], volume=0.30),
        "switch": tone([260, 780], 0.22, volume=0.34),
        "record": melody([(880, 0.07), (880, 0.09)], volume=0.28),
        "stop": melody([(880, 0.07), (587, 0.11)], volume=0.28),
    }


def write_sounds(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, samples in sounds().items():
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


if __name__ == "__main__":
    pygame.display.init()
    write_sheet(HERE)
    write_sounds(HERE / "sounds")
