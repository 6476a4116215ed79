"""Learning to play: a deep Q-network learns our game, and shows what it expects of each key.

Mnih et al. 2013 (arXiv 1312.5602), Algorithm 1. The network and its training are in `gamesim.agents.dqn`,
since its games can be recorded. Here they can be watched: 64 games are played and learned from at once, and
one more is shown, with Q(s, a) for each key and with the two sides of Eq. 3 for the step just made.
"""

from collections.abc import Sequence

import numpy as np

from gamesim.agents.autoreset import Batch
from gamesim.agents.dqn import EPSILON, FRAMES, SETTINGS, SIGHTS, DQNPolicy, Training, load, shipped
from gamesim.envs.recipe import Recipe, limited, make_batch
from gamesim.labs import Given, Lab
from gamesim.labs.controls import Choice, Control, Slider, moved, values
from gamesim.labs.panels import Bars, Curves, Lines, Panel, Picture, Traces
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
        """One step of the player, which presses a random key with a probability of epsilon."""
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


_CONTROLS: tuple[Control, ...] = (
    Choice(
        "player", "Who plays", ("learning", "trained"), "learning",
        "The network that learns here, or the one that comes with gamesim.",
    ),
    Choice("sight", "It sees", tuple(SIGHTS), "frames", "Pixels, or the kinds of the cells (starts again)."),
    Slider("epsilon", "Keys by chance", 0, 1, EPSILON, 0.01, "Epsilon, in the game that is shown."),
    Slider(
        "gamma", "Discount gamma", 0, 0.99, SETTINGS["gamma"], 0.01,
        "How much later rewards count (starts again).",
    ),
)  # fmt: skip


class DQNLab(Lab):
    """The page."""

    steps = 1500

    def __init__(self, given: Given) -> None:
        self._seed = given.seed
        self.controls = _CONTROLS
        self._shown = Shown(given.seed)
        self._begin()

    def _begin(self) -> None:
        chosen = values(self.controls)
        self._sight, self._gamma = str(chosen["sight"]), float(chosen["gamma"])
        env = make_batch(limited(Recipe(GAME)), LANES)
        how = {"gamma": self._gamma, "buffer_size": 50_000}
        self._training = Training(env, self._sight, BUDGET, self._seed, **how)
        self._traces, self._count = Traces(), 0
        self._seat()

    def _seat(self) -> None:
        self._player = str(values(self.controls)["player"])
        trained = self._player == "trained"
        self._plays = DQNPolicy(*load(shipped(self._sight))) if trained else self._training.policy()
        self._shown.seat(self._plays)

    def set(self, name: str, value: float | bool | str) -> None:
        self.controls = moved(self.controls, **{name: value})
        if name == "player":
            self._seat()
        elif name != "epsilon":
            self._begin()

    @one_thread()
    def step(self) -> None:
        self._training.step()
        self._count += 1
        if self._count % _EVERY == 0:
            gamma = SETTINGS["gamma"] if self._player == "trained" else self._gamma
            self._shown.step(self._plays, float(values(self.controls)["epsilon"]), gamma)
        if self._count % _NOTED == 0:
            agent, loss = self._training.agent, self._training.loss()
            told = {"epsilon": agent.exploration_rate}
            told |= {"DQN": self._training.earned()} if agent.ep_info_buffer else {}
            told |= {"Huber loss of Eq. 3": loss} if loss is not None else {}
            self._traces.add(agent.num_timesteps, told)

    def view(self) -> Sequence[Panel]:
        shown, lines, steps = self._shown, self._traces.lines, self._training.agent.num_timesteps
        others = {"the bot": BOT, "random keys": RANDOM}
        level = {name: [(0, worth), (max(steps, 1), worth)] for name, worth in others.items()}
        key, expected, reward, after = shown.told
        last = (
            ("key", key),
            ("Q(s, a)", f"{expected:.2f}"),
            ("r + gamma max Q(s', a')", f"{reward:g} + {after:.2f} = {reward + after:.2f}"),
            ("steps played", f"{steps:,}"),
            ("in the replay memory", f"{self._training.remembered():,} steps"),
        )
        to_come = {"rewards to come, discounted": shown.values.tolist()}
        return (
            Picture("The game", shown.frame, f"played by the {self._player} network"),
            Picture("What it reads: the last four frames", self._read(), f"it sees {self._sight}"),
            Bars("What it expects of each key: Q", KEYS, to_come),
            Curves("Return per game (mean of the last 500)", "steps played", {**lines("DQN"), **level}),
            Curves("Epsilon in training", "steps played", lines("epsilon"), (0.0, 1.0)),
            Curves("Loss", "steps played", lines("Huber loss of Eq. 3")),
            Lines("The last step", last),
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
            "loss": self._training.loss() or 0.0,
        }
