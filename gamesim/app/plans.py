"""What can be chosen before a training starts: recordings, presets, steps, devices, names."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gamesim import text
from gamesim.app.runs import Run
from gamesim.config import load, presets, value
from gamesim.errors import UserError

SECTIONS = ("training", "vision", "memory", "controller")
SHARES = (0.1, 0.25, 0.5, 1, 2, 4, 10)  # of the preset's steps
DEVICES = ("auto", "cpu", "cuda", "mps")
FOR_TESTS = "-tiny"  # presets of that name learn nothing: they come last


@dataclass(frozen=True)
class Preset:
    """A preset as the app shows it.

    Attributes:
        name: of the preset; config: what `main.py train` takes, the name or a file.
        about: the comment that it begins with.
        steps: of each section that trains something.
    """

    name: str
    config: str
    about: str
    steps: Mapping[str, int]

    @property
    def single(self) -> bool:
        """Whether one section trains all of it, so that its steps can be chosen."""
        return len(self.steps) == 1


def all_presets() -> list[Preset]:
    """The presets that come with gamesim; those that are there for tests come last."""
    found: list[Preset] = []
    for name in presets():
        with contextlib.suppress(UserError, OSError):  # one that cannot be read is not offered
            found.append(preset(name))
    first = ("tilemap", "world-model-places")
    return sorted(found, key=lambda each: (each.name not in first, each.name.endswith(FOR_TESTS), each.name))


def preset(name: str) -> Preset:
    """One of them."""
    said = text.decode((resources.files("gamesim") / "presets" / f"{name}.yaml").read_bytes())
    lines = [line[1:].strip() for line in said.splitlines()]
    count = next((i for i, line in enumerate(said.splitlines()) if not line.startswith("#")), 0)
    return Preset(name, name, " ".join(lines[:count]), _steps(name))


def of_run(run: Run) -> Preset:
    """What goes on with a run: its own config.

    Raises:
        UserError: it cannot be read.
    """
    if run.config is None:
        raise UserError(f"{run.folder}: it has no config that can be read")
    about = "The config of this run: what it was begun with cannot be changed, but for the steps."
    return Preset(run.log.preset, str(run.config.absolute()), about, _steps(run.config))


def _steps(config: str | Path) -> dict[str, int]:
    chosen = load(config)
    found = {name: value(chosen, f"{name}.steps") for name in SECTIONS}
    return {name: steps for name, steps in found.items() if isinstance(steps, int)}


def choices_of_steps(usual: int, done: int = 0) -> list[int]:
    """Numbers of steps around the usual one; for a run that is resumed, those that it has not reached yet."""
    counts = {max(1, round(usual * share)) for share in SHARES}
    if done:
        counts |= {done + max(1, round(done * share)) for share in (0.1, 0.5, 1)}
    return sorted(count for count in counts if count > done) or [done + max(1, usual)]


def settings(preset: Preset, steps: int | None) -> dict[str, object]:
    """Overrides for a training that is watched: a sheet every minute, and a log line every few steps.

    Args:
        preset: the chosen one.
        steps: instead of the preset's, where it is `single`.
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


def new_name(preset: str, data: Path, roots: tuple[Path, ...]) -> str:
    """A name for a run folder that is not taken: preset, recordings, day."""
    plain = re.sub(r"[^a-z0-9]+", "-", f"{preset} {data.name}".lower()).strip("-")[:48]
    names = [plain, *(f"{plain}-{number}" for number in range(2, 1000)), f"{plain}-{time.time_ns()}"]
    return next(name for name in names if not any((root / name).exists() for root in roots))


def check_name(name: str) -> str:
    """The name, if a folder can have it.

    Raises:
        UserError: it cannot.
    """
    name = name.strip()
    if not name or name.startswith(".") or re.search(r'[\\/:*?"<>|\x00-\x1f]', name) or len(name) > 80:
        raise UserError(f"'{name[:40]}' cannot be the name of a folder")
    return name
