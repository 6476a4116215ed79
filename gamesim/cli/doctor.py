"""What this machine can run, and how fast: one line a fact, and exit code 0 when nothing is in the way."""

import importlib.util
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from gamesim import shipped
from gamesim.errors import UserError
from gamesim.text import one_line

PACKAGES = ("numpy", "gymnasium", "torch", "pygame", "pydantic", "yaml", "safetensors", "PIL", "tqdm")
CPU_ONLY = "uv pip install --torch-backend cpu --reinstall-package torch torch"
_INSTALL = "install with: pip install -e . (without a GPU: uv pip install --torch-backend cpu -e .)"
_STEPS = 60
# In a process of its own: a driver that hangs or crashes must not take the doctor with it.
_PROBE = "import pygame; pygame.{0}.init(); print(pygame.{1})"
_IMPORTS = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
        print(f"{name}:", flush=True)
    except BaseException as error:
        print(f"{name}:", type(error).__name__, *str(error).split(), flush=True)
"""


def main(checkpoints: Path | None = None) -> int:
    """Print the report.

    Args:
        checkpoints: A folder of checkpoints to time; None takes the shipped ones.

    Returns:
        0 when everything that is needed works, else 2.

    Raises:
        UserError: There is no folder `checkpoints`, or it cannot be read.
    """
    if checkpoints is not None and not checkpoints.is_dir():
        raise UserError(f"{checkpoints}: no such folder")
    if checkpoints is not None and not os.access(checkpoints, os.R_OK | os.X_OK):
        raise UserError(f"{checkpoints}: cannot be read")
    healthy = check_python()
    healthy &= check_packages()
    healthy &= check_pygame()
    _games()
    healthy &= check_torch()
    _window()
    return 0 if check_models(checkpoints) and healthy else 2


def _line(state: str, name: str, fact: str) -> bool:
    print(f"{state:4} {name:12} {fact}", flush=True)
    return state != "BAD"


def check_python() -> bool:
    fits = (3, 11) <= sys.version_info[:2] < (3, 14)
    where = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return _line("ok" if fits else "BAD", "python", where if fits else f"{where}; needs 3.11 to 3.13")


def check_packages() -> bool:
    missing = []
    for name in PACKAGES:
        try:
            if importlib.util.find_spec(name) is None:
                missing.append(name)
        except (ImportError, ValueError):
            missing.append(name)
    if missing:
        return _line("BAD", "packages", f"missing: {', '.join(missing)}; {_INSTALL}")
    if broken := _broken():
        return _line("BAD", "packages", f"cannot be loaded: {broken}; {_INSTALL}")
    return _line("ok", "packages", ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES[:2]))


def _broken() -> str:
    """The first package that is there but cannot be imported, and why; "" where all can be."""
    environment = dict(os.environ, PYGAME_HIDE_SUPPORT_PROMPT="1")
    names = sorted(PACKAGES, key="torch".__eq__)  # last: it imports some of the others
    command = [sys.executable, "-c", _IMPORTS, *names]
    how: Any = {"capture_output": True, "text": True, "errors": "replace", "env": environment}
    try:
        lines = subprocess.run(command, timeout=300, **how).stdout.splitlines()
    except (OSError, subprocess.TimeoutExpired) as error:
        return one_line(error)
    told = {name: why.strip() for name, _, why in (line.partition(":") for line in lines)}
    for name in names:
        if why := told.get(name, "the process crashed"):
            return one_line(f"{name} ({why})")
    return ""


def check_pygame() -> bool:
    found = {name: _installed(name) for name in ("pygame", "pygame-ce")}
    names = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    if all(found.values()):
        return _line("BAD", "pygame", f"{names} are both installed; pip uninstall both, then install pygame")
    return _line("ok" if names else "BAD", "pygame", names or "not installed")


def _games() -> None:
    """The packages of other people's games; none of them is needed."""
    extras = {"doom": "vizdoom", "box2d": "box2d", "atari": "ale-py"}
    found = {extra: _installed(name) for extra, name in extras.items()}
    there = ", ".join(f"{extras[extra]} {version}" for extra, version in found.items() if version)
    absent = ", ".join(extra for extra, version in found.items() if not version)
    more = f"extras not installed: {absent}" if absent else ""
    _line("ok" if there else "note", "games", "; ".join(fact for fact in (there, more) if fact))


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def check_torch() -> bool:
    try:
        import torch

        from gamesim.training.devices import pick_device

        build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
        _line("ok", "torch", f"{torch.__version__} ({build}), {torch.get_num_threads()} threads")
        if torch.version.cuda and not torch.cuda.is_available():
            _line("note", "torch", f"finds no GPU; the CPU build is gigabytes smaller: {CPU_ONLY}")
        device = pick_device("auto")
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
        return _line("ok", "device", f"{device.type} {name}".strip())
    except Exception as error:  # one that is installed by halves may raise anything
        return _line("BAD", "torch", f"cannot be loaded: {one_line(error, 200)}")


def _window() -> None:
    """Display and sound; without them training and recording still work, so neither is a failure."""
    driver = _probe("display", "display.get_driver(), *pygame.display.get_desktop_sizes()[0]")
    asked = os.environ.get("SDL_VIDEODRIVER", "")
    if driver is None or (driver.split()[0] in ("offscreen", "dummy") and not asked):  # SDL's last resort
        _line("note", "display", "none: the app cannot open here; everything else works")
    else:
        _line("ok", "display", driver)
    sound = _probe("mixer", "mixer.get_init()")
    _line(*(("note", "audio", "none: the app is silent") if sound is None else ("ok", "audio", sound)))


def _probe(part: str, what: str) -> str | None:
    environment = dict(os.environ, PYGAME_HIDE_SUPPORT_PROMPT="1")
    command = [sys.executable, "-c", _PROBE.format(part, what)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=20, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if result.returncode != 0:
        return None
    return result.stdout.strip().translate(str.maketrans("", "", "()'"))


def check_models(folder: Path | None) -> bool:
    """Time one dream of each checkpoint."""
    try:
        from gamesim import checkpoint
        from gamesim.evaluation import speed
    except Exception as error:  # likewise
        return _line("BAD", "models", f"cannot be timed: {one_line(error)}")
    folders = [folder] if folder else shipped.model_folders()
    alone = folder is not None and checkpoint.exists(folder)  # it is a model itself
    found = folders if alone else [path for each in folders for path in checkpoint.find(each)]
    if not found:
        _line("note", "models", f"none in {folders[0]}")
    healthy = True
    for path in found:
        try:
            took = speed.speed(path, _STEPS)
            pace = (
                f"{1000 / took['median_ms']:.0f} dream frames/s (99 % take at most {took['p99_ms']:.1f} ms)"
            )
            _line("ok", one_line(path.name), pace)
        except UserError as error:
            healthy = _line("BAD", one_line(path.name), one_line(error, 2000))
    return healthy
