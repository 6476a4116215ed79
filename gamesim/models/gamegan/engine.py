"""The contract between GameGAN's generator and what trains or plays it (Kim et al. 2020, Sec. 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from gamesim.models import State


@dataclass
class Output:
    """One generated step.

    Attributes:
        frame: (B, 3, H, W), in [0, 1].
        reward: (B,), in the real game's units.
        end_logit: (B,), logit of "the episode ends here".
        memory_penalty: (B,), the memory regulariser's term for this step.
    """

    frame: Tensor
    reward: Tensor
    end_logit: Tensor
    memory_penalty: Tensor


class Engine(Protocol):
    """A generator: dynamics engine, memory module and rendering engine."""

    noise_shape: tuple[int, ...]
    """Shape of z for one lane."""

    feature_size: int

    def initial(self, frame: Tensor) -> State:
        """The state in which `frame` (B, 3, H, W) in [0, 1] is on screen and nothing else is known.

        A state always has the key "frame": the frame on screen, real or dreamt.
        """
        ...

    def advance(self, state: State, action: Tensor, z: Tensor) -> tuple[State, Output]:
        """One step: from the frame on screen and `action` int64 (B,) to the next frame.

        Args:
            state: as `initial` or `advance` gave it; the trainer replaces state["frame"] by the real
                frame during the warm-up.
            action: int64 (B,).
            z: standard normal noise (B, *noise_shape), already scaled by the temperature.
        """
        ...

    def recall(self, now: State, then: State) -> Tensor:
        """Re-renders the frame of state `then` from the memory of state `now` (the cycle loss, Sec. 3.4).

        The rendering engine's weights get no gradient. Returns (B, 3, H, W) in [0, 1].
        """
        ...

    def features(self, state: State) -> Tensor:
        """(B, feature_size)."""
        ...

    def internals(self, state: State) -> dict[str, Tensor]:
        """What the step to this state drew and remembers, for the x-ray view.

        Pictures are uint8 (B, H, W, 3), maps of shares or amounts float (B, h, w), S = slots a side:

        - "static" and "dynamic", pictures: each layer by itself.
        - "mask" (B, h, w) in [0, 1]: how much of each pixel the dynamic layer draws.
        - "static objects", "dynamic objects" (B, h, w) in [0, 1]: the object maps O.
        - "attention" (B, S, S): where the memory is read; it sums to 1.
        - "memory" (B, S, S): the mean size of what a slot holds, 0 where nothing was ever written.
        - "writes" (B, S, S): the mean size of what the step to this state added to each slot.
        - "z": the noise of the step. "hidden": h.
        """
        ...

    def with_memory(self, state: State, other: State) -> State:
        """`state` with the memory of `other`: another board under the same agent (Sec. 4, swapped layers)."""
        ...


class Judges(Protocol):
    """The three discriminators (Sec. 3.4). Logits are raw and large for what looks real."""

    def single(self, frames: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Frames (N, 3, H, W) -> (logits of each term, features to match)."""
        ...

    def action(self, before: Tensor, action: Tensor, after: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Two frames (N, 3, H, W) and the action int64 (N,) between them -> (logits, features)."""
        ...

    def recover(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor | None]:
        """Two frames (N, 3, H, W) -> (action logits (N, A), z if the engine has it as a vector)."""
        ...

    def temporal(self, frames: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """A clip (B, T, 3, H, W) -> (logits of its windows, features)."""
        ...
