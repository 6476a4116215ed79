"""What a dream needs before it can begin: a device, an engine on it, and real frames to begin from."""

from __future__ import annotations

from pathlib import Path

import torch

from gamesim import checkpoint as checkpoints
from gamesim.checkpoint import Starts
from gamesim.errors import UserError
from gamesim.models import WorldModel

Source = str | Path | tuple[WorldModel, Starts]
"""The folder of a checkpoint, or an engine in eval mode and real beginnings for it."""


def usable_device(name: str | torch.device) -> torch.device:
    """The device of that name.

    Raises:
        UserError: There is none here, or nothing is called that.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except Exception as error:  # torch raises RuntimeError, AssertionError or NotImplementedError here
        raise UserError(f"device {name}: {str(error).splitlines()[0]}") from error
    return device


def wake(source: Source, device: torch.device) -> tuple[WorldModel, Starts]:
    """The engine and its beginnings.

    Raises:
        UserError: A checkpoint is damaged, or the beginnings do not fit the engine.
    """
    if isinstance(source, tuple):
        model, starts = source
    else:
        model, loaded = checkpoints.load_model(source, device)
        starts = loaded.starts
    if tuple(starts.frames.shape[2:]) != tuple(model.frame_shape):
        raise UserError(f"{source}: its first frames are not of the engine's size {model.frame_shape}")
    if (
        starts.actions.numel()
        and not 0 <= int(starts.actions.min()) <= int(starts.actions.max()) < model.num_actions
    ):
        raise UserError(f"{source}: its first frames come with actions that the engine does not know")
    return model, starts
