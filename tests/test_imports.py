"""The house: imports point up the list of rooms, heavy libraries stay where they belong."""

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    "errors",
    "text",
    "signals",
    "locks",
    "storage",
    "shipped",
    "outputs",
    "devices",
    "threads",
    "registry",
    "systems",
    "config",
    "envs",
    "card",
    "data",
    "models",
    "checkpoint",
    "dream",
    "agents",
    "export",
    "training",
    "evaluation",
    "labs",
    "app",
    "cli",
    "__main__",
)
"""From the top of the house down: a room may import those before it, and itself."""

APP = ("ui", "library", "labs", "game", "xray", "kit", "screens", "window")
"""The same inside of app/, where all other files come first: ui/ knows no games, library/ nothing played."""

NAMED = ("gamesim.app.kit.Kit", "gamesim.app.library.catalog.Title")
"""What a `Navigator` gives and takes: files above those may name them, for the type checker alone."""

FILES = sorted((ROOT / "gamesim").rglob("*.py"))
TORCH_FREE = (
    *("envs", "text", "signals", "locks", "storage", "shipped", "registry", "systems", "config", "errors"),
    *("agents", "app", "cli"),
)
TORCH_FREE_FILES = (
    *("data/episode.py", "data/recorder.py", "data/store/index.py"),
    *("labs/__init__.py", "labs/controls.py", "labs/panels.py"),
)
TORCH = ("agents/controller.py", "agents/ppo.py", "agents/dqn.py", "agents/gcn.py")
"""What plays by networks, in a room that is free of torch otherwise."""


def room(path: Path) -> str:
    return path.relative_to(ROOT / "gamesim").parts[0].removesuffix(".py")


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def imported(path: Path, *, top_level: bool = False, typing: bool = True) -> tuple[str, ...]:
    """The dotted names that a file imports.

    top_level: only those that importing the file imports; typing: also those for the type checker alone.
    """
    read = parsed(path)
    found = []
    for node in _statements(read, functions=not top_level, typing=typing and not top_level):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(found)


def _statements(node: ast.AST, *, functions: bool, typing: bool) -> Iterator[ast.stmt]:
    """All statements within one; expressions, which are most of a file, hold no imports."""
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(node, part, ()):
            if not functions and isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            if not typing and isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING":
                continue
            yield child
            yield from _statements(child, functions=functions, typing=typing)


def libraries(path: Path, *, top_level: bool = False) -> set[str]:
    return {name.split(".")[0] for name in imported(path, top_level=top_level)}


def test_every_room_of_the_list_is_there():
    assert set(ROOMS) == {room(path) for path in FILES} - {"__init__"}


def test_imports_point_up_the_list_of_rooms():
    for path in FILES:
        here = room(path)
        if here == "__init__":
            continue
        for name in imported(path):
            parts = name.split(".")
            if parts[0] != "gamesim" or parts[1] not in ROOMS:  # another library, or gamesim.__version__
                continue
            assert ROOMS.index(parts[1]) <= ROOMS.index(here), f"{path}: {here} must not import {parts[1]}"


def test_the_rooms_of_the_app_import_up_their_list():
    order = {name: place for place, name in enumerate(APP, 1)}
    for path in FILES:
        here = path.relative_to(ROOT / "gamesim").with_suffix("").parts
        if here[0] != "app" or here[1] == "__init__":
            continue
        at_run_time = imported(path, typing=False)
        for name in imported(path):
            there = name.split(".")[1:]
            if there[:1] == ["app"] and len(there) > 1 and (name not in NAMED or name in at_run_time):
                below = order.get(there[1], 0) <= order.get(here[1], 0)
                assert below, f"{path}: {here[1]} must not import {there[1]}"


def test_screens_see_a_navigator_and_nothing_below_the_window_knows_the_window():
    for path in FILES:
        if dotted(path) != "gamesim.app":  # which opens it
            assert not [name for name in imported(path) if name.startswith("gamesim.app.window")], path


def test_no_imports_go_in_a_circle():
    """Those in functions count, those for the type checker alone do not."""
    files = {dotted(path): path for path in FILES}
    above = {name: {found for found in targets(path, files) if found != name} for name, path in files.items()}
    while free := [name for name, needed in above.items() if not needed]:
        above = {name: needed - {*free} for name, needed in above.items() if name not in free}
    assert above == {}, "these import each other"


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def targets(path: Path, files: dict[str, Path]) -> Iterator[str]:
    """The files of ours that a file imports."""
    for name in imported(path, typing=False):
        if name in files or name.rpartition(".")[0] in files:
            yield name if name in files else name.rpartition(".")[0]


def test_what_is_skipped_without_a_package_has_the_mark_extra():
    """CI runs the fast tests without the extras, and those that have the mark with them, too."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        skipped = re.findall(r"importorskip\(['\"](\w+)", path.read_text(encoding="utf-8"))
        assert {*skipped} <= sys.stdlib_module_names, f"{path}: use pytest.mark.extra"


def test_pygame_lives_in_the_app_and_nowhere_else():
    for path in FILES:
        if room(path) != "app":
            assert "pygame" not in libraries(path), path


def test_rooms_that_must_start_fast_do_not_load_torch():
    for path in FILES:
        inside = path.relative_to(ROOT / "gamesim").as_posix()
        free = room(path) in TORCH_FREE and inside not in TORCH
        if free or inside in TORCH_FREE_FILES:
            assert "torch" not in libraries(path, top_level=True), path


def test_envs_need_numpy_and_gymnasium_only():
    allowed = {"numpy", "gymnasium", "gamesim", *sys.stdlib_module_names}
    extra = {"takecover.py": {"vizdoom"}}
    for path in (ROOT / "gamesim" / "envs").rglob("*.py"):
        assert libraries(path) <= allowed | extra.get(path.name, set()), path


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("gamesim", ("torch", "pygame", "pydantic")),
        ("gamesim.cli", ("torch", "pygame")),
        ("gamesim.app.window", ("torch",)),
    ],
)
def test_importing_loads_no_heavy_library(module, absent):
    script = f"import sys, {module}; print([name for name in {absent!r} if name in sys.modules])"
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.splitlines()[-1] == "[]"  # pygame greets on the lines before
