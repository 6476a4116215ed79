"""What a play screen saves: recordings for training, and the last seconds as a film."""

import threading

from gamesim.app.game import clips
from gamesim.app.game.play import Engine
from gamesim.app.navigation import Navigator
from gamesim.app.ui.widgets import at_home
from gamesim.data.recorder import Recorder
from gamesim.envs.pacman import MEANINGS
from gamesim.envs.recipe import PACMANS
from gamesim.text import complaint, counted


class Takes:
    """Puts a recorder around each engine, turns it on and off, and saves clips on a thread of its own."""

    def __init__(self, window: Navigator) -> None:
        self.window, self.kit = window, window.kit
        self._saving: threading.Thread | None = None

    def wrap(self, engine: Engine) -> Engine:
        """Put a recorder, which is off, around the env of `engine`; returns `engine`."""
        title = engine.title
        folder = self.kit.recordings / title.slug
        # The recording outlives a model that is deleted, whose card says what the keys of its game mean.
        words = title.actions or (MEANINGS if title.world.startswith(PACMANS) else ())
        engine.recorder = engine.env = Recorder(engine.env, folder, start=False, meanings=words)
        return engine

    @staticmethod
    def words(engine: Engine) -> str | None:
        """What the panel says of a running recording; None while there is none."""
        return f"● {counted(engine.recording.steps, 'step')}" if engine.recording else None

    def toggle(self, engine: Engine) -> None:
        """Begin to record, or save what was recorded.

        Raises:
            UserError: the folder cannot be written to.
        """
        recorder = engine.recorder
        if engine.recording:
            self.stop(engine)
        elif recorder is not None:
            recorder.start()
            self.kit.sound.play("record")
            self.window.say(f"Recording to {at_home(recorder.folder)}")

    def stop(self, engine: Engine) -> None:
        """Stop a running recording, and save it."""
        recorder = engine.recording
        if recorder is None:
            return
        recorder.stop()
        self.kit.sound.play("stop")
        self.window.say(f"Saved {counted(recorder.episodes, 'game')} to {at_home(recorder.folder)}")

    def save_clip(self, engines: list[Engine]) -> None:
        """Save the last seconds of one or two engines; a message on whatever screen says where."""
        if self._saving and self._saving.is_alive():
            self.window.say("The film before is still being saved.")
            return
        clip = clips.compose(engines, self.kit.look)
        if len(clip) < 2:
            self.window.say("Nothing to save yet. Play first.")
            return
        folder, rate, kind = self.kit.pictures, engines[0].rate, self.kit.settings.clips
        say = self.kit.workshop.say

        def work() -> None:
            try:
                say(f"Saved {at_home(clips.save(clip, folder, rate, kind))}")
            except Exception as error:
                say(complaint(error), bad=True)

        self.window.say("Saving the last 10 seconds…")
        self._saving = threading.Thread(
            target=work
        )  # the process waits for it at its end, the window does not
        self._saving.start()

    def update(self, engine: Engine) -> None:
        """Tell the player once what went wrong with a recording."""
        recorder = engine.recorder
        if recorder is not None and recorder.error:
            self.window.say(recorder.error, bad=True)
            recorder.error = None
