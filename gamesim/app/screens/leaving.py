"""Asked when the app is closed while something that it started is still at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gamesim.app import jobs
from gamesim.app.screens.ask import Ask

if TYPE_CHECKING:
    from gamesim.app.window import Window


class Leaving(Ask):
    """Whether trainings, evaluations and recordings go on without the window; they are found again later."""

    caption = "Leaving"

    def __init__(self, window: Window) -> None:
        at_work = window.workshop.jobs.running
        names = " and ".join(sorted({job.name.lower() for job in at_work}))
        more = (
            "It can go on in the background; when you come back it is found again under Train. "
            "Or stop it: it saves what it has, and can be gone on with later."
        )
        answers = (
            ("Stay", lambda: None, False),
            ("Stop and keep", self._stop, False),
            ("Go on in the background", self._leave, False),
        )
        super().__init__(window, f"Leave, while {names} is running?", more, answers)

    def _leave(self) -> None:
        for job in self.window.workshop.jobs.running:
            jobs.go_on(job.pid)  # nobody would be there to wake what is paused
        self.window.running = False

    def _stop(self) -> None:
        for job in self.window.workshop.jobs.running:
            job.stop()  # it saves by itself: the window need not wait
        self.window.running = False
