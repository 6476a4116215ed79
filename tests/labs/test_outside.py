"""A lab of another package: one file and an entry point, then the list, the page and the command have it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gamesim import labs
from gamesim.cli import main
from toy_lab import TOY

TESTS = Path(__file__).parents[1]


@pytest.fixture
def lab(tmp_path):
    """`gamesim lab ...` where two more packages are installed, one of which is broken."""
    site = tmp_path / "site"
    for name, value in (("toy", "toy_lab:TOY"), ("broken", "no_such_module:X")):
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[gamesim.labs]\n{name} = {value}\n")
    where = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (site, TESTS, TESTS.parent)))}

    def run(*words):
        command = [sys.executable, "-m", "gamesim", "lab", *words]
        return subprocess.run(command, capture_output=True, text=True, env=where)

    return run


def test_an_entry_point_of_another_package_is_enough(lab, tmp_path):
    listed = lab()
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.splitlines()[0].startswith("vae ")
    assert listed.stdout.splitlines()[-1].split()[:2] == ["toy", "Toy"]
    assert "the labs of no_such_module:X are left out" in listed.stderr
    made = lab("toy", "--headless", "--out", str(tmp_path / "out"), "--steps", "3")
    assert json.loads(made.stdout) == {"steps": 3.0, "told": 0.0}
    assert (tmp_path / "out" / "page.png").exists()


def test_a_program_of_ones_own_registers_it(capsys):
    labs.register(TOY)
    try:
        assert main(["lab"]) == 0
        assert "toy" in capsys.readouterr().out
    finally:
        labs.remove("toy")
    assert main(["lab", "toy"]) == 2
