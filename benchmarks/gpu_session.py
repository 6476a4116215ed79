"""From nothing to a trained engine within some minutes of a machine with a GPU (docs/gpu.md).

bash benchmarks/gpu_session.sh MINUTES OUT [PRESET] [KEY=VALUE ...] [--device cuda] [--init CHECKPOINT]
    [--data DIR] [--episodes 20000] [--reserve 4] [--judged 200] [--lanes 1 256 2048] [--work runs/session]

It records games on all cores, trains for what is left of MINUTES, evaluates, and measures speeds. OUT gets at
most 8 files of at most 16 MiB each:

- report.md: what was done and measured, and how long each part took.
- engine.tar.gz, or parts of it: the checkpoint, in half precision.
- evaluation.json: what ``main.py evaluate`` found.
- sheet.png: the newest sheet: real above, dreamt below.
- run.tar.gz: the logs, and sheets from all along the run.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from gamesim import checkpoint, config
from gamesim.errors import UserError
from gamesim.systems import parts, systems

BEGAN = time.monotonic()
ROOT = Path(__file__).resolve().parent.parent
PART = 16 * 2**20
"""Bytes of a file that is left in OUT, at most."""
PARTS = 4
"""Of the engine, at most."""
SHEETS = 12 * 2**20
"""Bytes of sheets that are kept."""
NOT_MEASURED = "not measured"


def main() -> int:
    session = Session(_arguments())
    for part in (session.record, session.train, session.ship, session.evaluate, session.speeds):
        began = time.monotonic()
        part()
        session.say(part.__name__, f"{time.monotonic() - began:.0f} s")
    session.report()
    return 0


class Session:
    """The parts of a session, in order; what each finds goes into the report."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.asked = arguments
        self.config = config.load(arguments.preset, arguments.settings)
        self.seconds = 60 * arguments.minutes
        self.reserve = min(60 * arguments.reserve, self.seconds / 3)
        self.out, self.work = Path(arguments.out), Path(arguments.work)
        self.run, self.engine = self.work / "run", self.work / "engine"
        for folder in (self.out, self.run):
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise UserError(f"{folder}: is not empty")
            folder.parent.mkdir(parents=True, exist_ok=True)
        self.out.mkdir(exist_ok=True)
        self.facts: list[tuple[str, str]] = []
        self.blocks: list[str] = []
        self.say("preset", " ".join([arguments.preset, *arguments.settings]))
        self.say("device", _device(arguments.device))
        self.say("minutes", f"{arguments.minutes:g}")

    def say(self, what: str, found: str) -> None:
        self.facts.append((what, found))
        print(f"gpu_session: {what}: {found}", flush=True)

    @property
    def left(self) -> float:
        """Seconds until the session is over."""
        return self.seconds - (time.monotonic() - BEGAN)

    # -- the parts -----------------------------------------------------------------------------------

    def record(self) -> None:
        """Record games, a process for each core with a seed of its own, into one folder."""
        self.data = Path(self.asked.data or self.work / "recordings")
        if self.asked.data:
            return
        cores = min(os.cpu_count() or 1, self.asked.episodes)
        shares = [(self.asked.episodes + core) // cores for core in range(cores)]
        how = {
            "cwd": ROOT,
            "env": {**os.environ, "OMP_NUM_THREADS": "1"},
            "stderr": subprocess.PIPE,
            "text": True,
        }
        words = [
            sys.executable,
            "main.py",
            "record",
            "--env",
            self.asked.env,
            "--out",
            str(self.data.resolve()),
        ]
        recorders = [
            subprocess.Popen([*words, "--seed", str(seed), "--episodes", str(share)], **how)
            for seed, share in enumerate(shares)
        ]
        for recorder in recorders:
            _, errors = recorder.communicate()
            if recorder.returncode:
                raise UserError(f"record: {errors.strip().splitlines()[-1]}")
        self.say("recorded", f"{self.asked.episodes} episodes on {cores} cores")

    def train(self) -> None:
        """Train until the reserve; a step that turns out to be no CUDA graph goes on without."""
        begin = ["--init", str(Path(self.asked.init).resolve())] if self.asked.init else []
        try:
            self._train(begin)
        except UserError:
            self.say("CUDA graphs", "off: the training failed with them")
            off = [f"{section}.graphs=false" for section in systems()[self.config.system].sections]
            try:
                self._train([*(["--resume"] if self._newest() else begin), *off])
            except UserError as error:
                if self._newest() is None:
                    raise
                self.say("training", f"broke off: {error}")
        logs = [_log(file) for file in _logs(self.run)]
        rates = [line["frames_per_second"] for log in logs for line in log if "frames_per_second" in line]
        last = logs[-1][-1] if logs else {}
        self.say("trained", f"{last.get('step', 0)} steps, {last.get('status', 'unknown')}")
        self.say("training speed", f"{statistics.median(rates):,.0f} frames/s" if rates else NOT_MEASURED)

    def _train(self, words: Sequence[str]) -> None:
        minutes = max((self.left - self.reserve) / 60, 0.05)
        where = ["--data", str(self.data.resolve()), "--out", str(self.run.resolve())]
        how = ["--device", self.asked.device, "--minutes", f"{minutes:.3f}"]
        settings = [*self.asked.settings, *words]
        _main(["train", self.asked.preset, *where, *how, *settings], limit=None)

    def _newest(self) -> Path | None:
        """The newest checkpoint of the run: of a world model, the one with the most parts trained."""
        places = [self.run / "last", *(self.run / stage / "last" for stage in reversed(parts()))]
        return next((place for place in places if checkpoint.exists(place)), None)

    def ship(self) -> None:
        """Pack the newest weights, logs and sheets."""
        newest = self._newest()
        if newest is None:
            raise UserError("the training left no checkpoint")
        checkpoint.ship(newest, self.engine)
        self._pack()
        sheets = sorted(self.run.rglob("samples/*.png"), key=lambda file: file.stat().st_mtime, reverse=True)
        if sheets:
            (self.out / "sheet.png").write_bytes(sheets[0].read_bytes())
        kept, size = [], 0
        for sheet in sheets:
            size += sheet.stat().st_size
            kept += [sheet] if size < SHEETS else []
        configs = sorted(self.run.rglob("config.yaml"))
        (self.out / "run.tar.gz").write_bytes(_packed(self.run, [*_logs(self.run), *configs, *kept]))

    def evaluate(self) -> None:
        """Judge what is shipped, and pack it anew with its figures on its card."""
        words = ["--json", str((self.out / "evaluation.json").resolve()), "--card"]
        how = ["--device", self.asked.device, "--episodes", str(self.asked.judged)]
        try:
            _main(["evaluate", str(self.engine.resolve()), *words, *how], limit=0.75 * self.left, quiet=True)
        except UserError as error:
            return self.say("evaluation", f"{NOT_MEASURED}: {error}")
        self._pack()

    def speeds(self) -> None:
        """Measure dreams in batches, and a generation of C's training."""
        dreams = ["--steps", str(self.asked.steps), "--lanes", *map(str, self.asked.lanes)]
        for words in (
            ["dream_speed.py", str(self.engine.resolve()), *dreams],
            ["controller_speed.py", "--steps", str(self.asked.steps)],
        ):
            try:
                said = _python(
                    [f"benchmarks/{words[0]}", *words[1:], "--device", self.asked.device], self.left
                )
            except UserError as error:
                said = f"{NOT_MEASURED}: {error}"
            self.blocks.append(f"benchmarks/{words[0]}:\n\n```\n{said.strip()}\n```\n")

    def report(self) -> None:
        """Write report.md."""
        parts = sorted(self.out.glob("engine.tar.gz*"))
        join = "tar -xzf engine.tar.gz" if len(parts) == 1 else "cat engine.tar.gz.* | tar -xz"
        self.say("in all", f"{time.monotonic() - BEGAN:.0f} s")
        table = ["| | |", "|---|---|", *(f"| {what} | {found} |" for what, found in self.facts)]
        text = f"`{join}` gives the folder `engine/`, for `main.py play` and `main.py train --init`."
        lines = ["# A session on a GPU", "", text, "", *table, "", *self.blocks]
        (self.out / "report.md").write_text("\n".join(lines))

    def _pack(self) -> None:
        """Leave the engine in OUT, in parts where it has to be; without its extras if those are too many."""
        data = _packed(self.work, sorted(self.engine.iterdir()))
        if len(data) > PARTS * PART:
            self.say("left out", "what training alone needs (discriminators): too large")
            checkpoint.ship(self.engine, self.engine, extras=False)
            data = _packed(self.work, sorted(self.engine.iterdir()))
        for old in self.out.glob("engine.tar.gz*"):
            old.unlink()
        parts = [data[at : at + PART] for at in range(0, len(data), PART)]
        for number, part in enumerate(parts):
            (self.out / ("engine.tar.gz" + (f".{number}" if len(parts) > 1 else ""))).write_bytes(part)


# ---------------------------------------------------------------------------------- what it takes


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("minutes", type=float, help="minutes for all of it together")
    parser.add_argument("out", help="a new folder, or an empty one")
    parser.add_argument("preset", nargs="?", default="gamegan")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="settings of the preset")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--init", metavar="CHECKPOINT", help="begin from this engine's weights")
    parser.add_argument("--data", metavar="DIR", help="existing recordings (default: record new ones)")
    parser.add_argument("--env", default="gamesim/Pacman-v0", help="the game to record")
    parser.add_argument("--episodes", type=int, default=20_000, help="games to record")
    parser.add_argument(
        "--reserve", type=float, default=4.0, help="minutes for what comes after the training"
    )
    parser.add_argument("--judged", type=int, default=200, help="episodes of the evaluation")
    parser.add_argument("--steps", type=int, default=300, help="steps of the dreams whose speed is measured")
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 256, 2048], help="dreams at once")
    parser.add_argument("--work", default="runs/session", help="recordings and the run folder")
    asked = parser.parse_intermixed_args()
    if not 0 < asked.minutes < 10_000:
        raise UserError(f"{asked.minutes:g} is not a number of minutes above 0")
    return asked


def _main(words: Sequence[str], limit: float | None, quiet: bool = False) -> None:
    """Run a command of gamesim; its progress is seen, and what it prints unless `quiet`."""
    printed = subprocess.DEVNULL if quiet else None
    try:
        done = subprocess.run([sys.executable, "main.py", *words], cwd=ROOT, stdout=printed, timeout=limit)
    except subprocess.TimeoutExpired:
        raise UserError(f"{words[0]}: there was no time left for it") from None
    if done.returncode:
        raise UserError(f"{words[0]}: ended with exit code {done.returncode}")


def _python(words: Sequence[str], limit: float) -> str:
    """What a script prints."""
    try:
        done = subprocess.run(
            [sys.executable, *words], cwd=ROOT, timeout=max(limit, 1), capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        raise UserError("there was no time left for it") from None
    if done.returncode:
        raise UserError((done.stderr.strip().splitlines() or ["it failed"])[-1])
    return done.stdout


def _device(name: str) -> str:
    cores = f"{os.cpu_count()} CPU cores, torch {torch.__version__}"
    return f"{torch.cuda.get_device_name()}, {cores}" if name == "cuda" else f"{name}, {cores}"


def _logs(run: Path) -> list[Path]:
    """The logs of a run's parts, the one that was written last at the end."""
    return sorted(run.rglob("metrics.jsonl"), key=lambda file: file.stat().st_mtime)


def _log(file: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def _packed(root: Path, files: Iterable[Path]) -> bytes:
    """Files as a .tar.gz, by their places under `root`."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz", compresslevel=1) as archive:
        for file in files:
            archive.add(file, file.relative_to(root))
    return data.getvalue()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(f"gpu_session: {error}")
