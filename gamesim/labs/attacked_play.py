"""A player at the game who sees attacked frames: one game to watch, and many to measure."""

from collections.abc import Iterator

import gymnasium as gym
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gamesim.evaluation.pacman.cells import FIRST_SEED
from gamesim.labs import imitator
from gamesim.labs.fgsm import FGSM, NOTHING, RANDOM, Attack, Loss, Measured, Scene, called, pictures
from gamesim.labs.panels import Bars, Curves, Lines, Panel
from gamesim.labs.players import Player
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


def against(player: Player, actions: Tensor) -> Loss:
    """J: how unlikely the player finds these actions, int64 (B,): -log of their softmax."""
    return lambda frames: F.cross_entropy(player.logits(frames), actions, reduction="none")


class Misled:
    """A player of some games at once who sees each frame changed.

    Args:
        player: who plays.
        seed: of random signs.

    Attributes:
        own: what it would do, did it see the frames as they are: int64 (B,).
        attack: on the frames.
    """

    def __init__(self, player: Player, seed: int = 0) -> None:
        self._player, self._generator = player, torch.Generator().manual_seed(seed)

    def begin(self, frames: np.ndarray) -> None:
        """Games begin with these frames, uint8 (B, H, W, 3); the player forgets the games before."""
        self._player.begin()
        self._look(frames)

    def act(self, by: str, epsilon: float) -> Tensor:
        """What it does, int64 (B,), as it sees the frames changed like that; ``epsilon`` of 255."""
        self._seen = self.attack.seen(by, epsilon)
        with torch.no_grad():
            return self._player.logits(self._seen).argmax(1)

    def follow(self, actions: Tensor, frames: np.ndarray) -> None:
        """These actions, int64 (B,), were taken after `act`, and led to these frames."""
        self._player.saw(self._seen, actions)
        self._look(frames)

    def _look(self, frames: np.ndarray) -> None:
        frame = to_float(torch.from_numpy(frames)).contiguous()
        with torch.no_grad():
            self.own = self._player.logits(frame).argmax(1)
        self.attack = Attack(against(self._player, self.own), frame, self._generator)


class Games(Misled):
    """A batch of games of such a player, until all are over.

    Args:
        player: who plays.
        lanes: games at once.
        seed: of the boards and of random signs.
    """

    def __init__(self, player: Player, lanes: int, seed: int) -> None:
        super().__init__(player, seed)
        self._env = gym.make_vec(imitator.GAME, lanes)
        self.begin(self._env.reset(seed=FIRST_SEED + seed)[0])
        self.going, self.score, self.steps = np.ones(lanes, bool), np.zeros(lanes), 0

    def step(self, by: str, epsilon: float) -> Tensor:
        """The player sees the frames changed like that, and plays; returns its actions, int64 (B,)."""
        actions = self.act(by, epsilon)
        frames, rewards, terminated, truncated, _ = self._env.step(actions.numpy())
        self.score += np.where(self.going, rewards, 0)
        self.going &= ~(terminated | truncated)
        self.steps += 1
        self.follow(actions, frames)
        return actions


class PlayScene(Scene):
    """One player under attack.

    Args:
        name: of the player, for people.
        players: one to watch and one to measure, of the same kind; only one without a memory may be both.
        seed: of the boards.
        lessons: whether it is measured by what the bot does, too.
    """

    def __init__(self, name: str, players: tuple[Player, Player], seed: int, lessons: bool = False) -> None:
        self.name, self._seed, self._lessons = name, seed, lessons
        self._watched, self._measured = players
        self._scores = Measured()
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
            self._scores.add("return", by, epsilon, games.score)
            self._scores.add("agreement", by, epsilon, agreed / played)

    def _taught(self) -> Iterator[None]:
        """How often it does what the bot does: the share of correct answers, where y is the bot's action."""
        generator = torch.Generator().manual_seed(0)
        lessons = imitator.examples(LANES // 2, FIRST_SEED)
        for _, (frames, actions) in zip(range(LESSONS), lessons, strict=False):
            attack = Attack(against(self._measured, actions), frames.contiguous(), generator)
            for by, epsilon in CONDITIONS:
                with torch.no_grad():
                    choice = self._measured.logits(attack.seen(by, epsilon)).argmax(1)
                self._scores.add("accuracy", by, epsilon, [(choice == actions).float().mean().item()])
            yield

    def view(self, by: str, epsilon: float) -> list[Panel]:
        """The frame, what is made of it, what the player makes of that, and what was measured so far."""
        attack = self._games.attack
        frames = {kind: attack.seen(kind, epsilon) for kind in (NOTHING, FGSM, RANDOM)}
        with torch.no_grad():
            shares = {kind: self._watched.logits(frame).softmax(1)[0] for kind, frame in frames.items()}
            losses = {kind: attack.loss(frame)[0].item() for kind, frame in frames.items()}
        does = {kind: f"it would go: {ACTIONS[int(share.argmax())]}" for kind, share in shares.items()}
        size = (frames[FGSM] - attack.frame).abs().max().item() * 255
        bars = {called(kind): [round(p, 4) for p in share.tolist()] for kind, share in shares.items()}
        numbers = (
            ("epsilon sign(grad J)", f"{epsilon:g} of 255"),
            ("largest change", f"{size:.2f} of 255"),
            ("J, clean frame", f"{losses[NOTHING]:.3f}"),
            ("J, FGSM", f"{losses[FGSM]:.3f}"),
            ("J, random signs", f"{losses[RANDOM]:.3f}"),
        )
        return [
            *pictures("Frame", {kind: frame[0] for kind, frame in frames.items()}, attack.signs[0], does),
            Bars("What it would do", ACTIONS, bars, (0, 1)),
            self._curves("Return", "return"),
            self._curves("Keeps its action", "agreement", (0, 1)),
            *([self._curves("Acts as the bot does", "accuracy", (0, 1))] if self._lessons else []),
            Lines("The attack", numbers),
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
        return Curves(title, "epsilon, of 255", self._scores.curves(figure), limits)

    def figures(self) -> dict[str, float]:
        return self._scores.figures(self.name)
