"""The one training loop: progress, logs, samples, checkpoints, resume, signals and the NaN guard.

What is trained is a `Task`; the loop knows nothing else about it. A run folder holds:

============== =====================================================================================
config.yaml    the config of the run
metrics.jsonl  one JSON object a line: step, seconds, frames_per_second, eta_seconds, losses, and now and then
               validation; the last line has "status"
samples/       sheets NNNNNNNN.png: the real game above, the dream below, under the same keys
last/          the newest checkpoint
best/          the checkpoint with the lowest validation score
resume/        everything needed to go on exactly where the run stopped; never shipped
============== =====================================================================================

A signal of `signals.ENDING`, such as Ctrl-C or SIGTERM, lets the step end, saves and leaves; a second Ctrl-C
leaves at once. A deadline acts like a signal. If the process is killed at any other moment, only the steps
since the last save are lost.
"""

import contextlib
import io
import math
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from gamesim import checkpoint, locks, storage
from gamesim.card import facts_in
from gamesim.config.base import Config, LoopConfig
from gamesim.errors import UserError
from gamesim.signals import Asked
from gamesim.text import one_line, reason
from gamesim.training.devices import describe, distributed, seed_everything
from gamesim.training.folder import Log, check
from gamesim.training.state import NotFinite, decode, encode, rng_state, same_rng, set_rng_state
from gamesim.training.task import Training

RESUME_KIND, RESUME_VERSION = "gamesim-resume", 1
Outcome = Literal["done", "stopped"]


class _Broken(UserError):
    """A loss, a validation or a weight is not finite: what is there now must not be saved."""


class Deadline:
    """The minutes that one call of ``train`` may take; the data that it loads counts as well.

    Args:
        minutes: Until it has passed; None: it never does.
        clock: Seconds, from any beginning.
    """

    def __init__(self, minutes: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = math.inf if minutes is None else clock() + 60 * minutes

    def end(self) -> None:
        """Be over now."""
        self._end = -math.inf

    @property
    def passed(self) -> bool:
        """Whether the minutes are over."""
        return self._clock() >= self._end


def run(
    training: Training,
    config: Config,
    out: str | Path,
    *,
    device: torch.device,
    resume: bool = False,
    section: str = "training",
    deadline: Deadline | None = None,
) -> Outcome:
    """Train a task for its section's ``steps``, until its deadline, or until somebody asks it to stop.

    Args:
        training: The task, and what its checkpoints say and hold beside the weights.
        config: Its config.
        out: The run folder.
        device: Where the task lives, as `setup` returned it.
        resume: Go on with the run in `out`.
        section: The config's section, a `LoopConfig`, that says how long.
        deadline: When to stop all the same; the step that it passes in is the last one.

    Returns:
        "done", or "stopped" when a signal or the deadline ended it; both are saved.

    Raises:
        UserError: The folder is in use, the config differs from the run's, the disk is full, or a loss
            became NaN or infinite (the last good checkpoint is kept and named).
    """
    with Asked() as signals, contextlib.ExitStack() as stack:
        loop = _Loop(training, config, Path(out), device, section)
        if loop.processes.first:
            loop.prepare(resume, stack)
        loop.processes.agree([0])  # nobody reads the folder before it is there
        if resume:
            loop.restore()
        return loop.go(signals, deadline or Deadline())


class _Loop:
    def __init__(
        self, training: Training, config: Config, out: Path, device: torch.device, section: str
    ) -> None:
        self.task, self.starts, self.facts = training.task, training.starts, training.facts
        self.config, self.out, self.device, self.processes = config, out, device, distributed()
        self.settings: LoopConfig = getattr(config, section)
        self.section, self.log = section, Log(out)
        self.step, self.frames, self.seconds, self.best = 0, 0, 0.0, math.inf
        self.validation: dict[str, float] = {}
        self.sums: dict[str, Tensor] = {}
        self.summed = 0
        self.saved_step: int | None = None

    # ------------------------------------------------------------------------ the run folder

    def prepare(self, resume: bool, stack: contextlib.ExitStack) -> None:
        """Claim the run folder: a new one, or the one to go on with."""
        out = self.out
        try:
            check(self.config, out, resume, self.section)
            out.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locks.claimed(out))
            check(self.config, out, resume, self.section)  # whoever held it a moment ago may have filled it
        except OSError as error:
            raise UserError(f"{out}: cannot be used: {reason(error)}") from None
        storage.write_file(out / "config.yaml", self.config.dump().encode())
        (out / "samples").mkdir(exist_ok=True)

    def restore(self) -> None:
        """Go back to where the run was saved last; a run that was killed before that starts again."""
        folder = self.out / "resume"
        if not storage.exists(folder):
            return self.log.trim(0)
        files = storage.read_folder(folder, kind=RESUME_KIND, version=RESUME_VERSION)
        count = sum(file.endswith(".json") for file in files)
        rank = self.processes.rank if count == self.processes.count else 0  # all but chance is alike in all
        name = f"process{rank}"
        if not {f"{name}.json", f"{name}.safetensors"} <= files.keys():
            raise UserError(f"{folder}: the state of process {rank} is missing")
        state = decode(files[f"{name}.safetensors"], files[f"{name}.json"], str(folder))
        try:
            self.step, self.seconds, self.best = state["step"], state["seconds"], state["best"]
            self.validation = state["validation"]
            self.facts = {**state.get("facts", {}), **self.facts}
            self.task.load_state_dict(state["task"])
            # A run of before frames were counted: as if every step had been like the next one.
            self.frames = state.get("frames", self.step * self.task.frames_per_step * self.processes.count)
            if count == self.processes.count:
                set_rng_state(state["rng"])
            else:
                self._draw_anew(state["task"], count)
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise UserError(f"{folder}: does not fit this task: {one_line(error, 160)}") from None
        self.saved_step = self.step
        if self.processes.first:
            self.log.trim(self.step)

    def _draw_anew(self, task: dict[str, Any], before: int) -> None:
        """Give this process chance of its own: the run was made by another number of processes."""
        here, rank = self.processes.count, self.processes.rank
        seed = (self.config.seed + 1_000_003 * self.step + 7919 * here + rank) % 2**32  # no stream of before
        seed_everything(seed)
        if "generator" in task:
            self.task.load_state_dict({**task, "generator": torch.Generator().manual_seed(seed).get_state()})
        if self.processes.first:
            were = "1 process" if before == 1 else f"{before} processes"
            warnings.warn(
                f"{self.out}: until now {were}, from now on {here} and new random numbers; "
                "nothing else changes",
                stacklevel=1,
            )

    # ------------------------------------------------------------------------ the loop

    def go(self, signals: Asked, deadline: Deadline) -> Outcome:
        """Train until the end, a signal or the deadline."""
        settings = self.settings
        began = sampled = saved = logged = time.monotonic()
        already, logged_step, logged_frames = self.seconds, self.step, self.frames
        outcome: Outcome = "done"
        with self._bar() as bar:
            if self.step >= settings.steps and not self.validation:  # a run that was stopped shall end here
                self._log(bar, 1.0, 0.0, validate=True)
                self.save()
            elif self.step >= settings.steps and self._behind():
                self._save_checkpoint("last")
            while self.step < settings.steps:
                self.frames += self.task.frames_per_step * self.processes.count
                self._add(self.task.step())
                self.step += 1
                if signals.asked:
                    deadline.end()  # of the stages that would come after this one, too
                now = time.monotonic()
                self.seconds = already + now - began
                stop, sheet, save = self.processes.agree(
                    [
                        int(deadline.passed),
                        int(now - sampled >= 60 * settings.sample_minutes),
                        int(now - saved >= 60 * settings.checkpoint_minutes),
                    ]
                )
                last = self.step == settings.steps or bool(stop)
                validate = self.step % settings.validate_every == 0 or self.step == settings.steps
                log = last or validate or save or self.step % settings.log_every == 0
                if log:
                    passed = max(time.monotonic() - logged, 1e-9)
                    steps, frames = self.step - logged_step, self.frames - logged_frames
                    self._log(bar, steps / passed, frames / passed, validate)
                if save or last:  # first: where the disk is full, a sheet must not cost the weights
                    self.save()
                    saved = time.monotonic()
                if sheet or last:
                    self._sheet()
                    sampled = time.monotonic()
                if log:  # what was validated, drawn and saved is no part of the pace
                    logged, logged_step, logged_frames = time.monotonic(), self.step, self.frames
                bar.update(1)
                if stop:
                    outcome = "stopped" if self.step < settings.steps else "done"
                    break
        if self.processes.first:
            self.log.write({"step": self.step, "seconds": round(self.seconds, 3), "status": outcome})
        return outcome

    def _add(self, metrics: Mapping[str, Tensor]) -> None:
        """Sum metrics on the device: NaN and infinity stay in a sum, and nothing waits for the device."""
        for key, tensor in metrics.items():
            part = tensor.detach().float()
            self.sums[key] = self.sums[key] + part if key in self.sums else part
        self.summed += 1

    def _log(self, bar: tqdm, pace: float, frames: float, validate: bool) -> None:
        """Write a line of the log; `pace` is steps, and `frames` frames, per second since the last one."""
        names = list(self.sums)
        values = torch.stack([self.sums[name] for name in names]).tolist() if names else []
        losses = {name: total / self.summed for name, total in zip(names, values, strict=True)}
        self.sums, self.summed = {}, 0
        self._guard(losses)
        if validate:
            with same_rng():
                self.validation = {key: float(figure) for key, figure in self.task.validate().items()}
            self._guard(self.validation)
        record: dict[str, Any] = {
            "step": self.step,
            "seconds": round(self.seconds, 3),
            "frames_per_second": round(frames, 1),
            "eta_seconds": round(max(self.settings.steps - self.step, 0) / pace, 1),
            "losses": losses,
        }
        if validate:
            record["validation"] = self.validation
        if self.processes.first:
            shown = " ".join(f"{k} {v:.3g}" for k, v in losses.items())
            bar.set_postfix_str(f"{frames:.0f} frames/s {shown}", refresh=False)
        self._keep(record)

    def _keep(self, record: Mapping[str, Any]) -> None:
        """Write a line of the log and, if no validation was better, the best checkpoint.

        If they cannot be written, what a resume needs is saved before the training ends with that line.
        """
        before, failed = self.best, None
        try:
            if self.processes.first:
                self.log.write(record)
            score = record.get("validation", {}).get(self.task.score_key, math.inf)
            if score < self.best:
                self.best = score
                self._save_checkpoint("best")
        except _Broken:
            raise
        except UserError as error:
            self.best, failed = before, error
            self.validation = {}  # a run that has no step left is validated, and kept, when it is resumed
        if self.processes.agree([int(failed is not None)])[0]:
            self.save()
        if failed is not None:
            raise failed

    def _guard(self, figures: Mapping[str, float]) -> None:
        """Stop, in every process, when a figure is NaN or infinite in one of them."""
        bad = [key for key, figure in figures.items() if not math.isfinite(figure)]
        if self.processes.agree([int(bool(bad))])[0]:
            self._broken(f"{bad[0]} is {figures[bad[0]]}" if bad else "another process met NaN or infinity")

    def _broken(self, what: str) -> None:
        kept = "nothing had been saved yet"
        if self.saved_step is not None:
            kept = f"step {self.saved_step} is saved in {self.out / 'last'}"
        if self.processes.first:
            record = {"step": self.step, "seconds": round(self.seconds, 3), "status": "broken", "why": what}
            self.log.write(record)
        raise _Broken(f"training stopped at step {self.step}: {what}; {kept}")

    # ------------------------------------------------------------------------ what is written

    def save(self) -> None:
        """Save what a resume needs, and the newest checkpoint."""
        state = {
            "step": self.step,
            "frames": self.frames,
            "seconds": self.seconds,
            "best": self.best,
            "validation": self.validation,
            "facts": {key: str(fact) for key, fact in self.facts.items()},
            "rng": rng_state(),
            "task": self.task.state_dict(),
        }
        broken, mine = "", (b"", b"")
        try:
            mine = encode(state)
        except NotFinite as error:
            broken = f"{error} holds NaN or infinity"
        if self.processes.agree([int(bool(broken))])[0]:
            self._broken(broken or "another process met NaN or infinity")
        files: dict[str, bytes] = {}
        for rank, (tensors, shape) in enumerate(self.processes.gather(mine)):
            files |= {f"process{rank}.safetensors": tensors, f"process{rank}.json": shape}
        if self.processes.first:
            self.out.mkdir(parents=True, exist_ok=True)  # somebody may have deleted it
            storage.write_file(self.out / "config.yaml", self.config.dump().encode())
            storage.write_folder(self.out / "resume", files, kind=RESUME_KIND, version=RESUME_VERSION)
        self._save_checkpoint("last")
        self.saved_step = self.step

    def _behind(self) -> bool:
        """Whether last/ lacks what is in resume/: a kill or a full disk came between the two."""
        return facts_in(self.out / "last").get("steps", "").split(" of ")[0] != str(self.step)

    def _save_checkpoint(self, name: str) -> None:
        if not self.processes.first:
            return
        weights, extras = self.task.model.state_dict(), self.task.extras()
        for key, tensor in [item for part in (weights, *extras.values()) for item in part.items()]:
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                self._broken(f"weight {key} holds NaN or infinity")
        checkpoint.save(
            self.out / name,
            weights=weights,
            config=self.config,
            starts=self.starts,
            card={
                **self.facts,
                "device": describe(self.device),
                "processes": self.processes.count,
                "steps": f"{self.step} of {self.settings.steps}",
                "minutes": round(self.seconds / 60, 1),
                "frames seen": self.frames,
            },
            metrics={"validation": self.validation} if self.validation else None,
            extras=extras,
        )

    def _sheet(self) -> None:
        if not self.processes.first:
            return
        with same_rng():
            picture = Image.fromarray(self.task.sheet())
        data = io.BytesIO()
        picture.save(data, "PNG")
        storage.write_file(self.out / "samples" / f"{self.step:08d}.png", data.getvalue())

    def _bar(self) -> tqdm:
        terminal = sys.stderr.isatty()
        return tqdm(
            total=self.settings.steps,
            initial=self.step,
            desc=self.config.name,
            unit="step",
            disable=not self.processes.first,
            mininterval=0.2 if terminal else 30.0,  # a log file wants fewer lines
            dynamic_ncols=terminal,
        )
