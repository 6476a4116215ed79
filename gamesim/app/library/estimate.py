"""How long a training would take here, before it starts.

A run of the same preset on this machine is the best source. Otherwise the estimate comes from the cards of
the shipped models, which say how long one CPU core took, and from the speed of a core here.
"""

import platform
import re
import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from gamesim.app.library import cards, presets
from gamesim.app.library.cards import spell
from gamesim.app.library.presets import Preset
from gamesim.app.library.runs import Run, started

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

    `measured` says whether the same preset ran on this machine before.
    """

    seconds: float | None
    device: str
    measured: bool = False

    @property
    def words(self) -> str:
        """The estimate in a sentence."""
        where = "this CPU" if self.device == "cpu" else "this GPU"
        if self.seconds is None:
            return f"No estimate for {where} yet: the time left is shown after the first steps"
        if self.seconds >= 14 * LONG:
            return f"Takes weeks on {where}"
        last = ", as the last time" if self.measured else ""
        return f"Takes about {spell(self.seconds)} on {where}{last}"


def estimate(
    preset: Preset, steps: int | None, device: str, runs: Iterable[Run], shipped: Iterable[Path]
) -> Estimate:
    """How long a preset trains.

    Args:
        preset: what to train.
        steps: how many; None: as many as the preset says.
        device: the choice: "auto", "cpu", "cuda" or "mps".
        runs: all runs on this machine, newest first.
        shipped: folders of models whose cards say how long they took.
    """
    where = resolved(device)
    share = 1.0 if steps is None else steps / max(1, sum(preset.steps.values()))
    for run in runs:
        paces = paced(run) if resolved(started(run.folder).get("device")) == where else {}
        if run.log.preset == preset.name and paces.keys() >= preset.steps.keys():
            trained = share * sum(paces[name] * count for name, count in preset.steps.items())
            return Estimate(BEGINNING + trained, where, measured=True)
    if where != "cpu":
        return Estimate(None, where)
    core = next(filter(None, (from_card(preset, folder) for folder in shipped)), SAID.get(preset.name))
    core = core or next(filter(None, (from_card(preset, folder, alike=True) for folder in shipped)), None)
    return Estimate(None if core is None else BEGINNING + share * core * REFERENCE / speed(), where)


def paced(run: Run) -> dict[str, float]:
    """Seconds per step of each section of a run that has trained at least 3 steps."""
    run.follow()
    return {log.section: log.seconds / log.step for log in run.logs if log.step >= 3 and log.seconds > 0}


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
        other = next((each for each in presets.all_presets() if each.name == trained), None)
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
