"""The table of transfer: what a row is, what is kept of it, and an agent that learns inside a dream."""

import json

import gymnasium as gym
import numpy as np
import pytest
import torch

from gamesim import checkpoint
from gamesim.checkpoint import Starts
from gamesim.config import load
from gamesim.dream import DreamVectorEnv
from gamesim.envs.layouts import FLAG, FLOOR, FOOD, GHOST, OUTSIDE, PACMAN, WALL
from gamesim.errors import UserError
from gamesim.evaluation import transfer as room
from gamesim.evaluation.transfer import Budget, Row, table, transfer
from worlds import Ideal, Network

SMALL = Budget(steps=64, episodes=6, lanes=4)


def test_a_row_is_a_policy_a_checkpoint_or_a_controller(tmp_path):
    engine = tmp_path / "engine"
    engine.mkdir()
    (engine / "manifest.json").write_text("{}")
    assert Row.of("random") == Row("random", "random")
    assert Row.of(f"{engine}") == Row("engine", str(engine))
    assert Row.of(f"ours=controller:{engine}") == Row("ours", f"controller:{engine}")
    with pytest.raises(UserError, match="nowhere"):
        Row.of("x=nowhere")
    with pytest.raises(UserError, match=r"\.\./x"):
        Row.of("../x=random")


def test_rows_are_kept_and_not_played_again(tmp_path, monkeypatch):
    rows = [Row.of("random"), Row.of("explorer")]
    told = []
    found = transfer(rows, SMALL, range(2), tmp_path, told.append)
    assert told == ["random, seed 0", "random, seed 1", "explorer, seed 0", "explorer, seed 1"]
    assert found["random"]["seeds"] == 2
    assert found["random"]["episodes"] == 12
    assert found["random"]["score"] < found["explorer"]["score"]
    assert found["random"]["share"] is None  # of what?
    monkeypatch.setattr(room, "score", None)
    assert transfer(rows, SMALL, range(2), tmp_path, told.append) == found
    assert len(told) == 4
    with pytest.raises(UserError, match="other settings"):
        transfer(rows, Budget(steps=65, episodes=6, lanes=4), range(1), tmp_path)
    (tmp_path / "random" / "seed-0.json").write_text("[")
    with pytest.raises(UserError, match=r"seed-0\.json"):
        transfer(rows, SMALL, range(1), tmp_path)


def test_scores_errors_and_shares(tmp_path):
    rows = [Row("real", "real"), Row("dream", "dream"), Row("random", "random")]
    for row, returns in zip(rows, ([2.0, 4.0], [0.5, 1.0], [0.0, 0.0]), strict=True):
        (tmp_path / row.name).mkdir()
        for seed, each in enumerate(returns):
            kept = {"row": vars(row), "budget": vars(SMALL), "seed": seed, "returns": [each - 1, each + 1]}
            (tmp_path / row.name / f"seed-{seed}.json").write_text(json.dumps(kept))
    found = room.figures(rows, SMALL, tmp_path)
    assert found["real"]["score"] == 3
    assert found["real"]["error"] == pytest.approx(
        1
    )  # two seeds, one from the mean each: 2 / sqrt(2) / sqrt(2)
    # Nothing was trained: four episodes, one from the mean each.
    assert found["random"]["error"] == pytest.approx((4 / 3) ** 0.5 / 2)
    assert found["dream"]["share"] == 0.25
    assert "25.0%" in table(found)
    assert len(table(found).splitlines()) == 4


@pytest.fixture
def agents():
    from gamesim.agents import ppo as agents

    return agents


def test_without_the_extra_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "gamesim.agents.ppo", None)
    with pytest.raises(UserError, match="extra 'agents'"):
        transfer([Row.of("real")], SMALL, range(1), tmp_path)


@pytest.mark.extra("sb3_contrib")
def test_a_lane_that_is_over_shows_its_next_game_at_once(agents, real):
    games = agents.Games(
        gym.make_vec("gamesim/Pacman-v0", 3, vectorization_mode="vector_entry_point", max_steps=2)
    )
    games.seed(5)
    first = games.reset()
    for _ in range(2):
        games.step_async(np.zeros(3, np.int64))
        frames, rewards, over, infos = games.step_wait()
    assert over.all()
    assert (rewards == -1).all()
    assert (infos[0]["terminal_observation"] == first[0]).all()
    assert (frames != first).any()
    starts = Starts(torch.from_numpy(real.frames[:2]), torch.from_numpy(real.actions[:2, :7]))
    dream = agents.Games(DreamVectorEnv((Ideal(ghosts=False), starts), 3, max_steps=1), cut_off=-1.0)
    dream.reset()
    dream.step_async(np.zeros(3, np.int64))
    assert (dream.step_wait()[1] == -1).all()


@pytest.mark.extra("sb3_contrib")
def test_frames_that_cannot_be_shrunk_are_refused_in_one_line(agents):
    class Odd(gym.vector.VectorEnv):
        num_envs, single_action_space = 1, gym.spaces.Discrete(5)
        single_observation_space = gym.spaces.Box(0, 255, (84, 90, 3), np.uint8)

    with pytest.raises(UserError, match="multiples of 4, not 84x90"):
        agents.Games(Odd())


@pytest.mark.extra("sb3_contrib")
def test_a_shrunk_picture_still_tells_all_tiles_apart(agents):
    game = gym.make_vec("gamesim/Pacman-v0", 32, vectorization_mode="vector_entry_point")
    game.reset(seed=3)
    for _ in range(12):  # ghosts begin out of sight
        frames, _, _, _, info = game.step(np.arange(32) % 5)
    small = agents.shrink(frames)
    means = frames.reshape(32, 21, 4, 21, 4, 3).mean((2, 4))
    assert small.dtype == np.uint8
    assert (small == np.floor(means).transpose(0, 3, 1, 2)).all()
    tiles = small.reshape(32, 3, 7, 3, 7, 3).transpose(0, 2, 4, 1, 3, 5).reshape(-1, 27)
    kinds: dict[bytes, set[int]] = {}
    for tile, kind in zip(tiles, info["cells"].ravel().tolist(), strict=True):
        kinds.setdefault(tile.tobytes(), set()).add(kind)
    assert all(len(each) == 1 for each in kinds.values())
    assert set.union(*kinds.values()) == {FLOOR, WALL, FOOD, FLAG, PACMAN, GHOST, OUTSIDE}


@pytest.mark.extra("sb3_contrib")
def test_the_quick_reader_reads_what_the_library_s_own_does(agents):
    torch.manual_seed(0)
    lstm = torch.nn.LSTM(8, 4)
    features, states = torch.randn(3 * 5, 8), (torch.randn(1, 3, 4), torch.randn(1, 3, 4))
    begins = torch.zeros(3, 5)
    begins[1, 0] = 1  # one of three sequences is of a new game
    quick, theirs = (
        reader._process_sequence(features, states, begins.flatten(), lstm)
        for reader in (agents.Reader, agents.RecurrentActorCriticCnnPolicy)
    )
    torch.testing.assert_close(quick, theirs)


@pytest.mark.extra("sb3_contrib")
@pytest.mark.slow
def test_an_agent_learns_inside_a_dream_and_is_tested_in_the_real_game(agents, real, tmp_path, monkeypatch):
    monkeypatch.setattr("gamesim.models.build", Network)
    starts = Starts(torch.from_numpy(real.frames[:4]), torch.from_numpy(real.actions[:4, :7]))
    checkpoint.save(
        tmp_path / "engine",
        weights=Network().state_dict(),
        config=load("gamegan-tiny"),
        starts=starts,
        card={"game": "gamesim/Pacman-v0"},
    )
    rows = [Row.of("real"), Row.of(f"net={tmp_path / 'engine'}")]
    found = transfer(rows, Budget(steps=320, episodes=4, lanes=4), range(1), tmp_path / "out")
    assert set(found) == {"real", "net"}
    assert all(-1 <= row["score"] < 20 for row in found.values())
    assert all(np.isfinite(row["error"]) for row in found.values())


@pytest.mark.extra("sb3_contrib")
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_agent_learns_something(agents):
    """In an open game of plenty, where whoever walks on eats."""
    setting = {"num_ghosts": 0, "food_density": 1.0, "max_steps": 20}

    def plenty():
        return gym.make_vec("gamesim/Pacman-v0", 8, vectorization_mode="vector_entry_point", **setting)

    def earned(agent):
        from gamesim.agents.rollout import run

        return np.mean([episode.rewards.sum() for episode in run(plenty(), agent, 40, seed=9)])

    assert earned(agents.train(plenty(), 7_680, 0)) > earned(agents.train(plenty(), 8, 0)) + 1
