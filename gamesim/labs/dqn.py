"""Learning to play: a deep Q-network learns our game, and shows what it expects of each key.

Mnih et al. 2013 (arXiv 1312.5602), Algorithm 1. The network and its training are in `gamesim.agents.dqn`,
since its games can be recorded. Here they can be watched: 64 games are played and learned from at once, and
one more is shown, with Q(s, a) for each key and with the two sides of Eq. 3 for the step just made.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gamesim.agents.autoreset import Batch
from gamesim.agents.dqn import EPSILON, FRAMES, SETTINGS, SIGHTS, DQNPolicy, Training, load, shipped
from gamesim.envs.recipe import Recipe, limited, make_batch
from gamesim.labs import Given
from gamesim.labs.controls import Choice, Control, Slider
from gamesim.labs.panels import Bars, Curves, Lines, Panel, Picture
from gamesim.threads import one_thread

GAME, LANES = "gamesim/Pacman-v0", 64
BUDGET = 200_000
"""Steps of play until the training has settled."""
BOT, RANDOM = 0.95, -0.14
"""What the bot and random keys earn in a game, by ``benchmarks/dqn.py``."""
KEYS = ("stay", "left", "right", "up", "down")
_EVERY = 3
"""Steps of training for each step of the game that is shown."""
_NOTED = 10
"""Steps of training between two points of a curve."""


class Shown:
    """The game on the page, and what the network thinks of it.

    Attributes:
        frame: uint8 (84, 84, 3).
        values: Q of each key now, float32 (5,).
        told: of the step just made: the key, its Q, the reward, gamma times the best Q after it.
    """

    def __init__(self, seed: int) -> None:
        self._batch = Batch(make_batch(limited(Recipe(GAME)), 1))
        self.frame = self._batch.reset(seed, None)[0][0]
        self.values, self.told = np.zeros(len(KEYS), np.float32), ("", 0.0, 0.0, 0.0)
        self._random = np.random.default_rng(seed)

    def seat(self, player: DQNPolicy) -> None:
        """Another player plays from here on."""
        self.values = player.values(self.frame[None])[0]

    def step(self, player: DQNPolicy, epsilon: float, gamma: float) -> None:
        """One step of the player, whose key is any with a probability of epsilon."""
        chance = self._random.random() < epsilon
        key = int(self._random.integers(len(KEYS)) if chance else self.values.argmax())
        step, expected = self._batch.step(np.array([key])), float(self.values[key])
        self.frame = step.shown[0]
        player.reset(step.begun)
        self.values = player.values(self.frame[None])[0]
        if not step.ignored[0]:
            goes_on = not (step.terminated | step.truncated)[0]
            after = gamma * float(self.values.max()) if goes_on else 0.0
            self.told = (KEYS[key], expected, float(step.rewards[0]), after)


class DQNLab:
    """The page."""

    steps = 1500

    def __init__(self, given: Given) -> None:
        self._seed, self._gamma, self._epsilon = given.seed, SETTINGS["gamma"], EPSILON
        self._player, self._sight = "learning", "frames"
        self._shown = Shown(given.seed)
        self._begin()

    @property
    def controls(self) -> Sequence[Control]:
        return (
            Choice(
                "player",
                "Who plays",
                ("learning", "trained"),
                self._player,
                "The network that learns here, or the one that comes with gamesim.",
            ),
            Choice(
                "sight",
                "It sees",
                tuple(SIGHTS),
                self._sight,
                "Pixels, or the kinds of the cells (begins anew).",
            ),
            Slider(
                "epsilon", "Keys by chance", 0, 1, self._epsilon, 0.01, "In the game that is shown: epsilon."
            ),
            Slider(
                "gamma",
                "Discount gamma",
                0,
                0.99,
                self._gamma,
                0.01,
                "What a later reward counts (begins anew).",
            ),
        )

    def _begin(self) -> None:
        env = make_batch(limited(Recipe(GAME)), LANES)
        how = {"gamma": self._gamma, "buffer_size": 50_000}
        self._training = Training(env, self._sight, BUDGET, self._seed, **how)
        self._earned: list[tuple[float, float]] = []
        self._chance: list[tuple[float, float]] = []
        self._losses: list[tuple[float, float]] = []
        self._count = 0
        self._seat()

    def _seat(self) -> None:
        trained = self._player == "trained"
        self._plays = DQNPolicy(*load(shipped(self._sight))) if trained else self._training.policy()
        self._shown.seat(self._plays)

    def set(self, name: str, value: float | bool | str) -> None:
        match name:
            case "player":
                self._player = str(value)
                self._seat()
            case "epsilon":
                self._epsilon = float(value)
            case "sight":
                self._sight = str(value)
            case "gamma":
                self._gamma = float(value)
        if name in ("sight", "gamma"):
            self._begin()

    def point(self, panel: str, x: float, y: float) -> None:
        """Nothing can be clicked into."""

    @one_thread()
    def step(self) -> None:
        self._training.step()
        self._count += 1
        if self._count % _EVERY == 0:
            gamma = SETTINGS["gamma"] if self._player == "trained" else self._gamma
            self._shown.step(self._plays, self._epsilon, gamma)
        if self._count % _NOTED == 0:
            agent = self._training.agent
            steps = agent.num_timesteps
            self._chance.append((steps, agent.exploration_rate))
            if agent.ep_info_buffer:
                self._earned.append((steps, self._training.earned()))
            if (loss := self._training.loss()) is not None:
                self._losses.append((steps, loss))

    def view(self) -> Sequence[Panel]:
        shown, steps = self._shown, self._training.agent.num_timesteps
        ends = (0, max(steps, 1))
        key, expected, reward, after = shown.told
        return (
            Picture("The game", shown.frame, f"played by the {self._player} network"),
            Picture("What it reads: the last four frames", self._read(), f"it sees {self._sight}"),
            Bars(
                "What it expects of each key: Q",
                KEYS,
                {"rewards to come, discounted": shown.values.tolist()},
            ),
            Curves(
                "Return of a game (the last 500)",
                "steps played",
                {
                    "DQN": self._earned,
                    "the bot": [(end, BOT) for end in ends],
                    "random keys": [(end, RANDOM) for end in ends],
                },
            ),
            Curves("Epsilon in training", "steps played", {"epsilon": self._chance}, (0.0, 1.0)),
            Curves("Loss", "steps played", {"Huber loss of Eq. 3": self._losses}),
            Lines(
                "The last step",
                [
                    ("key", key),
                    ("Q(s, a)", f"{expected:.2f}"),
                    ("r + gamma max Q(s', a')", f"{reward:g} + {after:.2f} = {reward + after:.2f}"),
                    ("steps played", f"{steps:,}"),
                    ("in the replay memory", f"{self._training.remembered():,} steps"),
                ],
            ),
        )

    def _read(self) -> np.ndarray:
        """The frames as the network gets them, side by side; of a grid, a grey for each kind of cell."""
        seen = self._plays.memory[0]
        channels = seen.reshape(FRAMES, -1, *seen.shape[1:])
        if self._sight == "frames":
            pictures = channels.transpose(0, 2, 3, 1)
        else:
            pictures = np.repeat((channels.argmax(1) * 40).astype(np.uint8)[..., None], 3, -1)
        gap = np.full((pictures.shape[1], 1, 3), 128, np.uint8)
        return np.concatenate([part for each in pictures for part in (each, gap)][:-1], 1)

    def figures(self) -> dict[str, float]:
        return {
            "steps played": float(self._training.agent.num_timesteps),
            "return": self._training.earned(),
            "return of the bot": BOT,
            "return of random keys": RANDOM,
            "epsilon": float(self._training.agent.exploration_rate),
            "loss": self._losses[-1][1] if self._losses else 0.0,
        }
