"""Recordings replay byte for byte, and a recording that was changed is found out."""

import json
import shutil
from pathlib import Path

import pytest

from gamesim.agents.record import record
from gamesim.data.episode import Episode
from gamesim.data.store.index import scan
from gamesim.data.store.verify import verify
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    record("gamesim/Pacman-v0", "explorer", 6, folder, progress=False)
    return folder


@pytest.fixture
def folder(recorded: Path, tmp_path: Path) -> Path:
    """Six games that a test may damage."""
    return shutil.copytree(recorded, tmp_path / "games")


@pytest.mark.parametrize("env_id", ["Pacman", "PacmanMaze", "PacmanArcade"])
def test_every_game_replays(tmp_path: Path, env_id: str) -> None:
    record(f"gamesim/{env_id}-v0", "random", 8, tmp_path, num_envs=4, progress=False)
    report = verify(tmp_path)
    assert report.same == 8 and report.ok, report


def test_settings_replay_too(tmp_path: Path) -> None:
    settings = {"num_ghosts": 5, "grid_size": 20, "max_steps": 25, "food_density": 0.7}
    record(Recipe("gamesim/Pacman-v0", settings), "explorer", 8, tmp_path, progress=False)
    assert verify(tmp_path).same == 8


def change(folder: Path, what: str) -> str:
    file = scan(folder)[3].file
    episode = Episode.load(folder / file)
    if what == "pixel":
        episode.frames[7, 3, 4, 1] ^= 1
    elif what == "reward":
        episode.rewards[4] += 0.5
    elif what == "end":
        episode.terminated, episode.truncated = episode.truncated, episode.terminated
    elif what == "seed":
        episode.seed = 12345
    elif what == "action":
        episode.actions[2] = 200
    episode.save(folder / file)
    return file


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("pixel", "frame after step 6"),
        ("reward", "reward of step 4"),
        ("end", "end at step"),
        ("seed", "first frame"),
        ("action", "refuses"),
    ],
)
def test_a_change_is_found_and_named(folder: Path, what: str, named: str) -> None:
    file = change(folder, what)
    report = verify(folder)
    assert not report.ok and report.same == 5 and list(report.different) == [file]
    assert named in report.different[file]


def test_a_flipped_byte_on_disk_is_damage(folder: Path) -> None:
    path = folder / scan(folder)[2].file
    data = bytearray(path.read_bytes())
    data[data.index(b"blocks.npy") + 200] ^= 4
    path.write_bytes(data)
    report = verify(folder)
    assert not report.ok and report.same == 5 and len(report.damaged) == 1
    assert str(report) == "5 replay byte for byte, 1 are damaged"


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "[]",
        '{"id": "os:system", "kwargs": {}}',
        '{"id": "gamesim/Nothing-v0"}',
        '{"id": "CartPole-v1", "entry_point": "os:system", "kwargs": {"command": "false"}}',
        '{"id": "gamesim/Dream-v0", "kwargs": {"checkpoint": "x"}}',
    ],
)
def test_a_spec_is_never_code(folder: Path, spec: str) -> None:
    file = scan(folder)[0].file
    episode = Episode.load(folder / file)
    episode.env_spec = spec
    episode.save(folder / file)
    report = verify(folder)
    assert report.ok and list(report.skipped) == [file] and report.same == 5


@pytest.mark.parametrize("kwargs", [{"bad": 1}, {"grid_size": 10**9}, [], {"view": {}}, {"max_steps": "x"}])
def test_a_game_that_cannot_be_made_is_damage(folder: Path, kwargs: object) -> None:
    file = scan(folder)[0].file
    episode = Episode.load(folder / file)
    episode.env_spec = json.dumps({"id": "gamesim/Pacman-v0", "kwargs": kwargs})
    episode.save(folder / file)
    report = verify(folder)
    assert report.same + len(report.different) >= 5 and (kwargs == [] or list(report.damaged) == [file])


def test_nothing_to_verify_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no recordings"):
        verify(tmp_path)
