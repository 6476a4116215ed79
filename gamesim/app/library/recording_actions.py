"""What a player can do with a recording, both in the list and on its own page."""

from collections.abc import Callable, Sequence

from gamesim.app.library.shelf import Recording
from gamesim.app.navigation import Navigator
from gamesim.app.settings import unused
from gamesim.app.ui.ask import Ask, Prompt
from gamesim.app.ui.parts import Action
from gamesim.app.ui.widgets import at_home
from gamesim.data.episode import Episode
from gamesim.errors import UserError
from gamesim.export import video
from gamesim.text import complaint, counted

LARGEST = 4  # a GIF is enlarged at most so many times


def rename(window: Navigator, recording: Recording, done: Callable[[Recording], None]) -> None:
    """Ask for a new name for a recording; `done` gets the renamed recording."""

    def then(name: str) -> None:
        if name == recording.name:
            return
        renamed = window.kit.workshop.shelf.rename(recording, name)
        window.say(f"Renamed to {renamed.name}")
        done(renamed)

    window.go(Prompt(window, "New name", "", recording.name, then))


def delete(window: Navigator, recordings: Sequence[Recording], then: Callable[[], None]) -> None:
    """Ask once whether to delete some recordings, and call `then` when they are deleted."""
    first, many = recordings[0], len(recordings)
    name = first.name if many == 1 else counted(many, "recording")

    def gone() -> None:
        window.kit.workshop.shelf.delete(recordings)
        window.say(f"Deleted {name}")
        then()

    steps = counted(sum(each.entry.length for each in recordings), "step")
    games = sorted({each.game for each in recordings})
    players = sorted({each.who for each in recordings})
    what = f"{steps} of {', '.join(games)}, played by {' and '.join(players)}. This cannot be undone."
    window.go(Ask(window, f"Delete {name}?", what, [Action("Delete", gone, danger=True), Action("Keep")]))


def export(window: Navigator, recording: Recording) -> None:
    """Save a GIF of a recording in the background; a message says where."""
    workshop = window.kit.workshop

    def work() -> None:
        try:
            out = unused(window.kit.pictures / f"{recording.entry.name}.gif")
            frames = Episode.load(recording.path).frames
            scale = max(1, min(LARGEST, int((video.MAX_PIXELS / (frames.size // 3)) ** 0.5)))
            out.parent.mkdir(parents=True, exist_ok=True)
            video.check(out, len(frames), frames.shape[1:3], scale)
            video.write(frames, out, scale=scale)
            workshop.say(f"Saved {at_home(out)}")
        except (UserError, OSError, MemoryError) as error:
            workshop.say(complaint(error), bad=True)

    window.say("Saving a GIF…")
    workshop.worker.do(work)
