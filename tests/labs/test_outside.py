"""A lab of another package: one file and an entry point, then the list, the page and the command have it."""

import json
import subprocess
import sys

import pytest

from elsewhere import installed
from gamesim import labs
from gamesim.cli import main
from toy_lab import TOY


@pytest.fixture
def lab(tmp_path):
    """`gamesim lab ...` where two more packages are installed, one of which is broken."""
    packages = {"toy": "toy_lab:TOY", "broken": "no_such_module:X"}
    where = installed(tmp_path / "site", "gamesim.labs", packages)

    def run(*words):
        command = [sys.executable, "-m", "gamesim", "lab", *words]
        return subprocess.run(command, capture_output=True, text=True, env=where)

    return run


@pytest.mark.slow
def test_an_entry_point_of_another_package_is_enough(lab, tmp_path):
    listed = lab()
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.splitlines()[0].startswith("vae ")
    assert listed.stdout.splitlines()[-1].split()[:2] == ["toy", "Toy:"]
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
