"""Packages beside gamesim that add something to it by an entry point, for processes that tests start."""

import os
from collections.abc import Mapping
from pathlib import Path

TESTS = Path(__file__).parent


def installed(site: Path, group: str, values: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that finds a package of each name (name -> value) in `site`."""
    for name, value in values.items():
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (site, TESTS, TESTS.parent)))}
