"""An attack, from the lab `fgsm`, on the frames that the AI sees while it drives the real game.

Each press of the key makes the attack stronger; after the strongest comes random noise of the same size for
comparison, then nothing. The player keeps seeing the game as it is.
"""

import numpy as np

from gamesim.app.game.pilot import Pilot
from gamesim.app.game.play import Engine

FGSM, RANDOM = "FGSM", "random signs"
STAGES = (("nothing", 0), (FGSM, 4), (FGSM, 8), (FGSM, 16), (RANDOM, 16))
"""What changes the frames, and by how much of 255; the first stage follows the last."""
NOBODY = "Let the AI drive the real game first. What it sees can then be attacked."
UNKNOWN = "This AI does not say how much it prefers each key, so there is nothing to aim an attack at."
OVER = "The AI sees the game as it is again."


class MisledPilot(Pilot):
    """The same controller, which sees changed frames.

    Args:
        pilot: the one that sees the game as it is.
        stage: index into `STAGES`.
    """

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


def attack(engine: Engine) -> str:
    """Go to the next stage of the attack on the AI of this game; returns what to tell the player."""
    pilot = engine.pilot
    if pilot is None:
        return NOBODY
    from gamesim.labs.players import can_be_attacked

    stage = (pilot.stage + 1) % len(STAGES)
    if not can_be_attacked(pilot.clear.model):
        return UNKNOWN
    engine.board(MisledPilot(pilot.clear, stage) if stage else pilot.clear)
    by, epsilon = STAGES[stage]
    return (
        f"The AI sees frames changed by {by}, {epsilon} of 255. You see them as they are." if stage else OVER
    )
