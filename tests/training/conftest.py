"""What the trainings share: recordings, and as little to look at between steps as will do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gamesim.agents.record import record
from gamesim.training import cma_es as controller
from gamesim.training import gamegan, tilemap
from gamesim.training import mdn_rnn as memory
from gamesim.training import vae as vision


@pytest.fixture(scope="session")
def plays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six recorded games."""
    folder = tmp_path_factory.mktemp("plays")
    record("gamesim/Pacman-v0", "explorer", 6, folder, seed=1, progress=False)
    return folder


@pytest.fixture(scope="module", autouse=True)
def short_looks() -> Iterator[None]:
    """Validation and sheets of a few lanes: of a run of six steps they would be nearly all the work."""
    with pytest.MonkeyPatch.context() as patch:
        for task in (gamegan, tilemap):
            patch.setattr(task, "VALIDATION_LANES", 2)
            patch.setattr(task, "SHEET_ROWS", 1)
        patch.setattr(memory, "VALIDATION_LANES", 16)
        patch.setattr(vision, "VALIDATION_FRAMES", 16)
        patch.setattr(vision, "SHEET_ROWS", 1)
        patch.setattr(controller, "VALIDATION_DREAMS", 4)
        patch.setattr(controller, "SHEET_ROWS", 1)
        patch.setattr(controller, "SHEET_STEPS", 4)
        yield
