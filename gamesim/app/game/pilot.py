"""A dream's controller that drives another game, seen through the dream's V and M, and an attack on it.

The attack, from the lab `fgsm`, changes the frames that the AI sees while it drives the real game. Each press
of its key makes it stronger; after the strongest comes random noise of the same size for comparison, then
nothing. The player keeps seeing the game as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gamesim.app.game.world import World

if TYPE_CHECKING:
    import gymnasium as gym

    from gamesim.agents.controller import ControllerPolicy


class Pilot:
    """Follows one game frame by frame, and says at each frame what the controller would do.

    It has to see every frame and every action, whoever chose it: M remembers what happened, not what the
    controller wanted. The controller's policy is for a batch of one game.
    """

    changed = ""
    """In words for people, how the frames that it sees are changed; "" if they are not."""
    stage = 0
    """Stage of the attack on what it sees; see `STAGES`."""

    def __init__(self, policy: ControllerPolicy) -> None:
        self._policy = policy

    @property
    def model(self) -> Any:
        """The `WorldModel` whose controller this is."""
        return self._policy.model

    @property
    def clear(self) -> Pilot:
        """The pilot that sees the game as it is."""
        return self

    def begin(self, frame: np.ndarray) -> int:
        """Begin another episode with `frame`, uint8 (H, W, 3); returns the action, 0..4."""
        self._policy.reset(np.ones(1, bool))
        return int(self._policy.act(frame[None], {})[0])

    def follow(self, action: int, frame: np.ndarray) -> int:
        """Take in that `action` led to `frame`; returns the next action."""
        self._policy.took(np.array([action]))
        return int(self._policy.act(frame[None], {})[0])


def pilot_of(dream: gym.Env) -> Pilot | None:
    """A pilot for other games from a dream that has been reset; None if it has no controller."""
    act = getattr(dream.unwrapped, "act", None)
    if act is None or act() is None:
        return None
    from gamesim.agents.controller import ControllerPolicy

    batch = dream.unwrapped.batch  # pyright: ignore[reportAttributeAccessIssue]
    return Pilot(ControllerPolicy(batch.model, batch.device))


FGSM, RANDOM = "FGSM", "random signs"
STAGES = (("nothing", 0), (FGSM, 4), (FGSM, 8), (FGSM, 16), (RANDOM, 16))
"""What changes the frames, and by how much of 255; the first stage follows the last."""
NOBODY = "Let the AI drive the real game first. What it sees can then be attacked."
UNKNOWN = "This AI does not say how much it prefers each key, so there is nothing to aim an attack at."
OVER = "The AI sees the game as it is again."


class MisledPilot(Pilot):
    """The same controller, which sees frames that a stage of `STAGES` has changed."""

    def __init__(self, pilot: Pilot, stage: int) -> None:
        from gamesim.labs.attacked_play import Misled
        from gamesim.labs.players import Controlled

        by, epsilon = STAGES[stage]
        self._clear, self.stage = pilot, stage
        self.changed = f"{by}, {epsilon} of 255"
        self._misled = Misled(Controlled(pilot.model))

    @property
    def clear(self) -> Pilot:
        return self._clear

    def begin(self, frame: np.ndarray) -> int:
        self._misled.begin(frame[None])
        return self._act()

    def follow(self, action: int, frame: np.ndarray) -> int:
        import torch

        self._misled.follow(torch.tensor([action]), frame[None])
        return self._act()

    def _act(self) -> int:
        return int(self._misled.act(*STAGES[self.stage]))


def attack(world: World) -> str:
    """Go to the next stage of the attack on the AI of this game; returns what to tell the player."""
    pilot = world.pilot
    if pilot is None:
        return NOBODY
    from gamesim.labs.players import can_be_attacked

    stage = (pilot.stage + 1) % len(STAGES)
    if not can_be_attacked(pilot.clear.model):
        return UNKNOWN
    world.board(MisledPilot(pilot.clear, stage) if stage else pilot.clear)
    by, epsilon = STAGES[stage]
    return (
        f"The AI sees frames changed by {by}, {epsilon} of 255. You see them as they are." if stage else OVER
    )
