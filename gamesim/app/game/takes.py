"""What a play screen saves: recordings for training, and the last seconds as a film."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pygame
from numpy.typing import NDArray

from gamesim.app.game.look import Look
from gamesim.app.game.pictures import spread
from gamesim.app.game.world import World
from gamesim.app.navigation import Navigator
from gamesim.app.settings import unused
from gamesim.app.theme import COLOURS
from gamesim.app.ui.widgets import at_home, text
from gamesim.data.recorder import Recorder
from gamesim.envs.pacman import MEANINGS
from gamesim.envs.recipe import PACMANS
from gamesim.errors import UserError
from gamesim.text import complaint, counted, reason

SIDE, GAP, HEAD = 336, 16, 40


@dataclass(frozen=True)
class Clip:
    """Frames of one or two worlds, side by side; iterating makes the pages, uint8 (H, W, 3), one by one.

    Attributes:
        empty: a page without its frames, uint8 (H, W, 3).
        enlarged: makes uint8 (SIDE, SIDE, 3) of a frame.
        strips: the frames of each world, uint8 (h, w, 3) each; those of one moment have the same index.
    """

    empty: NDArray[np.uint8]
    enlarged: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
    strips: list[list[NDArray[np.uint8]]]

    def __len__(self) -> int:
        return len(self.strips[0])

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        for moment in zip(*self.strips, strict=True):
            page = self.empty.copy()
            for i, frame in enumerate(moment):
                left = _left(i)
                page[HEAD : HEAD + SIDE, left : left + SIDE] = self.enlarged(frame)
            yield page


def compose(worlds: list[World], look: Look) -> Clip:
    """The last frames of one or two worlds in the look of the window; they end at the same moment."""
    length = min(len(world.clip) for world in worlds)
    page = pygame.Surface((_left(len(worlds)), SIDE + HEAD + GAP), depth=32)
    page.fill(COLOURS["back"])
    for i, world in enumerate(worlds):
        words, colour = ("dream", "dream") if world.temperature is not None else ("real game", "real")
        text(page, words, (_left(i), HEAD // 2), 18, COLOURS[colour], bold=True, anchor="midleft")
    empty = pygame.surfarray.array3d(page).swapaxes(0, 1)
    film = look.film() if look.paints(worlds) else None
    draw = partial(spread, height=SIDE, width=SIDE) if film is None else partial(film.picture, side=SIDE)
    return Clip(empty, draw, [list(world.clip)[-length:] for world in worlds])


def save(clip: Clip, folder: Path, rate: float, kind: str = "gif") -> Path:
    """Write a clip, at so many pages a second, as a film whose name says the time; returns its path.

    It is a "gif", or an "mp4" if that extra is installed.

    Raises:
        UserError: it cannot be written; nothing is left behind.
    """
    from gamesim.export import video

    path = unused(folder / time.strftime(f"gamesim-%Y%m%d-%H%M%S.{kind}"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {reason(error)}") from error
    video.check(path, len(clip), clip.empty.shape[:2])
    video.write(clip, path, rate=rate)
    return path


def _left(column: int) -> int:
    return GAP + column * (SIDE + GAP)


class Takes:
    """Puts a recorder around each world, turns it on and off, and saves clips on a thread of its own."""

    def __init__(self, window: Navigator) -> None:
        self.window, self.kit = window, window.kit
        self._saving: threading.Thread | None = None

    def wrap(self, world: World) -> World:
        """Put a recorder, which is off, around the env of `world`; returns `world`."""
        title = world.title
        folder = self.kit.recordings / title.slug
        # The recording outlives a model that is deleted, whose card says what the keys of its game mean.
        words = title.actions or (MEANINGS if title.game_id.startswith(PACMANS) else ())
        world.recorder = world.env = Recorder(world.env, folder, start=False, meanings=words)
        return world

    @staticmethod
    def words(world: World) -> str | None:
        """What the panel says of a running recording; None while there is none."""
        return f"● {counted(world.recording.steps, 'step')}" if world.recording else None

    def toggle(self, world: World) -> None:
        """Begin to record, or save what was recorded.

        Raises:
            UserError: the folder cannot be written to.
        """
        recorder = world.recorder
        if world.recording:
            self.stop(world)
        elif recorder is not None:
            recorder.start()
            recorder.episodes = 0  # of this take
            self.kit.sound.play("record")
            self.window.say(f"Recording to {at_home(recorder.folder)}")

    def stop(self, world: World) -> None:
        """Stop a running recording, and save it."""
        recorder = world.recording
        if recorder is None:
            return
        recorder.stop()
        self.kit.sound.play("stop")
        self.window.say(f"Saved {counted(recorder.episodes, 'game')} to {at_home(recorder.folder)}")

    def save_clip(self, worlds: list[World]) -> None:
        """Save the last seconds of one or two worlds; a message on whatever screen says where."""
        if self._saving and self._saving.is_alive():
            self.window.say("The film before is still being saved.")
            return
        clip = compose(worlds, self.kit.look)
        if len(clip) < 2:
            self.window.say("Nothing to save yet. Play first.")
            return
        folder, rate, kind = self.kit.pictures, worlds[0].rate, self.kit.settings.clips
        say = self.kit.workshop.say

        def work() -> None:
            try:
                say(f"Saved {at_home(save(clip, folder, rate, kind))}")
            except Exception as error:
                say(complaint(error), bad=True)

        self.window.say("Saving the last 10 seconds…")
        self._saving = threading.Thread(target=work)  # the process waits for it at its end, not the window
        self._saving.start()

    def update(self, world: World) -> None:
        """Tell the player once what went wrong with a recording."""
        recorder = world.recorder
        if recorder is not None and recorder.error:
            self.window.say(recorder.error, bad=True)
            recorder.error = None
