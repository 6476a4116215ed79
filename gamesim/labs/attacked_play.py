"""A player at the game who sees attacked frames: one game to watch, and many to measure."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import gymnasium as gym
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gamesim.agents.rollout import mean_and_error
from gamesim.evaluation.pacman.cells import FIRST_SEED
from gamesim.labs import Given, imitator
from gamesim.labs.fgsm import FGSM, NOTHING, RANDOM, Attack, Loss, shown, sign_map
from gamesim.labs.panels import Bars, Curves, Lines, Panel
from gamesim.labs.players import Controlled, Imitating, Player, controller_engine, q_learned
from gamesim.models.frames import to_float

ACTIONS = ("stay", "left", "right", "up", "down")
EPSILONS = (16, 8, 4, 2, 1)
"""Of 255, at which is measured; the ends of the curve come first."""
CONDITIONS = ((NOTHING, 0), *((by, epsilon) for epsilon in EPSILONS for by in (FGSM, RANDOM)))
LANES = 64
LONGEST = 40
"""Steps of a game, at most."""
LESSONS = 32
"""Batches of frames from the bot's own games."""


class Score(NamedTuple):
    """What was measured: the mean over games, and its standard error."""

    mean: float
    error: float


class Games:
    """A batch of games of a player who sees attacked frames, until all are over.

    Args:
        player: who plays; it forgets the games before.
        lanes: games at once.
        seed: of the boards and of random signs.
    """

    def __init__(self, player: Player, lanes: int, seed: int) -> None:
        self._player = player
        self._env = gym.make_vec(imitator.GAME, num_envs=lanes, vectorization_mode="vector_entry_point")
        self._generator = torch.Generator().manual_seed(seed)
        player.begin()
        self._shown(self._env.reset(seed=FIRST_SEED + seed)[0])
        self.going, self.score, self.steps = np.ones(lanes, bool), np.zeros(lanes), 0

    def _shown(self, frames: np.ndarray) -> None:
        frame = to_float(torch.from_numpy(frames)).contiguous()
        with torch.no_grad():
            self.own = self._player.logits(frame).argmax(1)
        self.attack = Attack(against(self._player, self.own), frame, self._generator)

    def step(self, by: str, epsilon: float) -> Tensor:
        """The player sees the frames changed like that, and plays; returns its actions, int64 (B,)."""
        seen = self.attack.seen(by, epsilon)
        with torch.no_grad():
            actions = self._player.logits(seen).argmax(1)
        self._player.saw(seen, actions)
        frames, rewards, terminated, truncated, _ = self._env.step(actions.numpy())
        self.score += np.where(self.going, rewards, 0)
        self.going &= ~(terminated | truncated)
        self.steps += 1
        self._shown(frames)
        return actions


def against(player: Player, actions: Tensor) -> Loss:
    """J: how unlikely the player finds these actions, int64 (B,): -log of their softmax."""
    return lambda frames: F.cross_entropy(player.logits(frames), actions, reduction="none")


class Misled:
    """A player at one game that somebody else steps, who sees each frame changed.

    Args:
        player: it forgets the games before.
        by: `fgsm.FGSM`, `fgsm.RANDOM` or `fgsm.NOTHING`.
        epsilon: of 255.
    """

    def __init__(self, player: Player, by: str, epsilon: float) -> None:
        self._player, self._by, self._epsilon = player, by, epsilon
        self._generator = torch.Generator().manual_seed(0)

    def begin(self, frame: np.ndarray) -> int:
        """A game begins with this frame, uint8 (H, W, 3); returns the action that the player takes."""
        self._player.begin()
        return self._look(frame)

    def follow(self, action: int, frame: np.ndarray) -> int:
        """This action was taken and led to this frame; returns the next one."""
        self._player.saw(self._seen, torch.tensor([action]))
        return self._look(frame)

    def _look(self, frame: np.ndarray) -> int:
        x = to_float(torch.from_numpy(frame[None])).contiguous()
        with torch.no_grad():
            own = self._player.logits(x).argmax(1)
            self._seen = Attack(against(self._player, own), x, self._generator).seen(self._by, self._epsilon)
            return int(self._player.logits(self._seen).argmax(1))


class PlayScene:
    """One player under attack.

    Args:
        name: of the player, for people.
        players: two of the same kind, with a memory of their own each: one is watched, one is measured.
        seed: of the boards.
        lessons: whether it is measured by what the bot does, too.
    """

    def __init__(
        self,
        name: str,
        players: tuple[Player, Player],
        seed: int = 0,
        lessons: bool = False,
    ) -> None:
        self.name, self._seed, self._lessons = name, seed, lessons
        self._watched, self._measured = players
        self._scores: dict[tuple[str, str, int], Score] = {}
        self._last: dict[str, float] = {}
        self.anew()

    def anew(self) -> None:
        """A new board."""
        self._seed += 1
        self._games, self._changed = Games(self._watched, 1, self._seed), 0

    def step(self, by: str, epsilon: float) -> None:
        """The game that is watched goes on, or a new one begins."""
        if not self._games.going[0]:
            self._last[by] = float(self._games.score[0])
            return self.anew()
        own = self._games.own
        self._changed += int((self._games.step(by, epsilon) != own).sum())

    def measures(self) -> Iterator[None]:
        """Plays games under each condition, and yields after each step of all of them."""
        if self._lessons:
            yield from self._taught()
        for by, epsilon in CONDITIONS:
            games, agreed, played = Games(self._measured, LANES, 0), np.zeros(LANES), np.zeros(LANES)
            while games.going.any():
                own, going = games.own, games.going.copy()
                agreed += going & (games.step(by, epsilon) == own).numpy()
                played += going
                yield
            self._put("return", by, epsilon, games.score)
            self._put("agreement", by, epsilon, agreed / played)

    def _taught(self) -> Iterator[None]:
        """How often it does what the bot does: the share of correct answers, where y is the bot's action."""
        right: dict[tuple[str, int], list[float]] = {condition: [] for condition in CONDITIONS}
        generator = torch.Generator().manual_seed(0)
        lessons = imitator.examples(LANES // 2, FIRST_SEED)
        for _, (frames, actions) in zip(range(LESSONS), lessons, strict=False):
            attack = Attack(against(self._measured, actions), frames.contiguous(), generator)
            for by, epsilon in CONDITIONS:
                with torch.no_grad():
                    choice = self._measured.logits(attack.seen(by, epsilon)).argmax(1)
                right[by, epsilon].append((choice == actions).float().mean().item())
            yield
        for (by, epsilon), shares in right.items():
            self._put("accuracy", by, epsilon, np.array(shares))

    def _put(self, figure: str, by: str, epsilon: int, values: np.ndarray) -> None:
        self._scores[figure, by, epsilon] = Score(*mean_and_error(values.tolist()))

    def point(self, panel: str, x: float, y: float) -> None:
        """Nothing here can be clicked."""

    def view(self, by: str, epsilon: float) -> list[Panel]:
        """The frame, what is made of it, what the player makes of that, and what was measured so far."""
        attack = self._games.attack
        frames = {kind: attack.seen(kind, epsilon) for kind in (NOTHING, FGSM, RANDOM)}
        with torch.no_grad():
            shares = {kind: self._watched.logits(frame).softmax(1)[0] for kind, frame in frames.items()}
            losses = {kind: attack.loss(frame)[0].item() for kind, frame in frames.items()}
        does = {kind: ACTIONS[int(share.argmax())] for kind, share in shares.items()}
        size = (frames[FGSM] - attack.frame).abs().max().item() * 255
        return [
            shown("Frame", frames[NOTHING][0], f"it would go: {does[NOTHING]}"),
            sign_map(attack.signs[0]),
            shown("Attacked frame", frames[FGSM][0], f"it would go: {does[FGSM]}"),
            shown("Random signs", frames[RANDOM][0], f"it would go: {does[RANDOM]}"),
            Bars(
                "What it would do",
                ACTIONS,
                {_called(kind): [round(p, 4) for p in share.tolist()] for kind, share in shares.items()},
                (0, 1),
            ),
            self._curves("Return", "return"),
            self._curves("Keeps its action", "agreement", (0, 1)),
            *([self._curves("Acts as the bot does", "accuracy", (0, 1))] if self._lessons else []),
            Lines(
                "The attack",
                (
                    ("epsilon sign(grad J)", f"{epsilon:g} of 255"),
                    ("largest change", f"{size:.2f} of 255"),
                    ("J, clean frame", f"{losses[NOTHING]:.3f}"),
                    ("J, FGSM", f"{losses[FGSM]:.3f}"),
                    ("J, random signs", f"{losses[RANDOM]:.3f}"),
                ),
            ),
            Lines("The game", self._told(by)),
        ]

    def _told(self, by: str) -> list[tuple[str, str]]:
        games, last = self._games, self._last.get(by)
        return [
            ("frames are changed by", by),
            ("step", f"{games.steps} of {LONGEST}"),
            ("actions that were changed", str(self._changed)),
            ("score", f"{games.score[0]:g}"),
            ("score of the last such game", "none yet" if last is None else f"{last:g}"),
        ]

    def _curves(self, title: str, figure: str, limits: tuple[float, float] | None = None) -> Curves:
        lines: dict[str, Sequence[tuple[float, float]]] = {}
        for by in (FGSM, RANDOM):
            points = [(0, self._scores.get((figure, NOTHING, 0)))]
            points += [(e, self._scores.get((figure, by, e))) for e in sorted(EPSILONS)]
            known = [(float(e), round(score.mean, 3)) for e, score in points if score]
            lines |= {by: known} if len(known) > 1 else {}
        return Curves(title, "epsilon, of 255", lines, limits)

    def figures(self) -> dict[str, float]:
        """Means and standard errors, such as "imitator: return, FGSM 8"."""
        told = {}
        for (figure, by, epsilon), score in self._scores.items():
            what = f"{self.name}: {figure}, {_called(by)}" + (f" {epsilon}" if epsilon else "")
            told |= {what: score.mean, f"{what}, standard error": score.error}
        return told


def _called(kind: str) -> str:
    return "clean" if kind == NOTHING else kind


def imitating(name: str, given: Given) -> PlayScene:
    """The cloned bot."""
    network = imitator.load("plain")
    return PlayScene(name, (Imitating(network), Imitating(network)), given.seed, lessons=True)


def hardened(name: str, given: Given) -> PlayScene:
    """The same after adversarial training."""
    network = imitator.load("hardened")
    return PlayScene(name, (Imitating(network), Imitating(network)), given.seed, lessons=True)


def q_learning(name: str, given: Given) -> PlayScene:
    """DQN, the agent of Stable-Baselines3."""
    return PlayScene(name, (q_learned(), q_learned()), given.seed)


def controlling(name: str, given: Given) -> PlayScene:
    """C of the given World Model."""
    engine = controller_engine(given.checkpoint)
    return PlayScene(name, (Controlled(engine), Controlled(engine)), given.seed)
