"""What the screens share: recordings, engines, runs, running processes, what was played last, added games.

If a file that remembers the last two cannot be read or written, the app goes on without it.
"""

import contextlib
import hashlib
import json
import math
import os
import re
import secrets
import shlex
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gamesim import storage
from gamesim.app.background import Worker
from gamesim.app.library import catalog
from gamesim.app.library.catalog import Title, foreign
from gamesim.app.library.jobs import EVALUATION, RECORDING, TRAINING, Job, Jobs, last_words
from gamesim.app.library.runs import LOG, Run, find
from gamesim.app.library.shelf import Shelf
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError
from gamesim.storage import exists
from gamesim.text import reason

MOST = 64  # names to keep
BROKEN = (OSError, ValueError, TypeError, AttributeError, RecursionError, OverflowError)
"""What a file may raise that is missing, or that gamesim did not write."""


class Recent:
    """When each thing was used last, by its name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._times: dict[str, float] = {}
        self._read()

    def _read(self) -> None:
        """Take over what the file knows: another window may have written it."""
        with contextlib.suppress(*BROKEN):
            found = {str(name): float(when) for name, when in json.loads(self.path.read_bytes()).items()}
            for name, when in found.items():
                if math.isfinite(when):
                    self._times[name] = max(when, self.when(name))

    def use(self, name: str) -> None:
        self._read()
        self._times[name] = max(time.time(), max(self._times.values(), default=0.0) + 1e-3)
        newest = sorted(self._times, key=lambda name: -self._times[name])[:MOST]
        self._times = {name: self._times[name] for name in newest}
        _write(self.path, self._times)

    def when(self, name: str) -> float:
        """When a thing was used last, in seconds since 1970; 0 if it never was."""
        return self._times.get(name, 0.0)


class Added:
    """The games that a player added to the menu, by their recipes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipes: list[Recipe] = []
        self._read()

    def _read(self) -> None:
        """Read the file again: another window may have written it."""
        with contextlib.suppress(*BROKEN):
            found = json.loads(self.path.read_bytes())
            self.recipes = [Recipe.read(str(game), str(words)) for game, words in found.items()]

    @property
    def titles(self) -> list[Title]:
        """Cards for the menu; a game whose module is gone says so when it is opened."""
        return [replace(foreign(recipe), blurb="A game that you added") for recipe in self.recipes]

    def has(self, env_id: str) -> bool:
        return any(recipe.env_id == env_id for recipe in self.recipes)

    def add(self, recipe: Recipe) -> None:
        self.remove(recipe.env_id)  # this also reads the file again
        self.recipes.append(recipe)
        self._save()

    def remove(self, env_id: str) -> None:
        self._read()
        self.recipes = [recipe for recipe in self.recipes if recipe.env_id != env_id]
        self._save()

    def _save(self) -> None:
        _write(self.path, {recipe.env_id: recipe.words for recipe in self.recipes})


def _write(path: Path, content: Mapping[str, object]) -> None:
    with contextlib.suppress(OSError, UserError):
        path.parent.mkdir(parents=True, exist_ok=True)
        storage.write_file(path, json.dumps(content).encode(), sync=False)


LOOK = 0.5  # seconds between two looks at the processes


class Workshop:
    """Each window has one; it needs no display.

    Attributes:
        recent: when each title was played last.
        added: games of other people in the menu.
        worker: does what takes a moment, such as writing a GIF.
        run_roots: folders of run folders; new runs go into the last.
        data: the app's own folder.
        folders: one with the shipped engines, then others, in which only finished checkpoints count.
    """

    def __init__(self, folders: Sequence[Path], recordings: Path, data: Path, place: Path = Path()) -> None:
        self.folders, self.data = folders, data
        self.shelf = Shelf([recordings])
        self.jobs = Jobs()
        self.recent = Recent(data / "recent.json")
        self.added = Added(data / "games.json")
        self.worker = Worker("workshop")
        self.run_roots = ((place / "runs").absolute(), data / "runs")
        self._news: deque[tuple[str, bool]] = deque()
        self._told: set[Job] = set()  # jobs that have ended, as the player knows
        self._looked = 0.0

    def say(self, words: str, bad: bool = False) -> None:
        """Show a message; any thread may call this."""
        self._news.append((words, bad))

    def news(self) -> list[tuple[str, bool]]:
        """Messages since the last call, as (words, whether it is an error); called once a frame."""
        now = time.monotonic()
        if now - self._looked >= LOOK:
            self._looked = now
            self._look()
        return [self._news.popleft() for _ in range(len(self._news))]

    def _look(self) -> None:
        """Tell about processes that have ended since the last look."""
        for about, job in self.jobs.all.items():
            if job not in self._told and not job.running:
                self._told.add(job)
                self.say(*ending(about, job, self._was_asked(about, job)))
                if job.name == RECORDING:
                    self.shelf.refresh()

    def _was_asked(self, about: Path, job: Job) -> bool:
        """Whether somebody had a job stopped: this window, or another one or the command line a training."""
        if job.pid in self.jobs.asked or job.name != TRAINING:
            return job.pid in self.jobs.asked
        run = self.run(about)
        run.follow()
        return run.state == "stopped"

    def runs(self) -> list[Path]:
        """All run folders, newest first."""
        return find(self.run_roots)

    def run(self, folder: Path) -> Run:
        return Run(folder, self.jobs)

    def shipped(self) -> list[Title]:
        """The models that come with gamesim, by kind, then those in the other `folders`."""
        ours, *others = self.folders
        found = [title for folder in others for title in catalog.dreams(folder)]
        sealed = [title for title in found if title.checkpoint and exists(title.checkpoint)]
        return [*catalog.dreams(ours), *sealed]

    def own(self) -> list[Title]:
        """The newest model of each run that was trained here, by name."""
        found = [path for run in self.runs() if (path := self.run(run).engine) is not None]
        return sorted(map(catalog.dream, found), key=lambda title: (title.name, str(title.checkpoint)))

    def offered(self) -> list[Title]:
        """All models, the shipped ones first."""
        return [*self.shipped(), *self.own()]

    def last(self, titles: Iterable[Title]) -> Title | None:
        """The title that was played last; None if none ever was."""
        played = [title for title in titles if self.recent.when(key(title))]
        return max(played, key=lambda title: self.recent.when(key(title)), default=None)

    def use(self, title: Title) -> None:
        self.recent.use(key(title))

    def record(self, game: Title, episodes: int, player: str = "") -> Job:
        """Let a bot play a game in a process of its own; its games join the recordings.

        Args:
            game: what to play.
            episodes: how many times.
            player: a name of `agents.policy.policies`; "": the explorer in our games, else random keys.

        Raises:
            UserError: that game is being recorded already, or the process cannot be started.
        """
        out = self.shelf.roots[0] / game.slug
        words = ["record", "--env", game.env_id, "--episodes", str(episodes), "--out", str(out.absolute())]
        player = player or ("explorer" if game.recipe is None else "random")
        words += ["--policy", player, *(["--hold", "1-10"] if player == "random" else [])]
        words += ["--seed", str(secrets.randbelow(2**32)), *shlex.split(game.how.words)]
        return self.jobs.start(out, RECORDING, words, self.data / "figures" / f"record-{game.slug}.log")

    def figures(self, title: Title) -> Path:
        """The file for the figures that this app measures of an engine; no two engines share one."""
        place = os.fsencode((title.checkpoint or Path()).absolute())
        name = re.sub(rb"[^A-Za-z0-9_.-]+", b"-", place).strip(b"-").decode()
        return self.data / "figures" / f"{name[-110:]}-{hashlib.sha256(place).hexdigest()[:12]}.json"

    def evaluate(self, title: Title) -> Job:
        """Measure an engine in a process of its own; its figures go into the app's folder.

        Raises:
            UserError: it is being measured already, or the process cannot be started.
        """
        figures = self.figures(title)
        try:
            figures.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{figures.parent}: cannot be made: {reason(error)}") from error
        folder = title.checkpoint or Path()
        words = ["evaluate", str(folder.absolute()), "--json", str(figures)]
        return self.jobs.start(folder, EVALUATION, words, figures.with_suffix(".log"))

    def stop_all(self) -> None:
        """Ask everything that this window started to save and leave."""
        for about, job in self.jobs.all.items():
            if job.running and job.name == TRAINING:
                run = self.run(about)
                run.follow()
                if run.state != "stopping":  # asked twice, it would leave without saving
                    run.stop()
            elif job.running:
                self.jobs.stop(job)

    def close(self) -> None:
        self.worker.close()


def key(title: Title) -> str:
    """A name for a title that stays the same each time the app runs."""
    return str(title.checkpoint.absolute()) if title.checkpoint else f"{title.env_id} {title.name}"


def ending(about: Path, job: Job, asked: bool) -> tuple[str, bool]:
    """What to tell the player when a process that worked on a folder has ended, and whether something went
    wrong.

    A process that was `asked` to stop did not fail, however it ended.
    """
    if asked:
        return f"{job.name} was stopped: {about.name}", False
    if job.code == 0:
        return f"{job.name} is done: {about.name}", False
    why = last_words(job.log) or "it was interrupted"
    if job.name == TRAINING and (about / LOG).exists():
        return f"{job.name} failed ({about.name}): {why}", True
    return f"{job.name} failed: {why}", True
