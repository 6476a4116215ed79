"""The few choices before a training starts: recordings, preset, steps, device, name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pygame

from gamesim.app import estimate, plans, runs
from gamesim.app.background import Lazily
from gamesim.app.catalog import game_name
from gamesim.app.controls import DOWN, LEFT, RIGHT, UP, Command, shown
from gamesim.app.estimate import Estimate
from gamesim.app.fitness import View, view_of
from gamesim.app.parts import attempt, draw_foot, draw_head, foot_height, margin_of
from gamesim.app.plans import Preset
from gamesim.app.runs import Run
from gamesim.app.screens.ask import Ask, Prompt
from gamesim.app.screens.keyed import KeyScreen
from gamesim.app.scroller import Scroller
from gamesim.app.shelf import Recording
from gamesim.app.theme import COLOURS, Scale
from gamesim.app.widgets import box, paragraph, text, wrap
from gamesim.text import counted

if TYPE_CHECKING:
    from gamesim.app.window import Window


LABEL = 170  # pixels to the left of what is chosen, at a window of 1280x800


@dataclass
class Choice:
    """One line of the form.

    Attributes:
        label: what is chosen.
        words: what stands there now.
        turn: called with -1 or 1 by left and right; None where there is nothing to turn.
        enter: called by Enter and a click.
        about: a sentence or two about what stands there.
    """

    label: str
    words: str
    turn: Callable[[int], None] | None = None
    enter: Callable[[], None] | None = None
    about: str = ""
    rect: pygame.Rect = field(default_factory=lambda: pygame.Rect(0, 0, 0, 0))


class NewRun(KeyScreen):
    """Up and down go from line to line, left and right change one; Start is the last.

    Args:
        window: on which it is.
        run: None for a new training, else the one that goes on.

    Raises:
        UserError: the config of the run cannot be read.
    """

    def __init__(self, window: Window, run: Run | None = None) -> None:
        super().__init__(window)
        self.again = run
        self.caption = f"Train {run.name} further" if run else "New training"
        self.presets = [plans.of_run(run)] if run else plans.all_presets()
        self.preset = 0
        self.device = 0
        self.data: Path | None = run.data if run else None
        self.others: list[Path] = [run.data] if run and run.data else []  # folders beyond the shelf's
        self.steps = self.game = 0
        self._of: tuple[list[Recording], Path | None] | None = None
        self._games: dict[str, list[Recording]] = {}
        self._name: str | None = None
        self.chosen = 0
        self.lines: list[Choice] = []
        self.scroller = Scroller()
        self.views: Lazily[tuple[Path, int], View] = Lazily(self._view_of)
        self._estimates: dict[tuple, Estimate] = {}
        self._runs = [window.workshop.run(folder) for folder in window.workshop.runs()]
        self._place = pygame.Rect(0, 0, 0, 0)
        self._reveal = False
        self._choose_preset(0)
        window.workshop.shelf.refresh()

    # what is chosen --------------------------------------------------------------------------------------

    @property
    def plan(self) -> Preset:
        return self.presets[self.preset]

    @property
    def done(self) -> int:
        """Steps that the run has behind it."""
        return self.again.log.step if self.again else 0

    @property
    def known(self) -> dict[Path, tuple[int, int]]:
        """Folders of recordings -> (episodes, steps); (0, 0) for one that was typed."""
        return {**dict.fromkeys(self.others, (0, 0)), **self.window.workshop.shelf.collections}

    @property
    def games(self) -> dict[str, list[Recording]]:
        """The games that the chosen folder holds, by id, the one with the most recordings first."""
        everything = self.window.workshop.shelf.recordings
        if self._of is None or self._of[0] is not everything or self._of[1] != self.data:
            found: dict[str, list[Recording]] = {}
            for each in everything:
                if each.collection == self.data:
                    found.setdefault(each.entry.game, []).append(each)
            self._of = (everything, self.data)
            self._games = dict(sorted(found.items(), key=lambda item: -len(item[1])))
        return self._games

    @property
    def inside(self) -> list[Recording]:
        """The recordings in the chosen folder, of the game that is chosen."""
        games = list(self.games.values())
        return games[self.game % len(games)] if games else []

    @property
    def counts(self) -> tuple[int, int]:
        """(games, steps) that would be learned from."""
        if len(self.games) > 1:
            return len(self.inside), sum(each.entry.length for each in self.inside)
        return self.known.get(self.data, (0, 0)) if self.data else (0, 0)

    @property
    def name(self) -> str:
        if self.again:
            return self.again.name
        return self._name or plans.new_name(
            self.plan.name, self.data or Path("run"), self.window.workshop.run_roots
        )

    @property
    def folder(self) -> Path:
        """The run folder, new or that of the run that goes on."""
        return self.again.folder if self.again else self.window.workshop.run_roots[-1] / self.name

    def _choose_preset(self, by: int) -> None:
        self.preset = (self.preset + by) % len(self.presets)
        options = self._step_options()
        usual = next(iter(self.plan.steps.values()), 1)
        self.steps = min(range(len(options)), key=lambda i: abs(options[i] - max(usual, self.done + 1)))

    def _step_options(self) -> list[int]:
        return plans.choices_of_steps(next(iter(self.plan.steps.values()), 1), self.done)

    def _turn_data(self, by: int) -> None:
        places = list(self.known)
        if places:
            now = places.index(self.data) if self.data in places else -by
            self.data, self.game = places[(now + by) % len(places)], 0

    def _turn_game(self, by: int) -> None:
        self.game = (self.game + by) % max(1, len(self.games))

    def _turn_steps(self, by: int) -> None:
        self.steps = min(len(self._step_options()) - 1, max(0, self.steps + by))

    def _turn_device(self, by: int) -> None:
        self.device = (self.device + by) % len(plans.DEVICES)

    def _type_data(self) -> None:
        more = "Type the path of a folder, or drop a folder onto the window"
        was = str(self.data.absolute()) if self.data else ""
        self.window.go(Prompt(self.window, "Which recordings?", more, was, self.take_folder))

    def take_folder(self, words: str) -> None:
        """Learn from a folder that was typed or dropped."""
        path = Path(words).expanduser()
        if not path.is_dir():
            self.window.say(f"{path}: there is no such folder", bad=True)
            return
        self.others.append(path)
        self.data = path
        if path not in self.window.workshop.shelf.roots:
            self.window.workshop.shelf.roots.append(path)
            self.window.workshop.shelf.refresh()

    def _type_name(self) -> None:
        def then(words: str) -> None:
            self._name = plans.check_name(words)

        self.window.go(Prompt(self.window, "Name of the run", "", self.name, then))

    @property
    def takes(self) -> Estimate:
        """How long it takes here."""
        steps = self._step_options()[self.steps] if self.plan.single else None
        steps = None if steps is None else max(1, steps - self.done)
        asked = (self.plan.name, steps, self.device)
        if asked not in self._estimates:
            shipped = [title.checkpoint for title in self.window.workshop.shipped() if title.checkpoint]
            self._estimates[asked] = estimate.estimate(
                self.plan, steps, plans.DEVICES[self.device], self._runs, shipped
            )
        return self._estimates[asked]

    @property
    def warnings(self) -> list[str]:
        """What speaks against starting now."""
        games, steps = self.counts
        view = self.views.get((self.data, self.game)) if self.data and games else None
        device = plans.DEVICES[self.device]
        return plans.warnings(self.plan, games, steps, view, self.takes, device)

    def _view_of(self, asked: tuple[Path, int]) -> View:
        """What the chosen recordings show, by a few of them; on a thread of its own."""
        return view_of([each.path for each in self.inside[:3]])

    def start(self) -> None:
        """Start the training; what speaks against it is asked about first."""
        if self.data is None or not self.warnings:
            self._begin()
            return
        answers = (("Start anyway", self._begin, False), ("Back", lambda: None, False))
        more = ". ".join([*self.warnings, f"{self.takes.words}."])
        self.window.go(Ask(self.window, "Start this training?", more, answers))

    def _begin(self) -> None:
        """Start the training, and go to its page."""
        from gamesim.app.screens.run import RunPage

        if self.data is None:
            self.window.say("Choose recordings first: record some games, or name a folder")
            return
        workshop = self.window.workshop
        folder = self.folder
        if not self.again and folder.exists():
            self.window.say(f"There is already a run called {self.name}", bad=True)
            return
        steps = self._step_options()[self.steps] if self.plan.single else None
        chosen, device = plans.settings(self.plan, steps), plans.DEVICES[self.device]
        several = list(self.games) if len(self.games) > 1 and not self.again else []
        game = several[self.game] if several else None
        resume = bool(self.again)
        config, data = self.plan.config, self.data
        runs.train(workshop.jobs, folder, config, data, chosen, device=device, resume=resume, game=game)
        window = self.window
        window.back()
        if not (isinstance(window.screen, RunPage) and window.screen.run.folder == folder):
            window.go(RunPage(window, folder))

    def _lines(self) -> list[Choice]:
        counts, games = self.counts, self.games
        about = "None yet. Record some games first, or press Enter to choose a folder"
        if self.data:
            about = f"{counted(counts[0], 'game')}, {counted(counts[1], 'step')}, in {self.data}"
        if self.data and not counts[0]:
            about = f"Counting the games in {self.data}"
        options = self._step_options()
        fixed = ", ".join(f"{name} {steps:,}" for name, steps in self.plan.steps.items())
        lines = [
            Choice(
                "Recordings", self.data.name if self.data else "none",
                self._turn_data, self._type_data, about,
            ),
            Choice(
                "Preset", self.plan.name, self._choose_preset if len(self.presets) > 1 else None,
                about=self.plan.about,
            ),
            Choice("Steps", f"{options[self.steps]:,}", self._turn_steps, about=self._about_steps(options))
            if self.plan.single
            else Choice("Steps", "default", about=f"One part after the other: {fixed}"),
            Choice(
                "Device", plans.DEVICES[self.device], self._turn_device,
                about="auto: a GPU if there is one, else the CPU",
            ),
            Choice(
                "Name", self.name, enter=None if self.again else self._type_name,
                about=f"Saved in {self.folder}",
            ),
            Choice("", "Train further" if self.again else "Start", enter=self.start),
        ]  # fmt: skip
        if len(games) > 1 and not self.again:
            chosen = list(games)[self.game]
            words = "These recordings are of several games. A model learns one of them"
            lines.insert(1, Choice("Game", game_name(chosen), self._turn_game, about=words))
        for old, new in zip(self.lines, lines, strict=False):
            new.rect = old.rect
        return lines

    def _about_steps(self, options: Sequence[int]) -> str:
        usual = next(iter(self.plan.steps.values()), 1)
        if self.done:
            return f"{self.done:,} of them are done already"
        if options[self.steps] < usual:
            return f"Fewer steps than usual ({usual:,}): faster, but it learns less"
        return f"Default: {usual:,}"

    # keys and mouse --------------------------------------------------------------------------------------

    def command(self, command: Command) -> None:
        if command is Command.RESET:
            self._enter()
        else:
            super().command(command)

    def hints(self) -> list[tuple[str, str]]:
        return [
            (shown(UP), ""), (shown(DOWN), "line"), (shown(LEFT), ""), (shown(RIGHT), "change"),
            (shown(Command.RESET), "choose"), (shown(Command.HELP), "help"), (shown(Command.BACK), "back"),
        ]  # fmt: skip

    def _enter(self) -> None:
        lines = self._lines()
        line = lines[min(self.chosen, len(lines) - 1)]
        if line.enter:
            self.window.sound.play("select")
            attempt(self.window, line.enter)
        else:
            self.chosen = (self.chosen + 1) % len(lines)

    def mouse(self, event: pygame.event.Event) -> None:
        if self.scroller.handle(event):
            return
        if event.type == pygame.DROPFILE:
            self.take_folder(event.file)
        elif event.type == pygame.MOUSEMOTION:
            self.chosen = next(
                (i for i, c in enumerate(self.lines) if c.rect.collidepoint(event.pos)), self.chosen
            )
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self._click(event.pos)
        elif event.type == pygame.MOUSEWHEEL and self.scroller.most:
            self.scroller.wheel(event.y)
        elif event.type == pygame.MOUSEWHEEL:
            self.go(RIGHT if event.y > 0 else LEFT)

    def go(self, move: int) -> None:
        lines = self._lines()
        if move in (UP, DOWN):
            self.chosen = (self.chosen + (1 if move == DOWN else -1)) % len(lines)
            self._reveal = True
            self.window.sound.play("move")
        elif turn := lines[min(self.chosen, len(lines) - 1)].turn:
            turn(1 if move == RIGHT else -1)
            self.window.sound.play("move")

    def _click(self, place: tuple[int, int]) -> None:
        for i, line in enumerate(self.lines):
            if line.rect.collidepoint(place):
                self.chosen = i
                side = line.rect.height
                if line.turn and place[0] > line.rect.right - side:
                    line.turn(1)
                elif line.turn and place[0] > line.rect.right - 2 * side:
                    line.turn(-1)
                else:
                    self._enter()
                return

    # time and drawing ------------------------------------------------------------------------------------

    def update(self, seconds: float) -> None:
        super().update(seconds)
        if self.data is None and self.known:
            self._turn_data(1)

    def draw(self, surface: pygame.Surface) -> None:
        size = surface.get_size()
        scale = Scale.of(size)
        margin = margin_of(size, scale)
        top = draw_head(surface, self.caption, "Runs in the background. You can keep playing", scale)
        draw_foot(surface, self.hints(), scale)
        self.lines = self._lines()
        body = pygame.Rect(margin, top, size[0] - 2 * margin, size[1] - foot_height(scale) - top)
        if body.width < 40 or body.height < 20:
            return
        beside = body.width >= scale.px(900)
        notes = scale.px(300) if beside else 0
        self._place = pygame.Rect(body.left, body.top, min(body.width - notes, scale.px(860)), body.height)
        clip = surface.get_clip()
        surface.set_clip(body.clip(clip))
        high = self._draw_lines(surface, scale)
        if beside:
            left = self._place.right + scale.px(24)
            self._draw_notes(surface, pygame.Rect(left, body.top, body.right - left, 0), scale)
        else:
            below = body.top - self.scroller.at + high + scale.px(6)
            place = pygame.Rect(body.left, below, self._place.width - Scroller.width(scale), 0)
            high += scale.px(6) + self._draw_notes(surface, place, scale)
        surface.set_clip(clip)
        self.scroller.fit(self._place, high, scale)
        self.scroller.draw(surface)

    def _draw_lines(self, surface: pygame.Surface, scale: Scale) -> int:
        """The form, as high as it fits or as it must be; returns its height."""
        gap, least = scale.px(10), scale.px(58)
        height = max(least, min(scale.px(72), self._place.height // len(self.lines) - gap))
        bar = Scroller.width(scale) if self.scroller.most else 0
        y = self._place.top - self.scroller.at
        for i, line in enumerate(self.lines):
            line.rect = pygame.Rect(self._place.left, y, max(1, self._place.width - bar), height)
            self._draw_line(surface, line, i == self.chosen, scale)
            y += height + gap
        if self._reveal:
            self._reveal = False
            first = self.chosen * (height + gap)
            self.scroller.reveal(first, first + height)
        return len(self.lines) * (height + gap)

    def _draw_notes(self, surface: pygame.Surface, area: pygame.Rect, scale: Scale) -> int:
        """How long it takes, what speaks against it, and all that is said of the chosen line; its height."""
        y, size, pad = area.top, scale.px(16), scale.px(14)
        for words in self.warnings:
            lines = wrap(words, size, area.width - 2 * pad)
            panel = pygame.Rect(area.left, y, area.width, round(len(lines) * size * 1.35) + 2 * pad)
            box(surface, panel, COLOURS["panel"], scale.px(10), COLOURS["bad"])
            place = (panel.left + pad, panel.top + pad)
            paragraph(surface, words, place, size, panel.width - 2 * pad, COLOURS["text"])
            y = panel.bottom + scale.px(10)
        takes = paragraph(surface, self.takes.words, (area.left, y), size, area.width, COLOURS["real"])
        about = self.lines[min(self.chosen, len(self.lines) - 1)].about
        return paragraph(surface, about, (area.left, takes + scale.px(8)), size, area.width) - area.top

    @staticmethod
    def _room(line: Choice, scale: Scale) -> int:
        """Pixels that the words of a line have, between its label and its arrows."""
        arrows = 2 * line.rect.height if line.turn else 0
        return max(1, line.rect.width - arrows - scale.px(LABEL) - scale.px(8))

    def _draw_line(self, surface: pygame.Surface, line: Choice, chosen: bool, scale: Scale) -> None:
        rect, pad = line.rect, scale.px(18)
        start = not line.label
        fill = "real" if start and chosen else "raised" if chosen else "panel"
        edge = COLOURS["real"] if chosen else COLOURS["line"] if start else None
        box(surface, rect, COLOURS[fill], scale.px(10), edge, scale.px(2))
        if rect.width < 60:
            return
        if start:
            ink = COLOURS["back" if chosen else "text"]
            text(
                surface,
                line.words,
                rect.center,
                scale.px(20),
                ink,
                bold=True,
                anchor="center",
                width=rect.width,
            )
            return
        label = (rect.left + pad, rect.centery)
        text(surface, line.label, label, scale.px(17), COLOURS["quiet"], anchor="midleft")
        left = rect.left + scale.px(LABEL)
        room = self._room(line, scale)
        below = rect.height >= scale.px(56) and bool(line.about)
        words = (left, rect.centery - (scale.px(10) if below else 0))
        text(surface, line.words, words, scale.px(19), bold=True, anchor="midleft", width=room)
        if below:
            about = (left, rect.centery + scale.px(15))
            text(surface, line.about, about, scale.px(14), COLOURS["quiet"], anchor="midleft", width=room)
        for i in range(2 if line.turn else 0):
            x = rect.right - rect.height // 2 - (1 - i) * rect.height
            reach, side = scale.px(8), 1 if i else -1
            tip = (x + side * reach, rect.centery)
            points = [
                tip,
                (x - side * reach // 2, rect.centery - reach),
                (x - side * reach // 2, rect.centery + reach),
            ]
            pygame.draw.polygon(surface, COLOURS["text" if chosen else "quiet"], points)
        if line.enter and not line.turn:
            place = (rect.right - pad, rect.centery - scale.px(10))
            text(surface, "change…", place, scale.px(15), COLOURS["quiet"], anchor="midright")

    def close(self) -> None:
        self.views.close()
