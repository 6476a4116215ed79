"""What is trained: a task, which the loop takes a step at a time, and what its checkpoints say and hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from torch import Tensor, nn

from gamesim import checkpoint


class Task(Protocol):
    """Something that is trained, step by step.

    `sheet` and `validate` must leave the task's own generators as they found them (the global ones are put
    back by the loop), so that a run does not depend on when it happened to draw a sample.

    Attributes:
        model: What is shipped.
        frames_per_step: Frames of play that the next step of one process learns from; may change over a run.
        score_key: The key of `validate` that decides which checkpoint is best; lower is better. None: no
            figure does, and only the newest is kept.
    """

    model: nn.Module

    @property
    def score_key(self) -> str | None: ...

    @property
    def frames_per_step(self) -> int: ...

    def step(self) -> Mapping[str, Tensor]:
        """Take one optimiser step of everything; return 0-d tensors, still on the device."""
        ...

    def extras(self) -> Mapping[str, Mapping[str, Tensor]]:
        """Return state dicts that training alone needs, by name; checkpoints hold them for ``--init``."""
        ...

    def sheet(self) -> np.ndarray:
        """Return a picture, uint8 (H, W, 3): real above, dreamt below, under the same keys."""
        ...

    def validate(self) -> Mapping[str, float]:
        """Return figures on episodes that are held out."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return what a bit-exact resume needs: nested dicts and lists of tensors, numbers, strings.

        "generator" is the state of the stream that this process draws from; all else is alike in all of them.
        """
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, with tensors on the CPU."""
        ...


@dataclass
class Training:
    """A task on its device, ready for the loop.

    Attributes:
        task: What is trained.
        starts: Real beginnings that checkpoints are shipped with.
        facts: What their card says about the data, in order.
    """

    task: Task
    starts: checkpoint.Starts
    facts: Mapping[str, object] = field(default_factory=dict)
