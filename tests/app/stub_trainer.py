"""Stands for ``python -m gamesim`` where a test needs a training without a network; writes what one does.

``python stub_trainer.py train PRESET --data DIR --out RUN ...`` logs a step every 20 ms until it is asked to
stop, and for as long as there is a file RUN/saving; PRESET "broken" fails, "slow" takes long to begin.
``evaluate CHECKPOINT --json FILE`` writes figures, with a progress bar; ``record ...`` writes what it was
asked for.
"""

import json
import signal
import sys
import time
from pathlib import Path

from gamesim import locks

words = sys.argv[1:]


def after(flag: str) -> str:
    return words[words.index(flag) + 1]


def train() -> int:
    if words[1] == "broken":
        print("gamesim: broken: there is something wrong with it", file=sys.stderr)
        return 2
    if words[1] == "slow":  # it still reads the recordings
        time.sleep(600)
    out, asked = Path(after("--out")), []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
    out.mkdir(parents=True, exist_ok=True)
    with locks.claimed(out), (out / "metrics.jsonl").open("a") as log:
        (out / "config.yaml").write_text("name: stub\nsystem: gamegan\ntraining: {steps: 1000}\n")
        for step in range(1, 20_001):
            line = {"step": step, "seconds": step / 50, "frames_per_second": 100.0, "eta_seconds": 60.0}
            log.write(json.dumps({**line, "losses": {"reconstruction": 1 / step, "outcome": 0.5}}) + "\n")
            log.flush()
            if asked and not (out / "saving").exists():
                log.write(json.dumps({"step": step, "seconds": 1.0, "status": "stopped"}) + "\n")
                return 0
            time.sleep(0.02)
    return 0


def evaluate() -> int:
    for share in (0, 50):
        print(f"\rdreaming: {share:3d}%|██   | {share}/100", end="", file=sys.stderr, flush=True)
        time.sleep(0.2)
    Path(after("--json")).write_text(json.dumps({"rules": {"kept_25": 0.97}, "speed": {"median_ms": 5.0}}))
    return 0


def record() -> int:
    out = Path(after("--out"))
    out.mkdir(parents=True, exist_ok=True)
    time.sleep(0.3)
    (out / "asked.json").write_text(json.dumps(words))
    return 0


if __name__ == "__main__":
    sys.exit({"train": train, "evaluate": evaluate, "record": record}[words[0]]())
