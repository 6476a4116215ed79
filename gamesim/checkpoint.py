"""A learned engine on disk: a folder that is safe to share, and that is whole or not there.

===================== ==========================================================================
model.safetensors     the weights: float32 as training saves them, float16 once shipped (`ship`)
config.yaml           the config that built and trained them
starts.safetensors    real first frames to dream from: frames uint8 (N, F, H, W, 3), actions int64 (N, F-1)
metrics.json          the figures, as measured by ``main.py evaluate`` or by the last validation
README.md             a card: what it is, what it was trained on, and the figures
NAME.safetensors      weights that training alone needs, such as discriminators; optional (``train --init``)
manifest.json         version, and a seal of every file, checked at load
===================== ==========================================================================

Weights and starts are sealed to the byte. config.yaml and metrics.json are sealed by what they say, and on a
card anybody may write: Git, editors and people rewrite text.

Nothing in it is a pickle, so loading one runs none of its maker's code.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from gamesim import config as configs
from gamesim import locks, models, storage, text
from gamesim.config import parse
from gamesim.config.base import Config
from gamesim.devices import pick
from gamesim.errors import UserError
from gamesim.shipped import locate
from gamesim.storage import exists
from gamesim.text import one_line
from gamesim.threads import one_thread

KIND, VERSION = "gamesim-checkpoint", 1
MAX_SHIPPED_BYTES = 40 * 1024 * 1024
"""Of each file."""
_HALF_MAX = 65504.0
_MAX_CELL = 16_384
"""Characters of a card's cell: how a game was made, and what each of its actions means, take many."""
_REQUIRED = ("model.safetensors", "config.yaml", "starts.safetensors", "README.md")
_FIGURES = re.compile(r"\n## Figures\n\n?(?:(?:\|[^\n]*|Not measured yet\.)(?:\n|$))*")


MEANINGS: dict[str, storage.Meaning] = {
    "config.yaml": configs.meaning,
    "metrics.json": lambda data, source: text.canonical(_metrics(data, source)),
    "README.md": lambda data, source: b"",
}
"""What a checkpoint's texts say, for its seal."""
SEALED: Any = {"kind": KIND, "version": VERSION, "meanings": MEANINGS}
"""How `storage` writes and reads a checkpoint."""


@dataclass
class Starts:
    """Real beginnings to dream from.

    Attributes:
        frames: uint8 (N, F, H, W, 3).
        actions: int64 (N, F - 1), the action between each frame and the next.
    """

    frames: Tensor
    actions: Tensor

    def __post_init__(self) -> None:
        self.frames = torch.as_tensor(self.frames)
        self.actions = torch.as_tensor(self.actions)
        shape = tuple(self.frames.shape)
        if self.frames.dtype != torch.uint8 or len(shape) != 5 or shape[-1] != 3 or 0 in shape:
            raise ValueError(f"frames are uint8 (N, F, H, W, 3), not {self.frames.dtype} {shape}")
        if self.actions.dtype != torch.int64 or tuple(self.actions.shape) != (shape[0], shape[1] - 1):
            raise ValueError(
                f"actions are int64 {(shape[0], shape[1] - 1)}, "
                f"not {self.actions.dtype} {tuple(self.actions.shape)}"
            )


@dataclass
class Checkpoint:
    """What `load` found.

    Attributes:
        weights: The state dict, floats as float32, on the CPU.
        config: The config that built and trained it.
        starts: Real beginnings to dream from.
        metrics: The figures, empty when nobody has measured them.
        folder: Where it came from.
        card: The text of its README.md.
        extras: State dicts that training alone needs, by name, like `weights`; empty unless asked for.
    """

    weights: dict[str, Tensor]
    config: Config
    starts: Starts
    metrics: dict[str, Any] = field(default_factory=dict)
    folder: Path = Path()
    card: str = ""
    extras: dict[str, dict[str, Tensor]] = field(default_factory=dict)


def save(
    folder: str | Path,
    *,
    weights: Mapping[str, Tensor],
    config: Config,
    starts: Starts,
    card: Mapping[str, object],
    metrics: Mapping[str, Any] | None = None,
    extras: Mapping[str, Mapping[str, Tensor]] | None = None,
) -> None:
    """Write a checkpoint in full precision; one that is there already is replaced in a single step.

    Args:
        folder: Where it goes.
        weights: A state dict.
        config: The config that built the model.
        starts: Real beginnings to dream from.
        card: Plain facts for the card, in order: ``{"data": ..., "steps": ...}``.
        metrics: Figures; numbers, text, lists and nested mappings of them.
        extras: State dicts that training alone needs, by the name of the file that holds each.

    Raises:
        UserError: It cannot be written; what was there before still is.
    """
    storage.write_folder(
        Path(folder),
        {
            **{f"{name}.safetensors": _pack(part) for name, part in (extras or {}).items()},
            "model.safetensors": _pack(weights),
            "config.yaml": text.encode(config.dump()),
            "starts.safetensors": safetensors.torch.save(
                {"frames": starts.frames.cpu().contiguous(), "actions": starts.actions.cpu().contiguous()}
            ),
            "metrics.json": text.to_json(metrics or {}, indent=1),
            "README.md": text.encode(_facts(config, card) + _figures(metrics or {})),
        },
        **SEALED,
    )


def ship(folder: str | Path, out: str | Path, *, extras: bool = True) -> None:
    """Write a checkpoint again, as it is shared: floats as float16, which halves it, and its card says so.

    A weight that float16 cannot hold (beyond 65,504) keeps its tensor in full precision.

    Args:
        folder: The checkpoint, such as a run's ``best``.
        out: Where it goes: nothing yet, an empty folder, or a checkpoint, which is replaced.
        extras: Whether what training alone needs is shipped, too.

    Raises:
        UserError: The checkpoint is damaged, `out` holds something else, a file would be larger than 40 MiB,
            or it cannot be written.
    """
    folder, out = locate(folder), Path(out)
    if out.exists() and not exists(out) and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"{out}: already exists and is not a model, so it is not replaced")
    files = storage.read_folder(folder, required=_REQUIRED, **SEALED)
    for name in list(files):
        if _is_extra(name) and not extras:
            del files[name]
            continue
        if name.endswith(".safetensors") and name != "starts.safetensors":
            files[name] = _pack(unpack(files[name], folder / name), half=True)
        size, limit = len(files[name]), MAX_SHIPPED_BYTES
        if size > limit:
            found, most = (f"{each / 2**20:.0f} MiB" for each in (size, limit))
            raise UserError(f"{folder / name}: {found}, more than the {most} of a shipped file")
    facts, figures = _parts(text.decode(files["README.md"], "replace"))
    row = "| weights | float16 |\n"
    facts = facts if row in facts else facts.rstrip("\n") + "\n" + row
    files["README.md"] = text.encode(facts + figures)
    storage.write_folder(out, files, **SEALED)


def load(folder: str | Path, *, extras: bool = False) -> Checkpoint:
    """Read a checkpoint, checking the seal of every file.

    Args:
        folder: Where it is, or the name of a shipped one.
        extras: Read what training alone needs, too.

    Raises:
        UserError: Which file is missing, damaged or not what it should be.
    """
    folder = locate(folder)
    files = storage.read_folder(folder, required=_REQUIRED, **SEALED)
    config = parse(files["config.yaml"], str(folder / "config.yaml"))
    weights = _weights(files["model.safetensors"], folder / "model.safetensors")
    starts = unpack(files["starts.safetensors"], folder / "starts.safetensors")
    try:
        beginnings = Starts(starts["frames"], starts["actions"])
    except (KeyError, ValueError) as error:
        raise UserError(f"{folder}: not a usable model: {one_line(error)}") from None
    metrics = _metrics(files.get("metrics.json", b"{}"), str(folder / "metrics.json"))
    card = text.decode(files["README.md"], "replace")
    parts = {
        name.removesuffix(".safetensors"): _weights(data, folder / name)
        for name, data in files.items()
        if extras and _is_extra(name)
    }
    return Checkpoint(weights, config, beginnings, metrics, folder, card, parts)


@one_thread()
def load_model(folder: str | Path, device: str | torch.device = "cpu") -> tuple[Any, Checkpoint]:
    """Build the engine of a checkpoint with its weights, ready to dream.

    Returns:
        The model (a `gamesim.models.WorldModel` and an ``nn.Module``, in eval mode, without gradients)
        and the checkpoint it came from.

    Raises:
        UserError: The checkpoint is damaged, its weights do not fit its config, or there is no such device.
    """
    place = pick(device)
    checkpoint = load(folder)
    model: nn.Module = models.build(checkpoint.config)
    try:
        model.load_state_dict(checkpoint.weights, strict=True)
    except RuntimeError as error:
        file, why = checkpoint.folder / "model.safetensors", str(error).partition(":")[2] or str(error)
        raise UserError(f"{file}: its weights do not fit its config: {one_line(why, 160)}") from None
    return model.to(place).eval().requires_grad_(False), checkpoint


def fits(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], source: str | Path) -> None:
    """Complain about the first weight that differs in name or shape from what a module wants.

    Args:
        found: A state dict.
        wanted: Another one, such as that of a module on the meta device.
        source: Where `found` comes from, for the error.

    Raises:
        UserError: Which weight, and both shapes.
    """
    for key in [*wanted, *found]:
        there, here = (tuple(each[key].shape) if key in each else None for each in (found, wanted))
        if there != here:
            raise UserError(
                f"{source}: does not fit this model: {key} is {_shape(there)} there, {_shape(here)} here"
            )


def update_metrics(
    folder: str | Path,
    metrics: Mapping[str, Any],
    *,
    of: str | None = None,
    kept: Collection[str] | None = (),
) -> None:
    """Replace a checkpoint's figures, in metrics.json and on its card, in a single step.

    Args:
        folder: The checkpoint.
        metrics: Its figures.
        of: The `fingerprint` of the weights that they were measured of; None: not compared.
        kept: Names of earlier figures that stay; None: all that are not measured anew.

    Raises:
        UserError: The checkpoint is damaged, its weights are others by now, or it cannot be written.
    """
    shown, folder = folder, locate(folder)
    with locks.alone(folder):  # what others write between the two would be lost
        files = storage.read_folder(folder, required=_REQUIRED, **SEALED)
        if of not in (None, _fingerprint(files)):
            raise UserError(f"{shown}: has new weights since it was measured, so its card stays as it is")
        before = _metrics(files.get("metrics.json", b"{}"), str(folder / "metrics.json"))
        metrics = {k: each for k, each in before.items() if kept is None or k in kept} | dict(metrics)
        facts, figures = _parts(text.decode(files["README.md"], "replace"))
        notes = _FIGURES.sub("", figures, count=1)
        files["metrics.json"] = text.to_json(metrics, indent=1)
        files["README.md"] = text.encode(facts.rstrip("\n") + "\n" + _figures(metrics) + notes)
        storage.write_folder(folder, files, held=True, **SEALED)


def fingerprint(folder: str | Path) -> str:
    """What tells a checkpoint's weights from all others.

    Raises:
        UserError: It is damaged, or not there.
    """
    return _fingerprint(storage.read_folder(locate(folder), required=_REQUIRED, **SEALED))


def find(root: str | Path) -> list[Path]:
    """Return the checkpoints (damaged or not) that are folders in `root`, sorted by name."""
    root = Path(root)
    try:
        names = sorted(path.name for path in root.iterdir() if path.is_dir() and path.name[:1] != ".")
    except OSError:
        return []
    parts = ("model.safetensors", "config.yaml")  # a run's resume/ has a manifest, too
    found = (root / name for name in names)
    return [path for path in found if exists(path) and any((path / part).exists() for part in parts)]


def unpack(data: bytes, source: Path) -> dict[str, Tensor]:
    """Read safetensors out of memory; `source` is for the error.

    Raises:
        UserError: Not safetensors.
    """
    try:
        return safetensors.torch.load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise UserError(f"{source}: not a safetensors file: {one_line(error, 120)}") from None


def _is_extra(name: str) -> bool:
    return name.endswith(".safetensors") and name not in _REQUIRED


def _shape(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else "x".join(map(str, shape)) or "a number"


def _weights(data: bytes, source: Path) -> dict[str, Tensor]:
    """A state dict, floats as float32; NaN in it would be trained on and measured without a word."""
    weights = {k: v.float() if v.is_floating_point() else v for k, v in unpack(data, source).items()}
    for name, weight in weights.items():
        if not bool(torch.isfinite(weight).all()):
            raise UserError(f"{source}: {name} holds NaN or infinity")
    return weights


def _pack(weights: Mapping[str, Tensor], half: bool = False) -> bytes:
    # Clones: tied weights share memory, which safetensors refuses.
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in weights.items()}
    for name, tensor in tensors.items() if half else ():
        if tensor.is_floating_point() and tensor.numel() and float(tensor.abs().max()) <= _HALF_MAX:
            tensors[name] = tensor.half()
    return safetensors.torch.save(tensors)


def _metrics(data: bytes, source: str) -> dict[str, Any]:
    try:
        metrics = text.from_json(data)
    except ValueError as error:
        raise UserError(f"{source}: damaged: not JSON: {one_line(error, 120)}") from None
    if not isinstance(metrics, dict):
        raise UserError(f"{source}: damaged: holds no figures")
    return metrics


# ---------------------------------------------------------------------------------- the card


def _facts(config: Config, card: Mapping[str, object]) -> str:
    rows = "\n".join(f"| {_cell(key)} | {_cell(fact)} |" for key, fact in card.items())
    return (
        f"# {config.name}\n\n"
        f"A model of a game, learned from {config.learned_from} (system: {config.system}).\n"
        f"It was trained by {config.trained_by}.\n"
        "Play it with `python main.py play PATH_OF_THIS_FOLDER`, or from Python:\n\n"
        "```python\n"
        "import gymnasium as gym, gamesim\n"
        'dream = gym.make("gamesim/Dream-v0", checkpoint="PATH_OF_THIS_FOLDER", temperature=1.0)\n'
        "```\n\n"
        "| | |\n|---|---|\n"
        f"| preset | {_cell(config.name)} |\n"
        f"| learned from | {_cell(config.learned_from)} |\n"
        f"{rows}\n"
    )


def _figures(metrics: Mapping[str, Any]) -> str:
    rows = [f"| {_cell(key)} | {_cell(_number(item))} |" for key, item in text.flat(text.plain(metrics))]
    table = "\n".join(["| figure | value |", "|---|---|", *rows]) if rows else "Not measured yet."
    return f"\n## Figures\n\n{table}\n"


def _fingerprint(files: Mapping[str, bytes]) -> str:
    return hashlib.sha256(files["model.safetensors"]).hexdigest()


def _parts(card: str) -> tuple[str, str]:
    """What stands before the figures, and the figures with whatever somebody wrote below them."""
    found = _FIGURES.search(card)
    return (card, "") if found is None else (card[: found.start()], card[found.start() :])


def _number(item: object) -> str:
    return f"{item:.4g}" if isinstance(item, float) else str(item)


def _cell(item: object) -> str:
    """What stands in a table, and is read back: as long as it is, and with all of its spaces."""
    return text.printable(str(item))[:_MAX_CELL].replace("|", "\\|")
