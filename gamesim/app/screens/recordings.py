"""The recordings of a player, as a list that thousands of them do not slow down."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pygame

from gamesim import films
from gamesim.app import catalog
from gamesim.app.background import Lazily
from gamesim.app.catalog import Title
from gamesim.app.controls import Command, key_name, shown
from gamesim.app.jobs import RECORDING
from gamesim.app.parts import Action, draw_facts
from gamesim.app.previews import draw_frame
from gamesim.app.screens.ask import Ask, Prompt
from gamesim.app.screens.listing import Listing
from gamesim.app.shelf import Recording, ago, thumbnails
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.widgets import text
from gamesim.data.episode import Episode
from gamesim.errors import UserError

if TYPE_CHECKING:
    from gamesim.app.window import Window

ALL = "all games"
RATE = 4.0  # frames of a thumbnail a second
EXPLORED = 2000  # games that the explorer plays when it is asked to
LARGEST = 4  # enlargement of a GIF


class Recordings(Listing):
    """Choose one to replay it, to rename it, to make a GIF of it or to delete it."""

    title = "Recordings"
    keys = (pygame.K_DELETE,)

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.shelf = window.workshop.shelf
        self.shelf.refresh()
        self.pictures: Lazily[Path, np.ndarray] = Lazily(thumbnails)
        self.shown_game = ALL
        self._clock = 0.0
        self._seen: list[Recording] = []
        self._of: tuple[list[Recording], str] | None = None  # what was looked through for the two below
        self._games: list[str] = []
        self._told: set[Path] = set()

    @property
    def rows(self) -> list[Recording]:
        """The recordings of the game that is shown."""
        self._look_through()
        return self._seen

    @property
    def games(self) -> list[str]:
        """The games that there are recordings of."""
        self._look_through()
        return self._games

    def _look_through(self) -> None:
        """Once for each list, not once a frame: there may be thousands."""
        everything = self.shelf.recordings
        if self._of is None or self._of[0] is not everything or self._of[1] != self.shown_game:
            named = [(each, each.game) for each in everything]
            self._of = (everything, self.shown_game)
            self._games = sorted({game for _, game in named})
            self._seen = [each for each, game in named if self.shown_game in (ALL, game)]

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def current(self) -> Recording | None:
        return self.rows[self.chosen] if self.chosen < self.count else None

    def line(self) -> str:
        if self.shelf.scanning and not self.shelf.recordings:
            return "Looking for recordings…"
        playing = [job for job in self.window.workshop.jobs.running if job.name == RECORDING]
        if playing:
            return f"{self.count:,} · the explorer plays: {100 * (playing[0].share or 0):.0f} %"
        which = f" · {self.shown_game} ({shown(Command.SWITCH)}: next)" if len(self.games) > 1 else ""
        return f"{self.count:,}{which}"

    def nothing(self) -> str:
        if self.shelf.scanning:
            return ""
        key = shown(Command.RECORD)
        return f"Nothing is recorded yet. Play, and press {key} to record, or let the explorer play for you."

    # what can be done ------------------------------------------------------------------------------------

    def actions(self) -> list[Action]:
        explorer = Action("Let the explorer play", self.explore)
        if self.current is None:
            return [explorer]
        return [
            Action("Replay", self.replay),
            Action("Save GIF", self.export, shown(Command.GIF)),
            Action("Rename", self.rename),
            Action("Delete", self.delete, key_name(pygame.K_DELETE), danger=True),
            explorer,
        ]

    def command(self, command: Command) -> None:
        if command is Command.SWITCH:
            games = [ALL, *self.games]
            now = games.index(self.shown_game) if self.shown_game in games else 0
            self.shown_game = games[(now + 1) % len(games)]
            self.chosen = self.scroll = 0
        else:
            super().command(command)

    def replay(self) -> None:
        from gamesim.app.screens.replay import Replay

        if self.current:
            self.window.go(Replay(self.window, self.current))

    def export(self) -> None:
        if self.current:
            export(self.window, self.current)

    def explore(self) -> None:
        """Ask which game the explorer shall play, and have it play: a training needs more than one plays."""
        workshop = self.window.workshop

        def begin(game: Title) -> None:
            workshop.record(game, EXPLORED)
            self.window.say(f"The explorer plays {EXPLORED:,} games of {game.name} in the background.")

        games = [game for game in reversed(catalog.games()) if game.world and not game.kwargs]
        answers = [
            ("None", lambda: None, False),
            *((game.name, partial(begin, game), False) for game in games),
        ]
        more = f"It plays {EXPLORED:,} games, faster than you could look: an engine learns from thousands."
        self.window.go(Ask(self.window, "Which game shall the explorer play?", more, answers))

    def rename(self) -> None:
        if recording := self.current:
            rename(self.window, recording)

    def delete(self) -> None:
        if recording := self.current:
            delete(self.window, recording, lambda: None)

    # time and drawing ------------------------------------------------------------------------------------

    def update(self, seconds: float) -> None:
        super().update(seconds)
        self._clock += seconds
        for path, why in list(self.shelf.damaged.items()):
            if path not in self._told:
                if len(self._told) < 3:  # the first few are enough to know
                    self.window.say(f"Left out: {why}", bad=True)
                self._told.add(path)

    def draw_row(self, surface: pygame.Surface, rect: pygame.Rect, index: int, scale: Scale) -> None:
        recording = self.rows[index]
        picture = pygame.Rect(rect.left, rect.top, min(rect.height, rect.width // 3), rect.height)
        self._draw_picture(surface, picture, recording)
        x, right = picture.right + scale.px(14), rect.right - scale.px(4)
        entry = recording.entry
        worth = text(
            surface, f"{entry.total_reward:+.1f}", (right, rect.top + scale.px(4)), scale.px(18),
            COLOURS["good" if entry.total_reward > 0 else "bad" if entry.total_reward < 0 else "quiet"],
            bold=True, anchor="topright",
        )  # fmt: skip
        room = max(1, worth.left - x - scale.px(10))
        text(surface, recording.name, (x, rect.top + scale.px(3)), scale.px(18), bold=True, width=room)
        about = f"{recording.game} · {entry.length:,} steps · {recording.who}"
        place = (x, rect.top + scale.px(29))
        text(surface, about, place, scale.px(15), COLOURS["quiet"], width=max(1, right - x))

    def _draw_picture(self, surface: pygame.Surface, rect: pygame.Rect, recording: Recording) -> None:
        surface.fill(COLOURS["floor"], rect)
        frames = self.pictures.get(recording.path)
        if frames is not None:
            draw_frame(surface, rect, frames[int(self._clock * RATE) % len(frames)])

    def draw_detail(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> None:
        recording = self.current
        if recording is None:
            return
        entry = recording.entry
        facts = [
            ("Return", f"{entry.total_reward:+.1f}"),
            ("Steps", f"{entry.length:,}"),
            ("Played by", recording.who),
            ("Game", recording.game),
            ("Episode", recording.ending),
            ("Recorded", ago(entry.modified / 1e9)),
            ("File", f"{entry.size / 1024:,.0f} KB in {recording.path.parent.name}"),
        ]
        side = max(0, min(area.width, area.height - scale.px(34) - len(facts) * scale.px(28)))
        if side >= scale.px(60):
            picture = pygame.Rect(area.left, area.top, area.width, side)
            self._draw_picture(surface, picture, recording)
            area = pygame.Rect(
                area.left, picture.bottom + scale.px(10), area.width, area.bottom - picture.bottom
            )
        name = text(surface, recording.name, area.topleft, scale.px(20), bold=True, width=area.width)
        area = pygame.Rect(area.left, name.bottom + scale.px(2), area.width, area.bottom - name.bottom)
        draw_facts(surface, area, facts, scale)

    def close(self) -> None:
        self.pictures.close()


def rename(window: Window, recording: Recording) -> None:
    """Ask for another name of a recording."""

    def then(name: str) -> None:
        window.workshop.shelf.rename(recording, name)
        window.say(f"It is called {name} now")

    window.go(Prompt(window, "What shall it be called?", "", recording.entry.name, then))


def delete(window: Window, recording: Recording, then) -> None:
    """Ask whether a recording shall be deleted; `then` is called once it is."""

    def gone() -> None:
        window.workshop.shelf.delete(recording)
        window.say(f"Deleted {recording.name}")
        then()

    steps = f"{recording.entry.length:,} steps of {recording.game}, played by {recording.who}"
    what = f"{steps}. This cannot be undone."
    answers = (("Delete", gone, True), ("Keep", lambda: None, False))
    window.go(Ask(window, f"Delete {recording.name}?", what, answers))


def export(window: Window, recording: Recording) -> None:
    """Write a GIF of a recording, in the background; a message says where it is."""
    workshop, out = window.workshop, window.recordings / f"{recording.entry.name}.gif"

    def work() -> None:
        try:
            frames = Episode.load(recording.path).frames
            room = films.MAX_PIXELS / (frames.size // 3)
            scale = max(1, min(LARGEST, int(room**0.5)))
            out.parent.mkdir(parents=True, exist_ok=True)
            films.check(out, len(frames), frames.shape[1:3], scale)
            films.write(frames, out, scale=scale)
            workshop.say(f"Saved {out}")
        except (UserError, OSError, MemoryError) as error:
            workshop.say(str(error) or "out of memory", bad=True)

    window.say("Saving a GIF…")
    workshop.worker.do(work)
