"""The deep Q-network: what it sees, that it learns, what comes with the game, and its page."""

import importlib.util

import numpy as np
import pytest
import torch

from gamesim import cli
from gamesim.agents.policy import known_policy, policies
from gamesim.cli.words import Words
from gamesim.envs.recipe import Recipe, make_batch
from gamesim.errors import UserError

GAME = Recipe("gamesim/Pacman-v0")


def test_the_command_line_knows_every_player():
    told = "".join(Words().commands["record"].format_help().split())
    assert all(f"({name}" in told for name in policies())


def test_without_the_extra_it_says_which_one(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    words = f"record --env gamesim/Pacman-v0 --policy dqn --episodes 1 --out {tmp_path / 'out'}"
    assert cli.main(words.split()) == 2
    said = capsys.readouterr().err.strip()
    assert said == "gamesim: --policy dqn needs the extra agents: pip install 'gamesim[agents]'"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("game", "said"),
    [
        (Recipe("gamesim/PacmanArcade-v0"), "plays only games with view=ego, not full"),
        (Recipe("gamesim/Pacman-v0", {"view": "full"}), "plays only games with view=ego, not full"),
        (Recipe("gamesim/PacmanGarden-v0"), "plays only games with theme=night, not garden"),
        (Recipe("CartPole-v1"), "plays only our Pac-Man games"),
    ],
)
def test_a_game_that_it_does_not_know_is_one_line(game, said):
    with pytest.raises(UserError, match=said):
        known_policy("dqn", game)


@pytest.mark.extra("stable_baselines3", "sb3_contrib")
class TestWithTheExtra:
    """What needs Stable-Baselines3."""

    def test_the_grid_is_the_cells_that_the_frames_show(self):
        from gamesim.agents.dqn import cells

        frames, info = make_batch(GAME, 3).reset(seed=4)
        grid = cells(frames)
        assert grid.shape == (3, 7, 7, 7) and (grid.sum(1) == 1).all()
        assert (grid.argmax(1) == info["cells"]).all()

    @pytest.mark.parametrize("sight", ["frames", "grid"])
    def test_it_reads_the_last_four_frames_of_its_game_and_none_of_the_one_before(self, sight):
        from gamesim.agents.dqn import FRAMES, SIGHTS, DQNPolicy, network

        env = make_batch(GAME, 2)
        player, see = DQNPolicy(network(sight), sight), SIGHTS[sight].see
        shown = [env.reset(seed=1)[0]]
        player.act(shown[0], {})
        for action in (1, 3, 2, 4, 1):
            shown.append(env.step(np.array([action, action]))[0])
            player.act(shown[-1], {})
        last = np.concatenate([see(frames) for frames in shown[-FRAMES:]], 1)
        assert (player.memory == last).all()
        player.reset(np.array([True, False]))
        player.act(shown[-1], {})
        channels = see(shown[-1]).shape[1]
        assert not player.memory[0, :-channels].any() and player.memory[1, :-channels].any()

    def test_epsilon_is_the_share_of_actions_by_chance(self):
        from gamesim.agents.dqn import DQNPolicy, network

        frames = make_batch(GAME, 1).reset(seed=1)[0].repeat(400, 0)
        model = network("grid")
        assert len(set(DQNPolicy(model, "grid", epsilon=0.0).act(frames, {}))) == 1
        shares = np.bincount(DQNPolicy(model, "grid", epsilon=1.0).act(frames, {}), minlength=5) / 400
        assert (abs(shares - 0.2) < 0.08).all()

    def test_what_is_saved_is_what_is_loaded(self, tmp_path):
        from gamesim.agents.dqn import load, network, save

        model = network("grid")
        save(model, "grid", tmp_path / "a.safetensors")
        loaded, sight = load(tmp_path / "a.safetensors")
        assert sight == "grid"
        assert all(torch.equal(one, loaded.state_dict()[name]) for name, one in model.state_dict().items())
        (tmp_path / "a.safetensors").write_bytes(b"nothing")
        for name in ("a.safetensors", "b.safetensors"):
            with pytest.raises(UserError, match="not the weights of a DQN"):
                load(tmp_path / name)

    @pytest.mark.slow
    def test_training_learns_the_value_of_the_best_key(self):
        """In a game that pays for one key, Q of that key grows above all others."""
        from gamesim.agents.dqn import Training
        from gamesim.envs.pacman import PacmanVectorEnv

        class Pays(PacmanVectorEnv):
            def step(self, actions):
                frames, _, terminated, truncated, info = super().step(actions)
                return frames, (np.asarray(actions) == 2) * 1.0, terminated, truncated, info

        training = Training(Pays(16), "grid", 2_000, 0, learning_starts=200, gamma=0.0, buffer_size=1_600)
        while training.agent.num_timesteps < 2_000:
            training.step()
        player = training.policy(epsilon=0.0)
        values = player.values(make_batch(GAME, 8).reset(seed=9)[0])
        assert (values.argmax(1) == 2).all() and abs(values[:, 2].mean() - 1) < 0.3
        assert training.earned() > 0 and training.loss() is not None and training.remembered() == 1_600

    def test_a_training_goes_on_from_what_it_saved(self, tmp_path):
        from gamesim.agents.dqn import Training

        def training(sight="grid"):
            how = {"learning_starts": 64, "buffer_size": 640}
            return Training(make_batch(GAME, 16), sight, 10_000, 0, **how)

        first, file = training(), tmp_path / "grid.safetensors"
        while first.agent.num_timesteps < 640:
            first.step()
        first.save(file)
        second = training()
        second.go_on(file)
        frames = make_batch(GAME, 8).reset(seed=9)[0]
        assert (second.policy().values(frames) == first.policy().values(frames)).all()
        for _ in range(4):  # 64 steps, in which it only plays
            second.step()
        assert second.agent.exploration_rate == pytest.approx(1 - 0.95 * (704 / 10_000) / 0.3, abs=0.02)
        assert (second.policy().values(frames) == first.policy().values(frames)).all()
        second.step()
        assert second.agent.num_timesteps == 720
        assert (second.policy().values(frames) != first.policy().values(frames)).any()
        with pytest.raises(UserError, match="sees grid, not frames"):
            training("frames").go_on(file)

    @pytest.mark.slow
    @pytest.mark.parametrize("sight", ["frames", "grid"])
    def test_the_network_that_comes_with_the_game_beats_the_bot_by_far(self, sight):
        from gamesim.agents.dqn import DQNPolicy, load, shipped
        from gamesim.agents.rollout import mean_and_error, play

        players = (DQNPolicy(*load(shipped(sight))), "explorer")
        (ours, error), (bot, deviation) = (
            mean_and_error([game.rewards.sum() for game in play(GAME, who, 64, seed=5, keep_frames=False)])
            for who in players
        )
        assert ours - bot > 5 * (error**2 + deviation**2) ** 0.5

    def test_recordings_say_who_played(self, tmp_path):
        from gamesim.agents.record import record

        assert record(GAME, "dqn", 2, tmp_path, progress=False)[0].players == ("dqn",)

    def test_the_page_plays_by_the_network_that_was_chosen(self):
        from gamesim.labs import Given
        from gamesim.labs.dqn import KEYS, DQNLab

        lab = DQNLab(Given())
        for _ in range(12):
            lab.step()
        panels = {panel.title: panel for panel in lab.view()}
        assert panels["The game"].note == "played by the learning network"
        lab.set("player", "trained")
        assert "trained" in lab.view()[0].note
        (bars,) = (panel for panel in lab.view() if panel.title.startswith("What it expects"))
        assert tuple(bars.names) == KEYS
        assert min(bars.series["rewards to come, discounted"]) > 0.5  # it knows that there is food
        assert lab.figures()["steps played"] == 12 * 64
