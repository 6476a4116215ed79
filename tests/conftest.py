"""What every test shares: one thread, no window, no sound; the whole suite runs in two processes."""

import gc
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

# A job in the background ignores some signals, and so do its children: here all of them mean what they say.
signal.signal(signal.SIGINT, signal.default_int_handler)
for name in ("SIGHUP", "SIGQUIT"):
    if hasattr(signal, name):
        signal.signal(getattr(signal, name), signal.SIG_DFL)

# Each process that trains loads torch's compiler: five seconds, or one where its bytecode may be kept.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

# How long an example takes says how busy the machine is, not whether a law holds.
hypothesis.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.load_profile("unhurried")


@pytest.hookimpl(tryfirst=True)  # before xdist's own, which reads these
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Without paths, `pytest` runs files in two processes, where pytest-xdist is there; -n says otherwise."""
    if hasattr(config, "workerinput") or not config.pluginmanager.has_plugin("xdist"):
        return
    asked = config.option
    if config.args_source == config.ArgsSource.TESTPATHS and asked.numprocesses is None and not asked.usepdb:
        asked.numprocesses, asked.dist = 2, "loadfile"


def pytest_collection_finish() -> None:
    """What has been imported stays: no collection of garbage has to look through it, torch's least of all."""
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("extra"):
        for package in mark.args:
            if importlib.util.find_spec(package) is None:
                pytest.skip(f"needs {package}")


@pytest.fixture(autouse=True)
def exact_numbers() -> Iterator[None]:
    """Trainings have the CPU take tiny numbers for 0; the next test has them all."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)
