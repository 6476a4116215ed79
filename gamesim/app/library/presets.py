"""The presets that a training can start with: what each trains, for how long, and what it needs."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from itertools import takewhile

from gamesim import text
from gamesim.app.library.runs import Run
from gamesim.config import load, presets, value
from gamesim.config.base import Needs
from gamesim.errors import UserError
from gamesim.systems import systems

SHARES = (0.1, 0.25, 0.5, 1, 2, 4, 10)  # of the preset's steps
FOR_TESTS = "-tiny"  # presets whose names end so learn nothing: they come last


@dataclass(frozen=True)
class Preset:
    """A preset as the app shows it.

    Attributes:
        config: what `main.py train` takes: the name or a file.
        about: the comment at the top of its file.
        steps: of each section that trains something.
        one_core: whether it is meant for one CPU core.
        work: cost of a step, in a unit that compares presets of one system; 0.0 if unknown.
        needs: what it takes for granted about the game.
    """

    name: str
    config: str
    about: str
    steps: Mapping[str, int]
    system: str = ""
    one_core: bool = True
    work: float = 0.0
    needs: Needs = field(default_factory=Needs)

    @property
    def single(self) -> bool:
        """Whether one section trains all of it, so that its steps can be chosen."""
        return len(self.steps) == 1


def all_presets() -> list[Preset]:
    """The presets that come with gamesim and begin from nothing; those for tests come last."""
    found: list[Preset] = []
    for name in presets():
        with contextlib.suppress(UserError, OSError):  # the app offers no preset that cannot be read
            if not load(name).continues:
                found.append(preset(name))
    first = ("tilemap", "world-model-places")
    return sorted(found, key=lambda each: (each.name not in first, each.name.endswith(FOR_TESTS), each.name))


def preset(name: str) -> Preset:
    """A preset that comes with gamesim, by its name."""
    said = text.decode((resources.files("gamesim") / "presets" / f"{name}.yaml").read_bytes())
    comment = takewhile(lambda line: line.startswith("#"), said.splitlines())
    return _planned(name, name, " ".join(line[1:].strip() for line in comment))


def of_run(run: Run) -> Preset:
    """The config of a run as a preset, to go on with the run.

    Raises:
        UserError: the config cannot be read.
    """
    if run.config is None:
        raise UserError(f"{run.folder}: its config cannot be read")
    about = "The settings of this run. Only the number of steps can be changed"
    return _planned(run.log.preset, str(run.config.absolute()), about)


def _planned(name: str, config: str, about: str) -> Preset:
    """What the app needs to know of a config."""
    chosen = load(config)
    found = {section: value(chosen, f"{section}.steps") for section in systems()[chosen.system].sections}
    steps = {section: count for section, count in found.items() if isinstance(count, int)}
    model, threads = chosen.model.model_dump(), [value(chosen, f"{section}.threads") for section in steps]
    return Preset(
        name, config, about, steps, chosen.system, None not in threads,
        _work(chosen.data.model_dump(), model.get("channels")), chosen.needs,
    )  # fmt: skip


def _work(tree: Mapping[str, object], width: int | None) -> float:
    """The cost of a step, frames times the square of the width, to compare presets of one system."""
    batch, segment = tree.get("batch_size"), tree.get("segment")
    known = isinstance(batch, int) and isinstance(segment, int) and width is not None
    return float(batch * segment * width**2) if known else 0.0  # type: ignore[operator]


def choices_of_steps(usual: int, done: int) -> list[int]:
    """Numbers of steps around the usual one; for a resumed run, those that it has not reached yet."""
    counts = {max(1, round(usual * share)) for share in SHARES}
    if done:
        counts |= {done + max(1, round(done * share)) for share in (0.1, 0.5, 1)}
    return sorted(count for count in counts if count > done) or [done + max(1, usual)]


def settings(preset: Preset, steps: int | None) -> dict[str, object]:
    """Overrides for a training that a player watches: a sheet every minute, a log line every few steps.

    It trains `steps` instead of the preset's, if the preset is `single`.
    """
    found: dict[str, object] = {}
    for section, usual in preset.steps.items():
        found[f"{section}.sample_minutes"] = 1.0
        asked = steps if steps is not None and preset.single else usual
        if asked <= 5000:
            found[f"{section}.log_every"] = 5 if asked > 50 else 1
        if asked != usual:
            found[f"{section}.steps"] = asked
    return found
