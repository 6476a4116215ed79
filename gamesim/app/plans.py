"""What can be chosen before a training starts: recordings, presets, steps, devices, names."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from gamesim import devices, text
from gamesim.app import estimate
from gamesim.app.fitness import Needs, View, misfit
from gamesim.app.runs import Run
from gamesim.config import load, presets, value
from gamesim.errors import UserError
from gamesim.text import counted

SECTIONS = ("training", "vision", "memory", "controller")
DEVICES = devices.CHOICES
SHARES = (0.1, 0.25, 0.5, 1, 2, 4, 10)  # of the preset's steps
FEW = 10_000  # steps of play below which a model learns little
FOR_TESTS = "-tiny"  # presets of that name learn nothing: they come last


@dataclass(frozen=True)
class Preset:
    """A preset as the app shows it.

    Attributes:
        name: of the preset; config: what `main.py train` takes, the name or a file.
        about: the comment that it begins with.
        steps: of each section that trains something.
        system: which kind of model it makes.
        one_core: whether it is meant for one CPU core.
        work: what a step costs, to compare presets of one system.
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
    return _planned(name, name, " ".join(lines[:count]))


def of_run(run: Run) -> Preset:
    """What goes on with a run: its own config.

    Raises:
        UserError: it cannot be read.
    """
    if run.config is None:
        raise UserError(f"{run.folder}: its config cannot be read")
    about = "The settings of this run. Only the number of steps can be changed"
    return _planned(run.log.preset, str(run.config.absolute()), about)


def _planned(name: str, config: str, about: str) -> Preset:
    """What a config says, as far as the app needs to know."""
    chosen = load(config)
    found = {section: value(chosen, f"{section}.steps") for section in SECTIONS}
    steps = {section: count for section, count in found.items() if isinstance(count, int)}
    model, threads = chosen.model.model_dump(), [value(chosen, f"{section}.threads") for section in steps]
    return Preset(
        name, config, about, steps, chosen.system, None not in threads,
        estimate.work(chosen.data.model_dump(), model.get("channels")), _needs(chosen.system, model),
    )  # fmt: skip


def _needs(system: str, model: Mapping[str, Any]) -> Needs:
    """What a model of this shape takes for granted about a game."""
    if system == "tilemap":
        return Needs(model["patch"], scrolls=True)
    if model.get("engine") == "places":
        return Needs(model["frame_size"] // 7)
    return Needs(scrolls=True, tried=True) if system == "gamegan" else Needs()


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


def warnings(
    preset: Preset, games: int, steps: int, view: View | None, takes: estimate.Estimate, device: str
) -> list[str]:
    """What speaks against starting a training now, a line each.

    Args:
        preset: the chosen one.
        games: that were recorded, 0 where nobody has counted yet.
        steps: in them.
        view: what they show; None: not looked at yet.
        takes: how long it takes.
        device: as it is chosen.
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
    if device in ("cuda", "mps") and device != estimate.gpu():
        found.append(f"No {'NVIDIA GPU' if device == 'cuda' else 'Apple GPU'} was found on this machine")
    long = takes.seconds is not None and takes.seconds >= estimate.LONG
    if takes.device == "cpu" and (long or (takes.seconds is None and not preset.one_core)):
        found.append("This preset wants a GPU. On a CPU, choose tilemap or gamegan-small")
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
