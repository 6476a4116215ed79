"""Does the app's memory stay flat? Games, dreams, side by side and the menu, frame after frame.

    python benchmarks/app_memory.py [--frames 200000] [--checkpoints DIR]

prints the resident memory as it goes and exits with 1 if the second half grew by more than --limit MiB.
The window is small, and there is neither display nor sound: only what the app itself does is seen. Linux.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

os.environ["SDL_VIDEODRIVER"] = os.environ["SDL_AUDIODRIVER"] = "dummy"
os.environ.setdefault("OMP_NUM_THREADS", "1")
import pygame

from gamesim import shipped
from gamesim.app.kit import Kit
from gamesim.app.screens.menu import Menu
from gamesim.app.settings import Scores, Settings
from gamesim.app.window import Window

SIZES = ((400, 300), (640, 480), (320, 240))
MOVES = (pygame.K_LEFT, pygame.K_RIGHT, pygame.K_UP, pygame.K_DOWN)
ASIDE = (
    (pygame.K_F1, pygame.K_F1), (pygame.K_F2, pygame.K_ESCAPE), (pygame.K_TAB,), (pygame.K_r,),
    (pygame.K_p, pygame.K_e, pygame.K_p), (pygame.K_EQUALS,), (pygame.K_m,), (pygame.K_COMMA, pygame.K_COMMA),
)  # fmt: skip
STAY = 1000  # frames in one way of playing


def resident() -> float:
    """MiB of memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def tap(window: Window, key: int) -> None:
    for kind in (pygame.KEYDOWN, pygame.KEYUP):
        pygame.event.post(pygame.event.Event(kind, key=key, unicode="", mod=0, scancode=0))
    window.frame(1 / 60)


def settle(window: Window) -> None:
    """Wait until a dream has been opened; those frames do not count."""
    while type(window.screen).__name__ == "Loading":
        window.frame(1 / 60)
        time.sleep(0.01)


def play_on(window: Window, chance: random.Random, frames: int) -> None:
    """Move about, and now and then read the help, visit the settings, change sides or begin again."""
    for i in range(frames):
        if i % 501 == 500:
            for key in chance.choice(ASIDE):
                tap(window, key)
                settle(window)
        elif i % 11 == 0:
            tap(window, chance.choice(MOVES))
        else:
            window.frame(1 / 60)


def round_of_screens(window: Window, chance: random.Random) -> int:
    """Play everything that there is, alone and side by side; returns the frames that this took."""
    menu = window.screen
    assert isinstance(menu, Menu)
    frames = 0
    for card in range(len(menu.cards)):
        menu.chosen = card
        for key in (pygame.K_RETURN, pygame.K_v, pygame.K_v):
            tap(window, key)
            settle(window)
            play_on(window, chance, STAY)
            frames += STAY
        window.surface = pygame.display.set_mode(chance.choice(SIZES), pygame.RESIZABLE)
        while window.screen is not menu:
            tap(window, pygame.K_ESCAPE)
        for _ in range(STAY // 4):
            window.frame(1 / 60)
        frames += STAY // 4
    return frames


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--checkpoints", type=Path, default=shipped.folder(shipped.MODELS))
    parser.add_argument("--limit", type=float, default=16.0, help="MiB that the second half may add")
    options = parser.parse_args()
    seen: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        kit = Kit(options.checkpoints, place / "recordings", Scores(place / "scores.json"))
        kit.settings = Settings(place / "s.json")
        window = Window(kit)
        window.surface = pygame.display.set_mode(SIZES[0], pygame.RESIZABLE)
        window.go(Menu(window))
        window.frame(0.0)
        done, chance, start = 0, random.Random(0), time.perf_counter()
        while done < options.frames:
            done += round_of_screens(window, chance)
            seen.append((done, resident()))
            print(
                f"{done:>8} frames  {seen[-1][1]:7.1f} MiB  {time.perf_counter() - start:6.0f} s", flush=True
            )
        window.close()
    middle = next(size for count, size in seen if count >= done / 2)
    grown = seen[-1][1] - middle
    print(f"the second half added {grown:+.1f} MiB")
    return int(grown > options.limit)


if __name__ == "__main__":
    sys.exit(main())
