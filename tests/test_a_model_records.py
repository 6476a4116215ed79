"""A model's own controller plays games to learn from: `record --policy MODEL`, with or without chance."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import toy_games
from gamesim import checkpoint, config, models
from gamesim.agents.controller import ControllerPolicy, EpsilonGreedyPolicy
from gamesim.agents.policy import known_policy
from gamesim.agents.record import record
from gamesim.agents.rollout import play
from gamesim.card import check_keys
from gamesim.cli import main
from gamesim.data.episode import PLAYERS, Episode
from gamesim.envs.meanings import written
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError
from gamesim.evaluation.controller import figures_of, known_game
from gamesim.evaluation.temperature import temperature_table
from gamesim.export.film import film_beside

GAME = Recipe("gamesim/Pacman-v0", {"max_steps": 12})


def saved(folder: Path, preset: str, **card: str) -> Path:
    """A model of the preset that has learned nothing, but likes one key in each of its states."""
    torch.manual_seed(0)
    made = config.load(preset)
    starts = checkpoint.Starts(
        torch.zeros(1, 1, 84, 84, 3, dtype=torch.uint8), torch.zeros(1, 0, dtype=torch.int64)
    )
    weights = models.build(made).state_dict()
    weights |= {name: torch.randn_like(w) for name, w in weights.items() if name.startswith("controller")}
    checkpoint.save(
        folder, weights=weights, config=made, starts=starts, card={"game": "gamesim/Pacman-v0"} | card
    )
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return saved(tmp_path_factory.mktemp("models") / "mine", "world-model-tiny")


def episodes(folder: Path) -> list[Episode]:
    return [Episode.load(file) for file in sorted(folder.rglob("*.npz"))]


def test_what_a_controller_plays_is_recorded_as_it_would_have_played(model: Path, tmp_path: Path) -> None:
    said = f"record --env gamesim/Pacman-v0 --policy {model} --episodes 3 --out {tmp_path / 'games'}"
    assert main([*said.split(), "max_steps=12"]) == 0
    found = episodes(tmp_path / "games")
    assert len(found) == 3 and all(PLAYERS[who] == "controller" for e in found for who in e.players)
    for episode in found:
        assert episode.seed is not None
        [again] = play(GAME, ControllerPolicy(model), 1, seed=episode.seed)
        assert again.actions.tolist() == episode.actions.tolist()


def test_epsilon_is_the_share_of_steps_with_random_keys_and_the_controller_knows_what_was_pressed(
    model: Path,
) -> None:
    frames = np.zeros((64, 84, 84, 3), np.uint8)

    def pressed(epsilon: float) -> np.ndarray:
        policy = EpsilonGreedyPolicy(model, 0, epsilon, (1, 4))
        return np.stack([policy.act(frames, {}) for _ in range(40)])

    def own(actions: np.ndarray) -> np.ndarray:
        """What the controller alone would have pressed after these keys."""
        policy, found = ControllerPolicy(model), []
        for taken in actions:
            found.append(policy.act(frames, {}))
            policy.took(taken)
        return np.stack(found)

    keys = ControllerPolicy(model).model.num_actions
    assert (own(pressed(0.0)) == pressed(0.0)).all()
    for epsilon in (0.3, 1.0):
        actions = pressed(epsilon)
        different = (own(actions) != actions).mean()
        assert abs(different - epsilon * (1 - 1 / keys)) < 0.06


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"policy": "nobody"}, "or a model, not 'nobody'"),
        ({"policy": "random", "epsilon": 0.5}, "epsilon works with a model only"),
        ({"epsilon": 1.5}, "epsilon must be a share from 0 to 1, not 1.5"),
        ({"epsilon": float("nan")}, "epsilon must be a share"),
        ({"hold": (1, 4)}, "without epsilon"),
        (
            {"env_id": Recipe("gamesim/Pacman-v0", size=64)},
            "learned frames of 84x84x3 and 5 keys; this game has 64x64x3",
        ),
    ],
)
def test_what_cannot_play_or_does_nothing_is_one_line_and_leaves_nothing(
    model: Path, tmp_path: Path, changes: dict, said: str
) -> None:
    usual = {"env_id": GAME, "policy": str(model), "episodes": 1, "out": tmp_path / "games"}
    with pytest.raises(UserError, match=said):
        record(**{**usual, **changes}, progress=False)
    assert not list(tmp_path.rglob("*.npz"))


def test_a_model_without_a_controller_is_told_so(tmp_path: Path) -> None:
    dreamer = saved(tmp_path / "dreamer", "gamegan-tiny")
    with pytest.raises(UserError, match="dreamer has no controller"):
        record(GAME, str(dreamer), 1, tmp_path / "games", progress=False)


def test_a_name_of_a_player_is_never_taken_for_a_folder(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "random").mkdir()
    monkeypatch.chdir(tmp_path)
    assert known_policy("random", GAME) is not None


def test_a_run_that_is_named_as_a_player_is_told_where_its_model_is(model: Path, tmp_path, capsys) -> None:
    shutil.copytree(model, tmp_path / "run" / "last")
    said = (
        f"record --env gamesim/Pacman-v0 --policy {tmp_path / 'run'} --episodes 1 --out {tmp_path / 'games'}"
    )
    assert main(said.split()) == 2
    assert f"the model of this run is {tmp_path / 'run' / 'last'}" in capsys.readouterr().err


def test_a_model_of_other_keys_records_nothing(tmp_path: Path) -> None:
    """As CarRacing with continuous=false, in which 1 is right, and with its numbers, where 1 is left."""
    turned = saved(tmp_path / "turned", "world-model-tiny", actions="NOOP, RIGHT, LEFT, UP, DOWN")
    with pytest.raises(UserError, match=r"learned the keys NOOP, RIGHT.*; those of this game are NOOP, LEFT"):
        record(GAME, str(turned), 1, tmp_path / "games", progress=False)
    assert not list((tmp_path / "games").rglob("*.npz"))


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ({"actions": "NOOP, RIGHT, LEFT, UP, DOWN"}, "learned the keys NOOP, RIGHT"),
        ({"recorded with": "--size 64"}, "learned frames of 84x84x3 and 5 keys; this game has 64x64x3"),
        ({"actions": "a, b"}, None),  # not what was written there: no word on its keys
    ],
)
def test_a_model_is_measured_in_no_game_of_other_keys(tmp_path: Path, card: dict, said: str | None) -> None:
    engine, loaded = checkpoint.load_model(saved(tmp_path / "edited", "world-model-tiny", **card))
    if said is None:
        assert known_game(engine, loaded).env_id == "gamesim/Pacman-v0"
        return
    with pytest.raises(UserError, match=said):
        figures_of(engine, loaded, 2, 0)
    with pytest.raises(UserError, match=said):
        temperature_table(loaded.folder, str(tmp_path), tmp_path / "table")


@pytest.mark.parametrize(
    "words", [["L\0T", " R\n", "\ud800"], ["go; left", "go right", ""], ["a", "b|c", "  "]]
)
def test_a_model_knows_the_words_of_its_own_game_again_whatever_they_are(tmp_path: Path, words) -> None:
    """A card is a line, in which nothing can stand that cannot be printed."""
    env = toy_games.Dot(actions=3, words=words)
    folder = saved(tmp_path / "odd", "world-model-tiny", actions=written(words, ()))
    check_keys(folder, env)
    with pytest.raises(UserError, match="learned the keys"):
        check_keys(folder, toy_games.Dot(actions=3, words=["x", "y", "z"]))


def test_a_dream_of_other_keys_is_not_filmed_beside_a_game(tmp_path: Path) -> None:
    turned = saved(tmp_path / "turned", "world-model-tiny", actions="NOOP, RIGHT, LEFT, UP, DOWN")
    with pytest.raises(UserError, match="learned the keys NOOP, RIGHT"):
        film_beside(str(turned), GAME, tmp_path / "both.gif")
