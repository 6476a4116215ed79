"""Questions before the app ends: after Esc at the menu, and while something that it started is running."""

from gamesim.app.controls import Command, shown
from gamesim.app.library import jobs
from gamesim.app.library.jobs import EVALUATION, RECORDING, TRAINING
from gamesim.app.navigation import Navigator
from gamesim.app.ui.ask import Ask
from gamesim.app.ui.parts import Action

FOUND = {TRAINING: "Train", EVALUATION: "Models", RECORDING: "Recordings"}
"""The screen on which the player finds a job again that went on without the window."""


class Quit(Ask):
    """The question after Esc at the menu: Enter quits, another Esc stays."""

    def __init__(self, window: Navigator) -> None:
        answers = (Action("Stay"), Action("Quit", window.leave))
        more = f"{shown(Command.RESET)} quits, {shown(Command.BACK)} stays."
        super().__init__(window, "Quit gamesim?", more, answers)


class Leaving(Ask):
    """The question whether trainings, evaluations and recordings go on without the window."""

    def __init__(self, window: Navigator) -> None:
        at_work = window.kit.workshop.jobs.running
        names = " and ".join(sorted({job.name[:1].lower() + job.name[1:] for job in at_work}))
        kept = sorted({FOUND[job.name] for job in at_work})
        it, what, saves = ("It", "it", "it saves") if len(at_work) == 1 else ("They", "them", "they save")
        more = (
            f"{it} can go on in the background. You will find {what} again under {' and '.join(kept)}. "
            f"If you stop {what}, {saves} everything so far first."
        )
        answers = (
            Action("Stay"), Action("Stop and save", self._stop), Action("Run in the background", self._leave),
        )  # fmt: skip
        is_are = "is" if len(at_work) == 1 else "are"
        super().__init__(window, f"Quit while {names} {is_are} running?", more, answers)

    def _leave(self) -> None:
        for job in self.kit.workshop.jobs.running:
            jobs.send(job.pid, jobs.GO_ON)  # nobody would be there to wake a paused job
        self.window.end()

    def _stop(self) -> None:
        self.kit.workshop.stop_all()  # they save by themselves: the window need not wait
        self.window.end()
