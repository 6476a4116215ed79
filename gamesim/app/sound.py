"""Sounds by name; without an audio device the app is silent, and says so once."""

import pygame

from gamesim.app.theme import assets


class Sound:
    """Loads assets/sounds on `open`; `play` never raises."""

    def __init__(self) -> None:
        self.muted = False
        self._volume = 1.0
        self._sounds: dict[str, pygame.mixer.Sound] = {}

    @property
    def volume(self) -> float:
        """How loud, 0..1."""
        return self._volume

    @volume.setter
    def volume(self, value: float) -> None:
        self._volume = value
        for sound in self._sounds.values():
            sound.set_volume(value)

    def open(self) -> str | None:
        """Start the mixer; returns a message for the player if that is not possible."""
        try:
            pygame.mixer.init(22050, -16, 1, 512)
            for path in sorted((assets() / "sounds").glob("*.wav")):
                self._sounds[path.stem] = pygame.mixer.Sound(str(path))
        except (pygame.error, OSError, NotImplementedError, AttributeError):
            self._sounds.clear()
            return "No audio device: playing without sound."
        self.volume = self._volume
        return None

    def play(self, name: str) -> None:
        sound = self._sounds.get(name)
        if sound is None or self.muted:
            return
        try:
            sound.play()
        except pygame.error:  # the device went away
            self._sounds.clear()

    def mute(self, muted: bool) -> None:
        self.muted = muted
        if muted and pygame.mixer.get_init():
            pygame.mixer.stop()

    def close(self) -> None:
        self._sounds.clear()
        if pygame.mixer.get_init():
            pygame.mixer.quit()
