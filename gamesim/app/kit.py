"""What every screen is given, and what outlives it: settings, sounds, scores, the workshop, messages."""

import copy
import time
from functools import cache
from pathlib import Path

import pygame

from gamesim.app import theme
from gamesim.app.action_keys import CHOSEN
from gamesim.app.controls import KEYMAP
from gamesim.app.game.board import BoardPainter
from gamesim.app.game.look import Look
from gamesim.app.game.opening import Ahead
from gamesim.app.gamepad import Pads
from gamesim.app.library.workshop import Workshop
from gamesim.app.settings import Scores, Settings, pictures_folder, unused
from gamesim.app.sound import Sound
from gamesim.app.theme import Scale
from gamesim.app.ui.widgets import Toasts, at_home, png
from gamesim.errors import UserError
from gamesim.shipped import model_folders
from gamesim.storage import write_file
from gamesim.text import complaint


class Kit:
    """Each window has one; it needs no display.

    Args:
        checkpoints: folder of the dreams; None: the shipped ones, and those of `place`.
        recordings: folder for recordings and clips; None: the app's own, wherever it is started.
        scores: the high scores; None: those in the user's file.
        place: where one is: what was trained and recorded there is offered, too.

    Attributes:
        pictures: folder for clips and pictures of the window.
        device: where dreams compute.
        ahead: the dream that is opened before anybody asks for it.
    """

    def __init__(
        self,
        checkpoints: Path | None = None,
        recordings: Path | None = None,
        scores: Scores | None = None,
        place: Path = Path(),
    ) -> None:
        self.settings = Settings()
        self.scores = scores or Scores()
        # Absolute, since the folder that the app was started in may be deleted while the app runs.
        folders = [folder.absolute() for folder in ([checkpoints] if checkpoints else model_folders(place))]
        data = self.scores.path.parent.absolute()
        self.recordings = (recordings or data / "recordings").absolute()
        self.pictures = pictures_folder(self.recordings if recordings else data / "pictures")
        self.device = "cpu"
        self.workshop = Workshop(folders, self.recordings, self.scores.path.parent, place)
        here = (place / "recordings").absolute()
        if recordings is None and here.is_dir():  # the command line records into it
            self.workshop.shelf.roots.append(here)
        self.ahead = Ahead()
        self.sound = Sound()
        self.toasts = Toasts()
        self.pads = Pads(self.toasts.say)
        self._painter_of = cache(BoardPainter)
        self.look = Look(lambda: self.painter)
        self.apply_settings()

    def apply_settings(self) -> None:
        """Make everything look, sound and answer as the settings say."""
        chosen = self.settings
        theme.use(chosen.palette)
        self.painter = self._painter_of(chosen.palette)
        Scale.zoom = chosen.ui_scale / 100
        self.sound.volume = chosen.volume / 100
        self.sound.mute(chosen.muted)
        self.pads.dead_zone = chosen.dead_zone / 100
        self.look.pixels = chosen.pixels
        KEYMAP.load(chosen.keys)
        CHOSEN.clear()
        CHOSEN.update(copy.deepcopy(chosen.game_keys))

    def keep_settings(self) -> None:
        """Apply the settings and write them down."""
        self.apply_settings()
        self.settings.save()
        if self.settings.problem:
            self.toasts.say(self.settings.problem, bad=True)

    def toggle_look(self, can: bool) -> None:
        """Change between games and dreams drawn large, and the network's pixels, where the game `can`."""
        if not can:
            self.toasts.say("This game is always shown as its own pixels.")
            return
        self.settings.pixels = not self.settings.pixels
        self.keep_settings()
        drawn = "Drawn large. Cells that look like nothing in the game stay pixels."
        self.toasts.say("Pixels: what the network sees and draws" if self.settings.pixels else drawn)

    def toggle_sound(self) -> None:
        self.settings.muted = not self.settings.muted
        self.keep_settings()
        self.toasts.say("Sound off" if self.settings.muted else "Sound on")

    def save_picture(self, surface: pygame.Surface) -> None:
        """Save what is on screen as a PNG whose name says the time."""
        data = png(surface)  # at once: the window goes on
        try:
            self.pictures.mkdir(parents=True, exist_ok=True)
            path = unused(self.pictures / time.strftime("gamesim-%Y%m%d-%H%M%S.png"))
            write_file(path, data)
        except (OSError, UserError) as error:
            self.toasts.say(f"The picture was not saved: {complaint(error)}", bad=True)
        else:
            self.toasts.say(f"Saved {at_home(path)}")

    def close(self) -> None:
        """Let go of devices and threads; processes go on."""
        self.ahead.drop()
        self.workshop.close()
        self.pads.close()
        self.sound.close()
