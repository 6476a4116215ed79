"""Players that can be attacked: each says by how much it prefers each action, differentiably in the frame."""

from pathlib import Path
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim import checkpoint, shipped
from gamesim.config import world_model
from gamesim.errors import UserError
from gamesim.labs import imitator
from gamesim.models import State
from gamesim.models.world_models.engine import WorldModelEngine
from gamesim.models.world_models.vision import resized

FRAME = (84, 84, 3)
FRAMES, SHRINK = 4, 4
"""What a DQN reads: the last four frames, and a pixel for each 4x4 (`gamesim.agents.dqn`)."""


class Player(Protocol):
    """Plays a batch of games by their frames (B, 3, 84, 84) in [0, 1]."""

    def begin(self) -> None:
        """New games begin in all lanes with the next frames."""

    def logits(self, frames: Tensor) -> Tensor:
        """Scores of the actions (B, 5) if these were the next frames; it plays the highest."""
        ...

    def saw(self, frames: Tensor, actions: Tensor) -> None:
        """These were the next frames, and these actions, int64 (B,), were taken: what a memory needs."""


class Imitating(Player):
    """The cloned bot. It has no memory."""

    def __init__(self, network: imitator.Imitator) -> None:
        self._network = network

    def logits(self, frames: Tensor) -> Tensor:
        return self._network(frames)


class QLearned(Player):
    """The agent that DQN trained (Mnih et al. 2013), which reads the last four frames.

    Its logits are Q. It plays by their greatest alone; their softmax is ours. It reads whole levels of
    brightness, so the attack takes it for as smooth as it nearly is: what it plays by is not rounded either.

    Args:
        network: of `gamesim.agents.dqn.network`, with the sight "frames".
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network.requires_grad_(False)
        self.begin()

    def begin(self) -> None:
        self._past: Tensor | None = None

    def logits(self, frames: Tensor) -> Tensor:
        return self._network(self._after(frames))

    @torch.no_grad()
    def saw(self, frames: Tensor, actions: Tensor) -> None:
        self._past = self._after(frames)

    def _after(self, frames: Tensor) -> Tensor:
        """The last four frames as the network reads them, the newest last: (B, 12, 21, 21) in [0, 255]."""
        now = 255 * F.avg_pool2d(frames, SHRINK)
        past = torch.zeros_like(now).repeat(1, FRAMES, 1, 1) if self._past is None else self._past
        return torch.cat([past[:, now.shape[1] :], now], 1)


def q_learned() -> QLearned:
    """The DQN that comes with gamesim.

    Raises:
        UserError: the extra ``agents`` is missing.
    """
    try:
        from gamesim.agents import dqn
    except ImportError:
        raise UserError("DQN needs the extra agents: pip install 'gamesim[agents]'") from None
    network, _ = dqn.load(dqn.shipped("frames"))
    return QLearned(network)


class Controlled(Player):
    """C of a World Model, which sees through V and M (Ha & Schmidhuber 2018, arXiv 1803.10122, Eq. 1).

    Its logits are W [z h] + b. C was never trained to make probabilities of them; their softmax is ours.
    """

    def __init__(self, engine: WorldModelEngine) -> None:
        self._engine = engine
        self.begin()

    def begin(self) -> None:
        self._state: State | None = None
        self._actions = torch.zeros(0, dtype=torch.int64)

    def logits(self, frames: Tensor) -> Tensor:
        return self._engine.controller.linear(self._engine.features(self._after(frames)))

    @torch.no_grad()
    def saw(self, frames: Tensor, actions: Tensor) -> None:
        self._state, self._actions = self._after(frames), actions

    def _after(self, frames: Tensor) -> State:
        """What V and M hold after these frames."""
        z, _ = self._engine.vision.encode(resized(frames, self._engine.vision.side))
        if self._state is None:
            return self._engine.begin(z)
        return self._engine.follow(self._state, self._actions, z)


def can_be_attacked(engine: Any) -> bool:
    """Whether an engine has a V to see through and a C that weighs our games' actions."""
    if not hasattr(engine, "vision") or not hasattr(engine, "controller"):
        return False
    return engine.controller.linear.out_features == imitator.NUM_ACTIONS


def controller_engine(folder: Path | None) -> WorldModelEngine:
    """The World Model of a checkpoint; None: the shipped one that sees by places.

    Raises:
        UserError: the checkpoint is no World Model of our Pac-Man game.
    """
    source = folder or shipped.folder(shipped.MODELS) / "world-model-places"
    engine, loaded = checkpoint.load_model(source, "cpu")
    world_model(loaded.config, source, "controller to attack")
    if tuple(engine.frame_shape) != FRAME or not can_be_attacked(engine):
        raise UserError(f"{source}: fgsm plays Pac-Man, with frames of 84x84 and 5 actions")
    return engine
