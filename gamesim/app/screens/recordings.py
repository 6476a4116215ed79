"""The recordings of a player, as a list that thousands of them do not slow down."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pygame

from gamesim.agents.policy import Entry as Player
from gamesim.agents.policy import policies
from gamesim.app.background import Lazily
from gamesim.app.controls import Command, Hint, key_name, shown
from gamesim.app.game.previews import draw_pictured, draw_thumbnail
from gamesim.app.library import catalog
from gamesim.app.library.cards import spell
from gamesim.app.library.catalog import Title
from gamesim.app.library.jobs import RECORDING
from gamesim.app.library.shelf import (
    PLAYERS,
    Key,
    Recording,
    RecordingRow,
    ago,
    category,
    rows_of,
    thumbnails,
)
from gamesim.app.navigation import Navigator
from gamesim.app.screens.replay import Replay, delete, export, rename
from gamesim.app.theme import COLOURS, Scale, font
from gamesim.app.ui.ask import Ask
from gamesim.app.ui.listing import Listing, draw_words
from gamesim.app.ui.parts import Action, dot, draw_actions, draw_facts, with_ctrl
from gamesim.app.ui.widgets import at_home, box, headline, wrap
from gamesim.envs.recipe import Recipe
from gamesim.text import counted, signed, sized

ALL = "all"
EXPLORED = 2000  # games that a bot records when the player asks for it


class Recordings(Listing[RecordingRow]):
    """Choose one to replay, to rename, to save as a GIF or to delete; many can be selected and deleted."""

    caption = "Recordings"
    keys = (pygame.K_DELETE, pygame.K_SPACE)
    every = 0.0

    def __init__(self, window: Navigator) -> None:
        super().__init__(window)
        self.shelf = window.kit.workshop.shelf
        self.shelf.refresh()
        self.pictures: Lazily[Path, np.ndarray] = Lazily(thumbnails)
        self.shown_game = self.shown_player = ALL
        self.selected: set[Path] = set()
        self._opened: set[Key] = set()
        self.filters: list[Action] = []
        self._of: tuple | None = None  # what the rows and the games were made from
        self.games: list[str] = []
        self._told: set[Path] = set()
        self._counts = ""
        self.refresh()

    def look_again(self) -> None:
        self.shelf.refresh()

    def refresh(self) -> None:
        """Make the rows, but only if the recordings or the filters have changed: there may be thousands."""
        everything = self.shelf.recordings
        asked = (everything, self.shown_game, self.shown_player, len(self._opened))
        if self._of is None or self._of[0] is not everything or self._of[1:] != asked[1:]:
            self._of = asked
            named = [(each, each.game) for each in everything]
            self.games = sorted({game for _, game in named})
            of_game = [each for each, game in named if self.shown_game in (ALL, game)]
            shown = [each for each in of_game if self.shown_player in (ALL, category(each))]
            used = {each.root for each in shown}
            folders = [root for root in self.shelf.roots if root in used] or [self.kit.recordings]
            many = f"{len(shown):,} of " if len(shown) < len(everything) else ""
            many += counted(len(everything), "recording")
            self._counts = f"{many} in {' and '.join(map(at_home, folders))}"
            self.show(rows_of(shown, self._opened))  # new ones may have come in above the chosen row

    def mark(self, row: RecordingRow) -> object:
        return row.mark

    @property
    def meant(self) -> list[Recording]:
        """What Delete removes: the selected recordings, or else the chosen row."""
        known = [each for each in self.shelf.recordings if each.path in self.selected]
        return known or (list(self.current.recordings) if self.current else [])

    def line(self) -> str:
        if self.shelf.scanning and not self.shelf.recordings:
            return "Looking for recordings…"
        for job in self.kit.workshop.jobs.running:
            if job.name == RECORDING:
                return f"Recording games: {100 * (job.share or 0):.0f} % · {spell(job.seconds)}"
        if self.selected:
            return f"{counted(len(self.selected), 'recording')} selected"
        return self._counts

    def nothing(self) -> str:
        if self.shelf.scanning:
            return ""
        if self.shelf.recordings:
            return "No recordings of this kind"
        key = shown(Command.RECORD)
        return f"No recordings yet. Press [{key}] while you play, or let a bot record games for you"

    # what can be done ------------------------------------------------------------------------------------

    def actions(self) -> list[Action]:
        bot, row = Action("Let a bot record", self.explore), self.current
        if row is None:
            return [bot]
        label = "Unselect" if self._is_selected(row) else "Select"
        select = Action(label, self.select, key_name(pygame.K_SPACE))
        remove = Action("Delete", self.delete, key_name(pygame.K_DELETE), danger=True)
        if self.selected:
            return [Action("Clear selection", self.selected.clear), remove, select, bot]
        if row.whole:
            label = "Hide the games" if row.key in self._opened else "Show the games"
            return [Action(label, partial(self.open_set, row.key)), remove, select, bot]
        window, one = self.window, row.first
        return [
            Action("Replay", lambda: window.go(Replay(window, one))),
            Action("Save GIF", partial(export, window, one), shown(Command.GIF)),
            Action("Rename", partial(rename, window, one, lambda _: None)),
            remove,
            select,
            bot,
        ]

    def _is_selected(self, row: RecordingRow) -> bool:
        return bool(self.selected) and all(each.path in self.selected for each in row.recordings)

    def command(self, command: Command) -> None:
        if command is Command.SWITCH:
            self.shown_game = following([ALL, *self.games], self.shown_game)
        elif command is Command.DRIVER:
            self.shown_player = following([ALL, *PLAYERS], self.shown_player)
        else:
            super().command(command)
            return
        self.rows, self.chosen, self.scroller.at = (), 0, 0
        self.selected.clear()
        self.refresh()

    def works(self) -> Sequence[Hint]:
        filters = [(action.cap, action.label) for action in self.filters]
        return [*super().works(), *filters, ("Ctrl", ""), ("A", "select all")]

    def handle(self, event: pygame.event.Event) -> None:
        if event.type == pygame.KEYDOWN and with_ctrl(event, pygame.K_a):
            self.selected = {each.path for row in self.rows for each in row.recordings}
        else:
            super().handle(event)

    def mouse(self, event: pygame.event.Event) -> None:
        pressed = event.type == pygame.MOUSEBUTTONDOWN and event.button == 1
        found = [each for each in self.filters if pressed and each.rect.collidepoint(event.pos)]
        if found:
            self.press(found[0])
            return
        super().mouse(event)
        if event.type == pygame.MOUSEBUTTONDOWN and event.button == 3 and self.view.collidepoint(event.pos):
            self.choose(self.index_at(event.pos))
            self.select()

    def select(self) -> None:
        """Select the chosen row, or unselect it."""
        if row := self.current:
            paths = {each.path for each in row.recordings}
            self.selected = self.selected - paths if paths <= self.selected else self.selected | paths
            self.kit.sound.play("move")

    def open_set(self, key: Key | None) -> None:
        """Show the games of a set one by one, or as one row again."""
        if key:
            self._opened ^= {key}

    def explore(self) -> None:
        """Ask which game a bot should record: a training needs more games than one person plays."""
        games = [game for game in catalog.games() if game.game_id and not game.kwargs]
        # The last of them is chosen at first.
        games.sort(key=lambda game: (game.scrolls, game.game_id == catalog.PACMAN))
        answers = [Action("Cancel"), *(Action(game.name, partial(self._ask_player, game)) for game in games)]
        more = f"{EXPLORED:,} games of it. Models need thousands."
        self.window.go(Ask(self.window, "Which game should be recorded?", more, answers))

    def _ask_player(self, game: Title) -> None:
        """Ask which of the players that can play it should; those that lack an extra are only named."""

        def begin(player: Player) -> None:
            self.kit.workshop.record(game, EXPLORED, player.name)
            self.window.say(f"{player.label}: {EXPLORED:,} games of {game.name}, in the background")

        recipe = Recipe(game.env_id, game.kwargs)
        able = [player for player in policies().values() if not player.misfit(recipe)]
        lacking = {player.label: player.missing() for player in able if player.missing()}
        ready = [player for player in able if player.label not in lacking]
        answers = [Action("Cancel"), *(Action(each.label, partial(begin, each)) for each in reversed(ready))]
        more = [f"{EXPLORED:,} games take the bot about 10 seconds, and a network about a minute."]
        how = "{} needs the extra {}: pip install 'gamesim[{}]'."
        more += [how.format(label, extra, extra) for label, extra in lacking.items()]
        self.window.go(Ask(self.window, f"Who should play {game.name}?", " ".join(more), answers))

    def delete(self) -> None:
        if meant := self.meant:
            delete(self.window, meant, self.selected.clear)

    # time and drawing ------------------------------------------------------------------------------------

    def update(self, seconds: float) -> None:
        super().update(seconds)
        for path, why in list(self.shelf.damaged.items()):
            if path not in self._told:
                if len(self._told) < 3:  # the first few are enough to know
                    self.window.say(f"Skipped: {why}", bad=True)
                self._told.add(path)

    def draw_main(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> None:
        """Draw the rows, and above them the filters for the player and the game."""
        above = scale.px(44) if self.shelf.recordings else 0
        if above and area.height > 3 * above:
            self._draw_filters(surface, area, scale)
            area = pygame.Rect(area.left, area.top + above, area.width, area.height - above)
        super().draw_main(surface, area, scale)

    def _draw_filters(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> None:
        player = f"Player: {self.shown_player}"
        self.filters = [
            Action(player, partial(self.command, Command.DRIVER), shown(Command.DRIVER)),
            Action(f"Game: {self.shown_game}", partial(self.command, Command.SWITCH), shown(Command.SWITCH)),
        ]
        draw_actions(surface, area, self.filters, None, scale, low=True)

    def draw_row(self, surface: pygame.Surface, rect: pygame.Rect, row: RecordingRow, scale: Scale) -> None:
        if row.member:
            indent = scale.px(26)
            rect = pygame.Rect(rect.left + indent, rect.top, max(1, rect.width - indent), rect.height)
        picture, area = draw_pictured(surface, rect, self.pictures.get(row.first.path), self.clock, scale)
        if self._is_selected(row):
            box(surface, picture, None, scale.px(4), COLOURS["good"], scale.px(3))
            corner = (picture.right - scale.px(8), picture.top + scale.px(8))
            dot(surface, corner, scale.px(7), COLOURS["good"])
        earned = round(row.reward, 1) + 0.0  # no -0.0
        colour = COLOURS["good" if earned > 0 else "bad" if earned < 0 else "quiet"]
        who = "" if row.whole else f" · {row.first.who}"
        about = f"{row.first.game} · {counted(row.steps, 'step')}{who}"
        draw_words(surface, area, row.name, about, signed(earned) if earned else "0.0", colour, scale)

    def draw_detail(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> int:
        row = self.current
        if row is None:
            return area.top
        facts = set_facts(row) if row.whole else facts_of(row.first)
        named = len(wrap(row.name, scale.px(20), area.width, True)) * font(scale.px(20), True).get_height()
        needed = scale.px(10) + named + scale.px(2) + len(facts) * scale.px(28)
        side = min(area.width, max(area.height - needed, area.height // 3))
        picture = pygame.Rect(area.left, area.top, area.width, side)
        draw_thumbnail(surface, picture, self.pictures.get(row.first.path), self.clock)
        y = headline(surface, row.name, (area.left, picture.bottom + scale.px(10)), scale.px(20), area.width)
        below = pygame.Rect(area.left, y + scale.px(2), area.width, 0)
        return draw_facts(surface, below, facts, scale)

    def close(self) -> None:
        self.pictures.close()


def facts_of(recording: Recording) -> list[tuple[str, str]]:
    """The facts about a recording, as label and value."""
    entry = recording.entry
    return [
        ("Score", signed(entry.total_reward)),
        ("Steps", f"{entry.length:,}"),
        ("Played by", recording.who),
        ("Game", recording.game),
        ("Ended", recording.ending),
        ("Recorded", ago(entry.modified / 1e9)),
        ("File", f"{sized(entry.size)} in {recording.path.parent.name}"),
    ]


def set_facts(row: RecordingRow) -> list[tuple[str, str]]:
    """The facts about a bot's set, as label and value."""
    return [
        ("Games", f"{len(row.recordings):,}"),
        ("Steps", f"{row.steps:,}"),
        ("Mean score", signed(row.reward, 2)),
        ("Game", row.first.game),
        ("Recorded", ago(row.first.entry.modified / 1e9)),
        ("Files", f"{sized(row.size)} in {row.first.path.parent.name}"),
    ]


def following(choices: list[str], now: str) -> str:
    """The choice after `now`, or the first after the last."""
    return choices[(choices.index(now) + 1) % len(choices)] if now in choices else choices[0]
