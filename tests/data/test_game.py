"""What a folder of recordings tells of its game."""

import json
from pathlib import Path

import numpy as np
import pytest

import toy_games
from gamesim.agents import rollout
from gamesim.agents.record import record
from gamesim.data.game import Game, recorded_game
from gamesim.data.store.index import scan
from gamesim.errors import UserError
from recordings import make_episode

toy_games.register()
PAIRS = ((1, 2), (3, 4))


def spec(name: str) -> str:
    return json.dumps({"id": name, "kwargs": {}})


def test_recordings_say_what_their_game_is(tmp_path: Path) -> None:
    record("gamesim/Pacman-v0", "random", 2, tmp_path, progress=False)
    assert recorded_game(tmp_path) == Game(84, 84, 5, True, PAIRS)


def test_they_say_it_of_games_that_are_not_installed(tmp_path: Path) -> None:
    meanings = ("", "", "", "LEFT", "RIGHT", "")
    make_episode(2, env_spec=spec("gone/Game-v0"), action_meanings=meanings).save(tmp_path / "e.npz")
    assert recorded_game(tmp_path) == Game(8, 8, 6, True, ((3, 4),)), "though two of them were used"


@pytest.mark.parametrize(
    ("game", "told"),
    [("gamesim/Pacman-v0", (5, True, PAIRS)), ("toys/Nine-v0", (9, True, ((0, 1), (2, 3))))],
)
def test_old_ones_name_the_game_and_it_is_asked(tmp_path: Path, game: str, told: tuple) -> None:
    make_episode(2, env_spec=spec(game)).save(tmp_path / "e.npz")
    assert recorded_game(tmp_path) == Game(8, 8, *told)


@pytest.mark.parametrize("named", [*map(spec, ("gone/Game-v0", "gamesim/Dream-v0", "os:Game-v0")), "", "7"])
def test_where_nobody_can_say_the_highest_action_has_to_do(tmp_path: Path, named: str) -> None:
    for tag, highest in enumerate((1, 6, 3)):
        actions = np.full(4, highest, np.uint8)
        make_episode(4, tag, env_spec=named, actions=actions).save(tmp_path / f"e{tag}.npz")
    assert recorded_game(tmp_path) == Game(8, 8, 7, False, ())


def test_new_recordings_beside_old_ones_speak_for_them(tmp_path: Path) -> None:
    named = spec("gone/Game-v0")
    make_episode(4, 0, env_spec=named).save(tmp_path / "a.npz")
    make_episode(4, 1, env_spec=named, action_meanings=("",) * 9).save(tmp_path / "b.npz")
    assert recorded_game(tmp_path) == Game(8, 8, 9, True, ())


def test_a_stray_recording_and_a_damaged_one_do_not_count(tmp_path: Path) -> None:
    for tag in range(3):
        make_episode(4, tag).save(tmp_path / f"e{tag}.npz")
    make_episode(4, 3, size=16, action_meanings=("",) * 9).save(tmp_path / "a.npz")
    scan(tmp_path)
    path = tmp_path / "e0.npz"
    path.write_bytes(path.read_bytes()[:300])
    assert recorded_game(tmp_path) == Game(8, 8, 5, True, PAIRS)


def test_a_game_is_recorded_with_as_many_actions_as_it_has() -> None:
    (episode,) = rollout.play("toys/Three-v0", "random", 1, seed=0)
    assert episode.action_meanings == ("", "", "")


def test_nothing_to_learn_from_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        recorded_game(tmp_path / "nowhere")
    with pytest.raises(UserError, match="no recordings"):
        recorded_game(tmp_path)
    (tmp_path / "e.npz").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"e\.npz"):
        recorded_game(tmp_path)
