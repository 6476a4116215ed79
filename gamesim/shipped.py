"""What comes with gamesim (models, pictures, sounds), wherever it is installed and wherever one stands."""

import os
from pathlib import Path

from gamesim import storage
from gamesim.errors import UserError
from gamesim.text import one_line

_PACKAGE = Path(__file__).resolve().parent
MODELS = "checkpoints"


def folder(name: str) -> Path:
    """Return the folder of that name: inside the package where it is installed, beside it in a checkout."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def model_folders(place: Path = Path()) -> list[Path]:
    """Return the folders of models: the shipped one, and the place's ./checkpoints where that is another."""
    ours, here = folder(MODELS), (place / MODELS).absolute()
    return [ours, here] if here.is_dir() and here.resolve() != ours.resolve() else [ours]


def locate(model: str | Path) -> Path:
    """Return the folder of a model: the one that is there, or the shipped one of that name.

    Args:
        model: A folder, or a name such as ``tilemap-pacman``; ``checkpoints/tilemap-pacman`` is found from
            anywhere, too.

    Returns:
        The folder; `model` itself where there is no such model, for whoever reads it to say so.

    Raises:
        UserError: It is no path at all, such as what a variable held.
    """
    if not isinstance(model, str | Path):
        raise UserError(f"checkpoint must be the folder of a model, not {one_line(repr(model), 80)}")
    path = Path(os.path.expanduser(model))  # no shell does that in checkpoint=~/mine, or in a YAML file
    named = path.parts in ((path.name,), (MODELS, path.name))
    if named and not storage.exists(path) and storage.exists(shipped := folder(MODELS) / path.name):
        return shipped
    return path
