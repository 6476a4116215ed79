"""The presets that a training can start with: what each trains, what it needs, and how long it takes here.

For the time, a run of the same preset on this machine is the best source. Otherwise it comes from the cards
of the shipped models, which say how long one CPU core took, and from the speed of a core here.
"""

import contextlib
import platform
import re
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from itertools import takewhile
from pathlib import Path

import numpy as np

from gamesim import text
from gamesim.app.library import cards
from gamesim.app.library.cards import spell
from gamesim.app.library.runs import Run, started
from gamesim.card import facts_in
from gamesim.config import load, presets, value
from gamesim.config.base import Needs
from gamesim.errors import UserError
from gamesim.systems import systems

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


REFERENCE = 150.0  # GFLOP/s of one core of the machine on which the shipped models were trained
BEGINNING = 15.0  # seconds until PyTorch and the recordings are loaded
SAID = {  # seconds measured on one core, where no shipped card tells of the whole training
    "gamegan-small": 6900.0,
    "gamegan-small-more": 1680.0,
    "gamegan-more": 4680.0,  # two cores
    "world-model-places": 1800.0,
}
LONG = 86400.0  # seconds: a training that takes longer should not run on a CPU


@dataclass(frozen=True)
class Estimate:
    """How long a training takes on a device ("cpu", "cuda" or "mps"); None if nothing like it was ever
    measured.

    `measured` says whether the same preset ran on this machine before, `least` whether only a part of it did.
    """

    seconds: float | None
    device: str
    measured: bool = False
    least: bool = False

    @property
    def words(self) -> str:
        where = "this CPU" if self.device == "cpu" else "this GPU"
        if self.seconds is None:
            return f"No estimate for {where} yet: the time left is shown after the first steps"
        if self.seconds >= 14 * LONG:
            return f"Takes weeks on {where}"
        last = ", as the last time" if self.measured else ""
        return f"Takes {'at least' if self.least else 'about'} {spell(self.seconds)} on {where}{last}"


def estimate(
    preset: Preset, steps: Mapping[str, int], device: str, runs: Iterable[Run], shipped: Iterable[Path]
) -> Estimate:
    """How long a preset trains.

    Args:
        preset: what to train.
        steps: how many of each of its sections.
        device: the choice: "auto", "cpu", "cuda" or "mps".
        runs: all runs on this machine, newest first.
        shipped: folders of models whose cards say how long they took.
    """
    where = resolved(device)
    paces: dict[str, float] = {}
    for run in runs:
        paces = {**paced(run, where), **paces} if named(run) == preset.name else paces
    known = {name: count for name, count in steps.items() if name in paces}
    measured = BEGINNING + sum(paces[name] * count for name, count in known.items())
    if known.keys() == steps.keys():
        return Estimate(measured, where, measured=True)
    core = None
    if where == "cpu":
        core = next(filter(None, (from_card(preset, folder) for folder in shipped)), SAID.get(preset.name))
        core = core or next(filter(None, (from_card(preset, each, alike=True) for each in shipped)), None)
    if core is None:
        return Estimate(measured, where, least=True) if known else Estimate(None, where)
    share = sum(steps.values()) / max(1, sum(preset.steps.values()))
    return Estimate(BEGINNING + share * core * REFERENCE / speed(), where)


def named(run: Run) -> str:
    """The preset of a run, "" if that is unknown."""
    run.follow()
    return run.log.preset


def paced(run: Run, device: str) -> dict[str, float]:
    """Seconds per step of each section of a run that this device has trained for at least 3 steps."""
    noted = started(run.folder).get("device")  # what was asked for; a card says what it was
    where = {log.section: facts_in(log.folder / "last").get("device", str(noted)) for log in run.logs}
    here = [log for log in run.logs if resolved(where[log.section].partition(" ")[0]) == device]
    return {log.section: log.seconds / log.step for log in here if log.step >= 3 and log.seconds > 0}


def from_card(preset: Preset, folder: Path, *, alike: bool = False) -> float | None:
    """Seconds that a preset's steps take one core, from the card of a model; None if it does not tell.

    With `alike`, the card may be of another preset of the same system: its time is scaled by the work of a
    step.
    """
    facts = cards.read(folder, Path()).facts
    trained, device = facts.get("preset", ""), facts.get("device", "")
    done, minutes = re.match(r"(\d+) of", facts.get("steps", "")), facts.get("minutes", "")
    if not (done and device.startswith("cpu (1 ") and re.fullmatch(r"[\d.]+", minutes) and preset.single):
        return None
    if trained != preset.name and not alike:
        return None
    times = 1.0
    if trained != preset.name:
        other = next((each for each in all_presets() if each.name == trained), None)
        if other is None or other.system != preset.system or not other.work:
            return None
        times = preset.work / other.work
    return 60 * float(minutes) / int(done.group(1)) * sum(preset.steps.values()) * times


def resolved(device: object) -> str:
    """The device that a choice means here: auto is a GPU if one is found, else the CPU."""
    return str(device) if device in ("cpu", "cuda", "mps") else gpu() or "cpu"


@cache
def gpu() -> str:
    """The GPU that seems to be here, "cuda", "mps" or ""; PyTorch would know, but takes seconds to load."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "mps"
    return "cuda" if shutil.which("nvidia-smi") or Path("/proc/driver/nvidia/version").exists() else ""


@cache
def speed() -> float:
    """GFLOP/s of one core, measured for a few milliseconds; other work on the machine does not count.

    The matrices are so small that BLAS multiplies each on one thread. Several threads would wait for each
    other, and the waiting would count.
    """
    squares, best = np.ones((200, 64, 64), np.float32), 1.0
    for _ in range(12):
        began = time.process_time()
        np.matmul(squares, squares)
        best = max(best, 2e-9 * len(squares) * 64**3 / max(1e-6, time.process_time() - began))
    return best
