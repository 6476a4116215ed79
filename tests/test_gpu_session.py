"""`benchmarks/gpu_session.sh` in small, on the CPU and without pygame: the first minute of a GPU is dear."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from gamesim import checkpoint

ROOT = Path(__file__).resolve().parent.parent


def session(tmp_path, *words):
    bare = tmp_path / "bare"
    bare.mkdir(exist_ok=True)
    (bare / "pygame.py").write_text("raise ImportError('there is no pygame here')\n")
    environment = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(bare), "OMP_NUM_THREADS": "1"}
    how = ["--device", "cpu", "--work", str(tmp_path / "work"), "--steps", "20", "--lanes", "1", "4"]
    command = ["bash", str(ROOT / "benchmarks" / "gpu_session.sh"), *map(str, words), *how]
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_session_makes_data_trains_measures_and_leaves_an_engine(tmp_path):
    small = ["--episodes", 40, "--judged", 2, "--reserve", 3]  # time enough on a busy machine, too
    done = session(tmp_path, 9, tmp_path / "out", "gamegan-tiny", "training.steps=30", *small)
    assert done.returncode == 0, done.stderr
    files = sorted((tmp_path / "out").iterdir())
    names = [file.name for file in files]
    assert names == ["engine.tar.gz", "evaluation.json", "report.md", "run.tar.gz", "sheet.png"]
    assert len(files) <= 8 and all(file.stat().st_size <= 16 * 2**20 for file in files)
    report = (tmp_path / "out" / "report.md").read_text()
    for found in ("| recorded | 40 episodes", "steps, done |", "| training speed |", "dream_speed.py"):
        assert found in report
    assert "not measured" not in report.partition("controller_speed")[0], "but for what no time was left for"
    for name in ("engine", "run"):
        with tarfile.open(tmp_path / "out" / f"{name}.tar.gz") as archive:
            archive.extractall(tmp_path / name, filter="data")
    assert (tmp_path / "run" / "metrics.jsonl").read_text().count("\n") > 1
    engine = checkpoint.load(tmp_path / "engine" / "engine", extras=True)
    assert "| weights | float16 |" in engine.card and engine.metrics["rules"]
    assert engine.extras["discriminators"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["0", "out"], "0 is not a number of minutes above 0"),
        (["1", "bare"], "bare: is not empty"),
        (["1", "out", "gamegna"], "unknown preset 'gamegna'"),
    ],
)
@pytest.mark.slow
def test_what_is_wrong_is_said_before_anything_is_made(tmp_path, words, complaint):
    done = session(tmp_path, *words)
    assert done.returncode != 0
    assert done.stderr.startswith("gpu_session: ") and complaint in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["bare"]
