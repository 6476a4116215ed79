"""How many frames a second `train` learns from, here and, with --against, at another commit.

python benchmarks/training_speed.py PRESET [--against REV [--against-preset NAME]] [--steps 30] [--rounds 1]
    [--device cpu] [--threads 1] [--data DIR] [KEY=VALUE ...]

Both run `main.py train` with the same settings KEY=VALUE, in turns, and what is told is its own log: the time
of all steps but the first few, without validation, sheets and checkpoints. Batches are equal where both
presets have the same data.batch_size and data.segment: give them. A schedule passes from its beginning to its
end in these few steps.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gamesim import config
from gamesim.errors import UserError
from gamesim.systems import systems

HERE = Path(__file__).resolve().parent.parent
LINES = 6
"""Lines of the log; the first covers the steps in which everything has yet to warm up."""
EPISODES = 64


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("preset")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--against", metavar="REV", help="a commit of this repository")
    parser.add_argument("--against-preset", metavar="NAME", help="what the preset is called there")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=1, help="how often each of them runs")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--data", help="folder of recordings (default: record some)")
    parser.add_argument("--json", metavar="FILE", help="write the figures, too")
    arguments = parser.parse_intermixed_args()
    sections = systems()[config.load(arguments.preset).system].sections
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        sides = {"here": (HERE, arguments.preset)}
        if arguments.against:
            checkout = checked_out(arguments.against, work / "against")
            sides[arguments.against] = checkout, arguments.against_preset or arguments.preset
        # The older side records: what it wrote the newer one reads, too.
        data = arguments.data or recorded(list(sides.values())[-1][0], work / "data")
        found: dict[str, dict[str, list[float]]] = {side: {} for side in sides}
        for turn in range(arguments.rounds):
            for side, (checkout, preset) in sides.items():
                out = work / f"{side.replace('/', '-')}-{turn}"
                words = [preset, "--data", data, "--out", out, "--device", arguments.device]
                run(checkout, ["train", *words, *how(sections, arguments), *arguments.settings])
                for part, speed in speeds(out, sections).items():
                    found[side].setdefault(part, []).append(speed)
                    print(f"{side:12} {preset} {part}: {speed:,.0f} frames/s", flush=True)
    best = {side: {part: max(each) for part, each in parts.items()} for side, parts in found.items()}
    for part in best["here"] if arguments.against else ():
        ratio = best["here"][part] / best[arguments.against][part]
        print(f"{part}: {ratio:.2f} times {arguments.against} (the best of each)")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"device": arguments.device, "best": best}) + "\n")
    return 0


def how(sections: Sequence[str], arguments: argparse.Namespace) -> list[str]:
    """Settings under which nothing but steps takes time."""
    settings = {
        "steps": arguments.steps,
        "log_every": max(1, arguments.steps // LINES),
        "validate_every": 1_000_000,
        "threads": arguments.threads,
    }
    return [f"{section}.{key}={value}" for section in sections for key, value in settings.items()]


def speeds(out: Path, sections: Sequence[str]) -> dict[str, float]:
    """Frames a second of each training in a run folder: all of its log lines but the first, by time."""
    found = {}
    for section in sections:
        file = next(each for each in (out / section, out) if (each / "metrics.jsonl").is_file())
        lines = [json.loads(line) for line in (file / "metrics.jsonl").read_text().splitlines()]
        rates = [line["frames_per_second"] for line in lines if "frames_per_second" in line]
        rates = rates[1:] or rates
        found[section] = len(rates) / sum(1 / rate for rate in rates)
    return found


def checked_out(revision: str, folder: Path) -> Path:
    """The files of a commit, in a folder of their own."""
    packed = subprocess.run(["git", "archive", revision], cwd=HERE, capture_output=True, check=False)
    if packed.returncode:
        raise UserError(f"--against {revision}: {packed.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def recorded(checkout: Path, folder: Path) -> Path:
    words = ["--env", "gamesim/Pacman-v0", "--episodes", str(EPISODES), "--out", folder]
    run(checkout, ["record", *words])
    return folder


def run(checkout: Path, words: Sequence[object]) -> None:
    """Runs one command of the gamesim in `checkout`."""
    done = subprocess.run(
        [sys.executable, "main.py", *map(str, words)],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UserError(f"{' '.join(map(str, words[:2]))}: {done.stderr.strip().splitlines()[-1]}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(f"training_speed: {error}")
