"""A training before it starts: what it learns from, what it trains, for how long and where."""

import os
import re
from itertools import count
from pathlib import Path

from gamesim import devices
from gamesim.app.background import Lazily
from gamesim.app.library import presets, runs
from gamesim.app.library.fitness import View, misfit, view_of
from gamesim.app.library.presets import FOR_TESTS, Estimate, Preset
from gamesim.app.library.runs import Run
from gamesim.app.library.shelf import Recording, check_name
from gamesim.app.library.workshop import Workshop
from gamesim.app.ui.widgets import at_home
from gamesim.errors import UserError
from gamesim.text import counted

DEVICES = devices.CHOICES
SHARES = (0.1, 0.25, 0.5, 1, 2, 4, 10)  # of the preset's steps
FEW = 10_000  # steps of play below which a model learns little


class Plan:
    """The choices so far; each ``turn_`` method goes to the next (1) or the previous (-1) of one kind.

    Args:
        workshop: gives recordings, runs and models, and starts the training.
        run: the run to go on with; None for a new training.

    Raises:
        UserError: the config of the run cannot be read.
    """

    def __init__(self, workshop: Workshop, run: Run | None = None) -> None:
        self.workshop, self.run = workshop, run
        self.presets = [presets.of_run(run)] if run else presets.all_presets()
        self.data: Path | None = run.data if run else None
        self._others: list[Path] = []  # folders beyond those that the shelf found
        self._preset = self._device = self._steps = self._game = 0
        self._of: tuple[list[Recording], Path | None] | None = None
        self._games: dict[str, list[Recording]] = {}
        self._name = ""
        self._views: Lazily[tuple[Path, ...], View] = Lazily(view_of)  # of the paths of a few recordings
        self._estimates: dict[tuple, Estimate] = {}
        self._runs = [workshop.run(folder) for folder in workshop.runs()]
        self.turn_preset(0)
        if self.data:  # the window may know nothing of this folder
            self._search(self.data)
        else:
            workshop.shelf.refresh()

    # what is chosen --------------------------------------------------------------------------------------

    @property
    def preset(self) -> Preset:
        return self.presets[self._preset]

    @property
    def usual(self) -> int:
        """Steps of the preset, or of its first part."""
        return next(iter(self.preset.steps.values()), 1)

    @property
    def steps(self) -> int | None:
        """How many steps to train in all; None if each part of the preset has its own."""
        return self._step_options[self._steps] if self.preset.single else None

    @property
    def done(self) -> int:
        """Steps that the run has trained already."""
        return self.run.log.step if self.run else 0

    @property
    def device(self) -> str:
        return DEVICES[self._device]

    @property
    def known(self) -> list[Path]:
        """Folders of recordings that can be chosen."""
        return list(dict.fromkeys([*self._others, *self.workshop.shelf.collections]))

    @property
    def games(self) -> dict[str, list[Recording]]:
        """The games that the chosen folder holds, by id, the one with the most recordings first.

        Those in its subfolders count, as they do for the training.
        """
        everything = self.workshop.shelf.recordings
        if self._of is None or self._of[0] is not everything or self._of[1] != self.data:
            found: dict[str, list[Recording]] = {}
            for each in everything:
                if self.data and each.within(self.data):
                    found.setdefault(each.entry.game, []).append(each)
            self._of = (everything, self.data)
            self._games = dict(sorted(found.items(), key=lambda item: -len(item[1])))
        return self._games

    @property
    def game(self) -> str | None:
        """The id of the game to learn; None if there is nothing to choose."""
        games = list(self.games)
        return games[self._game % len(games)] if len(games) > 1 and not self.run else None

    @property
    def inside(self) -> list[Recording]:
        """The recordings of the chosen game in the chosen folder."""
        games = list(self.games.values())
        return games[self._game % len(games)] if games else []

    @property
    def counts(self) -> tuple[int, int]:
        """How many (games, steps) the model would learn from."""
        return len(self.inside), sum(each.entry.length for each in self.inside)

    @property
    def nothing(self) -> str:
        """Why the chosen folder is of no use, in one line; "" if it is of use, or nobody has looked yet."""
        shelf = self.workshop.shelf
        if self.data is None or self.inside or shelf.scanning:
            return ""
        wrong = (why for path, why in shelf.damaged.items() if path.is_relative_to(self.data))
        return next(wrong, f"There are no recordings in {at_home(self.data)}")

    @property
    def name(self) -> str:
        if self.run:
            return self.run.name
        return self._name or new_name(self.preset.name, self.data or Path("run"), self.workshop.run_roots)

    @property
    def folder(self) -> Path:
        """The run folder: a new one, or that of the run to go on with."""
        return self.run.folder if self.run else self.workshop.run_roots[-1] / self.name

    @property
    def _step_options(self) -> list[int]:
        """Numbers of steps around the usual one; for a resumed run, those that it has not reached yet."""
        done, counts = self.done, {max(1, round(self.usual * share)) for share in SHARES}
        if done:
            counts |= {done + max(1, round(done * share)) for share in (0.1, 0.5, 1)}
        return sorted(count for count in counts if count > done) or [done + max(1, self.usual)]

    # choosing --------------------------------------------------------------------------------------------

    def turn_data(self, by: int) -> None:
        places = self.known
        if places:
            now = places.index(self.data) if self.data in places else -by
            self.data, self._game = places[(now + by) % len(places)], 0

    def turn_game(self, by: int) -> None:
        self._game = (self._game + by) % max(1, len(self.games))

    def turn_preset(self, by: int) -> None:
        """To another preset, and to its usual number of steps."""
        self._preset = (self._preset + by) % len(self.presets)
        options, wanted = self._step_options, max(self.usual, self.done + 1)
        self._steps = min(range(len(options)), key=lambda i: abs(options[i] - wanted))

    def turn_steps(self, by: int) -> None:
        self._steps = min(len(self._step_options) - 1, max(0, self._steps + by))

    def turn_device(self, by: int) -> None:
        self._device = (self._device + by) % len(DEVICES)

    def take_folder(self, words: str) -> None:
        """Learn from a folder that was typed or dropped.

        Raises:
            UserError: there is no such folder, or it is a file.
        """
        if not words:
            raise UserError("No folder was named")
        path = Path(os.path.expanduser(words)).absolute()  # Path.expanduser fails on ~ and a stranger's name
        if path.is_file():
            raise UserError(f"{path}: this is a file. Name the folder in which the recordings are")
        if not path.is_dir():
            raise UserError(f"{path}: there is no such folder")
        self.data, self._game = path, 0
        self._search(path)

    def _search(self, folder: Path) -> None:
        """Have the shelf count what is in a folder."""
        self._others.append(folder)
        if folder not in self.workshop.shelf.roots:
            self.workshop.shelf.roots.append(folder)
        self.workshop.shelf.refresh()

    def call(self, name: str) -> None:
        """Name the run.

        Raises:
            UserError: no folder can have this name.
        """
        self._name = check_name(name, "folder")

    # what the player should know before it starts --------------------------------------------------------

    @property
    def takes(self) -> Estimate:
        done = {log.section: log.step for log in self.run.logs} if self.run else {}
        wanted = self.preset.steps if self.steps is None else dict.fromkeys(self.preset.steps, self.steps)
        steps = {name: count - done.get(name, 0) for name, count in wanted.items()}
        steps = {name: count for name, count in steps.items() if count > 0}
        asked = (self.preset.name, tuple(steps.items()), self.device)
        if asked not in self._estimates:
            shipped = [title.checkpoint for title in self.workshop.shipped() if title.checkpoint]
            self._estimates[asked] = presets.estimate(self.preset, steps, self.device, self._runs, shipped)
        return self._estimates[asked]

    @property
    def warnings(self) -> list[str]:
        games, steps = self.counts
        few = tuple(each.path for each in self.inside[:3])
        view = self._views.get(few) if few else None
        return warnings(self.preset, games, steps, view, self.takes, self.device)

    def start(self) -> None:
        """Start the training, as a process of its own.

        Raises:
            UserError: no recordings are chosen, the name is taken, the run trains already, or it cannot
                be started.
        """
        if self.data is None:
            raise UserError("Choose recordings first: record some games, or name a folder")
        if self.nothing:
            raise UserError(self.nothing)
        if self.run and self.run.pid is not None:  # another window, or the command line, was first
            raise UserError(f"{self.name} is training already")
        if not self.run and self.folder.exists():
            raise UserError(f"There is already a run called {self.name}")
        runs.train(
            self.workshop.jobs,
            self.folder,
            self.preset.config,
            self.data,
            presets.settings(self.preset, self.steps),
            device=self.device,
            resume=bool(self.run),
            game=self.game,
        )

    def close(self) -> None:
        self._views.close()


def warnings(
    preset: Preset, games: int, steps: int, view: View | None, takes: Estimate, device: str
) -> list[str]:
    """Reasons not to start a training now, a line each.

    There are 0 `games` while nobody has counted them, and no `view` of what they show while nobody has
    looked.
    """
    found = []
    if preset.name.endswith(FOR_TESTS):
        found.append("This preset is for tests: too small to learn anything")
    elif view is not None and (why := misfit(preset.needs, view)):
        found.append(why)
    if games and steps < FEW:
        found.append(
            f"Few recordings: {counted(games, 'game')}, {counted(steps, 'step')}. Models need thousands of "
            "games: let the bot record some, under Recordings"
        )
    if device in ("cuda", "mps") and device != presets.gpu():
        found.append(f"No {'NVIDIA GPU' if device == 'cuda' else 'Apple GPU'} was found on this machine")
    long = takes.seconds is not None and takes.seconds >= presets.LONG
    if takes.device == "cpu" and (long or (takes.seconds is None and not preset.one_core)):
        found.append("This preset wants a GPU. On a CPU, choose tilemap or gamegan-small")
    return found


def new_name(preset: str, data: Path, roots: tuple[Path, ...]) -> str:
    """A free name for a run folder: preset, recordings, number."""
    plain = re.sub(r"[^a-z0-9]+", "-", f"{preset} {data.name}".lower()).strip("-")[:48]
    names = (plain if number == 1 else f"{plain}-{number}" for number in count(1))
    return next(name for name in names if not any((root / name).exists() for root in roots))
