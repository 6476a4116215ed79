"""What ``train`` runs: most systems are trained in one go, a world model in three stages.

A world model's run folder holds vision/, memory/ and controller/, each a run folder of its own (see loop.py),
and last/, the whole engine as it is shipped. M learns from the best V and C from the best M (best on held-out
episodes). The last C is shipped, since trials in the real game must not choose it.
"""

import os
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import torch

from gamesim import checkpoint, models, storage
from gamesim.card import facts_in
from gamesim.checkpoint import Checkpoint
from gamesim.config import presets
from gamesim.config.base import Config
from gamesim.config.world_models import WorldModelConfig
from gamesim.data.game import games, recorded_game
from gamesim.errors import UserError
from gamesim.registry import blamed, loaded
from gamesim.shipped import locate
from gamesim.systems import Stage, System, systems
from gamesim.text import counted
from gamesim.training import devices, loop
from gamesim.training.fitting import continued, fitted
from gamesim.training.folder import Log, began, check, earlier, same
from gamesim.training.loop import Deadline
from gamesim.training.tasks import Weights


@dataclass(frozen=True)
class Ended:
    """How a training ended, and the newest checkpoint that it left."""

    outcome: loop.Outcome
    checkpoint: Path


def train(
    config: Config,
    data: str | Path,
    out: str | Path,
    *,
    device: str,
    resume: bool = False,
    stage: str | None = None,
    minutes: float | None = None,
    init: str | Path | None = None,
) -> Ended | None:
    """Train what a config describes, from the folder `data` into the run folder `out`.

    Args:
        config: Its system decides what is trained.
        data: A folder of recordings.
        out: The run folder.
        device: auto, cpu, cuda, cuda:1 or mps.
        resume: Go on with the run in `out`.
        stage: One of the system's stages alone; None: all that the system has.
        minutes: Stop and save after so many, counted from now, for all stages; None: to the end.
        init: A checkpoint whose weights a new run begins with. A stage takes the parts before its own from
            it, too, where the run has not trained them.

    Returns:
        "done", or "stopped" when a signal or the minutes ended it (both are saved), and where. None in
        processes of ``torchrun`` that are not the first.

    Raises:
        UserError: Whatever the user can mend: folders, data, device, memory.
    """
    # Whole paths: a game that C is tested in may change the current folder.
    named, data, out = Path(out), os.path.abspath(data), Path(out).absolute()
    init = None if init is None else locate(init).absolute()
    try:
        devices.pick_device(device)  # before the recordings are read
        if config.continues and init is None and not resume:
            raise UserError(f"{config.name} goes on from an engine: name it with --init")
        before = earlier(out) if resume or stage is not None else None
        system = systems()[config.system]
        if before is None and init is not None and stage == system.sections[-1]:  # nothing else is trained
            before = checkpoint.load(init).config
        config = fitted(config if before is None else continued(config, before), data)
        for part in system.stages:  # before the first of them, which takes a while
            if stage in (None, part.section):
                _check(part, config, data)
        begin = None if init is None else _beginning(config, init, resume, stage)
        run = _Run(config, data, out, device, Deadline(minutes), begin)
        run.check(resume, stage)
        if devices.launched().first:
            print(_recordings(data, config), flush=True)
        ended = run.train(resume, stage)
        ended = replace(ended, checkpoint=named / ended.checkpoint.relative_to(out))
        return ended if devices.distributed().first else None
    finally:
        devices.finish()


def train_controller(
    config: WorldModelConfig, weights: Weights, data: str, out: Path, *, device: str
) -> loop.Outcome:
    """Train a C from nothing on a V and M that are there, in a run folder of its own; one in it goes on.

    Args:
        config: Its controller section says how.
        weights: Of a whole engine; its C is left out.
        data: The recordings whose first frames the dreams begin with.
        out: The run folder.
        device: auto, cpu, cuda, cuda:1 or mps.

    Returns:
        "done", or "stopped" when a signal ended it; both are saved.

    Raises:
        UserError: As for `train`.
    """
    fixed = {key: part for key, part in weights.items() if not key.startswith("controller.")}
    try:
        run = _Run(fitted(continued(config, config), data), data, out, device, Deadline())
        last = run.system.stages[-1]
        _check(last, run.config, data)
        return run.stage(last, out, began(out), fixed)
    finally:
        devices.finish()


def _check(stage: Stage, config: Config, data: str) -> None:
    """Complain about what this stage alone would trip over, see `Stage.check`."""
    if stage.check:
        loaded(stage.check)(config, recorded_game(data, config.data.game).env_spec)


@dataclass(frozen=True)
class _Run:
    """One call of `train`: see there."""

    config: Config
    data: str
    out: Path
    device: str
    deadline: Deadline
    begin: Checkpoint | None = None

    @property
    def system(self) -> System:
        return systems()[self.config.system]

    def check(self, resume: bool, stage: str | None) -> None:
        """Complain about a run folder from which nothing can be trained, before the recordings are read."""
        system = self.system
        if not system.parts:
            check(self.config, self.out, resume, system.sections[0])
        elif stage is not None:
            self._upon(stage)
        elif not resume:
            check(self.config, self.out, resume=False)
        elif not began(self.out / system.parts[0]):
            raise UserError(f"{self.out}: nothing to resume, there is no run in it")
        else:
            self._check_grounds()

    def _check_grounds(self) -> None:
        """Complain if a part would be trained on that a later one was built upon, which would be lost."""
        for before, after in pairwise(self.system.parts):
            folder, wanted = self.out / before, getattr(self.config, before).steps
            steps = facts_in(folder / "last").get("steps", "").partition(" ")[0]  # of "2 of 150"
            if checkpoint.exists(self.out / after / "last") and steps.isdecimal() and int(steps) < wanted:
                raise UserError(
                    f"{before}.steps: is {wanted} here but {steps} in {folder}, on which {after} was "
                    f"trained; resume with {before}.steps={steps}, or move {self.out / after} away"
                )

    def train(self, resume: bool, stage: str | None) -> Ended:
        """Train one stage of several, or all that the system has."""
        parts, ended = self.system.parts, Ended("done", self.out / "last")
        if not parts:
            return replace(ended, outcome=self.stage(self.system.stages[0], self.out, resume, {}))
        if stage is not None:
            return self._part(stage, resume)
        for name in parts:
            if ended.outcome == "done" and not self._finished(name):
                ended = self._part(name, began(self.out / name))
                if name != parts[-1] and devices.distributed().agree([int(self.deadline.passed)])[0]:
                    ended = replace(ended, outcome="stopped")
        return ended

    def stage(self, stage: Stage, out: Path, resume: bool, weights: Weights) -> loop.Outcome:
        """Train a stage in a run folder of its own, upon the weights of the parts before it."""
        config, section = self.config, stage.section
        device = devices.setup(self.device, seed=config.seed, threads=getattr(config, section).threads)
        if devices.distributed().first:
            check(config, out, resume, section)
        how = {"resume": resume, "section": section, "deadline": self.deadline}
        try:
            with blamed(stage.make):
                training = loaded(stage.make)(config, self.data, device, weights=weights, begin=self.begin)
            return loop.run(training, config, out, device=device, **how)
        except RuntimeError as error:
            if "out of memory" not in str(error) and "can't allocate memory" not in str(error):
                raise
            raise UserError(f"out of memory on {device}: {self._smaller(section)}") from None

    def _smaller(self, section: str) -> str:
        """What needs less memory in this section of the config."""
        own = getattr(self.config, section)
        sizes = {f"{section}.{name}": getattr(own, name, 0) for name in ("batch_size", "rollouts")}
        sizes["data.batch_size"] = self.config.data.batch_size
        name, size = next((name, size) for name, size in sizes.items() if size)
        return f"try a {name} below {size}" if size > 1 else f"it needs more, even at a {name} of 1"

    def _part(self, name: str, resume: bool) -> Ended:
        """Train one of several stages; after the last the engine is whole."""
        out, system = self.out / name, self.system
        stage = system.stages[system.parts.index(name)]
        outcome = self.stage(stage, out, resume, self._upon(name))
        if name != system.parts[-1]:
            return Ended(outcome, out / "last")
        if devices.distributed().first:
            files = storage.read_folder(out / "last", **checkpoint.SEALED)
            storage.write_folder(self.out / "last", files, **checkpoint.SEALED)
        return Ended(outcome, self.out / "last")

    def _finished(self, stage: str) -> bool:
        """Whether a stage needs no further step; one that was built upon other weights is an error."""
        if not began(self.out / stage):
            return False
        self._upon(stage)
        if stage == self.system.parts[-1]:  # a full disk may have kept it from being shipped
            shipped, newest = (facts_in(out / "last").get("steps") for out in (self.out, self.out / stage))
            there = newest is not None and newest == shipped
        else:
            there = checkpoint.exists(self.out / stage / "best")
        return there and Log(self.out / stage).reached() >= getattr(self.config, stage).steps

    def _upon(self, stage: str) -> Weights:
        """Return the weights that a stage starts with: of the parts before it and, from `begin`, of its own.

        The parts before it are the best that the run has trained; those of `begin` where it has trained none.

        Raises:
            UserError: That stage is not there, has a model of another shape, or has changed since this one
                began.
        """
        parts, given = self.system.parts, {} if self.begin is None else self.begin.weights
        index, mine = parts.index(stage), self.out / stage / "last"
        if index == 0:
            return given
        before = self.out / parts[index - 1] / "best"
        if not checkpoint.exists(before):
            if given:
                return given
            if checkpoint.exists(mine):  # it was given them
                return checkpoint.load(mine).weights
            raise UserError(f"{before}: no such model; train {parts[index - 1]} to its end first")
        found = checkpoint.load(before)
        same(found.config, self.config, before / "config.yaml", ["name", "seed", "data", *parts])
        if checkpoint.exists(mine):
            earlier = checkpoint.load(mine).weights
            fixed = [key for key in found.weights if key.startswith(parts[:index])]
            if not all(torch.equal(earlier[key], found.weights[key]) for key in fixed):
                raise UserError(
                    f"{self.out / stage}: was trained on another {parts[index - 1]}; move it away"
                )
        return found.weights | {key: part for key, part in given.items() if key.startswith(f"{stage}.")}


def _beginning(config: Config, init: Path, resume: bool, stage: str | None = None) -> Checkpoint:
    """Return the checkpoint that a run begins from, after a look whether it fits.

    A part that it lacks begins anew if its last matrix begins with zeros, so that it changes nothing.

    Raises:
        UserError: It is damaged, of another system or shape, or the run has begun already.
    """
    if resume:
        raise UserError("--init starts a new run and --resume continues one: use only one of them")
    found = checkpoint.load(init, extras=True)
    if found.config.system != config.system:
        raise UserError(f"{init}: its system is {found.config.system}, not {config.system}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)  # what begins anew is alike in all processes and all such runs
        # Not on the meta device, where spectral norm takes twenty times as long.
        wanted = {"model": models.build(config).state_dict(), **extras_of(config)}
    for name, part in {"model": found.weights, **found.extras}.items():
        if name in wanted:
            part |= _silent({key: each for key, each in wanted[name].items() if key not in part})
            try:
                checkpoint.fits(part, wanted[name], init / f"{name}.safetensors")
            except UserError as error:
                raise UserError(f"{error}{_other_preset(found.config.name, config.name, stage)}") from None
    return found


def _other_preset(there: str, here: str, stage: str | None) -> str:
    """Why a model may not fit, and what to say instead: its preset is another one."""
    if there == here:
        return ""
    chosen = f": add preset={there}" if stage is not None and there in presets() else ""
    return f"; its preset is {there}, and this one is {here}{chosen}"


def _silent(new: Weights) -> Weights:
    """Those of `new` whose layers end with a matrix of zeros."""
    last = {_layers(key): each for key, each in new.items() if each.ndim > 1}
    return {key: each for key, each in new.items() if _layers(key) in last and not last[_layers(key)].any()}


def _layers(key: str) -> str:
    """The layers that a weight belongs to: "recall.score" of "recall.score.2.bias"."""
    return key.rsplit(".", 2)[0]


def extras_of(config: Config) -> dict[str, Weights]:
    """What `Task.extras` of a system would hold, for its shapes."""
    extras = systems()[config.system].extras
    return {name: loaded(kind)(config.model).state_dict() for name, kind in extras.items()}


def _recordings(data: str, config: Config) -> str:
    """What a folder holds, and what of it is trained on, in one line."""
    held = games(data)
    listed = ", ".join(f"{name} ({counted(count, 'game')})" for name, count in held.items())
    chosen = f"; training on {config.data.game}" if len(held) > 1 else ""
    scale = config.model.reward_scale
    return f"recordings: {listed}{chosen}" + (f"; rewards in units of {scale:g}" if scale != 1 else "")
